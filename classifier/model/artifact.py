"""A model as plain data: read, check, refuse.

A model file is JSON. Nothing in it is executed; every number, size and name is
checked before it is used, and a file that does not fit is refused whole, with
what is wrong and what to do.
"""

from __future__ import annotations

import math

from classifier.dataclass import dataclass
from classifier.errors import ModelError
from classifier.model.features import NAMES
from classifier.model.words import BUCKETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: The format of the file; a greater one is from a newer program.
FORMAT = 1
#: A file larger than this is no model of ours.
MAX_BYTES = 4 << 20
#: Steps of one feature, at most; training makes fewer.
_MAX_STEPS = 512
#: No single number of a model is larger: log-odds beyond say nothing more.
_LIMIT = 1e4
#: Only models that their users trained have these.
_SHIPPED = ("shipped", "shipped_configured")
_REMEDY = "train a new one (backscatter train), or remove the file to use the default model"


@dataclass(frozen=True)
class Curve:
    """What one feature adds to the log-odds of forged: a step function.

    Attributes:
        thresholds: ascending; the step between i-1 and i holds for values
            above ``thresholds[i-1]`` and up to ``thresholds[i]``.
        values: one more than thresholds.
        missing: what a missing value adds.

    """

    thresholds: tuple[float, ...]
    values: tuple[float, ...]
    missing: float


@dataclass(frozen=True)
class Promise:
    """What is known of the scores of genuine reports that no fit has seen.

    Attributes:
        genuine: of how many reports, one from each group of near-identical ones.
        highest: their highest log-odds, descending.

    """

    genuine: int
    highest: tuple[float, ...]


#: Where no genuine report was held out.
NO_PROMISE = Promise(0, ())


@dataclass(frozen=True)
class Model:
    """An additive model.

    Attributes:
        name: what verdicts call it.
        intercept: added to all, log-odds.
        curves: one for each of the declared features, in order.
        words: the weight of each bucket of the words.
        words_intercept: added to the words' score.
        scale: log-odds are ``scale * sum + shift``: the calibration.
        shift: see scale.
        promise: what the threshold rests on.
        promise_configured: the same of reports about configured identities alone.
        card: what it was made of and how good it is; for people.
        shipped: of a model that was trained by its user, what the default model's threshold
            rested on: that threshold is kept as long as the model's own promise cannot be made.
        shipped_configured: the same of reports about configured identities alone.

    """

    name: str
    intercept: float
    curves: tuple[Curve, ...]
    words: tuple[float, ...]
    words_intercept: float
    scale: float
    shift: float
    promise: Promise
    promise_configured: Promise
    card: Mapping[str, Any]
    shipped: Promise = NO_PROMISE
    shipped_configured: Promise = NO_PROMISE


def from_bytes(data: bytes, where: str) -> Model:
    """Read a model.

    Args:
        data: the file's bytes.
        where: its name, for errors.

    Raises:
        ModelError: it is no model that this program can use.

    """
    import json  # noqa: PLC0415 - with a model only

    if len(data) > MAX_BYTES:
        raise _refused("too large", where)
    try:
        raw = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _refused(f"not a model file, or cut off ({type(error).__name__})", where) from None
    if not isinstance(raw, dict) or raw.get("kind") != "backscatter-model":
        raise _refused("not a model file", where)
    if raw.get("format") != FORMAT or raw["format"] is True:
        raise _refused(f"format {str(raw.get('format'))[:20]}; this program reads {FORMAT}", where)
    if raw.get("features") != list(NAMES):
        raise _refused("made for another list of features", where)
    reader = _Reader(raw, where)
    curves = raw.get("curves")
    if not isinstance(curves, list) or len(curves) != len(NAMES):
        raise _refused("wrong number of curves", where)
    name, card = raw.get("name"), raw.get("card")
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= 80
        or not name.isprintable()
        or not isinstance(card, dict)
    ):
        raise _refused("no name or no card", where)
    scale = reader.number("scale")
    if scale <= 0:
        raise _refused("a calibration that turns verdicts round", where)
    return Model(
        name=name,
        intercept=reader.number("intercept"),
        curves=tuple(reader.curve(curve) for curve in curves),
        words=reader.numbers(raw.get("words"), BUCKETS, "words"),
        words_intercept=reader.number("words_intercept"),
        scale=scale,
        shift=reader.number("shift"),
        promise=reader.promise("promise"),
        promise_configured=reader.promise("promise_configured"),
        card=card,
        **{name: reader.promise(name) for name in _SHIPPED if name in raw},
    )


def to_bytes(model: Model) -> bytes:
    """Write a model; the same model gives the same bytes."""
    import json  # noqa: PLC0415 - in training only

    raw = {
        "kind": "backscatter-model",
        "format": FORMAT,
        "name": model.name,
        "features": list(NAMES),
        "intercept": model.intercept,
        "curves": [
            {"thresholds": list(c.thresholds), "values": list(c.values), "missing": c.missing}
            for c in model.curves
        ],
        "words_intercept": model.words_intercept,
        "scale": model.scale,
        "shift": model.shift,
        "promise": _promise(model.promise),
        "promise_configured": _promise(model.promise_configured),
        "card": model.card,
        **{name: _promise(found) for name in _SHIPPED if (found := getattr(model, name)) != NO_PROMISE},
        "words": list(model.words),
    }
    return (json.dumps(raw, ensure_ascii=True, allow_nan=False, indent=1, sort_keys=False) + "\n").encode()


def _promise(promise: Promise) -> dict[str, Any]:
    return {"genuine": promise.genuine, "highest": list(promise.highest)}


def _no_constant(text: str) -> float:
    raise ValueError(text)


def _refused(what: str, where: str) -> ModelError:
    return ModelError(f"model refused: {what}", where=where, remedy=_REMEDY)


class _Reader:
    """Takes checked numbers out of what JSON gave."""

    def __init__(self, raw: Mapping[str, Any], where: str) -> None:
        self._raw = raw
        self._where = where

    def number(self, key: str) -> float:
        return self._checked(self._raw.get(key), key)

    def numbers(self, values: object, size: int | None, what: str) -> tuple[float, ...]:
        if (
            not isinstance(values, list)
            or (size is not None and len(values) != size)
            or len(values) > BUCKETS
        ):
            raise _refused(f"{what}: wrong size", self._where)
        # One pass over thousands of numbers, at the speed of the interpreter's own loops.
        if not all(map(_is_number, values)) or (
            values and not (max(values) <= _LIMIT and min(values) >= -_LIMIT)
        ):
            raise _refused(f"{what}: not a list of numbers within bounds", self._where)
        return tuple(map(float, values))

    def promise(self, name: str) -> Promise:
        raw = self._raw.get(name)
        if not isinstance(raw, dict):
            raise _refused(f"no {name}", self._where)
        highest, genuine = self.numbers(raw.get("highest"), None, name), raw.get("genuine")
        if not isinstance(genuine, int) or isinstance(genuine, bool) or genuine < len(highest):
            raise _refused(f"{name} counts fewer reports than it lists", self._where)
        if list(highest) != sorted(highest, reverse=True):
            raise _refused(f"{name} is out of order", self._where)
        return Promise(genuine, highest)

    def curve(self, raw: object) -> Curve:
        if not isinstance(raw, dict):
            raise _refused("curves: not a table", self._where)
        thresholds = self.numbers(raw.get("thresholds"), None, "curves")
        if len(thresholds) > _MAX_STEPS or list(thresholds) != sorted(set(thresholds)):
            raise _refused("curves: thresholds out of order", self._where)
        values = self.numbers(raw.get("values"), len(thresholds) + 1, "curves")
        return Curve(thresholds, values, self._checked(raw.get("missing"), "curves"))

    def _checked(self, value: object, what: str) -> float:
        if (
            not _is_number(value)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or abs(value) > _LIMIT
        ):
            raise _refused(f"{what}: not a number within bounds", self._where)
        return float(value)


def _is_number(value: object) -> bool:
    return type(value) is float or type(value) is int

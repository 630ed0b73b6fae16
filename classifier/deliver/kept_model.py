"""The model's numbers as they were read the last time: parsing and checking its file costs a filter 7 ms.

They are believed as long as the file has not changed at all, and only by the
program that knows the same features; see :mod:`classifier.deliver.kept`.
"""

from __future__ import annotations

from classifier.deliver import kept
from classifier.digest import blake2b
from classifier.model.artifact import FORMAT, Curve, Model, Promise
from classifier.model.features import NAMES
from classifier.model.files import read, state_of


def read_kept(path: str) -> Model:
    """Return the model at *path*, without its card; as it was kept, where it was.

    Raises:
        InputError: it cannot be read.
        ModelError: it is no model that this program can use.

    """
    name = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    place, state = kept.place(f"model.{name}"), state_of(path)
    found = kept.read(place) if place and state else None
    if type(found) is tuple and len(found) == 3 and found[:2] == (state, _KNOWN):
        try:
            return _model(found[2])
        except (TypeError, ValueError):
            pass  # not as it was written; the file itself tells
    model = read(path)
    # Not where it was replaced meanwhile.
    if place and state and state == state_of(path):
        kept.write(place, (state, _KNOWN, _plain(model)))
    return model


_KNOWN = (FORMAT, *NAMES)


def _plain(model: Model) -> tuple[object, ...]:
    return (
        model.name,
        model.intercept,
        tuple((c.thresholds, c.values, c.missing) for c in model.curves),
        model.words,
        model.words_intercept,
        model.scale,
        model.shift,
        *[
            (promise.genuine, promise.highest)
            for promise in (model.promise, model.promise_configured, model.shipped, model.shipped_configured)
        ],
    )


def _model(plain: tuple) -> Model:  # type: ignore[type-arg] # as it was written
    name, intercept, curves, words, words_intercept, scale, shift, *promises = plain
    promise, configured, shipped, shipped_configured = (Promise(*each) for each in promises)
    return Model(
        name=name,
        intercept=intercept,
        curves=tuple(Curve(*curve) for curve in curves),
        words=words,
        words_intercept=words_intercept,
        scale=scale,
        shift=shift,
        promise=promise,
        promise_configured=configured,
        card={},
        shipped=shipped,
        shipped_configured=shipped_configured,
    )

"""The model's numbers as they were read the last time: parsing and checking its file costs a filter 7 ms.

They are believed as long as the file has not changed at all, and only by the
program that knows the same features; see :mod:`classifier.deliver.kept`.
"""

from __future__ import annotations

import os

from classifier.deliver import kept
from classifier.digest import blake2b
from classifier.model.artifact import FORMAT, Curve, Model, Promise
from classifier.model.features import NAMES
from classifier.model.files import read


def read_kept(path: str) -> Model:
    """Return the model at *path*, without its card; as it was kept, where it was.

    Raises:
        InputError: it cannot be read.
        ModelError: it is no model that this program can use.

    """
    name = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    place, state = kept.place(f"model.{name}"), _state(path)
    found = kept.read(place) if place and state else None
    if type(found) is tuple and len(found) == 3 and found[:2] == (state, _KNOWN):
        try:
            return _model(found[2])
        except (TypeError, ValueError):
            pass  # not as it was written; the file itself tells
    model = read(path)
    # Not where it was replaced meanwhile.
    if place and state and state == _state(path):
        kept.write(place, (state, _KNOWN, _plain(model)))
    return model


_KNOWN = (FORMAT, *NAMES)


def _state(path: str) -> tuple[int, ...] | None:
    """Return what no change of a file leaves as it was; the time of the inode's change cannot be set."""
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib costs 5 ms
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


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

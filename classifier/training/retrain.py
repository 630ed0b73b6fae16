"""Retrain on the user's own labelled mail, and say whether that is better. Nothing is written here.

Few people have labels by the thousand. So the generated reports that the
default model was fitted on come in beside theirs: what their mail does not
show is not forgotten. A part of their reports is held out; the candidate and
the model in use are compared on it, and on nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import InputError
from classifier.judge import FORGED_FROM
from classifier.model.artifact import NO_PROMISE
from classifier.model.features import WORDS
from classifier.model.promise import needed, promise_for, threshold
from classifier.model.score import score, words_score
from classifier.training import fitting
from classifier.training.examples import Examples, together
from classifier.training.folds import cross_validate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.artifact import Model, Promise

#: Fewer reports of either label than this teach nothing that can be checked.
LEAST = 10
#: Every so many groups of near-identical reports one is held out.
_HELD_EVERY = 3
#: The user's reports weigh so many times a generated one, at most, and together no more than all of those.
_OWN_WEIGHT = 10.0
#: Log-odds of the threshold where nothing can be promised.
SHIPPED = math.log(FORGED_FROM / (1 - FORGED_FROM))


@dataclass(frozen=True)
class Figures:
    """How a model does on the held-out reports.

    Attributes:
        log_loss: at a prior of one half; less is better.
        forged: how many forged ones there are.
        forged_moved: how many of them it quarantines.
        genuine: how many genuine ones there are.
        genuine_moved: how many of them it quarantines.

    """

    log_loss: float
    forged: int
    forged_moved: int
    genuine: int
    genuine_moved: int


@dataclass(frozen=True)
class Outcome:
    """What retraining came to.

    Attributes:
        model: the candidate.
        before: the figures of the model in use; None where there is none.
        after: the figures of the candidate.
        cross_validated: the candidate's log loss on reports of groups that it did not see.
        better: True where the candidate is to take the other's place.
        promised: True where the candidate's threshold carries a promise.
        missing: how many more genuine reports a promise takes.

    """

    model: Model
    before: Figures | None
    after: Figures
    cross_validated: float
    better: bool
    promised: bool
    missing: int


def scores(model: Model, examples: Examples) -> NDArray[np.float64]:
    """Return the log-odds that the judge compares with its thresholds."""
    found = []
    for values, buckets in zip(examples.values, examples.buckets, strict=True):
        row = [float(v) for v in values]
        row[WORDS] = words_score(model, buckets)
        found.append(score(model, row)[0])
    return fitting.final(np.array(found), examples)


def measured(
    log_odds: NDArray[np.float64], examples: Examples, limit: float | NDArray[np.float64]
) -> Figures:
    """Count what a threshold of *limit* log-odds moves, one for all or one for each."""
    moved = log_odds >= limit
    forged = examples.labels == 1
    return Figures(
        fitting.log_loss(log_odds, examples.labels),
        int(forged.sum()),
        int((moved & forged).sum()),
        int((~forged).sum()),
        int((moved & ~forged).sum()),
    )


def limit_of(promise: Promise, loss: float, *, configured: bool) -> float:
    """Return the threshold of a model with this promise."""
    found = threshold(promise, loss, configured=configured)
    return SHIPPED if found is None else found


def check(own: Examples) -> None:
    """Refuse what cannot be learnt from.

    Raises:
        InputError: a label is missing, or there are too few.

    """
    forged = int(own.labels.sum()) if len(own) else 0
    genuine = len(own) - forged
    if min(forged, genuine) >= LEAST and len(np.unique(own.twins)) >= 2 * LEAST:
        return
    missing = "forged" if not forged else "genuine" if not genuine else ""
    what = (
        f"no {missing} reports to learn from"
        if missing
        else f"too few different reports: {forged} forged, {genuine} genuine"
    )
    raise InputError(what, remedy=f"give at least {LEAST} different ones of each; nothing was changed")


def retrain(
    own: Examples,
    background: Examples,
    current: Model | None,
    *,
    name: str,
    loss: float,
    card: dict[str, Any],
    configured: bool = True,
    jobs: int | None = None,
) -> Outcome:
    """Fit on the user's reports and the generated ones; compare on a part that neither saw.

    Args:
        own: the user's labelled reports.
        background: generated ones.
        current: the model in use.
        name: of the candidate.
        loss: ``max_genuine_loss``.
        card: what is to be told of the training.
        configured: whether the user said who is protected.
        jobs: processes; None for one a processor.

    Raises:
        InputError: see :func:`check`.
        TemporaryError: see :func:`cross_validate`.

    """
    check(own)
    held_out = _held_out(own)
    held, kept = own.take(np.flatnonzero(held_out)), own.take(np.flatnonzero(~held_out))
    each = min(_OWN_WEIGHT, max(1.0, len(background) / max(1, len(kept))))
    kept = replace(kept, weights=np.full(len(kept), each))
    learnt = together(kept, background)
    raw = cross_validate(learnt, fitting.Settings(), jobs=jobs)
    mine = np.arange(len(kept))
    pipeline = fitting.calibrate_on(fitting.fit(learnt, fitting.Settings()), raw, learnt)
    model = fitting.export(pipeline, name, NO_PROMISE, card)
    model = fitting.centred(model, learnt)
    candidate_scores = scores(model, held)
    promise = fitting.promise_of(candidate_scores, held)
    model = replace(model, promise=promise)
    after = measured(candidate_scores, held, limit_of(promise, loss, configured=configured))
    before = None
    if current is not None:
        before = measured(
            scores(current, held),
            held,
            limit_of(promise_for(current, loss, configured=configured), loss, configured=configured),
        )
    calibrated = fitting.final(pipeline.scale * raw[mine] + pipeline.shift, kept)
    return Outcome(
        model=model,
        before=before,
        after=after,
        cross_validated=fitting.log_loss(calibrated, kept.labels),
        better=before is None or better(after, before),
        promised=threshold(promise, loss, configured=configured) is not None,
        missing=max(0, needed(loss) - promise.genuine),
    )


def better(after: Figures, before: Figures) -> bool:
    """Say whether a candidate is better: it may not lose more genuine reports, whatever else it gains."""
    if after.genuine_moved != before.genuine_moved:
        return after.genuine_moved < before.genuine_moved
    return after.log_loss < before.log_loss


def _held_out(own: Examples) -> NDArray[np.bool_]:
    """Choose every third group of near-identical reports, of each label by itself, in the order given."""
    held = np.zeros(len(own), dtype=bool)
    for label in (0, 1):
        here = np.flatnonzero(own.labels == label)
        _, first = np.unique(own.twins[here], return_index=True)
        order = own.twins[here][np.sort(first)]
        chosen = set(order[::_HELD_EVERY].tolist())
        held[here] = [int(twin) in chosen for twin in own.twins[here]]
    # A group of both labels is held out whole or not at all.
    both = set(own.twins[held].tolist())
    return np.array([int(twin) in both for twin in own.twins], dtype=bool)

"""Retrain on the user's own labelled mail, and say whether that is better. Nothing is written here.

Few people have labels by the thousand. So the generated reports that the
default model was fitted on come in beside theirs: what their mail does not
show is not forgotten. A part of their reports is held out; the candidate and
the model in use are compared on it. The fewer there are, the more of the default
model stays in what is fitted to them. What the candidate gains there it may not
pay for elsewhere: on generated reports of other domains, too, it may lose no
more genuine ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import roc_auc_score

from classifier.errors import InputError
from classifier.model.artifact import NO_PROMISE
from classifier.model.features import WORDS
from classifier.model.promise import needed, threshold
from classifier.model.score import score, words_score
from classifier.runtime import policy_of
from classifier.training import fitting
from classifier.training.examples import MADE, Examples, together
from classifier.training.folds import cross_validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.artifact import Model, Promise
    from classifier.settings import PolicySettings

#: Fewer reports of either label than this teach nothing that can be checked.
LEAST = 10
#: Of so many groups of near-identical reports one is held out.
_HELD_EVERY = 3
#: The user's reports weigh so many times a generated one, at most, and together no more than all of those.
_OWN_WEIGHT = 10.0
#: As many different reports of the user's weigh as much as the default model does.
_EQUAL = 100
#: Reports that were made about the user's mail are all of one kind, so they never weigh more than this share.
_MADE_SHARE = 0.25
#: The model in use orders right labels far better than chance; below this share of the pairs they look exchanged.
_EXCHANGED = 0.25


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
        elsewhere_before: the same of the model in use on generated reports of other domains.
        elsewhere_after: the same of the candidate there.
        cross_validated: the candidate's log loss on reports of groups that it did not see.
        better: True where the candidate is to take the other's place.
        exchanged: True where the labels look as if genuine were called forged, and forged genuine.
        promised: True where the candidate's threshold carries a promise.
        missing: how many more genuine reports a promise takes.

    """

    model: Model
    before: Figures | None
    after: Figures
    elsewhere_before: Figures | None
    elsewhere_after: Figures
    cross_validated: float
    better: bool
    exchanged: bool
    promised: bool
    missing: int


def scores(model: Model, examples: Examples) -> NDArray[np.float64]:
    """Return the log-odds that the judge compares with its thresholds."""
    return fitting.final(_log_odds(model, examples), examples)


def _log_odds(model: Model, examples: Examples) -> NDArray[np.float64]:
    found = []
    for values, buckets in zip(examples.values, examples.buckets, strict=True):
        row = [float(v) for v in values]
        row[WORDS] = words_score(model, buckets)
        found.append(score(model, row)[0])
    return np.array(found)


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
    what = f"too few different reports: {forged} forged, {genuine} genuine"
    if missing:
        what = f"no {missing} reports to learn from"
    elif min(forged, genuine) >= LEAST:
        what += f", of which many are near-identical: {len(np.unique(own.twins))} different ones in all"
    raise InputError(what, remedy=f"give at least {LEAST} different ones of each; nothing was changed")


def retrain(
    own: Examples,
    keys: Sequence[bytes],
    background: Examples,
    elsewhere: Examples,
    current: Model | None,
    *,
    shipped: Model | None,
    name: str,
    policy: PolicySettings,
    card: dict[str, Any],
    configured: bool = True,
    jobs: int | None = None,
) -> Outcome:
    """Fit on the user's reports and the generated ones; compare on a part that neither saw.

    Args:
        own: the user's labelled reports.
        keys: of each, a digest of its message.
        background: generated ones.
        elsewhere: other generated ones, of other domains, that no model has seen.
        current: the model in use.
        shipped: the default model, whose threshold is kept where nothing can be promised.
        name: of the candidate.
        policy: what the user wants of verdicts.
        card: what is to be told of the training.
        configured: whether the user said who is protected.
        jobs: processes; None for one a processor.

    Raises:
        InputError: see :func:`check`.
        TemporaryError: see :func:`cross_validate`.

    """
    check(own)
    held_out = _held_out(own, keys)
    held, kept = own.take(np.flatnonzero(held_out)), own.take(np.flatnonzero(~held_out))
    each = min(_OWN_WEIGHT, max(1.0, len(background) / max(1, len(kept))))
    kept = replace(kept, weights=np.where(_made(kept), 1.0, each))
    learnt = together(kept, background)
    raw = cross_validate(learnt, fitting.Settings(), jobs=jobs)
    mine = np.arange(len(kept))
    pipeline = fitting.calibrate_on(fitting.fit(learnt, fitting.Settings()), raw, learnt)
    model = fitting.export(pipeline, name, NO_PROMISE, card)
    calibrated = pipeline.scale * raw[mine] + pipeline.shift
    if shipped is not None:
        share = _share(kept)
        model = fitting.blended(shipped, model, share)
        model = replace(model, shipped=shipped.promise, shipped_configured=shipped.promise_configured)
        calibrated = (1 - share) * _log_odds(shipped, kept) + share * calibrated
    model = fitting.centred(model, learnt)
    promise = _promise(model, held)
    model = replace(model, promise=promise)
    mine_known = np.full(len(held), configured)
    theirs_known = np.array([note[2] == "configured" for note in elsewhere.notes])
    pairs = [(held, mine_known), (elsewhere, theirs_known)]
    after, elsewhere_after = (_judged(model, part, known, policy) for part, known in pairs)
    before = elsewhere_before = None
    exchanged = False
    if current is not None:
        before, elsewhere_before = (_judged(current, part, known, policy) for part, known in pairs)
        exchanged = _exchanged(current, own)
    return Outcome(
        model=model,
        before=before,
        after=after,
        elsewhere_before=elsewhere_before,
        elsewhere_after=elsewhere_after,
        cross_validated=fitting.log_loss(fitting.final(calibrated, kept), kept.labels),
        better=(before is None or better(after, before))
        and (elsewhere_before is None or elsewhere_after.genuine_moved <= elsewhere_before.genuine_moved)
        and not exchanged,
        exchanged=exchanged,
        promised=threshold(promise, policy.max_genuine_loss) is not None,
        missing=max(0, needed(policy.max_genuine_loss) - promise.genuine),
    )


def _made(examples: Examples) -> NDArray[np.bool_]:
    return np.array([note == MADE for note in examples.notes], dtype=bool)


def _share(kept: Examples) -> float:
    """Return how much of the model the user's reports are to make."""
    made = _made(kept)
    real = len(np.unique(kept.twins[~made]))
    return max(real / (real + _EQUAL), _MADE_SHARE if made.any() else 0.0)


def _promise(model: Model, held: Examples) -> Promise:
    """Return what real genuine reports show; what was made from sent mail shows what the maker thought of."""
    real = held.take(np.flatnonzero(~_made(held)))
    return fitting.promise_of(scores(model, real), real)


def _judged(model: Model, examples: Examples, known: NDArray[np.bool_], policy: PolicySettings) -> Figures:
    """Count what the judge would move by *model*; *known*: of which of them it knows who is protected."""
    judge = policy_of(policy, model)
    limits = np.array(
        [
            judge.threshold(model.name, inferred=not configured, unopposed=weighed.unopposed)
            for configured, weighed in zip(known, examples.weighed, strict=True)
        ]
    )
    return measured(scores(model, examples), examples, np.log(limits / (1 - limits)))


def _exchanged(current: Model, own: Examples) -> bool:
    """Say whether the model in use orders these reports mostly the wrong way round."""
    return bool(roc_auc_score(own.labels, scores(current, own)) < _EXCHANGED)


def better(after: Figures, before: Figures) -> bool:
    """Say whether a candidate is better: it may not lose more genuine reports, whatever else it gains."""
    if after.genuine_moved != before.genuine_moved:
        return after.genuine_moved < before.genuine_moved
    return after.log_loss < before.log_loss


def _held_out(own: Examples, keys: Sequence[bytes]) -> NDArray[np.bool_]:
    """Choose about a third of the groups of near-identical reports, of each label by itself, by what is in them.

    So the same ones are held out when more have come: the model in use has not seen them either.
    """
    least: dict[int, bytes] = {}
    for twin, key in zip(own.twins.tolist(), keys, strict=True):
        least[twin] = min(key, least.get(twin, key))
    held = np.zeros(len(own), dtype=bool)
    for label in (0, 1):
        here = np.flatnonzero(own.labels == label)
        groups = sorted(set(own.twins[here].tolist()), key=lambda twin: (_third(least[twin]), least[twin]))
        chosen = {twin for twin in groups if _third(least[twin]) == 0}
        if not len(groups) / 4 <= len(chosen) <= len(groups) / 2:  # few, and chance was unkind
            chosen = set(groups[: -(-len(groups) // _HELD_EVERY)])
        held[here] = [int(twin) in chosen for twin in own.twins[here]]
    # A group of both labels is held out whole or not at all.
    both = set(own.twins[held].tolist())
    return np.array([int(twin) in both for twin in own.twins], dtype=bool)


def _third(key: bytes) -> int:
    return key[0] % _HELD_EVERY

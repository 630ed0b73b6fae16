"""Apply a model to one report: pure Python, no NumPy."""

from __future__ import annotations

import math
from bisect import bisect_left
from operator import itemgetter

from classifier.dataclass import dataclass
from classifier.model.features import COUNTED, FEATURES, WORDS, has_material, measure
from classifier.model.words import buckets
from classifier.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from classifier.evidence.base import Evidence
    from classifier.identity import Identity
    from classifier.model.artifact import Model
    from classifier.parse.report import Report


@dataclass(frozen=True)
class Opinion:
    """What a model says about one report.

    Attributes:
        log_odds: of forged, calibrated at a prior of one half.
        added: what each feature added to it, in the order of the feature list.
        model: the model's name.
        values: what was measured, in the same order; NaN where the report does not tell.

    """

    log_odds: float
    added: tuple[float, ...]
    model: str
    values: tuple[float, ...]

    def telling(self, least: float = 0.1) -> list[tuple[str, str, float]]:
        """Return (name, what was found, log-odds added) where that is *least* or more, weightiest first."""
        rows = [(place, a) for place, a in enumerate(self.added) if not -least < a < least]
        rows.sort(key=lambda row: -abs(row[1]))
        return [(FEATURES[place].name, _found(place, self.values[place]), a) for place, a in rows]


def _found(place: int, value: float) -> str:
    """Say what was measured: a feature counts where it is absent or not told, too."""
    name, words = FEATURES[place].name, FEATURES[place].words
    if place == WORDS or name.startswith("evidence."):
        return words
    if math.isnan(value):
        return f"not told: {words}"
    if name in COUNTED:
        return f"{words}; here {value:.0f}"
    return words if value else f"not so: {words}"


def words_score(model: Model, found: Collection[int]) -> float:
    """Return the score of the words with these buckets; each report's words weigh the same in all.

    No words are zero, not missing: silence points nowhere.
    """
    if not found:
        return 0.0
    weights = model.words
    # All at once, in half the time of one by one; of one alone it would give no tuple.
    weighed = itemgetter(*found)(weights) if len(found) > 1 else [weights[bucket] for bucket in found]
    # Hundreds of small numbers: nothing is lost that an exact sum would keep, at three times the time.
    return model.words_intercept + sum(weighed) / math.sqrt(len(found))


def score(model: Model, values: Sequence[float]) -> tuple[float, list[float]]:
    """Return the log-odds of forged for measured *values*, and what each feature added."""
    untold, curves = _scaled(model)
    added = list(untold)
    for place, steps, thresholds in curves:
        value = values[place]
        if value == value:  # noqa: PLR0124 - NaN is the only value that differs from itself
            added[place] = steps[bisect_left(thresholds, value)]
    return math.fsum(added) + model.scale * model.intercept + model.shift, added


@once
def _scaled(
    model: Model,
) -> tuple[tuple[float, ...], tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]]:
    """Return what every feature adds that is not told, and each curve that is not flat: its place, steps and thresholds."""
    scale = model.scale
    return (
        tuple(scale * curve.missing for curve in model.curves),
        tuple(
            (place, tuple(scale * value for value in curve.values), curve.thresholds)
            for place, curve in enumerate(model.curves)
            if set(curve.values) != {curve.missing}
        ),
    )


def opinion(model: Model, report: Report, identity: Identity, evidence: Iterable[Evidence]) -> Opinion | None:
    """Return what *model* says; None where nothing of the original came back that it could judge."""
    if not has_material(report):
        return None
    values = measure(report, identity, evidence)
    values[WORDS] = words_score(model, buckets(report))
    log_odds, added = score(model, values)
    return Opinion(log_odds, tuple(added), model.name, tuple(values))

"""How well scores tell the two labels apart, and whether they mean what they say; at a prior of one half.

The intervals of areas and of the calibration error are bootstrap percentiles (Efron 1979). What is drawn anew are
groups of near-identical reports, those of each label by themselves: a hundred
reports about one run of spam are one observation, not a hundred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.present.figures import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    #: Of a curve: across and up.
    Points = Sequence[tuple[float, float]]

#: Parts of equal width that probabilities are sorted into.
BINS = 10
#: Draws of the bootstrap; the seed is fixed, so that the same mail gives the same figures.
_DRAWS, _SEED = 300, 1
#: Points of a curve that are kept.
_POINTS = 120


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Bin:
    """The reports whose probability of forged lies in one part of the scale.

    Attributes:
        begin: of the part.
        end: of the part.
        genuine: how many are.
        forged: how many are.
        said: the mean probability; None without reports.
        found: the share that is forged, both labels weighing the same; None without reports.

    """

    begin: float
    end: float
    genuine: int
    forged: int
    said: float | None
    found: Estimate | None


@dataclass(frozen=True)
class Ranking:
    """What the scores of labelled reports come to.

    Attributes:
        roc: area under the ROC curve.
        precision_recall: area under the curve of precision over recall (average precision).
        calibration: expected calibration error.
        reliability: by parts of the scale, ascending.
        roc_curve: (share of genuine, share of forged) above a falling threshold.
        precision_recall_curve: (recall, precision) likewise.

    """

    roc: Estimate
    precision_recall: Estimate
    calibration: Estimate
    reliability: tuple[Bin, ...]
    roc_curve: Points
    precision_recall_curve: Points


def ranking(
    genuine: Sequence[float],
    forged: Sequence[float],
    genuine_groups: Sequence[int],
    forged_groups: Sequence[int],
) -> Ranking | None:
    """Measure probabilities of forged; None without both labels.

    Args:
        genuine: those that genuine reports were given.
        forged: those that forged reports were given.
        genuine_groups: of each of *genuine*, the group of near-identical reports that it belongs to.
        forged_groups: the same of *forged*.

    """
    import numpy as np  # noqa: PLC0415 - with labelled mail only

    if not genuine or not forged:
        return None
    scores = _Scores(genuine, forged)
    given = scores.measure(np.ones(len(genuine) + len(forged)))
    chance = np.random.default_rng(_SEED)
    members = [np.unique(groups, return_inverse=True)[1] for groups in (genuine_groups, forged_groups)]
    drawn = [
        scores.measure(
            np.concatenate(
                [
                    np.bincount(
                        chance.integers(0, groups.max() + 1, groups.max() + 1), minlength=groups.max() + 1
                    )[groups]
                    for groups in members
                ]
            )
        )
        for _ in range(_DRAWS)
    ]

    def estimate(name: str) -> Estimate:
        low, high = np.percentile([getattr(one, name) for one in drawn], (2.5, 97.5))
        return Estimate(float(getattr(given, name)), float(low), float(high))

    return Ranking(
        estimate("roc"),
        estimate("precision_recall"),
        estimate("calibration"),
        _reliability(scores, given, [*genuine_groups, *forged_groups]),
        _thinned(given.false_positives, given.recall),
        _thinned(given.recall, given.precision),
    )


def area_under_roc(genuine: Sequence[float], forged: Sequence[float]) -> float | None:
    """Return the probability that a forged report scores above a genuine one, ties halved (Mann-Whitney U)."""
    measured = _measured(genuine, forged)
    return None if measured is None else measured.roc


def calibration_error(genuine: Sequence[float], forged: Sequence[float]) -> float | None:
    """Return the expected calibration error at a prior of one half: both labels weigh the same."""
    measured = _measured(genuine, forged)
    return None if measured is None else measured.calibration


@dataclass(frozen=True)
class _Measured:
    """The figures of one weighting; arrays fall with the threshold, or go by the parts of the scale."""

    roc: float
    precision_recall: float
    calibration: float
    false_positives: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    weight: NDArray[np.float64]
    said: NDArray[np.float64]
    found: NDArray[np.float64]


class _Scores:
    """Sorted once, so that each weighting is measured in a few passes."""

    def __init__(self, genuine: Sequence[float], forged: Sequence[float]) -> None:
        import numpy as np  # noqa: PLC0415 - with labelled mail only

        self._values = np.concatenate([genuine, forged]).astype(np.float64)
        self._forged = np.arange(len(self._values)) >= len(genuine)
        distinct, self._place = np.unique(self._values, return_inverse=True)
        self._distinct = len(distinct)
        self._bins = np.minimum((self._values * BINS).astype(np.int64), BINS - 1)

    def measure(self, counts: NDArray[np.float64] | NDArray[np.int64]) -> _Measured:
        """Measure with each report counted so many times."""
        import numpy as np  # noqa: PLC0415 - with labelled mail only

        weights = counts.astype(np.float64)
        for label in (False, True):
            chosen = self._forged == label
            weights[chosen] /= weights[chosen].sum()
        g = _sums(self._place, np.where(self._forged, 0.0, weights), self._distinct)
        f = _sums(self._place, np.where(self._forged, weights, 0.0), self._distinct)
        recall, false = np.cumsum(f[::-1]), np.cumsum(g[::-1])
        above = recall + false
        # Above the highest score that was drawn there is nothing; nothing adds nothing.
        precision = np.divide(recall, above, out=np.ones_like(above), where=above > 0)
        weight = _sums(self._bins, weights / 2, BINS)
        said = _sums(self._bins, weights / 2 * self._values, BINS)
        found = _sums(self._bins, weights / 2 * self._forged, BINS)
        return _Measured(
            # Sums of shares: rounding may carry them past one.
            min(1.0, float((f * (np.cumsum(g) - g / 2)).sum())),
            min(1.0, float((f[::-1] * precision).sum())),
            float(np.abs(found - said).sum()),
            false,
            recall,
            precision,
            weight,
            said,
            found,
        )

    def counts(self) -> tuple[list[int], list[int]]:
        """Return how many genuine and how many forged reports lie in each part of the scale."""
        import numpy as np  # noqa: PLC0415 - with labelled mail only

        genuine, forged = (
            np.bincount(self._bins[self._forged == label], minlength=BINS).tolist() for label in (False, True)
        )
        return genuine, forged

    def distinct_groups(self, place: int, groups: Sequence[int]) -> int:
        """Count the groups, those of each label by themselves, that have a report in this part of the scale."""
        chosen = zip(self._bins == place, self._forged, groups, strict=True)
        return len({(bool(forged), group) for here, forged, group in chosen if here})


def _sums(places: NDArray[np.int64], weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 - with labelled mail only

    return np.bincount(places, weights, size).astype(np.float64)


def _measured(genuine: Sequence[float], forged: Sequence[float]) -> _Measured | None:
    import numpy as np  # noqa: PLC0415 - with labelled mail only

    if not genuine or not forged:
        return None
    return _Scores(genuine, forged).measure(np.ones(len(genuine) + len(forged)))


def _reliability(scores: _Scores, given: _Measured, groups: Sequence[int]) -> tuple[Bin, ...]:
    """Hold what was said against what is so; Wilson's interval, each group counted once, at a prior of one half."""
    rows = []
    genuine_all, forged_all = scores.counts()
    prior = sum(genuine_all) / sum(forged_all)
    for place, (genuine, forged) in enumerate(zip(genuine_all, forged_all, strict=True)):
        said, found = None, None
        if genuine or forged:
            weight = given.weight[place]
            bounds = wilson(forged / (genuine + forged), scores.distinct_groups(place, groups))
            # The share among so many of each label, turned into the one among as many of each.
            low, high = (share * prior / (share * prior + 1 - share) for share in bounds)
            said, found = (
                float(given.said[place] / weight),
                Estimate(float(given.found[place] / weight), low, high),
            )
        rows.append(Bin(place / BINS, (place + 1) / BINS, genuine, forged, said, found))
    return tuple(rows)


def _thinned(across: NDArray[np.float64], up: NDArray[np.float64]) -> Points:
    """Return the points of a curve, at most so many, the first and the last among them."""
    import numpy as np  # noqa: PLC0415 - with labelled mail only

    chosen = np.unique(np.linspace(0, len(across) - 1, min(_POINTS, len(across))).round().astype(int))
    return tuple((min(1.0, float(across[i])), min(1.0, float(up[i]))) for i in chosen)

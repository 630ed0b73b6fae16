"""Figures about a judge on labelled mail: shares with intervals, ranking, calibration. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The standard normal quantile of a two-sided interval of 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval (Wilson 1927).

    Attributes:
        count: how many.
        of: of how many.

    """

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        if not self.of:
            return 0.0, 1.0
        n, p, z = self.of, self.count / self.of, _Z
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        """Write it for people."""
        if not self.of:
            return "none"
        low, high = self.interval
        return f"{self.count:,} of {self.of:,} ({self.count / self.of:.2%}; {low:.2%} to {high:.2%})"

    def as_dict(self) -> dict[str, float | int | None]:
        """Return it for JSON."""
        low, high = self.interval
        return {"count": self.count, "of": self.of, "share": self.value, "low": low, "high": high}


def area_under_roc(genuine: Sequence[float], forged: Sequence[float]) -> float | None:
    """Return the probability that a forged report scores above a genuine one, ties halved (Mann-Whitney U)."""
    if not genuine or not forged:
        return None
    ranked = sorted([(p, 0) for p in genuine] + [(p, 1) for p in forged])
    total = 0.0
    index = 0
    while index < len(ranked):
        end = index
        while end < len(ranked) and ranked[end][0] == ranked[index][0]:
            end += 1
        mean_rank = (index + 1 + end) / 2
        total += mean_rank * sum(label for _, label in ranked[index:end])
        index = end
    n, m = len(forged), len(genuine)
    return (total - n * (n + 1) / 2) / (n * m)


def calibration_error(genuine: Sequence[float], forged: Sequence[float], bins: int = 10) -> float | None:
    """Return the expected calibration error at a prior of one half: both classes weigh the same.

    Args:
        genuine: probabilities of forged that genuine reports were given.
        forged: the same of forged reports.
        bins: of equal width.

    """
    if not genuine or not forged:
        return None
    weight, found, said = [0.0] * bins, [0.0] * bins, [0.0] * bins
    for label, values in ((0.0, genuine), (1.0, forged)):
        for p in values:
            place, share = min(int(p * bins), bins - 1), 0.5 / len(values)
            weight[place] += share
            found[place] += share * label
            said[place] += share * p
    return math.fsum(abs(f - s) for f, s in zip(found, said, strict=True))


def needed_for_promise(loss: float, confidence: float = 0.95) -> int:
    """Return how many genuine reports, none of them lost, show that at most *loss* of them are.

    The chance of losing none of n is at most (1 - loss) ** n (Tong, Feng and
    Li 2018, with the largest order statistic).
    """
    return math.ceil(math.log(1 - confidence) / math.log1p(-loss))


def shown_loss(lost: int, of: int, confidence: float = 0.95) -> float:
    """Return the share that *lost* of *of* shows not to be exceeded (Clopper and Pearson 1934, one-sided)."""
    if not of or lost >= of:
        return 1.0
    low, high = lost / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(lost, of, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(count: int, of: int, p: float) -> float:
    """Return the probability of at most *count* of *of* at *p* each."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    logs = [
        math.lgamma(of + 1)
        - math.lgamma(k + 1)
        - math.lgamma(of - k + 1)
        + k * math.log(p)
        + (of - k) * math.log1p(-p)
        for k in range(count + 1)
    ]
    return math.fsum(map(math.exp, logs))

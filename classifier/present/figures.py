"""Shares with their intervals, and what a number of reports shows of a loss. Pure."""

from __future__ import annotations

import math

from classifier.dataclass import dataclass

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
        return wilson(self.count / self.of, self.of)

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


def wilson(p: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share *p* of *n* (Wilson 1927)."""
    z = _Z
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


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

"""Labelled reports as the numbers that training works on."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from classifier.evidence.company import fingerprints, joined
from classifier.evidence.table import gather
from classifier.examine import inferred_identity
from classifier.judge import Weighed, concerns, weigh
from classifier.model.features import has_material, measure
from classifier.model.words import buckets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from classifier.evidence.base import Lookups
    from classifier.identity import Identity
    from classifier.parse.report import Report


#: The note of a report that was made about a message of the user's, and is not one that came.
MADE = ("made",)


@dataclass(frozen=True)
class Example:
    """One labelled report, measured; in few bytes, for there may be a hundred thousand.

    Attributes:
        values: of the declared features, in order, as C doubles; the words' place is NaN.
        buckets: of the words, sorted, as 16-bit numbers.
        forged: the label.
        group: what must not stand on both sides of a split; "": near-identical reports.
        prints: what near-identical reports share.
        weighed: what the evidence comes to by itself.
        note: free words for tables of figures, e.g. format, route, configured.

    """

    values: array[float]
    buckets: array[int]
    forged: bool
    group: str
    prints: tuple[str, ...]
    weighed: Weighed
    note: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Lists of small numbers, one after another in one array.

    Attributes:
        numbers: all of them, uint16.
        starts: (n + 1,), where each list begins in it; the last is where the last list ends.

    """

    numbers: NDArray[np.uint16]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the lists."""
        return len(self.starts) - 1

    def __iter__(self) -> Iterator[list[int]]:
        """Yield each list."""
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.numbers[start:end].tolist()

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many numbers each list has."""
        return np.diff(self.starts)

    def take(self, chosen: NDArray[np.int64]) -> Rows:
        """Return the lists with these indices."""
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        # Where each number of the new array stands in the old one.
        places = np.arange(starts[-1]) + np.repeat(self.starts[chosen] - starts[:-1], lengths)
        return Rows(self.numbers[places], starts)

    @staticmethod
    def of(lists: Sequence[array[int]]) -> Rows:
        """Put lists of 16-bit numbers into one."""
        starts = np.concatenate([[0], np.cumsum([len(row) for row in lists], dtype=np.int64)])
        return Rows(np.frombuffer(b"".join(lists), dtype=np.uint16), starts)

    @staticmethod
    def together(first: Rows, second: Rows) -> Rows:
        """Put the lists of two into one."""
        return Rows(
            np.concatenate([first.numbers, second.numbers]),
            np.concatenate([first.starts, second.starts[1:] + first.starts[-1]]),
        )


@dataclass(frozen=True)
class Examples:
    """Many examples as arrays.

    Attributes:
        values: (n, features), float64.
        buckets: the words, a row an example.
        labels: (n,), 1 for forged.
        groups: (n,), numbers of the groups.
        twins: (n,), numbers of the groups of near-identical reports.
        weighed: what the evidence comes to by itself, an example each; none where only a fit is wanted.
        notes: a tuple an example; likewise.
        weights: (n,), how much each counts in a fit.

    """

    values: NDArray[np.float64]
    buckets: Rows
    labels: NDArray[np.int8]
    groups: NDArray[np.int64]
    twins: NDArray[np.int64]
    weighed: Sequence[Weighed]
    notes: Sequence[tuple[str, ...]]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        """Count them."""
        return len(self.labels)

    def take(self, chosen: NDArray[np.int64]) -> Examples:
        """Return those with these indices."""
        return Examples(
            self.values[chosen],
            self.buckets.take(chosen),
            self.labels[chosen],
            self.groups[chosen],
            self.twins[chosen],
            [self.weighed[i] for i in chosen] if self.weighed else (),
            [self.notes[i] for i in chosen] if self.notes else (),
            self.weights[chosen],
        )


def example(
    report: Report,
    forged: bool,
    lookups: Lookups,
    identity: Identity | None,
    *,
    group: str = "",
    note: tuple[str, ...] = (),
) -> Example | None:
    """Measure one labelled report; None where it is one that the model is never asked about."""
    identity = identity or inferred_identity(report)
    if not has_material(report) or not concerns(report, identity):
        return None
    evidence = gather(report, identity, lookups)
    prints = fingerprints(report) or (_digest(report),)
    return Example(
        array("d", measure(report, identity, evidence)),
        array("H", sorted(buckets(report))),
        forged,
        group,
        prints,
        weigh(evidence),
        note,
    )


def _digest(report: Report) -> str:
    return blake2b(report.original.headers.raw, digest_size=12).hexdigest()


def gathered(found: Iterable[Example]) -> Examples:
    """Put examples into arrays."""
    listed = list(found)
    twins = np.array(joined([e.prints for e in listed]), dtype=np.int64)
    # Where the maker of the mail says what belongs together (an invented domain), that is so.
    groups = np.array(joined([(e.group,) if e.group else e.prints for e in listed]), dtype=np.int64)
    return Examples(
        np.array([e.values for e in listed], dtype=np.float64),
        Rows.of([e.buckets for e in listed]),
        np.array([e.forged for e in listed], dtype=np.int8),
        groups,
        twins,
        [e.weighed for e in listed],
        [e.note for e in listed],
        np.ones(len(listed)),
    )


def together(first: Examples, second: Examples) -> Examples:
    """Put two lots into one; what belongs together in each stays apart from the other's."""
    after = 1 + max(int(first.groups.max(initial=0)), int(first.twins.max(initial=0)))
    return Examples(
        np.vstack([first.values, second.values]),
        Rows.together(first.buckets, second.buckets),
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.groups, second.groups + after]),
        np.concatenate([first.twins, second.twins + after]),
        [*first.weighed, *second.weighed],
        [*first.notes, *second.notes],
        np.concatenate([first.weights, second.weights]),
    )

"""Labelled reports as the numbers that training works on."""

from __future__ import annotations

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
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from classifier.evidence.base import Lookups
    from classifier.identity import Identity
    from classifier.parse.report import Report


@dataclass(frozen=True)
class Example:
    """One labelled report, measured.

    Attributes:
        values: of the declared features, in order; the words' place is NaN.
        buckets: of the words.
        forged: the label.
        group: what must not stand on both sides of a split; "": near-identical reports.
        prints: what near-identical reports share.
        weighed: what the evidence comes to by itself.
        note: free words for tables of figures, e.g. format, route, configured.

    """

    values: tuple[float, ...]
    buckets: tuple[int, ...]
    forged: bool
    group: str
    prints: tuple[str, ...]
    weighed: Weighed
    note: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examples:
    """Many examples as arrays.

    Attributes:
        values: (n, features), float64.
        buckets: the words, a row an example.
        labels: (n,), 1 for forged.
        groups: (n,), numbers of the groups.
        twins: (n,), numbers of the groups of near-identical reports.
        weighed: what the evidence comes to by itself, an example each.
        notes: a tuple an example.
        weights: (n,), how much each counts in a fit.

    """

    values: NDArray[np.float64]
    buckets: Sequence[Sequence[int]]
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
            [self.buckets[i] for i in chosen],
            self.labels[chosen],
            self.groups[chosen],
            self.twins[chosen],
            [self.weighed[i] for i in chosen],
            [self.notes[i] for i in chosen],
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
        tuple(measure(report, identity, evidence)),
        tuple(sorted(buckets(report))),
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
        [e.buckets for e in listed],
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
        [*first.buckets, *second.buckets],
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.groups, second.groups + after]),
        np.concatenate([first.twins, second.twins + after]),
        [*first.weighed, *second.weighed],
        [*first.notes, *second.notes],
        np.concatenate([first.weights, second.weights]),
    )

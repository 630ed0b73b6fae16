"""Labelled messages to examples: each once, none with both labels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.parse.message import parse
from classifier.training.examples import Example, example
from classifier.vocabulary import NOT_REPORTS

if TYPE_CHECKING:
    from classifier.runtime import Runtime


@dataclass
class Labelled:
    """What was read, and what became of it.

    Attributes:
        examples: digest to the labelled report, measured.
        seen: digest to label of every message.
        contradicting: digests that were given both labels; they count for neither.
        twice: how many were given again.
        useless: how many are no reports, or return nothing of their original.
        unread: how many could not be read.

    """

    examples: dict[bytes, Example] = field(default_factory=dict)
    seen: dict[bytes, bool] = field(default_factory=dict)
    contradicting: set[bytes] = field(default_factory=set)
    twice: int = 0
    useless: int = 0
    unread: int = 0

    def add(self, runtime: Runtime, raw: bytes, is_forged: bool) -> None:
        """Measure one message as *runtime* would judge it."""
        digest = hashlib.sha256(raw).digest()
        if digest in self.seen:
            if self.seen[digest] is not is_forged:
                self.contradicting.add(digest)
                self.examples.pop(digest, None)
            else:
                self.twice += 1
            return
        self.seen[digest] = is_forged
        report = parse(raw)
        measured = None
        if report.kind not in NOT_REPORTS:
            identity = (
                None if runtime.config is None else runtime.config.identity_of(report.addressed_domains)
            )
            if runtime.resolver is not None:
                runtime.resolver.begin_message()
            measured = example(report, is_forged, runtime.lookups(), identity)
        if measured is None:
            self.useless += 1
        else:
            self.examples[digest] = measured

    def remarks(self) -> list[str]:
        """Say what could not be used."""
        return [
            f"{number:,} messages: {what}"
            for number, what in (
                (self.twice, "given more than once, counted once"),
                (len(self.contradicting), "given with both labels, counted for neither"),
                (self.useless, "no reports, or nothing of the original in them"),
            )
            if number
        ]

"""Ledger: did we send a message with this identifier to the recipient that failed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.evidence.base import Evidence, Lookups, genuine
from classifier.vocabulary import Strength

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Hold the original's identifiers against the ledger."""
    message_id = report.original.message_id
    if lookups.ledger is None or message_id is None:
        return
    if lookups.ledger.find(message_id):
        yield genuine("ledger", Strength.STRONG, "hit", "the ledger holds the original's Message-ID")

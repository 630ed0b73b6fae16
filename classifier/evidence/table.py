"""The evidence kinds in the order in which they are asked.

One row a kind: the documentation's table is printed from these rows. Cheap
kinds come first; those that ask DNS come last, so that a budget that runs out
costs the least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.evidence import address, ledger, message_id
from classifier.evidence.base import Evidence, Gatherer, Lookups, neutral

if TYPE_CHECKING:
    from classifier.identity import Identity
    from classifier.parse.report import Report


@dataclass(frozen=True)
class EvidenceKind:
    """One row: the kind's name, its function, and what people should know of it."""

    name: str
    gather: Gatherer
    shows: str
    cannot_show: str
    forger_must: str


KINDS: tuple[EvidenceKind, ...] = (
    EvidenceKind(
        "ledger",
        ledger.gather,
        "Whether we sent a message with this Message-ID, envelope id or queue id, and whether to the recipient "
        "that failed; for replies, the message that In-Reply-To names.",
        "Anything by a miss, unless the ledger is declared complete for the time at which the reporting side took "
        "the original in; who sent mail that only passed through our server.",
        "For proof: know an identifier of ours less than 30 days old, and fail at a recipient of that very message. "
        "With an identifier alone: strong.",
    ),
    EvidenceKind(
        "address",
        address.gather,
        "Whether the forged sender is an address that never sends, or is none of ours at all.",
        "Anything about an address that does send.",
        "Pick one of our sending addresses; lists of them are sold.",
    ),
    EvidenceKind(
        "message-id",
        message_id.gather,
        "Whether the original's Message-ID has a right-hand side that our software writes.",
        "Proof: it is typed text, and relays rewrite it.",
        "Look at one message of ours.",
    ),
)


def gather(report: Report, identity: Identity, lookups: Lookups) -> tuple[Evidence, ...]:
    """Ask every kind; one that fails costs itself alone."""
    found: list[Evidence] = []
    for kind in KINDS:
        try:
            found.extend(kind.gather(report, identity, lookups))
        except Exception as error:  # noqa: BLE001 - hostile mail met a bug: the message must still be judged
            found.append(neutral(kind.name, "failed", f"could not be checked ({type(error).__name__})"))
    return tuple(found)

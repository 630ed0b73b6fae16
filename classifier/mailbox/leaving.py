"""Moves quarantined messages on: back to where they were, or to Trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field, replace
from classifier.mailbox.mover import Mover
from classifier.mailbox.returned import locate
from classifier.store.journal import MoveState, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.mailbox.protocol import Mailbox
    from classifier.store.journal import Journal, Move


@dataclass
class Left:
    """What became of some quarantined messages.

    Attributes:
        moved: they are where they were to go.
        missing: they are in quarantine no more.
        refused: they are in quarantine still: the reason by number in the register.

    """

    moved: list[Move] = field(default_factory=list)
    missing: list[Move] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def add(self, other: Left) -> None:
        """Take over what became of others."""
        self.moved += other.moved
        self.missing += other.missing
        self.refused |= other.refused


def move_on(
    mailbox: Mailbox,
    journal: Journal,
    rows: Sequence[Move],
    target: Callable[[], str],
    purpose: Purpose,
) -> Left:
    """Move messages out of quarantine, and close their rows in the register.

    Args:
        mailbox: the account's, under its lock.
        journal: its journal.
        rows: what is to be moved; they share their quarantine.
        target: gives the full name of the folder that they go to, once there are any.
        purpose: why.

    """
    quarantine = rows[0].target
    present, validity = locate(mailbox, rows, quarantine)
    result = Left(missing=[m for m in rows if m.id not in present])
    journal.close(result.missing, MoveState.RETURNED)
    found = {present[m.id]: m for m in rows if m.id in present}
    if not found:
        return result
    folder = target()
    moves = [
        replace(
            m, purpose=purpose, source=quarantine, source_validity=validity, source_key=key,
            target=folder, target_key=None,
        )
        for key, m in found.items()
    ]  # fmt: skip
    outcome = Mover(mailbox, journal).move(moves)
    result.moved = [found[m.source_key] for m in outcome.moved]
    result.missing += [found[m.source_key] for m in outcome.vanished]
    result.refused = {found[key].id: reason for key, reason in outcome.refused.items()}
    journal.close(result.moved, MoveState.EXPIRED if purpose is Purpose.UPKEEP else MoveState.RETURNED)
    return result

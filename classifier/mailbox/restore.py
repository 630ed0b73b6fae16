"""Puts quarantined messages back where they were, and remembers that they are genuine."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field, replace
from classifier.mailbox.agent import AccountWork, at_work
from classifier.mailbox.mover import Mover
from classifier.mailbox.returned import locate
from classifier.store.journal import Journal, Move, MoveState, Purpose
from classifier.store.judged import JudgedMail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.mailbox.protocol import Mailbox


@dataclass(frozen=True)
class Wanted:
    """Which quarantined messages are meant; each condition that is given must hold.

    Attributes:
        ids: their numbers in the register; empty: any.
        text: a part of sender, subject or Message-ID, in any case; "": any.
        since: quarantined at this moment or later, aware; None: any time.

    """

    ids: frozenset[int] = frozenset()
    text: str = ""
    since: datetime | None = None

    def matches(self, move: Move) -> bool:
        """Say whether *move* is meant."""
        words = f"{move.sender}\n{move.subject}\n{move.message_id}".casefold()
        return (
            (not self.ids or move.id in self.ids)
            and self.text.casefold() in words
            and (self.since is None or move.at >= int(self.since.timestamp()))
        )


@dataclass
class Restored:
    """What became of the messages.

    Attributes:
        back: those that are where they were.
        missing: those that are in quarantine no more.
        refused: why others could not be moved, by their number.

    """

    back: list[Move] = field(default_factory=list)
    missing: list[Move] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def find_quarantined(journal: Journal, account: str, wanted: Wanted) -> list[Move]:
    """Return the register's rows that are meant, oldest first."""
    return [m for m in journal.quarantined(account) if wanted.matches(m)]


def restore(work: AccountWork, store: str | Path, wanted: Wanted, purpose: str = "restore") -> Restored:
    """Move the messages that are meant back to the folders they came from.

    Raises:
        BackscatterError: the account or the store cannot be had.

    """
    result = Restored()
    with at_work(work, store, purpose) as (mailbox, database):
        journal, judged = Journal(database), JudgedMail(database)
        rows = find_quarantined(journal, work.job.account, wanted)
        # Said first: a sweep must not move them again even if this process is killed right after.
        judged.learn(work.job.account, rows, "genuine", "restored", datetime.now(UTC))
        groups: dict[tuple[str, str], list[Move]] = defaultdict(list)
        for row in rows:
            groups[row.target, row.source].append(row)
        for (quarantine, folder), group in groups.items():
            move_back(mailbox, journal, group, quarantine, folder, result=result)
    return result


def move_back(
    mailbox: Mailbox,
    journal: Journal,
    rows: Sequence[Move],
    quarantine: str,
    folder: str,
    *,
    result: Restored,
) -> None:
    """Move *rows* from *quarantine* to *folder*."""
    present, validity = locate(mailbox, rows, quarantine)
    result.missing += [m for m in rows if m.id not in present]
    found = {present[m.id]: m for m in rows if m.id in present}
    journal.close(result.missing, MoveState.RETURNED)
    if not found:
        return
    target = mailbox.ensure(folder)
    moves = [
        replace(
            m, purpose=Purpose.RESTORE, source=quarantine, source_validity=validity, source_key=key,
            target=target, target_key=None,
        )
        for key, m in found.items()
    ]  # fmt: skip
    outcome = Mover(mailbox, journal).move(moves)
    back = [found[m.source_key] for m in outcome.moved]
    journal.close(back, MoveState.RETURNED)
    result.back += back
    result.refused |= {found[key].id: reason for key, reason in outcome.refused.items()}
    result.missing += [found[m.source_key] for m in outcome.vanished]

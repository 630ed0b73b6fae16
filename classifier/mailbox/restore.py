"""Puts quarantined messages back where they were, and remembers that they are genuine."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.mailbox.agent import AccountWork, at_work
from classifier.mailbox.leaving import Left, move_on
from classifier.store.journal import Journal, Move, Purpose
from classifier.store.judged import JudgedMail

if TYPE_CHECKING:
    from pathlib import Path


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


def find_quarantined(journal: Journal, account: str, wanted: Wanted) -> list[Move]:
    """Return the register's rows that are meant, oldest first."""
    return [m for m in journal.quarantined(account) if wanted.matches(m)]


def restore(work: AccountWork, store: str | Path, wanted: Wanted, purpose: str = "restore") -> Left:
    """Move the messages that are meant back to the folders they came from.

    Raises:
        BackscatterError: the account or the store cannot be had.

    """
    result = Left()
    with at_work(work, store, purpose) as (mailbox, database):
        journal, judged = Journal(database), JudgedMail(database)
        rows = find_quarantined(journal, work.job.account, wanted)
        # Said first: a sweep must not move them again even if this process is killed right after.
        judged.learn(work.job.account, rows, "genuine", "restored", datetime.now(UTC))
        groups: dict[tuple[str, str], list[Move]] = defaultdict(list)
        for row in rows:
            groups[row.target, row.source].append(row)
        for (_, folder), group in groups.items():
            result.add(move_on(mailbox, journal, group, partial(mailbox.ensure, folder), Purpose.RESTORE))
    return result

"""Looks after the quarantine: learns what the user put there, moves old reports to Trash, writes the digest."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from classifier.deliver.result_headers import VERDICT as RESULT
from classifier.mailbox.digest import compose
from classifier.mailbox.leaving import move_on
from classifier.parse.headers import HeaderBlock
from classifier.store.journal import Journal, Move, Purpose
from classifier.store.judged import Correction, JudgedMail
from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from classifier.mailbox.protocol import ListedMessage, Mailbox
    from classifier.store.database import Database

log = logging.getLogger(__name__)

_MAX_WORDS = 200
_BY_HAND, _FILTERED = "moved here by hand", "delivered here as forged"
_DAY = 86_400


class Upkeep:
    """The quarantine of one account, under its lock."""

    def __init__(self, account: str, quarantine: str, mailbox: Mailbox, database: Database) -> None:
        """Prepare.

        Args:
            account: whose.
            quarantine: the folder's name as configured.
            mailbox: its mailbox.
            database: the store.

        """
        self.account = account
        self.quarantine = quarantine
        self.mailbox = mailbox
        self.journal = Journal(database)
        self.judged = JudgedMail(database)

    def learn(self) -> None:
        """Notice what the user dragged into quarantine since last time: it counts as found forged.

        What ``filter`` found forged, and a rule put there, is no word of the user's.
        """
        name = self.mailbox.locate(self.quarantine)
        status = self.mailbox.status(name) if name is not None else None
        if name is None or status is None:
            return
        memory = self.judged.memory(self.account, name, status.uid_validity)
        if memory.uid_next == status.uid_next and status.uid_next:
            return
        ours = self.journal.keys_in(self.account, name, status.uid_validity, memory.uid_next)
        if not ours and not memory.uid_next and not memory.keys:
            # A folder that was there before: what lies in it says nothing about us.
            self._skip(name)
            return
        first = max(memory.uid_next, 1)
        if status.uid_next and sum(1 for k in ours if int(k) >= first) == status.uid_next - first:
            self.judged.commit(self.account, name, memory, uid_next=status.uid_next)  # all of it is ours
            return
        status = self.mailbox.open(name, write=False)
        memory.keys |= ours  # what we put there need not be looked at
        now = datetime.now(UTC)
        for batch in self.mailbox.new(memory):
            corrections = [
                Correction(m.digest, "forged", "dragged", now, name, m.message_id)
                for m in batch.messages
                if not _was_filtered(m)
            ]
            self.judged.correct(self.account, corrections)
            self.journal.register((self._row(m, name, status.uid_validity) for m in batch.messages), now)
            self.judged.commit(self.account, name, memory, uid_next=batch.uid_next, names=batch.names)

    def _skip(self, name: str) -> None:
        status = self.mailbox.open(name, write=False)
        memory = self.judged.memory(self.account, name, status.uid_validity)
        if status.uid_next:
            self.judged.commit(self.account, name, memory, uid_next=status.uid_next)
        else:
            for batch in self.mailbox.new(memory):
                self.judged.commit(self.account, name, memory, uid_next=batch.uid_next, names=batch.names)

    def _row(self, message: ListedMessage, folder: str, validity: int) -> Move:
        return Move(
            account=self.account, purpose=Purpose.QUARANTINE, source="INBOX", source_validity=0, source_key="",
            target=folder, target_validity=validity, target_key=message.key, size=message.size,
            digest=message.digest, reason=_FILTERED if _was_filtered(message) else _BY_HAND, message_id=message.message_id,
            sender=_field(message, "from"), subject=_field(message, "subject"),
        )  # fmt: skip

    def expire(self, keep_days: int, now: float | None = None) -> int:
        """Move what was quarantined more than *keep_days* ago to Trash; 0 keeps all. Returns how many."""
        if not keep_days:
            return 0
        before = (time.time() if now is None else now) - keep_days * _DAY
        old = self.journal.quarantined(self.account, before)
        moved = 0
        for folder in dict.fromkeys(m.target for m in old):
            rows = [m for m in old if m.target == folder]
            left = move_on(self.mailbox, self.journal, rows, self._trash, Purpose.UPKEEP)
            moved += len(left.moved)
            for reason in dict.fromkeys(left.refused.values()):
                log.warning("account %s: old reports stay in quarantine: %s", self.account, reason)
        return moved

    def _trash(self) -> str:
        return self.mailbox.special("\\Trash") or self.mailbox.ensure("Trash")

    def digest(self, address: str, now: datetime | None = None) -> bool:
        """Put a summary of what was quarantined since the last one into INBOX, at most once a day.

        Args:
            address: whom it is addressed to.
            now: the time, aware.

        Returns:
            Whether one was written; nothing new, no digest.

        """
        now = now or datetime.now(UTC)
        last, last_move = self.judged.last_digest(self.account)
        if last is not None and abs(now - last) < timedelta(days=1):  # a clock may have been years ahead
            return False
        rows = [m for m in self.journal.quarantined(self.account) if m.id > last_move]
        if not rows:
            return False
        raw, mark = compose(self.account, address, rows, self.quarantine, now)
        # Noted first: at most once a day, and never judged itself, whatever happens next.
        self.judged.note_digest(self.account, now, mark, rows[-1].id)
        self.mailbox.append("INBOX", raw)
        return True


def _was_filtered(message: ListedMessage) -> bool:
    return _field(message, RESULT).partition(" ")[0] == Verdict.FORGED


def _field(message: ListedMessage, name: str) -> str:
    return (HeaderBlock(message.headers).text(name) or "")[:_MAX_WORDS]

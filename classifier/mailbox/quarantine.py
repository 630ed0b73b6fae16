"""Moves the forged reports of one folder to quarantine, less what the user took back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.errors import MailboxError
from classifier.mailbox.mover import NO_WAY, Mover
from classifier.mailbox.protocol import Mailbox, MoveMethod
from classifier.mailbox.returned import taken_back
from classifier.parse.headers import HeaderBlock
from classifier.store.failed import NOT_MOVED
from classifier.store.journal import Journal, Move, MoveState, Purpose
from classifier.store.judged import JudgedMail
from classifier.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.mailbox.inspection import Judged
    from classifier.mailbox.protocol import ListedMessage
    from classifier.store.database import Database

_MAX_WORDS = 200
#: Why a message is not moved whose move was begun before.
STUCK = "a move of it was begun, and what became of that cannot be settled yet"


@dataclass
class Quarantined:
    """What became of some forged reports.

    Attributes:
        refused: why some were not moved, by key.
        vanished: the keys of those that somebody else took away meanwhile.

    """

    refused: dict[str, str] = field(default_factory=dict)
    vanished: set[str] = field(default_factory=set)


class Quarantine:
    """The way into one account's quarantine."""

    def __init__(
        self, account: str, folder: str, mailbox: Mailbox, database: Database, *, dry_run: bool
    ) -> None:
        """Prepare.

        Args:
            account: whose.
            folder: the quarantine's name as configured.
            mailbox: its mailbox.
            database: the store, under the account's lock unless *dry_run*.
            dry_run: True: change nothing.

        """
        self.account = account
        self.folder = folder
        self.mailbox = mailbox
        self._dry_run = dry_run
        self._journal = Journal(database)
        self._judged_mail = JudgedMail(database)
        self.mover = Mover(mailbox, self._journal)

    def spare(self, forged: Sequence[Judged]) -> None:
        """Keep what the user took out of quarantine, before or by hand since, and remember it."""
        moved_before: list[tuple[ListedMessage, list[Move]]] = []
        for item in forged:
            message = item.message
            rows = self._journal.moves_of(self.account, message.digest, message.message_id, message.received)
            if self._was_restored(message, rows):
                item.action, item.note = Action.KEEP, "kept: you took it out of quarantine before"
            else:
                moved_before.append((message, rows))
        wanted = {j.message.key: j for j in forged if j.action is Action.QUARANTINE}
        back = taken_back(self.mailbox, moved_before)
        for key in back:
            wanted[key].action, wanted[key].note = Action.KEEP, "kept: you took it out of quarantine"
        if back and not self._dry_run:
            rows = list(back.values())
            self._journal.close(rows, MoveState.RETURNED)
            self._judged_mail.learn(self.account, rows, "genuine", "dragged", datetime.now(UTC))

    def _was_restored(self, message: ListedMessage, rows: Sequence[Move]) -> bool:
        """Say whether the user took it out before; a server may have written it anew on its way back."""
        digests = [message.digest, *(m.digest for m in rows if m.state is MoveState.RETURNED)]
        labels = (self._judged_mail.corrected(self.account, d) for d in dict.fromkeys(digests))
        return next((label for label in labels if label is not None), "") == "genuine"

    def take(self, forged: Sequence[Judged], folder: str, validity: int) -> Quarantined:
        """Move *forged* out of *folder*; those that stay are marked as kept, to be looked at again.

        Raises:
            TemporaryError: the connection broke; the journal tells what was begun.

        """
        try:
            result = self._move(forged, folder, validity)
        except MailboxError as failure:
            result = Quarantined({j.message.key: str(failure) for j in forged})
        for item in forged:
            reason = result.refused.get(item.message.key)
            if reason is not None:
                item.action, item.again, item.note = Action.KEEP, NOT_MOVED, reason
        return result

    def _move(self, forged: Sequence[Judged], folder: str, validity: int) -> Quarantined:
        if self.mailbox.move_method is MoveMethod.NONE:
            return Quarantined({j.message.key: NO_WAY for j in forged})
        if self.mailbox.is_view(folder):
            raise MailboxError(
                "the folder shows what lies in others, so nothing can be moved out of it",
                where=f"{self.account}/{folder}",
                remedy="name the folders themselves in `folders`, such as INBOX",
            )
        target = self.mailbox.ensure(self.folder)
        # A move that could not be settled may have made its copy: another one would double it.
        begun = {m.identity for m in self._journal.unsettled(self.account) if m.source == folder}
        stuck = [j.message.key for j in forged if j.message.identity in begun]
        outcome = self.mover.move(
            [self._move_of(j, folder, validity, target) for j in forged if j.message.identity not in begun]
        )
        return Quarantined(
            outcome.refused | dict.fromkeys(stuck, STUCK), {m.source_key for m in outcome.vanished}
        )

    def _move_of(self, item: Judged, folder: str, validity: int, target: str) -> Move:
        assert item.examination is not None
        message, judgement = item.message, item.examination.judgement
        headers = HeaderBlock(message.headers)
        return Move(
            account=self.account,
            purpose=Purpose.QUARANTINE,
            source=folder,
            source_validity=validity,
            source_key=message.key,
            target=target,
            size=message.size,
            digest=message.digest,
            received=message.received,
            kind=item.examination.report.kind,
            probability=judgement.probability,
            reason=(judgement.reasons[0] if judgement.reasons else "")[:_MAX_WORDS],
            message_id=message.message_id,
            sender=(headers.text("from") or "")[:_MAX_WORDS],
            subject=(headers.text("subject") or "")[:_MAX_WORDS],
        )

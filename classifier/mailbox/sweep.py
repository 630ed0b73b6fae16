"""Looks through one account's new mail and moves forged reports to quarantine.

For each batch: headers first, bodies only of what may be a report, verdicts,
moves, and only then the note that the batch is through. A process that is
killed looks at the batch again; what it had moved is settled first.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, replace
from classifier.errors import BackscatterError, MailboxError, TemporaryError
from classifier.mailbox.digest import message_mark
from classifier.mailbox.mover import NO_WAY, Mover
from classifier.mailbox.protocol import BODY_LIMIT, DELETED, Batch, ListedMessage, Mailbox, MoveMethod
from classifier.mailbox.returned import taken_back
from classifier.mailbox.summary import AccountResult, Counts, Examiner, Listener, SweptMessage
from classifier.mailbox.upkeep import Upkeep
from classifier.parse.addresses import find_address
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope
from classifier.store.journal import Journal, Move, MoveState, Purpose
from classifier.store.judged import JudgedMail, JudgedMessage, Memory
from classifier.vocabulary import NOT_REPORTS, Action, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.examine import Examination
    from classifier.store.database import Database

log = logging.getLogger(__name__)

#: At most so many messages are looked at again in one sweep.
AGAIN_AT_ONCE = 200
#: Reasons to look at a message again.
NOT_MOVED, UNREADABLE, NOT_JUDGED, UNSURE = "not moved", "unreadable", "not judged", "unsure"
_MAX_WORDS = 200


@dataclass(frozen=True)
class Job:
    """What to do in one account.

    Attributes:
        account: its name.
        folders: the folders to look through.
        quarantine: where forged reports go.
        dry_run: True: change nothing anywhere.
        keep_days: quarantined reports older than this go to Trash; 0: they stay.
        digest_to: the address that a daily digest is written for; "": none is written.

    """

    account: str
    folders: tuple[str, ...] = ("INBOX",)
    quarantine: str = "Backscatter"
    dry_run: bool = False
    keep_days: int = 0
    digest_to: str = ""


@dataclass
class _Judged:
    """One message on its way through a batch."""

    message: ListedMessage
    examination: Examination | None = None
    error: str = ""
    action: Action = Action.KEEP
    note: str = ""
    again: str = ""

    @property
    def verdict(self) -> Verdict | None:
        return self.examination.judgement.verdict if self.examination else None

    @property
    def is_report(self) -> bool:
        return self.examination is not None and self.examination.report.kind not in NOT_REPORTS


class Sweep:
    """One pass over one account, over one connection."""

    def __init__(
        self,
        job: Job,
        mailbox: Mailbox,
        database: Database | None,
        *,
        examiner: Examiner,
        listener: Listener,
        result: AccountResult,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare.

        Args:
            job: what to do.
            mailbox: where.
            database: the store, under the account's lock; None in a dry run without a store.
            examiner: who judges.
            listener: who hears of it.
            result: what is counted; a sweep taken up again after a lost connection adds to it.
            stop: asked between batches; True ends the sweep there.

        """
        self.job = job
        self.mailbox = mailbox
        self.examiner = examiner
        self.listener = listener
        self.result = result
        self._stop = stop
        self._judged_mail = JudgedMail(database) if database is not None else None
        self._journal = Journal(database) if database is not None else None
        self._mover: Mover | None = None
        self._upkeep: Upkeep | None = None
        if database is not None and self._journal is not None and not job.dry_run:
            self._mover = Mover(mailbox, self._journal)
            self._upkeep = Upkeep(job.account, job.quarantine, mailbox, database)
        self._own = self._judged_mail.digest_marks(job.account) if self._judged_mail else frozenset()

    @property
    def counts(self) -> Counts:
        """The numbers so far."""
        return self.result.counts

    def run(self) -> None:
        """Settle what was left open, then go through the folders.

        Raises:
            ConnectionLost: the connection broke; what is committed stays.

        """
        if self._mover is not None and self._upkeep is not None:
            settled = self._mover.settle(self.job.account)
            if settled.moved:
                number = sum(1 for m in settled.moved if m.purpose is Purpose.QUARANTINE)
                self.counts.reports += number
                self.counts.quarantined += number
                log.info("account %s: %d interrupted moves settled", self.job.account, len(settled.moved))
            # Opened before anything is listed: after a LIST, Dovecot 2.3 reads the whole Maildir anew.
            with contextlib.suppress(MailboxError):
                self.mailbox.open(self.job.folders[0], write=False)
            self._guarded(self._upkeep.learn)
        for folder in self.job.folders:
            self._guarded(self._folder, folder)
        if self._upkeep is not None and not self._stop():
            self._guarded(self._upkeep.expire, self.job.keep_days)
            if self.job.digest_to:
                self._guarded(self._upkeep.digest, self.job.digest_to)

    def _guarded(self, do: Callable[..., object], *arguments: object) -> None:
        """Do one thing; what fails in it does not keep the next from being done."""
        try:
            do(*arguments)
        except TemporaryError:
            raise
        except MailboxError as error:
            self._fail(error)

    def _fail(self, error: BackscatterError) -> None:
        self.counts.errors += 1
        self.result.errors.append(error)
        self.listener.warning(error)

    # One folder

    def _folder(self, folder: str) -> None:
        status = self.mailbox.open(folder, write=False)
        quarantine = self.mailbox.locate(self.job.quarantine)
        if status.name == quarantine:
            raise MailboxError(
                f"{folder!r} is the quarantine itself",
                where=self.job.account,
                remedy="take it out of `folders`",
            )
        if self._judged_mail is not None:
            memory = self._judged_mail.memory(self.job.account, status.name, status.uid_validity)
        else:
            memory = Memory(status.uid_validity)
        before = self.counts.reports
        for batch in self.mailbox.new(memory):
            if self._stop():
                return
            self._batch(batch, status.name, memory, fresh=True)
            if self.mailbox.open(status.name, write=False).uid_validity != status.uid_validity:
                raise MailboxError("the folder was made anew meanwhile", where=f"{self.job.account}/{folder}")
        self._again(status.name, memory, new_reports=self.counts.reports > before)

    def _again(self, folder: str, memory: Memory, *, new_reports: bool) -> None:
        """Look again at what could not be moved or judged, and, as a flood grows, at what was unsure."""
        movable = self.mailbox.move_method is not MoveMethod.NONE
        keys = [
            key
            for key, why in memory.again.items()
            if (why != UNSURE or new_reports) and (why != NOT_MOVED or movable)
        ][:AGAIN_AT_ONCE]
        if not keys:
            return
        self.mailbox.open(folder, write=False)
        found = self.mailbox.look(keys)
        gone = set(keys) - {m.key for m in found}
        if gone and self._judged_mail is not None and not self.job.dry_run:
            self._judged_mail.commit(self.job.account, folder, memory, settled=gone)
        if found:
            self._batch(Batch(found, uid_next=memory.uid_next), folder, memory, fresh=False)

    def _batch(self, batch: Batch, folder: str, memory: Memory, *, fresh: bool) -> None:
        candidates = {m.key: m for m in batch.messages if DELETED not in m.flags and self._may_be_report(m)}
        judged = self._examine(candidates)
        forged = [j for j in judged if j.verdict is Verdict.FORGED and self._wanted(j)]
        for item in forged:
            item.action = Action.QUARANTINE
        if forged:
            self._drop_taken_back(forged)
            forged = [j for j in forged if j.action is Action.QUARANTINE]
        if forged and not self.job.dry_run:
            judged = self._quarantine(forged, judged, folder, memory.uid_validity)
        for key in batch.unreadable:
            self._fail(MailboxError("cannot be read", where=f"{self.job.account}/{folder}#{key}"))
        if self._judged_mail is not None and not self.job.dry_run:
            again = {j.message.key: j.again for j in judged if j.again}
            again |= dict.fromkeys(batch.unreadable, UNREADABLE)
            self._judged_mail.commit(
                self.job.account,
                folder,
                memory,
                uid_next=batch.uid_next,
                names=batch.names,
                judged=[_record(j) for j in judged if j.is_report],
                again=again,
                settled=() if fresh else [m.key for m in batch.messages if m.key not in again],
            )
        self.counts.looked_at += len(batch.messages) if fresh else 0
        for item in judged:
            if fresh or item.action is Action.QUARANTINE:
                self._tell(item, folder)

    def _may_be_report(self, message: ListedMessage) -> bool:
        if self._own and message_mark(HeaderBlock(message.headers).get("message-id")) in self._own:
            return False  # a digest of ours
        return self.examiner.may_be_report(message.headers, _return_path(message.headers))

    def _examine(self, candidates: dict[str, ListedMessage]) -> list[_Judged]:
        judged = []
        for key, raw in self.mailbox.bodies(list(candidates.values()), BODY_LIMIT):
            message = candidates.get(key)
            if message is None:
                continue
            item = _Judged(message)
            if raw is None:
                item.error, item.again = "cannot be read", UNREADABLE
                judged.append(item)
                continue
            try:
                item.examination = self.examiner.examine(raw, _envelope(message))
            except Exception as error:
                log.exception("cannot judge a message")
                item.error = f"cannot be judged ({type(error).__name__})"
                item.again = NOT_JUDGED
            judged.append(item)
        # What came in together is judged together: the last of a flood says something about its first.
        for item in judged:
            if item.examination is not None and item.verdict is Verdict.UNSURE and item.is_report:
                item.examination = self.examiner.reexamine(item.examination)
                if item.verdict is Verdict.UNSURE:
                    item.again = UNSURE
        return judged

    def _wanted(self, item: _Judged) -> bool:
        assert item.examination is not None
        if item.examination.judgement.action is not Action.QUARANTINE:
            return False
        label = None
        if self._judged_mail is not None:
            label = self._judged_mail.corrected(self.job.account, item.message.digest)
        if label == "genuine":
            item.note = "kept: you took it out of quarantine before"
        return label != "genuine"

    def _drop_taken_back(self, forged: list[_Judged]) -> None:
        """Keep what the user dragged out of quarantine by hand, and remember it."""
        if self._journal is None or self._judged_mail is None:
            return
        back = taken_back(self.mailbox, self._journal, self.job.account, [j.message for j in forged])
        for item in forged:
            if item.message.key in back:
                item.action = Action.KEEP
                item.note = "kept: you took it out of quarantine"
        if back and not self.job.dry_run:
            back_rows = list(back.values())
            self._journal.close(back_rows, MoveState.RETURNED)
            self._judged_mail.learn(self.job.account, back_rows, "genuine", "dragged", datetime.now(UTC))

    def _quarantine(
        self, forged: list[_Judged], judged: list[_Judged], folder: str, validity: int
    ) -> list[_Judged]:
        """Move; return what is left to tell of."""
        place = f"{self.job.account}/{folder}"
        try:
            refused, vanished = self._move(forged, folder, validity)
        except TemporaryError:
            raise
        except MailboxError as failure:
            refused, vanished = {j.message.key: str(failure) for j in forged}, set()
        for reason in dict.fromkeys(refused.values()):
            number = sum(1 for r in refused.values() if r == reason)
            error = MailboxError(f"{number} forged reports were not moved: {reason}", where=place)
            self.result.errors.append(error)
            self.listener.warning(error)
        self.counts.errors += len(refused)
        for item in forged:
            if item.message.key in refused:
                item.action, item.again, item.note = Action.KEEP, NOT_MOVED, refused[item.message.key]
        return [j for j in judged if j.message.key not in vanished]

    def _move(self, forged: list[_Judged], folder: str, validity: int) -> tuple[dict[str, str], set[str]]:
        """Return why messages were refused, by key, and the keys of those that vanished meanwhile."""
        assert self._mover is not None
        if self.mailbox.move_method is MoveMethod.NONE:
            return {j.message.key: NO_WAY for j in forged}, set()
        target = self.mailbox.ensure(self.job.quarantine)
        outcome = self._mover.move([self._move_of(j, folder, validity, target) for j in forged])
        return outcome.refused, {m.source_key for m in outcome.vanished}

    def _move_of(self, item: _Judged, folder: str, validity: int, target: str) -> Move:
        assert item.examination is not None
        message, judgement = item.message, item.examination.judgement
        headers = HeaderBlock(message.headers)
        return Move(
            account=self.job.account,
            purpose=Purpose.QUARANTINE,
            source=folder,
            source_validity=validity,
            source_key=message.key,
            target=target,
            size=message.size,
            digest=message.digest,
            received=int(message.received_at.timestamp()) if message.received_at else None,
            kind=item.examination.report.kind,
            probability=judgement.probability,
            reason=(judgement.reasons[0] if judgement.reasons else "")[:_MAX_WORDS],
            message_id=(headers.get("message-id") or "")[:_MAX_WORDS],
            sender=(headers.text("from") or "")[:_MAX_WORDS],
            subject=(headers.text("subject") or "")[:_MAX_WORDS],
        )

    def _tell(self, item: _Judged, folder: str) -> None:
        if item.error:
            self.counts.errors += 1
        elif item.is_report:
            self.counts.reports += 1
            if item.action is Action.QUARANTINE:
                self.counts.quarantined += 1
            elif item.verdict is Verdict.UNSURE:
                self.counts.unsure += 1
            else:
                self.counts.kept += 1
        source = f"{self.job.account}/{folder}#{item.message.key}"
        found = item.examination
        if found is not None and item.action is not found.judgement.action:
            # What is told is what was done.
            reasons = (item.note, *found.judgement.reasons) if item.note else found.judgement.reasons
            found = replace(found, judgement=replace(found.judgement, action=item.action, reasons=reasons))
        self.listener.message(SweptMessage(source, found, item.action, item.note, item.error))


def _record(item: _Judged) -> JudgedMessage:
    assert item.examination is not None
    judgement = item.examination.judgement
    return JudgedMessage(
        item.message.key,
        item.message.digest,
        item.examination.report.kind,
        judgement.verdict,
        judgement.probability,
    )


def _return_path(headers: bytes) -> str | None:
    """Return the reverse path that the delivering host noted: "" for the null sender, None for none."""
    value = HeaderBlock(headers).get("return-path")
    if value is None:
        return None
    return find_address(value) or ("" if "<>" in value.replace(" ", "") else None)


def _envelope(message: ListedMessage) -> Envelope:
    return Envelope(mail_from=_return_path(message.headers), received_at=message.received_at)

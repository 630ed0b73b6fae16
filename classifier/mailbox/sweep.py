"""Looks through one account's new mail and moves forged reports to quarantine.

For each batch: headers first, bodies only of what may be a report, verdicts,
moves, and only then the note that the batch is through. Batches with forged
reports wait for each other, so that few moves carry many messages: to some
servers a move is as dear as opening the folder anew. A process that is killed
looks at the batches again; what it had moved is settled first.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field, replace
from classifier.errors import BackscatterError, MailboxError
from classifier.mailbox.inspection import Inspection, Judged
from classifier.mailbox.mover import BATCH
from classifier.mailbox.protocol import Batch, FolderStatus, Mailbox, MoveMethod
from classifier.mailbox.quarantine import Quarantine
from classifier.mailbox.summary import AccountResult, Counts, Examiner, Listener, SweptMessage
from classifier.mailbox.upkeep import Upkeep
from classifier.store.failed import NOT_MOVED, UNREADABLE
from classifier.store.journal import Purpose
from classifier.store.judged import JudgedMail, Memory
from classifier.vocabulary import Action, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.mailbox.aside import Aside
    from classifier.store.database import Database

log = logging.getLogger(__name__)

#: At most so many messages are looked at again in one sweep.
AGAIN_AT_ONCE = 200
#: UIDs that are looked through again where UIDNEXT went back by fewer, which it must not; else all of them.
WENT_BACK = 1000
#: Batches wait for each other up to so many messages, and so many bytes of reports' headers.
WAITING_MESSAGES, WAITING_BYTES = 5_000, 8 * 1024 * 1024


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
class _Pass:
    """One folder, or what is looked at again in it.

    Attributes:
        folder: its full name.
        memory: what is known of it.
        fresh: False: its messages were looked at before.
        batches: judged and not yet done with, with the keys that each covers.

    """

    folder: str
    memory: Memory
    fresh: bool = True
    batches: list[tuple[Batch, list[str], list[Judged]]] = field(default_factory=list)

    @property
    def forged(self) -> list[Judged]:
        return [j for _, _, judged in self.batches for j in judged if j.action is Action.QUARANTINE]

    @property
    def is_due(self) -> bool:
        """Whether it is time to move what waits: nothing does, or enough."""
        forged = len(self.forged)
        headers = sum(len(j.message.headers) for _, _, judged in self.batches for j in judged)
        messages = sum(len(keys) for _, keys, _ in self.batches)
        return not forged or forged * 2 >= BATCH or messages >= WAITING_MESSAGES or headers >= WAITING_BYTES


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
        aside: Aside | None = None,
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
            aside: takes messages apart in another process where there are many; None: no other is used.

        """
        self.job = job
        self.mailbox = mailbox
        self.listener = listener
        self.result = result
        self._stop = stop
        self._judged_mail: JudgedMail | None = None
        self._quarantine: Quarantine | None = None
        self._upkeep: Upkeep | None = None
        digests: frozenset[bytes] = frozenset()
        if database is not None:
            self._judged_mail = JudgedMail(database)
            self._quarantine = Quarantine(job.account, job.quarantine, mailbox, database, dry_run=job.dry_run)
            digests = self._judged_mail.digest_marks(job.account)
            if not job.dry_run:
                self._upkeep = Upkeep(job.account, job.quarantine, mailbox, database)
        self._inspection = Inspection(mailbox, examiner, digests, aside)

    @property
    def counts(self) -> Counts:
        """The numbers so far."""
        return self.result.counts

    def run(self) -> None:
        """Settle what was left open, then go through the folders.

        Raises:
            ConnectionLost: the connection broke; what is committed stays.

        """
        if self._quarantine is not None and self._upkeep is not None:
            self._settle(self._quarantine)
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

    def _settle(self, quarantine: Quarantine) -> None:
        settled = quarantine.mover.settle(self.job.account)
        if settled.moved:
            number = sum(1 for m in settled.moved if m.purpose is Purpose.QUARANTINE)
            self.counts.reports += number
            self.counts.quarantined += number
            log.info("account %s: %d interrupted moves settled", self.job.account, len(settled.moved))
        for folder in dict.fromkeys(m.source for m in settled.stuck):
            stuck = [m for m in settled.stuck if m.source == folder]
            self.counts.errors += len(stuck)
            self._warn(
                MailboxError(
                    f"{len(stuck)} interrupted moves cannot be settled: {settled.refused[stuck[0].source_key]}",
                    where=f"{self.job.account}/{folder}",
                )
            )

    def _guarded(self, do: Callable[..., object], *arguments: object) -> None:
        """Do one thing; what fails in it does not keep the next from being done."""
        try:
            do(*arguments)
        except MailboxError as error:
            self.counts.errors += 1
            self._warn(error)

    def _warn(self, error: BackscatterError) -> None:
        self.result.errors.append(error)
        self.listener.warning(error)

    # One folder

    def _folder(self, folder: str) -> None:
        status = self.mailbox.open(folder, write=False)
        if status.name == self.mailbox.locate(self.job.quarantine):
            raise MailboxError(
                f"{folder!r} is the quarantine itself",
                where=self.job.account,
                remedy="take it out of `folders`",
            )
        if self._judged_mail is not None:
            memory = self._judged_mail.memory(self.job.account, status.name, status.uid_validity)
        else:
            memory = Memory(status.uid_validity)
        if 0 < status.uid_next < memory.uid_next:
            # Restored from a backup, it gives out UIDs anew that were looked through already; or another
            # machine answers, which is a little behind.
            back = memory.uid_next - status.uid_next
            log.info("account %s: UIDs of %s went back by %d", self.job.account, folder, back)
            memory.uid_next = max(1, status.uid_next - WENT_BACK) if back < WENT_BACK else 1
        this = _Pass(status.name, memory)
        try:
            for batch, keys, judged in self._inspection.go_through(self.mailbox.new(memory)):
                self._wait(this, batch, keys, judged)
                if this.is_due:
                    self._finish(this)
                    self._reopen(status)
                if self._stop():
                    break
        except MailboxError:
            self._finish(this)  # what was judged before
            raise
        self._finish(this)
        if not self._stop():
            self._again(status.name, memory)

    def _reopen(self, before: FolderStatus) -> None:
        if self.mailbox.open(before.name, write=False).uid_validity != before.uid_validity:
            raise MailboxError(
                "the folder was made anew meanwhile", where=f"{self.job.account}/{before.name}"
            )

    def _again(self, folder: str, memory: Memory) -> None:
        """Look again at what could not be moved or judged, and at what was unsure: as its run grows, and in its time."""
        if self._judged_mail is None:
            return
        movable = self.mailbox.move_method is not MoveMethod.NONE
        waiting = [key for key, why in memory.failed.items() if why != NOT_MOVED or movable]
        waiting += self._judged_mail.unsure(self.job.account, folder, memory.uid_validity)
        keys = list(dict.fromkeys(waiting))[:AGAIN_AT_ONCE]
        if not keys:
            return
        self.mailbox.open(folder, write=False)
        found = self.mailbox.look(keys)
        # Gone, or not shown at this moment (Yahoo: "Server error - Please try again later"): asked for a few times more.
        missing = set(keys) - {m.key for m in found}
        if missing and not self.job.dry_run:
            self._judged_mail.commit(
                self.job.account, folder, memory, again=dict.fromkeys(missing, UNREADABLE)
            )
        if found:
            this = _Pass(folder, memory, fresh=False)
            rest = Batch((), uid_next=memory.uid_next)
            self._wait(this, rest, [m.key for m in found], self._inspection.judge(found))
            self._finish(this)

    def _wait(self, this: _Pass, batch: Batch, keys: list[str], judged: list[Judged]) -> None:
        """Keep what was judged; what is forged waits to be moved."""
        for item in judged:
            found = item.examination
            if found is not None and found.judgement.action is Action.QUARANTINE:
                item.action = Action.QUARANTINE
        this.batches.append((batch, keys, judged))

    def _finish(self, this: _Pass) -> None:
        """Move what is forged, write down what is through, and tell."""
        forged = this.forged
        vanished: set[str] = set()
        if forged and self._quarantine is not None:
            self._quarantine.spare(forged)
            forged = this.forged
            if forged and not self.job.dry_run:
                vanished = self._take(self._quarantine, forged, this)
        for batch, keys, judged in this.batches:
            left = [j for j in judged if j.message.key not in vanished]
            self._commit(batch, keys, left, this)
            for item in left:
                if this.fresh or item.action is Action.QUARANTINE:
                    self._tell(item, this.folder)
        this.batches = []

    def _take(self, quarantine: Quarantine, forged: list[Judged], this: _Pass) -> set[str]:
        outcome = quarantine.take(forged, this.folder, this.memory.uid_validity)
        reasons = list(outcome.refused.values())
        self.counts.errors += len(reasons)
        for reason in dict.fromkeys(reasons):
            self._warn(
                MailboxError(
                    f"{reasons.count(reason)} forged reports were not moved: {reason}",
                    where=f"{self.job.account}/{this.folder}",
                )
            )
        return outcome.vanished

    def _commit(self, batch: Batch, keys: list[str], judged: list[Judged], this: _Pass) -> None:
        for key in batch.unreadable:
            self.counts.errors += 1
            self._warn(MailboxError("cannot be read", where=f"{self.job.account}/{this.folder}#{key}"))
        if self._judged_mail is not None and not self.job.dry_run:
            again = {j.message.key: j.again for j in judged if j.again}
            again |= dict.fromkeys(batch.unreadable, UNREADABLE)
            self._judged_mail.commit(
                self.job.account,
                this.folder,
                this.memory,
                uid_next=batch.uid_next,
                names=batch.names,
                gone=batch.gone,
                judged=[j.record() for j in judged if j.is_report],
                again=again,
                settled=() if this.fresh else [k for k in keys if k not in again],
            )
        self.counts.looked_at += len(keys) if this.fresh else 0

    def _tell(self, item: Judged, folder: str) -> None:
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
            notes = (item.note, *found.judgement.notes) if item.note else found.judgement.notes
            found = replace(found, judgement=replace(found.judgement, action=item.action, notes=notes))
        self.listener.message(SweptMessage(source, found, item.action, item.note, item.error))

"""Judges the messages of one batch: headers first, bodies of what may be a report, all of them together.

Where there are many, another process takes them apart while the next batch is read.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field, replace
from classifier.errors import BackscatterError
from classifier.evidence.company import fingerprints
from classifier.mailbox.aside import NotParsed
from classifier.mailbox.digest import message_mark
from classifier.mailbox.protocol import BODY_LIMIT, DELETED, Batch, ListedMessage, Mailbox
from classifier.parse.addresses import find_address
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope
from classifier.store.failed import NOT_JUDGED, UNREADABLE
from classifier.store.judged import UNSURE, JudgedMessage
from classifier.vocabulary import NOT_REPORTS, Action, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from classifier.examine import Examination
    from classifier.mailbox.aside import Aside, Pending
    from classifier.mailbox.summary import Examiner

log = logging.getLogger(__name__)

#: Bytes of messages judged together: what of them came back is in memory until all are judged.
TOGETHER = 16 * 1024 * 1024
#: More candidates than this in one batch are worth another process ...
MANY = 100
#: ... unless they have more bytes: two batches are in memory then.
AHEAD_BYTES = 8 * 1024 * 1024
#: Where the delivering host notes the reverse path: no other field is looked for then.
_FIRST = re.compile(rb"return-path:[ \t]{0,9}(<[\x21-\x7e]{0,998}>)[ \t]{0,9}\r?\n(?![ \t])", re.IGNORECASE)
#: The same field anywhere, in a header section in lower case.
_FIELD = re.compile(rb"^return-path[ \t]*+:.*+(?:\n[ \t].*+)*", re.MULTILINE)


@dataclass
class Judged:
    """One message on its way through a batch.

    Attributes:
        message: as it was listed.
        examination: what was found, without the original's body; None where it could not be judged.
        error: why not, or "".
        action: what is to be done, then what was done.
        note: what is to be told beside it.
        again: why it is to be looked at again, or "".
        prints: what it shares with the other reports of its run, where it is unsure.

    """

    message: ListedMessage
    examination: Examination | None = None
    error: str = ""
    action: Action = Action.KEEP
    note: str = ""
    again: str = ""
    prints: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, if there is one."""
        return self.examination.judgement.verdict if self.examination else None

    @property
    def is_report(self) -> bool:
        """Whether it turned out to be a report."""
        return self.examination is not None and self.examination.report.kind not in NOT_REPORTS

    def record(self) -> JudgedMessage:
        """Return what is written down of a report."""
        assert self.examination is not None
        judgement = self.examination.judgement
        return JudgedMessage(
            self.message.key,
            self.message.digest,
            self.examination.report.kind,
            judgement.verdict,
            judgement.probability,
            self.prints,
        )


@dataclass
class _Ahead:
    """A batch that is read, and judged after the next one is read, too.

    Attributes:
        batch: without its messages.
        keys: those of its messages.
        candidates: those that may be reports.
        pending: those of them whose body was read, being taken apart; None: none was read yet.
        judged: those that were judged already, in their order.

    """

    batch: Batch
    keys: list[str]
    candidates: Sequence[ListedMessage]
    pending: deque[tuple[ListedMessage, Pending | None]] | None = None
    judged: list[Judged] = field(default_factory=list)

    @property
    def is_next_ready(self) -> bool:
        """Whether the next one can be judged without waiting for it."""
        if not self.pending:
            return False
        _, handed = self.pending[0]
        return handed is None or handed.is_done


class Inspection:
    """Judges what lies in the open folder."""

    def __init__(
        self, mailbox: Mailbox, examiner: Examiner, digests: frozenset[bytes], aside: Aside | None = None
    ) -> None:
        """Prepare.

        Args:
            mailbox: where bodies are read.
            examiner: who judges.
            digests: the marks of digests that we wrote ourselves: never judged.
            aside: takes messages apart where there are many; None: nobody but this process does.

        """
        self._mailbox = mailbox
        self._examiner = examiner
        self._digests = digests
        self._aside = aside

    def go_through(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, list[str], list[Judged]]]:
        """Judge batch by batch; the mailbox is free for the caller in between.

        Yields:
            Each batch without its messages, their keys, and those that may be reports, judged.

        """
        waiting: _Ahead | None = None
        failure: BackscatterError | None = None
        while failure is None:
            begun: _Ahead | None = None
            try:
                batch = next(batches, None)
                if batch is not None:
                    begun = self._begin(batch, waiting)
                    del batch
            except BackscatterError as error:  # what was read before it is judged first
                failure = error
            if waiting is not None:
                yield waiting.batch, waiting.keys, self._finished(waiting)
                waiting = None
            if begun is None:
                break
            if begun.pending is None:
                yield begun.batch, begun.keys, self._finished(begun)
            else:
                waiting = begun
        if failure is not None:
            raise failure

    def judge(self, messages: Sequence[ListedMessage]) -> list[Judged]:
        """Judge those of *messages* that may be reports; the others are left out."""
        return self._judge_all(self._candidates(messages))

    def _candidates(self, messages: Iterable[ListedMessage]) -> list[ListedMessage]:
        return [m for m in messages if DELETED not in m.flags and self._may_be_report(m)]

    def _judge_all(self, candidates: Sequence[ListedMessage]) -> list[Judged]:
        return [item for group in _groups(candidates) for item in self._together(group)]

    def _begin(self, batch: Batch, before: _Ahead | None) -> _Ahead:
        """Pick out what may be a report; where it is much, have it taken apart.

        While the server reads on, what waits of the batch *before* is judged, one message for each that comes in.
        """
        candidates = self._candidates(batch.messages)
        # Nothing of the other messages is needed any more but their keys.
        rest = Batch(
            (), uid_next=batch.uid_next, names=batch.names, unreadable=batch.unreadable, gone=batch.gone
        )
        begun = _Ahead(rest, [m.key for m in batch.messages], candidates)
        size = sum(min(m.size, BODY_LIMIT) + len(m.headers) for m in candidates)
        aside = self._aside
        if aside is not None and len(candidates) > MANY and size <= AHEAD_BYTES and aside.available():
            by_key = {m.key: m for m in candidates}
            begun.pending = deque()
            for key, raw in self._bodies(candidates):
                message = by_key[key]
                handed = None if raw is None else aside.hand_over(raw, _envelope(message))
                begun.pending.append((message, handed))
                if before is not None and before.is_next_ready:
                    self._judge_next(before)
        return begun

    def _finished(self, begun: _Ahead) -> list[Judged]:
        if begun.pending is None:
            return self._judge_all(begun.candidates)
        while begun.pending:
            self._judge_next(begun)
        return self._looked_at_again(begun.judged, begun.candidates)

    def _judge_next(self, begun: _Ahead) -> None:
        assert begun.pending
        message, handed = begun.pending.popleft()
        aside = self._aside
        if handed is None or aside is None:
            begun.judged.append(self._judged(message, None))
            return
        begun.judged.append(
            self._judged(message, lambda: self._examiner.examine_report(aside.result(handed)))
        )

    def _may_be_report(self, message: ListedMessage) -> bool:
        if self._digests:
            message_id = HeaderBlock(message.headers).get("message-id")
            if message_mark(message_id) in self._digests:
                return False
        return self._examiner.may_be_report(message.headers, _return_path(message.headers))

    def _together(self, candidates: Sequence[ListedMessage]) -> list[Judged]:
        by_key = {m.key: m for m in candidates}
        judged = [self._judge(by_key[key], raw) for key, raw in self._bodies(candidates)]
        return self._looked_at_again(judged, candidates)

    def _bodies(self, candidates: Sequence[ListedMessage]) -> Iterator[tuple[str, bytes | None]]:
        """Read them; what a server sends unasked, or a second time, is left out."""
        wanted = {m.key for m in candidates}
        for key, raw in self._mailbox.bodies(candidates, BODY_LIMIT):
            if key in wanted:
                wanted.remove(key)
                yield key, raw

    def _looked_at_again(self, judged: list[Judged], candidates: Sequence[ListedMessage]) -> list[Judged]:
        # What came in together is judged together: the last of a flood says something about its first.
        for item in judged:
            if item.examination is not None and item.verdict is Verdict.UNSURE and item.is_report:
                item.examination = self._examiner.reexamine(item.examination)
                if item.verdict is Verdict.UNSURE:
                    item.again, item.prints = UNSURE, fingerprints(item.examination.report)
            item.examination = _lighter(item.examination)
        self._examiner.flush()  # others may be looked at again because of these
        place = {m.key: n for n, m in enumerate(candidates)}
        return sorted(judged, key=lambda item: place[item.message.key])

    def _judge(self, message: ListedMessage, raw: bytes | None) -> Judged:
        if raw is None:
            return self._judged(message, None)
        return self._judged(message, lambda: self._examiner.examine(raw, _envelope(message)))

    def _judged(self, message: ListedMessage, examine: Callable[[], Examination] | None) -> Judged:
        item = Judged(message)
        if examine is None:
            item.error, item.again = "cannot be read", UNREADABLE
            return item
        try:
            item.examination = examine()
        except Exception as error:  # the message costs itself alone
            log.debug("cannot judge a message", exc_info=True)
            why = str(error) if isinstance(error, NotParsed) else type(error).__name__
            item.error = f"cannot be judged ({why})"
            item.again = NOT_JUDGED
        return item


def _groups(messages: Sequence[ListedMessage]) -> Iterator[list[ListedMessage]]:
    """Split *messages* so that no group has more bytes than may be held at once."""
    group: list[ListedMessage] = []
    room = TOGETHER
    for message in messages:
        size = min(message.size, BODY_LIMIT)
        if group and size > room:
            yield group
            group, room = [], TOGETHER
        group.append(message)
        room -= size
    if group:
        yield group


def _lighter(examination: Examination | None) -> Examination | None:
    """Let go of the original's body: what is left to do needs none."""
    if examination is None or not examination.report.original.body:
        return examination
    report = examination.report
    return replace(examination, report=replace(report, original=replace(report.original, body=None)))


def _return_path(headers: bytes) -> str | None:
    """Return the reverse path that the delivering host noted: "" for the null sender, None for none."""
    first = _FIRST.match(headers)
    if first is not None:
        return find_address(first[1].decode("ascii", "replace")) or ("" if b"<>" in first[1] else None)
    value = HeaderBlock(_noted(headers)).get("return-path")
    if value is None:
        return None
    return find_address(value) or ("" if "<>" in value.replace(" ", "") else None)


def _noted(headers: bytes) -> bytes:
    """Return as little of *headers* as has the same first Return-Path: most is long, and read in a hundredth of the time."""
    low = headers.lower()
    at = low.find(b"return-path")
    if at < 0:
        return b""
    if headers.count(b"\r") != headers.count(b"\r\n"):
        return headers  # a bare CR ends a line, too
    field = _FIELD.search(low, at)
    return headers[field.start() : field.end()] if field else b""


def _envelope(message: ListedMessage) -> Envelope:
    return Envelope(mail_from=_return_path(message.headers), received_at=message.received_at)

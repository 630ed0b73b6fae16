"""Judges the messages of one batch: headers first, bodies of what may be a report, all of them together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, replace
from classifier.mailbox.digest import message_mark
from classifier.mailbox.protocol import BODY_LIMIT, DELETED, ListedMessage, Mailbox
from classifier.parse.addresses import find_address
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope
from classifier.store.judged import JudgedMessage
from classifier.vocabulary import NOT_REPORTS, Action, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.examine import Examination
    from classifier.mailbox.summary import Examiner

log = logging.getLogger(__name__)

#: Reasons to look at a message again.
NOT_MOVED, UNREADABLE, NOT_JUDGED, UNSURE = "not moved", "unreadable", "not judged", "unsure"
#: Bytes of messages judged together: what of them came back is in memory until all are judged.
TOGETHER = 16 * 1024 * 1024


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

    """

    message: ListedMessage
    examination: Examination | None = None
    error: str = ""
    action: Action = Action.KEEP
    note: str = ""
    again: str = ""

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
        )


class Inspection:
    """Judges what lies in the open folder."""

    def __init__(self, mailbox: Mailbox, examiner: Examiner, digests: frozenset[bytes]) -> None:
        """Prepare.

        Args:
            mailbox: where bodies are read.
            examiner: who judges.
            digests: the marks of digests that we wrote ourselves: never judged.

        """
        self._mailbox = mailbox
        self._examiner = examiner
        self._digests = digests

    def judge(self, messages: Sequence[ListedMessage]) -> list[Judged]:
        """Judge those of *messages* that may be reports; the others are left out."""
        candidates = [m for m in messages if DELETED not in m.flags and self._may_be_report(m)]
        return [item for group in _groups(candidates) for item in self._together(group)]

    def _may_be_report(self, message: ListedMessage) -> bool:
        headers = HeaderBlock(message.headers)
        if self._digests and message_mark(headers.get("message-id")) in self._digests:
            return False
        return self._examiner.may_be_report(message.headers, _return_path(headers))

    def _together(self, candidates: Sequence[ListedMessage]) -> list[Judged]:
        by_key = {m.key: m for m in candidates}
        judged = [
            self._judge(by_key[key], raw)
            for key, raw in self._mailbox.bodies(candidates, BODY_LIMIT)
            if key in by_key
        ]
        # What came in together is judged together: the last of a flood says something about its first.
        for item in judged:
            if item.examination is not None and item.verdict is Verdict.UNSURE and item.is_report:
                item.examination = self._examiner.reexamine(item.examination)
                if item.verdict is Verdict.UNSURE:
                    item.again = UNSURE
            item.examination = _lighter(item.examination)
        place = {m.key: n for n, m in enumerate(candidates)}
        return sorted(judged, key=lambda item: place[item.message.key])

    def _judge(self, message: ListedMessage, raw: bytes | None) -> Judged:
        item = Judged(message)
        if raw is None:
            item.error, item.again = "cannot be read", UNREADABLE
            return item
        try:
            item.examination = self._examiner.examine(raw, _envelope(message))
        except Exception as error:
            log.exception("cannot judge a message")
            item.error = f"cannot be judged ({type(error).__name__})"
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


def _return_path(headers: HeaderBlock) -> str | None:
    """Return the reverse path that the delivering host noted: "" for the null sender, None for none."""
    value = headers.get("return-path")
    if value is None:
        return None
    return find_address(value) or ("" if "<>" in value.replace(" ", "") else None)


def _envelope(message: ListedMessage) -> Envelope:
    return Envelope(mail_from=_return_path(HeaderBlock(message.headers)), received_at=message.received_at)

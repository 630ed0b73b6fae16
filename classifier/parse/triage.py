"""Turning ordinary mail away after one look at its header section.

Most mail is no report, and a mailbox or a pipe sees all of it. The look is
generous: whatever :func:`classifier.parse.kind.classify_kind` could take for a
report by its header fields passes, and what passes is read whole.
"""

from __future__ import annotations

import re

from classifier.parse import words
from classifier.parse.headers import HeaderBlock
from classifier.parse.signs import AUTO_FIELDS, LIST_FIELDS, read_signs

#: Fields whose presence alone makes a message worth reading.
_TELLING = frozenset(
    name.encode()
    for name in (
        "x-choicemail-registration-request", "x-boxbe-challenge", "x-spamarrest-challenge", "x-dmarc-report",
        "x-failed-recipients", "x-amz-sns-message-id", *AUTO_FIELDS,
    )
)  # fmt: skip
_WANTED = _TELLING | frozenset(
    name.encode()
    for name in (
        "from", "subject", "content-type", "return-path", "auto-submitted", "precedence", "x-precedence", "to",
        "in-reply-to", "references", "x-list-administrivia", "x-mlserver", *LIST_FIELDS,
    )
)  # fmt: skip
#: Most fields are told apart by their first letters; "to" is short.
_OPENINGS = frozenset(name[:4] for name in _WANTED) - {b"to"} | {b"to: ", b"to:\t", b"to:", b"to :"}
_REPORT_TYPE = re.compile(rb"\s{0,99}(?:multipart/report|message/|application/tlsrpt)", re.IGNORECASE)
_SUBJECT_CHARS = 1_000
#: Subjects that name a complaint or an aggregate report (RFC 7489, complaint feeds).
_OTHER_SUBJECTS = (
    "complaint about message from",
    "email feedback report for ip",
    "abuse report",
    "aggregate report",
    "submitter:",
    "unsubscribe",
)


_SUBJECT_WORDS = tuple(
    {
        *words.FAILURE_SUBJECTS, *words.AUTO_SUBJECTS, *words.AUTO_OPENINGS, *words.VIRUS_SUBJECTS,
        *words.CHALLENGE_SUBJECTS, *_OTHER_SUBJECTS,
    }
)  # fmt: skip
_ASCII_WORDS = tuple(w for w in _SUBJECT_WORDS if w.isascii())


def may_be_report(header: bytes, mail_from: str | None = None) -> bool:
    """Say whether a message with this header section may be a report.

    Args:
        header: the header section, or everything; it is read to the first blank line.
        mail_from: the reverse path where it is known; "" is the null sender.

    Returns:
        False where the message is certain to be ordinary mail.

    """
    kept: list[bytes] = []
    keep = False
    for line, low in zip(header.split(b"\n"), header.lower().split(b"\n"), strict=True):
        opening = low[:4]
        if opening in _OPENINGS:
            name = low.partition(b":")[0].rstrip()
            keep = name in _WANTED
            if keep:
                if name in _TELLING or (name == b"content-type" and _REPORT_TYPE.match(line, len(name) + 1)):
                    return True
                kept.append(line)
        elif opening[:1] in (b" ", b"\t"):
            if keep:
                kept.append(line)
        elif opening in (b"", b"\r"):
            if kept:
                break
        else:
            keep = False
    return _signs_or_subject(HeaderBlock(b"\n".join(kept)), mail_from)


def _signs_or_subject(headers: HeaderBlock, mail_from: str | None) -> bool:
    content_type = headers.get("content-type")
    if content_type is not None and _REPORT_TYPE.match(content_type.encode("latin-1", "replace")):
        return True
    author = headers.get("from") or ""
    if "amazonaws" in author:
        return True
    signs = read_signs(headers, mail_from)
    if signs.writer or signs.automatic:
        return True
    subject = (headers.text("subject") or "")[:_SUBJECT_CHARS].lower()
    if signs.list_mail and not any(word in subject for word in _OTHER_SUBJECTS):
        return False
    # A loop: a generator for each of two hundred words takes twice the time.
    for word in _ASCII_WORDS if subject.isascii() else _SUBJECT_WORDS:  # noqa: SIM110
        if word in subject:
            return True
    return False

"""Turning ordinary mail away after one look at its header section.

Most mail is no report, and a mailbox or a pipe sees all of it. The look is
generous: whatever :func:`classifier.parse.kind.classify_kind` could take for a
report by its header fields passes, and what passes is read whole.
"""

from __future__ import annotations

import re

from classifier.parse import words
from classifier.parse.automatic import AUTO_FIELDS, LIST_FIELDS, is_automatic, is_list_mail
from classifier.parse.headers import HeaderBlock
from classifier.parse.limits import MAX_HEADER_BYTES
from classifier.parse.signs import REPORT_FIELDS, is_list_manager, read_writer

#: Fields whose presence alone makes a message worth reading.
_TELLING = frozenset(
    {
        "x-choicemail-registration-request", "x-boxbe-challenge", "x-spamarrest-challenge", "x-bluebottle-request", "x-dmarc-report",
        "x-amz-sns-message-id", "preference", "x-ms-exchange-generated-message-source", "x-post-messageclass",
        *REPORT_FIELDS, *AUTO_FIELDS,
    }
)  # fmt: skip
_WANTED = (
    "from", "subject", "content-type", "return-path", "auto-submitted", "precedence", "x-precedence",
    "in-reply-to", "references", "x-list-administrivia", "x-mlserver", "x-loop", *LIST_FIELDS, *_TELLING,
)  # fmt: skip
_PRIVATE = "x-"
#: Their names as alternatives: those that begin alike, as most of a header section's do, tried together.
_NAMES = "|".join(
    [name for name in sorted(_WANTED) if not name.startswith(_PRIVATE)]
    + [
        f"{_PRIVATE}(?:{'|'.join(sorted(name[len(_PRIVATE) :] for name in _WANTED if name.startswith(_PRIVATE)))})"
    ]
)
#: A wanted field in a header section in lower case, or the end of the section.
_FIELD = re.compile(
    rf"\n(?=[{''.join(sorted({name[0] for name in _WANTED}))}\r\n])"
    rf"(?:({_NAMES})[ \t]*+:(.*+(?:\n[ \t].*+)*)|\r?\n)".encode()
)
_REPORT_TYPE = re.compile(rb"\s{0,99}(?:multipart/report|message/|application/tlsrpt)")
_BLANK = re.compile(rb"\n\r?\n")
#: A delivery status in a multipart that does not call itself a report, so near to its beginning.
_STATUS = b"/delivery-status"
STATUS_BYTES = 1 << 18
_SUBJECT_CHARS = 1_000
#: Subjects that name a complaint or an aggregate report (RFC 7489, complaint feeds).
_OTHER_SUBJECTS = (
    "complaint about message from",
    "email feedback report for ip",
    "abuse report",
    "dmarc",
    "aggregate report",
    "submitter:",
    "unsubscribe",
)


_SUBJECT_WORDS = frozenset(
    {
        *words.FAILURE_SUBJECTS, *words.AUTO_SUBJECTS, *words.AUTO_OPENINGS, *words.AUTO_ENDINGS, *words.VIRUS_SUBJECTS,
        *words.CHALLENGE_SUBJECTS, *_OTHER_SUBJECTS,
    }
)  # fmt: skip
#: A subject is looked through for these beginnings, each with the words that begin so. Only words
#: in East Asian scripts are so short that they have the short one.
_BEGINNING = 4
_SHORT_BEGINNING = 2
_BY_BEGINNING: dict[str, tuple[str, ...]] = {}
for _word in _SUBJECT_WORDS:
    _key = _word[: _BEGINNING if len(_word) >= _BEGINNING else _SHORT_BEGINNING]
    _BY_BEGINNING[_key] = (*_BY_BEGINNING.get(_key, ()), _word)
_BEGINNINGS = frozenset(_BY_BEGINNING)


def may_be_report(header: bytes, mail_from: str | None = None) -> bool:
    """Say whether a message with this header section may be a report.

    Args:
        header: the header section, or everything; it is read to the first blank line.
        mail_from: the reverse path where it is known; "" is the null sender.

    Returns:
        False where the message is certain to be ordinary mail.

    """
    header = header[:MAX_HEADER_BYTES]
    found: list[tuple[bytes, bytes]] = []
    # One line end more in front, so that the first line begins like the others.
    for match in _FIELD.finditer(b"\n" + header.lower()):
        written, value = match.groups()
        if written is None:
            if found:
                break
            continue
        if written.decode() in _TELLING or (written == b"content-type" and _REPORT_TYPE.match(value)):
            return True
        found.append((header[match.start() : match.end() - 1], written))
    return _signs_or_subject(HeaderBlock.of(found), mail_from)


def is_worth_reading(message: bytes, start: int, end: int, mail_from: str | None) -> bool:
    """Say whether a message, whose header section is from *start* to *end*, may be a report; True when in doubt."""
    return may_be_report(message[start:end], mail_from) or names_a_status(message, start, end)


def names_a_status(message: bytes, start: int, body: int | None = None) -> bool:
    """Say whether a delivery status is named from *start* on, and not too far behind the *body*'s beginning."""
    return message.find(_STATUS, start, (start if body is None else body) + STATUS_BYTES) >= 0


def may_be_report_by(headers: HeaderBlock, mail_from: str | None = None) -> bool:
    """Say the same of a section that was scanned already, and of which every line is a field's."""
    if headers.has_any(_TELLING):
        return True
    for field in headers.all_fields("content-type"):
        if _REPORT_TYPE.match(field.raw_value.lower()):
            return True
    return _signs_or_subject(headers, mail_from)


def full_section(data: bytes, start: int) -> bytes:
    """Return the header section that begins at *start*, up to the blank line, whatever else stands in it."""
    stop = min(len(data), start + MAX_HEADER_BYTES)
    blank = _BLANK.search(data, start, stop)
    return data[start : blank.end() if blank else stop]


def _signs_or_subject(headers: HeaderBlock, mail_from: str | None) -> bool:
    author = headers.get("from") or ""
    writer, _, local = read_writer(headers, mail_from)
    if "amazonaws" in author or writer or is_automatic(headers):
        return True
    subject = (headers.text("subject") or "")[:_SUBJECT_CHARS].lower()
    if is_list_mail(headers):
        # A notice that answers a post may bear the post's own list fields.
        return subject.startswith(words.FAILURE_SUBJECTS) or any(word in subject for word in _OTHER_SUBJECTS)
    if is_list_manager(local):
        return True
    return _has_word(subject, _BEGINNING) or (not subject.isascii() and _has_word(subject, _SHORT_BEGINNING))


def _has_word(subject: str, length: int) -> bool:
    begun = {subject[at : at + length] for at in range(len(subject) - length + 1)}
    # A loop: a generator takes twice the time, and every message comes by here.
    for key in begun & _BEGINNINGS:
        for word in _BY_BEGINNING[key]:
            if word in subject:
                return True
    return False

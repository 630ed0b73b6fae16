"""The reader of non-standard reports: from a notice in words to fields."""

from __future__ import annotations

import re
from operator import attrgetter

from classifier.dataclass import dataclass
from classifier.parse.addresses import find_addresses, normalise
from classifier.parse.encoded import decode_bytes
from classifier.parse.formats.hosts import remote_host, reporting_host
from classifier.parse.formats.notice import cut_notice
from classifier.parse.formats.recipients import Mention, find_recipients
from classifier.parse.formats.table import format_name
from classifier.parse.report import ReportedRecipient
from classifier.parse.signs import is_daemon
from classifier.parse.smtp import derive_status, find_reply, find_status, fuller, is_own_finding, says_little
from classifier.parse.words import any_of
from classifier.vocabulary import DeliveryAction, RefusalStage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.headers import HeaderBlock
    from classifier.parse.mime import Part

#: Signs that an SMTP client reports what a server answered.
_SESSION = (
    "remote host said", "smtp error from remote", "while talking to", " said: ", "<<< ", ">>> ", "remote server",
    "remote smtp server", "does not like recipient", "after i sent the message", "other server returned",
    "generated following response", "did not like our", "after rcpt", "after mail from", "after end of data", "responded with failure",
    "failed with: 5", "rejected by the server", "received >>>", "smtp command", "in reply to rcpt", "in reply to end of data",
    "host or domain name not found",
)  # fmt: skip
#: Signs that the reporting system's own delivery failed.
_LOCAL = (
    "vpopmail", "no mailbox here by that name", "quota", "mailbox is full", "mailbox full", "not listed in domino",
    "unknown user:", "local user", "has not been collected", "this user doesn't have", "recipient name is not recognized",
    "disk quota", "user mailbox exceeds", "too many hops",
)  # fmt: skip
_DELAY = (
    "not yet been delivered", "delivery status notification (delay)", "has been delayed", "warning: message", "will be retried", "delayed mail",
    "warning: could not send", "still being retried", "temporarily deferred", "has been postponed", "just a warning", "warning message only",
    "this is a warning only", "we will continue to try", "will continue to attempt", "delivery attempts will continue", "delivery delayed",
    "verzögert", "retard", "retrasad", "attrasad", "ritard", "vertraagd", "opóźni", "försenad", "配信が遅れ", "задержан",
)  # fmt: skip
_REPLY = attrgetter("smtp_reply")
_SUCCESSES = frozenset({DeliveryAction.DELIVERED, DeliveryAction.RELAYED, DeliveryAction.EXPANDED})
_DIAGNOSTIC_CHARS = 1_000
_SUBJECT_CHARS = 1_000
_RAW_CHARS = 64_000
_HEADING_CHARS = 40
_PARAGRAPH = re.compile(r"\n[ \t]{0,20}\n")
#: What is told of the message says nothing of why it failed.
_LISTED = re.compile(r"\s{0,20}(?:subject|from|to|date|sent|cc|message-id)[ \t]{0,4}:", re.IGNORECASE)


@dataclass(frozen=True)
class FreeTextFindings:
    """What the words of a report say.

    Attributes:
        format: the name of the format, ``generic`` where none is known.
        reporting_mta: the host that says it wrote the report.
        recipients: the recipients that it names, with what befell them.
        delayed: True where delivery is still being tried.
        diagnostic: the first diagnostic text, for a recipient that lacks one.
        notice: the text above the original, bounded.
        returns: True where something in the text announces or is the original.
        coded: True where the notice holds an SMTP reply or an enhanced status.
        named: True where the words or the fields about the first recipient say that it is one.

    """

    format: str = "generic"
    reporting_mta: str | None = None
    recipients: tuple[ReportedRecipient, ...] = ()
    delayed: bool = False
    diagnostic: str | None = None
    notice: str = ""
    returns: bool = False
    coded: bool = False
    named: bool = False


def read(headers: HeaderBlock, root: Part, text: str, original_to: tuple[str, ...] = ()) -> FreeTextFindings:
    """Read a report that has no delivery-status part, or a poor one.

    Args:
        headers: the report's own header section.
        root: its part tree.
        text: its human-readable text, decoded; HTML is understood.
        original_to: the To addresses of the returned message, taken as the
            recipient where the notice names none and there is only one.

    Returns:
        What was found; everything in it may be missing.

    """
    notice, marker = cut_notice(text if text.strip() else _first_text(root))
    low = notice.lower()
    subject = (headers.text("subject") or "")[:_SUBJECT_CHARS]
    subject_low = subject.lower()
    delayed = any_of(_DELAY, low) or any_of(_DELAY, subject_low)
    mentions = find_recipients(headers, notice, subject)
    if not mentions and len(original_to) == 1:
        mentions = [Mention(original_to[0], notice, sure=False)]
    recipients = tuple([_describe(mention, notice, low, delayed=delayed) for mention in mentions])
    diagnostic = next(filter(None, [r.diagnostic_code for r in recipients]), None)
    return FreeTextFindings(
        format=format_name(headers, low + marker.lower()),
        reporting_mta=reporting_host(notice, low) or _sender_host(headers),
        recipients=recipients,
        delayed=delayed,
        diagnostic=diagnostic,
        notice=notice,
        returns=bool(marker),
        coded=any(map(_REPLY, recipients)) or bool(find_status(notice) or find_reply(notice)),
        named=bool(mentions) and mentions[0].sure,
    )


def responder(headers: HeaderBlock) -> ReportedRecipient | None:
    """Return who answers automatically: an auto-reply is about its own author's mailbox."""
    address = next(iter(find_addresses(headers.text("from"))), None)
    return ReportedRecipient(final_recipient=address) if address else None


def _first_text(root: Part) -> str:
    for part in root.walk():
        if part.content_type.startswith("text/") and (text := part.text()).strip():
            return text
    # A multipart without a usable boundary: all of it is text.
    return decode_bytes(root.raw_body[:_RAW_CHARS])


def _sender_host(headers: HeaderBlock) -> str | None:
    """The host part of a mailer-daemon's own address, the usual place for it."""
    for address in find_addresses(headers.get("from")):
        local, _, domain = normalise(address).rpartition("@")
        if local == "postmaster" or is_daemon(local):
            return domain
    return None


def _describe(mention: Mention, notice: str, low: str, *, delayed: bool) -> ReportedRecipient:
    words = mention.words
    failed = mention.action not in _SUCCESSES
    status = mention.status or find_status(words, failed=failed)
    reply = find_reply(words)
    source = words
    if status is None and reply is None and mention.alone:
        status, reply, source = find_status(notice, failed=failed), find_reply(notice), notice
    if status is None:
        status = derive_status(reply, words, temporary=delayed)
        if status is None and mention.alone:
            status = derive_status(None, notice, temporary=delayed)
    elif says_little(status):
        status = fuller(status, derive_status(reply, words, temporary=delayed))
    diagnostic = mention.diagnostic or _diagnostic(words, reply, status) or _diagnostic(source, reply, status)
    if mention.alone and mention.diagnostic is None and not _tells_why(diagnostic):
        diagnostic = _reason_in(notice) or diagnostic
    remote = remote_host(words) or (remote_host(notice) if mention.alone else None)
    action = mention.action
    if action is None:
        action = DeliveryAction.DELAYED if delayed else DeliveryAction.FAILED
    return ReportedRecipient(
        final_recipient=mention.address,
        original_recipient=mention.original,
        action=action,
        status=status,
        smtp_reply=reply,
        remote_mta=remote,
        diagnostic_code=diagnostic,
        stage=_stage(words.lower() if not mention.alone else low, own=is_own_finding(reply, status)),
        fields=mention.fields,
    )


def _stage(low: str, *, own: bool) -> RefusalStage:
    if any_of(_SESSION, low):
        return RefusalStage.SESSION
    if own or any_of(_LOCAL, low):
        return RefusalStage.ACCEPTED
    return RefusalStage.UNKNOWN


def _diagnostic(words: str, reply: str | None, status: str | None) -> str | None:
    """The paragraph that holds the code, else the first one; its white space collapsed."""
    paragraphs = _paragraphs(words)
    if not paragraphs:
        return None
    for code in (reply, status):
        if code:
            for paragraph in paragraphs:
                if code in paragraph:
                    at = paragraph.find(code)
                    line = paragraph.rfind("\n", 0, at) + 1
                    return _joined(paragraph[line:])
    first = paragraphs[0].strip()
    if len(paragraphs) > 1 and len(first) <= _HEADING_CHARS and first.endswith(":"):
        # "because:", and then why.
        first = paragraphs[1]
    return _joined(first).rstrip(":>- ") or None


def _paragraphs(words: str) -> list[str]:
    # The full stop of the sentence that names the recipient is no paragraph, nor is a rule.
    return [p for p in _PARAGRAPH.split(words[:8_000]) if any(map(str.isalnum, p))]


def _joined(paragraph: str) -> str:
    return " ".join(paragraph.split())[:_DIAGNOSTIC_CHARS].lstrip(".,;:>- ")


def _tells_why(diagnostic: str | None) -> bool:
    return (
        diagnostic is not None
        and (find_reply(diagnostic) or find_status(diagnostic) or derive_status(None, diagnostic)) is not None
    )


def _reason_in(notice: str) -> str | None:
    """Return the paragraph of *notice* that says why, where what follows the recipient does not."""
    for paragraph in _paragraphs(notice):
        if not _LISTED.match(paragraph) and _tells_why(paragraph):
            return _joined(paragraph)
    return None

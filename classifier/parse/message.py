"""The front door: bytes in, :class:`~classifier.parse.report.Report` out."""

from __future__ import annotations

import re
from functools import cache

from classifier.dataclass import replace
from classifier.parse.addresses import normalise
from classifier.parse.delivery_status import DeliveryStatus, read_delivery_status
from classifier.parse.kind import classify_kind, is_virus_warning, structured_kind
from classifier.parse.limits import MAX_HOPS, MAX_RECIPIENTS, MAX_STATUS_BYTES
from classifier.parse.mime import parse_embedded, parse_tree
from classifier.parse.original import find_original
from classifier.parse.report import Envelope, Original, Report
from classifier.parse.second_opinion import reread
from classifier.parse.signs import is_list_notice, list_address
from classifier.parse.smtp import derive_status, find_reply, find_status
from classifier.parse.trace import read_trace
from classifier.parse.triage import full_section, may_be_report, may_be_report_by, names_a_status
from classifier.parse.words import FAILURE_PHRASES, any_of
from classifier.vocabulary import TELL_OF_DELIVERY, Completeness, DeliveryAction, ReportKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar, TypeVarTuple, Unpack

    from classifier.parse.formats import FreeTextFindings
    from classifier.parse.headers import HeaderBlock
    from classifier.parse.mime import Part
    from classifier.parse.report import ReportedRecipient, TraceHop

    T = TypeVar("T")
    Given = TypeVarTuple("Given")

_STATUS_TYPES = frozenset(
    {"message/delivery-status", "message/global-delivery-status",
     "message/disposition-notification", "message/global-disposition-notification"}
)  # fmt: skip
#: Types that a delivery status may have got on its way, and how it begins (RFC 3464 section 2.1).
_FILE_TYPES = frozenset({"text/plain", "application/octet-stream"})
_STATUS_HEAD = re.compile(
    rb"\s{0,99}(?:Reporting-MTA|Original-Envelope-Id|Final-Recipient|Original-Recipient)[ \t]{0,9}:",
    re.IGNORECASE,
)
_HEAD_BYTES = 1_000
_MAX_FILES = 16
_SUCCESSES = frozenset({DeliveryAction.DELIVERED, DeliveryAction.RELAYED, DeliveryAction.EXPANDED})
_NOBODY: tuple[ReportedRecipient, ...] = ()
_NO_TRACE: tuple[TraceHop, ...] = ()
_NO_STATUS = DeliveryStatus()
_NO_ORIGINAL = Original()
_ORDINARY = (ReportKind.OTHER, "")


def parse(raw: bytes, envelope: Envelope | None = None) -> Report:
    """Take the message *raw* apart.

    Never raises on content: a reader that fails costs what it would have
    found, and a line in the report's notes.

    Args:
        raw: the whole message, as it came.
        envelope: what is known of its transport.

    """
    envelope = envelope or Envelope()
    root, notes = parse_tree(raw)
    header = root.headers
    if not _passes_triage(root, envelope.mail_from) and not _has_status_part(root):
        return Report(ReportKind.OTHER, "", header, envelope)
    return _Reader(root, envelope, notes).report()


def _passes_triage(root: Part, mail_from: str | None) -> bool:
    """Say what triage says of the header section: of a whole one by what is scanned already."""
    section = root.buffer[root.start : root.body_start]
    if not section.endswith((b"\n\n", b"\n\r\n")):
        # The parser ends a damaged section sooner than those who ask triage alone: both must say the same.
        return may_be_report(full_section(root.buffer, root.start), mail_from)
    if root.headers.is_whole and not root.headers.has_bare_cr:
        return may_be_report_by(root.headers, mail_from)
    return may_be_report(section, mail_from)


def _has_status_part(root: Part) -> bool:
    return root.content_type.startswith("multipart/") and names_a_status(root.buffer, root.body_start)


class _Reader:
    """Everything that is read from one message, each thing once."""

    def __init__(self, root: Part, envelope: Envelope, notes: dict[str, None]) -> None:
        self.root = root
        self.headers: HeaderBlock = root.headers
        self.envelope = envelope
        self.notes = notes

    def report(self) -> Report:
        kind, form = self._guarded("its kind", None, structured_kind, self.headers, self.root) or (None, "")
        text = self._guarded("its text", "", human_text, self.root)
        findings: FreeTextFindings | None = None
        if kind is None:
            findings = self._findings(text)
            kind, form = self._guarded(
                "its kind", _ORDINARY, classify_kind, self.headers, self.root, self.envelope, text, findings
            )
            if kind is ReportKind.OTHER:
                return Report(kind, "", self.headers, self.envelope, notes=tuple(self.notes))
        elif kind is ReportKind.DSN and self._guarded("its kind", None, is_virus_warning, self.headers, text):
            kind = ReportKind.VIRUS_WARNING
        original = self._guarded("the original", _NO_ORIGINAL, find_original, self.root)
        if original.completeness is Completeness.NONE and kind in TELL_OF_DELIVERY:
            original = self._guarded("what is told of the original", original, _told_original(), text)
        trace = self._guarded("the original's trace", _NO_TRACE, trace_of, original.headers)
        if trace:
            original = Original(
                original.completeness, original.headers, original.body, original.verbatim, trace
            )
        status = self._guarded("the delivery status", _NO_STATUS, self._status, kind)
        recipients = status.recipients
        reporting_mta = status.reporting_mta
        if not names_any(recipients):
            if kind in TELL_OF_DELIVERY:
                findings = self._findings_for(text, original, findings)
                recipients = merged(recipients, findings.recipients)
            elif not recipients:
                recipients = self._others(kind, findings)
        elif kind in TELL_OF_DELIVERY and not all(map(_is_told, recipients)):
            findings = findings or self._findings(text)
            recipients = completed(recipients, findings.recipients)
        if kind is ReportKind.DSN and "expanded from" in text and len(recipients) == 1:
            recipients = (self._guarded("an alias", recipients[0], with_alias, recipients[0], text),)
        if is_list_notice(self.headers):
            recipients = of_lists(recipients)
        if reporting_mta is None and kind is not ReportKind.MDN:
            findings = findings or self._findings(text)
            reporting_mta = findings.reporting_mta
        return Report(
            kind=kind,
            format=form,
            headers=self.headers,
            envelope=self.envelope,
            reporting_mta=reporting_mta,
            received_from_mta=status.received_from_mta,
            arrival_date=status.arrival_date,
            envelope_id=status.envelope_id,
            fields=status.fields,
            recipients=recipients[:MAX_RECIPIENTS],
            original=original,
            trace=self._guarded("its trace", _NO_TRACE, self._trace),
            text=text,
            notes=tuple(self.notes),
        )

    def _trace(self) -> tuple[TraceHop, ...]:
        hops = trace_of(self.headers)
        if len(hops) >= MAX_HOPS:
            self.notes.setdefault(f"Received fields after the first {MAX_HOPS} were not read")
        return hops

    def _status(self, kind: ReportKind) -> DeliveryStatus:
        part = self._status_part(kind)
        if part is None:
            return _NO_STATUS
        status = read_delivery_status(part.decoded(MAX_STATUS_BYTES + 1))
        if status.truncated:
            self.notes.setdefault(f"recipients after the first {len(status.recipients)} were not read")
        return status

    def _status_part(self, kind: ReportKind) -> Part | None:
        parts = self.root.own_parts
        for part in parts:
            if part.content_type in _STATUS_TYPES:
                return part
        if kind in TELL_OF_DELIVERY:
            # Gateways and mail programs make a file of a type that they do not know.
            for part in parts[:_MAX_FILES]:
                if part.content_type in _FILE_TYPES and _STATUS_HEAD.match(part.decoded(_HEAD_BYTES)):
                    return part
        return None

    def _findings(self, text: str, original_to: tuple[str, ...] = ()) -> FreeTextFindings:
        read, nothing = _free_text()
        return self._guarded("its words", nothing, read, self.headers, self.root, text, original_to)

    def _findings_for(
        self, text: str, original: Original, findings: FreeTextFindings | None
    ) -> FreeTextFindings:
        """Read the words; where they name nobody, see whom the returned message names.

        A gateway that passes a report on wraps it: that one's delivery status
        tells. Else the addressee it is, where there can be only one.
        """
        findings = findings or self._findings(text)
        if findings.recipients:
            return findings
        if recipients := self._guarded("a report inside", _NOBODY, recipients_inside, original):
            return replace(findings, recipients=recipients)
        return self._findings(text, original.to) if len(original.to) == 1 else findings

    def _others(self, kind: ReportKind, findings: FreeTextFindings | None) -> tuple[ReportedRecipient, ...]:
        """Return whose mailbox an answer is about."""
        if kind is ReportKind.AUTO_REPLY:
            from classifier.parse import formats  # noqa: PLC0415 - loaded already

            found = formats.responder(self.headers)
            return (found,) if found else ()
        return findings.recipients if findings is not None else ()

    def _guarded(self, what: str, otherwise: T, read: Callable[[Unpack[Given]], T], *given: *Given) -> T:
        try:
            return read(*given)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets, the message is judged by the rest
            self.notes.setdefault(f"{what} could not be read ({type(error).__name__})")
            return otherwise


@cache
def _free_text() -> tuple[Callable[..., FreeTextFindings], FreeTextFindings]:
    """Return what reads the words of a report, and what it returns where it finds nothing."""
    from classifier.parse import formats  # noqa: PLC0415 - what follows the standard does without

    return formats.read, formats.FreeTextFindings()


@cache
def _told_original() -> Callable[[str], Original]:
    from classifier.parse.listing import told_original  # noqa: PLC0415 - only where none came back

    return told_original


def trace_of(headers: HeaderBlock) -> tuple[TraceHop, ...]:
    """Return the Received hops of a header section; those that we read nothing in, as mail-parser reads them."""
    return reread(read_trace(headers))


def names_any(recipients: tuple[ReportedRecipient, ...]) -> bool:
    """Say whether one of *recipients* is named."""
    # A loop: a generator takes several times the time.
    for recipient in recipients:  # noqa: SIM110
        if recipient.final_recipient or recipient.original_recipient:
            return True
    return False


def merged(
    status: tuple[ReportedRecipient, ...], found: tuple[ReportedRecipient, ...]
) -> tuple[ReportedRecipient, ...]:
    """Give the groups of a delivery status that name nobody the recipients that the words name."""
    if not status or len(status) != len(found):
        return found or status
    return tuple(
        replace(
            group,
            final_recipient=named.final_recipient,
            original_recipient=named.original_recipient,
            action=group.action or named.action,
            status=group.status or named.status,
            smtp_reply=group.smtp_reply or named.smtp_reply,
            remote_mta=group.remote_mta or named.remote_mta,
            diagnostic_code=group.diagnostic_code or named.diagnostic_code,
        )
        for group, named in zip(status, found, strict=True)
    )


def _is_told(recipient: ReportedRecipient) -> bool:
    """Say whether nothing is left out of *recipient* that words could add: of a success there is no diagnostic."""
    return recipient.action in _SUCCESSES or bool(
        recipient.action and recipient.status and recipient.diagnostic_code
    )


def completed(
    status: tuple[ReportedRecipient, ...], found: tuple[ReportedRecipient, ...]
) -> tuple[ReportedRecipient, ...]:
    """Give what the groups of a delivery status leave out of a recipient what the words say of the same one."""
    by_address = {normalise(r.final_recipient): r for r in reversed(found) if r.final_recipient}
    return tuple([_complete(group, by_address) for group in status])


def _complete(group: ReportedRecipient, by_address: dict[str, ReportedRecipient]) -> ReportedRecipient:
    for address in (group.final_recipient, group.original_recipient):
        if address and not _is_told(group) and (told := by_address.get(normalise(address))):
            status = group.status or told.status
            if told.status and status and status.endswith(".0.0") and told.status[0] == status[0]:
                status = told.status
            return replace(
                group,
                action=group.action or told.action,
                status=status,
                smtp_reply=group.smtp_reply or told.smtp_reply,
                remote_mta=group.remote_mta or told.remote_mta,
                diagnostic_code=group.diagnostic_code or _reason(told.diagnostic_code),
            )
    return group


def _reason(words: str | None) -> str | None:
    """Return *words* where they say why: below a name may stand anything, a disclaimer say."""
    low = (words or "").lower()
    told = (
        find_reply(low)
        or find_status(low)
        or derive_status(None, low)
        or low.startswith("reason")
        or any_of(FAILURE_PHRASES, low.replace("delivery status notification", ""))
    )
    return words if told else None


def of_lists(recipients: tuple[ReportedRecipient, ...]) -> tuple[ReportedRecipient, ...]:
    """Name the list where a list manager names whom to ask about it, or answers as such."""
    return tuple([replace(r, final_recipient=list_address(r.final_recipient)) for r in recipients])


def with_alias(recipient: ReportedRecipient, text: str) -> ReportedRecipient:
    """Give *recipient* the address that it was expanded from, where the words tell and the fields do not."""
    from classifier.parse.formats.recipients import expanded_from  # noqa: PLC0415 - Sendmail's reports alone

    return (
        recipient
        if recipient.original_recipient
        else replace(recipient, original_recipient=expanded_from(text))
    )


def recipients_inside(original: Original) -> tuple[ReportedRecipient, ...]:
    """Return the recipients of the delivery status in a returned message that is itself a report."""
    if original.body is None or not (original.headers.get("content-type") or "").lower().startswith(
        "multipart/"
    ):
        return ()
    for part in parse_embedded(original.headers.raw + b"\n" + original.body).own_parts:
        if part.content_type in _STATUS_TYPES:
            recipients = read_delivery_status(part.decoded(MAX_STATUS_BYTES)).recipients
            return tuple([r for r in recipients if r.final_recipient or r.original_recipient])
    return ()


def human_text(root: Part) -> str:
    """Return the first text of the message itself: plain where there is any, else HTML as it is; bounded.

    A plain text below an HTML one that says more is a footer.
    """
    html = ""
    for part in root.own_parts:
        if part.content_type == "text/plain" and (text := part.text()).strip():
            return _longer(html, text) if html else text
        if not html and part.content_type == "text/html":
            html = part.text()
    return html


def _longer(html: str, text: str) -> str:
    from classifier.parse.markup import to_plain  # noqa: PLC0415 - HTML above plain text is rare

    return html if len(to_plain(html).strip()) > len(text) else text

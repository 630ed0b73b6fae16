"""What a report says, in the field's own nouns (RFC 5598, 3464, 5321)."""

from __future__ import annotations

from classifier.dataclass import dataclass, field
from classifier.once import cached_property
from classifier.parse.addresses import domain_of, find_address, find_addresses, normalise
from classifier.parse.dates import parse_date
from classifier.parse.headers import EMPTY, HeaderBlock
from classifier.vocabulary import Completeness, DeliveryAction, RefusalStage, ReportKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime


#: Whom a message was addressed to: the fields in which delivery agents keep it, then To.
ADDRESSEE_FIELDS = ("delivered-to", "envelope-to", "x-original-to", "x-delivered-to", "to")


@dataclass(frozen=True)
class Envelope:
    """What whoever hands the message over knows of its transport.

    Attributes:
        mail_from: the reverse path; "" is the null sender, None unknown.
        rcpt_to: the address that it was delivered to, or None.
        received_at: when our side received it (IMAP INTERNALDATE), or None.

    """

    mail_from: str | None = None
    rcpt_to: str | None = None
    received_at: datetime | None = None


@dataclass(frozen=True)
class TraceHop:
    """One Received field (RFC 5321 section 4.4), tokenised; every part may be missing.

    Attributes:
        raw: the whole value, unfolded.
        helo: what the client called itself.
        client_name: the client's name as the writer looked it up.
        client_address: the client's IP address as the writer saw it.
        by: the host that wrote the field.
        protocol: the "with" clause.
        queue_id: the "id" clause.
        for_address: the "for" clause.
        dated: its date, aware, or the text that it is read from.

    """

    raw: str
    helo: str | None = None
    client_name: str | None = None
    client_address: str | None = None
    by: str | None = None
    protocol: str | None = None
    queue_id: str | None = None
    for_address: str | None = None
    dated: datetime | str | None = None

    @cached_property
    def when(self) -> datetime | None:
        """Its date, aware; read when it is asked for: of most hops nobody does."""
        return parse_date(self.dated) if isinstance(self.dated, str) else self.dated


@dataclass(frozen=True)
class ReportedRecipient:
    """What became of one recipient (RFC 3464 section 2.3), or the like from free text.

    Attributes:
        final_recipient: the address that failed, without its address type.
        original_recipient: as the sender gave it, where the report says so.
        action: what happened to it.
        status: enhanced status code, ``class.subject.detail`` (RFC 3463).
        smtp_reply: the three digits of the SMTP reply, where there was one.
        remote_mta: the host that refused or failed.
        diagnostic_code: its words, without the type.
        stage: whether it was refused in the SMTP session or failed afterwards.
        fields: every per-recipient field as (name, value), in order.

    """

    final_recipient: str | None = None
    original_recipient: str | None = None
    action: DeliveryAction | None = None
    status: str | None = None
    smtp_reply: str | None = None
    remote_mta: str | None = None
    diagnostic_code: str | None = None
    stage: RefusalStage = RefusalStage.UNKNOWN
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def permanent(self) -> bool | None:
        """True for 5.x.x, False for 4.x.x (and 2.x.x), None where nothing tells."""
        code = self.status or self.smtp_reply
        return None if not code else code[0] == "5"


@dataclass(frozen=True)
class Original:
    """The message that the report is about, as far as it came back.

    Attributes:
        completeness: how much there is.
        headers: its header section, byte for byte as returned (text that was
            quoted or encoded by the report is undone first).
        body: the bytes after the blank line, or None where none came back.
        verbatim: True where the bytes stand in the report as one attached part,
            unindented and undecoded: only then a broken signature says anything.
        trace: its Received hops, newest first.

    """

    completeness: Completeness = Completeness.NONE
    headers: HeaderBlock = EMPTY
    body: bytes | None = None
    verbatim: bool = False
    trace: tuple[TraceHop, ...] = ()

    @property
    def says_whence(self) -> bool:
        """True where something tells who wrote it or how it came: more than its subject, as a notice names it."""
        if self.completeness is Completeness.PARTIAL:
            return self.from_address is not None or bool(self.trace)
        return self.completeness is not Completeness.NONE

    @cached_property
    def from_address(self) -> str | None:
        """The (first) author address, RFC 5322 From; None where what came back ends inside it."""
        return None if self.ends_inside("from") else find_address(self.headers.text("from"))

    @cached_property
    def sender(self) -> str | None:
        """The Sender address."""
        return find_address(self.headers.text("sender"))

    @cached_property
    def to(self) -> tuple[str, ...]:
        """All To addresses."""
        return tuple(find_addresses(", ".join(self.headers.get_all("to"))))

    @cached_property
    def cc(self) -> tuple[str, ...]:
        """All Cc addresses."""
        return tuple(find_addresses(", ".join(self.headers.get_all("cc"))))

    @cached_property
    def subject(self) -> str | None:
        """The subject, decoded."""
        return self.headers.text("subject")

    @cached_property
    def date(self) -> datetime | None:
        """The Date field: typed by the sender, honest or not."""
        return parse_date(self.headers.get("date"))

    @cached_property
    def message_id(self) -> str | None:
        """The Message-ID with its angle brackets, as written."""
        return find_message_id(self.headers.get("message-id"))

    @cached_property
    def return_path(self) -> str | None:
        """The Return-Path address; "" for the null sender, None where absent."""
        value = self.headers.get("return-path")
        if value is None:
            return None
        return find_address(value) or ("" if "<>" in value.replace(" ", "") else None)

    def ends_in(self, name: str) -> bool:
        """Say whether the field *name*, in lower case, is the last of what came back, and so may be cut off."""
        return self.body is None and self.headers.keys[-1:] == (name,)

    def ends_inside(self, name: str) -> bool:
        """Say whether what came back visibly breaks off in the field *name*: its angle bracket is never closed."""
        if not self.ends_in(name):
            return False
        value = self.headers.get(name) or ""
        return "<" in value and ">" not in value.rpartition("<")[2]


def find_message_id(value: str | None) -> str | None:
    """Return the first ``<...>`` token of *value*, or the bare word that stands for one."""
    if value and "<" not in value:
        value = value.replace("&lt;", "<").replace(
            "&gt;", ">"
        )  # as in a notice in HTML that calls itself text
    found = find_message_ids(value)
    if found:
        return found[0]
    word = (value or "").strip().split(" ", 1)[0]
    return word[:998] if word else None


def find_message_ids(value: str | None) -> list[str]:
    """Return every ``<...>`` token of *value* in order (RFC 5322 section 3.6.4)."""
    found: list[str] = []
    for chunk in (value or "")[:64_000].split("<")[1:]:
        inner, closed, _ = chunk.partition(">")
        inner = "".join(inner.split())
        if closed and inner and len(inner) < 998:
            found.append(f"<{inner}>")
    return found


@dataclass(frozen=True)
class Report:
    """One message, taken apart.

    Attributes:
        kind: what sort of report it is; OTHER for every other message.
        format: the wire format it was read by, e.g. ``rfc3464`` or ``qmail``;
            "" for kind OTHER.
        headers: the report's own header section.
        envelope: what was known of its transport.
        reporting_mta: the host that says it wrote the report: typed text.
        received_from_mta: the host that the reporting MTA had the original from.
        arrival_date: when the original reached the reporting MTA, aware.
        envelope_id: Original-Envelope-Id (RFC 3461 section 4.4).
        fields: every per-message delivery-status field as (name, value).
        recipients: what became of each recipient.
        original: the message it is about.
        trace: the report's own Received hops, newest (nearest to us) first.
        text: the human-readable part, decoded, bounded.
        notes: limits that were passed and parts that could not be read.

    """

    kind: ReportKind
    format: str
    headers: HeaderBlock
    envelope: Envelope = field(default_factory=Envelope)
    reporting_mta: str | None = None
    received_from_mta: str | None = None
    arrival_date: datetime | None = None
    envelope_id: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    recipients: tuple[ReportedRecipient, ...] = ()
    original: Original = field(default_factory=Original)
    trace: tuple[TraceHop, ...] = ()
    text: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def sender(self) -> str | None:
        """The report's own From address."""
        return find_address(self.headers.text("from"))

    @cached_property
    def addressees(self) -> tuple[str, ...]:
        """Whom the report was addressed to, most reliable first, normalised.

        The envelope recipient, the fields in which delivery agents keep it,
        then To.
        """
        values = [self.envelope.rcpt_to]
        values += map(self.headers.text, self.headers.those_of(ADDRESSEE_FIELDS))
        found: dict[str, None] = {}
        for value in values:
            for address in find_addresses(value):
                found.setdefault(normalise(address))
        return tuple(found)

    @cached_property
    def answered_ids(self) -> tuple[str, ...]:
        """Message-IDs that the report names as those of the message it answers.

        In-Reply-To, or without one the last of References (RFC 5322 section 3.6.4);
        the Original-Message-ID of a disposition notification (RFC 8098 section 3.2.5),
        Google's field of the same meaning in a delivery status, Coremail's in the
        header section, and that of certified mail's receipts (RFC 6109 section 3.1.2).
        """
        found = dict.fromkeys(self._ids_in("in-reply-to") or self._ids_in("references")[-1:])
        for name in ("x-riferimento-message-id", "x-cm-original-message-id"):
            found.update(dict.fromkeys(self._ids_in(name)))
        for fields in (self.fields, *(recipient.fields for recipient in self.recipients)):
            for name, value in fields:
                if name.lower() in ("original-message-id", "x-original-message-id"):
                    found.update(dict.fromkeys(find_message_ids(value)))
        return tuple(found)

    @cached_property
    def thread_ids(self) -> tuple[str, ...]:
        """Message-IDs in References besides :attr:`answered_ids`: copied out of the message that is answered."""
        return tuple([i for i in self._ids_in("references") if i not in self.answered_ids])

    def _ids_in(self, name: str) -> list[str]:
        return [i for value in self.headers.get_all(name) for i in find_message_ids(value)]

    @property
    def addressed_domains(self) -> tuple[str, ...]:
        """The domains of :attr:`addressees`, without repetition."""
        return tuple(dict.fromkeys([d for a in self.addressees if (d := domain_of(a))]))

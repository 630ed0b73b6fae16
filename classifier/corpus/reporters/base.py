"""What a reporting system knows when it writes a report, and what it writes."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from classifier.corpus.chance import Weighted, mail_date
from classifier.corpus.words import encoded_word
from classifier.vocabulary import ReportKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.letter import Letter
    from classifier.corpus.people import Host


class Returned(Enum):
    """How much of the original a report returns."""

    FULL = "full"
    HEADERS = "headers"
    PARTIAL = "partial"  # a header section that ends in the middle
    NOTHING = "nothing"


class Stage(Enum):
    """Who refused."""

    SESSION = "session"  # the next server, while the reporter was its client
    LOCAL = "local"  # the reporter itself, after it had taken the mail in


#: The short names of what stands in every row of the formats' tables.
DSN, BOUNCE = ReportKind.DSN, ReportKind.BOUNCE
FULL, HEADERS, NOTHING = Returned.FULL, Returned.HEADERS, Returned.NOTHING
BOTH = (Stage.LOCAL, Stage.SESSION)


@dataclass(frozen=True)
class Reason:
    """Why delivery failed; {r} in the texts is the recipient, {u} its local part, {h} a host.

    Attributes:
        status: enhanced status code (RFC 3463).
        reply: the SMTP reply, code and text, that a server gives.
        words: what a delivery agent says without SMTP.
        permanent: False for a delay.

    """

    status: str
    reply: str
    words: str
    permanent: bool = True


#: Why mail fails, with how often. Reasons that tell of forgery come to genuine mail too.
REASONS = Weighted((
    (Reason("5.1.1", "550 5.1.1 <{r}>: Recipient address rejected: User unknown in virtual mailbox table", 'unknown user: "{u}"'), 16),
    (Reason("5.1.1", "550 5.1.1 <{r}>... User unknown", "User unknown"), 12),
    (Reason("5.1.1", "550 No such user here", "No such user here"), 9),
    (Reason("5.1.1", "550 5.1.1 The email account that you tried to reach does not exist.", "Account does not exist"), 7),
    (Reason("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {r} not found by SMTP address lookup", "Recipient not found"), 6),
    (Reason("5.2.1", "550 5.2.1 Mailbox disabled, not accepting messages", "mailbox disabled"), 4),
    (Reason("5.2.2", "552 5.2.2 <{r}>: Mailbox is full / Quota exceeded", "mailbox is full: quota exceeded"), 9),
    (Reason("5.7.1", "554 5.7.1 Message rejected as spam by content filter", "Message content rejected as spam"), 7),
    (Reason("5.7.1", "550 5.7.1 Service unavailable; client host [{a}] blocked using bl.example.test", "blocked by policy"), 4),
    (Reason("5.7.23", "550 5.7.23 SPF validation failed", "SPF check failed"), 2),
    (Reason("5.7.26", "550 5.7.26 Unauthenticated email is not accepted due to the domain's DMARC policy", "DMARC policy"), 3),
    (Reason("5.4.4", "550 5.4.4 Host or domain name not found", "Host or domain name not found"), 5),
    (Reason("5.3.4", "552 5.3.4 Message size exceeds fixed limit", "message too large"), 2),
    (Reason("5.0.0", "554 Transaction failed", "delivery failed"), 4),
    (Reason("5.4.6", "554 5.4.6 Too many hops", "too many hops"), 1),
    (Reason("5.7.1", "550 5.7.1 Relaying denied", "relaying denied"), 2),
))  # fmt: skip
DELAYS = Weighted((
    (Reason("4.4.1", "450 4.4.1 Connection timed out", "connection timed out", permanent=False), 5),
    (Reason("4.2.2", "452 4.2.2 Mailbox full", "over quota", permanent=False), 3),
    (Reason("4.7.1", "451 4.7.1 Greylisting in action, please come back later", "greylisted", permanent=False), 3),
))  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """All that the reporting system knows.

    Attributes:
        chance: decides what is left open.
        host: the host that reports.
        organisation: its registered domain.
        language: what it writes in, where it can.
        letter: the original as it stands there, its own Received on top.
        original: the letter's bytes as they are to be returned; empty for nothing.
        returned: how much is returned.
        recipient: the address that failed, as the reporter knows it.
        original_recipient: as the sender wrote it.
        reason: why.
        stage: who refused.
        remote: the server that refused, or None.
        client: the host that the reporter had the original from.
        arrival: when it arrived there.
        failed_at: when the report is written.
        to: where the report goes.
        queue_id: the reporter's id of the original.
    """

    chance: Chance
    host: Host
    organisation: str
    language: str
    letter: Letter
    original: bytes
    returned: Returned
    recipient: str
    original_recipient: str
    reason: Reason
    stage: Stage
    remote: Host | None
    client: Host
    arrival: datetime
    failed_at: datetime
    to: str
    queue_id: str

    def _filled(self, text: str) -> str:
        return (
            text.replace("{r}", self.recipient)
            .replace("{u}", self.recipient.partition("@")[0])
            .replace("{a}", self.host.address)
        )

    @property
    def reply(self) -> str:
        """The SMTP reply."""
        return self._filled(self.reason.reply)

    @property
    def words(self) -> str:
        """The delivery agent's words."""
        return self._filled(self.reason.words)

    @property
    def name(self) -> str:
        """The reporting host's public name."""
        return self.host.name or self.host.helo

    @property
    def remote_name(self) -> str:
        """The name of the server that refused, or of the reporter itself."""
        return (self.remote.name or self.remote.helo) if self.remote else self.name

    @property
    def subject(self) -> str:
        """The original's subject as written, folding undone."""
        return " ".join((self.letter.get("subject") or "").split())

    @property
    def original_id(self) -> str:
        """The original's Message-ID, or ""."""
        return self.letter.message_id or ""

    @property
    def date(self) -> str:
        """The moment of the report."""
        return mail_date(self.failed_at)

    @property
    def header_section(self) -> bytes:
        """The header section to return."""
        return self.original.partition(b"\n\n")[0] + b"\n"


@dataclass(frozen=True)
class Notice:
    """A report as its system writes it, before it travels.

    Attributes:
        fields: its header fields below the trace.
        body: what follows the blank line.
        reverse_path: its envelope sender.
        to: where it goes.

    """

    fields: list[tuple[str, str]]
    body: bytes
    reverse_path: str = ""


@dataclass(frozen=True)
class Format:
    """A reporting system's wire format.

    Attributes:
        name: for people and for grouping.
        kind: what sort of report it is.
        write: writes it.
        weight: how often it is met.
        style: how the system writes Received fields (see :mod:`classifier.corpus.trace`).
        returns: how much of the original it may return.
        stages: who refuses where it reports.
        delayed: True: a notice of delay.
        answers_author: True: it goes to From instead of the reverse path.

    """

    name: str
    kind: ReportKind
    write: Callable[[Failure], Notice]
    weight: float = 1.0
    style: str = "gateway"
    returns: tuple[Returned, ...] = (Returned.FULL,)
    stages: tuple[Stage, ...] = (Stage.LOCAL,)
    delayed: bool = False
    answers_author: bool = False


def part(content_type: str, content: bytes | str, *more: tuple[str, str]) -> bytes:
    """Write one body part; its last line end belongs to the boundary."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    head = f"Content-Type: {content_type}\n" + "".join(f"{name}: {value}\n" for name, value in more)
    return head.encode() + b"\n" + data


def multipart(boundary: str, parts: Iterable[bytes], preamble: str = "") -> bytes:
    """Join body parts (RFC 2046 section 5.1.1)."""
    edge = b"--" + boundary.encode()
    text = preamble.encode() + b"\n" if preamble else b""
    return text + b"".join(edge + b"\n" + one + b"\n" for one in parts) + edge + b"--\n"


def fields(*pairs: tuple[str, str | None]) -> str:
    """Write delivery-status fields, those without a value left out, and a blank line."""
    return "".join(f"{name}: {value}\n" for name, value in pairs if value is not None) + "\n"


def encoded_text(text: str, charset: str = "utf-8") -> tuple[str, bytes]:
    """Encode a text part; return its Content-Transfer-Encoding and bytes."""
    data = text.encode(charset, "replace")
    if data.isascii():
        return "7bit", data
    return "base64", base64.encodebytes(data)


def returned_part(
    failure: Failure,
    *more: tuple[str, str],
    headers_type: str = "text/rfc822-headers",
    full_type: str = "message/rfc822",
) -> list[bytes]:
    """Write the part that returns the original, or none."""
    if failure.returned is Returned.NOTHING or not failure.original:
        return []
    if failure.returned is Returned.HEADERS:
        return [part(headers_type, failure.header_section, *more)]
    return [part(full_type, failure.original, *more)]


def subject(text: str) -> str:
    """Write a Subject with encoded words where it needs them."""
    return encoded_word(text)

"""Drafts to the operators of servers that answer forged mail. Pure: bytes in, messages out, nothing sent."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.evidence.hosts import ip_of, is_internal
from classifier.history import moment_of
from classifier.parse.addresses import find_address
from classifier.parse.headers import HeaderBlock
from classifier.present.complaint_words import subject, words
from classifier.present.text import printable
from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from classifier.history import HistoryEntry

#: So many reports are shown to an operator.
SAMPLES = 2
#: So many reports go into one bundle for SpamCop, and so large ones, in bytes.
BUNDLE, BUNDLE_BYTES = 20, 50_000
_MAX_OPERATORS = 10_000
#: As long as a path may be, with some room (RFC 5321 section 4.5.3.1.3).
_MAX_PATH = 300


@dataclass
class Operator:
    """Whose server answered forged mail.

    Attributes:
        name: its registered domain.
        host: the host that sent the newest of them.
        address: its IP address, or "".
        domain: the protected domain in whose name the mail was sent, or "".
        kinds: how many reports of each kind.
        several: True where more hosts than one sent them.
        first: when the first came, in UTC.
        last: when the last did.
        samples: what is shown of the newest reports: when each came, and of its header section what finds it.

    """

    name: str
    host: str
    address: str
    domain: str
    kinds: Counter[str] = field(default_factory=Counter)
    several: bool = False
    first: datetime | None = None
    last: datetime | None = None
    samples: list[tuple[datetime | None, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many reports it sent."""
        return sum(self.kinds.values())


@dataclass
class Complaints:
    """What is collected for complaints.

    Attributes:
        operators: by their domain.
        bundle: whole reports for SpamCop.
        unclear: forged reports whose sender is not beyond doubt; nobody is told.
        now: the time, aware; no report came later.

    """

    operators: dict[str, Operator] = field(default_factory=dict)
    bundle: list[bytes] = field(default_factory=list)
    unclear: int = 0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def add(self, entry: HistoryEntry, raw: bytes | None = None) -> None:
        """Count one judged report; only forged ones matter.

        Args:
            entry: what is known of it.
            raw: the report itself, for a bundle; None where it is not at hand.

        """
        if entry.verdict != Verdict.FORGED:
            return
        name = printable(entry.operator, 255)
        if (
            not entry.host
            or not name
            or (name not in self.operators and len(self.operators) >= _MAX_OPERATORS)
        ):
            self.unclear += 1
            return
        operator = self.operators.setdefault(name, Operator(name, "", "", ""))
        when = moment_of(entry.came, self.now)
        operator.kinds[entry.kind] += 1
        host = printable(entry.host, 255)
        operator.several = operator.several or operator.host not in {"", host}
        if not operator.host or (when and operator.last and when >= operator.last):
            operator.host, operator.address = host, entry.address
        operator.domain = operator.domain or printable(entry.used.rpartition("@")[2], 255)
        if when is not None:
            operator.first = min(operator.first or when, when)
            operator.last = max(operator.last or when, when)
        if entry.headers:
            operator.samples.append((when, entry.headers))
            operator.samples.sort(key=lambda s: s[0].timestamp() if s[0] else 0.0, reverse=True)
            del operator.samples[SAMPLES:]
        if raw is not None and len(self.bundle) < BUNDLE and len(raw) <= BUNDLE_BYTES:
            self.bundle.append(raw)

    def most_first(self) -> list[Operator]:
        """Return the operators, those with most reports first."""
        return sorted(self.operators.values(), key=lambda o: (-o.count, o.name))


def draft(operator: Operator, author: str, contacts: tuple[str, ...] = ()) -> EmailMessage:
    """Write to an operator.

    Args:
        operator: whom.
        author: the address to write from.
        contacts: addresses for complaints that a registry names, beside those of RFC 2142.

    """
    message = _headed(operator, author, contacts)
    message.set_content(words(operator))
    message.make_mixed()
    for number, (_, sample) in enumerate(operator.samples, 1):
        message.attach(_headers_part(sample, f"report-{number}.txt"))
    return message


def _headed(operator: Operator, author: str, contacts: tuple[str, ...]) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = author
    # RFC 2142 sections 4 and 5.
    usual = (f"postmaster@{operator.name}", f"abuse@{operator.name}")
    message["To"] = ", ".join(usual)
    if more := [c for c in contacts if c.lower() not in usual]:
        message["Cc"] = ", ".join(more)
    message["Subject"] = subject(operator)
    # Mail programs open such a file for writing.
    message["X-Unsent"] = "1"
    return message


def _headers_part(sample: str, filename: str = "") -> EmailMessage:
    """Make a part of a header section, readable as it stands where that is possible (RFC 6522 section 4)."""
    part = EmailMessage(policy=SMTP)
    text = sample.rstrip("\n") + "\n"
    plain = (
        text.isascii() and max(map(len, text.splitlines())) <= 900 and "\r" not in text and "\0" not in text
    )
    part.set_content(
        text,
        subtype="rfc822-headers",
        charset="us-ascii" if plain else "utf-8",
        cte="7bit" if plain else "base64",
    )
    if filename:
        part.add_header("Content-Disposition", "attachment", filename=filename)
    return part


def arf(operator: Operator, author: str, contacts: tuple[str, ...] = ()) -> EmailMessage | None:
    """Write the same as a feedback report (RFC 5965) about the newest report; None without its header section."""
    if not operator.samples:
        return None  # the third part is required (section 2)
    newest = operator.samples[0][1]
    report = _headed(operator, author, contacts)
    report.set_content(words(operator))
    report.make_mixed()
    # Section 3: what kind, who says so, and of the newest report its sender, when it came, and from where.
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: backscatter/1",
        "Version: 1",
        f"Incidents: {operator.count}",
        f"Reported-Domain: {operator.name}",
    ]
    path = HeaderBlock(newest.encode("utf-8", "replace")).get("return-path")
    if path is not None:
        sender = find_address(path[:_MAX_PATH]) or ""
        if (sender.isascii() and sender.isprintable()) if sender else path.strip() == "<>":
            fields.append(f"Original-Mail-From: <{sender}>")
    if operator.last:
        fields.append(f"Arrival-Date: {format_datetime(operator.last)}")
    ip = ip_of(operator.address)
    if ip is not None and not is_internal(ip):
        fields.append(f"Source-IP: {ip}")
    machine = EmailMessage(policy=SMTP)
    machine.set_content("\r\n".join((*fields, "")), subtype="plain", charset="us-ascii", cte="7bit")
    machine.replace_header("Content-Type", "message/feedback-report")
    report.attach(machine)
    report.attach(_headers_part(newest))
    boundary = report.get_boundary()
    report.replace_header("Content-Type", 'multipart/report; report-type="feedback-report"')
    if boundary:
        report.set_boundary(boundary)
    return report


def spamcop(reports: list[bytes], author: str) -> EmailMessage:
    """Bundle whole reports for SpamCop's submission address, which the user fills in: one attachment each."""
    message = EmailMessage(policy=SMTP)
    message["From"] = author
    message["Subject"] = "misdirected bounces"
    message["X-Unsent"] = "1"
    message.set_content(
        "Send this to the submission address of your SpamCop account. Misdirected bounces may be reported there.\n"
    )
    for number, raw in enumerate(reports, 1):
        message.add_attachment(
            raw, maintype="application", subtype="octet-stream", filename=f"bounce-{number}.eml"
        )
    return message

"""Drafts to the operators of servers that send misdirected bounces. Pure: bytes in, messages out, nothing sent."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.evidence.hosts import ip_of, is_internal
from classifier.present.text import printable
from classifier.vocabulary import RefusalStage, Verdict

if TYPE_CHECKING:
    from classifier.history import HistoryEntry

#: So many reports are shown to an operator.
SAMPLES = 2
#: So many reports go into one bundle for SpamCop, and so large ones, in bytes.
BUNDLE, BUNDLE_BYTES = 20, 50_000
_MAX_OPERATORS = 10_000

_TEXT = """\
Dear postmaster,

your mail server {host}{address} sends us delivery reports about mail that we never sent: {count}. Spam was sent to addresses that your server does not deliver to, with a forged sender address at {domain}. Your server took that mail in, found out afterwards that it could not deliver it, and wrote to the forged sender, which is us.

Such reports are called misdirected bounces, or backscatter. They reach people who have nothing to do with the spam, and servers that send them come to be listed, for example by SpamCop and backscatterer.org (see RFC 5321 section 6.2 and RFC 3834 section 4).

{samples}

What helps is to refuse such mail while the sending server is still connected, instead of taking it in and bouncing it later:

 1. Accept mail only for recipients that exist here, or behind you.
 2. Refuse in the SMTP session whatever you do not want: unknown
    recipients, full mailboxes, spam and viruses.
 3. After acceptance, never send a bounce to an address outside; let
    automatic answers go to nobody whose mail failed SPF or DMARC.

The settings for 1:

   Postfix    local_recipient_maps and relay_recipient_maps list who
              exists (smtpd_reject_unlisted_recipient = yes is the
              default); where no list can be had:
              smtpd_recipient_restrictions =
                reject_unauth_destination, reject_unverified_recipient
   Exim       in the ACL for RCPT:
                require verify = recipient
              for hosts behind it:
                require verify = recipient/callout=20s,defer_ok
   Sendmail   FEATURE(`virtusertable') that ends each domain with
                @{example}  error:nouser 550 User unknown
              and FEATURE(`blocklist_recipients')
   Exchange   Set-RecipientFilterConfig -RecipientValidationEnabled $true
              Enable-TransportAgent "Recipient Filter Agent"
              (the accepted domain with AddressBookEnabled $true)
   qmail      notqmail or netqmail with a check of recipients at RCPT:
              qmail-spp, spamdyke (reject-recipient) or validrcptto

and for spam and viruses, before the end of DATA: Postfix smtpd_milters or smtpd_proxy_filter; Exim acl_smtp_data; Sendmail a milter; Exchange the transport agents' reject or quarantine action; qmail simscan.

Thank you for looking into it.
"""


@dataclass
class Operator:
    """Whose server sent misdirected bounces.

    Attributes:
        name: its registered domain.
        host: the host that brought the newest of them.
        address: its IP address, or "".
        domain: the protected domain in whose name the mail was sent, or "".
        count: how many reports.
        first: when the first came, in UTC.
        last: when the last did.
        accepted: how many of them say that the mail had been taken in before it failed.
        samples: what is shown of the newest reports: when each came, and of its header section what finds it.

    """

    name: str
    host: str
    address: str
    domain: str
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    accepted: int = 0
    samples: list[tuple[datetime | None, str]] = field(default_factory=list)


@dataclass
class Complaints:
    """What is collected for complaints.

    Attributes:
        operators: by their domain.
        bundle: whole reports for SpamCop.
        unclear: forged reports whose sender is not beyond doubt; nobody is told.

    """

    operators: dict[str, Operator] = field(default_factory=dict)
    bundle: list[bytes] = field(default_factory=list)
    unclear: int = 0

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
        when = _moment(entry.came)
        operator.count += 1
        operator.accepted += entry.stage == RefusalStage.ACCEPTED
        if not operator.host or (when and operator.last and when >= operator.last):
            operator.host, operator.address = printable(entry.host, 255), entry.address
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
    message.set_content(_words(operator))
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
    message["Subject"] = f"{operator.host} sends bounces about mail with forged senders"
    # Mail programs open such a file for writing.
    message["X-Unsent"] = "1"
    return message


def _words(operator: Operator) -> str:
    number = f"{operator.count:,} of them" if operator.count > 1 else "one of them"
    if operator.first and operator.last:
        first, last = f"{operator.first:%Y-%m-%d %H:%M}", f"{operator.last:%Y-%m-%d %H:%M}"
        number += f", on {first} UTC" if first == last else f" between {first} and {last} UTC"
    shown = len(operator.samples)
    samples = "The header section of one of these reports is attached."
    if shown != 1:
        samples = f"The header sections of {shown} of these reports are attached."
    return _wrapped(
        _TEXT.format(
            host=operator.host,
            address=f" [{operator.address}]" if operator.address else "",
            count=number,
            domain=operator.domain or "our domain",
            samples=samples if shown else "The reports themselves are kept here; ask for them.",
            example=operator.name,
        )
    )


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


def arf(operator: Operator, author: str, contacts: tuple[str, ...] = ()) -> EmailMessage:
    """Write the same as a feedback report (RFC 5965) about the newest misdirected bounce."""
    report = _headed(operator, author, contacts)
    report.set_content(_words(operator))
    report.make_mixed()
    # Section 3: what kind, who says so, and of the bounce its null sender, when it came, and from where.
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: backscatter/1",
        "Version: 1",
        "Original-Mail-From: <>",
        f"Incidents: {operator.count}",
        f"Reported-Domain: {operator.name}",
    ]
    if operator.last:
        fields.append(f"Arrival-Date: {format_datetime(operator.last)}")
    ip = ip_of(operator.address)
    if ip is not None and not is_internal(ip):
        fields.append(f"Source-IP: {ip}")
    machine = EmailMessage(policy=SMTP)
    machine.set_content("\r\n".join((*fields, "")), subtype="plain", charset="us-ascii", cte="7bit")
    machine.replace_header("Content-Type", "message/feedback-report")
    report.attach(machine)
    # The third part is required (section 2): of a bounce that no longer exists, what is known of it.
    newest = operator.samples[0][1] if operator.samples else "Return-Path: <>\n"
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


def _wrapped(text: str) -> str:
    """Fill paragraphs anew, now that the names stand in them; lists stay as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        p
        if p.startswith(" ") or ":\n" in p
        else textwrap.fill(p, 72, break_long_words=False, break_on_hyphens=False)
        for p in paragraphs
    )


def _moment(came: int | None) -> datetime | None:
    try:
        return None if came is None else datetime.fromtimestamp(came, UTC)
    except (OverflowError, ValueError, OSError):
        return None

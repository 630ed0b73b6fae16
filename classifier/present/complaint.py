"""Drafts to the operators of servers that send misdirected bounces. Pure: bytes in, messages out, nothing sent."""

from __future__ import annotations

import textwrap
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.evidence.origin import delivering_organisations, organisation
from classifier.evidence.reporter import delivering_hop
from classifier.present.text import printable
from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.examine import Examination
    from classifier.identity import Identity

#: So many reports are shown to an operator.
SAMPLES = 2
#: So many reports go into one bundle for SpamCop, and so large ones, in bytes.
BUNDLE, BUNDLE_BYTES = 20, 50_000
_MAX_OPERATORS = 10_000
_HEADER_BYTES = 20_000

_TEXT = """\
Dear postmaster,

your mail server {host} sends us delivery reports about mail that we never
sent: {count} of them between {first} and {last} (UTC). Spam was sent to
addresses that your server does not deliver to, with a forged sender address at
{domain}. Your server took that mail in and found out afterwards that it could
not deliver it; so it wrote to the forged sender, which is us.

Such reports are called misdirected bounces, or backscatter. They reach people
who have nothing to do with the spam, and servers that send them come to be
listed (RFC 3834 section 4, RFC 5321 section 6.2).

The header sections of {samples} of these reports are attached.

What helps is to refuse such mail while the sending server is still connected,
instead of taking it in and bouncing it later:

 - Accept mail only for recipients that exist.
     Postfix    local_recipient_maps, relay_recipient_maps or
                reject_unverified_recipient
     Exim       "verify = recipient" (with callout for hosts behind it) in the
                RCPT ACL
     Sendmail   a complete virtusertable or access map
     Exchange   Set-RecipientFilterConfig -RecipientValidationEnabled $true
     qmail      qmail-spp or spamdyke with a check of the recipient
 - Scan for spam and viruses before the end of the SMTP session, and refuse or
   keep what is found; never answer it.
 - Let automatic answers go to nobody whose mail failed SPF or DMARC.

Thank you for looking into it.
"""


@dataclass
class Operator:
    """Whose server sent misdirected bounces.

    Attributes:
        name: its registered domain.
        host: the host that brought the newest of them.
        count: how many reports.
        first: when the first came, in UTC.
        last: when the last did.
        samples: header sections of the newest, as they came.
        domain: the protected domain in whose name the mail was sent.

    """

    name: str
    host: str
    domain: str
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    samples: list[bytes] = field(default_factory=list)


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

    def add(self, raw: bytes, found: Examination, identity: Identity, when: datetime | None) -> None:
        """Count one judged message; only forged reports matter.

        An operator is told only where the host that brought the report belongs
        to the one that says it wrote it: both names could be somebody's typing.
        """
        if found.judgement.verdict is not Verdict.FORGED:
            return
        report = found.report
        hop = delivering_hop(report, identity)
        name = organisation(report.reporting_mta) or (organisation(hop.client_name) if hop else None)
        if (
            hop is None
            or name is None
            or name not in delivering_organisations(report)
            or _ours(name, identity)
        ):
            self.unclear += 1
            return
        operator = self.operators.get(name)
        if operator is None:
            if len(self.operators) >= _MAX_OPERATORS:
                self.unclear += 1
                return
            domain = next(
                (d for a in report.addressees if (d := a.rpartition("@")[2]) and identity.owns_address(a)), ""
            )
            host = hop.client_name or report.reporting_mta or name
            operator = self.operators[name] = Operator(name, printable(host, 255), printable(domain, 255))
        operator.count += 1
        if when is not None:
            operator.first = min(operator.first or when, when)
            operator.last = max(operator.last or when, when)
        if len(operator.samples) < SAMPLES:
            operator.samples.append(report.headers.raw[:_HEADER_BYTES])
        if len(self.bundle) < BUNDLE and len(raw) <= BUNDLE_BYTES:
            self.bundle.append(raw)


def _ours(name: str, identity: Identity) -> bool:
    return name in {organisation(domain.lstrip(".")) for domain in identity.domains}


def draft(operator: Operator, author: str) -> EmailMessage:
    """Write to an operator.

    Args:
        operator: whom.
        author: the address to write from.

    """
    message = EmailMessage(policy=SMTP)
    message["From"] = author
    # RFC 2142 sections 4 and 5.
    message["To"] = f"postmaster@{operator.name}, abuse@{operator.name}"
    message["Subject"] = f"{operator.host} sends bounces about mail with forged senders"
    # Mail programs open such a file for writing.
    message["X-Unsent"] = "1"
    text = _wrapped(
        _TEXT.format(
            host=operator.host,
            count=f"{operator.count:,}",
            first=_day(operator.first),
            last=_day(operator.last),
            domain=operator.domain or "our domain",
            samples=len(operator.samples),
        )
    )
    message.set_content(text)
    for number, sample in enumerate(operator.samples, 1):
        message.add_attachment(
            sample.decode("utf-8", "replace"),
            subtype="rfc822-headers",
            filename=f"report-{number}.txt",
            cte="base64",
        )
    return message


def arf(operator: Operator, author: str) -> EmailMessage:
    """Write the same as a feedback report (RFC 5965) about the newest misdirected bounce."""
    message = draft(operator, author)
    text = message.get_body(("plain",))
    told = text.get_content() if isinstance(text, EmailMessage) else ""
    report = EmailMessage(policy=SMTP)
    for name in ("From", "To", "Subject", "X-Unsent"):
        report[name] = message[name]
    report.set_content(told)
    report.make_mixed()
    machine = EmailMessage(policy=SMTP)
    fields = (
        f"Feedback-Type: other\r\nUser-Agent: backscatter\r\nVersion: 1\r\nIncidents: {operator.count}\r\n"
    )
    machine.set_content(fields, subtype="plain", charset="us-ascii", cte="7bit")
    machine.replace_header("Content-Type", "message/feedback-report")
    report.attach(machine)
    for sample in operator.samples[:1]:
        part = EmailMessage(policy=SMTP)
        part.set_content(sample.decode("utf-8", "replace"), subtype="rfc822-headers", cte="base64")
        report.attach(part)
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
        p if p.startswith(" ") else textwrap.fill(p, 72, break_long_words=False, break_on_hyphens=False)
        for p in paragraphs
    )


def _day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else "an unknown time"

"""What it means that the ledger does not hold the original: mostly nothing.

A miss counts where all of this is so: ``complete_since`` is set, a Message-ID
came back whole, no relay is known to have put it there, the original claims an
author of ours, and it arrived while the ledger was complete. That time is
taken from the reporting side, as far behind ours as its clock may be; the
original's own Date is typed by its sender.

An automatic answer mostly returns nothing but that Message-ID, as the one it
answers. It comes soon after the original did, so our own host's time tells; and
the Message-ID itself has to claim that we made it, since nothing else shows
whether the answered message did.
"""

from __future__ import annotations

import re
from datetime import timedelta

from classifier.evidence.base import Evidence, forged, neutral
from classifier.evidence.hosts import organisation
from classifier.evidence.origin import observed_client
from classifier.evidence.ours import Nature, nature, sent_on_by_us
from classifier.evidence.taken_in import is_from_outside_to_us
from classifier.parse.addresses import domain_of
from classifier.parse.automatic import is_automatic
from classifier.parse.dates import parse_date
from classifier.vocabulary import ReportKind, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from classifier.evidence.base import Ledger, Lookups
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: A bounce comes back within seconds, before the Sent folder is read.
NOT_YET_READ = timedelta(hours=1)
#: A report comes within days (RFC 5321 section 4.5.4.1), a vacation note
#: within weeks; a much older identifier may have been dug out.
STALE_AFTER = timedelta(days=30)
#: These are written as soon as the original is there; a receipt when somebody reads it.
_AT_ONCE = frozenset({ReportKind.AUTO_REPLY, ReportKind.CHALLENGE, ReportKind.VIRUS_WARNING})
#: How far the reporting side's clock may be ahead of ours and still be believed.
CLOCKS = timedelta(days=1)
#: How long a message may travel: what arrives soon after ``complete_since``
#: may have been sent before (RFC 5321 section 4.5.4.1: four to five days).
TRAVEL = timedelta(days=7)
#: Message-IDs ending so were written by a provider's relay in place of ours.
REWRITERS = (
    "amazonses.com",
    "outlook.com",
    "exchangelabs.com",
    "office365.com",
    "mx.google.com",
    "mail.gmail.com",
    "mandrillapp.com",
    "mtasv.net",
    "sendgrid.net",
    "sparkpostmail.com",
    "mailjet.com",
    "sendinblue.com",
    "brevo.com",
    "mailin.fr",
    "mailgun.net",
    "mailgun.org",
    "smtpcorp.com",
    "elasticemail.net",
    "elasticemail.com",
    "zeptomail.com",
    "zohomail.com",
    "mailersend.net",
    "mail.yahoo.com",
    "icloud.com",
    "me.com",
)
#: A Message-ID that every mail server logs as it is, with or without brackets, comments around it.
_LOGGED = r"(?:\([^()]{0,200}\)|\s){0,10}(?:<\s{0,20}[!-;=?-~]{1,250}\s{0,20}>|[!-;=?-~]{1,250})(?:\s{0,200}\([^()]{0,200}\)){0,10}\s{0,200}"
#: Addresses of one report that are looked up.
_MAX_ADDRESSES = 50
#: How those begin that SendGrid's hosts write: they have no domain.
_BARE_REWRITERS = ("geopod-ismtpd-",)


def judge_miss(
    report: Report,
    identity: Identity,
    lookups: Lookups,
    returned: tuple[str, ...],
    recipients: tuple[str, ...],
) -> Evidence | None:
    """Say what it tells that nothing of the original is in the ledger.

    Args:
        report: the report.
        identity: who is protected; its ``ledger_complete_since`` decides.
        lookups: the clock and the ledger.
        returned: the Message-IDs that came back.
        recipients: the addresses that failed.

    Returns:
        Evidence; None where there is nothing worth telling.

    """
    ledger = lookups.ledger
    if ledger is None:
        return None
    reason = _not_covered(report, identity, lookups)
    if not returned:
        if reason or not recipients:
            return None
        stranger = not any(map(ledger.wrote_to, recipients))
        answered = _answered_as_ours(report, identity)
        if answered and _went_nameless(report, ledger, recipients):
            return None
        if answered:
            said = f"it answers {shown(answered)}, which is not in the ledger"
            finding = "reply-miss-stranger" if stranger else "reply-miss"
            also = f", and we never wrote to {shown(recipients[0])}" if stranger else ""
            return forged("ledger", Strength.STRONG, finding, said + also)
        if stranger:
            return forged("ledger", Strength.WEAK, "stranger", f"we never wrote to {shown(recipients[0])}")
        return None
    said = f"Message-ID {shown(returned[0])} is not in the ledger"
    if reason:
        return neutral("ledger", "miss-uncounted", f"{said}; {reason}")
    if _cut_off(report):
        return neutral("ledger", "miss-cut-off", f"{said}; the returned headers break off within it")
    if _unlike_logged(report):
        return neutral(
            "ledger", "miss-malformed", f"{said}; but it is none by the standard, and logs alter such"
        )
    writer = _rewriter(report, identity, returned[0])
    if writer:
        return neutral("ledger", "miss-rewritten", f"{said}; {writer} wrote it on the way")
    if nameless := _went_nameless(report, ledger, recipients):
        return neutral("ledger", "miss-nameless", f"{said}; but {nameless}, and may have got one on its way")
    if not _claims_our_author(report, identity):
        if _forwarded_by_us(report, identity):
            return neutral("ledger", "miss-forwarded", f"{said}; it went through a forward or list of ours")
        return forged("ledger", Strength.WEAK, "miss-other-author", f"{said}, and its author is none of ours")
    if is_from_outside_to_us(report, identity):
        # Forms on rented servers, and devices, write to our own people past what the ledger is read from.
        detail = (
            f"{said}, which is complete for that time; but our own host had it from outside, for one of us"
        )
        return forged("ledger", Strength.WEAK, "miss-taken-in", detail)
    if is_automatic(report.original.headers):
        # Servers keep no copy of the notes that they answer with: a ledger read from Sent folders lacks them.
        return forged(
            "ledger", Strength.WEAK, "miss-automatic", f"{said}; but it calls itself an automatic answer"
        )
    return forged("ledger", Strength.STRONG, "miss", f"{said}, which is complete for that time")


def _cut_off(report: Report) -> bool:
    """Say whether what came back of the original's Message-ID breaks off: some reporters cut every line."""
    headers = report.original.headers
    value = (headers.get("message-id") or "").rstrip()
    if "<" in value and ">" not in value.rpartition("<")[2]:
        return True
    return headers.keys[-1:] == ("message-id",) and not value.endswith(">")


def _unlike_logged(report: Report) -> bool:
    """Say whether the original's Message-ID is such that mail servers log another, or none.

    Exim logs none that is no msg-id (RFC 5322 section 3.6.4) or is very long, Postfix and Sendmail
    put marks for what cannot be printed.
    """
    value = report.original.headers.get("message-id")
    return value is not None and re.fullmatch(_LOGGED, value.strip()) is None


def _not_covered(report: Report, identity: Identity, lookups: Lookups) -> str:
    """Return why the ledger need not hold the original, or "" where it must."""
    since = identity.ledger_complete_since
    if since is None or lookups.ledger is None:
        return "it may have holes (complete_since is not set)"
    until = lookups.ledger.covered_until()
    if until is None:
        return "it was never synced"
    arrival = _arrival(report)
    if arrival is None:
        return "the report does not say when the original arrived"
    earliest, latest = arrival
    when = came(report)
    if when is not None and not when - STALE_AFTER <= latest <= when + CLOCKS:
        return "the original arrived, the report says, at a time that cannot be"
    if earliest < since:
        return "the original arrived before complete_since"
    whole_since = lookups.ledger.covered_since()
    if latest > min(until, lookups.now) - NOT_YET_READ - _behind(report):
        return f"its sources were read up to {until:%Y-%m-%d %H:%M} UTC, and the original arrived an hour before that, or later"
    if earliest < since + TRAVEL:
        # Its Date is the sender's word, and may be missing: a clock that is wrong is no sign of forgery.
        return "the original may have been sent before complete_since"
    if whole_since is not None and earliest < whole_since + TRAVEL:
        return f"what was sent before {whole_since:%Y-%m-%d %H:%M} UTC is not all in it"
    return ""


def _behind(report: Report) -> timedelta:
    """Return how far the reporting side's clock may be behind ours: by how long its report seems to have travelled."""
    when, written = came(report), parse_date(report.headers.get("date"))
    if when is None or written is None:
        return timedelta()
    return min(max(when - written, timedelta()), STALE_AFTER)


def came(report: Report) -> datetime | None:
    """When the report itself reached us, as our own side recorded it."""
    return report.envelope.received_at or (report.trace[0].when if report.trace else None)


def _arrival(report: Report) -> tuple[datetime, datetime] | None:
    """Between when and when the original reached the reporting side, by what that side or ours recorded."""
    arrival = report.arrival_date
    if arrival is None and report.original.trace:
        arrival = report.original.trace[0].when
    if arrival is not None:
        return arrival, arrival
    when = came(report)
    if when is not None and report.kind in _AT_ONCE:
        return when - STALE_AFTER, when
    return None


def _answered_as_ours(report: Report, identity: Identity) -> str:
    """Return the Message-ID that an automatic answer names, where it can only be one that we made, or ""."""
    if (
        report.kind not in _AT_ONCE
        or identity.owns_address(report.sender)
        or _forwarded_by_us(report, identity)
    ):
        # What our own people answer may have come from a form or a device, past what the ledger is read from.
        return ""
    answered = report.answered_ids
    for message_id in answered:
        domain = domain_of(message_id.strip("<>"))
        # A host of ours gives its own name to what it had without one; the ledger may not know of it.
        if domain not in {*identity.domains, *identity.message_id_domains} or identity.is_relay_name(domain):
            return ""
    return answered[0] if answered else ""


def _rewriter(report: Report, identity: Identity, message_id: str) -> str | None:
    """Name the relay that wrote *message_id*, where its right-hand side tells."""
    domain = domain_of(message_id.strip("<>"))
    if domain is None or domain in identity.message_id_domains:
        return None
    if domain.startswith(_BARE_REWRITERS) or any(
        domain == name or domain.endswith("." + name) for name in REWRITERS
    ):
        return shown(domain)
    client = observed_client(report)
    if (
        client is not None
        and nature(client.name, client.address) is Nature.NAMED
        and organisation(client.name) == organisation(domain) is not None
    ):
        return shown(client.name or "")
    hosts = [report.reporting_mta, *(hop.by for hop in report.original.trace)]
    return next((shown(host) for host in hosts if host and host.rstrip(".").lower() == domain), None)


def _went_nameless(report: Report, ledger: Ledger, recipients: tuple[str, ...]) -> str:
    """Say that something which left without a Message-ID may be the original; "" where nothing did.

    Some scanners, forms and scripts give none; a filter of ours or a server elsewhere does then.
    """
    # One that forwards reports another recipient than ours.
    addresses = dict.fromkeys((*recipients, *report.original.to, *report.original.cc))
    arrival = _arrival(report)
    for address in (*addresses,)[:_MAX_ADDRESSES] or ("",):
        entry = ledger.find_nameless(address)
        if entry is None:
            continue
        if arrival is None or entry.sent_at is None or entry.sent_at >= arrival[0] - STALE_AFTER:
            return f"mail to {shown(address) or 'somebody'} left us without any that its log names"
    return ""


def _claims_our_author(report: Report, identity: Identity) -> bool:
    original = report.original
    return identity.owns_address(original.from_address) or identity.owns_address(original.sender)


def _forwarded_by_us(report: Report, identity: Identity) -> bool:
    """Say whether the report came to an SRS, list or VERP address of ours."""
    paths = (*report.addressees, report.original.return_path or "")
    return any(identity.owns_address(path) and sent_on_by_us(path) for path in paths)


def shown(text: str) -> str:
    """Make mail's own text fit for a detail: one line, printable, bounded."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 120 else f"{text[:117]}..."

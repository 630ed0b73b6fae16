"""Ledger: did we send a message with this identifier to the recipient that failed?

An identifier alone can be copied from a list archive or from any message of
ours; that the message also went to the very recipient that failed is known to
us and to that recipient alone. Hence a hit is proof only with the recipient.
A miss is a sign only where the ledger is declared complete and the time at
which the original arrived is known from somebody other than its sender.
"""

from __future__ import annotations

import re

from classifier.evidence.base import Evidence, genuine, neutral
from classifier.evidence.ledger_miss import STALE_AFTER, came, judge_miss, shown
from classifier.parse.addresses import find_addresses
from classifier.parse.report import find_message_id, find_message_ids
from classifier.vocabulary import PointsTo, ReportKind, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.evidence.base import Ledger, LedgerEntry, Lookups
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: Under these the original's own Message-ID stands, also after a relay that
#: replaced it (Gmail, Exchange Online keep the old one).
ID_FIELDS = (
    "message-id",
    "resent-message-id",
    "x-google-original-message-id",
    "x-microsoft-original-message-id",
    "x-original-message-id",
)
#: Exim puts its own identifier into a Message-ID that it makes, and names that Message-ID nowhere in its log.
_MADE_BY_EXIM = r"<?E([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})@"
#: In these kinds nobody else than the author of the report is the recipient.
_ANSWERS = frozenset({ReportKind.AUTO_REPLY, ReportKind.CHALLENGE, ReportKind.VIRUS_WARNING, ReportKind.MDN})
#: More identifiers than this in one report are bait.
_MAX_IDS = 20
_WEIGHT = {Strength.PROOF: 3, Strength.STRONG: 2, Strength.WEAK: 1}


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Hold every identifier that the report returns against the ledger."""
    ledger = lookups.ledger
    if ledger is None:
        return
    recipients = _failed_recipients(report)
    returned = _returned_ids(report)
    hits = [
        *_hits(report, lookups, recipients, _by_message_id(ledger, returned), ("hit", "Message-ID")),
        *_hits(report, lookups, recipients, _by_envelope_id(ledger, report), ("envelope-hit", "envelope id")),
        *_hits(
            report, lookups, recipients, _by_queue_id(ledger, report, identity), ("queue-hit", "queue id")
        ),
    ]
    if not returned:
        hits += _reply_hits(report, lookups, recipients)
    found = max(hits, key=_rank, default=None)
    if found is not None:
        yield found
        return
    miss = judge_miss(report, identity, lookups, returned, recipients)
    if miss is not None:
        yield miss
    if miss is None or miss.points_to is PointsTo.NEITHER:
        yield from _correspondent(ledger, recipients)


def _rank(evidence: Evidence) -> int:
    return 0 if evidence.points_to is PointsTo.NEITHER else _WEIGHT[evidence.strength]


def _failed_recipients(report: Report) -> tuple[str, ...]:
    """Return the addresses that the report is about, as it names them."""
    found: dict[str, None] = {}
    for recipient in report.recipients:
        for value in (recipient.final_recipient, recipient.original_recipient):
            for address in find_addresses(value):
                found.setdefault(address)
    for value in report.headers.get_all("x-failed-recipients"):
        for address in find_addresses(value):
            found.setdefault(address)
    if report.kind in _ANSWERS and report.sender:
        found.setdefault(report.sender)
    return tuple(found)


def _returned_ids(report: Report) -> tuple[str, ...]:
    headers = report.original.headers
    found: dict[str, None] = {}
    if report.original.message_id:
        found.setdefault(report.original.message_id)
    for name in ID_FIELDS:
        for value in headers.get_all(name):
            bare = find_message_id(value)
            for message_id in find_message_ids(value) or ([bare] if bare else []):
                found.setdefault(message_id)
    if not report.original.verbatim:
        # A notice in quoted-printable, or in HTML, that does not say so.
        for message_id in tuple(found):
            found.setdefault(message_id.replace("=3D", "=").replace("&amp;", "&"))
    return tuple(found)[:_MAX_IDS]


def _by_message_id(ledger: Ledger, ids: Iterable[str]) -> Iterator[tuple[str, LedgerEntry]]:
    for message_id in ids:
        entry = ledger.find(message_id)
        if entry is None and (made := re.match(_MADE_BY_EXIM, message_id)):
            entry = ledger.find_envelope_id(made[1])
        if entry is not None:
            yield message_id, entry


def _by_envelope_id(ledger: Ledger, report: Report) -> Iterator[tuple[str, LedgerEntry]]:
    if report.envelope_id:
        entry = ledger.find_envelope_id(report.envelope_id)
        if entry is not None:
            yield report.envelope_id, entry


def _by_queue_id(ledger: Ledger, report: Report, identity: Identity) -> Iterator[tuple[str, LedgerEntry]]:
    """Look up the queue ids that our own hosts gave, as far as the report returns them.

    Other hosts' ids are left alone: short ones repeat from host to host.
    """
    ids: dict[str, None] = {}
    for hop in report.original.trace:
        if hop.queue_id and _is_our_host(hop.by, identity):
            ids.setdefault(hop.queue_id)
    if _is_our_host(report.reporting_mta, identity):
        for name, value in report.fields:
            if name.lower() == "x-postfix-queue-id":
                ids.setdefault(value.strip())
    for queue_id in tuple(ids)[:_MAX_IDS]:
        entry = ledger.find_envelope_id(queue_id)
        if entry is not None:
            yield queue_id, entry


def _is_our_host(host: str | None, identity: Identity) -> bool:
    if not host:
        return False
    name = host.rstrip(".").lower()
    return identity.is_relay_name(name) or any(
        name == domain.lstrip(".") or name.endswith("." + domain.lstrip(".")) for domain in identity.domains
    )


def _hits(
    report: Report,
    lookups: Lookups,
    recipients: tuple[str, ...],
    entries: Iterable[tuple[str, LedgerEntry]],
    words: tuple[str, str],
) -> Iterator[Evidence]:
    """Weigh each entry found; *words* are the finding's stem and what was looked up."""
    stem, what = words
    for identifier, entry in entries:
        said = f"{what} {shown(identifier)}"
        if entry.source == "transit":
            # A forged message that passed through our own server leaves its id in our logs.
            yield neutral(
                "ledger",
                f"{stem}-transit",
                f"our server passed on {said}, which nothing shows to be handed in by one of us",
            )
            continue
        if _is_stale(report, entry):
            yield genuine(
                "ledger",
                Strength.STRONG,
                f"{stem}-stale",
                f"we sent {said}, but more than {STALE_AFTER.days} days before the report came",
            )
            continue
        yield _weigh(report, entry, recipients, stem, said)


def _weigh(report: Report, entry: LedgerEntry, recipients: tuple[str, ...], stem: str, said: str) -> Evidence:
    if not entry.has_recipients:
        detail = f"we sent {said}; whom to is not recorded"
        return genuine("ledger", Strength.STRONG, f"{stem}-no-recipients", detail)
    for address in recipients:
        if entry.wrote_to(address):
            return genuine("ledger", Strength.PROOF, stem, f"we sent {said} to {shown(address)}")
    if recipients:
        detail = f"we sent {said}, but not to {shown(recipients[0])}: forwarded, or a copied identifier"
        return genuine("ledger", Strength.STRONG, f"{stem}-other-recipient", detail)
    if any(map(entry.wrote_to, (*report.original.to, *report.original.cc))):
        # The original's To is typed; it names whom it went to only if it is no copy.
        detail = f"we sent {said} to the address in its To; the report names no recipient"
        return genuine("ledger", Strength.STRONG, f"{stem}-header-recipient", detail)
    detail = f"we sent {said}; the report names no recipient"
    return genuine("ledger", Strength.STRONG, f"{stem}-unnamed-recipient", detail)


def _is_stale(report: Report, entry: LedgerEntry) -> bool:
    when = came(report) or report.arrival_date
    return when is not None and entry.sent_at is not None and when - entry.sent_at > STALE_AFTER


def _reply_hits(report: Report, lookups: Lookups, recipients: tuple[str, ...]) -> Iterator[Evidence]:
    """Hold what the report says it answers against the ledger.

    The rest of References was copied out of the answered message, so its
    sender, honest or not, typed it.
    """
    ledger = lookups.ledger
    if ledger is None:
        return
    yield from _hits(
        report,
        lookups,
        recipients,
        _by_message_id(ledger, report.answered_ids[-_MAX_IDS:]),
        ("reply-hit", "the answered message"),
    )
    for message_id in report.thread_ids[-_MAX_IDS:]:
        entry = ledger.find(message_id)
        if entry is not None and entry.source != "transit":
            detail = f"the answered message names {shown(message_id)}, which we sent"
            yield genuine("ledger", Strength.WEAK, "thread-hit", detail)
            return


def _correspondent(ledger: Ledger, recipients: tuple[str, ...]) -> Iterator[Evidence]:
    for address in recipients[:_MAX_IDS]:
        if ledger.wrote_to(address):
            detail = f"we did write to {shown(address)}, in some message"
            yield genuine("ledger", Strength.WEAK, "correspondent", detail)
            return

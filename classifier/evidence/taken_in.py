"""What a host of ours reports: had it taken the original in from outside?

A report about mail that came from inside is genuine; one about mail that our
host had taken in from outside, without authentication, for an address of ours,
is about somebody else's mail with our name on it.
"""

from __future__ import annotations

from classifier.evidence.base import Evidence, forged, genuine, neutral
from classifier.evidence.hosts import ip_of, is_internal, name_was_sought
from classifier.evidence.ours import (
    Nature,
    came_from_inside,
    entry,
    is_authenticated,
    is_our_client,
    is_our_name,
    nature,
    passed_on,
    sent_on_by_us,
    verified_name,
)
from classifier.parse.addresses import normalise
from classifier.parse.limits import MAX_HOPS
from classifier.vocabulary import TELL_OF_DELIVERY, RefusalStage, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop


def own_report(report: Report, identity: Identity) -> Iterator[Evidence]:
    """Judge a report that a host of ours wrote."""
    writer = report.reporting_mta or "our host"
    trace = report.original.trace
    if not trace and not report.original.says_whence:
        refused = any(
            r.stage is RefusalStage.SESSION and r.remote_mta and not is_our_name(r.remote_mta, identity)
            for r in report.recipients
        )
        if refused:
            detail = f"our host {writer} reports that a server outside refused the mail; the mail did not come back"
            yield genuine("path", Strength.WEAK, "own-report-bare", detail)
        return
    writers = frozenset((writer.rstrip(".").lower(),))
    start = entry(trace, identity, writers)
    if start.outside is None:
        if start.hops < len(trace) or (start.doubtful and inbound(report, start.doubtful, identity)):
            yield neutral(
                "path",
                "own-report-open",
                f"our host {writer} reports about mail from a host it does not name",
            )
        else:
            yield genuine(
                "path",
                Strength.STRONG,
                "own-report",
                f"our host {writer} reports about mail that began on our side",
            )
    elif start.authenticated:
        detail = f"our host {writer} reports about mail from a client that had authenticated itself"
        yield genuine("path", Strength.STRONG, "own-report", detail)
    elif inbound(report, start.outside, identity):
        told = f"our host {writer} reports about mail that it took in from outside:"
        yield taken_in(report, identity, start.outside, told, "taken-in")
    else:
        detail = f"our host {writer} relayed the mail of {start.outside.client_address or 'a client'} to the outside"
        yield genuine("path", Strength.WEAK, "relayed-for-client", detail)


def users_report(report: Report, identity: Identity) -> Evidence | None:
    """Weigh a report that a user of ours handed in: his machine, wherever it stands, tells of what he sent.

    dma, nullmailer and their like authenticate themselves with what they write, too. Nothing is said
    where the original had come to that machine from elsewhere: it may be somebody's server that sends through us.
    """
    writer = (report.reporting_mta or "").rstrip(".").lower()
    original = report.original
    if not writer or not report.trace or not original.says_whence:
        return None
    if report.kind not in TELL_OF_DELIVERY:
        return None
    hops = iter(report.trace[:MAX_HOPS])
    for taker in hops:
        if not _is_between_ours(taker, identity):
            break
    else:
        return None
    if not is_our_name(taker.by, identity) or not is_authenticated(taker):
        return None
    below = tuple(hops)
    names = {(name or "").lower() for name in (taker.helo, *(hop.by for hop in below))}
    if writer not in names or any(hop.client_address or hop.client_name for hop in below):
        return None
    start = entry(original.trace, identity, frozenset((writer,)))
    if start.outside or start.doubtful or start.hops < len(original.trace):
        return None
    detail = (
        f"{taker.by} had the report from {writer}, which authenticated itself, and which the mail began on"
    )
    return genuine("path", Strength.STRONG, "own-report-authenticated", detail)


def _is_between_ours(hop: TraceHop, identity: Identity) -> bool:
    """Say whether a hop leads from one host of ours to the next, or within one."""
    if is_our_client(hop, identity):
        return True
    ip = ip_of(hop.client_address)
    if ip is None:
        return hop.client_name is None and "." not in (hop.helo or "")
    return is_internal(ip) and not is_authenticated(hop)


def taken_in(report: Report, identity: Identity, hop: TraceHop, what: str, finding: str) -> Evidence:
    """Weigh mail that came in from outside: our own people do write in through providers, and to our lists."""
    name = verified_name(hop)
    kind = nature(name, hop.client_address)
    detail = f"{what} {name or 'a client without a name'} [{hop.client_address or 'no address'}], not authenticated"
    # Whoever answers names the address that he answers: that is no recipient of the original.
    failed = [
        a for r in report.recipients if (a := r.final_recipient) and normalise(a) not in report.addressees
    ]
    marked = passed_on(report.original.headers) or any(
        identity.owns_address(a) and sent_on_by_us(a) for a in report.addressees
    )
    if marked and not any(identity.owns_address(a) for a in failed):
        # A list of ours sent it on to its members, and one of them is gone.
        detail += "; it has the marks of a list or forward"
        return forged("path", Strength.WEAK, f"{finding}-passed-on", detail)
    suffix = {Nature.UNNAMED: "", Nature.DIAL_UP: "", Nature.NUMBERED: "-numbered", Nature.NAMED: "-named"}[
        kind
    ]
    if kind is Nature.UNNAMED and not name_was_sought(hop):
        suffix = "-unsought"
    # Rented servers have names of their own, or such as their hoster makes from the address: forms stand there.
    # And where nobody looked for a name, it may be one of those.
    strength = Strength.WEAK if suffix else Strength.STRONG
    return forged("path", strength, finding + suffix, detail)


def is_from_outside_to_us(report: Report, identity: Identity) -> bool:
    """Say whether a host of ours reports about mail for an address of ours that it had from outside.

    Only what the host itself wrote counts; where the report does not show which way it came, either way is possible.
    """
    if not is_our_name(report.reporting_mta, identity) or came_from_inside(report, identity) is False:
        return False
    start = entry(
        report.original.trace, identity, frozenset(((report.reporting_mta or "").rstrip(".").lower(),))
    )
    hop = start.outside or start.doubtful
    return hop is not None and not start.authenticated and inbound(report, hop, identity)


def inbound(report: Report, hop: TraceHop, identity: Identity) -> bool:
    """Say whether our side took the message in for an address of ours."""
    if hop.for_address:
        return identity.owns_address(hop.for_address)
    # Whoever answers by a program names himself, or the one whom he answers.
    recipients = report.recipients if report.kind in TELL_OF_DELIVERY else ()
    if any(
        identity.owns_address(r.final_recipient) or identity.owns_address(r.original_recipient)
        for r in recipients
    ):
        return True
    failed = [r.final_recipient for r in recipients if r.final_recipient]
    return not failed and any(identity.owns_address(a) for a in report.original.to)

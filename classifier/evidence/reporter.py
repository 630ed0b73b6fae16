"""The reporter: is it known for misdirected bounces, and is the report itself authentic?

Neither says anything about the original; both make a report a little less
likely to be about mail of ours. Never more than weak.
"""

from __future__ import annotations

import re

from classifier.evidence.authres import is_hop
from classifier.evidence.base import Evidence, Lookups, forged, neutral
from classifier.evidence.dnsbl import look_up
from classifier.evidence.hosts import (
    IPAddress,
    ip_of,
    is_internal,
    is_neighbour,
    is_public_name,
    organisation,
    owner_of,
)
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import border_hop
from classifier.evidence.ours import (
    Nature,
    is_authenticated,
    is_our_client,
    is_our_name,
    nature,
    verified_name,
)
from classifier.parse.addresses import domain_of
from classifier.vocabulary import TELL_OF_DELIVERY, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.authres_header import AuthResult
    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop

#: More lists than this are not asked.
_MAX_LISTS = 5
_MAX_HOPS = 20
#: qmail writes down the name that the client's own zone gives its address, and does not look it up back.
_ONE_SIDED_NAME = re.compile(r"from\s+\S{1,255}\s+\((?:HELO|EHLO) ")
#: A registered domain, as one writes to it.
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,4}[a-z0-9-]{2,63}")
#: The field that our own MX writes its findings into (RFC 8601).
_RESULTS = "authentication-results"
#: "with" clauses of programs that fetch mail from a mailbox, or put it into one: the client is our side's.
_IN_THE_HOUSE = ("LMTP", "POP", "IMAP")


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Ask the configured lists about the reporter; read what our own MX found about the report."""
    if not lookups.dnsbl and _RESULTS not in report.headers:
        return
    hop = delivering_hop(report, identity)
    if hop is None:
        return
    ip = ip_of(hop.client_address)
    if ip is not None and has_null_sender(report):
        yield from _listed(ip, lookups)
    yield from _failed(report, hop, identity)


def delivering_hop(report: Report, identity: Identity) -> TraceHop | None:
    """Return the newest hop at which none of *identity*'s own hosts handed the report over, or None."""
    for hop in report.trace[:_MAX_HOPS]:
        ip = ip_of(hop.client_address)
        if ip is not None and not is_neighbour(hop) and not is_our_client(hop, identity):
            return hop
    return None


def accountable_hop(report: Report, identity: Identity) -> TraceHop | None:
    """Return the hop whose client wrote the report, beyond doubt, or None.

    Whoever is named here is blamed for it (``backscatter complain``), so no
    name counts that somebody may have typed. The client is the one that our side saw,
    with a name of its own that was looked up; not of an organisation that mail
    reaches us through; the reporting MTA, or the address that a bounce comes from,
    where one is told, is of the same organisation; what stands below shows nobody else who handed the report
    to it, as it does where a host only passed it on; and the original was not
    handed in by one of its users.
    """
    hops = report.trace[:_MAX_HOPS]
    index = next((i for i, hop in enumerate(hops) if not _is_in_the_house(hop, identity)), None)
    if index is None:
        return None
    hop = hops[index]
    name = verified_name(hop)
    operator = organisation(name)
    ip = ip_of(hop.client_address)
    if (
        operator is None
        or not _DOMAIN.fullmatch(operator)
        or ip is None
        or is_internal(ip)
        or not is_public_name(operator)
        or nature(name, hop.client_address) is not Nature.NAMED
        or _ONE_SIDED_NAME.match(hop.raw)
    ):
        return None
    ours = {organisation(domain.lstrip(".")) for domain in (*identity.domains, *identity.relay_names)}
    ours |= {organisation(h.by) for h in hops[: index + 1]}
    if operator in ours or _says_to_be_of(report, ours) not in {None, operator}:
        return None
    if _took_it_from_its_user(report, operator):
        return None
    return hop if all(_is_within(h, operator) for h in hops[index + 1 :]) else None


def _says_to_be_of(report: Report, ours: set[str | None]) -> str | None:
    """Return the organisation that the report says it was written by, or None.

    A bounce is its host's own, and so is the address that it comes from; but
    not an automatic reply, which is a user's. A bare MAILER-DAEMON may have been completed by our side.
    """
    told = organisation(report.reporting_mta)
    if told is None and report.kind in TELL_OF_DELIVERY:
        author = owner_of(report.sender)
        return None if author in ours else author
    return told


def _took_it_from_its_user(report: Report, operator: str) -> bool:
    """Say whether *operator* is where the original was handed in, as a provider's outgoing server is by its users.

    That may be the provider of whoever is protected, and no setting for
    incoming mail would have helped.
    """
    index = border_hop(report)
    if index is None:
        return False
    client = report.original.trace[index]
    if is_authenticated(client):
        return True
    if nature(client.client_name, client.client_address) is not Nature.DIAL_UP or not tried_to_pass_on(
        report
    ):
        return False
    # Who was to have it at the operator itself only has it sent on from there.
    named = [a for r in report.recipients for a in (r.final_recipient, r.original_recipient)]
    named += [*report.original.to, *report.original.cc]
    return operator not in {organisation(domain_of(address)) for address in named}


def _is_in_the_house(hop: TraceHop, identity: Identity) -> bool:
    """Say whether the hop's client is certainly of our side, so that what stands below it is our side's word, too.

    A private address alone does not say it: behind a proxy or a container's
    network all the world has one.
    """
    if (hop.protocol or "").upper().startswith(_IN_THE_HOUSE) or is_our_client(hop, identity):
        return True
    ip = ip_of(hop.client_address)
    if ip is None:
        return (hop.client_name or hop.helo or "localhost").lower() == "localhost"
    if not is_internal(ip):
        return is_neighbour(hop)
    name = organisation(verified_name(hop))
    return ip.is_loopback or (name is not None and name == organisation(hop.by))


def _is_within(hop: TraceHop, operator: str) -> bool:
    """Say whether a hop below the border shows the report on its way inside *operator*'s own house."""
    if organisation(hop.by) not in {None, operator}:
        return False
    ip = ip_of(hop.client_address)
    if ip is None:
        return organisation(hop.client_name or hop.helo) in {None, operator}
    return is_internal(ip) or organisation(verified_name(hop)) == operator


def has_null_sender(report: Report) -> bool:
    """Say whether the report came with a null sender: the only mail such lists are about."""
    if report.envelope.mail_from is not None:
        return report.envelope.mail_from.strip("<> ") == ""
    value = report.headers.get("return-path")
    return value is not None and value.replace(" ", "") in {"<>", ""}


def _listed(ip: IPAddress, lookups: Lookups) -> Iterator[Evidence]:
    if lookups.resolver is None:
        return
    for zone in lookups.dnsbl[:_MAX_LISTS]:
        listing = look_up(ip, zone, lookups.resolver)
        if not listing.available:
            yield neutral("reporter", "list-unknown", f"{zone} cannot be asked about {ip}: {listing.note}")
        elif listing.listed:
            detail = f"{ip}, which brought the report, is on {zone} for misdirected bounces"
            yield forged("reporter", Strength.WEAK, "listed", detail)
            return


def _failed(report: Report, hop: TraceHop, identity: Identity) -> Iterator[Evidence]:
    """Read the Authentication-Results that our own side put on top of the report."""
    if _RESULTS not in report.headers:
        return
    from classifier.evidence.authres_header import parse_results  # noqa: PLC0415 - only where there are some

    results: list[AuthResult] = []
    for field in report.headers.fields[:100]:
        if field.key == "received" and is_hop(field, hop):
            break  # what stands below came with the report
        if field.key == _RESULTS:
            results += [r for r in parse_results(field.key, field.value) if _is_ours(r.server, hop, identity)]
    failed = [r for r in results if r.result == "fail" and r.method in {"spf", "dkim", "dmarc"}]
    passed = {r.method for r in results if r.result == "pass"}
    if (
        failed
        and "dmarc" not in passed
        and ("dmarc" in {r.method for r in failed} or not passed & {"dkim", "spf"})
    ):
        told = ", ".join(dict.fromkeys(f"{r.method}={r.result}" for r in failed[:4]))
        detail = f"the report itself failed authentication at {failed[0].server}: {told}"
        yield forged("reporter", Strength.WEAK, "not-authentic", detail)


def _is_ours(server: str, hop: TraceHop, identity: Identity) -> bool:
    return is_our_name(server, identity) or (
        organisation(server) is not None and organisation(server) == organisation(hop.by)
    )

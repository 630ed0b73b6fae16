"""Which client did the reporting side see connect with the original?

Everything in an original was typed by whoever sent it, except the Received
fields that the reporting side put on top of it. Those are told by position and
by host: from the top down, as long as the writer ("by", RFC 5321 section 4.4)
belongs to the reporting organisation. The first of them that names a client
from outside is its border; whatever stands below may be invented, even where
it names the same host.
"""

from __future__ import annotations

import re

from classifier.dataclass import dataclass
from classifier.evidence.hosts import (
    ip_of,
    is_internal,
    is_neighbour,
    is_public_name,
    looked_up,
    names_another,
    next_door,
    organisation,
    owner_of,
)
from classifier.evidence.ours import Nature, is_local, nature
from classifier.once import once
from classifier.parse.addresses import domain_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from classifier.evidence.hosts import IPAddress
    from classifier.parse.report import Report, TraceHop

#: What a site has at least of public addresses, where it has a firewall and servers.
_SITE_IPV4 = 28
#: More hops than this on the reporting side are not believed.
_MAX_REPORTER_HOPS = 20
#: Typed hops are looked at down to here.
_MAX_TYPED = 30
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.){1,20}[A-Za-z][A-Za-z0-9-]{0,62}")
_LITERAL = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{2,45})[\])]", re.IGNORECASE)
#: Spoken within one house: LMTP (RFC 2033 section 5), and QMQP, which asks for no password and takes mail for anybody.
_HOUSE_PROTOCOLS = ("LMTP", "QMQP")
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain"})
_LOOPBACK = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True)
class ObservedClient:
    """The client that the reporting side saw connect with the original.

    Attributes:
        address: its IP address, in the shortest form; IPv4-mapped ones as IPv4.
        name: its name as the writer looked it up, or None.
        helo: what it called itself: its own word.
        by: the host that saw it.
        protocol: the "with" clause, upper case (RFC 3848), or None.
        when: when, by the writer's clock, aware, or None.
        hop: the index into the original's trace; None where the address
            stands in a field of the report instead.
        source: ``received`` or ``received-from-mta``.
        vouched: True where the report came to us from the organisation that
            wrote the hop, as the report's own newest Received field shows. A
            report made up from nothing can name any hop; this one cannot.

    """

    address: str
    name: str | None = None
    helo: str | None = None
    by: str | None = None
    protocol: str | None = None
    when: datetime | None = None
    hop: int | None = None
    source: str = "received"
    vouched: bool = False


@once
def reporter_organisations(report: Report) -> frozenset[str]:
    """Return the organisations that the report says, or shows, it is from.

    Reporting-MTA and From are typed; so a match says who claims to have
    written a hop, and :func:`delivering_organisations` whether that is so.
    """
    names = [report.reporting_mta, domain_of(report.sender)]
    if report.reporting_mta and " " in report.reporting_mta:
        names += _HOST.findall(report.reporting_mta[:500])[:3]
    return frozenset(filter(None, map(organisation, names))) | delivering_organisations(report)


@once
def delivering_organisations(report: Report) -> frozenset[str]:
    """Return the organisations of the client that our side recorded for the report itself.

    Its looked-up name is used, and never the HELO name, which the client chooses.
    """
    hop = own_border_hop(report)
    name = organisation(looked_up(hop)) if hop is not None else None
    return frozenset((name,)) if name else frozenset()


@once
def own_border_hop(report: Report) -> TraceHop | None:
    """Return the hop at which our side took the report in, read off the report alone; None where nothing tells.

    The newest hop that names a client from outside is our own side's word. A
    mail server of the writer's own organisation is none from outside, nor is
    one that the mail was fetched from: what stands below was there when our
    own side handed it on.
    """
    newest: TraceHop | None = None
    for hop in report.trace[:_MAX_REPORTER_HOPS]:
        ip = ip_of(hop.client_address)
        if ip is None or is_neighbour(hop) or _is_fetched(hop):
            continue
        if newest is None:
            newest = hop
        elif organisation(hop.by) != organisation(newest.by):
            break
        name = looked_up(hop)
        if organisation(name) != organisation(hop.by) or nature(name, hop.client_address) is not Nature.NAMED:
            return hop
    if newest is None and is_closed_network(report):
        return next((hop for hop in report.trace[:_MAX_REPORTER_HOPS] if names_another(hop)), None)
    return newest


def came_from_outside(report: Report) -> bool:
    """Say whether the report is shown to come from another organisation than the one that took it in."""
    hop = own_border_hop(report)
    name = organisation(looked_up(hop)) if hop is not None else None
    return hop is not None and (name is None or name != organisation(hop.by))


@once
def receiving_names(report: Report) -> frozenset[str]:
    """Return the names, in small letters, under which hosts of our own side took the report in and handed it on."""
    taken_in = own_border_hop(report)
    found: set[str] = set()
    for hop in report.trace[:_MAX_REPORTER_HOPS] if taken_in is not None else ():
        if hop.by and "." in hop.by:
            found.add(hop.by.rstrip(".").lower())
        if hop is taken_in:
            break
    return frozenset(found)


@once
def receiving_addresses(report: Report) -> frozenset[IPAddress]:
    """Return the public addresses of those hosts of our own side that handed the report on after taking it in.

    A small domain's server for incoming mail often sends the outgoing one as well.
    """
    taken_in = own_border_hop(report)
    found: set[IPAddress] = set()
    for hop in report.trace[:_MAX_REPORTER_HOPS] if taken_in is not None else ():
        if hop is taken_in:
            break
        ip = ip_of(hop.client_address)
        if ip is not None and not is_neighbour(hop):
            found.add(ip)
    return frozenset(found)


def _is_fetched(hop: TraceHop) -> bool:
    """Say whether the hop's writer fetched the message from a mailbox (fetchmail, getmail) on the client."""
    return (hop.protocol or "").upper().startswith(("IMAP", "POP"))


@once
def is_closed_network(report: Report) -> bool:
    """Say whether several organisations talk by private addresses alone: a company's own net, or a laboratory.

    There is not one public address in the report's trace or the original's,
    and our own side saw another organisation's host, by its name, connect from
    a private one with the report. Only there do private addresses tell
    organisations apart; what the report brings along cannot say so by itself.
    """
    if not report.trace:
        return False
    hops = (*report.trace[:_MAX_REPORTER_HOPS], *report.original.trace[:_MAX_REPORTER_HOPS])
    ips = [ip for hop in hops if (ip := ip_of(hop.client_address)) is not None]
    return all(map(is_internal, ips)) and any(
        hop.client_address and names_another(hop) for hop in report.trace[:_MAX_REPORTER_HOPS]
    )


def _is_own_client(hop: TraceHop, report: Report) -> bool:
    """Say whether the hop's client is its writer's own."""
    if (hop.protocol or "").upper().startswith(_HOUSE_PROTOCOLS):
        return True  # over a Unix socket, Dovecot writes no address
    ip = ip_of(hop.client_address)
    if ip is None:
        # Without an address nobody knows who a named client was.
        return (hop.client_name or hop.helo or "localhost").lower() in _LOCAL_NAMES
    if is_neighbour(hop):
        return True
    # The HELO name says nothing: spammers greet a server with its own name.
    name = organisation(looked_up(hop))
    return (name is not None and name == organisation(hop.by)) or ip == _reporter_address(report)


@once
def _reporter_address(report: Report) -> IPAddress | None:
    """Return the address from which our side had the report, where its name there and the report's own agree."""
    hop = own_border_hop(report)
    if hop is None or not names_another(hop):
        return None
    told = {organisation(report.reporting_mta), owner_of(report.sender)}
    return ip_of(hop.client_address) if organisation(looked_up(hop)) in told else None


@once
def border_hop(report: Report) -> int | None:
    """Return the index of the hop at which the reporting side took the original in.

    None where no hop on top of the original was written by it.
    """
    written = list(_reporter_hops(report))
    for index, hop in written:
        if not _is_own_client(hop, report):
            return index
    if not written or not is_closed_network(report):
        return None
    for index, hop in written:
        if names_another(hop):
            return index
        if not _has_writers_name(hop):
            # A client without a name may be a neighbour, too, or have typed what stands below:
            # unless the reporting side wrote this hop alone, nobody knows.
            below = report.original.trace[index + 1 : index + 2]
            strange = all((name := organisation(h.by)) is not None and is_public_name(name) for h in below)
            alone = len(written) == 1 and ip_of(hop.client_address) is not None
            unknown = looked_up(hop) is None and organisation(hop.helo) != organisation(hop.by)
            return index if alone and strange and unknown else None
    return None


def _reporter_hops(report: Report) -> Iterator[tuple[int, TraceHop]]:
    """Yield the original's hops, with their indices, from the top down as long as the reporting side wrote them."""
    organisations = reporter_organisations(report)
    for index, hop in enumerate(report.original.trace[:_MAX_REPORTER_HOPS]):
        if hop.by is None and hop.client_address is None:
            continue  # a local hand-over, e.g. qmail's "(qmail 123 invoked by uid 0)"
        writer = organisation(hop.by)
        if writer is None and hop.client_address is None and not hop.protocol:
            # Handed on within a house, by a server of the reporting side to a store with a bare name.
            if organisation(hop.client_name or hop.helo) not in organisations:
                return
            continue
        if writer is None:
            if not _is_reporting_host(hop, report):
                return
        elif writer not in organisations:
            return
        yield index, hop


def _is_reporting_host(hop: TraceHop, report: Report) -> bool:
    """Say whether a host that wrote no full name into its hop is the very one that reports."""
    by = (hop.by or "").lower()
    named = (report.reporting_mta or "").strip().lower()
    if not by:
        return False
    if by in (named, named.partition(".")[0]):
        return True
    ip = ip_of(by)
    if ip is not None:
        delivered = own_border_hop(report)
        return delivered is not None and names_another(delivered) and ip == ip_of(delivered.client_address)
    return ip_of(hop.client_address) is not None and ip_of(hop.client_address) == _reporter_address(report)


def _has_writers_name(hop: TraceHop) -> bool:
    """Say whether the hop's client has its writer's own name, or is the local host."""
    name = looked_up(hop)
    local = (hop.helo or "").lower() in _LOCAL_NAMES or str(ip_of(hop.client_address)) in _LOOPBACK
    return local or (
        name is not None and (name.lower() in _LOCAL_NAMES or organisation(name) == organisation(hop.by))
    )


def may_speak_for_others(client: ObservedClient, report: Report) -> bool:
    """Say whether a client without a name stands in the small network that the report itself came from.

    It may be a filter or firewall in front of the reporting side's server,
    which speaks in the place of whoever connects to it.
    """
    hop, ip = own_border_hop(report), ip_of(client.address)
    own = ip_of(hop.client_address) if hop is not None else None
    if client.name or ip is None or own is None or is_internal(ip):
        return False
    return next_door(ip, own, _SITE_IPV4)


def hop_of(client: ObservedClient, report: Report) -> TraceHop | None:
    """Return the reporting side's own hop that shows *client*; None where a field of the report does."""
    return report.original.trace[client.hop] if client.hop is not None else None


def typed_below(report: Report, client: ObservedClient) -> tuple[TraceHop, ...]:
    """Return the hops below the one that shows *client*, as many as are looked at: typed text, for all that is known."""
    if client.hop is None:
        return ()
    below = report.original.trace[client.hop + 1 :][:_MAX_TYPED]
    return tuple(hop for hop in below if not (is_local(hop) or _is_to_itself(hop)))


def _is_to_itself(hop: TraceHop) -> bool:
    """Say whether a host handed the message to a filter of its own, which calls itself localhost (amavisd-new)."""
    return (hop.by or "").lower() in _LOCAL_NAMES and hop.client_address in _LOOPBACK


@once
def observed_client(report: Report) -> ObservedClient | None:
    """Return the client that the reporting side saw connect, or None if it does not tell.

    From its own Received field on the original; else from Received-From-MTA
    (RFC 3464 section 2.2.4), where an address stands in it.
    """
    index = border_hop(report)
    if index is not None:
        hop = report.original.trace[index]
        ip = ip_of(hop.client_address)
        if ip is None:
            return None
        vouched = organisation(hop.by) in delivering_organisations(report)
        return ObservedClient(
            address=str(ip),
            name=looked_up(hop),
            helo=hop.helo,
            by=hop.by,
            protocol=hop.protocol.upper() if hop.protocol else None,
            when=hop.when,
            hop=index,
            vouched=vouched,
        )
    text = (report.received_from_mta or "")[:500]
    for literal in _LITERAL.findall(text)[:5]:
        ip = ip_of(literal)
        if ip is not None and not is_internal(ip):
            names = _HOST.findall(text)
            vouched = organisation(report.reporting_mta) in delivering_organisations(report)
            return ObservedClient(
                address=str(ip),
                helo=names[0].lower() if names else None,
                by=report.reporting_mta,
                when=report.arrival_date,
                source="received-from-mta",
                vouched=vouched,
            )
    return None

"""Chain: does the trace below a host that passed mail on lead back to us?

A forwarder, a list or a provider's relay writes its own hops, and they say whom
it had the message from. Only as far as each hop was written by the client that
the one above it saw is this a trace; below a break anything may be typed, our
relay's name most of all.
"""

from __future__ import annotations

from classifier.dataclass import dataclass
from classifier.evidence.hosts import (
    ip_of,
    is_internal,
    is_neighbour,
    is_public_name,
    name_was_sought,
    organisation,
)
from classifier.evidence.origin import hop_of, typed_below
from classifier.evidence.ours import (
    Nature,
    is_our_client,
    is_our_name,
    knows_family,
    nature,
    verified_name,
)
from classifier.parse.addresses import domain_of, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from classifier.evidence.origin import ObservedClient
    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop


@dataclass(frozen=True)
class Chain:
    """How far the hops of hosts on the way hang together.

    Attributes:
        reaches_us: True where one of them had the message from a host of ours.
        by_word: True where a client on the way is joined to its hop by its own word alone.
        broken: the hop whose client did not write the one below it, or None.

    """

    reaches_us: bool
    by_word: bool = False
    broken: TraceHop | None = None


def follow(hops: tuple[TraceHop, ...], identity: Identity, resolved: Collection[str]) -> Chain:
    """Read *hops*, newest first, the first of them known to be written by the host that passed the mail on.

    Args:
        hops: the hops below the one that the reporting side wrote.
        identity: who we are.
        resolved: the addresses that our relays' names have in DNS.

    """
    by_word = False
    for place, hop in enumerate(hops):
        if is_our_client(hop, identity) or hop.client_address in resolved or is_our_name(hop.by, identity):
            return Chain(reaches_us=True, by_word=by_word)
        if identity.is_relay_name(hop.helo) and not knows_family(
            hop.client_address or "", identity, resolved
        ):
            return Chain(reaches_us=True, by_word=True)  # nobody told us where that relay stands
        if place + 1 < len(hops) and ip_of(hop.client_address) is not None:
            link = joined(hop, hops[place + 1], identity)
            if not link:
                return Chain(reaches_us=False, by_word=by_word, broken=hop)
            by_word |= link == "word"
    return Chain(reaches_us=False, by_word=by_word)


def joined(hop: TraceHop, below: TraceHop, identity: Identity) -> str:
    """Say what shows that the client of *hop* wrote the hop *below*.

    ``name``: its looked-up name fits, or it is a neighbour; ``word``: only what
    it said of itself does, or the writer has no public name; "": nothing.
    """
    ip = ip_of(hop.client_address)
    if is_neighbour(hop):
        return "name"
    name = verified_name(hop)
    kind = nature(name, hop.client_address)
    owner = organisation(below.by)
    if owner is None:
        writer = ip_of(below.by)
        if writer is not None:
            # Servers that call themselves by their address have one of their own; a machine on a line knows it as well.
            how = "name" if kind in {Nature.NAMED, Nature.NUMBERED} else "word"
            return how if writer == ip else ""
        greets = kind is Nature.UNNAMED and _greets_as_server(hop)
        return "word" if greets or kind in {Nature.NAMED, Nature.NUMBERED} else ""
    if name and organisation(name) == owner:
        # A line's name is its provider's, whose other customers have such names as well.
        return "word" if kind is Nature.DIAL_UP else "name"
    # A client that greets with our name and is not ours continues nothing.
    return "word" if organisation(hop.helo) == owner and not is_our_name(hop.helo, identity) else ""


def was_addressed_at(report: Report, client: ObservedClient) -> str:
    """Say what shows that the original is addressed to somebody at the client's own domain, while others failed.

    Then it was forwarded. ``name``: the client's looked-up name; ``word``: only
    what it called itself, or a server took all lines off that stood below (as
    gateways do on the way out), and it is not addressed to whom it failed at; "": nothing.
    """
    original = report.original
    addressed = {organisation(domain_of(a)) for a in (*original.to, *original.cc)}
    addressed -= {organisation(domain_of(r.final_recipient)) for r in report.recipients} | {None}
    if nature(client.name, client.address) is Nature.NAMED and organisation(client.name) in addressed:
        return "name"
    if report.recipients and organisation(client.helo) in addressed:
        return "word"
    return "word" if _lost_its_trace(report, client) else ""


def _lost_its_trace(report: Report, client: ObservedClient) -> bool:
    """Say whether a server brought the original with no line below its own, addressed to others than failed."""
    hop = hop_of(client, report)
    if hop is None or typed_below(report, client):
        return False
    original = report.original
    failed = {normalise(a) for r in report.recipients for a in (r.final_recipient, r.original_recipient) if a}
    addressed = {normalise(a) for a in (*original.to, *original.cc)}
    kind = nature(verified_name(hop), hop.client_address)
    return bool(failed and addressed) and not failed & addressed and may_be_a_service(client, hop, kind)


def leads_to_us(
    client: ObservedClient,
    hop: TraceHop | None,
    typed: tuple[TraceHop, ...],
    identity: Identity,
    resolved: Collection[str],
) -> bool:
    """Say whether the lines below *client*, which *hop* shows, lead from it to a host of ours: it passed our mail on.

    Anyone can type them; a home line, under whose provider's name all its
    customers can write, is not believed.
    """
    if hop is None or not typed or is_our_name(typed[0].by, identity):
        return False
    kind = nature(verified_name(hop), hop.client_address)
    if kind is Nature.DIAL_UP:
        return False
    if joined(hop, typed[0], identity):
        return follow(typed, identity, resolved).reaches_us
    return may_be_a_service(client, hop, kind) and passed_through_another(typed, identity, resolved)


def passed_through_another(
    typed: tuple[TraceHop, ...], identity: Identity, resolved: Collection[str]
) -> bool:
    """Say whether the newest typed line was written by somebody else's host, and the lines lead from it to one of ours."""
    if not typed or is_our_name(typed[0].by, identity):
        return False
    # Yahoo's hosts call themselves by their address inside.
    if organisation(typed[0].by) is None and not ((ip := ip_of(typed[0].by)) and is_internal(ip)):
        return False
    return follow(typed, identity, resolved).reaches_us


def may_be_a_service(client: ObservedClient, hop: TraceHop | None, kind: Nature) -> bool:
    """Say whether a client has a server's name; or greets with one where nobody looked for its name, as Exchange does."""
    if kind is not Nature.UNNAMED or hop is None:
        return kind is Nature.NAMED
    return _greets_as_server(hop)


def _greets_as_server(hop: TraceHop) -> bool:
    """Say whether nobody looked the client's name up, and it greets with one that is a server's."""
    if name_was_sought(hop):
        return False
    owner = organisation(hop.helo)
    return (
        owner is not None and is_public_name(owner) and nature(hop.helo, hop.client_address) is Nature.NAMED
    )

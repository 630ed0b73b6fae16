"""Claims: what a client said of itself, by its greeting or by lines that it typed, against what was seen of it."""

from __future__ import annotations

from classifier.evidence.base import Evidence, forged, neutral
from classifier.evidence.chain import may_be_a_service, was_addressed_at
from classifier.evidence.hosts import (
    ip_of,
    is_internal,
    is_public_name,
    name_was_sought,
    next_door,
    organisation,
    same_host,
    tells_greeting,
)
from classifier.evidence.origin import hop_of
from classifier.evidence.ours import Nature, below_our_domains, is_our_name, passed_on
from classifier.vocabulary import Completeness, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from classifier.evidence.base import Lookups
    from classifier.evidence.origin import ObservedClient
    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop


def greeting_leads_back(client: ObservedClient, identity: Identity, lookups: Lookups) -> bool | None:
    """Say whether a client that greets with a name of ours has the address that DNS has for that name.

    A name below our domains, or of a relay: no stranger can make it so. None where it greets
    otherwise, or DNS has no address of that kind for the name: many machines
    have names that are known inside only. Nor is the address next door another
    host's for certain: firewalls send by another than they take in by, and
    IPv6 gives a machine several.
    """
    ip = ip_of(client.address)
    if (
        ip is None
        or not client.helo
        or lookups.resolver is None
        or not (below_our_domains(client.helo, identity) or identity.is_relay_name(client.helo))
    ):
        return None
    answer = lookups.resolver.query(client.helo.rstrip(".").lower(), "A" if ip.version == 4 else "AAAA")
    known = [other for record in answer.records if (other := ip_of(record)) is not None]
    if not is_internal(ip):
        known = [other for other in known if not is_internal(other)]  # DNS inside names addresses inside
    if not answer.available or not known or ip in known:
        return ip in known or None
    return None if any(next_door(ip, other) for other in known) else False


def claims(
    report: Report,
    identity: Identity,
    client: ObservedClient,
    typed: tuple[TraceHop, ...],
    seen: str,
    *,
    name: str | None,
    addresses_known: bool,
    kind: Nature,
    leads_back: bool | None,
) -> Generator[Evidence, None, bool]:
    """Compare what was claimed, by HELO or by typed hops, with the client that was seen.

    Returns:
        True where a line names a host of ours, and somebody may have passed the
        mail on, or nobody wrote down who the client is: all our mail may have
        left through our relays all the same.

    """
    doubtful = kind is not Nature.NAMED
    if identity.is_relay_name(client.helo):
        known_here = any(not is_internal(n.network_address) for n in identity.relay_networks)
        if (leads_back is None and _may_be_another_relays(report, client, typed, identity)) or not known_here:
            # DNS tells where a relay takes mail in; lines that it sends by may be others, with a firewall between.
            # And the addresses that are configured may all be those of other relays.
            detail = f"{seen}; it called itself {client.helo}, and what address that has is not known"
            yield forged("path", Strength.WEAK, "helo-unchecked", detail)
            return False
        finding = "helo-doubtful" if doubtful else "helo"
        detail = f"{seen}; it called itself {client.helo}, whose addresses are others"
        yield forged("path", Strength.STRONG, finding, detail)
        return False
    claim = next((hop for hop in typed if names_us(hop, identity)), None)
    greets_as_ours = below_our_domains(client.helo, identity)
    greeted = f"{seen}; it called itself {client.helo}"
    bare = (client.helo or "").rstrip(".").lower() in {d.lstrip(".") for d in identity.domains}
    goes_on = bool(typed) and same_host(typed[0].by, client.helo)
    if greets_as_ours and leads_back is None and (goes_on or not (name and (bare or claim))):
        # A machine of ours that nobody thought of calls itself so, too (but hardly by the bare domain), on a
        # rented line at times; and it may be the very one that wrote the lines below, above all where they say so.
        yield neutral("path", "helo-domain-open", f"{greeted}, and whether that is its name is not known")
        return False
    if claim is not None:
        where = claim.by if is_our_name(claim.by, identity) else claim.client_name or claim.helo
        told = f"{seen}; a Received line below it names our {where}, but no hop joins the two"
        hop = hop_of(client, report)
        if not name and not (tells_greeting(hop) if hop is not None else client.helo):
            yield neutral(
                "path", "look-alike-open", f"{told}, and nobody wrote down what the client is called"
            )
            # Filters in front of a server write addresses alone: it may be another of the recipient's own hosts.
            return not _was_sought(report, client)
        finding = "look-alike-doubtful" if doubtful else "look-alike"
        # Chains of honest hosts have gaps as well: servers that write no hop, names known inside only,
        # writers that look no name up. Only a home line cannot be one of them.
        # And where no relay is configured, a home line may be the domain's own server.
        home_line = kind is Nature.DIAL_UP and bool(identity.relays)
        # A list's or a forwarder's hop may be missing between the two as well, and a provider's servers for
        # outgoing mail, which have other names than the one that its customers know.
        unsought = doubtful and not (name or greets_as_ours) and may_be_a_service(client, hop, kind)
        # Nor do all hosts of one house know each other by name.
        house = organisation(client.by)
        inside = (
            not name
            and not _was_sought(report, client)
            and house is not None
            and house == organisation(typed[0].by)
        )
        passed = inside or passed_on(report.original.headers) or bool(was_addressed_at(report, client))
        gap = (
            unsought
            or passed
            or (_is_providers(claim, identity) and not (doubtful and (name or _was_sought(report, client))))
        )
        strength = Strength.STRONG if (addresses_known or home_line) and not gap else Strength.WEAK
        if strength is Strength.WEAK:
            finding = "look-alike-unchecked"
        yield forged("path", strength, finding, f"{told}: it was typed")
        # Whoever passed it on mostly has a line of its own. Where our relays' addresses are not known, one of
        # them may be what breaks the trace.
        went_on = gap and not is_our_name(typed[0].by, identity)
        return passed or went_on or not (doubtful or addresses_known)
    if greets_as_ours:
        detail = f"{greeted}, whose address is another" if leads_back is False else greeted
        yield forged("path", Strength.WEAK, "helo-domain", detail)
    return False


def _may_be_another_relays(
    report: Report, client: ObservedClient, typed: tuple[TraceHop, ...], identity: Identity
) -> bool:
    """Say whether the relay that a client greets as may be none of those whose addresses are configured.

    There are fewer of these than of names, or they are single ones, and the
    client shows the line of a relay's own, or what it showed was cut off: one
    relay's name and another's address.
    """
    known = [n for n in identity.relay_networks if not is_internal(n.network_address)]
    if len(identity.relay_names) > len(known):
        return True
    cut_off = not typed and report.original.completeness is Completeness.PARTIAL
    return all(n.num_addresses == 1 for n in known) and (cut_off or _may_go_on(typed, client, identity))


def _may_go_on(typed: tuple[TraceHop, ...], client: ObservedClient, identity: Identity) -> bool:
    """Say whether the newest typed line may be the client's own: written under its greeting, or a name known inside."""
    if not typed:
        return False
    by = typed[0].by
    owner = organisation(by)
    return (
        owner is None
        or not is_public_name(owner)
        or same_host(by, client.helo)
        or below_our_domains(by, identity)
    )


def _is_providers(claim: TraceHop, identity: Identity) -> bool:
    """Say whether a hop names us by a relay of our provider's alone."""
    names = (claim.by, claim.client_name, claim.helo)
    return not identity.is_relay_address(claim.client_address) and not any(
        below_our_domains(name, identity) for name in names
    )


def _was_sought(report: Report, client: ObservedClient) -> bool:
    hop = hop_of(client, report)
    return hop is not None and name_was_sought(hop)


def names_us(hop: TraceHop, identity: Identity) -> bool:
    """Say whether a typed hop names a host of ours, as writer or as client."""
    return (
        is_our_name(hop.by, identity)
        or is_our_name(hop.client_name, identity)
        or identity.is_relay_name(hop.helo)
        or identity.is_relay_address(hop.client_address)
    )

"""Path: did the original come from a host of ours, as the reporting side saw it?

Only the Received fields that the reporting side wrote itself, and those of
hosts that it saw connect, are observations; whatever stands below is typed
text. A typed line that names our relay therefore never helps: where the
reporting side saw somebody else connect, it is a sign of forgery.

Reports of our own hosts are read the other way round: see ``taken_in``.
"""

from __future__ import annotations

from datetime import timedelta

from classifier.evidence.base import Evidence, Lookups, forged, genuine, neutral
from classifier.evidence.chain import (
    follow,
    joined,
    may_be_a_service,
    passed_through_another,
    was_addressed_at,
)
from classifier.evidence.claims import claims, greeting_leads_back, names_us
from classifier.evidence.hosts import ip_of, is_neighbour, name_was_sought, same_host, tells_greeting
from classifier.evidence.origin import (
    ObservedClient,
    hop_of,
    may_speak_for_others,
    observed_client,
    own_border_hop,
    receiving_addresses,
    receiving_names,
    typed_below,
)
from classifier.evidence.ours import (
    Nature,
    below_our_domains,
    came_from_inside,
    entry,
    is_authenticated,
    is_our_client,
    is_our_name,
    knows_family,
    name_doubt,
    nature,
    passed_on,
    resolved_relays,
    verified_name,
    written_by_us,
)
from classifier.evidence.taken_in import inbound, own_report, taken_in, users_report
from classifier.vocabulary import Completeness, PointsTo, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop

#: Clocks are off by a day at times; hops further out of order than this were typed.
_CLOCK_SKEW = timedelta(hours=26)
#: Typed hops are looked at down to here.
_MAX_TYPED = 30


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Read the original's trace as far as it was observed, then what was typed below."""
    if written_by_us(report, identity):
        yield from own_report(report, identity)
        return
    if (handed_in := users_report(report, identity)) is not None:
        yield handed_in
        return
    client = observed_client(report)
    if client is None:
        yield from _unobserved(report, identity)
        return
    if came_from_inside(report, identity) is None and (
        is_our_name(report.reporting_mta, identity) or is_our_name(client.by, identity)
    ):
        # Some servers put no trace on what they write themselves: then the client may be a colleague's PC.
        writer = client.by or report.reporting_mta
        detail = f"a host of ours, {writer}, saw {client.address} connect, it says; which way the report came is not shown"
        yield neutral("path", "own-host-unknown", detail)
        return
    if _brought_by_a_machine_of_ours(report, client, identity):
        detail = f"{client.by or report.reporting_mta}, to all appearance a machine of ours, saw {client.address} connect"
        yield neutral("path", "own-host-presumed", detail)
        return
    hop = hop_of(client, report)
    name = verified_name(hop) if hop else None
    resolved: frozenset[str] = frozenset()
    by_address = identity.is_relay_address(client.address)
    if not by_address and identity.relay_names:
        resolved = resolved_relays(identity, lookups)
        by_address = client.address in resolved
    if by_address or is_our_name(name, identity):
        doubt = "" if by_address or hop is None else name_doubt(hop, lookups)
        yield from _from_us(report, identity, client, name if not by_address else None, doubt)
        return
    leads_back = greeting_leads_back(client, identity, lookups)
    if leads_back:
        yield from _from_us(report, identity, client, client.helo, "")
        return
    if ip_of(client.address) in receiving_addresses(report):
        seen = f"{client.by or 'the reporting side'} saw {name or 'a client'} [{client.address}] connect"
        yield genuine(
            "path", Strength.WEAK, "receiving-host", f"{seen}, a host through which the report came to us"
        )
        if not identity.relays:
            return
    for found in _from_elsewhere(
        report, identity, lookups, client=client, hop=hop, resolved=resolved, leads_back=leads_back
    ):
        if found.strength is Strength.STRONG and may_speak_for_others(client, report):
            detail = (
                f"{found.detail}; but the client may be a firewall next door to the reporting side's server"
            )
            yield neutral("path", "next-door", detail)
        else:
            yield found


def _from_us(
    report: Report, identity: Identity, client: ObservedClient, by_name: str | None, doubt: str
) -> Iterator[Evidence]:
    """Judge an original that a host of ours handed to the reporting side."""
    below = report.original.trace[client.hop + 1 :] if client.hop is not None else ()
    # The host is ours, so the next hop is what it wrote itself on taking the message in.
    start = entry(below, identity)
    if start.outside and not start.authenticated and inbound(report, start.outside, identity):
        yield taken_in(
            report,
            identity,
            start.outside,
            "our relay had the original from outside and sent it on: it saw",
            "forwarded-inbound",
        )
        return
    saw = f"{client.by or 'the reporting side'} saw our host {by_name or client.address} connect"
    bringer = None if client.vouched else _bringer(report)
    if bringer in {Nature.DIAL_UP, Nature.UNNAMED}:
        # Made up from nothing to reach the inbox, for all we can see: servers that bounce have names.
        detail = f"{saw}, it says; but the report was brought to us by a client with {bringer.value}"
        yield neutral("path", "relay-doubtful", detail)
    elif doubt:
        yield genuine(
            "path", Strength.WEAK, "relay-name", f"{saw}, by its address's reverse name alone: {doubt}"
        )
    elif by_name and not identity.is_relay_name(by_name):
        yield genuine("path", Strength.STRONG, "own-host", f"{saw}, by its name below our domain")
    elif client.vouched:
        yield genuine("path", Strength.STRONG, "relay", saw)
    else:
        detail = f"{saw}; that the report itself is from there is not shown"
        yield genuine("path", Strength.STRONG, "relay-unvouched", detail)


def _brought_by_a_machine_of_ours(report: Report, client: ObservedClient, identity: Identity) -> bool:
    """Say whether the report's writer brought it to us itself, under a name below our domains.

    Machines that nobody thought of report what is refused to them, and who
    connects to them is a colleague. The name may be their greeting alone: who
    writes reports of his own keeps them out of quarantine by it, and no more.
    """
    hop = own_border_hop(report)
    if hop is None:
        return False
    writer = client.by or report.reporting_mta or ""
    return any(
        below_our_domains(name, identity)
        and ("." not in writer or same_host(name, writer) or below_our_domains(writer, identity))
        for name in (verified_name(hop), hop.helo)
    )


def _greets_as_ours(client: ObservedClient, report: Report) -> bool:
    return bool(client.helo) and (client.helo or "").rstrip(".").lower() in receiving_names(report)


def _bringer(report: Report) -> Nature | None:
    """Tell what sort of client brought the report to our side, by its newest hop from outside."""
    hop = own_border_hop(report)
    return nature(verified_name(hop), hop.client_address) if hop is not None else None


def _from_elsewhere(
    report: Report,
    identity: Identity,
    lookups: Lookups,
    *,
    client: ObservedClient,
    hop: TraceHop | None,
    resolved: frozenset[str],
    leads_back: bool | None,
) -> Iterator[Evidence]:
    """Judge an original that the reporting side had from a host that is not known as ours.

    *leads_back* is False where it greets with a name of ours that has another address.
    """
    name = verified_name(hop) if hop is not None else None
    typed = typed_below(report, client)
    seen = f"{client.by or 'the reporting side'} saw {name or 'a client without a name'} [{client.address}] connect"
    addresses_known = knows_family(client.address, identity, resolved)
    kind = nature(name, client.address)
    if hop is not None and is_authenticated(hop) and not identity.relays_complete:
        # Who has an account there may write from any line.
        yield neutral(
            "path", "customer", f"{seen}, and authenticate itself: a customer of the reporting side"
        )
        return
    between = False
    link = joined(hop, typed[0], identity) if hop is not None and typed else ""
    if link and any(names_us(hop, identity) for hop in typed):
        # A forwarder, a list or a provider's relay, whose own hop says whom it had the message from.
        chain = follow(typed, identity, resolved)
        told = f"{seen}; its own trace names a host of ours below"
        broken = chain.broken
        if chain.reaches_us and link == "name" and not chain.by_word:
            yield genuine("path", Strength.WEAK, "forwarded", told)
            return
        if broken is None or not knows_family(broken.client_address or "", identity, resolved):
            yield neutral("path", "forwarded-unproven", told)
            return
        if _may_be_a_machine_of_ours(broken, typed, identity, lookups):
            detail = f"{told}, under which the client that it saw greets, too; whether that is its name is not known"
            yield neutral("path", "forwarded-unproven", detail)
            return
        weighed = _broken(report, broken, seen, link)
        yield weighed
        if weighed.points_to is PointsTo.NEITHER:
            return
        between = passed_on(report.original.headers)
    elif may_be_a_service(client, hop, kind) and passed_through_another(typed, identity, resolved):
        # Services that filter for the recipient have other names inside than outside. Whoever types this from
        # a server with a name could as well have typed lines that fit the name.
        detail = f"{seen}; a host of another name below it says that it had it from a host of ours"
        yield neutral("path", "forwarded-unproven", detail)
        return
    elif identity.is_relay_name(client.helo) and not addresses_known:
        # Our own server may stand behind any line: nobody told where it stands.
        yield neutral("path", "helo-only", f"{seen}; it called itself {client.helo}, which anyone can say")
        return
    elif kind is not Nature.NAMED and not identity.relays and _greets_as_ours(client, report):
        # A small domain's one server, on a line without a name or a home line; and its name is public.
        detail = (
            f"{seen}; it called itself {client.helo}, as the host that took the report in for us is called"
        )
        yield neutral("path", "helo-receiving", detail)
        return
    else:
        between = yield from claims(
            report,
            identity,
            client,
            typed,
            seen,
            name=name,
            addresses_known=addresses_known,
            kind=kind,
            leads_back=leads_back,
        )
    if kind is not Nature.NAMED and (
        kind is not Nature.UNNAMED or (hop is not None and name_was_sought(hop))
    ):
        finding = {Nature.UNNAMED: "unnamed", Nature.DIAL_UP: "dial-up", Nature.NUMBERED: "numbered"}[kind]
        yield forged("path", Strength.WEAK, finding, f"{seen}: {kind.value}")
    if not identity.relays or identity.is_relay_name(client.helo):
        return
    if not identity.relays_complete:
        yield forged("path", Strength.WEAK, "elsewhere", f"{seen}, none of our relays")
    elif (
        client.hop is None
        or report.original.completeness is Completeness.PARTIAL
        or between
        or (kind is not Nature.DIAL_UP and was_addressed_at(report, client))
    ):
        detail = f"{seen}, none of our relays; a forwarder in between cannot be excluded"
        yield forged("path", Strength.WEAK, "elsewhere", detail)
    elif addresses_known or name:
        detail = f"{seen}, none of our relays, and all our mail leaves through those"
        yield forged("path", Strength.STRONG, "elsewhere-complete", detail)
    if _out_of_order(typed, hop):
        yield forged("path", Strength.WEAK, "order", "the hops below it are dated after it")


def _may_be_a_machine_of_ours(
    hop: TraceHop, hops: tuple[TraceHop, ...], identity: Identity, lookups: Lookups
) -> bool:
    """Say whether a forwarder saw a client greet with a name below our domains, under which the line below was written.

    It is read as where the reporting side itself saw one: unless DNS has another address for the name.
    """
    below = hops[hops.index(hop) + 1 :]
    client = ObservedClient(address=hop.client_address or "", helo=hop.helo)
    return (
        below_our_domains(hop.helo, identity)
        and bool(below)
        and same_host(below[0].by, hop.helo)
        and greeting_leads_back(client, identity, lookups) is None
    )


def _broken(report: Report, broken: TraceHop, seen: str, link: str) -> Evidence:
    """Weigh a forwarder's trace that breaks off at a host that is not ours, and names ours below the break."""
    name = verified_name(broken)
    detail = (
        f"{seen}; that host had it from {name or 'a client without a name'} [{broken.client_address}],"
        " and no hop joins this to the line below that names a host of ours"
    )
    kind = nature(name, broken.client_address)
    if kind in {Nature.NAMED, Nature.NUMBERED} or not (name or tells_greeting(broken)):
        # A service that filters the forwarder's mail may take it in and hand it on under other names.
        return neutral("path", "forwarded-unproven", detail)
    # Hops may be missing on the way; a home line is no host on the way.
    sure = kind is Nature.DIAL_UP and link == "name" and not passed_on(report.original.headers)
    strength = Strength.STRONG if sure else Strength.WEAK
    return forged("path", strength, "look-alike-forwarded", f"{detail}: it was typed")


def _unobserved(report: Report, identity: Identity) -> Iterator[Evidence]:
    """Weigh a trace in which no hop can be laid to the reporting side: all of it may be typed."""
    trace = report.original.trace
    if not trace or not (identity.relays or identity.domains):
        return
    first = next(
        (h for h in trace[:_MAX_TYPED] if ip_of(h.client_address) is not None and not is_neighbour(h)),
        None,
    )
    if first is None:
        return
    if is_our_client(first, identity):
        detail = f"the newest hop names our host {verified_name(first) or first.client_address}; who wrote it is not shown"
        yield genuine("path", Strength.WEAK, "relay-presumed", detail)
        return
    if any(names_us(hop, identity) for hop in trace[:_MAX_TYPED]) or is_authenticated(first):
        return
    kind = nature(verified_name(first), first.client_address)
    if kind in {Nature.DIAL_UP, Nature.NUMBERED}:
        detail = f"the newest hop shows {first.client_name} [{first.client_address}]: {kind.value}"
        yield forged("path", Strength.WEAK, "dial-up-presumed", detail)
    if identity.relays:
        yield forged(
            "path", Strength.WEAK, "elsewhere-presumed", "no hop of the original names a host of ours"
        )


def _out_of_order(typed: tuple[TraceHop, ...], border: TraceHop | None) -> bool:
    """Say whether a lower hop is dated well after the hop that was observed."""
    if border is None or border.when is None:
        return False
    return any(hop.when is not None and hop.when - border.when > _CLOCK_SKEW for hop in typed)

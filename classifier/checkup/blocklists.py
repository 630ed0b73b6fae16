"""Looks a server up on the lists that list for misdirected bounces."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from classifier.checkup.findings import Finding, Level
from classifier.checkup.server import host_and_port
from classifier.errors import ConfigurationError
from classifier.evidence.dnsbl import look_up, question
from classifier.evidence.hosts import ip_of, is_internal
from classifier.present.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.evidence.base import Resolver
    from classifier.evidence.hosts import IPAddress

#: Lists, and how a server gets off them.
LISTS = {
    "bl.spamcop.net": "SpamCop takes it off by itself, a day after the last report",
    "ips.backscatterer.org": "backscatterer.org takes it off by itself, four weeks after the last bounce",
}
#: The addresses that every list has, and never has (RFC 5782 section 5).
_LISTED, _NEVER = ip_address("127.0.0.2"), ip_address("127.0.0.1")
#: More addresses of one host than these are not looked up.
_MAX_ADDRESSES = 8


def listings(
    server: str | None, addresses: Iterable[str], more: Iterable[str], resolver: Resolver
) -> Iterator[Finding]:
    """Look up the addresses of *server*, or those given.

    Args:
        server: host, or host:port; its addresses are looked up in DNS. May be None.
        addresses: what to look up instead: those that it sends from.
        more: further lists.
        resolver: DNS.

    Raises:
        ConfigurationError: an address is none, or there is nothing to look up.

    """
    zones = list(dict.fromkeys((*LISTS, *(zone.strip(".").lower() for zone in more))))
    about = f"server {server}" if server else "lists"
    found: list[IPAddress] = []
    for text in addresses:
        address = ip_of(text)
        if address is None:
            raise ConfigurationError(
                f"{text!r} is no IP address", where="--address", remedy="write 192.0.2.1"
            )
        found.append(address)
    if not found:
        if server is None:
            raise ConfigurationError(
                "nothing to look up", where="--lists", remedy="give --server or --address"
            )
        host, _ = host_and_port(server)
        literal = ip_of(host)
        found = [literal] if literal is not None else []
        for kind in ("A", "AAAA") if literal is None else ():
            answer = resolver.query(host, kind)
            if not answer.available:
                yield Finding(
                    Level.ADVICE,
                    about,
                    f"lists: unknown: no answer about {kind} of {host} ({answer.note})",
                    "ask again later",
                )
            found += [ip for record in answer.records if (ip := ip_of(record)) is not None]
        if not found:
            yield Finding(
                Level.ADVICE, about, f"lists: unknown: no address of {host} was found", "give --address"
            )
    for ip in dict.fromkeys(found[:_MAX_ADDRESSES]):
        for zone in zones:
            yield _look_up(about, ip, zone, resolver)


def _look_up(about: str, ip: IPAddress, zone: str, resolver: Resolver) -> Finding:
    listing = look_up(ip, zone, resolver)
    if listing.listed is None:
        return Finding(
            Level.ADVICE,
            about,
            f"{ip} on {zone}: unknown: {listing.note}",
            "ask again later, or on the list's own page",
        )
    if listing.listed:
        told = next(iter(resolver.query(question(ip, zone), "TXT").records), "")
        why = f" ({printable(told, 200)})" if told else ""
        remedy = "stop the bounces first: --logs counts them by cause, docs/administrators.md says how"
        if zone in LISTS:
            remedy += f"; then {LISTS[zone]}"
        return Finding(Level.WRONG, about, f"{ip} is listed by {zone}{why}", remedy)
    if is_internal(ip):
        return Finding(
            Level.ADVICE,
            about,
            f"{ip} is not listed by {zone}, which says nothing of an internal address",
            "give the address that its mail leaves from by --address",
        )
    # A list that is dead, or that does not answer this nameserver, lists nobody, its own test entry included.
    if look_up(_LISTED, zone, resolver).listed is not True:
        return Finding(
            Level.ADVICE,
            about,
            f"{ip} is not listed by {zone}, but neither is the list's own test entry (RFC 5782 section 5): that may mean little",
            "ask a nameserver of your own, not a public one",
        )
    return Finding(Level.GOOD, about, f"{ip} is not listed by {zone}")


def list_works(zone: str, resolver: Resolver) -> Finding:
    """Ask for the two addresses by which such lists are known to work (RFC 5782 section 5)."""
    about = f"dns.dnsbl {zone}"
    tested = look_up(_LISTED, zone, resolver)
    if tested.listed is None:
        return Finding(
            Level.ADVICE, about, f"cannot be asked: {tested.note}", "ask again later, or take it out"
        )
    if not tested.listed:
        return Finding(
            Level.WRONG,
            about,
            "does not list 127.0.0.2, as lists that work do",
            "check the name, or take it out",
        )
    if look_up(_NEVER, zone, resolver).listed:
        return Finding(
            Level.WRONG, about, "lists 127.0.0.1, so it lists everybody", "take it out: the list is no more"
        )
    return Finding(Level.GOOD, about, "answers")

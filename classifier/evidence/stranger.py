"""Stranger: is anything at all in the original ours, and did a home line bring it?

Spammers often forge the return path alone. Then the author, the Message-ID,
every hop and every signature are somebody else's; only the report comes to us.
That alone happens to honest mail, too (web forms, hosted senders); from a line
that is dialled up, or a PC that greets with its own name, and straight to the
reporting side, it does not.
"""

from __future__ import annotations

import re

from classifier.evidence.base import Evidence, Lookups, forged, neutral
from classifier.evidence.hosts import organisation
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import ObservedClient, hop_of, observed_client
from classifier.evidence.ours import (
    Nature,
    below_our_domains,
    is_authenticated,
    is_our_name,
    made_by_rule,
    nature,
    own_addressees,
    passed_on,
    written_by_us,
)
from classifier.parse.addresses import domain_of, find_addresses, normalise
from classifier.vocabulary import TELL_OF_DELIVERY, Completeness, ReportKind, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop

#: Fields of mail that a program on a web server made, or another program by itself.
_BY_MACHINE = frozenset(
    {
        "auto-submitted", "x-php-originating-script", "x-php-script", "x-source", "x-source-args", "x-source-dir",
    }
)  # fmt: skip
#: Kinds that come to where the return path leads, and not to the author.
_ABOUT_THE_RETURN_PATH = frozenset({*TELL_OF_DELIVERY, ReportKind.VIRUS_WARNING})
_WHOLE = frozenset({Completeness.FULL, Completeness.HEADERS})
#: A HELO name is a host's only with a domain (RFC 5321 section 2.3.5).
_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.){1,20}[a-z][a-z0-9-]{1,62}\.?", re.IGNORECASE)
_HOMELY = frozenset({Nature.DIAL_UP, Nature.NUMBERED})


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Look for anything of ours in an original that came back with its header section."""
    if report.kind not in _ABOUT_THE_RETURN_PATH:
        return  # people's programs answer the author, so there the author is ours
    original = report.original
    if original.completeness not in _WHOLE or not original.from_address:
        return
    client = observed_client(report)
    if client is None or written_by_us(report, identity) or _has_something_of_ours(report, identity):
        return
    if passed_on(original.headers) or original.headers.has_any(_BY_MACHINE):
        return
    if any(_began_there(hop) for hop in original.trace) or _was_handed_to_qmail(report, client):
        return
    used = own_addressees(report, identity)
    if (
        not used
        or any(_made(address) for address in used)
        or "." not in (domain_of(original.from_address) or "")
    ):
        return
    hop = hop_of(client, report)
    if hop is not None and is_authenticated(hop):
        return
    seen = f"{client.by or 'the reporting side'} had it from {client.name or client.helo or 'a host'} [{client.address}]"
    told = f"the original is by {normalise(original.from_address)}, nothing in it is ours, and {seen}"
    homely = _homely(client)
    if homely and tried_to_pass_on(report):
        # A provider's server reports to its own customers so, and knows them by their line.
        yield forged(
            "stranger", Strength.WEAK, "home-line-relayed", f"{told}: {homely}; it tried to pass it on"
        )
    elif homely:
        yield forged("stranger", Strength.STRONG, "home-line", f"{told}: {homely}")
    else:
        yield neutral("stranger", "nothing-ours", told)


def _began_there(hop: TraceHop) -> bool:
    """Say whether a mail server wrote the hop about a message that a program on its own machine had made."""
    if hop.client_name or hop.client_address:
        return False
    told = hop.raw[:500]
    # Written by the mail server of Windows, of a file that a program had put into its folder.
    by_program = told.lstrip().startswith("from mail pickup service by ")
    return by_program or hop.protocol == "local" or (hop.helo is None and "from userid" in told)


def _was_handed_to_qmail(report: Report, client: ObservedClient) -> bool:
    """Say whether a program handed the message to qmail, on a machine below the reporting side's."""
    below = report.original.trace[client.hop + 1 :] if client.hop is not None else ()
    return any("invoked by uid" in hop.raw[:500] for hop in below)


def _made(address: str) -> bool:
    """Say whether an address was made for one message, by a tag, a list or a rule: that is never a person's own."""
    local = address.rpartition("@")[0].lower()
    return made_by_rule(address) or local.startswith(("prvs=", "bounce-", "bounce+", "bounces-", "bounces+"))


def _homely(client: ObservedClient) -> str:
    """Say what shows that the client is no mail server; "" where nothing does."""
    kind = nature(client.name, client.address)
    if kind in _HOMELY:
        return kind.value
    if kind is Nature.NAMED or not client.helo:
        return ""
    if not _HOST.fullmatch(client.helo):
        return "no looked-up name, and a greeting that is no host's"
    greeted = nature(client.helo, client.address)
    return f"it greeted with {greeted.value}" if greeted in _HOMELY else ""


def _has_something_of_ours(report: Report, identity: Identity) -> bool:
    original = report.original
    domains = {d.lstrip(".") for d in identity.domains}
    if identity.inferred:
        domains |= {d for a in report.addressees if (d := domain_of(a))}
    owners = {owner for d in domains if (owner := organisation(d))} | domains

    def ours(host: str | None) -> bool:
        if not host:
            return False
        host = host.lower().rstrip(".")
        return (
            host in owners
            or organisation(host) in owners
            or below_our_domains(host, identity)
            or is_our_name(host, identity)
        )

    message_id = original.headers.get("message-id") or ""
    named = [
        domain_of(original.from_address), domain_of(original.sender),
        message_id.rpartition("@")[2].strip("<> \t"),
    ]  # fmt: skip
    named += [domain_of(address) for address in find_addresses(original.headers.text("reply-to") or "")]
    named += [name for hop in original.trace for name in (hop.by, hop.helo, hop.client_name)]
    signed = " ".join(original.headers.get_all("dkim-signature")).lower()
    named += re.findall(r"\bd=\s{0,9}([a-z0-9.-]{1,255})", signed[:20_000])
    return any(ours(name) for name in named) or any(
        identity.is_relay_address(hop.client_address) for hop in original.trace if hop.client_address
    )

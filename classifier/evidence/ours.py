"""Which hosts are ours, as the hops of a trace show them.

A host is ours by its address (a configured relay, or what a configured relay's
name resolves to) or by the name that the writer of the hop looked up. What the
client called itself never counts: anyone can say HELO with any name.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from classifier.dataclass import dataclass
from classifier.evidence.hosts import ip_of, is_internal, is_public_name, names_another, organisation
from classifier.once import once_beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.evidence.base import Lookups
    from classifier.identity import Identity
    from classifier.parse.headers import HeaderBlock
    from classifier.parse.report import Report, TraceHop

#: More hops than this are not followed.
MAX_HOPS = 30
#: Relay names that are asked for in DNS, at most.
_MAX_NAMES = 8
#: "with" clauses of an authenticated submission (RFC 3848, RFC 8314) and of webmail.
_AUTHENTICATED_PROTOCOLS = frozenset(
    {
        "ESMTPA",
        "ESMTPSA",
        "SMTPA",
        "ASMTP",
        "LMTPA",
        "LMTPSA",
        "UTF8SMTPA",
        "UTF8SMTPSA",
        "HTTP",
        "HTTPS",
        "MAPI",
    }
)
#: What servers write in comments about an authenticated client: Postfix, Sendmail, Courier, CommuniGate.
_AUTHENTICATED = r"(?i)\(authenticated\b|\bauthenticated sender:|authenticated bits=|\bauth=(?:plain|login|cram)|\(auth[: ]"
#: As qmail's smtpd writes the client; Cisco's gateways write brackets around the address.
_QMAIL = r"\(HELO [^()\s]{0,255}\) \((?:[^()\s@]{1,255}@)?[0-9A-Fa-f.:]{2,45}\)"
#: Words by which mail servers are named, numbered or not (``a27-18.smtp-out.provider.test``).
_MAIL_SERVER = (
    r"(?:^|[.\-_0-9])(?:e?mail|smtp|mx|mta|m?out|outbound|relay|mailout|mailer|sender)(?=[.\-_0-9]|$)"
)
#: Words in the names of lines that are dialled up or let to homes.
_DIAL_UP = (
    r"(?:^|[.\-_0-9])(?:a?dsl|adsl2|vdsl|ppp(?:oe)?|dial(?:up|in|ip)?|dyn(?:amic|ip)?|pool|dhcp|cable|cpe|catv|modem"
    r"|broadband|bb|user|client|customer|cust|home|res|residential|mobile|gprs|lte|umts|wimax|ftth|fiber|pppool)"
    r"(?=[.\-_0-9]|$)"
)
_NUMBERED = r"(?:[0-9]{1,3}[.-]){3}[0-9]{1,3}|(?:^|[^0-9a-f])[0-9a-f]{8}(?=[.-])|[0-9]{9,12}"


#: Return paths that are made for one message: SRS, VERP, and gateways' own tags.
_MADE = r"(?i)srs[01][=+-]|btv1==|msprvs1=|[^=]{1,200}=[^=]{1,200}$"
#: Header fields of mail that somebody passed on or distributed, with the author's From left as it was.
_PASSED_ON = frozenset(
    {
        "list-id", "list-post", "list-unsubscribe", "mailing-list", "resent-from", "resent-sender", "x-beenthere",
        "x-forwarded-for", "x-forwarded-to", "x-loop", "x-original-sender",
    }
)  # fmt: skip


class Nature(Enum):
    """What the name of a client's address looks like."""

    UNNAMED = "no looked-up name"
    DIAL_UP = "the name of a dial-up or home line"
    NUMBERED = "a name made from its address"
    NAMED = "a name of its own"


def below_our_domains(host: str | None, identity: Identity) -> bool:
    """Say whether *host* is one of the protected domains or a name below one."""
    if not host:
        return False
    return f".{host.strip('[]').rstrip('.').lower()}".endswith(_suffixes(identity.domains))


@lru_cache(maxsize=256)
def _suffixes(domains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("." + domain.lstrip(".") for domain in domains)


def is_our_name(host: str | None, identity: Identity) -> bool:
    """Say whether *host* is one of our relays by name, or lies below a protected domain."""
    return identity.is_relay_name(host) or below_our_domains(host, identity)


def made_by_rule(address: str) -> bool:
    """Say whether *address* was made for one message by SRS, VERP or a gateway, so that it is nobody's own."""
    local = address.rpartition("@")[0]
    return ("=" in local or local[:3].casefold() == "srs") and re.match(_MADE, local) is not None


def sent_on_by_us(address: str) -> bool:
    """Say whether *address*, one of ours, is a return path of mail that we forward or distribute: SRS, VERP, a list's."""
    local = address.rpartition("@")[0].lower()
    return local.startswith(("srs0", "srs1", "owner-")) or "bounce" in local or "=" in local


def passed_on(headers: HeaderBlock) -> bool:
    """Say whether a header section is that of mail which somebody passed on or a list distributed."""
    return headers.has_any(_PASSED_ON)


@once_beside
def own_addressees(report: Report, identity: Identity) -> tuple[str, ...]:
    """Return those whom the report was addressed to that are at a protected domain."""
    return tuple(filter(identity.owns_address, report.addressees))


def verified_name(hop: TraceHop) -> str | None:
    """Return the client's name as the writer looked it up, unless the writer doubts it."""
    if not hop.client_name or "may be forged" in hop.raw:  # sendmail's remark: forward and reverse differ
        return None
    name = hop.client_name.rstrip(".").lower()
    return None if name in {"unknown", "localhost"} or "." not in name else name


def name_doubt(hop: TraceHop, lookups: Lookups) -> str:
    """Say why the client's looked-up name may be a lie of its address's owner; "" where nothing says so.

    Whoever holds an address writes what he likes into its reverse zone. Most
    servers take a name only where it leads back to the address; OpenSMTPD, and
    qmail's tcpserver unless told otherwise, write the reverse name as it is.
    Where DNS answers, that is asked again.
    """
    name, ip = verified_name(hop), ip_of(hop.client_address)
    if name is None or ip is None:
        return ""
    if lookups.resolver is not None:
        answer = lookups.resolver.query(name, "A" if ip.version == 4 else "AAAA")
        if answer.available:
            return "" if ip in map(ip_of, answer.records) else f"{name} does not lead back to it"
    start, _, rest = hop.raw[:2_000].partition(" by ")
    unchecked = "OpenSMTPD" if "(OpenSMTPD)" in rest else "qmail" if re.search(_QMAIL, start) else ""
    return f"{unchecked} does not ask whether the name leads back to it" if unchecked else ""


def is_our_client(hop: TraceHop, identity: Identity) -> bool:
    """Say whether the hop's client is a host of ours, by address or by looked-up name."""
    return identity.is_relay_address(hop.client_address) or is_our_name(verified_name(hop), identity)


def is_authenticated(hop: TraceHop) -> bool:
    """Say whether the hop's writer says that the client had authenticated itself."""
    if (hop.protocol or "").upper() in _AUTHENTICATED_PROTOCOLS:
        return True
    # What stands before "by" holds the client's own words, but none behind the address that the writer saw.
    start, _, rest = hop.raw[:2_000].partition(" by ")
    if "auth" in rest.lower() and re.search(_AUTHENTICATED, rest):
        return True
    address = hop.client_address
    if not address or "uthenticated" not in start:
        return False
    noted = start.rpartition(address)[2]
    return "helo" not in noted.lower() and re.search(_AUTHENTICATED, noted) is not None


def nature(name: str | None, address: str | None) -> Nature:
    """Tell what sort of host a looked-up *name* of *address* belongs to, by its shape."""
    return _nature(name.lower()[:255], (address or "")[:64]) if name else Nature.UNNAMED


@lru_cache(maxsize=1024)
def _nature(name: str, address: str) -> Nature:
    if name.count(".") > 1 and re.search(_MAIL_SERVER, name.rsplit(".", 2)[0]):
        return Nature.NAMED
    if re.search(_DIAL_UP, name.rpartition(".")[0]):
        return Nature.DIAL_UP
    if re.search(_NUMBERED, name):
        return Nature.NUMBERED
    octets = address.split(".")
    if len(octets) == 4 and all(octet in re.split(r"[^0-9]", name) for octet in octets[2:]):
        return Nature.NUMBERED
    return Nature.NAMED


def resolved_relays(identity: Identity, lookups: Lookups) -> frozenset[str]:
    """Return the addresses that our relays' names have in DNS now; empty where nobody says."""
    if lookups.resolver is None:
        return frozenset()
    found: set[str] = set()
    names = [name for name in identity.relay_names if not name.startswith(".")]
    for name in names[:_MAX_NAMES]:
        for record_type in ("A", "AAAA"):
            answer = lookups.resolver.query(name, record_type)
            if answer.available:
                found.update(str(ip) for record in answer.records if (ip := ip_of(record)))
    return frozenset(found)


def knows_family(address: str, identity: Identity, resolved: Iterable[str]) -> bool:
    """Say whether any relay address of the same IP version as *address* is known.

    A relay configured by its IPv4 address alone may well connect over IPv6,
    and one by its address inside from any outside; so may one of whose name our
    own side's DNS knows such an address alone.
    """
    ip = ip_of(address)
    if ip is None:
        return False
    public = (n for n in identity.relay_networks if not is_internal(n.network_address))
    return any(network.version == ip.version for network in public) or any(
        (other := ip_of(text)) is not None and other.version == ip.version and not is_internal(other)
        for text in resolved
    )


def is_local(hop: TraceHop) -> bool:
    """Say whether a hop is between no two hosts and names none: qmail's and nullmailer's "(... invoked by uid 0)"."""
    return hop.by is None and hop.client_address is None and hop.client_name is None


@dataclass(frozen=True)
class Entry:
    """How a message entered our side, read down the hops that our hosts wrote.

    Attributes:
        outside: the hop at which a client from outside handed it in, or None.
        authenticated: True where that client had authenticated itself.
        hops: how many hops from the top our side wrote.
        doubtful: the hop of a client with a private address and somebody else's
            name, who need not be a neighbour, or None.

    """

    outside: TraceHop | None
    authenticated: bool
    hops: int
    doubtful: TraceHop | None = None


def entry(trace: Iterable[TraceHop], identity: Identity, writers: frozenset[str] = frozenset()) -> Entry:
    """Follow *trace* from the top while our hosts wrote it.

    Args:
        trace: hops, newest first.
        identity: who we are.
        writers: further host names that are ours here, e.g. the reporting MTA's.

    """
    count = 0
    doubtful: TraceHop | None = None
    for hop in list(trace)[:MAX_HOPS]:
        if is_local(hop):
            count += 1
            continue
        by = (hop.by or "").rstrip(".").lower()
        if by and "." in by and by not in writers and not is_our_name(by, identity):
            return Entry(None, False, count)
        count += 1
        ip = ip_of(hop.client_address)
        if ip is None:
            if hop.client_name and "." in hop.client_name and not is_our_name(hop.client_name, identity):
                return Entry(hop, is_authenticated(hop), count)
        elif not is_our_client(hop, identity):
            if not is_internal(ip):
                return Entry(hop, is_authenticated(hop), count)
            if (names_another(hop) or _greets_as_another(hop)) and not is_authenticated(hop):
                doubtful = doubtful or hop
    return Entry(None, False, count, doubtful)


def _greets_as_another(hop: TraceHop) -> bool:
    """Say whether a client whose name nobody looked up greets with another organisation's; a PC has a bare name."""
    greeted = organisation(hop.helo)
    return (
        verified_name(hop) is None
        and greeted is not None
        and is_public_name(greeted)
        and greeted != organisation(hop.by)
    )


@once_beside
def came_from_inside(report: Report, identity: Identity) -> bool | None:
    """Say whether the report itself was written on our side, as its own trace shows.

    True where no hop down to its first one shows a client from outside; False
    where one does; None where the trace does not tell. The newest hop is our side's
    own word; so a report sent in from outside cannot pass for one of ours by
    what it has typed.
    """
    if not report.trace:
        return None
    for hop in report.trace[:MAX_HOPS]:
        ip = ip_of(hop.client_address)
        if ip is None:
            name = verified_name(hop)
            if name and not is_our_name(name, identity):
                return False
        elif not is_our_client(hop, identity):
            if not is_internal(ip):
                return False
            if names_another(hop):
                return None
    hops = [hop for hop in report.trace[:MAX_HOPS] if not is_local(hop)]
    return True if hops and _is_written_inside(hops, identity) else None


def _is_written_inside(hops: list[TraceHop], identity: Identity) -> bool:
    """Say whether the oldest of *hops*, none of which shows a client from outside, was written by a machine of ours.

    Many a machine that only sends goes by a bare name; the hop above then tells where it connected from.
    """
    first, *above = hops[:-3:-1]
    if not above or not first.by or "." in first.by or "." in (first.helo or ""):
        return is_our_name(first.by, identity)
    ip = ip_of(above[0].client_address)
    neighbour = is_our_client(above[0], identity) or (ip is not None and is_internal(ip))
    return neighbour and is_our_name(above[0].by, identity)


@once_beside
def written_by_us(report: Report, identity: Identity) -> bool:
    """Say whether a host of ours wrote the report: it names one, and came from inside.

    A bare name is one's where the report's own trace has it, too.
    """
    writer = (report.reporting_mta or "").lower()
    if not writer or came_from_inside(report, identity) is not True:
        return False
    named = (name for hop in report.trace[:MAX_HOPS] for name in (hop.by, hop.helo) if name)
    return is_our_name(writer, identity) or ("." not in writer and writer in map(str.lower, named))

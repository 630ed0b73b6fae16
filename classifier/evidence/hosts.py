"""Whose host is it? Names and addresses of hosts, as trace fields give them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from classifier.identity import read_ip
from classifier.parse.addresses import domain_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.report import TraceHop

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: So many names and addresses are held: one message asks for each many times, and a flood for the same ones.
_REMEMBERED = 4096
#: What stands where no name was found, or another one than the address has (Sendmail).
_NOT_FOUND = r"(?i)(?:^from |[(\s])(?:unknown|unverified|no-ptr|<unknown>)[\s\[(]|may be forged"
#: What Sendmail and Google write behind "by". (Exim asks only where host_lookup says so, and shows no difference.)
_ALWAYS_LOOKS = r"\(8\.[0-9.]+(?:/[^()]*)?\)|^mx\.google\.com "
#: A longer name is none, and not held.
_LONG = 300
#: Second-level labels under which registries sell names (``example.co.uk``).
_REGISTRY_LABELS = frozenset(
    {
        "ac", "ad", "co", "com", "ed", "edu", "go", "gob", "gov", "gr", "gv", "lg", "ltd", "ne", "net", "nom", "or", "org",
        "plc", "sch",
    }
)  # fmt: skip
#: Names under which one operator writes both Received fields and reports.
_SAME_OPERATOR = {
    "gmail.com": "google.com",
    "googlemail.com": "google.com",
    "hotmail.com": "outlook.com",
    "live.com": "outlook.com",
    "office365.com": "outlook.com",
    "onmicrosoft.com": "outlook.com",
    "exchangelabs.com": "outlook.com",
    "microsoft.com": "outlook.com",
    "yahoo.com": "yahoodns.net",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "gmx.de": "gmx.net",
    "web.de": "gmx.net",
    # Services that filter mail for others: the names that their hosts have inside.
    "ppops.net": "pphosted.com",
    "cudaops.com": "barracuda.com",
    "barracudanetworks.com": "barracuda.com",
}
#: Endings of names that are known inside only: they are no organisation's (RFC 6761, RFC 6762, RFC 8375, home routers).
_INSIDE_ENDINGS = frozenset(
    {"arpa", "box", "corp", "home", "internal", "intra", "intranet", "lan", "local", "localdomain", "localhost", "private"}
)  # fmt: skip
#: Not reachable from outside: a client of one of these is the operator's own.
#: (``is_private`` would count the documentation networks in as well.)
_INTERNAL = tuple(
    ipaddress.ip_network(n)
    for n in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "::/128", "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip

#: Public addresses that the hosts of Exchange Online have towards each other; each names its client by the greeting alone.
_EXCHANGE_ONLINE = tuple(
    ipaddress.IPv6Network(n)
    for n in (
        "2603:1096::/32", "2603:10a6::/32", "2603:10b6::/32", "2603:10c6::/32", "2603:10d6::/32", "2a01:111:e400::/48",
    )
)  # fmt: skip
#: Those of its hosts that take mail in, and of those that send it out: to each other's tenants as well, from outside.
_EXCHANGE_ONLINE_BORDER = tuple(
    ipaddress.IPv6Network(n) for n in ("2a01:111:f400::/48", "2a01:111:f403::/48")
)
_EXCHANGE_ONLINE_EXCHANGER = ".mail.protection.outlook.com"
#: Behind its own name some servers write their own address (1&1's, Exchange). The look-behind stands after the
#: word so that the scan can skip to it.
_WRITER = re.compile(r"by(?<!\wby)\s{1,9}([^\s()]{1,255})\s{1,9}\(([^()]{1,200})\)")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{3,45}")


def organisation(host: str | None) -> str | None:
    """Return the name under which *host*'s owner is registered, by its shape.

    ``mx1.mail.example.co.uk`` gives ``example.co.uk``. Without a list of
    public suffixes this errs towards the longer name under country codes; the
    names of a few large operators are brought to one.
    """
    if not host:
        return None
    return (_organisation if len(host) <= _LONG else _organisation.__wrapped__)(host)


@lru_cache(maxsize=_REMEMBERED)
def _organisation(host: str) -> str | None:
    labels = host.strip().strip("[]").rstrip(".").lower().split(".")
    if len(labels) < 2 or labels[-1].isdigit():
        return None
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _REGISTRY_LABELS else 2
    name = ".".join(labels[-keep:])
    return _SAME_OPERATOR.get(name, name)


def owner_of(address: str | None) -> str | None:
    """Return the organisation that the mail address *address* is at; None where nothing tells."""
    return organisation(domain_of(address))


def ip_of(text: str | None) -> IPAddress | None:
    """Read an IP address as headers write it: bare, in brackets, ``IPv6:``, with a zone."""
    return _ip_of(text) if text and len(text) <= 64 else None


@lru_cache(maxsize=_REMEMBERED)
def _ip_of(text: str) -> IPAddress | None:
    text = text.strip().strip("[]()").partition("%")[0]
    return read_ip(text[5:] if text[:5].lower() == "ipv6:" else text)


@lru_cache(maxsize=_REMEMBERED)
def is_internal(ip: IPAddress) -> bool:
    """Say whether *ip* can only be a neighbour of the host that saw it."""
    return any(ip.version == network.version and ip in network for network in _INTERNAL)


def is_neighbour(hop: TraceHop) -> bool:
    """Say whether the hop's client has an address that only a neighbour of its writer can have.

    It is not to be reached from outside, or its writer's own, or one of
    Exchange Online's own in a hop that Exchange Online wrote.
    """
    ip = ip_of(hop.client_address)
    if ip is None or is_internal(ip):
        return ip is not None
    if _is_writers(hop, ip):
        return True
    if ip.version == 4 or not hop.by or organisation(hop.by) != "outlook.com":
        return False
    at_border = hop.by.lower().rstrip(".").endswith(_EXCHANGE_ONLINE_EXCHANGER)
    return any(ip in n for n in _EXCHANGE_ONLINE) or (
        not at_border and any(ip in n for n in _EXCHANGE_ONLINE_BORDER)
    )


def _is_writers(hop: TraceHop, ip: IPAddress) -> bool:
    """Say whether the hop's writer names *ip* as its own: it handed the mail to itself, as it does to pass it on."""
    for name, own in _WRITER.findall(hop.raw[:2_000]):
        if name == hop.by and ip in map(ip_of, _ADDRESS.findall(own)):
            return True
    return False


def looked_up(hop: TraceHop) -> str | None:
    """Return the client's looked-up name, unless the writer doubts it (Sendmail: "may be forged")."""
    return None if "may be forged" in hop.raw[:2_000] else hop.client_name


def names_another(hop: TraceHop) -> bool:
    """Say whether the writer looked its client's name up, and it is another organisation's."""
    name = organisation(looked_up(hop))
    writer = organisation(hop.by)
    return name is not None and writer is not None and name != writer and is_public_name(name)


def is_public_name(name: str) -> bool:
    """Say whether *name* can be an organisation's, and not one that is known inside only."""
    return name.rpartition(".")[2] not in _INSIDE_ENDINGS


def same_host(one: str | None, other: str | None) -> bool:
    """Say whether two fields name one and the same host."""
    return bool(one and other) and (one or "").rstrip(".").lower() == (other or "").rstrip(".").lower()


def next_door(ip: IPAddress, other: IPAddress, prefix: int = 24) -> bool:
    """Say whether two addresses are of one network, of so many bits for IPv4; for IPv6, of one site's least."""
    if ip.version != 4:
        prefix = 64
    return ip.version == other.version and ip in ipaddress.ip_network((other, prefix), strict=False)


def tells_greeting(hop: TraceHop) -> bool:
    """Say whether a hop tells what its client called itself: an address alone, and no word of a name, may be the writer's."""
    if not hop.helo or name_was_sought(hop) or "(Exim " in hop.raw[:2_000]:
        return bool(hop.helo)  # Exim leaves a greeting out where it is the address
    if hop.client_address and hop.raw[:2_000].partition(" by ")[0].count(hop.client_address) > 1:
        return True  # once as the greeting
    address, _, port = hop.helo.rpartition(":")
    return ip_of(hop.helo) is None and not (port.isdigit() and ip_of(address) is not None)


def name_was_sought(hop: TraceHop) -> bool:
    """Say whether the writer shows that it looked the client's name up: many never do, and write the address alone.

    Postfix, qmail, OpenSMTPD ("<unknown>") and others write "unknown" where they found none; Sendmail and Google
    always look, and leave the name's place empty.
    """
    start, _, rest = hop.raw[:2_000].partition(" by ")
    return (
        looked_up(hop) is not None
        or re.search(_NOT_FOUND, start) is not None
        or bool(re.search(_ALWAYS_LOOKS, rest))
    )

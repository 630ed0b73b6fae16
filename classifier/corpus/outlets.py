"""The hosts that mail leaves through: a domain's own, a provider's, and those that nobody thinks of."""

from __future__ import annotations

from dataclasses import dataclass

from classifier.corpus import people
from classifier.corpus.chance import EPOCH, Chance, Weighted
from classifier.corpus.keys import Signer, ed25519_key
from classifier.corpus.people import Host

#: Years in which software and practices began.
_HOSTED_SINCE = 2011
_STYLE_SINCE = {"exim-new": 2018, "opensmtpd": 2013, "haraka": 2012}
#: The software of a relay, what it reports with, and how often it is met.
_SOFTWARE = Weighted((
    (("postfix", ("postfix", "postfix", "postfix-delayed")), 10), (("exim", ("exim-old",)), 3), (("exim-new", ("exim", "exim-delayed")), 4), (("sendmail", ("sendmail", "sendmail-delayed")), 3),
    (("qmail", ("qmail",)), 1.5), (("exchange", ("exchange",)), 3), (("exchange-2003", ("exchange-2003",)), 1), (("opensmtpd", ("opensmtpd",)), 1.2), (("communigate", ("communigate",)), 0.8), (("courier", ("courier",)), 0.8), (("haraka", ("haraka",)), 0.7),
))  # fmt: skip
_HOSTED = Weighted((
    (("online", ("exchange-online",)), 5), (("google", ("google", "google-delayed")), 5), (("postfix", ("postfix",)), 4), (("gateway", ("amazon-ses",)), 2),
    (("gateway", ("gmx",)), 1), (("gateway", ("zoho",)), 1), (("powermta", ("powermta",)), 1), (("gateway", ("sendgrid",)), 1),
))  # fmt: skip
_OLD_HOSTED = (
    ("postfix", ("postfix",)),
    ("postfix", ("postfix",)),
    ("sendmail", ("sendmail",)),
    ("qmail", ("qmail",)),
    ("exim", ("exim-old",)),
    ("gateway", ("gmx",)),
    ("zmailer", ("sendmail",)),
)
_RELAY_NAMES = ("mail", "smtp", "mx", "relay", "out", "mx1", "mail2", "gate", "post", "outbound")
#: Shares of providers, and of hosts that take a domain's mail on, which greet with another name than their address has.
_TWO_NAMES = 0.25
_PROVIDER_SIGNS = ("from", "to", "subject", "date", "message-id")


@dataclass(frozen=True)
class Outlet:
    """Hosts that send.

    Attributes:
        hosts: the hosts.
        style: how they write Received fields.
        formats: what they report with.

    """

    hosts: tuple[Host, ...]
    style: str
    formats: tuple[str, ...]


@dataclass(frozen=True)
class Provider:
    """Somebody who sends mail for many domains.

    Attributes:
        name: its domain.
        hosts: its outbound hosts.
        style: how they write Received fields.
        formats: what they report with.
        signer: its own signature, put on all that passes.

    """

    name: str
    hosts: tuple[Host, ...]
    style: str
    formats: tuple[str, ...]
    signer: Signer


def make_provider(chance: Chance, *, bulk: bool = False, year: int = EPOCH.year) -> Provider:
    """Invent a provider of the *year*."""
    name = people.domain_name(chance)
    style, formats = ("powermta", ("powermta",)) if bulk and chance.yes(0.5) else chance.weighted(_HOSTED)
    if year < _HOSTED_SINCE:
        style, formats = chance.choice(_OLD_HOSTED)
    prefix = chance.choice(("out", "mail-", "mo", "o", "smtp-out-", "a"))
    hosts = tuple(
        Host(f"{prefix}{chance.randrange(1, 99)}-{i}.{name}", people.ipv4(chance), f"{prefix}{i}.{name}")
        for i in range(chance.randrange(2, 6))
    )
    # Some greet with another name than their address has.
    if not Chance(f"{name}/greets").yes(_TWO_NAMES):
        hosts = tuple(Host(h.name, h.address, h.name or h.helo) for h in hosts)
    selector = chance.choice(("s1", "k1", "20230601", "mta"))
    return Provider(name, hosts, style, formats, Signer(name, selector, ed25519_key(name), _PROVIDER_SIGNS))


def make_relays(chance: Chance, name: str, year: int) -> tuple[Host, ...]:
    """Invent the hosts that a domain's mail leaves through, on its own machines."""
    labels = chance.sample(_RELAY_NAMES, chance.choice((1, 1, 2, 3)))
    hosts = []
    for label in labels:
        address = people.ipv6(chance) if year > 2011 and chance.yes(0.06) else people.ipv4(chance)
        own = f"{label}.{name}" if chance.yes(0.9) else f"{label}.{people.domain_name(chance)}"
        known: str | None = own
        if ":" not in address and chance.yes(0.12 if year < 2008 else 0.08):
            # A small office's or a home's line: named by the access provider, or not at all.
            line = people.home_line(chance)
            kind = chance.randrange(3)
            static = f"{line.address.replace('.', '-')}.static.{people.domain_name(chance)}"
            known, address = (None, line.name, static)[kind], line.address
        hosts.append(Host(known, address, own))
    return tuple(hosts)


def make_software(chance: Chance, year: int) -> tuple[str, tuple[str, ...]]:
    """Draw the software of the relays; what was not there yet is Postfix."""
    style, formats = chance.weighted(_SOFTWARE)
    if style == "exchange" and year < 2008:
        return "exchange-2003", ("exchange-2003",)
    if style == "exchange-2003" and (year > 2012 or year < 2000):
        return "sendmail", ("sendmail", "sendmail-delayed")
    if year < _STYLE_SINCE.get(style, 0):
        return "postfix", ("postfix", "postfix", "postfix-delayed")
    return style, formats


def make_branch(chance: Chance, name: str, year: int) -> Outlet:
    """Invent a machine of the domain *name* that sends by itself, which no list of its relays names."""
    style, formats = make_software(chance, year)
    label = chance.choice(
        ("branch", "office", "old", "vpn", "nas", "www2", "test", "shop", "backup", "server")
    )
    own = f"{label}.{name}"
    line = people.home_line(chance)
    elsewhere = people.domain_name(chance)
    known = chance.choice(
        (own, own, line.name, f"{line.address.replace('.', '-')}.static.{elsewhere}", f"vps{chance.randrange(10, 999)}.{elsewhere}", None)
    )  # fmt: skip
    helo = own
    if chance.yes(0.25):
        helo = chance.choice(
            (known or own, f"{label}.{name.partition('.')[0]}.local", "localhost.localdomain", label, name)
        )
    return Outlet((Host(known, line.address, helo),), style, formats)


def make_smart_hosts(chance: Chance, name: str, year: int) -> Outlet:
    """Invent the hosts that take on all that the relays of the domain *name* send: its own, or another's."""
    style, formats = make_software(chance, year)
    where = name if chance.yes(0.3) else people.domain_name(chance)
    label = chance.choice(("out", "smtp", "mailout", "relay", "filter", "gw", "edge"))
    hosts = []
    for number in range(1, 2 if where == name else chance.randrange(2, 4)):
        known = f"{label}{number}.{where}"
        helo = (
            f"{chance.choice(('mx', 'gate', 'node', 'scan'))}{number}.{where}"
            if chance.yes(_TWO_NAMES)
            else known
        )
        hosts.append(Host(known, people.ipv4(chance), helo))
    return Outlet(tuple(hosts), style, formats)

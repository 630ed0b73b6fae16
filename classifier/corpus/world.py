"""The world around a protected domain: other organisations with their mail hosts, and what they write on mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import Chance, Weighted
from classifier.corpus.people import Host

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.domains import Protected
    from classifier.corpus.era import Era
    from classifier.corpus.letter import Letter
    from classifier.corpus.outlets import Provider
    from classifier.corpus.words import Material

#: Ways in which a border host writes of its client.
_BORDERS = Weighted((
    ("postfix", 12), ("sendmail", 8), ("exim", 7), ("qmail", 5), ("exchange-2003", 3), ("exchange", 3), ("gateway", 4), ("courier", 2), ("communigate", 1),
    ("zmailer", 0.7), ("domino", 1.5), ("groupwise", 1), ("mdaemon", 1), ("imail", 1), ("ironport", 2), ("sun", 1), ("bare", 2), ("unnamed", 0.8), ("blind", 0.8),
))  # fmt: skip
#: What stands between the border and the mail store.
_INNER = Weighted((
    ("relay", 10), ("bare-name", 4), ("filter", 5), ("lmtp", 4), ("qmail", 3), ("scanner", 1.5), ("fetchmail", 1), ("no-address", 2), ("windows", 3),
))  # fmt: skip
_DEPTH = Weighted(((0, 52), (1, 26), (2, 15), (3, 7)))
_INNER_LABELS = (
    "hub",
    "store",
    "mailbox",
    "imap",
    "mbox1",
    "int",
    "mail2",
    "post",
    "exchange",
    "zentral",
    "pop",
)
_MX_LABELS = (
    "mx",
    "mail",
    "mx1",
    "in",
    "gate",
    "smtp",
    "mx2",
    "mailgate",
    "relay",
    "gw",
    "mta1",
    "ns1",
    "www",
)


@dataclass(frozen=True)
class Inner:
    """A step on the way from an organisation's border to the mailbox.

    Attributes:
        kind: how it shows in the trace.
        host: who takes the mail over.
        style: how that host writes Received fields.

    """

    kind: str
    host: Host
    style: str


@dataclass(frozen=True)
class Remote:
    """An organisation that gets mail.

    Attributes:
        domain: its domain.
        host: its mail exchanger.
        language: what it writes in.
        zone: its time zone, in minutes.
        border: how the exchanger writes Received fields where another host reports.
        looks_up: True where it looks up the names of its clients.
        gateway: the host of another organisation that filters its mail before, or None.
        inner: the steps behind the exchanger.
        outbound: the host that its own mail leaves through.
        stamps: what else its hosts put on mail.

    """

    domain: str
    host: Host
    language: str
    zone: int = 0
    border: str = "postfix"
    looks_up: bool = True
    gateway: Host | None = None
    inner: tuple[Inner, ...] = ()
    outbound: Host | None = None
    stamps: frozenset[str] = frozenset()


def make_host(chance: Chance, domain: str, label: str) -> Host:
    """Invent a host whose name, address and greeting agree."""
    name = f"{label}.{domain}"
    return Host(name, people.ipv4(chance), name)


def inner_host(chance: Chance, domain: str) -> Host:
    """Invent a host behind the border: its name may be known inside only."""
    label = f"{chance.choice(_INNER_LABELS)}{chance.choice(('', '', '1', '2', '01'))}"
    kind = chance.randrange(6)
    name = (
        f"{label}.{domain}"
        if kind < 3
        else f"{label}.int.{domain}"
        if kind == 3
        else f"{label}.{domain.partition('.')[0]}.local"
        if kind == 4
        else label
    )
    return Host(name if chance.yes(0.7) else None, people.internal(chance), name)


def make_remote(chance: Chance, year: int) -> Remote:
    """Invent an organisation."""
    domain = people.domain_name(chance)
    language = chance.weighted(people.LANGUAGES)
    host = make_host(chance, domain, chance.choice(_MX_LABELS))
    stamps = [s for s, share in (("spam", 0.3), ("virus", 0.2), ("delivered-to", 0.2)) if chance.yes(share)]
    if year > 2005 and chance.yes(0.12):
        stamps.append("received-spf")
    if year > 2010 and chance.yes(0.3):
        stamps.append("results")
    if chance.yes(0.5):
        stamps.append("return-path")
    gateway = None
    if year > 1999 and chance.yes(0.08):
        gateway = make_host(
            chance, people.domain_name(chance), f"{chance.choice(('psmtp', 'cluster', 'mx', 'filter', 'in'))}{chance.randrange(1, 40)}"
        )  # fmt: skip
    return Remote(
        domain, host, language, chance.choice(people.ZONES[language]), chance.weighted(_BORDERS), chance.yes(0.8), gateway,
        tuple(Inner(chance.weighted(_INNER), inner_host(chance, domain), chance.weighted(_BORDERS)) for _ in range(chance.weighted(_DEPTH))),
        make_host(chance, domain, chance.choice(("out", "smtp", "mailout", "gw"))) if chance.yes(0.3) else host,
        frozenset(stamps),
    )  # fmt: skip


@dataclass
class World:
    """A protected domain and all around it.

    Attributes:
        chance: decides.
        era: the year.
        epoch: when what is generated begins.
        material: real words, or none.
        domain: the protected domain.
        remotes: organisations that get its mail.
        providers: companies that send mail for others.
        freemail: the domains of large mailbox providers.
        brands: the domains of well-known companies.
        lists: hosts of mailing lists and forwarders outside, by their domain.
        sent: what the domain sent, in order, as it left.
        unlisted: the positions in *sent* of what no program of a person sent.

    """

    chance: Chance
    era: Era
    epoch: datetime
    material: Material
    domain: Protected
    remotes: list[Remote]
    providers: tuple[Provider, ...]
    freemail: tuple[str, ...]
    brands: tuple[str, ...]
    lists: tuple[Remote, ...]
    sent: list[Letter] = field(default_factory=list)
    unlisted: set[int] = field(default_factory=set)
    shares: Weighted[str] | None = None

    @property
    def year(self) -> int:
        """The year."""
        return self.era.year


@dataclass
class Delivery:
    """A message that knocks at an organisation's border.

    Attributes:
        letter: as its client hands it in.
        client: the client, as it is.
        when: when.
        remote: who is to take it in.
        name: the route or the craft.
        tls: True where the session is encrypted.
        plain: True where the client says HELO.
        login: as whom the client authenticates itself, or "".
        reporters: hosts of the sender's that report if this border refuses:
            (host, formats).
        captive: True where nobody else can report.
        spf: what an SPF check of the return path says.
        dkim: what a check of the author's signature says.

    """

    letter: Letter
    client: Host
    when: datetime
    remote: Remote
    name: str
    tls: bool = False
    plain: bool = False
    login: str = ""
    reporters: tuple[tuple[Host, tuple[str, ...]], ...] = ()
    captive: bool = False
    spf: str = "none"
    dkim: str = "none"

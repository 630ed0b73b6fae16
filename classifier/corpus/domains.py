"""Protected domains, each with habits of its own, and what their owners have configured."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import EPOCH, HEX, Chance, Weighted
from classifier.corpus.keys import Signer, ed25519_key, rsa_key
from classifier.corpus.knowledge import MemoryHabits, MemoryLedger
from classifier.corpus.people import Host, Person
from classifier.corpus.programs import PEOPLE, Program
from classifier.identity import Identity

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter

#: Complete ledgers and tagging begin so long before anything that is generated.
_BEFORE = timedelta(days=90)
SINCE = EPOCH - _BEFORE
#: Years in which software and practices began.
_DKIM_SINCE, _SPF_SINCE, _HOSTED_SINCE = 2007, 2004, 2011
_STYLE_SINCE = {"exim-new": 2018, "opensmtpd": 2013, "haraka": 2012}
_SIGNED = (
    ("from", "to", "subject", "date", "message-id"),
    (
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    ),
    ("date", "from", "to", "subject", "message-id", "references", "in-reply-to"),
    ("mime-version", "from", "date", "message-id", "subject", "to"),
    ("message-id", "date", "mime-version", "user-agent", "subject", "to", "from"),
)
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


@dataclass(frozen=True)
class Writer:
    """A person with the program that he or she writes with."""

    person: Person
    program: Program
    zone: int


@dataclass
class Protected:
    """A protected domain: what is so, and what its owner has told the program.

    Attributes:
        name: the domain.
        language: what most of its mail is written in.
        zone: its time zone, in minutes.
        relays: the hosts that its mail leaves through.
        style: how they write Received fields.
        formats: what they report with.
        provider: who runs them, or None for its own.
        bulk: who sends its newsletters, or None.
        mx: its mail exchanger.
        writers: its people.
        traps: addresses that never send.
        signer: its signature, or None.
        signs_all: True where everything carries it.
        roams: True where some mail leaves elsewhere.
        batv_key: what reverse paths are tagged with, or None.
        ledger_source: where the ledger is learnt from, or "" for no ledger.
        ledger_complete: True where it holds everything.
        rotated: True where DNS no longer has the key.
        identity: what is configured; None: nothing.
        toml: the same as a configuration file.
        dns: what its part of DNS says.
        ledger: what it knows it sent.
        habits: what that looks like.
        signed: recent signed messages, as a correspondent may have kept them.
        since: from when on its ledger is complete and its reverse paths are tagged.

    """

    name: str
    language: str
    zone: int
    relays: tuple[Host, ...]
    style: str
    formats: tuple[str, ...]
    provider: Provider | None
    bulk: Provider | None
    mx: Host
    writers: tuple[Writer, ...]
    traps: tuple[str, ...]
    signer: Signer | None
    signs_all: bool
    roams: bool
    batv_key: str | None
    ledger_source: str
    ledger_complete: bool
    rotated: bool
    identity: Identity | None = None
    toml: str = ""
    dns: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    habits: MemoryHabits = field(default_factory=MemoryHabits)
    signed: list[Letter] = field(default_factory=list)
    since: datetime = SINCE

    def tagged(self, address: str, when: datetime) -> str:
        """Return *address* with a BATV tag, where the domain tags (draft-levine-smtp-batv)."""
        if self.batv_key is None:
            return address
        day = f"{(int(when.timestamp()) // 86_400 + 7) % 1000:03}"
        made = hmac.new(self.batv_key.encode(), f"0{day}{address}".encode(), hashlib.sha1).hexdigest()[:6]
        return f"prvs=0{day}{made}={address}"


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
    hosts = tuple(Host(h.name, h.address, h.name or h.helo) for h in hosts)
    selector = chance.choice(("s1", "k1", "20230601", "mta"))
    return Provider(name, hosts, style, formats, Signer(name, selector, ed25519_key(name), _SIGNED[0]))


def _relays(chance: Chance, name: str, year: int) -> tuple[Host, ...]:
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


def _writers(
    chance: Chance, name: str, language: str, zone: int, programs_met: Weighted[Program]
) -> tuple[Writer, ...]:
    found: dict[str, Writer] = {}
    programs = [chance.weighted(programs_met) for _ in range(chance.randrange(1, 4))]
    for _ in range(chance.choice((1, 3, 5, 8, 12))):
        speaks = language if chance.yes(0.85) else chance.weighted(people.LANGUAGES)
        who = people.person(chance, name, speaks)
        at = zone if chance.yes(0.85) else chance.choice(people.ZONES[speaks])
        program = chance.choice(programs) if chance.yes(0.8) else chance.weighted(programs_met)
        found.setdefault(who.address, Writer(who, program, at))
    return tuple(found.values())


def make_domain(
    chance: Chance,
    providers: tuple[Provider, ...],
    bulk: tuple[Provider, ...],
    care: float | None = None,
    *,
    epoch: datetime = EPOCH,
    programs: Weighted[Program] = PEOPLE,
) -> Protected:
    """Invent a protected domain.

    Args:
        chance: decides.
        providers: whom it may be hosted by.
        bulk: who may send its newsletters.
        care: how much its owner has configured, 0 to 1; None: drawn.
        epoch: when what is generated begins.
        programs: what people write with then.

    """
    year = epoch.year
    name = people.domain_name(chance)
    language = chance.weighted(people.LANGUAGES)
    zone = chance.choice(people.ZONES[language])
    provider = chance.choice(providers) if chance.yes(0.4) else None
    style, formats = (provider.style, provider.formats) if provider else _software(chance, year)
    relays = provider.hosts if provider else _relays(chance, name, year)
    signer = None
    if year >= _DKIM_SINCE and chance.yes(0.25 if year < 2012 else 0.75):
        key = rsa_key(name) if chance.yes(0.5) else ed25519_key(name)
        headers = chance.choice(_SIGNED)
        signer = Signer(
            name,
            chance.choice(
                ("s1", "default", "mail", "2025", "google", "selector1", f"k{chance.token(HEX, 4)}")
            ),
            key,
            headers,
            chance.choice(("relaxed/relaxed", "relaxed/relaxed", "relaxed/simple", "simple/simple")),
            chance.choice(((), (), ("from",), ("from", "subject", "to"))),
            chance.yes(0.8),
        )
    roams = chance.yes(0.35)
    mx = (
        provider.hosts[0]
        if provider
        else relays[0]
        if chance.yes(0.7)
        else Host(f"mx.{name}", people.ipv4(chance), f"mx.{name}")
    )
    domain = Protected(
        name, language, zone, relays, style, formats, provider,
        chance.choice(bulk) if year > 2002 and chance.yes(0.35) else None, mx, _writers(chance, name, language, zone, programs),
        tuple(f"{chance.choice(('trap', 'noreply', 'old', 'webform', 'do-not-mail'))}{i}@{name}" for i in range(chance.choice((0, 0, 1, 2)))),
        signer, signer is not None and not roams and chance.yes(0.7), roams,
        chance.token(HEX, 24) if year > 2004 and chance.yes(0.2) and not roams else None,
        chance.choice(("", "", "sync", "sync", "log")), False, chance.yes(0.12), since=epoch - _BEFORE,
    )  # fmt: skip
    domain.ledger_complete = domain.ledger_source == "log" or (
        domain.ledger_source == "sync" and not roams and domain.bulk is None and chance.yes(0.3)
    )
    _publish(domain, chance, year)
    configure(domain, chance, chance.random() if care is None else care)
    return domain


def _software(chance: Chance, year: int) -> tuple[str, tuple[str, ...]]:
    """Draw the software of the relays; what was not there yet is Postfix."""
    style, formats = chance.weighted(_SOFTWARE)
    if style == "exchange" and year < 2008:
        return "exchange-2003", ("exchange-2003",)
    if style == "exchange-2003" and (year > 2012 or year < 2000):
        return "sendmail", ("sendmail", "sendmail-delayed")
    if year < _STYLE_SINCE.get(style, 0):
        return "postfix", ("postfix", "postfix", "postfix-delayed")
    return style, formats


def sender_addresses(domain: Protected) -> tuple[str, ...]:
    """Return every address that the domain sends from."""
    roles = (
        f"newsletter@{domain.name}",
        f"support@{domain.name}",
        f"info@{domain.name}",
        f"www-data@{domain.name}",
        f"root@{domain.name}",
        f"news-bounces@{domain.name}",
        f"shop@{domain.name}",
    )
    return (*(w.person.address for w in domain.writers), *roles)


def _publish(domain: Protected, chance: Chance, year: int) -> None:
    """Write the domain's part of DNS: SPF, DKIM, addresses of its hosts."""
    dns = domain.dns
    kind = chance.randrange(4) if year >= _SPF_SINCE else 0
    networks = " ".join(f"ip6:{h.address}" if ":" in h.address else f"ip4:{h.address}" for h in domain.relays)
    own = f"include:_spf.{domain.provider.name}" if domain.provider else networks
    if domain.bulk:
        own += f" include:_spf.{domain.bulk.name}"
    if kind:
        end = "~all" if domain.roams or kind == 1 else "-all"
        dns[domain.name, "TXT"] = (f"v=spf1 {own} {end}",)
    for provider in (domain.provider, domain.bulk):
        if provider:
            dns[f"_spf.{provider.name}", "TXT"] = (
                "v=spf1 " + " ".join(f"ip4:{h.address}" for h in provider.hosts) + " -all",
            )
            dns[provider.signer.name, "TXT"] = (provider.signer.key.record,)
    for host in (*domain.relays, domain.mx):
        for known in (host.name, host.helo):
            if known:
                dns[known, "AAAA" if ":" in host.address else "A"] = (host.address,)
    dns[domain.name, "MX"] = (f"10 {domain.mx.name or domain.mx.helo}",)
    if domain.signer and not domain.rotated:
        dns[domain.signer.name, "TXT"] = (domain.signer.key.record,)


def configure(domain: Protected, chance: Chance, care: float) -> None:
    """Write what the owner has configured: all of it true, the more the greater the *care*."""
    if care < 0.25:
        domain.identity, domain.toml, domain.ledger_source, domain.ledger_complete = None, "", "", False
        return
    relays: tuple[str, ...] = ()
    if care > 0.4:
        names = tuple(h.helo for h in domain.relays)
        addresses = tuple(h.address for h in domain.relays)
        relays = (*names, *addresses) if care > 0.6 else chance.choice((names, addresses))
        if domain.provider and chance.yes(0.5):
            relays = (f".{domain.provider.name}", *(addresses if care > 0.6 else ()))
        if domain.bulk and care > 0.6:
            relays = (*relays, *(h.address for h in domain.bulk.hosts))
    strict = care > 0.8
    keys = (
        {domain.signer.name: domain.signer.key.record}
        if domain.signer and care > 0.6 and (domain.rotated or chance.yes(0.2))
        else {}
    )
    rights = {
        right
        for w in domain.writers
        for right in (w.person.address.rpartition("@")[2],)
        if w.program.right != "own"
    }
    complete_relays = strict and not domain.roams and bool(relays) and (domain.bulk is None or care > 0.6)
    domain.identity = Identity(
        domains=(domain.name,),
        senders=sender_addresses(domain) if care > 0.5 else (),
        closed_senders=strict,
        never_send=domain.traps if care > 0.5 else (),
        relays_complete=complete_relays and chance.yes(0.6),
        relays=tuple(dict.fromkeys(relays)),
        message_id_domains=tuple(sorted(rights)) if care > 0.5 else (),
        batv_keys={"0": domain.batv_key} if domain.batv_key and care > 0.4 else {},
        batv_since=domain.since if domain.batv_key and care > 0.5 else None,
        signs_all=strict and domain.signs_all,
        dkim_keys=keys,
        ledger_complete_since=domain.since if domain.ledger_complete and care > 0.5 else None,
    )
    domain.toml = identity_toml(domain.identity)


def identity_toml(identity: Identity) -> str:
    """Write *identity* as the configuration file's ``[identity]`` and ``[ledger]``."""

    def value(thing: object) -> str:
        return json.dumps(thing) if not isinstance(thing, bool) else str(thing).lower()

    def table(mapping: dict[str, str]) -> str:
        return "{ " + ", ".join(f"{value(k)} = {value(v)}" for k, v in mapping.items()) + " }"

    lines = ["[identity]", f"domains = {value(list(identity.domains))}"]
    listed = (
        (key, getattr(identity, key)) for key in ("senders", "never_send", "relays", "message_id_domains")
    )
    lines += [f"{key} = {value(list(found))}" for key, found in listed if found]
    lines += [
        f"{key} = true"
        for key in ("closed_senders", "relays_complete", "signs_all")
        if getattr(identity, key)
    ]
    if identity.batv_keys:
        lines.append(f"batv_keys = {table(dict(identity.batv_keys))}")
    if identity.batv_since:
        lines.append(f"batv_since = {identity.batv_since:%Y-%m-%d}")
    if identity.dkim_keys:
        lines.append(f"dkim_keys = {table(dict(identity.dkim_keys))}")
    if identity.ledger_complete_since:
        lines += ["", "[ledger]", f"complete_since = {identity.ledger_complete_since:%Y-%m-%d}"]
    return "\n".join(lines) + "\n"

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
from classifier.corpus.outlets import make_branch, make_relays, make_smart_hosts, make_software
from classifier.corpus.people import Host, Person
from classifier.corpus.programs import PEOPLE, Program
from classifier.identity import Identity

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter
    from classifier.corpus.outlets import Outlet, Provider

#: Complete ledgers and tagging begin so long before anything that is generated.
_BEFORE = timedelta(days=90)
SINCE = EPOCH - _BEFORE
#: Years in which software and practices began.
_DKIM_SINCE, _SPF_SINCE = 2007, 2004
#: Shares of the domains whose relays hand on to others, and of those with a machine that sends past its relays.
_SMART_HOSTS, _BRANCH = 0.15, 0.1
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
        smart_hosts: who delivers all that the relays send, or None: they do it themselves.
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
        branch: a machine of its own that sends past its relays, or None.

    """

    name: str
    language: str
    zone: int
    relays: tuple[Host, ...]
    style: str
    formats: tuple[str, ...]
    provider: Provider | None
    bulk: Provider | None
    smart_hosts: Outlet | None
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
    branch: Outlet | None = None

    def tagged(self, address: str, when: datetime) -> str:
        """Return *address* with a BATV tag, where the domain tags (draft-levine-smtp-batv)."""
        if self.batv_key is None:
            return address
        day = f"{(int(when.timestamp()) // 86_400 + 7) % 1000:03}"
        made = hmac.new(self.batv_key.encode(), f"0{day}{address}".encode(), hashlib.sha1).hexdigest()[:6]
        return f"prvs=0{day}{made}={address}"


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
    style, formats = (provider.style, provider.formats) if provider else make_software(chance, year)
    relays = provider.hosts if provider else make_relays(chance, name, year)
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
    besides = Chance(f"{name}/besides")
    smart_hosts = (
        make_smart_hosts(besides, name, year) if provider is None and besides.yes(_SMART_HOSTS) else None
    )
    mx = (
        provider.hosts[0]
        if provider
        else relays[0]
        if chance.yes(0.7)
        else Host(f"mx.{name}", people.ipv4(chance), f"mx.{name}")
    )
    domain = Protected(
        name, language, zone, relays, style, formats, provider,
        chance.choice(bulk) if year > 2002 and chance.yes(0.35) else None, smart_hosts, mx, _writers(chance, name, language, zone, programs),
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
    if besides.yes(_BRANCH) and _may_send_past(domain):
        _set_up_branch(domain, besides, year)
    return domain


def _may_send_past(domain: Protected) -> bool:
    """Say whether mail past the relays would make nothing untrue that the owner has configured."""
    said = domain.identity is not None and domain.identity.relays_complete
    return not (said or domain.ledger_complete or domain.signs_all or domain.batv_key)


def _set_up_branch(domain: Protected, chance: Chance, year: int) -> None:
    """Give the domain a machine that sends past its relays; its SPF record names it, or does not insist, mostly."""
    domain.branch = make_branch(chance, domain.name, year)
    for host in domain.branch.hosts:
        if host.helo.endswith(f".{domain.name}") and chance.yes(0.6):
            domain.dns[host.helo, "A"] = (host.address,)
        record = domain.dns.get((domain.name, "TXT"), ("",))[0]
        if record and chance.yes(0.5):
            domain.dns[domain.name, "TXT"] = (record.replace("v=spf1", f"v=spf1 ip4:{host.address}", 1),)
        elif record and chance.yes(0.7):
            domain.dns[domain.name, "TXT"] = (record.replace(" -all", " ~all"),)


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
    leaving = (*domain.relays, *(domain.smart_hosts.hosts if domain.smart_hosts else ()))
    networks = " ".join(f"ip6:{h.address}" if ":" in h.address else f"ip4:{h.address}" for h in leaving)
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
    for host in (*leaving, domain.mx):
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
        if domain.smart_hosts and care > 0.5:
            # Its owner knows the name under which his relay reaches it, its greeting or its address.
            known = chance.choice((tuple(h.name or "" for h in domain.smart_hosts.hosts), tuple(h.helo for h in domain.smart_hosts.hosts)))  # fmt: skip
            there = tuple(h.address for h in domain.smart_hosts.hosts)
            relays = (*relays, *(known if relays != addresses else ()), *(there if relays == addresses or care > 0.7 else ()))  # fmt: skip
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

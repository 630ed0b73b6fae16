"""The hosts of a protected domain at work: what they write on mail of its own as it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import BASE36, BASE62, HEX, UPPER_HEX, compact, in_zone, later, mail_date
from classifier.corpus.people import Host
from classifier.corpus.receiving import qmail_note
from classifier.corpus.reporting import TRANSIT, spf_elsewhere
from classifier.corpus.trace import Hop, queue_id, received, sendmail_version
from classifier.corpus.world import Delivery, make_host

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.letter import Letter
    from classifier.corpus.outlets import Outlet
    from classifier.corpus.world import Remote, World

#: Letters kept for whoever sends a signed one of ours again.
_KEPT_SIGNED = 40


def pc_name(chance: Chance) -> str:
    """Invent the name of somebody's computer."""
    kind = chance.randrange(6)
    if kind == 0:
        return f"DESKTOP-{chance.token(BASE36, 7).upper()}"
    if kind == 1:
        return f"{people.word(chance)}-{chance.token(HEX, 10)}"
    if kind == 2:
        return chance.choice(
            ("home", "user", "laptop", "acer", "dell", "owner", "office", "notebook", "oemcomputer")
        )
    if kind == 3:
        return f"{people.word(chance).upper()}{chance.randrange(1, 20)}"
    return f"{chance.choice(('pc', 'PC', 'ws', 'WS', 'client', 'nb'))}{chance.choice(('', '-'))}{chance.randrange(1, 400)}"


def at_home(chance: Chance) -> Host:
    """Invent a line to a home or hotel and the computer behind it, as mail programs greet."""
    line = people.home_line(chance)
    greeting = chance.choice(
        (pc_name(chance), f"[{people.internal(chance)}]", f"[{line.address}]", line.helo, "localhost")
    )
    return Host(line.name if chance.yes(0.85) else None, line.address, greeting)


def inside(chance: Chance, domain: str) -> Host:
    """Invent a computer in the organisation's own network."""
    name = pc_name(chance)
    known = f"{name.lower()}.{domain}"
    return Host(known if chance.yes(0.6) else None, people.internal(chance), chance.choice((name, known, f"[{people.internal(chance)}]")))  # fmt: skip


def take_from_outside(world: World, letter: Letter, client: Host, when: datetime, *, plain: float) -> str:
    """Let the exchanger take a letter in from a host outside, *plain* SMTP so often; return its queue id there."""
    chance, domain = world.chance, world.domain
    made = queue_id(domain.style, chance, world.year)
    letter.queue_ids.append(made)
    hop = Hop(
        client, domain.mx.helo, in_zone(when, domain.zone), made, letter.recipients[0], letter.envelope_from,
        plain=chance.yes(plain),
    )  # fmt: skip
    letter.put_on_top("Received", received(domain.style, hop))
    return made


def take(
    world: World,
    letter: Letter,
    relay: Host,
    client: Host,
    when: datetime,
    *,
    login: str = "",
    plain: bool = False,
) -> None:
    """Let the relay take the letter in from its author's side."""
    chance, domain = world.chance, world.domain
    made = queue_id(domain.style, chance, world.year)
    letter.queue_ids.append(made)
    hop = Hop(
        client, relay.helo, in_zone(when, domain.zone), made, letter.recipients[0] if chance.yes(0.7) else "", letter.envelope_from,
        tls=chance.yes(world.era.submission) and not plain, login=login, plain=plain,
    )  # fmt: skip
    letter.put_on_top("Received", received(domain.style, hop))
    if domain.style == "qmail":
        letter.put_on_top("Received", qmail_note(chance, in_zone(when, domain.zone), "from network"))
    complete(letter, relay.helo, when, made)


def complete(letter: Letter, by: str, when: datetime, made: str) -> None:
    """Add the Message-ID and Date that the letter lacks, as relays do."""
    if letter.message_id is None:
        letter.fields.append(("Message-ID", f"<{compact(when)}.{made}@{by}>"))
    if letter.get("date") is None:
        letter.fields.append(("Date", mail_date(when)))


def take_beyond(world: World, letter: Letter, outlet: Outlet, by: Host, client: Host, when: datetime) -> None:
    """Let *by*, a host of an *outlet* that is no relay of the domain's, take the letter in from *client*."""
    chance = world.chance
    made = queue_id(outlet.style, chance, world.year)
    hop = Hop(
        client, by.helo, in_zone(when, world.domain.zone), made, letter.recipients[0] if chance.yes(0.7) else "", letter.envelope_from,
        tls=chance.yes(world.era.tls), plain=chance.yes(0.1),
    )  # fmt: skip
    letter.put_on_top("Received", received(outlet.style, hop))
    complete(letter, by.helo, when, made)


def take_locally(world: World, letter: Letter, host: str, when: datetime, user: str) -> None:
    """Let the mail server on *host* take the letter in from a program beside it."""
    chance, domain = world.chance, world.domain
    style, when = domain.style, in_zone(when, domain.zone)
    if style not in {"postfix", "exim", "exim-new", "qmail", "sendmail"}:
        style = "sendmail" if world.year < 2006 else "postfix"
    made = queue_id(style, chance, world.year)
    letter.queue_ids.append(made)
    number = chance.choice((0, 33, 48, 80, 1000, 1001))
    if style == "postfix":
        value = f"by {host} (Postfix, from userid {number})\n\tid {made}; {mail_date(when)}"
    elif style == "qmail":
        value = qmail_note(chance, when, f"by uid {number}")
    elif style == "sendmail":
        release = sendmail_version(when)
        value = f"(from {user}@localhost)\n\tby {host} ({release}/{release}/Submit) id {made};\n\t{mail_date(when)}"
    else:
        value = f"from {user} by {host} with local (Exim {'4.96' if world.year > 2018 else '4.50'})\n\t(envelope-from <{letter.envelope_from}>)\n\tid {made}\n\tfor {letter.recipients[0]}; {mail_date(when, pad=True)}"
    letter.put_on_top("Received", value)
    complete(letter, host, when, made)


def hand_on(world: World, letter: Letter, relay: Host, host: str, when: datetime) -> None:
    """Let an inner *host* hand the letter to the relay."""
    chance = world.chance
    client = Host(host if chance.yes(0.7) else None, people.internal(chance), host)
    take(world, letter, relay, client, when, plain=chance.yes(0.1))


def sign(world: World, letter: Letter, when: datetime, *, always: bool = False) -> bool:
    """Sign the letter, where the domain does; say whether."""
    domain = world.domain
    if domain.signer is None or not (always or domain.signs_all or world.chance.yes(0.6)):
        return False
    letter.put_on_top(
        "DKIM-Signature", domain.signer.signature(letter.fields, letter.body, int(when.timestamp()))
    )
    if len(domain.signed) < _KEPT_SIGNED:
        domain.signed.append(letter.copy())
    return True


def note(world: World, letter: Letter, *, by_program: bool = False) -> None:
    """Remember that the letter was sent."""
    if by_program:
        world.unlisted.add(len(world.sent))
    world.sent.append(letter.copy())


def leave(
    world: World, letter: Letter, relay: Host, remote: Remote, when: datetime, route: str, *, signed: bool
) -> Delivery:
    """Let a relay of the domain's, or who takes on what they send, connect to the receiving organisation."""
    chance, domain = world.chance, world.domain
    known = (domain.name, "TXT") in domain.dns
    ours = letter.envelope_from.endswith(f"@{domain.name}")
    client, formats = relay, domain.formats
    if domain.smart_hosts is not None and relay in domain.relays:
        client, formats = chance.choice(domain.smart_hosts.hosts), domain.smart_hosts.formats
        when = later(when, chance.randrange(1, TRANSIT))
        take_beyond(world, letter, domain.smart_hosts, client, relay, when)
    return Delivery(
        letter, client, later(when, chance.randrange(2, TRANSIT)), remote, route, tls=chance.yes(world.era.tls),
        reporters=((client, formats),), spf="pass" if known and ours else "none", dkim="pass" if signed else "none",
    )  # fmt: skip


def leave_elsewhere(
    world: World,
    letter: Letter,
    client: Host,
    remote: Remote,
    when: datetime,
    route: str,
    *,
    signed: bool = False,
) -> Delivery:
    """Let a host that is not the domain's connect to the receiving organisation with the letter."""
    chance = world.chance
    ours = letter.envelope_from.endswith(f"@{world.domain.name}")
    return Delivery(
        letter, client, later(when, chance.randrange(2, TRANSIT)), remote, route, tls=chance.yes(world.era.tls),
        spf=spf_elsewhere(world) if ours else "none", dkim="pass" if signed else "none",
    )  # fmt: skip


def inner_store(world: World) -> Host:
    """Invent the host behind the domain's exchanger that keeps its mailboxes."""
    chance, domain = world.chance, world.domain
    store = make_host(chance, domain.name, chance.choice(("store", "mailbox", "imap")))
    return Host(store.name, people.internal(chance), store.helo)


def hosted_chain(world: World, letter: Letter, relay: Host, when: datetime) -> None:
    """Write the hops inside an Exchange organisation, a hosted one, or Google's."""
    chance, domain = world.chance, world.domain
    style, when = domain.style, in_zone(when, 0)
    where = domain.provider.name if domain.provider else f"{domain.name.partition('.')[0]}.local"
    made = queue_id(style, chance, world.year)
    letter.queue_ids.append(made)
    if style == "google":
        letter.put_on_top(
            "Received",
            f"by {relay.helo} with SMTP id {made}\n        for <{letter.recipients[0]}>; {mail_date(in_zone(when, -480), pad=True, comment='PST')}",
        )
        if chance.yes(0.4):
            letter.put_on_top(
                "X-Received",
                f"by 2002:a05:{chance.token(HEX, 4)}:{chance.token(HEX, 3)}:b0:{chance.token(HEX, 3)}:{chance.token(HEX, 4)} with SMTP id {made};\n        {mail_date(in_zone(when, -480), pad=True, comment='PST')}",
            )
        complete(letter, "mail.gmail.com", when, made)
        return
    names = [
        f"{chance.choice(('EX', 'MBX', 'SRV-EX', 'AM0PR04MB', 'DB8PR03MB'))}{chance.randrange(1, 9999):04}.{where}"
        for _ in range(2)
    ]
    v6 = f"fe80::{chance.token(HEX, 4)}:{chance.token(HEX, 4)}:{chance.token(HEX, 4)}"
    release = (
        "15.20.7159.13"
        if style == "online"
        else "15.1.2507.35"
        if world.year > 2016
        else "14.3.123.3"
        if world.year > 2009
        else "8.1.240.5"
    )
    if style == "exchange-2003":
        values = [
            f"from {names[0].partition('.')[0].lower()}.{where} ([{people.internal(chance)}]) by {relay.helo} with Microsoft SMTPSVC(6.0.3790.3959);\n\t {mail_date(when)}"
        ]
    else:
        values = [
            f"from {names[0]} ([{v6}]) by {names[0]}\n ([{v6}%{chance.randrange(2, 20)}]) with mapi id {release}; {mail_date(when)}",
            (
                f"from {names[0]} ({people.internal(chance)}) by {names[1]}\n ({people.internal(chance)}) with Microsoft SMTP Server\n"
                f" {'(version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)' if world.year > 2015 else '(TLS)'} id {release}; {mail_date(later(when, 1))}"
            ),
        ][: chance.choice((1, 2, 2))]
        if style != "online" and chance.yes(0.7):
            values.append(
                f"from {names[-1]} ({people.internal(chance)}) by {relay.helo}\n ({people.internal(chance)}) with Microsoft SMTP Server id {release}; {mail_date(later(when, 2))}"
            )
    for value in values:
        letter.put_on_top("Received", value)
    complete(letter, names[0], when, made)


def bulk_tag(world: World, to: str) -> str:
    """Return what a list or a newsletter adds to its return path for one recipient (VERP)."""
    chance, plain = world.chance, to.replace("@", "=")
    if world.domain.identity is None or not world.domain.identity.closed_senders:
        # A number alone looks like an address of its own: who lists all senders has none such.
        return chance.choice(
            (
                f"+{plain}",
                f"+{plain}",
                f"-{chance.token(BASE62, 8)}-{plain}",
                f"-{chance.token(UPPER_HEX, 6)}",
            )
        )
    return f"+{plain}"

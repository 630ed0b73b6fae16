"""The ways by which the mail of a protected domain's people leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import BASE62, in_zone, later, mail_date
from classifier.corpus.leaving import (
    at_home,
    complete,
    hand_on,
    hosted_chain,
    inside,
    leave,
    leave_elsewhere,
    note,
    pc_name,
    sign,
    take,
    take_beyond,
    take_locally,
)
from classifier.corpus.people import Host, Person
from classifier.corpus.trace import COMMON, Hop, queue_id, received
from classifier.corpus.writing import written_by_person, written_by_program

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter
    from classifier.corpus.world import Delivery, Remote, World

_PHONES = frozenset({"iphone", "android", "apple-mail"})


def submission(world: World, when: datetime) -> Delivery:
    """Send by the relay, after a login."""
    letter, remote = written_by_person(world, when)
    relay = world.chance.choice(world.domain.relays)
    client = at_home(world.chance) if world.chance.yes(0.7) else inside(world.chance, world.domain.name)
    login = letter.author.address if world.chance.yes(0.6) else letter.author.address.partition("@")[0]
    take(world, letter, relay, client, later(when, 1), login=login)
    return _off(world, letter, relay, remote, when, "submission")


def _off(world: World, letter: Letter, relay: Host, remote: Remote, when: datetime, route: str) -> Delivery:
    signed = sign(world, letter, when, always=True)
    note(world, letter)
    return leave(world, letter, relay, remote, when, route, signed=signed)


def office(world: World, when: datetime) -> Delivery:
    """Send from a computer in the office by the relay, which trusts the network; at times over a hub."""
    letter, remote = written_by_person(world, when)
    chance, domain = world.chance, world.domain
    relay = chance.choice(domain.relays)
    take(
        world,
        letter,
        relay if chance.yes(0.7) else Host(None, "", f"hub.{domain.name}"),
        inside(chance, domain.name),
        later(when, 1),
        plain=chance.yes(0.15),
    )
    if f"by hub.{domain.name}" in (letter.get("received") or ""):
        hand_on(world, letter, relay, f"hub.{domain.name}", later(when, 2))
    return _off(world, letter, relay, remote, when, "inside")


def old_pc(world: World, when: datetime) -> Delivery:
    """Send from a computer that greets with its bare name, without a login."""
    letter, remote = written_by_person(world, when)
    chance = world.chance
    relay = chance.choice(world.domain.relays)
    client = inside(chance, world.domain.name)
    take(world, letter, relay, Host(client.name, client.address, pc_name(chance)), later(when, 1), plain=True)
    return _off(world, letter, relay, remote, when, "old-pc")


def hosted(world: World, when: datetime) -> Delivery:
    """Send by Exchange, on site or hosted, or by Google's hosts."""
    letter, remote = written_by_person(world, when)
    relay = world.chance.choice(world.domain.relays)
    hosted_chain(world, letter, relay, later(when, 1))
    return _off(world, letter, relay, remote, when, "hosted")


def phone(world: World, when: datetime) -> Delivery:
    """Send from a phone by the relay."""
    phones = [p for p in world.era.people if p.name in _PHONES]
    letter, remote = written_by_person(world, when, program=world.chance.choice(phones))
    chance = world.chance
    relay = chance.choice(world.domain.relays)
    line = people.home_line(chance)
    client = Host(
        line.name if chance.yes(0.5) else None,
        people.ipv6(chance) if world.year > 2014 and chance.yes(0.2) else line.address,
        f"[{people.internal(chance)}]" if chance.yes(0.7) else "smtpclient.apple",
    )
    take(world, letter, relay, client, later(when, 1), login=letter.author.address)
    return _off(world, letter, relay, remote, when, "phone")


def webmail(world: World, when: datetime) -> Delivery:
    """Send from a web page: the client shows as a browser, or not at all."""
    letter, remote = written_by_person(world, when)
    chance, domain = world.chance, world.domain
    relay = chance.choice(domain.relays)
    host, browser = f"webmail.{domain.name}", people.home_line(chance)
    user, at = letter.author.address, mail_date(in_zone(when, domain.zone))
    kind = chance.randrange(4)
    if kind == 0:
        letter.put_on_top(
            "Received",
            f"from {browser.address}\n\t(SquirrelMail authenticated user {user})\n\tby {host} with HTTP;\n\t{at}",
        )
    elif kind == 1:
        letter.put_on_top(
            "Received",
            f"from {browser.name} ({browser.name} [{browser.address}])\n\tby {host} (Horde Framework) with HTTP;\n\t{at}",
        )
    elif kind == 2:
        letter.put_on_top("Received", f"from [{browser.address}] by {host} with HTTP; {at}")
    else:
        letter.fields.append(("X-Originating-IP", f"[{browser.address}]"))
    if chance.yes(0.6):
        take(
            world,
            letter,
            relay,
            Host("localhost", "127.0.0.1", host if chance.yes(0.5) else "localhost"),
            later(when, 1),
        )
    else:
        hand_on(world, letter, relay, host, later(when, 1))
    return _off(world, letter, relay, remote, when, "webmail")


def stripped(world: World, when: datetime) -> Delivery:
    """Send by a relay that takes away what stands below it."""
    delivery = submission(world, when)
    delivery.letter.fields = [f for f in delivery.letter.fields if f[0] != "Received"]
    delivery.name = "stripped"
    return delivery


def new_id(world: World, when: datetime) -> Delivery:
    """Send by a provider that gives the message an identifier of its own."""
    letter, remote = written_by_person(world, when)
    chance = world.chance
    relay = chance.choice(world.domain.relays)
    take(world, letter, relay, at_home(chance), later(when, 1), login=letter.author.address)
    note(world, letter)
    old = letter.message_id or ""
    made = f"<01{chance.token('0123456789abcdef', 14)}-{chance.uuid()}-000000@{relay.helo.partition('.')[2]}>"
    letter.fields = [(n, made if n.lower() == "message-id" else v) for n, v in letter.fields]
    if chance.yes(0.3):
        letter.fields.append(("X-Original-Message-ID", old))
    signed = sign(world, letter, when, always=True)
    return leave(world, letter, relay, remote, when, "new-id", signed=signed)


def isp(world: World, when: datetime) -> Delivery:
    """Send by the access provider's host, from a line of his."""
    letter, remote = written_by_person(world, when)
    chance = world.chance
    isp = people.domain_name(chance)
    line = people.home_line(chance)
    client = Host(
        f"{line.helo.partition('.')[0]}.dsl.{isp}",
        line.address,
        chance.choice((pc_name(chance), f"[{line.address}]", line.helo)),
    )
    smarthost = Host(
        f"{chance.choice(('smtp', 'mailout', 'mail', 'relay', 'out'))}{chance.randrange(1, 9)}.{isp}",
        people.ipv4(chance),
        "",
    )
    smarthost = Host(smarthost.name, smarthost.address, smarthost.name or "")
    _elsewhere_hop(
        world, letter, client, smarthost, when, login=letter.author.address if chance.yes(0.2) else ""
    )
    note(world, letter)
    return leave_elsewhere(world, letter, smarthost, remote, when, "isp")


def _elsewhere_hop(world: World, letter: Letter, client: Host, by: Host, when: datetime, login: str) -> None:
    """Let a host that is not the domain's take the letter in."""
    chance = world.chance
    style = chance.choice(COMMON[:7])
    made = queue_id(style, chance, world.year)
    hop = Hop(client, by.helo, in_zone(later(when, 1), world.domain.zone), made, letter.recipients[0], letter.envelope_from, tls=chance.yes(world.era.submission * 0.7), login=login, plain=not login and chance.yes(0.4))  # fmt: skip
    letter.put_on_top("Received", received(style, hop))
    complete(letter, by.helo, when, made)


def roaming(world: World, when: datetime) -> Delivery:
    """Send from elsewhere by another provider, with his login."""
    letter, remote = written_by_person(world, when)
    chance = world.chance
    other = chance.choice(world.providers)
    relay = chance.choice(other.hosts)
    _elsewhere_hop(
        world,
        letter,
        at_home(chance),
        relay,
        when,
        login=f"{letter.author.address.partition('@')[0]}@{chance.choice((other.name, *world.freemail))}",
    )
    if world.year > 2009 and chance.yes(0.5):
        letter.put_on_top(
            "DKIM-Signature", other.signer.signature(letter.fields, letter.body, int(when.timestamp()))
        )
    note(world, letter)
    return leave_elsewhere(world, letter, relay, remote, when, "roaming")


def branch(world: World, when: datetime) -> Delivery:
    """Send past the relays, by a machine of ours that delivers by itself: a branch office's, or a forgotten one."""
    chance, domain = world.chance, world.domain
    outlet = domain.branch
    if outlet is None:
        return submission(world, when)
    host, by_program = outlet.hosts[0], chance.yes(0.4)
    if by_program:
        own = f"{chance.choice(('www-data', 'root', 'info', 'shop'))}@{domain.name}"
        kind = chance.choice(("cron", "php", "php-mail", "python", "exim-local"))
        author: Person | None = Person("", own, domain.language)
        if kind.startswith("php"):
            # A form writes in the name of whoever filled it in: to somebody, or to himself as a copy.
            visitor = people.person(chance, chance.choice(world.freemail), domain.language)
            author = chance.choice((author, visitor, None))
        letter, remote = written_by_program(
            world, when, kind, author, spam=0.2, reverse_path=own, host=host.helo
        )
        if chance.yes(0.7):
            take_locally(world, letter, host.helo, when, own.partition("@")[0])
        else:  # the program speaks SMTP itself
            complete(letter, host.helo, when, chance.token(BASE62, 12))
    else:
        letter, remote = written_by_person(world, when)
        client = inside(chance, domain.name) if chance.yes(0.7) else at_home(chance)
        take_beyond(world, letter, outlet, host, client, later(when, 1))
    signed = chance.yes(0.3) and sign(world, letter, when)
    note(world, letter, by_program=by_program)
    delivery = leave_elsewhere(world, letter, host, remote, when, "branch", signed=signed)
    delivery.reporters = ((host, outlet.formats),)
    return delivery

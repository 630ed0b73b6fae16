"""The ways by which the mail of a protected domain's programs leaves: of its servers, machines and newsletters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import BASE62, DIGITS, in_zone, later
from classifier.corpus.leaving import (
    bulk_tag,
    complete,
    hand_on,
    inner_store,
    inside,
    leave,
    leave_elsewhere,
    note,
    pc_name,
    sign,
    take,
    take_from_outside,
    take_locally,
)
from classifier.corpus.people import Host, Person
from classifier.corpus.trace import Hop, queue_id, received
from classifier.corpus.world import Delivery, Remote
from classifier.corpus.writing import to_somebody, written_by_program

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter
    from classifier.corpus.world import World


def local(world: World, when: datetime) -> Delivery:
    """Send what a program on a server writes: by its own mail server, or by the relay."""
    chance, domain = world.chance, world.domain
    kind = chance.choice(("cron", "java", "python", "exim-local", "submitted"))
    host = f"{chance.choice(('www', 'db1', 'app', 'host', 'srv2', 'backup'))}.{domain.name}"
    user = chance.choice(("root", "www-data"))
    author = Person(chance.choice(("", "Cron Daemon", "root")), f"{user}@{domain.name}", domain.language)
    letter, remote = written_by_program(
        world, when, kind, author, spam=0.05, reverse_path=author.address, host=host
    )
    return _from_server(world, letter, remote, host, when, "local", user)


def _from_server(
    world: World, letter: Letter, remote: Remote, host: str, when: datetime, route: str, user: str
) -> Delivery:
    """Let a letter written on one of the domain's servers leave; the server itself may be who reports."""
    chance = world.chance
    relay = chance.choice(world.domain.relays)
    if chance.yes(0.2):
        # dma and nullmailer hand over to the relay, and report what it refuses.
        complete(letter, host, when, chance.token(BASE62, 12))
        note(world, letter, by_program=True)
        ours = Remote(world.domain.name, relay, world.domain.language, world.domain.zone)
        inner = Host(host, people.internal(chance), host)
        return Delivery(
            letter, inner, when, ours, route, reporters=((inner, ("dma", "nullmailer")),), captive=True
        )
    if chance.yes(0.35):
        take_locally(world, letter, relay.helo, when, user)
    else:
        take_locally(world, letter, host, when, user)
        hand_on(world, letter, relay, host, later(when, 1))
    signed = sign(world, letter, when)
    note(world, letter, by_program=True)
    return leave(world, letter, relay, remote, when, route, signed=signed)


def web_form(world: World, when: datetime) -> Delivery:
    """Send what somebody typed into a form: From is the visitor's, or the web server's; at times it is his own copy."""
    chance, domain = world.chance, world.domain
    own = f"www-data@{domain.name}"
    visitor = people.person(
        chance, chance.choice((*world.freemail, people.domain_name(chance))), domain.language
    )
    author = visitor if chance.yes(0.4) else Person("", own, domain.language)
    copied = author is visitor and chance.yes(0.25)
    letter, remote = written_by_program(
        world,
        when,
        chance.choice(("php", "php-mail")),
        None if copied else author,
        spam=0.25,
        reverse_path=own,
        host=f"www.{domain.name}",
    )
    if author is not visitor and chance.yes(0.5):
        letter.fields.append(("Reply-To", visitor.address))
    return _from_server(world, letter, remote, f"www.{domain.name}", when, "web-form", "www-data")


def rented_form(world: World, when: datetime) -> Delivery:
    """Send what somebody typed into a form on a rented server to the domain's own people: its exchanger reports."""
    chance, domain = world.chance, world.domain
    address, name = people.ipv4(chance), people.domain_name(chance)
    numbers = chance.choice((address.replace(".", "-"), "-".join(reversed(address.split(".")))))
    form = chance.choice(("static-{}.{}", "{}.{}", "vps-{}.{}", "ip{}.{}", "h{}.srv.{}"))
    known = form.format(numbers, name) if chance.yes(0.5) else f"www{chance.randrange(1, 40)}.{name}"
    client = Host(known, address, f"www.{domain.name}" if chance.yes(0.4) else known)
    own = f"www-data@{domain.name}"
    to = Person("", chance.choice(domain.writers).person.address, domain.language)
    letter, _ = written_by_program(
        world, when, chance.choice(("php", "php-mail")), Person("", own, domain.language), spam=0.25, reverse_path=own,
        host=client.helo, to=to,
    )  # fmt: skip
    inner = Remote(domain.name, inner_store(world), domain.language, domain.zone)
    made = take_from_outside(world, letter, client, when, plain=0.2)
    complete(letter, domain.mx.helo, when, made)
    delivery = leave_elsewhere(world, letter, domain.mx, inner, later(when, 2), "rented-form")
    delivery.reporters, delivery.captive = ((domain.mx, domain.formats),), True
    return delivery


def ticket(world: World, when: datetime) -> Delivery:
    """Send an answer of the help desk."""
    chance, domain = world.chance, world.domain
    author = Person(
        chance.choice(("Support", "Help Desk", "Service")), f"support@{domain.name}", domain.language
    )
    letter, remote = written_by_program(
        world, when, "ticket", author, spam=0.0, reverse_path=author.address, host=f"tickets.{domain.name}"
    )
    return _from_server(world, letter, remote, f"tickets.{domain.name}", when, "ticket", "otrs")


def scanner(world: World, when: datetime) -> Delivery:
    """Send what an office machine scanned: without a Message-ID, by the relay, which may not add one."""
    chance, domain = world.chance, world.domain
    author = Person(chance.choice(("Scanner", "Copier", "MFP")), f"info@{domain.name}", domain.language)
    letter, remote = written_by_program(
        world, when, "scanner", author, spam=0.0, reverse_path=author.address, host=f"scan.{domain.name}"
    )
    relay = chance.choice(domain.relays)
    before = [f for f in letter.fields if f[0].lower() == "message-id"]
    client = inside(chance, domain.name)
    take(
        world,
        letter,
        relay,
        Host(None, client.address, chance.choice((f"[{client.address}]", "MFP", pc_name(chance)))),
        later(when, 1),
        plain=chance.yes(0.6),
    )
    if not before and chance.yes(0.5) and not domain.signs_all:
        letter.fields = [f for f in letter.fields if f[0].lower() != "message-id"]
    signed = sign(world, letter, when)
    note(world, letter, by_program=True)
    return leave(world, letter, relay, remote, when, "scanner", signed=signed)


def bulk(world: World, when: datetime) -> Delivery:
    """Send a newsletter by a company for that."""
    chance, domain, bulk = world.chance, world.domain, world.domain.bulk
    if bulk is None:
        return own_newsletter(world, when)
    author = Person(
        domain.name.partition(".")[0].title(),
        f"{chance.choice(('newsletter', 'shop', 'info'))}@{domain.name}",
        domain.language,
    )
    kind = "ses" if bulk.style == "gateway" and world.year > 2011 else "newsletter"
    remote, to = to_somebody(world)
    if domain.batv_key is None and chance.yes(0.6):
        path = f"news-bounces{bulk_tag(world, to.address)}@{domain.name}"
    else:
        path = f"bounce{chance.token(DIGITS, 9)}-{to.address.replace('@', '=')}@{bulk.name}"
    letter, _ = written_by_program(
        world, when, kind, author, spam=0.75, reverse_path=path, host=bulk.hosts[0].helo, to=to
    )
    host = chance.choice(bulk.hosts)
    if chance.yes(0.7):
        made = queue_id(bulk.style, chance, world.year)
        origin = Host(None, people.internal(chance), f"app{chance.randrange(1, 30)}.{bulk.name}")
        letter.put_on_top(
            "Received",
            received(bulk.style, Hop(origin, host.helo, in_zone(when, 0), made, letter.recipients[0], path)),
        )
    complete(letter, host.helo, when, chance.token(BASE62, 10))
    signed = sign(world, letter, when, always=True)
    if world.year > 2009 and chance.yes(0.6):
        letter.put_on_top(
            "DKIM-Signature", bulk.signer.signature(letter.fields, letter.body, int(when.timestamp()))
        )
    note(world, letter, by_program=True)
    return leave(world, letter, host, remote, when, "bulk", signed=signed)


def own_newsletter(world: World, when: datetime) -> Delivery:
    """Send a newsletter by the relay."""
    chance, domain = world.chance, world.domain
    author = Person(
        domain.name.partition(".")[0].title(),
        f"{chance.choice(('newsletter', 'shop'))}@{domain.name}",
        domain.language,
    )
    remote, to = to_somebody(world)
    path = f"news-bounces{bulk_tag(world, to.address)}@{domain.name}" if chance.yes(0.5) else author.address
    letter, _ = written_by_program(
        world, when, "newsletter", author, spam=0.75, reverse_path=path, host=f"www.{domain.name}", to=to
    )
    return _from_server(world, letter, remote, f"www.{domain.name}", when, "newsletter", "www-data")

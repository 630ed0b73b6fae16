"""Genuine mail: the ways by which mail of a protected domain leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people, words
from classifier.corpus.chance import BASE62, DIGITS, Weighted, in_zone, later, mail_date
from classifier.corpus.leaving import (
    at_home,
    bulk_tag,
    complete,
    hand_on,
    hosted_chain,
    inner_store,
    inside,
    leave,
    leave_elsewhere,
    note,
    pc_name,
    sign,
    take,
    take_beyond,
    take_from_outside,
    take_locally,
)
from classifier.corpus.people import Host, Person
from classifier.corpus.programs import MACHINES, compose
from classifier.corpus.trace import COMMON, Hop, queue_id, received
from classifier.corpus.world import Delivery, Remote

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.domains import Writer
    from classifier.corpus.letter import Letter
    from classifier.corpus.programs import Program
    from classifier.corpus.words import Wording
    from classifier.corpus.world import World

    Route = Callable[[World, datetime], Delivery]

#: Share of the genuine mail of people that reads like advertising.
_PEOPLE_SPAM = 0.12
_PHONES = frozenset({"iphone", "android", "apple-mail"})


def _to(world: World) -> tuple[Remote, Person]:
    remote = world.chance.choice(world.remotes)
    return remote, people.person(world.chance, remote.domain, remote.language)


def _wording(world: World, language: str, author: str, spam: float) -> Wording:
    if world.chance.yes(spam):
        return words.spam(world.chance, language, world.material)
    return words.ordinary(world.chance, language, world.material, author)


def _write(
    world: World, when: datetime, writer: Writer | None = None, program: Program | None = None
) -> tuple[Letter, Remote]:
    """Let a person of the domain write to somebody."""
    chance, domain = world.chance, world.domain
    writer = writer or chance.choice(domain.writers)
    remote, to = _to(world)
    letter = compose(
        program or writer.program, chance, author=writer.person, to=to, wording=_wording(world, writer.person.language, writer.person.name, _PEOPLE_SPAM),
        when=in_zone(when, writer.zone), host=f"{chance.choice(('pc', 'laptop', 'ws'))}{chance.randrange(1, 40)}.{domain.name}",
        reverse_path=domain.tagged(writer.person.address, when),
    )  # fmt: skip
    return letter, remote


def _program(
    world: World,
    when: datetime,
    kind: str,
    author: Person,
    *,
    spam: float,
    reverse_path: str,
    host: str,
    to: Person | None = None,
) -> tuple[Letter, Remote]:
    """Let a program write."""
    remote, somebody = _to(world)
    letter = compose(
        MACHINES[kind], world.chance, author=author, to=to or somebody, wording=_wording(world, world.domain.language, "", spam),
        when=in_zone(when, world.domain.zone), host=host, reverse_path=world.domain.tagged(reverse_path, when) if reverse_path.endswith(world.domain.name) else reverse_path,
    )  # fmt: skip
    return letter, remote


def _submission(world: World, when: datetime) -> Delivery:
    """Send by the relay, after a login."""
    letter, remote = _write(world, when)
    relay = world.chance.choice(world.domain.relays)
    client = at_home(world.chance) if world.chance.yes(0.7) else inside(world.chance, world.domain.name)
    login = letter.author.address if world.chance.yes(0.6) else letter.author.address.partition("@")[0]
    take(world, letter, relay, client, later(when, 1), login=login)
    return _off(world, letter, relay, remote, when, "submission")


def _off(world: World, letter: Letter, relay: Host, remote: Remote, when: datetime, route: str) -> Delivery:
    signed = sign(world, letter, when, always=True)
    note(world, letter)
    return leave(world, letter, relay, remote, when, route, signed=signed)


def _inside(world: World, when: datetime) -> Delivery:
    """Send from a computer in the office by the relay, which trusts the network; at times over a hub."""
    letter, remote = _write(world, when)
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


def _old_pc(world: World, when: datetime) -> Delivery:
    """Send from a computer that greets with its bare name, without a login."""
    letter, remote = _write(world, when)
    chance = world.chance
    relay = chance.choice(world.domain.relays)
    client = inside(chance, world.domain.name)
    take(world, letter, relay, Host(client.name, client.address, pc_name(chance)), later(when, 1), plain=True)
    return _off(world, letter, relay, remote, when, "old-pc")


def _hosted(world: World, when: datetime) -> Delivery:
    """Send by Exchange, on site or hosted, or by Google's hosts."""
    letter, remote = _write(world, when)
    relay = world.chance.choice(world.domain.relays)
    hosted_chain(world, letter, relay, later(when, 1))
    return _off(world, letter, relay, remote, when, "hosted")


def _phone(world: World, when: datetime) -> Delivery:
    """Send from a phone by the relay."""
    phones = [p for p in world.era.people if p.name in _PHONES]
    letter, remote = _write(world, when, program=world.chance.choice(phones))
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


def _webmail(world: World, when: datetime) -> Delivery:
    """Send from a web page: the client shows as a browser, or not at all."""
    letter, remote = _write(world, when)
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


def _stripped(world: World, when: datetime) -> Delivery:
    """Send by a relay that takes away what stands below it."""
    delivery = _submission(world, when)
    delivery.letter.fields = [f for f in delivery.letter.fields if f[0] != "Received"]
    delivery.name = "stripped"
    return delivery


def _new_id(world: World, when: datetime) -> Delivery:
    """Send by a provider that gives the message an identifier of its own."""
    letter, remote = _write(world, when)
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


def _isp(world: World, when: datetime) -> Delivery:
    """Send by the access provider's host, from a line of his."""
    letter, remote = _write(world, when)
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


def _roaming(world: World, when: datetime) -> Delivery:
    """Send from elsewhere by another provider, with his login."""
    letter, remote = _write(world, when)
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


def _branch(world: World, when: datetime) -> Delivery:
    """Send past the relays, by a machine of ours that delivers by itself: a branch office's, or a forgotten one."""
    chance, domain = world.chance, world.domain
    outlet = domain.branch
    if outlet is None:
        return _submission(world, when)
    host, by_program = outlet.hosts[0], chance.yes(0.4)
    if by_program:
        own = f"{chance.choice(('www-data', 'root', 'info', 'shop'))}@{domain.name}"
        kind = chance.choice(("cron", "php", "php-mail", "python", "exim-local"))
        letter, remote = _program(
            world, when, kind, Person("", own, domain.language), spam=0.2, reverse_path=own, host=host.helo
        )
        complete(letter, host.helo, when, chance.token(BASE62, 12))
    else:
        letter, remote = _write(world, when)
        client = inside(chance, domain.name) if chance.yes(0.7) else at_home(chance)
        take_beyond(world, letter, outlet, host, client, later(when, 1))
    signed = chance.yes(0.3) and sign(world, letter, when)
    note(world, letter, by_program=by_program)
    delivery = leave_elsewhere(world, letter, host, remote, when, "branch", signed=signed)
    delivery.reporters = ((host, outlet.formats),)
    return delivery


def _local(world: World, when: datetime) -> Delivery:
    """Send what a program on a server writes: by its own mail server, or by the relay."""
    chance, domain = world.chance, world.domain
    kind = chance.choice(("cron", "java", "python", "exim-local", "submitted"))
    host = f"{chance.choice(('www', 'db1', 'app', 'host', 'srv2', 'backup'))}.{domain.name}"
    user = chance.choice(("root", "www-data"))
    author = Person(chance.choice(("", "Cron Daemon", "root")), f"{user}@{domain.name}", domain.language)
    letter, remote = _program(world, when, kind, author, spam=0.05, reverse_path=author.address, host=host)
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


def _web_form(world: World, when: datetime) -> Delivery:
    """Send what somebody typed into a form: From is the visitor's, or the web server's."""
    chance, domain = world.chance, world.domain
    own = f"www-data@{domain.name}"
    visitor = people.person(
        chance, chance.choice((*world.freemail, people.domain_name(chance))), domain.language
    )
    author = visitor if chance.yes(0.4) else Person("", own, domain.language)
    letter, remote = _program(
        world,
        when,
        chance.choice(("php", "php-mail")),
        author,
        spam=0.25,
        reverse_path=own,
        host=f"www.{domain.name}",
    )
    if author is not visitor and chance.yes(0.5):
        letter.fields.append(("Reply-To", visitor.address))
    return _from_server(world, letter, remote, f"www.{domain.name}", when, "web-form", "www-data")


def _rented_form(world: World, when: datetime) -> Delivery:
    """Send what somebody typed into a form on a rented server to the domain's own people: its exchanger reports."""
    chance, domain = world.chance, world.domain
    address, name = people.ipv4(chance), people.domain_name(chance)
    numbers = chance.choice((address.replace(".", "-"), "-".join(reversed(address.split(".")))))
    form = chance.choice(("static-{}.{}", "{}.{}", "vps-{}.{}", "ip{}.{}", "h{}.srv.{}"))
    known = form.format(numbers, name) if chance.yes(0.5) else f"www{chance.randrange(1, 40)}.{name}"
    client = Host(known, address, f"www.{domain.name}" if chance.yes(0.4) else known)
    own = f"www-data@{domain.name}"
    to = Person("", chance.choice(domain.writers).person.address, domain.language)
    letter, _ = _program(
        world, when, chance.choice(("php", "php-mail")), Person("", own, domain.language), spam=0.25, reverse_path=own,
        host=client.helo, to=to,
    )  # fmt: skip
    inner = Remote(domain.name, inner_store(world), domain.language, domain.zone)
    made = take_from_outside(world, letter, client, when, plain=0.2)
    complete(letter, domain.mx.helo, when, made)
    delivery = leave_elsewhere(world, letter, domain.mx, inner, later(when, 2), "rented-form")
    delivery.reporters, delivery.captive = ((domain.mx, domain.formats),), True
    return delivery


def _ticket(world: World, when: datetime) -> Delivery:
    """Send an answer of the help desk."""
    chance, domain = world.chance, world.domain
    author = Person(
        chance.choice(("Support", "Help Desk", "Service")), f"support@{domain.name}", domain.language
    )
    letter, remote = _program(
        world, when, "ticket", author, spam=0.0, reverse_path=author.address, host=f"tickets.{domain.name}"
    )
    return _from_server(world, letter, remote, f"tickets.{domain.name}", when, "ticket", "otrs")


def _scanner(world: World, when: datetime) -> Delivery:
    """Send what an office machine scanned: without a Message-ID, by the relay, which may not add one."""
    chance, domain = world.chance, world.domain
    author = Person(chance.choice(("Scanner", "Copier", "MFP")), f"info@{domain.name}", domain.language)
    letter, remote = _program(
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


def _bulk(world: World, when: datetime) -> Delivery:
    """Send a newsletter by a company for that."""
    chance, domain, bulk = world.chance, world.domain, world.domain.bulk
    if bulk is None:
        return _own_newsletter(world, when)
    author = Person(
        domain.name.partition(".")[0].title(),
        f"{chance.choice(('newsletter', 'shop', 'info'))}@{domain.name}",
        domain.language,
    )
    kind = "ses" if bulk.style == "gateway" and world.year > 2011 else "newsletter"
    remote, to = _to(world)
    if domain.batv_key is None and chance.yes(0.6):
        path = f"news-bounces{bulk_tag(world, to.address)}@{domain.name}"
    else:
        path = f"bounce{chance.token(DIGITS, 9)}-{to.address.replace('@', '=')}@{bulk.name}"
    letter, _ = _program(
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


def _own_newsletter(world: World, when: datetime) -> Delivery:
    """Send a newsletter by the relay."""
    chance, domain = world.chance, world.domain
    author = Person(
        domain.name.partition(".")[0].title(),
        f"{chance.choice(('newsletter', 'shop'))}@{domain.name}",
        domain.language,
    )
    remote, to = _to(world)
    path = f"news-bounces{bulk_tag(world, to.address)}@{domain.name}" if chance.yes(0.5) else author.address
    letter, _ = _program(
        world, when, "newsletter", author, spam=0.75, reverse_path=path, host=f"www.{domain.name}", to=to
    )
    return _from_server(world, letter, remote, f"www.{domain.name}", when, "newsletter", "www-data")


def _list_fields(chance: Chance, listname: str, domain: str) -> list[tuple[str, str]]:
    found = [
        ("List-Id", f"<{listname}.{domain}>"), ("X-BeenThere", f"{listname}@{domain}"), ("Precedence", "list"), ("Errors-To", f"{listname}-bounces@{domain}"),
        ("Sender", f"{listname}-bounces@{domain}"), ("List-Post", f"<mailto:{listname}@{domain}>"), ("List-Unsubscribe", f"<mailto:{listname}-request@{domain}?subject=unsubscribe>"),
        ("X-Mailman-Version", f"2.1.{chance.randrange(2, 40)}"),
    ]  # fmt: skip
    return [f for f in found if chance.yes(0.8)] or found[:1]


def _own_list(world: World, when: datetime) -> Delivery:
    """Distribute by a list of ours what somebody outside wrote: From is theirs, the return path ours."""
    chance, domain = world.chance, world.domain
    origin = chance.choice(world.remotes)
    poster = people.person(chance, origin.domain, origin.language)
    remote, member = _to(world)
    letter = compose(
        chance.weighted(world.era.people), chance, author=poster, to=Person("", f"news@{domain.name}", domain.language), wording=_wording(world, origin.language, poster.name, 0.08),
        when=in_zone(when, origin.zone), host=f"{pc_name(chance).lower()}.{origin.domain}",
    )  # fmt: skip
    complete(letter, origin.host.helo, when, chance.token(BASE62, 10))
    style = chance.choice(COMMON[:7])
    first = Hop(at_home(chance), origin.host.helo, in_zone(when, origin.zone), queue_id(style, chance, world.year), f"news@{domain.name}", poster.address, login=poster.address if chance.yes(0.5) else "")  # fmt: skip
    letter.put_on_top("Received", received(style, first))
    into = Hop(origin.outbound or origin.host, domain.mx.helo, in_zone(later(when, 3), domain.zone), queue_id(domain.style, chance, world.year), f"news@{domain.name}", poster.address, tls=chance.yes(world.era.tls))  # fmt: skip
    letter.put_on_top("Received", received(domain.style, into))
    letter.recipients = (member.address,)
    letter.envelope_from = domain.tagged(
        f"news-bounces{bulk_tag(world, member.address) if chance.yes(0.5) and domain.batv_key is None else ''}@{domain.name}",
        when,
    )
    letter.fields += _list_fields(chance, "news", domain.name)
    relay = chance.choice(domain.relays)
    hand_on(world, letter, relay, chance.choice((f"lists.{domain.name}", "localhost")), later(when, 20))
    signed = sign(world, letter, when)
    note(world, letter, by_program=True)
    return leave(world, letter, relay, remote, later(when, 20), "own-list", signed=signed)


def _foreign_list(world: World, when: datetime) -> Delivery:
    """Write to a list or an address elsewhere that passes the mail on and leaves our return path as it was."""
    chance = world.chance
    shares = route_shares(world)
    first = _ROUTES[
        chance.choice(
            [r for r in ("submission", "inside", "hosted", "old-pc") if r in shares] or ["submission"]
        )
    ](world, when)
    letter, via = first.letter, chance.choice(world.lists)
    listname = people.word(chance)
    fields = letter.fields
    listed = chance.yes(0.6)
    letter.fields = [(n, f"{listname}@{via.domain}" if n == "To" else v) for n, v in fields]
    final = letter.recipients[0]
    letter.recipients = (f"{listname}@{via.domain}",)
    made = queue_id(via.border, chance, world.year)
    hop = Hop(
        first.client,
        via.host.helo,
        in_zone(first.when, via.zone),
        made,
        letter.recipients[0],
        letter.envelope_from,
        first.tls,
    )
    letter.put_on_top("Received", received(via.border, hop))
    if chance.yes(0.5):
        local = Hop(
            Host("localhost", "127.0.0.1", "localhost"),
            via.host.helo,
            in_zone(later(first.when, 2), via.zone),
            queue_id(via.border, chance, world.year),
            final,
        )
        letter.put_on_top("Received", received(via.border, local))
    letter.recipients = (final,)
    if listed:
        letter.fields += _list_fields(chance, listname, via.domain)
        if chance.yes(0.5):
            letter.fields = [(n, f"[{listname}] {v}" if n == "Subject" else v) for n, v in letter.fields]
            first.dkim = "fail" if first.dkim == "pass" else "none"
    return leave_elsewhere(
        world,
        letter,
        via.outbound or via.host,
        first.remote,
        later(first.when, 4),
        "foreign-list",
        signed=first.dkim == "pass",
    )


#: The ways, by name.
_ROUTES: dict[str, Route] = {
    "submission": _submission, "inside": _inside, "old-pc": _old_pc, "hosted": _hosted, "phone": _phone, "webmail": _webmail, "stripped": _stripped,
    "new-id": _new_id, "isp": _isp, "roaming": _roaming, "branch": _branch, "local": _local, "web-form": _web_form, "rented-form": _rented_form, "ticket": _ticket, "scanner": _scanner, "bulk": _bulk,
    "newsletter": _own_newsletter, "own-list": _own_list, "foreign-list": _foreign_list,
}  # fmt: skip
ROUTES = tuple(_ROUTES)
#: What no person sends: it is in no Sent folder.
_PROGRAMS = frozenset(
    {"local", "web-form", "rented-form", "ticket", "scanner", "bulk", "newsletter", "own-list"}
)


def route_shares(world: World) -> Weighted[str]:
    """Return the ways by which the domain's mail leaves, drawn once for the domain."""
    if world.shares is None:
        world.shares = _draw_shares(world)
    return world.shares


def _draw_shares(world: World) -> Weighted[str]:
    chance, domain, year = world.chance, world.domain, world.year
    hosted = domain.style in {"google", "online", "exchange", "exchange-2003"}
    own = domain.provider is None
    shares: dict[str, float] = {}

    def some(name: str, share: float, weight: float) -> None:
        if chance.yes(share):
            shares[name] = weight * (0.3 + chance.random())

    if hosted:
        shares["hosted"] = 8.0
    some("submission", 0.25 if hosted else 0.85, 5)
    if own and not hosted:
        some("inside", 0.5, 4)
        some("old-pc", 0.5 if year < 2006 else 0.08, 4)
    some("phone", 0.4 if year > 2008 else 0.0, 2)
    some("webmail", 0.3, 2)
    some("stripped", 0.2, 2)
    if domain.roams:
        some("isp", 0.45 if year < 2012 else 0.2, 4)
        some("roaming", 0.5, 2)
    if not own and not domain.ledger_complete:
        some("new-id", 0.25, 2)
    some("foreign-list", 0.4, 1.2)
    strict = domain.ledger_complete and domain.ledger_source == "sync"
    if not strict:
        for name, share, weight in (
            ("local", 0.35, 1.5), ("web-form", 0.35, 2), ("ticket", 0.2, 1.5), ("scanner", 0.15, 1), ("newsletter", 0.3, 3), ("own-list", 0.2, 2.5),
        ):  # fmt: skip
            some(name, share, weight)
        if domain.bulk:
            shares["bulk"] = 4.0
    if (
        own
        and not strict
        and not domain.signs_all
        and not (domain.identity and domain.identity.relays_complete)
    ):
        some("rented-form", 0.3, 1)
    if domain.branch is not None:
        shares["branch"] = 1.0
    if not set(shares) - _PROGRAMS - {"foreign-list"}:
        shares["submission"] = 4.0
    return Weighted(shares.items())


def send(world: World, when: datetime) -> Delivery:
    """Let somebody or something of the domain send mail; return it as it knocks at the recipient's border."""
    return _ROUTES[world.chance.weighted(route_shares(world))](world, when)

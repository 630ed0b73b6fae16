"""Forged mail: the ways in which others write in the name of a protected domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.corpus import people, words
from classifier.corpus.chance import BASE36, BASE62, DIGITS, HEX, LOWER, Weighted, in_zone, later, mail_date
from classifier.corpus.leaving import inner_store, pc_name, take_from_outside
from classifier.corpus.people import Host, Person
from classifier.corpus.programs import MACHINES, Program, compose
from classifier.corpus.reporting import TRANSIT, spf_elsewhere
from classifier.corpus.trace import COMMON, Hop, queue_id, received
from classifier.corpus.typed import typed_hops
from classifier.corpus.world import Delivery, Remote, make_host

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.letter import Letter
    from classifier.corpus.words import Wording
    from classifier.corpus.world import World

    Craft = Callable[[World, "Campaign", datetime], Delivery]

#: Who is named in From: the return path itself, or somebody else.
_AUTHORS = Weighted((
    ("return-path", 50), ("ours", 5), ("recipient", 13), ("recipients-domain", 7), ("brand", 8), ("stranger", 7), ("freemail", 10),
))  # fmt: skip
_GREETINGS = Weighted((
    ("name", 8), ("literal", 3), ("word", 4), ("pc", 6), ("recipient", 2), ("ours", 2), ("relay", 1), ("localhost", 1.5), ("freemail", 1.5), ("domain", 2),
))  # fmt: skip
_LINES = Weighted((("dial-up", 60), ("numbered", 15), ("none", 25)))
_IDS = Weighted((("program", 10), ("client", 5), ("ours", 3), ("author", 2), ("random", 4), ("none", 2.5)))
#: Share of the campaigns whose mail reads like ordinary mail.
_ORDINARY = 0.25
#: Share of the mail of one campaign that departs from its ways.
_VARIED = 0.15


@dataclass(frozen=True)
class Campaign:
    """A run of forged mail.

    Attributes:
        craft: the way in which it is sent.
        wordings: what it says: one text, at times with variants.
        source: where the return paths are drawn from: ``guess``, ``known``, ``trap``.
        program: what it is written with.
        author: who is named in From.
        greeting: how the client greets.
        identifier: whose right-hand side the Message-ID has.
        typed: how many Received lines are typed in.
        drift: by how many seconds the Date is off.
    """

    craft: str
    wordings: tuple[Wording, ...]
    source: str
    program: Program
    author: str
    greeting: str
    identifier: str
    typed: int
    drift: int


def make_campaign(world: World) -> Campaign:
    """Invent a campaign."""
    chance = world.chance
    language = chance.weighted(people.LANGUAGES)
    write = words.ordinary if chance.yes(_ORDINARY) else words.spam
    wordings = tuple(write(chance, language, world.material) for _ in range(chance.choice((1, 1, 2, 4))))
    # Some borrow a real program's fields, with its identifiers or without.
    program = chance.weighted(world.era.people if chance.yes(0.3) else world.era.spamware)
    drift = chance.choice((0, 0, 0, chance.randrange(-9, 10) * 3600, chance.randrange(-40, 5) * 86_400))
    return Campaign(
        chance.weighted(_SHARES), wordings, chance.choice(("guess", "guess", "known", "trap")), program, chance.weighted(_AUTHORS), chance.weighted(_GREETINGS),
        chance.weighted(_IDS), chance.choice((0, 0, 0, 0, 0, 1, 1, 2, 3)), drift,
    )  # fmt: skip


def zombie_line(chance: Chance) -> Host:
    """Invent the line that a zombie stands on."""
    kind = chance.weighted(_LINES)
    line = people.home_line(chance)
    if kind == "none":
        return Host(None, line.address, line.helo)
    if kind == "numbered":
        numbers = chance.choice((line.address.replace(".", "-"), "-".join(reversed(line.address.split(".")))))
        form = chance.choice(("{}.{}", "{}.rev.{}", "ip{}.{}", "host-{}.{}", "static-{}.{}", "h{}.{}"))
        name = form.format(numbers, people.domain_name(chance))
        return Host(name, line.address, name)
    return line


def _return_path(world: World, campaign: Campaign, language: str) -> Person:
    chance, domain = world.chance, world.domain
    if campaign.source == "known":
        return chance.choice(domain.writers).person
    if campaign.source == "trap" and domain.traps:
        return Person("", chance.choice(domain.traps), language)
    return Person("", people.dictionary_address(chance, domain.name), language)


def _display(world: World, person: Person, language: str) -> Person:
    chance = world.chance
    kind = chance.randrange(4)
    name = (
        ""
        if kind == 0
        else people.person(chance, "x.test", language).name
        if kind < 3
        else chance.choice((people.word(chance).title(), person.address.partition("@")[0]))
    )
    return Person(person.name or name, person.address, language)


def _author(world: World, campaign: Campaign, path: Person, to: Person, language: str) -> Person:
    chance, kind = world.chance, campaign.author
    if chance.yes(_VARIED):
        kind = chance.weighted(_AUTHORS)
    if kind == "return-path":
        return _display(world, path, language)
    if kind == "ours":
        return _display(
            world, Person("", people.dictionary_address(chance, world.domain.name), language), language
        )
    if kind == "recipient":
        return _display(world, Person("", to.address, language), language)
    if kind == "recipients-domain":
        local = chance.choice(("admin", "support", "info", "webmaster", "helpdesk", "hr", "noreply"))
        return _display(world, Person("", f"{local}@{to.address.partition('@')[2]}", language), language)
    if kind == "brand":
        brand = chance.choice(world.brands)
        local = chance.choice(("service", "security", "noreply", "billing", "account-update", "news"))
        return Person(brand.partition(".")[0].title(), f"{local}@{brand}", language)
    where = chance.choice(world.freemail) if kind == "freemail" else people.domain_name(chance)
    return people.person(chance, where, language)


def _greeting(world: World, campaign: Campaign, line: Host, to: Person) -> str:
    chance, kind = world.chance, campaign.greeting
    if chance.yes(_VARIED):
        kind = chance.weighted(_GREETINGS)
    return {
        "name": line.helo,
        "literal": f"[{line.address}]" if chance.yes(0.5) else line.address,
        "word": chance.token(LOWER, chance.randrange(4, 11)),
        "pc": pc_name(chance),
        "recipient": to.address.partition("@")[2],
        "ours": world.domain.name,
        "relay": chance.choice(world.domain.relays).helo,
        "localhost": chance.choice(("localhost", "localhost.localdomain", "127.0.0.1")),
        "freemail": chance.choice(world.freemail),
        "domain": f"{chance.choice(('mail', 'smtp', 'mx'))}.{people.domain_name(chance)}",
    }[kind]


def _compose(
    world: World, campaign: Campaign, when: datetime, remote: Remote, host: str,
    *, to: Person | None = None, program: Program | None = None, path: Person | None = None,
) -> Letter:  # fmt: skip
    """Write one message of the campaign."""
    chance = world.chance
    wording = chance.choice(campaign.wordings)
    to = to or Person("", people.dictionary_address(chance, remote.domain), remote.language)
    path = path or _return_path(world, campaign, wording.language)
    author = _author(world, campaign, path, to, wording.language)
    kind = chance.weighted(_IDS) if chance.yes(_VARIED) else campaign.identifier
    rights = {
        "client": host,
        "ours": world.domain.name,
        "author": author.address.partition("@")[2],
        "random": chance.choice((people.domain_name(chance), chance.token(LOWER, 8), f"{chance.token(BASE36, 6)}.{people.domain_name(chance)}")),
    }  # fmt: skip
    letter = compose(
        program or campaign.program, chance, author=author, to=to, wording=wording,
        when=in_zone(later(when, campaign.drift + chance.randrange(-300, 5)), chance.choice(people.ZONES[wording.language])),
        host=host, right=rights.get(kind), reverse_path=path.address,
    )  # fmt: skip
    if kind == "none":
        letter.fields = [f for f in letter.fields if f[0].lower() != "message-id"]
    elif kind == "random" and chance.yes(0.5):
        # An identifier of another shape than the program that is named.
        made = f"<{chance.token(chance.choice((HEX, BASE62, DIGITS)), chance.randrange(8, 30))}@{rights['random']}>"
        letter.fields = [(n, made if n.lower() == "message-id" else v) for n, v in letter.fields]
    return letter


def _knock(
    world: World,
    letter: Letter,
    client: Host,
    remote: Remote,
    when: datetime,
    craft: str,
    *,
    plain: bool,
    login: str = "",
) -> Delivery:
    chance = world.chance
    ours = letter.envelope_from.endswith(f"@{world.domain.name}")
    return Delivery(
        letter, client, later(when, chance.randrange(2, TRANSIT)), remote, craft, tls=not plain and chance.yes(world.era.tls * 0.5), plain=plain, login=login,
        spf=spf_elsewhere(world) if ours else "none",
    )  # fmt: skip


def _zombie(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send from a home line straight to the recipient's border."""
    chance = world.chance
    remote = chance.choice(world.remotes)
    line = zombie_line(chance)
    to = Person("", people.dictionary_address(chance, remote.domain), remote.language)
    client = Host(line.name, line.address, _greeting(world, campaign, line, to))
    letter = _compose(world, campaign, when, remote, client.helo.strip("[]"), to=to)
    for _ in range(campaign.typed):
        typed_hops(world, letter, client, when)
    return _knock(world, letter, client, remote, when, "zombie", plain=chance.yes(0.55))


def _server(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send by a hacked web server or through an open proxy: a host with a name of its own."""
    chance = world.chance
    remote = chance.choice(world.remotes)
    label = chance.choice(
        ("www", "web1", "server", "vps", "host", "cloud", "srv1", "ns1", "mail", "cpanel", "proxy")
    )
    host = make_host(
        chance, people.domain_name(chance), f"{label}{chance.choice(('', str(chance.randrange(1, 400))))}"
    )
    proxied = chance.yes(0.3)
    program = (
        MACHINES[chance.choice(("php", "php-mail", "python"))]
        if not proxied and chance.yes(0.6)
        else campaign.program
    )
    letter = _compose(world, campaign, when, remote, host.helo, program=program)
    if not proxied:
        style = chance.choice(("postfix", "exim", "sendmail", "qmail", "exim"))
        at, made = in_zone(when, chance.choice((-300, 0, 60, 480))), queue_id(style, chance, world.year)
        user = chance.choice(("apache", "www-data", "nobody", people.word(chance)[:8]))
        if chance.yes(0.6):
            letter.fields.append(
                ("X-PHP-Originating-Script", f"{chance.randrange(33, 2000)}:{chance.token(LOWER, 6)}.php")
            )
        if style == "exim":
            letter.put_on_top(
                "Received",
                f"from {user} by {host.helo} with local (Exim {'4.92' if world.year > 2015 else '4.69'})\n\t(envelope-from <{letter.envelope_from}>)\n\tid {made}\n\tfor {letter.recipients[0]}; {mail_date(at, pad=True)}",
            )
        elif style == "qmail":
            letter.put_on_top(
                "Received",
                f"(qmail {chance.randrange(300, 32_000)} invoked by uid {chance.choice((48, 33, 99))}); {mail_date(in_zone(at, 0)).partition(', ')[2]}",
            )
        elif style == "postfix":
            letter.put_on_top(
                "Received",
                f"by {host.helo} (Postfix, from userid {chance.choice((33, 48, 1001))})\n\tid {made}; {mail_date(at)}",
            )
        else:
            letter.put_on_top(
                "Received",
                f"(from {user}@localhost)\n\tby {host.helo} (8.13.8/8.13.8/Submit) id {made};\n\t{mail_date(at)}",
            )
        if letter.message_id is None and chance.yes(0.7):
            letter.fields.append(("Message-ID", f"<{chance.token(BASE62, 6)}-{made}@{host.helo}>"))
    greeting = host.helo if chance.yes(0.85) else "localhost.localdomain"
    client = Host(host.name if chance.yes(0.85) else None, host.address, greeting)
    return _knock(world, letter, client, remote, when, "server", plain=proxied or chance.yes(0.2))


def _snowshoe(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send from rented hosts with good names, which sign for a domain of their own."""
    chance = world.chance
    remote = chance.choice(world.remotes)
    own = people.domain_name(chance)
    host = make_host(
        chance, own, f"{chance.choice(('mta', 'mail', 'out', 'm', 'smtp'))}{chance.randrange(1, 60)}"
    )
    letter = _compose(
        world, campaign, when, remote, host.helo, program=MACHINES["newsletter"] if chance.yes(0.4) else None
    )
    if chance.yes(0.3):
        inner = Hop(
            Host(None, people.internal(chance), pc_name(chance)),
            host.helo,
            in_zone(when, 0),
            queue_id("postfix", chance, world.year),
            letter.recipients[0],
        )
        letter.put_on_top("Received", received("postfix", inner))
    if world.year > 2009 and chance.yes(0.5):
        signer = chance.choice(world.providers).signer
        letter.put_on_top(
            "DKIM-Signature", signer.signature(letter.fields, letter.body, int(when.timestamp()))
        )
    return _knock(world, letter, host, remote, when, "snowshoe", plain=chance.yes(0.1))


def _relayed(
    world: World, letter: Letter, client: Host, relay: Host, when: datetime, *, login: str, plain: bool
) -> None:
    """Let somebody else's mail server take the forgery in."""
    chance = world.chance
    style = chance.choice(COMMON[:7])
    hop = Hop(client, relay.helo, in_zone(when, chance.choice((0, 60, -300, 480))), queue_id(style, chance, world.year), letter.recipients[0] if chance.yes(0.7) else "", letter.envelope_from, tls=not plain and chance.yes(world.era.submission), login=login, plain=plain)  # fmt: skip
    letter.put_on_top("Received", received(style, hop))


def _open_relay(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send by a mail server that passes on whatever comes."""
    chance = world.chance
    remote = chance.choice(world.remotes)
    line = zombie_line(chance)
    to = Person("", people.dictionary_address(chance, remote.domain), remote.language)
    client = Host(line.name, line.address, _greeting(world, campaign, line, to))
    relay = make_host(
        chance, people.domain_name(chance), chance.choice(("mail", "smtp", "gw", "server", "exchange"))
    )
    letter = _compose(world, campaign, when, remote, client.helo.strip("[]"), to=to)
    for _ in range(campaign.typed):
        typed_hops(world, letter, client, when)
    _relayed(world, letter, client, relay, when, login="", plain=chance.yes(0.6))
    return _knock(world, letter, relay, remote, later(when, 5), "open-relay", plain=chance.yes(0.1))


def _account(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send by a stranger's account at another provider: all but the domain is as it should be."""
    chance = world.chance
    remote = chance.choice(world.remotes)
    provider = chance.choice([p for p in world.providers if p is not world.domain.provider])
    return _by_account(
        world, campaign, when, remote, chance.choice(provider.hosts), people.domain_name(chance), "account"
    )


def _by_account(
    world: World, campaign: Campaign, when: datetime, remote: Remote, relay: Host, owner: str, craft: str
) -> Delivery:
    chance = world.chance
    line = zombie_line(chance)
    client = Host(line.name, line.address, chance.choice((pc_name(chance), f"[{line.address}]", line.helo)))
    program = chance.weighted(world.era.people) if chance.yes(0.5) else None
    letter = _compose(world, campaign, when, remote, client.helo.strip("[]"), program=program)
    user = people.person(chance, owner, "en").address
    _relayed(
        world,
        letter,
        client,
        relay,
        when,
        login=user if chance.yes(0.7) else user.partition("@")[0],
        plain=False,
    )
    if letter.message_id is None:
        letter.fields.append(("Message-ID", f"<{chance.token(BASE62, 12)}@{relay.helo}>"))
    delivery = _knock(world, letter, relay, remote, later(when, 4), craft, plain=False)
    if relay in world.domain.relays and delivery.spf != "none":
        delivery.spf = "pass"
    return delivery


def _shared(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send by the account of another customer of the domain's own provider."""
    provider = world.domain.provider
    if provider is None:
        return _account(world, campaign, when)
    chance = world.chance
    return _by_account(
        world,
        campaign,
        when,
        chance.choice(world.remotes),
        chance.choice(provider.hosts),
        people.domain_name(chance),
        "shared-provider",
    )


def _replay(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send the header section of a signed message of the domain's to other people, with a body of one's own."""
    chance, signed = world.chance, world.domain.signed
    if not signed:
        return _zombie(world, campaign, when)
    remote = chance.choice(world.remotes)
    letter = chance.choice(signed).copy()
    letter.recipients = (people.dictionary_address(chance, remote.domain),)
    letter.envelope_from = _return_path(world, campaign, "en").address
    if chance.yes(0.5):
        letter.body = campaign.wordings[0].text.encode("utf-8") or letter.body
    line = zombie_line(chance)
    client = (
        line
        if chance.yes(0.5)
        else make_host(chance, people.domain_name(chance), chance.choice(("vps", "mail", "srv")))
    )
    return _knock(world, letter, client, remote, when, "replay", plain=chance.yes(0.3))


def _through_us(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Send to one of the domain's own addresses: its exchanger takes it in, and reports that it failed."""
    chance, domain = world.chance, world.domain
    line = zombie_line(chance)
    to = Person("", people.dictionary_address(chance, domain.name), domain.language)
    client = Host(line.name, line.address, _greeting(world, campaign, line, to))
    inner = Remote(domain.name, inner_store(world), domain.language, domain.zone)
    letter = _compose(world, campaign, when, inner, client.helo.strip("[]"), to=to)
    take_from_outside(world, letter, client, when, plain=0.55)
    delivery = _knock(world, letter, domain.mx, inner, later(when, 2), "through-us", plain=False)
    delivery.reporters, delivery.captive = ((domain.mx, domain.formats),), True
    return delivery


_CRAFTS: dict[str, Craft] = {
    "zombie": _zombie, "server": _server, "open-relay": _open_relay, "account": _account, "shared-provider": _shared,
    "replay": _replay, "through-us": _through_us, "snowshoe": _snowshoe,
}  # fmt: skip
CRAFTS = tuple(_CRAFTS)
_SHARES = Weighted((
    ("zombie", 56), ("server", 15), ("open-relay", 4), ("account", 6), ("shared-provider", 5), ("replay", 4), ("through-us", 6), ("snowshoe", 5),
))  # fmt: skip


def forge(world: World, campaign: Campaign, when: datetime) -> Delivery:
    """Let one message of the campaign knock at a recipient's border."""
    return _CRAFTS[campaign.craft](world, campaign, when)

"""Genuine mail: the ways by which mail of a protected domain leaves, and how often each is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import BASE62, Weighted, in_zone, later
from classifier.corpus.leaving import (
    at_home,
    bulk_tag,
    complete,
    hand_on,
    leave,
    leave_elsewhere,
    note,
    pc_name,
    sign,
)
from classifier.corpus.people import Host, Person
from classifier.corpus.programs import compose
from classifier.corpus.routes_people import (
    branch,
    hosted,
    isp,
    new_id,
    office,
    old_pc,
    phone,
    roaming,
    stripped,
    submission,
    webmail,
)
from classifier.corpus.routes_programs import (
    bulk,
    local,
    own_newsletter,
    rented_form,
    scanner,
    ticket,
    web_form,
)
from classifier.corpus.trace import COMMON, Hop, queue_id, received
from classifier.corpus.writing import to_somebody, wording

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from classifier.corpus.chance import Chance
    from classifier.corpus.world import Delivery, World

    Route = Callable[[World, datetime], Delivery]


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
    # A post goes back to its author, too; where his provider takes the list for a forger, that is refused.
    remote, member = (origin, poster) if chance.yes(0.15) else to_somebody(world)
    letter = compose(
        chance.weighted(world.era.people), chance, author=poster, to=Person("", f"news@{domain.name}", domain.language), wording=wording(world, origin.language, poster.name, 0.08),
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
    "submission": submission, "inside": office, "old-pc": old_pc, "hosted": hosted, "phone": phone, "webmail": webmail, "stripped": stripped,
    "new-id": new_id, "isp": isp, "roaming": roaming, "branch": branch, "local": local, "web-form": web_form, "rented-form": rented_form, "ticket": ticket, "scanner": scanner, "bulk": bulk,
    "newsletter": own_newsletter, "own-list": _own_list, "foreign-list": _foreign_list,
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

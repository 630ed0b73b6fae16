"""Received lines that nobody wrote but the forger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.corpus import people
from classifier.corpus.chance import in_zone, later
from classifier.corpus.people import Host
from classifier.corpus.trace import COMMON, Hop, queue_id, received
from classifier.corpus.world import make_host

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.letter import Letter
    from classifier.corpus.world import World


def typed_hops(world: World, letter: Letter, client: Host, when: datetime) -> None:
    """Type a Received line, as if the letter had come to the client over other hosts, or by our relay."""
    chance, kind = world.chance, world.chance.randrange(5)
    source = Host(
        None if chance.yes(0.5) else people.domain_name(chance),
        people.ipv4(chance),
        people.domain_name(chance),
    )
    if kind == 0:
        by = client.name or client.helo
    elif kind == 1:
        by = chance.choice(world.domain.relays).helo
        source = people.home_line(chance)
    elif kind == 2:
        by = world.domain.name
    elif kind == 3:
        by = f"{chance.choice(('mail', 'smtp', 'mx'))}.{chance.choice(world.freemail)}"
        source = Host(None, people.ipv4(chance), source.helo)
    else:
        host = make_host(chance, people.domain_name(chance), chance.choice(("mail", "mx", "relay")))
        by = host.helo
    style = chance.choice((*COMMON, "bare", "gateway"))
    back = later(when, -chance.randrange(1, 40_000))
    hop = Hop(
        source,
        by,
        in_zone(back, chance.choice((-480, -300, 0, 60, 180, 480))),
        queue_id(style, chance, world.year),
        letter.recipients[0] if chance.yes(0.5) else "",
        letter.envelope_from,
        plain=chance.yes(0.5),
    )
    place = 0 if chance.yes(0.8) else chance.randrange(len(letter.fields) + 1)
    letter.fields.insert(place, ("Received", received(style, hop)))

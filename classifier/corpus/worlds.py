"""Labelled reports of many protected domains, each with what its owner's judge would have to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from classifier.corpus.chance import Chance, Weighted, later
from classifier.corpus.era import draw_year
from classifier.corpus.knowledge import ZoneResolver
from classifier.corpus.routes import send
from classifier.corpus.scene import Scene
from classifier.evidence.base import Lookups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.corpus.domains import Protected
    from classifier.corpus.generated import Generated
    from classifier.corpus.words import Material
    from classifier.identity import Identity

#: How much an owner has configured, from and to: nothing, the domains, relays, more, everything.
_CARE = Weighted((
    ((0.0, 0.25), 35), ((0.25, 0.4), 15), ((0.4, 0.6), 17), ((0.6, 0.8), 13), ((0.8, 1.0), 20),
))  # fmt: skip
#: Reports of one domain, and the days in which they come.
_REPORTS, _DAYS = 40, 10
_NO_DNS, _NO_LEDGER, _PARTIAL, _STALE, _LEARNED = 0.4, 0.3, 0.4, 0.3, 0.1
#: So many letters teach what a domain's mail looks like.
_LETTERS = 60
_CAMPAIGN = 6 * 3600


@dataclass(frozen=True)
class Case:
    """One report, and what the judge is given with it.

    Attributes:
        generated: the report with its label.
        identity: what the owner has configured; None: nothing.
        lookups: clock, ledger, DNS, habits: what there is of them.
        domain: the protected domain.
        campaign: the run of forgeries that it belongs to; "" for genuine mail.
        year: when.

    """

    generated: Generated
    identity: Identity | None
    lookups: Lookups
    domain: str
    campaign: str
    year: int


def worlds(
    seed: str, reports: int, *, material: Material | None = None, forged: float = 0.5
) -> Iterator[Case]:
    """Generate reports over many domains.

    Args:
        seed: the same makes the same.
        reports: how many.
        material: real words, or None.
        forged: the share that is about forgeries.

    Yields:
        The cases, domain by domain.

    """
    number = made = 0
    while made < reports:
        for case in _world(f"{seed}/{number}", material, forged):
            yield case
            made += 1
            if made >= reports:
                return
        number += 1


def _world(seed: str, material: Material | None, forged: float) -> Iterator[Case]:
    chance = Chance(f"{seed}/about")
    year = draw_year(chance)
    scene = Scene(seed, year=year, care=draw_care(chance), material=material)
    span = int(timedelta(days=_DAYS).total_seconds())
    bad = round(_REPORTS * forged)
    found = [(scene.genuine(later(scene.epoch, chance.randrange(span))), "") for _ in range(_REPORTS - bad)]
    while bad > 0:
        campaign, begin = scene.campaign(), chance.randrange(span)
        size = min(bad, chance.choice((1, 2, 3, 5, 10)))
        bad -= size
        name = f"{seed}/{bad}"
        moments = (later(scene.epoch, begin + chance.randrange(_CAMPAIGN)) for _ in range(size))
        found += [(scene.forged(moment, campaign), name) for moment in moments]
    lookups = draw_lookups(scene, chance)
    domain = scene.domain
    for generated, name in found:
        yield Case(generated, domain.identity, lookups, domain.name, name, year)


def draw_care(chance: Chance) -> float:
    """Draw how much an owner has configured, 0 to 1."""
    low, high = chance.weighted(_CARE)
    return low + (high - low) * chance.random()


def draw_lookups(scene: Scene, chance: Chance) -> Lookups:
    """Draw what there is to ask."""
    domain = scene.domain
    end = later(scene.epoch, timedelta(days=_DAYS * 2).total_seconds())
    if domain.identity is None:
        # Whoever has configured nothing has no ledger either; DNS may be there.
        return Lookups(now=end, resolver=None if chance.yes(_NO_DNS) else ZoneResolver(domain.dns))
    resolver = None if chance.yes(_NO_DNS) else ZoneResolver(domain.dns)
    if not domain.ledger_source or (chance.yes(_NO_LEDGER) and domain.identity.ledger_complete_since is None):
        return Lookups(now=end, resolver=resolver)
    _fill(scene, domain, chance)
    known = later(scene.epoch, timedelta(days=_DAYS / 2).total_seconds()) if chance.yes(_STALE) else end
    return Lookups(now=end, ledger=domain.ledger.until(known), resolver=resolver, habits=domain.habits)


def _fill(scene: Scene, domain: Protected, chance: Chance) -> None:
    """Let the ledger learn what its source holds: a log all, a Sent folder what people sent, or part of it."""
    partial = chance.yes(_PARTIAL) and not domain.ledger_complete
    if chance.yes(_LEARNED):
        for _ in range(_LETTERS):
            send(scene.world, scene.epoch)
    for position, letter in enumerate(scene.sent):
        by_program = position in scene.world.unlisted and domain.ledger_source != "log"
        if by_program or (partial and chance.yes(0.5)):
            continue
        domain.ledger.add(letter, domain.ledger_source)
        domain.habits.learn(letter)

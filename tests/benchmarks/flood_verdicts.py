"""What the memory of recent reports adds where a domain is flooded.

``python -m tests.benchmarks.flood_verdicts [--domains N] [--forged N] [--genuine N]``: for each
invented domain one campaign in its name, by one of the crafts that the generator knows, comes back
within two days, and beside it reports about its own mail, of five days. Told is how many are
quarantined where each is judged alone, and where each is judged again after all, as a sweep does.
Whose owner has configured nothing is taken to have named his domain, as every sweep asks for.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.corpus.chance import Chance, later
from classifier.corpus.era import draw_year
from classifier.corpus.scene import Scene
from classifier.corpus.world import make_remote
from classifier.corpus.worlds import draw_care, draw_lookups
from classifier.dataclass import replace
from classifier.evidence.company import strange
from classifier.examine import Examination, examine, examine_report
from classifier.identity import Identity
from classifier.model.files import in_use
from classifier.runtime import policy_of
from classifier.settings import PolicySettings
from classifier.store.database import Database
from classifier.store.floods import FloodStore
from classifier.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.base import Lookups

#: A flood comes from all over the world, and the generator's worlds have twenty organisations.
_ORGANISATIONS = 300
_DAY = 86_400
MODEL = in_use("/nonexistent/store")[0]
POLICY = policy_of(PolicySettings(), MODEL)


@dataclass(frozen=True)
class Flooded:
    """A domain with a full inbox.

    Attributes:
        craft: how the forger sends.
        identity: what the owner has configured.
        lookups: what the judge may ask, without the memory of recent reports.
        reports: each with whether it is forged.

    """

    craft: str
    identity: Identity
    lookups: Lookups
    reports: list[tuple[bytes, bool]]


def flood(seed: str, forged: int, genuine: int) -> Flooded:
    """Invent a domain, and fill its inbox."""
    chance = Chance(f"{seed}/about")
    year = draw_year(chance)
    scene = Scene(seed, year=year, care=draw_care(chance))
    scene.world.remotes += [make_remote(scene.world.chance, year) for _ in range(_ORGANISATIONS)]
    campaign = scene.campaign()
    found = [scene.genuine(later(scene.epoch, chance.randrange(5 * _DAY))) for _ in range(genuine)]
    moments = (later(scene.epoch, _DAY + chance.randrange(2 * _DAY)) for _ in range(forged))
    found += [scene.forged(moment, campaign) for moment in moments]
    found.sort(key=lambda message: message.received_at)
    lookups = replace(draw_lookups(scene, chance), now=later(scene.epoch, 5 * _DAY))
    identity = scene.domain.identity or Identity(domains=(scene.domain.name,))
    return Flooded(campaign.craft, identity, lookups, [(g.raw, g.label.value == "forged") for g in found])


def judged(flooded: Flooded) -> Iterator[tuple[bool, Examination, Examination]]:
    """Judge each report alone, and again with the memory of all."""
    identity, lookups = flooded.identity, flooded.lookups
    alone = [
        (forged, examine(raw, lookups, identity, POLICY, model=MODEL)) for raw, forged in flooded.reports
    ]
    with tempfile.TemporaryDirectory() as folder, Database.open(Path(folder, "state.sqlite3")) as database:
        floods = FloodStore(database)
        floods.record_all([(e.report, e.evidence, strange(e.report, lookups)) for _, e in alone], lookups.now)
        remembering = replace(lookups, floods=floods)
        for forged, found in alone:
            yield forged, found, examine_report(found.report, remembering, identity, POLICY, MODEL)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--forged", type=int, default=100, help="reports of forged mail, a domain")
    parser.add_argument("--genuine", type=int, default=20, help="reports of its own, a domain")
    options = parser.parse_args()
    counted: Counter[tuple[str, str]] = Counter()
    for number in range(options.domains):
        flooded = flood(f"flood/{number}", options.forged, options.genuine)
        for forged, alone, together in judged(flooded):
            for name in ("forged", flooded.craft) if forged else ("genuine",):
                counted[name, "all"] += 1
                counted[name, "alone"] += alone.judgement.action is Action.QUARANTINE
                counted[name, "together"] += together.judgement.action is Action.QUARANTINE
    print(f"{options.domains} domains; quarantined alone, and with what came beside them:")
    for name in dict.fromkeys(name for name, _ in counted):
        total, alone, together = (counted[name, what] for what in ("all", "alone", "together"))
        print(f"{name:20} {total:7,}  {alone:6,} {alone / total:6.1%}  {together:6,} {together / total:6.1%}")


if __name__ == "__main__":
    main()

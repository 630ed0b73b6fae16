"""Judged reports added up, for tests of what ``backscatter report`` shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from classifier.corpus.scene import Scene, careful_domain
from classifier.dataclass import replace
from classifier.evidence.base import Lookups
from classifier.examine import examine
from classifier.history import entry_of
from classifier.identity import Identity
from classifier.present.attack import Attack

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LOOKUPS = Lookups(now=NOW)


def attack_of(*messages, identity=None):
    """Add up raw messages."""
    attack = Attack(identity, NOW)
    for number, raw in enumerate(messages):
        found = examine(raw, LOOKUPS, identity)
        attack.messages += 1
        attack.add(
            entry_of(found, identity or Identity(domains=found.report.addressed_domains[:1]), NOW),
            f"m{number}",
        )
    return attack


def entries(number):
    """Return *number* judged reports of forty campaigns over two weeks, every tenth genuine; and who is protected."""
    scene = Scene("many", domain=careful_domain("many"))
    campaigns = [scene.campaign() for _ in range(40)]
    identity = scene.domain.identity
    made = [scene.forged(NOW - timedelta(hours=n % 300), campaigns[n % 40]).raw for n in range(360)]
    made += [scene.genuine(NOW - timedelta(hours=n * 7)).raw for n in range(40)]
    found = [entry_of(examine(raw, LOOKUPS, identity), identity, NOW) for raw in made]
    found = [replace(e, verdict="genuine", decided="proof") if n >= 360 else e for n, e in enumerate(found)]
    found = [e for e in found if e.verdict != "not-a-report"]
    return [replace(found[n * 7 % len(found)], digest=f"{n}") for n in range(number)], identity


def flood(judged, identity):
    """Add them up."""
    attack = Attack(identity, NOW)
    for n, entry in enumerate(judged):
        attack.messages += 1
        attack.add(entry, f"inbox/{n}")
    return attack

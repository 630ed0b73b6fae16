"""Many invented domains, each configured as carefully as it happens to be: no genuine report may be moved."""

from __future__ import annotations

from collections import Counter

import pytest

from classifier.corpus.chance import EPOCH, later
from classifier.corpus.crafts import CRAFTS
from classifier.corpus.knowledge import ZoneResolver
from classifier.corpus.reporters.base import Returned
from classifier.corpus.routes import ROUTES
from classifier.corpus.scene import Label, Scene, mailbox
from classifier.corpus.worlds import worlds
from classifier.evidence.base import Lookups
from classifier.examine import examine, examine_report
from classifier.parse.message import parse
from classifier.vocabulary import Action, ReportKind, Verdict

END = later(EPOCH, 20 * 86_400)


@pytest.mark.parametrize("number", range(20))
def test_no_genuine_report_is_quarantined(number):
    scene = Scene(f"world {number}")
    messages = mailbox(scene, ordinary=10, genuine=40, forged=80)
    domain = scene.domain
    for letter in scene.sent:
        domain.ledger.add(letter, domain.ledger_source or "sync")
    known = domain.identity is not None
    lookups = Lookups(
        now=END,
        ledger=domain.ledger.until(END) if known and domain.ledger_source else None,
        resolver=ZoneResolver(domain.dns) if known else None,
    )
    verdicts = Counter()
    for message in messages:
        # As configured, with nothing configured, and with nobody to ask.
        for identity, asked in (
            (domain.identity, lookups),
            (None, Lookups(now=END)),
            (domain.identity, Lookups(now=END)),
        ):
            judgement = examine(message.raw, asked, identity).judgement
            # A replayed signature and a neighbour at our own provider look like us.
            if message.route not in {"replay", "shared-provider"}:
                verdicts[message.label, judgement.verdict] += 1
            if message.label is not Label.FORGED:
                assert judgement.action is Action.KEEP, (message.format, judgement.reasons)
    assert verdicts[Label.FORGED, Verdict.GENUINE] == 0


@pytest.fixture(scope="module")
def cases():
    return list(worlds("worlds", 2_400))


def test_no_world_loses_a_genuine_report(cases):
    missed = 0
    for case in cases:
        report = parse(case.generated.raw)
        missed += report.kind is ReportKind.OTHER
        if case.generated.label is Label.GENUINE:
            judgement = examine_report(report, case.lookups, case.identity).judgement
            assert judgement.action is Action.KEEP, (case.generated.route, judgement.reasons)
    assert missed <= len(cases) / 100


def test_every_way_is_met(cases):
    made = {(case.generated.label, case.generated.route) for case in cases}
    for label, names in ((Label.GENUINE, ROUTES), (Label.FORGED, CRAFTS)):
        assert {route for found, route in made if found is label} == set(names)
    shares = Counter((case.generated.label, case.generated.spam) for case in cases)
    for label in (Label.GENUINE, Label.FORGED):
        assert min(shares[label, True], shares[label, False]) > len(cases) / 2 * 0.15
    assert {case.generated.returned for case in cases} == set(Returned)
    assert min(case.year for case in cases) < 2003
    assert max(case.year for case in cases) > 2020
    assert 0.2 < sum(case.identity is None for case in cases) / len(cases) < 0.5


def test_the_same_seed_makes_the_same_worlds(cases):
    again = worlds("worlds", 200)
    assert [c.generated for c in again] == [c.generated for c in cases[:200]]

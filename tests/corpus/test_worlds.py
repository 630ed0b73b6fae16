"""Many invented domains, each configured as carefully as it happens to be: no genuine report may be moved."""

from __future__ import annotations

from collections import Counter

import pytest

from classifier.corpus.chance import EPOCH, later
from classifier.corpus.knowledge import ZoneResolver
from classifier.corpus.scene import Label, Scene, mailbox
from classifier.evidence.base import Lookups
from classifier.examine import examine
from classifier.vocabulary import Action, Verdict

END = later(EPOCH, 20 * 86_400)


@pytest.mark.parametrize("number", range(20))
def test_no_genuine_report_is_quarantined(number):
    scene = Scene(f"world {number}")
    messages = mailbox(scene, ordinary=10, genuine=40, forged=20)
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
            verdicts[message.label, judgement.verdict] += 1
            if message.label is not Label.FORGED:
                assert judgement.action is Action.KEEP, (message.format, judgement.reasons)
    assert verdicts[Label.FORGED, Verdict.GENUINE] == 0

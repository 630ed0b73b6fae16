"""What is not known points nowhere: it never counts towards forged."""

from __future__ import annotations

import math

import pytest

from classifier.model.features import FEATURES, NAMES, WORDS
from classifier.model.files import default_path, read
from classifier.model.score import score

#: Nothing came back that tells: no evidence, no words, every other fact missing.
NOTHING = [0.0 if f.name.startswith("evidence.") or i == WORDS else math.nan for i, f in enumerate(FEATURES)]
#: Log-odds: so far the curves are left to chance by fitting.
CHANCE = 0.25
#: Hops are counted, and of words and Reply-To none is what most mail has.
COUNTED = {"words", "below.hops", "reply-to.elsewhere"}
FACTS = [f for f in FEATURES if not f.name.startswith("evidence.") and f.name not in COUNTED]


def test_where_nothing_is_known_the_model_does_not_lean_towards_forged():
    log_odds, _ = score(read(default_path()), NOTHING)
    assert log_odds <= 0


@pytest.mark.parametrize("feature", FACTS, ids=lambda feature: feature.name)
def test_a_missing_fact_never_counts_more_for_forged_than_its_plain_absence(feature):
    model, place = read(default_path()), NAMES.index(feature.name)
    absent, _ = score(model, [*NOTHING[:place], 0.0, *NOTHING[place + 1 :]])
    missing, _ = score(model, NOTHING)
    assert missing <= absent + CHANCE

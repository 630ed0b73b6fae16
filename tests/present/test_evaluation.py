"""The promise in words, and how labelled mail is added up."""

from __future__ import annotations

import pytest

from classifier.evidence.company import joined
from classifier.judge import FORGED_FROM
from classifier.model.artifact import NO_PROMISE, Curve, Model, Promise
from classifier.model.features import NAMES
from classifier.model.words import BUCKETS
from classifier.present.evaluation import FORGED, GENUINE, Tally, evaluation
from classifier.vocabulary import Verdict


def model(genuine, highest):
    curves = tuple(Curve((), (0.0,), 0.0) for _ in NAMES)
    promise = Promise(genuine, tuple(highest))
    return Model(
        "m-1", 0.0, curves, (0.0,) * BUCKETS, 0.0, 1.0, 0.0, promise, NO_PROMISE, {"material": "letters"}
    )


def tally(groups, lost=()):
    found = Tally(GENUINE, quarantined=len(lost), lost=list(lost), prints=[(str(g),) for g in groups])
    found.verdicts[Verdict.GENUINE] = len(groups)
    return found


def promise(found, limit=0.001, threshold=FORGED_FROM, by=None):
    return evaluation(found, Tally(FORGED), limit, threshold, by).promise


def test_joined():
    assert joined([]) == []
    assert joined([(), ()]) == [0, 1]
    one, other, third, apart = joined([("a",), ("b",), ("a", "b"), ("c",)])
    assert one == other == third != apart


def test_the_promise_says_on_what_it_rests():
    kept = promise(tally(range(10)), threshold=0.995, by=model(5000, [4.0] * 10))
    assert kept.promised
    assert "at 95% confidence at most 0.10% of genuine reports like those measured" in str(kept)
    assert "5,000 genuine reports, one from each group" in str(kept)
    assert "(letters)" in str(kept)
    # A threshold below the one that the scores allow promises nothing.
    low = promise(tally(range(10)), threshold=0.9, by=model(5000, [4.0] * 10))
    assert not low.promised
    assert "too many lie above the threshold of 0.9000" in str(low)


def test_the_promise_says_how_many_more_it_takes():
    few = promise(tally(range(10)), by=model(1000, [4.0] * 10))
    assert (few.promised, few.needed, few.model_missing) == (False, 2995, 1995)
    assert "Nothing is promised" in str(few)
    assert "takes 2,995, 1,995 more" in str(few)
    assert "No model judges" in str(promise(tally(range(10))))


def test_what_these_reports_show_counts_each_group_once():
    shown = promise(tally([1, 1, 1, 2, 2, 3], lost=(0, 1)))
    assert (shown.genuine, shown.lost, shown.missing) == (3, 1, 2992)
    assert "1 of them quarantined" in str(shown)
    assert "more" not in str(shown).splitlines()[1]
    none = promise(tally(range(2995)))
    assert none.shown <= 0.001
    assert "takes" not in str(none).splitlines()[1]
    assert promise(tally(range(2994))).missing == 1
    assert "nothing is known here" in str(promise(Tally(GENUINE)))


def test_the_parts_add_up():
    genuine, forged = Tally(GENUINE), Tally(FORGED)
    genuine.by["kind", "dsn", Verdict.GENUINE] = 3
    forged.by["kind", "dsn", Verdict.FORGED] = 2
    forged.by["kind", "bounce", Verdict.FORGED] = 9
    forged.moved["kind", "dsn"] = 1
    found = evaluation(genuine, forged, 0.001, FORGED_FROM, None)
    rows = [(value, g.count, g.of, f.count, f.of) for _, value, g, f in found.parts]
    assert rows == [("bounce", 0, 0, 0, 9), ("dsn", 0, 3, 1, 2)]
    assert found.ranking is None
    assert found.as_dict()["area_under_roc"] is None


@pytest.mark.parametrize("limit", [0.01, 0.001])
def test_needed_is_the_least_number_that_shows_the_limit(limit):
    least = promise(tally([]), limit).needed
    assert promise(tally(range(least)), limit).shown <= limit < promise(tally(range(least - 1)), limit).shown

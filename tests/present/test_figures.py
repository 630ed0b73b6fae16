"""Figures: against values that can be worked out by hand or stand in tables."""

from __future__ import annotations

import math
import random

import pytest

from classifier.present.figures import Share, shown_loss
from classifier.present.ranking import area_under_roc, calibration_error, ranking


def test_a_share_and_its_interval():
    low, high = Share(0, 10).interval
    assert low == 0
    assert math.isclose(high, 0.2775, abs_tol=1e-4)  # Wilson's, from tables
    assert Share(5, 10).interval[0] == pytest.approx(0.2366, abs=1e-4)
    assert Share(0, 0).value is None
    assert str(Share(0, 0)) == "none"
    assert str(Share(1, 4)).startswith("1 of 4 (25.00%;")


def test_the_area_under_the_curve():
    assert area_under_roc([0.1, 0.2], [0.8, 0.9]) == 1
    assert area_under_roc([0.9], [0.1]) == 0
    assert area_under_roc([0.5, 0.5], [0.5]) == 0.5
    assert area_under_roc([0.1, 0.5], [0.5, 0.9]) == pytest.approx(3.5 / 4)
    assert area_under_roc([], [0.5]) is None
    chance = random.Random(1)
    genuine, forged = [chance.random() for _ in range(40)], [chance.random() ** 0.5 for _ in range(50)]
    pairs = sum((f > g) + (f == g) / 2 for f in forged for g in genuine)
    assert area_under_roc(genuine, forged) == pytest.approx(pairs / 2000)


def test_the_calibration_error():
    assert calibration_error([0.0] * 3, [1.0] * 7) == 0
    assert calibration_error([1.0], [0.0]) == 1
    assert calibration_error([0.5] * 4, [0.5]) == 0
    assert calibration_error([], [1.0]) is None


def test_the_loss_that_is_shown():
    assert shown_loss(0, 2995) <= 0.001 < shown_loss(0, 2990)
    assert shown_loss(0, 0) == 1
    assert shown_loss(3, 3) == 1
    assert shown_loss(1, 100) == pytest.approx(0.0466, abs=1e-4)  # Clopper and Pearson's, from tables


def test_the_area_under_precision_recall():
    def area(genuine, forged):
        return ranking(genuine, forged, range(len(genuine)), range(len(forged))).precision_recall.value

    assert area([0.1, 0.2], [0.8, 0.9]) == 1
    # By hand, both labels weighing the same: half of the forged at precision 1, the other half at 1 of 1 1/2.
    assert area([0.6, 0.1], [0.9, 0.5]) == pytest.approx(0.5 * 1 + 0.5 * 1 / 1.5)
    # The prior is one half, however many of each there are.
    assert area([0.6, 0.1] * 5, [0.9, 0.5]) == pytest.approx(area([0.6, 0.1], [0.9, 0.5]))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    # Scores whose true area is 7/12: uniform, and the larger part of a uniform with density 1/2 + x.
    held = 0
    for seed in range(60):
        chance = random.Random(seed)
        genuine = [chance.random() for _ in range(150)]
        forged = [
            max(chance.random(), chance.random()) if chance.random() < 0.5 else chance.random()
            for _ in range(150)
        ]
        found = ranking(genuine, forged, range(150), range(150)).roc
        assert found.low <= found.value <= found.high
        held += found.low <= 7 / 12 <= found.high
    assert 52 <= held <= 60


def test_near_identical_reports_are_one_observation():
    chance = random.Random(2)
    genuine, forged = [chance.random() for _ in range(20)], [chance.random() ** 0.5 for _ in range(20)]
    groups = range(20)
    once = ranking(genuine, forged, groups, groups)
    often = ranking(genuine * 10, forged * 10, [*groups] * 10, [*groups] * 10)
    apart = ranking(genuine * 10, forged * 10, range(200), range(200))
    for name in ("roc", "precision_recall", "calibration"):
        first, again, wrong = (getattr(found, name) for found in (once, often, apart))
        assert again.value == pytest.approx(first.value)
        assert (again.low, again.high) == pytest.approx((first.low, first.high))
        assert wrong.high - wrong.low < 0.6 * (first.high - first.low)
    # Wilson's interval of a part of the scale counts them once, too.
    pairs = [(a.found, b.found) for a, b in zip(once.reliability, often.reliability, strict=True) if a.found]
    assert all((a.low, a.high) == pytest.approx((b.low, b.high)) for a, b in pairs)


def test_reliability_and_curves():
    found = ranking([0.05, 0.05, 0.95], [0.95, 0.95, 0.05, 0.95], range(3), range(4))
    low, high = found.reliability[0], found.reliability[-1]
    assert (low.genuine, low.forged, high.genuine, high.forged) == (2, 1, 1, 3)
    assert low.said == pytest.approx(0.05)
    assert low.found.value == pytest.approx((1 / 4) / (1 / 4 + 2 / 3))
    assert low.found.low < low.found.value < low.found.high
    assert found.reliability[4].found is None
    assert found.calibration.value == pytest.approx(
        sum(
            (b.genuine / 3 + b.forged / 4) / 2 * abs(b.said - b.found.value)
            for b in found.reliability
            if b.found
        )
    )
    assert [*map(list, found.roc_curve)] == [pytest.approx([1 / 3, 3 / 4]), pytest.approx([1, 1])]
    assert ranking([], [0.5], [], [0]) is None
    many = [i / 5000 for i in range(5000)]
    thinned = ranking(many, many, range(5000), range(5000)).roc_curve
    assert len(thinned) <= 120
    assert thinned[-1] == pytest.approx((1, 1))

"""Figures: against values that can be worked out by hand or stand in tables."""

from __future__ import annotations

import math
import random

import pytest

from classifier.present.figures import (
    Share,
    area_under_roc,
    calibration_error,
    needed_for_promise,
    shown_loss,
)


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


def test_the_promise():
    assert needed_for_promise(0.001) == 2995
    assert shown_loss(0, 2995) <= 0.001 < shown_loss(0, 2990)
    assert shown_loss(0, 0) == 1
    assert shown_loss(3, 3) == 1
    assert shown_loss(1, 100) == pytest.approx(0.0466, abs=1e-4)  # Clopper and Pearson's, from tables

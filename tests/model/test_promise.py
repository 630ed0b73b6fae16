"""The threshold is where the order statistics of Tong, Feng and Li (2018) allow it."""

import random

import pytest

from classifier.model.artifact import Promise
from classifier.model.promise import DISTANCE, needed, probability_threshold, threshold


def test_a_tenth_of_a_percent_takes_2995_reports_with_none_above():
    assert needed(0.001) == 2_995
    scores = tuple(sorted((i / 1000 for i in range(400)), reverse=True))
    assert threshold(Promise(2_994, scores), 0.001) is None
    assert threshold(Promise(2_995, scores), 0.001) == scores[0] + DISTANCE


def test_more_reports_or_more_loss_never_ask_for_a_higher_score():
    scores = tuple(float(i) for i in range(400, 0, -1))
    by_number = [threshold(Promise(n, scores), 0.001) for n in (3_000, 12_000, 50_000, 200_000)]
    assert by_number == sorted(by_number, reverse=True)
    by_loss = [threshold(Promise(20_000, scores), loss) for loss in (0.0005, 0.001, 0.01, 0.1, 0.9)]
    assert by_loss == sorted(by_loss, reverse=True)


@pytest.mark.parametrize("promise", [Promise(0, ()), Promise(10, (1.0,))])
def test_too_few_promise_nothing(promise):
    assert threshold(promise, 0.001) is None
    assert probability_threshold(promise, 0.001) is None
    assert threshold(promise, 0.0) is None


def test_the_promise_holds_on_mail_like_that_measured():
    """Of many draws, at least 95 % keep the loss, even without the distance that is put on top."""
    chance = random.Random(5)
    broken = 0
    for _ in range(300):
        scores = sorted((chance.gauss(0, 1) for _ in range(1_000)), reverse=True)
        limit = threshold(Promise(1_000, tuple(scores[:400])), 0.02)
        # The share of a standard normal above the limit.
        assert limit is not None
        broken += limit - DISTANCE < 2.0537
    assert 0 < broken <= 24  # 15 are expected; the order statistic is sharp

"""The threshold is where the order statistics of Tong, Feng and Li (2018) allow it."""

import math
import random
from dataclasses import replace

import pytest

from classifier.model.artifact import NO_PROMISE, Curve, Model, Promise
from classifier.model.features import NAMES
from classifier.model.promise import (
    DISTANCE,
    needed,
    order_statistic,
    probability_threshold,
    promise_for,
    threshold,
)


def test_a_tenth_of_a_percent_takes_2995_reports_with_none_above():
    assert needed(0.001) == 2_995
    scores = tuple(sorted((i / 1000 for i in range(400)), reverse=True))
    assert order_statistic(Promise(2_994, scores), 0.001) is None
    assert order_statistic(Promise(2_995, scores), 0.001) == scores[0]


def test_more_reports_or_more_loss_never_ask_for_a_higher_score():
    scores = tuple(float(i) for i in range(400, 0, -1))
    by_number = [order_statistic(Promise(n, scores), 0.001) for n in (3_000, 12_000, 50_000, 200_000)]
    assert by_number == sorted(by_number, reverse=True)
    by_loss = [order_statistic(Promise(20_000, scores), loss) for loss in (0.0005, 0.001, 0.01, 0.1, 0.9)]
    assert by_loss == sorted(by_loss, reverse=True)


def model(of_any, configured=NO_PROMISE):
    curves = tuple(Curve((), (0.0,), 0.0) for _ in NAMES)
    return Model("m-1", 0.0, curves, (), 0.0, 1.0, 0.0, of_any, configured, {})


def test_who_said_whom_to_protect_has_a_promise_of_his_own_where_it_rests_on_enough():
    of_any, own = Promise(9_000, (5.0, 4.5, 4.0, 3.5, 3.0)), Promise(4_000, (2.0, 1.0))
    both = model(of_any, own)
    assert promise_for(both, 0.001, configured=True) is own
    assert promise_for(both, 0.001, configured=False) is of_any
    assert probability_threshold(both, 0.001, 0.99, configured=True) == pytest.approx(
        1 / (1 + math.exp(-2.0 - DISTANCE))
    )
    assert probability_threshold(both, 0.001, 0.99, configured=False) == pytest.approx(
        1 / (1 + math.exp(-order_statistic(of_any, 0.001) - DISTANCE))
    )
    # A smaller number of reports may ask for more; what all of them show is true as well.
    assert promise_for(model(own, of_any), 0.001, configured=True) is own
    # 4,000 cannot show so little: then what all of them show counts.
    assert promise_for(both, 0.0005, configured=True) is of_any


@pytest.mark.parametrize("promise", [Promise(0, ()), Promise(10, (1.0,))])
def test_too_few_promise_nothing(promise):
    assert threshold(promise, 0.001) is None
    assert probability_threshold(model(promise, promise), 0.001, 0.99, configured=True) == 0.99
    assert threshold(promise, 0.0) is None


@pytest.mark.parametrize("configured", [True, False])
def test_a_model_of_the_users_own_keeps_the_default_models_threshold_until_it_can_promise(configured):
    default = model(Promise(9_000, (5.0, 4.5, 4.0, 3.5, 3.0)), Promise(4_000, (2.0, 1.0)))
    few = replace(
        model(Promise(30, (0.5,))), shipped=default.promise, shipped_configured=default.promise_configured
    )
    asked = {
        name: probability_threshold(one, 0.001, 0.99, configured=configured)
        for name, one in (("default", default), ("few", few))
    }
    assert asked["few"] == asked["default"] > 0.98
    enough = replace(few, promise=Promise(4_000, (3.0, 2.9)))
    assert probability_threshold(enough, 0.001, 0.99, configured=configured) == pytest.approx(
        1 / (1 + math.exp(-3.0 - DISTANCE))
    )


def test_less_loss_than_can_be_promised_never_asks_for_less():
    few = model(Promise(9_000, (7.0, 4.5, 4.0, 3.5, 3.0)))
    asked = [probability_threshold(few, loss, 0.99, configured=True) for loss in (0.0001, 0.0005, 0.001)]
    assert asked == sorted(asked, reverse=True)


def test_the_promise_holds_on_mail_like_that_measured():
    """Of many draws, at least 95 % keep the loss."""
    chance = random.Random(5)
    broken = 0
    for _ in range(300):
        scores = sorted((chance.gauss(0, 1) for _ in range(1_000)), reverse=True)
        limit = order_statistic(Promise(1_000, tuple(scores[:400])), 0.02)
        # The share of a standard normal above the limit.
        assert limit is not None
        broken += limit < 2.0537
    assert 0 < broken <= 24  # 15 are expected; the order statistic is sharp

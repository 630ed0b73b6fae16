"""What is exported is what scikit-learn fitted, to the ninth digit."""

import dataclasses
import subprocess
import sys
import time
from bisect import bisect_left

import numpy as np
import psutil
import pytest

from classifier.model.artifact import NO_PROMISE, from_bytes, to_bytes
from classifier.model.features import FEATURES, WORDS
from classifier.model.score import score, words_score
from classifier.training import fitting
from classifier.training.background import background
from classifier.training.examples import MADE
from classifier.training.folds import cross_validate
from classifier.training.retrain import _share
from tests.support import ends


@pytest.fixture(scope="module")
def examples():
    return background(1_600, "test/fitting", jobs=1)


@pytest.fixture(scope="module")
def pipeline(examples):
    settings = fitting.Settings(rounds=120)
    raw = cross_validate(examples, settings, jobs=1)
    return fitting.calibrate_on(fitting.fit(examples, settings), raw, examples)


@pytest.fixture(scope="module")
def model(examples, pipeline):
    promise = fitting.promise_of(fitting.final(pipeline.log_odds(examples), examples), examples)
    return fitting.centred(fitting.export(pipeline, "test", promise, {}), examples)


def many(examples, count, seed=3):
    """Recombine examples: values of each feature drawn by themselves, gaps and new values among them."""
    chance = np.random.default_rng(seed)
    rows = chance.integers(len(examples), size=(len(FEATURES), count))
    values = np.stack([examples.values[rows[j], j] for j in range(len(FEATURES))], axis=1)
    values += np.where(chance.random(values.shape) < 0.1, chance.normal(size=values.shape), 0.0)
    values[chance.random(values.shape) < 0.1] = np.nan
    drawn = examples.take(chance.integers(len(examples), size=count))
    return dataclasses.replace(drawn, values=values)


def test_plain_python_gives_scikit_learns_probability(examples, pipeline, model):
    drawn = many(examples, 10_000)
    theirs = 1 / (1 + np.exp(-pipeline.log_odds(drawn)))
    read = from_bytes(to_bytes(model), "x")
    worst = 0.0
    for values, buckets, expected in zip(drawn.values, drawn.buckets, theirs, strict=True):
        row = [float(v) for v in values]
        row[WORDS] = words_score(read, buckets)
        ours = 1 / (1 + np.exp(-score(read, row)[0]))
        worst = max(worst, abs(ours - expected))
    assert worst < 1e-9


def test_the_same_input_gives_the_same_bytes(examples, model):
    settings = fitting.Settings(rounds=120)
    raw = cross_validate(examples, settings, jobs=2)
    again = fitting.calibrate_on(fitting.fit(examples, settings), raw, examples)
    promise = fitting.promise_of(fitting.final(again.log_odds(examples), examples), examples)
    assert to_bytes(fitting.centred(fitting.export(again, "test", promise, {}), examples)) == to_bytes(model)


def test_two_models_blend_to_the_mean_of_what_they_say(examples, model):
    other = fitting.export(
        fitting.fit(examples, fitting.Settings(rounds=40), seed=5), "other", NO_PROMISE, {}
    )
    other = dataclasses.replace(other, scale=1.5, shift=-0.2)
    both = from_bytes(to_bytes(fitting.blended(model, other, 0.25)), "x")
    for values in many(examples, 500).values:
        row = [float(v) for v in values]
        row[WORDS] = 0.0
        expected = 0.75 * score(model, row)[0] + 0.25 * score(other, row)[0]
        assert score(both, row)[0] == pytest.approx(expected, abs=1e-9)
    some = [3, 70, 900]
    assert words_score(both, some) == pytest.approx(
        0.75 * words_score(model, some) + 0.25 * words_score(other, some)
    )


def test_the_fewer_reports_of_ones_own_the_more_of_the_default_model_stays(examples):
    def share(number, note=()):
        return _share(dataclasses.replace(examples.take(np.arange(number)), notes=[note] * number))

    assert share(10) < share(60) < 0.5 < share(400) < 1
    assert share(400, MADE) == 0.25


def test_what_is_missing_never_counts_more_for_forged_than_its_plain_absence(examples):
    column = next(j for j, feature in enumerate(FEATURES) if feature.name == "reply-to.elsewhere")
    values = examples.values.copy()
    values[:, column] = np.where(examples.labels == 1, np.nan, 0.0)
    pipeline = fitting.fit(dataclasses.replace(examples, values=values), fitting.Settings(rounds=60))
    assert pipeline.leaning[column] > 0.1  # a fit leans to it by itself
    curve = fitting.export(pipeline, "test", NO_PROMISE, {}).curves[column]
    assert curve.missing == pytest.approx(curve.values[bisect_left(curve.thresholds, 0.0)])


def test_groups_never_stand_on_both_sides(examples):
    assert len(np.unique(examples.groups)) >= 10
    for group in np.unique(examples.groups):
        assert (
            len({note[2] for note, g in zip(examples.notes, examples.groups, strict=True) if g == group}) == 1
        )


def test_both_classes_weigh_the_same():
    labels = np.array([0, 0, 0, 1], dtype=np.int8)
    weights = fitting.class_weights(labels)
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    assert weights.mean() == pytest.approx(1)


def test_noise_exchanges_values_and_makes_none_up(examples):
    disturbed = fitting.disturbed(examples.values, seed=1)
    for column in range(len(FEATURES)):
        had = set(np.nan_to_num(examples.values[:, column], nan=-99))
        assert set(np.nan_to_num(disturbed[:, column], nan=-99)) <= had


def test_the_promise_counts_near_identical_reports_once(examples):
    twice = examples.take(np.concatenate([np.arange(len(examples))] * 2))
    scores = np.zeros(len(twice))
    assert (
        fitting.promise_of(scores, twice).genuine
        == fitting.promise_of(scores[: len(examples)], examples).genuine
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells processes that their parent was killed")
def test_killing_a_fit_ends_its_processes():
    code = """
from classifier.training import fitting
from classifier.training.background import background
from classifier.training.folds import cross_validate
examples = background(400, "test/kill", jobs=1)
print("fitting", flush=True)
cross_validate(examples, fitting.Settings(rounds=1_000_000), jobs=2)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    with process:
        assert process.stdout.readline() == b"fitting\n"
        top = psutil.Process(process.pid)
        # The fits have begun where two processes below work; the interpreters alone take a second.
        end = time.monotonic() + 60
        while (
            sum(p.cpu_times().user > 3 for p in top.children(recursive=True)) < 2 and time.monotonic() < end
        ):
            time.sleep(0.1)
        assert len(top.children(recursive=True)) >= 2
        process.kill()
        process.wait()
        assert ends(process.pid)

"""What is held out of the user's reports: the same again when more have come, and enough of few."""

from hashlib import sha256

import numpy as np
import pytest

from classifier.training.background import background
from classifier.training.retrain import _held_out


@pytest.fixture(scope="module")
def examples():
    return background(400, "test/retrain", jobs=1)


def keys(number):
    return [sha256(str(n).encode()).digest() for n in range(number)]


def test_what_was_held_out_is_held_out_again_when_more_has_come(examples):
    every = np.arange(len(examples))
    named = keys(len(examples))
    some = every[::2][::-1]  # and in whatever order it is given
    before = _held_out(examples.take(some), [named[n] for n in some])
    after = _held_out(examples, named)
    twins = examples.twins
    alone = [n for n in range(len(some)) if (twins == twins[some[n]]).sum() == 1]
    assert len(alone) > 50
    assert [bool(before[n]) for n in alone] == [bool(after[some[n]]) for n in alone]
    assert 0.25 < after.mean() < 0.45
    # Near-identical ones are on one side.
    assert all(len(set(after[twins == twin].tolist())) == 1 for twin in set(twins.tolist()))


@pytest.mark.parametrize("first", [b"\0", b"\1"])
def test_of_few_reports_some_are_held_out_and_more_are_kept(examples, first):
    """Whatever their digests are like."""
    few = examples.take(np.unique(examples.twins, return_index=True)[1][:24])
    held = _held_out(few, [first + key for key in keys(24)])
    for label in (0, 1):
        share = held[few.labels == label].mean()
        assert 0.2 < share < 0.6

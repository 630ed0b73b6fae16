"""Time grows no faster than the message, whatever it is made of; passing a limit is noted."""

from __future__ import annotations

import pytest

from classifier.parse.limits import MAX_DEPTH, MAX_HOPS, MAX_PARTS, MAX_RECIPIENTS
from classifier.parse.message import parse
from tests.benchmarks.parser_growth import SHAPES, measured, peak

SMALL, FACTOR = 150_000, 8
#: Something quadratic takes 64 times as long for 8 times the size.
ALLOWED = 2.5 * FACTOR
#: Seconds that tell nothing of growth.
NOISE = 0.1
#: So many times a message's size it may take at most, of one of a megabyte; 34 times was measured.
MEMORY = 50


@pytest.mark.parametrize("shape", SHAPES)
def test_time_is_linear(shape):
    make = SHAPES[shape]
    assert measured(make(SMALL * FACTOR)) < ALLOWED * measured(make(SMALL)) + NOISE


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_bounded(shape):
    assert peak(SHAPES[shape](1_000_000)) < MEMORY


@pytest.mark.parametrize(
    ("shape", "size", "note"),
    [
        ("nested parts", 640_000, f"parts nested more than {MAX_DEPTH} deep were not read"),
        ("many parts", 100_000, f"parts after the first {MAX_PARTS} were not read"),
        ("many recipients", 1_200_000, f"recipients after the first {MAX_RECIPIENTS} were not read"),
        ("many Received fields", 100_000, f"Received fields after the first {MAX_HOPS} were not read"),
    ],
)
def test_a_limit_is_noted(shape, size, note):
    report = parse(SHAPES[shape](size))
    assert note in report.notes
    assert len(report.recipients) <= MAX_RECIPIENTS
    assert len(report.trace) <= MAX_HOPS

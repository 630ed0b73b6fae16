"""Addresses in header values."""

from __future__ import annotations

import time

from classifier.parse.addresses import find_addresses


def seconds(value):
    """Return the processor's seconds for reading *value*: the least of five."""
    took = []
    for _ in range(5):
        began = time.process_time()
        find_addresses(value)
        took.append(time.process_time() - began)
    return min(took)


def test_a_long_word_without_an_address_costs_no_more_than_many_short_ones():
    # Where each of its characters is taken for the beginning of an address it is a hundred times as much.
    size = 60_000
    assert seconds("a" * size + "@") < 10 * seconds("a " * (size // 2) + "@")


def test_of_a_longer_local_part_the_end_counts():
    assert find_addresses("-" * 300 + "anna@example.org") == ["-" * 252 + "anna@example.org"]
    assert find_addresses('"anna meyer"@example.org') == ['"anna meyer"@example.org']

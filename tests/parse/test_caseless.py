"""Searching in any case finds what ``re.IGNORECASE`` finds."""

from __future__ import annotations

import re

import pytest

from classifier.parse.caseless import Caseless
from classifier.parse.formats import notice, recipients

PATTERNS = {
    f"{module.__name__}.{name}": value
    for module in (notice, recipients)
    for name, value in vars(module).items()
    if isinstance(value, Caseless)
}
TEXTS = (
    "I could not deliver your message to",
    "Not a member of this mailing list <",
    "550 5.1.1 <",
    "RCPT To:<",
    "554 no such user: <",
    "Please contact postmaster, Reply-To: <",
    "\n-- Original Message --\n\nBelow is a copy of",
    "\n  Message Headers follow",
    "Alici: <",
    "nothing of the kind",
)


@pytest.mark.parametrize("name", PATTERNS)
def test_it_finds_what_re_finds(name: str) -> None:
    pattern = PATTERNS[name]
    for text in TEXTS:
        for spelt in (
            text,
            text.upper(),
            text.swapcase(),
            text.replace("s", "ſ"),
            f"é{text.upper()}",
            f"{text}é",
        ):
            for start in (0, 3):
                expected = re.compile(pattern._pattern, re.IGNORECASE).search(spelt, start, len(spelt))
                found = pattern.search(spelt, start, len(spelt))
                assert (found and found.span()) == (expected and expected.span()), spelt


def test_it_finds_something() -> None:
    found = [[bool(pattern.search(text.upper())) for pattern in PATTERNS.values()] for text in TEXTS]
    assert [any(row) for row in found] == [True] * (len(TEXTS) - 1) + [False]
    assert all(any(column) for column in zip(*found, strict=True))

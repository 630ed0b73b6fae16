"""Reply and status codes in free text."""

from __future__ import annotations

import time

import pytest

from classifier.parse.smtp import derive_status, find_reply, find_status


@pytest.mark.parametrize(
    ("text", "status", "reply"),
    [
        ("550 5.1.1 <x@example.org>... User unknown", "5.1.1", "550"),
        ("550-5.7.26 Unauthenticated email", "5.7.26", "550"),
        ("Sorry, no mailbox here by that name. (#5.1.1)", "5.1.1", None),
        ("host mx.example.org[192.0.2.7] said: 452 4.2.2 Mailbox full", "4.2.2", "452"),
        ("unavailable. [SMTP Error Code 550]", None, "550"),
        ("failed with: 550 <x@example.org> No such user here", None, "550"),
        ("192.0.2.153 does not like recipient.", None, None),
        ("sendmail 8.5.1.1 at 10.5.1.550", None, None),
        ("your message of 500 000 bytes, 4.5.2026", None, None),
        ("Exim 4.5.1.2", None, None),
        ("", None, None),
    ],
)
def test_codes_are_found_and_other_numbers_are_not(text: str, status: str | None, reply: str | None) -> None:
    assert (find_status(text), find_reply(text)) == (status, reply)


@pytest.mark.parametrize(
    ("reply", "words", "temporary", "status"),
    [
        (None, "User's mailbox is full", False, "5.2.2"),
        ("452", "mailbox full", False, "4.2.2"),
        (None, "mailbox full", True, "4.2.2"),
        ("550", "no such user", False, "5.1.1"),
        ("552", "", False, "5.2.2"),
        ("550", "go away", False, "5.0.0"),
        (None, "something happened", False, None),
    ],
)
def test_a_status_is_derived_from_reply_and_words(
    reply: str | None, words: str, temporary: bool, status: str | None
) -> None:
    assert derive_status(reply, words, temporary=temporary) == status


def test_time_is_bounded_on_bait() -> None:
    bait = "5.1." * 500_000 + "4 " * 500_000
    began = time.perf_counter()
    find_status(bait)
    find_reply(bait)
    assert time.perf_counter() - began < 1.0

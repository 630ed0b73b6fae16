"""The bytes of FETCH answers as servers write them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.mailbox import inspection
from classifier.mailbox.fetch import GarbledError, expand_set, read_copyuid, read_fetch, uid_set
from classifier.parse.addresses import find_address
from classifier.parse.headers import HeaderBlock


def test_literals_with_attributes_before_and_after():
    pieces = [
        (b'1 (UID 5 FLAGS (\\Seen $Label1) INTERNALDATE " 1-Mar-2026 10:00:00 +0100" BODY[HEADER]<0> {9}', b"A: b)\r\n\r\n"),
        b" RFC822.SIZE 77)",
        b"2 (FLAGS (\\Deleted))",
        (b"3 (RFC822.SIZE 9 BODY[HEADER] {4}", b"\r\n\r\n"),
        b" UID 9)",
    ]  # fmt: skip
    first, second, third = read_fetch(pieces)
    message = first.listed()
    assert (message.key, message.size, message.headers) == ("5", 77, b"A: b)\r\n\r\n")
    assert message.flags == {"\\Seen", "$Label1"}
    assert message.received_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert second.listed() is None
    assert third.listed().key == "9"


def test_attributes_in_another_order():
    (found,) = read_fetch(
        [(b"1 (BODY[HEADER] {2}", b"\r\n"), b' INTERNALDATE "01-Mar-2026 10:00:00 +0100" FLAGS () UID 007)']
    )
    message = found.listed()
    assert (message.key, message.size, message.flags) == ("7", 0, frozenset())
    assert message.received_at == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_quoted_strings_and_nil():
    (found,) = read_fetch([rb'4 (UID 7 BODY[HEADER]<0> "a \"UID 8\" \\ FLAGS (x)" RFC822.SIZE 3)'])
    assert found.listed().headers == rb'a "UID 8" \ FLAGS (x)'
    assert found.uid == 7
    (found,) = read_fetch([b"4 (UID 7 BODY[] NIL)"])
    assert found.sections == {"": None}
    (found,) = read_fetch([b'4 (UID 7 BODY[] "")'])
    assert found.sections == {"": b""}


def test_two_sections_of_one_message():
    pieces = [(b"1 (UID 5 BODY[HEADER] {2}", b"ab"), (b" BODY[] {3}", b"abc"), b")"]
    (found,) = read_fetch(pieces)
    assert found.sections == {"HEADER": b"ab", "": b"abc"}


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60), st.tuples(st.binary(max_size=60), st.binary(max_size=60)), st.none()
        )
    )
)
def test_anything_else_is_no_message_and_no_exception(pieces):
    with contextlib.suppress(GarbledError):
        for found in read_fetch(pieces):
            found.listed()


@given(st.lists(st.integers(1, 2000)))
def test_uid_sets_round_trip(uids):
    if uids:
        assert expand_set(uid_set(uids)) == sorted(set(uids))


def test_uid_sets_are_short():
    assert uid_set(["3", "1", "2", "7"]) == "1:3,7"


def test_copyuid():
    assert read_copyuid([b"38505 304,319:320 3956:3958"]) == {"304": "3956", "319": "3957", "320": "3958"}
    assert read_copyuid([b"1 1:2 1:3", b"", None, b"x", b"1 1:9999999999 1:9999999999", b"1 * 2"]) == {}


@pytest.mark.parametrize("text", ["1:99999999", "a", ""])
def test_sets_that_are_none(text):
    with pytest.raises(ValueError):
        expand_set(text)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (b"Return-Path: <>\r\nTo: a@b.test\r\n", ""),
        (b"return-path:<Anna@example.org>\nTo: a@b.test\n", "Anna@example.org"),
        (b"Return-Path: < >\r\n", ""),
        (b"Return-Path: <anna@example.org>\r\n (folded)\r\n", "anna@example.org"),
        (b"Return-Path:\r\n <anna@example.org>\r\n", "anna@example.org"),
        (b"Received: by mx\r\nReturn-Path: <>\r\n", ""),
        (b"Return-Path: <a@example.org>\r\nReturn-Path: <>\r\n", "a@example.org"),
        (b"X-Return-Path: <a@example.org>\r\n", None),
        (b"Return-Path: MAILER-DAEMON\r\n", None),
        (
            b"To: a@b.test\r\n Return-Path: <b@example.org>\r\nRETURN-Path :\r\n\t<a@example.org>\r\nTo: c\r\n",
            "a@example.org",
        ),
        (b"To: a@b.test\rReturn-Path: <a@example.org>\rReturn-Path: <>\r\n", "a@example.org"),
        (
            b"Return-Path-Of: <b@example.org>\r\nTo: return-path: <>\r\nReturn-Path: <a@example.org>\r\n",
            "a@example.org",
        ),
        (b"\nReturn-Path: <a@example.org>\nTo: a@b.test\n", "a@example.org"),
        (b"To: a@b.test\r\n", None),
        (b"", None),
    ],
)
def test_the_reverse_path_is_what_the_delivering_host_noted_first(headers, expected):
    found = inspection._return_path(headers)
    assert found == expected
    value = HeaderBlock(headers).get("return-path")
    assert found == (
        None if value is None else find_address(value) or ("" if "<>" in value.replace(" ", "") else None)
    )

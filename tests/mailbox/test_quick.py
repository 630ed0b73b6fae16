"""FETCH answers taken the short way: nothing may come out otherwise than by imaplib's own."""

from __future__ import annotations

import imaplib
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.mailbox.quick import quick


class Said(imaplib.IMAP4):
    """Hears what a server said after its greeting."""

    def __init__(self, said: bytes) -> None:
        self._said = BytesIO(b"* PREAUTH hello\r\n" + said)
        super().__init__()

    def open(self, *_place, **_timeout):
        pass

    def read(self, size):
        return self._said.read(size)

    def readline(self):
        return self._said.readline()

    def send(self, data):
        pass

    def _get_capabilities(self):
        self.capabilities = ("IMAP4REV1",)


def heard(kind, said: bytes):
    """Take answers until one is none; return them, the error, and what is left."""
    imap = kind(said)
    answers = []
    while True:
        try:
            answers.append(imap._get_response())
        except imaplib.IMAP4.error as error:
            return answers, type(error), str(error), imap.untagged_responses, imap._said.read()


PIECES = (
    b"* 1 FETCH (UID 5 BODY[HEADER] {4}\r\n", b"A: b", b"\r\n\r\n", b")\r\n", b" BODY[] {3}\r\n", b"abc",
    b"* 2 FETCH (FLAGS (\\Seen))\r\n", b"* 12 fetch (UID 3 BODY[] {0}\r\n", b"* OK still here\r\n", b"+ go on\r\n",
    b"* 3 FETCH {2}\r\n", b"* FETCH {1}\r\n", b"* 4 FETCH (X {99999999999}\r\n", b"* BYE {1}\r\n", b"\n", b"\r", b"* ", b"{3}",
    b"* 5 EXISTS\r\n", b"* 6 FETCH (BODY[] ~{4}\r\n", b"A001 OK done\r\n", b"* 7 FETCH (BODY[] {4+}\r\n",
)  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=6))).map(b"".join))
@example(b"* 1 FETCH (UID 5 BODY[HEADER]<0> {4}\r\nA: b BODY[] {3}\r\nabc)\r\n* 2 FETCH (UID 6)\r\n")
@example(b"* 1 FETCH (BODY[] {4}\r\nA: b)\n* 2 EXISTS\r\n")
@example(b"* 1 FETCH (BODY[] {4}\r\nA")
@example(b"* 1 FETCH (BODY[] {1}\r\nA\r BODY[HEADER] {1}\r\nB)\r\n")
@example(b"* 1 FETCH (BODY[] {1}\r\nA BODY[HEADER] {00000000000001}\r\nB)\r\n")
def test_it_is_what_imaplib_makes_of_it(said):
    assert heard(quick(Said), said) == heard(Said, said)


def test_a_literal_is_taken_no_longer_than_imaplib_takes_it():
    imap = quick(Said)(b"* 1 FETCH (BODY[] {40}\r\n")

    def refuse(size):
        raise imaplib.IMAP4.abort(f"{size} bytes")

    imap.read = refuse
    with pytest.raises(imaplib.IMAP4.abort, match="40 bytes"):
        imap._get_response()


def test_what_a_later_imaplib_asks_for_more_is_its_own():
    """Python 3.14 waits for a time in IDLE, and says so by an argument."""

    class Later(Said):
        def _get_response(self, start_timeout=False):
            return super()._get_response() if start_timeout is False else f"waited {start_timeout}"

    assert quick(Later)(b"")._get_response(start_timeout=5) == "waited 5"

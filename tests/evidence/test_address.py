"""Address: senders, traps and strangers."""

from __future__ import annotations

import dataclasses

import pytest

from classifier.evidence import address
from classifier.identity import Identity
from classifier.parse.report import Envelope
from classifier.vocabulary import ReportKind
from tests.evidence.makers import LOOKUPS, make, told

OPEN = Identity(
    domains=("example.org",),
    senders=("anna@example.org",),
    never_send=("trap@example.org", "*@t.example.org"),
)
OPEN_TO_ALL = dataclasses.replace(OPEN, senders=())
CLOSED = dataclasses.replace(OPEN, domains=("example.org", ".example.org"), closed_senders=True)
ACCENTED = dataclasses.replace(CLOSED, senders=("j\u00f6rg@example.org",))
NEVER, UNKNOWN = ("never-sends", "forged", "strong"), ("unknown-sender", "forged", "strong")
ANSWERED = ("never-sends-answered", "forged", "weak")
ELSEWHERE = ("from-elsewhere", "forged", "weak")
HARDLY = ("unknown-return-path", "forged", "strong")


def to(recipient, author="anna@example.org", more="", **parts):
    own = f"From: MAILER-DAEMON@mx.remote.test\nTo: <{recipient}>\n".encode()
    return make(own=own, headers=f"From: {author}\n{more}".encode(), **parts)


CASES = {
    "a sender of ours": (CLOSED, to("anna@example.org"), []),
    "a trap": (OPEN, to("trap@example.org"), [NEVER]),
    "a trap with a subaddress": (OPEN, to("trap+x@example.org"), [NEVER]),
    "any address of a trap domain": (CLOSED, to("joe@t.example.org"), [NEVER]),
    "an unknown address, open": (OPEN, to("bob@example.org"), []),
    "an unknown address, closed": (CLOSED, to("bob@example.org", "bob@example.org"), [UNKNOWN]),
    "an unknown return path under a known author": (CLOSED, to("bob@example.org"), [HARDLY]),
    "a sender with a subaddress": (CLOSED, to("anna+lists@example.org"), []),
    "a sender with a BATV tag": (CLOSED, to("prvs=0123abcdef=anna@example.org"), []),
    "a stranger with a BATV tag": (
        CLOSED,
        to("prvs=0123abcdef=bob@example.org", "bob@example.org"),
        [UNKNOWN],
    ),
    "an SRS address of our forwarder": (
        CLOSED,
        to("SRS0=abcd=JN=a.test=joe@example.org", "joe@example.org"),
        [],
    ),
    "postmaster": (CLOSED, to("postmaster@example.org", "postmaster@example.org"), []),
    "upper case": (CLOSED, to("Anna@EXAMPLE.ORG"), []),
    "a mailbox's inner name before the address": (
        CLOSED,
        to("anna@example.org", envelope=Envelope(rcpt_to="mailbox7@example.org")),
        [],
    ),
    "an address without senders named, put into a mailbox that never sends": (
        OPEN_TO_ALL,
        make(own=b"Delivered-To: trap@example.org\nTo: anna@example.org\n"),
        [],
    ),
    "a trap, by an envelope that was handed over": (
        OPEN_TO_ALL,
        to("anna@example.org", envelope=Envelope(rcpt_to="trap@example.org")),
        [NEVER],
    ),
    "the same, where only our own server kept whom it was for": (
        OPEN_TO_ALL,
        make(own=b"Delivered-To: trap@example.org\nX-Original-To: anna@example.org\nTo: undisclosed:;\n"),
        [],
    ),
    "a trap, and the reporter addressed the author": (
        OPEN_TO_ALL,
        make(own=b"Delivered-To: anna@example.org\nX-Original-To: trap@example.org\nTo: anna@example.org\n"),
        [NEVER],
    ),
    "a trap, put into the mailbox of somebody": (
        OPEN_TO_ALL,
        to("trap@example.org", envelope=Envelope(rcpt_to="anna@example.org")),
        [NEVER],
    ),
    "a trap that the report is not addressed to by name": (
        OPEN_TO_ALL,
        make(own=b"To: undisclosed-recipients:;\n", envelope=Envelope(rcpt_to="trap@example.org")),
        [NEVER],
    ),
    "an answer to where answers are wanted": (
        OPEN_TO_ALL,
        to("trap@example.org", kind=ReportKind.AUTO_REPLY),
        [ANSWERED],
    ),
    "a challenge, which goes to the return path": (
        OPEN_TO_ALL,
        to("trap@example.org", kind=ReportKind.CHALLENGE),
        [NEVER],
    ),
    "a vacation note by sieve, which goes there as well": (
        OPEN_TO_ALL,
        make(
            own=b"To: trap@example.org\nAuto-Submitted: auto-replied (vacation)\n",
            headers=b"",
            kind=ReportKind.AUTO_REPLY,
        ),
        [NEVER],
    ),
    "only a mailbox that never sends is noted": (
        OPEN_TO_ALL,
        make(own=b"Delivered-To: trap@example.org\nTo: undisclosed-recipients:;\n", headers=b""),
        [],
    ),
    "only a mailbox that is no sender is noted": (
        CLOSED,
        make(own=b"Delivered-To: box7@example.org\nTo: undisclosed-recipients:;\n", headers=b""),
        [],
    ),
    "a receipt there": (OPEN_TO_ALL, to("trap@example.org", kind=ReportKind.MDN), [ANSWERED]),
    "an answer to a trap that was the author": (
        OPEN_TO_ALL,
        to("trap@example.org", "trap@example.org", kind=ReportKind.AUTO_REPLY),
        [NEVER],
    ),
    "an answer to an unknown address": (
        CLOSED,
        make(own=b"To: tickets@example.org\n", headers=b"", kind=ReportKind.AUTO_REPLY),
        [("unknown-sender-answered", "forged", "weak")],
    ),
    "an answer to another address than the author's": (
        CLOSED,
        to("tickets@example.org", kind=ReportKind.AUTO_REPLY),
        [("unknown-sender-answered", "forged", "weak")],
    ),
    "an answer to an unknown author": (
        CLOSED,
        to("bob@example.org", "bob@example.org", kind=ReportKind.AUTO_REPLY),
        [UNKNOWN],
    ),
    "quoted without need": (CLOSED, make(own=b'To: "anna"@example.org\n'), []),
    "an accented letter in two parts": (ACCENTED, make(own="To: jo\u0308rg@example.org\n".encode()), []),
    "a return path with the number of its message": (
        CLOSED,
        to("bounce-1234-567@example.org", "news@example.org"),
        [],
    ),
    "a trap's return path, brought to a sender by an alias": (
        OPEN,
        to("anna@example.org", "trap@example.org", "Return-Path: <trap@example.org>\n"),
        [NEVER],
    ),
    "a sender's own return path": (
        OPEN,
        to("anna@example.org", more="Return-Path: <anna@example.org>\n"),
        [],
    ),
    "another author": (OPEN, to("anna@example.org", "eve@spam.test"), [ELSEWHERE]),
    "another author, sent on behalf": (
        OPEN,
        to("anna@example.org", "eve@b.test", "Sender: anna@example.org\n"),
        [],
    ),
    "another author through a list of ours": (
        OPEN,
        to("anna@example.org", "eve@b.test", "List-Id: <l>\n"),
        [],
    ),
    "another author, resent": (OPEN, to("anna@example.org", "eve@b.test", "Resent-From: anna@x.test\n"), []),
    "an author at a neighbour domain": (OPEN, to("anna@example.org", "eve@shop.example.org"), []),
    "another author behind a VERP address": (OPEN, to("b+eve=b.test@example.org", "eve@c.test"), []),
    "the headers end inside the author": (OPEN, make(headers=b"Subject: x\nFrom: Anna <anna@exampl\n"), []),
    "they end inside the author, who has no brackets": (
        OPEN,
        make(headers=b"Subject: x\nFrom: anna@exampl\n"),
        [],
    ),
    "they end behind another author": (OPEN, make(headers=b"Subject: x\nFrom: eve@spam.test\n"), [ELSEWHERE]),
    "nothing came back": (CLOSED, make(own=b"To: anna@example.org\n", headers=b""), []),
}


@pytest.mark.parametrize(("identity", "report", "expected"), CASES.values(), ids=CASES)
def test_address(identity, report, expected):
    assert told(address.gather(report, identity, LOOKUPS)) == expected

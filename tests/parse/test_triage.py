"""Turning ordinary mail away by its header section: generous to reports."""

from __future__ import annotations

import random

import pytest

from classifier.parse.message import parse
from classifier.parse.mime import parse_tree
from classifier.parse.report import Envelope
from classifier.parse.triage import may_be_report, may_be_report_by
from classifier.vocabulary import NOT_REPORTS
from tests.adversary.attacks import ATTACKS
from tests.adversary.oddities import ODDITIES
from tests.samples import ORDINARY, REPORT

CASES = {**ATTACKS, **ODDITIES}


@pytest.mark.parametrize("name", CASES)
def test_what_is_read_as_a_report_is_never_turned_away(name):
    case = CASES[name]
    if parse(case.raw, case.envelope).kind not in NOT_REPORTS:
        assert may_be_report(case.raw, case.envelope.mail_from)
        assert may_be_report(case.raw.replace(b"\n", b"\r\n").partition(b"\r\n\r\n")[0])


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: Out of office\n",
        b"Subject: =?utf-8?B?QWJ3ZXNlbmhlaXRzbm90aXo=?=\n",
        b"Subject: failure\n notice\n",
        b"X-Failed-Recipients: x@remote.test\n",
        b"CONTENT-TYPE:\n multipart/report; boundary=b\n",
        b"Return-Path: <>\nFrom: MAILER-DAEMON\n",
        b"Auto-Submitted: auto-replied\n",
        b"From x Thu Jan 1\nSubject: Undelivered Mail Returned to Sender\n",
    ],
)
def test_signs(header):
    assert may_be_report(header + b"\nbody")


@pytest.mark.parametrize("rubbish", [b"", b"\n", b"no header at all", b"\xff\x00\n" * 100, b":" * 10_000])
def test_rubbish_has_no_author_and_is_read(rubbish):
    assert may_be_report(rubbish)


def test_a_persons_mail_is_turned_away():
    assert not may_be_report(b"Subject: hello\nFrom: Anna <anna@example.org>\nTo: b@remote.test\n")


def test_the_body_is_not_looked_at():
    assert not may_be_report(ORDINARY + REPORT)


def test_the_envelope_counts():
    header = b"From: postmaster@remote.test\nSubject: hello\n"
    assert may_be_report(header, "")
    assert parse(header + b"\nhi\n", Envelope(mail_from="a@b.test")).kind in NOT_REPORTS


def test_a_section_that_was_scanned_already_is_told_the_same():
    chance = random.Random(1)
    names = (b"From", b"subject ", b"Content-Type", b"Auto-Submitted", b"X-Loop", b"precedence", b"List-Id",
             b"Return-Path", b"x-dmarc-report", b"References")  # fmt: skip
    values = (b"a@b.test", b"MAILER-DAEMON@b.test", b"undelivered mail", b"\n Multipart/Report; a=b", b"hello",
              b"\tmessage/rfc822", b"", b"<>", b"auto-replied", b"text/plain", b"a\n \n b")  # fmt: skip
    told = set()
    for _ in range(3_000):
        lines = [
            chance.choice(names) + chance.choice((b":", b": ")) + chance.choice(values)
            for _ in range(1, chance.randrange(2, 5))
        ]
        raw = b"\n".join(lines) + b"\n\nbody"
        raw = raw if chance.random() < 0.5 else raw.replace(b"\n", b"\r\n")
        headers = parse_tree(raw)[0].headers
        told.add(may_be_report(raw))
        assert headers.is_whole
        assert may_be_report_by(headers) == may_be_report(raw), raw
    assert told == {True, False}

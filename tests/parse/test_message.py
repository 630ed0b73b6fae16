"""Whole messages taken apart: what the standards say, and what arrives instead of it."""

from __future__ import annotations

import base64
import random
import time
from datetime import UTC, datetime

import pytest

from classifier.parse.limits import MAX_DEPTH, MAX_HOPS, MAX_RECIPIENTS
from classifier.parse.message import parse
from classifier.parse.mime import parse_tree, read_parameters
from classifier.vocabulary import Completeness, DeliveryAction, RefusalStage, ReportKind
from tests.adversary.attacks import ATTACKS
from tests.adversary.oddities import ODDITIES

ORIGINAL = (
    b"Received: from mail.example.org (mail.example.org [192.0.2.1])\n\tby mx.remote.test (Postfix) with ESMTP id 4VwQ;\n"
    b"\tTue, 10 Mar 2026 10:00:05 +0000\nDKIM-Signature: v=1; a=rsa-sha256;  d=example.org;\n   s=s1; h=from:to; bh=x; b=y\n"
    b"From:  Anna  <anna@example.org>\nTo: x@remote.test, y@remote.test\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n"
    b"Message-ID: <1@example.org>\nDate: Tue, 10 Mar 2026 10:00:00 +0000\n"
)
BODY = b"\nDear X,\n\n--looks like a boundary\nFrom here it goes on.\n"
STATUS = (
    b"Reporting-MTA: dns; mx.remote.test\nReceived-From-MTA: dns; mail.example.org\nOriginal-Envelope-Id: QQ314159\n"
    b"Arrival-Date: Tue, 10 Mar 2026 10:00:05 +0000\nX-Queue: 4VwQ\n\n"
    b"Final-Recipient: rfc822; x@remote.test\nOriginal-Recipient: rfc822;X.Y@remote.test\nAction: failed\nStatus: 5.1.1\n"
    b"Remote-MTA: dns; store.remote.test\nDiagnostic-Code: smtp; 550 5.1.1\n   no such user\nX-Own: kept\n\n"
    b"Final-Recipient: rfc822; y@remote.test\nAction: delayed (will retry)\nStatus: 4.2.2\nDiagnostic-Code: X-Postfix; mailbox full\n"
)


def report(
    status=STATUS,
    original=ORIGINAL + BODY,
    *,
    status_type="message/delivery-status",
    original_type="message/rfc822",
    boundary='boundary="b=_1"',
    more=b"",
    end=b"--b=_1--\n",
):
    """Write a multipart/report."""
    head = (
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\n"
        + more
        + b"Subject: Undelivered Mail\n"
        b"MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n\t"
        + boundary.encode()
        + b"\n\n"
    )
    text = b"preamble\n--b=_1\nContent-Type: text/plain\n\nI am sorry.\n"
    second = b"--b=_1\nContent-Type: " + status_type.encode() + b"\n\n" + status + b"\n"
    third = (
        b"--b=_1\nContent-Type: " + original_type.encode() + b"\n\n" + original + b"\n"
        if original is not None
        else b""
    )
    return head + text + second + third + end


def test_every_field_of_rfc_3464():
    found = parse(report())
    assert (found.kind, found.format) == (ReportKind.DSN, "rfc3464")
    assert found.reporting_mta == "mx.remote.test"
    assert found.received_from_mta == "mail.example.org"
    assert found.envelope_id == "QQ314159"
    assert found.arrival_date == datetime(2026, 3, 10, 10, 0, 5, tzinfo=UTC)
    assert ("X-Queue", "4VwQ") in found.fields
    first, second = found.recipients
    assert first.final_recipient == "x@remote.test"
    assert first.original_recipient == "X.Y@remote.test"
    assert (first.action, first.status, first.smtp_reply) == (DeliveryAction.FAILED, "5.1.1", "550")
    assert first.remote_mta == "store.remote.test"
    assert " ".join(first.diagnostic_code.split()) == "550 5.1.1 no such user"
    assert first.stage is RefusalStage.SESSION
    assert ("X-Own", "kept") in first.fields
    assert (second.action, second.status, second.stage) == (
        DeliveryAction.DELAYED,
        "4.2.2",
        RefusalStage.ACCEPTED,
    )
    assert found.text.strip() == "I am sorry."
    assert found.notes == ()


@pytest.mark.parametrize(
    ("original_type", "original", "completeness"),
    [
        ("message/rfc822", ORIGINAL + BODY, Completeness.FULL),
        ("message/global", ORIGINAL + BODY, Completeness.FULL),
        ("text/rfc822-headers", ORIGINAL, Completeness.HEADERS),
        ("message/global-headers", ORIGINAL, Completeness.HEADERS),
        ("text/rfc822-headers; charset=utf-8", ORIGINAL + b"\n", Completeness.HEADERS),
    ],
)
def test_every_form_of_the_original(original_type, original, completeness):
    found = parse(report(original=original, original_type=original_type)).original
    assert found.completeness is completeness
    # Signatures are verified over these bytes.
    assert found.headers.raw.rstrip(b"\n") == ORIGINAL.rstrip(b"\n")
    assert found.verbatim
    assert found.from_address == "anna@example.org"
    assert found.to == ("x@remote.test", "y@remote.test")
    assert found.subject == "Grüße"
    assert found.message_id == "<1@example.org>"
    [hop] = found.trace
    assert (hop.client_name, hop.client_address, hop.by) == (
        "mail.example.org",
        "192.0.2.1",
        "mx.remote.test",
    )
    if completeness is Completeness.FULL:
        assert found.body.rstrip(b"\n") == BODY[1:].rstrip(b"\n")


def test_the_original_may_be_absent():
    found = parse(report(original=None))
    assert found.original.completeness is Completeness.NONE
    assert len(found.recipients) == 2


def test_internationalized_status_of_rfc_6533():
    status = (
        "Reporting-MTA: dns; mx.remote.test\n\nFinal-Recipient: utf-8; jürgen@remote.test\n"
        "Original-Recipient: utf-8;j\\x{FC}rgen@remote.test\nAction: failed\nStatus: 5.6.7\n"
    ).encode()
    found = parse(report(status, status_type="message/global-delivery-status"))
    [recipient] = found.recipients
    assert found.kind is ReportKind.DSN
    assert recipient.final_recipient == "jürgen@remote.test"
    assert recipient.original_recipient == "jürgen@remote.test"


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends(end):
    plain, found = parse(report()), parse(report().replace(b"\n", end))
    assert found.kind is plain.kind
    assert [r.final_recipient for r in found.recipients] == ["x@remote.test", "y@remote.test"]
    assert found.original.completeness is Completeness.FULL
    assert (found.original.subject, found.original.message_id) == ("Grüße", "<1@example.org>")


MALFORMED = {
    "no closing delimiter": report(end=b""),
    "no boundary parameter": report(boundary="charset=x"),
    "another boundary named": report(boundary='boundary="other"'),
    "an unquoted boundary": report(boundary="boundary=b=_1"),
    "no blank line between the groups": report(STATUS.replace(b"\n\n", b"\n")),
    "a blank line after every field": report(
        STATUS.replace(b"\n", b"\n\n").replace(b"\n\n   no", b"\n   no")
    ),
    "a wrong charset": report().replace(b"text/plain", b"text/plain; charset=no-such-charset"),
    "8-bit headers": report(more="X-Bad: Grüße\n".encode("latin-1")),
    "NUL bytes": report(more=b"X-Bad: a\x00b\n"),
    "a stray line in the header": report(more=b"this is no field\n"),
    "the original in base64": report(
        original_type="message/rfc822\nContent-Transfer-Encoding: base64",
        original=base64.encodebytes(ORIGINAL + BODY),
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_structures_give_what_can_be_had(name):
    found = parse(MALFORMED[name])
    assert found.kind is ReportKind.DSN
    assert [r.final_recipient for r in found.recipients] == ["x@remote.test", "y@remote.test"]
    assert found.original.message_id == "<1@example.org>"


def test_a_report_that_somebody_forwards_is_his_own_mail():
    forward = (
        b"From: Bob <bob@example.org>\nTo: anna@example.org\nSubject: Fwd: Undelivered Mail\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: text/plain\n\nwhat is this?\n"
        b"--outer\nContent-Type: message/rfc822\n\n" + report() + b"\n--outer--\n"
    )
    assert parse(forward).kind is ReportKind.OTHER


CORPUS = [case.raw for case in (*ATTACKS.values(), *ODDITIES.values())] + [*MALFORMED.values(), report()]


def test_every_truncation_is_read():
    for raw in CORPUS[::4]:
        for end in range(0, len(raw), 97):
            parse(raw[:end])


def test_bytes_changed_at_random_are_read():
    chance = random.Random(7)
    for raw in CORPUS:
        for _ in range(4):
            changed = bytearray(raw)
            for _ in range(chance.randrange(1, 30)):
                changed[chance.randrange(len(changed))] = chance.choice(b'\x00\r\n:;<>()"=-\xff a')
            found = parse(bytes(changed))
            assert not any("could not be read" in note for note in found.notes), found.notes


def nested(depth):
    head = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(depth))
    return report(original=head + b"\nx\n")


HOSTILE = {
    "10,000 nested parts": lambda: nested(10_000),
    "100,000 headers": lambda: report(more=b"X-A: b\n" * 100_000),
    "one header of 10 MB": lambda: report(more=b"X-A: " + b"b" * 10_000_000 + b"\n"),
    "10,000 recipients": lambda: report(
        b"Reporting-MTA: dns; m.test\n\n"
        + b"".join(b"Final-Recipient: rfc822; a%d@b.test\nAction: failed\n\n" % n for n in range(10_000))
    ),
    "10,000 Received fields": lambda: report(more=b"Received: from a (b [192.0.2.1]) by c; x\n" * 10_000),
    "parentheses": lambda: report(
        more=b"Received: from " + b"(" * 50_000 + b"\nSubject: " + b"=?utf-8?q?" * 20_000 + b"\n"
    ),
    "addresses without end": lambda: report(
        more=b"To: " + b"a@" * 100_000 + b"\nCc: " + b"<" * 100_000 + b"\n"
    ),
    "delimiters": lambda: report(original=b"--b=_1\n" * 200_000),
    "spaces": lambda: report(more=b"X-A:" + b" " * 3_000_000 + b"\n"),
    "20 MB of body": lambda: report(original=ORIGINAL + BODY + b"0123456789abcdef\n" * 1_200_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_shapes_take_bounded_time(name):
    raw = HOSTILE[name]()
    started = time.perf_counter()
    found = parse(raw)
    # Some hundred times what the largest of them takes; a quadratic reader takes minutes.
    assert time.perf_counter() - started < 20
    assert found.kind is not None


def test_what_is_passed_over_is_noted():
    assert len(parse(HOSTILE["10,000 recipients"]()).recipients) == MAX_RECIPIENTS
    assert any("recipients after" in note for note in parse(HOSTILE["10,000 recipients"]()).notes)
    found = parse(HOSTILE["10,000 Received fields"]())
    assert len(found.trace) == MAX_HOPS
    assert any("Received fields after" in note for note in found.notes)
    root, notes = parse_tree(nested(50))
    assert sum(1 for _ in root.walk()) > 1
    assert any(f"more than {MAX_DEPTH} deep" in note for note in notes)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('multipart/mixed; boundary="a;b"', {"boundary": "a;b"}),
        ("text/plain; CHARSET=utf-8 ; format=flowed", {"charset": "utf-8", "format": "flowed"}),
        ("x/y; name*=utf-8''Gr%C3%BC%C3%9Fe", {"name": "Grüße"}),
        ('x/y; name*0="ab"; name*1="cd"', {"name": "abcd"}),
        ('x/y; name="a\\"b"', {"name": 'a"b'}),
        ("text/plain", {}),
        (None, {}),
    ],
)
def test_parameters(value, expected):
    assert read_parameters(value) == expected

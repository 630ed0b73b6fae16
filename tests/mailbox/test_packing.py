"""Reports on their way between two processes: what comes out is what went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from classifier.dataclass import replace
from classifier.mailbox.packing import pack, unpack
from classifier.parse.headers import HeaderBlock
from classifier.parse.message import parse
from classifier.parse.report import Envelope, Original, Report, ReportedRecipient, TraceHop
from classifier.vocabulary import Completeness, DeliveryAction, RefusalStage, ReportKind
from tests.samples import ORDINARY, REPORT

ENVELOPE = Envelope(mail_from="", received_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
TRACE = (
    b"Received: from a.example.net (a.example.net [192.0.2.1]) by mx.remote.test with ESMTP id 1A2B\r\n"
    b"\tfor <anna@example.org>; Sun, 1 Mar 2026 10:00:00 +0130\r\nReceived: by b; no date at all\r\n"
)


def told(what):
    """Return all that *what* holds, with the types of it."""
    if isinstance(what, HeaderBlock):
        return [told(getattr(what, slot)) for slot in HeaderBlock.__slots__]
    if hasattr(what, "_fields_"):
        return type(what), [told(getattr(what, name)) for name in what._fields_]
    if isinstance(what, tuple):
        return tuple(map(told, what))
    return type(what), what, str(getattr(what, "tzinfo", ""))


@pytest.mark.parametrize(
    "raw",
    [
        REPORT,
        TRACE + REPORT.replace(b"Return-Path: <trap@example.org>\n", TRACE + b"From: \xff\xfe\n"),
        REPORT.replace(b"text/rfc822-headers", b"message/rfc822").replace(b"<1@example.org>\n", b"<1@example.org>\n\nhello\n"),
        REPORT.replace(b"Final-Recipient", b"Action: delayed\nWill-Retry-Until: never\n\nFinal-Recipient"),
        ORDINARY,
        b"",
    ],
)  # fmt: skip
def test_a_report_arrives_as_it_was(raw):
    report = parse(raw, ENVELOPE)
    packed = pack(report)
    assert not packed.startswith(b"p")
    assert told(unpack(packed, ENVELOPE)) == told(report)


def test_what_has_no_place_goes_all_the_same():
    report = parse(REPORT, ENVELOPE)
    folded = datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=1))).replace(fold=1)
    for arrival in (folded, datetime(2026, 3, 1, 10)):
        other = replace(report, arrival_date=arrival)
        assert told(unpack(pack(other), ENVELOPE)) == told(other)


def test_every_field_has_its_place():
    when = datetime(2026, 3, 1, 10, tzinfo=UTC)
    hop = TraceHop("raw", "helo", "client", "192.0.2.1", "by", "ESMTP", "id", "for@example.org", when)
    recipient = ReportedRecipient(
        "a@example.org", "b@example.org", DeliveryAction.FAILED, "5.1.1", "550",
        "mx", "no", RefusalStage.SESSION, (("Action", "failed"),),
    )  # fmt: skip
    headers = HeaderBlock(b"From: a@example.org\n")
    original = Original(Completeness.FULL, headers, b"body", verbatim=True, trace=(hop,))
    report = Report(
        ReportKind.DSN, "rfc3464", headers, ENVELOPE, "mta", "from", when, "envelope", (("X", "y"),),
        (recipient,), original, (hop,), "text", ("note",),
    )  # fmt: skip
    bare = Report(ReportKind.OTHER, "", HeaderBlock(b""))
    unset = {
        Report: bare,
        Original: bare.original,
        ReportedRecipient: ReportedRecipient(),
        TraceHop: TraceHop(""),
    }
    for full in (report, original, recipient, hop):
        for name in full._fields_:  # a new field is to be given a value here, and then a place there
            assert getattr(full, name) != getattr(unset[type(full)], name), name
    packed = pack(report)
    assert not packed.startswith(b"p")
    assert told(unpack(packed, ENVELOPE)) == told(report)

"""What a complaint says: of each kind what is so, and nothing that is not."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy

import pytest

from classifier.dataclass import replace
from classifier.history import HistoryEntry
from classifier.present.complaint import SAMPLES, Complaints, arf, draft, spamcop

BOUNCE = HistoryEntry(
    digest="1", judged=1, came=1_772_359_200, kind="dsn", verdict="forged", action="quarantine", probability=1.0,
    decided="proof", model="", misuse="", message_id="<1@mx.remote.test>", subject="buy", sample="",
    used="anna@example.org", operator="remote.test", network="203.0.113.0/24", stage="accepted",
    host="mx.remote.test", address="203.0.113.5",
    headers="Return-Path: <>\nReceived: from mx.remote.test (mx.remote.test [203.0.113.5]) by mx.example.org; x\n",
    recipients=(), reasons=(), evidence=(),
)  # fmt: skip
#: Begins of the paragraphs, by kind.
BEGINS = {
    "dsn": "Bounces: your server took such mail in",
    "bounce": "Bounces: your server took such mail in",
    "auto-reply": "Automatic replies:",
    "challenge": "Requests to confirm:",
    "virus-warning": "Virus warnings:",
    "mdn": "Receipts:",
}


def operator_of(*entries):
    complaints = Complaints()
    for entry in entries:
        complaints.add(entry)
    [operator] = complaints.most_first()
    return operator


def text_of(*entries):
    message = email.message_from_bytes(
        draft(operator_of(*entries), "postmaster@example.org").as_bytes(), policy=policy.default
    )
    return message["Subject"], message.get_body().get_content()


@pytest.mark.parametrize("kind", BEGINS)
def test_each_kind_is_told_what_it_is_and_no_other(kind):
    subject, text = text_of(replace(BOUNCE, kind=kind))
    words = " ".join(text.split())
    assert {begin for begin in BEGINS.values() if begin in words} == {BEGINS[kind]}
    assert (
        "mx.remote.test [203.0.113.5] answers mail that we never sent: once, on 2026-03-01 10:00 UTC."
        in words
    )
    assert ("took such mail in" in words) == ("sends bounces" in subject) == (kind in {"dsn", "bounce"})
    assert ("local_recipient_maps" in words) == (kind in {"dsn", "bounce"})
    assert ("RFC 3834 sections 2 and 4" in words) == (kind == "auto-reply")
    assert ("RFC 8098" in words) == (kind == "mdn")
    assert ("virus_destiny" in words) == (kind == "virus-warning")
    assert all(len(line) <= 78 for line in text.splitlines())
    assert "{" not in text.replace("(may_bounce", "")
    # What stops all of them is said to all, for each program.
    for server in ("Postfix", "Exim", "Sendmail", "Exchange", "qmail"):
        assert server in words


def test_kinds_are_counted():
    kinds = ["dsn"] * 3 + ["bounce"] * 2 + ["auto-reply"] + ["challenge"] * 1_200 + ["virus-warning"]
    subject, text = text_of(*(replace(BOUNCE, kind=kind) for kind in kinds))
    lines = [
        line.split(maxsplit=1)
        for line in text.splitlines()
        if line.startswith("  ") and line.split()[0][0].isdigit()
    ]
    assert lines == [
        ["5", "bounces"], ["1", "automatic reply"], ["1,200", "requests to confirm"], ["1", "virus warning"],
    ]  # fmt: skip
    assert "1,207 times" in text
    assert subject == "mx.remote.test answers mail with forged senders"
    assert f"The header sections of {SAMPLES} of these answers are attached." in text


def test_hosts_of_one_operator():
    newest = replace(BOUNCE, host="mx2.remote.test", address="203.0.113.6", came=BOUNCE.came + 60)
    _, text = text_of(BOUNCE, newest, replace(BOUNCE, came=None))
    words = " ".join(text.split())
    assert "your mail servers, mx2.remote.test [203.0.113.6] among them, answer mail" in words
    assert "3 times between 2026-03-01 10:00 and 2026-03-01 10:01 UTC" in words


def test_what_is_no_longer_kept_is_not_promised():
    operator = operator_of(replace(BOUNCE, headers=""))
    text = draft(operator, "postmaster@example.org").get_body().get_content()
    assert "no longer have their header sections" in text
    assert arf(operator, "postmaster@example.org") is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("Return-Path: <>\n", "<>"),
        ("Return-Path: <bob@remote.test>\n", "<bob@remote.test>"),
        ("Return-Path: < >\n", None),
        ("Return-Path: <b\u00f6b@remote.test>\n", None),
        ("", None),
    ],
)
def test_a_feedback_report_tells_the_sender_that_was(path, told):
    made = arf(operator_of(replace(BOUNCE, headers=path + "Subject: away\n")), "postmaster@example.org")
    found = made.as_string().replace("\r\n", "\n").partition("Feedback-Type: ")[2].partition("\n\n")[0]
    fields = email.message_from_string("Feedback-Type: " + found)
    assert fields["Original-Mail-From"] == told
    assert fields["Source-IP"] == "203.0.113.5"


def test_nobody_is_told_of_what_is_not_forged_or_not_beyond_doubt():
    complaints = Complaints()
    for verdict in ("genuine", "unsure"):
        complaints.add(replace(BOUNCE, verdict=verdict), b"x")
    complaints.add(replace(BOUNCE, host="", address="", headers=""), b"x")
    assert (complaints.operators, complaints.bundle, complaints.unclear) == ({}, [], 1)


def test_names_write_nothing_into_a_draft():
    odd = replace(BOUNCE, host="mx\r\nBcc: x@y.test\x1b[2J", operator="a\nb.test", used="anna@exa\nmple.org")
    made = draft(operator_of(odd), "postmaster@example.org")
    assert made["Bcc"] is None
    assert "\x1b" not in made.as_string()
    assert datetime.fromtimestamp(BOUNCE.came, UTC).year == 2026


def test_invented_dates_are_not_told():
    late = replace(BOUNCE, came=BOUNCE.came + 10**9)
    complaints = Complaints(now=datetime(2026, 3, 2, tzinfo=UTC))
    for entry in (late, replace(BOUNCE, came=-(10**9)), replace(BOUNCE, came=10**18)):
        complaints.add(entry)
    [operator] = complaints.most_first()
    assert (operator.count, operator.first, operator.last) == (3, None, None)
    assert "never sent: 3 times." in " ".join(
        draft(operator, "a@example.org").get_body().get_content().split()
    )


def test_the_bundle_is_bounded():
    complaints = Complaints()
    for number in range(40):
        complaints.add(BOUNCE, b"x" * (60_000 if number % 2 else 10))
    assert len(complaints.bundle) == 20
    assert len(list(spamcop(complaints.bundle, "a@example.org").iter_attachments())) == 20

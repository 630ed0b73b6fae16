"""What people and scripts are shown is harmless, whatever the message holds."""

import io
import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from classifier.evidence.base import Evidence
from classifier.examine import Examination
from classifier.judge import Judgement
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope, Original, Report, ReportedRecipient
from classifier.present.json import failure, line, record
from classifier.present.progress import Progress
from classifier.present.table import Table, summary_line
from classifier.present.text import printable, probability
from classifier.vocabulary import (
    Action,
    Completeness,
    DeliveryAction,
    PointsTo,
    ReportKind,
    Strength,
    Verdict,
)

HOSTILE = "a\x1b]0;owned\x07\x1b[2Jb\r\nc\u202egnp.exe\u2028d\x9b31m\x00\ud800"


def examination(subject="Undelivered Mail", detail="why", verdict=Verdict.FORGED, probability=0.99871234):
    headers = HeaderBlock(b"Subject: " + subject.encode("utf-8", "surrogateescape") + b"\n")
    original = Original(
        Completeness.HEADERS,
        HeaderBlock(
            b"Return-Path: <anna@example.org>\nFrom: Anna <anna@example.org>\nTo: x@remote.test, y@remote.test\n"
            b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nDate: Sun, 01 Mar 2026 10:59:00 +0100\nMessage-ID: <1@example.org>\n"
        ),
    )
    recipient = ReportedRecipient(
        "x@remote.test", None, DeliveryAction.FAILED, "5.1.1", diagnostic_code="550 no such user"
    )
    report = Report(
        ReportKind.DSN, "rfc3464", headers, Envelope(), "mx.remote.test",
        arrival_date=datetime(2026, 3, 1, 10, tzinfo=UTC), recipients=(recipient,), original=original,
    )  # fmt: skip
    evidence = (
        Evidence("spf", PointsTo.FORGED, Strength.STRONG, detail, "fail"),
        Evidence("dkim", PointsTo.NEITHER, Strength.WEAK, "does not verify", "broken"),
    )
    action = Action.QUARANTINE if verdict is Verdict.FORGED else Action.KEEP
    return Examination(
        report, evidence, Judgement(verdict, probability, action, (f"{detail} (strong, forged)",))
    )


def test_the_public_object():
    found = json.loads(line(record("in.mbox#17", examination())))
    assert found == {
        "source": "in.mbox#17",
        "kind": "dsn",
        "verdict": "forged",
        "probability": 0.998712,
        "action": "quarantine",
        "report": {
            "format": "rfc3464",
            "reporting_mta": "mx.remote.test",
            "arrival_date": "2026-03-01T10:00:00+00:00",
            "recipients": [
                {
                    "final_recipient": "x@remote.test", "original_recipient": None, "action": "failed",
                    "status": "5.1.1", "remote_mta": None, "diagnostic_code": "550 no such user",
                }
            ],
        },
        "original": {
            "completeness": "headers", "from": "anna@example.org", "to": ["x@remote.test", "y@remote.test"],
            "subject": "Grüße", "date": "2026-03-01T10:59:00+01:00", "message_id": "<1@example.org>",
            "return_path": "anna@example.org",
        },
        "evidence": [
            {"name": "spf", "points_to": "forged", "strength": "strong", "detail": "why"},
            {"name": "dkim", "points_to": "neither", "strength": "weak", "detail": "does not verify"},
        ],
        "reasons": ["why (strong, forged)"],
        "account_misuse": False,
        "model": None,
        "model_added": None,
    }  # fmt: skip


def test_json_is_one_ascii_line_that_strict_readers_take():
    text = line(record("\udcff.eml", examination(detail=HOSTILE + "\U0001f600")))
    assert text.isascii()
    assert text.splitlines() == [text]
    found = json.loads(text)
    assert found["source"] == "?.eml"
    found["evidence"][0]["detail"].encode("utf-8")
    assert found["evidence"][0]["detail"].endswith("\U0001f600")
    assert json.loads(line(failure("a", "gone"))) == {"source": "a", "error": "gone"}


def test_nothing_of_a_message_moves_the_cursor():
    shown = printable(HOSTILE)
    assert shown.isprintable()
    assert shown == "a\ufffd]0;owned\ufffd\ufffd[2Jb cgnp.exe d\ufffd31m\ufffd\ufffd"
    assert printable("x" * 600) == "x" * 500 + "…"
    assert printable(None) == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
@pytest.mark.parametrize("verbose", [False, True])
def test_the_table_is_harmless(out, verbose, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")  # rich then adds no colour of its own
    stream = out()
    table = Table(stream, verbose=verbose)
    table.message(
        HOSTILE,
        examination(
            subject=HOSTILE.replace("\n", " ").replace("\r", " ").replace("\ud800", ""), detail=HOSTILE
        ),
    )
    table.message(
        "plain", examination(subject="[red]no markup[/red] :smile:", verdict=Verdict.UNSURE, probability=None)
    )
    table.summary(errors=2)
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert all(row.isprintable() for row in text.split("\n"))
    assert "[red]no markup[/red] :smile:" in text or "[red]no marku" in text
    assert "2 messages, 2 reports: 1 forged, 0 genuine, 1 unsure; 2 could not be judged" in text.replace(
        "\n", " "
    )
    assert ("dkim: does not verify" in text) is verbose


def test_plain_output_is_one_whole_line_a_message():
    stream = io.StringIO()
    Table(stream).message("in.mbox#17", examination(detail="d" * 150))
    header, row = stream.getvalue().splitlines()
    assert header.split() == ["VERDICT", "KIND", "FORGED", "SOURCE", "SUBJECT"]
    assert row.split(maxsplit=4)[:4] == ["forged", "dsn", "99.87%", "in.mbox#17"]
    assert row.endswith("d" * 150 + " (strong, forged)")


def test_sums():
    counts = Counter({Verdict.FORGED: 1200, Verdict.GENUINE: 1, Verdict.NOT_A_REPORT: 3})
    assert summary_line(counts) == "1,204 messages, 1,201 reports: 1,200 forged, 1 genuine, 0 unsure"


def test_no_probability_reads_as_certain():
    assert probability(1.0) == "99.99%"
    assert probability(0.0) == "0.01%"
    assert probability(None) == "-"


def test_progress_shows_on_a_terminal_only(monkeypatch):
    moments = iter(range(100))
    monkeypatch.setattr("classifier.present.progress.time.monotonic", lambda: float(next(moments)))
    for out, shown in ((io.StringIO(), False), (Terminal(), True)):
        with Progress("messages judged", 3, out=out) as progress:
            for _ in range(3):
                progress.advance("12 forged")
        assert progress.done == 3
        assert ("3 of 3 messages judged" in out.getvalue()) is shown
        assert not shown or out.getvalue().endswith("\r\x1b[K")

"""What is declared of all our mail, held against reports that are proven genuine: told by doctor, from what sweep remembers."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from classifier.checkup.declared import ENOUGH, Proven, declared
from classifier.dataclass import replace
from classifier.identity import Identity
from tests.present.test_complaint import BOUNCE

NOW = datetime.now(UTC)
ENTRY = replace(BOUNCE, verdict="genuine", action="keep", headers="", judged=int(NOW.timestamp()))
OURS = Identity(domains=("example.org",), relays=("mail.example.org",))
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def told(identity, *entries, label=None):
    proven = Proven()
    for entry in entries:
        proven.add(entry, label)
    return [(f.level.value, f.about, f.count) for f in declared(proven, identity)]


def proven(*evidence):
    return replace(ENTRY, evidence=("ledger:genuine:proof", *evidence))


@pytest.mark.parametrize(
    ("kind", "settings", "key"),
    [
        ("path", {"relays_complete": True}, "identity.relays_complete"),
        ("address", {"closed_senders": True}, "identity.closed_senders"),
        ("address", {"never_send": ("trap@example.org",)}, "identity.never_send"),
        ("dkim", {"signs_all": True}, "identity.signs_all"),
        ("tags", {"batv_since": SINCE}, "identity.batv_since"),
    ],
)
def test_a_declaration_that_proof_contradicts(kind, settings, key):
    against = proven(f"{kind}:forged:strong")
    identity = replace(OURS, **settings)
    assert ("wrong", key, 2) in told(identity, against, ENTRY, proven("path:genuine:strong"), against)
    # Weak signs, and strong ones of what nothing proves, contradict nothing; nor is what nobody declared told.
    for entry in (proven(f"{kind}:forged:weak"), replace(ENTRY, evidence=(f"{kind}:forged:strong",))):
        assert not [t for t in told(identity, entry) if t[0] == "wrong"]
    assert not [t for t in told(OURS, against) if t[0] == "wrong"]


@pytest.mark.parametrize(("kind", "what"), [("spf", "the SPF record"), ("dmarc", "the DMARC policy")])
def test_what_dns_says_is_declared_to_everybody(kind, what):
    assert told(Identity(domains=("example.org",)), proven(f"{kind}:forged:strong")) == [("wrong", what, 1)]


def test_no_kind_contradicts_itself_and_the_users_word_is_no_proof():
    identity = replace(OURS, ledger_complete_since=SINCE)
    both = replace(ENTRY, evidence=("ledger:genuine:proof", "ledger:forged:strong"))
    missing = replace(ENTRY, evidence=("ledger:forged:strong",))
    assert told(identity, both) == told(identity, missing) == told(identity, missing, label="forged") == []
    assert told(identity, missing, label="genuine") == [("advice", "ledger.complete_since", 1)]


def test_what_the_proven_show_of_relays():
    through, elsewhere = proven("path:genuine:weak"), proven("path:forged:weak", "path:genuine:weak")
    assert told(OURS, *[through] * (ENOUGH - 1)) == []
    assert told(OURS, *[through] * ENOUGH) == [("advice", "identity.relays_complete", ENOUGH)]
    assert told(OURS, *[through] * ENOUGH, elsewhere) == [("advice", "identity.relays", 1)]
    assert told(replace(OURS, relays_complete=True), *[through] * ENOUGH) == []
    assert told(Identity(domains=("example.org",)), *[through] * ENOUGH) == []


def letter(number):
    return (
        f"From: Anna <anna@example.org>\nTo: nobody{number}@remote.test\nSubject: Hello\n"
        f"Date: {format_datetime(NOW - timedelta(hours=2))}\nMessage-ID: <{number}@laptop.example.org>\n\ntext\n"
    )


def report(number, host, address):
    """Write a report about letter *number*, which *host* brought."""
    hour = format_datetime(NOW - timedelta(hours=1))
    return (
        "Return-Path: <>\n"
        "Received: from mx.remote.test (mx.remote.test [203.0.113.9])\n\tby mx.example.org (Postfix) with ESMTPS id 1\n"
        f"\tfor <anna@example.org>; {hour}\n"
        f"From: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\nSubject: Undelivered\nDate: {hour}\n"
        f"Message-ID: <r{number}@mx.remote.test>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n'
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.remote.test\nArrival-Date: {hour}\n\n"
        f"Final-Recipient: rfc822; nobody{number}@remote.test\nAction: failed\nStatus: 5.1.1\n\n"
        "--b\nContent-Type: message/rfc822\n\nReturn-Path: <anna@example.org>\n"
        f"Received: from {host} ({host} [{address}])\n\tby mx.remote.test (Postfix) with ESMTP id 4A; {hour}\n"
        f"{letter(number)}\n--b--\n"
    ).encode()


def test_doctor_tells_from_what_sweep_remembers(tmp_path):
    for part in ("tmp", "new", "cur"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "sent").mkdir()
    for number, (host, address) in enumerate(
        [("mail.example.org", "192.0.2.1"), ("shop.hoster.test", "198.51.100.7")]
    ):
        (tmp_path / "Maildir" / "new" / f"{number}.x").write_bytes(report(number, host, address))
        (tmp_path / "sent" / f"{number}.eml").write_text(letter(number))
    path = tmp_path / "config.toml"

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "classifier", "--config", path, *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def doctor(complete):
        path.write_text(
            f'[identity]\ndomains = ["example.org"]\nrelays = ["192.0.2.1"]\nrelays_complete = {complete}\n'
            '[dns]\nenabled = false\n[store]\npath = "state.sqlite3"\n[accounts.main]\nmaildir = "Maildir"\n'
        )
        path.chmod(0o600)
        done = command("doctor", "--json")
        assert done.stderr == ""
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, [f for f in found if f["about"].startswith("identity.relays") and f["count"]]

    assert doctor("true") == (0, [])
    assert command("ledger", "import", "sent").returncode == 0
    swept = command("sweep", "--json")
    assert [json.loads(line)["verdict"] for line in swept.stdout.splitlines()[:-1]] == ["genuine", "genuine"]
    status, [wrong] = doctor("true")
    assert (status, wrong["level"], wrong["count"]) == (1, "wrong", 1)
    assert "shop.hoster.test [198.51.100.7]" in wrong["what"]
    status, [advice] = doctor("false")
    assert (status, advice["level"], advice["count"]) == (0, "advice", 1)
    assert "1 of 2 reports" in advice["what"]

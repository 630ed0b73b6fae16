"""A new user on each real server: init, doctor, ledger sync, sweep, restore, by the command alone."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from classifier.config import load_config
from tests.mailbox.courier import courier
from tests.mailbox.cyrus import cyrus
from tests.mailbox.daemon import PASSWORD, name_of
from tests.support import server_folder

HOME = "by mx.example.org (Postfix) with ESMTPS id 1 for <anna@example.org>; Sun, 1 Mar 2026 12:00:00 +0000"


@pytest.fixture(scope="module", params=["dovecot", "dotted", "cyrus", "cyrus-below", "courier"])
def anywhere(request):
    """Give a running server of each kind."""
    if request.param == "courier":
        with courier(server_folder("courier")) as running:
            yield running
    elif request.param.startswith("cyrus"):
        below = {"alt": False, "slash": False} if request.param == "cyrus-below" else {}
        with cyrus(server_folder("cyrus"), **below) as running:
            yield running
    else:
        yield request.getfixturevalue("dotted_server" if request.param == "dotted" else "server")


def sent(number):
    day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return (
        f"From: Anna <anna@example.org>\nTo: friend@example.com\nSubject: hello {number}\nDate: {format_datetime(day)}\n"
        f"Message-ID: <{number}@laptop.example.org>\n\nhi\n"
    ).encode()


def report(number, message_id, host, address):
    """Write a report about a mail that *host* is said to have brought."""
    return f"""Return-Path: <>
Received: from mx.remote.test (mx.remote.test [203.0.113.9]) {HOME}
From: MAILER-DAEMON@mx.remote.test (Mail Delivery System)
To: anna@example.org
Subject: Undelivered Mail Returned to Sender
Message-ID: <r{number}@mx.remote.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.remote.test
Arrival-Date: Mon, 2 Mar 2026 09:59:00 +0000

Final-Recipient: rfc822; nobody{number}@remote.test
Action: failed
Status: 5.1.1

--b
Content-Type: message/rfc822

Return-Path: <anna@example.org>
Received: from {host} ({host} [{address}]) by mx.remote.test (Postfix) with ESMTP id 4A; Mon, 2 Mar 2026 09:59:00 +0000
From: Anna <anna@example.org>
To: nobody{number}@remote.test
Subject: Hello
Date: Mon, 2 Mar 2026 09:58:00 +0000
Message-ID: <{message_id}>

text

--b--
""".encode()


def fill(server, user):
    """Fill Sent and the inbox over IMAP, as mail programs do."""
    with server.client(user) as client:
        prefix = client.namespace().personal[0][0]
        folder = f"{prefix}Sent"
        if not client.folder_exists(folder):
            client.create_folder(folder)
        for n in range(6):
            when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n)
            client.append(folder, sent(n).replace(b"\n", b"\r\n"), flags=[b"\\Seen"], msg_time=when)
        back = (
            f"Received: from mail.example.org (mail.example.org [192.0.2.1]) {HOME}\n"
            "Received: from laptop (laptop [198.51.100.7]) by mail.example.org with ESMTPSA; Sun, 1 Mar 2026 12:00:00 +0000\n"
        ).encode()
        letters = [back + sent(n) for n in range(4)]
        letters += [
            report(n, f"{n}@spam.test", f"dsl-{n}.isp.test", f"198.51.100.{50 + n}") for n in range(4)
        ]
        letters += [report(9, "5@laptop.example.org", "mail.example.org", "192.0.2.1")]
        for letter in letters:
            client.append("INBOX", letter.replace(b"\n", b"\r\n"))


def test_from_an_address_to_a_clean_inbox(anywhere, tmp_path):
    user = anywhere.user()
    fill(anywhere, user)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    path = tmp_path / "config.toml"

    def command(*arguments, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "classifier", "--config", path, *arguments],
            capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (status, ""), done
        return done.stdout

    before = sum(anywhere.census(user).values(), Counter())
    command(
        "init", "--address", "anna@example.org", "--username", name_of(user), "--imap",
        f"imap://127.0.0.1:{anywhere.port}", "--password", f"file:{secret}",
    )  # fmt: skip
    identity = load_config(str(path)).identity
    assert identity.senders == ("anna@example.org",)
    assert identity.relays == ("mail.example.org",)
    assert identity.message_id_domains == ("laptop.example.org",)
    text = path.read_text().replace("[identity]\n", "[identity]\nrelays_complete = true\n")
    path.write_text(f'{text}[store]\npath = "state.sqlite3"\n[dns]\nenabled = false\n')
    command("doctor")
    assert "6 new" in command("ledger", "sync")
    levels = [json.loads(line) for line in command("doctor", "--json").splitlines()]
    assert {f["level"] for f in levels if f["about"] == "account main"} == {"good"}
    assert '"quarantined": 4' in command("sweep", "--dry-run", "--json")
    assert '"quarantined": 4' in command("sweep", "--json")
    assert command("sweep", "--quiet") == ""
    assert "back in INBOX" in command("restore", "2")
    assert '"quarantined": 0' in command("sweep", "--json")
    after = anywhere.census(user)
    assert sum(after.values(), Counter()) == before
    [quarantine] = [count for name, count in after.items() if name.endswith("Backscatter")]
    assert quarantine.total() == 3
    command("doctor")
    # Two days later, with a digest wanted, and a day of quarantine.
    path.write_text(f'{path.read_text()}[policy]\nkeep_days = 1\ndigest = "daily"\n')
    with contextlib.closing(sqlite3.connect(tmp_path / "state.sqlite3")) as store, store:
        store.execute("UPDATE move SET at = at - 2 * 86400")
    assert '"errors": 0' in command("sweep", "--json")
    after = anywhere.census(user)
    [trash] = [count for name, count in after.items() if name.endswith("Trash")]
    assert trash.total() == 3
    digest = sum(after.values(), Counter()) - before
    assert digest.total() == 0  # nothing is left of which it could tell

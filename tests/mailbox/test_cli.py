"""The commands as users and cron run them, judged for real."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from classifier.cli.main import main
from classifier.mailbox.summary import Counts
from classifier.present.swept import SweepPrinter, log_to_stderr, warn
from tests.mailbox.daemon import PASSWORD, free_port
from tests.mailbox.dovecot import User

DSN = """\
Return-Path: <>
Delivered-To: {sender}
From: Mail Delivery System <MAILER-DAEMON@mx.remote.test>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Date: Sun, 1 Mar 2026 10:00:05 +0000
Message-ID: <bounce.{number}@mx.remote.test>
MIME-Version: 1.0
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="=-b-{number}"

This is a MIME-encapsulated message.

--=-b-{number}
Content-Type: text/plain; charset=us-ascii

I could not deliver your message: no such user here.

--=-b-{number}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.remote.test
Arrival-Date: Sun, 1 Mar 2026 10:00:00 +0000

Final-Recipient: rfc822; nobody{number}@remote.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--=-b-{number}
Content-Type: message/rfc822

Return-Path: <{sender}>
From: {sender}
To: nobody{number}@remote.test
Subject: hello {number}
Date: Sun, 1 Mar 2026 09:59:59 +0000
Message-ID: <orig.{number}@example.org>

hello

--=-b-{number}--
"""


def report(sender: str, number: int) -> bytes:
    """Write a report about a message from *sender*."""
    return DSN.format(sender=sender, number=number).encode()


def fill(user: User) -> None:
    """Deliver reports to an address that never sends, to one that does, and ordinary mail."""
    for n in range(3):
        user.deliver(report("trap@example.org", n))
        user.deliver(report("anna@example.org", 10 + n))
        user.deliver(
            b"Return-Path: <friend@example.com>\nFrom: friend@example.com\nTo: anna@example.org\n"
            b"Subject: lunch\nMessage-ID: <l%d@example.com>\n\nAt noon?\n" % n
        )


def configure(tmp_path, account: str, policy: str = "") -> list[str]:
    """Write a configuration; return the first arguments."""
    path = tmp_path / "config.toml"
    path.write_text(
        '[identity]\ndomains = ["example.org"]\nsenders = ["anna@example.org"]\n'
        'never_send = ["trap@example.org"]\n[dns]\nenabled = false\n'
        f'[policy]\n{policy}\n[store]\npath = "{tmp_path}/state.sqlite3"\n[accounts.main]\n{account}\n'
    )
    path.chmod(0o600)
    return ["--config", str(path)]


def imap_account(server, user, password=PASSWORD, **more) -> str:
    """Write an account's part of the configuration."""
    os.environ["TEST_IMAP_PASSWORD"] = password
    lines = [
        f'imap = "imaps://127.0.0.1:{server.tls_port}"',
        f'ca_file = "{server.ca_file}"',
        f'username = "{user.name}"',
        'password = { env = "TEST_IMAP_PASSWORD" }',
        *(f"{k} = {json.dumps(v)}" for k, v in more.items()),
    ]
    return "\n".join(lines)


@pytest.fixture(params=["imap", "maildir"])
def account(request, tmp_path):
    """Give a filled mailbox and the arguments that name it."""
    if request.param == "maildir":
        user = User("local", tmp_path / "mail" / "Maildir", (-1, -1))
        user.make_folder("INBOX")
        arguments = configure(tmp_path, f'maildir = "{user.maildir}"')
    else:
        server = request.getfixturevalue("server")
        user = server.user()
        arguments = configure(tmp_path, imap_account(server, user))
    fill(user)
    return user, arguments


def json_lines(text: str) -> list[dict]:
    """Read JSON Lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_sweep_restore_and_sweep_again(account, capsys):
    user, arguments = account
    before = sum(user.census().values(), start=type(user.census()["INBOX"])())
    assert main([*arguments, "sweep", "--dry-run", "--json"]) == 0
    lines = json_lines(capsys.readouterr().out)
    assert lines[-1]["summary"]["quarantined"] == 3
    assert user.folders() == ["INBOX"]
    assert main([*arguments, "sweep", "--json"]) == 0
    output = capsys.readouterr()
    lines = json_lines(output.out)
    assert output.err == ""
    assert lines[-1] == {
        "summary": {"looked_at": 9, "reports": 6, "quarantined": 3, "kept": 0, "unsure": 3, "errors": 0}
    }
    told = [line for line in lines[:-1] if line["kind"] == "dsn"]
    assert [line["action"] for line in told].count("quarantine") == 3
    assert {line["verdict"] for line in told} == {"forged", "unsure"}
    assert all(line["source"].startswith("main/INBOX#") for line in lines[:-1])
    assert len(user.files("Backscatter")) == 3
    assert main([*arguments, "sweep", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main([*arguments, "restore", "--list", "--json"]) == 0
    listed = json_lines(capsys.readouterr().out)
    assert [row["message_id"] for row in listed] == [f"<bounce.{n}@mx.remote.test>" for n in range(3)]
    assert main([*arguments, "restore", str(listed[1]["id"])]) == 0
    assert "back in INBOX" in capsys.readouterr().out
    assert main([*arguments, "restore", "--since", "1h", "--json"]) == 0
    assert [row["state"] for row in json_lines(capsys.readouterr().out)] == ["restored"] * 2
    assert main([*arguments, "restore", "--all"]) == 1
    assert "nothing in quarantine" in capsys.readouterr().err
    assert main([*arguments, "restore", "--list"]) == 0
    assert "nothing is in quarantine" in capsys.readouterr().err
    assert main([*arguments, "sweep", "--json"]) == 0
    assert json_lines(capsys.readouterr().out)[-1]["summary"]["quarantined"] == 0
    assert sum(user.census().values(), start=type(before)()) == before


def test_the_table_for_people(account, capsys):
    _, arguments = account
    assert main([*arguments, "sweep"]) == 0
    output = capsys.readouterr().out
    assert output.count("forged") >= 3
    assert "9 messages looked at, 6 reports: 3 quarantined, 0 kept, 3 unsure" in output


def test_one_of_a_kind_is_told_in_the_singular(capsys):
    SweepPrinter().summary(Counts(1, 1, 0, 0, 1, 1))
    assert (
        capsys.readouterr().out == "1 message looked at, 1 report: 0 quarantined, 0 kept, 1 unsure; 1 error\n"
    )


def one_line(text: str, *words: str) -> None:
    """Check that an error is one line with these words."""
    assert len(text.splitlines()) == 1, text
    for word in words:
        assert word in text
    assert "Traceback" not in text


def test_a_wrong_password(server, tmp_path, capsys):
    user = server.user()
    fill(user)
    before = user.census()
    arguments = configure(tmp_path, imap_account(server, user, password="not-this-one"))
    assert main([*arguments, "sweep"]) == 1
    error = capsys.readouterr().err
    one_line(error, "main", "login is refused", "check username and password")
    assert "not-this-one" not in error
    assert user.census() == before


def test_no_server_there(server, tmp_path, capsys):
    text = imap_account(server, server.user()).replace(str(server.tls_port), str(free_port()))
    assert main([*configure(tmp_path, text), "sweep"]) == 75
    one_line(capsys.readouterr().err, "main", "not reached")


def test_a_password_that_cannot_be_had(server, tmp_path, capsys):
    arguments = configure(tmp_path, imap_account(server, server.user()))
    del os.environ["TEST_IMAP_PASSWORD"]
    assert main([*arguments, "sweep"]) == 2
    one_line(capsys.readouterr().err, "TEST_IMAP_PASSWORD")


def test_a_folder_that_is_not_there(server, tmp_path, capsys):
    user = server.user()
    fill(user)
    arguments = configure(tmp_path, imap_account(server, user, folders=["INBOX", "Nirgends"]))
    assert main([*arguments, "sweep", "--json"]) == 1
    output = capsys.readouterr()
    one_line(output.err, "Nirgends", "folders")
    assert json_lines(output.out)[-1]["summary"]["quarantined"] == 3


def test_no_account_of_that_name(account, capsys):
    _, arguments = account
    assert main([*arguments, "sweep", "--account", "other"]) == 2
    one_line(capsys.readouterr().err, "no account 'other'")


def test_restore_needs_to_be_told_which(account, capsys):
    _, arguments = account
    assert main([*arguments, "restore"]) == 2
    assert main([*arguments, "restore", "--since", "yesterday"]) == 2
    assert main([*arguments, "restore", "77"]) == 1
    assert "77: no such message" in capsys.readouterr().err


def test_errors_as_json(server, tmp_path, capsys):
    text = imap_account(server, server.user()).replace(str(server.tls_port), str(free_port()))
    assert main([*configure(tmp_path, text), "sweep", "--log-format", "json"]) == 75
    (line,) = json_lines(capsys.readouterr().err)
    assert line["level"] == "error"
    assert "not reached" in line["message"]
    # So is all else that ends the command.
    (tmp_path / "config.toml").write_text("[identity]\ndomains = 1\n")
    assert main(["--config", str(tmp_path / "config.toml"), "watch", "--log-format", "json"]) == 2
    (line,) = json_lines(capsys.readouterr().err)
    assert "identity.domains must be a list" in line["message"]
    assert main(["--config", str(tmp_path / "config.toml"), "watch"]) == 2
    one_line(capsys.readouterr().err, "identity.domains must be a list")


@pytest.mark.parametrize(
    ("closed", "status", "said"),
    [
        ("> /dev/full", 1, "backscatter: output: No space left on device\n"),
        ("| true; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_what_is_told_to_nobody_is_done_all_the_same(account, closed, status, said):
    user, arguments = account
    # true may still be there when the first line comes: sweep waits until it has gone.
    command = f'{{ sleep 0.5; exec "{sys.executable}" -m classifier {" ".join(arguments)} sweep; }} {closed}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (status, said)
    assert len(user.files("Backscatter")) == 3
    assert len(user.files("INBOX")) == 6


@pytest.mark.parametrize("debug", [False, True])
def test_an_accident_is_one_line_but_with_debug(account, debug, monkeypatch, capsys):
    def fail(*_arguments):
        raise RuntimeError("as it happens")

    monkeypatch.setattr("classifier.mailbox.agent.Sweep.run", fail)
    assert main([*["--debug"] * debug, *account[1], "sweep", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == "backscatter: main: stopped by RuntimeError; see --debug"
    assert ("as it happens" in said) == debug
    assert (len(said.splitlines()) == 1) != debug


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_server_says_moves_no_cursor(form, capsys):
    log_to_stderr(form)
    warn("NO \x1b[2J\x07 \u202eevil\nbackscatter: all is well")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.removesuffix("\n").isprintable()


def test_the_store_is_its_owners_alone(account, tmp_path):
    _, arguments = account
    old = os.umask(0)
    try:
        assert main([*arguments, "sweep", "--quiet"]) == 0
    finally:
        os.umask(old)
    for path in tmp_path.glob("state.sqlite3*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_watch_ends_on_sigterm_and_tells_systemd(server, tmp_path):
    user = server.user()
    fill(user)
    arguments = configure(tmp_path, imap_account(server, user))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(20)
        process = subprocess.Popen(
            [sys.executable, "-m", "classifier", *arguments, "watch", "--json"],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert channel.recv(100) == b"READY=1"
            assert len(user.files("Backscatter")) == 3
            with server.client(user) as client:
                client.append("INBOX", report("trap@example.org", 77).replace(b"\n", b"\r\n"))
            end = time.monotonic() + 5
            while len(user.files("Backscatter")) < 4 and time.monotonic() < end:
                time.sleep(0.05)
            assert len(user.files("Backscatter")) == 4
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=10)
            assert channel.recv(100) == b"STOPPING=1"
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0
    assert errors == b""
    assert sum(line["action"] == "quarantine" for line in json_lines(output.decode())) == 4

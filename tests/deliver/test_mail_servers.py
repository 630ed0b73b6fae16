"""The recipes of docs/delivery.md for mail servers: real Exim and Postfix, SMTP in, Maildirs out."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.deliver import exim as exim_module
from tests.deliver import postfix as postfix_module
from tests.deliver.delivery import FEW, arrived, compare, mixed, other, recipe  # noqa: F401 - a fixture
from tests.mailbox.daemon import free_port
from tests.support import require_program


def without_return_path(message):
    """Return what Exim hands on: it takes a Return-Path out that came in by SMTP."""
    return message.replace(b"Return-Path: <>\n", b"", 1)


def exim_with(other, *, pipe, **more):  # noqa: F811 - not the fixture
    """Run Exim with routers and transports of the documentation."""
    routers, transports, script, start = (recipe("Exim: pipe", number) for number in range(4))
    if not pipe:
        routers, transports = (
            "quarantine:" + text.partition("quarantine:")[2] for text in (routers, transports)
        )
    routers = routers.replace("  check_local_user\n", "")
    transports = (
        transports.replace(
            "/usr/local/bin/backscatter-pass",
            str(other.program("backscatter-pass", script.replace("backscatter filter", str(other.filter)))),
        )
        .replace("user = backscatter", f"user = {other.user.pw_name}")
        .replace("/var/lib/backscatter", str(other.home))
        .replace("$home", str(other.home))
        .replace("  maildir_format\n", f"  maildir_format\n  user = {other.user.pw_name}\n")
    )
    more["main"] = more.get("main", "") + "acl_not_smtp_start = backscatter_start\n"
    return exim_module.running(
        other.user.pw_name, other.home, routers=routers, transports=transports, acls=start, **more
    )


def test_exim_pipe(other):  # noqa: F811 - a fixture
    messages = list(mixed(FEW))
    with exim_with(other, pipe=True) as exim:
        exim.send(message for message, _ in messages)
        assert exim.deliver() == 0, exim.log
        compare(other.home, messages, passed=without_return_path)


#: What may become of the filter: it is not there, is killed in the middle, says 75 or anything else, never answers.
BROKEN = ["", "head -c 50; kill -9 $$", "head -c 50; exit 75", "echo oops >&2; exit 1", "exit 1"]


def break_filter(other, text):  # noqa: F811 - not the fixture
    other.program("backscatter-filter", text + "\n")
    if not text:
        other.filter.unlink()


@pytest.mark.parametrize("text", BROKEN)
def test_exim_passes_mail_on_without_the_filter(other, text):  # noqa: F811 - a fixture
    messages = [(message, False) for message, _ in mixed(1)]
    with exim_with(other, pipe=True) as exim:
        break_filter(other, text)
        exim.send(message for message, _ in messages)
        assert exim.deliver() == 0
    compare(other.home, messages, tagged=False, passed=without_return_path)


def test_exim_keeps_what_cannot_be_passed_on(other):  # noqa: F811 - a fixture
    messages = [(message, False) for message, _ in mixed(1)]
    with exim_with(other, pipe=True) as exim:
        script = other.home / "bin" / "backscatter-pass"
        working = script.read_text()
        script.write_text("#!/bin/sh\nhead -c 50; exit 75\n")
        exim.send(message for message, _ in messages)
        assert exim.deliver() == len(messages)
        assert arrived(other.home / "Maildir") == []
        script.write_text(working)
        break_filter(other, "exec cat")
        assert exim.deliver() == 0
        compare(other.home, messages, tagged=False, passed=without_return_path)


@contextmanager
def serving(other):  # noqa: F811 - not the fixture
    """Run the SPAMD server with the configuration of the other user; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "classifier", "--config", other.home / ".config/backscatter/config.toml"]
    with subprocess.Popen(
        [*command, "serve", "--spamd", f"127.0.0.1:{port}"], stderr=subprocess.PIPE
    ) as process:
        assert b"serving at" in process.stderr.readline()
        yield port
        process.send_signal(signal.SIGTERM)


def test_exim_spam_condition(other):  # noqa: F811 - a fixture
    messages = list(mixed(FEW))
    typed = b"X-Backscatter-Verdict: forged\n"
    acl = recipe("Exim: spam condition")
    with serving(other) as port, exim_with(
        other, pipe=False, acl=acl, main=f"spamd_address = 127.0.0.1 {port}\n"
    ) as exim:  # fmt: skip
        exim.send(typed + message for message, _ in messages)
        assert exim.deliver() == 0
        assert "spam acl condition" not in exim.log
        for folder, flag in (("Maildir/.Backscatter", True), ("Maildir", False)):
            found = arrived(other.home / folder)
            assert all(raw.count(b"X-Backscatter-") == flag for raw in found)
            assert Counter(
                raw[raw.index(b"X-Number") :].replace(typed, b"").rstrip() for raw in found
            ) == Counter(
                without_return_path(message).rstrip() for message, forged in messages if forged is flag
            )
    with exim_with(other, pipe=False, acl=acl, main=f"spamd_address = 127.0.0.1 {port}\n") as exim:
        exim.send([messages[0][0]])
        assert exim.deliver() == 0
    assert len(arrived(other.home / "Maildir")) == 2 * FEW + 1


def test_postfix_content_filter_and_pipe(other):  # noqa: F811 - a fixture
    """Filter and deliver: in by SMTP, through the script, in again, and out by procmail's rule on the header."""
    messages = list(mixed(FEW))
    with postfix_with(other) as postfix:
        assert set(postfix.send([message for message, _ in messages])) == {""}
        wait_for(other, postfix, len(messages))
        # A null sender goes through as it is.
        paths = {
            raw.partition(b"Return-Path: ")[2].partition(b"\n")[0] for raw in arrived(other.home / "Maildir")
        }
        assert paths == {b"<>"}
    compare(other.home, messages, passed=without_return_path)


def test_postfix_passes_mail_on_without_the_filter_and_keeps_what_it_cannot(other):  # noqa: F811 - a fixture
    sent = []
    with postfix_with(other) as postfix:
        for text in BROKEN:
            break_filter(other, text)
            messages = [(message, False) for message, _ in mixed(1)]
            assert set(postfix.send([message for message, _ in messages])) == {""}
            sent += messages
            wait_for(other, postfix, len(sent))
        compare(other.home, sent, tagged=False, passed=without_return_path)
        # What cannot be handed on stays with Postfix.
        script = other.home / "bin" / "reinject"
        working = script.read_text()
        script.write_text(working.replace("sendmail -G", "false -G"))
        postfix.send([sent[0][0]])
        postfix.wait_for(lambda: len(postfix.queue("deferred")) == 1)
        script.write_text(working)
        postfix.run("postqueue", "-f")
        wait_for(other, postfix, len(sent) + 1)
    compare(other.home, [*sent, sent[0]], tagged=False, passed=without_return_path)


@contextmanager
def postfix_with(other):  # noqa: F811 - not the fixture
    """Run Postfix with both recipes of the documentation."""
    smtpd, _, service = recipe("Postfix: content filter", 0).partition("\n")[2].partition("\n")
    master = service + recipe("Postfix: pipe to a delivery agent")
    (other.home / "rules").write_text(f"MAILDIR={other.home}\n" + recipe("procmail").partition("\n\n")[2])
    script = other.home / "bin" / "reinject"
    for text, ours in (
        ("user=backscatter", f"user={other.user.pw_name}"),
        ("user=vmail", f"user={other.user.pw_name}"),
        ("/usr/local/bin/backscatter-reinject", str(script)),
        ("/etc/procmailrcs/backscatter", str(other.home / "rules")),
        ("/usr/bin/procmail", require_program("procmail")),
        ("{", "{{"),
        ("}", "}}"),
    ):
        master = master.replace(text, ours)
    with postfix_module.running("deliver", master=master, smtpd=smtpd) as postfix:
        text = recipe("Postfix: content filter", 1).replace("backscatter filter", str(other.filter))
        other.program("reinject", text.replace("\nsendmail", f"\n{postfix.root}/sendmail"))
        other.own()
        yield postfix


def wait_for(other, postfix, count):  # noqa: F811 - not the fixture
    folders = [other.home / "Maildir", other.home / "Maildir" / ".Backscatter"]
    postfix.wait_for(lambda: sum(len(arrived(folder)) for folder in folders) >= count)

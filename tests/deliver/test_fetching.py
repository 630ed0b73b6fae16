"""The recipes of docs/delivery.md for mail that is fetched from a server: each by the real program, from a real Dovecot."""

from __future__ import annotations

import re
import subprocess
from collections import Counter

import pytest

from tests.deliver.delivery import FEW, command, compare, home, mixed, recipe  # noqa: F401 - a fixture
from tests.mailbox.daemon import PASSWORD
from tests.mailbox.servers import server  # noqa: F401 - a fixture
from tests.support import require_program


@pytest.fixture
def fetched(server, home):  # noqa: F811 - the fixtures
    """A user on a server with mixed mail, and a home to fetch it into."""
    user = server.user()
    messages = list(mixed(FEW))
    for message, _ in messages:
        user.deliver(message, flags=None)
    script = recipe("procmail").replace("backscatter filter", f"{command()} filter")
    (home / ".procmailrc").write_text(f"HOME={home}\nMAILDIR={home}\n{script}")
    return server, user, home, messages


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def place(file, text):
    file.write_text(text)
    file.chmod(0o600)
    return str(file)


def test_fetchmail(fetched, monkeypatch):
    imap, user, folder, messages = fetched
    monkeypatch.setenv("FETCHMAILHOME", str(folder))
    rules = (
        recipe("fetchmail")
        .replace("imap.example.org protocol IMAP", f"127.0.0.1 protocol IMAP port {imap.port}")
        .replace('"anna" password "..." ssl', f'"{user.name}" password "{PASSWORD}" sslproto "" ')
        .replace("/usr/bin/procmail", require_program("procmail"))
        .replace("/home/anna", str(folder))
    )
    run(
        require_program("fetchmail"), "-f", place(folder / "fetchmailrc", rules),
        "--all", "--invisible", "--pidfile", str(folder / "pid"),
    )  # fmt: skip
    compare(folder, messages)


def test_getmail(fetched):
    imap, user, folder, messages = fetched
    rules = (
        recipe("getmail")
        .replace("SimpleIMAPSSLRetriever", "SimpleIMAPRetriever")
        .replace("imap.example.org", f"127.0.0.1\nport = {imap.port}")
        .replace("username = anna\npassword = ...", f"username = {user.name}\npassword = {PASSWORD}")
        .replace("/usr/bin/procmail", require_program("procmail"))
        .replace("/home/anna", str(folder))
        # Nobody should do that, but the tests may run as root.
        .replace("[destination]\n", "[destination]\nallow_root_commands = true\n")
    )
    place(folder / "getmailrc", rules)
    run(require_program("getmail", "getmail6"), "--getmaildir", str(folder), "--rcfile", "getmailrc", "--all")
    compare(folder, messages, passed=as_getmail_passes_it)


def as_getmail_passes_it(message):
    """Return what getmail hands on: with a Return-Path of its own on top, and a field at the end of the header section."""
    once = message.replace(b"Return-Path: <>\n", b"", 1)
    return once.replace(b"\n\n", b"\nX-getmail-retrieved-from-mailbox: INBOX\n\n", 1)


def test_mbsync(fetched):
    imap, user, folder, messages = fetched
    rules = (
        recipe("mbsync")
        .replace("imap.example.org", f"127.0.0.1\nPort {imap.port}\nAuthMechs LOGIN")
        .replace("anna", user.name)
        .replace("pass show mail", f"echo {PASSWORD}")
        .replace("SSLType IMAPS", "SSLType None")
        .replace("~/Maildir", f"{folder}/Maildir")
    )
    fetch = (require_program("mbsync", "isync"), "--quiet", "-c", place(folder / "mbsyncrc", rules), "mail")
    with (folder / ".config/backscatter/config.toml").open("a") as config:
        config.write(f'[accounts.main]\nmaildir = "{folder}/Maildir"\n')
    sweep = (command(), "sweep", "--quiet")
    run(*fetch)
    run(*sweep)
    run(*fetch)
    compare(folder, messages, tagged=False, taken=without_mark)
    # The server has it likewise, and nothing goes on moving.
    compare_server(user, messages)
    run(*sweep)
    run(*fetch)
    compare(folder, messages, tagged=False, taken=without_mark)
    compare_server(user, messages)


def without_mark(message):
    """Return a message without mbsync's own mark, with which it finds again what it has stored."""
    return re.sub(rb"X-TUID: .*\n", b"", message)


def compare_server(user, messages):
    for folder, flag in (("INBOX", False), ("Backscatter", True)):
        found = Counter(without_mark(path.read_bytes()) for path in user.files(folder))
        assert found == Counter(message for message, forged in messages if forged is flag)

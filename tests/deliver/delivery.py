"""What the tests of recipes share: mixed mail, a user with a Maildir, and the count of what arrived."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from classifier.deliver.result_headers import NAMES
from tests.samples import CONFIG, ORDINARY, REPORT
from tests.support import server_folder

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs" / "delivery.md"
#: Of each sort; more by this variable: 167 make 501 messages.
COUNT = int(os.environ.get("BACKSCATTER_DELIVERIES") or 12)
#: The same where each message costs the start of several programs.
FEW = int(os.environ.get("BACKSCATTER_DELIVERIES") or 4)
#: What programs on the way put on top of a message.
TRACE = {"Return-path", "Return-Path", "Envelope-to", "Delivery-date", "Delivered-To", "Received"}


def mixed(count=COUNT):
    """Give (message, forged) pairs: reports, and ordinary mail with 8-bit bytes, dots and From lines."""
    for number in range(count):
        mark = b"X-Number: %d\n" % number
        yield mark + REPORT.replace(b"<r1@", b"<r%d@" % number), True
        yield mark + ORDINARY.replace(b"hi\n", b"h\xe4i \xff %d\n.\nFrom here\n" % number), False
        yield (
            mark
            + REPORT.replace(b"trap@example.org", b"anna@example.org").replace(b"<r1@", b"<g%d@" % number),
            False,
        )


def recipe(title, number=0):
    """Return a code block below a heading of the documentation."""
    section = DOCS.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)[number]


def place_user(home):
    """Make a configuration and a Maildir."""
    folder = home / ".config" / "backscatter"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(CONFIG.replace('"state', f'"{home}/state'))
    (folder / "config.toml").chmod(0o600)
    for place in ("Maildir", "Maildir/.Backscatter"):
        for part in ("tmp", "new", "cur"):
            (home / place / part).mkdir(parents=True)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home of the user who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "BACKSCATTER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    place_user(tmp_path)
    return tmp_path


class Other:
    """A user who is not root, for servers give root no mail.

    Attributes:
        home: the home, outside of root's own folders, with this package's code for Debian's own Python.
        user: the entry in the password file.
        filter: a program that runs the filter.

    """

    def __init__(self):
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.home = server_folder("home")
        # What the filter needs is this package alone; the environment of the tests may be root's.
        for part in ("classifier", "models"):
            shutil.copytree(TOP / part, self.home / "code" / part)
        place_user(self.home)
        self.filter = self.program(
            "backscatter-filter",
            f'HOME={self.home} PYTHONPATH={self.home}/code exec /usr/bin/python3 -m classifier filter "$@"\n',
        )
        self.own()

    def program(self, name, text):
        """Write a program into bin/ of the home."""
        path = self.home / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}")
        path.chmod(0o755)
        return path

    def own(self):
        """Give the user what is in the home."""
        for path in [self.home, *self.home.rglob("*")]:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    @property
    def options(self):
        """What runs a program as this user."""
        environment = {"PATH": os.defpath, "HOME": str(self.home), "USER": self.user.pw_name}
        if os.getuid():
            return {"env": environment}
        return {"env": environment, "user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


@pytest.fixture
def other():
    """Another user's home."""
    user = Other()
    yield user
    shutil.rmtree(user.home)


def command():
    """Return the command that the environment of the tests has."""
    return f"{Path(sys.executable).parent}/backscatter"


def deliver_all(run):
    """Run a delivery for each message, two at a time, and hold the exit statuses against 0."""
    messages = list(mixed())
    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda pair: run(pair[0]), messages))
    assert set(statuses) == {0}
    return messages


def arrived(folder):
    """Give the messages of a Maildir folder."""
    return [path.read_bytes() for part in ("new", "cur") for path in (folder / part).iterdir()]


def as_it_is(message):
    """Change nothing."""
    return message


def compare(home, messages, *, tagged=True, passed=as_it_is, taken=as_it_is):
    """Hold both folders against what was sent: nothing lost, nothing altered, forged ones in quarantine.

    On top of a message stand its result headers, each once, where it is to be
    *tagged*, and what programs on the way put there. *passed* does to a message
    that was sent what those programs do without us; *taken* takes off one that
    arrived what they have put in.
    """
    for folder, flag in (("Maildir/.Backscatter", True), ("Maildir", False)):
        found = Counter()
        for raw in arrived(home / folder):
            start = raw.index(b"X-Number")
            names = re.findall(r"^([^\s:]+):", raw[:start].decode("ascii"), re.MULTILINE)
            assert [n for n in names if n in NAMES] == (list(NAMES) if tagged else [])
            assert set(names) <= {*NAMES, *TRACE}
            found[_digest(taken(raw[start:]))] += 1
        assert found == Counter(_digest(passed(m)) for m, f in messages if f is flag)


def _digest(message):
    return hashlib.sha256(message.rstrip(b"\n")).hexdigest()

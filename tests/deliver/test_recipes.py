"""The recipes of docs/delivery.md, each run by the real program over mixed mail."""

from __future__ import annotations

import getpass
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.deliver.test_filter import CONFIG, split
from tests.samples import ORDINARY, REPORT
from tests.support import require_program

DOCS = Path(__file__).parents[2] / "docs" / "delivery.md"
#: Of each sort; more by this variable: 167 make 501 messages.
COUNT = int(os.environ.get("BACKSCATTER_DELIVERIES") or 12)


def mixed():
    """Give (message, forged) pairs: line ends, 8-bit bytes and final lines of all sorts."""
    for number in range(COUNT):
        mark = b"X-Number: %d\n" % number
        yield mark + REPORT.replace(b"<r1@", b"<r%d@" % number), True
        yield mark + ORDINARY.replace(b"hi\n", b"h\xe4i \xff %d\n.\nFrom here\n" % number), False
        yield (
            mark
            + REPORT.replace(b"trap@example.org", b"anna@example.org").replace(b"<r1@", b"<g%d@" % number),
            False,
        )


def recipe(title):
    """Return the code block below a heading of the documentation."""
    section = DOCS.read_text().partition(f"## {title}\n")[2]
    return re.search(r"```\w*\n(.*?)```", section, re.DOTALL)[1]


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
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "BACKSCATTER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    place_user(tmp_path)
    return tmp_path


def command():
    return f"{Path(sys.executable).parent}/backscatter"


def digests(folder):
    """Count the messages of a Maildir folder by digest, their result headers taken off."""
    found = Counter()
    for path in folder.glob("*/*"):
        raw = path.read_bytes()
        lines = raw.splitlines(keepends=True)
        # What the delivery agent put on top is not ours to compare.
        start = next(i for i, line in enumerate(lines) if line.startswith((b"X-Backscatter-", b"X-Number")))
        found[hashlib.sha256(split(b"".join(lines[start:]))[1].rstrip(b"\n")).hexdigest()] += 1
    return found


def deliver_all(run):
    """Run a delivery for each message, two at a time, and hold the exit statuses against 0."""
    messages = list(mixed())
    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda pair: run(pair[0]), messages))
    assert set(statuses) == {0}
    return messages


def compare(home, messages):
    wanted = {
        flag: Counter(hashlib.sha256(m.rstrip(b"\n")).hexdigest() for m, f in messages if f is flag)
        for flag in (True, False)
    }
    assert digests(home / "Maildir" / ".Backscatter") == wanted[True]
    inbox = Counter()
    for part in ("new", "cur"):
        for path in (home / "Maildir" / part).iterdir():
            raw = path.read_bytes()
            lines = raw.splitlines(keepends=True)
            start = next(
                i for i, line in enumerate(lines) if line.startswith((b"X-Backscatter-", b"X-Number"))
            )
            inbox[hashlib.sha256(split(b"".join(lines[start:]))[1].rstrip(b"\n")).hexdigest()] += 1
    assert inbox == wanted[False]


@pytest.mark.parametrize("title", ["procmail", "procmail, without headers"])
def test_procmail(home, title):
    program = require_program("procmail")
    script = recipe(title).replace("backscatter filter", f"{command()} filter")
    (home / ".procmailrc").write_text(f"HOME={home}\nMAILDIR={home}\n" + script)

    def run(message):
        return subprocess.run(
            [program, "-f", "<>", str(home / ".procmailrc")],
            input=message,
            timeout=60,
            check=False,
            env={**os.environ, "HOME": str(home)},
        ).returncode

    compare(home, deliver_all(run))


def test_maildrop(home):
    program = require_program("maildrop")
    script = home / ".mailfilter"
    script.write_text(
        f'HOME="{home}"\n' + recipe("maildrop").replace("backscatter filter", f"{command()} filter")
    )
    script.chmod(0o600)

    def run(message):
        return subprocess.run(
            [program, str(script)],
            input=message,
            timeout=60,
            check=False,
            cwd=home,
            env={**os.environ, "HOME": str(home), "DEFAULT": f"{home}/Maildir", "LOGNAME": getpass.getuser()},
        ).returncode

    compare(home, deliver_all(run))


@pytest.fixture
def other_user():
    """A folder of a user who is not root, for Dovecot gives root no mail; outside of root's own folders."""
    me = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    home = Path(tempfile.mkdtemp(prefix="backscatter-"))
    yield home, me
    shutil.rmtree(home)


@pytest.mark.parametrize("title", ["Dovecot sieve: filter", "Dovecot sieve: execute"])
def test_sieve(other_user, title):
    require_program("sievec", "dovecot-sieve")
    program = require_program("dovecot-lda", "dovecot-core")
    python = "/usr/bin/python3"
    home, me = other_user
    # What the filter needs is this package alone; the environment of the tests may be root's.
    shutil.copytree(Path(__file__).parents[2] / "classifier", home / "code" / "classifier")
    place_user(home)
    (home / "bin").mkdir()
    wrapper = home / "bin" / "backscatter-filter"
    wrapper.write_text(
        f'#!/bin/sh\nHOME={home} PYTHONPATH={home}/code exec {python} -m classifier filter "$@"\n'
    )
    wrapper.chmod(0o755)
    (home / "rule.sieve").write_text(recipe(title))
    configuration = home / "dovecot.conf"
    configuration.write_text(
        f"""
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/lda.log
mail_location = maildir:{home}/Maildir
namespace inbox {{
  inbox = yes
  separator = /
}}
ssl = no
mail_uid = {me.pw_uid}
mail_gid = {me.pw_gid}
first_valid_uid = 1
protocol lda {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{home}/rule.sieve
  sieve_plugins = sieve_extprograms
  sieve_extensions = +vnd.dovecot.filter +vnd.dovecot.execute
  sieve_filter_bin_dir = {home}/bin
  sieve_execute_bin_dir = {home}/bin
}}
"""
    )
    for path in [home, *home.rglob("*")]:
        os.chown(path, me.pw_uid, me.pw_gid)
    as_user = {"user": me.pw_uid, "group": me.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    log = home / "lda.log"

    def run(message):
        return subprocess.run(
            [program, "-c", str(configuration), "-f", ""],
            input=message,
            timeout=60,
            check=False,
            cwd=home,
            env={"PATH": os.defpath, "HOME": str(home), "USER": me.pw_name},
            **as_user,
        ).returncode

    messages = deliver_all(run)
    assert "rror" not in (log.read_text() if log.exists() else "")
    compare(home, messages)

"""The recipes for mail that carries result headers already, and for mail that is fetched."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.deliver.test_recipes import command, mixed, place_user, recipe
from tests.mailbox.dovecot import PASSWORD
from tests.mailbox.servers import server  # noqa: F401 - a fixture
from tests.support import require_program


@pytest.fixture
def open_home():
    """A user's home that root's programs and others' may enter, with this package's code for Debian's Python."""
    me = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    home = Path(tempfile.mkdtemp(prefix="backscatter-"))
    home.chmod(0o755)
    shutil.copytree(Path(__file__).parents[2] / "classifier", home / "code" / "classifier")
    place_user(home)
    filtering = home / "filter"
    filtering.write_text(
        f'#!/bin/sh\nHOME={home} PYTHONPATH={home}/code exec /usr/bin/python3 -m classifier filter "$@"\n'
    )
    filtering.chmod(0o755)
    rules = (
        recipe("maildrop").replace("backscatter filter", str(filtering)).replace("Maildir", f"{home}/Maildir")
    )
    (home / "rules").write_text(rules)
    for path in [home, *home.rglob("*")]:
        os.chown(path, me.pw_uid, me.pw_gid)
    (home / "rules").chmod(0o600)
    yield home, me
    shutil.rmtree(home)


def compare(home, messages):
    """Hold both folders against what was sent; what was put on top on the way, Return-Path and such, is not ours."""
    for folder, flag in ((".Backscatter", True), ("", False)):
        found = Counter(
            hashlib.sha256(raw[raw.index(b"X-Number") :].rstrip(b"\n")).hexdigest()
            for part in ("new", "cur")
            for path in (home / "Maildir" / folder / part).iterdir()
            for raw in [path.read_bytes()]
        )
        wanted = Counter(hashlib.sha256(m.rstrip(b"\n")).hexdigest() for m, f in messages if f is flag)
        assert found == wanted


def test_sieve_on_headers_alone(open_home):
    sieve = require_program("dovecot-lda", "dovecot-core")
    require_program("sievec", "dovecot-sieve")
    home, me = open_home
    (home / "rule.sieve").write_text(recipe("sieve, on the headers alone"))
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
}}
"""
    )
    for path in [home, *home.rglob("*")]:
        os.chown(path, me.pw_uid, me.pw_gid)
    as_user = {"user": me.pw_uid, "group": me.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    messages = list(mixed())
    for message, _ in messages:
        tagged = subprocess.run(
            [str(home / "filter")], input=message, capture_output=True, check=True, timeout=60
        )
        subprocess.run(
            [sieve, "-c", str(configuration), "-f", ""], input=tagged.stdout, check=True, timeout=60, cwd=home,
            env={"PATH": os.defpath, "HOME": str(home), "USER": me.pw_name}, **as_user,
        )  # fmt: skip
    compare(home, messages)


@pytest.fixture
def fetched(server, tmp_path, monkeypatch):  # noqa: F811 - the fixture
    """A user on a server with mixed mail, and a home to fetch it into."""
    user = server.user()
    messages = list(mixed())
    for message, _ in messages:
        user.deliver(message, flags=None)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "BACKSCATTER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    place_user(tmp_path)
    script = recipe("procmail").replace("backscatter filter", f"{command()} filter")
    (tmp_path / ".procmailrc").write_text(f"HOME={tmp_path}\nMAILDIR={tmp_path}\n{script}")
    return server, user, tmp_path, messages


def test_fetchmail(fetched):
    imap, user, home, messages = fetched
    fetchmail, procmail = require_program("fetchmail"), require_program("procmail")
    rules = (
        recipe("fetchmail")
        .replace("imap.example.org protocol IMAP", f"127.0.0.1 protocol IMAP port {imap.port}")
        .replace('"anna" password "..." ssl', f'"{user.name}" password "{PASSWORD}" sslproto "" ')
        .replace("/usr/bin/procmail", procmail)
        .replace("/home/anna", str(home))
    )
    (home / "fetchmailrc").write_text(rules)
    (home / "fetchmailrc").chmod(0o600)
    done = subprocess.run(
        [fetchmail, "-f", str(home / "fetchmailrc"), "--all", "--invisible", "--pidfile", str(home / "pid")],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "HOME": str(home), "FETCHMAILHOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    compare(home, messages)

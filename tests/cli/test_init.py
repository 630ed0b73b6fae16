"""``backscatter init``: by options, from a Maildir's Sent folder, and what it must never do."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from classifier.config import load_config
from classifier.mailbox.providers import imap_server


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "classifier", "--config", "sub/config.toml", "init", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def maildir(tmp_path):
    for folder in ("Maildir", "Maildir/.Sent"):
        for part in ("tmp", "new", "cur"):
            (tmp_path / folder / part).mkdir(parents=True)
    for number in range(12):
        author = "bob@example.org" if number % 2 else "anna@example.org"
        (tmp_path / "Maildir" / ".Sent" / "cur" / f"{number}.x:2,S").write_bytes(
            f"From: {author}\nTo: x@remote.test\nMessage-ID: <{number}@mua.example.org>\nSubject: hi\n\nhi\n".encode()
        )
    (tmp_path / "Maildir" / ".Sent" / "cur" / "once:2,S").write_bytes(
        b"From: once@example.org\nMessage-ID: <1@odd.test>\n\n"
    )
    return tmp_path


def test_a_maildir_is_learnt_from(maildir):
    done = run("--address", "Anna@Example.org", "--maildir", "Maildir", cwd=maildir)
    assert (done.returncode, done.stderr) == (0, "")
    path = maildir / "sub" / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config = load_config(str(path))
    assert config.identity.domains == ("example.org",)
    assert set(config.identity.senders) == {"anna@example.org", "bob@example.org"}
    assert config.identity.message_id_domains == ("mua.example.org",)
    assert not config.identity.closed_senders
    again = run("--address", "anna@example.org", "--maildir", "Maildir", cwd=maildir)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_imap_by_options(tmp_path):
    done = run(
        "--address", "anna@gmail.com", "--password", "command:pass show 'mail'", "--no-learn", cwd=tmp_path
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    account = load_config(str(tmp_path / "sub" / "config.toml")).accounts["main"]
    assert account.imap.host == "imap.gmail.com"
    assert account.username == "anna@gmail.com"


def test_a_server_that_is_not_there_costs_the_learning_alone(tmp_path):
    done = run(
        "--address", "anna@example.org", "--imap", "imap://127.0.0.1:9", "--password", "env:NOTHING", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "sub" / "config.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--address is needed"),
        (["--address", "anna"], "no address"),
        (["--address", "a@example.org", "--imap", "imaps://h.test"], "--password is needed"),
        (["--address", "a@example.org", "--imap", "imaps://h.test", "--password", "hunter2"], "takes where"),
        (["--address", "a@example.org", "--imap", "ftp://h.test", "--password", "env:X"], "imap"),
    ],
)
def test_bad_input_writes_nothing_and_repeats_no_secret(tmp_path, arguments, words):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "sub").exists()


def test_known_providers_need_no_dns():
    assert imap_server("GMX.de") == "imaps://imap.gmx.net"

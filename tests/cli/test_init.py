"""``backscatter init``: by options, from a Maildir's Sent folder, and what it must never do."""

from __future__ import annotations

import contextlib
import os
import pty
import stat
import subprocess
import sys

import dns.resolver
import pytest

from classifier.config import load_config
from classifier.mailbox import learn as learn_module
from classifier.mailbox.maildir import MaildirMailbox
from classifier.mailbox.providers import imap_server
from tests.dnsserver import DnsServer, Zone


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


@pytest.mark.parametrize(
    ("records", "url"),
    [
        ({"_imaps": ["10 1 993 two.test", "0 1 993 one.test"]}, "imaps://one.test"),
        ({"_imaps": ["0 1 9993 one.test"]}, "imaps://one.test:9993"),
        ({"_imaps": ["0 0 0 ."], "_imap": ["0 1 143 one.test"]}, "imap+starttls://one.test"),
        ({}, None),
    ],
)
def test_srv_records_name_the_server(monkeypatch, records, url):
    zone = Zone()
    for service, values in records.items():
        zone.add(f"{service}._tcp.example.org", "SRV", *values)
    with DnsServer(zone) as server:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        assert imap_server("example.org") == url


def test_known_providers_need_no_dns():
    assert imap_server("GMX.de") == "imaps://imap.gmx.net"


def returned(number, *, sent=True):
    """Write a message of ours as it comes back to the inbox."""
    identifier = number if sent else f"forged{number}"
    host = "mail.example.org" if sent else "evil.test"
    return (
        f"Received: from mail.example.org (mail.example.org [192.0.2.1]) by mx.example.org with ESMTP; x\n"
        f"Received: from laptop ([198.51.100.7]) by {host} with ESMTPSA; x\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; d=Example.org; s=s2026; h=from; b=abc\n"
        f"From: anna@example.org\nTo: list@remote.test\nMessage-ID: <{identifier}@mua.example.org>\n\nhi\n"
    ).encode()


def test_own_mail_in_the_inbox_shows_relays_and_signatures(maildir):
    for number in range(4):
        (maildir / "Maildir" / "cur" / f"a{number}:2,S").write_bytes(returned(number))
    for number in range(20):  # under our name, and not ours
        (maildir / "Maildir" / "cur" / f"b{number}:2,S").write_bytes(returned(number, sent=False))
    for number in range(5):
        (maildir / "Maildir" / ".Sent" / "cur" / f"c{number}:2,S").write_bytes(
            f"From: anna@other.test\nMessage-ID: <c{number}@x>\n\n".encode()
        )
    assert run("--address", "anna@example.org", "--maildir", "Maildir", cwd=maildir).returncode == 0
    path = maildir / "sub" / "config.toml"
    config = load_config(str(path))
    assert config.identity.relays == ("mail.example.org",)
    assert config.identity.domains == ("example.org",)
    text = path.read_text()
    assert "also send from other.test" in text
    assert "seen so far: s2026._domainkey.example.org" in text


def test_the_dialogue_shows_what_was_learnt_and_takes_corrections(maildir):
    for number in range(4):
        (maildir / "Maildir" / "cur" / f"a{number}:2,S").write_bytes(returned(number))
    arguments = ["--config", "sub/config.toml", "init", "--maildir", "Maildir"]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(maildir)
        os.execv(sys.executable, [sys.executable, "-m", "classifier", *arguments])
    shown = b""
    answers = [
        (b"Your address", b"anna@example.org\n"),
        (b"Domains to protect", b"\n"),
        (b"Addresses that send", b"anna@example.org, shop@example.org\n"),
        (b"Hosts that your mail", b"-\n"),
    ]
    with contextlib.suppress(OSError):  # the terminal's end
        while data := os.read(terminal, 10_000):
            shown += data
            if answers and answers[0][0] in shown and shown.rstrip().endswith(b":"):
                os.write(terminal, answers.pop(0)[1])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    os.close(terminal)
    assert b"13 sent messages were looked at, 4 of them found in the inbox" in shown
    assert b"[mail.example.org]" in shown
    config = load_config(str(maildir / "sub" / "config.toml"))
    assert config.identity.senders == ("anna@example.org", "shop@example.org")
    assert config.identity.relays == ()


def test_the_newest_sent_mail_counts(maildir, monkeypatch):
    monkeypatch.setattr(learn_module, "LOOKED_AT", 5)
    for number in range(5):
        (maildir / "Maildir" / ".Sent" / "cur" / f"z{number}:2,S").write_bytes(
            f"From: new@example.org\nMessage-ID: <z{number}@x>\n\n".encode()
        )
    learnt = learn_module.learn(MaildirMailbox(maildir / "Maildir", "main"), "example.org")
    assert dict(learnt.senders) == {"new@example.org": 5}

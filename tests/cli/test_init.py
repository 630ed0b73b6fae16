"""``backscatter init``: by options, from a Maildir's Sent folder, and what it must never do."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import dns.resolver
import pytest

from classifier.cli.main import main
from classifier.config import load_config
from classifier.mailbox import learn as learn_module
from classifier.mailbox import providers
from classifier.mailbox.connection import connect
from classifier.mailbox.imap import ImapMailbox
from classifier.mailbox.maildir import MaildirMailbox
from classifier.mailbox.providers import imap_server, is_sure, user_name
from tests.dnsserver import DnsServer, Zone
from tests.mailbox.daemon import PASSWORD

INTERRUPT = object()


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
    assert "next: backscatter --config sub/config.toml doctor;" in done.stdout


def test_a_name_alone_is_a_server_by_tls(tmp_path):
    done = run(
        "--address", "anna@example.org", "--imap", "imap.example.org", "--password", "env:X", "--no-learn", cwd=tmp_path
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert 'imap = "imaps://imap.example.org"' in (tmp_path / "sub" / "config.toml").read_text()


def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(tmp_path):
    (tmp_path / "sub").write_text("in the way")
    done = run("--address", "anna@example.org", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_that_is_not_there_costs_the_learning_alone(tmp_path):
    done = run(
        "--address", "anna@example.org", "--imap", "imap://127.0.0.1:9", "--password", "env:NOTHING", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 1  # as the contract has it: done, but an account failed
    assert done.stderr.count("\n") == 1
    assert "--no-learn does not look" in done.stderr
    assert (tmp_path / "sub" / "config.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--address is needed"),
        (["--address", "anna"], "no address"),
        (["--address", "a@example.org", "--relay", "no..host"], "no domain name"),
        (["--address", "a@example.org", "--sender", "nobody"], "no mail address"),
        (["--address", "a@example.org", "--imap", "imaps://h.test"], "--password is needed"),
        (
            ["--address", "a@example.org", "--imap", "imaps://h.test", "--password", "hunter2"],
            "keyring:...; see",
        ),
        (["--address", "a@example.org", "--no-learn", "--maildir", "M", "--relays-complete"], "--relay"),
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
        ({"MX": ["5 b.test", "1 aspmx.l.google.com"]}, "imaps://imap.gmail.com"),
        ({"MX": ["5 aspmx.l.google.com", "1 b.test"]}, None),
        ({"MX": ["1 mx-eu.mail.am0.yahoodns.net"]}, "imaps://imap.mail.yahoo.com"),
        ({"MX": ["0 example-org.mail.protection.outlook.com"]}, "imaps://outlook.office365.com"),
        ({"_imaps": ["0 1 993 one.test"], "MX": ["1 in1-smtp.messagingengine.com"]}, "imaps://one.test"),
    ],
)
def test_dns_names_the_server(monkeypatch, records, url):
    zone = Zone()
    for service, values in records.items():
        name, kind = ("example.org", "MX") if service == "MX" else (f"{service}._tcp.example.org", "SRV")
        zone.add(name, kind, *values)
    with DnsServer(zone) as server:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        assert imap_server("example.org") == url


def test_a_silent_nameserver_costs_one_wait(monkeypatch):
    with DnsServer(Zone(), mode="silent") as server:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        monkeypatch.setattr(providers, "_LIFETIME", 0.3)
        assert imap_server("example.org") is None
        assert {name for name, _ in server.asked} == {"_imaps._tcp.example.org"}


def test_known_providers_need_no_dns():
    assert imap_server("GMX.de") == "imaps://imap.gmx.net"
    assert user_name("imaps://imap.gmx.net", "anna@gmx.de") == "anna@gmx.de"
    assert user_name("imaps://imap.mail.me.com", "anna@icloud.com") == "anna"
    assert user_name("imaps://imap.mail.me.com", "anna@example.org") == "anna@example.org"


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


def dialogue(folder, arguments, answers):
    """Run init at a terminal; return its exit status and all that was shown.

    Each answer is given when its question is the last thing shown; INTERRUPT ends the dialogue there.
    """
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "classifier", *arguments])
    shown, left = "", list(answers)
    with contextlib.suppress(OSError):  # the terminal's end
        while data := os.read(terminal, 10_000):
            shown += data.decode()
            question = shown.rpartition("\n")[2]
            if left and left[0][0] in question and question.rstrip().endswith(":"):
                answer = left.pop(0)[1]
                if answer is INTERRUPT:
                    time.sleep(0.3)
                    os.kill(child, signal.SIGINT)
                else:
                    os.write(terminal, f"{answer}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    assert not left, shown
    return status, shown


def test_the_dialogue_shows_what_was_learnt_and_takes_corrections(maildir):
    for number in range(4):
        (maildir / "Maildir" / "cur" / f"a{number}:2,S").write_bytes(returned(number))
    for number in range(5):
        (maildir / "Maildir" / ".Sent" / "cur" / f"c{number}:2,S").write_bytes(
            f"From: anna@other.test\nMessage-ID: <c{number}@x>\n\n".encode()
        )
    status, shown = dialogue(
        maildir,
        ["--config", "sub/config.toml", "init", "--maildir", "Maildir"],
        [
            ("Your address", "nonsense"),
            ("Your address", "anna@example.org"),
            ("Domains to protect", "example.org, no..domain"),
            ("Domains to protect", "example.org, other.test"),
            ("Addresses that send", "anna@example.org, shop@example.org anna@other.test"),
            ("Hosts that your mail", "-"),
            ("Message-IDs", "x mua.example.org"),
        ],
    )
    assert status == 0, shown
    assert "18 messages in Sent were looked at, 4 of them found in the inbox" in shown
    assert "not protected: other.test" in shown
    assert "no..domain is no domain name" in shown
    assert "[anna@example.org, bob@example.org, anna@other.test]" in shown
    assert "[mail.example.org]" in shown
    config = load_config(str(maildir / "sub" / "config.toml"))
    assert config.identity.domains == ("example.org", "other.test")
    assert config.identity.senders == ("anna@example.org", "shop@example.org", "anna@other.test")
    assert config.identity.relays == ()
    assert config.identity.message_id_domains == ("x", "mua.example.org")


def test_the_dialogue_goes_on_until_the_account_is_reached(server, tmp_path):
    user = server.user()
    for number in range(3):
        user.deliver(b"From: anna@example.org\nMessage-ID: <%d@mua.example.org>\n\nhi\n" % number, "Sent")
    status, shown = dialogue(
        tmp_path,
        ["--config", "sub/config.toml", "init", "--address", "anna@example.org"],
        [
            ("IMAP server", "imap://remote.test"),
            ("IMAP server", f"localhost:{server.tls_port}"),
            ("User name", user.name),
            ("Where is the password", "hunter2"),
            ("Where is the password", ""),
            ("Password", "wrong"),
            # The authority is nobody's, then the password is wrong.
            ("Change the answers", ""),
            ("IMAP server", ""),
            ("User name", ""),
            ("Certificate authorities", str(server.ca_file)),
            ("Where is the password", ""),
            ("Password", ""),
            ("Change the answers", "y"),
            ("IMAP server", ""),
            ("User name", ""),
            ("Certificate authorities", ""),
            ("Where is the password", ""),
            ("Password", PASSWORD),
            ("Domains to protect", ""),
            ("Addresses that send", ""),
            ("Hosts that your mail", "mail.example.org 192.0.2.1"),
            ("without exception leave through mail.example.org, 192.0.2.1", "yes"),
            ("Message-IDs", ""),
        ],
    )
    assert status == 0, shown
    assert "unprotected" in shown
    assert "certificate is not trusted" in shown
    assert "the login is refused" in shown
    assert PASSWORD not in shown
    secret = tmp_path / "sub" / "main.password"
    assert secret.read_text() == f"{PASSWORD}\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    config = load_config(str(tmp_path / "sub" / "config.toml"))
    assert config.accounts["main"].imap.security == "tls"
    assert config.accounts["main"].ca_file == str(server.ca_file)
    assert config.identity.senders == ("anna@example.org",)
    assert config.identity.relays == ("mail.example.org", "192.0.2.1")
    assert config.identity.relays_complete
    assert main(["--config", str(tmp_path / "sub" / "config.toml"), "doctor"]) in {0, 1}


@pytest.mark.parametrize("number", range(5))
def test_an_interrupted_dialogue_writes_nothing(maildir, number):
    answers = [
        ("Your address", "anna@example.org"),
        ("Domains to protect", ""),
        ("Addresses that send", ""),
        ("Hosts that your mail", ""),
        ("Message-IDs", ""),
    ]
    status, shown = dialogue(
        maildir,
        ["--config", "sub/config.toml", "init", "--maildir", "Maildir"],
        [*answers[:number], (answers[number][0], INTERRUPT)],
    )
    assert status == 130, shown
    assert "no configuration was written" in shown
    assert "Traceback" not in shown
    assert not (maildir / "sub").exists()


def sent(author, number, right="mua.example.org", days=True):
    day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number if days else 400, minutes=number)
    raw = f"From: {author}\nDate: {format_datetime(day)}\nMessage-ID: <{author}.{number}@{right}>\nSubject: x\n\nx\n"
    return raw.encode(), day


def configured(server, user, tmp_path, *options):
    """Run init for a user of a real server, and return what it wrote and said."""
    (tmp_path / "password").write_text(PASSWORD)
    path = tmp_path / "config.toml"
    done = subprocess.run(
        [
            sys.executable, "-m", "classifier", "--config", path, "init", "--address", "anna@example.org", "--username",
            user.name, "--imap", f"imaps://localhost:{server.tls_port}", "--ca-file", server.ca_file,
            "--password", f"file:{tmp_path}/password", *options,
        ],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return load_config(str(path)).identity, path.read_text(), done.stdout


def test_mail_that_others_sent_teaches_nothing(server, tmp_path):
    user = server.user()
    for number in range(30):
        raw, when = sent("anna@example.org", number)
        user.deliver(raw, "Sent", "S", when)
        # Lists show our Message-IDs to everybody: forgers send us mail with them, and a trace of their own.
        host, seen = ("mail.example.org", "192.0.2.1") if number < 4 else ("relay.evil.test", "203.0.113.66")
        trace = (
            f"Received: from {host} ({host} [{seen}]) by mx.example.org with ESMTPS; Sun, 1 Mar 2026 12:00:00 +0000\n"
            f"Received: from x (x [198.51.100.7]) by {host} with ESMTPSA; Sun, 1 Mar 2026 12:00:00 +0000\n"
            f"DKIM-Signature: v=1; d=example.org; s={'s1' if number < 4 else 'bad'}; h=from; b=abc\n"
        )
        for _copy in range(2):
            user.deliver(trace.encode() + raw)
    # Somebody broke in: within an hour the Sent folder filled with what is not ours.
    for number in range(200):
        for author, right in (("billing@example.org", "evil.test"), ("x@victim.test", "victim.test")):
            raw, when = sent(author, number, right, days=False)
            user.deliver(raw, "Sent", "S", when)
    identity, text, shown = configured(server, user, tmp_path)
    assert identity.senders == ("anna@example.org",)
    assert identity.relays == ("mail.example.org",)
    assert not identity.relays_complete
    assert "\n#relays_complete = true" in text
    assert identity.message_id_domains == ()
    assert "also named by mail under your name: relay.evil.test" in text
    assert "not taken since anybody may have written it: relay.evil.test" in shown
    assert "seen so far: s1._domainkey.example.org\n" in text
    assert "bad._domainkey" not in text + shown
    assert "victim.test" not in text


def test_old_mail_tells_where_new_mail_is_a_flood(server, tmp_path, monkeypatch):
    user = server.user()
    monkeypatch.setattr(learn_module, "LOOKED_AT", 50)
    for number in range(100):
        raw, when = sent("anna@example.org", number)
        user.deliver(raw, "Sent", "S", when)
    for number in range(100):
        raw, when = sent("billing@example.org", number, days=False)
        user.deliver(raw, "Sent", "S", when)
    mailbox = ImapMailbox(connect(server.server(), server.login(user), "main"))
    learnt = learn_module.learn(mailbox)
    mailbox.close()
    assert 100 <= len(learnt.sent) <= 150
    assert learnt.senders(["example.org"]) == ["anna@example.org"]


def test_corrections_by_options(server, tmp_path):
    user = server.user()
    for number in range(6):
        raw, when = sent("anna@example.com" if number % 2 else "anna@example.org", number)
        user.deliver(raw, "Verschickt", "S", when)
    identity, _, shown = configured(
        server,
        user,
        tmp_path,
        "--domain",
        "example.com",
        "--relay",
        "192.0.2.0/24",
        "--relays-complete",
        "--sent",
        "Verschickt",
    )
    assert "6 messages in Verschickt were looked at" in shown
    assert identity.domains == ("example.org", "example.com")
    assert set(identity.senders) == {"anna@example.org", "anna@example.com"}
    assert identity.relays == ("192.0.2.0/24",)
    assert identity.relays_complete


def test_without_a_sent_folder_that_is_said(server, tmp_path):
    identity, _, shown = configured(server, server.user(), tmp_path, "--sender", "me@example.org")
    assert "no folder of sent mail was found" in shown
    assert identity.senders == ("me@example.org",)


def test_names_in_other_letters(maildir):
    for number in range(4):
        (maildir / "Maildir" / ".Sent" / "cur" / f"i{number}:2,S").write_bytes(
            f"From: anna@xn--mnchen-3ya.example\nMessage-ID: <i{number}@xn--mnchen-3ya.example>\n\n".encode()
        )
    done = run("--address", "anna@münchen.example", "--maildir", "Maildir", "--sent", "Sent", cwd=maildir)
    assert (done.returncode, done.stderr) == (0, "")
    identity = load_config(str(maildir / "sub" / "config.toml")).identity
    assert set(identity.domains) == {"münchen.example", "xn--mnchen-3ya.example"}
    assert "xn--mnchen-3ya.example" in identity.message_id_domains
    (maildir / "Mail 😀").symlink_to("Maildir")
    done = run(
        "--config", "sub/other.toml", "--maildir", "Mail 😀", "--address", "a@example.org", cwd=maildir
    )
    assert done.returncode == 2  # --config is no option of init
    (maildir / "sub" / "config.toml").unlink()
    assert run("--maildir", "Mail 😀", "--address", "a@example.org", cwd=maildir).returncode == 0
    assert load_config(str(maildir / "sub" / "config.toml")).accounts["main"].maildir.endswith("Mail 😀")


def test_a_server_named_by_dns_alone_gets_no_password(monkeypatch, tmp_path, capsys):
    zone = Zone()
    with socket.create_server(("127.0.0.1", 0)) as listening, DnsServer(zone) as dns_server:
        zone.add("_imaps._tcp.example.org", "SRV", f"0 1 {listening.getsockname()[1]} localhost")
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], dns_server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
        monkeypatch.setattr(sys, "stdin", None)
        path = tmp_path / "config.toml"
        arguments = ["--address", "anna@example.org", "--password", "env:MAIL_PASSWORD"]
        assert main(["--config", str(path), "init", *arguments]) == 0
        listening.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listening.accept()
    assert "named by DNS alone" in capsys.readouterr().err
    assert load_config(str(path)).accounts["main"].imap.host == "localhost"
    assert is_sure("imaps://imap.example.org", "example.org")
    assert is_sure("imaps://imap.fastmail.com", "example.org")
    assert not is_sure("imaps://imap.notexample.org", "example.org")


def test_the_newest_sent_mail_counts(maildir, monkeypatch):
    monkeypatch.setattr(learn_module, "LOOKED_AT", 5)
    for number in range(5):
        (maildir / "Maildir" / ".Sent" / "cur" / f"z{number}:2,S").write_bytes(
            f"From: new@example.org\nMessage-ID: <z{number}@x>\n\n".encode()
        )
    learnt = learn_module.learn(MaildirMailbox(maildir / "Maildir", "main"))
    assert "new@example.org" in learnt.senders(["example.org"])
    assert 10 <= len(learnt.sent) < 15  # of 18

"""Labels from the Sent and Junk folders: reports about what we sent, and about what spammers sent us."""

import re

import pytest

from classifier.cli.main import main
from classifier.config import parse_config
from classifier.identity import Identity
from classifier.model import files
from classifier.parse.message import parse
from classifier.training.bootstrap import about_junk, about_sent
from classifier.training.collect import Given, Measuring
from classifier.vocabulary import NOT_REPORTS
from tests.dnsserver import DnsServer, Zone

WORDS = [
    "river",
    "stone",
    "paper",
    "window",
    "garden",
    "letter",
    "summer",
    "market",
    "bridge",
    "silver",
    "yellow",
    "thunder",
]
IDENTITY = Identity(domains=("example.org",), relays=("mail.example.org", "192.0.2.25"))


def sent(number):
    words = " ".join(WORDS[(number + i * i) % 12] for i in range(8))
    return (
        f"From: Anna <anna@example.org>\nTo: bob{number}@remote{number}.test\nSubject: {words}\n"
        f"Date: Mon, 02 Mar 2026 10:{number:02}:00 +0100\nMessage-ID: <{number}.abc@example.org>\n\n{words} {number}\n"
    ).encode()


def junk(number):
    words = " ".join(WORDS[(number * 5 + i) % 12] for i in range(8))
    return (
        f"Return-Path: <x{number}@spam{number}.test>\n"
        f"Received: from dsl-203-0-113-{number}.pool.test (unknown [203.0.113.{number}])\n\tby mx.example.org (Postfix)"
        f" with SMTP id 4B{number:03}\n\tfor <anna@example.org>; Mon, 02 Mar 2026 09:{number:02}:00 +0100\n"
        f"From: Shop <sale{number}@spam{number}.test>\nTo: anna@example.org\nSubject: buy {words}\n"
        f"Date: Mon, 02 Mar 2026 09:{number:02}:00 +0100\nMessage-ID: <{number}@pool.test>\n\nbuy {words} now {number}\n"
    ).encode()


def test_a_report_about_sent_mail_shows_it_leaving_through_our_relay():
    made = about_sent(sent(1), "anna@example.org", IDENTITY)
    report = parse(made)
    assert report.kind not in NOT_REPORTS
    assert report.addressees[0] == "anna@example.org"
    assert made == about_sent(sent(1), "anna@example.org", IDENTITY)
    assert about_sent(b"no header", "anna@example.org", IDENTITY) is None


def test_a_report_about_junk_comes_from_somebody_elses_server():
    made = [about_junk(junk(number), "anna@example.org") for number in range(1, 9)]
    reports = [parse(raw) for raw in made]
    assert all(report.kind not in NOT_REPORTS for report in reports)
    assert all(b"mx.example.org (Postfix) with SMTP" not in raw for raw in made)
    returned = [hop for report in reports for hop in report.original.trace if hop.client_address]
    assert any(hop.client_address.startswith("203.0.113.") for hop in returned)
    assert about_junk(b"From: x\n\nno hop", "anna@example.org") is None


def test_our_own_mail_in_junk_is_not_called_forged():
    """A filter of spam errs, and some file what they have sent to themselves there."""
    config = parse_config('[identity]\ndomains = ["example.org"]\nrelays = ["192.0.2.25"]\n', "x")
    ours = (
        b"Received: from mail.example.org (mail.example.org [192.0.2.25]) by mx.remote.test with ESMTPS id 1;"
        b" Mon, 02 Mar 2026 09:00:00 +0000\n" + sent(1)
    )
    made = about_junk(ours, "anna@example.org")
    with Measuring(config).open() as measure:
        assert measure(Given("x", made, is_forged=True, made=True)) is None
        assert measure(Given("x", made, is_forged=True)) is not None


HOSTILE = (
    b"", b"\n", b"\0" * 99, b"From: anna@example.org\n", b"From: anna@example.org\n\n",
    b"From: \xff <anna@example.org>\nSubject: " + bytes(range(128, 256)) + b"\n\nx\n",
    *(
        b"Received: from x (y [203.0.113.5]) by mx.remote.test with SMTP id 1; %s\nFrom: %s\nDate: %s\n\nx\n"
        % (when, author, when)
        for when in (b"Fri, 31 Dec 9999 23:59:59 -2359", b"Mon, 01 Jan 0001 00:00:00 +2359", b"Mon, 99 Foo 99999")
        for author in (b"anna@example.org", b"{q}%s@spam.test")
    ),
)  # fmt: skip


@pytest.fixture
def bootstrap(tmp_path, capsys, monkeypatch):
    """Fill an account's folders, and run the command."""
    monkeypatch.setattr("classifier.cli.train.BACKGROUND", 800)
    maildir = tmp_path / "Maildir"

    def run(of_sent, of_junk, *options, dns="enabled = false"):
        for part, messages in (("", ()), (".Sent", of_sent), (".Junk", of_junk)):
            for name in ("tmp", "new", "cur"):
                (maildir / part / name).mkdir(parents=True)
            for number, raw in enumerate(messages):
                (maildir / part / "cur" / f"{number}.x:2,S").write_bytes(raw)
        config = tmp_path / "config.toml"
        config.write_text(
            f'[identity]\ndomains = ["example.org"]\nrelays = ["mail.example.org"]\n[dns]\n{dns}\n'
            f'[store]\npath = "{tmp_path}/s.sqlite3"\n[accounts.main]\nmaildir = "{maildir}"\n'
        )
        config.chmod(0o600)
        before = {p: p.read_bytes() for p in maildir.rglob("*") if p.is_file()}
        status = main(["--config", str(config), "train", "--bootstrap", *options])
        assert {p: p.read_bytes() for p in maildir.rglob("*") if p.is_file()} == before
        return status, "".join(capsys.readouterr())

    return run


def test_bootstrap_reads_the_folders_of_an_account(bootstrap, tmp_path):
    numbers = range(1, 57)
    with DnsServer(Zone()) as server:
        # Nobody else reads these hosts' names: most are invented, and SPF would fail for what is genuine.
        status, told = bootstrap(
            [*map(sent, numbers), *HOSTILE, sent(60).replace(b"@example.org>\nTo", b"@elsewhere.test>\nTo")],
            [*map(junk, numbers), *HOSTILE],
            "--replace",
            dns=f'nameservers = ["{server.address}"]',
        )
        assert not server.asked
    assert status == 0, told
    assert re.search(
        r"main: [56]\d genuine reports made of Sent, [56]\d forged ones of Junk; \d in Sent are by others",
        told,
    )
    assert "no promise: 0 different genuine reports that came in were held out" in told
    assert "is in use" in told
    assert files.in_use(f"{tmp_path}/s.sqlite3")[0].name.startswith("own-")


def test_a_sent_folder_of_others_is_named(bootstrap):
    status, told = bootstrap([sent(1).replace(b"anna@example.org", b"anna@elsewhere.test")], [junk(1)])
    assert status == 1
    assert "main: nothing in 'Sent' was sent from example.org" in told

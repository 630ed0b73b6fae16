"""Labels from the Sent and Junk folders: reports about what we sent, and about what spammers sent us."""

from classifier.cli.main import main
from classifier.identity import Identity
from classifier.model import files
from classifier.parse.message import parse
from classifier.training.bootstrap import about_junk, about_sent
from classifier.vocabulary import NOT_REPORTS

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


def test_bootstrap_reads_the_folders_of_an_account(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("classifier.cli.train.BACKGROUND", 800)
    maildir = tmp_path / "Maildir"
    for part, make in ((".Sent", sent), (".Junk", junk)):
        for name in ("tmp", "new", "cur"):
            (maildir / part / name).mkdir(parents=True)
            (maildir / name).mkdir(exist_ok=True)
        for number in range(1, 57):
            (maildir / part / "cur" / f"{number}.x:2,S").write_bytes(make(number))
    config = tmp_path / "config.toml"
    config.write_text(
        f'[identity]\ndomains = ["example.org"]\nrelays = ["mail.example.org"]\n[dns]\nenabled = false\n'
        f'[store]\npath = "{tmp_path}/s.sqlite3"\n[accounts.main]\nmaildir = "{maildir}"\n'
    )
    config.chmod(0o600)
    before = {p: p.read_bytes() for p in maildir.rglob("*") if p.is_file()}
    status = main(["--config", str(config), "train", "--bootstrap", "--replace"])
    told = "".join(capsys.readouterr())
    assert status == 0, told
    assert "is in use" in told
    assert files.in_use(f"{tmp_path}/s.sqlite3")[0].name.startswith("own-")
    assert {p: p.read_bytes() for p in maildir.rglob("*") if p.is_file()} == before

"""A bot net's flood in a mailbox of which nothing is known but the domain."""

from __future__ import annotations

import json

import pytest

from classifier.cli.main import main
from tests.adversary.attacks import bot_report
from tests.mailbox.dovecot import User


@pytest.fixture
def flooded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    user = User("local", tmp_path / "mail" / "Maildir", (-1, -1))
    user.make_folder("INBOX")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n[store]\npath = "{tmp_path}/s.sqlite3"\n'
        f'[accounts.main]\nmaildir = "{user.maildir}"\n'
    )
    config.chmod(0o600)
    return user, ["--config", str(config)]


def swept(arguments, capsys):
    assert main([*arguments, "sweep", "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]


def test_one_sweep_takes_it_out(flooded, capsys):
    user, arguments = flooded
    for number in range(20):
        user.deliver(bot_report(number))
    assert swept(arguments, capsys)["quarantined"] == 20


def test_it_is_taken_out_from_the_first_report_on_if_it_comes_one_by_one(flooded, capsys):
    user, arguments = flooded
    moved = []
    for number in range(12):
        user.deliver(bot_report(number))
        moved.append(swept(arguments, capsys)["quarantined"])
    assert sum(moved[:5]) == 0
    assert sum(moved) == 12, "those that were unsure are looked at again"


def test_what_looks_like_a_report_that_was_taken_back_stays(flooded, capsys):
    user, arguments = flooded
    for number in range(20):
        user.deliver(bot_report(number))
    swept(arguments, capsys)
    assert main([*arguments, "restore", "7"]) == 0
    capsys.readouterr()
    for number in range(20, 30):
        user.deliver(bot_report(number))
    assert swept(arguments, capsys)["quarantined"] == 0
    assert len(user.files("INBOX")) == 11

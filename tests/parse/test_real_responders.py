"""Programs that answer mail by themselves, run as the filters that they are: what is made of their answers."""

import os
import pwd
import re
import shutil
import subprocess

import pytest

from classifier.parse.message import parse
from tests.support import require_program, server_folder

ORIGINAL = b"""Return-Path: <anna@example.org>
Received: from mail.example.org (mail.example.org [192.0.2.10])
\tby mx.remote.test (Postfix) with ESMTPS id 4F1AB23C
\tfor <carol@remote.test>; Tue, 10 Nov 2026 10:00:05 +0000
From: Anna Archer <anna@example.org>
To: carol@remote.test
Subject: Minutes
Date: Tue, 10 Nov 2026 10:00:00 +0000
Message-ID: <1@example.org>

Please tell me what is missing.
"""
#: The recipe of procmailex(5).
RECIPE = """SHELL=/bin/sh
MAILDIR={folder}
DEFAULT={folder}/inbox
SENDMAIL="{folder}/sendmail"
:0
* ^TO_carol
* !^FROM_DAEMON
* !^X-Loop: carol@remote.test
| (formail -rI"Precedence: junk" -A"X-Loop: carol@remote.test" ; \\
   echo "I received your mail,"; echo "but won't be back until Monday." ) | $SENDMAIL -oi -t
"""
SIEVE = """mail_location = maildir:{home}/Maildir
mail_home = {home}
postmaster_address = postmaster@remote.test
hostname = mx.remote.test
log_path = /dev/stderr
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
first_valid_gid = 1
protocols =
plugin {{
  sieve_extensions = +enotify
}}
"""
SCRIPTS = {
    "vacation": 'require "vacation"; vacation :days 1 :handle "may" "I am away.";',
    "vacation with a subject": 'require "vacation"; vacation :days 1 :subject "Danke" "Am Montag.";',
    "vacation as MIME": 'require "vacation"; vacation :mime "Content-Type: text/html\\r\\n\\r\\n<b>away</b>";',
    "reject": 'require "reject"; reject "I do not want mail of this kind.";',
    "notify": 'require "enotify"; notify :message "New mail" "mailto:anna@example.org";',
}


def run(command, data=ORIGINAL):
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)


def sieve(script):
    """Have Dovecot's sieve-test run a script; give what it sends."""
    program = require_program("sieve-test", "dovecot-sieve")
    folder = server_folder("sieve")
    # It refuses to handle root's mail.
    owner = pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")
    home = folder / "home"
    home.mkdir()
    os.chown(home, owner.pw_uid, owner.pw_gid)
    configuration = SIEVE.format(home=home, user=owner.pw_uid, group=owner.pw_gid)
    (folder / "dovecot.conf").write_text(configuration)
    (folder / "script.sieve").write_text(SCRIPTS[script])
    (folder / "mail").write_bytes(ORIGINAL)
    options = ("-f", "anna@example.org", "-a", "carol@remote.test", "-r", "carol@remote.test")
    command = (
        program,
        "-e",
        "-c",
        folder / "dovecot.conf",
        *options,
        folder / "script.sieve",
        folder / "mail",
    )
    try:
        ended = run(command)
    finally:
        shutil.rmtree(folder)
    (sender,) = re.findall(rb"sending message from <(.*?)>", ended.stderr)
    # It appends what the script would have had done.
    return b"Return-Path: <" + sender + b">\n" + ended.stdout.partition(b"\nRECIPIENT: ")[0]


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name.startswith("vacation")])
def test_dovecot_is_away(script):
    report = parse(sieve(script))
    assert (report.kind, report.format) == ("auto-reply", "rfc3834")
    assert [r.final_recipient for r in report.recipients] == ["carol@remote.test"]
    assert report.answered_ids == ("<1@example.org>",)


def test_dovecot_rejects():
    report = parse(sieve("reject"))
    assert (report.kind, report.format) == ("mdn", "rfc8098")
    assert [r.final_recipient for r in report.recipients] == ["carol@remote.test"]
    assert (report.original.message_id, report.answered_ids) == ("<1@example.org>", ("<1@example.org>",))
    assert len(report.original.trace) == 1


def test_what_dovecot_notifies_of_new_mail_answers_nobody():
    assert parse(sieve("notify")).kind == "other"


def test_procmail_answers_by_the_recipe_in_its_manual(tmp_path):
    program = require_program("procmail")
    require_program("formail", "procmail")
    (tmp_path / "recipe").write_text(RECIPE.format(folder=tmp_path))
    (tmp_path / "sendmail").write_text(f"#!/bin/sh\ncat >{tmp_path}/sent\n")
    (tmp_path / "sendmail").chmod(0o755)
    run([program, "-m", tmp_path / "recipe"], b"From anna@example.org  Tue Nov 10 10:00:05 2026\n" + ORIGINAL)
    # Its mail server names the author and the reverse path: whose procmail it is.
    sent = b"Return-Path: <carol@remote.test>\nFrom: carol@remote.test\n" + (tmp_path / "sent").read_bytes()
    report = parse(sent)
    assert (report.kind, report.format) == ("auto-reply", "auto-reply")
    assert report.answered_ids == ("<1@example.org>",)
    # A list's loop is not its members': they answer as ever.
    assert parse(sent.replace(b"X-Loop: carol@", b"X-Loop: talk@")).kind == "other"


@pytest.mark.parametrize(
    ("options", "kind", "returned"),
    [
        ((), "auto-reply", None),
        (("-N",), "auto-reply", None),
        (("-T", "replydsn", "-M", "carol@remote.test", "-fcarol@remote.test"), "dsn", "<1@example.org>"),
        (("-T", "replyfeedback", "-R", "abuse"), "feedback-report", "<1@example.org>"),
    ],
    ids=["quoting", "bare", "as a delivery status", "as a complaint"],
)
def test_mailbot_answers(tmp_path, options, kind, returned):
    program = require_program("mailbot", "maildrop")
    (tmp_path / "text").write_text("I am away until Monday.\n")
    author = ("-A", "From: carol@remote.test")
    made = run([program, "-t", tmp_path / "text", *author, *options, "cat"]).stdout
    report = parse(b"Return-Path: <>\n" + made)
    assert (report.kind, report.original.message_id) == (kind, returned)
    assert report.answered_ids == ("<1@example.org>",)

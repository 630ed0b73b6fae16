"""Reports about which nothing told yet are looked at again: as a flood grows, and in their own time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from classifier.dataclass import replace
from classifier.judge import Judgement
from classifier.vocabulary import Action, Verdict
from tests.mailbox.dovecot import User
from tests.mailbox.support import MarkedMail, mail, maildir_work, run


class Learning(MarkedMail):
    """Says "unsure" of a marked report until it has learnt what it is."""

    learnt = False

    def _examined(self, headers, envelope):
        found = super()._examined(headers, envelope)
        if self.learnt and found.judgement.verdict is Verdict.UNSURE:
            return replace(found, judgement=Judgement(Verdict.FORGED, 0.9999, Action.QUARANTINE))
        return found


class Inbox:
    """A Maildir with one report that is unsure, and a clock that can be moved."""

    def __init__(self, folder):
        self.user = User("local", folder / "mail" / "Maildir", (-1, -1))
        self.user.make_folder("INBOX")
        self.store = folder / "store.sqlite3"
        self.examiner = Learning()
        self.user.deliver(mail("unsure", 1))

    def looks(self):
        """Sweep; return how many reports were looked at."""
        before = self.examiner.examined
        result, _ = run(maildir_work(self.user.maildir, examiner=self.examiner), self.store)
        assert result.exit_status == 0
        return self.examiner.examined - before

    def later(self, pause):
        with closing(sqlite3.connect(self.store)) as connection, connection:
            connection.execute(
                "UPDATE unsure SET since = since - ?, looked = looked - ?", (pause.total_seconds(),) * 2
            )


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path)


def test_an_unsure_report_is_looked_at_again_without_any_new_mail(inbox):
    assert inbox.looks() == 1
    assert inbox.looks() == 0, "nothing can have changed"
    inbox.later(timedelta(minutes=11))
    assert inbox.looks() == 1
    inbox.later(timedelta(minutes=9))
    assert inbox.looks() == 0, "the pauses grow"
    inbox.later(timedelta(minutes=15))
    inbox.examiner.learnt = True
    assert inbox.looks() == 1
    assert len(inbox.user.files("Backscatter")) == 1
    inbox.later(timedelta(days=1))
    assert inbox.looks() == 0


def test_it_is_left_alone_after_a_week(inbox):
    inbox.looks()
    looked = []
    for hour in range(1, 24 * 15):
        inbox.later(timedelta(hours=1))
        if inbox.looks():
            looked.append(hour)
    # Each pause is twice as long as the one before, and some seconds of the sweeps' own.
    assert 6 <= len(looked) <= 8
    assert 2 * 24 < looked[-1] < 7 * 24


def test_new_mail_of_other_kinds_brings_no_other_look(inbox):
    inbox.looks()
    for number in range(2, 8):
        inbox.user.deliver(mail("genuine", number))
        assert inbox.looks() == 1


def test_what_an_older_version_left_to_be_looked_at_is(inbox):
    inbox.looks()
    with closing(sqlite3.connect(inbox.store)) as connection, connection:
        connection.execute("DELETE FROM unsure")
        rows = connection.execute("SELECT account, folder, uid_validity, key FROM judged").fetchall()
        connection.executemany("INSERT INTO look_again VALUES (?, ?, ?, ?, 'unsure', 1)", rows)
    assert inbox.looks() == 1
    assert inbox.looks() == 0


def test_a_dry_run_on_an_older_versions_store(inbox):
    inbox.looks()
    with closing(sqlite3.connect(inbox.store)) as connection, connection:
        connection.execute("DROP TABLE unsure")
    work = maildir_work(inbox.user.maildir, examiner=inbox.examiner, dry_run=True)
    assert run(work, inbox.store)[0].exit_status == 0

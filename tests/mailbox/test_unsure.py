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
            connection.execute("UPDATE judged SET at = at - ?", (pause.total_seconds(),))


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path)


def test_an_unsure_report_is_looked_at_again_without_any_new_mail(inbox):
    assert inbox.looks() == 1
    assert inbox.looks() == 0, "nothing can have changed"
    inbox.later(timedelta(minutes=11))
    assert inbox.looks() == 1
    inbox.later(timedelta(minutes=11))
    assert inbox.looks() == 0, "the pause is twice as long"
    inbox.later(timedelta(minutes=11))
    inbox.examiner.learnt = True
    assert inbox.looks() == 1
    assert len(inbox.user.files("Backscatter")) == 1
    inbox.later(timedelta(days=1))
    assert inbox.looks() == 0


def test_it_is_left_alone_after_a_week(inbox):
    inbox.looks()
    hours, looks = 0, 0
    for hours in range(1, 24 * 30):
        inbox.later(timedelta(hours=1))
        if inbox.looks():
            looks, last = looks + 1, hours
    assert looks == 10
    assert 6 * 24 < last < 9 * 24


def test_a_growing_flood_has_it_looked_at_at_once_but_not_for_ever(inbox):
    inbox.looks()
    looks = []
    for number in range(2, 12):
        inbox.user.deliver(mail("genuine", number))
        looks.append(inbox.looks())
    assert looks == [2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    inbox.later(timedelta(hours=6))
    assert inbox.looks() == 1, "and later in its own time"

"""Moves that are refused, wholly or in part: what could not be moved is where it was, and is told."""

from __future__ import annotations

from collections import Counter

import pytest

from classifier.mailbox import mover, reading, sweep
from classifier.mailbox.agent import at_work
from classifier.mailbox.mover import NO_WAY
from classifier.mailbox.restore import Wanted, restore
from classifier.mailbox.upkeep import Upkeep
from classifier.store.database import Database
from classifier.store.journal import Journal
from classifier.store.judged import JudgedMail
from tests.mailbox.scripted import EXCHANGE, Session, hiding, scripted
from tests.mailbox.support import mail, run
from tests.mailbox.test_settling import FORGED, ORDINARY, WITHOUT_MOVE, filled, subjects, work_of

WITHOUT_UIDPLUS = EXCHANGE.replace(" UIDPLUS", "")


def everything(folders):
    return Counter(m.raw for f in folders.values() for m in f.messages.values())


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_what_was_moved_before_the_target_could_not_be_looked_at_stays_told(
    tmp_path, monkeypatch, capability
):
    monkeypatch.setattr(mover, "BATCH", 2)
    folders, store = filled(("INBOX", "Trash", "Backscatter")), tmp_path / "s.sqlite3"
    before = everything(folders)

    class Once(Session):
        def do_status(self, words, rest):
            if words[0] == "Backscatter" and folders[words[0]].messages:
                return "NO [SERVERBUG] not now"
            return super().do_status(words, rest)

    with scripted(folders, Once, capability=capability) as server:
        result, told = run(work_of(server), store)
        second, _ = run(work_of(server), store)
    assert (second.counts.quarantined, second.counts.errors, len(second.accounts[0].errors)) == (0, 2, 1)
    assert (result.counts.quarantined, result.counts.errors) == (2, 2)
    assert [w.what for w in told.warnings] == [
        "2 forged reports were not moved: the folder 'Backscatter' cannot be looked at"
    ]
    assert [m.source for m in told.messages if m.action == "quarantine"] == ["main/INBOX#1", "main/INBOX#3"]
    assert len(folders["Backscatter"].messages) == 2
    with scripted(folders, capability=capability) as server:
        assert run(work_of(server), store)[0].counts.quarantined == 2
    assert everything(folders) == before
    assert subjects(folders, "Backscatter") == FORGED


@pytest.mark.parametrize(
    ("answer", "moved", "commands"),
    [
        # All, the halves, and each of the second half: one alone is refused.
        ("NO this one is locked", 3, 5),
        # All, the first half, and then the one that shows that there is no room: the rest need not be tried.
        ("NO [OVERQUOTA] no room", 2, 3),
    ],
)
def test_a_move_that_is_refused_as_a_whole_is_tried_in_halves(tmp_path, answer, moved, commands):
    class Picky(Session):
        def do_uid_move(self, words, rest):
            if len(self.uids(words[0])) == 4:
                return "NO so many at once"
            return answer if 5 in self.uids(words[0]) else super().do_uid_move(words, rest)

    folders, store = filled(), tmp_path / "s.sqlite3"
    before = everything(folders)
    with scripted(folders, Picky, capability=WITHOUT_UIDPLUS) as server:
        result, told = run(work_of(server), store)
        assert server.commands.count("UID MOVE") == commands
    assert (result.counts.quarantined, result.counts.errors) == (moved, 4 - moved)
    assert len(told.messages) == 4
    with scripted(folders, capability=WITHOUT_UIDPLUS) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 4 - moved), told.warnings
    assert everything(folders) == before
    assert subjects(folders, "Backscatter") == FORGED


@pytest.mark.parametrize(
    "answer", ["NO [OVERQUOTA] no room", "NO Over quota", "NO Mailbox has exceeded quota"]
)
def test_the_other_half_is_not_tried_where_there_is_no_room(tmp_path, answer):
    class Full(Session):
        def do_uid_move(self, words, rest):
            return "NO so many at once" if len(self.uids(words[0])) == 4 else answer

    folders = filled()
    with scripted(folders, Full, capability=WITHOUT_UIDPLUS) as server:
        result, told = run(work_of(server), tmp_path / "s.sqlite3")
        assert server.commands.count("UID MOVE") == 2
    assert (result.counts.quarantined, result.counts.errors) == (0, 4)
    assert sum(int(w.what.partition(" ")[0]) for w in told.warnings) == 4
    assert subjects(folders, "INBOX") == [*FORGED, *ORDINARY]


def test_what_is_refused_first_keeps_nothing_else_from_being_moved(tmp_path, monkeypatch):
    monkeypatch.setattr(mover, "BATCH", 2)

    class Locked(Session):
        def do_uid_move(self, words, rest):
            return "NO locked" if {1, 3} & {*self.uids(words[0])} else super().do_uid_move(words, rest)

    folders = filled()
    with scripted(folders, Locked, capability=WITHOUT_UIDPLUS) as server:
        result, _ = run(work_of(server), tmp_path / "s.sqlite3")
    assert (result.counts.quarantined, result.counts.errors) == (2, 2)
    assert subjects(folders, "Backscatter") == FORGED[2:]


def test_what_was_copied_and_cannot_be_marked_as_deleted_is_not_copied_again(tmp_path):
    class Kept(Session):
        def do_uid_store(self, words, rest):
            return "NO [NOPERM] not yours"

    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders, Kept, capability=WITHOUT_MOVE) as server:
        for _ in range(3):
            result, told = run(work_of(server), store)
            assert result.exit_status == 1
            assert any("cannot be removed here" in str(w) for w in told.warnings), told.warnings
            assert subjects(folders, "INBOX") == [*FORGED, *ORDINARY]
            assert subjects(folders, "Backscatter") == FORGED
    with scripted(folders, capability=WITHOUT_MOVE) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 4), told.warnings
    assert subjects(folders, "INBOX") == ORDINARY
    assert subjects(folders, "Backscatter") == FORGED


@pytest.mark.parametrize("expires", [True, False])
def test_two_quarantines_of_which_one_is_no_longer_named(tmp_path, expires):
    folders, store = filled(), tmp_path / "s.sqlite3"
    before = everything(folders)
    with scripted(folders) as server:
        assert run(work_of(server, quarantine="Former"), store)[0].counts.quarantined == 4
        again = server.deliver(mail("forged", 9))
        assert run(work_of(server), store)[0].counts.quarantined == 1
        if expires:
            with at_work(work_of(server), store, "test") as (mailbox, database):
                assert Upkeep("main", "Backscatter", mailbox, database).expire(30, now=4e9) == 5
        else:
            left = restore(work_of(server), store, Wanted())
            assert (len(left.moved), left.missing) == (5, [])
    assert subjects(folders, "Trash" if expires else "INBOX") == sorted(
        [*FORGED, "forged 9", *([] if expires else ORDINARY)]
    )
    assert everything(folders) - before == Counter([again.raw])


def test_what_vanishes_as_it_is_put_back_is_missing(tmp_path):
    class Taken(Session):
        def do_uid_move(self, words, rest):
            self.expunge([1])
            return super().do_uid_move(words, rest)

    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        run(work_of(server), store)
    with scripted(folders, Taken) as server:
        left = restore(work_of(server), store, Wanted())
    assert [m.subject for m in left.missing] == ["forged 0"]
    assert [m.subject for m in left.moved] == FORGED[1:]
    assert left.refused == {}


def test_nothing_is_put_back_or_moved_on_where_nothing_can_be_moved_safely(tmp_path):
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        assert run(work_of(server), store)[0].counts.quarantined == 4
    before = everything(folders)
    with scripted(folders, capability=WITHOUT_UIDPLUS.replace(" MOVE", "")) as server:
        left = restore(work_of(server), store, Wanted())
        assert {*left.refused.values()} == {NO_WAY}
        assert (len(left.refused), left.moved, left.missing) == (4, [], [])
    assert everything(folders) == before
    assert subjects(folders, "Backscatter") == FORGED
    with scripted(folders) as server:
        assert len(restore(work_of(server), store, Wanted()).moved) == 4


def test_keys_that_name_other_messages_now_put_back_the_right_ones(tmp_path):
    """After a backup, UIDs are given out anew under the same UIDVALIDITY."""
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        assert run(work_of(server), store)[0].counts.quarantined == 4
        there = list(folders["Backscatter"].messages.values())
        folders["Backscatter"].messages = dict(enumerate(reversed(there), 1))
        assert len(restore(work_of(server), store, Wanted(text="forged 1")).moved) == 1
        assert subjects(folders, "INBOX") == ["forged 1", *ORDINARY]
        with at_work(work_of(server), store, "test") as (mailbox, database):
            assert Upkeep("main", "Backscatter", mailbox, database).expire(30, now=4e9) == 3
    assert subjects(folders, "Trash") == ["forged 0", "forged 2", "forged 3"]


def test_what_is_in_quarantine_and_not_shown_at_this_moment_is_put_back_all_the_same(tmp_path):
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        run(work_of(server), store)
    with scripted(folders, hiding(Session, "Backscatter")) as server:
        left = restore(work_of(server), store, Wanted())
    assert (len(left.moved), left.missing, left.refused) == (4, [], {})
    assert subjects(folders, "INBOX") == [*FORGED, *ORDINARY]


def test_nothing_is_made_for_messages_that_are_gone(tmp_path):
    folders, store = filled(("INBOX",)), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        assert run(work_of(server), store)[0].counts.quarantined == 4
        folders["Backscatter"].messages = {}
        with at_work(work_of(server), store, "test") as (mailbox, database):
            upkeep = Upkeep("main", "Backscatter", mailbox, database)
            assert upkeep.expire(30, now=4e9) == 0
            assert Journal(database).quarantined() == []
    assert sorted(folders) == ["Backscatter", "INBOX"]


def test_nothing_comes_back_of_a_quarantine_that_is_gone(tmp_path):
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        run(work_of(server), store)
    del folders["Backscatter"]
    with scripted(folders) as server:
        left = restore(work_of(server), store, Wanted())
    assert (len(left.missing), left.moved, left.refused) == (4, [], {})
    assert "Backscatter" not in folders


def test_the_quarantine_itself_is_not_swept(tmp_path):
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders) as server:
        result, told = run(work_of(server, folders=("INBOX", "Backscatter")), store)
        assert (result.counts.quarantined, result.counts.errors) == (4, 1)
        assert "'Backscatter' is the quarantine itself" in str(told.warnings[0])
    assert subjects(folders, "Backscatter") == FORGED


def test_a_quarantine_that_cannot_be_made_costs_no_verdict(tmp_path):
    class Closed(Session):
        def do_create(self, words, rest):
            return "NO [NOPERM] no more folders"

    folders, store = filled(("INBOX",)), tmp_path / "s.sqlite3"
    with scripted(folders, Closed) as server:
        result, told = run(work_of(server), store)
        assert (result.counts.looked_at, result.counts.kept, result.counts.errors) == (8, 4, 4)
        assert [(m.action, m.examination.judgement.action) for m in told.messages] == [("keep", "keep")] * 4
        assert all("no more folders" in m.examination.judgement.notes[0] for m in told.messages)
        assert "no more folders" in str(told.warnings[0])
    assert waiting(store) == 4
    with scripted(folders) as server:
        result, told = run(work_of(server), store)
        assert (result.counts.looked_at, result.counts.quarantined, result.exit_status) == (0, 4, 0)
    assert waiting(store) == 0
    assert subjects(folders, "Backscatter") == FORGED


def test_what_could_not_be_moved_and_is_gone_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(mover, "BATCH", 2)

    class Full(Session):
        def do_uid_move(self, words, rest):
            return "NO [OVERQUOTA] no room"

    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders, Full) as server:
        for _ in range(3):
            result, told = run(work_of(server), store)
            assert (result.counts.errors, result.exit_status) == (4, 1)
        assert len(told.messages) == 0, "told of each the first time"
        assert server.commands.count("UID MOVE") == 3, "where there is no room, the rest is not tried"
        inbox = folders["INBOX"].messages
        for uid in [uid for uid, m in inbox.items() if b"X-Verdict: forged" in m.raw]:
            del inbox[uid]
        result, told = run(work_of(server, dry_run=True), store)
        assert (result.exit_status, told.warnings) == (0, [])
        assert waiting(store) == 4, "a dry run changes nothing"
        result, told = run(work_of(server), store)
        assert (result.exit_status, told.warnings) == (0, [])
        assert waiting(store) == 0


def waiting(store):
    with Database.open(store, readonly=True) as database:
        return JudgedMail(database).not_moved("main")


def test_a_folder_that_is_made_anew_between_two_moves_is_left_alone(tmp_path, monkeypatch):
    """What was judged of it before has the UIDs of other messages now."""
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(sweep, "BATCH", 2)

    class Anew(Session):
        def do_uid_move(self, words, rest):
            answer = super().do_uid_move(words, rest)
            self.state.uid_validity = 8
            return answer

    folders, store = filled(), tmp_path / "s.sqlite3"
    before = everything(folders)
    # It does not say what it moved, so both folders are looked into, and the first one is opened again.
    with scripted(folders, Anew, odd_moves="silent") as server:
        result, told = run(work_of(server), store)
        assert (result.counts.looked_at, result.counts.quarantined) == (2, 1)
        assert [w.what for w in told.warnings] == ["the folder was made anew meanwhile"]
    with scripted(folders, uid_validity=8) as server:
        result, told = run(work_of(server), store)
        assert (result.counts.quarantined, result.exit_status) == (3, 0), told.warnings
    assert everything(folders) == before
    assert subjects(folders, "Backscatter") == FORGED

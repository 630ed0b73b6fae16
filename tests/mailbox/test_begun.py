"""Moves that a lost connection had begun: what is done late is waited for or undone, and nothing is taken for another."""

from __future__ import annotations

import time
from collections import Counter
from types import SimpleNamespace

import pytest

from classifier.errors import TemporaryError
from classifier.mailbox import mover
from classifier.mailbox.agent import at_work
from classifier.mailbox.restore import Wanted, restore
from classifier.store.journal import Journal
from tests.mailbox.scripted import EXCHANGE, Message, Session, hiding, scripted
from tests.mailbox.support import mail, run
from tests.mailbox.test_settling import (
    FORGED,
    ORDINARY,
    WITHOUT_MOVE,
    Rewriting,
    Stopped,
    filled,
    subjects,
    work_of,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(mover, "SECOND_LOOK", 0.02)


class Nothing(Stopped):
    """Hangs up before it has done anything."""

    done = False


def begun(folders, store, capability, session=Nothing):
    """Sweep until the connection is lost at the move."""
    with scripted(folders, session, capability=capability) as server:
        assert run(work_of(server), store, backoff=())[0].exit_status == 75


def message(kind, number):
    return Message(mail(kind, number).replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
@pytest.mark.parametrize("moment", ["UID FETCH", "UID COPY"])
def test_a_copy_that_is_made_after_it_was_given_up_is_removed(tmp_path, moment, capability):
    """The copies of the second attempt count; whatever else lies or comes there is nobody's copy, and stays."""
    folders, store = filled(("INBOX", "Trash", "Backscatter")), tmp_path / "s.sqlite3"
    inbox, quarantine = folders["INBOX"], folders["Backscatter"]
    quarantine.add(message("forged", 0))
    begun(folders, store, capability)
    given_up = [m for m in inbox.messages.values() if b"X-Verdict: forged" in m.raw]
    inbox.add(message("forged", 8))
    # The move of number 8 was never given up; but where it was refused just now, what comes may be its copy.
    others = (8, 9) if capability == WITHOUT_MOVE else (9,)
    copies = []

    class Late(Session):
        def do_uid_fetch(self, words, rest):
            if "BODY.PEEK[]" in rest:
                self.once("UID FETCH")
            return super().do_uid_fetch(words, rest)

        def do_uid_move(self, words, rest):
            return "NO not now"

        def do_uid_copy(self, words, rest):
            copies.append(words)
            self.once("UID COPY")
            return super().do_uid_copy(words, rest)

        def once(self, now):
            if now == moment and given_up:
                while given_up:
                    late = given_up.pop()
                    quarantine.add(Message(late.raw, set(late.flags), late.date))
                for number in others:  # delivered by a rule of the user's
                    quarantine.add(message("forged", number))

    with scripted(folders, Late, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 5), told.warnings
    assert (len(copies), given_up) == (1, [])
    assert subjects(folders, "INBOX") == ORDINARY
    assert subjects(folders, "Backscatter") == sorted(
        [*FORGED, "forged 0", "forged 8", *(f"forged {number}" for number in others)]
    )


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_what_the_server_is_still_at_is_waited_for(tmp_path, monkeypatch, capability):
    """It is done with one message after the first pause, and with the others after the second."""
    folders, store = filled(), tmp_path / "s.sqlite3"
    before = Counter(m.raw for f in folders.values() for m in f.messages.values())
    begun(folders, store, capability)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        for number in {1: (0,), 2: (1, 2, 3)}.get(len(pauses), ()):
            inbox = folders["INBOX"].messages
            uid = next(u for u, m in inbox.items() if b"Subject: forged %d" % number in m.raw)
            folders["Backscatter"].add(Message(inbox[uid].raw, set(inbox[uid].flags), inbox[uid].date))
            if capability == EXCHANGE:
                del inbox[uid]

    monkeypatch.setattr(mover, "time", SimpleNamespace(time=time.time, sleep=pause))
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 4), told.warnings
        assert not {"UID COPY", "UID MOVE"} & {*server.commands}
    assert len(pauses) == 3, "at the fourth look nothing changed any more"
    assert Counter(m.raw for f in folders.values() for m in f.messages.values()) == before
    assert subjects(folders, "Backscatter") == FORGED


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_the_copy_of_one_message_is_not_taken_for_anothers(tmp_path, capability):
    """Both were delivered alike within a second, with other text: one was copied, and the other must not be removed."""

    class First(Session):
        def do_uid_move(self, words, rest):
            self.transfer([str(self.uids(words[0])[0]), words[1]], leave=self.leave)
            raise OSError

        do_uid_copy = do_uid_move
        leave = capability == EXCHANGE

    folders, store = filled(number=0), tmp_path / "s.sqlite3"
    for text in (b"one text\r\n", b"another text\r\n"):
        folders["INBOX"].add(Message(mail("forged", 1).replace(b"\n", b"\r\n") + text))
    before = Counter(m.raw for m in folders["INBOX"].messages.values())
    begun(folders, store, capability, First)
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert result.exit_status == 0, told.warnings
    assert Counter(m.raw for m in folders["Backscatter"].messages.values()) == before
    assert not folders["INBOX"].messages


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_nothing_is_taken_for_the_copy_of_a_message_without_message_id(tmp_path, capability):
    folders, store = filled(("INBOX", "Trash", "Backscatter"), number=0), tmp_path / "s.sqlite3"
    folders["INBOX"].add(Message(mail("forged", 1, message_id=False).replace(b"\n", b"\r\n")))
    before = Counter(m.raw for m in folders["INBOX"].messages.values())
    begun(folders, store, capability)
    another = b"X-Other: 1\r\n" + mail("forged", 1, message_id=False).replace(b"\n", b"\r\n")
    folders["Backscatter"].add(Message(another))
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert result.exit_status == 0, told.warnings
    there = Counter(m.raw for m in folders["Backscatter"].messages.values())
    assert there == before + Counter([another])


def test_another_delivery_is_not_removed_where_the_inbox_was_made_anew(tmp_path):
    """It came within the same second as the one that was moved, and lies where nothing has its old UID."""

    class Done(Stopped):
        done = True

    folders, store = filled(), tmp_path / "s.sqlite3"
    begun(folders, store, EXCHANGE, Done)
    folders["INBOX"].add(message("forged", 1))
    with scripted(folders, capability=EXCHANGE, uid_validity=8) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 5), told.warnings
    assert subjects(folders, "INBOX") == ORDINARY
    assert subjects(folders, "Backscatter") == sorted([*FORGED, "forged 1"])


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
@pytest.mark.parametrize(
    ("was_done", "gone", "moved"),
    [(True, "Shared", FORGED), (False, "Shared", []), (False, "Backscatter", FORGED)],
)
def test_a_folder_that_is_gone_when_its_moves_are_settled(tmp_path, capability, was_done, gone, moved):
    class One(Stopped):
        done = was_done

    folders, store = filled(("INBOX", "Trash", "Shared")), tmp_path / "s.sqlite3"
    folders["Shared"], folders["INBOX"] = folders["INBOX"], folders["Shared"]
    with scripted(folders, One, capability=capability) as server:
        assert run(work_of(server, folders=("Shared",)), store, backoff=())[0].exit_status == 75
    del folders[gone]
    folders["INBOX"].add(message("forged", 9))
    swept = tuple(name for name in ("Shared", "INBOX") if name in folders)
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server, folders=swept), store)
        assert result.exit_status == 0, told.warnings
        with at_work(work_of(server), store, "test") as (_, database):
            assert Journal(database).unsettled("main") == []
    assert subjects(folders, "Backscatter") == [*moved, "forged 9"]
    assert subjects(folders, "INBOX") == []


def test_a_copy_that_is_marked_as_deleted_is_none(tmp_path):
    """Whoever marked it would take the message away with it, were its source removed for it."""

    class Done(Stopped):
        done = True

    folders, store = filled(), tmp_path / "s.sqlite3"
    begun(folders, store, WITHOUT_MOVE, Done)
    marked = folders["Backscatter"].messages[1]
    marked.flags.add("\\Deleted")
    with scripted(folders, capability=WITHOUT_MOVE) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 4), told.warnings
    assert subjects(folders, "INBOX") == ORDINARY
    del folders["Backscatter"].messages[1]
    assert subjects(folders, "Backscatter") == FORGED


def test_a_source_that_is_not_shown_is_not_given_up_for_what_is_like_it(tmp_path):
    """Copies are written anew here: whether one is its own can be told by comparing them alone."""

    class Copied(Rewriting):
        def do_uid_copy(self, words, rest):
            self.transfer(words, leave=False)
            raise OSError

    folders, store = filled(), tmp_path / "s.sqlite3"
    begun(folders, store, WITHOUT_MOVE, Copied)
    with scripted(folders, hiding(Rewriting, "INBOX"), capability=WITHOUT_MOVE) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (1, 3), told.warnings
    assert [w.what for w in told.warnings] == ["cannot be read"]
    assert subjects(folders, "INBOX") == ["forged 0", *ORDINARY]
    assert subjects(folders, "Backscatter") == FORGED


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_uids_that_name_other_messages_now_cost_none(tmp_path, capability):
    """After a backup they are given out anew under the same UIDVALIDITY: they lead to no source."""

    class Done(Stopped):
        done = True

    folders, store = filled(), tmp_path / "s.sqlite3"
    begun(folders, store, capability, Done)
    others = Counter(m.raw for m in folders["INBOX"].messages.values() if b"X-Verdict: ordinary" in m.raw)
    left = [m for m in folders["INBOX"].messages.values() if m.raw in others]
    folders["INBOX"].messages = dict(zip((1, 3, 5, 7), left, strict=True))
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 4), told.warnings
    assert Counter(m.raw for m in folders["INBOX"].messages.values()) == others
    assert subjects(folders, "Backscatter") == FORGED


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
@pytest.mark.parametrize("was_done", [True, False])
def test_a_restore_that_was_begun_is_settled_and_counts_as_none_of_the_sweeps(tmp_path, capability, was_done):
    class One(Stopped):
        done = was_done

    folders, store = filled(), tmp_path / "s.sqlite3"
    before = Counter(m.raw for f in folders.values() for m in f.messages.values())
    with scripted(folders, capability=capability) as server:
        assert run(work_of(server), store)[0].counts.quarantined == 4
    with scripted(folders, One, capability=capability) as server, pytest.raises(TemporaryError):
        restore(work_of(server), store, Wanted())
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert (result.exit_status, result.counts.quarantined) == (0, 0), told.warnings
        assert len(restore(work_of(server), store, Wanted()).moved) == (0 if was_done else 4)
    assert Counter(m.raw for f in folders.values() for m in f.messages.values()) == before
    assert subjects(folders, "INBOX") == [*FORGED, *ORDINARY]

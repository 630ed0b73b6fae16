"""What is remembered of folders: what was looked through, what is looked at again and when, and what the user said."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from classifier.store import failed, judged
from classifier.store.database import Database
from classifier.store.failed import NOT_JUDGED, NOT_MOVED, UNREADABLE
from classifier.store.judged import UNSURE, Correction, JudgedMail, JudgedMessage

PLACES = (("main", "INBOX", 7), ("main", "INBOX", 8), ("main", "Lists", 7), ("other", "INBOX", 7))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock for the store that stands still until it is moved."""

    def __init__(self, monkeypatch):
        self.now = NOW
        then = type("Then", (datetime,), {"now": classmethod(lambda _, zone: self.now.astimezone(zone))})
        monkeypatch.setattr(judged, "datetime", then)
        monkeypatch.setattr(failed, "time", SimpleNamespace(time=self.seconds))

    def seconds(self):
        return self.now.timestamp()

    def later(self, **pause):
        self.now += timedelta(**pause)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def mail(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        yield JudgedMail(database)


def commit(mail, place=PLACES[0], **what):
    memory = mail.memory(*place)
    mail.commit(*place[:2], memory, **what)
    return memory


def kept(mail, what):
    return mail._database.connection.execute(f"SELECT {what}").fetchall()


def report(key, prints=()):
    return JudgedMessage(key, key.encode(), "dsn", "unsure", 0.5, prints)


def test_how_far_a_folder_was_looked_through(mail):
    assert commit(mail, uid_next=5).uid_next == 5
    assert commit(mail, PLACES[2], uid_next=3).uid_next == 3
    assert commit(mail, PLACES[3], uid_next=2).uid_next == 2
    assert [mail.memory(*place).uid_next for place in PLACES] == [5, 0, 3, 2]
    commit(mail, again={"9": UNREADABLE})
    commit(mail, uid_next=4)
    assert mail.memory(*PLACES[0]).uid_next == 5, "it never goes back by itself"
    commit(mail, PLACES[1], uid_next=2)
    assert [mail.memory(*place).uid_next for place in PLACES] == [0, 2, 3, 2], (
        "its UIDs name nothing any more"
    )


def test_a_memory_that_was_turned_back_is_written_down_so(mail):
    commit(mail, uid_next=500)
    memory = mail.memory(*PLACES[0])
    memory.uid_next = 20
    mail.commit("main", "INBOX", memory, uid_next=30)
    assert mail.memory(*PLACES[0]).uid_next == 30


def test_which_names_were_looked_through(mail):
    commit(mail, names=("a", "b"))
    commit(mail, names=("b", "c"))
    commit(mail, PLACES[2], names=("x",))
    commit(mail, PLACES[3], names=("a", "y"))
    memory = mail.memory(*PLACES[0])
    assert memory.keys == {"a", "b", "c"}
    assert memory.unknown(["c", "d"]) == ["d"]
    assert memory.gone({"a", "d"}) == {"b", "c"}
    commit(mail, gone=("a", "x"))
    assert [mail.memory(*place).keys for place in PLACES] == [{"b", "c"}, {"b", "c"}, {"x"}, {"a", "y"}]


def test_what_failed_waits_longer_each_time_and_is_given_up(mail, clock):
    """The first times it is looked at as often as anybody asks, then after ten minutes, an hour, six hours, a day."""
    commit(mail, again={"1": UNREADABLE, "2": NOT_JUDGED, "3": NOT_MOVED})
    for place in PLACES[1:]:
        assert mail.memory(*place).failed == {}
    pauses = [0, 0, 0, 600, 3_600, 21_600, 86_400]
    for pause in pauses:
        if pause:
            clock.later(seconds=pause - 1)
            assert mail.memory(*PLACES[0]).failed == {"3": NOT_MOVED}
            clock.later(seconds=1)
        assert mail.memory(*PLACES[0]).failed == {"1": UNREADABLE, "2": NOT_JUDGED, "3": NOT_MOVED}
        commit(mail, again={"1": UNREADABLE, "2": NOT_JUDGED, "3": NOT_MOVED})
    clock.later(days=300)
    assert mail.memory(*PLACES[0]).failed == {"3": NOT_MOVED}, "it waits until there is room"
    for table in ("look_again", "looked_again"):
        assert kept(mail, f"key FROM {table}") == [("3",)], "nothing is kept of what was given up"


def test_the_reason_is_the_last_one(mail):
    for _ in range(20):
        commit(mail, again={"1": NOT_MOVED})
    commit(mail, PLACES[2], again={"1": NOT_MOVED})
    commit(mail, PLACES[3], again={"1": NOT_MOVED})
    commit(mail, again={"2": UNREADABLE})
    assert (mail.not_moved("main"), mail.not_moved("other"), mail.not_moved("third")) == (2, 1, 0)
    assert list(mail.memory(*PLACES[0]).failed) == ["2", "1"], "what failed least often is first"
    commit(mail, again={"2": NOT_MOVED})
    assert mail.memory(*PLACES[0]).failed == {"1": NOT_MOVED, "2": NOT_MOVED}


def test_what_is_done_with_is_not_looked_at_again(mail, clock):
    for place in PLACES:
        commit(mail, place, again={"1": UNREADABLE, "2": NOT_MOVED, "3": UNREADABLE, "4": UNSURE})
    clock.later(minutes=10)
    commit(mail, settled=("1", "4"), again={"3": UNSURE})
    assert mail.memory(*PLACES[0]).failed == {"2": NOT_MOVED}
    assert mail.unsure(*PLACES[0]) == []
    for place in PLACES[1:]:
        assert set(mail.memory(*place).failed) == {"1", "2", "3"}
        assert mail.unsure(*place) == ["4"]
    for _ in range(3):  # it counts from the beginning
        commit(mail, again={"1": UNREADABLE})
        assert "1" in mail.memory(*PLACES[0]).failed
    clock.later(minutes=10)
    assert mail.unsure(*PLACES[0]) == ["3"]
    commit(mail, again={"3": NOT_MOVED})
    assert mail.unsure(*PLACES[0]) == []
    assert mail.memory(*PLACES[0]).failed["3"] == NOT_MOVED


def test_when_it_failed_is_forgotten_with_it(mail):
    commit(mail, again={"1": UNREADABLE, "2": UNREADABLE})
    commit(mail, PLACES[2], again={"2": UNREADABLE})
    commit(mail, settled=("1",))
    assert kept(mail, "folder, key FROM looked_again ORDER BY 1, 2") == [("INBOX", "2"), ("Lists", "2")]


def test_a_clock_that_was_years_ahead_costs_no_other_look(mail, clock):
    for _ in range(4):
        commit(mail, again={"1": UNREADABLE})
    clock.later(days=-4_000)
    assert mail.memory(*PLACES[0]).failed == {"1": UNREADABLE}


def test_pauses_of_what_is_unsure(mail, clock):
    commit(mail, again={"1": UNSURE}, judged=[report("1")])
    for minutes in (10, 10, 20, 40):
        clock.later(minutes=minutes, seconds=-1)
        assert mail.unsure(*PLACES[0]) == []
        clock.later(seconds=1)
        assert mail.unsure(*PLACES[0]) == ["1"]
        assert [mail.unsure(*place) for place in PLACES[1:]] == [[]] * 3
        commit(mail, again={"1": UNSURE}, judged=[report("1")])
    clock.later(minutes=10)
    commit(mail, again={"0": UNSURE}, judged=[report("0")])
    clock.later(minutes=75)
    assert mail.unsure(*PLACES[0]) == ["1", "0"], "what waited longest is first"
    clock.later(days=7, minutes=-175)
    assert mail.unsure(*PLACES[0]) == ["1", "0"]
    clock.later(minutes=20)
    assert mail.unsure(*PLACES[0]) == ["0"]
    commit(mail, uid_next=1)
    assert kept(mail, "key FROM unsure") == [("0",)]


def test_what_is_unsure_is_looked_at_as_its_run_grows(mail, clock, monkeypatch):
    run = {"a": 8, "b": 1}
    monkeypatch.setattr(
        "classifier.store.floods.sizes", lambda _, names: {n: run[n] for n in names if n in run}
    )
    commit(mail, again={"1": UNSURE, "2": UNSURE}, judged=[report("1", ("a", "b")), report("2", ("b",))])
    for size, is_due in ((8, False), (9, False), (10, True), (11, True)):
        run["a"] = size
        assert (mail.unsure(*PLACES[0]) == ["1"]) is is_due, size
    commit(mail, again={"1": UNSURE}, judged=[report("1", ("a", "b"))])
    assert mail.unsure(*PLACES[0]) == [], "it is compared with what it was at the last look"
    run["b"] = judged.ENOUGH
    assert mail.unsure(*PLACES[0]) == [], "too few to tell anything"
    run["b"] = judged.ENOUGH + 1
    assert sorted(mail.unsure(*PLACES[0])) == ["1", "2"]


def test_verdicts_are_kept_by_message(mail):
    commit(mail, judged=[report("1")])
    commit(mail, judged=[JudgedMessage("1", b"other", "bounce", "forged", 0.999)])
    commit(mail, PLACES[1], judged=[report("1")])
    assert kept(mail, "uid_validity, key, digest, kind, verdict, probability FROM judged ORDER BY 1") == [
        (7, "1", b"other", "bounce", "forged", 0.999),
        (8, "1", b"1", "dsn", "unsure", 0.5),
    ]


def test_the_last_word_of_the_user_counts(mail):
    def said(digest, label, at=NOW, message_id=""):
        return Correction(digest, label, "dragged", at, "INBOX", message_id)

    first, second = said(b"1", "forged", NOW, "<1@a.test>"), said(b"2", "genuine", NOW - timedelta(days=1))
    mail.correct("main", [first, second])
    mail.correct("other", [said(b"1", "genuine", NOW + timedelta(days=1), "<1@a.test>")])
    assert mail.corrections("main") == [second, first]
    assert [mail.corrected(a, d) for a, d in (("main", b"1"), ("other", b"1"), ("other", b"2"))] == [
        "forged", "genuine", None,
    ]  # fmt: skip
    assert mail.corrected_messages() == {"<1@a.test>": "genuine"}
    mail.correct("main", [said(b"1", "genuine", NOW, "<1@a.test>")])
    assert mail.corrected("main", b"1") == "genuine"


def test_only_what_the_user_found_genuine_is_vouched_for(mail, monkeypatch):
    vouched = []
    monkeypatch.setattr("classifier.store.floods.vouch", lambda _, message_ids: vouched.extend(message_ids))
    mail.correct(
        "main",
        [
            Correction(b"1", "genuine", "restored", NOW, "INBOX", "<1@a.test>"),
            Correction(b"2", "forged", "dragged", NOW, "Backscatter", "<2@a.test>"),
        ],
    )
    assert vouched == ["<1@a.test>"]


def test_digests(mail):
    assert mail.last_digest("main") == (None, 0)
    mail.note_digest("main", NOW, b"first", 4)
    mail.note_digest("main", NOW - timedelta(days=1), b"second", 4)
    mail.note_digest("main", NOW - timedelta(days=2), b"third", 9)
    mail.note_digest("other", NOW, b"other", 20)
    assert mail.last_digest("main") == (NOW - timedelta(days=2), 9), "a clock may have been ahead"
    assert mail.digest_marks("main") == {b"first", b"second", b"third"}
    assert mail.digest_marks("third") == frozenset()


def test_of_two_digests_up_to_one_move_the_later_one_is_the_last(mail):
    mail.note_digest("main", NOW, b"first", 4)
    mail.note_digest("main", NOW + timedelta(days=1), b"second", 4)
    assert mail.last_digest("main") == (NOW + timedelta(days=1), 4)


def test_a_store_that_no_sweep_wrote_to_yet_can_be_read(tmp_path):
    Database.open(tmp_path / "s.sqlite3").close()
    with Database.open(tmp_path / "s.sqlite3", readonly=True) as database:
        mail = JudgedMail(database)
        memory = mail.memory(*PLACES[0])
        assert (memory.uid_validity, memory.uid_next, memory.keys, memory.failed) == (7, 0, frozenset(), {})
        assert mail.unsure(*PLACES[0]) == mail.corrections("main") == []
        assert (mail.not_moved("main"), mail.corrected("main", b"1"), mail.digest_marks("main")) == (
            0, None, frozenset(),
        )  # fmt: skip
        assert mail.corrected_messages() == {}


def test_a_dry_run_on_an_older_versions_store(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        commit(JudgedMail(database), again={"1": UNREADABLE, "2": UNSURE})
        for table in ("looked_again", "unsure"):
            database.connection.execute(f"DROP TABLE {table}")
    with Database.open(tmp_path / "s.sqlite3", readonly=True) as database:
        mail = JudgedMail(database)
        assert mail.memory(*PLACES[0]).failed == {"1": UNREADABLE}
        assert mail.unsure(*PLACES[0]) == []


def test_the_clock_is_the_systems(mail):
    commit(mail, again={"1": UNREADABLE})
    ((at,),) = kept(mail, "at FROM looked_again")
    assert abs(at - time.time()) < 60

"""The journal of moves: what each wake of a watch asks of it costs the same, however long it has become."""

from __future__ import annotations

from datetime import UTC, datetime

from classifier.dataclass import replace
from classifier.store.database import Database
from classifier.store.journal import MOST_MOVES, Journal, Move, MoveState, Purpose


def rows(number, start=0):
    return [
        Move(
            account="main", purpose=Purpose.QUARANTINE, source="INBOX", source_validity=1, source_key=str(n),
            target="Backscatter", target_validity=7, target_next=n, size=n, digest=b"%d" % n, received=n,
            message_id=f"<{n}@a.test>",
        )
        for n in range(start, start + number)
    ]  # fmt: skip


def filled(path, number):
    database = Database.open(path)
    journal = Journal(database)
    done = journal.intend(rows(number))
    journal.close(done, MoveState.DONE, {m.id: m.source_key for m in done})
    return database, journal


def steps(database, ask):
    """Count SQLite's steps, in tens."""
    counted = []
    database.connection.set_progress_handler(lambda: counted.append(1), 10)
    found = ask()
    database.connection.set_progress_handler(None, 0)
    return len(counted), found


ASKED = {
    "the moves of a message": lambda j, n: j.moves_of("main", b"%d" % (n - 1), f"<{n - 1}@a.test>", n - 1),
    "the moves of another": lambda j, n: j.moves_of("main", b"new", "<new@a.test>", n),
    "what is new in quarantine": lambda j, n: j.keys_in("main", "Backscatter", 7, n - 3),
    "what is unsettled": lambda j, _: j.unsettled("main"),
    "what is old": lambda j, _: j.quarantined("main", 5),
}


def test_what_a_wake_asks_does_not_grow(tmp_path):
    small, one = filled(tmp_path / "small.sqlite3", 10)
    large, other = filled(tmp_path / "large.sqlite3", 3_000)
    for what, ask in ASKED.items():
        few, found = steps(small, lambda ask=ask: ask(one, 10))
        many, same = steps(large, lambda ask=ask: ask(other, 3_000))
        assert len(found) == len(same), what
        assert many <= few + 5, what
    small.close()
    large.close()


def test_messages_that_look_the_same_are_not_all_looked_at(tmp_path):
    """A flood of thousands with one Message-ID in one second: each would ask of all before it."""
    database = Database.open(tmp_path / "s.sqlite3")
    journal = Journal(database)
    same = [replace(m, message_id="<1@a.test>", received=1) for m in rows(1_000)]
    done = journal.intend(same)
    journal.close(done, MoveState.DONE, {m.id: m.source_key for m in done})
    found = journal.moves_of("main", b"3", "<1@a.test>", 1)
    assert [m.source_key for m in found] == ["3", *(str(n) for n in range(1_001 - MOST_MOVES, 1_000))]
    assert steps(database, lambda: journal.moves_of("main", b"3", "<1@a.test>", 1))[0] < 500
    database.close()


def test_moves_of_a_message(tmp_path):
    database, journal = filled(tmp_path / "s.sqlite3", 5)
    assert [m.source_key for m in journal.moves_of("main", b"3")] == ["3"]
    assert [m.source_key for m in journal.moves_of("main", b"3", "<3@a.test>", 3)] == ["3"]
    # Written anew by the server: of the same Message-ID, and of the same second.
    assert [m.source_key for m in journal.moves_of("main", b"x", "<3@a.test>", 3)] == ["3"]
    assert [m.source_key for m in journal.moves_of("main", b"1", "<3@a.test>", 3)] == ["1", "3"]
    assert journal.moves_of("main", b"x", "<3@a.test>", 4) == []
    assert journal.moves_of("main", b"x", "<3@a.test>") == []
    assert journal.moves_of("other", b"3", "<3@a.test>", 3) == []
    assert journal.keys_in("main", "Backscatter", 7, 3) == {"3", "4"}
    assert journal.keys_in("main", "Backscatter", 8, 0) == set()
    assert [m.source_key for m in journal.quarantined("main")] == ["0", "1", "2", "3", "4"]
    assert journal.quarantined("main", 5) == journal.quarantined("other") == []
    database.close()


def keys(found):
    return [m.source_key for m in found]


def test_a_move_from_its_intention_to_its_end(tmp_path):
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with Database.open(tmp_path / "s.sqlite3") as database:
        journal = Journal(database)
        closed = [replace(m, state=MoveState.DONE) for m in rows(4)]
        written = journal.intend([*closed, replace(rows(5)[4], account="other")], now)
        assert [(m.state, m.at, m.source_key) for m in written] == [
            ("intended", int(now.timestamp()), str(n)) for n in range(5)
        ]
        assert [journal.find(m.id) for m in written] == written
        assert journal.find(99) is None
        first, second, third, fourth, other = written
        journal.close([first], MoveState.COPIED, {first.id: "41", second.id: "42"})
        journal.close([second], MoveState.DONE)
        journal.withdraw([third])
        assert keys(journal.unsettled("main")) == ["0", "3"]
        assert journal.reload([fourth, third, first]) == [
            fourth, replace(first, state=MoveState.COPIED, target_key="41"),
        ]  # fmt: skip
        journal.close([first], MoveState.DONE)
        assert journal.find(first.id) == replace(first, state=MoveState.DONE, target_key="41")
        assert journal.find(second.id) == replace(second, state=MoveState.DONE)
        assert keys(journal.unsettled("main")) == ["3"]
        assert journal.unsettled("other") == [other]


def test_what_may_account_for_a_copy(tmp_path):
    """Moves into the same folder as it is now, begun since, whatever became of them later."""
    with Database.open(tmp_path / "s.sqlite3") as database:
        journal = Journal(database)
        written = journal.intend(rows(6))
        for state, row in zip(list(MoveState)[1:], written[1:5], strict=True):
            journal.close([row], state)
        journal.close(
            journal.intend(
                [
                    replace(rows(1)[0], account="other"),
                    replace(rows(1)[0], target="Trash"),
                    replace(rows(1)[0], target_validity=8),
                ]
            ),
            MoveState.DONE,
        )
        assert keys(journal.claimed("main", "Backscatter", 7, 0)) == ["1", "2", "3", "4"]
        assert keys(journal.claimed("main", "Backscatter", 7, 3)) == ["3", "4"]


def test_the_register(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        journal = Journal(database)
        early, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
        journal.register([replace(rows(1)[0], target_key="40")], early)
        journal.register([replace(rows(2)[1], account="other", target_key="41")], late)
        for state, row in zip(MoveState, journal.intend(rows(8, 3)[:5], late), strict=True):
            journal.close([row], state, {row.id: "50"})
        for purpose in (Purpose.RESTORE, Purpose.UPKEEP):
            journal.register([replace(rows(1)[0], purpose=purpose, target_key="60", target="INBOX")], late)
        done = [m for m in journal.quarantined() if m.state == "done"]
        assert keys(done) == keys(journal.quarantined()) == ["0", "1", "5"]
        assert [m.target_key for m in done] == ["40", "41", "50"]
        assert keys(journal.quarantined("main")) == ["0", "5"]
        assert keys(journal.quarantined("main", late.timestamp())) == ["0"]
        assert keys(journal.quarantined(None, late.timestamp() + 1)) == ["0", "1", "5"]


def test_the_keys_that_are_known(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        journal = Journal(database)
        here = [replace(m, target_key=key) for m, key in zip(rows(4), ("8", "9", "10", None), strict=True)]
        elsewhere = [
            replace(here[1], account="other"), replace(here[1], target="Trash"), replace(here[1], target_validity=8),
        ]  # fmt: skip
        journal.intend([*here, *(replace(m, target_key="11") for m in elsewhere)])
        assert journal.keys_in("main", "Backscatter", 7, 0) == {"8", "9", "10"}
        assert journal.keys_in("main", "Backscatter", 7, 9) == {"9", "10"}


def test_moves_that_were_not_made_or_were_expired_are_no_moves_of_a_message(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        journal = Journal(database)
        same = [replace(m, digest=b"same", message_id="<1@a.test>", received=1) for m in rows(5)]
        for state, row in zip(MoveState, journal.intend(same), strict=True):
            journal.close([row], state)
        other = journal.intend([replace(same[0], account="other")])
        journal.close(other, MoveState.DONE)
        nameless = journal.intend([replace(m, message_id="") for m in rows(2)])
        journal.close(nameless, MoveState.DONE)
        assert journal.moves_of("main", b"x", "", 1) == [], "without Message-ID one is none of the others"
        assert [m.state for m in journal.moves_of("main", b"same")] == ["done", "returned"]
        assert [m.state for m in journal.moves_of("main", b"x", "<1@a.test>", 1)] == ["done", "returned"]
        assert (
            journal.moves_of("other", b"same")
            == journal.moves_of("other", b"x", "<1@a.test>", 1)
            == [replace(other[0], state=MoveState.DONE)]
        )


def test_a_store_without_moves_can_be_read(tmp_path):
    Database.open(tmp_path / "s.sqlite3").close()
    with Database.open(tmp_path / "s.sqlite3", readonly=True) as database:
        journal = Journal(database)
        assert (
            journal.quarantined()
            == journal.unsettled("main")
            == journal.moves_of("main", b"1", "<1>", 1)
            == []
        )

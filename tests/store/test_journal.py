"""The journal of moves: what each wake of a watch asks of it costs the same, however long it has become."""

from __future__ import annotations

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

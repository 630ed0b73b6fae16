"""What DNS said before, with its dates."""

import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from classifier.store import records
from classifier.store.database import Database
from classifier.store.records import SqliteRecordMemory

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def memory(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        yield SqliteRecordMemory(database)


def test_first_and_last_sight(memory):
    for days in (0, 3, 1):
        memory.remember("S1._domainkey.Example.org.", "dkim", "p=a", NOW + days * DAY)
    memory.remember("s1._domainkey.example.org", "dkim", "p=b", NOW + 2 * DAY)
    memory.remember("s1._domainkey.example.org", "spf", "v=spf1", NOW)
    found = memory.remembered("s1._domainkey.example.org", "dkim")
    assert [(k.record, k.first_seen, k.last_seen) for k in found] == [
        ("p=a", NOW, NOW + 3 * DAY),
        ("p=b", NOW + 2 * DAY, NOW + 2 * DAY),
    ]
    assert memory.remembered("other.test", "dkim") == ()


def test_an_earlier_sight_is_news(memory):
    memory.remember("a.test", "spf", "v=spf1", NOW)
    memory.remember("a.test", "spf", "v=spf1", NOW - DAY)
    (found,) = memory.remembered("a.test", "spf")
    assert (found.first_seen, found.last_seen) == (NOW - DAY, NOW)


def test_a_gap_ends_when_the_record_is_back(memory):
    memory.remember("a.test", "dkim", "p=a", NOW)
    memory.remember("a.test", "dkim", "", NOW + DAY)
    memory.remember("a.test", "dkim", "", NOW + 9 * DAY)
    gap = [k for k in memory.remembered("a.test", "dkim") if not k.record]
    assert [(k.first_seen, k.last_seen) for k in gap] == [(NOW + DAY, NOW + 9 * DAY)]
    memory.remember("a.test", "dkim", "p=b", NOW + 10 * DAY)
    assert [k.record for k in memory.remembered("a.test", "dkim")] == ["p=a", "p=b"]


def test_it_stays_bounded(memory, monkeypatch):
    monkeypatch.setattr(records, "MAX_RECORDS", 60)
    for n in range(100):
        memory.remember("a.test", "spf", f"v=spf1 {n}", NOW + n * DAY)
    kept = memory.remembered("a.test", "spf")
    assert len(kept) == records.MAX_PER_NAME
    assert kept[-1].record == "v=spf1 99"
    for n in range(100):
        memory.remember(f"n{n}.test", "spf", "v=spf1", NOW + (200 + n) * DAY)
    assert memory.remembered("a.test", "spf") == ()
    assert memory.remembered("n99.test", "spf")
    memory.remember("b.test", "spf", "x" * (records.MAX_CHARS + 1), NOW)
    assert memory.remembered("b.test", "spf") == ()


def test_a_sighting_is_not_written_again_at_once(memory):
    memory.remember("a.test", "spf", "v=spf1", NOW)
    before = memory._database.connection.total_changes
    for seconds in range(1000):
        memory.remember("a.test", "spf", "v=spf1", NOW + timedelta(seconds=seconds))
    assert memory._database.connection.total_changes == before


def test_a_read_only_store_is_only_read(tmp_path):
    path = tmp_path / "s.sqlite3"
    with Database.open(path) as database:
        empty = tmp_path / "e.sqlite3"
        SqliteRecordMemory(database).remember("a.test", "spf", "v=spf1", NOW)
    with Database.open(path, readonly=True) as database:
        memory = SqliteRecordMemory(database)
        memory.remember("a.test", "spf", "v=spf1 new", NOW)
        assert [k.record for k in memory.remembered("a.test", "spf")] == ["v=spf1"]
    Database.open(empty).close()
    with Database.open(empty, readonly=True) as database:
        assert SqliteRecordMemory(database).remembered("a.test", "spf") == ()


def test_opening_a_store_again_leaves_the_locks_of_this_process_alone(tmp_path):
    """A descriptor of the file that is closed drops them all: another process could write in between."""
    path = tmp_path / "s.sqlite3"
    with Database.open(path) as database, database.transaction():
        Database.open(path, wait=0).close()
        code = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0, isolation_level=None).execute('BEGIN IMMEDIATE')"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
        assert b"database is locked" in done.stderr


def test_another_writer_is_not_waited_for(tmp_path):
    path = tmp_path / "s.sqlite3"
    with Database.open(path) as database:
        memory = SqliteRecordMemory(database)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        for number in range(20):
            memory.remember("a.test", "spf", f"v=spf1 {number}", NOW)
        # One short wait for all of them, and then the store is as patient as before.
        assert time.monotonic() - started < 1
        assert database.connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
        other.execute("ROLLBACK")
        other.close()
        assert memory.remembered("a.test", "spf") == ()
        memory.remember("a.test", "spf", "v=spf1", NOW)
        assert memory.remembered("a.test", "spf")

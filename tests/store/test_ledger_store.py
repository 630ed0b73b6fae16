"""The ledger in SQLite: what goes in comes out, nothing in clear, nothing lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import classifier.store.ledger as module
from classifier.errors import BackscatterError
from classifier.ingest.entries import LedgerRecord
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger

WHEN = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.sqlite3"


@pytest.fixture
def ledger(path):
    with Database.open(path) as database:
        yield SqliteLedger(database)


def record(number=1, recipients=("x@remote.test",), when=WHEN, source="import", envelope=()):
    return LedgerRecord((f"<{number}@example.org>",), envelope, recipients, when, source)


def test_finds_what_was_added(ledger):
    ledger.add(record(envelope=("QUEUE1",)))
    for name in ("<1@example.org>", "1@example.org", " <1@\r\n Example.ORG> "):
        entry = ledger.find(name)
        assert entry is not None
        assert entry.sent_at == WHEN
        assert entry.source == "import"
        assert entry.has_recipients
        assert entry.wrote_to("X@Remote.Test")
        assert not entry.wrote_to("y@remote.test")
    assert ledger.find_envelope_id("QUEUE1").wrote_to("x@remote.test")
    assert ledger.wrote_to("<x@remote.test>")
    assert not ledger.wrote_to("y@remote.test")
    assert len(ledger) == 2


def test_does_not_find_what_was_not(ledger):
    ledger.add(record(envelope=("QUEUE1",)))
    for name in ("", "<>", "<2@example.org>", "QUEUE1"):
        assert ledger.find(name) is None
    for name in ("", "queue1", "1@example.org"):
        assert ledger.find_envelope_id(name) is None


def test_an_empty_ledger(ledger):
    assert ledger.find("<1@example.org>") is None
    assert not ledger.wrote_to("x@remote.test")
    assert ledger.covered_until() is None
    assert len(ledger) == 0


def test_without_recipients_or_time(ledger):
    ledger.add(record(recipients=(), when=None))
    entry = ledger.find("<1@example.org>")
    assert entry.sent_at is None
    assert not entry.has_recipients
    assert not entry.wrote_to("x@remote.test")


def test_the_same_again_changes_nothing(ledger):
    first = ledger.add_many(record(n) for n in range(10))
    again = ledger.add_many(record(n) for n in range(10))
    assert (first.added, first.merged, first.known) == (10, 0, 0)
    assert (again.added, again.merged, again.known) == (0, 0, 10)
    assert len(ledger) == 10


def test_later_recipients_are_added(ledger):
    ledger.add(record(recipients=()))
    assert ledger.add(record(recipients=("a@b.test",))).merged == 1
    assert ledger.add(record(recipients=("c@d.test",))).merged == 1
    assert ledger.add(record(recipients=())).known == 1
    entry = ledger.find("<1@example.org>")
    assert entry.wrote_to("a@b.test")
    assert entry.wrote_to("c@d.test")


def test_the_same_twice_in_one_batch(ledger):
    result = ledger.add_many([record(recipients=("a@b.test",)), record(recipients=("c@d.test",)), record(2)])
    assert (result.added, result.merged) == (2, 1)
    assert ledger.find("<1@example.org>").wrote_to("a@b.test")
    assert ledger.find("<1@example.org>").wrote_to("c@d.test")
    assert len(ledger) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_the_better_source_stands_whichever_comes_first(ledger, order):
    both = [record(source="transit", recipients=(), when=None), record(source="submitted")][::order]
    for one in both:
        ledger.add(one)
    entry = ledger.find("<1@example.org>")
    assert (entry.source, entry.sent_at) == ("submitted", WHEN)


def test_a_record_without_identifier_is_none(ledger):
    result = ledger.add_many([LedgerRecord(), LedgerRecord(("", "<>"), (" ",), ("a@b.test",))])
    assert result.added == 0
    assert len(ledger) == 0


def test_more_recipients_than_are_kept(ledger, monkeypatch):
    monkeypatch.setattr(module, "MAX_RECIPIENTS", 3)
    people = tuple(f"p{n}@remote.test" for n in range(10))
    ledger.add(record(recipients=people[:5]))
    ledger.add(record(recipients=people[5:]))
    entry = ledger.find("<1@example.org>")
    assert sum(map(entry.wrote_to, people)) == 3
    assert all(map(ledger.wrote_to, people))


def test_batches_and_slices_smaller_than_the_input(ledger, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 7)
    monkeypatch.setattr(module, "SLICE", 3)
    result = ledger.add_many(record(n, (f"p{n}@remote.test",), envelope=(f"Q{n}",)) for n in range(50))
    assert result.added == 50
    assert len(ledger) == 100
    for n in range(50):
        assert ledger.find(f"<{n}@example.org>").wrote_to(f"p{n}@remote.test")
        assert ledger.find_envelope_id(f"Q{n}").wrote_to(f"p{n}@remote.test")
        assert ledger.wrote_to(f"p{n}@remote.test")


def test_covered_until(ledger):
    ledger.mark_synced(WHEN)
    assert ledger.covered_until() == WHEN
    ledger.mark_synced(WHEN + timedelta(days=1))
    assert ledger.covered_until() == WHEN + timedelta(days=1)
    # A sync that ran under a clock gone wrong is put right by the next one.
    ledger.mark_synced(WHEN)
    assert ledger.covered_until() == WHEN


def test_times_at_the_ends_of_the_calendar(ledger):
    for number, when in enumerate((datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))):
        ledger.add(record(number, when=when))
        assert ledger.find(f"<{number}@example.org>").sent_at == when


def test_identifiers_of_any_characters(ledger):
    for name in ("<\udcff\u0000@x>", "<" + "a" * 5000 + "@x>", "<\U0001f4a9@x>"):
        ledger.add(LedgerRecord((name,), (), ("\udc80@b.test",)))
        assert ledger.find(name).wrote_to("\udc80@b.test")


def test_nothing_stands_in_clear_and_no_two_stores_hash_alike(tmp_path):
    keys = []
    for name in ("a", "b"):
        with Database.open(tmp_path / name) as database:
            SqliteLedger(database).add(
                record(recipients=("secretfriend@remote.test",), envelope=("QUEUEID77",))
            )
            keys += database.connection.execute("SELECT id FROM ledger_entry").fetchall()
        content = b"".join(p.read_bytes() for p in tmp_path.iterdir())
        for word in (b"secretfriend", b"remote.test", b"example.org", b"QUEUEID77"):
            assert word not in content
    assert len(set(keys)) == 4


def test_a_read_only_store_without_a_ledger(path):
    Database.open(path).close()
    with Database.open(path, readonly=True) as database:
        ledger = SqliteLedger(database)
        assert ledger.find("<1@example.org>") is None
        assert ledger.find_envelope_id("Q") is None
        assert ledger.covered_until() is None
        assert not ledger.wrote_to("x@remote.test")
        assert len(ledger) == 0


def test_a_reader_sees_what_a_writer_adds_and_does_not_wait_for_it(path, ledger):
    ledger.add(record(1))
    with Database.open(path, readonly=True) as database:
        reader = SqliteLedger(database)
        with ledger.database.transaction() as connection:
            connection.execute("UPDATE ledger_meta SET value = value")
            start = time.perf_counter()
            assert reader.find("<1@example.org>") is not None
            assert time.perf_counter() - start < 0.1
        ledger.add(record(2))
        assert reader.find("<2@example.org>") is not None


def test_two_writers_share_one_secret(path, ledger):
    with Database.open(path) as database:
        other = SqliteLedger(database)
        other.add(record(1))
        ledger.add(record(2))
        assert ledger.find("<1@example.org>") is not None
        assert other.find("<2@example.org>") is not None


def test_an_input_that_breaks_off_leaves_the_store_usable(ledger, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)

    def broken():
        yield from (record(1), record(2), record(3))
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        ledger.add_many(broken())
    assert ledger.find("<1@example.org>") is not None
    assert ledger.find("<3@example.org>") is None
    assert ledger.add_many(record(n) for n in (1, 2, 3)).added == 1


def test_a_store_that_cannot_be_written_is_one_line(path, ledger):
    ledger.add(record(1))
    (pages,) = ledger._connection.execute("PRAGMA page_count").fetchone()
    ledger._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(BackscatterError, match="ledger cannot be written"):
        ledger.add_many(record(n) for n in range(5_000))
    ledger._connection.execute("PRAGMA max_page_count=1000000")
    assert ledger.find("<1@example.org>") is not None
    assert ledger.add_many(record(n) for n in range(5_000)).added == 4_999


_ENDLESS = """
import sys, itertools
import classifier.store.ledger as module
from classifier.ingest.entries import LedgerRecord
from classifier.store.database import Database
module.BATCH, module.SLICE = 2000, 500
def endless():
    for n in itertools.count():
        if n == 20000:
            print("going", flush=True)
        yield LedgerRecord((f"<{n}@example.org>",), (), (f"p{n}@remote.test",))
with Database.open(sys.argv[1]) as database:
    module.SqliteLedger(database).add_many(endless())
"""


def test_killed_in_the_middle(path):
    child = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"going\n"
    time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with Database.open(path) as database:
        assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ledger = SqliteLedger(database)
        (rows,) = database.connection.execute("SELECT count(*) FROM ledger_entry").fetchone()
        assert rows == len(ledger) >= 18_000
        result = ledger.add_many(record(n, (f"p{n}@remote.test",), None) for n in range(rows))
        assert result.merged == 0
        for n in range(0, rows, 997):
            assert ledger.find(f"<{n}@example.org>").wrote_to(f"p{n}@remote.test")
            assert ledger.wrote_to(f"p{n}@remote.test")


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="<>", exclude_categories=["Z", "C"]),
    min_size=1,
    max_size=20,
)
_RECORDS = st.lists(
    st.builds(
        LedgerRecord,
        message_ids=st.lists(_NAMES.map("<{}@example.org>".format), max_size=2).map(tuple),
        envelope_ids=st.lists(_NAMES, max_size=1).map(tuple),
        recipients=st.lists(_NAMES.map("{}@remote.test".format), max_size=3).map(tuple),
        sent_at=st.none()
        | st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)).map(
            lambda d: d.replace(microsecond=0)
        ),
        source=st.sampled_from(module.SOURCES),
    ),
    max_size=12,
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(_RECORDS, max_size=3))
def test_add_and_find_agree(batches):
    database = Database(None, sqlite3.connect(":memory:", isolation_level=None), readonly=False)
    with database:
        ledger = SqliteLedger(database)
        for batch in batches:
            ledger.add_many(batch)
        everything = [one for batch in batches for one in batch]
        for one in everything:
            found = [ledger.find(i) for i in one.message_ids] + [
                ledger.find_envelope_id(i) for i in one.envelope_ids
            ]
            for entry in found:
                assert entry is not None
                assert all(map(entry.wrote_to, one.recipients))
                assert one.sent_at is None or entry.sent_at >= one.sent_at
                assert module.SOURCES.index(entry.source) >= module.SOURCES.index(one.source)
            if found:
                assert all(map(ledger.wrote_to, one.recipients))
        before = len(ledger)
        assert [ledger.add_many(batch).added for batch in batches] == [0] * len(batches)
        assert len(ledger) == before

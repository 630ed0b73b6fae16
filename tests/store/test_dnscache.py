"""Cached DNS answers: TTL and its limits, size, and a store that cannot be written."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from classifier.store import dnscache
from classifier.store.database import Database
from classifier.store.dnscache import DnsCache

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def database(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        yield database


def test_an_answer_lives_as_long_as_its_ttl(database):
    cache = DnsCache(database)
    cache.put("a.test", "TXT", ("one", "two ü;\r\n"), exists=True, ttl=600, now=NOW)
    found = cache.get("a.test", "TXT", NOW + timedelta(seconds=599))
    assert (found.records, found.exists) == (("one", "two ü;\r\n"), True)
    assert cache.get("a.test", "TXT", NOW + timedelta(seconds=600)) is None
    assert cache.get("a.test", "A", NOW) is None


@pytest.mark.parametrize(
    ("ttl", "records", "kept"),
    [
        (0, ("x",), dnscache.MIN_TTL),
        (2**31, ("x",), dnscache.MAX_TTL),
        (2**31, (), dnscache.MAX_NEGATIVE_TTL),
    ],
)
def test_ttls_out_of_reason_are_bounded(database, ttl, records, kept):
    cache = DnsCache(database)
    cache.put("a.test", "TXT", records, exists=bool(records), ttl=ttl, now=NOW)
    assert cache.get("a.test", "TXT", NOW + timedelta(seconds=kept - 1)).exists is bool(records)
    assert cache.get("a.test", "TXT", NOW + timedelta(seconds=kept)) is None


def test_an_empty_record_is_not_taken_for_none(database):
    cache = DnsCache(database)
    cache.put("a.test", "TXT", ("",), exists=True, ttl=600, now=NOW)
    assert cache.get("a.test", "TXT", NOW) is None
    cache.put("b.test", "TXT", ("", "x"), exists=True, ttl=600, now=NOW)
    assert cache.get("b.test", "TXT", NOW).records == ("", "x")


def test_the_table_stays_bounded(database):
    cache = DnsCache(database, max_answers=50)
    for n in range(500):
        cache.put(f"n{n}.test", "TXT", ("x",), exists=True, ttl=1000 + n, now=NOW)
    (count,) = database.connection.execute("SELECT count(*) FROM dns_answers").fetchone()
    assert count <= 100
    assert cache.get("n499.test", "TXT", NOW)
    cache.put("huge.test", "TXT", ("x" * (dnscache.MAX_CHARS + 1),), exists=True, ttl=60, now=NOW)
    assert cache.get("huge.test", "TXT", NOW) is None


def test_a_store_without_the_table_or_locked_is_a_miss(tmp_path):
    path = tmp_path / "s.sqlite3"
    Database.open(path).close()
    with Database.open(path, readonly=True) as database:
        cache = DnsCache(database)
        cache.put("a.test", "TXT", ("x",), exists=True, ttl=60, now=NOW)
        assert cache.get("a.test", "TXT", NOW) is None
    with Database.open(path) as database:
        cache = DnsCache(database)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        cache.put("a.test", "TXT", ("x",), exists=True, ttl=60, now=NOW)  # does not wait half a minute
        other.execute("ROLLBACK")
        other.close()
        assert cache.get("a.test", "TXT", NOW) is None

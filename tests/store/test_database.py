"""The store when the disk is full, the file damaged, or made by a newer version."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from classifier.errors import BackscatterError, TemporaryError
from classifier.store.database import SCHEMA, Database, store_failure
from classifier.store.lock import Lock

TABLE = "CREATE TABLE IF NOT EXISTS t (x BLOB)"


@pytest.fixture
def database(tmp_path):
    with Database.open(tmp_path / "s.sqlite3", wait=0.2) as opened:
        opened.ensure(TABLE)
        yield opened


def rows(database):
    return database.connection.execute("SELECT count(*) FROM t").fetchone()[0]


def test_on_a_full_disk_nothing_is_written_and_the_next_transaction_counts(database):
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with (
        pytest.raises(sqlite3.OperationalError, match="full"),
        database.transaction() as connection,
    ):
        connection.executemany("INSERT INTO t VALUES (?)", [(b"small",), (b"A" * 100_000,)])
    assert not database.connection.in_transaction
    assert rows(database) == 0
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (?)", (b"small",))
    with Database.open(database.path) as other:
        assert rows(other) == 1


def test_a_commit_that_fails_leaves_no_transaction_open(database):
    """Else what is written after it is part of it, and never there for anybody else."""
    database.connection.execute("PRAGMA foreign_keys = ON")
    database.connection.executescript(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
        "CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
    )
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.execute("INSERT INTO child VALUES (1)")  # fails at COMMIT
    assert not database.connection.in_transaction
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
    with Database.open(database.path) as other:
        assert rows(other) == 1


def test_an_exception_of_ours_stays_what_it_is(database):
    def write():
        with database.transaction() as connection:
            connection.execute("INSERT INTO t VALUES (1)")
            raise KeyError

    with pytest.raises(KeyError):
        write()
    assert rows(database) == 0


def test_a_store_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "s.sqlite3"
    with Database.open(path) as database:
        database.connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    before = path.read_bytes()
    for readonly in (False, True):
        with pytest.raises(BackscatterError, match="newer version"):
            Database.open(path, readonly=readonly)
    assert path.read_bytes() == before


def test_a_damaged_store_is_told(tmp_path):
    path = tmp_path / "s.sqlite3"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(BackscatterError, match="not a usable store"):
        Database.open(path)
    assert path.read_bytes() == b"no database" * 1000


def test_a_new_store_is_open_as_soon_as_another_process_lets_go(tmp_path):
    other = sqlite3.connect(tmp_path / "s.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute(TABLE)
    other.execute("BEGIN IMMEDIATE")  # for this lock SQLite itself does not wait
    threading.Timer(0.3, other.execute, ["COMMIT"]).start()
    begin = time.monotonic()
    Database.open(tmp_path / "s.sqlite3").close()
    assert 0.2 < time.monotonic() - begin < 3
    other.close()


def test_what_sqlite_says_is_told_in_one_line():
    error = store_failure(sqlite3.OperationalError("database or disk is full"), "/x/s.sqlite3")
    assert (error.exit_status, str(error)) == (
        75,
        (
            "/x/s.sqlite3: the store cannot be used (database or disk is full); "
            "see that the disk has room, or try again later"
        ),
    )
    assert "not a usable store" in str(store_failure(sqlite3.DatabaseError("malformed"), "/x/s.sqlite3"))


def test_a_store_of_somebody_else_is_told_as_such(tmp_path):
    sqlite3.connect(tmp_path / "s.sqlite3").execute(TABLE)
    with sqlite3.connect(f"file:{tmp_path}/s.sqlite3?mode=ro", uri=True) as looking:
        with pytest.raises(sqlite3.OperationalError) as caught:
            looking.execute("INSERT INTO t VALUES (1)")
        assert "see who owns it, and its folder" in str(store_failure(caught.value, "/x/s.sqlite3"))
    looking.close()
    place = tmp_path / "closed"
    place.mkdir(mode=0)
    me = os.geteuid()
    os.seteuid(me or 65534)  # nothing is closed to root
    try:
        with pytest.raises(BackscatterError, match=r"\(Permission denied\); .* who owns it"):
            Database.open(place / "s.sqlite3")
        with pytest.raises(BackscatterError, match=r"\(Permission denied\); .* who owns it"):
            Lock(place / "s.sqlite3", "main", "sweep").__enter__()
    finally:
        os.seteuid(me)


def test_a_lock_holds_where_nothing_more_can_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    store = tmp_path / "s.sqlite3"
    with Lock(store, "main", "sweep"), pytest.raises(TemporaryError, match="locked by another process"):
        Lock(store, "main", "watch").__enter__()
    with Lock(store, "main", "watch"):
        pass


def test_a_store_that_has_no_room_says_so(tmp_path):
    program = (
        "import resource, signal, sys; from classifier.cli.main import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "sys.exit(main(['--config', 'c.toml', 'ledger', 'import', 'x.eml']))"
    )
    (tmp_path / "c.toml").write_text('[identity]\ndomains = ["example.org"]\n[store]\npath = "s.sqlite3"\n')
    (tmp_path / "x.eml").write_bytes(b"Message-ID: <1@example.org>\n\nx\n")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 75
    assert done.stderr.count("\n") == 1
    assert "see that the disk has room" in done.stderr

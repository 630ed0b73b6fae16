"""The SQLite file that holds everything remembered, readable by its owner alone.

Each module of this package keeps its own tables and creates them through
:meth:`Database.ensure`. One process writes at a time; readers never wait for
it (write-ahead log).
"""

from __future__ import annotations

import os
import sqlite3
import time

from classifier.errors import BackscatterError, TemporaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

#: Raised where a table changes that older versions know; new tables need nothing.
SCHEMA = 1
#: What to do where a file of the store cannot be opened or made.
CHECK = "check [store] path, and who owns it: another user, or root, may have run this before"
#: How long a writer waits for another one, in seconds.
WRITER_WAIT = 30.0
#: How long a reader in the mail stream waits at most, in seconds.
READER_WAIT = 0.1
#: Seconds between two attempts to turn the write-ahead log on.
_PAUSE = 0.01
#: A write that may as well not happen waits so long for another writer, in milliseconds ...
_HURRY = 100
#: ... and the next ones not at all for so long, in seconds: mail is not held up by each of them.
_REST = 5.0


class Database:
    """One open store.

    Attributes:
        path: the file.
        readonly: True where nothing may be written.
        connection: SQLite's connection, in autocommit mode; use
            :meth:`transaction` to write.
        wait: seconds to wait for a lock.

    """

    def __init__(
        self, path: str, connection: sqlite3.Connection, *, readonly: bool, wait: float = WRITER_WAIT
    ) -> None:
        """Wrap an open connection; use :meth:`open`."""
        self.path = path
        self.wait = wait
        self.busy_until = 0.0
        self.readonly = readonly
        self.connection = connection
        self._ensured: set[str] = set()

    @classmethod
    def open(cls, path: str | Path, *, readonly: bool = False, wait: float | None = None) -> Database:
        """Open (and, unless *readonly*, create) the store.

        Args:
            path: the file; ``~`` is expanded.
            readonly: look only; the file must exist.
            wait: seconds to wait for a lock; default by mode.

        Raises:
            BackscatterError: it cannot be opened or is no SQLite file.
            TemporaryError: another process holds it for too long.

        """
        # Not by pathlib, which costs a filter 5 ms.
        file = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111
        seconds = wait if wait is not None else READER_WAIT if readonly else WRITER_WAIT
        try:
            if readonly:
                quoted = file.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
                connection = sqlite3.connect(
                    f"file:{quoted}?mode=ro", uri=True, timeout=seconds, isolation_level=None
                )
            else:
                os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
                _create(file)
                connection = sqlite3.connect(file, timeout=seconds, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            told = error.strerror if isinstance(error, OSError) else str(error)
            raise BackscatterError(f"cannot open the store ({told})", where=file, remedy=CHECK) from error
        try:
            if not readonly:
                _write_ahead(connection, seconds)
                # Moves are journalled here: a commit must survive a power cut.
                connection.execute("PRAGMA synchronous=FULL")
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            if schema > SCHEMA:
                connection.close()
                raise BackscatterError(
                    f"the store was made by a newer version (schema {schema}; this one knows {SCHEMA})",
                    where=str(file),
                    remedy="upgrade backscatter, or name another file by [store] path",
                )
            if schema < SCHEMA and not readonly:
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
        except sqlite3.Error as error:
            connection.close()
            raise store_failure(error, file) from error
        return cls(file, connection, readonly=readonly, wait=seconds)

    def ensure(self, tables: str) -> None:
        """Create *tables* (``CREATE TABLE IF NOT EXISTS ...``) once, unless read-only."""
        if self.readonly or tables in self._ensured:
            return
        if self.wait > READER_WAIT:
            self.connection.executescript(tables)
        else:
            with self.in_a_hurry() as connection:
                connection.executescript(tables)
        self._ensured.add(tables)

    def transaction(self) -> Transaction:
        """Write in one transaction: all of it or nothing. One inside another is part of it.

        Entering it raises TemporaryError where another process keeps writing for too long.
        """
        return Transaction(self)

    def in_a_hurry(self) -> Hurry:
        """Write what is worth no more than a short wait, within the block.

        After one that had to wait in vain, the next ones do not wait at all for a while.
        """
        return Hurry(self)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        """Return itself; closed at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close."""
        self.close()


def _create(file: str) -> None:
    """Create the file with its mode, so that nobody reads it in between.

    One that is there is not touched: closing a descriptor of it would drop the
    locks that this process holds on it by other connections (fcntl(2)).
    """
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return


class Transaction:
    """What :meth:`Database.transaction` gives; a class, since contextlib costs a filter 1 ms."""

    __slots__ = ("_database", "_is_part")

    def __init__(self, database: Database) -> None:
        """Begin with the block."""
        self._database = database
        self._is_part = False

    def __enter__(self) -> sqlite3.Connection:
        """Return the connection."""
        connection = self._database.connection
        self._is_part = connection.in_transaction
        if not self._is_part:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise TemporaryError(
                    f"the store is locked ({error})", where=self._database.path, remedy="try again later"
                ) from error
        return connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit, or roll back after an exception."""
        if self._is_part:
            return
        connection = self._database.connection
        try:
            if kind is None:
                connection.execute("COMMIT")
        finally:
            # After a failure SQLite may have rolled back by itself, or not (a full disk, a lock). What
            # stayed open would swallow all that is written later, and keep others from writing.
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def store_failure(error: sqlite3.Error, path: str | Path) -> BackscatterError:
    """Return what a user is told of SQLite's *error* with the store at *path*."""
    if isinstance(error, sqlite3.OperationalError):
        # The lower byte is the kind (SQLite's result codes).
        closed = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
        return TemporaryError(
            f"the store cannot be used ({error})",
            where=str(path),
            remedy="see who owns it, and its folder"
            if closed
            else "see that the disk has room, or try again later",
        )
    return BackscatterError(
        f"not a usable store ({error})", where=str(path), remedy="move it away; a new one is made"
    )


class Hurry:
    """What :meth:`Database.in_a_hurry` gives."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        """Begin with the block."""
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        """Return the connection."""
        wait = _HURRY if time.monotonic() >= self._database.busy_until else 0
        self._database.connection.execute(f"PRAGMA busy_timeout = {wait}")
        return self._database.connection

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Wait as long as before; remember that somebody else is writing."""
        if isinstance(error, sqlite3.OperationalError | TemporaryError):
            self._database.busy_until = time.monotonic() + _REST
        self._database.connection.execute(f"PRAGMA busy_timeout = {int(self._database.wait * 1000)}")


def _write_ahead(connection: sqlite3.Connection, seconds: float) -> None:
    """Turn the write-ahead log on; SQLite itself waits for some locks here, to the millisecond below, and not for others."""
    end = time.monotonic() + seconds - _PAUSE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() >= end:
                raise
            time.sleep(_PAUSE)
        else:
            return

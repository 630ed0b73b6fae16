"""The memory of judged reports, bounded in age and number."""

from __future__ import annotations

from datetime import timedelta

from classifier.history import HistoryEntry, ReportedFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from classifier.store.database import Database

#: How long a report is remembered, and how many are at most.
KEEP = timedelta(days=90)
MAX_ROWS = 100_000
#: Header sections kept of one operator's reports, and of all; a complaint shows so many.
SAMPLES, MAX_SAMPLES = 2, 1_000
# Fields of a list stand between these; neither is in a text of :class:`HistoryEntry`.
_ROW, _CELL = "\n", "\t"

_TABLES = """
CREATE TABLE IF NOT EXISTS history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest TEXT NOT NULL UNIQUE, judged INTEGER NOT NULL, came INTEGER,
    kind TEXT NOT NULL, verdict TEXT NOT NULL, action TEXT NOT NULL, probability REAL,
    decided TEXT NOT NULL, model TEXT NOT NULL, misuse TEXT NOT NULL,
    message_id TEXT NOT NULL, subject TEXT NOT NULL, sample TEXT NOT NULL, used TEXT NOT NULL,
    operator TEXT NOT NULL, network TEXT NOT NULL, stage TEXT NOT NULL,
    host TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', headers TEXT NOT NULL DEFAULT '',
    recipients TEXT NOT NULL, reasons TEXT NOT NULL, evidence TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_by_time ON history (judged);
CREATE INDEX IF NOT EXISTS history_samples ON history (operator, id) WHERE headers <> '';
"""
#: Columns that stores of earlier versions lack.
_ADDED = ("host", "address", "headers")


_FIELDS = HistoryEntry.__match_args__
_COLUMNS = ", ".join(_FIELDS)
_OPERATOR, _HEADERS = _FIELDS.index("operator"), _FIELDS.index("headers")
_INSERT = f"INSERT OR REPLACE INTO history ({_COLUMNS}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608


class HistoryStore:
    """The judged reports of one store."""

    def __init__(self, database: Database) -> None:
        """Use *database*; a read-only one without the table remembers nothing."""
        self._database = database
        found = {row[1] for row in database.connection.execute("PRAGMA table_info(history)")}
        lacking = [name for name in _ADDED if found and name not in found]
        if lacking and not database.readonly:
            with database.transaction() as connection:
                for name in lacking:
                    connection.execute(f"ALTER TABLE history ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
            lacking = []
        database.ensure(_TABLES)
        self._there = bool(found) or not database.readonly
        columns = ", ".join(f"'' AS {name}" if name in lacking else name for name in _FIELDS)
        self._select = f"SELECT {columns} FROM history WHERE coalesce(came, judged) >= ? ORDER BY id"  # noqa: S608

    def record_all(self, entries: Iterable[HistoryEntry], now: datetime) -> None:
        """Remember reports in one transaction, each once by its last judgement; forget the oldest beyond the bounds.

        Raises:
            TemporaryError: another process kept the store locked.

        """
        rows = [
            (
                *(getattr(e, name) for name in _FIELDS[:-3]),
                _ROW.join(_CELL.join((r.recipient, r.action, r.status, r.said)) for r in e.recipients),
                _ROW.join(e.reasons),
                _ROW.join(e.evidence),
            )
            for e in entries
        ]
        with self._database.transaction() as connection:
            connection.executemany(_INSERT, rows)
            _forget_samples(connection, {row[_OPERATOR] for row in rows if row[_HEADERS]})
            connection.execute("DELETE FROM history WHERE judged < ?", (_seconds(now - KEEP),))
            connection.execute(
                "DELETE FROM history WHERE id <= (SELECT max(id) FROM history) - ?", (MAX_ROWS,)
            )

    def entries(self, since: datetime | None = None) -> Iterator[HistoryEntry]:
        """Return what is remembered, the oldest judgement first.

        Args:
            since: only reports that came in since then (by their judgement, where they do not say).

        """
        if not self._there:
            return
        # Dates before 1970 are no dates of mail, and yet they are written.
        least = -(2**62) if since is None else _seconds(since)
        for row in self._database.connection.execute(self._select, (least,)):
            recipients, reasons, evidence = row[-3:]
            yield HistoryEntry(
                **dict(zip(_FIELDS[:-3], row, strict=False)),
                recipients=tuple(
                    ReportedFailure(*cells.split(_CELL)) for cells in recipients.split(_ROW) if recipients
                ),
                reasons=tuple(reasons.split(_ROW)) if reasons else (),
                evidence=tuple(evidence.split(_ROW)) if evidence else (),
            )


def _forget_samples(connection: sqlite3.Connection, operators: set[str]) -> None:
    """Leave the newest header sections of each of these operators, and not too many in all."""
    for operator in operators:
        connection.execute(
            "UPDATE history SET headers = '' WHERE headers <> '' AND operator = ? AND id <= (SELECT id FROM history "
            "WHERE headers <> '' AND operator = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (operator, operator, SAMPLES),
        )
    if operators:
        connection.execute(
            "UPDATE history SET headers = '' WHERE headers <> '' AND id <= (SELECT id FROM history "
            "WHERE headers <> '' ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (MAX_SAMPLES,),
        )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())

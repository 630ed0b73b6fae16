"""DNS answers that outlive the process, so that a filter started for one message asks nobody.

Nothing here decides anything: what cannot be read or written is a miss.
"""

from __future__ import annotations

import sqlite3

from classifier.dataclass import dataclass
from classifier.errors import TemporaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from classifier.store.database import Database

#: Answers are kept at least and at most so long, in seconds, whatever their
#: TTL says: keys and SPF records move in days, and a sweep may last minutes.
MIN_TTL = 60
MAX_TTL = 86_400
#: "No such name" and "no such record" are kept at most so long (RFC 2308
#: section 5 allows up to three hours): a key published a moment ago counts.
MAX_NEGATIVE_TTL = 3_600
#: More answers than this are not kept; the ones that expire first go.
MAX_ANSWERS = 50_000
#: An answer with more text than this is not kept.
MAX_CHARS = 65_536
_TABLES = """
CREATE TABLE IF NOT EXISTS dns_answers (
    name TEXT NOT NULL, type TEXT NOT NULL, records TEXT NOT NULL, found INTEGER NOT NULL,
    expires INTEGER NOT NULL, PRIMARY KEY (name, type)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dns_answers_expires ON dns_answers (expires);
"""
#: Stands between two records; a NUL in a record has no meaning to anybody.
_BETWEEN = "\0"
#: The table is tidied once in so many writes.
_TIDY_EVERY = 500


@dataclass(frozen=True)
class CachedAnswer:
    """One remembered answer.

    Attributes:
        records: each record as text; empty for a negative answer.
        exists: False where the name did not exist (NXDOMAIN).
        expires: when it stops being believed, seconds since 1970.

    """

    records: tuple[str, ...]
    exists: bool
    expires: int


class DnsCache:
    """The table of DNS answers in the store."""

    def __init__(self, database: Database, *, max_answers: int = MAX_ANSWERS) -> None:
        """Use *database*, which may be read-only."""
        self._database = database
        self._max_answers = max_answers
        self._writes = 0
        database.ensure(_TABLES)

    def get(self, name: str, record_type: str, now: datetime) -> CachedAnswer | None:
        """Return the answer to one question while it is fresh, or None."""
        try:
            row = self._database.connection.execute(
                "SELECT records, found, expires FROM dns_answers WHERE name = ? AND type = ? AND expires > ?",
                (name, record_type, int(now.timestamp())),
            ).fetchone()
        except sqlite3.Error:  # a read-only store of an older version, or a locked one
            return None
        if row is None:
            return None
        records = tuple(row[0].split(_BETWEEN)) if row[0] else ()
        return CachedAnswer(records, bool(row[1]), row[2])

    def put(
        self, name: str, record_type: str, records: tuple[str, ...], *, exists: bool, ttl: int, now: datetime
    ) -> None:
        """Keep one answer for *ttl* seconds, within the limits above."""
        if self._database.readonly:
            return
        text = _BETWEEN.join(r.replace(_BETWEEN, "\ufffd") for r in records)
        if len(text) > MAX_CHARS or (records and not text):
            return
        seconds = min(max(ttl, MIN_TTL), MAX_TTL if records else MAX_NEGATIVE_TTL)
        moment = int(now.timestamp())
        try:
            with self._database.in_a_hurry() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO dns_answers VALUES (?, ?, ?, ?, ?)",
                    (name, record_type, text, exists, moment + seconds),
                )
                self._writes += 1
                if self._writes % min(_TIDY_EVERY, self._max_answers) == 0:
                    self._tidy(moment)
        except (sqlite3.Error, TemporaryError):  # somebody else is writing: this answer is asked for again
            return

    def _tidy(self, moment: int) -> None:
        """Drop what has expired, and what is too much."""
        connection = self._database.connection
        connection.execute("DELETE FROM dns_answers WHERE expires <= ?", (moment,))
        (count,) = connection.execute("SELECT count(*) FROM dns_answers").fetchone()
        if count > self._max_answers:
            connection.execute(
                "DELETE FROM dns_answers WHERE (name, type) IN"
                " (SELECT name, type FROM dns_answers ORDER BY expires LIMIT ?)",
                (count - self._max_answers,),
            )

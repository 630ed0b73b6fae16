"""What DNS said of our domains before: DKIM keys and SPF records, with their dates.

A report may come after a key was rotated or an SPF record changed; judging it
by today's records alone would take our own mail for forged.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from classifier.errors import TemporaryError
from classifier.evidence.base import RememberedKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.store.database import Database

#: More records of one name are not kept; those not seen for longest go.
MAX_PER_NAME = 32
#: More records in all are not kept.
MAX_RECORDS = 20_000
#: A longer record is not a key or policy.
MAX_CHARS = 16_384
#: A sighting is written down again only after so many seconds: a sweep of a
#: flood sees one key ten thousand times.
SIGHTING_EVERY = 3_600
_TABLES = """
CREATE TABLE IF NOT EXISTS dns_records (
    name TEXT NOT NULL, purpose TEXT NOT NULL, record TEXT NOT NULL,
    first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
    PRIMARY KEY (name, purpose, record)
) WITHOUT ROWID;
"""


class SqliteRecordMemory:
    """The table of records seen, in the store.

    The record ``""`` stands for "there was nothing at this name": its first
    date is the start of the present gap, and it goes when a record is back.
    """

    def __init__(self, database: Database) -> None:
        """Use *database*, which may be read-only."""
        self._database = database
        database.ensure(_TABLES)

    def remembered(self, name: str, purpose: str) -> Sequence[RememberedKey]:
        """Return all records seen at *name* for *purpose* (``dkim``, ``spf``), oldest first."""
        try:
            rows = self._database.connection.execute(
                "SELECT record, first_seen, last_seen FROM dns_records"
                " WHERE name = ? AND purpose = ? ORDER BY first_seen, last_seen",
                (_name(name), purpose),
            ).fetchall()
        except sqlite3.Error:  # nothing was ever remembered, or it cannot be read now: unknown
            return ()
        return tuple(
            RememberedKey(record, datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC))
            for record, first, last in rows
        )

    def remember(self, name: str, purpose: str, record: str, now: datetime) -> None:
        """Note that *record* stands at *name* now; ``""``: that nothing does.

        Does nothing in a read-only store, or where another process is writing.
        """
        if self._database.readonly or len(record) > MAX_CHARS:
            return
        name = _name(name)
        moment = int(now.timestamp())
        try:
            self._note(name, purpose, record, moment)
        except (sqlite3.Error, TemporaryError):
            return

    def _note(self, name: str, purpose: str, record: str, moment: int) -> None:
        row = self._database.connection.execute(
            "SELECT first_seen, last_seen FROM dns_records WHERE name = ? AND purpose = ? AND record = ?",
            (name, purpose, record),
        ).fetchone()
        # Mail is also judged long after it came: an earlier date than both is news, too.
        if row is None or moment >= row[1] + SIGHTING_EVERY or moment < row[0]:
            with self._database.in_a_hurry():
                self._write(name, purpose, record, moment)

    def _write(self, name: str, purpose: str, record: str, moment: int) -> None:
        with self._database.transaction() as connection:
            if record:
                connection.execute(
                    "DELETE FROM dns_records WHERE name = ? AND purpose = ? AND record = ''", (name, purpose)
                )
            connection.execute(
                "INSERT INTO dns_records VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " first_seen = min(first_seen, excluded.first_seen),"
                " last_seen = max(last_seen, excluded.last_seen)",
                (name, purpose, record, moment, moment),
            )
            connection.execute(
                "DELETE FROM dns_records WHERE name = ? AND purpose = ? AND record NOT IN (SELECT record"
                " FROM dns_records WHERE name = ? AND purpose = ? ORDER BY last_seen DESC LIMIT ?)",
                (name, purpose, name, purpose, MAX_PER_NAME),
            )
            (count,) = connection.execute("SELECT count(*) FROM dns_records").fetchone()
            if count > MAX_RECORDS:
                connection.execute(
                    "DELETE FROM dns_records WHERE (name, purpose, record) IN (SELECT name, purpose, record"
                    " FROM dns_records ORDER BY last_seen LIMIT ?)",
                    (count - MAX_RECORDS,),
                )


def _name(name: str) -> str:
    return name.rstrip(".").lower()

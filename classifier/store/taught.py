"""Reports that somebody labelled through the SPAMD protocol (TELL), kept until ``train`` reads them."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.store.database import Database

#: So much of a message is kept, in bytes: reports are small, what they return may not be.
MAX_BYTES = 256 * 1024
#: Of more messages than this the oldest go, and of more bytes than this in all, as they are kept.
MAX_MESSAGES, MAX_KEPT = 5_000, 100 * 1024 * 1024
#: The oldest beyond one of the two.
_OLDEST = """
DELETE FROM taught WHERE digest IN (
    SELECT digest FROM (
        SELECT digest, row_number() OVER newest AS number, sum(length(message)) OVER newest AS bytes
        FROM taught WINDOW newest AS (ORDER BY at DESC, digest ROWS UNBOUNDED PRECEDING)
    ) WHERE number > ? OR bytes > ?
)
"""
_TABLES = """
CREATE TABLE IF NOT EXISTS taught (
    digest BLOB PRIMARY KEY, label TEXT NOT NULL, at INTEGER NOT NULL, message BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS taught_at ON taught (at);
"""


class Taught(NamedTuple):
    """A message and what somebody said about it.

    Attributes:
        raw: its first :data:`MAX_BYTES` bytes.
        is_forged: True: forged; False: genuine.
        at: when it was said.

    """

    raw: bytes
    is_forged: bool
    at: datetime


class TaughtMail:
    """The labelled messages of one store; the last word about a message counts."""

    def __init__(self, database: Database) -> None:
        """Use *database*; the table is made at the first chance to write."""
        self._database = database
        database.ensure(_TABLES)

    def teach(self, digest: bytes, raw: bytes, label: str, at: datetime) -> bool:
        """Remember a message as ``forged`` or ``genuine``; False where that is known.

        Args:
            digest: what it is known again by.
            raw: the message.
            label: what was said.
            at: when, aware.

        """
        row = (digest, label, int(at.timestamp()), zlib.compress(raw[:MAX_BYTES]))
        with self._database.transaction() as connection:
            known = connection.execute("SELECT label FROM taught WHERE digest = ?", (digest,)).fetchone()
            if known is not None and known[0] == label:
                return False
            connection.execute("REPLACE INTO taught VALUES (?, ?, ?, ?)", row)
            connection.execute(_OLDEST, (MAX_MESSAGES, MAX_KEPT))
        return True

    def forget(self, digest: bytes) -> bool:
        """Drop what was said about a message; False where nothing was."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM taught WHERE digest = ?", (digest,)).rowcount > 0

    def messages(self) -> Iterator[Taught]:
        """Give all messages, oldest first, one at a time; what cannot be read is left out."""
        rows = self._database.connection.execute("SELECT message, label, at FROM taught ORDER BY at, digest")
        for packed, label, at in rows:
            inflater = zlib.decompressobj()
            try:
                raw = inflater.decompress(packed, MAX_BYTES)
            except zlib.error:
                continue
            yield Taught(raw, label == "forged", datetime.fromtimestamp(at, UTC))

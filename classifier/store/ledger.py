"""The ledger of sent mail in SQLite: keyed hashes only, no address in clear.

An identifier is kept as 12 bytes of a BLAKE2b keyed with a secret that was
drawn for this store, a recipient as 8; neither can be looked up in a list made
beforehand. Rows lie in key order (WITHOUT ROWID); imports sort large batches
and merge each in short transactions over neighbouring keys, so that every page
is written once a batch, other writers get their turn and nothing is lost but
the batch under way when the process dies.
"""

from __future__ import annotations

import os
import re
import sqlite3
import struct
from datetime import UTC, datetime, timedelta

from classifier.dataclass import dataclass
from classifier.digest import blake2b
from classifier.errors import BackscatterError
from classifier.evidence.base import LedgerEntry
from classifier.parse.addresses import normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from classifier.ingest.entries import LedgerRecord
    from classifier.store.database import Database
#: Where an entry came from, least telling first: where two disagree, the
#: later one stands. ``transit``: a log shows it taken in from outside without
#: authentication, or not where from; ``log``: a log line, from a host of ours;
#: ``submitted``: a log shows an authenticated submission; ``import`` and
#: ``sync``: a message among the sent mail, or an identifier from a list.
SOURCES = ("transit", "log", "submitted", "import", "sync")

#: Recipients kept of one message; of more, the rest counts as not written to.
MAX_RECIPIENTS = 10_000
#: Entries sorted at a time: about 60 MB of memory.
BATCH = 500_000
#: Entries written in one transaction: a few tenths of a second.
SLICE = 50_000

_TABLES = """
CREATE TABLE IF NOT EXISTS ledger_entry (
    id BLOB PRIMARY KEY, sent INTEGER, source INTEGER NOT NULL, recipients BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_recipient (hash INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ledger_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_source (
    name TEXT PRIMARY KEY, kind TEXT NOT NULL, hosts TEXT NOT NULL, first INTEGER, last INTEGER, hole INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger_span (
    source TEXT NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL, slack INTEGER NOT NULL
);
"""
_FIND = "SELECT sent, source, recipients FROM ledger_entry WHERE id = ?"
_UPSERT = """
INSERT INTO ledger_entry (id, sent, source, recipients) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET
    sent = max(coalesce(sent, excluded.sent), coalesce(excluded.sent, sent)),
    source = max(source, excluded.source),
    recipients = ledger_union(recipients, excluded.recipients)
WHERE ledger_differs(sent, excluded.sent, source, excluded.source, recipients, excluded.recipients, ?5)
"""
#: Characters of a Message-ID by which one that a log cuts off is known (Sendmail logs 100 of them).
BEGINNING = 90
_UNPRINTABLE = r"(?:[^\x21-\x7e]|\?)+"
_ID_BYTES = 12
_RECIPIENT_BYTES = 8
#: A batch row as bytes, which sort by key: id, is it the message's first
#: identifier, source, time. The recipients follow.
_ROW = struct.Struct(f">{_ID_BYTES}sBBq")
_NO_TIME = -(1 << 62)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Added:
    """What :meth:`SqliteLedger.add_many` did, in messages.

    Attributes:
        added: messages that were new.
        merged: known messages about which something new was learnt.
        known: messages that were known as they are.

    """

    added: int = 0
    merged: int = 0
    known: int = 0


class SqliteLedger:
    """:class:`classifier.evidence.base.Ledger` over the store.

    A read-only store in which nothing was ever imported is an empty ledger.
    """

    def __init__(self, database: Database) -> None:
        """Use *database*; its tables are made at the first chance to write."""
        self.database = database
        self._connection = database.connection
        self._secret: bytes | None = None
        database.ensure(_TABLES)

    # Reading

    def find(self, message_id: str) -> LedgerEntry | None:
        """Find a message by its Message-ID (brackets optional, any case)."""
        bare = _bare(message_id)
        entry = self._find(b"m", bare)
        if entry is None and (plain := _bare(message_id, printable=False)) != bare:
            entry = self._find(b"m", plain)  # from before unprintable characters were held alike
        if entry is None and len(bare) > BEGINNING:
            entry = self._find(b"b", bare[:BEGINNING])
        return entry

    def find_envelope_id(self, envelope_id: str) -> LedgerEntry | None:
        """Find a message by its envelope id (RFC 3461 ENVID) or queue id."""
        return self._find(b"e", envelope_id.strip())

    def find_nameless(self, address: str) -> LedgerEntry | None:
        """Find the last message to *address* of which no Message-ID is known; see the protocol."""
        return self._find(b"n", normalise(address) or "*")

    def wrote_to(self, address: str) -> bool:
        """Say whether any message we sent went to *address*."""
        secret = self._known_secret()
        if secret is None or not address:
            return False
        number = _number(_recipient_hash(secret, address))
        row = self._connection.execute("SELECT 1 FROM ledger_recipient WHERE hash = ?", (number,)).fetchone()
        return row is not None

    def covered_until(self) -> datetime | None:
        """Return up to when the ledger holds all that its sources tell, or None if it never was brought up to date."""
        from classifier.store import ledger_reach  # noqa: PLC0415 - asked of misses only

        seconds = self._meta("covered_until")
        return ledger_reach.until(ledger_reach.sources(self.database)) or (
            _moment(seconds) if isinstance(seconds, int) else None
        )

    def covered_since(self) -> datetime | None:
        """Return from when on none of its logs is known to miss anything, or None where none ever was."""
        from classifier.store import ledger_reach  # noqa: PLC0415 - likewise

        return ledger_reach.since(ledger_reach.sources(self.database))

    def __len__(self) -> int:
        """Count the entries: identifiers, of which one message may have several."""
        count = self._meta("entries")
        return count if isinstance(count, int) else 0

    def _find(self, kind: bytes, identifier: str) -> LedgerEntry | None:
        secret = self._known_secret()
        if secret is None or not identifier:
            return None
        row = self._connection.execute(_FIND, (_id_hash(secret, kind, identifier),)).fetchone()
        if row is None:
            return None
        sent, source, recipients = row

        def wrote_to(address: str) -> bool:
            return recipients is not None and _recipient_hash(secret, address) in set(_split(recipients))

        when = None if sent is None else _moment(sent)
        return LedgerEntry(when, recipients is not None, wrote_to, SOURCES[source])

    def _meta(self, name: str) -> object:
        try:
            row = self._connection.execute("SELECT value FROM ledger_meta WHERE name = ?", (name,)).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
        return row[0] if row else None

    def _known_secret(self) -> bytes | None:
        if self._secret is None:
            secret = self._meta("secret")
            self._secret = secret if isinstance(secret, bytes) else None
        return self._secret

    # Writing

    def mark_synced(self, when: datetime, source: str = "", kind: str = "import") -> None:
        """Note that the ledger holds all of *source* that was sent up to *when* (aware).

        Call it with the moment at which reading the source began.

        Args:
            when: up to when.
            source: what was read, see :class:`classifier.store.ledger_reach.Source`; "" for all there is.
            kind: ``sync`` or ``import``.

        """
        with self.database.transaction() as connection:
            connection.execute("REPLACE INTO ledger_meta VALUES ('covered_until', ?)", (_seconds(when),))
            if source:
                from classifier.store import ledger_reach  # noqa: PLC0415 - likewise

                ledger_reach.note_time(self.database, source, kind, when)

    def add(self, record: LedgerRecord) -> Added:
        """Add one message; see :meth:`add_many`."""
        return self.add_many((record,))

    def add_many(self, records: Iterable[LedgerRecord]) -> Added:
        """Add messages; what is known already is kept, and later recipients are added to it.

        Args:
            records: any number of them; consumed as a stream.

        Returns:
            How many were new. A record without any identifier is none.

        Raises:
            TemporaryError: another process keeps the store locked.
            BackscatterError: the store cannot be written (disk full, damaged).

        """
        secret = self._made_secret()
        tally = _Tally()
        self._connection.create_function("ledger_differs", 7, tally.differs)
        self._connection.create_function("ledger_union", 2, _union, deterministic=True)
        rows: list[bytes] = []
        people: set[bytes] = set()
        try:
            for record in records:
                _pack(secret, record, rows, people)
                if len(rows) >= BATCH or len(people) >= BATCH:
                    self._write(rows, people, tally)
            self._write(rows, people, tally)
        except sqlite3.Error as error:
            raise BackscatterError(
                f"the ledger cannot be written ({error})",
                where=self.database.path,
                remedy="check the disk; what was written before is kept",
            ) from error
        return Added(tally.messages - tally.merged - tally.known, tally.merged, tally.known)

    def _made_secret(self) -> bytes:
        secret = self._known_secret()
        if secret is None:
            with self.database.transaction() as connection:
                # Another process may have drawn one meanwhile: that one stands.
                connection.execute(
                    "INSERT OR IGNORE INTO ledger_meta VALUES ('secret', ?)", (os.urandom(32),)
                )
                connection.execute("INSERT OR IGNORE INTO ledger_meta VALUES ('entries', 0)")
            secret = self._known_secret()
            assert secret is not None
        return secret

    def _write(self, rows: list[bytes], people: set[bytes], tally: _Tally) -> None:
        # Recipients first: an entry never knows of one that wrote_to() denies.
        numbers = sorted(map(_number, people))
        for start in range(0, len(numbers), SLICE):
            with self.database.transaction() as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO ledger_recipient VALUES (?)",
                    ((number,) for number in numbers[start : start + SLICE]),
                )
        people.clear()
        rows.sort()
        for start in range(0, len(rows), SLICE):
            piece = rows[start : start + SLICE]
            tally.conflicts = 0
            with self.database.transaction() as connection:
                connection.executemany(_UPSERT, map(_unpack, piece))
                connection.execute(
                    "UPDATE ledger_meta SET value = value + ? WHERE name = 'entries'",
                    (len(piece) - tally.conflicts,),
                )
            tally.messages += sum(row[_ID_BYTES] for row in piece)
        rows.clear()


class _Tally:
    """Counts while SQLite merges: it calls :meth:`differs` once for every id that was known."""

    def __init__(self) -> None:
        self.messages = self.merged = self.known = self.conflicts = 0

    def differs(
        self,
        *row: Any,  # noqa: ANN401 - as SQLite hands over the columns named in _UPSERT
    ) -> bool:
        """Say whether the new row tells more than the old."""
        sent, new_sent, source, new_source, recipients, new_recipients, first = row
        more: bool = (
            (new_sent is not None and (sent is None or new_sent > sent))
            or new_source > source
            or _union(recipients, new_recipients) != recipients
        )
        self.conflicts += 1
        if more:
            self.merged += first
        else:
            self.known += first
        return more


def _bare(message_id: str, *, printable: bool = True) -> str:
    # Compared without case: gateways change it, and no two ids differ in it alone. What cannot be printed
    # is logged as "?", once for a character or once for a byte.
    bare = "".join(message_id.split()).removeprefix("<").removesuffix(">").lower()[:998]
    if not printable or (bare.isascii() and bare.isprintable() and "?" not in bare):
        return bare
    return re.sub(_UNPRINTABLE, "?", bare)


def _id_hash(secret: bytes, kind: bytes, identifier: str) -> bytes:
    data = kind + identifier.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=_ID_BYTES, key=secret).digest()


def _recipient_hash(secret: bytes, address: str) -> bytes:
    data = b"r" + normalise(address).encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=_RECIPIENT_BYTES, key=secret).digest()


def _number(recipient: bytes) -> int:
    return int.from_bytes(recipient, "big", signed=True)


def _split(recipients: bytes) -> Iterator[bytes]:
    step = _RECIPIENT_BYTES
    return (recipients[at : at + step] for at in range(0, len(recipients) - step + 1, step))


def _union(one: bytes | None, other: bytes | None) -> bytes | None:
    """Join two sorted lists of recipient hashes; None is "not known"."""
    if other is None or one == other:
        return one
    if one is None:
        return other
    together = {*_split(one), *_split(other)}
    return b"".join(sorted(together)[:MAX_RECIPIENTS])


def _moment(seconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return _EPOCH


def _seconds(when: datetime) -> int:
    return int((when - _EPOCH).total_seconds())


def _pack(secret: bytes, record: LedgerRecord, rows: list[bytes], people: set[bytes]) -> None:
    ids = [_id_hash(secret, b"m", bare) for m in record.message_ids if (bare := _bare(m))]
    ids += [_id_hash(secret, b"e", e.strip()) for e in record.envelope_ids if e.strip()]
    ids += [
        _id_hash(secret, b"b", bare[:BEGINNING])
        for b in record.beginnings
        if len(bare := _bare(b)) >= BEGINNING
    ]
    if not ids:
        return
    source = SOURCES.index(record.source)
    sent = _NO_TIME if record.sent_at is None else _seconds(record.sent_at)
    hashes = {_recipient_hash(secret, address) for address in record.recipients if address}
    people |= hashes
    recipients = b"".join(sorted(hashes)[:MAX_RECIPIENTS])
    first = 1
    for key in dict.fromkeys(ids):
        rows.append(_ROW.pack(key, first, source, sent) + recipients)
        first = 0
    if record.nameless:
        addresses = [address for address in map(normalise, record.recipients) if address]
        rows.extend(
            _ROW.pack(_id_hash(secret, b"n", address), 0, source, sent)
            for address in ("*", *addresses[:MAX_RECIPIENTS])
        )


def _unpack(row: bytes) -> tuple[bytes, int | None, int, bytes | None, int]:
    key, first, source, sent = _ROW.unpack_from(row)
    return key, None if sent == _NO_TIME else sent, source, row[_ROW.size :] or None, first

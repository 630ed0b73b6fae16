"""The journal of moves: what was intended, and what became of it.

A row is written before a message is touched and closed after. Rows that a
killed process left open are settled at the next start by looking into both
folders (:mod:`classifier.mailbox.mover`). Closed rows of quarantine moves are
the register of what lies there: ``restore``, the digest and the upkeep read it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from classifier.dataclass import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.store.database import Database

#: So many moves are remembered of messages that are the same: in a flood, thousands may share identifier and second.
MOST_MOVES = 50
_TABLES = """
CREATE TABLE IF NOT EXISTS move (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL, purpose TEXT NOT NULL, state TEXT NOT NULL,
    source TEXT NOT NULL, source_validity INTEGER NOT NULL, source_key TEXT NOT NULL,
    target TEXT NOT NULL, target_validity INTEGER NOT NULL, target_next INTEGER NOT NULL, target_key TEXT,
    size INTEGER NOT NULL, digest BLOB NOT NULL, received INTEGER,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL, probability REAL, reason TEXT NOT NULL,
    message_id TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS move_open ON move (account, state) WHERE state IN ('intended', 'copied');
CREATE INDEX IF NOT EXISTS move_register ON move (account, at) WHERE purpose = 'quarantine' AND state = 'done';
CREATE INDEX IF NOT EXISTS move_uid ON move (account, target, CAST(target_key AS INTEGER));
CREATE INDEX IF NOT EXISTS move_digest ON move (account, digest);
CREATE INDEX IF NOT EXISTS move_message_id ON move (account, message_id);
"""
_COLUMNS = (
    "id", "account", "purpose", "state", "source", "source_validity", "source_key", "target", "target_validity",
    "target_next", "target_key", "size", "digest", "received", "at", "kind", "probability", "reason",
    "message_id", "sender", "subject",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM move "  # noqa: S608 - constant names


class MoveState(StrEnum):
    """Where a move stands."""

    INTENDED = "intended"  # nothing is known to have happened
    COPIED = "copied"  # the copy is there, the source may be too
    DONE = "done"
    RETURNED = "returned"  # done, and later taken back by the user
    EXPIRED = "expired"  # done, and later moved on by the upkeep


class Purpose(StrEnum):
    """Why a message was moved."""

    QUARANTINE = "quarantine"
    RESTORE = "restore"
    UPKEEP = "upkeep"  # old quarantined mail, to Trash


@dataclass(frozen=True)
class Move:
    """One message's move.

    Attributes:
        account, source, target: where from and where to.
        source_validity, source_key: the message as it lay in the source.
        target_validity, target_next: the target's UIDVALIDITY and UIDNEXT before the move:
            a copy that the move made has this UID or a higher one.
        target_key: the message as it lies in the target, once that is known.
        size, digest: what the message is recognised by.
        received: its INTERNALDATE, seconds since 1970.
        at: when the row was written, seconds since 1970.
        kind, probability, reason: why it was judged so.
        message_id, sender, subject: what people search for.

    """

    account: str
    purpose: Purpose
    source: str
    source_validity: int
    source_key: str
    target: str
    size: int
    digest: bytes
    received: int | None = None
    kind: str = ""
    probability: float | None = None
    reason: str = ""
    message_id: str = ""
    sender: str = ""
    subject: str = ""
    target_validity: int = 0
    target_next: int = 0
    target_key: str | None = None
    state: MoveState = MoveState.INTENDED
    at: int = 0
    id: int = 0

    @property
    def identity(self) -> tuple[bytes, int]:
        """What two copies of one message have in common."""
        return self.digest, self.size


class Journal:
    """The moves of one store."""

    def __init__(self, database: Database) -> None:
        """Use *database*; its table is made at the first chance to write."""
        self._database = database
        database.ensure(_TABLES)

    def intend(self, moves: Iterable[Move], now: datetime | None = None) -> list[Move]:
        """Write down moves about to be made; return them with their ids."""
        at = int((now or datetime.now(UTC)).timestamp())
        names = _COLUMNS[1:]
        statement = f"INSERT INTO move ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        written = []
        with self._database.transaction() as connection:
            for move in moves:
                row = replace(move, at=at, state=MoveState.INTENDED)
                cursor = connection.execute(statement, [getattr(row, n) for n in names])
                written.append(replace(row, id=cursor.lastrowid or 0))
        return written

    def close(self, moves: Sequence[Move], state: MoveState, keys: dict[int, str] | None = None) -> None:
        """Note what became of moves.

        Args:
            moves: the rows.
            state: where they stand now.
            keys: by row id: the message's key in the target, where known.

        """
        if moves:
            with self._database.transaction() as connection:
                connection.executemany(
                    "UPDATE move SET state = ?, target_key = coalesce(?, target_key) WHERE id = ?",
                    [(state, (keys or {}).get(m.id), m.id) for m in moves],
                )

    def withdraw(self, moves: Sequence[Move]) -> None:
        """Forget moves that did not happen."""
        if moves:
            with self._database.transaction() as connection:
                connection.executemany("DELETE FROM move WHERE id = ?", [(m.id,) for m in moves])

    def register(self, moves: Iterable[Move], now: datetime | None = None) -> None:
        """Write down messages that somebody else put into their target already."""
        self.close(self.intend(moves, now), MoveState.DONE)

    def keys_in(self, account: str, target: str, validity: int, since: int) -> set[str]:
        """Return the keys of the messages in *target* that the journal knows of, from UID *since* on; 0: all."""
        rows = self._database.connection.execute(
            "SELECT target_key FROM move WHERE account = ? AND target = ? AND CAST(target_key AS INTEGER) >= ?"
            " AND target_validity = ?",
            (account, target, since, validity),
        )
        return {key for (key,) in rows}

    def reload(self, moves: Sequence[Move]) -> list[Move]:
        """Read rows again, as they stand now."""
        return [row for m in moves if (row := self.find(m.id)) is not None]

    def unsettled(self, account: str) -> list[Move]:
        """Return the moves that were begun and not closed, oldest first."""
        return self._rows("WHERE account = ? AND state IN ('intended', 'copied') ORDER BY id", account)

    def claimed(self, account: str, target: str, validity: int, since: int) -> list[Move]:
        """Return closed moves into *target* that may account for what arrived there since."""
        return self._rows(
            "WHERE account = ? AND target = ? AND target_validity = ? AND target_next >= ?"
            " AND state NOT IN ('intended') ORDER BY id",
            account, target, validity, since,
        )  # fmt: skip

    def quarantined(self, account: str | None = None, before: float | None = None) -> list[Move]:
        """Return the register of what was quarantined and not taken back, oldest first.

        Args:
            account: whose; None: everybody's.
            before: of what was written down before this moment, seconds since 1970; None: of all.

        """
        where = "WHERE purpose = 'quarantine' AND state = 'done'"
        values: list[object] = []
        for condition, value in (("account = ?", account), ("at < ?", before)):
            if value is not None:
                where += f" AND {condition}"
                values.append(value)
        return self._rows(f"{where} ORDER BY id", *values)

    def moves_of(
        self, account: str, digest: bytes, message_id: str = "", received: int | None = None
    ) -> list[Move]:
        """Return the closed moves of a message, the latest :data:`MOST_MOVES` of them, oldest first.

        Args:
            account: whose.
            digest: the message's header section.
            message_id: its Message-ID, with *received*: also of one that the server wrote anew as it was moved.
            received: its INTERNALDATE, seconds since 1970.

        """
        closed = f"AND state IN ('done', 'returned') ORDER BY id DESC LIMIT {MOST_MOVES}"
        found = self._rows(f"WHERE account = ? AND digest = ? {closed}", account, digest)
        if message_id and received is not None and len(found) < MOST_MOVES:
            # Asked apart: for an OR of the two SQLite goes through all of the account's rows.
            found += self._rows(
                f"WHERE account = ? AND message_id = ? AND received = ? {closed}",
                account, message_id, received,
            )  # fmt: skip
        latest = list({m.id: m for m in found}.values())[:MOST_MOVES]
        return sorted(latest, key=lambda m: m.id)

    def find(self, move_id: int) -> Move | None:
        """Return one row by its id."""
        rows = self._rows("WHERE id = ?", move_id)
        return rows[0] if rows else None

    def _rows(self, where: str, *values: object) -> list[Move]:
        if self._database.readonly and not self._exists():
            return []
        return [_move(row) for row in self._database.connection.execute(_SELECT + where, values)]

    def _exists(self) -> bool:
        found = self._database.connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'move'"
        ).fetchone()
        return found is not None


def _move(row: tuple[Any, ...]) -> Move:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["purpose"] = Purpose(values["purpose"])
    values["state"] = MoveState(values["state"])
    return Move(**values)

"""What was looked through and judged, so that a later sweep looks at new mail only.

A folder with UIDs needs one number: all below it is done. A Maildir needs the
keys themselves. Reports that must be looked at again (one could not be moved,
one was unsure: its flood may still be coming in) stand in a list of their
own. All is keyed by account, folder and UIDVALIDITY, and written per batch.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.evidence.company import ENOUGH
from classifier.store import failed as failures
from classifier.store.failed import NOT_MOVED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from classifier.store.database import Database
    from classifier.store.journal import Move

_TABLES = """
CREATE TABLE IF NOT EXISTS folder_mark (
    account TEXT, folder TEXT, uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (account, folder)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS folder_seen (
    account TEXT, folder TEXT, key TEXT, PRIMARY KEY (account, folder, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS judged (
    account TEXT, folder TEXT, uid_validity INTEGER, key TEXT,
    digest BLOB NOT NULL, kind TEXT NOT NULL, verdict TEXT NOT NULL, probability REAL, at INTEGER NOT NULL,
    PRIMARY KEY (account, folder, uid_validity, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unsure (
    account TEXT, folder TEXT, uid_validity INTEGER, key TEXT,
    since INTEGER NOT NULL, looked INTEGER NOT NULL, runs TEXT NOT NULL,
    PRIMARY KEY (account, folder, uid_validity, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS correction (
    account TEXT, digest BLOB, label TEXT NOT NULL, how TEXT NOT NULL, at INTEGER NOT NULL,
    folder TEXT NOT NULL, message_id TEXT NOT NULL,
    PRIMARY KEY (account, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digest_sent (
    account TEXT, at INTEGER, mark BLOB NOT NULL, last_move INTEGER NOT NULL, PRIMARY KEY (account, at)
) WITHOUT ROWID;
"""
#: A reason to look at a message again, beside those of :mod:`classifier.store.failed`.
UNSURE = "unsure"
#: What is unsure is looked at again after this pause, then twice as long each time, ...
_FIRST_PAUSE = timedelta(minutes=10)
#: ... for so long: the ledger gets to that day, a nameserver answers again, a slow flood comes together.
_UNSURE_FOR = timedelta(days=7)
#: And whenever its run has grown by this share since.
_GROWTH = 0.25


@dataclass(frozen=True)
class JudgedMessage:
    """One judged message, for the record.

    Attributes:
        key: its key in its folder.
        digest: the message.
        kind, verdict, probability: as in the public JSON.
        prints: what it shares with the other reports of its run, where it may be looked at again.

    """

    key: str
    digest: bytes
    kind: str
    verdict: str
    probability: float | None
    prints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Correction:
    """What the user said about one message by moving it.

    Attributes:
        digest: the message.
        label: ``genuine`` or ``forged``.
        how: ``restored`` or ``dragged``.
        at: when it was noticed, aware.
        folder: where it lay then.
        message_id: its Message-ID, "" where it has none.

    """

    digest: bytes
    label: str
    how: str
    at: datetime
    folder: str
    message_id: str


@dataclass
class Memory:
    """What is known of one folder; see :class:`classifier.mailbox.protocol.FolderMemory`."""

    uid_validity: int = 0
    uid_next: int = 0
    keys: frozenset[str] = frozenset()
    #: Keys of messages with which something had failed, with the reason.
    failed: dict[str, str] = field(default_factory=dict)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those of *names* that were not looked at yet."""
        return [name for name in names if name not in self.keys]

    def gone(self, names: Collection[str]) -> Collection[str]:
        """Return the keys looked at before that are none of *names*."""
        return self.keys.difference(names)


class JudgedMail:
    """The memory of one store."""

    def __init__(self, database: Database) -> None:
        """Use *database*; its tables are made at the first chance to write."""
        self._database = database
        database.ensure(_TABLES)
        database.ensure(failures.TABLES)
        self._there = not database.readonly or bool(
            database.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'folder_mark'").fetchone()
        )

    def memory(self, account: str, folder: str, uid_validity: int) -> Memory:
        """Return what is known of *folder* at this UIDVALIDITY; nothing after it changed."""
        if not self._there:
            return Memory(uid_validity)
        ask = self._database.connection.execute
        row = ask(
            "SELECT uid_next FROM folder_mark WHERE account = ? AND folder = ? AND uid_validity = ?",
            (account, folder, uid_validity),
        ).fetchone()
        # Python's set of a hundred thousand keys is built in a few hundredths of a second.
        keys = frozenset(
            k
            for (k,) in ask("SELECT key FROM folder_seen WHERE account = ? AND folder = ?", (account, folder))
        )
        failed = failures.due(self._database.connection, (account, folder, uid_validity))
        return Memory(uid_validity, row[0] if row else 0, keys, failed)

    def unsure(self, account: str, folder: str, uid_validity: int) -> list[str]:
        """Return the keys of unsure reports that are worth another look now, those that waited longest first."""
        from classifier.store.floods import sizes  # noqa: PLC0415 - where something waits

        ask = self._database.connection.execute
        if not ask("SELECT 1 FROM sqlite_master WHERE name = 'unsure'").fetchone():
            return []  # an older version's store, in a dry run
        now = datetime.now(UTC).timestamp()
        waiting = [
            (key, since, looked, json.loads(runs))
            for key, since, looked, runs in ask(
                "SELECT key, since, looked, runs FROM unsure WHERE account = ? AND folder = ? AND uid_validity = ?"
                " AND since >= ? ORDER BY looked",
                (account, folder, uid_validity, now - _UNSURE_FOR.total_seconds()),
            ).fetchall()
        ]
        known = sizes(self._database.connection, (name for *_, runs in waiting for name in runs))
        return [
            key
            for key, since, looked, runs in waiting
            if now - looked >= max(_FIRST_PAUSE.total_seconds(), looked - since)
            or any(_has_grown(size, known.get(name, 0)) for name, size in runs.items())
        ]

    def commit(
        self,
        account: str,
        folder: str,
        memory: Memory,
        *,
        uid_next: int = 0,
        names: Sequence[str] = (),
        gone: Iterable[str] = (),
        judged: Sequence[JudgedMessage] = (),
        again: dict[str, str] | None = None,
        settled: Iterable[str] = (),
    ) -> None:
        """Note that a batch is through.

        Args:
            account: whose.
            folder: which.
            memory: as it was asked for; brought up to date.
            uid_next: all below it is looked through.
            names: keys looked through, in a folder without UIDs.
            gone: such keys of which nothing is to be kept.
            judged: the verdicts.
            again: keys to look at again, with the reason.
            settled: keys that need no other look.

        """
        now = int(datetime.now(UTC).timestamp())
        place = (account, folder, memory.uid_validity)
        unsure = {key for key, why in (again or {}).items() if why == UNSURE}
        failed = {key: why for key, why in (again or {}).items() if why != UNSURE}
        prints = {j.key: j.prints for j in judged if j.key in unsure}
        with self._database.transaction() as connection:
            failures.note(connection, place, failed, done={*settled, *unsure}, now=now)
            connection.executemany(
                "DELETE FROM unsure WHERE account = ? AND folder = ? AND uid_validity = ? AND key = ?",
                [(*place, key) for key in {*settled, *failed}],
            )
            known = _sizes(connection, prints)
            connection.executemany(
                "INSERT INTO unsure VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET looked = excluded.looked, runs = excluded.runs",
                [
                    (*place, key, now, now, json.dumps({p: known.get(p, 0) for p in prints.get(key, ())}))
                    for key in unsure
                ],
            )
            connection.execute("DELETE FROM unsure WHERE since < ?", (now - _UNSURE_FOR.total_seconds(),))
            connection.executemany(
                "REPLACE INTO judged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*place, j.key, j.digest, j.kind, j.verdict, j.probability, now) for j in judged],
            )
            connection.executemany(
                "DELETE FROM folder_seen WHERE account = ? AND folder = ? AND key = ?",
                [(account, folder, key) for key in gone],
            )
            if names:
                connection.executemany(
                    "INSERT OR IGNORE INTO folder_seen VALUES (?, ?, ?)",
                    [(account, folder, n) for n in names],
                )
            memory.uid_next = max(memory.uid_next, uid_next)
            connection.execute(
                "REPLACE INTO folder_mark VALUES (?, ?, ?, ?, ?)", (*place, memory.uid_next, now)
            )

    def not_moved(self, account: str) -> int:
        """Return how many forged reports could not be moved, and wait."""
        if not self._there:
            return 0
        found = self._database.connection.execute(
            "SELECT count(*) FROM look_again WHERE account = ? AND why = ?", (account, NOT_MOVED)
        ).fetchone()
        return int(found[0])

    # What the user corrected

    def correct(self, account: str, corrections: Sequence[Correction]) -> None:
        """Remember what the user said; the last word counts."""
        from classifier.store.floods import vouch  # noqa: PLC0415 - where the user said something

        with self._database.transaction() as connection:
            vouch(connection, (c.message_id for c in corrections if c.label == "genuine"))
            connection.executemany(
                "REPLACE INTO correction VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (account, c.digest, c.label, c.how, int(c.at.timestamp()), c.folder, c.message_id)
                    for c in corrections
                ],
            )

    def learn(self, account: str, moves: Iterable[Move], label: str, how: str, at: datetime) -> None:
        """Remember what the user said about messages by moving them; see :class:`Correction`."""
        self.correct(account, [Correction(m.digest, label, how, at, m.source, m.message_id) for m in moves])

    def corrected(self, account: str, digest: bytes) -> str | None:
        """Return the label that the user gave this message, or None."""
        if not self._there:
            return None
        row = self._database.connection.execute(
            "SELECT label FROM correction WHERE account = ? AND digest = ?", (account, digest)
        ).fetchone()
        return row[0] if row else None

    def corrections(self, account: str) -> list[Correction]:
        """Return all that the user corrected, oldest first; ``train --account`` learns from it."""
        if not self._there:
            return []
        rows = self._database.connection.execute(
            "SELECT digest, label, how, at, folder, message_id FROM correction WHERE account = ? ORDER BY at",
            (account,),
        )
        return [
            Correction(d, label, how, datetime.fromtimestamp(at, UTC), f, m)
            for d, label, how, at, f, m in rows
        ]

    def corrected_messages(self) -> dict[str, str]:
        """Return the last label that the user gave to each message, by its Message-ID, over all accounts."""
        if not self._there:
            return {}
        return dict(
            self._database.connection.execute(
                "SELECT message_id, label FROM correction WHERE message_id != '' ORDER BY at"
            )
        )

    # The digests that we put into the inbox ourselves

    def last_digest(self, account: str) -> tuple[datetime | None, int]:
        """Return when the last digest was written, and the number of the last move that it told of."""
        row = self._database.connection.execute(
            "SELECT at, last_move FROM digest_sent WHERE account = ? ORDER BY last_move DESC, at DESC LIMIT 1",
            (account,),
        ).fetchone()
        return (datetime.fromtimestamp(row[0], UTC), row[1]) if row else (None, 0)

    def note_digest(self, account: str, at: datetime, mark: bytes, last_move: int) -> None:
        """Note that a digest with this mark is about to be written."""
        with self._database.transaction() as connection:
            connection.execute(
                "REPLACE INTO digest_sent VALUES (?, ?, ?, ?)",
                (account, int(at.timestamp()), mark, last_move),
            )

    def digest_marks(self, account: str) -> frozenset[bytes]:
        """Return the marks of all our digests: they are never judged."""
        if not self._there:
            return frozenset()
        rows = self._database.connection.execute("SELECT mark FROM digest_sent WHERE account = ?", (account,))
        return frozenset(mark for (mark,) in rows)


def _sizes(connection: sqlite3.Connection, prints: dict[str, tuple[str, ...]]) -> dict[str, int]:
    from classifier.store.floods import sizes  # noqa: PLC0415 - where something is unsure

    return sizes(connection, (name for names in prints.values() for name in names)) if prints else {}


def _has_grown(before: int, now: int) -> bool:
    """Say whether a run is worth another look: it has grown by enough, and is large enough to tell."""
    return now > ENOUGH and now >= before * (1 + _GROWTH)

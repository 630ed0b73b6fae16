"""What could not be moved, read or judged, and is looked at again: a few times, after pauses that grow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping

TABLES = """
CREATE TABLE IF NOT EXISTS look_again (
    account TEXT, folder TEXT, uid_validity INTEGER, key TEXT, why TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (account, folder, uid_validity, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looked_again (
    account TEXT, folder TEXT, uid_validity INTEGER, key TEXT, at INTEGER NOT NULL,
    PRIMARY KEY (account, folder, uid_validity, key)
) WITHOUT ROWID;
"""
NOT_MOVED, UNREADABLE, NOT_JUDGED = "not moved", "unreadable", "not judged"
#: A message that fails this often is left alone; one that could not be moved waits until there is room.
MAX_TIMES = 8
#: Seconds that pass at least after so many failures: a server that shows nothing for a day costs no message.
_PAUSES = {4: 600, 5: 3_600, 6: 21_600, 7: 86_400}
_WHERE = "WHERE account = ? AND folder = ? AND uid_validity = ?"

#: Account, folder and UIDVALIDITY.
Place = tuple[str, str, int]


def due(connection: sqlite3.Connection, place: Place) -> dict[str, str]:
    """Return the keys of what is to be looked at again now, with the reason; what failed least often is first."""
    ask = connection.execute
    looked: dict[str, int] = {}
    # An older version's store has no such table, in a dry run.
    if ask("SELECT 1 FROM sqlite_master WHERE name = 'looked_again'").fetchone():
        looked = dict(ask(f"SELECT key, at FROM looked_again {_WHERE}", place).fetchall())  # noqa: S608
    now = time.time()
    return {
        key: why
        for key, why, times in ask(
            f"SELECT key, why, times FROM look_again {_WHERE} AND (times < ? OR why = ?) ORDER BY times",  # noqa: S608
            (*place, MAX_TIMES, NOT_MOVED),
        )
        # Whichever way round they stand: a clock may have been years ahead.
        if why == NOT_MOVED or abs(now - looked.get(key, 0)) >= _PAUSES.get(times, 0)
    }


def note(
    connection: sqlite3.Connection,
    place: Place,
    failed: Mapping[str, str],
    *,
    done: Collection[str],
    now: int,
) -> None:
    """Note within a transaction what failed, once more perhaps, and what is done with.

    Args:
        connection: in a transaction.
        place: where.
        failed: keys to look at again, with the reason.
        done: keys that need no other look.
        now: seconds since 1970.

    """
    forget = [(*place, key) for key in done]
    connection.executemany(f"DELETE FROM look_again {_WHERE} AND key = ?", forget)  # noqa: S608
    connection.executemany(
        "INSERT INTO look_again VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET why = excluded.why, times = times + 1",
        [(*place, key, why) for key, why in failed.items()],
    )
    connection.execute(
        f"DELETE FROM look_again {_WHERE} AND times >= ? AND why != ?",  # noqa: S608
        (*place, MAX_TIMES, NOT_MOVED),
    )
    connection.executemany(
        "REPLACE INTO looked_again VALUES (?, ?, ?, ?, ?)", [(*place, key, now) for key in failed]
    )
    connection.execute(
        f"DELETE FROM looked_again {_WHERE} AND key NOT IN (SELECT key FROM look_again {_WHERE})",  # noqa: S608
        (*place, *place),
    )

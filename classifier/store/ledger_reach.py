"""From when until when the ledger holds all that was sent, by each source that it is learnt from.

A source is a log (all files that it was rotated into), the accounts' Sent
folders, or a file or list that was imported more than once. The ledger is no
further than the one that lags behind: what a host sent since its log was last
read is not in it, however fresh another source is.

A log is known by the spans of time that were read of it. Two that do not meet
leave a gap, which counts until the log between them is imported, too.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from classifier.dataclass import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.store.database import Database

#: The name of the Sent folders' source.
SENT = "Sent"
#: How far east and west of UTC clocks are set, in seconds.
EAST, WEST = 14 * 3600, 12 * 3600
#: A file counts as imported regularly once two imports lie so far apart.
_APART = 3600
#: Spans kept of one log.
_MAX_SPANS = 50
_MAX_HOSTS = 50
#: What stands in the column ``slack``: see :class:`Span`.
_UNSURE, _GROWS = 1, 2
#: A log that went on is known to have been read on only where no more than this lies between, in seconds.
_AT_ONCE = 15 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """Time that was read of a log whole.

    Attributes:
        begin: its first line.
        end: its last.
        sure: False where the stamps name no zone and nothing tells it: then both are as if in UTC.
        grows: whether more may have been written behind its end, as into a log that is not rotated yet.

    """

    begin: datetime
    end: datetime
    sure: bool = True
    grows: bool = False


@dataclass(frozen=True)
class Source:
    """One source.

    Attributes:
        name: the log's path without what rotation adds, with its host where two share it.
        kind: ``log``, ``sync`` or ``import``.
        since: from when on it was read without a gap, so far as that is known.
        until: up to when.
        broken: whether something before *since* is missing.
        binds: whether the ledger counts as no further than it.

    """

    name: str
    kind: str
    since: datetime
    until: datetime
    broken: bool
    binds: bool


def note_log(
    database: Database,
    name: str,
    hosts: Iterable[str],
    spans: Iterable[Span],
    *,
    apart: timedelta,
    hole: datetime | None = None,
) -> Source | None:
    """Add what was read of a log.

    Args:
        database: the store.
        name: its path, see :class:`Source`.
        hosts: those that its lines name; a log of other hosts under the same name is another source.
        spans: what was read.
        apart: two spans that lie no further apart meet, unless the first is of a log that went on.
        hole: when lines were last lost within a span.

    Returns:
        The source as it is now.

    """
    found = {host for host in hosts if host}
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT name, hosts, hole FROM ledger_source WHERE kind = 'log' AND (name = ?1 OR substr(name, 1, length(?1) + 4) = ?1 || ' of ')",
            (name,),
        ).fetchall()
        for known, theirs, before in rows:
            if not found or not theirs or found & set(theirs.split()):
                name, found, old = known, found | set(theirs.split()), before
                break
        else:
            old = None
            if rows:
                name = f"{name} of {min(found)}"
        holes = [seconds for seconds in (old, _seconds(hole) if hole else None) if seconds is not None]
        connection.execute(
            "REPLACE INTO ledger_source VALUES (?, 'log', ?, NULL, NULL, ?)",
            (name, " ".join(sorted(found)[:_MAX_HOSTS]), max(holes, default=None)),
        )
        before = connection.execute("SELECT begin, end, slack FROM ledger_span WHERE source = ?", (name,))
        read = [
            (_seconds(s.begin), _seconds(s.end), (0 if s.sure else _UNSURE) | (_GROWS if s.grows else 0))
            for s in spans
        ]
        joined = _joined([*before.fetchall(), *read], int(apart.total_seconds()))
        connection.execute("DELETE FROM ledger_span WHERE source = ?", (name,))
        connection.executemany(
            "INSERT INTO ledger_span VALUES (?, ?, ?, ?)", [(name, *span) for span in joined[-_MAX_SPANS:]]
        )
    return next((source for source in sources(database) if source.name == name), None)


def note_time(database: Database, name: str, kind: str, when: datetime) -> None:
    """Note that the source *name* held all that it holds of before *when*."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO ledger_source VALUES (?1, ?2, '', ?3, ?3, NULL)"
            " ON CONFLICT (name) DO UPDATE SET last = max(last, excluded.last), first = min(first, excluded.first)",
            (name, kind, _seconds(when)),
        )


def note_hole(database: Database, name: str, kind: str, when: datetime) -> None:
    """Note that of what the source *name* tells of, something sent at *when* cannot be known by its Message-ID."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO ledger_source VALUES (?1, ?2, '', ?3, ?3, ?3)"
            " ON CONFLICT (name) DO UPDATE SET hole = max(coalesce(hole, excluded.hole), excluded.hole)",
            (name, kind, _seconds(when)),
        )


def knows_log(database: Database, name: str) -> bool:
    """Say whether the log *name* is a source."""
    return any(source.kind == "log" and source.name == name for source in sources(database))


def forget(database: Database, name: str) -> bool:
    """Let the ledger no longer wait for the source *name*; say whether there was one. What it told stays known."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM ledger_span WHERE source = ?", (name,))
        return connection.execute("DELETE FROM ledger_source WHERE name = ?", (name,)).rowcount > 0


def sources(database: Database) -> list[Source]:
    """Return all sources, the one that lags most first."""
    try:
        rows = database.connection.execute(
            "SELECT name, kind, first, last, hole, begin, end, slack FROM ledger_source"
            " LEFT JOIN ledger_span ON source = name ORDER BY name, end"
        ).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    found: dict[str, Source] = {}
    for name, kind, first, last, hole, begin, end, slack in rows:
        if kind != "log":
            binds = kind == "sync" or last - first >= _APART
            begun = _moment(first if hole is None else hole)
            found[name] = Source(name, kind, begun, _moment(last), broken=hole is not None, binds=binds)
        elif begin is not None:
            unsure = slack & _UNSURE
            since, until = begin + WEST * unsure, end - EAST * unsure
            broken = name in found
            if hole is not None and hole > since:
                since, broken = hole, True
            found[name] = Source(name, kind, _moment(since), _moment(until), broken=broken, binds=True)
    return sorted(found.values(), key=lambda source: source.until)


def until(found: Iterable[Source]) -> datetime | None:
    """Return up to when all that bind were read; None where none does."""
    return min((source.until for source in found if source.binds), default=None)


def since(found: Iterable[Source]) -> datetime | None:
    """Return from when on nothing is known to be missing; None where nothing is.

    Where logs are the only source, what was sent before they begin is missing, too.
    """
    found = list(found)
    logs_alone = all(source.kind == "log" for source in found)
    return max((s.since for s in found if s.broken or logs_alone), default=None)


def _joined(spans: list[tuple[int, int, int]], apart: int) -> list[tuple[int, int, int]]:
    joined: list[tuple[int, int, int]] = []
    for begin, end, slack in sorted(spans):
        if not joined:
            joined.append((begin, end, slack))
            continue
        last_begin, last_end, last_slack = joined[-1]
        # Where one of the two is unsure by hours, they may be so much further apart than it seems.
        between = begin - last_end + (EAST if (slack ^ last_slack) & _UNSURE else 0)
        if between <= (min(apart, _AT_ONCE) if last_slack & _GROWS else apart):
            if end == last_end:
                grows = slack & last_slack & _GROWS
            else:
                grows = (slack if end > last_end else last_slack) & _GROWS
            joined[-1] = (last_begin, max(end, last_end), (slack | last_slack) & _UNSURE | grows)
        else:
            joined.append((begin, end, slack))
    return joined


def _seconds(when: datetime) -> int:
    return int((when - _EPOCH).total_seconds())


def _moment(seconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return _EPOCH

"""The memory of recent reports, by campaign: digests and what was found, for seven days."""

from __future__ import annotations

import json
from datetime import UTC, timedelta

from classifier.dataclass import replace
from classifier.digest import blake2b
from classifier.evidence.base import Company
from classifier.evidence.company import MOST_COUNTED, fingerprints, report_digest
from classifier.evidence.lines import line_of
from classifier.vocabulary import PointsTo, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

    from classifier.evidence.base import Evidence
    from classifier.parse.report import Report
    from classifier.store.database import Database

#: How long a report counts as company.
WINDOW = timedelta(days=7)

#: Owner and writer: whose line the original came from and who saw it, as digests; "" where it is not known.
_TABLES = """
DROP TABLE IF EXISTS floods;  -- of older versions: seven days' memory, without lines
CREATE TABLE IF NOT EXISTS runs (
    fingerprint TEXT NOT NULL, report TEXT NOT NULL, seen INTEGER NOT NULL,
    stranger INTEGER NOT NULL, forged INTEGER NOT NULL, genuine INTEGER NOT NULL,
    owner TEXT NOT NULL, of_server INTEGER NOT NULL, writer TEXT NOT NULL,
    PRIMARY KEY (fingerprint, report)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (seen);
CREATE INDEX IF NOT EXISTS runs_genuine ON runs (fingerprint) WHERE genuine;
"""
#: A report that is judged again is no new one, and the user's word for it stays.
_RECORD = """
INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET stranger = excluded.stranger, forged = excluded.forged,
    genuine = max(genuine, excluded.genuine), owner = excluded.owner, of_server = excluded.of_server, writer = excluded.writer
"""
#: In the order of Company's fields. The rows are ordered by a digest, so the first ones stand for all ...
_COUNT = """
SELECT count(*), count(nullif(stranger, 0)), count(nullif(forged, 0)), 0, count(nullif(owner, '')), count(home),
    count(DISTINCT home), count(DISTINCT CASE WHEN home IS NOT NULL THEN writer END)
FROM (
    SELECT *, CASE WHEN owner != '' AND NOT of_server THEN owner END AS home FROM runs
    WHERE fingerprint = ? AND seen >= ? AND report != ? LIMIT ?
)
"""
#: ... but for those found genuine: a single one of them speaks for all.
_GENUINE = "SELECT count(*) FROM (SELECT 1 FROM runs INDEXED BY runs_genuine WHERE fingerprint = ? AND genuine AND seen >= ? AND report != ? LIMIT ?)"


class FloodStore:
    """Recent reports by the fingerprints of their originals."""

    def __init__(self, database: Database) -> None:
        """Use *database*; a read-only one without the table remembers nothing."""
        self._database = database
        database.ensure(_TABLES)
        self._there = bool(
            database.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone()
        )

    def record(self, report: Report, evidence: Iterable[Evidence], now: datetime, *, stranger: bool) -> None:
        """Remember one judged report.

        What company itself said of it does not count: a flood must not grow
        more certain by looking at itself.

        Args:
            report: the report.
            evidence: what was found about it.
            now: the time, aware.
            stranger: True where it failed at addresses that we never wrote to.

        Raises:
            TemporaryError: another process kept the store locked.

        """
        self.record_all(((report, evidence, stranger),), now)

    def record_all(self, judged: Iterable[tuple[Report, Iterable[Evidence], bool]], now: datetime) -> None:
        """Remember many judged reports in one transaction, and forget those out of the window."""
        rows: list[tuple[str, str, int, bool, bool, bool, str, bool, str]] = []
        seen = _seconds(now)
        for report, evidence, stranger in judged:
            firm = {
                e.points_to
                for e in evidence
                if e.name != "company" and e.strength in {Strength.PROOF, Strength.STRONG}
            }
            digest, line = report_digest(report), line_of(report)
            if line is not None and not line.vouched:
                line = None
            rows += [
                (
                    fingerprint,
                    digest,
                    seen,
                    stranger,
                    firm & {PointsTo.FORGED, PointsTo.GENUINE} == {PointsTo.FORGED},
                    PointsTo.GENUINE in firm,
                    _digest(line.owner) if line else "",
                    line is not None and line.of_server,
                    _digest(line.writer) if line else "",
                )
                for fingerprint in fingerprints(report)
            ]
        if not rows:
            return
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM runs WHERE seen < ?", (_seconds(now - WINDOW),))
            connection.executemany(_RECORD, rows)

    def company(self, fingerprints: Iterable[str], now: datetime, *, besides: str = "") -> Company:
        """Count the reports of the last seven days that share a fingerprint: the one that most of them share.

        Args:
            fingerprints: what :func:`classifier.evidence.company.fingerprints` gave.
            now: the time, aware.
            besides: the digest of the report in question, which is no company of its own.

        """
        found = Company()
        if not self._there:
            return found
        since, genuine = _seconds(now - WINDOW), 0
        for fingerprint in fingerprints:
            chosen = (fingerprint, since, besides)
            row = self._database.connection.execute(_COUNT, (*chosen, MOST_COUNTED)).fetchone()
            if row[0] > found.reports:
                found = Company(*row)
            genuine += self._database.connection.execute(_GENUINE, (*chosen, MOST_COUNTED)).fetchone()[0]
        return replace(found, genuine=genuine) if genuine else found


def sizes(connection: sqlite3.Connection, fingerprints: Iterable[str]) -> dict[str, int]:
    """Return how many reports of the last days share each of *fingerprints*."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
        return {}
    count = "SELECT count(*) FROM runs WHERE fingerprint = ?"
    return {name: connection.execute(count, (name,)).fetchone()[0] for name in set(fingerprints)}


def vouch(connection: sqlite3.Connection, message_ids: Iterable[str]) -> None:
    """Count the reports with these Message-IDs as genuine: the user has taken them out of quarantine.

    Reports of the same run, which look like those, then have a genuine one among them.

    Args:
        connection: the store's, in a transaction.
        message_ids: as the history of judged reports has them.

    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    ids = sorted({message_id for message_id in message_ids if message_id})
    if ids and tables >= {"runs", "history"}:
        connection.execute(
            "UPDATE runs SET genuine = 1 WHERE report IN "
            "(SELECT digest FROM history WHERE message_id IN (SELECT value FROM json_each(?)))",
            (json.dumps(ids),),
        )


def _digest(name: str) -> str:
    return blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())

"""The memory of recent reports, by campaign: digests and what was found, for seven days."""

from __future__ import annotations

from datetime import UTC, timedelta

from classifier.evidence.base import Company
from classifier.evidence.company import fingerprints, report_digest
from classifier.vocabulary import PointsTo, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from classifier.evidence.base import Evidence
    from classifier.parse.report import Report
    from classifier.store.database import Database

#: How long a report counts as company.
WINDOW = timedelta(days=7)
#: More rows than this of one campaign tell nothing more.
_MAX_ROWS = 10_000

_TABLES = """
CREATE TABLE IF NOT EXISTS floods (
    fingerprint TEXT NOT NULL, report TEXT NOT NULL, seen INTEGER NOT NULL,
    stranger INTEGER NOT NULL, forged INTEGER NOT NULL, genuine INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, report)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS floods_by_time ON floods (seen);
"""


class FloodStore:
    """Recent reports by the fingerprints of their originals."""

    def __init__(self, database: Database) -> None:
        """Use *database*; a read-only one without the table remembers nothing."""
        self._database = database
        database.ensure(_TABLES)
        self._there = bool(
            database.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'floods'").fetchone()
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
        rows: list[tuple[str, str, int, bool, bool, bool]] = []
        seen = _seconds(now)
        for report, evidence, stranger in judged:
            firm = {
                e.points_to
                for e in evidence
                if e.name != "company" and e.strength in {Strength.PROOF, Strength.STRONG}
            }
            digest = report_digest(report)
            rows += [
                (
                    fingerprint,
                    digest,
                    seen,
                    stranger,
                    firm & {PointsTo.FORGED, PointsTo.GENUINE} == {PointsTo.FORGED},
                    PointsTo.GENUINE in firm,
                )
                for fingerprint in fingerprints(report)
            ]
        if not rows:
            return
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM floods WHERE seen < ?", (_seconds(now - WINDOW),))
            connection.executemany("INSERT OR REPLACE INTO floods VALUES (?, ?, ?, ?, ?, ?)", rows)

    def company(self, fingerprints: Iterable[str], now: datetime, *, besides: str = "") -> Company:
        """Count the reports of the last seven days that share one of *fingerprints*.

        Args:
            fingerprints: what :func:`classifier.evidence.company.fingerprints` gave.
            now: the time, aware.
            besides: the digest of the report in question, which is no company of its own.

        """
        if not self._there:
            return Company()
        found: dict[str, tuple[int, int, int]] = {}
        for fingerprint in fingerprints:
            rows = self._database.connection.execute(
                "SELECT report, stranger, forged, genuine FROM floods WHERE fingerprint = ? AND seen >= ? LIMIT ?",
                (fingerprint, _seconds(now - WINDOW), _MAX_ROWS),
            )
            found.update({row[0]: row[1:] for row in rows if row[0] != besides})
        return Company(
            reports=len(found),
            strangers=sum(row[0] for row in found.values()),
            forged=sum(row[1] for row in found.values()),
            genuine=sum(row[2] for row in found.values()),
        )


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())

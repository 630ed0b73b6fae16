"""What our genuine mail looks like: counted traits, no message kept."""

from __future__ import annotations

from classifier.evidence.habits import traits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.parse.headers import HeaderBlock
    from classifier.store.database import Database

#: Shares of fewer messages than this say nothing.
ENOUGH = 50
#: Different values kept for one trait; header orders and Message-ID shapes of lists grow without end.
MAX_VALUES = 2_000

_TABLES = """
CREATE TABLE IF NOT EXISTS habits (
    trait TEXT NOT NULL, value TEXT NOT NULL, messages INTEGER NOT NULL, PRIMARY KEY (trait, value)
) WITHOUT ROWID;
"""
#: The row that counts all messages that showed a trait; no trait has the empty value.
_TOTAL = ""


class HabitStore:
    """The shares of traits in the mail that the ledger learnt from."""

    def __init__(self, database: Database) -> None:
        """Use *database*; a read-only one without the table knows nothing."""
        self._database = database
        database.ensure(_TABLES)
        self._there = bool(
            database.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'habits'").fetchone()
        )

    def learn(self, headers: HeaderBlock) -> None:
        """Count the traits of one message of ours."""
        self.learn_all((headers,))

    def learn_all(self, messages: Iterable[HeaderBlock]) -> int:
        """Count the traits of many messages in one transaction; return how many.

        Raises:
            TemporaryError: another process kept the store locked.

        """
        counts: dict[tuple[str, str], int] = {}
        number = 0
        for headers in messages:
            number += 1
            for trait, value in traits(headers).items():
                for row in ((trait, value[:400]), (trait, _TOTAL)):
                    counts[row] = counts.get(row, 0) + 1
        if not counts:
            return number
        with self._database.transaction() as connection:
            known = dict(connection.execute("SELECT trait, count(*) FROM habits GROUP BY trait").fetchall())
            for (trait, value), count in counts.items():
                changed = connection.execute(
                    "UPDATE habits SET messages = messages + ? WHERE trait = ? AND value = ?",
                    (count, trait, value),
                ).rowcount
                if not changed and (value == _TOTAL or known.get(trait, 0) < MAX_VALUES):
                    connection.execute("INSERT INTO habits VALUES (?, ?, ?)", (trait, value, count))
                    known[trait] = known.get(trait, 0) + 1
        return number

    def share(self, trait: str, value: str) -> float | None:
        """Return the share of our mail with this *value* of *trait*, or None if too little is known."""
        if not self._there:
            return None
        rows = dict(
            self._database.connection.execute(
                "SELECT value, messages FROM habits WHERE trait = ? AND value IN (?, ?)",
                (trait, _TOTAL, value[:400]),
            ).fetchall()
        )
        total = rows.get(_TOTAL, 0)
        return rows.get(value[:400], 0) / total if total >= ENOUGH else None

"""Measure the ledger: import rate, look-up time, file size.

    nice python tests/benchmarks/ledger_scale.py [ENTRIES]

Generates ENTRIES messages (default 1,000,000; the stated numbers are for
10,000,000), each with one Message-ID and one or more recipients out of a tenth
as many correspondents.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.ingest.entries import LedgerRecord
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2020, 1, 1, tzinfo=UTC)


def message_id(number: int) -> str:
    """Return the id of the generated message *number*."""
    return f"<{number * 2654435761 % 2**40:010x}.{number}@mail.example.org>"


def messages(count: int) -> Iterator[LedgerRecord]:
    """Generate *count* messages."""
    people = max(1, count // 10)
    for number in range(count):
        recipients = tuple(
            f"user{(number * 7919 + extra * 104729) % people}@remote{number % 977}.test"
            for extra in range(1 if number % 5 else 3)
        )
        yield LedgerRecord(
            (message_id(number),), (), recipients, START + timedelta(seconds=number * 10), "log"
        )


def lookups(ledger: SqliteLedger, numbers: list[int], *, known: bool) -> list[float]:
    """Return the sorted times of looking up *numbers*, in microseconds."""
    times = []
    for number in numbers:
        name = message_id(number) if known else f"<forged{number}@example.org>"
        start = time.perf_counter()
        entry = ledger.find(name)
        times.append((time.perf_counter() - start) * 1e6)
        assert (entry is not None) is known
    return sorted(times)


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("entries", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--directory", help="where the store is made (default: a temporary directory)")
    options = parser.parse_args()
    count = options.entries
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        path = Path(directory) / "state.sqlite3"
        start = time.perf_counter()
        with Database.open(path) as database:
            result = SqliteLedger(database).add_many(messages(count))
        seconds = time.perf_counter() - start
        assert result.added == count
        megabytes = path.stat().st_size / 1e6
        print(f"import: {count} entries in {seconds:.1f} s, {count / seconds:.0f}/s")
        print(f"file: {megabytes:.1f} MB, {megabytes * 1e6 / count:.1f} bytes an entry")
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        numbers = random.Random(1).sample(range(count), min(count, 20_000))
        with Database.open(path, readonly=True) as database:
            ledger = SqliteLedger(database)
            for known in (True, False):
                times = lookups(ledger, numbers, known=known)
                name = "hit" if known else "miss"
                middle, high = times[len(times) // 2], times[len(times) * 99 // 100]
                print(f"look-up ({name}): median {middle:.1f} us, 99th percentile {high:.1f} us")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

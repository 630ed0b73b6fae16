"""How fast messages are judged, in memory and by a process started for one.

``python -m tests.benchmarks.judging_speed``: processor time, median of several
rounds on one core, for a report, for ordinary mail whole and by its headers
alone, and for ``backscatter classify`` from its start; each beside the standard
library's parser on the same messages, round by round. Where real reports lie
beside the project (``BACKSCATTER_SHARED_DATA``), for those, too.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import email
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.config import parse_config
from classifier.parse.message import parse
from classifier.runtime import Runtime, StoreUse
from tests.samples import ORDINARY, REPORT

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = """
[identity]
domains = ["example.org"]
senders = ["anna@example.org"]
never_send = ["trap@example.org"]
relays = ["mail.example.org", "192.0.2.0/24"]
message_id_domains = ["example.org"]
[dns]
enabled = false
"""
ROUNDS = 7


def rate(work: Callable[[bytes], object], messages: list[bytes]) -> str:
    """Return how many messages a second *work* goes through, and as a share of what the standard library's parser does."""
    rounds = []
    for _ in range(ROUNDS):
        seconds = []
        for each in (work, email.message_from_bytes):
            began = time.process_time()
            for message in messages:
                each(message)
            seconds.append((time.process_time() - began) / len(messages))
        rounds.append((1 / seconds[0], seconds[1] / seconds[0]))
    rates, shares = zip(*rounds, strict=True)
    return f"{statistics.median(rates):,.0f} a second, {statistics.median(shares):.2f} of the standard library's parser"


def started(*command: str, message: bytes) -> float:
    """Return the milliseconds of a process that is started for one message."""
    rounds = []
    for _ in range(3 * ROUNDS):
        begun = time.perf_counter()
        subprocess.run(command, input=message, stdout=subprocess.DEVNULL, check=True)
        rounds.append((time.perf_counter() - begun) * 1000)
    return statistics.median(rounds)


def main() -> None:
    """Measure and print."""
    # Each message differs, as in a mailbox: nothing that is remembered of one helps the next.
    reports = [
        REPORT.replace(b"r1@mx", b"r%d@mx" % n)
        .replace(b"<1@ex", b"<%d@ex" % n)
        .replace(b"x@remote", b"x%d@remote" % n)
        for n in range(1_000)
    ]
    ordinary = [ORDINARY.replace(b"hello", b"hello %d" % n) for n in range(5_000)]
    headers = [message.partition(b"\n\n")[0] + b"\n" for message in ordinary]
    with Runtime(parse_config(CONFIG), StoreUse.READ) as runtime:
        found = runtime.examine(reports[0])
        print(f"a report ({found.report.kind}, {found.judgement.verdict}): {rate(runtime.examine, reports)}")
        print(f"ordinary mail, whole: {rate(runtime.examine, ordinary)}")
        turned_away = not runtime.may_be_report(headers[0], "a@example.com")
        per_second = rate(lambda h: runtime.may_be_report(h, "a@example.com"), headers)
        print(f"ordinary mail, headers (turned away: {turned_away}): {per_second}")
    shared = os.environ.get("BACKSCATTER_SHARED_DATA")
    if shared:
        real = [file.read_bytes() for file in sorted(Path(shared, "reports").rglob("*")) if file.is_file()]
        with Runtime(None, StoreUse.READ) as runtime:
            print(f"{len(real)} real reports, nothing configured: {rate(runtime.examine, real)}")
            print(f"the same, parsed only: {rate(parse, real)}")
    python = sys.executable
    print(f"python -c pass: {started(python, '-c', 'pass', message=b''):.0f} ms")
    for name, message in (("a report", REPORT), ("ordinary mail", ORDINARY)):
        took = started(python, "-m", "classifier", "classify", "--json", message=message)
        print(f"backscatter classify, {name}: {took:.0f} ms")


if __name__ == "__main__":
    main()

"""How the parser's time and memory grow with the size of a message, and on hostile shapes.

    python -m tests.benchmarks.parser_growth [--largest MEGABYTES]

One line a shape and size: seconds of the processor, the rate, how the time grew
against the size (1.0 is linear), and the most memory that parsing added, in
multiples of the message. Every message is made here.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING

from classifier.parse.message import parse

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = (
    b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\n"
    b"Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
)
REPORT = HEAD + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
NOTICE = (
    b"--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.remote.test\n\n"
)
RECIPIENT = b"Final-Recipient: rfc822; bob%d@remote.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n\n"
ORIGINAL = (
    b"--b\nContent-Type: message/rfc822\n\nReceived: from a.example.org by mx.remote.test; Thu, 5 Mar 2026 10:00:00 +0000\n"
    b"Message-ID: <one@example.org>\nFrom: anna@example.org\nTo: bob@remote.test\nSubject: Minutes\n"
)
LINE = b"The quick brown fox jumps over the lazy dog, and bob@remote.test said: 550 no.\n"


def filled(before: bytes, unit: bytes, after: bytes, size: int) -> bytes:
    """Return *unit* repeated between *before* and *after* to *size* bytes."""
    return before + unit * max(1, (size - len(before) - len(after)) // len(unit)) + after


def nested(size: int) -> bytes:
    """Return a multipart in a multipart, and so on."""
    count = max(1, size // 64)
    parts = [b"Content-Type: multipart/mixed; boundary=x%06d\n\n--x%06d\n" % (n, n) for n in range(count)]
    return HEAD + b"".join(parts) + b"\nend\n"


def recipients(size: int) -> bytes:
    """Return a delivery status with one group after the other."""
    return REPORT + NOTICE + b"".join(RECIPIENT % n for n in range(size // 120)) + ORIGINAL + b"\n--b--\n"


def status(fields: bytes = RECIPIENT % 1) -> bytes:
    """Return a report up to the place where the original stands."""
    return REPORT + NOTICE + fields


SHAPES: dict[str, Callable[[int], bytes]] = {
    "a long original": lambda n: filled(status() + ORIGINAL + b"\n", LINE, b"--b--\n", n),
    "a long original in base64": lambda n: filled(
        status() + b"--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n",
        b"U3ViamVjdDogTWludXRlcwpGcm9tOiBhbm5hQGV4YW1wbGUub3JnCgpUaGUgcXVpY2sgYnJvd24g\n",
        b"--b--\n",
        n,
    ),
    "a long notice, no original": lambda n: filled(HEAD + b"\n", LINE, b"", n),
    "a long HTML notice": lambda n: filled(
        HEAD + b"Content-Type: text/html\n\n<html>", b"<p>bob@remote.test <b>unknown</b> &lt;x&gt;</p>\n", b"", n
    ),
    "many parts": lambda n: filled(status(), b"--b\n\nx\n", b"--b--\n", n),
    "nested parts": nested,
    "many header fields": lambda n: filled(HEAD, b"X-Field: value\n", b"\nIt failed: bob@remote.test\n", n),
    "many fields of the original": lambda n: filled(status() + ORIGINAL, b"X-Field: value\n", b"\n\n--b--\n", n),
    "one long field": lambda n: filled(HEAD + b"X: ", b"a=b; ", b"\n\nIt failed: bob@remote.test\n", n),
    "one long Content-Type": lambda n: filled(
        HEAD + b"Content-Type: multipart/report", b"; a=b", b"\n\nIt failed.\n", n
    ),
    "one folded field": lambda n: filled(HEAD + b"X:", b" a\n", b"\nIt failed: bob@remote.test\n", n),
    "lines that are no field": lambda n: filled(HEAD, b"no field\n", b"X: y\n\nIt failed.\n", n),
    "many Received fields": lambda n: filled(
        HEAD, b"Received: from a (b [192.0.2.1]) by c with d id e; Thu, 5 Mar 2026 10:00:00 +0000\n", b"\nIt failed.\n", n
    ),
    "many addresses": lambda n: filled(HEAD + b"\nIt failed:\n", b"<bob@remote.test>\n", b"", n),
    "@ alone": lambda n: filled(HEAD + b"\n", b"@", b"", n),
    "quoted local parts": lambda n: filled(HEAD + b"\n", b'"@', b"", n),
    "brackets": lambda n: filled(HEAD + b"\n", b"<", b"", n),
    "header blocks in the text": lambda n: filled(HEAD + b"\n", b"From: a\n\n", b"", n),
    "dashes": lambda n: filled(HEAD + b"\n", b"-", b"", n),
    "rules of dashes": lambda n: filled(HEAD + b"\n", b"\n-- ", b"", n),
    "digits and dots": lambda n: filled(HEAD + b"\n", b"5.1.1.", b"", n),
    "blank lines": lambda n: filled(HEAD, b"\n", b"", n),
    "blanks": lambda n: filled(HEAD + b"X: ", b" ", b"\n\n", n),
    "encoded words": lambda n: filled(HEAD + b"X: y\nSubject: ", b"=?utf-8?q?a?= ", b"\n\n", n),
    "delimiters": lambda n: filled(REPORT, b"--b\n", b"", n),
    "near delimiters": lambda n: filled(REPORT, b"--b-", b"", n),
    "many recipients": recipients,
    "JSON": lambda n: filled(HEAD + b'\n{"notificationType":"Bounce",', b'"emailAddress":"', b"", n),
    "NUL": lambda n: filled(HEAD, b"\0", b"", n),
    "carriage returns": lambda n: filled(HEAD, b"\r", b"", n),
}  # fmt: skip


def measured(raw: bytes) -> float:
    """Return the processor's seconds for one parse: the least of three, where it is short."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        parse(raw)
        best = min(best, time.process_time() - began)
        if best > 0.5:
            break
    return best


def peak(raw: bytes) -> float:
    """Return the most memory that parsing *raw* took beside it, in multiples of its size."""
    tracemalloc.start()
    try:
        parse(raw)
        return tracemalloc.get_traced_memory()[1] / len(raw)
    finally:
        tracemalloc.stop()


def main() -> int:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--largest", type=float, default=50.0, help="megabytes of the largest message")
    largest = int(arguments.parse_args().largest * 1e6)
    sizes = [n for n in (10_000, 100_000, 1_000_000, 10_000_000, 50_000_000) if n <= largest]
    print(f"{'shape':30}" + "".join(f"{n / 1e6:>10g} MB" for n in sizes) + "   MB/s  growth  memory")
    worst = 0.0
    for name, make in SHAPES.items():
        times = [measured(make(size)) for size in sizes]
        # Growth from the second size on: the first is mostly what every message costs.
        growth = (times[-1] / times[1]) / (sizes[-1] / sizes[1]) if len(sizes) > 2 else 1.0
        worst = max(worst, growth)
        memory = peak(make(min(1_000_000, largest)))
        row = "".join(f"{seconds:>12.4f}s" for seconds in times)
        print(f"{name:30}{row} {sizes[-1] / 1e6 / times[-1]:>6.0f} {growth:>7.2f} {memory:>7.1f}", flush=True)
    print(f"worst growth of time against size: {worst:.2f} (1.0 is linear)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

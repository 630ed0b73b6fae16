"""How fast the agent goes through a mailbox on a local Dovecot.

``python -m tests.benchmarks.mailbox_speed``: 10,000 new messages with 3,000
reports against plainly fetching those 3,000; then an unchanged inbox of
100,000; with the memory at its highest.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from imapclient import IMAPClient

from classifier.mailbox.connection import Connection
from tests.mailbox.daemon import PASSWORD
from tests.mailbox.dovecot import dovecot
from tests.mailbox.support import MarkedMail, imap_work, mail, run
from tests.samples import REPORT
from tests.support import server_folder


def say(text: str) -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Counting:
    """Counts round trips over all connections."""

    def __init__(self) -> None:
        self.trips = 0

    def __enter__(self):
        self._finish = Connection.finish
        counting = self

        def finish(connection, *arguments):
            counting.trips += 1
            return counting._finish(connection, *arguments)

        Connection.finish = finish
        return self

    def __exit__(self, *_exc):
        Connection.finish = self._finish


def plain_open(server, user) -> float:
    """Log in and open the inbox, no more; return the seconds."""
    started = time.perf_counter()
    with IMAPClient("127.0.0.1", server.port, ssl=False) as client:
        client.login(user.name, PASSWORD)
        client.select_folder("INBOX", readonly=True)
    return time.perf_counter() - started


def plain_fetch(server, user, uids) -> tuple[float, float]:
    """Fetch the reports plainly, a hundred at a time; return the seconds, by the wall and of our own CPU."""
    started, used = time.perf_counter(), time.process_time()
    with IMAPClient("127.0.0.1", server.port, ssl=False) as client:
        client.login(user.name, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        for start in range(0, len(uids), 100):
            client.fetch(uids[start : start + 100], ["BODY.PEEK[]"])
    return time.perf_counter() - started, time.process_time() - used


def timed(work, store) -> tuple[float, float, object, int]:
    """Sweep; return the seconds, by the wall and of our own CPU, the result, and the round trips."""
    with Counting() as counting:
        started, used = time.perf_counter(), time.process_time()
        result, _ = run(work, store)
        return time.perf_counter() - started, time.process_time() - used, result, counting.trips


def delivery_status(number: int) -> bytes:
    """Write a delivery status notification of 3 kB that returns a header section, as most do."""
    raw = REPORT.replace(b"<r1@", b"<r%d@" % number).replace(b"<1@ex", b"<%d@ex" % number)
    told = b"The following message could not be delivered to one or more of its recipients.\n" * 28
    return raw.replace(b"I am sorry.\n", b"I am sorry.\n" + told)


def new_mail(server, folder: Path, messages: int, reports: int, *, real: bool, dsn: bool) -> None:
    """Measure the first sweep of a full inbox."""
    user = server.user()
    for n in range(messages):
        kind = ("forged" if n % 2 else "genuine") if n * reports % messages < reports else "ordinary"
        raw = mail(kind, n, size=3_000)
        if kind == "ordinary":  # for the real judge, too
            raw = raw.replace(
                b"Mail Delivery System <MAILER-DAEMON@mx.remote.test>", b"A Friend <friend@example.com>"
            )
        elif dsn:
            raw = delivery_status(n)
        user.deliver(raw, flags="S")
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search(["HEADER", "Return-Path", "<>"])
    examiner = None
    if real:
        from classifier.runtime import Runtime

        examiner = Runtime(None)
    work = imap_work(
        server.server(), server.login(user), dry_run=True, examiner=examiner or MarkedMail(), aside=real
    )
    for _ in range(2):
        plain, plain_cpu = plain_fetch(server, user, uids)
        seconds, cpu, result, trips = timed(work, folder / "none")
        say(
            f"{messages:,} new, {len(uids):,} reports: plain fetch {plain:.2f} s (CPU {plain_cpu:.2f}), "
            f"looked through in {seconds:.2f} s (CPU {cpu:.2f}; limit {1.5 * plain + 1:.2f}), {trips} round trips, "
            f"{result.counts.as_dict()}"
        )
    work = imap_work(server.server(), server.login(user), examiner=examiner or MarkedMail(), aside=real)
    for what in ("with its moves", "the sweep after that"):
        seconds, cpu, result, trips = timed(work, folder / "store.sqlite3")
        say(f"  {what}: {seconds:.2f} s (CPU {cpu:.2f}), {trips} round trips, {result.counts.as_dict()}")


def unchanged(server, folder: Path, messages: int) -> None:
    """Measure a sweep that finds nothing new."""
    user = server.user()
    for n in range(messages):
        user.deliver(mail("ordinary", n, size=300), flags="S")
    work = imap_work(server.server(), server.login(user))
    seconds, cpu, _, trips = timed(work, folder / "large.sqlite3")
    say(f"{messages:,} messages, first sweep: {seconds:.2f} s (CPU {cpu:.2f}), {trips} round trips")
    for _ in range(3):
        plain = plain_open(server, user)
        seconds, cpu, _, trips = timed(work, folder / "large.sqlite3")
        say(
            f"  unchanged: {seconds:.3f} s (CPU {cpu:.3f}; plain login and EXAMINE {plain:.3f}), "
            f"{trips} round trips besides greeting and login"
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--reports", type=int, default=3_000)
    parser.add_argument("--unchanged", type=int, default=100_000)
    parser.add_argument("--real", action="store_true", help="judge for real instead of by a mark")
    parser.add_argument(
        "--dsn", action="store_true", help="with delivery status notifications, not random letters"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, dovecot(server_folder("speed")) as server:
        folder = Path(place)
        new_mail(server, folder, options.messages, options.reports, real=options.real, dsn=options.dsn)
        unchanged(server, folder, options.unchanged)
    say(f"memory at its highest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

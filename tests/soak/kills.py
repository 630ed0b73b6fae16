"""SIGKILL at random moments of a sweep, with moves under way; then one clean sweep, and a census.

A small number is in the suite; `make soak` makes 300 of each kind.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.mailbox.mover import BATCH
from tests.mailbox.support import imap_work, mail, maildir_work, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mailbox.dovecot import Dovecot, User

#: Forked for each sweep from a process that has everything imported.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.mailbox.support", "imapclient", "email", "ssl"])


@dataclass
class Tally:
    """What was done.

    Attributes:
        kills: sweeps killed while messages were still to be moved.
        in_flight: those of them with moves begun and not closed in the journal.
        half_done: those of them in which a copy and its source were both there.
        missed: sweeps that had ended before the kill; not counted.

    """

    kills: int = 0
    in_flight: int = 0
    half_done: int = 0
    missed: int = 0


def fill(user: User, messages: int) -> Counter[str]:
    """Deliver messages, three of five of them forged, some of them twins; return the census."""
    for n in range(messages):
        kind = "forged" if n % 5 < 3 else ("genuine" if n % 5 == 3 else "ordinary")
        user.deliver(mail(kind, n // 10 if n % 50 < 20 else 1000 + n, message_id=n % 3 > 0))
    return user.census()["INBOX"]


def sweep_imap(port: int, user: str, store: Path) -> None:
    """Sweep once, in a process of its own."""
    from classifier.mailbox.connection import Server
    from classifier.mailbox.login import Login

    run(imap_work(Server("127.0.0.1", port, "plain"), Login(user, lambda: "geheim"), aside=True), store)


def sweep_maildir(root: Path, store: Path) -> None:
    """Sweep once, in a process of its own."""
    run(maildir_work(root, aside=True), store)


def _unsettled(store: Path) -> int:
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=1)) as connection,
    ):
        query = "SELECT count(*) FROM move WHERE state IN ('intended', 'copied')"
        return connection.execute(query).fetchone()[0]
    return 0


def _kill_in_mid_move(process, store: Path, moment: random.Random, batches: int) -> bool:
    """Wait for a random batch of moves, then for a random moment of it, then kill."""
    batch = moment.randrange(batches)
    seen = 0
    before = 0
    while process.is_alive():
        now = _unsettled(store)
        if now and now != before:
            seen += 1
            if seen > batch:
                time.sleep(moment.choice((0, 0, moment.uniform(0, 0.08))))
                break
        before = now
        time.sleep(0.0005)
    process.kill()
    process.join()
    return process.exitcode == -9


def _quarantined(user: User) -> int:
    return len(user.files("Backscatter"))


def kill_once(
    user: User, target, arguments: tuple, store: Path, *, moment: random.Random, tally: Tally, messages: int
):
    """Fill, sweep, kill, sweep again, and count; raises AssertionError if anything is out of place."""
    before = fill(user, messages)
    forged = sum(1 for p in user.files("INBOX") if b"\nX-Verdict: forged" in p.read_bytes())
    process = _context.Process(target=target, args=(*arguments, store))
    process.start()
    killed = _kill_in_mid_move(process, store, moment, -(-forged // BATCH))
    left = _unsettled(store)
    if not killed or (not left and _quarantined(user) >= forged):
        tally.missed += 1
    else:
        tally.kills += 1
        tally.in_flight += left > 0
        # Every other time the next sweep starts at once, while the server is still at the last command.
        if moment.random() < 0.5:
            time.sleep(0.2)
            with contextlib.suppress(FileNotFoundError):  # the server is moving it at this moment
                tally.half_done += sum((sum(user.census().values(), Counter()) - before).values()) > 0
    last = _context.Process(target=target, args=(*arguments, store))
    last.start()
    last.join(120)
    assert last.exitcode == 0
    after = user.census()
    together: Counter[str] = sum(after.values(), Counter())
    assert together == before, f"lost {before - together}, doubled {together - before}"
    assert sum(after["Backscatter"].values()) == forged
    assert all(b"\nX-Verdict: forged" in p.read_bytes() for p in user.files("Backscatter"))
    assert not any("T" in p.name.rpartition(",")[2] for f in user.folders() for p in user.files(f))


def kill_imap(server: Dovecot, folder: Path, kills: int, seed: int, messages: int) -> Tally:
    """Kill sweeps of *server* until so many count."""
    tally, moment = Tally(), random.Random(seed)
    for number in range(kills * 5):
        if tally.kills >= kills:
            break
        user = server.user()
        store = folder / f"{seed}-{number}.sqlite3"
        kill_once(
            user, sweep_imap, (server.port, user.name), store, moment=moment, tally=tally, messages=messages
        )
        shutil.rmtree(user.maildir.parent)
        for file in folder.glob(f"{store.name}*"):
            file.unlink()
        if number % 25 == 24:
            sys.stdout.write(f"{number + 1} sweeps: {tally}\n")
            sys.stdout.flush()
    return tally

"""Keeps accounts swept: a sweep, then IDLE until mail comes in, for as long as the process lives.

One loop surrounds everything: whatever breaks a connection, the next one is
made after a wait that grows and is spread by chance, and begins with a sweep.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import select
import selectors
import socket
import sqlite3
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import BackscatterError, TemporaryError
from classifier.mailbox import clock
from classifier.mailbox.aside import Aside
from classifier.mailbox.caution import Caution
from classifier.mailbox.idle import LOOK_UP
from classifier.mailbox.protocol import ConnectionLost, NotReached
from classifier.mailbox.summary import AccountResult, Listener
from classifier.mailbox.sweep import Sweep
from classifier.store.database import Database, store_failure
from classifier.store.lock import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.mailbox.agent import AccountWork
    from classifier.mailbox.protocol import Mailbox
    from classifier.mailbox.summary import Examiner
    from classifier.store.lock import Bell

log = logging.getLogger(__name__)

#: Seconds after which IDLE is issued anew: below the half hour that servers allow
#: (RFC 2177) and the quarter hour after which routers forget a connection.
REISSUE = 540.0
#: With more folders than one the others are looked at this often.
OTHERS_EVERY = 15.0
#: Seconds before the first and before any later attempt to connect again.
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
#: As long as nobody answers, it is tried again after so many seconds at the latest: the network may be back.
UNREACHED_WAIT = 10.0
#: Seconds after which a signal is heard at the latest.
HEARING = 0.5
#: Seconds for which an account is left to somebody who rang for it, at least.
ASIDE = 0.5


class Stop:
    """Ends all accounts' loops, from a signal handler too."""

    def __init__(self) -> None:
        """Open the pipe that ends waits."""
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._event = threading.Event()

    def __call__(self) -> bool:
        """Say whether it is time to end."""
        return self._event.is_set()

    def set(self) -> None:
        """End: loops leave after the batch under way."""
        self._event.set()
        with contextlib.suppress(OSError):
            os.write(self._writer, b"x")

    def wait(self, seconds: float) -> None:
        """Sleep, unless it is time to end."""
        self._event.wait(seconds)

    @property
    def descriptor(self) -> int:
        """Can be read once it is time to end."""
        return self._reader

    def close(self) -> None:
        """Close the pipe, after all loops ended."""
        os.close(self._reader)
        os.close(self._writer)


def notify(state: str) -> None:
    """Tell systemd, if it started us (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.sendall(state.encode())


def watch(
    work: Sequence[AccountWork],
    store: str | Path,
    listener: Listener,
    stop: Stop,
    *,
    ready: Callable[[], None] = lambda: None,
    reissue: float = REISSUE,
) -> list[AccountResult]:
    """Watch accounts side by side until *stop* is set.

    Args:
        work: the accounts.
        store: the store's path.
        listener: hears of each judged message and each failure.
        stop: ends it.
        ready: called once, when every account was swept or failed for the first time.
        reissue: seconds after which IDLE is issued anew.

    Returns:
        What became of each account; one that cannot be watched at all ends early.

    """
    results = [AccountResult(one.job.account) for one in work]
    left = len(work)
    lock = threading.Lock()

    def first_done() -> None:
        nonlocal left
        with lock:
            left -= 1
            if left == 0:
                ready()

    loops = [
        _Loop(one, Path(store).expanduser(), listener, result=result, stop=stop, first_done=first_done)
        for one, result in zip(work, results, strict=True)
    ]
    threads = [threading.Thread(target=loop.run, args=(reissue,), name=loop.account) for loop in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        # Not without end: a signal that comes just before the wait begins would not be handled until it ends.
        while thread.is_alive():
            thread.join(HEARING)
    return results


def exit_status(results: Sequence[AccountResult]) -> int:
    """Return the process's exit status: that of the failure that ended an account, 1 for several."""
    statuses = {e.exit_status for r in results for e in r.errors}
    return statuses.pop() if len(statuses) == 1 else 1 if statuses else 0


class _Loop:
    """One account's loop, in a thread of its own."""

    def __init__(
        self,
        work: AccountWork,
        store: Path,
        listener: Listener,
        *,
        result: AccountResult,
        stop: Stop,
        first_done: Callable[[], None],
    ) -> None:
        self.account = work.job.account
        self._work = work
        self._store = store
        self._listener = listener
        self._result = result
        self._stop = stop
        self._first_done: Callable[[], None] | None = first_done
        self._lock: Lock | None = None
        self._bell: Bell | None = None
        self._wake = stop.descriptor
        self._ever = False
        self._caution = Caution()
        self._swept = False
        self._told, self._told_at = "", 0.0

    def run(self, reissue: float) -> None:
        """Loop until it is time to end, or the account cannot be watched."""
        try:
            with ExitStack() as stack:
                self._lock = stack.enter_context(Lock(self._store, self.account, "watch"))
                self._listen(stack)
                database = stack.enter_context(Database.open(self._store))
                examiner = self._work.make_examiner()
                stack.callback(examiner.close)
                self._connections(database, examiner, reissue)
        except BackscatterError as error:
            self._tell(error)
        except Exception as error:  # one account's accident must not end the others
            log.debug("account %s", self.account, exc_info=True)
            self._tell(
                BackscatterError(
                    f"stopped by {type(error).__name__}", where=self.account, remedy="see --debug"
                )
            )
        self._was_first()

    def _listen(self, stack: ExitStack) -> None:
        """Have one descriptor that ends a wait: it is time to stop, or to step aside."""
        assert self._lock is not None
        self._bell = self._lock.bell()
        stack.callback(self._bell.close)
        both = stack.enter_context(selectors.DefaultSelector())
        for descriptor in (self._stop.descriptor, self._bell.descriptor):
            if descriptor is not None:
                both.register(descriptor, selectors.EVENT_READ)
        fileno = getattr(both, "fileno", None)  # select() and poll(), the last resorts, have none
        self._wake = fileno() if fileno is not None else self._stop.descriptor

    def _step_aside(self) -> None:
        """Leave the account to whoever rang: restore, train and ledger sync take a moment."""
        if self._bell is None or self._lock is None or not self._bell.was_rung():
            return
        self._lock.__exit__()
        self._stop.wait(ASIDE)
        while not self._stop():
            try:
                self._lock.__enter__()
            except TemporaryError:
                self._stop.wait(ASIDE)
            else:
                return

    def _pause(self, seconds: float) -> None:
        """Wait before the next connection."""
        end = clock.now() + seconds
        while not self._stop() and (left := end - clock.now()) > 0:
            select.select([self._wake], [], [], min(left, LOOK_UP))
            self._step_aside()

    def _tell(self, error: BackscatterError) -> None:
        self._result.errors.append(error)
        self._listener.warning(error)

    def _warn(self, error: BackscatterError) -> None:
        """Tell of a lost or missing connection; of the same one every few minutes, however often it is tried."""
        if str(error) != self._told or clock.now() - self._told_at >= LONGEST_WAIT:
            self._told, self._told_at = str(error), clock.now()
            self._listener.warning(error)

    def _was_first(self) -> None:
        if self._first_done is not None:
            self._first_done()
            self._first_done = None

    def _connections(self, database: Database, examiner: Examiner, reissue: float) -> None:
        """Make connections one after the other.

        Raises:
            BackscatterError: the account never worked, and not for want of the server.

        """
        wait = FIRST_WAIT
        while not self._stop():
            self._swept = False
            try:
                self._connection(database, examiner, reissue)
                return
            except (BackscatterError, sqlite3.Error) as failure:
                error = store_failure(failure, self._store) if isinstance(failure, sqlite3.Error) else failure
                if isinstance(error, ConnectionLost):
                    self._caution.lost()
                if not self._ever and not isinstance(error, TemporaryError):
                    raise error from None
                self._warn(error)
            self._was_first()
            wait = FIRST_WAIT if self._swept else wait
            if isinstance(error, NotReached):
                wait = min(wait, UNREACHED_WAIT)
            self._pause(wait * random.uniform(0.5, 1.5))  # noqa: S311 - spreads clients, hides nothing
            wait = min(wait * 2, LONGEST_WAIT)

    def _connection(self, database: Database, examiner: Examiner, reissue: float) -> None:
        """Sweep and wait over one connection until it is time to end."""
        mailbox = self._work.open_mailbox(self._caution)
        try:
            while not self._stop():
                self._sweep(mailbox, database, examiner)
                # What failed in a folder was told; a loop that runs for years must not collect it.
                self._result.errors.clear()
                self._ever = self._swept = True
                self._told = ""
                self._was_first()
                if self._stop():
                    break
                folders = self._work.job.folders
                mailbox.wait(
                    "INBOX" if "INBOX" in folders else folders[0],
                    reissue if len(folders) == 1 else min(reissue, OTHERS_EVERY),
                    self._wake,
                )
                self._step_aside()
        except BaseException:
            mailbox.drop()
            raise
        mailbox.close()

    def _sweep(self, mailbox: Mailbox, database: Database, examiner: Examiner) -> None:
        with Aside() as aside:  # a process is there for a full inbox only, and not for years
            Sweep(
                self._work.job,
                mailbox,
                database,
                examiner=examiner,
                listener=self._listener,
                result=self._result,
                stop=self._stop,
                aside=aside if self._work.aside else None,
            ).run()

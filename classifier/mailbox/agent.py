"""Sweeps accounts side by side, each under its lock, and takes up again what a lost connection cut off."""

from __future__ import annotations

import gc
import logging
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.errors import BackscatterError
from classifier.mailbox.aside import GARBAGE_AFTER, Aside
from classifier.mailbox.caution import Caution
from classifier.mailbox.mover import Mover
from classifier.mailbox.protocol import ConnectionLost
from classifier.mailbox.summary import AccountResult, Counts, Listener, SweptMessage
from classifier.mailbox.sweep import Job, Sweep
from classifier.store.database import Database, store_failure
from classifier.store.journal import Journal
from classifier.store.lock import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifier.mailbox.protocol import Mailbox
    from classifier.mailbox.summary import Examiner

log = logging.getLogger(__name__)

#: Seconds to wait before a lost connection is made again.
BACKOFF = (1.0, 4.0)
#: Seconds that restore and the like wait for an account, which a watch leaves to them as soon as it can.
PATIENCE = 20.0
#: Attempts made besides, while each finds out more about where the server hangs up.
MOST_ATTEMPTS = 12


@dataclass(frozen=True)
class AccountWork:
    """One account with what its sweep needs.

    Attributes:
        job: what to do.
        open_mailbox: connects and logs in; called anew for each attempt, with what earlier ones taught.
        make_examiner: makes the judge; called in the account's own thread.
        aside: True: where there are many messages, another process takes them apart.

    """

    job: Job
    open_mailbox: Callable[[Caution], Mailbox]
    make_examiner: Callable[[], Examiner]
    aside: bool = False


class _UnheardError(Exception):
    """What is told cannot be written; its cause is the reason."""


class _OneAtATime:
    """Lets accounts that run side by side tell one after the other."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()

    def message(self, message: SweptMessage) -> None:
        with self._lock:
            try:
                self._listener.message(message)
            except OSError as error:
                raise _UnheardError from error

    def warning(self, error: BackscatterError) -> None:
        with self._lock:
            self._listener.warning(error)


@dataclass
class SweepResult:
    """What became of all accounts."""

    accounts: list[AccountResult] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """The sums over all accounts."""
        total = Counts()
        for account in self.accounts:
            total.add(account.counts)
        return total

    @property
    def exit_status(self) -> int:
        """0 done; 75 or 2 where nothing but "try again later" or configuration was wrong; else 1."""
        errors = [e for a in self.accounts for e in a.errors]
        if not errors:
            return 1 if self.counts.errors else 0
        statuses = {e.exit_status for e in errors}
        return statuses.pop() if len(statuses) == 1 and self.counts.errors == len(errors) else 1


@contextmanager
def at_work(work: AccountWork, store: str | Path, purpose: str) -> Iterator[tuple[Mailbox, Database]]:
    """Hold an account's lock, its mailbox and the store, with interrupted moves settled.

    Raises:
        BackscatterError: any of them cannot be had.

    """
    with ExitStack() as stack:
        stack.enter_context(Lock(store, work.job.account, purpose, PATIENCE))
        database = stack.enter_context(Database.open(store))
        mailbox = work.open_mailbox(Caution())
        stack.callback(mailbox.close)
        Mover(mailbox, Journal(database)).settle(work.job.account)
        yield mailbox, database


def sweep(
    work: Sequence[AccountWork],
    store: str | Path,
    listener: Listener,
    *,
    purpose: str = "sweep",
    backoff: Sequence[float] = BACKOFF,
) -> SweepResult:
    """Sweep accounts side by side.

    Args:
        work: the accounts.
        store: the store's path.
        listener: hears of each judged message and each failure as it happens.
        purpose: the command's name, for whoever finds the lock taken.
        backoff: seconds to wait before each further attempt after a lost connection.

    Returns:
        What became of each; what fails within one account stands there.

    Raises:
        OSError: what *listener* raised; all that it heard of was done and noted.

    """
    ordered = _OneAtATime(listener)
    try:
        with _little_looked_for_garbage():
            if len(work) == 1:
                return SweepResult([sweep_account(work[0], store, ordered, purpose=purpose, backoff=backoff)])
            with ThreadPoolExecutor(max_workers=min(8, len(work) or 1)) as pool:
                futures = [
                    pool.submit(sweep_account, one, store, ordered, purpose=purpose, backoff=backoff)
                    for one in work
                ]
                return SweepResult([future.result() for future in futures])
    except _UnheardError as error:
        raise error.__cause__ or error from None


@contextmanager
def _little_looked_for_garbage() -> Iterator[None]:
    before = gc.get_threshold()
    if before[0]:  # else it is not looked for at all
        gc.set_threshold(max(before[0], GARBAGE_AFTER), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def sweep_account(
    work: AccountWork,
    store: str | Path,
    listener: Listener,
    *,
    purpose: str = "sweep",
    backoff: Sequence[float] = BACKOFF,
) -> AccountResult:
    """Sweep one account; what fails stands in the result."""
    result = AccountResult(work.job.account)
    try:
        with ExitStack() as stack:
            database = _open_store(work.job, Path(store).expanduser(), stack, purpose)
            examiner = work.make_examiner()
            stack.callback(examiner.close)
            aside = stack.enter_context(Aside()) if work.aside else None
            _attempts(
                work,
                database,
                examiner=examiner,
                listener=listener,
                result=result,
                backoff=backoff,
                aside=aside,
            )
    except BackscatterError as error:
        result.counts.errors += 1
        result.errors.append(error)
        listener.warning(error)
    except sqlite3.Error as error:
        failure = store_failure(error, store)
        result.counts.errors += 1
        result.errors.append(failure)
        listener.warning(failure)
    except _UnheardError:
        raise
    except Exception as error:  # one account's accident must not end the others
        log.debug("account %s", work.job.account, exc_info=True)
        failure = BackscatterError(
            f"stopped by {type(error).__name__}", where=work.job.account, remedy="see --debug"
        )
        result.counts.errors += 1
        result.errors.append(failure)
        listener.warning(failure)
    return result


def _open_store(job: Job, store: Path, stack: ExitStack, purpose: str) -> Database | None:
    if job.dry_run:
        # A dry run leaves no trace: no lock either, and no store where there was none.
        return stack.enter_context(Database.open(store, readonly=True)) if store.exists() else None
    stack.enter_context(Lock(store, job.account, purpose))
    return stack.enter_context(Database.open(store))


def _attempts(
    work: AccountWork,
    database: Database | None,
    *,
    examiner: Examiner,
    listener: Listener,
    result: AccountResult,
    backoff: Sequence[float],
    aside: Aside | None,
) -> None:
    caution = Caution()
    waits = list(backoff)
    further = MOST_ATTEMPTS if backoff else 0
    while True:
        mailbox = work.open_mailbox(caution)
        try:
            Sweep(
                work.job, mailbox, database, examiner=examiner, listener=listener, result=result, aside=aside
            ).run()
        except ConnectionLost as error:
            mailbox.drop()
            if caution.lost() and further:
                further -= 1
                wait = backoff[0]
            elif waits:
                wait = waits.pop(0)
            else:
                raise
            log.info("%s; trying again in %g s", error, wait)
            time.sleep(wait)
        except BaseException:
            mailbox.drop()
            raise
        else:
            mailbox.close()
            return

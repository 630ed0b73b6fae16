"""The same work on many items over several processes: results in order, memory bounded, no item costs another.

A process that dies (killed, out of memory) takes its chunks with it: their
items are done again, each alone, and the one that kills a process a second
time is :class:`Lost`. Nothing here knows what an item is.
"""

from __future__ import annotations

import contextlib
import gc
import pickle
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from classifier.errors import BackscatterError, ConfigurationError, TemporaryError
from classifier.workers import allowed, interrupts_held, start

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Executor, Future
    from contextlib import AbstractContextManager

Item = TypeVar("Item")
Result = TypeVar("Result")
_Taken_contra = TypeVar("_Taken_contra", contravariant=True)
_Given_co = TypeVar("_Given_co", covariant=True)

#: A chunk ends at so many items, or at so many bytes.
CHUNK_ITEMS = 64
CHUNK_BYTES = 1 << 20
#: Chunks under way for each process: one at work, the others so that it never waits.
_AHEAD = 3
#: What is under way at once holds no more bytes for each process, but for one item.
_BYTES_AHEAD = 32 << 20
#: So many seconds one process works alone before others are started: they take as long to start.
ALONE_SECONDS = 1.0
#: So often it is looked whether there is still somebody to wait for, or to work for.
_WATCH_SECONDS = 1.0


class Work(Protocol[_Taken_contra, _Given_co]):
    """What is done with each item; pickled, and opened once in each process."""

    def open(self) -> AbstractContextManager[Callable[[_Taken_contra], _Given_co]]:
        """Open what the work needs, and give the function for one item; closed at the end of the block."""


@dataclass(frozen=True)
class Lost:
    """Stands in the result's place where a process died of the item."""

    reason: str


@dataclass
class _Chunk(Generic[Item]):
    items: list[Item]
    size: int
    future: Future[list[Any]]
    executor: Executor | None


def in_order(
    work: Work[Item, Result],
    items: Iterable[Item],
    *,
    jobs: int | None = None,
    size: Callable[[Item], int] = lambda _item: 1,
    chunk_items: int = CHUNK_ITEMS,
    executor: Callable[[], Executor] | None = None,
    writes: bool = True,
) -> Generator[tuple[Item, Result | Lost]]:
    """Yield each item with its result, in the order of *items*.

    With ``jobs=1`` everything is done here, also where the limits of this process
    leave no room for others. With the default, it is for the first second, then by
    a process for each core. Close the iterator
    (``contextlib.closing``) to end the processes at once.

    Args:
        work: what is done with an item; what it raises ends the run.
        items: read only as fast as results are taken.
        jobs: how many processes; None: as said above.
        size: an item's bytes.
        chunk_items: how many items go to a process at once, at most.
        executor: starts other processes than those of this machine, e.g. a cluster's.
        writes: False: the work leaves nothing behind, so what is under way is not
            finished when the iterator is closed.

    """
    remaining = iter(items)
    if executor is None:
        if jobs is not None:
            jobs = allowed(jobs)
        if jobs is None or jobs == 1:
            with work.open() as one:
                end = time.monotonic() + ALONE_SECONDS
                for item in remaining:
                    yield item, one(item)
                    if jobs is None and time.monotonic() > end:
                        jobs = allowed(None)
                        if jobs > 1:
                            break
                else:
                    return
        number = jobs

        def executor() -> Executor:
            return start(number)

    # One more item tells whether there is anything to start processes for.
    for first in remaining:
        yield from _Pool(work, executor, jobs or 2, writes=writes).run(
            _chunks(first, remaining, size, chunk_items)
        )


def _chunks(
    first: Item, items: Iterator[Item], size: Callable[[Item], int], most: int
) -> Iterator[tuple[list[Item], int]]:
    chunk, total = [first], size(first)
    for item in items:
        if len(chunk) >= most or total >= CHUNK_BYTES:
            yield chunk, total
            chunk, total = [], 0
        chunk.append(item)
        total += size(item)
    yield chunk, total


class _Pool(Generic[Item, Result]):
    """The processes, renewed where one has died."""

    def __init__(
        self, work: Work[Item, Result], start: Callable[[], Executor], jobs: int, *, writes: bool
    ) -> None:
        # Once, not with each chunk: a provider's tenants are megabytes.
        self._work = pickle.dumps(work)
        self._start = start
        self._jobs = jobs
        self._writes = writes
        self._executor: Executor | None = None
        self._under_way: deque[_Chunk[Item]] = deque()

    def run(self, chunks: Iterator[tuple[list[Item], int]]) -> Iterator[tuple[Item, Result | Lost]]:
        try:
            for items, size in chunks:
                while self._full():
                    yield from self._next()
                self._under_way.append(_Chunk(items, size, self._submit(items), self._executor))
                while self._under_way and self._under_way[0].future.done():
                    yield from self._next()
            while self._under_way:
                yield from self._next()
        except BaseException:
            self._stop(kill=not self._writes)
            raise
        self._stop()

    def _full(self) -> bool:
        ahead = len(self._under_way)
        size = sum(chunk.size for chunk in self._under_way)
        return ahead >= _AHEAD * self._jobs or (ahead > 0 and size >= _BYTES_AHEAD * self._jobs)

    def _submit(self, items: Sequence[Item]) -> Future[list[Any]]:
        from concurrent.futures import BrokenExecutor, Future  # noqa: PLC0415 - 10 ms; one process needs none of it

        try:
            return self._submitted(items)
        except BrokenExecutor as error:
            # A process died between two results: the chunk has failed like those under way.
            failed: Future[list[Any]] = Future()
            failed.set_exception(error)
            return failed

    def _submitted(self, items: Sequence[Item]) -> Future[list[Any]]:
        if self._executor is None:
            self._executor = self._start()
        with interrupts_held():
            return self._executor.submit(_work_on, self._work, list(items))

    def _next(self) -> Iterator[tuple[Item, Result | Lost]]:
        chunk = self._under_way.popleft()
        try:
            results = self._result(chunk.future)
        except Exception as error:
            if not _died(error):
                raise
            self._renew(error, chunk.executor)
            yield from self._singly(chunk.items)
            return
        yield from zip(chunk.items, results, strict=True)

    def _singly(self, items: Iterable[Item]) -> Iterator[tuple[Item, Result | Lost]]:
        """Do the work again item by item: the one whose process dies now is the cause."""
        for item in items:
            try:
                (result,) = self._result(self._submitted([item]))
            except Exception as error:
                if not _died(error):
                    raise
                self._renew(error, self._executor)
                result = Lost("the process that judged it died")
            yield item, result

    def _result(self, future: Future[list[Any]]) -> list[Any]:
        """Wait for what became of a chunk, and see to it that there is an end to that."""
        watch = _Watch(self._executor)
        while True:
            try:
                return future.result(_WATCH_SECONDS)
            except TimeoutError:
                if future.done():  # the work's own error, or it came just now
                    return future.result()
                watch.look()

    def _renew(self, error: Exception, failed: Executor | None) -> None:
        """Start anew where all processes of the one that *failed* are gone; a cluster goes on with those that it has."""
        if _broken(error) and failed is not None and failed is self._executor:
            self._executor = None
            # Nothing is called off: its thread is about to tell the other chunks that they have failed, too.
            _end(failed, kill=False)

    def _stop(self, *, kill: bool = False) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            for chunk in self._under_way:
                chunk.future.cancel()
            _end(executor, kill=kill)


def _broken(error: Exception) -> bool:
    """Say whether *error* tells that the processes of this machine are gone."""
    from concurrent.futures import BrokenExecutor  # noqa: PLC0415 - see _Pool

    return isinstance(error, BrokenExecutor)


def _died(error: Exception) -> bool:
    """Say whether *error* tells of a dead process; Dask's own is known by its name, for it may not be installed."""
    return _broken(error) or type(error).__name__ == "KilledWorker"


def _end(executor: Executor, *, kill: bool) -> None:
    """End an executor: what has begun is finished, unless its processes are killed; what has not is never begun."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    manager = getattr(executor, "_executor_manager_thread", None)
    watch = _Watch(executor)
    executor.shutdown(wait=False)  # a cluster's work is called off there; loky's forgets its thread
    for process in processes if kill else ():
        process.terminate()
    while manager is not None and manager.is_alive():
        manager.join(_WATCH_SECONDS)
        watch.look()


class _Watch:
    """Frees an executor that waits for the rest of a result whose writer was killed.

    loky's thread notices a process that died, but not while it reads: half a
    result has no end as long as anybody could go on writing it, this process
    included. And the dead writer holds the lock that the others write under.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor
        self._results: Any = getattr(executor, "_result_queue", None)
        self._dead_before = False

    def look(self) -> None:
        """End what is left, if a process was dead at the last look already and nobody has noticed since."""
        processes = list((getattr(self._executor, "_processes", None) or {}).values())
        dead = any(process.exitcode not in {None, 0} for process in processes)
        if dead and self._dead_before:
            for process in processes:
                process.terminate()
            self._results._writer.close()  # noqa: SLF001 - loky offers no way
        self._dead_before = dead


@contextlib.contextmanager
def cluster(scheduler: str) -> Iterator[tuple[Callable[[], Executor], int]]:
    """Connect to a Dask cluster; give what :func:`in_order` takes as *executor*, and how many can work at once.

    Args:
        scheduler: its URL, ``tcp://host:port`` or ``tls://host:port``.

    Raises:
        ConfigurationError: Dask is not installed.
        TemporaryError: the scheduler does not answer, or not any more.

    """
    try:
        import logging  # noqa: PLC0415 - with a cluster only

        import distributed  # noqa: PLC0415 - likewise

        # What it does about a lost worker is no news to the user: errors are one line, and ours.
        for name in ("distributed", "distributed.client", "tornado.application"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    except ImportError as error:
        raise ConfigurationError(
            "Dask is not installed", remedy="install backscatter-quarantine[dask]"
        ) from error
    try:
        connect: Callable[..., Any] = distributed.Client
        client = connect(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise TemporaryError(f"no answer ({error})", where=scheduler, remedy="check --scheduler") from error
    try:
        yield lambda: client.get_executor(pure=False), sum(client.nthreads().values())
    except Exception as error:
        # Its futures fail in several ways then, cancelled ones among them.
        if client.status == "running" or isinstance(error, BackscatterError):
            raise
        raise TemporaryError(
            "the connection to the scheduler was lost",
            where=scheduler,
            remedy="run the same command again: it goes on where it stopped",
        ) from error
    finally:
        client.close()


#: What this process (each thread of it, on a cluster) has opened: the work as it came, and its function.
_opened = threading.local()


def _work_on(pickled: bytes, items: list[Item]) -> list[Any]:
    """Run in a worker: do the work on each item of a chunk."""
    if getattr(_opened, "work", None) != pickled:
        work: Work[Item, Any] = pickle.loads(pickled)  # noqa: S301 - from the process that started this one
        if hasattr(_opened, "stack"):
            _opened.stack.close()
        _opened.stack = contextlib.ExitStack()
        _opened.one = _opened.stack.enter_context(work.open())
        _opened.work = pickled
        # What is loaded now stays to the end. Else loky, which has the memory looked through every
        # second, has all of that looked through, too.
        gc.freeze()
    one: Callable[[Item], Any] = _opened.one
    return [one(item) for item in items]

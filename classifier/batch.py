"""Many messages judged, by one process or by several; what is kept of each is the caller's."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from classifier.parallel import Lost, in_order
from classifier.runtime import Runtime, StoreUse

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from concurrent.futures import Executor

    from classifier.examine import Examination
    from classifier.settings import Config
    from classifier.sources import SourcedMessage

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Judged(Generic[Kept]):
    """What became of one message.

    Attributes:
        source: where the message lies.
        kept: what the caller wanted of it; None where it could not be judged.
        error: why, "" otherwise.
        notes: what the judge had to do without, where that is news.

    """

    source: str
    kept: Kept | None
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judging(Generic[Kept]):
    """The work on one message; pickled for other processes.

    Every process opens the store for itself and none of them remembers what it
    judged, so that no message is judged by another one of the same run: the
    answers are those of a single process, whatever the number.

    Attributes:
        config: the settings, or None.
        use: what is done with the store.
        keep: makes of (message, examination) what the caller wants; a function of a module.
        debug: True: an error in judging ends the run.

    """

    config: Config | None
    use: StoreUse
    keep: Callable[[SourcedMessage, Examination], Kept]
    debug: bool = False

    @contextlib.contextmanager
    def open(self) -> Iterator[Callable[[SourcedMessage], Judged[Kept]]]:
        """Open a judge, and give its function for one message."""
        with Runtime(self.config, self.use) as runtime:
            told = 0

            def one(message: SourcedMessage) -> Judged[Kept]:
                nonlocal told
                kept, error = self._judged(runtime, message)
                notes, told = tuple(runtime.notes[told:]), len(runtime.notes)
                return Judged(message.source, kept, error, notes)

            yield one

    def _judged(self, runtime: Runtime, message: SourcedMessage) -> tuple[Kept | None, str]:
        if message.raw is None:
            return None, message.error
        try:
            return self.keep(message, runtime.examine(message.raw, message.envelope)), ""
        except MemoryError:
            return None, "could not be judged: it takes too much memory"
        except Exception as error:
            if self.debug:
                raise
            return (
                None,
                f"could not be judged ({type(error).__name__}); this is a bug: see it with --debug",
            )


def judged(
    config: Config | None,
    use: StoreUse,
    found: Iterable[SourcedMessage],
    keep: Callable[[SourcedMessage, Examination], Kept],
    *,
    jobs: int | None = None,
    debug: bool = False,
    executor: Callable[[], Executor] | None = None,
) -> Generator[Judged[Kept]]:
    """Judge messages; yield what became of each, in their order. Close it to end at once.

    Args:
        config: the settings, or None.
        use: what is done with the store.
        found: the messages.
        keep: what is wanted of each; see :class:`Judging`.
        jobs: how many processes; None: as many as the amount of mail is worth.
        debug: True: an error in judging is raised.
        executor: see :func:`classifier.parallel.in_order`.

    """
    results = in_order(
        Judging(bare(config), use, keep, debug), found, jobs=jobs, size=_size, executor=executor
    )
    with contextlib.closing(results):
        for message, result in results:
            if isinstance(result, Lost):
                yield Judged(message.source, None, f"could not be judged: {result.reason}")
            else:
                yield result


def bare(config: Config | None) -> Config | None:
    """Return the settings without the accounts: their passwords are no judge's business, and no other process's."""
    return None if config is None else dataclasses.replace(config, accounts={})


def jobs_for(paths: Iterable[str], wanted: int | None) -> int | None:
    """Return how many processes to use for *paths*: what comes through a pipe is judged as it comes, by one."""
    if wanted is None and any(_is_pipe(path) for path in paths):
        return 1
    return wanted


def _is_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - follows links, like opening it
    except OSError:
        return path == "-"
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _size(message: SourcedMessage) -> int:
    return len(message.raw or b"")

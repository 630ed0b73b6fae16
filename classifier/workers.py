"""The processes of this machine that work for :mod:`classifier.parallel`: how many there is room for, and their start."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

#: Memory that one process may take beyond what it holds when it begins: a message has at most 128 MB.
MEMORY = 4 << 30
#: With less address space (bytes; ``ulimit -v``) than this, NumPy and other processes do not start reliably.
_LEAST_SPACE = 384 << 20
#: Files that other processes take here, and that each of them takes besides.
_FILES, _FILES_EACH = 24, 4
#: So often a process looks whether its parent is still there.
_WATCH_SECONDS = 1.0


def processes() -> int:
    """Return how many cores this process may use."""
    from joblib import cpu_count  # noqa: PLC0415 - 0.2 s

    return int(cpu_count())


def allowed(jobs: int | None) -> int:
    """Return how many processes there may be, by the limits (``ulimit``) that this one was given.

    Args:
        jobs: how many are wanted; None: one for each core.

    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if jobs == 1 or not has_space():
        return 1
    if files != resource.RLIM_INFINITY:
        room = (files - _open_files() - _FILES) // _FILES_EACH
        if room < 2:
            return 1
        return min(room, processes() if jobs is None else jobs)
    return processes() if jobs is None else jobs


def has_space() -> bool:
    """Say whether this process may have the address space that NumPy and other processes take to start.

    OpenBLAS, for one, asks for memory without end where it gets none.
    """
    space, _ = resource.getrlimit(resource.RLIMIT_AS)
    return space == resource.RLIM_INFINITY or space >= _LEAST_SPACE


def _open_files() -> int:
    try:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208 - on Linux and macOS
    except OSError:
        return 0


def start(jobs: int) -> Executor:
    """Start processes on this machine; each is a new interpreter, not a copy of this one.

    Where the system gives none (too many processes of this user, no memory), the
    work is done here.
    """
    from multiprocessing import resource_tracker  # noqa: PLC0415 - with processes only

    from joblib.externals.loky import ProcessPoolExecutor  # noqa: PLC0415 - 0.2 s

    # A process is one core's worth: libraries that would start threads for all cores must not.
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    pool: Any = None
    try:
        # Left to be started with the first process, it would let interrupts through again (CPython 3.11).
        resource_tracker.ensure_running()
        pool = ProcessPoolExecutor(
            max_workers=jobs, initializer=begin, initargs=(MEMORY, os.getpid()), env=one_thread
        )
        with interrupts_held():
            pool.submit(int)
    # The last two are loky's and the standard library's own, where a pipe or a thread was refused.
    except (OSError, MemoryError, UnboundLocalError, RuntimeError):
        if pool is not None:
            _abandon(pool)
        return _here()
    return pool  # type: ignore[no-any-return]


def _abandon(pool: Any) -> None:  # noqa: ANN401 - loky offers no way
    """End an executor of which only some processes have started, before these find out and say so at length."""
    for process in list((pool._processes or {}).values()):  # noqa: SLF001 - see above
        with contextlib.suppress(OSError):
            os.kill(process.pid, signal.SIGKILL)
    pool.shutdown(wait=False)


def _here() -> Executor:
    """Return an executor without processes: what it is given is done at once, in this one."""
    from concurrent.futures import Executor, Future  # noqa: PLC0415 - with processes only

    class Here(Executor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - any work
            future: Future[Any] = Future()
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - told where the result is asked for
                future.set_exception(error)
            return future

    return Here()


def begin(memory: int, parent: int) -> None:
    """Limit a new process: memory beyond *memory* fails as MemoryError, before the kernel picks a victim.

    It does not outlive *parent*, the process that started it.
    """
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    # Where there is no /proc, or a lower limit is in force already, it stays as it is.
    with contextlib.suppress(ValueError, OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _end_with(parent: int) -> None:
    """End this process soon after its *parent*, which may be gone already: loky would wait for it for ever."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while processes start: they inherit that for good, and only this one ends at it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""A Dask cluster of two processes on this machine, one of which dies at work."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from typing import TYPE_CHECKING

from tests.support import missing

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from distributed import LocalCluster


@contextlib.contextmanager
def dask_cluster() -> Iterator[LocalCluster]:
    """Run the cluster; without Dask the test is skipped (in CI: fails)."""
    try:
        from distributed import LocalCluster
    except ImportError:
        missing("Dask is not installed")
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def end_losing_a_worker(
    cluster: LocalCluster, process: subprocess.Popen[bytes], begun: Callable[[], object]
) -> str:
    """Kill a worker as soon as *begun* says that there are results; return what *process* said at its end."""
    end = time.monotonic() + 100
    while not begun() and time.monotonic() < end:
        time.sleep(0.005)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    assert process.poll() is None
    return process.communicate(timeout=200)[1].decode()

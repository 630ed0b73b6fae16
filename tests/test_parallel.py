"""Work over several processes: order, bounds, dead processes, the same answers as one."""

import contextlib
import importlib
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psutil
import pytest

from classifier import parallel, workers
from classifier.errors import TemporaryError
from classifier.parallel import Lost, in_order
from tests.support import REQUIRE_ALL, missing


@dataclass(frozen=True)
class Doing:
    """Work on numbers: its own one by one, a process's death, an error, memory without end."""

    dies_of: int = -1
    dies_writing: int = -1
    raises_on: int = -1

    @contextlib.contextmanager
    def open(self):
        yield self.one

    def one(self, number):
        if number == self.dies_of:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == self.dies_writing:
            Connection._send = write_half_and_die
        if number == self.raises_on:
            raise ValueError(number)
        return number * number, os.getpid()


def write_half_and_die(connection, data, *_):
    os.write(connection.fileno(), bytes(data)[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def results(items, work=None, **options):
    return [(item, value) for item, value in in_order(work or Doing(), items, **options)]


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_results_come_in_order_from_other_processes(count):
    found = results(range(count), jobs=2)
    assert [(item, value[0]) for item, value in found] == [(n, n * n) for n in range(count)]
    workers = {value[1] for _, value in found}
    assert os.getpid() not in workers
    assert len(workers) in ({0} if not count else {1, 2})


def test_little_work_is_done_here():
    assert {value[1] for _, value in results(range(100))} == {os.getpid()}
    assert {value[1] for _, value in results(range(100), jobs=1)} == {os.getpid()}


def test_much_work_goes_to_other_processes(monkeypatch):
    monkeypatch.setattr(parallel, "ALONE_SECONDS", 0.0)
    monkeypatch.setattr(workers, "processes", lambda: 2)
    found = results(range(500))
    assert [value[0] for _, value in found] == [n * n for n in range(500)]
    assert found[0][1][1] == os.getpid()
    assert found[-1][1][1] != os.getpid()


@pytest.mark.parametrize(
    ("limit", "least"), [(resource.RLIMIT_NOFILE, 16), (resource.RLIMIT_AS, 300 << 20), (None, None)]
)
@pytest.mark.parametrize("jobs", [None, 4])
def test_where_limits_leave_no_room_for_others_all_is_done_here(monkeypatch, limit, least, jobs):
    monkeypatch.setattr(parallel, "ALONE_SECONDS", 0.0)
    monkeypatch.setattr(workers, "processes", lambda: 4)
    if limit is None:  # the system gives no process, whatever the limits
        monkeypatch.setattr("multiprocessing.resource_tracker.ensure_running", refuse)
    else:
        before = resource.getrlimit
        monkeypatch.setattr(
            resource, "getrlimit", lambda which: (least, least) if which == limit else before(which)
        )
    found = results(range(200), jobs=jobs)
    assert found == [(n, (n * n, os.getpid())) for n in range(200)]


def refuse(*_):
    raise BlockingIOError(11, "Resource temporarily unavailable")


def test_there_are_as_many_processes_as_there_is_room_for(monkeypatch):
    monkeypatch.setattr(workers, "_open_files", lambda: 4)
    monkeypatch.setattr(
        resource, "getrlimit", lambda which: (40, 40) if which == resource.RLIMIT_NOFILE else (-1, -1)
    )
    assert (workers.allowed(8), workers.allowed(2), workers.allowed(1)) == (3, 2, 1)


def test_a_start_that_fails_half_way_leaves_no_process_behind(monkeypatch, capfd):
    from joblib.externals.loky.backend.popen_loky_posix import Popen

    launch, started = Popen._launch, []

    def third_fails(self, process):
        if len(started) == 2:
            raise UnboundLocalError  # as loky does where it gets no pipe
        launch(self, process)
        started.append(self.pid)

    monkeypatch.setattr(Popen, "_launch", third_fails)
    assert results(range(200), jobs=4) == [(n, (n * n, os.getpid())) for n in range(200)]
    assert len(started) == 2
    end = time.monotonic() + 20
    for pid in started:
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert capfd.readouterr() == ("", "")


def test_a_process_that_dies_costs_the_item_that_killed_it():
    found = results(range(300), Doing(dies_of=137), jobs=2)
    assert [item for item, _ in found] == list(range(300))
    lost = [item for item, value in found if isinstance(value, Lost)]
    assert lost == [137]
    assert all(value[0] == item * item for item, value in found if item != 137)


def test_a_process_that_is_killed_while_it_writes_a_result_is_noticed():
    found = results(range(300), Doing(dies_writing=137), jobs=2)
    assert [item for item, value in found if isinstance(value, Lost)] == [137]
    assert [value[0] for item, value in found if item != 137] == [n * n for n in range(300) if n != 137]


class Breaking(Executor):
    """An executor that breaks at its first task, and tells of the others a little later."""

    def __init__(self):
        self.futures = []

    def submit(self, *_):
        self.futures.append(Future())
        if len(self.futures) == 4:
            self._executor_manager_thread = threading.Thread(target=self.tell)
            self._executor_manager_thread.start()
        return self.futures[-1]

    def tell(self):
        for future in self.futures:
            future.set_exception(BrokenExecutor())
            time.sleep(0.3)


def test_a_chunk_that_is_told_late_of_a_dead_process_is_done_again():
    executors = iter([Breaking(), workers._here()])
    found = results(range(4), jobs=2, chunk_items=1, executor=lambda: next(executors))
    assert [value[0] for _, value in found] == [0, 1, 4, 9]


def test_ending_does_not_wait_for_half_a_result_and_leaves_nothing_that_does():
    taking = in_order(Doing(dies_writing=200), range(1_000), jobs=2, chunk_items=1)
    with contextlib.closing(taking):
        for (item, _), _ in zip(taking, range(199), strict=False):
            assert item < 200
        time.sleep(0.5)
    # Python waits for it at its end.
    assert "ExecutorManagerThread" not in {thread.name for thread in threading.enumerate()}


def test_an_item_that_kills_every_worker_of_a_cluster_costs_itself():
    try:
        import dask
        from distributed import LocalCluster
    except ImportError:
        missing("Dask is not installed")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        parallel.cluster(cluster.scheduler_address) as (executor, cores),
    ):
        found = results(range(20), Doing(dies_of=13), jobs=cores, chunk_items=4, executor=executor)
    assert [item for item, value in found if isinstance(value, Lost)] == [13]
    assert [value[0] for item, value in found if item != 13] == [n * n for n in range(20) if n != 13]


class LostClient:
    """A client whose scheduler was there for a moment."""

    status = "connecting"

    def __init__(self, *_, **_options):
        self.closed = False

    def get_executor(self, **_):
        return Breaking()

    def nthreads(self):
        return {"a": 2}

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("status", "raised", "told"),
    [
        ("connecting", TemporaryError, "was lost; run the same command again"),
        ("closed", TemporaryError, "was lost; run the same command again"),
        ("running", CancelledError, "^$"),
    ],
)
def test_a_scheduler_that_is_lost_is_told_in_one_line(monkeypatch, status, raised, told):
    distributed = (
        pytest.importorskip("distributed") if not REQUIRE_ALL else importlib.import_module("distributed")
    )
    monkeypatch.setattr(distributed, "Client", LostClient)
    monkeypatch.setattr(LostClient, "status", status)

    def lose():
        with parallel.cluster("tcp://127.0.0.1:1"):
            raise CancelledError

    with pytest.raises(raised, match=told):
        lose()


def test_an_error_of_the_work_ends_the_run():
    with pytest.raises(ValueError, match="70"):
        results(range(300), Doing(raises_on=70), jobs=2)


def test_items_are_read_no_faster_than_results_are_taken():
    read = []

    def items():
        for number in range(10_000):
            read.append(number)
            yield number

    taking = in_order(Doing(), items(), jobs=2)
    with contextlib.closing(taking):
        for _ in range(10):
            next(taking)
        time.sleep(0.2)
        assert len(read) <= 8 * parallel.CHUNK_ITEMS
    for _, (_, process) in results(range(2), jobs=2):
        assert process != os.getpid()  # closing ended the first processes, not the way to new ones


def test_few_large_items_are_under_way_at_once(monkeypatch):
    monkeypatch.setattr(parallel, "_BYTES_AHEAD", 10)
    read = []

    def items():
        for number in range(100):
            read.append(number)
            yield number

    taking = in_order(Doing(), items(), jobs=2, size=lambda _item: parallel.CHUNK_BYTES)
    with contextlib.closing(taking):
        next(taking)
        assert len(read) <= 4


@dataclass(frozen=True)
class Sleeping(Doing):
    """Work that takes long."""

    def one(self, number):
        if number:
            time.sleep(60)
        return super().one(number)


def test_work_that_writes_nothing_is_not_finished_when_nobody_wants_it():
    taking = in_order(Sleeping(), range(4), jobs=2, chunk_items=1, writes=False)
    with contextlib.closing(taking):
        _, (_, worker) = next(taking)
        began = time.monotonic()
    assert time.monotonic() - began < 20
    # It dies, and waits to be buried by whoever collects the dead here.
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() - began < 40
            time.sleep(0.05)


_STARTING = """
import os, sys, time
from classifier.workers import MEMORY, begin
parent = int(sys.argv[1])
while sys.argv[2] == "killed" and os.getppid() == parent:
    time.sleep(0.01)
begin(MEMORY, parent)
time.sleep(0.2)
print("works", flush=True)
time.sleep(60 if sys.argv[2] == "killed later" else 0)
"""
_STARTER = """
import os, subprocess, sys, time
process = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid()), sys.argv[2]])
if sys.argv[2] == "waits":
    process.wait()
elif sys.argv[2] == "killed later":
    time.sleep(1.5)
"""


@pytest.mark.parametrize(
    ("parent", "said"), [("waits", "works\n"), ("killed", ""), ("killed later", "works\n")]
)
def test_no_process_outlives_its_parent(parent, said):
    done = subprocess.run(
        [sys.executable, "-c", _STARTER, _STARTING, parent],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (said, "")

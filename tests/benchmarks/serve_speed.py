"""``backscatter serve`` asked by spamc, beside spamd; and under many clients for long.

``python -m tests.benchmarks.serve_speed [MESSAGES [LONG]]``: MESSAGES (default
400) reports by 8 spamc processes at a time through each server, in turns;
10,000 reports by 64 clients at once; then LONG (default 20,000) messages more,
with the server's memory on the way.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mailbox.daemon import free_port
from tests.samples import ORDINARY, REPORT
from tests.support import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS, ROUNDS = 8, 3
CROWD, THROWN = 64, 10_000
CONFIG = """
[identity]
domains = ["example.org"]
senders = ["anna@example.org"]
never_send = ["trap@example.org"]
relays = ["mail.example.org"]
[dns]
enabled = false
[store]
path = "{folder}/state.sqlite3"
[serve]
spamd = "127.0.0.1:{port}"
"""


def report(number: int) -> bytes:
    """Return one of many reports."""
    return REPORT.replace(b"<r1@", b"<r%d@" % number).replace(b"<1@", b"<%d@" % number)


@contextmanager
def started(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the block, from when its socket takes connections."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def by_spamc(spamc: str, port: int, messages: list[bytes]) -> tuple[float, list[float], int]:
    """Return messages a second, milliseconds of each, and how many were called spam."""

    def one(message: bytes) -> tuple[float, bool]:
        began = time.perf_counter()
        command = [spamc, "-d", "127.0.0.1", "-p", str(port), "-c"]
        done = subprocess.run(command, input=message, capture_output=True, check=False)
        if done.stdout.startswith(b"0/0"):
            raise AssertionError("the server did not answer")
        return (time.perf_counter() - began) * 1000, done.returncode == 1

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(one, messages))
    rate = len(messages) / (time.perf_counter() - began)
    return rate, [took for took, _ in results], sum(spam for _, spam in results)


def ask(port: int, message: bytes) -> bytes:
    """Ask without spamc."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        client.sendall(b"CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(message) + message)
        answer = b""
        while chunk := client.recv(65_536):
            answer += chunk
    return answer


def memory(process: subprocess.Popen[bytes]) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def throw(port: int, count: int) -> list[float]:
    """Let a crowd throw reports at the server; every one must be answered, and rightly."""

    def one(number: int) -> float:
        began = time.perf_counter()
        answer = ask(port, report(number) if number % 2 else ORDINARY)
        if (b"Spam: True" in answer) != bool(number % 2) or b"EX_OK" not in answer:
            raise AssertionError(f"message {number}: {answer!r}")
        return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(count)))


def percentile(times: list[float], share: float) -> float:
    """Return the time that this share of all stays under."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    long = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    spamc, spamd = find_program("spamc"), find_program("spamd")
    if spamc is None:
        raise SystemExit("spamc is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = free_port(), free_port()
        (folder / "config.toml").write_text(CONFIG.format(folder=folder, port=ours))
        (folder / "config.toml").chmod(0o600)
        serve = [sys.executable, "-m", "classifier", "--config", str(folder / "config.toml"), "serve"]
        peer = [
            spamd or "", "-L", "-x", "-i", "127.0.0.1", "-p", str(theirs), "-m", str(CLIENTS), "--min-children", str(CLIENTS), "-s", "null",
            "--cf", "whitelist_bounce_relays mail.example.org",
        ]  # fmt: skip
        with started(serve, ours) as process:
            rates: dict[str, list[float]] = {"serve": [], "spamd": []}
            times: dict[str, list[float]] = {"serve": [], "spamd": []}
            for turn in range(ROUNDS):
                messages = [report(turn * count + n) for n in range(count)]
                rate, took, spam = by_spamc(spamc, ours, messages)
                print(f"serve: {spam} of {count} called spam")
                rates["serve"].append(rate)
                times["serve"] += took
                if spamd:
                    with started(peer, theirs):
                        rate, took, _ = by_spamc(spamc, theirs, messages[: max(40, count // 8)])
                    rates["spamd"].append(rate)
                    times["spamd"] += took
            for server, found in rates.items():
                if found:
                    print(
                        f"{server}: {statistics.median(found):.0f} messages a second, median"
                        f" {statistics.median(times[server]):.1f} ms, 99 % under {percentile(times[server], 0.99):.1f} ms"
                    )
            if rates["spamd"]:
                print(f"ratio {statistics.median(rates['serve']) / statistics.median(rates['spamd']):.1f}")
            began = time.perf_counter()
            took = throw(ours, THROWN)
            rate = THROWN / (time.perf_counter() - began)
            print(
                f"{THROWN} by {CROWD} clients at once: all answered, {rate:.0f} a second, median"
                f" {statistics.median(took):.1f} ms, 99 % under {percentile(took, 0.99):.1f} ms, slowest {max(took):.0f} ms"
            )
            print(f"memory {memory(process):.1f} MB")
            for part in range(1, 11):
                throw(ours, long // 10)
                print(f"after {part * long // 10} more: {memory(process):.1f} MB")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    main()

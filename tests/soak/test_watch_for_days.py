"""What `make soak` runs: a watch that mail wakes ten thousand times grows neither in memory nor in work."""

from __future__ import annotations

import contextlib
import json
import mailbox
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mailbox.daemon import PASSWORD

pytestmark = pytest.mark.soak
WAKES = int(os.environ.get("BACKSCATTER_WAKES") or 10_000)
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
_TICKS = os.sysconf("SC_CLK_TCK")


def used(process):
    """Return the resident megabytes and the processor seconds of a process."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, (int(fields[11]) + int(fields[12])) / _TICKS


def test_a_watch_that_is_woken_ten_thousand_times(server, tmp_path):
    user = server.user()
    text = (SAMPLE / "config.toml").read_text().partition("[store]")[0]
    text += (
        f'[store]\npath = "{tmp_path}/s.sqlite3"\n[accounts.main]\nimap = "imap://127.0.0.1:{server.port}"\nusername = "{user.name}"\n'
        f'password = {{ command = "echo {PASSWORD}" }}\n'
    )
    config = tmp_path / "config.toml"
    config.write_text(text)
    config.chmod(0o600)
    samples = {}
    for name in ("forged", "genuine", "ordinary"):
        with contextlib.closing(mailbox.mbox(SAMPLE / f"{name}.mbox", create=False)) as box:
            samples[name] = [message.as_bytes() for message in box]
    program = [sys.executable, "-m", "classifier", "--config", config]
    judged = subprocess.run(
        [*program, "classify", "--json", SAMPLE / "forged.mbox"], capture_output=True, check=True
    )
    moved = [json.loads(line)["action"] == "quarantine" for line in judged.stdout.splitlines()]
    samples["forged"] = [raw for raw, goes in zip(samples["forged"], moved, strict=True) if goes]
    command = [*program, "watch", "--quiet"]
    with (
        (tmp_path / "told").open("wb") as told,
        subprocess.Popen(command, stdout=told, stderr=told) as process,
    ):
        try:
            figures = []
            for number in range(WAKES):
                kind = "forged" if number % 10 else ("genuine", "ordinary")[number // 10 % 2]
                some = samples[kind]
                raw = b"X-Number: %d\n" % number + some[number % len(some)]
                path = user.deliver(raw, flags=None)
                end = time.monotonic() + 20
                while kind == "forged" and path.exists() and time.monotonic() < end:
                    time.sleep(0.005)
                if number % 500 == 499:
                    figures.append(used(process))
                    sys.stdout.write(
                        f"\n{number + 1} wakes: {figures[-1]}, {len(user.files('Backscatter'))} moved"
                    )
                    sys.stdout.flush()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
    assert len(user.files("Backscatter")) >= WAKES * 9 // 10 - 1
    first, last = figures[len(figures) // 4], figures[-1]
    assert last[0] - first[0] < 8, "memory grows"  # megabytes
    quarter = len(figures) // 4
    early, late = (figures[n + quarter][1] - figures[n][1] for n in (0, len(figures) - 1 - quarter))
    assert late < 2 * early, "a wake costs more and more"

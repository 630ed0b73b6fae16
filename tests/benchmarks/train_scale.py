"""What ``backscatter train`` takes for much labelled mail: time, processor time, and memory of all its processes.

``python -m tests.benchmarks.train_scale [MESSAGES] [--folder DIR]``: mail of one
domain is generated (into DIR, or read from there if it was before), half of it
forged. Memory is the proportional set size (PSS) of all processes together:
what they share counts once. Linux only.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from classifier.corpus.files import write_config, write_mbox
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox

#: Messages made at a time.
LOT = 2_000


def make(folder: Path, messages: int) -> None:
    """Write folders of genuine and forged mail, and a configuration."""
    domain = careful_domain("train")
    for number in range(max(1, messages // LOT)):
        each = min(LOT, messages) // 2
        made = mailbox(Scene(f"train/{number}", domain=domain), ordinary=0, genuine=each, forged=each)
        for label in (Label.GENUINE, Label.FORGED):
            (folder / label).mkdir(parents=True, exist_ok=True)
            write_mbox(folder / label / f"{number:04}.mbox", (m.raw for m in made if m.label is label))
    write_config(folder / "config.toml", domain, maildir="Maildir", store="state.sqlite3")


def held(process: int) -> tuple[float, dict[int, float], int]:
    """Return megabytes (PSS) of a process and all below it, the processor seconds of each, and how many there are."""
    import psutil

    total, used = 0, {}
    try:
        top = psutil.Process(process)
        family = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0, {}, 0
    for each in family:
        try:
            total += each.memory_full_info().pss
            times = each.cpu_times()
            used[each.pid] = times.user + times.system
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return total / (1 << 20), used, len(used)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", nargs="?", type=int, default=4_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("-j", "--jobs", default="2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "config.toml").exists():
            make(folder, options.messages)
        command = (
            *(sys.executable, "-m", "classifier", "--config", "config.toml", "train", "-j", options.jobs),
            *("--genuine", "genuine", "--forged", "forged"),
        )
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "XDG_CACHE_HOME": temporary},
        )  # fmt: skip
        used: dict[int, float] = {}
        most = (0.0, 0, 0.0)
        while process.poll() is None:
            memory, now, number = held(process.pid)
            used |= now
            most = max(most, (memory, number, time.monotonic() - started))
            time.sleep(0.1)
        print(process.stdout.read())
        seconds = time.monotonic() - started
    print(
        f"{options.messages:,} messages: {seconds:.0f} s, {sum(used.values()):.0f} s of processor time, at most "
        f"{most[0]:,.0f} MB in {most[1]} processes (after {most[2]:.0f} s)"
    )


if __name__ == "__main__":
    main()

"""How time and memory grow: classify over reports, the ledger over entries, sweep over a Maildir.

``python -m tests.benchmarks.growth [--largest N]`` writes a table in Markdown
and, with ``--plot FILE``, both axes logarithmic, a picture. Reports are a
generated pool, repeated under other Message-IDs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from classifier.corpus.files import write_config, write_mbox
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger
from tests.benchmarks.ledger_scale import lookups, messages

POOL = 1_000
#: So many more reports are sent than the largest size, so that the program is still there when it passes it.
AHEAD = 100
_ID = re.compile(rb"(?im)^(message-id:[ \t]*<)")


def reports(pool: list[bytes], count: int):
    """Yield *count* reports, each with Message-IDs of its own."""
    for number, raw in zip(range(count), itertools.cycle(pool), strict=False):
        yield _ID.sub(rb"\g<1>n%d." % number, raw)


def program(*arguments: str, cwd: Path) -> tuple[float, float, float]:
    """Run ``backscatter``; return seconds, seconds of processor time, and megabytes of its largest process."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "classifier", "--config", "config.toml", *arguments],
        cwd=cwd, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def sizes(largest: int, first: int = 1_000) -> list[int]:
    """Return the powers of ten up to *largest*."""
    return [size for power in range(12) if first <= (size := 10**power) <= largest]


def grow_classify(place: Path, pool: list[bytes], largest: int) -> list[tuple[int, float, float]]:
    """Return (reports, processor seconds, megabytes) as one process passes each size; it reads a pipe."""
    import psutil

    marks = sizes(largest)
    os.mkfifo(place / "in.mbox")
    process = subprocess.Popen(
        [sys.executable, "-m", "classifier", "--config", "config.toml", "classify", "--json", "in.mbox"],
        cwd=place, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    seen = psutil.Process(process.pid)
    writer = threading.Thread(target=write_mbox, args=(place / "in.mbox", reports(pool, marks[-1] + AHEAD)))
    writer.start()
    found, before = [], 0.0
    step = max(1, marks[-1] // 10)
    for number, _ in enumerate(process.stdout, 1):
        if number in marks or number % step == 0:
            used = seen.cpu_times()
            cpu = used.user + used.system
            if number % step == 0:
                say(f"  {number:,}: {cpu - before:.1f} s since the last tenth")
                before = cpu
            if number in marks:
                found.append((number, cpu, seen.memory_info().rss / (1 << 20)))
                say(f"classify {number:,}: {cpu:.1f} s, {number / cpu:,.0f} a second, {found[-1][2]:.0f} MB")
    writer.join()
    assert process.wait() == 0
    (place / "in.mbox").unlink()
    return found


def grow_ledger(place: Path, largest: int) -> list[tuple[int, float, float, float, float]]:
    """Return (entries, seconds of import, megabytes of file, microseconds of a hit and of a miss)."""
    found = []
    for size in sizes(largest, 10_000):
        path = place / f"{size}.sqlite3"
        started = time.process_time()
        with Database.open(path) as database:
            SqliteLedger(database).add_many(messages(size))
        seconds = time.process_time() - started
        numbers = random.Random(1).sample(range(size), min(size, 10_000))
        with Database.open(path, readonly=True) as database:
            hit, miss = (
                lookups(SqliteLedger(database), numbers, known=known)[len(numbers) // 2]
                for known in (True, False)
            )
        found.append((size, seconds, path.stat().st_size / 1e6, hit, miss))
        say(f"ledger {size:,}: {seconds:.1f} s, {found[-1][2]:.0f} MB, hit {hit:.0f} us, miss {miss:.0f} us")
        path.unlink()
    return found


def grow_sweep(place: Path, pool: list[bytes], largest: int) -> list[tuple[int, float, float, float]]:
    """Return (messages, processor seconds of the first sweep, of the next, megabytes): one report in ten."""
    found = []
    ordinary = b"From: a@example.com\nTo: b@example.org\nSubject: hello\nMessage-ID: <%d@example.com>\n\nhi\n"
    for size in sizes(largest):
        for part in ("tmp", "new", "cur"):
            (place / "Maildir" / part).mkdir(parents=True)
        several = reports(pool, size)
        for number in range(size):
            raw = next(several) if number % 10 == 0 else ordinary % number
            (place / "Maildir" / "cur" / f"{number:07}.x:2,S").write_bytes(raw)
        _, first, memory = program("sweep", "--quiet", cwd=place)
        _, again, _ = program("sweep", "--quiet", cwd=place)
        found.append((size, first, again, memory))
        say(f"sweep {size:,}: {first:.1f} s, again {again:.1f} s, {memory:.0f} MB")
        subprocess.run(["rm", "-rf", "Maildir", "state.sqlite3"], cwd=place, check=True)
    return found


def say(text: str) -> None:
    """Print one line at once."""
    sys.stderr.write(text + "\n")


def plot(file: Path, curves: dict[str, list[tuple[int, float]]]) -> None:
    """Draw seconds over sizes, both logarithmic: linear growth is a straight line at 45 degrees."""
    import pygal
    from pygal.style import CleanStyle

    chart = pygal.XY(
        style=CleanStyle(font_family="sans-serif"), logarithmic=True, xrange=None, height=420, width=720,
        title="Processor seconds over number", x_title="number", y_title="seconds", show_x_guides=True,
        x_labels=[10**n for n in range(3, 8)], disable_xml_declaration=True, js=[], print_values=False,
        truncate_legend=-1, margin=30,
    )  # fmt: skip
    for name, points in curves.items():
        chart.add(name, [(size, max(seconds, 0.01)) for size, seconds in points])
    file.write_text(chart.render(is_unicode=True), encoding="utf-8")


def table(classify, ledger, sweep) -> list[str]:
    """Return the figures in Markdown."""
    out = ["| reports | classify, s | a second | memory, MB |", "|---:|---:|---:|---:|"]
    out += [f"| {size:,} | {s:,.1f} | {size / s:,.0f} | {mb:.0f} |" for size, s, mb in classify]
    out += [
        "",
        "| ledger entries | import, s | file, MB | hit, us | miss, us |",
        "|---:|---:|---:|---:|---:|",
    ]
    out += [
        f"| {size:,} | {s:,.1f} | {mb:,.0f} | {hit:.0f} | {miss:.0f} |" for size, s, mb, hit, miss in ledger
    ]
    out += ["", "| inbox | first sweep, s | next sweep, s | memory, MB |", "|---:|---:|---:|---:|"]
    out += [f"| {size:,} | {s:,.1f} | {again:,.1f} | {mb:.0f} |" for size, s, again, mb in sweep]
    return out


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=10_000, help="reports and messages")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the ledger")
    parser.add_argument("--inbox", type=int, default=10_000, help="messages of the largest Maildir")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    scene = Scene("growth", domain=careful_domain("growth"))
    pool = [
        m.raw
        for m in mailbox(scene, ordinary=0, genuine=POOL // 2, forged=POOL // 2)
        if m.label is not Label.ORDINARY
    ]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_config(place / "config.toml", scene.domain, maildir="Maildir", store="state.sqlite3")
        classify = grow_classify(place, pool, options.largest)
        sweep = grow_sweep(place, pool, options.inbox)
        ledger = grow_ledger(place, options.entries)
    if options.plot:
        plot(
            options.plot,
            {
                "classify, one process": [row[:2] for row in classify],
                "sweep, first": [row[:2] for row in sweep],
                "sweep, next": [(row[0], row[2]) for row in sweep],
                "ledger import": [row[:2] for row in ledger],
            },
        )
    sys.stdout.write("\n".join(table(classify, ledger, sweep)) + "\n")
    say(f"memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()

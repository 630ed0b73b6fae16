"""What a second core gives: ``classify --json`` over generated reports by one process and by two.

``python -m tests.benchmarks.cores [REPORTS]``: wall time by turns, best of three,
and the processor time that two take beyond one. It needs a quiet machine.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from classifier.corpus.files import write_config, write_mbox
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox
from tests.benchmarks.growth import program, reports

ROUNDS = 3


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    scene = Scene("cores", domain=careful_domain("cores"))
    pool = [
        m.raw for m in mailbox(scene, ordinary=0, genuine=250, forged=250) if m.label is not Label.ORDINARY
    ]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_config(place / "config.toml", scene.domain, maildir="Maildir", store="state.sqlite3")
        write_mbox(place / "in.mbox", reports(pool, count))
        took = {jobs: [] for jobs in ("1", "2")}
        for _ in range(ROUNDS):
            for jobs, times in took.items():
                times.append(program("classify", "--json", "-j", jobs, "in.mbox", cwd=place)[:2])
    one, two = (min(wall for wall, _ in times) for times in took.values())
    more = min(cpu for _, cpu in took["2"]) / min(cpu for _, cpu in took["1"]) - 1
    print(
        f"{count:,} reports: {one:.1f} s by one process, {two:.1f} s by two: {one / two:.2f} times; "
        f"{more:+.0%} processor time"
    )


if __name__ == "__main__":
    main()

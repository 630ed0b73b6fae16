"""What ``backscatter filter`` costs when it is started for one message, beside Python itself and SpamAssassin.

``python -m tests.benchmarks.filter_start [ROUNDS]``: a configuration, a ledger
of 100,000 entries, DNS answers in the store; the kinds of run take turns, so
that a busy machine slows all of them alike. Printed are medians of processor
time and of wall time, and the median of the ratios within a turn.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from classifier.corpus.domains import identity_toml
from classifier.corpus.files import write_sent
from classifier.corpus.reporters.base import Returned
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox
from tests.dnsserver import DnsServer, Zone
from tests.support import find_program

ENTRIES = 100_000
ROUNDS = 25
BACKSCATTER = str(Path(sys.executable).parent / "backscatter")
#: SpamAssassin with the plug-in that knows backscatter, and the relays of the same domain.
VBOUNCE = """
loadplugin Mail::SpamAssassin::Plugin::VBounce
whitelist_bounce_relays {relays}
"""


def make_world(root: Path) -> dict[str, bytes]:
    """Make configuration, ledger and DNS cache in *root*; return one message of each sort by its name."""
    scene = Scene("a", domain=careful_domain("a"))
    messages = mailbox(scene, ordinary=20, genuine=40, forged=60)
    domain = scene.domain
    zone = Zone(ttl=86_400)
    for (name, record_type), records in domain.dns.items():
        zone.add(name, record_type, *records)
    chosen = {
        f"{label}, {returned.value}": next(
            m.raw
            for m in messages
            if m.label is label and m.returned is returned and b"multipart/report" in m.raw
        )
        for label in (Label.FORGED, Label.GENUINE)
        for returned in (Returned.FULL, Returned.HEADERS)
    }
    chosen["ordinary"] = next(m.raw for m in messages if m.label is Label.ORDINARY)
    write_sent(root / "sent.mbox", scene.sent)
    ids = root / "ids.txt"
    ids.write_text("".join(f"<{n}.{n * 7919 % 99991}@{domain.name}>\n" for n in range(ENTRIES)))
    with DnsServer(zone) as server:
        config = root / "config.toml"
        config.write_text(
            f'{identity_toml(domain.identity)}\n[dns]\nnameservers = ["{server.address}"]\n\n'
            f'[store]\npath = "{root}/state.sqlite3"\n\n[accounts.main]\nmaildir = "{root}/Maildir"\n',
            encoding="utf-8",
        )
        config.chmod(0o600)
        os.environ["BACKSCATTER_CONFIG"] = str(config)
        subprocess.run(
            [BACKSCATTER, "ledger", "import", str(ids), str(root / "sent.mbox")],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for message in chosen.values():
            for _ in range(2):
                subprocess.run([BACKSCATTER, "filter"], input=message, check=True, stdout=subprocess.DEVNULL)
        asked = server.total
    with sqlite3.connect(root / "state.sqlite3") as store:
        # The answers that say "there is none" would be stale before the end.
        store.execute("UPDATE dns_answers SET expires = expires + 86400")
    print(f"{asked} questions to DNS beforehand; the server is gone now")
    (root / "user_prefs").write_text(
        VBOUNCE.format(relays=" ".join(r for r in domain.identity.relays if "/" not in r))
    )
    return chosen


def timed(command: list[str], message: bytes) -> tuple[float, float, bytes]:
    """Run *command* and return its processor and wall time in milliseconds, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(command, input=message, stdout=subprocess.PIPE, check=False)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1000, wall * 1000, done.stdout


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        chosen = make_world(root)
        runs = {"python3 -c pass": ([sys.executable, "-c", "pass"], b"")}
        runs |= {f"filter: {name}": ([BACKSCATTER, "filter"], message) for name, message in chosen.items()}
        peer = find_program("spamassassin")
        if peer:
            command = [peer, "-L", "-p", str(root / "user_prefs")]
            runs["spamassassin -L"] = (command, chosen["forged, full"])
        cpu: dict[str, list[float]] = {name: [] for name in runs}
        wall: dict[str, list[float]] = {name: [] for name in runs}
        verdicts = {}
        for turn in range(rounds):
            for name, (command, message) in runs.items():
                if name == "spamassassin -L" and turn >= 15:
                    continue
                spent, took, output = timed(command, message)
                cpu[name].append(spent)
                wall[name].append(took)
                verdicts[name] = (
                    output.partition(b"X-Backscatter-Verdict: ")[2].partition(b"\n")[0].strip().decode()
                )
    base = "python3 -c pass"
    print(f"{'':32}{'cpu ms':>8}{'wall ms':>9}{'x cpu':>7}{'x wall':>8}")
    for name in runs:
        ratios = [
            statistics.median(
                mine / bare for mine, bare in zip(times[name], times[base], strict=False) if bare
            )
            for times in (cpu, wall)
        ]
        print(
            f"{name:32}{statistics.median(cpu[name]):8.1f}{statistics.median(wall[name]):9.1f}"
            f"{ratios[0]:7.2f}{ratios[1]:8.2f}  {verdicts[name]}"
        )


if __name__ == "__main__":
    main()

"""This project beside what people use: processor milliseconds a message, same messages, same run.

``python -m tests.benchmarks.peers``: SpamAssassin's VBounce (started for each
message, and through spamd), Sisimai, flufl.bounce, bogofilter, and the standard
library's parser as the limit. The messages are generated; whoever is not
installed is named. Every round goes through all peers, so that a machine that
slows down slows them all; medians of the rounds, and ratios to the parser.
Processor time is what a busy machine distorts least; a daemon's own is counted.
"""

from __future__ import annotations

import argparse
import contextlib
import email
import importlib.metadata
import os
import platform
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from classifier.config import parse_config
from classifier.corpus.files import write_config
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox
from classifier.runtime import Runtime, StoreUse
from tests.support import find_program

if TYPE_CHECKING:
    from classifier.corpus.domains import Protected

#: Python's programs keep what they compiled, as an installed one does.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
#: Prints the seconds of each message; Sisimai 4 and 5 name their front door differently.
_SISIMAI = """
use strict; use Sisimai; $| = 1;
sub cpu { my ($u, $s) = times; return $u + $s }
my $m = Sisimai->can('rise') ? 'rise' : 'make';
while (my $f = <STDIN>) { chomp $f; my $t = cpu; eval { Sisimai->$m($f, delivered => 1) } for 1 .. 20; print((cpu() - $t) / 20, "\\n"); }
"""


class Peers:
    """Everybody who is here: name to a function from a message's file to seconds."""

    def __init__(
        self, folder: Path, files: list[Path], domain: Protected, stack: contextlib.ExitStack
    ) -> None:
        self.here: dict[str, object] = {}
        self.started: set[str] = set()
        self.missing: list[str] = []
        self.versions: list[str] = []
        raw = {file: file.read_bytes() for file in files}
        config = folder / "config.toml"
        write_config(config, domain, maildir="Maildir", store="state.sqlite3")
        runtime = stack.enter_context(Runtime(parse_config(config.read_text("utf-8")), StoreUse.READ))
        self.add("standard library, parse only", lambda f: timed(email.message_from_bytes, raw[f]))
        self.add("backscatter, full verdict", lambda f: timed(runtime.examine, raw[f]))
        command = [sys.executable, "-m", "classifier", "--config", str(config)]
        self.add(
            "backscatter classify, started for it",
            lambda f: run([*command, "classify", "--json"], f),
            cold=True,
        )
        self.add("backscatter filter, started for it", lambda f: run([*command, "filter"], f), cold=True)
        self._flufl(raw)
        self._sisimai(stack)
        self._spamassassin(folder, stack)
        self._bogofilter(folder, files)

    def add(self, name: str, work: object, *, cold: bool = False) -> None:
        self.here[name] = work
        if cold:
            self.started.add(name)

    def _flufl(self, raw: dict[Path, bytes]) -> None:
        try:
            from flufl.bounce import all_failures
        except ImportError:
            self.missing.append("flufl.bounce (PyPI)")
            return
        self.versions.append(f"flufl.bounce {importlib.metadata.version('flufl.bounce')}")
        self.add(
            "flufl.bounce, parse and scan",
            lambda f: timed(lambda b: all_failures(email.message_from_bytes(b)), raw[f]),
        )

    def _sisimai(self, stack: contextlib.ExitStack) -> None:
        perl = find_program("perl")
        version = perl and output([perl, "-MSisimai", "-e", "print Sisimai->version"])
        if not version:
            self.missing.append("Sisimai (Debian: libsisimai-perl)")
            return
        self.versions.append(f"Sisimai {version}")
        process = subprocess.Popen(
            [perl, "-e", _SISIMAI], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(process.wait)
        stack.callback(process.stdin.close)

        def ask(file: Path) -> float:
            process.stdin.write(f"{file}\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        self.add("Sisimai, warm", ask)

    def _spamassassin(self, folder: Path, stack: contextlib.ExitStack) -> None:
        program, daemon, client = (find_program(name) for name in ("spamassassin", "spamd", "spamc"))
        rules = folder / "vbounce.cf"
        rules.write_text(
            "loadplugin Mail::SpamAssassin::Plugin::VBounce\nwhitelist_bounce_relays mail.example.org\n"
        )
        extra = [f"--siteconfigpath={folder / 'site'}"]
        shutil.copytree("/etc/spamassassin", folder / "site", dirs_exist_ok=True) if program else None
        if not program:
            self.missing.append("SpamAssassin (Debian: spamassassin)")
            return
        shutil.copy(rules, folder / "site" / "vbounce.cf")
        self.versions.append(re.sub(r"\s+", " ", output([program, "--version"]).splitlines()[0]))
        self.add(
            "SpamAssassin with VBounce, started for it", lambda f: run([program, "-L", *extra], f), cold=True
        )
        if not daemon or not client:
            self.missing.append("spamd and spamc (Debian: spamassassin, spamc)")
            return
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [daemon, "-L", "-x", "-p", port, *user, *extra, "-r", str(folder / "pid"), "-s", "null"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(process.wait)
        stack.callback(lambda: process.send_signal(signal.SIGTERM))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 1):
                break
            time.sleep(0.2)

        def ask(file: Path) -> float:
            before = daemon_seconds(process.pid)
            client_took = run([client, "-p", port, "-s", "5000000"], file)
            return client_took + daemon_seconds(process.pid) - before

        self.add("SpamAssassin with VBounce, spamc to spamd", ask, cold=True)

    def _bogofilter(self, folder: Path, files: list[Path]) -> None:
        program = find_program("bogofilter")
        if not program:
            self.missing.append("bogofilter (Debian: bogofilter)")
            return
        self.versions.append(output([program, "-V"]).splitlines()[0])
        words = ["-d", str(folder / "words")]
        (folder / "words").mkdir()
        for number, file in enumerate(files):
            run([program, *words, "-s" if number % 2 else "-n"], file)
        self.add("bogofilter, started for it", lambda f: run([program, *words], f), cold=True)


def timed(work, value) -> float:
    """Return the seconds that *work* takes."""
    started = time.process_time()
    work(value)
    return time.process_time() - started


def run(command: list[str], file: Path) -> float:
    """Return the seconds of a program that is started for one message."""
    with file.open("rb") as stdin:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            command,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def daemon_seconds(pid: int) -> float:
    """Return the processor time so far of a daemon and its children."""
    daemon = psutil.Process(pid)
    times = [process.cpu_times() for process in (daemon, *daemon.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def output(command: list[str]) -> str:
    """Return what a program prints, "" where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def processor() -> str:
    """Return the processor's name."""
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--started", type=int, default=5, help="messages a round for programs started for each"
    )
    options = parser.parse_args()
    scene = Scene("peers", domain=careful_domain("peers"))
    half = options.messages // 2
    reports = [
        m for m in mailbox(scene, ordinary=0, genuine=half, forged=half) if m.label is not Label.ORDINARY
    ]
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        folder.chmod(0o755)
        files = []
        for number, message in enumerate(reports):
            files.append(folder / f"{number}.eml")
            files[-1].write_bytes(message.raw)
        peers = Peers(folder, files, scene.domain, stack)
        rounds: dict[str, list[float]] = {name: [] for name in peers.here}
        for number in range(options.rounds):
            for name, work in peers.here.items():
                some = (
                    files[number :: len(files) // options.started][: options.started]
                    if name in peers.started
                    else files
                )
                rounds[name].append(statistics.median(work(file) for file in some) * 1000)
    limit = statistics.median(rounds["standard library, parse only"])
    size = statistics.median(len(m.raw) for m in reports)
    out = [
        f"{len(reports)} generated reports, median {size:,.0f} bytes; {options.rounds} rounds.",
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; {'; '.join(peers.versions)}.",
        *(f"Not installed: {name}." for name in peers.missing),
        "",
        "| what | processor ms a message | times the parser |",
        "|---|---:|---:|",
    ]
    for name, values in sorted(rounds.items(), key=lambda item: statistics.median(item[1])):
        median = statistics.median(values)
        out.append(f"| {name} | {median:,.2f} | {median / limit:,.1f} |")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()

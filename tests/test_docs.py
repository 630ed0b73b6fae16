"""Every command line that the documentation shows is run, in a home made of the sample mail."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classifier.cli.main import COMMANDS
from classifier.sources import messages
from tests.mailbox.daemon import free_port
from tests.support import find_program, require_program

TOP = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "contrib/README.md",
    *(f"docs/{p.name}" for p in sorted((TOP / "docs").glob("*.md"))),
]
LINE = re.compile(r"^(?:    |\t)(?:\$ |\*/10 [* ]+)?((?:backscatter|make|\.ci/run)(?: .*)?)$", re.MULTILINE)
INLINE = re.compile(r"`(backscatter [a-z]+[^`]*)`")
#: What a line needs on standard input.
INPUT = {"backscatter filter": "report.eml"}
#: Lines that end otherwise than with 0, and why.
STATUS = {
    "backscatter init": 2,  # it asks, and nobody answers
    "backscatter doctor --server mx.example.org --lists": 1,  # nobody listens there
    "backscatter doctor --server mx.example.org --domain example.org": 1,
    "backscatter doctor --server mx.example.org --lists --address 192.0.2.7": 1,
    "backscatter classify --list inputs.txt --output /shared/results --backend dask "
    "--scheduler tcp://scheduler.example.org:8786": 75,  # nor there
}
#: Lines that go on until they are ended.
LASTING = {"backscatter serve", "backscatter watch"}


def lines(page):
    """Return the command lines of a page, without the words behind them."""
    text = (TOP / page).read_text("utf-8")
    found = LINE.findall(text) + [" ".join(line.split()) for line in INLINE.findall(text)]
    return [re.sub(r"\s+# .*", "", line).strip() for line in found]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with a configuration, a Maildir of the sample's reports, and the files that the pages name."""
    place = tmp_path_factory.mktemp("home")
    sample = TOP / "data" / "sample"
    folder = place / ".config" / "backscatter"
    folder.mkdir(parents=True)
    text = (sample / "config.toml").read_text("utf-8")
    text = text.replace('"Maildir"', f'"{place}/Maildir"').replace('"state', f'"{place}/state')
    (folder / "config.toml").write_text(f'{text}\n[serve]\nspamd = "127.0.0.1:{free_port()}"\n', "utf-8")
    (folder / "config.toml").chmod(0o600)
    for part in ("", ".Sent/"):
        for name in ("tmp", "new", "cur"):
            (place / "Maildir" / f"{part}{name}").mkdir(parents=True)
    for box, part in (("forged", ""), ("genuine", ""), ("ordinary", ""), ("sent", ".Sent/")):
        for number, message in enumerate(messages([str(sample / f"{box}.mbox")])):
            (place / "Maildir" / part / "cur" / f"{box}.{number}:2,S").write_bytes(message.raw)
    for name in ("old-mail.mbox", "in.mbox", "mail.mbox"):
        shutil.copy(sample / "forged.mbox", place / name)
    shutil.copy(sample / "genuine.mbox", place / "kept.mbox")
    shutil.copy(place / "Maildir" / "cur" / "forged.0:2,S", place / "report.eml")
    (place / "inputs.txt").write_text(f"{place}/in.mbox\n{place}/Maildir\n")
    log = "Mar  1 10:00:00 mail postfix/cleanup[1]: 4bQ1: message-id=<1@mail.example.org>\n"
    (place / "mail.log").write_text(log)
    return place


@pytest.fixture(scope="module")
def environment(home):
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "BACKSCATTER_"))}
    return {**keep, "HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{keep['PATH']}"}


def prepared(line, home):
    """Return *line* with the places and hosts that it names replaced by this test's own."""
    line = line.replace("/var/log/mail.log", f"{home}/mail.log")
    line = line.replace("/shared/results", f"{home}/shared")
    line = line.replace("scheduler.example.org:8786", f"127.0.0.1:{free_port()}")
    return line.replace("mx.example.org", f"127.0.0.1:{free_port()}")


def test_the_command_lines_of_all_pages_work(home, environment):
    require_program("jq")
    seen = {}
    for page in PAGES:
        for line in lines(page):
            if line.startswith("backscatter ") and "$" not in line and line not in seen:
                seen[line] = page
    assert len(seen) >= 20
    for line, page in seen.items():
        if (
            "--client-id" in line or "--sign-in" in line
        ):  # it asks a provider: only its words are held against the help
            told = subprocess.run(
                [sys.executable, "-m", "classifier", line.split()[1], "--help"],
                capture_output=True,
                text=True,
                check=True,
            )
            assert {word for word in line.split() if word.startswith("--")} <= set(told.stdout.split())
            continue
        if line in LASTING:
            last(line, home, environment)
            continue
        given = home / INPUT[line] if line in INPUT else Path(os.devnull)
        with given.open("rb") as stdin:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", prepared(line, home)],
                cwd=home, env=environment, stdin=stdin, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
        assert done.returncode == STATUS.get(line, 0), f"{page}: {line}\n{done.stdout}\n{done.stderr}"
        assert "bug" not in done.stderr


def ends_at_a_word(pid):
    """Say whether a process has its own way to end at SIGTERM, as far as the system tells."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        time.sleep(5)
        return True
    caught = next(
        int(row.split()[1], 16) for row in status.read_text().splitlines() if row.startswith("SigCgt")
    )
    return bool(caught & 1 << signal.SIGTERM - 1)


def last(line, home, environment):
    """Run what goes on until it is ended, and end it."""
    process = subprocess.Popen(line.split(), cwd=home, env=environment, stderr=subprocess.PIPE, text=True)
    with process:
        end = time.monotonic() + 60
        while not ends_at_a_word(process.pid) and time.monotonic() < end:
            time.sleep(0.1)
        assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page):
    text = (TOP / page).read_text("utf-8")
    assert {line.split()[1] for line in INLINE.findall(text)} <= set(COMMANDS)
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (TOP / page).parent.joinpath(link).exists(), link


def test_what_make_is_asked_for_is_there():
    make = find_program("make")
    if make is None:
        pytest.skip("make is not installed")
    targets = {line.split()[1] for page in PAGES for line in lines(page) if line.startswith("make ")}
    assert {"demo", "test", "lint", "bench", "map"} <= targets
    for target in targets:
        subprocess.run([make, "-n", target], cwd=TOP, check=True, capture_output=True)

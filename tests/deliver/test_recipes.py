"""The recipes of docs/delivery.md for delivery agents, each run by the real program over mixed mail."""

from __future__ import annotations

import getpass
import os
import subprocess

import pytest

from tests.deliver.delivery import FEW, command, compare, deliver_all, home, mixed, other, recipe  # noqa: F401 - fixtures
from tests.deliver.test_filter import split
from tests.support import require_program

DOVECOT = """
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/lda.log
mail_location = maildir:{home}/Maildir
namespace inbox {{
  inbox = yes
  separator = /
}}
ssl = no
mail_uid = {user.pw_uid}
mail_gid = {user.pw_gid}
first_valid_uid = 1
protocol lda {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{home}/rule.sieve
  sieve_plugins = sieve_extprograms
  sieve_extensions = +vnd.dovecot.filter +vnd.dovecot.execute +vnd.dovecot.pipe
  sieve_filter_bin_dir = {home}/bin
  sieve_execute_bin_dir = {home}/bin
  sieve_pipe_bin_dir = {home}/bin
}}
"""


@pytest.mark.parametrize("title", ["procmail", "procmail, without headers"])
def test_procmail(home, title):  # noqa: F811 - a fixture
    program = require_program("procmail")
    script = recipe(title).replace("backscatter filter", f"{command()} filter")
    (home / ".procmailrc").write_text(f"HOME={home}\nMAILDIR={home}\n" + script)

    def run(message):
        return subprocess.run(
            [program, "-f", "<>", str(home / ".procmailrc")],
            input=message,
            timeout=60,
            check=False,
            env={**os.environ, "HOME": str(home)},
        ).returncode

    compare(home, deliver_all(run), tagged=title == "procmail")


def test_maildrop(home):  # noqa: F811 - a fixture
    program = require_program("maildrop")
    script = home / ".mailfilter"
    script.write_text(
        f'HOME="{home}"\n' + recipe("maildrop").replace("backscatter filter", f"{command()} filter")
    )
    script.chmod(0o600)

    def run(message):
        return subprocess.run(
            [program, str(script)],
            input=message,
            timeout=60,
            check=False,
            cwd=home,
            env={**os.environ, "HOME": str(home), "DEFAULT": f"{home}/Maildir", "LOGNAME": getpass.getuser()},
        ).returncode

    compare(home, deliver_all(run))


class Sieve:
    """Dovecot's delivery agent with one rule."""

    def __init__(self, other, title):  # noqa: F811 - not the fixture
        require_program("sievec", "dovecot-sieve")
        self.program = require_program("dovecot-lda", "dovecot-core")
        self.other = other
        (other.home / "rule.sieve").write_text(recipe(title))
        self.configuration = other.home / "dovecot.conf"
        self.configuration.write_text(DOVECOT.format(home=other.home, user=other.user))
        other.own()

    def deliver(self, message):
        """Deliver one message, and give the exit status."""
        return subprocess.run(
            [self.program, "-c", str(self.configuration), "-f", ""],
            input=message, timeout=60, check=False, cwd=self.other.home, **self.other.options,
        ).returncode  # fmt: skip

    @property
    def errors(self):
        log = self.other.home / "lda.log"
        return [line for line in log.read_text().splitlines() if "rror" in line] if log.exists() else []


@pytest.mark.parametrize("title", ["Dovecot sieve: filter", "Dovecot sieve: execute"])
def test_sieve(other, title):  # noqa: F811 - a fixture
    sieve = Sieve(other, title)
    messages = deliver_all(sieve.deliver)
    assert sieve.errors == []
    compare(other.home, messages, tagged=title.endswith("filter"))


def test_sieve_pipe(other):  # noqa: F811 - a fixture
    sieve = Sieve(other, "Dovecot sieve: pipe")
    other.program("backscatter-forged", f'mkdir -p {other.home}/copies && cat >"{other.home}/copies/$$"\n')
    other.own()
    messages = list(mixed(FEW))
    assert {sieve.deliver(message) for message, _ in messages} == {0}
    assert sieve.errors == []
    compare(other.home, messages)
    copies = [path.read_bytes().replace(b"\r\n", b"\n") for path in (other.home / "copies").iterdir()]
    assert sorted(split(copy)[1] for copy in copies) == sorted(m for m, forged in messages if forged)
    # A program that fails costs nothing.
    other.program("backscatter-forged", "exit 1\n")
    other.own()
    assert sieve.deliver(messages[0][0]) == 0
    compare(other.home, [*messages, messages[0]])


def test_sieve_on_headers_alone(other):  # noqa: F811 - a fixture
    sieve = Sieve(other, "sieve, on the headers alone")

    def run(message):
        tagged = subprocess.run([other.filter], input=message, capture_output=True, check=True, timeout=60)
        return sieve.deliver(tagged.stdout)

    compare(other.home, deliver_all(run))


@pytest.mark.parametrize("title", ["Dovecot sieve: filter", "Dovecot sieve: execute"])
def test_sieve_goes_on_without_a_program_that_fails(other, title):  # noqa: F811 - a fixture
    sieve = Sieve(other, title)
    messages = [(message, False) for message, _ in list(mixed())[:2]]
    for text in BROKEN:
        other.program("backscatter-filter", text + "\n")
        other.own()
        assert {sieve.deliver(message) for message, _ in messages} == {0}
    compare(other.home, messages * len(BROKEN), tagged=False)


#: What may become of the filter: an answer of any kind, no answer, killed in the middle.
BROKEN = [
    "exit 75", "cat >/dev/null; exit 1", "head -c 50; exit 99", "head -c 50; kill -9 $$",
    "exec timeout -s KILL 1 sleep 20", "exec /no/such/program",
]  # fmt: skip


@pytest.mark.parametrize("title", ["procmail", "procmail, without headers", "maildrop"])
def test_delivery_agents_go_on_without_a_program_that_fails(home, title):  # noqa: F811 - a fixture
    program, rules = home / "stub", home / ("rules" if title == "maildrop" else ".procmailrc")
    text = recipe(title).replace("backscatter filter", f"{program} filter")
    rules.write_text(
        f'HOME="{home}"\n{text}' if title == "maildrop" else f"HOME={home}\nMAILDIR={home}\n{text}"
    )
    rules.chmod(0o600)
    agent = require_program(title.partition(",")[0])
    environment = {**os.environ, "HOME": str(home), "LOGNAME": getpass.getuser()}
    messages = [(message, False) for message, _ in list(mixed())[:2]]
    for broken in BROKEN:
        program.write_text(f"#!/bin/sh\n{broken}\n")
        program.chmod(0o755)
        for message, _ in messages:
            arguments = [str(rules)] if title == "maildrop" else ["-f", "<>", str(rules)]
            done = subprocess.run(
                [agent, *arguments], input=message, capture_output=True, timeout=60, check=False, cwd=home,
                env=environment,
            )  # fmt: skip
            assert done.returncode == 0
    compare(home, messages * len(BROKEN), tagged=False)

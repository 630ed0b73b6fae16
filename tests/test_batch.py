"""Many messages judged by several processes: what one process would say, and what one message may cost."""

import functools
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.batch import Judging, jobs_for, judged
from classifier.config import parse_config
from classifier.errors import ConfigurationError
from classifier.present.json import as_line
from classifier.runtime import StoreUse
from classifier.sources import SourcedMessage, messages
from tests.samples import ORDINARY, REPORT

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
CONFIG = parse_config("""
[identity]
domains = ["example.org"]
never_send = ["trap@example.org"]
[dns]
enabled = false
[accounts.main]
imap = "imaps://imap.example.org"
username = "anna"
password = { command = "pass show mail" }
""")


def mail(count):
    for number in range(count):
        raw = (REPORT if number % 2 else ORDINARY).replace(b"hello", b"hello %d" % number)
        yield SourcedMessage(f"in.mbox#{number + 1}", raw)


def hungry(message, found):
    if message.source.endswith("#7"):
        return bytearray(6 << 30)
    return message.source


def all_of(count, keep, jobs):
    return list(judged(CONFIG, StoreUse.READ, mail(count), keep, jobs=jobs))


def test_the_answers_are_those_of_one_process():
    one, two = all_of(300, as_line, 1), all_of(300, as_line, 2)
    assert one == two
    assert all(found.kept and not found.error for found in one)


def test_a_message_that_takes_too_much_memory_costs_itself():
    found = all_of(20, hungry, 2)
    assert found[6].error == "could not be judged: it takes too much memory"
    assert [f.source for f in found if f.error] == ["in.mbox#7"]


def test_the_limit_is_not_that_of_the_caller():
    before = resource.getrlimit(resource.RLIMIT_AS)
    all_of(5, as_line, 2)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_passwords_stay_here(monkeypatch):
    taken = []
    original = Judging.__init__

    @functools.wraps(original)
    def noting(self, config, *rest):
        taken.append(config)
        original(self, config, *rest)

    monkeypatch.setattr(Judging, "__init__", noting)
    all_of(1, as_line, 1)
    assert [config.accounts for config in taken] == [{}]
    assert CONFIG.accounts


def test_a_pipe_is_read_as_it_comes(tmp_path):

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    names = [str(tmp_path / "file"), str(tmp_path)]
    assert jobs_for(names, None) is None
    assert jobs_for([*names, str(tmp_path / "pipe")], None) == 1
    assert jobs_for(["-"], None) == 1
    assert jobs_for(["-"], 3) == 3


def test_each_tenant_is_judged_by_its_own_identity():
    config = parse_config("""
[identity]
domains = ["example.net"]
[tenants.one]
domains = ["example.org", ".sub.example.com"]
never_send = ["trap@example.org"]
[tenants.two]
domains = ["example.com"]
[dns]
enabled = false
""")
    to_other = REPORT.replace(b"anna@example.org", b"anna@example.com")
    found = [SourcedMessage("1", REPORT), SourcedMessage("2", to_other)]
    lines = [json.loads(f.kept) for f in judged(config, StoreUse.READ, found, as_line)]
    # For the second one, the original's sender is a stranger's address.
    assert [(o["verdict"], o["reasons"][0].split()[0]) for o in lines] == [
        ("forged", "trap@example.org"),
        ("unsure", lines[1]["reasons"][0].split()[0]),
    ]
    for domain, expected in (("example.net", config.identity), ("a.b.sub.example.com", config.tenants["one"]),
                             ("example.com", config.tenants["two"]), ("sub.example.com", config.identity)):  # fmt: skip
        assert config.identity_of([domain]) is expected


def test_a_domain_has_one_owner():
    with pytest.raises(ConfigurationError, match=r"example.org belongs to one already"):
        parse_config(
            '[identity]\ndomains = ["example.net"]\n[tenants.one]\ndomains = ["example.org"]\n'
            '[tenants.two]\ndomains = ["example.org"]\n'
        )


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "--json", "--genuine", SAMPLE / "genuine.mbox", "--forged", SAMPLE / "forged.mbox"),
        ("report", "--json", "--from", SAMPLE / "genuine.mbox", "--from", SAMPLE / "forged.mbox"),
    ],
)
def test_other_commands_say_the_same_by_several_processes(command, tmp_path):
    told = []
    for jobs in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "classifier", *map(str, command), "-j", jobs],
            cwd=tmp_path, capture_output=True, timeout=120, check=False, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        told.append(
            (done.returncode, re.sub(rb'"(made|from|to|now)": "[^"]*"', b"", done.stdout), done.stderr)
        )
    assert told[0] == told[1]
    assert told[0][1]


def test_training_reads_the_same_by_several_processes():
    pytest.importorskip("sklearn")
    from classifier.training.collect import Given, Labelled, collected

    given = [
        Given(message.source, message.raw, forged)
        for forged, name in ((False, "genuine"), (True, "forged"), (True, "ordinary"), (True, "genuine"))
        for message in messages([str(SAMPLE / f"{name}.mbox")])
    ]
    given.insert(3, Given("absent", None, False, "no such file"))
    found = []
    for jobs in (1, 2):
        unread = []
        labelled = Labelled()
        for _ in collected(
            None,
            given,
            labelled,
            jobs=jobs,
            unread=lambda each, why, to=unread: to.append((each.source, why)),
        ):
            pass
        assert unread == [("absent", "no such file")]
        assert labelled.remarks()
        found.append((list(labelled.examples.items()), labelled.contradicting, labelled.useless))
    assert repr(found[0]) == repr(found[1])
    assert len(found[0][0]) > 20

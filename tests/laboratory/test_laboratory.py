"""Reports of real mail servers: all that must come do come, and no genuine one is taken out of the inbox."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from tests.laboratory import extra, network
from tests.laboratory.plan import SITES, SOFTWARE, plan
from tests.laboratory.verdicts import ASKING, DENIED, SETUPS, tell
from tests.support import missing


@pytest.fixture
def laboratory(tmp_path):
    """Run it; gives facts, and verdicts by set-up."""
    if reason := network.reason_against():
        missing(reason)
    if absent := SOFTWARE - extra.available():
        missing(
            f"not there: {', '.join(sorted(absent))} (see tests/debian-packages.txt, tests/debian-unpacked.txt)"
        )

    def run(*arguments):
        folder = tmp_path / "reports"
        done = subprocess.run(
            [sys.executable, "-m", "tests.laboratory", "--keep", folder, *arguments],
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-5000:]}"
        verdicts = {setup: json.loads((folder / f"{setup}.json").read_text()) for setup in SETUPS}
        return folder, json.loads((folder / "facts.json").read_text()), verdicts

    return run


def check(facts, verdicts):
    assert {name.partition("/")[0] for name in facts} == {"genuine", "forged"}
    for setup, found in verdicts.items():
        assert found.keys() == facts.keys()
        assert {each["kind"] for each in found.values()} <= {"dsn", "auto-reply", "mdn", "bounce"}
        # Such declarations are not true of a domain of which some mail leaves elsewhere; then it may lose that.
        lost = [n for n, v in found.items() if n.startswith("genuine") and v["action"] == "quarantine"]
        assert all(facts[name]["way"] in DENIED.get(setup, ()) for name in lost)
        # What our own machines tell of what our own servers did not take is known for that without configuration.
        assert {v["verdict"] for n, v in found.items() if facts[n]["site"] == "example.org"} <= {"genuine"}
        # A message with our signature, to whomever, is ours as far as DNS has the key.
        believed = [n for n, v in found.items() if n.startswith("forged") and v["verdict"] == "genuine"]
        assert all(setup in ASKING and facts[name]["way"].startswith("replayed") for name in believed)


def test_two_receivers(laboratory):
    folder, facts, verdicts = laboratory("--causes", "unknown", "--sites", "ahorn.test,ceder.test")
    ways = Counter((fact["site"], fact["way"]) for fact in facts.values())
    sites = [site for site in SITES if site.domain in {"ahorn.test", "ceder.test"}]
    assert ways == {(site.domain, way): 1 for site in sites for way in site.ways}
    check(facts, verdicts)
    # A verdict that loses a genuine report is told.
    name = next(n for n in facts if n.startswith("genuine") and facts[n]["way"] == "submitted")
    verdicts["addresses"][name]["verdict"] = "forged"
    lines = []
    assert tell(folder, verdicts, lines.append) == [("addresses", name)]
    assert f"addresses: {name}" in lines[-1]


@pytest.mark.soak
def test_all_receivers(laboratory):
    _, facts, verdicts = laboratory()
    expected = {(mail.site.software, mail.cause) for mail in plan(extra.available())}
    assert {(fact["software"], fact["cause"]) for fact in facts.values()} == expected
    check(facts, verdicts)

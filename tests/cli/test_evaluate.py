"""``backscatter evaluate`` on the sample in the project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "classifier", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text((SAMPLE / "config.toml").read_text())
    path.chmod(0o600)
    assert run("--config", path, "ledger", "import", SAMPLE / "sent.mbox", cwd=tmp_path).returncode == 0
    return path


def evaluate(config, *arguments):
    return run("--config", config, "evaluate", *arguments, cwd=config.parent)


def test_figures(config):
    labelled = ("--genuine", SAMPLE / "genuine.mbox", "--forged", SAMPLE / "forged.mbox")
    done = evaluate(config, *labelled, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["genuine"]["messages"] == 30
    assert found["forged"]["messages"] == 40
    assert found["genuine_quarantined"]["count"] == 0
    assert found["forged_quarantined"]["count"] >= 30
    assert found["area_under_roc"] > 0.99
    assert found["promise"]["needed"] == 2995
    assert sum(sum(v["genuine"].values()) for v in found["by"]["kind"].values() if "genuine" in v) == 30
    told = evaluate(config, *labelled).stdout
    assert "genuine reports quarantined  0 of 30" in told
    assert "2,995" in told


def test_the_wrong_side_is_named(config):
    done = evaluate(config, "--forged", SAMPLE / "genuine.mbox")
    assert "on the wrong side:" in done.stdout
    assert "genuine.mbox#1" in done.stdout


def test_contradictions_and_what_cannot_be_read(config):
    done = evaluate(
        config, "--genuine", SAMPLE / "genuine.mbox", "--forged", SAMPLE / "genuine.mbox", "absent"
    )
    assert done.returncode == 2  # an argument too many
    done = evaluate(
        config,
        "--genuine",
        SAMPLE / "genuine.mbox",
        "--forged",
        SAMPLE / "genuine.mbox",
        "--forged",
        "absent",
    )
    assert done.returncode == 1
    assert done.stderr.count("given before as genuine; not counted") == 30
    assert "absent: no such file" in done.stderr
    assert evaluate(config).returncode == 2

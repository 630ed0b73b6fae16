"""``backscatter evaluate`` on the sample in the project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.sources import messages
from tests.cli.test_report import harmless

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
    assert found["recall_at_threshold"]["count"] >= found["forged_quarantined"]["count"]
    for name in ("area_under_roc", "area_under_precision_recall", "calibration_error"):
        low, high = found["intervals"][name]
        assert 0 <= low <= found[name] <= high <= 1
    reports = {"genuine": 30, "forged": 40}
    for label, number in reports.items():
        for what in ("kind", "format", "original", "evidence", "identity"):
            parts = [p[f"{label}_quarantined"] for p in found["parts"] if p["what"] == what]
            assert sum(p["of"] for p in parts) == number
            assert sum(p["count"] for p in parts) == found[f"{label}_quarantined"]["count"]
        assert sum(b[label] for b in found["reliability"]) <= number
    assert {p["value"] for p in found["parts"] if p["what"] == "identity"} == {"configured"}
    assert {p["value"] for p in found["parts"] if p["what"] == "evidence"} <= {
        "proof",
        "strong",
        "weak",
        "none",
    }
    promise = found["promise"]
    assert promise["missing"] == 2995 - promise["genuine"]
    assert 20 < promise["genuine"] <= 30
    told = evaluate(config, *labelled).stdout
    assert "genuine reports quarantined  0 of 30" in told
    assert f"takes 2,995 with none lost, {promise['missing']:,} more" in " ".join(told.split())


def test_an_option_takes_all_paths_behind_it(config, tmp_path):
    names = []
    for number, message in enumerate(messages([str(SAMPLE / "forged.mbox")])):
        names.append(f"{number}.eml")
        (tmp_path / names[-1]).write_bytes(message.raw)
    done = evaluate(config, "--forged", *names[:3], "--json", "--genuine=" + names[3], *names[4:6], "-j", 1)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["forged"]["messages"], found["genuine"]["messages"]) == (3, 3)
    for arguments, words in (
        (["--forged", "--json"], "'--forged' requires an argument; see backscatter evaluate --help"),
        (
            ["--forged", "0.eml", "--json", "1.eml"],
            "'1.eml': name it with --forged or --genuine; see backscatter evaluate --help",
        ),
        (
            ["--forged", "0.eml", "--", "1.eml"],
            "'1.eml': name it with --forged or --genuine; see backscatter evaluate --help",
        ),
    ):
        done = evaluate(config, *arguments)
        assert done.returncode == 2
        assert words in done.stderr


def test_the_page_says_the_same(config, tmp_path):
    mail = tmp_path / "<script>alert(1)<script>.mbox"
    mail.write_bytes((SAMPLE / "forged.mbox").read_bytes())
    labelled = ("--genuine", mail, "--forged", SAMPLE / "genuine.mbox")
    done = evaluate(config, *labelled, "--json", "--html", "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    html = harmless((tmp_path / "page.html").read_text())
    text = "".join(html.text)
    assert html.elements.count("svg") == 3
    assert f"{found['genuine_quarantined']['count']} of 40" in text
    assert found["worst"]
    for mistake in found["worst"]:
        assert mistake["source"] in text
    assert not list(tmp_path.glob(".page.html*"))
    # One label alone has no curves, and nothing to draw.
    assert evaluate(config, "--forged", SAMPLE / "forged.mbox", "--html", "page.html").returncode == 0
    assert harmless((tmp_path / "page.html").read_text()).elements.count("svg") == 0
    refused = evaluate(config, *labelled, "--html", "absent/page.html")
    assert refused.returncode != 0
    assert refused.stderr.count("\n") == 1
    assert "no such folder" in refused.stderr


def test_the_wrong_side_is_named(config):
    done = evaluate(config, "--forged", SAMPLE / "genuine.mbox")
    assert "on the wrong side:" in done.stdout
    assert "genuine.mbox#1" in done.stdout


def test_contradictions_and_what_cannot_be_read(config):
    done = evaluate(
        config, "--genuine", SAMPLE / "genuine.mbox", "--forged", SAMPLE / "genuine.mbox", "absent"
    )
    assert done.returncode == 1
    assert done.stderr.count("given before as genuine; not counted") == 30
    assert "absent: no such file" in done.stderr
    assert evaluate(config).returncode == 2


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "--genuine", "mail.mbox"),
        ("report", "--from", "mail.mbox"),
        ("report", "--from", "absent", "mail.mbox"),
    ],
)
def test_a_page_never_takes_the_place_of_the_mail(tmp_path, command):
    mail = tmp_path / "mail.mbox"
    mail.write_bytes((SAMPLE / "genuine.mbox").read_bytes())
    (tmp_path / "page.html").symlink_to(mail)
    for page in (mail, "page.html"):
        done = run(*command, "--html", page, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "would be overwritten" in done.stderr
    assert mail.read_bytes() == (SAMPLE / "genuine.mbox").read_bytes()

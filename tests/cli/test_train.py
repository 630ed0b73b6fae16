"""``backscatter train``: what it takes, what it refuses, and what it leaves in place."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from classifier.cli import train as module
from classifier.cli.main import main
from classifier.corpus.worlds import worlds
from classifier.model import files
from classifier.model.features import has_material
from classifier.parse.message import parse
from classifier.runtime import policy_of
from classifier.settings import PolicySettings
from classifier.training import retrain as retrain_module
from classifier.training.retrain import Figures, better
from tests.samples import ORDINARY

LABELS = ("genuine", "forged")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few generated reports beside the user's: the rest is the same."""
    monkeypatch.setattr(module, "BACKGROUND", 800)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Write one invented domain's labelled reports, one a file."""
    top = tmp_path_factory.mktemp("labelled")
    for label in LABELS:
        (top / label).mkdir()
    for number, case in enumerate(worlds("train", 240)):
        (top / case.generated.label / f"{number:03}.eml").write_bytes(case.generated.raw)
    return top


def returned(folder):
    """Return the files whose report brings its original back."""
    files_there = sorted(folder.iterdir())
    return [f for f in files_there if has_material(parse(f.read_bytes()))]


@pytest.fixture
def train(tmp_path, capsys):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[identity]\ndomains = [".test", ".example"]\n[dns]\nenabled = false\n[store]\npath = "{tmp_path}/s.sqlite3"\n'
    )
    config.chmod(0o600)

    def run(*arguments):
        capsys.readouterr()
        status = main(["--config", str(config), "train", *map(str, arguments)])
        return SimpleNamespace(exit_code=status, output="".join(capsys.readouterr()))

    run.model = Path(files.beside(str(tmp_path / "s.sqlite3")))
    return run


def test_labelled_mail_makes_a_model_that_says_how_it_does(train, labelled):
    done = train("--genuine", labelled / "genuine", "--forged", labelled / "forged", "--replace")
    assert done.exit_code == 0, done.output
    assert "on the part of yours that was held out:" in done.output
    assert "in use" in done.output
    assert "no promise:" in done.output
    assert "on generated reports of other domains:" in done.output
    model = json.loads(train.model.read_bytes())
    assert model["name"].startswith("own-")
    # Few reports of one's own are no reason to quarantine on less than before.
    mine, default = (
        policy_of(PolicySettings(), found) for found in (files.read(str(train.model)), files.shipped())
    )
    assert mine == default
    assert model["card"]["own"]["genuine"] > 50
    assert train.model.stat().st_mode & 0o777 == 0o600
    first = train.model.read_bytes()
    assert (
        train("--genuine", labelled / "genuine", "--forged", labelled / "forged", "--replace").exit_code == 0
    )
    assert train.model.read_bytes() != first
    assert "is in use" in train("--rollback").output
    assert train.model.read_bytes() == first


def test_exchanged_labels_are_noticed(train, labelled):
    done = train("--genuine", labelled / "forged", "--forged", labelled / "genuine")
    assert done.exit_code == 1, done.output
    assert "the labels look exchanged" in done.output
    assert not train.model.exists()


def test_a_model_that_loses_more_elsewhere_is_not_put_in_place(train, labelled, monkeypatch):
    judged = retrain_module._judged

    def losing(model, examples, known, policy):
        found, is_new = judged(model, examples, known, policy), model.name.startswith("own-")
        lost = is_new and len(examples) > 400  # a third of 240 was held out here
        return replace(found, genuine_moved=int(lost), log_loss=0.0 if is_new else 1.0)

    monkeypatch.setattr(retrain_module, "_judged", losing)
    done = train("--genuine", labelled / "genuine", "--forged", labelled / "forged")
    assert done.exit_code == 0, done.output
    assert "would quarantine more genuine reports elsewhere; the model in use stays" in done.output
    assert not train.model.exists()


def test_a_worse_model_is_not_put_in_place(train, labelled, monkeypatch):
    """What is held out decides; a candidate that loses more genuine reports stays out, whatever it gains."""
    before = Figures(log_loss=0.5, forged=9, forged_moved=1, genuine=9, genuine_moved=0)
    assert not better(replace(before, log_loss=0.1, forged_moved=9, genuine_moved=1), before)
    assert not better(replace(before, log_loss=0.6), before)
    assert better(replace(before, log_loss=0.4), before)
    monkeypatch.setattr("classifier.training.retrain.better", lambda _after, _before: False)
    done = train("--genuine", labelled / "genuine", "--forged", labelled / "forged")
    assert done.exit_code == 0, done.output
    assert "stays" in done.output
    assert not train.model.exists()


@pytest.mark.parametrize("given", LABELS)
def test_one_label_alone_is_refused(train, labelled, given):
    done = train(f"--{given}", labelled / given)
    assert done.exit_code == 1
    other = next(label for label in LABELS if label != given)
    assert f"no {other} reports to learn from" in done.output
    assert not train.model.exists()


def test_three_messages_teach_nothing(train, labelled):
    some = [returned(labelled / label) for label in LABELS]
    done = train("--genuine", some[0][0], "--genuine", some[0][1], "--forged", some[1][0])
    assert done.exit_code == 1
    assert "too few different reports: 1 forged, 2 genuine" in done.output
    assert "nothing was changed" in done.output
    assert not train.model.exists()


def test_contradictions_doubles_and_other_mail_are_told(train, labelled, tmp_path):
    other = tmp_path / "other.eml"
    other.write_bytes(ORDINARY)
    first, second, *_ = returned(labelled / "genuine")
    done = train(
        "--genuine", labelled / "genuine", "--genuine", first, "--genuine", other,
        "--forged", labelled / "forged", "--forged", second,
        "--forged", tmp_path / "nowhere.eml",
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    assert "1 message: given more than once" in done.output
    assert "1 message: given with both labels" in done.output
    assert "no reports, or nothing of the original" in done.output
    assert "nowhere.eml" in done.output


def test_two_at_once_cannot_be(train, labelled):
    with module._alone(str(train.model.parent / "s.sqlite3")):
        for arguments in (
            ["--rollback"],
            ["--genuine", labelled / "genuine", "--forged", labelled / "forged"],
        ):
            done = train(*arguments)
            assert done.exit_code == 75
            assert (
                f"{train.model}.train.lock: the model of your own is locked by train, process " in done.output
            )
    assert train("--rollback").exit_code == 1


def test_nothing_to_take_back_is_said(train):
    done = train("--rollback")
    assert done.exit_code == 1
    assert "no model of your own" in done.output
    assert train("--rollback", "--replace").exit_code == 2
    assert train().exit_code == 2

"""``backscatter demo``: the main job on a generated mailbox, and its check of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from classifier.cli.demo import check
from classifier.corpus.files import write_maildir
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox

COMMAND = [sys.executable, "-m", "classifier", "demo"]


def test_it_sweeps_and_finds_everything_in_its_place(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--keep", "box"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every message is there once, byte for byte" in done.stdout
    assert "80            0" in done.stdout  # ordinary mail stays
    assert (tmp_path / "box" / "Maildir" / ".Backscatter").is_dir()
    again = subprocess.run(
        [*COMMAND, "--keep", "box"], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert again.returncode == 2
    assert again.stderr.count(b"\n") == 1


@pytest.fixture
def box(tmp_path):
    messages = mailbox(Scene("check", domain=careful_domain("check")), ordinary=5, genuine=5, forged=8)
    write_maildir(tmp_path / "Maildir", messages)
    quarantine = tmp_path / "Maildir" / ".Backscatter" / "cur"
    quarantine.mkdir(parents=True)
    by_raw = {m.raw: m for m in messages}
    paths = {}
    for path in (tmp_path / "Maildir").glob("[cn]*/*"):
        message = by_raw[path.read_bytes()]
        paths[path.name] = path
        if message.label is Label.FORGED:
            paths[path.name] = path.rename(quarantine / path.name)
    return tmp_path / "Maildir", messages, paths, by_raw


def test_the_check_is_content_with_order(box):
    maildir, messages, _, _ = box
    assert check(maildir, messages) == []


@pytest.mark.parametrize("harm", ["lost", "altered", "doubled", "moved", "strange"])
def test_the_check_finds_harm(box, harm):
    maildir, messages, paths, by_raw = box
    path = next(p for p in paths.values() if by_raw[p.read_bytes()].label is Label.GENUINE)
    if harm == "lost":
        path.unlink()
    elif harm == "altered":
        path.write_bytes(path.read_bytes() + b"\n")
    elif harm == "doubled":
        (maildir / "new" / "copy").write_bytes(path.read_bytes())
    elif harm == "moved":
        path.rename(maildir / ".Backscatter" / "cur" / path.name)
    else:
        (maildir / "new" / "strange").write_bytes(b"Subject: x\n\n")
    assert check(maildir, messages)

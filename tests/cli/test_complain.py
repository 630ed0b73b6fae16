"""``backscatter complain``: drafts that say what is so, and show nothing that is not needed."""

from __future__ import annotations

import email
import subprocess
import sys
from email import policy
from pathlib import Path

import pytest

from classifier.corpus.files import write_config, write_mbox, write_sent
from classifier.corpus.scene import Scene, careful_domain, mailbox


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("complain")
    # Its exchanger, Postfix, notes looked-up names: only with those is an operator beyond doubt.
    scene = Scene("complain b", domain=careful_domain("complain b"))
    found = mailbox(scene, ordinary=5, genuine=20, forged=60)
    write_mbox(folder / "in.mbox", (m.raw for m in found))
    write_sent(folder / "sent.mbox", scene.sent)
    write_config(
        folder / "config.toml", scene.domain, maildir=str(folder), store=str(folder / "state.sqlite3")
    )
    assert run(folder, "ledger", "import", "sent.mbox").returncode == 0
    return folder, scene


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "classifier", "--config", "config.toml", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def read(path):
    return email.message_from_bytes(path.read_bytes(), policy=policy.default)


def test_one_draft_an_operator(home):
    folder, scene = home
    done = run(folder, "complain", "--from", "in.mbox", "--out", "drafts", "--arf", "--spamcop")
    assert (done.returncode, done.stderr) == (0, "")
    drafts = [p for p in (folder / "drafts").iterdir() if not p.name.endswith((".arf.eml", "bundle.eml"))]
    assert len(drafts) >= 5
    for path in drafts:
        message = read(path)
        operator = path.name.removesuffix(".eml")
        assert message["To"] == f"postmaster@{operator}, abuse@{operator}"
        assert message["From"] == f"postmaster@{scene.domain.name}"
        assert message["X-Unsent"] == "1"
        text = message.get_body().get_content()
        assert scene.domain.name in text
        assert "RCPT ACL" in text
        attached = list(message.iter_attachments())
        assert 1 <= len(attached) <= 2
        assert all(part.get_content_type() == "text/rfc822-headers" for part in attached)
        # No body and no address of a correspondent: header sections of reports only.
        assert not any(letter.recipients[0] in path.read_text("ascii", "replace") for letter in scene.sent)
    report = read(next((folder / "drafts").glob("*.arf.eml")))
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "feedback-report"
    assert [p.get_content_type() for p in report.iter_parts()][1] == "message/feedback-report"
    bundle = read(folder / "drafts" / "spamcop-bundle.eml")
    assert 1 <= len(list(bundle.iter_attachments())) <= 20
    assert "nothing was sent" in done.stdout


def test_a_typed_reporter_is_not_blamed(home):
    folder, _ = home
    raw = (folder / "in.mbox").read_bytes()
    victim = b"innocent.test"
    typed = raw.replace(b"Reporting-MTA: dns; ", b"Reporting-MTA: dns; mx." + victim + b"\nX-Was: ")
    (folder / "typed.mbox").write_bytes(typed)
    done = run(folder, "complain", "--from", "typed.mbox", "--out", "typed")
    assert done.returncode == 0
    assert not list((folder / "typed").glob("*innocent*"))


def test_genuine_reports_blame_nobody(home):
    folder, scene = home
    genuine = mailbox(Scene("x", domain=scene.domain), ordinary=0, genuine=20, forged=0)
    write_mbox(folder / "genuine.mbox", (m.raw for m in genuine))
    write_sent(folder / "sent2.mbox", Scene("x", domain=scene.domain).sent)
    done = run(folder, "complain", "--from", str(Path("in.mbox")), "--out", "again")
    assert all(scene.domain.name not in p.name for p in (folder / "again").iterdir())
    assert done.returncode == 0


def test_bad_input(home):
    folder, _ = home
    assert run(folder, "complain", "--from", "in.mbox").returncode == 2
    done = run(folder, "complain", "--from", "absent", "--out", "none")
    assert done.returncode == 1
    assert "absent: no such file" in done.stderr

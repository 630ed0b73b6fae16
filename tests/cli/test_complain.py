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
from tests import registry


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


#: Fields by which an operator finds its report; nothing else of a header section is shown.
SHOWN = {
    "received", "return-path", "from", "to", "subject", "date", "message-id", "auto-submitted", "in-reply-to",
    "content-type", "mime-version", "x-failed-recipients", "sender", "precedence",
}  # fmt: skip


def check_drafts(folder, scene):
    """Check what every draft must be; return how many there are."""
    drafts = [p for p in folder.iterdir() if not p.name.endswith((".arf.eml", "bundle.eml"))]
    for path in drafts:
        message = read(path)
        operator = path.name.removesuffix(".eml")
        assert message["To"] == f"postmaster@{operator}, abuse@{operator}"
        assert message["From"] == f"postmaster@{scene.domain.name}"
        assert message["X-Unsent"] == "1"
        text = message.get_body().get_content()
        assert scene.domain.name in text
        assert all(len(line) <= 78 for line in text.splitlines())
        for server in ("Postfix", "Exim", "Sendmail", "Exchange", "qmail"):
            assert server in text
        attached = list(message.iter_attachments())
        assert 1 <= len(attached) <= 2
        for part in attached:
            assert part.get_content_type() == "text/rfc822-headers"
            fields = email.message_from_string(part.get_content())
            assert {name.lower() for name in fields} <= SHOWN
            # What our own side put on top is not shown: the first Received line is the one that saw the operator.
            assert operator.split(".")[0] in fields["Received"]
        # No body and no address of a correspondent: header sections of reports only.
        assert not any(letter.recipients[0] in path.read_text("ascii", "replace") for letter in scene.sent)
    return len(drafts)


def test_one_draft_an_operator(home):
    folder, scene = home
    done = run(folder, "complain", "--from", "in.mbox", "--out", "drafts", "--arf", "--spamcop")
    assert (done.returncode, done.stderr) == (0, "")
    assert check_drafts(folder / "drafts", scene) >= 5
    bundle = read(folder / "drafts" / "spamcop-bundle.eml")
    attached = list(bundle.iter_attachments())
    assert 1 <= len(attached) <= 20
    # Whole reports, byte for byte.
    mails = {m.as_bytes() for m in mailbox_of(folder / "in.mbox")}
    assert all(part.get_payload(decode=True).strip() in mails for part in attached)
    assert "nothing was sent" in done.stdout


def test_where_nobody_is_left_out_nothing_is_said_of_them(home):
    folder, _ = home
    (folder / "none.mbox").touch()
    done = run(folder, "complain", "--from", "none.mbox", "--out", "nobody")
    assert done.stdout == "0 drafts; nothing was sent.\n"


def mailbox_of(path):
    from classifier.sources import messages

    class Raw:
        def __init__(self, raw):
            self.raw = raw

        def as_bytes(self):
            return self.raw.strip()

    return [Raw(m.raw) for m in messages([str(path)])]


def test_feedback_reports_are_read_by_others_and_by_us(home):
    from classifier.parse.message import parse

    folder, _ = home
    assert run(folder, "complain", "--from", "in.mbox", "--out", "arf", "--arf").returncode == 0
    found = list((folder / "arf").glob("*.arf.eml"))
    assert len(found) >= 5
    null = []
    for path in found:
        report = read(path)
        assert report.get_content_type() == "multipart/report"
        assert report.get_param("report-type") == "feedback-report"
        told, machine, original = report.iter_parts()
        assert (told.get_content_type(), machine.get_content_type(), original.get_content_type()) == (
            "text/plain", "message/feedback-report", "text/rfc822-headers",
        )  # fmt: skip
        assert machine["Content-Transfer-Encoding"] == "7bit"
        body = path.read_bytes().partition(b"message/feedback-report")[2]
        fields = email.message_from_bytes(body.partition(b"Feedback-Type")[2].join([b"Feedback-Type", b""]))
        # RFC 5965 section 3.1: required, each once.
        assert [len(fields.get_all(name)) for name in ("Feedback-Type", "User-Agent", "Version")] == [1, 1, 1]
        assert int(fields["Incidents"]) >= 1
        # The sender that it came with: null, but not of every automatic reply.
        sample = email.message_from_string(original.get_content())
        assert fields["Original-Mail-From"] == sample["Return-Path"]
        null.append(sample["Return-Path"] == "<>")
        assert original.get_content().strip()
        assert parse(path.read_bytes()).kind == "feedback-report"
    assert any(null)


def test_from_the_store_as_from_the_mail(home):
    folder, scene = home
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(exist_ok=True)
    for number, message in enumerate(mailbox_of(folder / "in.mbox")):
        (folder / "new" / f"{number}.x").write_bytes(message.raw)
    done = run(folder, "complain", "--out", "early")
    assert done.returncode == 0
    assert "no forged report is remembered" in done.stderr
    assert run(folder, "sweep", "--quiet").returncode == 0
    done = run(folder, "complain", "--out", "stored")
    assert (done.returncode, done.stderr) == (0, "")
    number = check_drafts(folder / "stored", scene)
    assert number >= 5
    mail = run(folder, "complain", "--from", "in.mbox", "--out", "direct")
    assert mail.stdout.replace("direct", "stored") == done.stdout
    refused = run(folder, "complain", "--out", "bundle", "--spamcop")
    assert refused.returncode == 2
    assert "--from" in refused.stderr
    # What the user put back is no reason to complain.
    assert run(folder, "restore", "--all").returncode == 0
    again = run(folder, "complain", "--out", "stored")
    left = number - int(again.stdout.splitlines()[-2].split()[0])
    assert f"{left} older file" in again.stdout.splitlines()[-1]
    again = run(folder, "complain", "--out", "none")
    assert again.stdout.startswith("0 drafts") or int(again.stdout.split()[0]) < int(done.stdout.split()[0])


def test_a_registry_is_asked_only_when_asked(home):
    folder, _ = home
    with registry.running() as server:
        server.answer = registry.says({"entities": [registry.entity("abuse", "abuse@network.test")]})

        def complain(out, *options):
            done = run(
                folder, "complain", "--from", "in.mbox", "--out", out, "--rdap-url", server.url, *options
            )
            assert done.returncode == 0
            return done.stdout, {read(path)["Cc"] for path in (folder / out).glob("*.eml")}

        assert complain("without")[1] == {None}
        assert server.asked == []
        told, copied = complain("with", "--rdap")
        assert copied == {"abuse@network.test"}
        assert "abuse@network.test" in told
        assert len(server.asked) >= 5
        server.answer = lambda _path: (503, {}, [])
        told, copied = complain("failed", "--rdap")
        assert copied == {None}
        assert "the registry answers 503" in told


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
    assert run(folder, "complain", "--out", "x", "--author", "a@b\nBcc: c@d.test").returncode == 2
    assert run(folder, "complain", "--out", "x", "--rdap", "--rdap-url", "http://example.net").returncode == 2
    assert run(folder, "complain", "--out", "config.toml").returncode != 0
    done = run(folder, "complain", "--from", "absent", "--out", "none")
    assert done.returncode == 1
    assert "absent: no such file" in done.stderr

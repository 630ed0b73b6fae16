"""``backscatter ledger`` on the command line; what it reads is tested beside the readers."""

import stat
import subprocess
import sys

import pytest

SENT = b"From: Anna <anna@example.org>\nTo: x@remote.test\nDate: Sun, 01 Mar 2026 09:59:00 +0000\nMessage-ID: <%d@example.org>\n\nhi\n"


@pytest.fixture
def home(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text(
        '[identity]\ndomains = ["example.org"]\n[store]\npath = "state.sqlite3"\n[accounts.m]\nmaildir = "md"\n'
    )
    file.chmod(0o600)
    return tmp_path


def run(home, *arguments, stdin=b""):
    return subprocess.run(
        [sys.executable, "-m", "classifier", "--config", "config.toml", "ledger", *arguments],
        cwd=home, input=stdin, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_import_twice(home):
    (home / "sent").mkdir()
    for number in range(3):
        (home / "sent" / f"{number}.eml").write_bytes(SENT % number)
    done = run(home, "import", "sent", "-", stdin=b"<list1@example.org>\n<list2@example.org>\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"5 read: 5 new, 0 known before, 0 not ours; the ledger holds 5 identifiers\n"
    again = run(home, "import", "sent")
    assert again.stdout == b"3 read: 0 new, 3 known before, 0 not ours; the ledger holds 5 identifiers\n"
    assert stat.S_IMODE((home / "state.sqlite3").stat().st_mode) == 0o600
    assert b"remote.test" not in (home / "state.sqlite3").read_bytes()


def test_a_missing_input_costs_itself(home):
    (home / "ids.txt").write_text("<1@example.org>\n")
    done = run(home, "import", "absent", "ids.txt")
    assert done.returncode == 1
    [row] = done.stderr.decode().splitlines()
    assert row.startswith("backscatter: absent: ")
    assert done.stdout.startswith(b"1 read: 1 new")


def test_sync_reads_the_sent_folder(home):
    for folder in (home / "md", home / "md" / ".Sent"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    for number in range(4):
        (home / "md" / ".Sent" / "cur" / f"{number}:2,S").write_bytes(SENT % number)
    done = run(home, "sync")
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"m: 4 new, 0 known before\n")
    assert run(home, "sync", "--account", "m").stdout == b"m: 0 new, 0 known before\n"
    unknown = run(home, "sync", "--account", "other")
    assert (unknown.returncode, b"no account 'other'" in unknown.stderr) == (2, True)
    assert run(home, "import", "absent").returncode == 1


def maildir(home):
    for folder in (home / "md", home / "md" / ".Sent"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    return home / "md" / ".Sent" / "cur"


def test_a_copy_without_a_message_id_is_a_hole(home):
    """Some programs leave the Message-ID to the server, and keep their copy before: reports name one that nobody knows."""
    sent = maildir(home)
    (sent / "1:2,S").write_bytes(SENT % 1)
    (sent / "2:2,S").write_bytes((SENT % 2).replace(b"Message-ID: <2@example.org>\n", b""))
    assert run(home, "sync").stdout == b"m: 1 new, 0 known before\n"
    assert b"* 2026-03-01 09:59 - " in run(home, "sources").stdout
    (home / "old.eml").write_bytes((SENT % 2).replace(b"Message-ID: <2@example.org>\n", b""))
    run(home, "import", "old.eml")
    assert b"  2026-03-01 09:59 - " in run(home, "sources").stdout


def test_sources_and_their_end(home):
    stamp = "2026-03-0{} 10:00:00 +0000"
    (home / "mainlog.1").write_text(
        f"{stamp.format(1)} 1rAbCd-000123-4x <= anna@example.org U=anna P=local S=7 id=1@example.org\n"
        f"{stamp.format(2)} 1rAbCd-000123-4x Completed\n"
    )
    (home / "mainlog").write_text(f"{stamp.format(8)} End queue run: pid=1\n")
    assert run(home, "import", "mainlog.1").returncode == 0
    done = run(home, "import", "mainlog-20260308")
    assert done.returncode == 1
    (home / "mainlog").rename(home / "mainlog-20260308")
    done = run(home, "import", "mainlog-20260308")
    assert (done.returncode, b"mainlog: lines are missing before 2026-03-08 10:00 UTC" in done.stdout) == (
        0,
        True,
    )
    assert run(home, "sources").stdout == b"* 2026-03-08 10:00 - 2026-03-08 10:00 UTC  log     mainlog\n"
    assert run(home, "sources", "--forget", "other").returncode != 0
    assert run(home, "sources", "--forget", "mainlog").stdout == b""


def test_sources_of_a_ledger_that_has_none(home):
    assert run(home, "sources", "--forget", "mainlog").stderr.startswith(
        b"backscatter: ledger: there is no source 'mainlog'"
    )
    assert b"nothing was read yet" in run(home, "sources").stdout


def test_mail_of_every_customer_is_learnt(home):
    """One ledger serves all: what a tenant sent is not foreign."""
    with (home / "config.toml").open("a") as file:
        file.write('[tenants.baker]\ndomains = ["baker.example"]\n')
    (maildir(home) / "1:2,S").write_bytes((SENT % 1).replace(b"anna@example.org", b"bob@baker.example"))
    (home / "mainlog").write_text(
        "2026-03-01 10:00:00 +0000 1rAbCd-000123-4x <= bob@baker.example H=localhost [127.0.0.1] P=esmtp S=7 id=2@baker.example\n"
    )
    assert run(home, "sync").stdout == b"m: 1 new, 0 known before\n"
    assert run(home, "import", "mainlog").stdout.startswith(b"1 read: 1 new")

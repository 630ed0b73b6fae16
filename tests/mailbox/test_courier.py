"""Courier: no MOVE, no special uses, everything below INBOX, and SELECT does not tell UIDNEXT."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from classifier.mailbox.agent import at_work
from classifier.mailbox.connection import Timeouts
from classifier.mailbox.restore import Wanted, restore
from classifier.mailbox.upkeep import Upkeep
from classifier.store.database import Database
from classifier.store.judged import JudgedMail
from tests.mailbox.courier import courier
from tests.mailbox.interference import many_clients
from tests.mailbox.proxy import Fault, Proxy
from tests.mailbox.support import MarkedMail, imap_work, mail, run
from tests.mailbox.test_watch import watching
from tests.support import server_folder


@pytest.fixture(scope="module")
def server():
    with courier(server_folder("courier")) as running:
        yield running


@pytest.fixture
def user(server):
    found = server.user()
    for n in range(3):
        found.deliver(mail("forged", n), flags="F" if n == 1 else "")
        found.deliver(mail("ordinary", n))
    return found


def test_sweep_and_restore(server, user, tmp_path):
    times = {p.read_bytes(): p.stat().st_mtime for p in user.files("INBOX")}
    examiner = MarkedMail()
    work = imap_work(server.server(), server.login(user), quarantine="Spam/Rückläufer", examiner=examiner)
    store = tmp_path / "s.sqlite3"
    result, recorder = run(work, store)
    assert (result.exit_status, result.counts.quarantined) == (0, 3), recorder.warnings
    (folder,) = (p for p in user.maildir.iterdir() if p.name.startswith(".Spam."))
    assert server.census(user).keys() == {"INBOX", "INBOX.Spam.Rückläufer"}
    there = {p.read_bytes(): p for p in (folder / "cur").iterdir()}
    assert there.keys() | {p.read_bytes() for p in user.files("INBOX")} == times.keys()
    assert len(there) + len(user.files("INBOX")) == 6
    flagged = there[mail("forged", 1)]
    assert "F" in flagged.name.rpartition(",")[2]
    assert not any("S" in p.name.rpartition(":2,")[2] for p in user.files("INBOX"))
    assert run(work, store)[0].counts.looked_at == 0
    assert examiner.examined == 3
    user.deliver(mail("forged", 9))
    user.deliver(mail("forged", 10), flags="T")  # somebody else's deletion
    result, _ = run(work, store)
    assert (result.counts.looked_at, result.counts.quarantined) == (2, 1)
    assert len(restore(work, store, Wanted(text="forged 1")).moved) == 1
    assert {p.read_bytes(): p.stat().st_mtime for p in user.files("INBOX")}.items() <= {
        **times,
        mail("forged", 10): next(
            p.stat().st_mtime for p in user.files("INBOX") if b"forged 10" in p.read_bytes()
        ),
    }.items()
    assert run(work, store)[0].counts.quarantined == 0


def test_what_users_drag_is_learnt_from(server, user, tmp_path):
    user.make_folder("Backscatter")
    user.deliver(mail("ordinary", 50), "Backscatter")  # was there before
    work = imap_work(server.server(), server.login(user))
    store = tmp_path / "s.sqlite3"
    run(work, store)
    with server.client(user) as client:
        client.select_folder("INBOX")
        (uid, *_) = client.search(["SUBJECT", "ordinary 2"])
        client.copy([uid], "INBOX.Backscatter")
        client.delete_messages([uid])
        client.uid_expunge([uid])
        client.select_folder("INBOX.Backscatter")
        (uid,) = client.search(["SUBJECT", "forged 0"])
        client.copy([uid], "INBOX")
        client.delete_messages([uid])
        client.uid_expunge([uid])
    assert run(work, store)[0].counts.quarantined == 0
    with Database.open(store) as database:
        learnt = JudgedMail(database).corrections("main")
    assert {(c.message_id, c.label) for c in learnt} == {
        ("<forged.0@mx.remote.test>", "genuine"),
        ("<ordinary.2@mx.remote.test>", "forged"),
    }


@pytest.mark.parametrize("kind", ["drop-late", "no-late", "no", "cut"])
@pytest.mark.parametrize("command", ["UID COPY", "UID EXPUNGE"])
def test_faults(server, user, tmp_path, kind, command):
    before = user.census()["INBOX"]
    store = tmp_path / "s.sqlite3"
    with Proxy(server.port, Fault(kind, command=command, cut_at=10)) as proxy:
        work = imap_work(server.server(proxy.port), server.login(user), timeouts=Timeouts(2, 2))
        run(work, store, backoff=())
        assert proxy.struck
    result, recorder = run(imap_work(server.server(), server.login(user)), store)
    assert result.exit_status == 0, recorder.warnings
    after = user.census()
    assert sum(after.values(), Counter()) == before
    assert sum(after["Backscatter"].values()) == 3


def test_watching(server, user, tmp_path):
    with watching([imap_work(server.server(), server.login(user))], tmp_path / "s.sqlite3"):
        user.deliver(mail("forged", 7), flags=None)
        started = time.monotonic()
        while len(user.files("Backscatter")) < 4:
            assert time.monotonic() - started < 5
            time.sleep(0.05)


def test_messages_that_vanish_between_look_and_move(server, tmp_path):
    user = server.user()
    for n in range(6):
        user.deliver(mail("forged", n))

    class Interfering(MarkedMail):
        def examine(self, raw, envelope):
            if self.examined == 5:
                with server.client(user) as client:
                    client.select_folder("INBOX")
                    gone = client.search()[1:4:2]
                    client.delete_messages(gone)
                    client.uid_expunge(gone)
            return super().examine(raw, envelope)

    work = imap_work(server.server(), server.login(user), examiner=Interfering())
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert (result.exit_status, result.counts.quarantined) == (0, 4), recorder.warnings
    assert len(user.files("Backscatter")) == 4
    assert user.files("INBOX") == []


def test_a_folder_that_is_deleted_in_mid_sweep_and_made_anew(server, user, tmp_path):
    user.make_folder("Other")
    for n in range(3):
        user.deliver(mail("forged", 20 + n), "Other")

    class Interfering(MarkedMail):
        def examine(self, raw, envelope):
            if self.examined == 1:
                with server.client(user) as client:
                    client.delete_folder("INBOX.Other")
            return super().examine(raw, envelope)

    folders = ("INBOX.Other", "INBOX")
    work = imap_work(server.server(), server.login(user), folders=folders, examiner=Interfering())
    result, _ = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status in {0, 1}
    user.make_folder("Other")
    for n in range(3):
        user.deliver(mail("forged", 30 + n), "Other")
    work = imap_work(server.server(), server.login(user), folders=folders)
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 0, recorder.warnings
    assert user.files("Other") == []
    quarantined = [p.read_bytes() for p in user.files("Backscatter")]
    assert {mail("forged", n) for n in (0, 1, 2, 30, 31, 32)} <= set(quarantined)
    assert len(quarantined) == len(set(quarantined))


def test_fifty_clients_mark_and_expunge_meanwhile(server, tmp_path):
    user = server.user()
    for n in range(100):
        user.deliver(mail("forged" if n % 2 else "ordinary", n))
    before = user.census()["INBOX"]
    with server.client(user) as client:
        client.select_folder("INBOX")
        ordinary = client.search(["SUBJECT", "ordinary"])
    with many_clients(server, user, ordinary) as failures:
        run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert failures == []
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert result.exit_status == 0, recorder.warnings
    after = user.census()
    assert not sum(after.values(), Counter()) - before, "doubled"
    assert {p.read_bytes() for p in user.files("Backscatter")} == {
        mail("forged", n) for n in range(100) if n % 2
    }


def test_bytes_that_are_no_text(server, tmp_path):
    user = server.user()
    odd = [
        mail("forged", 1) + b"\x00" * 5000 + b"\xff\xfe",
        mail("forged", 2).replace(b"Subject: ", b"Subject: \x00\xff"),
        mail("forged", 3).replace(b"\n\n", b"\n" + b"X-Long: " + b"y" * 200_000 + b"\n\n", 1),
        mail("forged", 4, size=3_000_000),
    ]
    for raw in odd:
        user.deliver(raw)
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert result.counts.looked_at == 4, recorder.warnings
    left = [p.read_bytes() for p in (*user.files("INBOX"), *user.files("Backscatter"))]
    assert sorted(left) == sorted(odd)
    assert len(user.files("Backscatter")) == result.counts.quarantined


def test_upkeep(server, user, tmp_path):
    store = tmp_path / "s.sqlite3"
    work = imap_work(server.server(), server.login(user), digest_to="anna@example.org")
    before = user.census()["INBOX"]
    assert run(work, store)[0].counts.quarantined == 3
    (digest,) = [p for p in user.files("INBOX") if b"X-Verdict" not in p.read_bytes()]
    assert b"3 reports" in digest.read_bytes()
    assert run(work, store)[0].exit_status == 0
    digest.unlink()
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert upkeep.expire(30, now=time.time() + 31 * 86400) == 3
        assert upkeep.expire(30, now=time.time() + 31 * 86400) == 0
    assert user.files("Backscatter") == []
    assert len(user.files("Trash")) == 3
    assert sum(user.census().values(), Counter()) == before

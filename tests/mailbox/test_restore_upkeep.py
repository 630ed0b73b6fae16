"""What comes back, what is learnt from users' own moves, and what becomes of old quarantine."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from classifier.identity import Identity
from classifier.mailbox.agent import at_work
from classifier.mailbox.restore import Wanted, restore
from classifier.mailbox.sync import sync_ledger
from classifier.mailbox.upkeep import Upkeep
from classifier.store.database import Database
from classifier.store.journal import Journal
from classifier.store.judged import JudgedMail
from classifier.store.ledger import SqliteLedger
from tests.mailbox.support import MarkedMail, mail, run


def inbox(user):
    return sorted(p.read_bytes().partition(b"Subject: ")[2].partition(b"\n")[0] for p in user.files("INBOX"))


def register(store):
    """Return where each quarantined message stands."""
    with Database.open(store, readonly=True) as database:
        rows = database.connection.execute("SELECT subject, state FROM move WHERE purpose = 'quarantine'")
        return dict(rows.fetchall())


def test_restored_messages_come_back_and_stay(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    before = {p.read_bytes(): p.stat().st_mtime_ns for p in user.files("INBOX")}
    assert run(work, store)[0].counts.quarantined == 4
    with Database.open(store) as database:
        rows = Journal(database).quarantined("main")
    assert [r.subject for r in rows] == [f"forged {n}" for n in range(4)]
    result = restore(work, store, Wanted(ids=frozenset({rows[1].id})))
    assert [m.subject for m in result.moved] == ["forged 1"]
    result = restore(work, store, Wanted(text="FORGED 2"))
    assert [m.subject for m in result.moved] == ["forged 2"]
    assert b"forged 1" in inbox(user)
    assert len(user.files("Backscatter")) == 2
    flagged = next(p for p in user.files("INBOX") if b"forged 1" in p.read_bytes())
    assert "F" in flagged.name.partition(":2,")[2]
    for _ in range(2):
        assert run(work, store)[0].counts.quarantined == 0
    assert register(store) == {
        "forged 0": "done",
        "forged 1": "returned",
        "forged 2": "returned",
        "forged 3": "done",
    }
    assert restore(work, store, Wanted(since=datetime.now(UTC) + timedelta(hours=1))).moved == []
    result = restore(work, store, Wanted(since=datetime.now(UTC) - timedelta(hours=1)))
    assert len(result.moved) == 2
    assert {p.read_bytes(): p.stat().st_mtime_ns for p in user.files("INBOX")} == before
    assert restore(work, store, Wanted()).moved == []
    with Database.open(store) as database:
        assert {(c.label, c.how) for c in JudgedMail(database).corrections("main")} == {
            ("genuine", "restored")
        }


def test_what_the_register_says_of_a_message(account, tmp_path):
    user, work = account
    received = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    user.deliver(mail("forged", 9), received=received)
    run(work, tmp_path / "store.sqlite3")
    with Database.open(tmp_path / "store.sqlite3") as database:
        row = Journal(database).quarantined("main")[-1]
    assert (row.purpose, row.source, row.kind, row.probability, row.reason) == (
        "quarantine", "INBOX", "dsn", 0.999, "marked",
    )  # fmt: skip
    assert (row.message_id, row.subject) == ("<forged.9@mx.remote.test>", "forged 9")
    assert row.sender == "Mail Delivery System <MAILER-DAEMON@mx.remote.test>"
    assert row.received == received.timestamp()
    assert abs(row.at - time.time()) < 60


def test_messages_whose_keys_in_quarantine_changed_are_found(account, tmp_path):
    """An index that was lost, or another program that names files otherwise; two of them are the same in every byte."""
    user, work = account
    store = tmp_path / "store.sqlite3"
    for _ in range(2):
        user.deliver(mail("forged", 5, message_id=False))
    before = user.census()["INBOX"]
    assert run(work, store)[0].counts.quarantined == 6
    for number, path in enumerate(user.files("Backscatter")):
        path.rename(path.with_name(f"{1700000000 + number}.anew:2,"))
    for path in user.folder("Backscatter").glob("dovecot*"):
        path.unlink()
    if user.name != "local":
        (user.folder("Backscatter") / "dovecot-uidlist").write_text(f"3 V77 N200 G{7:032}\n")
    result = restore(work, store, Wanted())
    assert (len(result.moved), result.missing, result.refused) == (6, [], {})
    assert user.census()["INBOX"] == before
    assert user.files("Backscatter") == []


def test_what_is_no_longer_in_quarantine_is_told(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    next(p for p in user.files("Backscatter") if b"forged 3" in p.read_bytes()).unlink()
    result = restore(work, store, Wanted())
    assert [m.subject for m in result.missing] == ["forged 3"]
    assert len(result.moved) == 3


def test_a_message_dragged_into_quarantine_is_learnt_and_can_be_restored(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    path = next(p for p in user.files("INBOX") if b"ordinary 2" in p.read_bytes())
    target = user.folder("Backscatter") / "cur" / f"99.dragged{path.name.partition(':')[2] and ':2,'}"
    path.rename(target)
    run(work, store)
    with Database.open(store) as database:
        (correction,) = JudgedMail(database).corrections("main")
    assert (correction.label, correction.how, correction.message_id) == (
        "forged", "dragged", "<ordinary.2@mx.remote.test>",
    )  # fmt: skip
    assert len(restore(work, store, Wanted(text="ordinary")).moved) == 1
    run(work, store)
    with Database.open(store) as database:
        assert [c.label for c in JudgedMail(database).corrections("main")] == ["genuine"]


def test_a_quarantine_that_was_there_before_teaches_nothing(account, tmp_path):
    user, work = account
    user.make_folder("Backscatter")
    user.deliver(mail("ordinary", 50), "Backscatter")
    for _ in range(2):
        run(work, tmp_path / "store.sqlite3")
    with Database.open(tmp_path / "store.sqlite3") as database:
        assert JudgedMail(database).corrections("main") == []


def test_old_reports_go_to_trash_and_nothing_is_expunged(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert upkeep.expire(0) == 0
        assert upkeep.expire(30) == 0
        assert upkeep.expire(30, now=time.time() + 31 * 86400) == 4
        assert register(store) == {f"forged {n}": "expired" for n in range(4)}
        assert upkeep.expire(30, now=time.time() + 31 * 86400) == 0
    assert len(user.files("Trash")) == 4
    assert user.files("Backscatter") == []


def test_the_digest_comes_once_a_day_and_is_not_judged(account, tmp_path):
    user, work = account
    work = replace(work, job=replace(work.job, digest_to="anna@example.org"))
    store = tmp_path / "store.sqlite3"
    run(work, store)
    (digest,) = [p for p in user.files("INBOX") if b"X-Verdict" not in p.read_bytes()]
    text = digest.read_bytes()
    assert b"4 reports" in text
    assert b"forged 3" in text
    assert "S" not in digest.name.partition(":2,")[2]
    user.deliver(mail("forged", 9))
    result, _ = run(work, store)
    assert result.counts.quarantined == 1
    assert result.counts.errors == 0
    assert len([p for p in user.files("INBOX") if b"X-Verdict" not in p.read_bytes()]) == 1
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert upkeep.digest("anna@example.org", datetime.now(UTC) + timedelta(days=1, minutes=1))
        assert not upkeep.digest("anna@example.org", datetime.now(UTC) + timedelta(days=3))
    last = [p.read_bytes() for p in user.files("INBOX") if b"X-Verdict" not in p.read_bytes()]
    assert sum(b"1 report " in text for text in last) == 1


def test_a_digest_is_not_judged_by_whoever_takes_all_for_reports(account, tmp_path):
    class Curious(MarkedMail):
        def may_be_report(self, headers, mail_from):
            return True

    user, work = account
    examiner = Curious()
    work = replace(work, job=replace(work.job, digest_to="anna@example.org"), make_examiner=lambda: examiner)
    for _ in range(2):
        assert run(work, tmp_path / "store.sqlite3")[0].exit_status == 0
        assert examiner.examined == 8
    assert len(user.files("INBOX")) == 5


def test_a_clock_that_was_years_ahead_costs_no_digest(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    now = datetime.now(UTC)
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert upkeep.digest("anna@example.org", now + timedelta(days=20_000))
    user.deliver(mail("forged", 9))
    run(work, store)
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert upkeep.digest("anna@example.org", now)
    user.deliver(mail("forged", 10))
    run(work, store)
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert not upkeep.digest("anna@example.org", now + timedelta(hours=1)), "one a day"
        assert upkeep.digest("anna@example.org", now + timedelta(days=2))


def test_the_ledger_learns_from_the_sent_folder(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    for n in range(3):
        user.deliver(
            b"From: anna@example.org\nTo: friend%d@example.com\nMessage-ID: <m%d@example.org>\n"
            b"Date: Sun, 1 Mar 2026 10:00:00 +0000\n\nhello\n" % (n, n),
            "Sent",
        )
    identity = Identity(domains=("example.org",))
    assert sync_ledger(work, "auto", store, identity).added == 3
    user.deliver(
        b"From: anna@example.org\nTo: x@example.com\nMessage-ID: <m9@example.org>\n\nhello\n", "Sent"
    )
    assert sync_ledger(work, "Sent", store, identity).added == 1
    with Database.open(store) as database:
        ledger = SqliteLedger(database)
        assert ledger.find("<m1@example.org>").wrote_to("friend1@example.com")
        assert ledger.covered_until() is not None

"""Sweeps of a Maildir on disk, with no server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from classifier.errors import MailboxError
from classifier.mailbox import inspection, maildir
from classifier.mailbox.maildir import MaildirMailbox
from classifier.store.database import Database
from classifier.store.journal import Journal
from classifier.store.judged import JudgedMail, Memory
from classifier.vocabulary import Action
from tests.mailbox.dovecot import User
from tests.mailbox.support import MarkedMail, mail, maildir_work, run


@pytest.fixture
def user(tmp_path):
    found = User("local", tmp_path / "mail" / "Maildir", (-1, -1))
    found.make_folder("INBOX")
    for kind, number in (("ordinary", 4), ("forged", 3), ("genuine", 2), ("unsure", 1)):
        for n in range(number):
            found.deliver(mail(kind, n), flags=None if n % 2 else "S")
    return found


def test_forged_reports_move_with_flags_times_and_place(user, tmp_path):
    before = {p.name: (p.parent.name, p.stat().st_mtime_ns, p.read_bytes()) for p in user.files("INBOX")}
    examiner = MarkedMail()
    result, recorder = run(maildir_work(user.maildir, examiner=examiner), tmp_path / "store.sqlite3")
    assert result.exit_status == 0
    assert result.counts.as_dict() == {
        "looked_at": 10, "reports": 6, "quarantined": 3, "kept": 2, "unsure": 1, "errors": 0,
    }  # fmt: skip
    assert examiner.examined == 6
    assert [m.action for m in recorder.messages].count(Action.QUARANTINE) == 3
    after = {
        p.name: (p.parent.name, p.stat().st_mtime_ns, p.read_bytes())
        for folder in ("INBOX", "Backscatter")
        for p in user.files(folder)
    }
    assert after == before
    assert {b"forged" in p.read_bytes() for p in user.files("Backscatter")} == {True}
    assert (user.folder("Backscatter") / "maildirfolder").exists()


def test_a_second_sweep_looks_at_new_mail_only(user, tmp_path):
    store = tmp_path / "store.sqlite3"
    run(maildir_work(user.maildir), store)
    for path in (user.maildir / "new").iterdir():  # another program looks at them
        path.rename(user.maildir / "cur" / f"{path.name}:2,S")
    assert run(maildir_work(user.maildir), store)[0].counts.looked_at == 0
    user.deliver(mail("forged", 9), flags=None)
    result, _ = run(maildir_work(user.maildir), store)
    assert (result.counts.looked_at, result.counts.quarantined) == (1, 1)


def test_nothing_is_kept_of_messages_that_are_gone(user, tmp_path):
    store = tmp_path / "store.sqlite3"

    def kept():
        with Database.open(store, readonly=True) as database:
            return {
                key
                for (key,) in database.connection.execute(
                    "SELECT key FROM folder_seen WHERE folder = 'INBOX'"
                )
            }

    run(maildir_work(user.maildir), store)
    assert len(kept()) == 10
    for path in user.files("INBOX"):
        path.unlink()
    new = user.deliver(mail("ordinary", 99))
    result, _ = run(maildir_work(user.maildir), store)
    assert result.counts.looked_at == 1
    assert kept() == {new.name.partition(":")[0]}


def test_a_large_inbox_is_listed_no_more_often_than_a_small_one(tmp_path, monkeypatch):
    monkeypatch.setattr(maildir, "BATCH", 5)
    listings = []
    names = maildir.message_names
    monkeypatch.setattr(maildir, "message_names", lambda folder: (listings.append(folder), names(folder))[1])
    counts = []
    for size in (20, 200):
        user = User("local", tmp_path / f"mail{size}" / "Maildir", (-1, -1))
        user.make_folder("INBOX")
        for n in range(size):
            user.deliver(mail("forged" if n % 2 else "ordinary", n), flags="S")
        listings.clear()
        result, _ = run(maildir_work(user.maildir), tmp_path / f"{size}.sqlite3")
        assert result.counts.quarantined == size // 2
        counts.append(len([folder for folder in listings if folder == user.maildir]))
    assert counts[0] == counts[1] < 4


def test_what_came_into_quarantine_since_it_was_listed_is_not_replaced(user, tmp_path):
    mailbox = MaildirMailbox(user.maildir, "main")
    mailbox.ensure("Backscatter")
    mailbox.open("INBOX", write=True)
    (batch,) = mailbox.new(Memory())
    first, second = (m for m in batch.messages if b"forged" in m.headers and "\\Seen" in m.flags)
    assert mailbox.move([first.key], "Backscatter") == {first.key: first.key}
    (name,) = (p.name for p in user.files("INBOX") if p.name.startswith(second.key))
    there = user.folder("Backscatter") / "cur" / name
    there.write_bytes(b"another program's")
    moved = mailbox.move([second.key], "Backscatter")
    assert moved[second.key] != second.key
    assert there.read_bytes() == b"another program's"
    assert len(list(user.files("Backscatter"))) == 3


def test_new_mail_is_found_by_who_keeps_the_mailbox_open(user):
    mailbox = MaildirMailbox(user.maildir, "main")
    known: set[str] = set()
    for number in (10, 0, 1):
        if number == 1:
            user.deliver(mail("forged", 77), flags=None)
        mailbox.open("INBOX", write=True)
        found = [key for batch in mailbox.new(Memory(keys=frozenset(known))) for key in batch.names]
        known.update(found)
        assert len(found) == number


def test_what_the_user_takes_back_stays(user, tmp_path):
    store = tmp_path / "store.sqlite3"
    run(maildir_work(user.maildir), store)
    path = user.files("Backscatter")[0]
    path.rename(user.maildir / "cur" / "9999.back:2,S")
    result, told = run(maildir_work(user.maildir, dry_run=True), store)
    assert (result.exit_status, result.counts.quarantined) == (0, 0)
    assert [m.note for m in told.messages] == ["kept: you took it out of quarantine"]
    for _ in range(2):
        assert run(maildir_work(user.maildir), store)[0].counts.quarantined == 0
    assert len(user.files("Backscatter")) == 2
    with Database.open(store) as database:
        assert len(Journal(database).quarantined("main")) == 2
        assert [(c.label, c.how) for c in JudgedMail(database).corrections("main")] == [
            ("genuine", "dragged")
        ]


def test_a_name_that_is_taken_in_quarantine_is_not_overwritten(user, tmp_path):
    forged = next(p for p in user.files("INBOX") if b"forged 0" in p.read_bytes())
    user.make_folder("Backscatter")
    other = user.folder("Backscatter") / "cur" / f"{forged.name.partition(':')[0]}:2,"
    other.write_bytes(b"Subject: something else\n\n")
    run(maildir_work(user.maildir), tmp_path / "store.sqlite3")
    assert other.read_bytes() == b"Subject: something else\n\n"
    assert len(user.files("Backscatter")) == 4


def test_the_layout_that_is_there_is_kept(user, tmp_path):
    for part in ("cur", "new", "tmp"):
        (user.maildir / "Archive" / part).mkdir(parents=True)
    run(maildir_work(user.maildir, quarantine="Rückläufer"), tmp_path / "store.sqlite3")
    assert len(list((user.maildir / "R&APw-ckl&AOQ-ufer" / "cur").iterdir())) == 2
    assert len(list((user.maildir / "R&APw-ckl&AOQ-ufer" / "new").iterdir())) == 1


def test_keywords_keep_their_meaning(user, tmp_path):
    forged = next(p for p in user.files("INBOX") if b"forged 0" in p.read_bytes())
    forged.rename(forged.with_name(forged.name.partition(":")[0] + ":2,FSab"))
    (user.maildir / "dovecot-keywords").write_text("0 $Label1\n1 work\n")
    user.make_folder("Backscatter")
    (user.folder("Backscatter") / "dovecot-keywords").write_text("0 work\n")
    run(maildir_work(user.maildir), tmp_path / "store.sqlite3")
    moved = next(p for p in user.files("Backscatter") if b"forged 0" in p.read_bytes())
    assert moved.name.endswith(":2,FSab")
    names = (user.folder("Backscatter") / "dovecot-keywords").read_text()
    assert names == "0 work\n1 $Label1\n"
    assert not (user.folder("Backscatter") / "dovecot-uidlist.lock").exists()


def test_a_dry_run_changes_nothing(user, tmp_path):
    before = user.census()
    result, _ = run(maildir_work(user.maildir, dry_run=True), tmp_path / "store.sqlite3")
    assert (result.exit_status, result.counts.quarantined) == (0, 3)
    assert user.census() == before
    assert not (tmp_path / "store.sqlite3").exists()
    run(maildir_work(user.maildir), tmp_path / "store.sqlite3")
    user.deliver(mail("forged", 9))
    before = user.census()
    result, told = run(maildir_work(user.maildir, dry_run=True), tmp_path / "store.sqlite3")
    assert (result.exit_status, result.counts.quarantined) == (0, 1), told.warnings
    assert user.census() == before


def test_what_is_no_maildir_is_an_error_in_one_line(tmp_path):
    result, recorder = run(maildir_work(tmp_path / "nowhere"), tmp_path / "store.sqlite3")
    assert result.exit_status == 1
    assert "no Maildir" in str(recorder.warnings[0])
    assert "\n" not in str(recorder.warnings[0])


def test_odd_messages_are_looked_at(tmp_path):
    user = User("odd", tmp_path / "Maildir", (-1, -1))
    user.make_folder("INBOX")
    for raw in (
        b"",
        b"\n",
        b"\x00\x00\x00",
        b"X: " + b"y" * 200_000,
        mail("forged", 1) + b"\x00" * 100,
        b"\r\n\r\n",
    ):
        user.deliver(raw)
    result, _ = run(maildir_work(user.maildir), tmp_path / "store.sqlite3")
    assert result.counts.looked_at == 6
    assert result.counts.quarantined == 1
    assert result.exit_status == 0


@pytest.mark.parametrize("name", ["cur", "a/new", "..", "./."])
def test_names_that_are_no_folder(tmp_path, name):
    user = User("odd", tmp_path / "Maildir", (-1, -1))
    user.make_folder("INBOX")
    with pytest.raises(MailboxError):
        MaildirMailbox(user.maildir, "main").ensure(name)
    assert sorted(p.name for p in user.maildir.iterdir()) == ["cur", "new", "tmp"]


def test_internaldate_is_the_files_time(tmp_path):
    user = User("odd", tmp_path / "Maildir", (-1, -1))
    received = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
    key = user.deliver(mail("forged", 1), received=received).name.partition(":")[0]
    mailbox = MaildirMailbox(user.maildir, "main")
    mailbox.open("INBOX", write=False)
    assert [m.received_at for m in mailbox.look([key])] == [received]


@pytest.mark.parametrize("aside", [False, True])
def test_a_message_is_judged_by_when_it_was_received_and_who_sent_it(user, tmp_path, aside, monkeypatch):
    monkeypatch.setattr(inspection, "MANY", 2)
    envelopes = []

    class Listening(MarkedMail):
        def _examined(self, headers, envelope):
            envelopes.append(envelope)
            return super()._examined(headers, envelope)

    received = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
    user.deliver(mail("forged", 9), received=received)
    result, _ = run(maildir_work(user.maildir, examiner=Listening(), aside=aside), tmp_path / "store.sqlite3")
    assert (result.exit_status, len(envelopes)) == (0, 7)
    assert {e.mail_from for e in envelopes} == {""}
    assert [e.received_at for e in envelopes if e.received_at < datetime(2026, 1, 1, tzinfo=UTC)] == [
        received
    ]


def test_the_number_that_mbsync_keeps_in_a_name_is_no_part_of_a_message(user, tmp_path):
    store = tmp_path / "store.sqlite3"
    forged = next(p for p in user.files("INBOX") if b"X-Verdict: forged" in p.read_bytes())
    forged.rename(user.maildir / "cur" / f"{forged.name.partition(':')[0]},U=7:2,S")
    assert run(maildir_work(user.maildir), store)[0].counts.quarantined == 3
    assert [p.name for p in user.files("Backscatter") if ",U=" in p.name] == []
    for number, path in enumerate(user.files("INBOX")):  # mbsync numbers what is new to it
        base, colon, flags = path.name.partition(":")
        path.rename(path.with_name(f"{base},U={number}{colon}{flags}"))
    assert run(maildir_work(user.maildir), store)[0].counts.looked_at == 0

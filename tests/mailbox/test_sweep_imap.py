"""Sweeps of a real Dovecot: what moves, what stays, and what nobody may notice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from classifier.store import journal, judged
from classifier.store.database import Database
from classifier.vocabulary import Action
from tests.mailbox.support import MarkedMail, imap_work, mail, run


def fill(user, forged=3, genuine=2, unsure=1, ordinary=4, **options):
    """Deliver some of each, one after the other."""
    for kind, number in (
        ("ordinary", ordinary),
        ("forged", forged),
        ("genuine", genuine),
        ("unsure", unsure),
    ):
        for n in range(number):
            user.deliver(mail(kind, n), **options)


def subjects(user, folder):
    """Return the subjects in a folder on disk."""
    found = []
    for path in user.files(folder):
        lines = path.read_bytes().split(b"\n")
        found.append(next(line for line in lines if line.startswith(b"Subject: "))[9:].decode())
    return sorted(found)


@pytest.mark.parametrize("security", ["plain", "tls", "starttls"])
def test_forged_reports_leave_the_inbox(moving_server, tmp_path, security):
    user = moving_server.user()
    fill(user)
    before = sum(user.census()["INBOX"].values())
    examiner = MarkedMail()
    work = imap_work(moving_server.server(security), moving_server.login(user), examiner=examiner)
    result, recorder = run(work, tmp_path / "store.sqlite3")
    assert result.exit_status == 0
    assert result.counts.as_dict() == {
        "looked_at": 10, "reports": 6, "quarantined": 3, "kept": 2, "unsure": 1, "errors": 0,
    }  # fmt: skip
    assert subjects(user, "Backscatter") == ["forged 0", "forged 1", "forged 2"]
    assert sum(user.census()["INBOX"].values()) == before - 3
    assert examiner.examined == 6, "bodies of ordinary mail must not be fetched"
    assert [m.action for m in recorder.messages].count(Action.QUARANTINE) == 3
    assert recorder.messages[0].source == "main/INBOX#5"


def test_bytes_flags_keywords_and_dates_stay(moving_server, tmp_path):
    user = moving_server.user()
    received = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    path = user.deliver(mail("forged", 1), flags="FS", received=received)
    raw = path.read_bytes()
    with moving_server.client(user) as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"$Label1", b"\\Answered"])
    run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "store.sqlite3")
    with moving_server.client(user) as client:
        client.select_folder("Backscatter")
        found = client.fetch([1], ["FLAGS", "INTERNALDATE"])
        (message,) = found.values()
        assert set(message[b"FLAGS"]) - {b"\\Recent"} == {b"\\Flagged", b"\\Seen", b"\\Answered", b"$Label1"}
        assert message[b"INTERNALDATE"] == received
    assert user.files("INBOX") == []
    assert [p.read_bytes() for p in user.files("Backscatter")] == [raw]


def test_looking_marks_nothing_as_seen(moving_server, tmp_path):
    user = moving_server.user()
    fill(user)
    run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "store.sqlite3")
    with moving_server.client(user) as client:
        for folder in ("INBOX", "Backscatter"):
            client.select_folder(folder, readonly=True)
            assert client.search("SEEN") == []
            assert client.search("DELETED") == []


def test_messages_that_others_marked_as_deleted_stay(moving_server, tmp_path):
    user = moving_server.user()
    fill(user)
    user.deliver(mail("ordinary", 99), flags="T")
    user.deliver(mail("forged", 99), flags="T")
    run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "store.sqlite3")
    assert "ordinary 99" in subjects(user, "INBOX")
    assert "forged 99" in subjects(user, "INBOX")
    with moving_server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        assert len(client.search("DELETED")) == 2


def test_without_move_and_uidplus_nothing_moves_and_it_says_so(server_without_both, tmp_path):
    server = server_without_both
    user = server.user()
    fill(user)
    before = user.census()
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "store.sqlite3")
    assert user.census() == before
    assert result.counts.quarantined == 0
    assert result.counts.errors == 3
    assert result.exit_status == 1
    assert "neither MOVE nor UIDPLUS" in str(recorder.warnings[0])
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search("DELETED") == []


def test_a_second_sweep_looks_at_new_mail_only(moving_server, tmp_path):
    user = moving_server.user()
    fill(user)
    examiner = MarkedMail()
    work = imap_work(moving_server.server(), moving_server.login(user), examiner=examiner)
    run(work, tmp_path / "store.sqlite3")
    result, _ = run(work, tmp_path / "store.sqlite3")
    assert result.counts.looked_at == 0
    assert examiner.examined == 6
    user.deliver(mail("forged", 50), flags=None)
    user.deliver(mail("ordinary", 50), flags=None)
    result, _ = run(work, tmp_path / "store.sqlite3")
    assert result.counts.looked_at == 2
    assert result.counts.quarantined == 1
    assert "forged 50" in subjects(user, "Backscatter")


def test_a_new_uidvalidity_means_looking_again(server, tmp_path):
    user = server.user()
    fill(user)
    work = imap_work(server.server(), server.login(user))
    run(work, tmp_path / "store.sqlite3")
    for path in user.maildir.glob("dovecot*"):
        path.unlink()
    uidlist = user.maildir / "dovecot-uidlist"
    uidlist.write_text("3 V1234567 N1 G00000000000000000000000000000001\n")
    result, _ = run(work, tmp_path / "store.sqlite3")
    assert result.counts.looked_at == 7
    assert result.counts.quarantined == 0


def test_a_dry_run_changes_nothing(server, tmp_path):
    user = server.user()
    fill(user)
    before = user.census()
    store = tmp_path / "store.sqlite3"
    result, recorder = run(imap_work(server.server(), server.login(user), dry_run=True), store)
    assert result.counts.quarantined == 3
    assert [m.action for m in recorder.messages].count(Action.QUARANTINE) == 3
    assert user.census() == before
    assert list(tmp_path.iterdir()) == []
    result, _ = run(imap_work(server.server(), server.login(user)), store)
    assert result.counts.quarantined == 3
    result, _ = run(imap_work(server.server(), server.login(user), dry_run=True), store)
    assert result.counts.looked_at == 0


@pytest.mark.parametrize(
    "quarantine", ["Backscatter", "Rückläufer", "Spam & Rückläufer", "Fälle/Неверные/偽造"]
)
def test_folder_names(server, dotted_server, tmp_path, quarantine):
    for number, each in enumerate((server, dotted_server)):
        user = each.user()
        fill(user)
        user.make_folder("Läden/Süd")
        user.deliver(mail("forged", 77), "Läden/Süd")
        work = imap_work(
            each.server(), each.login(user), quarantine=quarantine, folders=("INBOX", "Läden/Süd")
        )
        result, _ = run(work, tmp_path / f"store{number}.sqlite3")
        assert result.exit_status == 0, result.accounts[0].errors
        assert result.counts.quarantined == 4
        assert len(user.files(quarantine)) == 4, user.folders()
        assert user.files("Läden/Süd") == []


def test_twins_both_survive(moving_server, tmp_path):
    user = moving_server.user()
    for _ in range(3):
        user.deliver(mail("forged", 1, message_id=False))
    before = user.census()["INBOX"]
    work = imap_work(moving_server.server(), moving_server.login(user))
    result, _ = run(work, tmp_path / "store.sqlite3")
    assert result.counts.quarantined == 3
    assert user.census()["Backscatter"] == before
    user.deliver(mail("forged", 1, message_id=False))
    result, _ = run(work, tmp_path / "store.sqlite3")
    assert result.counts.quarantined == 1, "another copy is no message taken back"
    assert sum(user.census()["Backscatter"].values()) == 4


def test_what_the_user_takes_back_stays(moving_server, tmp_path):
    user = moving_server.user()
    fill(user)
    work = imap_work(moving_server.server(), moving_server.login(user))
    run(work, tmp_path / "store.sqlite3")
    with moving_server.client(user) as client:
        client.select_folder("Backscatter")
        uids = client.search(["SUBJECT", "forged 1"])
        client.copy(uids, "INBOX")
        client.delete_messages(uids)
        client.uid_expunge(uids)
    for _ in range(3):
        result, _ = run(work, tmp_path / "store.sqlite3")
        assert result.counts.quarantined == 0
    assert subjects(user, "Backscatter") == ["forged 0", "forged 2"]
    assert "forged 1" in subjects(user, "INBOX")


def test_a_message_that_cannot_be_judged_stays_and_the_rest_goes_on(server, tmp_path):
    user = server.user()
    user.deliver(mail("crash", 1))
    fill(user)
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "store.sqlite3")
    assert result.counts.errors == 1
    assert result.counts.quarantined == 3
    assert result.exit_status == 1
    assert [m.error for m in recorder.messages if m.error] == ["cannot be judged (RuntimeError)"]
    assert "crash 1" in subjects(user, "INBOX")


def test_a_missing_folder_fails_alone(server, tmp_path):
    user = server.user()
    fill(user)
    work = imap_work(server.server(), server.login(user), folders=("Nirgends", "INBOX"))
    result, recorder = run(work, tmp_path / "store.sqlite3")
    assert result.exit_status == 1
    assert result.counts.quarantined == 3
    assert "Nirgends" in str(recorder.warnings[0])
    assert "folders" in str(recorder.warnings[0])
    assert "Nirgends" not in user.folders()


def test_accounts_go_side_by_side(server, server_without_move, tmp_path):
    users = [(s, s.user()) for s in (server, server_without_move, server)]
    for _, user in users:
        fill(user)
    work = [imap_work(s.server(), s.login(u), account=f"a{n}") for n, (s, u) in enumerate(users)]
    broken = imap_work(server.server(), server.login("nobody", "wrong"), account="broken")
    result, recorder = run([*work, broken], tmp_path / "store.sqlite3")
    assert [str(w) for w in recorder.warnings if "refused" not in str(w)] == []
    assert result.counts.quarantined == 9
    assert result.exit_status == 1
    assert len(recorder.warnings) == 1
    assert str(recorder.warnings[0]).startswith("broken (127.0.0.1:")
    assert "login is refused" in str(recorder.warnings[0])


@pytest.mark.parametrize("command", ["INSERT INTO move", "UPDATE move", "REPLACE INTO folder_mark"])
def test_a_disk_that_is_full_in_mid_sweep(moving_server, tmp_path, monkeypatch, command):
    """At the intention nothing is moved; after the move the next sweep finds out what was done."""
    user = moving_server.user()
    for n in range(5):
        user.deliver(mail("forged", n))
    before = user.census()["INBOX"]
    work = imap_work(moving_server.server(), moving_server.login(user))
    opened = Database.open

    def full(path, **options):
        database = opened(path, **options)
        for tables in (journal._TABLES, judged._TABLES):
            database.ensure(tables)
        table, event = command.split()[-1], "UPDATE" if command.startswith("UPDATE") else "INSERT"
        database.connection.execute(
            f"CREATE TEMP TRIGGER full BEFORE {event} ON {table} BEGIN SELECT raise(FAIL, 'disk is full'); END"
        )
        return database

    with monkeypatch.context() as patched:
        patched.setattr(Database, "open", full)
        result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status
    assert "disk is full" in str(recorder.warnings[0])
    if command.startswith("INSERT"):
        assert user.census()["INBOX"] == before
    result, _ = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 0
    assert user.census()["Backscatter"] == before
    assert user.files("INBOX") == []

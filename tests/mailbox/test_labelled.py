"""Labels come from what users moved, with the bytes of the messages, wherever these lie by now."""

from __future__ import annotations

from classifier.mailbox import reading
from classifier.mailbox.labelled import labelled_messages
from classifier.mailbox.maildir import MaildirMailbox
from classifier.mailbox.restore import Wanted, restore
from tests.mailbox.dovecot import User
from tests.mailbox.support import mail, run


def drag(user, subject, source, target):
    """Move a message as another mail program does: it gets a name of its own there."""
    path = next(p for p in user.files(source) if f"Subject: {subject}\n".encode() in p.read_bytes())
    path.rename(user.make_folder(target) / "cur" / f"{path.name.partition('.')[0]}.dragged{subject[-1]}:2,S")


def labelled(work, store):
    """Return them with LF line ends, in no order."""
    return {(m.raw.replace(b"\r\n", b"\n"), m.is_forged) for m in labelled_messages(work, store)}


def test_what_was_moved_by_hand_is_labelled(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    assert labelled(work, store) == set()
    restore(work, store, Wanted(text="forged 0"))
    drag(user, "forged 1", "Backscatter", "INBOX")
    drag(user, "forged 2", "Backscatter", "Old/Kept")
    drag(user, "ordinary 3", "INBOX", "Backscatter")
    expected = {
        (mail("forged", 0), False),
        (mail("forged", 1), False),
        (mail("forged", 2), False),
        (mail("ordinary", 3), True),
    }
    # Before any sweep saw it, and after one.
    assert labelled(work, store) == expected
    run(work, store)
    assert labelled(work, store) == expected
    assert len(user.files("Backscatter")) == 2


def test_the_last_word_counts(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    drag(user, "forged 1", "Backscatter", "INBOX")
    assert labelled(work, store) == {(mail("forged", 1), False)}
    drag(user, "forged 1", "INBOX", "Backscatter")
    assert labelled(work, store) == {(mail("forged", 1), True)}


def test_what_was_thrown_away_is_no_label(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    drag(user, "forged 1", "Backscatter", "Trash")
    next(p for p in user.files("Backscatter") if b"forged 2" in p.read_bytes()).unlink()
    assert labelled(work, store) == set()
    restore(work, store, Wanted(text="forged 3"))
    next(p for p in user.files("INBOX") if b"forged 3" in p.read_bytes()).unlink()
    assert labelled(work, store) == set()


def test_in_a_large_folder_sizes_come_first(account, tmp_path, monkeypatch):
    user, work = account
    store = tmp_path / "store.sqlite3"
    monkeypatch.setattr(reading, "_FEW", 3)
    run(work, store)
    for n in range(10, 40):
        user.deliver(mail("ordinary", n, size=300 + n))
    drag(user, "forged 1", "Backscatter", "INBOX")
    assert labelled(work, store) == {(mail("forged", 1), False)}


def test_folders_of_a_maildir(tmp_path):
    user = User("local", tmp_path / "Maildir", (-1, -1))
    for name in ("INBOX", "Rückläufer", "Old/Kept"):
        user.make_folder(name)
    assert MaildirMailbox(user.maildir, "main").folders() == ["INBOX", "Old.Kept", "Rückläufer"]
    plain = tmp_path / "plain"
    for name in ("", "Old", "Old/Kept"):
        for part in ("tmp", "new", "cur"):
            (plain / name / part).mkdir(parents=True)
    assert MaildirMailbox(plain, "main").folders() == ["INBOX", "Old", "Old/Kept"]

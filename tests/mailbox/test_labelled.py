"""Labels come from what users moved, with the bytes of the messages, wherever these lie by now."""

from __future__ import annotations

from dataclasses import replace

import pytest

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


def numbers(work, store):
    """Return what is said of what was moved: out, in, junked, and in what looks like another name."""
    told = []
    list(labelled_messages(work, store, told.append))
    [moved] = told
    return moved.taken_out, moved.put_in, moved.junked, sum(moved.renamed.values())


def test_it_is_said_how_many_of_each(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    assert numbers(work, store) == (0, 0, 0, 0)
    for n in (0, 1, 2):
        drag(user, f"forged {n}", "Backscatter", "INBOX")
    drag(user, "ordinary 3", "INBOX", "Backscatter")
    assert numbers(work, store) == (3, 1, 0, 0)
    drag(user, "forged 0", "INBOX", "Junk")  # not wanted, after all
    assert numbers(work, store) == (2, 1, 1, 0)
    next(p for p in user.files("INBOX") if b"forged 1" in p.read_bytes()).unlink()
    told = []
    list(labelled_messages(work, store, told.append))
    assert str(told[0]) == (
        "moved by hand: 1 out of quarantine (genuine), 1 into it (forged); 1 more were deleted since; "
        "1 taken out and then put into Junk count for neither"
    )


@pytest.mark.parametrize("again", [False, True])
def test_a_quarantine_under_another_name_is_no_word_of_the_users(account, tmp_path, again):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    drag(user, "forged 0", "Backscatter", "INBOX")
    user.folder("Backscatter").rename(user.folder("Old bounces"))
    if again:
        user.deliver(mail("forged", 9))
        run(work, store)  # makes the quarantine anew
        assert len(user.files("Backscatter")) == 1
    assert numbers(work, store) == (1, 0, 0, 3)
    # What comes back to a swept folder was taken out, wherever it lay.
    drag(user, "forged 1", "Old bounces", "INBOX")
    assert numbers(work, store) == (2, 0, 0, 2)


def test_from_one_quarantine_to_the_next_is_not_out_of_it(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    moved = replace(work, job=replace(work.job, quarantine="Bounces"))
    user.deliver(mail("forged", 9))
    run(moved, store)
    drag(user, "forged 1", "Backscatter", "Bounces")
    assert labelled(moved, store) == {(mail("forged", 1), True)}


def test_what_lies_below_trash_was_thrown_away(account, tmp_path):
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    user.make_folder("Trash")
    drag(user, "forged 1", "Backscatter", "Trash/Old")
    assert numbers(work, store) == (0, 0, 0, 0)


def test_what_a_filter_put_into_quarantine_is_not_said_by_the_user(account, tmp_path):
    """Or else the judge would learn from its own verdicts; they can be taken out like all others."""
    user, work = account
    store = tmp_path / "store.sqlite3"
    run(work, store)
    filtered = b"X-Backscatter-Verdict: forged\n" + mail("ordinary", 8)
    user.deliver(filtered, "Backscatter")
    user.deliver(b"X-Backscatter-Verdict: unsure\n" + mail("ordinary", 9), "Backscatter")
    assert numbers(work, store) == (0, 1, 0, 0)
    drag(user, "ordinary 8", "Backscatter", "INBOX")
    assert (filtered, False) in labelled(work, store)


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

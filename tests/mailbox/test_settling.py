"""Moves that were begun and not ended, on servers and in folders that changed meanwhile: none lost, none doubled."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from classifier.mailbox import mover
from classifier.mailbox.agent import at_work
from classifier.mailbox.connection import Timeouts
from classifier.mailbox.restore import Wanted, restore
from classifier.store.journal import Journal
from tests.mailbox.dovecot import dovecot, without
from tests.mailbox.proxy import Fault, Proxy
from tests.mailbox.scripted import EXCHANGE, Folder, Message, Session, hiding, scripted
from tests.mailbox.support import imap_work, mail, run
from tests.support import server_folder

WITHOUT_MOVE = EXCHANGE.replace(" MOVE", "")
ACL = "mail_plugins = acl\nprotocol imap {\n  mail_plugins = acl imap_acl\n}\nplugin {\n  acl = vfile\n}\n"


def filled(names=("INBOX", "Trash"), *, first_uid=1, number=4):
    folders = {name: Folder(uid_next=first_uid) for name in names}
    for n in range(number):
        for kind in ("forged", "ordinary"):
            folders["INBOX"].add(Message(mail(kind, n).replace(b"\n", b"\r\n")))
    return folders


def work_of(server, **job):
    return imap_work(server.server(), server.login("anna"), timeouts=Timeouts(2, 2), **job)


def subjects(folders, name):
    found = (
        m.raw.partition(b"Subject: ")[2].partition(b"\r")[0].decode() for m in folders[name].messages.values()
    )
    return sorted(found)


FORGED = [f"forged {n}" for n in range(4)]
ORDINARY = [f"ordinary {n}" for n in range(4)]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(mover, "SECOND_LOOK", 0.02)


@pytest.fixture(scope="module")
def restricted():
    """Dovecot without MOVE, with access rights."""
    capability = without("MOVE") + " ACL RIGHTS=texk"
    with dovecot(server_folder("rights"), capability=capability, extra=ACL) as server:
        yield server


@pytest.fixture(scope="module")
def silent():
    """The same, which says nothing of rights."""
    with dovecot(server_folder("silent"), capability=without("MOVE"), extra=ACL) as server:
        yield server


@pytest.mark.parametrize("rights", ["lr", "lrs", "lrswi", "lrswt", "lrswe"])
@pytest.mark.parametrize("tells", ["restricted", "silent"])
def test_what_may_not_be_removed_is_not_doubled(request, tmp_path, rights, tells):
    """Dovecot answers OK to STORE and UID EXPUNGE that it does not carry out."""
    server = request.getfixturevalue(tells)
    user = server.user()
    for n in range(3):
        user.deliver(mail("forged", n), "Shared")
    user.deliver(mail("forged", 9))
    before = sum(user.census().values(), Counter())
    rights_file = user.folder("Shared") / "dovecot-acl"
    rights_file.write_text(f"owner {rights}\n")
    store = tmp_path / "s.sqlite3"
    work = imap_work(server.server(), server.login(user), folders=("Shared", "INBOX"))
    copied = tells == "silent" and rights == "lrswt"  # nothing shows beforehand that it will not work
    for attempt in range(3):
        result, told = run(work, store)
        assert result.exit_status == 1
        assert any("remove" in str(w) or "read-only" in str(w) for w in told.warnings), told.warnings
        assert len(user.files("Shared")) == 3
        assert len(user.files("Backscatter")) == (4 if copied else 1), f"attempt {attempt}"
    rights_file.write_text("owner lrswite\n")
    result, told = run(work, store)
    assert result.exit_status == 0, told.warnings
    assert sum(user.census().values(), Counter()) == before
    assert len(user.files("Backscatter")) == 4


class Partial(Session):
    """Does half of it, says OK, and names what it did (RFC 6851 section 3.3, RFC 4315 section 3)."""

    def transfer(self, words, *, leave):
        uids = self.uids(words[0])
        half = ",".join(map(str, uids[: max(1, len(uids) // 2)]))
        return super().transfer([half, *words[1:]], leave=leave)


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_half_done_and_ok(tmp_path, capability):
    folders = filled()
    before = Counter(m.raw for f in folders.values() for m in f.messages.values())
    with scripted(folders, Partial, capability=capability) as server:
        result, told = run(work_of(server), tmp_path / "s.sqlite3")
        assert result.counts.quarantined == 2
        assert [w.what for w in told.warnings] == [
            "2 forged reports were not moved: the server did not move it"
        ]
        result, told = run(work_of(server), tmp_path / "s.sqlite3")
        assert result.counts.quarantined == 1
        result, told = run(work_of(server), tmp_path / "s.sqlite3")
        assert (result.exit_status, result.counts.quarantined) == (0, 1)
    assert subjects(folders, "Backscatter") == FORGED
    assert Counter(m.raw for f in folders.values() for m in f.messages.values()) == before


@pytest.mark.parametrize("kind", ["drop-late", "cut", "no-late", "bye-late", "stall-late"])
def test_the_same_message_id_several_times(moving_server, tmp_path, kind):
    """Received in the same second, too, as by several aliases: each goes its own way, and none for another."""
    server = moving_server
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for command in ("UID MOVE", "UID COPY", "UID EXPUNGE"):
        user, store = server.user(), tmp_path / f"{command}.sqlite3"
        for n in range(6):
            raw = mail(("forged", "genuine", "ordinary")[n % 3], 1).replace(b".1@mx", b"@mx")
            raw = raw.replace(b"<forged@", b"<same@").replace(b"<genuine@", b"<same@")
            user.deliver(raw.replace(b"anna@", b"alias%d@" % (n % 4)), received=when)
        before = user.census()["INBOX"]
        with Proxy(server.port, Fault(kind, command=command)) as proxy:
            work = imap_work(server.server(port=proxy.port), server.login(user), timeouts=Timeouts(2, 0.3))
            run(work, store, backoff=())
        result, told = run(imap_work(server.server(), server.login(user)), store)
        assert result.exit_status == 0, told.warnings
        assert sum(user.census().values(), Counter()) == before
        assert len(user.files("Backscatter")) == 2
        assert all(b"X-Verdict: forged" in p.read_bytes() for p in user.files("Backscatter"))


class Rewriting(Session):
    """Writes each message anew as it copies it: other headers, another size."""

    def transfer(self, words, *, leave):
        code, done = super().transfer(words, leave=leave)
        folder = self.state.folders[words[1]]
        for uid in map(int, code.split()[3].split(",")):
            raw = folder.messages[uid].raw
            folder.messages[uid].raw = b"X-Copy: %d\r\n" % (raw.count(b"X-Copy") + 1) + raw
        return code, done


class Cut(Rewriting):
    """Hangs up when the sources of copies are to be removed, or after a move."""

    def do_uid_store(self, words, rest):
        raise OSError

    def do_uid_move(self, words, rest):
        self.transfer(words, leave=True)
        raise OSError


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
@pytest.mark.parametrize("odd", ["", "no", "silent"])
def test_a_server_that_writes_messages_anew(tmp_path, capability, odd):
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders, Cut, capability=capability) as server:
        assert run(work_of(server), store, backoff=())[0].exit_status == 75
    with scripted(folders, Rewriting, capability=capability, odd_moves=odd) as server:
        for n in (4, 5):
            server.deliver(mail("forged", n))
        work = work_of(server)
        result, told = run(work, store)
        assert result.exit_status == 0, told.warnings
        assert result.counts.quarantined == 6
        everything = [*FORGED, "forged 4", "forged 5"]
        assert subjects(folders, "Backscatter") == everything
        assert subjects(folders, "INBOX") == ORDINARY
        # Put back, they have other headers once more, and stay all the same ...
        assert len(restore(work, store, Wanted()).moved) == 6
        assert subjects(folders, "INBOX") == [*everything, *ORDINARY]
        assert run(work, store)[0].counts.quarantined == 0
        assert subjects(folders, "INBOX") == [*everything, *ORDINARY]


def test_what_a_user_takes_back_by_hand_stays_where_messages_are_written_anew(tmp_path):
    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders, Rewriting) as server:
        work = work_of(server)
        assert run(work, store)[0].counts.quarantined == 4
        with server.client("anna") as client:
            client.select_folder("Backscatter")
            client.move([1, 2], "INBOX")
        assert run(work, store)[0].counts.quarantined == 0
        assert len(folders["Backscatter"].messages) == 2


class Stopped(Session):
    """Hangs up before, or after, it has done what it is asked to."""

    def do_uid_move(self, words, rest):
        if self.done:
            self.transfer(words, leave=True)
        raise OSError

    def do_uid_copy(self, words, rest):
        if self.done:
            self.transfer(words, leave=False)
        raise OSError


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_another_delivery_of_the_same_message_is_not_its_copy(tmp_path, capability):
    """A rule puts what came to a second address straight into quarantine, within the second in which nothing was copied."""

    class Idle(Stopped):
        done = False

    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders, Idle, capability=capability) as server:
        assert run(work_of(server), store, backoff=())[0].exit_status == 75
    first = next(m for m in folders["INBOX"].messages.values() if b"Subject: forged 1" in m.raw)
    another = (
        b"Received: from mx.remote.test by mx2.example.org; Sun, 1 Mar 2026 12:00:00 +0000\r\n" + first.raw
    )
    folders["Backscatter"].add(Message(another, date=first.date))
    before = Counter(m.raw for f in folders.values() for m in f.messages.values())
    with scripted(folders, capability=capability) as server:
        result, told = run(work_of(server), store)
        assert result.exit_status == 0, told.warnings
    assert Counter(m.raw for f in folders.values() for m in f.messages.values()) == before
    assert subjects(folders, "Backscatter") == sorted([*FORGED, "forged 1"])


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
@pytest.mark.parametrize("was_done", [False, True])
@pytest.mark.parametrize("renumbered", [False, True])
def test_the_inbox_has_other_uids_when_the_move_is_settled(tmp_path, capability, was_done, renumbered):
    class One(Stopped):
        done = was_done

    folders, store = filled(), tmp_path / "s.sqlite3"
    folders["INBOX"].add(
        Message(mail("forged", 0).replace(b"\n", b"\r\n"), date="02-Mar-2026 09:00:00 +0000")
    )
    before = Counter(m.raw for f in folders.values() for m in f.messages.values())
    with scripted(folders, One, capability=capability) as server:
        assert run(work_of(server), store, backoff=())[0].exit_status == 75
    if renumbered:
        there = list(folders["INBOX"].messages.values())
        folders["INBOX"].messages = dict(enumerate(there, 100))
        folders["INBOX"].uid_next = 200
    with scripted(folders, capability=capability, uid_validity=8) as server:
        result, told = run(work_of(server), store)
        assert result.exit_status == 0, told.warnings
        assert run(work_of(server), store)[0].counts.quarantined == 0
    assert Counter(m.raw for f in folders.values() for m in f.messages.values()) == before
    assert subjects(folders, "Backscatter") == ["forged 0", *FORGED]


def test_a_message_that_is_not_shown_when_its_move_is_settled(tmp_path):
    """Yahoo does so: it is there all the same, and so is its copy."""

    class Copied(Stopped):
        done = True

    folders, store = filled(), tmp_path / "s.sqlite3"
    with scripted(folders, Copied, capability=WITHOUT_MOVE) as server:
        assert run(work_of(server), store, backoff=())[0].exit_status == 75
    with scripted(folders, hiding(Session, "INBOX"), capability=WITHOUT_MOVE) as server:
        run(work_of(server), store)
    assert subjects(folders, "Backscatter") == FORGED
    assert subjects(folders, "INBOX") == ORDINARY


def test_a_folder_that_cannot_be_opened_keeps_no_other_from_being_swept(tmp_path):
    class Copied(Stopped):
        done = True

    class Closed(Session):
        def do_select(self, words, rest, *, read_only=False):
            if words[0] == "Shared":
                return "NO [NOPERM] Permission denied"
            return super().do_select(words, rest, read_only=read_only)

    folders, store = filled(("INBOX", "Trash", "Shared")), tmp_path / "s.sqlite3"
    folders["INBOX"].messages, folders["Shared"].messages = {}, folders["INBOX"].messages
    folders["Shared"].uid_next = 100
    with scripted(folders, Copied, capability=WITHOUT_MOVE) as server:
        assert run(work_of(server, folders=("Shared",)), store, backoff=())[0].exit_status == 75
    both = {"folders": ("Shared", "INBOX")}
    with scripted(folders, Closed, capability=WITHOUT_MOVE) as server:
        server.deliver(mail("forged", 9))
        result, told = run(work_of(server, **both), store)
        assert result.exit_status == 1
        assert result.counts.quarantined == 1
        assert "4 interrupted moves cannot be settled" in str(told.warnings[0])
        with at_work(work_of(server, **both), store, "test") as (_, database):
            assert len(Journal(database).unsettled("main")) == 4
    with scripted(folders, capability=WITHOUT_MOVE) as server:
        assert run(work_of(server, **both), store)[0].exit_status == 0
    assert subjects(folders, "Backscatter") == [*FORGED, "forged 9"]
    assert subjects(folders, "Shared") == ORDINARY


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
def test_uids_up_to_the_highest(tmp_path, capability):
    folders, store = filled(first_uid=2**32 - 9), tmp_path / "s.sqlite3"
    folders["Backscatter"] = Folder(uid_next=2**31 - 2)
    with scripted(folders, Stopped, capability=capability) as server:
        Stopped.done = False
        assert run(work_of(server), store, backoff=())[0].exit_status == 75
    with scripted(folders, capability=capability, uid_validity=2**32 - 1) as server:
        work = work_of(server)
        result, told = run(work, store)
        assert (result.exit_status, result.counts.quarantined) == (0, 4), told.warnings
        assert subjects(folders, "Backscatter") == FORGED
        assert run(work, store)[0].counts.looked_at == 0


@pytest.mark.parametrize("moment", ["intend", "MOVE", "COPY", "STORE", "EXPUNGE"])
def test_two_machines_sweep_one_account(moving_server, tmp_path, moment, monkeypatch):
    """They share neither lock nor store: nothing is lost; MOVE doubles nothing, and COPY nothing but in quarantine."""
    from classifier.mailbox.connection import Connection

    server = moving_server
    user = server.user()
    for n in range(3):
        user.deliver(mail("forged", n))
        user.deliver(mail("genuine", n))
    user.deliver(mail("forged", 7, message_id=False))
    user.deliver(mail("forged", 7, message_id=False))
    before = sum(user.census().values(), Counter())
    work = imap_work(server.server(), server.login(user))
    call = Connection.call
    met = []

    def meeting(self, name, *args, **options):
        words = (name, *args[:1])
        if not met and ((moment == "intend" and name == "STATUS") or (name == "UID" and words[1] == moment)):
            met.append(words)
            assert run(work, tmp_path / "second.sqlite3")[0].exit_status == 0
        return call(self, name, *args, **options)

    monkeypatch.setattr(Connection, "call", meeting)
    result, told = run(work, tmp_path / "first.sqlite3")
    assert result.exit_status == 0, told.warnings
    together = sum(user.census().values(), Counter())
    doubled = together - before
    assert not before - together, "lost"
    if not doubled or not met:
        assert together == before
    else:
        assert moment in {
            "STORE",
            "EXPUNGE",
        }  # between COPY and the removal no server says that another copies, too
        assert len(user.files("Backscatter")) == 10
    assert len(user.files("INBOX")) == 3

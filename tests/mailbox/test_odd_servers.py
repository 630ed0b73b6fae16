"""Servers that answer oddly, or want to do harm: nothing is lost, doubled or altered, and the run ends."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import threading
import time
from collections import Counter

import pytest

from classifier.errors import TemporaryError
from classifier.mailbox import connection
from classifier.mailbox.connection import Timeouts, connect
from classifier.mailbox.imap import ImapMailbox
from classifier.mailbox.login import Login
from classifier.mailbox.names import Names
from classifier.store.judged import Memory
from tests.mailbox.scripted import EXCHANGE, Folder, Message, Session, scripted
from tests.mailbox.support import imap_work, mail, run

WITHOUT_MOVE = EXCHANGE.replace(" MOVE", "")


def filled(folders):
    for n in range(4):
        for kind in ("forged", "ordinary"):
            folders["INBOX"].add(Message(mail(kind, n).replace(b"\n", b"\r\n")))
    return folders


def swept(session, tmp_path, *, capability=EXCHANGE, backoff=(0.01,), **options):
    """Sweep against *session*; then once more against a sane one. Every message must be in one folder, once."""
    folders = filled({"INBOX": Folder(), "Trash": Folder()})
    before = Counter(m.raw for m in folders["INBOX"].messages.values())
    store = tmp_path / "s.sqlite3"
    with scripted(folders, session, capability=capability, **options) as server:
        work = imap_work(server.server(), server.login("anna"), timeouts=Timeouts(2, 2))
        first, told = run(work, store, backoff=backoff)
    with scripted(folders, capability=capability) as server:
        second, later = run(imap_work(server.server(), server.login("anna")), store)
    assert second.exit_status == 0, later.warnings
    after = Counter(m.raw for folder in folders.values() for m in folder.messages.values())
    assert after == before
    assert (
        sorted(b"X-Verdict: forged" in m.raw for m in folders["Backscatter"].messages.values()) == [True] * 4
    )
    assert not any(m.flags for folder in folders.values() for m in folder.messages.values())
    return first, told


class Talkative(Session):
    """Says much that nobody asked for, wherever RFC 9051 section 7 lets it, and repeats itself."""

    def do_uid_fetch(self, words, rest):
        self.say("* OK [ALERT] the disk is full of eels")
        self.say("* 3 FETCH (FLAGS (\\Seen))")
        self.say("* 2 FETCH (UID 2 FLAGS (\\Answered))")
        self.say("* VANISHED (EARLIER) 41,43:116")
        # A message that was not asked for, and all that were, twice.
        self.say(
            '* 9 FETCH (UID 999 FLAGS () INTERNALDATE "01-Mar-2026 12:00:00 +0000" RFC822.SIZE 3 BODY[HEADER] "A:")'
        )
        self.say('* 9 FETCH (UID 999 BODY[]<0> "A: b")')
        super().do_uid_fetch(words, rest)
        self.say("* 12 EXISTS")
        self.say("* 1 RECENT")
        return super().do_uid_fetch(words, rest)


def test_what_nobody_asked_for_changes_nothing(tmp_path):
    result, told = swept(Talkative, tmp_path)
    assert result.counts.as_dict() == {
        "looked_at": 8, "reports": 4, "quarantined": 4, "kept": 0, "unsure": 0, "errors": 0,
    }  # fmt: skip
    assert len(told.messages) == 4


class Huge(Session):
    """Announces a literal of three gigabytes."""

    def do_uid_fetch(self, words, rest):
        if "BODY.PEEK[]" in rest:
            self.say("* 1 FETCH (UID 1 BODY[]<0> {3000000000}")
            for _ in range(100):
                self.wfile.write(b"A" * 1_000_000)
        return super().do_uid_fetch(words, rest)


class Endless(Session):
    """Sends a line that does not end."""

    def do_uid_fetch(self, words, rest):
        for _ in range(100):
            self.wfile.write(b"* 1 FETCH (UID 1 FLAGS (" + b"A" * 1_000_000)
        return "OK done"


@pytest.mark.parametrize("session", [Huge, Endless])
def test_more_than_anybody_asked_for_fills_no_memory(tmp_path, session):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result, told = swept(session, tmp_path)
    assert result.exit_status in {1, 75}
    assert told.warnings or any(m.error for m in told.messages)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 40_000  # kilobytes


class Dripping(Session):
    """Sends a byte now and then: never silent, and never done."""

    def do_uid_fetch(self, words, rest):
        for _ in range(600):  # a minute
            self.wfile.write(b"*")
            time.sleep(0.1)
        return "OK done"


def test_an_answer_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "LONGEST_ANSWER", 0.2)
    begun = time.monotonic()
    result, told = swept(Dripping, tmp_path, backoff=())
    assert result.exit_status == 75
    assert "the connection broke" in str(told.warnings[0])
    assert time.monotonic() - begun < 40


@pytest.mark.parametrize("said", [b"*", b"* OK [CAPABILITY IMAP4rev1"])
def test_a_greeting_has_an_end(tmp_path, monkeypatch, said):
    monkeypatch.setattr(connection, "LONGEST_ANSWER", 0.3)

    def greet(listening):
        client, _ = listening.accept()
        with client, contextlib.suppress(OSError):
            client.sendall(said)
            for _ in range(600):  # a minute
                client.sendall(b" ")
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=greet, args=(listening,), daemon=True).start()
        address = connection.Server("127.0.0.1", listening.getsockname()[1], "plain")
        begun = time.monotonic()
        with pytest.raises(TemporaryError, match="not reached"):
            connection.connect(address, Login("anna", lambda: "x"), "main", Timeouts(2, 2))
        assert time.monotonic() - begun < 30


class Goodbye(Session):
    """Says BYE in the middle of a move that it carries out all the same."""

    def do_uid_move(self, words, rest):
        super().do_uid_move(words, rest)
        self.say("* BYE shutting down")
        raise OSError

    do_uid_copy = Session.do_uid_copy


def test_goodbye_in_the_middle_of_a_move(tmp_path):
    swept(Goodbye, tmp_path)


@pytest.mark.parametrize("capability", [EXCHANGE, WITHOUT_MOVE])
@pytest.mark.parametrize(
    "code",
    [
        "COPYUID 7 {first}:{last} {first}",  # too few
        "COPYUID 7 * *",
        "COPYUID 7",
        "COPYUID 7 1:4294967295 1:4294967295",
        "COPYUID x y z",
        "COPYUID 7 900:903 1:4",  # of other messages
        "ALERT",
        "",
    ],
)
def test_an_answer_that_does_not_tell_what_was_done(tmp_path, code, capability):
    class Vague(Session):
        def transfer(self, words, *, leave):
            _, done = super().transfer(words, leave=leave)
            return code.format(first=min(done), last=max(done)), done

    result, _ = swept(Vague, tmp_path, capability=capability)
    assert result.counts.quarantined == 4


def test_copyuid_in_any_order(tmp_path):
    class Backwards(Session):
        def transfer(self, words, *, leave):
            code, done = super().transfer(words, leave=leave)
            _, validity, sources, targets = code.split()
            turned = [",".join(reversed(uids.split(","))) for uids in (sources, targets)]
            return f"COPYUID {validity} {turned[0]} {turned[1]}", done

    result, _ = swept(Backwards, tmp_path, capability=WITHOUT_MOVE)
    assert result.counts.quarantined == 4


def test_a_folder_made_anew_between_look_and_move(tmp_path):
    """Its UIDs name other messages now: the same numbers must not be moved."""

    class Anew(Session):
        def do_select(self, words, rest, *, read_only=False):
            if not read_only:
                self.state.uid_validity = 8
            return super().do_select(words, rest, read_only=read_only)

    folders = filled({"INBOX": Folder()})
    with scripted(folders, Anew, capability=EXCHANGE) as server:
        result, recorder = run(imap_work(server.server(), server.login("anna")), tmp_path / "s.sqlite3")
        assert not any(c in server.commands for c in ("UID MOVE", "UID COPY", "UID STORE"))
    assert result.counts.quarantined == 0
    assert "made anew" in str(recorder.warnings[0])
    assert len(folders["INBOX"].messages) == 8


class Rev2(Session):
    """Answers SEARCH as IMAP4rev2 does."""

    def do_uid_search(self, words, rest):
        found = self.uids(words[1])
        self.say(f'* ESEARCH (TAG "A1") UID ALL {",".join(map(str, found))}')
        return "OK done"


def test_search_results_of_imap4rev2(tmp_path, monkeypatch):
    from classifier.mailbox import reading

    monkeypatch.setattr(reading, "BATCH", 3)
    result, _ = swept(Rev2, tmp_path)
    assert result.counts.as_dict() | {"looked_at": 8, "quarantined": 4} == result.counts.as_dict()


class OddNames(Session):
    """Has folders whose names are not as RFC 9051 wants them."""

    def do_list(self, words, rest):
        self.say('* LIST () "/" "R&D"')  # no modified UTF-7
        self.wfile.write('* LIST () "/" "Entwürfe"\r\n'.encode())
        self.wfile.write(b'* LIST (\\Trash) "/" {9}\r\nTr"a\\sh x\r\n')
        self.say('* LIST (\\Sent "/" "half')
        self.say("* LIST")
        self.say('* LIST () NIL "&ZeVnLIqe-"')
        self.say('* LIST () "/" "2026"')
        self.say('* LIST (\\HasNoChildren) "/" "A" ("CHILDINFO" ("SUBSCRIBED"))')
        return super().do_list(words, rest)


def test_a_folder_whose_name_cannot_be_read_costs_itself_alone():
    with scripted({"INBOX": Folder(), "Sent": Folder("\\Sent")}, OddNames) as server:
        opened = connect(server.server(), server.login("anna"), "main")
        names = [f.name for f in Names(opened).listed("*")]
        assert names == ['Tr"a\\sh x', "日本語", "2026", "A", "INBOX", "Sent"]
        assert ImapMailbox(opened).special("\\Sent") == "Sent"
        opened.close()


class Drowsy(Session):
    """Takes IDLE, and then sends a line that does not end, or lines without an end before it takes it."""

    piece = b"*"

    def do_idle(self, words, rest):
        if self.piece == b"*":
            self.say("+ idling")
        for _ in range(600):  # a minute
            self.wfile.write(self.piece)
            time.sleep(0.05)
        return "OK done"


@pytest.mark.parametrize("piece", [b"*", b"* OK still here\r\n"])
def test_idle_has_an_end(monkeypatch, piece):
    monkeypatch.setattr(connection, "LONGEST_ANSWER", 0.5)
    with scripted({"INBOX": Folder()}, type("One", (Drowsy,), {"piece": piece})) as server:
        mailbox = ImapMailbox(connect(server.server(), server.login("anna"), "main", Timeouts(2, 0.5)))
        mailbox.open("INBOX", write=False)
        assert list(mailbox.new(Memory(7))) == []
        reading, writing = os.pipe()
        begun = time.monotonic()
        try:
            with pytest.raises(TemporaryError, match="the connection broke"):
                mailbox.wait("INBOX", 20, reading)
            assert time.monotonic() - begun < 10
        finally:
            mailbox.drop()
            os.close(reading)
            os.close(writing)


def test_a_farewell_has_an_end(monkeypatch):
    monkeypatch.setattr(connection, "FAREWELL", 0.2)

    class Lingering(Session):
        def do_logout(self, words, rest):
            for _ in range(600):
                self.say("* OK one more thing")
                time.sleep(0.05)
            return "OK done"

    with scripted({"INBOX": Folder()}, Lingering) as server:
        opened = connect(server.server(), server.login("anna"), "main")
        begun = time.monotonic()
        opened.close()
        assert time.monotonic() - begun < 10

"""FETCH answers with parts missing, apart, or of another length than announced: no mail is judged by another's
bytes, none is passed over in silence, and one that is never shown costs itself alone."""  # fmt: skip

from __future__ import annotations

import contextlib
import imaplib
from collections import Counter

import pytest

from classifier.mailbox import reading
from classifier.mailbox.caution import Caution
from classifier.mailbox.connection import Timeouts, connect
from classifier.mailbox.fetch import GarbledError, read_fetch
from classifier.mailbox.imap import ImapMailbox
from classifier.mailbox.protocol import Refused
from classifier.store import failed
from tests.mailbox.scripted import Folder, Message, Session, scripted
from tests.mailbox.support import imap_work, mail, run

KINDS = ("forged", "genuine", "ordinary") * 4
FORGED = KINDS.count("forged")


def filled():
    folders = {"INBOX": Folder()}
    for number, kind in enumerate(KINDS):
        folders["INBOX"].add(Message(mail(kind, number).replace(b"\n", b"\r\n")))
    return folders


class Parts(Session):
    """Answers FETCH message by message."""

    def attributes(self, uid, message):
        flags = " ".join(sorted(message.flags))
        return f'UID {uid} FLAGS ({flags}) INTERNALDATE "{message.date}" RFC822.SIZE {len(message.raw)}'

    def tell(self, uid, attributes, section=None, data=b"", *, literal="{{{}}}", extra=0):
        text = f"* {uid} FETCH ({attributes}"
        if section is not None:
            text += f" BODY[{section}]<0> {literal.format(len(data) + extra)}\r\n"
        self.wfile.write(text.encode() + data + b")\r\n")

    def answer(self, uid, message, section, data):
        self.tell(uid, self.attributes(uid, message), section, data)

    def do_uid_fetch(self, words, rest):
        for uid in self.uids(words[0]):
            message = self.open.messages[uid]
            head = message.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            section, data = ("HEADER", head) if "[HEADER]" in rest else ("", message.raw)
            self.answer(uid, message, section, data)
        return "OK done"


def sweep(folders, session, store, **job):
    with scripted(folders, session) as server:
        work = imap_work(server.server(), server.login("anna"), timeouts=Timeouts(2, 1), **job)
        return run(work, store, backoff=(0.01, 0.01))


def check(folders, before, quarantined=FORGED):
    """Every message is there once, unaltered, and none in quarantine but forged ones."""
    after = Counter(m.raw for folder in folders.values() for m in folder.messages.values())
    assert after == before
    there = folders["Backscatter"].messages.values() if "Backscatter" in folders else ()
    assert [b"X-Verdict: forged" in m.raw for m in there] == [True] * quarantined


def raw_mail(folders):
    return Counter(m.raw for m in folders["INBOX"].messages.values())


@pytest.mark.parametrize("swallowed", [b")\r\n* 4 FETCH (UID 4", b")\r\n* 4 FE", b")\r\n* 4 FETCH ("])
@pytest.mark.parametrize(("section", "uid"), [("HEADER", 3), ("", 2)])
def test_a_literal_that_is_announced_too_long_is_not_filled_with_another_message(
    tmp_path, section, uid, swallowed
):
    """The next answer's beginning would be in the literal, and its own literal another section of this message."""

    class Lying(Parts):
        def answer(self, number, message, which, data):
            extra = len(swallowed) if (number, which) == (uid, section) else 0
            self.tell(number, self.attributes(number, message), which, data, extra=extra)

    folders = filled()
    before = raw_mail(folders)
    result, told = sweep(folders, Lying, tmp_path / "s.sqlite3")
    check(folders, before)
    assert (result.counts.quarantined, result.counts.errors) == (FORGED, 1)
    said = [str(w) for w in told.warnings] + [f"{m.source}: {m.error}" for m in told.messages if m.error]
    assert said == [f"main/INBOX#{uid}: cannot be read"]


@pytest.mark.parametrize(
    "pieces",
    [
        [(b"1 (UID 5 BODY[] {3}", b"abc"), b"CH (UID 6)"],
        [(b"1 (UID 5 BODY[] {3}", b"abc"), b" (UID 6"],
        [(b"1 (UID 5 BODY[] {3}", b"abc"), (b" BODY[] {3}", b"def"), b")"],
        [(b"1 (UID 5 BODY[HEADER] {3}", b"abc"), (b"X BODY[] {3}", b"def"), b")"],
        [(b"1 (UID 5 BODY[] {3}", b"abc"), b"2 (UID 6)"],
    ],
)
def test_answers_that_cannot_be_meant(pieces):
    with pytest.raises(GarbledError):
        list(read_fetch(pieces))


class Apart(Parts):
    """Gives each attribute in an answer of its own, before or after the section."""

    first = True

    def answer(self, uid, message, section, data):
        items = (
            self.attributes(uid, message)
            .split(" ", 2)[2]
            .replace(" INTERNALDATE", "\n")
            .replace(" RFC", "\nRFC")
        )
        items = items.replace("\n ", "\nINTERNALDATE ").split("\n")
        if not self.first:
            self.tell(uid, f"UID {uid}", section, data)
        for item in items:
            self.tell(uid, f"UID {uid} {item}")
        if self.first:
            self.tell(uid, f"UID {uid}", section, data)


@pytest.mark.parametrize("first", [True, False])
def test_attributes_that_come_apart_from_their_section(tmp_path, first):
    folders = filled()
    folders["INBOX"].messages[1].flags.add("\\Deleted")  # somebody else's: it stays
    before = raw_mail(folders)
    result, _ = sweep(folders, type("One", (Apart,), {"first": first}), tmp_path / "s.sqlite3")
    check(folders, before, FORGED - 1)
    assert 1 in folders["INBOX"].messages
    assert result.exit_status == 0


def left_out(self, uid, message, section, data):
    """Say nothing, and OK."""


def without_section(self, uid, message, section, data):
    self.tell(uid, self.attributes(uid, message))


def without_uid(self, uid, message, section, data):
    self.tell(uid, self.attributes(uid, message).split(" ", 2)[2], section, data)


def nil(self, uid, message, section, data):
    self.tell(uid, f"{self.attributes(uid, message)} BODY[{section}]<0> NIL")


def empty(self, uid, message, section, data):
    self.tell(uid, self.attributes(uid, message), section, b"")


@pytest.mark.parametrize("way", [left_out, without_section, without_uid, nil, empty])
@pytest.mark.parametrize("which", ["HEADER", ""])
def test_what_is_there_and_not_shown_is_told_and_looked_at_again(tmp_path, which, way):
    class Shy(Parts):
        def answer(self, uid, message, section, data):
            hidden = section == which and uid == 4
            (way if hidden else Parts.answer)(self, uid, message, section, data)

    folders = filled()
    folders["INBOX"].add(Message(b""))  # of no bytes: nothing is missing
    before = raw_mail(folders)
    result, told = sweep(folders, Shy, tmp_path / "s.sqlite3")
    check(folders, before, FORGED - 1)
    assert (result.exit_status, result.counts.errors) == (1, 1)
    said = [str(w) for w in told.warnings] + [f"{m.source}: {m.error}" for m in told.messages if m.error]
    assert said == ["main/INBOX#4: cannot be read"]
    result, _ = sweep(folders, Parts, tmp_path / "s.sqlite3")
    check(folders, before)
    assert result.exit_status == 0


def test_what_is_gone_is_no_error(tmp_path):
    folders = filled()
    for uid in (2, 5):
        del folders["INBOX"].messages[uid]
    result, _ = sweep(folders, Parts, tmp_path / "s.sqlite3")
    assert (result.exit_status, result.counts.looked_at) == (0, len(KINDS) - 2)


def test_a_server_that_shows_nothing_at_this_moment(tmp_path, monkeypatch):
    """It is none of the messages: they are new mail still when it is well again."""
    monkeypatch.setattr(reading, "NONE_SHOWN", 10)

    class Ill(Parts):
        def do_uid_fetch(self, words, rest):
            return "NO [UNAVAILABLE] Server error - Please try again later"

    folders = filled()
    before = raw_mail(folders)
    for _ in range(7):
        result, told = sweep(folders, Ill, tmp_path / "s.sqlite3")
        assert (result.exit_status, result.counts.errors) == (1, 1)
        assert "none of 12 messages is shown: the server answered NO [UNAVAILABLE]" in str(told.warnings[0])
    result, _ = sweep(folders, Parts, tmp_path / "s.sqlite3")
    check(folders, before)
    assert (result.exit_status, result.counts.looked_at) == (0, len(KINDS))


def test_what_is_refused_is_looked_at_again_for_a_day(tmp_path, monkeypatch):
    """A watch that is woken every few seconds would have given it up within a minute."""

    class Ill(Parts):
        def do_uid_fetch(self, words, rest):
            return "NO not now"

    folders = filled()
    before = raw_mail(folders)
    for _ in range(12):
        sweep(folders, Ill, tmp_path / "s.sqlite3")
    now = failed.time.time()
    for hours in (1, 3, 10):
        monkeypatch.setattr(failed.time, "time", lambda at=now + 3600 * hours: at)
        sweep(folders, Ill, tmp_path / "s.sqlite3")
    monkeypatch.setattr(failed.time, "time", lambda: now + 3600 * 40)
    sweep(folders, Parts, tmp_path / "s.sqlite3")
    check(folders, before)


def test_what_is_never_shown_is_given_up(tmp_path, monkeypatch):
    looks = []

    class Shy(Parts):
        def answer(self, uid, message, section, data):
            if (uid, section) == (4, ""):
                looks.append(day)
            else:
                super().answer(uid, message, section, data)

    folders = filled()
    now = failed.time.time()
    for day in range(failed.MAX_TIMES + 3):
        monkeypatch.setattr(failed.time, "time", lambda at=now + 100_000 * day: at)
        sweep(folders, Shy, tmp_path / "s.sqlite3")
    assert sorted({*looks}) == list(range(failed.MAX_TIMES))


def test_a_body_at_which_the_connection_is_lost_costs_itself_alone(tmp_path):
    """Headers go well each time: more must not be asked for at once because of that."""

    class Crashing(Parts):
        def answer(self, uid, message, section, data):
            if (uid, section) == (5, ""):
                raise OSError
            super().answer(uid, message, section, data)

    folders = filled()
    before = raw_mail(folders)
    result, told = sweep(folders, Crashing, tmp_path / "s.sqlite3")
    check(folders, before)
    assert (result.exit_status, result.counts.errors) == (1, 1)
    assert [str(w) for w in told.warnings] == ["main/INBOX#5: cannot be read"]


def test_a_line_without_end_costs_its_message_and_the_connection(tmp_path):
    """What is left of it would be taken for answers over the same connection."""

    class Long(Parts):
        def answer(self, uid, message, section, data):
            if uid == 6:
                self.wfile.write(b"* OK " + b"x" * 1_500_000 + b"\r\n")
            super().answer(uid, message, section, data)

    folders = filled()
    before = raw_mail(folders)
    result, told = sweep(folders, Long, tmp_path / "s.sqlite3")
    check(folders, before)
    assert (result.exit_status, [str(w) for w in told.warnings]) == (1, ["main/INBOX#6: cannot be read"])


def test_uids_that_go_back(tmp_path, monkeypatch):
    """A server restored from a backup gives UIDs to new mail that were looked through already."""
    folders = filled()
    inbox = folders["INBOX"]
    sweep(folders, Parts, tmp_path / "s.sqlite3")
    for most in (1000, 3):
        inbox.messages = {uid: m for uid, m in inbox.messages.items() if uid < 4}
        inbox.uid_next = 4
        inbox.add(Message(mail("forged", 100 + most).replace(b"\n", b"\r\n")))
        inbox.add(Message(mail("genuine", 200 + most).replace(b"\n", b"\r\n")))
        monkeypatch.setattr("classifier.mailbox.sweep.WENT_BACK", most)
        result, _ = sweep(folders, Parts, tmp_path / "s.sqlite3")
        assert (result.exit_status, result.counts.quarantined) == (0, 1)
        result, _ = sweep(folders, Parts, tmp_path / "s.sqlite3")
        assert result.counts.looked_at == 0
        inbox.uid_next = 20
        sweep(folders, Parts, tmp_path / "s.sqlite3")


def test_no_line_is_longer_than_is_taken():
    """With UIDs of ten digits, however far they lie apart."""
    assert len("* SEARCH") + reading.SEARCH_WINDOW * len(" 4294967295") < imaplib._MAXLINE
    lines = []

    class Listening(Parts):
        def do_uid_search(self, words, rest):
            lines.append(len(rest))
            return "OK done"

        def do_uid_fetch(self, words, rest):
            lines.append(len(rest))
            return "OK done"

    with scripted({"INBOX": Folder()}, Listening) as server:
        opened = connect(server.server(), server.login("anna"), "main")
        mailbox = ImapMailbox(opened, Caution())
        mailbox.open("INBOX", write=False)
        uids = list(range(3_000_000_000, 3_000_004_000, 2))
        mailbox.present([str(u) for u in uids])
        mailbox._reader.of_sizes(uids, frozenset({1}))
        with contextlib.suppress(Refused):
            mailbox._reader.first_look(uids)
        opened.close()
    assert max(lines) < 8_000

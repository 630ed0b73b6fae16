"""Gmail, Exchange, Yahoo and iCloud, as they are documented to behave."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest

from classifier.mailbox import mover
from classifier.mailbox.agent import at_work
from classifier.mailbox.caution import Caution
from classifier.mailbox.connection import Timeouts
from classifier.mailbox.labelled import labelled_messages
from classifier.mailbox.learn import learn
from classifier.mailbox.restore import Wanted, restore
from classifier.mailbox.sync import sync_ledger
from classifier.mailbox.upkeep import Upkeep
from tests.mailbox.proxy import FAULTS, Fault, Proxy
from tests.mailbox.scripted import (
    EXCHANGE,
    GMAIL,
    ICLOUD,
    YAHOO,
    Folder,
    ICloudSession,
    YahooSession,
    gmail_folders,
    scripted,
)
from tests.mailbox.support import imap_work, mail, run

GERMAN = {
    "\\All": "Alle Nachrichten", "\\Trash": "Papierkorb", "\\Junk": "Spam", "\\Sent": "Gesendet",
    "\\Drafts": "Entw&APw-rfe", "\\Flagged": "Markiert", "\\Important": "Wichtig",
}  # fmt: skip
ALL_MAIL = "[Google Mail]/Alle Nachrichten"


@pytest.fixture
def gmail():
    folders = gmail_folders("[Google Mail]", GERMAN)
    with scripted(folders, labels=ALL_MAIL, capability=GMAIL) as running:
        for n in range(3):
            running.deliver(mail("forged", n))
            running.deliver(mail("ordinary", n))
        yield running


@pytest.fixture
def exchange():
    folders = {name: Folder() for name in ("INBOX", "Sent Items", "Deleted Items", "Junk Email", "Drafts")}
    with scripted(folders, capability=EXCHANGE) as running:
        for n in range(3):
            running.deliver(mail("forged", n))
            running.deliver(mail("ordinary", n))
        yield running


def subjects(server, folder):
    return sorted(
        m.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
        for m in server.folders[folder].messages.values()
    )


FORGED = ["forged 0", "forged 1", "forged 2"]
ORDINARY = ["ordinary 0", "ordinary 1", "ordinary 2"]


def test_gmail_labels(gmail, tmp_path):
    store = tmp_path / "s.sqlite3"
    work = imap_work(gmail.server(), gmail.login("anna"))
    everything = gmail.census()[ALL_MAIL]
    # A filter of the user's gave one of them the label already, and it lies in the inbox as well.
    gmail.folders["Backscatter"] = Folder()
    gmail.folders["Backscatter"].add(gmail.folders["INBOX"].messages[1])
    result, recorder = run(work, store)
    assert (result.exit_status, result.counts.quarantined) == (0, 3), recorder.warnings
    assert subjects(gmail, "INBOX") == ORDINARY
    assert subjects(gmail, "Backscatter") == FORGED
    assert gmail.census()[ALL_MAIL] == everything
    assert not any(m.flags for m in gmail.folders[ALL_MAIL].messages.values())
    assert run(work, store)[0].counts.looked_at == 0
    assert len(restore(work, store, Wanted(text="forged 1")).moved) == 1
    assert run(work, store)[0].counts.quarantined == 0
    assert subjects(gmail, "INBOX") == ["forged 1", *ORDINARY]
    assert subjects(gmail, "Backscatter") == ["forged 0", "forged 2"]
    # Dragged in the web interface: labels change, no folder tells.
    for n, source, target in ((0, "Backscatter", "INBOX"), (2, "INBOX", "Backscatter")):
        word = f"{'forged' if source == 'Backscatter' else 'ordinary'} {n}".encode()
        uid, message = next(
            (u, m) for u, m in gmail.folders[source].messages.items() if b"Subject: " + word in m.raw
        )
        del gmail.folders[source].messages[uid]
        gmail.folders[target].add(message)
    said = {
        (m.raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode(), m.is_forged)
        for m in labelled_messages(work, store)
    }
    assert said == {("forged 0", False), ("forged 1", False), ("ordinary 2", True)}
    with at_work(work, store, "test") as (mailbox, database):
        upkeep = Upkeep("main", "Backscatter", mailbox, database)
        assert upkeep.expire(30, now=time.time() + 31 * 86400) == 2
    assert subjects(gmail, "[Google Mail]/Papierkorb") == ["forged 2", "ordinary 2"]
    assert gmail.census()[ALL_MAIL] == everything
    assert not {"EXPUNGE", "CLOSE"} & {*gmail.commands}


def test_nothing_is_moved_out_of_a_folder_that_shows_others(gmail, tmp_path):
    before = gmail.census()
    work = imap_work(gmail.server(), gmail.login("anna"), folders=(ALL_MAIL,))
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 1
    assert "shows what lies in others" in str(recorder.warnings[0])
    assert "INBOX" in str(recorder.warnings[0])
    assert gmail.census() == before


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_at_gmail(gmail, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(mover, "SECOND_LOOK", 0.02)
    everything = gmail.census()[ALL_MAIL]
    store = tmp_path / "s.sqlite3"
    with Proxy(gmail.port, Fault(kind, command="UID MOVE", cut_at=30)) as proxy:
        run(
            imap_work(gmail.server(proxy.port), gmail.login("anna"), timeouts=Timeouts(2, 0.5)),
            store,
            backoff=(),
        )
        assert proxy.struck
    result, recorder = run(imap_work(gmail.server(), gmail.login("anna")), store)
    assert result.exit_status == 0, recorder.warnings
    assert subjects(gmail, "INBOX") == ORDINARY
    assert subjects(gmail, "Backscatter") == FORGED
    assert gmail.census()[ALL_MAIL] == everything


@pytest.mark.parametrize("odd", ["", "no", "bad", "silent", "half", "nothing"])
def test_exchange_and_its_answers_to_move(exchange, tmp_path, odd):
    exchange.odd_moves = odd
    everything = sum(exchange.census().values(), Counter())
    store = tmp_path / "s.sqlite3"
    work = imap_work(exchange.server(), exchange.login("anna"))
    result, recorder = run(work, store)
    if odd == "nothing":
        assert result.exit_status == 1
        assert "did not move" in str(recorder.warnings[0])
        exchange.odd_moves = "silent"
        result, recorder = run(work, store)
    assert (result.exit_status, result.counts.quarantined) == (0, 3), recorder.warnings
    assert subjects(exchange, "INBOX") == ORDINARY
    assert subjects(exchange, "Backscatter") == FORGED
    assert sum(exchange.census().values(), Counter()) == everything
    assert not any(m.flags for f in exchange.folders.values() for m in f.messages.values())
    assert run(work, store)[0].counts.looked_at == 0
    exchange.odd_moves = odd if odd != "nothing" else ""
    assert len(restore(work, store, Wanted()).moved) == 3
    assert sum(exchange.census().values(), Counter()) == everything
    again = replace(work, job=replace(work.job, keep_days=1))
    assert run(again, store)[0].counts.quarantined == 0


def yahoo_folders():
    uses = {
        "Sent": "\\Sent",
        "Trash": "\\Trash",
        "Bulk": "\\Junk",
        "Draft": "\\Drafts",
        "Archive": "\\Archive",
    }
    return {"INBOX": Folder(), **{name: Folder(use) for name, use in uses.items()}}


@pytest.mark.parametrize("limit", [1000, 50])
def test_yahoo_looks_at_some_messages_at_once(tmp_path, limit):
    class Limited(YahooSession):
        pass

    Limited.limit = limit
    number = 2 * limit + 300
    with scripted(yahoo_folders(), Limited, capability=YAHOO.replace("1000", str(limit))) as server:
        # As on a server in use for years, UIDs have gaps, and a first look goes over all of them.
        server.folders["INBOX"].uid_next = 5_000
        for n in range(number):
            server.deliver(mail("forged" if n % 50 == 0 else "ordinary", n))
        everything = sum(server.census().values(), Counter())
        work = imap_work(server.server(), server.login("anna"))
        result, recorder = run(work, tmp_path / "s.sqlite3")
        assert (result.exit_status, result.counts.looked_at) == (0, number), recorder.warnings
        assert result.counts.quarantined == len(server.folders["Backscatter"].messages) == -(-number // 50)
        assert sum(server.census().values(), Counter()) == everything
        assert run(work, tmp_path / "s.sqlite3")[0].counts.looked_at == 0


def test_yahoo_shows_some_messages_to_nobody(tmp_path):
    class Broken(YahooSession):
        broken = frozenset({3})

    with scripted(yahoo_folders(), Broken, capability=YAHOO) as server:
        for n in range(3):
            server.deliver(mail("forged", n))
            server.deliver(mail("ordinary", n))
        work = imap_work(server.server(), server.login("anna"))
        result, told = run(work, tmp_path / "s.sqlite3")
        assert result.exit_status == 1
        assert "INBOX#3: cannot be read" in str(told.warnings[0])
        for _ in range(2):
            assert run(work, tmp_path / "s.sqlite3")[0].counts.looked_at == 0
        assert subjects(server, "Backscatter") == ["forged 0", "forged 2"]
        assert 3 in server.folders["INBOX"].messages
        Broken.broken = frozenset()
        assert run(work, tmp_path / "s.sqlite3")[0].counts.quarantined == 1


def test_icloud(tmp_path):
    names = ("INBOX", "Archive", "Deleted Messages", "Drafts", "Junk", "Notes", "Sent Messages")
    with scripted({name: Folder() for name in names}, ICloudSession, capability=ICLOUD) as server:
        for n in range(3):
            server.deliver(mail("forged", n))
            server.deliver(mail("ordinary", n))
            raw = f"From: anna@example.org\nTo: x@remote.test\nMessage-ID: <{n}@mua.example.org>\n\nx\n"
            server.deliver(raw.encode(), "Sent Messages")
        store = tmp_path / "s.sqlite3"
        work = imap_work(server.server(), server.login("anna"))
        everything = sum(server.census().values(), Counter())
        result, recorder = run(work, store)
        assert (result.exit_status, result.counts.quarantined) == (0, 3), recorder.warnings
        assert subjects(server, "Backscatter") == FORGED
        assert subjects(server, "INBOX") == ORDINARY
        assert sum(server.census().values(), Counter()) == everything
        assert sync_ledger(work, "auto", store, None).added == 3
        mailbox = work.open_mailbox(Caution())
        assert learn(mailbox).senders(["example.org"]) == ["anna@example.org"]
        mailbox.close()
        assert len(restore(work, store, Wanted(text="forged 1")).moved) == 1
        # Dragged to the archive by another program: found there, though a folder that is listed is none.
        inbox, archive = server.folders["INBOX"], server.folders["Backscatter"]
        uid = next(u for u, m in archive.messages.items() if b"Subject: forged 0" in m.raw)
        server.folders["Archive"].add(archive.messages.pop(uid))
        said = {(m.raw.partition(b"Subject: ")[2][:8], m.is_forged) for m in labelled_messages(work, store)}
        assert said == {(b"forged 1", False), (b"forged 0", False)}
        with at_work(work, store, "test") as (mailbox, database):
            upkeep = Upkeep("main", "Backscatter", mailbox, database)
            assert upkeep.expire(30, now=time.time() + 31 * 86400) == 1
        assert subjects(server, "Deleted Messages") == ["forged 2"]
        assert len(inbox.messages) == 4
        assert "UID MOVE" not in server.commands
        assert "EXPUNGE" not in server.commands

"""The same promises on Cyrus: both of its namespaces, with MOVE and without."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from imapclient.exceptions import IMAPClientError
from imapclient.imapclient import Quota

from classifier.mailbox import mover
from classifier.mailbox.connection import Timeouts
from classifier.mailbox.protocol import BODY_LIMIT
from classifier.mailbox.restore import Wanted, restore
from tests.mailbox.cyrus import cyrus
from tests.mailbox.interference import many_clients
from tests.mailbox.proxy import FAULTS, Fault, Proxy
from tests.mailbox.support import MarkedMail, imap_work, mail, run
from tests.mailbox.test_watch import watching
from tests.support import server_folder

WAYS = {
    "beside": {},
    "below": {"slash": False, "alt": False},
    "without move": {"suppressed": "MOVE XMOVE"},
}
WITHOUT_BOTH = {"without both": {"suppressed": "MOVE XMOVE UIDPLUS"}}
#: Where things go wrong; how folders are named makes no difference there.
FAULTY = {"beside": ("UID FETCH", "UID MOVE"), "without move": ("UID COPY", "UID EXPUNGE")}


@pytest.fixture(scope="module", params=WAYS)
def way(request):
    return request.param


@pytest.fixture(scope="module")
def server(way):
    with cyrus(server_folder("cyrus"), **(WAYS | WITHOUT_BOTH)[way]) as running:
        yield running


def fill(server, user, forged=3, others=3):
    """Put some of each into the inbox."""
    with server.client(user) as client:
        for n in range(max(forged, others)):
            when = datetime(2026, 3, 1, 12, n, tzinfo=UTC)
            if n < forged:
                flags = [b"\\Flagged", b"$Label1"] if n == 1 else []
                client.append("INBOX", crlf(mail("forged", n)), flags=flags, msg_time=when)
            if n < others:
                client.append("INBOX", crlf(mail("genuine", n)), msg_time=when)
                client.append("INBOX", crlf(mail("ordinary", n)), msg_time=when)


def crlf(raw):
    return raw.replace(b"\n", b"\r\n")


def quarantine_of(census):
    """Return the name of the folder that ends in Backscatter."""
    (name,) = [n for n in census if n.endswith("Backscatter")]
    return name


def test_sweep_and_restore(server, tmp_path):
    user = server.user()
    fill(server, user)
    before = server.census(user)["INBOX"]
    work = imap_work(server.server(), server.login(user))
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 0, recorder.warnings
    assert result.counts.quarantined == 3
    after = server.census(user)
    folder = quarantine_of(after)
    assert sum(after[folder].values()) == 3
    assert sum(after.values(), Counter()) == before
    with server.client(user) as client:
        client.select_folder(folder, readonly=True)
        (uid,) = client.search(["SUBJECT", "forged 1"])
        found = client.fetch([uid], ["FLAGS", "INTERNALDATE"])[uid]
        assert {b"\\Flagged", b"$Label1"} <= set(found[b"FLAGS"])
        assert found[b"INTERNALDATE"] == datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
        assert client.search("SEEN") == []
        client.select_folder("INBOX", readonly=True)
        assert client.search("SEEN") == []
        assert client.search("DELETED") == []
    assert run(work, tmp_path / "s.sqlite3")[0].counts.looked_at == 0
    assert len(restore(work, tmp_path / "s.sqlite3", Wanted(text="forged 2")).moved) == 1
    assert run(work, tmp_path / "s.sqlite3")[0].counts.quarantined == 0
    assert sum(server.census(user)[folder].values()) == 2


@pytest.mark.parametrize("name", ["Rückläufer", "Spam/Rückläufer"])
def test_folder_names(server, tmp_path, name):
    user = server.user()
    fill(server, user)
    work = imap_work(server.server(), server.login(user), quarantine=name)
    for expected in (3, 0):
        result, recorder = run(work, tmp_path / "s.sqlite3")
        assert result.exit_status == 0, recorder.warnings
        assert result.counts.quarantined == expected
    census = server.census(user)
    (folder,) = [n for n in census if n.endswith("Rückläufer")]
    assert sum(census[folder].values()) == 3


def test_a_full_quarantine_keeps_everything_where_it_is(server, tmp_path):
    user = server.user()
    fill(server, user)
    before = server.census(user)["INBOX"]
    with server.admin(user) as (client, inbox):
        folder = inbox + ("/" if "/" in inbox else ".") + "Backscatter"
        client.create_folder(folder)
        client.set_quota([Quota(folder, "STORAGE", 0, 0)])
    work = imap_work(server.server(), server.login(user))
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 1
    assert re.search("over ?quota", str(recorder.warnings[0]), re.IGNORECASE)
    assert server.census(user)["INBOX"] == before
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search("DELETED") == []
    with server.admin(user) as (client, _):
        client.set_quota([Quota(folder, "STORAGE", 0, 10_000)])
    result, _ = run(work, tmp_path / "s.sqlite3")
    assert (result.exit_status, result.counts.quarantined) == (0, 3)


def test_a_folder_that_may_only_be_read(server, tmp_path):
    user = server.user()
    fill(server, user)
    before = server.census(user)["INBOX"]
    with server.admin(user) as (client, inbox):
        client.setacl(inbox, user, "lrsk")
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert result.exit_status == 1
    assert re.search("read-only|ermission|NOPERM", str(recorder.warnings[0]))
    assert server.census(user)["INBOX"] == before


def test_watching(server, tmp_path):
    user = server.user()
    fill(server, user, forged=1, others=1)
    with watching([imap_work(server.server(), server.login(user))], tmp_path / "s.sqlite3"):
        with server.client(user) as client:
            client.append("INBOX", crlf(mail("forged", 7)))
        started = time.monotonic()
        while True:
            census = server.census(user)
            if sum(sum(c.values()) for name, c in census.items() if name.endswith("Backscatter")) == 2:
                break
            assert time.monotonic() - started < 5
            time.sleep(0.05)


@pytest.mark.soak
def test_a_huge_message(server, tmp_path):
    user = server.user()
    raw = crlf(mail("forged", 1)) + (b"A" * 998 + b"\r\n") * 205_000
    with server.client(user) as client:
        client.append("INBOX", raw)
    seen = []

    class Watching(MarkedMail):
        def examine(self, raw, envelope):
            seen.append(len(raw))
            return super().examine(raw, envelope)

    work = imap_work(server.server(), server.login(user), examiner=Watching())
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert (result.exit_status, result.counts.quarantined) == (0, 1), recorder.warnings
    assert seen == [BODY_LIMIT]
    after = server.census(user)
    assert after[quarantine_of(after)] == Counter({sha256(raw).hexdigest(): 1})


def test_a_folder_that_is_deleted_in_mid_sweep_and_made_anew(server, tmp_path):
    user = server.user()
    fill(server, user)
    with server.client(user) as client:
        folder = client.list_folders()[0][1].decode()
        other = "Other" if folder == "/" else "INBOX.Other"
        client.create_folder(other)
        for n in range(3):
            client.append(other, crlf(mail("forged", 20 + n)))

    class Interfering(MarkedMail):
        def examine(self, raw, envelope):
            if self.examined == 1:
                with server.client(user) as client:
                    client.delete_folder(other)
            return super().examine(raw, envelope)

    folders = (other, "INBOX")
    work = imap_work(server.server(), server.login(user), folders=folders, examiner=Interfering())
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 1
    assert other in str(recorder.warnings[0])
    assert result.counts.quarantined >= 3
    with server.client(user) as client:  # under the same name, with another UIDVALIDITY
        client.create_folder(other)
        for n in range(3):
            client.append(other, crlf(mail("forged", 30 + n)))
    result, recorder = run(
        imap_work(server.server(), server.login(user), folders=folders), tmp_path / "s.sqlite3"
    )
    assert (result.exit_status, result.counts.looked_at) == (0, 3), recorder.warnings
    census = server.census(user)
    assert sum(census[quarantine_of(census)].values()) >= 6
    assert sum(census[other].values()) == 0


def test_messages_that_vanish_between_look_and_move(server, tmp_path):
    user = server.user()
    fill(server, user, forged=6, others=0)

    class Interfering(MarkedMail):
        def examine(self, raw, envelope):
            if self.examined == 5:
                with server.client(user) as client:
                    client.select_folder("INBOX")
                    client.delete_messages([2, 4])
                    client.uid_expunge([2, 4])
            return super().examine(raw, envelope)

    work = imap_work(server.server(), server.login(user), examiner=Interfering())
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert (result.exit_status, result.counts.quarantined) == (0, 4), recorder.warnings
    census = server.census(user)
    assert sum(census[quarantine_of(census)].values()) == 4


@pytest.mark.parametrize("way", ["without move"], indirect=True, scope="module")
def test_fifty_clients_mark_and_expunge_meanwhile(server, way, tmp_path):
    user = server.user()
    with server.client(user) as client:
        for n in range(120):
            client.append("INBOX", crlf(mail("forged" if n % 2 else "ordinary", n)))
    before = server.census(user)["INBOX"]
    ordinary = [u for u in range(1, 121) if u % 2]
    with many_clients(server, user, ordinary) as failures:
        result, _ = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert failures == []
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert result.exit_status == 0, recorder.warnings
    after = server.census(user)
    together = sum(after.values(), Counter())
    assert not together - before, "doubled"
    assert sum(after[quarantine_of(after)].values()) == 60
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search(["SUBJECT", "forged"]) == []


def test_nul_bytes_come_no_further_than_the_server(server, tmp_path):
    """RFC 9051 allows none in a literal; Cyrus takes none. On Dovecot they are moved as they are."""
    user = server.user()
    fill(server, user, forged=1, others=0)
    with server.client(user) as client, pytest.raises(IMAPClientError, match=r"NUL|nul|invalid"):
        client.append("INBOX", crlf(mail("forged", 2)) + b"\x00\r\n")
    assert run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")[0].exit_status == 0


@pytest.mark.parametrize("way", WITHOUT_BOTH, indirect=True, scope="module")
def test_without_move_and_uidplus_nothing_moves_and_it_says_so(server, way, tmp_path):
    user = server.user()
    fill(server, user)
    before = server.census(user)
    result, recorder = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert (result.exit_status, result.counts.quarantined, result.counts.errors) == (1, 0, 3)
    assert "neither MOVE nor UIDPLUS" in str(recorder.warnings[0])
    assert server.census(user) == before


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("way", FAULTY, indirect=True, scope="module")
def test_faults(server, way, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(mover, "SECOND_LOOK", 0.02)
    for number, command in enumerate(FAULTY[way]):
        user = server.user()
        fill(server, user)
        before = server.census(user)["INBOX"]
        store = tmp_path / f"{number}.sqlite3"
        with Proxy(server.port, Fault(kind, command=command)) as proxy:
            work = imap_work(server.server(proxy.port), server.login(user), timeouts=Timeouts(2, 0.5))
            run(work, store, backoff=())
            assert proxy.struck
        result, recorder = run(imap_work(server.server(), server.login(user)), store)
        assert result.exit_status == 0, recorder.warnings
        after = server.census(user)
        assert sum(after.values(), Counter()) == before
        assert sum(after[quarantine_of(after)].values()) == 3

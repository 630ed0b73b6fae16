"""The connection breaks, stalls, is cut in mid literal, or the server says no: nothing is lost or doubled."""

from __future__ import annotations

from collections import Counter

import pytest

from classifier.mailbox import mover
from classifier.mailbox.connection import Timeouts
from tests.mailbox.proxy import FAULTS, Fault, Proxy
from tests.mailbox.support import imap_work, mail, run

#: Commands at which a fault matters most; `make soak` takes every one.
MOVING = (
    "LOGIN",
    "SELECT",
    "STATUS",
    "CREATE",
    "UID FETCH",
    "UID MOVE",
    "UID COPY",
    "UID STORE",
    "UID EXPUNGE",
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(mover, "SECOND_LOOK", 0.02)


def fill(user):
    """Deliver forged and other mail, with twins that nothing tells apart."""
    for n in range(4):
        user.deliver(mail("forged", n))
        user.deliver(mail("genuine", n))
        user.deliver(mail("ordinary", n))
    for _ in range(2):
        user.deliver(mail("forged", 100, message_id=False))
    user.deliver(mail("forged", 101, size=300_000))


def check(server, user, store, before):
    """Sweep once more without faults; then everything must be where it belongs, once."""
    result, recorder = run(imap_work(server.server(), server.login(user)), store)
    assert result.exit_status == 0, recorder.warnings
    after = user.census()
    everything: Counter[str] = sum(after.values(), Counter())
    assert everything == before, "a message is lost or doubled"
    assert sum(after["Backscatter"].values()) == 7
    assert all(b"X-Verdict: forged" in p.read_bytes() for p in user.files("Backscatter"))
    with server.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        assert client.search("DELETED") == []
        client.select_folder("Backscatter", readonly=True)
        assert client.search("DELETED") == []
        assert client.search("SEEN") == []


def sweep_through(server, user, store, fault, patience=0.3):
    """Sweep through a proxy that goes wrong; return whether it did."""
    with Proxy(server.port, fault) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user), timeouts=Timeouts(2, patience))
        result, _ = run(work, store, backoff=())
        assert result.exit_status in {0, 1, 75}
        return proxy.struck, result


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_at_each_command(moving_server, tmp_path, kind):
    struck = 0
    for number, command in enumerate(MOVING):
        user = moving_server.user()
        fill(user)
        before = user.census()["INBOX"]
        store = tmp_path / f"{number}.sqlite3"
        hit, _ = sweep_through(moving_server, user, store, Fault(kind, command=command))
        struck += hit
        check(moving_server, user, store, before)
    assert struck >= 6


def test_a_lost_connection_is_taken_up_again(moving_server, tmp_path):
    user = moving_server.user()
    fill(user)
    before = user.census()["INBOX"]
    with Proxy(moving_server.port, Fault("drop-late", number=9)) as proxy:
        work = imap_work(moving_server.server(port=proxy.port), moving_server.login(user))
        result, _ = run(work, tmp_path / "store.sqlite3")
    assert result.exit_status == 0
    assert result.counts.quarantined == 7
    check(moving_server, user, tmp_path / "store.sqlite3", before)


def test_a_move_answered_with_an_error_was_made(server, tmp_path):
    """Exchange does so: the message must be looked for before anything is copied."""
    user = server.user()
    fill(user)
    before = user.census()["INBOX"]
    with Proxy(server.port, Fault("no-late", command="UID MOVE")) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        result, _ = run(work, tmp_path / "store.sqlite3")
        assert "UID COPY" not in proxy.commands
    assert result.exit_status == 0
    assert result.counts.quarantined == 7
    check(server, user, tmp_path / "store.sqlite3", before)


def test_a_move_the_server_does_not_know_is_made_by_copy(server, tmp_path):
    user = server.user()
    fill(user)
    before = user.census()["INBOX"]
    with Proxy(server.port, Fault("bad", command="UID MOVE")) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        result, _ = run(work, tmp_path / "store.sqlite3")
        assert proxy.commands.count("UID COPY") == 1
    assert result.counts.quarantined == 7
    check(server, user, tmp_path / "store.sqlite3", before)


def test_a_failed_copy_deletes_nothing(server_without_move, tmp_path):
    server = server_without_move
    user = server.user()
    user.deliver(mail("forged", 1))
    with Proxy(server.port, Fault("no", command="UID COPY")) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        result, recorder = run(work, tmp_path / "store.sqlite3")
        assert "UID STORE" not in proxy.commands
        assert "UID EXPUNGE" not in proxy.commands
    assert result.counts.quarantined == 0
    assert result.exit_status == 1
    assert "NO sorry" in str(recorder.warnings[0])
    assert len(user.files("INBOX")) == 1

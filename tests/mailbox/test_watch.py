"""Watching: a forged report is gone within seconds, whatever the server offers and whatever breaks."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time

import pytest
from imapclient import IMAPClient

from classifier.mailbox import idle
from classifier.mailbox import watch as watch_module
from classifier.mailbox.connection import Connection
from classifier.mailbox.protocol import ConnectionLost, Refused
from classifier.mailbox.restore import Wanted, restore
from classifier.mailbox.watch import Stop, notify, watch
from tests.mailbox.dovecot import dovecot, without
from tests.mailbox.proxy import Fault, Proxy
from tests.mailbox.support import Recorder, imap_work, mail, maildir_work, run
from tests.support import server_folder


@contextlib.contextmanager
def watching(work, store, **options):
    """Watch in a thread until the end of the block."""
    stop, recorder, ready = Stop(), Recorder(), threading.Event()
    results = []

    def body():
        results.extend(watch(work, store, recorder, stop, ready=ready.set, **options))

    thread = threading.Thread(target=body)
    thread.start()
    try:
        assert ready.wait(10)
        yield recorder
    finally:
        started = time.monotonic()
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        assert time.monotonic() - started < 5
        stop.close()


def await_quarantined(user, number, seconds=5.0):
    """Wait until so many messages lie in quarantine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if len(user.files("Backscatter")) == number:
            return
        time.sleep(0.02)
    pytest.fail(f"{len(user.files('Backscatter'))} of {number} in quarantine after {seconds} s")


def await_true(condition, seconds=5.0):
    """Wait until *condition* holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_forged_report_is_gone_within_five_seconds(moving_server, tmp_path):
    user = moving_server.user()
    user.deliver(mail("forged", 0))
    with watching(
        [imap_work(moving_server.server("tls"), moving_server.login(user))], tmp_path / "s.sqlite3"
    ):
        await_quarantined(user, 1)
        with moving_server.client(user) as client:
            for n in range(1, 6):
                # Through the server: it does not always notice a second file within one second.
                client.append("INBOX", mail("forged", n).replace(b"\n", b"\r\n"))
                client.append("INBOX", mail("genuine", n).replace(b"\n", b"\r\n"))
                await_quarantined(user, n + 1)
    assert len(user.files("INBOX")) == 5


def test_without_idle_it_polls(tmp_path, monkeypatch):
    monkeypatch.setattr(idle, "POLL_EVERY", 0.2)
    with dovecot(server_folder("noidle"), capability=without("IDLE")) as server:
        user = server.user()
        with watching([imap_work(server.server(), server.login(user))], tmp_path / "s.sqlite3"):
            user.deliver(mail("forged", 1), flags=None)
            await_quarantined(user, 1)


def test_a_maildir_is_watched(tmp_path, server):
    user = server.user()
    with watching([maildir_work(user.maildir)], tmp_path / "s.sqlite3"):
        user.deliver(mail("forged", 1), flags=None)
        await_quarantined(user, 1)


@pytest.mark.parametrize("kind", ["drop", "bye", "no"])
def test_a_connection_that_breaks_is_made_again(server, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(idle, "POLL_EVERY", 0.2)
    user = server.user()
    with Proxy(server.port, Fault(kind, command="IDLE")) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        with watching([work], tmp_path / "s.sqlite3") as recorder:
            # What comes in before IDLE is swept over the first connection: nothing breaks then.
            await_true(lambda: proxy.struck)
            user.deliver(mail("forged", 1), flags=None)
            await_quarantined(user, 1)
            assert len(recorder.warnings) == (0 if kind == "no" else 1)


def test_idle_is_issued_anew(server, tmp_path):
    user = server.user()
    with Proxy(server.port) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        with watching([work], tmp_path / "s.sqlite3", reissue=0.2):
            time.sleep(1)
        assert proxy.commands.count("IDLE") >= 3
        assert proxy.commands.count("LOGIN") == 1


def test_the_lock_tells_who_holds_it(server, tmp_path):
    user = server.user()
    work = imap_work(server.server(), server.login(user))
    with watching([work], tmp_path / "s.sqlite3"):
        result, recorder = run(work, tmp_path / "s.sqlite3")
        assert result.exit_status == 75
        assert f"locked by watch, process {os.getpid()}" in str(recorder.warnings[0])
    assert run(work, tmp_path / "s.sqlite3")[0].exit_status == 0


@pytest.mark.parametrize("where", ["imap", "maildir"])
def test_restore_need_not_wait_for_the_watch_to_end(server, tmp_path, where):
    user = server.user()
    user.deliver(mail("forged", 1))
    imap = imap_work(server.server(), server.login(user))
    work = imap if where == "imap" else maildir_work(user.maildir)
    store = tmp_path / "s.sqlite3"
    with watching([work], store) as recorder:
        await_quarantined(user, 1)
        started = time.monotonic()
        assert [m.subject for m in restore(work, store, Wanted(text="forged 1")).moved] == ["forged 1"]
        assert time.monotonic() - started < 5
        # It goes on, and leaves alone what came back.
        user.deliver(mail("forged", 2), flags=None)
        await_quarantined(user, 1)
        assert recorder.warnings == []
        assert run(work, store)[0].exit_status == 75, "a sweep does not ring"
    (back,) = user.files("INBOX")
    assert b"forged 1" in back.read_bytes()


def test_a_wrong_password_ends_it(server, tmp_path):
    work = imap_work(server.server(), server.login("somebody", "wrong"))
    with watching([work], tmp_path / "s.sqlite3") as recorder:
        assert "refused" in str(recorder.warnings[0])


def test_systemd_is_told(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify("READY=1")
        assert channel.recv(100) == b"READY=1"
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")


def test_a_server_that_refuses_idle_is_polled(server, tmp_path, monkeypatch):
    monkeypatch.setattr(idle, "POLL_EVERY", 0.2)
    user = server.user()
    with Proxy(server.port, Fault("bad", command="IDLE")) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        with watching([work], tmp_path / "s.sqlite3") as recorder:
            await_true(lambda: "NOOP" in proxy.commands)
            user.deliver(mail("forged", 1), flags=None)
            await_quarantined(user, 1)
            assert recorder.warnings == []
        assert proxy.commands.count("IDLE") == 1
        assert proxy.commands.count("LOGIN") == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"* 3 EXISTS\r\n+ idling\r\n", True),
        (b"+ idling\r\n* OK Still here\r\n* 3 EXISTS\r\n", True),
        (b"+ idling\r\n* OK Still here\r\n", False),
        (b"+ idling\r\n%s OK ended by itself\r\n", ConnectionLost),
        (b"+ idling\r\n* BYE going down\r\n", ConnectionLost),
        (b"%s NO not now\r\n", Refused),
    ],
)
def test_what_servers_answer_to_idle(answer, outcome):
    def serve(listener):
        with listener.accept()[0] as channel, channel.makefile("rb") as lines:
            channel.sendall(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n")
            for line in lines:
                tag, _, command = line.strip().partition(b" ")
                if command == b"IDLE":
                    idling = tag
                    channel.sendall(answer.replace(b"%s", tag))
                elif line == b"DONE\r\n":
                    channel.sendall(idling + b" OK done\r\n")
                else:
                    if command == b"CAPABILITY":
                        channel.sendall(b"* CAPABILITY IMAP4rev1 IDLE\r\n")
                    channel.sendall(tag + b" OK done\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        client = IMAPClient("127.0.0.1", listener.getsockname()[1], ssl=False, timeout=5)
        connection = Connection(client, "main")
        reader, writer = os.pipe()
        try:
            if isinstance(outcome, bool):
                assert idle.idle(connection, 0.3, reader) is outcome
            else:
                with pytest.raises(outcome):
                    idle.idle(connection, 0.3, reader)
        finally:
            connection.drop()
            os.close(reader)
            os.close(writer)

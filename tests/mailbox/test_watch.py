"""Watching: a forged report is gone within seconds, whatever the server offers and whatever breaks."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time

import pytest

from classifier.mailbox import idle
from classifier.mailbox import watch as watch_module
from classifier.mailbox.watch import Stop, notify, watch
from tests.mailbox.dovecot import dovecot, without
from tests.mailbox.proxy import Fault, Proxy
from tests.mailbox.support import Recorder, imap_work, mail, maildir_work, run


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


def test_without_idle_it_polls(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(idle, "POLL_EVERY", 0.2)
    with dovecot(tmp_path_factory.mktemp("noidle"), capability=without("IDLE")) as server:
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
    user = server.user()
    with Proxy(server.port, Fault(kind, command="IDLE")) as proxy:
        work = imap_work(server.server(port=proxy.port), server.login(user))
        with watching([work], tmp_path / "s.sqlite3") as recorder:
            user.deliver(mail("forged", 1), flags=None)
            await_quarantined(user, 1)
            assert len(recorder.warnings) == 1


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

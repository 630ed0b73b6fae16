"""Connections that end without a word: a network that is cut, a machine that was asleep, a token that expired."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from classifier.mailbox import bounds, clock, connection, idle
from classifier.mailbox import watch as watch_module
from classifier.mailbox.connection import Timeouts
from classifier.mailbox.login import Login
from classifier.mailbox.protocol import NotReached
from tests.mailbox.daemon import started
from tests.mailbox.dovecot import dovecot
from tests.mailbox.proxy import Proxy
from tests.mailbox.support import imap_work, mail
from tests.mailbox.test_connection import source
from tests.mailbox.test_watch import await_quarantined, await_true, watching
from tests.support import missing, require_program, server_folder

NETWORK = "backscatter-cut"
OURS, THEIRS = "198.18.77.1", "198.18.77.2"
#: Runs in the other network: passes bytes on from its address to a socket in the file system.
RELAY = """
import socket, sys, threading
def pump(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
    except OSError: pass
    for s in (a, b):
        try: s.shutdown(socket.SHUT_RDWR)
        except OSError: pass
listener = socket.create_server((sys.argv[1], 1143))
print("ready", flush=True)
while True:
    near, _ = listener.accept()
    far = socket.socket(socket.AF_UNIX); far.connect(sys.argv[2])
    for pair in ((near, far), (far, near)): threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


def pump(source, sink):
    """Pass bytes on in one direction until it ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def carry(listener, port, opened):
    """Pass each connection to the socket file on to *port*."""
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", port))
        opened += [near, far]
        for pair in ((near, far), (far, near)):
            threading.Thread(target=pump, args=pair, daemon=True).start()


class Cable:
    """A network between the program and a server that can be cut: packets vanish, and nobody says so."""

    def cut(self):
        ip("-n", NETWORK, "route", "add", "blackhole", f"{OURS}/32")

    def mend(self):
        ip("-n", NETWORK, "route", "del", "blackhole", f"{OURS}/32")


@pytest.fixture
def cable(server, tmp_path):
    if os.getuid() or not shutil.which("ip"):
        missing("only root can lay a network that is cut")
    near, far = "bscut0", "bscut1"
    ip("netns", "del", NETWORK, check=False)
    ip("link", "del", near, check=False)
    ip("netns", "add", NETWORK)
    relay = None
    opened = []
    path = f"/tmp/{NETWORK}-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", NETWORK)
            ip("addr", "add", f"{OURS}/30", "dev", near)
            ip("link", "set", near, "up")
            ip("-n", NETWORK, "addr", "add", f"{THEIRS}/30", "dev", far)
            ip("-n", NETWORK, "link", "set", far, "up")
            listener.bind(path)
            listener.listen()
            threading.Thread(target=carry, args=(listener, server.port, opened), daemon=True).start()
            relay = subprocess.Popen(
                ["ip", "netns", "exec", NETWORK, sys.executable, "-c", RELAY, THEIRS, path],
                stdout=subprocess.PIPE,
            )
            assert relay.stdout.readline() == b"ready\n"
            yield Cable()
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            if relay is not None:
                relay.kill()
                relay.wait()
                relay.stdout.close()
            for each in opened:
                each.close()
            os.unlink(path)
            ip("link", "del", near, check=False)
            ip("netns", "del", NETWORK, check=False)


def test_a_network_that_is_cut_without_a_word(server, cable, tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "KEEPALIVE", (1, 1, 2))
    monkeypatch.setattr(watch_module, "UNREACHED_WAIT", 0.5)
    monkeypatch.setattr(connection, "_require_loopback", lambda *_: None)
    user = server.user()
    work = imap_work(
        connection.Server(THEIRS, 1143, "plain"), server.login(user), timeouts=Timeouts(connect=2, read=20)
    )
    with watching([work], tmp_path / "s.sqlite3") as recorder:
        user.deliver(mail("forged", 1), flags=None)
        await_quarantined(user, 1)
        time.sleep(0.5)  # it is in IDLE by now
        cable.cut()
        cut = time.monotonic()
        user.deliver(mail("forged", 2), flags=None)
        await_true(lambda: recorder.warnings, 10)
        assert time.monotonic() - cut < 8  # 1 s of silence, two probes, and room
        assert "fell silent" in str(recorder.warnings[0])
        time.sleep(4)
        cable.mend()
        await_quarantined(user, 2, 8)
        assert all("not reached" in str(w) for w in recorder.warnings[1:])
        assert len(recorder.warnings) <= 3, "the same thing is told again and again"


def test_the_system_looks_whether_the_server_is_there(server):
    user = server.user()
    opened = connection.connect(server.server("tls"), server.login(user), "main")
    probed = opened.client.socket()
    assert probed.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    if sys.platform == "linux":
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert tuple(probed.getsockopt(socket.IPPROTO_TCP, o) for o in options) == bounds.KEEPALIVE
    opened.close()


class Deaf(Proxy):
    """Passes nothing on once it is told so, and closes nothing."""

    deaf = False

    def _serve(self, client, server):
        def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := source.recv(65_536):
                    self.commands += ["IDLE"] if b" IDLE\r\n" in data else []
                    if not (self.deaf and source in self.old):
                        sink.sendall(data)

        threading.Thread(target=pump, args=(server, client), daemon=True).start()
        pump(client, server)


@pytest.mark.parametrize("gone", [False, True])
def test_a_machine_that_was_asleep(server, tmp_path, monkeypatch, gone):
    """The connection may be there still, or be forgotten by whatever lies between."""
    monkeypatch.setattr(idle, "LOOK_UP", 0.2)
    monkeypatch.setattr(idle, "AFTER_SLEEP", 0.5)
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 0.1)
    slept = 0.0
    monkeypatch.setattr(clock, "now", lambda: time.monotonic() + slept)
    user = server.user()
    with Deaf(server.port) as proxy:
        proxy.old = []
        work = imap_work(server.server(port=proxy.port), server.login(user))
        with watching([work], tmp_path / "s.sqlite3") as recorder:
            time.sleep(0.5)  # it is in IDLE by now
            if gone:
                proxy.deaf, proxy.old = True, list(proxy._relay._open)
                user.deliver(mail("forged", 1), flags=None)
                time.sleep(1)
                assert not user.files("Backscatter")
            begun = proxy.commands.count("IDLE")
            slept = 60.0
            await_true(lambda: proxy.commands.count("IDLE") > begun)
            if not gone:
                user.deliver(mail("forged", 1), flags=None)
            await_quarantined(user, 1)
            assert len(recorder.warnings) == gone


def test_sleep_ends_a_wait_for_the_next_connection(tmp_path, monkeypatch, server):
    monkeypatch.setattr(watch_module, "LOOK_UP", 0.1)
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 300.0)
    monkeypatch.setattr(watch_module, "UNREACHED_WAIT", 300.0)
    slept = 0.0
    monkeypatch.setattr(clock, "now", lambda: time.monotonic() + slept)
    user = server.user()
    there = []
    good = imap_work(server.server(), server.login(user))

    def open_mailbox(caution):
        if not there:
            raise NotReached("nobody is there", where="main")
        return good.open_mailbox(caution)

    work = type(good)(good.job, open_mailbox, good.make_examiner)
    with watching([work], tmp_path / "s.sqlite3") as recorder:
        assert len(recorder.warnings) == 1
        there.append(True)
        user.deliver(mail("forged", 1), flags=None)
        slept = 500.0
        await_quarantined(user, 1)


def test_a_server_that_is_started_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(watch_module, "UNREACHED_WAIT", 1.0)
    folder, spare = server_folder("restart"), server_folder("restarted")
    with dovecot(folder) as server:
        user = server.user()
        work = imap_work(server.server("tls"), server.login(user))
        with watching([work], tmp_path / "s.sqlite3") as recorder:
            time.sleep(0.5)  # it is in IDLE by now
            os.kill(int((folder / "run" / "master.pid").read_text()), signal.SIGTERM)
            user.deliver(mail("forged", 1), flags=None)
            await_true(lambda: any("not reached" in str(w) for w in recorder.warnings), 60)
            time.sleep(3)
            command = [require_program("dovecot", "dovecot-imapd"), "-F", "-c", folder / "dovecot.conf"]
            with started(command, spare, server.port):
                await_quarantined(user, 1)
                user.deliver(mail("forged", 2), flags=None)
                await_quarantined(user, 2)


def test_a_token_that_expires_meanwhile(tokens, tmp_path, monkeypatch):
    """The server ends the session then, and takes the old token no more."""
    monkeypatch.setattr(watch_module, "FIRST_WAIT", 0.1)
    folder = server_folder("expired")
    url = f"http://127.0.0.1:{tokens.server_port}/info?access_token="
    (folder / "oauth2.conf.ext").write_text(f"tokeninfo_url = {url}\nusername_attribute = email\n")
    passdb = f"oauth2\n  args = {folder}/oauth2.conf.ext\n  mechanisms = xoauth2"
    with dovecot(folder, mechanisms=" xoauth2", passdb=passdb) as server, Proxy(server.port) as proxy:
        user = server.user("anna")
        login = Login("anna", token=source(tokens, tmp_path, monkeypatch).token)
        work = imap_work(server.server(port=proxy.port), login)
        with watching([work], tmp_path / "s.sqlite3") as recorder:
            await_true(lambda: "IDLE" in proxy.commands)
            tokens.access = "another"
            client = proxy._relay._open[-2]
            client.sendall(b"* BYE Session expired\r\n")
            client.shutdown(socket.SHUT_RDWR)
            user.deliver(mail("forged", 1), flags=None)
            await_quarantined(user, 1)
            assert len(recorder.warnings) == 1
            assert len(tokens.forms) == 2

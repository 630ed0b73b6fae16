"""A real Courier IMAP server on loopback, started for the tests.

Debian's courier-imap cannot be installed beside dovecot-imapd, so it is run
from where .ci/debian-unpacked put it. Its imapd takes a session that somebody
else has let in; the few lines that let one in are here, in place of Courier's
own login, which needs its daemons installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import threading
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from tests.mailbox.daemon import PASSWORD, ImapServer
from tests.mailbox.dovecot import User
from tests.support import UNPACKED, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = count(1)
_IMAPD = UNPACKED / "usr" / "bin" / "imapd"
#: As Debian configures it.
_CAPABILITY = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
_LOGIN = re.compile(rb'(\S+) LOGIN "?([^" ]+)"? "?([^" ]+)"?\r\n', re.IGNORECASE)


@dataclass
class Courier(ImapServer):
    """A running server."""

    folder: Path

    def user(self) -> User:
        """Return a new user."""
        user = User(f"user{next(_numbers)}", self.folder / "mail", (-1, -1))
        user.maildir = self.folder / user.name / "Maildir"
        user.make_folder("INBOX")
        return user


@contextlib.contextmanager
def courier(folder: Path) -> Iterator[Courier]:
    """Run a server in *folder* until the end of the block."""
    if not _IMAPD.exists():
        missing("Courier is not there (run: sh .ci/debian-unpacked .venv/debian)")
    identity = f"backscatter{os.getpid()}"
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(UNPACKED / "usr" / "lib"),
        "AUTHENTICATED": "user",
        "IMAP_CAPABILITY": _CAPABILITY,
        "IMAP_KEYWORDS": "1",
        "TCPREMOTEIP": "127.0.0.1",
        "PROTOCOL": "imap",
        "GAM_CLIENT_ID": identity,
        "GAMIN_DEBUG_SERVER": "/bin/false",  # the one below is there
    }
    notifier = subprocess.Popen(
        [UNPACKED / "usr" / "libexec" / "gam_server", "--notimeout", identity],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, folder, environment), daemon=True).start()
    try:
        yield Courier(listener.getsockname()[1], folder)
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        notifier.terminate()
        notifier.wait()


def _accept(listener: socket.socket, folder: Path, environment: dict[str, str]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_session, args=(client, folder, environment), daemon=True).start()


def _session(client: socket.socket, folder: Path, environment: dict[str, str]) -> None:
    """Let one client in, then hand it to Courier's imapd."""
    with client, contextlib.suppress(OSError):
        client.sendall(b"* OK [CAPABILITY " + _CAPABILITY.encode() + b"] Courier-IMAP ready.\r\n")
        while not (login := _LOGIN.fullmatch(line := _line(client))):
            if not line:
                return
            tag, _, command = line.partition(b" ")
            if command.strip().upper() == b"CAPABILITY":
                client.sendall(b"* CAPABILITY " + _CAPABILITY.encode() + b"\r\n")
            client.sendall(tag + b" OK done\r\n")
        if login[3] != PASSWORD.encode():
            client.sendall(login[1] + b" NO Login failed.\r\n")
            return
        with subprocess.Popen(
            [_IMAPD, "Maildir"],
            cwd=folder / login[2].decode(),
            env=environment,
            stdin=client,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as session:
            assert session.stdout is not None
            greeting = session.stdout.readline()
            assert b"PREAUTH" in greeting, greeting
            client.sendall(login[1] + b" OK LOGIN Ok.\r\n")
            while data := session.stdout.read1(65536):
                client.sendall(data)


def _line(client: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = client.recv(1)  # not one byte of what comes after the login
        if not byte:
            return b""
        line += byte
    return line

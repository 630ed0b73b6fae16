"""What the IMAP servers that tests start have in common."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from classifier.mailbox.connection import Server
    from classifier.mailbox.login import Login

#: Of every user.
PASSWORD = "geheim"


#: Below the ports that systems give to outgoing connections: nobody takes one before its server is up.
_PORTS = range(15_000, 32_000)
_given: set[int] = set()
#: Not the one that tests seed: processes side by side would draw the same ports.
_choose = random.SystemRandom().choice


def free_port() -> int:
    """Return a TCP port that nobody listens on now; no other call in this process returns it, too."""
    while True:
        port = _choose(_PORTS)
        if port in _given:
            continue
        _given.add(port)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def name_of(user: Any) -> str:
    """Return the name of a user who may have mailboxes on disk."""
    return user if isinstance(user, str) else user.name


@dataclass
class ImapServer:
    """A running server on loopback.

    Attributes:
        port: where it listens, without TLS.

    """

    port: int

    def server(self, port: int | None = None) -> Server:
        """Return how the program reaches it."""
        from classifier.mailbox.connection import Server

        return Server("127.0.0.1", port or self.port, "plain")

    def login(self, user: Any, password: str = PASSWORD) -> Login:
        """Return how the program logs in."""
        from classifier.mailbox.login import Login

        return Login(name_of(user), lambda: password)

    @contextlib.contextmanager
    def client(self, user: Any):
        """Open a session of another mail program."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20) as client:
            client.normalise_times = False
            client.login(name_of(user), PASSWORD)
            yield client

    def census(self, user: Any) -> dict[str, Counter[str]]:
        """Return for each folder how often each message is there, as IMAP shows it."""
        found = {}
        with self.client(user) as client:
            for flags, _, folder in client.list_folders():
                if b"\\Noselect" in flags:
                    continue
                client.select_folder(folder, readonly=True)
                uids = client.search()
                bodies = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
                found[folder] = Counter(sha256(b[b"BODY[]"]).hexdigest() for b in bodies.values())
        return found


@contextlib.contextmanager
def started(
    command: Sequence[str | Path], folder: Path, port: int, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server in the foreground until the end of the block, from when it greets on *port*.

    Args:
        command: its program and arguments.
        folder: its files; they go at the end.
        port: where it will greet.
        environment: its environment; None: ours.

    """
    said = folder / "output"
    with said.open("wb") as output:
        # In a process group of its own: Cyrus at its end signals the whole group.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    try:
        _await_greeting(process, port, said)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _await_greeting(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended: {said.read_text(errors='replace')}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as probe:
            if re.match(rb"\* OK", probe.recv(200)):
                return
        time.sleep(0.02)
    raise RuntimeError(f"the server did not come up: {said.read_text(errors='replace')}")

"""A proxy between the program and a server that goes wrong at a chosen command."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.relay import Relay, close

if TYPE_CHECKING:
    import socket

#: What can go wrong; "late" ones let the server do its work first.
FAULTS = (
    "drop",
    "drop-late",
    "stall",
    "stall-late",
    "cut",
    "no",
    "no-late",
    "bad",
    "bad-late",
    "bye",
    "bye-late",
)
_COMMAND = re.compile(rb"([A-Za-z0-9]+) (UID [A-Z]+|[A-Z]+)([^\r\n]*)\r\n", re.IGNORECASE)


@dataclass
class Fault:
    """One fault, once.

    Attributes:
        kind: one of :data:`FAULTS`.
        number: at which command of all connections, from 0; or
        command: at the first one of this name, e.g. ``UID COPY``.
        cut_at: for "cut": after how many bytes of the answer.

    """

    kind: str
    number: int | None = None
    command: str | None = None
    cut_at: int = 100


@dataclass
class Proxy:
    """Listens on loopback and passes on to *upstream*."""

    upstream: int
    fault: Fault | None = None
    commands: list[str] = field(default_factory=list)
    struck: bool = False

    def __enter__(self) -> Self:
        self._relay = Relay(("127.0.0.1", self.upstream), self._serve)
        self._relay.__enter__()
        self.port = self._relay.port
        return self

    def __exit__(self, *_exc: object) -> None:
        self._relay.__exit__()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        """Pass bytes on until either side ends or the fault strikes."""
        state = _Session()
        answers = threading.Thread(target=self._answers, args=(client, server, state), daemon=True)
        answers.start()
        pending = b""
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                pending += data
                while b"\r\n" in pending:
                    line, _, pending = pending.partition(b"\r\n")
                    if not self._command(line + b"\r\n", client, server, state):
                        state.silent.wait(10)
                        break
        close(client)
        close(server)
        answers.join(5)

    def _command(self, line: bytes, client: socket.socket, server: socket.socket, state: _Session) -> bool:
        """Pass one line on, or let it go wrong; False ends the session."""
        found = _COMMAND.fullmatch(line)
        if not found:
            server.sendall(line)
            return True
        tag, name = found[1], found[2].decode().upper()
        number = len(self.commands)
        self.commands.append(name)
        fault = self.fault
        if (
            fault is None
            or self.struck
            or fault.number not in {None, number}
            or fault.command not in {None, name}
        ):
            server.sendall(line)
            return True
        self.struck = True
        if fault.kind.endswith("-late") or fault.kind == "cut":
            state.cut_at = fault.cut_at if fault.kind == "cut" else 0
            state.holding.set()
            state.tag = tag
            server.sendall(line)
            state.answered.wait(10)
        kind = fault.kind.removesuffix("-late")
        if kind in {"drop", "cut"}:
            close(client)
            return False
        if kind == "stall":
            end = time.monotonic() + 10  # until the client gives up
            client.settimeout(0.1)
            while time.monotonic() < end:
                try:
                    if not client.recv(65536):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            return False
        state.holding.clear()
        if kind == "bye":
            client.sendall(b"* BYE shutting down\r\n")
            close(client)
            return False
        client.sendall(tag + (b" NO sorry\r\n" if kind == "no" else b" BAD what?\r\n"))
        return True

    def _answers(self, client: socket.socket, server: socket.socket, state: _Session) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if not state.holding.is_set():
                    client.sendall(data)
                    continue
                held += data
                if state.cut_at:
                    client.sendall(data[: state.cut_at])
                    state.cut_at = max(0, state.cut_at - len(data))
                    if not state.cut_at:
                        state.answered.set()
                if re.search(rb"(?:^|\r\n)" + re.escape(state.tag) + rb" (OK|NO|BAD)[^\r\n]*\r\n$", held):
                    state.answered.set()
        state.answered.set()
        if not state.holding.is_set():
            close(client)


class _Session:
    def __init__(self) -> None:
        self.holding = threading.Event()
        self.answered = threading.Event()
        self.silent = threading.Event()
        self.silent.set()
        self.tag = b""
        self.cut_at = 0

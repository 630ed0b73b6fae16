"""Carries connections on loopback to a server, for tests that let something happen on the way."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Relay:
    """Listens on a free port.

    Attributes:
        upstream: where the server listens.
        carry: passes bytes on between a client and the server until either ends; in a thread of its own.

    """

    upstream: tuple[str, int]
    carry: Callable[[socket.socket, socket.socket], None]

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = [self._listener]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_exc: object) -> None:
        for each in self._open:
            close(each)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.upstream)
            self._open += [client, server]
            thread = threading.Thread(target=self.carry, args=(client, server), daemon=True)
            self._threads.append(thread)
            thread.start()


def close(end: socket.socket) -> None:
    """Close one end, also under whoever waits for it."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

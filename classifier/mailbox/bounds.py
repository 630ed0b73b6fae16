"""What a server may make us wait for, and hold: an end to each answer, and to each literal."""

from __future__ import annotations

import contextlib
import threading
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

#: The largest literal that is taken from a server: more than is ever asked for. A server that gives no
#: part of a message but all of it costs that message, and not the memory.
LARGEST_LITERAL = 32 * 1024 * 1024


@contextlib.contextmanager
def ended_after(seconds: float, connection: Callable[[], socket.socket]) -> Iterator[None]:
    """Break the connection if the block takes longer."""

    def end() -> None:
        with contextlib.suppress(OSError, IndexError):  # gone, or not there yet
            connection().shutdown(SHUT_RDWR)

    clock = threading.Timer(seconds, end)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def bounded(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Take no literal that is larger than any that was asked for."""
    import imaplib  # noqa: PLC0415 - IMAP code costs 50 ms

    def read_some(size: int) -> bytes:
        if size > LARGEST_LITERAL:
            raise imaplib.IMAP4.abort(f"the server sends {size} bytes at once")
        return read(size)

    return read_some


def noting(opened: list[socket.socket]) -> Any:  # noqa: ANN401 - imapclient ships no types
    """Return an IMAPClient that adds its socket to *opened* before it reads the server's greeting."""
    from imapclient import IMAPClient  # noqa: PLC0415 - likewise
    from imapclient.imap4 import IMAP4WithTimeout  # noqa: PLC0415 - likewise
    from imapclient.tls import IMAP4_TLS  # noqa: PLC0415 - likewise

    class Noting(IMAPClient):  # type: ignore[misc]
        def _create_IMAP4(self) -> Any:  # noqa: ANN401, N802 - imapclient's
            kind: Any = IMAP4_TLS if self.ssl else IMAP4WithTimeout
            arguments = [
                self.host,
                self.port,
                *([self.ssl_context] if self.ssl else []),
                self._timeout.connect,
            ]

            class Noted(kind):  # type: ignore[misc]
                def _create_socket(self, timeout: float | None = None) -> socket.socket:
                    made: socket.socket = super()._create_socket(timeout)
                    opened.append(made)
                    return made

            return Noted(*arguments)

    return Noting

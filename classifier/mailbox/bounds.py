"""What a server may make us wait for, and hold: an end to each answer, to each literal, and to silence."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from classifier.mailbox.quick import quick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The largest literal that is taken from a server: more than is ever asked for. A server that gives no
#: part of a message but all of it costs that message, and not the memory.
LARGEST_LITERAL = 32 * 1024 * 1024
#: Seconds of silence after which the other side is asked whether it is there, seconds between two such
#: questions, and how many of them may go unanswered: a connection that was cut without a word, by a router
#: that forgot it or a network that is gone, is given up a minute and a half later, and not at the next IDLE.
KEEPALIVE = (60, 10, 3)


def kept_alive(connection: socket.socket) -> None:
    """Have the system notice when the other side of *connection* is gone, and keep routers from forgetting it."""
    idle, every, most = KEEPALIVE
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for names, value in (
        (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), idle),  # Linux, macOS
        (("TCP_KEEPINTVL",), every),
        (("TCP_KEEPCNT",), most),
    ):
        option = next((found for name in names if (found := getattr(socket, name, None)) is not None), None)
        if option is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, option, value)


@contextlib.contextmanager
def ended_after(seconds: float, connection: Callable[[], socket.socket]) -> Iterator[None]:
    """Break the connection if the block takes longer."""

    def end() -> None:
        with contextlib.suppress(OSError, IndexError):  # gone, or not there yet
            connection().shutdown(socket.SHUT_RDWR)

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
            kind: Any = quick(IMAP4_TLS if self.ssl else IMAP4WithTimeout)
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

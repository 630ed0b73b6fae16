"""The SPAMD server: one thread reads and writes all connections, workers judge what has come whole.

A client that sends a byte a second, or reads as slowly, holds up nobody but
itself: a worker never waits for one.
"""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING

from classifier.deliver.judges import Found, InForce, Judge
from classifier.deliver.listening import BACKLOG
from classifier.deliver.result_headers import (
    NAMES,
    NoPlaceError,
    header_end,
    header_start,
    plain,
    with_result_headers,
)
from classifier.deliver.spamd import (
    Command,
    ProtocolError,
    Request,
    RequestParser,
    Status,
    answer,
    failure,
)
from classifier.parse.report import Envelope

if TYPE_CHECKING:
    from classifier.deliver.metrics import Metrics

#: A message larger than this is refused; its client keeps it as it is. In bytes.
MAX_MESSAGE = 32 * 1024 * 1024
#: Seconds that one request may take to come, from the first byte to the last, and its answer to go.
REQUEST_TIME = 60.0
#: Connections at a time; more wait in the kernel's backlog.
MAX_CONNECTIONS = 512
#: Bytes of requests that have not come whole, of all connections together.
MAX_PENDING = 8 * MAX_MESSAGE
#: A request of so many bytes is not yet worth counting.
_SMALL = 262_144
#: Request headers of our own filter, see :mod:`classifier.deliver.client`.
_FROM, _TO, _DETAILS = "x-envelope-from", "x-envelope-to", "x-backscatter-details"
_PROOF = "X-Backscatter-Proof"
_REPORT_LINES = 40
#: Connections are looked through for those out of time so often, in seconds.
_EXPIRE_EVERY = 1.0


def respond(request: Request, found: Found) -> bytes:
    """Write the answer to a request about a message."""
    extra: tuple[tuple[str, str], ...] = ()
    if _DETAILS in request.headers:
        told = (plain(value, 1_800) for value in found.values)
        extra = (*zip(NAMES, told, strict=True), (_PROOF, "yes" if found.proof else "no"))
    body: bytes | None = None
    match request.command:
        case Command.SYMBOLS:
            body = ",".join(found.symbols).encode("ascii", "replace")
        case Command.REPORT | Command.REPORT_IFSPAM:
            wanted = request.command is Command.REPORT or found.spam.spam
            lines = [f"verdict: {found.values[0]}, {found.spam}", *found.reasons[:_REPORT_LINES]]
            body = "".join(f"{plain(line, 500)}\r\n" for line in lines).encode("ascii") if wanted else b""
        case Command.PROCESS | Command.HEADERS:
            body = _with_headers(request.body, found.values)
            if request.command is Command.HEADERS:
                body = body[: header_end(body, header_start(body))] if body else body
        case _:
            pass
    return answer(request, body, found.spam, extra)


def _with_headers(message: bytes, values: tuple[str, str, str, str]) -> bytes:
    try:
        return b"".join(with_result_headers(message, values))
    except NoPlaceError:
        return message


class _Connection:
    """One client.

    Attributes:
        socket: its socket, which never blocks.
        parser: takes its request.
        end: when its time is up, by the monotonic clock.
        begun: when it was accepted.
        left: what of the answer is still to be sent; None: no answer yet.
        watched: True while the reading thread waits for it; else it is with a worker.

    """

    __slots__ = ("begun", "end", "left", "parser", "socket", "watched")

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.parser = RequestParser(MAX_MESSAGE)
        self.begun = time.monotonic()
        self.end = self.begun + REQUEST_TIME
        self.left: memoryview | None = None
        self.watched = False

    @property
    def command(self) -> str:
        request = self.parser.request
        return request.command.value if request else "none"


class _Worker(threading.Thread):
    """Judges one request after the other; the store belongs to its thread."""

    def __init__(self, server: Server, number: int) -> None:
        super().__init__(name=f"worker-{number}", daemon=True)
        self._server = server
        self._judge = Judge(server.in_force)

    def run(self) -> None:
        while True:
            try:
                connection = self._server.waiting.get(timeout=1.0)
            except queue.Empty:
                # Quiet: what was judged is written, so that other processes see it.
                self._judge.flush()
                continue
            if connection is None:
                break
            self._server.reply(connection, *self._answered(connection))
        self._judge.close()

    def _answered(self, connection: _Connection) -> tuple[bytes, int]:
        request = connection.parser.request
        assert request is not None
        try:
            return self._answer(request, connection.socket), Status.OK[0]
        except ProtocolError as error:
            return failure(error), error.status[0]
        except Exception as error:  # noqa: BLE001 - one request never costs the worker, nor stays without an answer
            self._server.in_force.tell(f"a request failed ({type(error).__name__}: {error})")
            self._server.metrics.message("spamd", "error")
            told = ProtocolError("the message could not be judged", Status.TRY_AGAIN)
            return failure(told), told.status[0]

    def _answer(self, request: Request, client: socket.socket) -> bytes:
        if request.command is Command.TELL:
            return self._learn(request, client)
        mail_from = request.headers.get(_FROM)
        envelope = Envelope(
            mail_from=None if mail_from is None else mail_from.strip("<> "), rcpt_to=request.headers.get(_TO)
        )
        found = self._judge.judge(request.body, envelope)
        self._server.metrics.message("spamd", found.values[0])
        return respond(request, found)

    def _learn(self, request: Request, client: socket.socket) -> bytes:
        from classifier.deliver.learning import learn  # noqa: PLC0415 - few clients teach
        from classifier.deliver.peers import is_own  # noqa: PLC0415 - likewise

        allowed = self._server.in_force.current[0].serve.tell
        if allowed == "none" or (allowed == "own" and not is_own(client)):
            raise ProtocolError("TELL is not allowed here; see serve.tell", Status.UNAVAILABLE)
        database = self._judge.runtime.database
        if database is None or database.readonly:
            raise ProtocolError("there is no store to learn into", Status.UNAVAILABLE)
        return answer(request, b"", extra=learn(request, database))


class Server:
    """Serves until :meth:`stop`.

    Attributes:
        in_force: the configuration.
        metrics: counts what comes and goes.
        waiting: connections whose request has come whole; None ends a worker.

    """

    def __init__(self, in_force: InForce, listener: socket.socket, workers: int, metrics: Metrics) -> None:
        """Prepare.

        Args:
            in_force: the configuration.
            listener: a listening socket.
            workers: how many requests are judged at the same time.
            metrics: counts what comes and goes.

        """
        self.in_force = in_force
        self.metrics = metrics
        self.waiting: queue.SimpleQueue[_Connection | None] = queue.SimpleQueue()
        self._listener: socket.socket | None = listener
        self._workers = [_Worker(self, number) for number in range(workers)]
        self._stopping = False
        self._open: set[_Connection] = set()
        self._selector = selectors.DefaultSelector()
        #: Answers that a client would not take at once, for the reading thread to send.
        self._unsent: queue.SimpleQueue[_Connection] = queue.SimpleQueue()
        self._woken, self._wake = socket.socketpair()
        for each in (self._woken, self._wake):
            each.setblocking(False)

    def stop(self) -> None:
        """Take no more connections; those accepted are answered."""
        self._stopping = True
        self._wake_up()

    def ailing(self) -> str | None:
        """Return what is wrong with the server, or None."""
        dead = sum(not worker.is_alive() for worker in self._workers)
        return f"{dead} of {len(self._workers)} workers are gone" if dead else None

    def run(self) -> None:
        """Serve; returns after :meth:`stop`, when all that was accepted is answered."""
        assert self._listener is not None
        for worker in self._workers:
            worker.start()
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        looked, listening = time.monotonic(), False
        while self._open or not self._stopping:
            wanted = not self._stopping and len(self._open) < MAX_CONNECTIONS
            if wanted != listening:
                listening = wanted
                if wanted:
                    self._selector.register(self._listener, selectors.EVENT_READ)
                else:
                    self._selector.unregister(self._listener)
            for key, events in self._selector.select(0.2):
                self._attend(key.fileobj, key.data, events)
            if time.monotonic() - looked >= _EXPIRE_EVERY:
                looked = time.monotonic()
                self._expire(looked)
        self._listener.close()
        for _ in self._workers:
            self.waiting.put(None)
        for worker in self._workers:
            worker.join(REQUEST_TIME)
        self._selector.close()

    def _attend(self, ready: object, connection: _Connection | None, events: int) -> None:
        if ready is self._listener:
            self._accept()
        elif connection is None:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
            while not self._unsent.empty():
                each = self._unsent.get()
                self._watch(each, selectors.EVENT_WRITE)
        elif events & selectors.EVENT_WRITE:
            self._send(connection, registered=True)
        else:
            self._receive(connection)

    def _accept(self) -> None:
        assert self._listener is not None
        # Not too many at a time: those that are here already are to be read, too.
        for _ in range(16):
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            connection = _Connection(accepted)
            self._open.add(connection)
            self._watch(connection, selectors.EVENT_READ)
            # What it had to say is often here already.
            self._receive(connection)

    def _receive(self, connection: _Connection) -> None:
        parser = connection.parser
        try:
            data = connection.socket.recv(262_144)
            if data:
                parser.feed(data)
            else:
                parser.end()
            self._check_pending(parser)
        except BlockingIOError:
            return
        except OSError:
            self._unwatch(connection)
            self._drop(connection)
            return
        except ProtocolError as error:
            self._unwatch(connection)
            self.reply(connection, failure(error), error.status[0])
            return
        if parser.request is None:
            return
        self._unwatch(connection)
        if parser.request.command is Command.SKIP:
            self._drop(connection)
        elif parser.request.command is Command.PING:
            self.reply(connection, answer(parser.request), Status.OK[0])
        else:
            self.waiting.put(connection)

    def _check_pending(self, parser: RequestParser) -> None:
        if parser.buffered > _SMALL and sum(c.parser.buffered for c in tuple(self._open)) > MAX_PENDING:
            raise ProtocolError("too much is being sent at the same time", Status.TRY_AGAIN)

    def reply(self, connection: _Connection, reply: bytes, status: int) -> None:
        """Send an answer, as far as the client takes it at once; the reading thread sends the rest."""
        self.metrics.request(connection.command, status, time.monotonic() - connection.begun)
        connection.left = memoryview(reply)
        self._send(connection, registered=False)

    def _send(self, connection: _Connection, *, registered: bool) -> None:
        assert connection.left is not None
        try:
            connection.left = connection.left[connection.socket.send(connection.left) :]
        except BlockingIOError:
            pass
        except OSError:
            connection.left = memoryview(b"")  # the client is gone
        if connection.left:
            if not registered:
                self._unsent.put(connection)
                self._wake_up()
            return
        if registered:
            self._unwatch(connection)
        self._drop(connection)

    def _expire(self, now: float) -> None:
        for connection in [c for c in tuple(self._open) if c.watched and c.end < now]:
            self._unwatch(connection)
            if connection.left is None:
                error = ProtocolError("the request took too long to come", Status.TIMEOUT)
                connection.end = now + _EXPIRE_EVERY
                self.reply(connection, failure(error), error.status[0])
            else:
                self._drop(connection)

    def _watch(self, connection: _Connection, events: int) -> None:
        connection.watched = True
        self._selector.register(connection.socket, events, connection)

    def _unwatch(self, connection: _Connection) -> None:
        connection.watched = False
        self._selector.unregister(connection.socket)

    def _drop(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.socket.close()
        self._open.discard(connection)
        if self._stopping:
            self._wake_up()

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.send(b"x")

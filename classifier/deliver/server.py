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

from classifier.deliver.answers import respond
from classifier.deliver.connection import Connection
from classifier.deliver.judges import InForce, Judge
from classifier.deliver.listening import BACKLOG
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
#: Seconds from there to the answer; then the client is told that there is none, and takes its message as it is.
JUDGING_TIME = 30.0
#: Connections at a time; more wait in the kernel's backlog ...
MAX_CONNECTIONS = 512
#: ... and a request has no more than so long to come then, in seconds.
CROWDED_TIME = 5.0
#: Workers at a time. More than are asked for work where these wait for nameservers.
MAX_WORKERS = 16
#: Bytes of requests that have not come whole, of all connections together.
MAX_PENDING = 8 * MAX_MESSAGE
#: A request of so many bytes is not yet worth counting.
_SMALL = 262_144
#: Request headers of our own filter, see :mod:`classifier.deliver.client`.
_FROM, _TO = "x-envelope-from", "x-envelope-to"
#: Connections are looked through for those out of time so often, in seconds.
_EXPIRE_EVERY = 1.0
#: A worker that has been at one message for so long, in seconds, waits for nameservers: another takes its place.
_PATIENCE = 1.0


class _Worker(threading.Thread):
    """Judges one request after the other; the store belongs to its thread.

    Attributes:
        since: when it began with the message that it is at; None: at none.

    """

    def __init__(self, server: Server, *, is_extra: bool = False) -> None:
        super().__init__(name="worker", daemon=True)
        self._server = server
        self._is_extra = is_extra
        self.since: float | None = None
        self._judge = Judge(server.in_force)

    def run(self) -> None:
        while True:
            try:
                connection = self._server.waiting.get(timeout=1.0)
            except queue.Empty:
                # Quiet: what was judged is written, so that other processes see it.
                self._judge.flush()
                if self._is_extra:
                    break
                continue
            if connection is None:
                break
            if connection.left is not None:
                continue  # it was told already that its time is up
            self.since = time.monotonic()
            self._server.reply(connection, *self._answered(connection))
            self.since = None
        self._judge.close()

    def _answered(self, connection: Connection) -> tuple[bytes, int]:
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
        self.waiting: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()
        self._listener: socket.socket | None = listener
        self._workers = [_Worker(self) for _ in range(workers)]
        self._extra: list[_Worker] = []
        self._stopping = False
        self._open: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        #: Answers that a client would not take at once, for the reading thread to send.
        self._unsent: queue.SimpleQueue[Connection] = queue.SimpleQueue()
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
            now = time.monotonic()
            if now - looked >= _EXPIRE_EVERY:
                looked = now
                self._expire(now)
                self._help_out(now)
        self._listener.close()
        workers = (*self._workers, *self._extra)
        for _ in workers:
            self.waiting.put(None)
        end = time.monotonic() + JUDGING_TIME
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
        self._selector.close()
        for each in (self._woken, self._wake):
            each.close()

    def _attend(self, ready: object, connection: Connection | None, events: int) -> None:
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
            connection = Connection(accepted, MAX_MESSAGE, REQUEST_TIME)
            self._open.add(connection)
            self._watch(connection, selectors.EVENT_READ)
            # What it had to say is often here already.
            self._receive(connection)

    def _receive(self, connection: Connection) -> None:
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
            connection.whole_at = time.monotonic()
            self.waiting.put(connection)

    def _check_pending(self, parser: RequestParser) -> None:
        if parser.buffered > _SMALL and sum(c.parser.buffered for c in tuple(self._open)) > MAX_PENDING:
            raise ProtocolError("too much is being sent at the same time", Status.TRY_AGAIN)

    def reply(self, connection: Connection, reply: bytes, status: int) -> None:
        """Send an answer, as far as the client takes it at once; the reading thread sends the rest."""
        if not connection.claim():
            return
        self.metrics.request(connection.command, status, time.monotonic() - connection.begun)
        connection.left = memoryview(reply)
        self._send(connection, registered=False)

    def _send(self, connection: Connection, *, registered: bool) -> None:
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
        crowded = len(self._open) >= MAX_CONNECTIONS
        for connection in tuple(self._open):
            if not connection.watched:
                if connection.whole_at is not None and connection.whole_at + JUDGING_TIME < now:
                    self._time_out(connection, "judging took too long")
            elif connection.left is not None:
                if connection.end < now:
                    self._unwatch(connection)
                    self._drop(connection)
            elif connection.end < now or (crowded and connection.begun + CROWDED_TIME < now):
                self._unwatch(connection)
                connection.end = now + _EXPIRE_EVERY
                self._time_out(connection, "the request took too long to come")

    def _time_out(self, connection: Connection, text: str) -> None:
        error = ProtocolError(text, Status.TIMEOUT)
        self.reply(connection, failure(error), error.status[0])

    def _help_out(self, now: float) -> None:
        """Start a worker in the place of each that waits: for nameservers of a spammer's choice, perhaps."""
        self._extra = [worker for worker in self._extra if worker.is_alive()]
        workers = (*self._workers, *self._extra)
        held = sum(w.since is not None and w.since + _PATIENCE < now for w in workers)
        for _ in range(min(len(self._workers) + held, MAX_WORKERS) - len(workers)):
            worker = _Worker(self, is_extra=True)
            self._extra.append(worker)
            worker.start()

    def _watch(self, connection: Connection, events: int) -> None:
        connection.watched = True
        self._selector.register(connection.socket, events, connection)

    def _unwatch(self, connection: Connection) -> None:
        connection.watched = False
        self._selector.unregister(connection.socket)

    def _drop(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_WR)
        connection.socket.close()
        self._open.discard(connection)
        if self._stopping:
            self._wake_up()

    def _wake_up(self) -> None:
        with contextlib.suppress(OSError):  # it is awake, or has ended
            self._wake.send(b"x")

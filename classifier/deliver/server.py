"""The long-running judge: takes connections, hands them to workers that keep model and store open."""

from __future__ import annotations

import math
import os
import queue
import selectors
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.deliver.result_headers import (
    NAMES,
    NoPlaceError,
    header_end,
    header_start,
    ordinary,
    plain,
    with_result_headers,
)
from classifier.deliver.result_values import header_values
from classifier.deliver.spamd import (
    Command,
    ProtocolError,
    Request,
    RequestParser,
    SpamLine,
    Status,
    answer,
    failure,
)
from classifier.errors import ConfigurationError
from classifier.parse.report import Envelope
from classifier.parse.triage import may_be_report
from classifier.runtime import Runtime, StoreUse
from classifier.vocabulary import PointsTo, Strength

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.config_values import SpamdAddress
    from classifier.settings import Config

#: A message larger than this is refused; its client keeps it as it is. In bytes.
MAX_MESSAGE = 32 * 1024 * 1024
#: Seconds that one request may take to come, from the first byte to the last, and its answer to go.
REQUEST_TIME = 60.0
#: Another process that writes the store is waited for so long, in seconds.
STORE_WAIT = 0.25
#: Connections that wait to be accepted, and accepted ones that wait for a worker.
BACKLOG, WAITING = 1024, 256
#: Request headers of our own filter, see :mod:`classifier.deliver.client`.
_FROM, _TO, _DETAILS = "x-envelope-from", "x-envelope-to", "x-backscatter-details"
_PROOF = "X-Backscatter-Proof"
_REPORT_LINES = 40


class Found:
    """What judging one message came to.

    Attributes:
        values: the values of the result headers.
        spam: the verdict in spamd's terms.
        symbols: the names of what told.
        reasons: in words for a person.
        proof: True where the verdict rests on proof.

    """

    __slots__ = ("proof", "reasons", "spam", "symbols", "values")

    def __init__(
        self,
        values: tuple[str, str, str, str],
        *,
        score: float = 0.0,
        symbols: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
        proof: bool = False,
    ) -> None:
        """Keep it; a score is pressed to the side of the threshold on which the verdict is."""
        forged = values[0] == "forged"
        limit = SpamLine.THRESHOLD
        self.values = values
        self.spam = SpamLine(forged, max(limit, score) if forged else min(limit - 0.1, score))
        self.symbols = symbols
        self.reasons = reasons
        self.proof = proof


def judge(runtime: Runtime, message: bytes, envelope: Envelope) -> Found:
    """Judge one message. Never raises on content."""
    try:
        start = header_start(message)
    except NoPlaceError:
        return Found(ordinary())
    if not message or not may_be_report(message[start : header_end(message, start)], envelope.mail_from):
        return Found(ordinary())
    examination = runtime.examine(message[start:], envelope)
    judgement = examination.judgement
    telling = [e for e in examination.evidence if e.points_to is not PointsTo.NEITHER]
    score = 0.0
    if judgement.probability is not None:
        score = SpamLine.THRESHOLD * _log_odds(judgement.probability) / _log_odds(runtime.policy.forged_from)
    names = dict.fromkeys(_symbol(f"{e.name}_{e.finding}") for e in telling)
    return Found(
        header_values(examination),
        score=score,
        symbols=(_symbol(f"backscatter_{judgement.verdict.value}"), *names),
        reasons=judgement.reasons,
        proof=any(e.strength is Strength.PROOF and e.points_to is PointsTo.FORGED for e in telling),
    )


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


def _symbol(text: str) -> str:
    return text.upper().replace("-", "_")


def _log_odds(probability: float) -> float:
    clamped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clamped / (1 - clamped))


class _Worker(threading.Thread):
    """Answers one connection after the other; the store belongs to its thread."""

    def __init__(self, server: Server, number: int) -> None:
        super().__init__(name=f"worker-{number}", daemon=True)
        self._server = server
        self._runtime: Runtime | None = None
        self._generation = -1

    def run(self) -> None:
        while True:
            try:
                connection = self._server.waiting.get(timeout=1.0)
            except queue.Empty:
                # Quiet: what was judged is written, so that other processes see it.
                if self._runtime is not None:
                    self._runtime.flush()
                continue
            if connection is None:
                break
            try:
                self._serve(connection)
            except Exception as error:  # noqa: BLE001 - one connection never costs the worker
                self._server.tell(f"a request failed ({type(error).__name__}: {error})")
            finally:
                connection.close()
        if self._runtime is not None:
            self._runtime.close()

    def _serve(self, connection: socket.socket) -> None:
        end = time.monotonic() + REQUEST_TIME
        parser = RequestParser(MAX_MESSAGE)
        try:
            while parser.request is None:
                data = _receive(connection, end)
                if data:
                    parser.feed(data)
                else:
                    parser.end()
            request = parser.request
            if request.command is Command.SKIP:
                return
            reply = self._reply(request)
        except ProtocolError as error:
            reply = failure(error)
        except TimeoutError:
            reply = failure(ProtocolError("the request took too long to come", Status.TIMEOUT))
        except OSError:
            return  # the client is gone
        try:
            connection.settimeout(max(1.0, end - time.monotonic()))
            connection.sendall(reply)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _reply(self, request: Request) -> bytes:
        if request.command is Command.PING:
            return answer(request)
        if request.command is Command.TELL:
            raise ProtocolError("learning is not offered here: use restore", Status.UNAVAILABLE)
        return respond(request, self._judge(request))

    def _judge(self, request: Request) -> Found:
        mail_from = request.headers.get(_FROM)
        envelope = Envelope(
            mail_from=None if mail_from is None else mail_from.strip("<> "), rcpt_to=request.headers.get(_TO)
        )
        return judge(self._current(), request.body, envelope)

    def _current(self) -> Runtime:
        config, generation = self._server.current
        if self._runtime is None or generation != self._generation:
            if self._runtime is not None:
                self._runtime.close()
            self._runtime = Runtime(config, StoreUse.KEEP, remember=True, wait=STORE_WAIT)
            self._generation = generation
        for note in dict.fromkeys(self._runtime.notes):
            self._server.tell(note)
        self._runtime.notes.clear()
        return self._runtime


def _receive(connection: socket.socket, end: float) -> bytes:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    return connection.recv(65_536)


class Server:
    """Serves until :meth:`stop`.

    Attributes:
        waiting: accepted connections; None ends a worker.
        current: the configuration and its number.

    """

    def __init__(
        self, config: Config, listener: socket.socket, workers: int, tell: Callable[[str], None]
    ) -> None:
        """Prepare.

        Args:
            config: the settings.
            listener: a listening socket.
            workers: how many requests are judged at the same time.
            tell: takes one line for the log.

        """
        self.waiting: queue.Queue[socket.socket | None] = queue.Queue(WAITING)
        self.current = (config, 0)
        self.tell = tell
        self._listener = listener
        self._workers = [_Worker(self, number) for number in range(workers)]
        self._stopping = threading.Event()

    def reload(self, config: Config) -> None:
        """Judge by *config* from the next request on."""
        self.current = (config, self.current[1] + 1)

    def stop(self) -> None:
        """Take no more connections; those accepted are answered."""
        self._stopping.set()

    def run(self) -> None:
        """Serve; returns after :meth:`stop`, when all that was accepted is answered."""
        for worker in self._workers:
            worker.start()
        self._listener.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stopping.is_set():
                if not selector.select(0.2):
                    continue
                try:
                    connection, _ = self._listener.accept()
                except OSError:
                    continue
                connection.setblocking(True)
                # A full queue holds accepting up; the kernel's backlog then holds the clients.
                self.waiting.put(connection)
        self._listener.close()
        for _ in self._workers:
            self.waiting.put(None)
        for worker in self._workers:
            worker.join(REQUEST_TIME + 5)


def listen(address: SpamdAddress) -> socket.socket:
    """Listen where the configuration says, or on the socket that systemd hands over (sd_listen_fds(3)).

    Raises:
        ConfigurationError: nobody can listen there.

    """
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=3)
    try:
        if address.path:
            return _listen_on_path(Path(address.path).expanduser())
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
    except OSError as error:
        where = address.path or f"{address.host}:{address.port}"
        raise ConfigurationError(
            f"nobody can listen there ({error.strerror or error})", where=where, remedy="correct serve.spamd"
        ) from error
    listener.listen(BACKLOG)
    return listener


def _listen_on_path(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if path.is_socket():
        try:
            listener.connect(str(path))
        except OSError:
            path.unlink()  # left by a server that was killed
        else:
            listener.close()
            raise OSError("another server is there")
        listener.close()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o117)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener

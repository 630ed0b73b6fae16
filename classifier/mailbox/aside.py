"""Takes messages apart in another process while this one reads the next: reading and parsing are most of a sweep.

Only parsing is done there. What is asked of the ledger, of DNS and of the
memory of recent reports is asked here, in the order of the messages, so that
verdicts are those of a single process. The other process has no settings, no
store and no secrets; it ends with the end of its input.

A process that dies costs the one message that it was at; the others go to a new
one. One that cannot even start is done without.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
from collections import deque
from typing import IO, TYPE_CHECKING, Any

from classifier.dataclass import dataclass
from classifier.mailbox.packing import pack, unpack
from classifier.parse.message import parse

if TYPE_CHECKING:
    from typing import Self

    from classifier.parse.report import Envelope, Report

#: Messages, and bytes of them, that are with the other process at once: enough for the time of one FETCH.
AHEAD_ITEMS, AHEAD_BYTES = 256, 2 << 20
#: Bytes that a pipe holds, where the system lets one say so: one side works while the other is away.
_PIPE = 1 << 20
#: Seconds after which a process that does nothing is taken for dead: no message takes a tenth of that.
_SILENCE = 120.0
#: Bytes that one packed report may have: several times the largest message that is read.
_LARGEST = 64 << 20
#: At most so many processes, whatever the number of accounts and cores: each has 25 MB.
_MOST = 2
#: Objects made, less those let go of, after which Python looks for garbage. A message and its report refer to
#: nothing in a circle, and there are many: to look after every 700 takes a tenth of a sweep's time.
GARBAGE_AFTER = 50_000
_HEAD = struct.Struct("!I")
_READY = b"."
#: Before the reason why there is no report.
_FAILED = b"!"
#: The paths come from here, so that it is this program's code and no other's that runs there.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from classifier.mailbox.aside import serve; serve()"
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


def _cores() -> int:
    with contextlib.suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_places = threading.Semaphore(min(_MOST, _cores() - 1))


class NotParsed(Exception):  # noqa: N818 - named for what happened
    """A message could not be taken apart; the text says why."""


@dataclass
class Pending:
    """One message on its way.

    Attributes:
        raw, envelope: the message; let go of once it is taken apart.
        answer: the packed report, or None as long as there is none.
        report: taken apart here.
        lost: why it never will be, or "".

    """

    raw: bytes
    envelope: Envelope
    answer: bytes | None = None
    report: Report | None = None
    lost: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it is known what became of it."""
        return self.answer is not None or self.report is not None or bool(self.lost)


class Aside:
    """One account's other process, started with the first message that is handed over. Belongs to one thread."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up = False
        self._has_place = False
        self._ready = False
        #: A message has ended a process: it might be another one's turn, and not this process's.
        self._has_died = False
        #: One process fell silent, or wrote what is no answer; after another one it is done without.
        self._has_misbehaved = False
        self._unsent: deque[Pending] = deque()
        self._sent: deque[Pending] = deque()
        self._bytes_sent = 0
        self._outgoing = bytearray()
        self._incoming = bytearray()

    def available(self) -> bool:
        """Say whether there is another process, or may be one; start it."""
        if self._process is None and not self._given_up:
            self._has_place = self._has_place or _places.acquire(blocking=False)
            if not self._has_place:
                return False  # the cores are busy with other accounts; perhaps later
            self._start()
        return self._process is not None

    def hand_over(self, raw: bytes, envelope: Envelope) -> Pending:
        """Have a message taken apart; :meth:`result` gives the report."""
        pending = Pending(raw, envelope)
        self._unsent.append(pending)
        self._exchange(wait=False)
        return pending

    def result(self, pending: Pending) -> Report:
        """Return the report made of a message, helping as long as it is not there.

        Raises:
            NotParsed: it could not be taken apart.

        """
        self._exchange(wait=False)
        while not pending.is_done:
            helps = bool(self._unsent) and not (self._has_died and self._process)
            if helps:
                # The one that is wanted, or else what the other process would come to last.
                is_next = self._unsent[0] is pending
                _parse_here(self._unsent.popleft() if is_next else self._unsent.pop())
            self._exchange(wait=not helps)
        pending.raw = b""
        if pending.lost:
            raise NotParsed(pending.lost)
        if pending.report is not None:
            return pending.report
        assert pending.answer is not None
        answer, pending.answer = pending.answer, None
        if answer.startswith(_FAILED):
            raise NotParsed(answer[len(_FAILED) :].decode())
        return unpack(answer, pending.envelope)

    def __enter__(self) -> Self:
        """Return itself; closed at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the other process; never raises."""
        self._end()
        self._given_up = True
        if self._has_place:
            self._has_place = False
            _places.release()

    # The other process

    def _start(self) -> None:
        keep = {k: v for k, v in os.environ.items() if k in _ENVIRONMENT or k.startswith(("LC_", "PYTHON"))}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, *sys.path],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                bufsize=0, env=keep, process_group=0,  # Ctrl-C is for this process alone
            )  # fmt: skip
        except (OSError, ValueError):
            self._given_up = True
            return
        self._ready = False
        for end in self._ends():
            os.set_blocking(end, False)
            with contextlib.suppress(AttributeError, OSError):  # Linux; less where the user has many pipes
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _PIPE)

    def _ends(self) -> tuple[int, int]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin.fileno(), self._process.stdout.fileno()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._outgoing.clear()
        self._incoming.clear()

    def _exchange(self, *, wait: bool) -> None:
        """Send what there is room for, take what has come; *wait*: until something has happened."""
        if self._process is None:
            return
        self._fill()
        into, out = self._ends()
        readable, writable, _ = select.select(
            [out], [into] if self._outgoing else [], [], _SILENCE if wait else 0
        )
        if wait and not (readable or writable):
            self._misbehaved()
            return
        if writable:
            try:
                del self._outgoing[: os.write(into, self._outgoing)]
            except BlockingIOError:
                pass
            except BrokenPipeError:
                self._outgoing.clear()  # what it has answered is still to be read, up to its end
        if readable:
            self._take(out)

    def _fill(self) -> None:
        while self._unsent and len(self._sent) < AHEAD_ITEMS and self._bytes_sent < AHEAD_BYTES:
            pending = self._unsent.popleft()
            request = pickle.dumps((pending.raw, pending.envelope), pickle.HIGHEST_PROTOCOL)
            self._outgoing += _HEAD.pack(len(request)) + request
            self._sent.append(pending)
            self._bytes_sent += len(pending.raw)

    def _take(self, out: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(out, _PIPE):
                self._incoming += piece
                if not self._answers():
                    self._misbehaved()
                    return
            self._died()

    def _answers(self) -> bool:
        """Take what answers have come whole; False where what has come is none (something else writes there)."""
        if not self._ready:
            if not self._incoming.startswith(_READY):
                return False
            self._ready = True
            del self._incoming[:1]
        start = 0
        while len(self._incoming) - start >= _HEAD.size and self._sent:
            (size,) = _HEAD.unpack_from(self._incoming, start)
            end = start + _HEAD.size + size
            if size > _LARGEST:
                return False
            if len(self._incoming) < end:
                break
            pending = self._sent.popleft()
            self._bytes_sent -= len(pending.raw)
            pending.answer = bytes(self._incoming[start + _HEAD.size : end])
            start = end
        del self._incoming[:start]
        return bool(self._sent) or not self._incoming

    def _misbehaved(self) -> None:
        self._given_up = self._has_misbehaved
        self._has_misbehaved = True
        self._died()

    def _died(self) -> None:
        """Go on without the message that the process was at, or without a process where it never worked."""
        self._end()
        if not self._ready:
            self._given_up = True
        elif self._sent:
            self._has_died = True
            self._sent.popleft().lost = "the process that took it apart died"
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._bytes_sent = 0
        if self._unsent and not self._given_up:
            self._start()


def _parse_here(pending: Pending) -> None:
    try:
        pending.report = parse(pending.raw, pending.envelope)
    except Exception as error:  # noqa: BLE001 - told as if it had been raised there
        pending.lost = type(error).__name__


def serve(source: IO[bytes] | None = None, target: IO[bytes] | None = None) -> None:
    """Be the other process: take apart what comes in, until nothing comes any more."""
    import signal  # noqa: PLC0415 - there only

    # Whoever ends the sweep ends it; systemd would tell all of its processes at once.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    source = source or sys.stdin.buffer
    if target is None:
        target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is written by anybody is no answer
    gc.set_threshold(GARBAGE_AFTER)
    target.write(_READY)
    target.flush()
    with contextlib.suppress(BrokenPipeError):
        while len(head := source.read(_HEAD.size)) == _HEAD.size:
            request = source.read(*_HEAD.unpack(head))
            raw, envelope = pickle.loads(request)  # noqa: S301 - written by Aside above
            answer = _answer(raw, envelope)
            target.write(_HEAD.pack(len(answer)) + answer)
            target.flush()


def _answer(raw: bytes, envelope: Any) -> bytes:  # noqa: ANN401 - an Envelope
    try:
        return pack(parse(raw, envelope))
    except Exception as error:  # noqa: BLE001 - the message costs itself alone
        return _FAILED + type(error).__name__.encode()

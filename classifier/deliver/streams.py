"""Standard input and output of a filter: all of it, or an error that says so.

Nothing is imported that Python has not loaded by itself.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

#: So much of a message is kept in memory, and looked at; the rest waits in a
#: temporary file. In bytes. MTAs take no larger ones unless told.
MEMORY = 32 * 1024 * 1024
_CHUNK = 256 * 1024


class Message:
    """One message as it came.

    Attributes:
        head: its beginning, up to :data:`MEMORY` bytes; nearly always all of it.

    """

    __slots__ = ("_file", "_more", "head")

    def __init__(self, head: bytes) -> None:
        """Start with *head*."""
        self.head = head
        self._more: list[bytes] = []
        self._file: BinaryIO | None = None

    def add(self, chunk: bytes) -> None:
        """Append what does not belong to the head; without room on disk it stays in memory."""
        if self._file is None and not self._more:
            import tempfile  # noqa: PLC0415 - 10 ms, for huge messages alone

            try:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the process
            except OSError:
                self._file = None
        if self._file is not None and not self._more:
            place = self._file.tell()
            try:
                if self._file.write(chunk) == len(chunk):
                    return
            except OSError:
                pass
            self._file.seek(place)
            self._file.truncate()
        self._more.append(chunk)

    def write_rest(self, fd: int) -> None:
        """Write all that follows the head to *fd*.

        Raises:
            OSError: it could not be written.

        """
        if self._file is not None:
            self._file.seek(0)
            while chunk := self._file.read(_CHUNK):
                write_all(fd, chunk)
        for chunk in self._more:
            write_all(fd, chunk)


def read_message(fd: int = 0) -> Message:
    """Read *fd* to its end.

    Raises:
        OSError: it could not be read.

    """
    chunks: list[bytes] = []
    size = 0
    while size < MEMORY:
        chunk = _read(fd, min(_CHUNK, MEMORY - size))
        if not chunk:
            return Message(b"".join(chunks))
        chunks.append(chunk)
        size += len(chunk)
    message = Message(b"".join(chunks))
    while chunk := _read(fd, _CHUNK):
        message.add(chunk)
    return message


def write_all(fd: int, data: bytes) -> None:
    """Write all of *data*, however little is taken at a time.

    Raises:
        OSError: it could not be written: disk full, reader gone, descriptor closed.

    """
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            _wait(fd, writing=True)


def finish(fd: int) -> None:
    """Make sure that what was written has arrived: some file systems tell of a full disk at closing only.

    Raises:
        OSError: it has not.

    """
    os.close(os.dup(fd))


def hold_standard_descriptors() -> bool:
    """Put the null device where standard input, output or error are closed, and say whether output is open.

    Else the next file to be opened, the store perhaps, would take their
    numbers, and mail would be written into it.
    """
    output_open = True
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            output_open = output_open and fd != 1
            # Nothing can be read from it or written to it by mistake: input from a closed descriptor is an error.
            null = os.open(os.devnull, os.O_RDONLY if fd else os.O_WRONLY)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)
    return output_open


def tell(line: str) -> None:
    """Write one line to standard error; if nobody listens, so be it.

    Some callers (Exim's transport_filter) read standard error from the pipe that
    the message goes through: the line would become part of it, so it goes to the
    system's log instead.
    """
    text = "".join(c if c.isprintable() else "?" for c in " ".join(line.split())[:1000])
    try:
        if _is_mixed():
            import syslog  # noqa: PLC0415 - rarely needed

            syslog.openlog("backscatter", syslog.LOG_PID, syslog.LOG_MAIL)
            syslog.syslog(syslog.LOG_WARNING, text)
        else:
            os.write(2, f"backscatter: {text}\n".encode(errors="replace"))
    except OSError:
        sys.exc_info()  # nobody is left to tell


def _is_mixed() -> bool:
    """Say whether standard output and error are one pipe or file; at a terminal a person reads both."""
    output, error = os.fstat(1), os.fstat(2)
    return (output.st_dev, output.st_ino) == (error.st_dev, error.st_ino) and not stat.S_ISCHR(output.st_mode)


def _read(fd: int, size: int) -> bytes:
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:
            _wait(fd, writing=False)


def _wait(fd: int, *, writing: bool) -> None:
    """Wait for a descriptor that whoever started us has set to non-blocking."""
    import select  # noqa: PLC0415 - rarely needed

    poll = select.poll()
    poll.register(fd, select.POLLOUT if writing else select.POLLIN)
    poll.poll()

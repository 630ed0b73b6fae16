"""The SPAMD protocol, versions 1.2 to 1.5: bytes to requests, answers to bytes. No sockets here.

As spamd/PROTOCOL of SpamAssassin describes it and ``spamc``, Exim, amavis and
others speak it: a request line, headers, a blank line, the message.
"""

from __future__ import annotations

import zlib
from enum import StrEnum

from classifier.dataclass import dataclass, field

#: The request line and headers together, in bytes.
MAX_HEADERS = 16_384


class Command(StrEnum):
    """What a client may ask for."""

    CHECK = "CHECK"  # verdict
    SYMBOLS = "SYMBOLS"  # and the names of what told
    REPORT = "REPORT"  # and a text
    REPORT_IFSPAM = "REPORT_IFSPAM"  # and a text if it is spam
    PROCESS = "PROCESS"  # the message with result headers
    HEADERS = "HEADERS"  # its header section with result headers
    PING = "PING"  # sign of life
    SKIP = "SKIP"  # nothing after all
    TELL = "TELL"  # learn


class Status:
    """Answer codes with their names (sysexits.h, and spamd's own 79)."""

    OK = (0, "EX_OK")
    USAGE = (64, "EX_USAGE")
    DATA = (65, "EX_DATAERR")
    UNAVAILABLE = (69, "EX_UNAVAILABLE")
    TRY_AGAIN = (75, "EX_TEMPFAIL")
    PROTOCOL = (76, "EX_PROTOCOL")
    TIMEOUT = (79, "EX_TIMEOUT")


class ProtocolError(Exception):
    """The client did not keep to the protocol, or to a limit.

    Attributes:
        status: the answer's code and name.

    """

    def __init__(self, text: str, status: tuple[int, str] = Status.PROTOCOL) -> None:
        """Keep the text for the client."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        command: what is asked.
        version: the client's version of the protocol.
        headers: its headers, names in lower case; the last of a name counts.
        body: the message, decompressed.

    """

    command: Command
    version: tuple[int, int] = (1, 2)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class RequestParser:
    """Takes one request in pieces, as they come over the wire.

    Attributes:
        request: the request once it is complete, else None.
        buffered: how many bytes are held.

    """

    def __init__(self, max_size: int) -> None:
        """Refuse messages of more than *max_size* bytes, compressed or not."""
        self.request: Request | None = None
        self.buffered = 0
        self._max_size = max_size
        self._chunks: list[bytes] = []
        self._head: Request | None = None
        self._length: int | None = None

    def feed(self, data: bytes) -> None:
        """Take what has come.

        Raises:
            ProtocolError: it is no request, or too large.

        """
        if self.request is not None:
            if data and self.request.command not in {Command.PING, Command.SKIP}:
                raise ProtocolError("more bytes than Content-length says")
            return
        self._chunks.append(data)
        self.buffered += len(data)
        if self._head is None:
            self._read_head()
        if self._head is not None and self.request is None:
            self._check_size()
            if self._length is not None and self.buffered >= self._length:
                if self.buffered > self._length:
                    raise ProtocolError("more bytes than Content-length says")
                self._complete()

    def end(self) -> None:
        """Take the end of what the client sends.

        Raises:
            ProtocolError: something is missing.

        """
        if self.request is not None:
            return
        if self._head is None:
            raise ProtocolError("the request was cut off")
        if self._length is not None:
            raise ProtocolError(f"Content-length says {self._length} bytes, {self.buffered} came")
        self._complete()

    def _read_head(self) -> None:
        # The blank line may be cut in two by the wire.
        data = b"".join(self._chunks)
        self._chunks = [data]
        line, end, _ = data.partition(b"\n")
        if not end:
            if len(data) > 200:
                raise ProtocolError("no request line")
            return
        command, version = _request_line(line)
        if command in {Command.PING, Command.SKIP}:
            # Their headers, if there are any, say nothing.
            self.request = Request(command, version)
            self._chunks = []
            return
        head, size = _split(data)
        if head is None:
            if len(data) > MAX_HEADERS:
                raise ProtocolError("the headers are too long")
            return
        if len(head) > MAX_HEADERS:
            raise ProtocolError("the headers are too long")
        headers = _headers(head[len(line) + 1 :])
        self._head = Request(command, version, headers)
        self._length = _length(headers.get("content-length"))
        if self._length is not None and self._length > self._max_size:
            raise ProtocolError(f"a message of more than {self._max_size} bytes", Status.DATA)
        self._chunks = [data[size:]]
        self.buffered = len(data) - size

    def _check_size(self) -> None:
        if self.buffered > self._max_size:
            raise ProtocolError(f"a message of more than {self._max_size} bytes", Status.DATA)

    def _complete(self) -> None:
        assert self._head is not None
        body = b"".join(self._chunks)
        self._chunks = []
        compression = self._head.headers.get("compress")
        if compression is not None:
            if compression.strip().lower() != "zlib":
                raise ProtocolError("a compression that is not zlib")
            body = _inflate(body, self._max_size)
        self.request = Request(self._head.command, self._head.version, self._head.headers, body)


def _request_line(line: bytes) -> tuple[Command, tuple[int, int]]:
    words = line.strip().decode("ascii", "replace").split()
    if len(words) != 2 or words[0] not in Command.__members__ or not words[1].startswith("SPAMC/"):
        raise ProtocolError("no request line of this protocol")
    major, dot, minor = words[1].removeprefix("SPAMC/").partition(".")
    if not (dot and major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        raise ProtocolError("no version of this protocol")
    if len(major) > 3 or len(minor) > 3 or int(major) != 1:
        raise ProtocolError("a version of the protocol that is not spoken here")
    return Command(words[0]), (int(major), int(minor))


def _split(data: bytes) -> tuple[bytes | None, int]:
    """Return the headers and where the body starts; None until the blank line is there."""
    lf, crlf = data.find(b"\n\n"), data.find(b"\n\r\n")
    found = [(place, size) for place, size in ((lf, 2), (crlf, 3)) if place >= 0]
    if not found:
        return None, 0
    place, size = min(found)
    return data[: place + 1], place + size


def _headers(section: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    if not section:
        return headers
    # Lines end here and nowhere else: an address may hold what Python calls a line end, too.
    for line in section.decode("utf-8", "replace").removesuffix("\n").split("\n"):
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ProtocolError("a header line without a name")
        headers[name.lower()] = value.strip()
    return headers


def _length(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise ProtocolError("a Content-length that is no number")
    return int(value)


def _inflate(data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise ProtocolError("the compressed message cannot be read") from error
    if len(inflated) > limit:
        raise ProtocolError(f"a message of more than {limit} bytes", Status.DATA)
    if not inflater.eof or inflater.unused_data:
        raise ProtocolError("the compressed message is cut off, or more follows it")
    return inflated


@dataclass(frozen=True)
class SpamLine:
    """The verdict in spamd's terms.

    Attributes:
        spam: True for a forged report.
        score: its score.

    """

    spam: bool
    score: float

    #: From this score on a message is spam.
    THRESHOLD = 5.0

    def __str__(self) -> str:
        """Return the value of the Spam header."""
        return self.told(Command.CHECK)

    def told(self, command: Command) -> str:
        """Return the value of the Spam header for one command; spamd says Yes and No to REPORT_IFSPAM."""
        yes, no = ("Yes", "No") if command is Command.REPORT_IFSPAM else ("True", "False")
        return f"{yes if self.spam else no} ; {self.score:.1f} / {self.THRESHOLD:.1f}"


def answer(
    request: Request,
    body: bytes | None = None,
    spam: SpamLine | None = None,
    extra: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """Write the answer to *request* in the client's version of the protocol.

    Args:
        request: what was asked.
        body: what comes after the headers; None: nothing.
        spam: the verdict, where one was asked for.
        extra: further headers; only for clients that asked for them.

    """
    if request.command is Command.PING:
        return b"SPAMD/1.5 0 PONG\r\n"
    code, name = Status.OK
    modified = request.command in {Command.PROCESS, Command.HEADERS}
    # As spamd: before 1.3 an answer has either a Content-length (the message) or the verdict (all others);
    # Exim asks in 1.2 and reads no other order. Before 1.2 a message stands right below the first line.
    version = request.version
    if modified and version < (1, 2):
        return f"SPAMD/1.0 {code} {name}\r\n".encode() + (body or b"")
    lines = [f"SPAMD/1.1 {code} {name}"]
    if body is not None and (modified or version >= (1, 3)):
        lines.append(f"Content-length: {len(body)}")
    if spam is not None and not (modified and version < (1, 3)):
        lines.append(f"Spam: {spam.told(request.command)}")
    lines += [f"{key}: {value}" for key, value in extra]
    return "\r\n".join((*lines, "", "")).encode("ascii", "replace") + (body or b"")


def failure(error: ProtocolError) -> bytes:
    """Write the answer that says what went wrong; a client then takes the message as it was."""
    code, name = error.status
    text = "".join(c if c.isprintable() else "?" for c in str(error)[:200])
    return f"SPAMD/1.0 {code} {name} {text}\r\n\r\n".encode("ascii", "replace")

"""Inputs as streams: plain or compressed, seekable or not, and what format they are in."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import zlib
from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.ingest.log_lines import plain
from classifier.ingest.logs import is_of_an_mta, names_message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from _typeshed import WriteableBuffer

#: How much is looked at to tell the format.
SAMPLE = 1 << 16
#: No longer line is kept; the rest of it is dropped.
MAX_LINE = 1 << 16
#: What reading an input may raise, damaged compression included.
READ_ERRORS: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error)
with contextlib.suppress(ImportError):  # Python may be built without it
    from lzma import LZMAError

    READ_ERRORS += (LZMAError,)
#: How compressed inputs begin, the module that reads them where Python has it, and the program that does.
_COMPRESSED = (
    (b"\x1f\x8b", "gzip", "zcat"),
    (b"BZh", "bz2", "bzcat"),
    (b"\xfd7zXZ\0", "lzma", "xzcat"),
    (b"\x28\xb5\x2f\xfd", None, "zstdcat"),
)


class Format(StrEnum):
    """What ``ledger import`` reads."""

    AUTO = "auto"
    MBOX = "mbox"
    EML = "eml"
    IDS = "ids"
    POSTFIX = "postfix"
    EXIM = "exim"
    SENDMAIL = "sendmail"
    LOG = "log"


class _Prefixed(io.RawIOBase):
    """A stream that first gives back what was read ahead."""

    def __init__(self, prefix: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._prefix = prefix
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data, self._prefix = self._prefix[: len(view)], self._prefix[len(view) :]
        if not data:
            data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)


def _ahead(stream: BinaryIO, size: int) -> tuple[bytes, BinaryIO]:
    """Read up to *size* bytes, also from a pipe that gives them piece by piece, and put them back."""
    pieces: list[bytes] = []
    have = 0
    while have < size and (piece := stream.read(size - have)):
        pieces.append(piece)
        have += len(piece)
    sample = b"".join(pieces)
    return sample, io.BufferedReader(_Prefixed(sample, stream), SAMPLE)


def opened(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the start of *stream* and a stream of all of it, decompressed where it is gzip, bzip2 or xz.

    Raises:
        OSError, EOFError, zlib.error, lzma.LZMAError: it cannot be read.

    """
    sample, whole = _ahead(stream, SAMPLE)
    for start, module, program in _COMPRESSED:
        if sample.startswith(start):
            if module is not None:
                with contextlib.suppress(ImportError):
                    return _ahead(importlib.import_module(module).open(whole), SAMPLE)
            raise OSError(f"it is compressed: give what '{program} FILE' writes, as standard input ('-')")
    return sample, whole


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of *stream* with their ends; of a line too long only its start."""
    read = stream.readline
    while line := read(MAX_LINE):
        yield line
        while len(line) == MAX_LINE and line[-1:] != b"\n":
            line = read(MAX_LINE)


_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]{0,4}:")
_MAIL_FIELDS = frozenset(
    b"received return-path delivered-to from to cc subject date message-id mime-version reply-to sender "
    b"content-type dkim-signature x-mailer user-agent x-mozilla-status bcc".split()
)
_ID_LINE = re.compile(
    rb"[\"']?<(?![0-9]{1,3}>)[^<>\s]{1,998}>|[\"']?[^\s<>,;@:\"']{1,500}@[^\s<>,;@\"']{1,255}[\"']?(?:[\s,;]|$)"
)
#: A line of some program's log, behind which an MTA's may stand.
_STAMPED = re.compile(
    rb"(?:<[0-9]{1,3}>1? ?)?(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}[^ ]{0,20}) [^ ]{1,255} [^ ]{1,80}: "
    rb"|\{\"[^{}]{0,4000}\"(?:MESSAGE|log|message)\":"
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_ID_COLUMN = re.compile(rb"message[-_ ]?id|msg[-_ ]?id", re.IGNORECASE)


def detect(sample: bytes) -> Format | None:
    """Tell the format by the start of the content, or None where it is none of ours."""
    if sample[:5] == b"From " or sample[:6] == b">From ":
        return Format.MBOX
    # The last line of a full sample is cut off, and no help.
    whole = sample.splitlines()[: -1 if len(sample) >= SAMPLE and b"\n" in sample else None]
    lines = [line[:2000] for line in whole[:400]]
    field = _FIELD.match(lines[0]) if lines else None
    if field and field.group(1).lower() != b"message-id" and _is_mail(lines):
        return Format.EML
    logged = [plain(line) for line in lines]
    for line in logged:
        if name := names_message(line):
            return Format(name)
    telling = [line for line in lines[:60] if line.strip() and not line.startswith(b"#")]
    if telling and _ID_COLUMN.search(telling[0]) and not _FIELD.match(telling[0]) and b"{" not in telling[0]:
        return Format.IDS
    if sum(bool(_ID_LINE.match(line.strip()) and not _BINARY.search(line)) for line in telling) * 2 >= max(
        1, len(telling)
    ):
        return Format.IDS
    if field and _is_mail(lines):
        return Format.EML
    return Format.LOG if any(map(is_of_an_mta, logged)) or any(map(_STAMPED.match, lines)) else None


def _is_mail(lines: list[bytes]) -> bool:
    found = 0
    for line in lines:
        if not line:
            break
        field = _FIELD.match(line)
        if field:
            found += field.group(1).lower() in _MAIL_FIELDS
        elif line[:1] not in b" \t":
            return False
    return found > 0

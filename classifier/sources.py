"""Messages out of what the command line names, one at a time.

Files with one message, mbox files (RFC 4155 and its relatives), Maildirs,
folders of message files (MH and others, with all folders below), standard
input; each plain or compressed by gzip, bzip2 or xz. A file is never held in memory beyond
one message, and what cannot be read is told in its place.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from classifier.dataclass import dataclass, field
from classifier.errors import ConfigurationError
from classifier.ingest.streams import READ_ERRORS, opened
from classifier.mbox import BLOCK, SEPARATOR, is_mbox, mail_from, pieces
from classifier.parse.report import Envelope
from classifier.place import as_os_error, file_system, is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed import WriteableBuffer

#: How the reason begins where a disk or a store did not give what it has.
REFUSED = "cannot be read ("
#: A message larger than this is not judged.
MAX_MESSAGE = 128 << 20
#: What people take for mail: where, and by which bytes it is known, and what it is. As one message it would be no report.
_HOLDS_MAIL = (
    (0, b"PK\x03\x04", "a zip archive; unpack it first"),
    (257, b"ustar", "a tar archive; unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (0, b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (
        0,
        b"\xd0\xcf\x11\xe0",
        "a file of Outlook's (.msg); save the message as .eml, or let sweep read the mailbox",
    ),
    (0, b"!BDN", "a file of Outlook's (.pst, .ost); save messages as .eml, or let sweep read the mailbox"),
)
_READ_ERRORS: tuple[type[Exception], ...] = (*READ_ERRORS, gzip.BadGzipFile, MemoryError)


@dataclass(frozen=True)
class SourcedMessage:
    """One message, or why there is none.

    Attributes:
        source: the path; in an mbox ``PATH#N``, N from 1; ``-`` for standard input.
        raw: its bytes, without the From_ line of an mbox; None where it cannot be read.
        error: why, "" otherwise.
        envelope: what the mbox knew of its transport.

    """

    source: str
    raw: bytes | None
    error: str = ""
    envelope: Envelope = field(default_factory=Envelope)


def messages(paths: Iterable[str], stdin: BinaryIO | None = None) -> Iterator[SourcedMessage]:
    """Yield the messages of all *paths* in their order; one that fails costs itself.

    Args:
        paths: files and folders; ``-``: one message on standard input.
        stdin: what ``-`` stands for; default the process's standard input.

    """
    for path in paths:
        if path == "-":
            # Python has none where its caller closed it.
            stream = stdin or (sys.stdin.buffer if sys.stdin else None)
            yield _one("-", stream) if stream else SourcedMessage("-", None, "standard input is closed")
        else:
            for file, error in _files(path):
                if error is None:
                    yield from _file(file)
                else:
                    yield SourcedMessage(file, None, _reason(error))


def files_of(path: str) -> Iterator[str]:
    """Yield the files of *path*, a file or folder, in the order of :func:`messages`; also what cannot be listed."""
    return (file for file, _error in _files(path))


def _files(top: str) -> Iterator[tuple[str, OSError | None]]:
    """Yield all files below *top*, sorted by name, and each folder that cannot be read with the reason."""
    if is_url(top):
        yield from _remote_files(top)
        return
    waiting = [(top, not os.path.isdir(top))]  # noqa: PTH112 - a folder may hold a million files; Path costs more than open
    while waiting:
        path, is_file = waiting.pop()
        if is_file:
            yield path, None
            continue
        try:
            with os.scandir(path) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield path, error
            continue
        maildir = {"cur", "new"} <= {entry.name for entry in entries}
        found = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if _is_mail_folder(entry, maildir=maildir):
                    found.append((entry.path, False))
            # Beside cur and new lie the server's own files; a link that leads nowhere is told.
            elif not maildir and not entry.name.startswith(".") and _may_be_read(entry):
                found.append((entry.path, True))
        waiting += reversed(found)


def _remote_files(url: str) -> Iterator[tuple[str, OSError | None]]:
    """Yield the files of a URL by the same rules, as far as a store without folders has them."""
    outer = url.partition("::")[2]
    try:
        system, top = file_system(url)
        names = sorted(system.find(top)) if system.isdir(top) else None
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - each store has its own
        yield url, as_os_error(error)
        return
    if names is None:
        yield url, None
        return
    folders = {name.rpartition("/")[0] for name in names}
    maildirs = {f.rpartition("/")[0] for f in folders if f.endswith(("/cur", "/new"))}
    read = {folder for folder in folders - maildirs if _is_remote_mail_folder(folder, top, maildirs)}
    for name in names:
        folder, _, last = name.rpartition("/")
        # S3's consoles make a folder by an object whose name ends with "/".
        if not last or last.startswith(".") or folder not in read:
            continue
        found = system.unstrip_protocol(name)
        yield f"{found}::{outer}" if outer else found, None


def _is_remote_mail_folder(folder: str, top: str, maildirs: set[str]) -> bool:
    """Say by the rules of :func:`_is_mail_folder` whether *folder* and all above it, up to *top*, may hold mail."""
    while len(folder) > len(top):
        above, _, name = folder.rpartition("/")
        if above in maildirs:
            if name == "tmp":
                return False
        elif name.startswith(".") and folder not in maildirs:
            return False
        folder = above
    return True


def _is_mail_folder(entry: os.DirEntry[str], *, maildir: bool) -> bool:
    if maildir and entry.name == "tmp":  # still being delivered
        return False
    # Subfolders of a Maildir begin with a dot (Maildir++); elsewhere such folders are not for mail.
    return maildir or not entry.name.startswith(".") or os.path.isdir(os.path.join(entry.path, "cur"))  # noqa: PTH112, PTH118


def _may_be_read(entry: os.DirEntry[str]) -> bool:
    """Say whether *entry* is a file, or a link that leads nowhere; neither a pipe nor a device, also by a link."""
    try:
        return entry.is_file() or not os.path.exists(entry.path)  # noqa: PTH110 - see _files
    except OSError:  # a link to itself: opening it tells
        return True


def _file(path: str) -> Iterator[SourcedMessage]:
    try:
        stream = _opened(path)
    except OSError as error:
        yield SourcedMessage(path, None, _reason(error))
        return
    with stream:
        try:
            sample, whole = opened(stream)
        except _READ_ERRORS as error:
            yield SourcedMessage(path, None, _reason(error))
            return
        if is_mbox(sample) and not _is_single(path):
            yield from _mbox(path, whole)
        else:
            yield _one(path, whole)


def _opened(path: str) -> BinaryIO:
    if is_url(path):
        system, name = file_system(path)
        try:
            return io.BufferedReader(_Remote(system.open(name, "rb")))
        except Exception as error:
            raise as_os_error(error) from error
    return open(_renamed(path), "rb")  # noqa: PTH123 - see _files


class _Remote(io.RawIOBase):
    """A file of a store; what fails in reading it fails as on a disk."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except Exception as error:
            raise as_os_error(error) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _renamed(path: str) -> str:
    """Return where a Maildir's message lies now: reading or flagging it elsewhere renames it."""
    folder, name = os.path.split(path)
    if os.path.basename(folder) not in {"cur", "new"} or os.path.lexists(path):  # noqa: PTH119
        return path
    unique = name.partition(":")[0]
    current = os.path.join(os.path.dirname(folder), "cur")  # noqa: PTH118, PTH120
    try:
        with os.scandir(current) as scan:
            return next((e.path for e in scan if e.name.partition(":")[0] == unique), path)
    except OSError:
        return path


def _one(source: str, stream: BinaryIO) -> SourcedMessage:
    try:
        sample, whole = opened(stream)
        if what := next((what for at, start, what in _HOLDS_MAIL if sample.startswith(start, at)), ""):
            return SourcedMessage(source, None, what)
        raw = _read(whole)
    except _READ_ERRORS as error:
        return SourcedMessage(source, None, _reason(error))
    if len(raw) > MAX_MESSAGE:
        return _too_large(source)
    envelope = Envelope()
    if raw[:5] == b"From ":
        line, end, rest = raw.partition(b"\n")
        if end and SEPARATOR.match(line):
            envelope, raw = Envelope(mail_from=mail_from(line)), rest
    return SourcedMessage(source, raw, "", envelope)


def _read(stream: BinaryIO) -> bytes:
    """Read a message, of one too large a little more than is judged.

    Asked for the most at once, Python reserves as much, which a limit on memory forbids.
    """
    blocks: list[bytes] = []
    while len(blocks) * BLOCK <= MAX_MESSAGE:
        blocks.append(stream.read(BLOCK))
        if len(blocks[-1]) < BLOCK:  # at its end; a terminal would ask for more
            break
    return b"".join(blocks)


def _is_single(path: str) -> bool:
    """Say whether the name tells of one message: a report may return an mbox line within."""
    folder, name = os.path.split(path.lower())
    return name.endswith((".eml", ".eml.gz")) or os.path.basename(folder) in {"cur", "new"}  # noqa: PTH119


def _mbox(path: str, stream: BinaryIO) -> Iterator[SourcedMessage]:
    """Yield the messages of an mbox; ``>From `` stays as it is."""
    number = 0
    message = _Collected()
    try:
        for separator, piece in pieces(stream):
            if separator:
                if number:
                    yield message.finished(f"{path}#{number}")
                number += 1
                message = _Collected(Envelope(mail_from=mail_from(separator)))
            message.add(piece)
        yield message.finished(f"{path}#{number}")
    except _READ_ERRORS as error:
        # What came of the message under way is not all of it.
        yield SourcedMessage(f"{path}#{number}" if number else path, None, _reason(error))


class _Collected:
    """The message under way."""

    def __init__(self, envelope: Envelope | None = None) -> None:
        self._envelope = envelope or Envelope()
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MAX_MESSAGE:
            self._parts.clear()
        else:
            self._parts.append(piece)

    def finished(self, source: str) -> SourcedMessage:
        if self._size > MAX_MESSAGE:
            return _too_large(source)
        raw = b"".join(self._parts)
        if raw[-3:].endswith((b"\n\n", b"\n\r\n")):
            raw = raw[: -2 if raw[-2:] == b"\r\n" else -1]  # the empty line belongs to the mbox
        return SourcedMessage(source, raw, "", self._envelope)


def _too_large(source: str) -> SourcedMessage:
    return SourcedMessage(source, None, f"larger than {MAX_MESSAGE >> 20} MB")


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, OSError) and error.strerror:
        return f"{REFUSED}{error.strerror})"
    if isinstance(error, MemoryError):
        return "cannot be read: it takes too much memory"
    return f"cannot be read to its end ({error})"

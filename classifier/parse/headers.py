"""A header section: where it begins and ends; kept byte for byte and read on demand.

Signatures are computed over the bytes as they were sent, so nothing here is
ever re-folded or re-encoded (the standard library's message does both).
"""

from __future__ import annotations

import re
from operator import itemgetter

from classifier.parse.encoded import decode_words
from classifier.parse.limits import MAX_HEADER_BYTES, MAX_STRAY_LINES

#: Every field of a section: its bytes with folded lines and line end, and its name
#: (RFC 5322 section 2.2). No group is possessive: Python before 3.11.5 takes too much with those.
_FIELDS = re.compile(rb"^(([!-9;-~]{1,998}+)[ \t]*+:.*+(?:\n[ \t].*+)*\n?)", re.MULTILINE)
#: A line that belongs to no header section: neither a field nor a continuation.
_STRAY = re.compile(rb"(?:\A|\n)(?![!-9;-~]{1,998}[ \t]{0,99}:|[ \t\r\n]|\Z)")
#: How a field begins: its name and the colon.
FIELD = re.compile(rb"[!-9;-~]{1,998}[ \t]{0,99}:")
#: What Windows writes in front of a text.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_SEPARATORS = 3
#: What is found of a field.
_RAW, _NAME = itemgetter(0), itemgetter(1)
_UNFOLD = re.compile(r"[\r\n]+[ \t]*|\x00")
#: Values are read up to here; beyond it lies bait, not information.
MAX_VALUE_CHARS = 64_000


def _unfolded(raw: bytes) -> str:
    """Return the value of the field *raw*, unfolded and stripped."""
    at = raw.find(b":") + 1
    raw = raw[at : at + MAX_VALUE_CHARS]
    try:
        text = raw.decode().strip()
    except UnicodeDecodeError:
        text = raw.decode("latin-1").strip()
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    if "\r" in text or "\0" in text:
        return _UNFOLD.sub(" ", text).strip()
    if "\n" in text:
        first, *others = text.split("\n")
        return " ".join([first, *[line.lstrip(" \t") for line in others]])
    return text


class HeaderField:
    """One field: its name as written and its bytes as they came, line end included."""

    __slots__ = ("key", "name", "raw")

    def __init__(self, name: str, raw: bytes) -> None:
        """Keep *raw*."""
        self.name = name
        self.key = name.lower()
        self.raw = raw

    @property
    def raw_value(self) -> bytes:
        """The bytes after the colon, folding and line end included."""
        return self.raw.partition(b":")[2]

    @property
    def value(self) -> str:
        """The value unfolded and stripped; encoded words as they are."""
        return _unfolded(self.raw)


class HeaderBlock:
    """An ordered header section.

    A line that is no field ends the section or, where more fields follow it, is
    left out.

    Attributes:
        raw: the bytes as they came, without the blank line that ends them.

    """

    __slots__ = ("_found", "_index", "_values", "_whole", "raw")

    def __init__(self, raw: bytes) -> None:
        """Keep *raw*; it is scanned at first use."""
        self.raw = raw
        self._found: list[tuple[bytes, bytes]] | None = None
        self._index: dict[str, list[tuple[bytes, bytes]]] | None = None
        self._values: dict[str, str | None] = {}
        self._whole: bool | None = None

    @classmethod
    def of(cls, index: dict[str, list[tuple[bytes, bytes]]]) -> HeaderBlock:
        """Return a block of chosen fields: by lower-case name, the bytes and the written name of each."""
        block = cls(b"")
        block._found = [found for group in index.values() for found in group]
        block._index = index
        return block

    def _scanned(self) -> list[tuple[bytes, bytes]]:
        """Return the bytes and the name of each field; the section is scanned once."""
        found = self._found
        if found is None:
            raw = self.raw
            if self.has_bare_cr:
                # A bare CR ends a line too: scan a copy in which it does, of the same length.
                flat = raw.replace(b"\r\n", b"\1\n").replace(b"\r", b"\n")
                found = [(raw[m.start() : m.end()], m[2]) for m in _FIELDS.finditer(flat)]
            else:
                found = _FIELDS.findall(raw)
            self._found = found
        return found

    def _indexed(self) -> dict[str, list[tuple[bytes, bytes]]]:
        """Return what was scanned, by lower-case name."""
        index = self._index
        if index is None:
            index = {}
            for key, found in zip(self.keys, self._scanned(), strict=True):
                known = index.get(key)
                if known is None:
                    index[key] = [found]
                else:
                    known.append(found)
            self._index = index
        return index

    @property
    def fields(self) -> tuple[HeaderField, ...]:
        """Every field in order."""
        return tuple(HeaderField(name.decode("ascii"), raw) for raw, name in self._scanned())

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The name as written and the unfolded, undecoded value of every field in order."""
        return [(name.decode("ascii"), _unfolded(raw)) for raw, name in self._scanned()]

    @property
    def keys(self) -> tuple[str, ...]:
        """The lower-case field names in their order."""
        found = self._scanned()
        # All at once: no name has a colon in it.
        return tuple(b":".join(map(_NAME, found)).lower().decode("ascii").split(":")) if found else ()

    def has_any(self, names: frozenset[str]) -> bool:
        """Say whether one of these fields, in lower case, is there."""
        return not names.isdisjoint(self._indexed())

    def count_of(self, names: frozenset[str]) -> int:
        """Count those of these names, in lower case, of which there is a field."""
        return len(names & self._indexed().keys())

    @property
    def has_bare_cr(self) -> bool:
        """Whether a CR stands in the section without a line feed after it."""
        raw = self.raw
        return b"\r" in raw and raw.count(b"\r") != raw.count(b"\r\n")

    @property
    def is_whole(self) -> bool:
        """Whether every line of the section belongs to a field."""
        if self._whole is None:
            self._whole = sum(map(len, map(_RAW, self._scanned()))) == len(self.raw)
        return self._whole

    def __contains__(self, name: str) -> bool:
        """Say whether a field of this name is there, in any case."""
        index = self._index
        return name.lower() in (self._indexed() if index is None else index)

    def __len__(self) -> int:
        """Count the fields."""
        return len(self._scanned())

    def get(self, name: str) -> str | None:
        """Return the first value of *name*, unfolded and undecoded, or None."""
        values = self._values
        if name in values:
            return values[name]
        index = self._index
        found = (self._indexed() if index is None else index).get(name.lower())
        value = values[name] = _unfolded(found[0][0]) if found else None
        return value

    def get_all(self, name: str, limit: int | None = None) -> list[str]:
        """Return all values of *name* in their order, or the first *limit* of them."""
        found = self._indexed().get(name.lower())
        if not found:
            return []
        if len(found) == 1 and limit != 0:
            value = self.get(name)  # read once, whoever asks
            return [value] if value is not None else []
        return [_unfolded(raw) for raw, _ in found[:limit]]

    def all_fields(self, name: str) -> tuple[HeaderField, ...]:
        """Return all fields of *name* in their order."""
        found = self._indexed().get(name.lower(), ())
        return tuple(HeaderField(written.decode("ascii"), raw) for raw, written in found)

    def text(self, name: str) -> str | None:
        """Return the first value of *name* with its encoded words decoded, or None."""
        value = self.get(name)
        return decode_words(value) if value is not None and "=?" in value else value


EMPTY = HeaderBlock(b"")


def message_start(buffer: bytes, start: int, end: int) -> int:
    """Return where a message's first field begins, below a byte order mark, blank lines and mbox separators."""
    if buffer.startswith(_BYTE_ORDER_MARK, start, end):
        start += len(_BYTE_ORDER_MARK)
    # A system on the way writes one of its own above the one that it had, and quotes that.
    for _ in range(_MAX_SEPARATORS):
        start = _below_blank_lines(buffer, start, end)
        if not buffer.startswith((b"From ", b">From "), start, end):
            break
        line_end = buffer.find(b"\n", start, end)
        start = end if line_end < 0 else line_end + 1
    return start


def _below_blank_lines(buffer: bytes, start: int, end: int) -> int:
    at = start
    while at < end and buffer[at] in b" \t\r\n":
        at += 1
    # White space alone before the first field is a stray blank line, not the end of an empty header section.
    if at > start:
        line = buffer.rfind(b"\n", start, at) + 1
        if line and (FIELD.match(buffer, at, end) or buffer.startswith(b"From ", at, end)):
            return line
    return start


def read_section(buffer: bytes, start: int, end: int, *, message: bool) -> tuple[HeaderBlock, int]:
    """Return the header section that begins at *start*, and where the body begins.

    A missing blank line is made up for: where a line is no field and none
    follows it, the body begins with it.
    """
    if buffer.startswith(b"\n", start, end):
        return EMPTY, start + 1
    if buffer.startswith(b"\r\n", start, end):
        return EMPTY, start + 2
    bound = min(end, start + MAX_HEADER_BYTES)
    header_end, body = _blank_line(buffer, start, bound)
    section = buffer[start:header_end]
    headers = HeaderBlock(section)
    if headers.is_whole:
        return headers, body
    stray = _STRAY.search(section)
    for _ in range(MAX_STRAY_LINES):
        if stray is None:
            break
        at = stray.end()
        if _is_body(section, at, message=message):
            return HeaderBlock(section[:at]), start + at
        stray = _STRAY.search(section, max(at, 1))
    return headers, body


def _blank_line(buffer: bytes, start: int, bound: int) -> tuple[int, int]:
    """Return where the first line with nothing in it begins, and where the next one does; else twice *bound*."""
    lf = buffer.find(b"\n\n", start, bound)
    crlf = buffer.find(b"\n\r\n", start, bound if lf < 0 else lf + 1)
    if crlf >= 0:
        return crlf + 1, crlf + 3
    return (lf + 1, lf + 2) if lf >= 0 else (bound, bound)


def _is_body(section: bytes, at: int, *, message: bool) -> bool:
    """Say whether the body begins with the stray line at *at*, rather than a field damaged by its way."""
    if not message or section.startswith(b"--", at):
        return True
    following = section.find(b"\n", at) + 1
    # A lost folding leaves one such line, or two, between fields.
    for _ in range(2):
        if following <= 0 or following >= len(section):
            return False
        if FIELD.match(section, following):
            return False
        following = section.find(b"\n", following) + 1
    return True

"""A header section: where it begins and ends; kept byte for byte and read on demand.

Signatures are computed over the bytes as they were sent, so nothing here is
ever re-folded or re-encoded (the standard library's message does both).
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter

from classifier.parse.encoded import decode_words
from classifier.parse.limits import MAX_HEADER_BYTES, MAX_STRAY_LINES

#: Every line of a section, with the folded ones that follow a field (RFC 5322 section 2.2): its
#: bytes with the line end, and the field's name, nothing where the line is no field; empty lines all at
#: once, since a megabyte of them would be as many. No group is
#: possessive: Python before 3.11.5 takes too much with those.
_FIELDS = re.compile(rb"^((?:([!-9;-~]{1,998}+)[ \t]*+:.*+(?:\n[ \t].*+)*|.++)\n?|\n+)", re.MULTILINE)
#: A line that belongs to no header section: neither a field nor a continuation.
_STRAY = re.compile(rb"(?:\A|\n)(?![!-9;-~]{1,998}[ \t]{0,99}:|[ \t\r\n]|\Z)")
#: Line ends as numbers: looking for bytes with "in" raises and catches an error within (Python 3.11), at twice the time.
CR, LF = b"\r\n"
#: How a field begins: its name and the colon.
FIELD = re.compile(rb"[!-9;-~]{1,998}[ \t]{0,99}:")
#: What Windows writes in front of a text.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_SEPARATORS = 3
#: What is found of a field.
_NAME = itemgetter(1)
_UNFOLD = re.compile(r"[\r\n]+[ \t]*|\x00")
#: Values are read up to here; beyond it lies bait, not information.
MAX_VALUE_CHARS = 64_000
#: So many header sections of parts, of up to so many bytes, are held: of a thousand reports that people
#: collected, from hundreds of programs, four in five parts have one of these.
REMEMBERED = 256
_SHORT = 300


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
        keys: the lower-case field names in their order.
        is_whole: whether every line of the section belongs to a field.

    """

    __slots__ = ("_first", "_found", "_values", "is_whole", "keys", "raw")

    def __init__(self, raw: bytes) -> None:
        """Scan *raw*, once; values are read when they are asked for."""
        self.raw = raw
        if self.has_bare_cr:
            # A bare CR ends a line too: scan a copy in which it does, of the same length.
            flat = raw.replace(b"\r\n", b"\1\n").replace(b"\r", b"\n")
            found = [(raw[m.start() : m.end()], m[2] or b"") for m in _FIELDS.finditer(flat)]
        else:
            found = _FIELDS.findall(raw)
        self._index(found)

    def _index(self, found: list[tuple[bytes, bytes]]) -> None:
        """Take the bytes and the name of each line over, and where to find the first field of each name."""
        # All at once: no name has a colon in it.
        keys = b":".join(map(_NAME, found)).lower().decode("ascii").split(":") if found else []
        first = dict(zip(keys, found, strict=True))
        self.is_whole = "" not in first
        if not self.is_whole:
            found = [line for line in found if line[1]]
            keys = [key for key in keys if key]
        if len(first) < len(keys) or not self.is_whole:
            first = dict(zip(reversed(keys), reversed(found), strict=True))
        self.keys = tuple(keys)
        self._found = found
        self._first = first
        self._values: dict[str, str | None] = {}

    @classmethod
    def of(cls, found: list[tuple[bytes, bytes]]) -> HeaderBlock:
        """Return a block of chosen fields: the bytes and the written name of each."""
        block = cls(b"")
        block._index(found)
        return block

    @property
    def fields(self) -> tuple[HeaderField, ...]:
        """Every field in order."""
        return tuple([HeaderField(name.decode("ascii"), raw) for raw, name in self._found])

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The name as written and the unfolded, undecoded value of every field in order."""
        return [(name.decode("ascii"), _unfolded(raw)) for raw, name in self._found]

    def has_any(self, names: frozenset[str]) -> bool:
        """Say whether one of these fields, in lower case, is there."""
        return not names.isdisjoint(self._first)

    def those_of(self, names: tuple[str, ...]) -> list[str]:
        """Return those of these names, in lower case, of which there is a field."""
        first = self._first
        return [name for name in names if name in first]

    def count_of(self, names: frozenset[str]) -> int:
        """Count those of these names, in lower case, of which there is a field."""
        return len(names & self._first.keys())

    @property
    def has_bare_cr(self) -> bool:
        """Whether a CR stands in the section without a line feed after it."""
        raw = self.raw
        return CR in raw and raw.count(b"\r") != raw.count(b"\r\n")

    def __contains__(self, name: str) -> bool:
        """Say whether a field of this name is there, in any case."""
        return name in self._first or (not name.islower() and name.lower() in self._first)

    def __len__(self) -> int:
        """Count the fields."""
        return len(self._found)

    def _all(self, name: str) -> list[tuple[bytes, bytes]]:
        """Return the bytes and the written name of each field *name*, in any case."""
        name = name.lower()
        first = self._first.get(name)
        if first is None:
            return []
        if len(self._first) == len(self.keys):
            return [first]
        return [found for key, found in zip(self.keys, self._found, strict=True) if key == name]

    def get(self, name: str) -> str | None:
        """Return the first value of *name*, in any case, unfolded and undecoded, or None."""
        values = self._values
        if name in values:
            return values[name]
        found = self._first.get(name) or self._first.get(name.lower())
        value = values[name] = None if found is None else _unfolded(found[0])
        return value

    def get_all(self, name: str, limit: int | None = None) -> list[str]:
        """Return all values of *name*, in any case, in their order, or the first *limit* of them."""
        found = self._all(name)[:limit]
        if not found:
            return []
        if len(found) == 1:
            value = self.get(name)  # read once, whoever asks
            return [value] if value is not None else []
        return [_unfolded(raw) for raw, _ in found]

    def all_fields(self, name: str) -> tuple[HeaderField, ...]:
        """Return all fields of *name*, in any case, in their order."""
        return tuple([HeaderField(written.decode("ascii"), raw) for raw, written in self._all(name)])

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
    headers = HeaderBlock(section) if message or len(section) > _SHORT else _of_part(section)
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


@lru_cache(maxsize=REMEMBERED)
def _of_part(section: bytes) -> HeaderBlock:
    """Return the header section of a part: a program gives all its reports the same ones."""
    return HeaderBlock(section)


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

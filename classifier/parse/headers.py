"""A header section, kept byte for byte and read on demand.

Signatures are computed over the bytes as they were sent, so nothing here is
ever re-folded or re-encoded (the standard library's message does both).
"""

from __future__ import annotations

import re
from functools import cached_property

from classifier.parse.encoded import decode_bytes, decode_words

#: Where a field starts: name (RFC 5322 section 2.2), then a colon.
_FIELD = re.compile(rb"[!-9;-~]{1,998}[ \t]*:")
_UNFOLD = re.compile(r"[\r\n]+[ \t]*|\x00")
#: Values are read up to here; beyond it lies bait, not information.
MAX_VALUE_CHARS = 64_000


class HeaderField:
    """One field: its name as written and its bytes as they came, line end included."""

    __slots__ = ("_value", "key", "name", "raw")

    def __init__(self, name: str, raw: bytes) -> None:
        """Keep *raw*; its value is decoded at first use."""
        self.name = name
        self.key = name.lower()
        self.raw = raw
        self._value: str | None = None

    @property
    def raw_value(self) -> bytes:
        """The bytes after the colon, folding and line end included."""
        return self.raw.partition(b":")[2]

    @property
    def value(self) -> str:
        """The value unfolded and stripped; encoded words as they are."""
        if self._value is None:
            text = decode_bytes(self.raw.partition(b":")[2][:MAX_VALUE_CHARS])
            if "\n" in text or "\r" in text or "\0" in text:
                text = _UNFOLD.sub(" ", text)
            self._value = text.strip()
        return self._value


class HeaderBlock:
    """An ordered header section.

    Attributes:
        raw: the bytes as they came, without the blank line that ends them.
        fields: every field in order; a line that is none ends the section or,
            where more fields follow it, is left out.

    """

    __slots__ = ("__dict__", "raw")

    def __init__(self, raw: bytes) -> None:
        """Keep *raw*; it is scanned at first use."""
        self.raw = raw

    @cached_property
    def fields(self) -> tuple[HeaderField, ...]:
        """The fields, scanned once."""
        fields: list[HeaderField] = []
        lines = self.raw.splitlines(keepends=True) if b"\r" in self.raw else self.raw.split(b"\n")
        # split() takes the line ends away; they are put back below.
        end = b"" if b"\r" in self.raw else b"\n"
        name = ""
        parts: list[bytes] = []
        for line in lines:
            if line[:1] in (b" ", b"\t"):
                if parts:
                    parts.append(line)
                continue
            if parts:
                fields.append(HeaderField(name, end.join(parts) + end))
                parts = []
            match = _FIELD.match(line)
            if match:
                name = match.group().rstrip(b": \t").decode("ascii")
                parts = [line]
        if parts:
            # Without a final line end in the source, none is invented.
            raw = end.join(parts)
            fields.append(HeaderField(name, raw + end if lines[-1:] == [b""] and raw[-1:] != end else raw))
        return tuple(fields)

    @cached_property
    def _index(self) -> dict[str, list[HeaderField]]:
        index: dict[str, list[HeaderField]] = {}
        for field in self.fields:
            index.setdefault(field.key, []).append(field)
        return index

    @property
    def keys(self) -> tuple[str, ...]:
        """The lower-case field names in their order."""
        return tuple(field.key for field in self.fields)

    def __contains__(self, name: str) -> bool:
        """Say whether a field of this name is there, in any case."""
        return name.lower() in self._index

    def __len__(self) -> int:
        """Count the fields."""
        return len(self.fields)

    def get(self, name: str) -> str | None:
        """Return the first value of *name*, unfolded and undecoded, or None."""
        found = self._index.get(name.lower())
        return found[0].value if found else None

    def get_all(self, name: str) -> list[str]:
        """Return all values of *name* in their order."""
        return [field.value for field in self._index.get(name.lower(), ())]

    def all_fields(self, name: str) -> tuple[HeaderField, ...]:
        """Return all fields of *name* in their order."""
        return tuple(self._index.get(name.lower(), ()))

    def text(self, name: str) -> str | None:
        """Return the first value of *name* with its encoded words decoded, or None."""
        value = self.get(name)
        return None if value is None else decode_words(value)


EMPTY = HeaderBlock(b"")

"""Header sections out of message files and mboxes; bodies are passed over unread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A header section is read up to here.
MAX_HEADERS = 1 << 20
#: The line before a message: "From sender weekday month day time year".
_SEPARATOR = re.compile(rb"From [^\r\n]{0,300}[0-9]{1,2}:[0-9]{2}[^\r\n]{0,40}[0-9]{4}")


def mbox_headers(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the header section of every message of an mbox (mboxo, mboxrd, mboxcl)."""
    parts: list[bytes] | None = None
    size = 0
    blank = True
    for line in lines:
        if blank and line[:5] == b"From " and _SEPARATOR.match(line):
            if parts is not None:
                yield b"".join(parts)
            parts, size, blank = [], 0, False
            continue
        blank = line in {b"\n", b"\r\n"}
        if parts is None:
            continue
        if blank:
            yield b"".join(parts)
            parts = None
        elif size < MAX_HEADERS:
            parts.append(line)
            size += len(line)
    if parts:
        yield b"".join(parts)


def message_headers(lines: Iterable[bytes]) -> bytes:
    """Return the header section of one message."""
    parts: list[bytes] = []
    size = 0
    for line in lines:
        if line in {b"\n", b"\r\n"} or size >= MAX_HEADERS:
            break
        parts.append(line)
        size += len(line)
    return b"".join(parts)

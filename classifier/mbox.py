"""An mbox (RFC 4155 and its relatives) taken apart, a block at a time: ``From `` lines quoted in text stay as they are."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: What one read takes. A line longer than this separates nothing.
BLOCK = 1 << 16
#: "From sender weekday month day time [zone] year", as mail programs write it and little else does.
SEPARATOR = re.compile(rb"From [^\r\n]{0,300}?[0-9]{1,2}:[0-9]{2}[^\r\n]{0,40}?[0-9]{4}")
_NULL_SENDER = re.compile(rb"From (?:MAILER-DAEMON|<>)[ \t]", re.IGNORECASE)
_FIELD = re.compile(rb">?From |[!-9;-~]{1,100}[ \t]{0,8}:")
#: So much behind a line's end shows whether a header field follows.
_AHEAD = 128
#: An empty line, as it stands before a separator.
_EMPTY = (b"\n\n", b"\n\r\n")
#: The longest of these, and what of a separator behind it is searched for.
_BEFORE, _MARK = 3, b"\nFrom "


def mail_from(separator: bytes) -> str | None:
    """Return the reverse path that a From_ line tells of: "" for the null sender, None where it is not known.

    Any other name there may be a program's own invention; this one stands for the null sender.
    """
    return "" if _NULL_SENDER.match(separator) else None


def mail_from_above(message: bytes) -> str | None:
    """Return what the From_ line that stands above a single message tells; None where there is none."""
    return mail_from(message) if SEPARATOR.match(message) else None


def is_mbox(sample: bytes) -> bool:
    """Say whether a file that begins like this is an mbox."""
    if sample[:5] != b"From ":
        return False
    first, _, rest = sample.partition(b"\n")
    return bool(SEPARATOR.match(first)) or bool(_FIELD.match(rest))


def pieces(stream: BinaryIO, block: int = BLOCK) -> Iterator[tuple[bytes, bytes]]:
    """Yield (separator, what follows it) and (b"", more of that); no more than a few blocks are held.

    A line separates two messages if it looks like one, an empty line stands
    before it, and a header field follows it; the first line of the file always does.

    Args:
        stream: one that begins with a separator.
        block: bytes of one read.

    Raises:
        OSError, EOFError, zlib.error: what reading the stream raises.

    """
    data, at_end = stream.read(block), False
    while b"\n" not in data and len(data) < BLOCK and not at_end:
        more = stream.read(block)
        data, at_end = data + more, not more
    start = data.find(b"\n") + 1 or min(len(data), BLOCK)
    separator = data[:start]
    # What lies before `start` has been yielded; a few bytes of it show what an empty line begins with.
    search = start - 1
    while True:
        found = data.find(_MARK, search)
        if found < 0:
            safe = len(data) if at_end else max(start, len(data) - len(_MARK) - _BEFORE)
            search = max(search, safe - 1)
        else:
            line = found + 1
            separates = data[max(0, line - _BEFORE) : line].endswith(_EMPTY) and _separates(
                data, line, block=max(block, BLOCK), at_end=at_end
            )
            if separates:
                yield separator, data[start:line]
                start = data.find(b"\n", line) + 1
                separator = data[line:start]
                search = start - 1
                continue
            if separates is False:
                search = line
                continue
            safe = search = found
        if safe > start:
            yield separator, data[start:safe]
            separator, start = b"", safe
        if at_end:
            break
        more = stream.read(block)
        at_end = not more
        cut = max(0, min(start, search) - _BEFORE)
        data, start, search = data[cut:] + more, start - cut, search - cut
    if separator:
        yield separator, b""


def _separates(data: bytes, line: int, *, block: int, at_end: bool) -> bool | None:
    """Say whether the line that begins there separates; None: more must be read to tell."""
    end = data.find(b"\n", line)
    if end < 0:
        return None if len(data) - line < block and not at_end else False
    if len(data) - end - 1 < _AHEAD and not at_end:
        return None
    return SEPARATOR.match(data, line) is not None and _FIELD.match(data, end + 1) is not None

"""The result headers: put above a message's first header line, every other byte left as it came.

Imported for each message that a filter passes on, so it imports nothing.
"""

from __future__ import annotations

#: The names, in the order in which they are written.
VERDICT = "X-Backscatter-Verdict"
PROBABILITY = "X-Backscatter-Probability"
KIND = "X-Backscatter-Kind"
EVIDENCE = "X-Backscatter-Evidence"
NAMES = (VERDICT, PROBABILITY, KIND, EVIDENCE)
#: A value is cut here, in characters: what a mail reader shows of it is less.
MAX_VALUE = 1_800
#: One piece of evidence is cut here, in characters.
MAX_DETAIL = 220
#: Lines are folded to this length (RFC 5322 section 2.1.1), in characters.
LINE_LENGTH = 78
#: A word that is longer is cut: it could not be folded.
MAX_WORD = 72
#: Stands for "nothing tells".
UNKNOWN = "unknown"
NONE = "none"

_PREFIX = b"x-backscatter-"
_KEYS = tuple(name.lower().encode("ascii") for name in NAMES)
_BLANK = (b"\n", b"\r\n")


class NoPlaceError(ValueError):
    """The message begins in a way that leaves no place for a header above it."""


def line_end(message: bytes) -> bytes:
    """Return the line end that *message* uses, as its first line shows; LF where it has none."""
    first = message.find(b"\n")
    return b"\r\n" if first > 0 and message[first - 1 : first] == b"\r" else b"\n"


def header_start(message: bytes) -> int:
    """Return where the header section begins: after mbox From_ lines (RFC 4155), if there are any.

    Delivery agents write ``>From `` lines below the From_ line for earlier hops.
    """
    if not message.startswith(b"From ") or message[5:70].lstrip(b" \t").startswith(b":"):
        return 0
    position = message.find(b"\n") + 1
    if not position:
        raise NoPlaceError("nothing but a From_ line")
    while message.startswith(b">From ", position):
        end = message.find(b"\n", position) + 1
        if not end:
            raise NoPlaceError("nothing but From_ lines")
        position = end
    return position


def header_end(message: bytes, start: int = 0) -> int:
    """Return where the header section ends: after the blank line, or at the end of *message*."""
    if message.startswith(_BLANK, start):
        return message.find(b"\n", start) + 1
    lf, crlf = message.find(b"\n\n", start), message.find(b"\n\r\n", start)
    ends = [place + size for place, size in ((lf, 2), (crlf, 3)) if place >= 0]
    return min(ends) if ends else len(message)


def header_section(message: bytes) -> tuple[int, int]:
    """Return where the header section begins and ends; from the first byte on where there is no place above it."""
    try:
        start = header_start(message)
    except NoPlaceError:
        start = 0
    return start, header_end(message, start)


def _is_result(line: bytes) -> bool:
    """Say whether a lower-case *line* is the first of a field with one of our names."""
    name, colon, _ = line[:64].partition(b":")
    return bool(colon) and name.rstrip(b" \t") in _KEYS


def without_result_headers(section: bytes) -> bytes:
    """Return a header section without fields of our names, in any case, folded lines included."""
    lower = section.lower()
    if _PREFIX not in lower:
        return section
    kept: list[bytes] = []
    start = copied = 0
    while (start := lower.find(_PREFIX, start)) >= 0:
        if (start and lower[start - 1 : start] != b"\n") or not _is_result(lower[start : start + 64]):
            start += len(_PREFIX)
            continue
        end = lower.find(b"\n", start) + 1 or len(lower)
        while lower.startswith((b" ", b"\t"), end):
            end = lower.find(b"\n", end) + 1 or len(lower)
        kept.append(section[copied:start])
        start = copied = end
    kept.append(section[copied:])
    return b"".join(kept)


def with_result_headers(message: bytes, values: tuple[str, str, str, str]) -> list[bytes]:
    """Put result headers above the first header line of *message* and take out those that it came with.

    Args:
        message: the message, or as much of its beginning as holds the header section.
        values: the values of :data:`NAMES`.

    Returns:
        The new message in pieces, to be written one after the other.

    Raises:
        NoPlaceError: a header cannot stand above this beginning: its first
            line continues one, or there is nothing at all.

    """
    start = header_start(message)
    end = header_end(message, start)
    section = without_result_headers(message[start:end])
    if not message or section.startswith((b" ", b"\t")):
        raise NoPlaceError("the message begins with a continuation line" if message else "an empty message")
    fields = b"".join(header_lines(values, line_end(message)))
    return [message[:start], fields, section, message[end:]]


def header_lines(values: tuple[str, str, str, str], end: bytes = b"\n") -> list[bytes]:
    """Return the result headers as folded lines, each with its line end."""
    return [end.join(_folded(name, value)) + end for name, value in zip(NAMES, values, strict=True)]


def _folded(name: str, value: str) -> list[bytes]:
    first = f"{name}:"
    lines: list[str] = []
    line = first
    for word in plain(value, MAX_VALUE).split():
        short = word if len(word) <= MAX_WORD else f"{word[: MAX_WORD - 3]}..."
        if len(line) + 1 + len(short) > LINE_LENGTH and line is not first:
            lines.append(line)
            line = ""
        line = f"{line} {short}"
    lines.append(line)
    return [each.encode("ascii") for each in lines]


def plain(text: str, size: int) -> str:
    """Return *text* as printable ASCII of at most *size* characters; everything else becomes ``?``."""
    cut = text if len(text) <= size else f"{text[: size - 3]}..."
    return "".join(c if " " <= c <= "~" else " " if c in "\t\r\n" else "?" for c in cut)


def ordinary() -> tuple[str, str, str, str]:
    """Return the values for a message that is no report."""
    return ("not-a-report", UNKNOWN, "other", NONE)

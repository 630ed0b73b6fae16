"""The words of a report as hashed character n-grams: any language, no dictionary, no names.

Addresses, host names, links and numbers are replaced by a sign first: who is
named is none of the words' business, and a number is rarely seen twice.
"""

from __future__ import annotations

import re
import sys
from binascii import crc32
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.report import Report

#: Buckets of the hash.
BUCKETS = 4096
#: Characters that are read: of the subject, of the original's text, of what the report says went wrong.
_SUBJECT, _BODY, _DIAGNOSTIC = 160, 400, 160
_SIZES = (3, 4)
#: 1 where the low half of a 16-bit number stands last in memory.
_BIG_ENDIAN = int(sys.byteorder == "big")
#: Every digit becomes a zero.
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_POINTS = ".,;:!?()[]<>\"'"
_MARKUP = re.compile(r"<[^>]{0,200}>")


def _folded(text: str) -> str:
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    # A number becomes one zero: by a table over the bytes, in a third of a pattern's time.
    known = text.lower().encode("utf-8", "surrogatepass").translate(_ZEROS)
    while known.find(b"00") >= 0:
        known = known.replace(b"00", b"0")
    words = known.decode("utf-8", "surrogatepass").split()
    # A host, an address or a link is a name.
    return " ".join(
        [
            word if "@" not in word and ("." not in word or "." not in word.strip(_POINTS)) else "\x01"
            for word in words
        ]
    )


def _text(report: Report) -> str:
    """Return the beginning of the original's text; "" where it is encoded."""
    original = report.original
    if (
        not original.body
        or (original.headers.get("content-transfer-encoding") or "").strip().lower() == "base64"
    ):
        return ""
    text = original.body[: _BODY * 6].decode("utf-8", "replace")
    # The frame of a multipart says how it was written, not what.
    return "\n".join(
        [line for line in text.splitlines() if not line.startswith(("--", "Content-", "content-"))]
    )


@cache
def _tables() -> tuple[tuple[bytes, bytes], ...]:
    """Return what a byte adds to a checksum, by how many bytes follow it: the low eight bits, and those above.

    A cyclic redundancy check is linear: that of a piece is the exclusive or of
    what its bytes add, each by its place, and of a constant.
    """
    tables = []
    for following in range(max(_SIZES)):
        nothing = crc32(bytes(following + 1))
        added = [0]
        for bit in range(8):
            one = (crc32(bytes((1 << bit,)) + bytes(following)) ^ nothing) % BUCKETS
            added += [other ^ one for other in added]
        tables.append((bytes([a & 255 for a in added]), bytes([a >> 8 for a in added])))
    return tuple(tables)


@cache
def _first(letter: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Return for each size of a piece what its first byte adds, and the constant of the part's letter with it."""
    tables = []
    for size in _SIZES:
        constant = crc32(letter + bytes(size)) % BUCKETS
        low, high = _tables()[size - 1]
        tables.append(
            (bytes([n ^ (constant & 255) for n in low]), bytes([n ^ (constant >> 8) for n in high]))
        )
    return tuple(tables)


def _of_ascii(parts: list[tuple[bytes, bytes]]) -> set[int]:
    """Return ``crc32(letter + piece) % BUCKETS`` of all pieces of all parts, each part (letter, text).

    The texts are worked on as one long number with a byte for each piece: the
    low halves of all buckets, and behind them the high ones.
    """
    text = b"".join([part for _, part in parts])
    length = len(text)
    rest = [0]
    for low, high in _tables()[:-1]:
        # What a piece comes to is what its first byte adds and what the rest of it comes to.
        added = int.from_bytes(text.translate(low) + text.translate(high), "little")
        rest.append(added ^ (rest[-1] >> 8))
    found: list[int] = []
    firsts = [(_first(letter), part) for letter, part in parts]
    for number, size in enumerate(_SIZES):
        first = b"".join(
            [part.translate(tables[number][0]) for tables, part in firsts]
            + [part.translate(tables[number][1]) for tables, part in firsts]
        )
        halves = (int.from_bytes(first, "little") ^ (rest[size - 1] >> 8)).to_bytes(2 * length, "little")
        pairs = bytearray(2 * length)
        pairs[_BIG_ENDIAN::2] = halves[:length]
        pairs[1 - _BIG_ENDIAN :: 2] = halves[length:]
        numbers = memoryview(pairs).cast("H").tolist()
        at = 0
        for _, part in parts:
            # The pieces after these reach into the next part.
            found += numbers[at : at + len(part) - size + 1]
            at += len(part)
    return set(found)


def buckets(report: Report) -> set[int]:
    """Return the buckets of the words of *report* and of its original."""
    original = report.original
    diagnostic = " ".join([r.diagnostic_code or "" for r in report.recipients[:3]])
    found: set[int] = set()
    ascii_parts: list[tuple[bytes, bytes]] = []
    for letter, text, limit in (
        (b"s", original.subject, _SUBJECT),
        (b"b", _text(report), _BODY),
        (b"d", diagnostic, _DIAGNOSTIC),
    ):
        folded = _folded(text[: limit * 4])[:limit] if text else ""
        if not folded:
            continue
        padded = f" {folded} "
        if padded.isascii():
            ascii_parts.append((letter, padded.encode()))
            continue
        # The checksum goes on from that of the part's letter.
        start = crc32(letter)
        for size in _SIZES:
            for i in range(len(padded) - size + 1):
                found.add(crc32(padded[i : i + size].encode("utf-8", "replace"), start) % BUCKETS)
    return found | _of_ascii(ascii_parts) if found else _of_ascii(ascii_parts)

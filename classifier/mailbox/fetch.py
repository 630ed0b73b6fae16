"""The bytes of FETCH answers, UID sets and COPYUID codes (RFC 9051 sections 7.5.2, 9; RFC 4315).

imapclient's own reader walks through every answer byte by byte; on an inbox
of thousands of messages that costs more time than the server takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from classifier.mailbox.protocol import ListedMessage
from classifier.parse.dates import parse_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

#: What imaplib makes of an answer: a line, or a line that announces a literal, with it.
Piece = bytes | tuple[bytes, bytes]

_START = re.compile(rb"[0-9]{1,10} \(")
_QUOTED_SECTION = re.compile(
    rb'BODY\[([^\]]{0,200})\](?:<[0-9]{1,12}>)? (?:"((?:[^"\\]|\\.){0,9000})"|NIL)', re.IGNORECASE | re.DOTALL
)
_LITERAL_SECTION = re.compile(rb"BODY\[([^\]]{0,200})\](?:<[0-9]{1,12}>)? ~?\{[0-9]{1,12}\}$", re.IGNORECASE)
_UID = re.compile(rb"[( ]UID ([0-9]{1,12})", re.IGNORECASE)
_SIZE = re.compile(rb"[( ]RFC822\.SIZE ([0-9]{1,15})", re.IGNORECASE)
_DATE = re.compile(rb'[( ]INTERNALDATE "([^"]{1,40})"', re.IGNORECASE)
_FLAGS = re.compile(rb"[( ]FLAGS \(([^)]{0,9000})\)", re.IGNORECASE)
#: Most servers answer in the order in which was asked: one search instead of four.
_AS_ASKED = re.compile(
    rb'[0-9]{1,10} \(UID ([0-9]{1,12}) FLAGS \(([^)]{0,9000})\) INTERNALDATE "([^"]{1,40})" RFC822\.SIZE ([0-9]{1,15})[ )]'
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_COPYUID = re.compile(rb"([0-9]{1,12}) ([0-9:,*]{1,100000}) ([0-9:,*]{1,100000})")


class GarbledError(ValueError):
    """An answer cannot be what the server meant: a literal is longer or shorter than was announced."""


@dataclass(slots=True)
class Fetched:
    """One message's answer: its attributes as text, its sections as bytes; None for one that is NIL."""

    text: bytes = b""
    sections: dict[str, bytes | None] = field(default_factory=dict)

    @property
    def uid(self) -> int | None:
        """The UID, where the answer names one."""
        found = _UID.search(self.text)
        return int(found[1]) if found else None

    @property
    def size(self) -> int:
        """The message's bytes as the server counts them; 0 where it does not tell."""
        found = _SIZE.search(self.text)
        return int(found[1]) if found else 0

    def add(self, other: Fetched) -> None:
        """Take over what another answer tells of the same message: a server may send its attributes apart."""
        self.text += b" " + other.text

    def listed(self) -> ListedMessage | None:
        """Make a listed message of it; None where its header section is not shown, as in a flag change."""
        headers = self.sections.get("HEADER") or b""
        if not headers and ("HEADER" not in self.sections or self.size):
            return None  # without a header section there is its blank line still, of all but an empty message
        as_asked = _AS_ASKED.match(self.text)
        if as_asked is not None:
            uid, flags, date, size = as_asked.groups()
            return ListedMessage(str(int(uid)), int(size), _moment(date), _words(flags), headers)
        number = self.uid
        if number is None:
            return None
        given, marked = _DATE.search(self.text), _FLAGS.search(self.text)
        return ListedMessage(
            str(number),
            self.size,
            _moment(given[1]) if given else None,
            _words(marked[1]) if marked else frozenset(),
            headers,
        )


def _moment(date: bytes) -> datetime | None:
    return parse_date(date.decode("ascii", "replace"))


@lru_cache(maxsize=256)
def _words(flags: bytes) -> frozenset[str]:
    return frozenset(flags.decode("latin-1").split())


def read_fetch(pieces: Iterable[Piece | None]) -> Iterator[Fetched]:
    """Take the pieces of untagged FETCH answers apart.

    Raises:
        GarbledError: a literal took in a part of what follows it, or left a part of itself behind: what
            comes next might be taken for another message's.

    """
    message: Fetched | None = None
    follows = False
    for piece in pieces:
        line, literal = piece if isinstance(piece, tuple) else (piece or b"", None)
        if follows:
            # After a literal comes another item, or the end (RFC 9051 section 9, msg-att).
            if not line.startswith((b" ", b")")) or (literal is None and not line.rstrip().endswith(b")")):
                raise GarbledError("a literal is not as long as was announced")
        elif _START.match(line):
            if message is not None:
                yield message
            message = Fetched()
        follows = literal is not None
        if message is None:
            continue
        if literal is not None:
            section = _LITERAL_SECTION.search(line, max(0, line.rfind(b"BODY[")))
            if section:
                _put(message, section[1], literal)
                line = line[: section.start()]
        if b"[" in line:  # a section that is no literal
            for quoted in _QUOTED_SECTION.finditer(line):
                value = None if quoted[2] is None else _ESCAPED.sub(rb"\1", quoted[2])
                _put(message, quoted[1], value)
            line = _QUOTED_SECTION.sub(b"", line)
        message.text += line
    if message is not None:
        yield message


def _put(message: Fetched, section: bytes, value: bytes | None) -> None:
    name = section.decode("latin-1").upper()
    if name in message.sections:
        raise GarbledError("one answer has a section twice")
    message.sections[name] = value


def uid_set(keys: Iterable[int | str]) -> str:
    """Write UIDs as a set, runs joined: ``1:3,7``."""
    runs: list[list[int]] = []
    for uid in sorted({int(key) for key in keys}):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs)


def expand_set(text: str, limit: int = 1_000_000) -> list[int]:
    """Read a UID set in its order; a range may be written from either end.

    Raises:
        ValueError: it is none, or has more than *limit* members.

    """
    uids: list[int] = []
    for part in text.split(","):
        first, colon, last = part.partition(":")
        a = int(first)
        b = int(last) if colon else a
        if abs(b - a) + len(uids) >= limit:
            raise ValueError("too many UIDs")
        # RFC 4315: a range stands for its members in ascending order.
        uids += range(min(a, b), max(a, b) + 1)
    return uids


def read_copyuid(codes: Sequence[bytes | None]) -> dict[str, str]:
    """Read COPYUID codes: new key by old key; nothing where they cannot be believed."""
    found: dict[str, str] = {}
    for code in codes:
        match = _COPYUID.fullmatch((code or b"").strip())
        if not match:
            continue
        try:
            sources, targets = expand_set(match[2].decode()), expand_set(match[3].decode())
        except ValueError:
            continue
        if len(sources) == len(targets):
            found.update(zip(map(str, sources), map(str, targets), strict=True))
    return found

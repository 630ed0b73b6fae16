"""Addresses in header values and diagnostic text (RFC 5322 section 3.4, RFC 5321)."""

from __future__ import annotations

import re
from functools import lru_cache

_ATOM = r"[^\s<>()\[\],;:@\"\\]"
#: An addr-spec as it is seen in the wild: dot-atom or quoted local part. An atom
#: is tried from its beginning alone: from each of its characters a long one
#: without "@" would be read hundreds of times.
_ADDR = re.compile(
    rf"(?:\"(?:[^\"\\\r\n]|\\.){{1,64}}\"|(?<!{_ATOM})(?P<atom>{_ATOM}++))"
    rf"@(?:\[[0-9A-Fa-f:.]{{2,60}}\]|{_ATOM}{{1,255}})"
)
#: Of a longer local part the end counts. RFC 5321 allows 64; SRS and VERP need more.
_MAX_LOCAL = 256
#: A quoted local part that need not be quoted.
_NEEDLESS = re.compile(rf'"({_ATOM}+)"(@.+)')
_COMMENT = re.compile(r"\([^()]{0,998}\)")
#: More addresses than this in one field tell nothing more.
MAX_ADDRESSES = 1_000
_MAX_CHARS = 64_000
#: So many values of up to so many characters are held: one report is asked for the same ones several times.
_REMEMBERED = 256
_SHORT = 500


def find_addresses(value: str | None) -> list[str]:
    """Return every addr-spec in *value* in its order, as written.

    An address in angle brackets wins over text that looks like one beside it:
    ``"x@y.test" <a@b.test>`` has one address, ``a@b.test``.
    """
    return list(_found(value)) if value and "@" in value else []


def _found(value: str) -> tuple[str, ...]:
    return _read(value) if len(value) <= _SHORT else _read.__wrapped__(value[:_MAX_CHARS])


@lru_cache(maxsize=_REMEMBERED)
def _read(value: str) -> tuple[str, ...]:
    if "(" in value:
        value = _COMMENT.sub(" ", value)
    found: list[str] = []
    for chunk in _split_list(value):
        left = chunk.rfind("<")
        if left >= 0:
            inner = chunk[left + 1 :].partition(">")[0]
            address = _first(inner.rpartition(":")[2] if inner.startswith("@") else inner)
            if address:
                found.append(address.rstrip("."))
                continue
        address = _first(chunk)
        if address:
            found.append(address.strip("'").rstrip("."))
        if len(found) >= MAX_ADDRESSES:
            break
    return tuple(found)


def _first(text: str) -> str:
    match = _ADDR.search(text)
    return match.group()[max(0, len(match["atom"] or "") - _MAX_LOCAL) :] if match else ""


def _split_list(value: str) -> list[str]:
    """Split at commas and semicolons that stand outside quotes and angle brackets."""
    if "," not in value and ";" not in value:
        return [value]
    if '"' not in value:
        return value.replace(";", ",").split(",")
    chunks: list[str] = []
    start = 0
    quoted = False
    for match in re.finditer(r'[",;]|\\.', value):
        char = match.group()
        if char == '"':
            quoted = not quoted
        elif char in ",;" and not quoted:
            chunks.append(value[start : match.start()])
            start = match.end()
    chunks.append(value[start:])
    return chunks


def find_address(value: str | None) -> str | None:
    """Return the first addr-spec in *value*, or None."""
    if not value or "@" not in value:
        return None
    found = _found(value)
    return found[0] if found else None


def domain_of(address: str | None) -> str | None:
    """Return the domain of *address* in lower case without a final dot, or None."""
    if not address or "@" not in address:
        return None
    return address.rpartition("@")[2].rstrip(".").lower() or None


def normalise(address: str) -> str:
    """Return *address* for comparison: lower case, no brackets, no final dot.

    The local part is case-sensitive by RFC 5321 section 2.4, yet no mailbox in
    use tells them apart; comparing without case never loses a match. Quotes
    that need not be there say nothing (section 4.1.2), nor does it which of two
    ways an accented letter is written in (RFC 6532 section 3.1).
    """
    address = address.strip().strip("<>").rstrip(".").lower()
    if address[:1] == '"' and (match := _NEEDLESS.fullmatch(address)):
        address = match[1] + match[2]
    if not address.isascii():
        from unicodedata import normalize  # noqa: PLC0415 - hardly an address needs it

        address = normalize("NFC", address)
    return address

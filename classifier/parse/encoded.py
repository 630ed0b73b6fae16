"""Encoded words (RFC 2047) and the charsets of the wild, without raising."""

from __future__ import annotations

import binascii
import re

_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]+(=\?)")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
#: Python code pages that decode to something other than text; never from mail.
_FORBIDDEN = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


def decode_bytes(raw: bytes, charset: str | None = None) -> str:
    """Decode *raw* to text, whatever it is.

    Tries *charset*, then UTF-8, then Latin-1, which maps every byte.
    """
    if charset:
        name = charset.strip("\"' \t").split("*", 1)[0].lower().replace("-", "_")
        if name not in _FORBIDDEN:
            try:
                return raw.decode(name, "replace")
            except (LookupError, ValueError, TypeError, AssertionError, UnicodeError):
                pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, text = match.groups()
    raw = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        raw = raw.rstrip(b"=")
        try:
            data = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
        except (binascii.Error, ValueError):
            return match.group(0)
    else:
        data = _QUOTED.sub(lambda m: bytes((int(m.group(1), 16),)), raw.replace(b"_", b" "))
    return decode_bytes(data, charset)


def decode_words(value: str) -> str:
    """Replace the encoded words in a header value by their text (RFC 2047).

    White space between two adjacent encoded words goes, as section 6.2 says.
    What cannot be decoded stays as it was written.
    """
    if "=?" not in value:
        return value
    return _WORD.sub(_decode_word, _BETWEEN.sub(r"\1\2", value))

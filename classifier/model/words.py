"""The words of a report as hashed character n-grams: any language, no dictionary, no names.

Addresses, host names, links and numbers are replaced by a sign first: who is
named is none of the words' business, and a number is rarely seen twice.
"""

from __future__ import annotations

import re
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.report import Report

#: Buckets of the hash.
BUCKETS = 4096
#: Characters that are read: of the subject, of the original's text, of what the report says went wrong.
_SUBJECT, _BODY, _DIAGNOSTIC = 160, 400, 160
_SIZES = (3, 4)
_DIGITS = re.compile(r"[0-9]+")
_MARKUP = re.compile(r"<[^>]{0,200}>")


def _folded(text: str) -> str:
    words = _DIGITS.sub("0", _MARKUP.sub(" ", text).lower()).split()
    return " ".join("\x01" if _names(word) else word for word in words)


def _names(word: str) -> bool:
    """Say whether *word* is a host, an address or a link."""
    return "@" in word or "." in word.strip(".,;:!?()[]<>\"'")


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
        line for line in text.splitlines() if not line.startswith(("--", "Content-", "content-"))
    )


def buckets(report: Report) -> list[int]:
    """Return the sorted, distinct buckets of the words of *report* and of its original."""
    original = report.original
    diagnostic = " ".join(r.diagnostic_code or "" for r in report.recipients[:3])
    found: set[int] = set()
    for part, text, limit in (
        ("s", original.subject or "", _SUBJECT),
        ("b", _text(report), _BODY),
        ("d", diagnostic, _DIAGNOSTIC),
    ):
        folded = _folded(text[: limit * 4])[:limit]
        if not folded:
            continue
        padded = f" {folded} "
        # The checksum goes on from that of the part's letter; bytes are cut where each is a character.
        start = crc32(part.encode())
        if padded.isascii():
            data = padded.encode()
            for size in _SIZES:
                found.update(
                    [crc32(data[i : i + size], start) % BUCKETS for i in range(len(data) - size + 1)]
                )
            continue
        for size in _SIZES:
            for i in range(len(padded) - size + 1):
                found.add(crc32(padded[i : i + size].encode("utf-8", "replace"), start) % BUCKETS)
    return sorted(found)

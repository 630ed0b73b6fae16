"""Habits: does the original look like the mail that we are known to have sent?

Traits are small words read off a header section: the shape of the Message-ID,
the mail program, the order of the author's own fields, time zone, charset,
script. The shares that they have in the ledger's mail give a bounded distance;
it is never more than weak, since a forger may copy any of it from one message.
"""

from __future__ import annotations

import math
import re

from classifier.evidence.base import Evidence, Lookups, forged, genuine
from classifier.parse.encoded import decode_words
from classifier.vocabulary import Completeness, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.headers import HeaderBlock
    from classifier.parse.report import Report

#: The traits, and how common a value is among everybody's mail, roughly.
BACKGROUND = {
    "message-id": 0.05,
    "mailer": 0.15,
    "order": 0.08,
    "zone": 0.2,
    "charset": 0.4,
    "script": 0.7,
}
#: One trait adds at most this much to the distance, either way.
_ONE_TRAIT = 1.5
#: The sum must pass this to be told at all, and this to be told as clear.
TELLING = 1.5
CLEAR = 3.0
#: Fields that author programs write and relays leave in place.
_AUTHOR_FIELDS = {
    "from": "f", "to": "t", "cc": "k", "subject": "s", "date": "d", "message-id": "i", "mime-version": "v",
    "content-type": "c", "content-transfer-encoding": "e", "user-agent": "u", "x-mailer": "x", "reply-to": "r",
    "in-reply-to": "n", "references": "g", "organization": "o", "content-language": "l",
}  # fmt: skip
_HEX = r"[0-9A-Fa-f]+\Z"
_CHARSET = r"(?i)charset\s{0,3}=\s{0,3}\"?([A-Za-z0-9_.:-]{1,40})"
_ZONE = r"([+-][0-9]{4})\b|\b(GMT|UTC|UT|Z|[ECMP][SD]T|CES?T)\b"
_SCRIPTS = (
    ("cyrillic", 0x0400, 0x0530),
    ("greek", 0x0370, 0x0400),
    ("hebrew", 0x0590, 0x0600),
    ("arabic", 0x0600, 0x0780),
    ("indic", 0x0900, 0x0E00),
    ("thai", 0x0E00, 0x0E80),
    ("cjk", 0x2E80, 0xA000),
    ("hangul", 0xAC00, 0xD7B0),
)


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Measure how far the original is from our habits."""
    original = report.original
    if lookups.habits is None or original.completeness in {Completeness.NONE, Completeness.PARTIAL}:
        return
    distance = 0.0
    odd: list[str] = []
    known = 0
    for trait, value in traits(original.headers).items():
        share = lookups.habits.share(trait, value)
        if share is None:
            continue
        known += 1
        ratio = math.log(max(share, 0.002) / BACKGROUND[trait])
        distance -= max(-_ONE_TRAIT, min(_ONE_TRAIT, ratio))
        if ratio < 0:
            odd.append(f"{trait} {value}")
    if not known:
        return
    if distance >= TELLING:
        finding = "very-unlike" if distance >= CLEAR else "unlike"
        detail = f"not like the mail that we send: {', '.join(odd[:4])}"
        yield forged("habits", Strength.WEAK, finding, detail)
    elif distance <= -TELLING:
        finding = "very-like" if distance <= -CLEAR else "like"
        yield genuine("habits", Strength.WEAK, finding, "looks like the mail that we send")


def traits(headers: HeaderBlock) -> dict[str, str]:
    """Read the traits off a header section; one that it does not show is left out."""
    found: dict[str, str] = {}
    if message_id := headers.get("message-id"):
        found["message-id"] = message_id_shape(message_id)
    found["mailer"] = mailer_family(headers.get("user-agent") or headers.get("x-mailer"))
    order = "".join(_AUTHOR_FIELDS[key] for key in headers.keys if key in _AUTHOR_FIELDS)
    if len(order) >= 3:
        found["order"] = order[:24]
    if zone := re.search(_ZONE, (headers.get("date") or "")[:100]):
        found["zone"] = zone[1] or zone[2]
    if charset := re.search(_CHARSET, (headers.get("content-type") or "")[:2_000]):
        found["charset"] = charset[1].lower()
    if subject := headers.get("subject"):
        found["script"] = script_of(decode_words(subject[:500]))
    return {trait: value for trait, value in found.items() if value}


def message_id_shape(message_id: str) -> str:
    """Reduce a Message-ID to its pattern: kinds and lengths of its parts, and the right-hand side.

    ``<3F2504E0-4F89-41D3@mail.example.org>`` gives ``x8-x4-x4@mail.example.org``:
    x for hexadecimal digits (and plain digits, which a random part may consist
    of), w for other letters; a w part's length is left out, since its random
    letters often hold the separators themselves.
    """
    left, at, right = message_id.strip()[:300].strip("<>").rpartition("@")
    shape: list[str] = []
    for part in re.split(r"([.$%!-])", left)[:21]:
        if re.match(_HEX, part):
            shape.append(f"x{len(part)}")
        elif part in {".", "$", "%", "!", "-"}:
            shape.append(part)
        elif part and (not shape or shape[-1] != "w"):
            shape.append("w")
    # A host name that carries a number (pool members, phones) is one habit, not many.
    return "".join(shape) + at + re.sub(r"[0-9]+", "9", right.lower())


def mailer_family(value: str | None) -> str:
    """Return the mail program's name without its version, in lower case; ``none`` where none is named."""
    words = re.findall(r"[A-Za-z]{2,20}", (value or "")[:80])
    return " ".join(word.lower() for word in words[:2]) or "none"


def script_of(text: str) -> str:
    """Return the script that *text* is written in, by its first letter outside Latin."""
    for char in text[:200]:
        code = ord(char)
        for name, first, end in _SCRIPTS:
            if first <= code < end:
                return name
    return "latin"

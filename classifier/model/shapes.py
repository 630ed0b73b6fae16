"""Shapes of what mail programs write: Message-IDs beside the program that is named, HELO names.

A shape is a rule about form alone; no name of anybody is in it.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.headers import HeaderBlock

#: Left-hand sides of Message-IDs that a named program writes, by a word in its X-Mailer or User-Agent.
_MADE_BY: tuple[tuple[str, str], ...] = (
    ("outlook express", r"[0-9a-f]{12}\$[0-9a-f]{8}\$[0-9a-f]{8}"),
    ("windows live mail", r"[0-9a-f]{32}|[0-9a-f]{12}\$[0-9a-f]{8}\$[0-9a-f]{8}"),
    ("microsoft outlook", r"[0-9a-f]{12}\$[0-9a-f]{8}\$[0-9a-f]{8}|[0-9a-z]{20,}|[A-Za-z0-9+.-]{20,}"),
    ("thunderbird", r"[0-9a-f]{7,8}\.[0-9]{1,10}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    ("mozilla", r"[0-9a-f]{7,8}\.[0-9a-f]{1,10}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    ("apple mail", r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    ("the bat", r"[0-9]{6,12}\.[0-9]{14}|[0-9a-f]{8,10}\.[0-9]{14}"),
    ("eudora", r"(?:[0-9a-f]{1,2}\.){3,}.*|v0[0-9]{7}.*|p0[0-9]{7}.*|a0[0-9]{7}.*"),
)  # fmt: skip
_PROGRAMS = tuple((word, re.compile(shape, re.IGNORECASE)) for word, shape in _MADE_BY)
_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.){1,20}[a-z][a-z0-9-]{1,62}\.?", re.IGNORECASE)
_LITERAL = re.compile(r"\[?(?:ipv6:)?[0-9a-f.:]*[.:][0-9a-f.:]*\]?", re.IGNORECASE)


#: Words in addresses that lists, programs and offices send from.
_ROLE = re.compile(
    r"(?:^|[-_.+])(?:bounces?|owner|errors?|request|admin|subscribe|confirm|return|news(?:letter)?|list(?:s|serv|master)?"
    r"|majordomo|mailer|mailman|no-?reply|root|daemon|apache|www(?:-data)?|nobody|cron|postmaster|webmaster)(?=$|[-_.+=])",
    re.IGNORECASE,
)


class Greeting(IntEnum):
    """What a client called itself, from what mail servers say to what PCs do."""

    HOST = 0
    LITERAL = 1
    WORD = 2


def greeting(helo: str | None) -> Greeting | None:
    """Tell the form of a HELO name (RFC 5321 section 4.1.3 knows the first two); None where there is none."""
    if not helo:
        return None
    if _HOST.fullmatch(helo[:255]):
        return Greeting.HOST
    return Greeting.LITERAL if _LITERAL.fullmatch(helo[:64]) else Greeting.WORD


def program_fits(headers: HeaderBlock) -> bool | None:
    """Say whether the Message-ID is one that the mail program named beside it writes; None where that is not known."""
    program = headers.get("x-mailer") or headers.get("user-agent")
    message_id = headers.get("message-id")
    if not program or not message_id:
        return None
    left = message_id[:300].strip().lstrip("<").partition("@")[0]
    program = program[:200].lower()
    for word, shape in _PROGRAMS:
        if word in program:
            return shape.fullmatch(left) is not None
    return None


def right_hand_side(message_id: str | None) -> str:
    """Return what stands right of the @ of a Message-ID, lower case; "" where nothing does."""
    return (message_id or "")[:998].strip("<> \t").rpartition("@")[2].rstrip(".").lower()


def is_role(address: str) -> bool:
    """Say whether the local part of *address* is that of a list, a program or an office (RFC 2142 and custom)."""
    return _is_role(address.rpartition("@")[0][:64])


@lru_cache(maxsize=256)
def _is_role(local: str) -> bool:
    return _ROLE.search(local) is not None


def is_host(name: str) -> bool:
    """Say whether *name* has the form of a domain name with a dot in it."""
    return _HOST.fullmatch(name[:255]) is not None

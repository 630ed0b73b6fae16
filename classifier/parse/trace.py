"""Received fields (RFC 5321 section 4.4), tokenised.

Regular expressions over whole lines fail on the next program's spelling; so
the value is cut into words and comments, the clauses are found by their
keywords, and only the comment after "from" is read by the habits of programs.
The raw value is always kept.
"""

from __future__ import annotations

import re
from itertools import product

from classifier.parse.limits import MAX_HOP_CHARS, MAX_HOPS
from classifier.parse.report import TraceHop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from classifier.parse.headers import HeaderBlock

#: A word, a comment with at most one level of comments in it, and few pieces (bait has thousands), a quoted string, an angle address.
_TOKEN = re.compile(
    r"[^\s()<>\";]{1,998}|\((?:[^()\\]++|\\.|\([^()]{0,500}\)){0,100}\)|\"[^\"]{0,500}\"|<[^<>]{0,500}>"
)
#: The words that begin a clause, by each of their spellings: most tokens are none, and one look tells.
_KEYWORDS = {
    "".join(letters): word
    for word in ("from", "by", "via", "with", "id", "for")
    for letters in product(*zip(word, word.upper(), strict=True))
}
#: An address literal as programs write it: bare, in brackets, with "IPv6:", a user or a port.
_IP = re.compile(
    r"(?<![\w.:-])(?:[Ii][Pp][Vv]6:)?((?:[0-9]{1,3}\.){3}[0-9]{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:[0-9]{1,3}\.){3}[0-9]{1,3})?)"
    r"(?![\w.-])"
)
#: A greeting that is told apart from the name, as Exim (LHLO: RFC 2033), qmail, Yahoo and CommuniGate do.
_HELO = re.compile(r"\b(?:helo|ehlo|lhlo)[= ]{1,3}([^\s()]{1,255})", re.IGNORECASE)
_NAMED = re.compile(
    r"(?:[^\s@\[(]{0,64}@)?([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_.])?)[ \t]{0,9}[\[(]"
)
#: All that Exim and qmail add where the client greeted with the name that its address has.
_ALONE = re.compile(r"\[[0-9A-Fa-f.:]{2,45}\](?::[0-9]{1,5})?|(?:[^\s@\[\]()]{1,64}@)?[0-9A-Fa-f.:]{2,45}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?\.?")
#: The clauses of a hop: the word of each and the comments behind it, by its keyword.
_Clauses: TypeAlias = "dict[str, tuple[str, list[str]]]"
_ABSENT: tuple[str, list[str]] = ("", [])
_OF_QMAIL = {"from", "by", "with"}
_NO_NAMES = frozenset(
    {"unknown", "unverified", "no-ptr", "helo", "ehlo", "unavailable", "softdnserr", "account", "ident"}
)


def read_trace(headers: HeaderBlock) -> tuple[TraceHop, ...]:
    """Return the Received hops of a header section, newest first, at most ``MAX_HOPS``."""
    return read_hops(headers.get_all("received", MAX_HOPS))


def read_hops(values: Iterable[str]) -> tuple[TraceHop, ...]:
    """Return a hop for each unfolded Received value."""
    return tuple(map(read_hop, values))


def read_hop(value: str) -> TraceHop:
    """Tokenise one unfolded Received value. Never raises; what is missing is None."""
    value = value[:MAX_HOP_CHARS]
    stop = value.rfind(";")
    clauses: _Clauses = {}
    current = ""
    word: str | None = None
    comments: list[str] = []
    for token in _TOKEN.findall(value, 0, stop if stop >= 0 else len(value)):
        keyword = _KEYWORDS.get(token)
        if keyword and (not current or word is not None or comments) and keyword not in clauses:
            if current:
                clauses[current] = (word or "", comments)
            current, word, comments = keyword, None, []
            continue
        mark = token[0]
        if mark == "(":
            if len(token) > 2:
                comments.append(token[1:-1])
        elif mark in '"<':
            if word is None:
                word = token[1:-1] or None
        elif word is None:
            word = token
        elif current == "from" and not comments:
            comments.append(token)  # "from host [192.0.2.1] by ..."
    if current:
        clauses[current] = (word or "", comments)
    helo = name = address = None
    by, of_writer = clauses.get("by", _ABSENT)
    if "from" in clauses:
        greeting, of_client = clauses["from"]
        helo, name, address = _greeting_last(
            greeting, of_client, is_chasquid="chasquid" in of_writer
        ) or _client(greeting, of_client, is_name=_is_exim(clauses) or _is_qmail(clauses, value[stop + 1 :]))
    return TraceHop(
        raw=value,
        helo=helo,
        client_name=name,
        client_address=address,
        by=_host(by),
        protocol=_word(clauses, "with"),
        queue_id=_word(clauses, "id"),
        for_address=_word(clauses, "for"),
        dated=value[stop + 1 :] if stop >= 0 else value[-60:],
    )


def _word(clauses: _Clauses, name: str) -> str | None:
    return clauses[name][0].strip("<>;,") or None if name in clauses else None


def _host(text: str) -> str | None:
    text = text.strip("[]<>,;")
    return text.rstrip(".") or None


def _is_exim(clauses: _Clauses) -> bool:
    _, comments = clauses.get("with", _ABSENT)
    return bool(comments) and any(comment.startswith("Exim ") for comment in comments)


def _is_qmail(clauses: _Clauses, dated: str) -> bool:
    """Say whether qmail wrote the hop: no words but these, and a date without its weekday."""
    return (
        clauses.keys() == _OF_QMAIL
        and not clauses["by"][1]
        and not clauses["with"][1]
        and dated.lstrip()[:1].isdigit()
    )


def _greeting_last(
    word: str, comments: list[str], *, is_chasquid: bool
) -> tuple[str | None, None, str] | None:
    """Return what ``_client`` does for ``from [IP] (HELO)``, as chasquid writes it, which looks no name up.

    A greeting that is an address is told from an address behind a greeting by the program alone.
    """
    address = _IP.fullmatch(word.strip("[]"))
    if address is None or not comments:
        return None
    greeting = comments[0]
    if not is_chasquid and (
        len(comments) > 1
        or not _HOST.fullmatch(greeting)
        or _IP.fullmatch(greeting)
        or greeting.lower() in _NO_NAMES
    ):
        return None
    return _host(greeting), None, address[1]


def _client(word: str, comments: list[str], *, is_name: bool) -> tuple[str | None, str | None, str | None]:
    """Return what the client called itself, its looked-up name, and its address.

    Each program has its own habit::

        from HELO (NAME [IP])               Postfix, Sendmail, Courier, Google
        from NAME ([IP] helo=HELO)          Exim; without helo= the greeting was the name
        from NAME (HELO HELO) (IP)          qmail; NAME may be "unknown"; without HELO the greeting was the name
        from HELO (IP) by ... Microsoft SMTP Server
        from IP (EHLO HELO) (IP)            Yahoo

    The greeting is the client's own word, so nothing of it may pass for a
    looked-up name or an address: the first word is a name only where the
    greeting stands apart from it, and an address in the greeting is cut away.
    """
    helo: str | None = None
    address = name = None
    apart = is_name and len(comments) > 0 and bool(_ALONE.fullmatch(comments[0]))
    for comment in comments:
        rest = comment
        low = comment.lower()
        # Most comments hold no greeting: these two tell in a tenth of the time.
        if ("hlo" in low or "helo" in low) and (greeting := _HELO.search(comment)):
            apart = True
            helo = helo or greeting[1].strip("<>,;")
            rest = comment[: greeting.start()] + comment[greeting.end() :]
        match = _IP.search(rest)
        if match is None:
            continue
        # The last one: what stands before it may still be the greeting, spelt to mislead.
        address = match[1]
        named = _NAMED.match(rest.lstrip())
        name = None
        if named and named[1].lower() not in _NO_NAMES and not _IP.fullmatch(named[1]):
            name = named[1].rstrip(".")
    if name is None and apart:
        name = _bare_name(word)
    if address is None and (literal := _IP.search(word)):
        address = literal[1]
    if not apart or (helo is None and name):
        helo = _host(word)
    return helo or None, name, address


def _bare_name(word: str) -> str | None:
    """Return *word* where it can be a looked-up host name."""
    if _IP.search(word) or word.lower().rstrip(".") in _NO_NAMES or not _HOST.fullmatch(word):
        return None
    return word.rstrip(".")

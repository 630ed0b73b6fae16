"""The hosts that a notice names: who reports, and who refused."""

from __future__ import annotations

import re

_NAME = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,9}"
_HOST = re.compile(rf"[ \t]{{0,4}}(?:\n[ \t]{{0,8}})?[<\['\"(]{{0,2}}({_NAME})")
#: What stands before the reporting host: sign, then words up to the host.
_REPORTING = (
    ("this is the ", re.compile(rf"[^\n]{{1,80}}? at(?: host)? ({_NAME})")),
    ("generating server:", _HOST),
    ("message from ", _HOST),
    # dma: a machine that only sends often has a bare name.
    ("mail agent v", re.compile(rf"\S{{1,20}} at ({_NAME}|[A-Za-z0-9_-]{{1,63}})")),
    (
        "reporting-mta:",
        re.compile(rf"[ \t]{{0,8}}(?:dns|dsn|smtp|x400)?;?[ \t]{{0,8}}[<\[]?({_NAME})", re.IGNORECASE),
    ),
    ("delivery status notification from ", _HOST),
    ("queue on ", _HOST),
    ("queued on ", _HOST),
)
#: What stands before the host that refused.
_BEFORE = ("while talking to ", "remote-mta: dns;", "remote-mta:", "remote host ", "host: ", " host ", "host ", "giving up on ", "remote server ", "server '", "server ")  # fmt: skip
#: What stands after it.
_AFTER = (
    " said:",
    " does not like",
    " failed after",
    " responded with",
    " failed with",
    " did not like",
    " rejected",
    " said ",
)
_LAST_HOST = re.compile(rf"({_NAME})\]?(?: ?[\[(][0-9a-fA-F.:]{{2,45}}[\])])?$")
_CHARS = 8_000
#: An address of four numbers is a host.
_OCTETS = 4


def reporting_host(notice: str, low: str) -> str | None:
    """Return the host that *notice* says it comes from; *low* is *notice* in lower case."""
    for sign, pattern in _REPORTING:
        at = low.find(sign, 0, _CHARS)
        if at >= 0 and (match := pattern.match(notice, at + len(sign))):
            return match.group(1).rstrip(".")
    return None


def remote_host(words: str) -> str | None:
    """Return the name or address of the host that refused, by *words* about it."""
    low = words[:_CHARS].lower()
    for sign in _BEFORE:
        at = low.find(sign)
        if at >= 0 and (match := _HOST.match(words, at + len(sign))) and _is_host(match[1]):
            return match[1]
    for sign in _AFTER:
        at = low.find(sign)
        if at > 0 and (match := _LAST_HOST.search(words, max(0, at - 120), at)) and _is_host(match[1]):
            return match[1]
    return None


def _is_host(name: str) -> bool:
    """Say whether *name* is no mere number, such as an enhanced status."""
    labels = name.split(".")
    return not labels[-1].isdigit() or len(labels) == _OCTETS

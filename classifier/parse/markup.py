"""HTML to plain text, far enough to find fields and addresses in it."""

from __future__ import annotations

import re

#: Notices are short; beyond this lies the original's own markup.
MAX_CHARS = 200_000
_DROP = re.compile(r"<(script|style|title)\b[^<>]{0,2000}>[^<]{0,20000}|<!--[^<>]{0,4000}-->", re.IGNORECASE)
_BREAK = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?table|/?h[1-6]|/?li|/?ul|/?pre|/?blockquote|hr)\b[^<>]{0,2000}>", re.IGNORECASE
)
_CELL = re.compile(r"</t[dh]\s{0,9}>", re.IGNORECASE)
#: A tag, but not an address in angle brackets that was never escaped.
_TAG = re.compile(r"</?[a-zA-Z!][^<>@]{0,2000}>|</?(?:a|font|span|img|td)\s[^<>]{0,2000}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[a-zA-Z]{2,8});")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "nbsp": " ", "apos": "'"}
_HINTS = ("<html", "<body", "<br", "<p>", "<div", "<pre", "<table", "<!doctype html", "<font", "<span")
_HINT_CHARS = 4_000


def looks_like_html(text: str) -> bool:
    """Say whether *text* is marked up, whatever its content type says."""
    if "<" not in text:
        return False
    low = text[:_HINT_CHARS].lower()
    # A loop: a generator takes twice the time.
    for hint in _HINTS:  # noqa: SIM110
        if hint in low:
            return True
    return False


def _entity(match: re.Match[str]) -> str:
    name = match.group(1)
    if name[0] != "#":
        return _NAMED.get(name.lower(), match.group())
    code = int("0" + name[1:], 0) if name[1] in "xX" else int(name[1:])
    return chr(code) if 0x20 <= code <= 0xD7FF else " "


def to_plain(text: str) -> str:
    """Return the text of the HTML *text*: tags gone, breaks as line ends, entities decoded."""
    text = text[:MAX_CHARS]
    # Outside <pre> a line end is white space, and bounce writers that print
    # plain lines between <br> meant them as lines: both are kept as lines.
    text = _BREAK.sub("\n", _DROP.sub(" ", text))
    return _ENTITY.sub(_entity, _TAG.sub("", _CELL.sub(" ", text)))

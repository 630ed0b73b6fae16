"""Where a notice ends and what it returns begins."""

from __future__ import annotations

import re

from classifier.parse.caseless import Caseless
from classifier.parse.markup import looks_like_html, to_plain

#: No notice is longer; mails of mailing list software can list many addresses.
MAX_NOTICE = 64_000
_MARKER_CHARS = 160
#: A rule of dashes (or the like) that announces the message, in any language;
#: or a sentence that does, in those that real programs use.
_MARKER = Caseless(
    r"\n[ \t>|]{0,12}(?:[-=*_#|]{2,60}+[ \t]{0,4}+[^\n]{0,60}?(?:original message|original mail|returned m|copy of (?:the|your) m"
    r"|message (?:text|header|body)|unsent message|header of the|mensaje original|mensagem original|message d'origine"
    r"|message original|ursprüngliche nachricht|originalnachricht|messaggio originale|header(?:s)? of (?:the|your)"
    r"|start of (?:the|your|returned|message)|oorspronkelijk|исходно|原信|元のメ|undelivered message|rejected message)"
    r"|(?:below is a copy of|included is a copy of|here is a copy of|message headers? follow|original message(?: headers?)? (?:follows|details)"
    r"|original message headers|a copy of the original|your message reads|the first \d{1,4} lines of|the header and top"
    r"|original mail as follows|begin forwarded message))"
)
#: Fields that only a returned message has at the start of a line in a notice.
_HEADER = re.compile(
    r"\n[ \t>|]{0,12}(?:Received: |Return-Path: |DKIM-Signature: |Message-I[dD]: |MIME-Version: 1)"
)


def cut_notice(text: str) -> tuple[str, str]:
    """Split *text* into the notice above the original, as plain text, and the line that ends it."""
    text = text[: MAX_NOTICE * 3]
    if looks_like_html(text):
        text = to_plain(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "\n" + text[:MAX_NOTICE]
    end = len(text)
    if match := _HEADER.search(text):
        end = match.start()
    if match := _MARKER.search(text, 0, end):
        end = match.start()
    return text[1:end], text[end : end + _MARKER_CHARS]

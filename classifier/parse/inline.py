"""The original inside a text part, found by its header block.

Reports put dozens of marker lines above the message that they return, in every
language, or none at all. The returned header section itself is what they have
in common, so that is what is looked for; a marker is never needed.
"""

from __future__ import annotations

import re

from classifier.dataclass import dataclass
from classifier.parse.headers import CR
from classifier.parse.markup import looks_like_html, to_plain
from classifier.vocabulary import Completeness

#: The original begins within this much of a part, or it is not looked for.
MAX_SCAN = 1 << 20
#: A header section longer than this is cut here (RFC 5322 sets no limit; the
#: longest real ones are below 64 KiB).
MAX_HEADER = 1 << 18
#: A line that may be a field, behind quoting marks or an indentation.
_LINE = re.compile(rb"\n([ \t>|*]{0,24})([A-Za-z][A-Za-z0-9-]{1,60})[ \t]{0,2}:(?!//)")
_FIELD = re.compile(rb"[!-9;-~]{1,76}[ \t]{0,2}:")
#: What a field says for being part of a returned message.
_WEIGHT = {
    b"received": 3, b"return-path": 2, b"message-id": 3, b"from": 2, b"to": 1, b"subject": 2, b"date": 2,
    b"mime-version": 1, b"content-type": 1, b"content-transfer-encoding": 1, b"reply-to": 1, b"cc": 1, b"sender": 1,
    b"dkim-signature": 2, b"domainkey-signature": 2, b"delivered-to": 1, b"sent": 1, b"x-mailer": 1,
    b"user-agent": 1, b"in-reply-to": 1, b"references": 1, b"list-id": 1, b"x-originating-ip": 1, b"errors-to": 1,
    b"precedence": 1, b"x-priority": 1, b"importance": 1, b"organization": 1, b"authentication-results": 2,
    b"received-spf": 2, b"arc-seal": 2, b"x-google-smtp-source": 2, b"x-received": 2, b"x-sender": 1,
    b"apparently-to": 1, b"x-envelope-from": 1, b"x-original-to": 1, b"resent-from": 1, b"list-unsubscribe": 1,
    b"thread-topic": 1, b"thread-index": 1, b"x-spam-status": 1, b"bcc": 1, b"x-spam-flag": 1, b"envelope-to": 1,
    b"x-msmail-priority": 1, b"x-mimeole": 1, b"x-virus-scanned": 1, b"x-sg-eid": 1, b"received-on": 1,
}  # fmt: skip
#: From here on a block is a header section and no listing inside the notice.
_STRONG = 7
#: From here on it tells at least a little of the original ("To:, Subject:, Sent:").
_WEAK = 3
#: Lines that are no field, between fields (a folding that was lost), at most.
_MAX_STRAY = 2
#: A line of a signature or another code whose folding was lost, and how many of them.
_CODE_LINE = re.compile(rb"[A-Za-z0-9+/=]{16,998}")
_MAX_CODE_LINES = 64
#: A line of a listing that is named in words: "Sent date: ...", "MAIL FROM: ...".
_LISTED = re.compile(rb"[A-Za-z][A-Za-z()-]{0,30}(?: [A-Za-z()-]{1,30}){1,3}[ \t]{0,2}:[ \t]")


@dataclass(frozen=True)
class InlineOriginal:
    """A returned message inside a text.

    Attributes:
        start: where its first header line begins in the text, quoting included.
        end: where its header section ends in the text.
        headers: the header section, quoting marks and indentation undone.
        body: what follows the blank line, unquoted; None where nothing does.
        completeness: FULL, HEADERS, or PARTIAL where it is cut off or a listing.
        verbatim: True where nothing had to be undone to read it.

    """

    start: int
    end: int
    headers: bytes
    body: bytes | None
    completeness: Completeness
    verbatim: bool


@dataclass
class _Block:
    start: int
    end: int
    next: int
    prefix: bytes
    score: int
    names: set[bytes]
    lines: list[bytes]
    cut: bool
    stray: bool


def _read_block(data: bytes, start: int, prefix: bytes, limit: int) -> _Block:
    """Read header lines from *start*, as long as they go on behind *prefix*."""
    bare = prefix.rstrip()
    width = len(prefix)
    names: set[bytes] = set()
    lines: list[bytes] = []
    score = 0
    stray = 0
    strays = False
    pos = end = start
    cut = True
    while pos < limit:
        stop = data.find(b"\n", pos, limit)
        following = limit if stop < 0 else stop + 1
        line = data[pos:following]
        if width:
            line = (
                line[width:]
                if line.startswith(prefix)
                else line[len(bare) :]
                if line.rstrip() == bare
                else line
            )
            if bare and not data.startswith(bare, pos):
                break
        text = line.rstrip(b"\r\n")
        if not text.strip():
            # Some gateways put a blank line after every header line.
            if _is_double_spaced(data, following, prefix, len(lines), limit):
                pos = following
                strays = True
                continue
            cut = False
            break
        if match := _FIELD.match(text):
            name = match.group()[:-1].rstrip().lower()
            if name not in names:
                names.add(name)
                score += _WEIGHT.get(name, 0)
            stray = 0
        elif text.startswith((b" ", b"\t")) or (width and _LISTED.match(text)):
            pass
        elif not lines or text.startswith((b"From ", b">From ")):
            if lines:
                break
        else:
            stray += 1
            strays = True
            code = _CODE_LINE.fullmatch(text)
            if stray > (_MAX_CODE_LINES if code else _MAX_STRAY) or text.startswith(
                (b"--", b"==", b"__", b"**")
            ):
                break
        lines.append(line)
        pos = end = following
        if stop < 0:
            break
    while stray and lines:  # what is no field does not end a header section
        end -= len(lines.pop()) + width
        stray -= 1
    if cut and end < len(data):
        cut = not strays
    elif cut:
        cut = data[-1:] != b"\n"
    return _Block(start, end, max(end, start + 1), prefix, score, names, lines, cut, strays)


def _is_double_spaced(data: bytes, at: int, prefix: bytes, count: int, limit: int) -> bool:
    if not 1 <= count <= 2 or data[at : at + 1] in (b"\n", b"\r"):
        return False
    match = _LINE.match(data, at - 1, limit)
    return bool(match and match.group(1) == prefix and match.group(2).lower() in _WEIGHT)


def find_original(text: bytes) -> InlineOriginal | None:
    """Find the returned message in *text*, the decoded bytes of a text part.

    The first whole header section wins; where there is none, the best listing
    of header fields ("To: ..., Subject: ..., Sent: ...") counts as a partial
    original. Linear in the size of *text*.
    """
    if text.find(b"notificationType") >= 0 and (
        b'"notificationType"' in text or b'notificationType\\"' in text
    ):
        return _from_notification(text)
    found = _find(text)
    if text.find(b"<") < 0:
        return found
    # What stands above the original tells whether the notice is HTML; the
    # original below it may well be.
    above = text[: found.start] if found is not None else text[:MAX_SCAN]
    if not looks_like_html(above.decode("utf-8", "surrogateescape")):
        return found
    plain = to_plain(text[:MAX_SCAN].decode("utf-8", "surrogateescape"))
    again = _find(plain.encode("utf-8", "surrogateescape"))
    if again is None:
        return found
    # Places in the marked-up text are unknown; the notice ends nowhere.
    return InlineOriginal(len(text), len(text), again.headers, again.body, again.completeness, verbatim=False)


def _find(text: bytes) -> InlineOriginal | None:
    data = b"\n" + text[: MAX_SCAN + MAX_HEADER]
    if CR in data and b"\r\n" not in data:
        data = data.replace(b"\r", b"\n")
    best: _Block | None = None
    pos = 0
    scan_end = min(len(data), MAX_SCAN)
    while match := _LINE.search(data, pos, scan_end):
        if match.group(2).lower() not in _WEIGHT:
            pos = match.end()
            continue
        start = match.start() + 1
        block = _read_block(data, start, match.group(1), min(len(data), start + MAX_HEADER))
        if block.score >= _STRONG and len(block.names & _WEIGHT.keys()) >= 3:
            return _finish(data, text, block, weak=False)
        listed = block.score >= _WEAK or (block.prefix and b"subject" in block.names)
        if listed and (best is None or block.score > best.score):
            best = block
        pos = max(block.next - 1, match.end())
    if best is not None:
        return _finish(data, text, best, weak=True)
    return None


def _finish(data: bytes, text: bytes, block: _Block, *, weak: bool) -> InlineOriginal:
    headers = b"".join(block.lines) if block.prefix or block.stray else data[block.start : block.end]
    body: bytes | None = None
    rest_at = block.end - 1  # data has one byte more in front
    if not weak and not block.cut:
        rest = text[rest_at:]
        if block.prefix:
            rest = _unquote(rest, block.prefix)
        if rest.startswith(b"\r\n"):
            rest = rest[2:]
        elif rest[:1] == b"\n":
            rest = rest[1:]
        body = rest if rest.strip() else None
    if weak or block.cut:
        completeness = Completeness.PARTIAL
    else:
        completeness = Completeness.FULL if body is not None else Completeness.HEADERS
    return InlineOriginal(
        block.start - 1, rest_at, headers, body, completeness, verbatim=not block.prefix and not block.stray
    )


def _unquote(rest: bytes, prefix: bytes) -> bytes:
    bare = prefix.rstrip()
    lines = []
    for line in rest.splitlines(keepends=True):
        if line.startswith(prefix):
            lines.append(line[len(prefix) :])
        elif bare and line.startswith(bare):
            lines.append(line[len(bare) :])
        elif not line.strip():
            lines.append(line)
        elif bare:
            break  # the quotation ends
        else:
            lines.append(line)
    return b"".join(lines)


#: A provider's own notification (JSON inside the text) lists header fields as objects.
_JSON_HEADER = re.compile(
    rb'\\{0,3}"name\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"([A-Za-z0-9-]{1,76})\\{0,3}"\s{0,4},\s{0,4}'
    rb'\\{0,3}"value\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"([^"]{0,2000})"'
)
_JSON_COMMON = re.compile(
    rb'\\{0,3}"(from|to|cc|date|subject|messageId|returnPath|source)\\{0,3}"\s{0,4}:\s{0,4}\[?\s{0,4}\\{0,3}"([^"]{1,2000})"'
)
_JSON_NAMES = {b"messageid": b"Message-ID", b"returnpath": b"Return-Path"}


def _from_notification(text: bytes) -> InlineOriginal | None:
    joined = text[:MAX_SCAN].replace(b"\r", b"").replace(b"\n ", b"").replace(b"\n", b"")
    fields: dict[bytes, bytes] = {}
    for name, value in _JSON_HEADER.findall(joined):
        fields.setdefault(name.title(), value)
    common = joined.find(b"commonHeaders")
    for name, value in _JSON_COMMON.findall(joined, max(common, 0)) if common >= 0 else ():
        fields.setdefault(_JSON_NAMES.get(name.lower(), name.title()).title(), value)
    fields.pop(b"Source", None)
    if not fields:
        return None
    headers = b"".join(
        name + b": " + value.rstrip(b"\\").replace(b"\\\\n", b"").replace(b"\\", b"") + b"\n"
        for name, value in fields.items()
    )
    return InlineOriginal(len(text), len(text), headers, None, Completeness.PARTIAL, verbatim=False)

"""The message that a report is about, wherever the report keeps it.

As an attached message or header section where the reporter follows RFC 6522,
else somewhere in a text (:mod:`classifier.parse.inline`).
"""

from __future__ import annotations

from functools import cache

from classifier.dataclass import replace
from classifier.parse.headers import HeaderBlock
from classifier.parse.limits import MAX_INLINE_BYTES, MAX_INLINE_PARTS
from classifier.parse.mime import MESSAGE_TYPES, parse_embedded
from classifier.parse.report import Original
from classifier.vocabulary import Completeness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifier.parse.inline import InlineOriginal
    from classifier.parse.mime import Part

#: Header sections as parts of their own: RFC 6522 section 4, RFC 6533 section 6,
#: and what programs made of it.
_HEADER_TYPES = frozenset(
    {
        "text/rfc822-headers",
        "message/global-headers",
        "message/rfc822-headers",
        "text/rfc822",
        "text/rfc822-header",
    }
)
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
#: What every message has of its author's (RFC 5322 section 3.6), or of its transport's.
_TELLING = frozenset({"from", "to", "date", "subject", "message-id", "received"})
#: No part of a multipart has these: they are a message's.
_TRANSPORT = frozenset({"received", "message-id"})
#: With fewer of these a header section is visibly not whole.
_WHOLE = 2
#: A returned message that was attached as a file, of whatever type.
_FILES = (".eml", ".msg", ".txt", ".mht", ".rfc822", ".hdr")


def find_original(root: Part) -> Original:
    """Find the message that the report *root* is about.

    An attached message goes before one in a text, what comes after the
    delivery status before what precedes it, a whole header section before a
    listing of a few fields.

    Returns:
        What came back of it, its header section as it stands in the report;
        ``Completeness.NONE`` where nothing did.

    """
    best: Original | None = None
    for found_by in (_attached, _inline, _run_on):
        for candidate in found_by(root):
            if candidate.completeness is not Completeness.PARTIAL:
                return candidate
            best = best or candidate
    return best or Original()


def _attached(root: Part) -> list[Original]:
    """Return the attached messages and header sections, those after the delivery status first."""
    before: list[Original] = []
    after: list[Original] = []
    found = before
    for part in root.own_parts:
        if part.content_type in _STATUS_TYPES:
            found = after
        elif part.content_type in MESSAGE_TYPES:
            found += [_of_message(part, child, root) for child in part.children[:1] if len(child.headers)]
        elif part.content_type in _HEADER_TYPES:
            whole = parse_embedded(part.decoded())
            if len(whole.headers):
                found.append(_described(whole.headers, whole.raw_body, verbatim=not part.encoding))
        elif part is not root and part.headers.has_any(_TRANSPORT):
            # Written below the delimiter without a header section of the part itself.
            found.append(_described(part.headers, part.raw_body, verbatim=False))
    return after + before


def _of_message(part: Part, child: Part, root: Part) -> Original:
    original = _described(child.headers, child.raw_body, verbatim=child.buffer is root.buffer)
    if part.content_type == "message/partial":
        return replace(original, completeness=Completeness.PARTIAL)
    return original


def _described(headers: HeaderBlock, body: bytes, *, verbatim: bool) -> Original:
    returned = body if body and not body.isspace() else None
    if headers.count_of(_TELLING) < _WHOLE:
        completeness = Completeness.PARTIAL
    else:
        completeness = Completeness.HEADERS if returned is None else Completeness.FULL
    return Original(completeness, headers, returned, verbatim)


def _inline(root: Part) -> Iterator[Original]:
    """Yield the originals that stand in the text parts, each part decoded when it is reached."""
    find_inline = _find_inline()
    read = 0
    for part in root.own_parts:
        if read >= MAX_INLINE_PARTS:
            return
        if not _may_hold_text(part):
            continue
        read += 1
        found = find_inline(part.decoded(MAX_INLINE_BYTES))
        if found is not None:
            # Bytes in the middle of a text are not known to be those that were
            # sent: "From " is stuffed, tabs and trailing blanks are lost.
            yield Original(found.completeness, HeaderBlock(found.headers), found.body, verbatim=False)


@cache
def _find_inline() -> Callable[[bytes], InlineOriginal | None]:
    from classifier.parse.inline import find_original as find_inline  # noqa: PLC0415 - only where none is attached

    return find_inline


def _run_on(root: Part) -> Iterator[Original]:
    """Yield what stands below a delivery status whose own delimiter was damaged."""
    find_inline = _find_inline()
    for part in root.own_parts[:MAX_INLINE_PARTS]:
        if part.content_type in _STATUS_TYPES:
            found = find_inline(part.decoded(MAX_INLINE_BYTES))
            if found is not None and found.completeness is not Completeness.PARTIAL:
                yield Original(found.completeness, HeaderBlock(found.headers), found.body, verbatim=False)


def _may_hold_text(part: Part) -> bool:
    kind = part.content_type
    if kind.startswith("multipart/"):
        return not part.children
    if kind in MESSAGE_TYPES:
        # What stands in a message part without being one.
        return not part.children or not len(part.children[0].headers)
    if kind.startswith("text/"):
        return True
    return kind == "application/octet-stream" or part.filename.lower().endswith(_FILES)

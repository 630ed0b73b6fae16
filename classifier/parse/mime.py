"""The part tree of a message (RFC 2045, 2046), as offsets into its bytes.

Signatures are verified over the returned message as it stands in the report,
byte for byte. The standard library's message does not give those back: it
re-folds and re-encodes, and raises on some 8-bit mail. So the tree is cut here,
by offsets; nothing is copied but header sections, and no part is looked into
before somebody asks for its children.
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache

from classifier.parse.encoded import decode_bytes
from classifier.parse.headers import CR, FIELD, LF, REMEMBERED, message_start, read_section
from classifier.parse.limits import MAX_DEPTH, MAX_OWN_PARTS, MAX_PARTS, MAX_TEXT_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPE_CHARS = 300
_TYPE = re.compile(r"[ \t]*([A-Za-z0-9!#$&^_.+-]{1,127})[ \t]*/[ \t]*([A-Za-z0-9!#$&^_.+-]{1,127})")
#: One parameter (RFC 2045 section 5.1, with the sections of RFC 2231).
_PARAMETER = re.compile(
    r";[ \t]{0,99}([A-Za-z0-9!#$&^_.+-]{1,80})(?:\*([0-9]{1,3}))?(\*)?[ \t]{0,99}="
    r"[ \t]{0,99}(?:\"([^\"\\]{0,2000}+(?:\\.[^\"\\]{0,2000}){0,100})\"?|([^;]{0,2000}))"
)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
#: What follows a boundary on its line (RFC 2046 section 5.1.1).
_DELIMITER_END = re.compile(rb"(--)?[ \t]{0,999}(?:\r?\n|\r|\Z)")
#: The first line of a body that looks like a delimiter, where the header names none.
_LOST_BOUNDARY = re.compile(rb"(?:\A|\n)--([^\r\n]{1,200}?)[ \t]{0,99}\r?\nContent-", re.IGNORECASE)
#: Bodies are searched for a lost boundary this far.
_LOST_BOUNDARY_BYTES = 1 << 16
#: Types whose content is a message with a header section of its own.
MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news", "message/partial"})
_ENCODINGS = ("base64", "quoted-printable")


class Tree:
    """What the parts of one message share: the count of them, and what was passed over."""

    __slots__ = ("notes", "parts")

    def __init__(self) -> None:
        """Begin with no part."""
        self.parts = 0
        self.notes: dict[str, None] = {}


class Part:
    """One part: a message, a multipart, or a leaf.

    Attributes:
        buffer: the bytes that the offsets count in.
        start: where its header section begins.
        body_start: where its body begins.
        end: where it ends, without the line end before a delimiter.
        headers: its header section.
        content_type: ``type/subtype`` in lower case; the default where none is given.

    """

    __slots__ = (
        "_children", "_decoded", "_depth", "_encoding", "_own_below", "_params", "_tree", "body_start", "buffer",
        "content_type", "end", "headers", "start",
    )  # fmt: skip

    def __init__(
        self,
        buffer: bytes,
        start: int,
        end: int,
        tree: Tree,
        *,
        default: str = "text/plain",
        depth: int = 0,
        message: bool = False,
    ) -> None:
        """Find the header section; the rest waits until it is asked for."""
        if message:
            start = message_start(buffer, start, end)
        self.headers, self.body_start = read_section(buffer, start, end, message=message)
        self.buffer = buffer
        self.start = start
        self.end = end
        self._tree = tree
        self._depth = depth
        value = self.headers.get("content-type")
        self.content_type = default if value is None else _type_of(value[:_TYPE_CHARS])
        self._params: dict[str, str] | None = None
        self._encoding: str | None = None
        self._decoded: tuple[int, bytes] | None = None
        self._children: tuple[Part, ...] | None = None
        self._own_below: tuple[Part, ...] | None = None
        tree.parts += 1

    @property
    def params(self) -> dict[str, str]:
        """The Content-Type parameters by lower-case name (RFC 2045, 2231)."""
        if self._params is None:
            self._params = read_parameters(self.headers.get("content-type"))
        return self._params

    @property
    def disposition(self) -> dict[str, str]:
        """The Content-Disposition parameters (RFC 2183); its type under the key ``""``."""
        value = self.headers.get("content-disposition")
        if value is None:
            return {}
        return {"": value.partition(";")[0].strip().lower(), **read_parameters(value)}

    @property
    def filename(self) -> str:
        """The name that the part goes by, or ""."""
        return self.disposition.get("filename") or self.params.get("name") or ""

    @property
    def raw_body(self) -> bytes:
        """The body as it came, still encoded."""
        return self.buffer[self.body_start : self.end]

    @property
    def encoding(self) -> str:
        """The content transfer encoding that has to be undone, or ""."""
        if self._encoding is None:
            value = self.headers.get("content-transfer-encoding")
            self._encoding = next(filter(value.lower().startswith, _ENCODINGS), "") if value else ""
        return self._encoding

    def decoded(self, limit: int | None = None) -> bytes:
        """Return the body with its transfer encoding undone; what cannot be decoded, as it came.

        Args:
            limit: encoded bytes that are read; None: all.

        """
        stop = self.end if limit is None else min(self.end, self.body_start + limit)
        if not self.encoding:
            return self.buffer[self.body_start : stop]
        if self._decoded is not None and self._decoded[0] == stop:
            return self._decoded[1]
        undo = binascii.a2b_qp if self.encoding == "quoted-printable" else decode_base64
        decoded = undo(self.buffer[self.body_start : stop])
        if stop - self.body_start <= MAX_TEXT_CHARS:
            # A notice is asked for its words, and then for what it returns; long ones are not held.
            self._decoded = (stop, decoded)
        return decoded

    def text(self) -> str:
        """Return the body decoded to text, bounded by ``MAX_TEXT_CHARS``."""
        return decode_bytes(self.decoded(MAX_TEXT_CHARS), self.params.get("charset"))[:MAX_TEXT_CHARS]

    @property
    def children(self) -> tuple[Part, ...]:
        """The parts directly inside: of a multipart, or the one message of a message type."""
        if self._children is None:
            self._children = self._cut()
        return self._children

    def _cut(self) -> tuple[Part, ...]:
        container = self.content_type.startswith("multipart/")
        if not container and self.content_type not in MESSAGE_TYPES:
            return ()
        if self._depth >= MAX_DEPTH:
            self._tree.notes.setdefault(f"parts nested more than {MAX_DEPTH} deep were not read")
            return ()
        return tuple(self._split() if container else self._message())

    @property
    def own_parts(self) -> tuple[Part, ...]:
        """The first ``MAX_OWN_PARTS`` parts of this message itself in their order, not those of messages inside it."""
        return (self, *self.own_below)

    @property
    def own_below(self) -> tuple[Part, ...]:
        """Those of :attr:`own_parts` that are below this one."""
        if self._own_below is None:
            found: list[Part] = []
            pending: list[Part] = []
            part = self
            while len(found) < MAX_OWN_PARTS - 1:
                if part.content_type.startswith("multipart/"):
                    pending += reversed(part.children[:MAX_OWN_PARTS])
                if not pending:
                    break
                part = pending.pop()
                found.append(part)
            # This part itself is left out: with it, only the garbage collector could let the message go.
            self._own_below = tuple(found)
        return self._own_below

    def walk(self) -> Iterator[Part]:
        """Yield this part and all inside it, in their order."""
        pending = [self]
        while pending:
            part = pending.pop()
            yield part
            pending += reversed(part.children)

    def _message(self) -> list[Part]:
        buffer, start, end = self.buffer, self.body_start, self.end
        if self.encoding:
            # RFC 2046 section 5.2.1 forbids it; some gateways do it all the same.
            decoded = self.decoded()
            if FIELD.match(decoded.lstrip()):
                buffer, start, end = decoded, 0, len(decoded)
        body = buffer[start:end]
        if not body or body.isspace():
            return []
        return [Part(buffer, start, end, self._tree, depth=self._depth + 1, message=True)]

    def _split(self) -> list[Part]:
        default = "message/rfc822" if self.content_type == "multipart/digest" else "text/plain"
        parts: list[Part] = []
        for start, end in self._slices():
            if self._tree.parts >= MAX_PARTS:
                self._tree.notes.setdefault(f"parts after the first {MAX_PARTS} were not read")
                break
            parts.append(Part(self.buffer, start, end, self._tree, default=default, depth=self._depth + 1))
        return parts

    def _slices(self) -> list[tuple[int, int]]:
        """Return where each part of a multipart begins and ends."""
        boundary = self.params.get("boundary", "").rstrip().encode("utf-8", "surrogateescape")
        slices = self._between(boundary) if boundary else None
        if slices is None:
            match = _LOST_BOUNDARY.search(
                self.buffer[self.body_start : min(self.end, self.body_start + _LOST_BOUNDARY_BYTES)]
            )
            if match is None or match[1] == boundary:
                return []
            self._tree.notes.setdefault(
                "a multipart names no boundary of its own; the first delimiter was taken"
            )
            slices = self._between(match[1])
        return slices or []

    def _between(self, boundary: bytes) -> list[tuple[int, int]] | None:
        """Return where what stands below each delimiter line begins and ends, or None where there is no such line."""
        needle = b"--" + boundary
        buffer, first, end = self.buffer, self.body_start, self.end
        slices: list[tuple[int, int]] = []
        begin: int | None = None
        pos = first
        # One more than are taken, so that those that are not are told of.
        while len(slices) <= MAX_PARTS and (at := buffer.find(needle, pos, end)) >= 0:
            pos = at + len(needle)
            if at > first and buffer[at - 1] not in b"\r\n":
                # On with the next line: one may be nothing but such places.
                line_end = buffer.find(b"\n", pos, end)
                pos = line_end if line_end >= 0 else end
                bare = buffer.find(b"\r", at, pos)
                pos = bare if bare >= 0 else pos
                continue
            match = _DELIMITER_END.match(buffer, pos, end)
            if match is None:
                continue
            if begin is not None:
                before = at - buffer.endswith(b"\n", begin, at)
                slices.append((begin, before - buffer.endswith(b"\r", begin, before)))
            begin = pos = match.end()
            if match[1]:
                return slices
        if begin is None:
            return None
        slices.append((begin, end))
        return slices


@lru_cache(maxsize=REMEMBERED)
def _type_of(value: str) -> str:
    """Return the ``type/subtype`` of a Content-Type value; what is none is text (RFC 2045 section 5.2)."""
    match = _TYPE.match(value)
    return f"{match[1]}/{match[2]}".lower() if match is not None else "text/plain"


def parse_tree(raw: bytes) -> tuple[Part, dict[str, None]]:
    """Return the root part of the message *raw*, and the notes that reading it goes on to fill.

    A message whose lines end in a bare CR is read as if they ended in LF; the
    offsets are the same.
    """
    if LF not in raw and CR in raw:
        raw = raw.replace(b"\r", b"\n")
    tree = Tree()
    return Part(raw, 0, len(raw), tree, message=True), tree.notes


def parse_embedded(data: bytes) -> Part:
    """Return *data*, a message that was found inside another, as a part tree of its own."""
    return parse_tree(data)[0]


def read_parameters(value: str | None) -> dict[str, str]:
    """Read the parameters of a Content-Type or Content-Disposition value (RFC 2045, 2231)."""
    if value is None or ";" not in value:
        return {}
    found: dict[str, str] = {}
    sections: dict[str, dict[int, str]] = {}
    for match in _PARAMETER.finditer(value):
        name, section, extended, quoted, bare = match.groups()
        key = name.lower()
        text = bare.strip() if quoted is None else quoted
        if quoted is not None and "\\" in text:
            text = re.sub(r"\\(.)", r"\1", text)
        if extended:
            text = _percent_decoded(text, first=section in {None, "0"})
        if section is None:
            found.setdefault(key, text)
        else:
            sections.setdefault(key, {})[int(section)] = text
    for key, pieces in sections.items():
        found.setdefault(key, "".join(pieces[n] for n in sorted(pieces)))
    return found


def _percent_decoded(text: str, *, first: bool) -> str:
    charset = ""
    if first and text.count("'") >= 2:
        charset, _, text = text.split("'", 2)
    raw = _PERCENT.sub(lambda m: chr(int(m[1], 16)), text).encode("latin-1", "replace")
    return decode_bytes(raw, charset)


def decode_base64(data: bytes) -> bytes:
    """Decode *data*, skipping what is no base64 (RFC 2045 section 6.8); whatever is left over is dropped."""
    try:
        return binascii.a2b_base64(data)
    except (binascii.Error, ValueError):
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        whole = len(kept) // 4 * 4
        return binascii.a2b_base64(kept[:whole])

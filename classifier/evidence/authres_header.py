"""Authentication-Results (RFC 8601), ARC (RFC 8617) and Received-SPF (RFC 7208 section 9.1), taken apart."""

from __future__ import annotations

from classifier.dataclass import dataclass

#: A longer field is bait.
_MAX_CHARS = 16_000
#: More results than this in one field are not read.
_MAX_RESULTS = 40


@dataclass(frozen=True)
class AuthResult:
    """One result that a server wrote down.

    Attributes:
        server: the authserv-id, or Received-SPF's receiver, lower case.
        method: ``spf``, ``dkim``, ``dmarc``, ``iprev`` and so on.
        result: ``pass``, ``fail``, ``softfail`` and so on, lower case.
        properties: e.g. ``header.d`` or ``smtp.mailfrom`` to its value.

    """

    server: str
    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Return a property's value, lower case, or None."""
        return dict(self.properties).get(name)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that the result is about, by the properties of its method."""
        names = {
            "spf": ("smtp.mailfrom", "smtp.mail", "smtp.envelope-from", "envelope-from"),
            "dkim": ("header.d", "header.i"),
            "dmarc": ("header.from",),
        }.get(self.method, ())
        found = (value for name in names if (value := self.get(name)))
        return tuple(d for value in found if (d := value.rpartition("@")[2].strip("<>.")))


def without_comments(text: str) -> str:
    """Return *text* without its comments, nested ones too (RFC 5322 section 3.2.2)."""
    if "(" not in text:
        return text
    kept: list[str] = []
    depth = 0
    quoted = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
            kept.append(" ")
            continue
        elif char == ")" and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(char)
    return "".join(kept)


def _split(text: str) -> list[str]:
    """Split at semicolons outside quotes."""
    if '"' not in text:
        return text.split(";")
    parts, start, quoted = [], 0, False
    for index, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def parse_results(name: str, value: str) -> tuple[AuthResult, ...]:
    """Read one field; nothing where it is malformed.

    Args:
        name: the field's name, lower case: one of the three above.
        value: unfolded.

    """
    if len(value) > _MAX_CHARS:
        return ()
    if name == "received-spf":
        return _received_spf(value)
    parts = [part.strip() for part in _split(without_comments(value))]
    if name == "arc-authentication-results":
        if not parts[0].replace(" ", "").lower().startswith("i="):
            return ()
        parts = parts[1:]
    if not parts or not parts[0] or "=" in parts[0]:
        return ()
    server = parts[0].split()[0].lower()
    found: list[AuthResult] = []
    for part in parts[1 : _MAX_RESULTS + 1]:
        words = _pairs(part)
        if words:
            method, result = words[0]
            found.append(AuthResult(server, method.partition("/")[0], result, tuple(words[1:])))
    return tuple(found)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Read ``name=value`` words; white space around "=" is allowed."""
    if len(text) > 4_000:
        return []
    glued = "=".join(part.strip() for part in text.split("="))
    found: list[tuple[str, str]] = []
    for word in glued.split():
        name, equals, value = word.partition("=")
        if equals and name:
            found.append((name.lower(), value.strip('"').lower()))
    return found


def _received_spf(value: str) -> tuple[AuthResult, ...]:
    words = without_comments(value).replace(";", " ").split(None, 1)
    if not words:
        return ()
    properties = dict(_pairs(words[1])) if len(words) > 1 else {}
    server = properties.get("receiver", "")
    return (AuthResult(server, "spf", words[0].lower().strip(":"), tuple(properties.items())),)

"""A DKIM-Signature field taken apart (RFC 6376 section 3.5), and a key record (section 3.6.1).

Text only: nothing is verified here and nothing expensive imported, so that the
many messages whose signatures are none of ours cost nothing.
"""

from __future__ import annotations

import re

from classifier.dataclass import dataclass
from classifier.parse.encoded import decode_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.headers import HeaderField

#: A longer signature field is bait: real ones stay under 4 KB, with z= too.
MAX_FIELD = 32_768
#: More tags than this are no signature.
_MAX_TAGS = 50
#: More signed header names than this are no signature; long real lists have 60.
MAX_SIGNED = 150
#: Folding never leaves such a run; dkimpy's expressions take quadratic time over it.
_LONG_RUN = re.compile(rb"[ \t\r\n]{100}")
_SPACE = re.compile(rb"[ \t\r\n]+")
_BASE64 = re.compile(rb"[0-9A-Za-z+/]{1,8192}={0,2}")
_TAG_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]{0,30}")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_FIELD_NAME = re.compile(rb"[!-9;-~]{1,76}")
ALGORITHMS = frozenset({b"rsa-sha256", b"rsa-sha1", b"ed25519-sha256"})


@dataclass(frozen=True)
class Signature:
    """One signature as it stands in the message.

    Attributes:
        field: the header field itself.
        domain: d=, lower case.
        selector: s=, lower case.
        algorithm: a=, e.g. ``rsa-sha256``.
        canonicalisation: c=, e.g. ``relaxed/simple``.
        signed: h=, lower case, in its order, repetitions kept.
        value: b=, without white space.
        body_hash: bh=, without white space.
        body_length: l= in bytes, or None.
        signing_identity: i=, lower case, or None.
        signed_at: t=, seconds since 1970, or None.
        expires: x=, likewise.
        copied: z=, the signed fields as they were, by lower-case name.
        problem: why nobody could verify it; "" where it is well formed.

    """

    field: HeaderField
    domain: str
    selector: str = ""
    algorithm: str = ""
    canonicalisation: bytes = b"simple/simple"
    signed: tuple[str, ...] = ()
    value: bytes = b""
    body_hash: bytes = b""
    body_length: int | None = None
    signing_identity: str | None = None
    signed_at: int | None = None
    expires: int | None = None
    copied: tuple[tuple[str, bytes], ...] = ()
    problem: str = ""

    @property
    def key_name(self) -> str:
        """Where its key stands in DNS."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def identity_fits(self) -> bool:
        """Say whether i= is within d=, as RFC 6376 section 3.5 demands."""
        if self.signing_identity is None:
            return True
        host = self.signing_identity.rpartition("@")[2]
        return host == self.domain or host.endswith("." + self.domain)


def parse_tags(text: bytes) -> dict[bytes, bytes] | None:
    """Read a tag list (RFC 6376 section 3.2); None where it is none."""
    tags: dict[bytes, bytes] = {}
    specs = text.split(b";", _MAX_TAGS + 1)
    if len(specs) > _MAX_TAGS:
        return None
    for spec in specs:
        if not spec.strip():
            continue
        name, equals, value = spec.partition(b"=")
        name = name.strip()
        if not equals or not _TAG_NAME.fullmatch(name) or name in tags:
            return None
        tags[name] = value.strip()
    return tags


def parse_signature(field: HeaderField) -> Signature | None:
    """Take one DKIM-Signature field apart; None where not even d= can be read."""
    raw = field.raw_value
    if len(raw) > MAX_FIELD:
        return None
    tags = parse_tags(raw)
    if tags is None:
        # A list that breaks the rules may still say whom it pretends to be of.
        match = re.search(rb"[;\s]d=([A-Za-z0-9_.-]{1,253})[;\s]", raw[:2_000])
        if match is None:
            return None
        return Signature(field, match.group(1).decode("ascii").lower(), problem="its tag list is malformed")
    domain = decode_bytes(tags.get(b"d", b"")).rstrip(".").lower()
    if not _NAME.fullmatch(domain):
        return None
    selector = decode_bytes(tags.get(b"s", b"")).lower()
    names = tuple([_SPACE.sub(b"", n).lower() for n in tags.get(b"h", b"").split(b":", MAX_SIGNED + 1)])
    value = _SPACE.sub(b"", tags.get(b"b", b""))
    body_hash = _SPACE.sub(b"", tags.get(b"bh", b""))
    algorithm = tags.get(b"a", b"").lower()
    problem = ""
    if _LONG_RUN.search(raw):
        problem = "white space fills it"
    elif tags.get(b"v") != b"1":
        problem = "v= is not 1"
    elif algorithm not in ALGORITHMS:
        problem = "its algorithm is unknown"
    elif not _NAME.fullmatch(selector):
        problem = "s= is missing or malformed"
    elif not _BASE64.fullmatch(value) or len(value) % 4:
        problem = "b= is not base64"
    elif not _BASE64.fullmatch(body_hash) or len(body_hash) % 4:
        problem = "bh= is not base64"
    elif len(names) > MAX_SIGNED or not all(map(_FIELD_NAME.fullmatch, names)):
        problem = "h= is missing or malformed"
    elif b"from" not in names:
        problem = "it does not sign From"
    elif tags.get(b"q", b"dns/txt").lower() != b"dns/txt":
        problem = "q= is not dns/txt"
    identity = tags.get(b"i")
    return Signature(
        field,
        domain,
        selector,
        algorithm.decode("ascii", "replace"),
        tags.get(b"c", b"simple/simple").lower(),
        tuple([n.decode("ascii", "replace") for n in names]),
        value,
        body_hash,
        _number(tags.get(b"l")),
        decode_bytes(identity).lower().rstrip(".") if identity is not None else None,
        _number(tags.get(b"t")),
        _number(tags.get(b"x")),
        _copied(tags.get(b"z", b"")),
        problem,
    )


def _number(text: bytes | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) <= 12 else None


def _copied(text: bytes) -> tuple[tuple[str, bytes], ...]:
    """Read z= (RFC 6376 section 3.5): ``name:value|name:value`` in its own quoted-printable."""
    found: list[tuple[str, bytes]] = []
    for pair in _SPACE.sub(b"", text).split(b"|", MAX_SIGNED)[:MAX_SIGNED]:
        name, colon, value = pair.partition(b":")
        if colon and _FIELD_NAME.fullmatch(name):
            decoded = re.sub(rb"=([0-9A-Fa-f]{2})", lambda m: bytes((int(m.group(1), 16),)), value)
            found.append((name.decode("ascii").lower(), decoded))
    return tuple(found)


@dataclass(frozen=True)
class KeyRecord:
    """A DKIM key record's tags, as far as they decide whether it may be used.

    Attributes:
        text: the record.
        revoked: True where p= is empty (RFC 6376 section 3.6.1).
        kind: k=, ``rsa`` or ``ed25519`` or whatever stands there.
        hashes: h=, or None where all are allowed.
        for_mail: False where s= allows other services only.
        testing: True with t=y.
        strict_identity: True with t=s: i= must name d= itself.

    """

    text: str
    revoked: bool
    kind: str
    hashes: frozenset[str] | None
    for_mail: bool
    testing: bool
    strict_identity: bool


def parse_key(text: str) -> KeyRecord | None:
    """Read a TXT record as a DKIM key; None where it is none."""
    if len(text) > 8_192:
        return None
    tags = parse_tags(text.encode("utf-8", "replace"))
    if tags is None or b"p" not in tags or tags.get(b"v", b"DKIM1") != b"DKIM1":
        return None

    def words(tag: bytes) -> frozenset[str]:
        return frozenset(decode_bytes(w).strip().lower() for w in tags.get(tag, b"").split(b":") if w.strip())

    services, flags, hashes = words(b"s"), words(b"t"), words(b"h")
    return KeyRecord(
        text=text,
        revoked=not _SPACE.sub(b"", tags[b"p"]),
        kind=decode_bytes(tags.get(b"k", b"rsa")).lower(),
        hashes=hashes or None,
        for_mail=not services or bool(services & {"*", "email"}),
        testing="y" in flags,
        strict_identity="s" in flags,
    )

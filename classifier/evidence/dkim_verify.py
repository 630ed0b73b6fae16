"""One signature against one key, over the headers alone and, where it is there, over the body.

dkimpy verifies (canonicalisation, hash, RSA, Ed25519). Its ``verify()`` stops
at the body hash, which a report without the body cannot meet; the step behind
it verifies b= alone when bh= is left out of the tags, and that is the
signature over the headers. bh= itself is among what is signed, so a body can
be held against it separately.

dkimpy also judges t= and x= by the clock of today and cannot read a message
with one line out of shape; neither matters here, so it is handed the fields.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from functools import lru_cache

from classifier.dataclass import dataclass
from classifier.evidence import foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from classifier.evidence.dkim_signature import KeyRecord, Signature
    from classifier.parse.headers import HeaderBlock

#: A modulus or exponent beyond these would cost seconds: a lying server's trick.
_MAX_MODULUS_BITS = 8_192
_MAX_EXPONENT_BITS = 64
#: Shorter RSA keys are broken at home.
MIN_BITS = 512
#: So many keys are held as they were read: all our own mail is signed with a few.
_KEYS = 64
#: Signed fields with more bytes than this are not verified.
_MAX_SIGNED_BYTES = 262_144
#: A body beyond this, or with such runs of blanks (dkimpy takes quadratic time), is not hashed.
_MAX_BODY = 2_000_000
_BLANKS = re.compile(rb"[ \t]{400}")
#: Fields that Courier rewrites: ``To: <a@b>`` comes back as ``To: a@b``.
_ADDRESS_FIELDS = frozenset({b"from", b"to", b"cc", b"sender", b"reply-to"})
_BARE = re.compile(rb"[^\s<>,;:\"()@]{1,128}@[^\s<>,;:\"()@]{1,253}")
#: What filters put in front of a subject.
_SUBJECT_TAG = re.compile(
    rb"\s{0,4}(?:\[[^\]\r\n]{1,40}\]|\{[^}\r\n]{1,40}\}|\*{2,8}[^*\r\n]{1,40}\*{2,8})[ \t:]{0,4}"
)

Field = tuple[bytes, bytes]


class UnusableKeyError(Exception):
    """The key record cannot be used; the message says why."""


@dataclass(frozen=True)
class LoadedKey:
    """A key ready for use.

    Attributes:
        key: as dkimpy holds it.
        kind: ``rsa`` or ``ed25519``.
        bits: its length.

    """

    key: Any
    kind: str
    bits: int


def load_key(record: KeyRecord, signature: Signature) -> LoadedKey:
    """Read *record*'s key for *signature*.

    Raises:
        UnusableKeyError: it is broken, or not for this signature.

    """
    kind, _, digest = signature.algorithm.partition("-")
    if not record.for_mail:
        raise UnusableKeyError("the key is for another service (s=)")
    if record.kind != kind:
        raise UnusableKeyError(f"the key is of another kind (k={record.kind[:20]})")
    if record.hashes is not None and digest not in record.hashes:
        raise UnusableKeyError("the key does not allow the signature's hash (h=)")
    if kind == "ed25519" and not foreign.enable_ed25519():
        raise UnusableKeyError("Ed25519 is not to be had on this machine")
    try:
        # An s= of several services is dealt with above; dkimpy reads only one.
        tags = ";".join(t for t in record.text.split(";") if not t.strip().startswith(("s=", "s ")))
        key, bits = _read_key(signature.key_name, tags)
    except Exception as error:
        raise UnusableKeyError(f"the key cannot be read ({type(error).__name__})") from error
    if kind == "rsa":
        exponent = key["publicExponent"]
        if bits > _MAX_MODULUS_BITS or exponent.bit_length() > _MAX_EXPONENT_BITS or exponent < 3:
            raise UnusableKeyError("the key is out of reason")
        if bits < MIN_BITS:
            raise UnusableKeyError(f"the key has only {bits} bits")
    return LoadedKey(key, kind, bits)


@lru_cache(maxsize=_KEYS)
def _read_key(name: str, tags: str) -> tuple[Any, int]:
    """Return a key as dkimpy reads it, and its bits; dkimpy's own errors are raised."""
    key, bits, _, _ = foreign.dkim().evaluate_pk(name, tags)
    return key, bits


def _crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def signed_fields(signature: Signature, headers: HeaderBlock) -> list[Field]:
    """Return the fields that h= can mean, in their order: the lowest of each name (section 5.4.2).

    One more From than is signed is taken along, as dkimpy demands: a second
    From above the signed one must break the signature.
    """
    wanted = Counter(signature.signed)
    wanted["from"] += 1
    chosen: list[Field] = []
    for field in reversed(headers.fields):
        if wanted.get(field.key, 0) > 0:
            wanted[field.key] -= 1
            value = _crlf(field.raw_value)
            chosen.append((field.name.encode("ascii"), value if value.endswith(b"\r\n") else value + b"\r\n"))
    chosen.reverse()
    return chosen


def headers_hold(signature: Signature, fields: list[Field], key: LoadedKey) -> bool:
    """Say whether b= is the key's signature over *fields*. Never raises."""
    if sum(len(value) for _, value in fields) > _MAX_SIGNED_BYTES:
        return False
    verifier = foreign.dkim().DKIM(minkey=0)
    verifier.headers = fields
    verifier.pk, verifier.ktag, verifier.keysize = key.key, key.kind.encode("ascii"), key.bits
    tags = {
        b"a": signature.algorithm.encode("ascii"),
        b"c": signature.canonicalisation,
        b"b": signature.value,
    }
    own = _crlf(signature.field.raw_value)
    try:
        return bool(
            verifier.verify_sig_process(
                tags,
                [name.encode("ascii") for name in signature.signed],
                (signature.field.name.encode("ascii"), own if own.endswith(b"\r\n") else own + b"\r\n"),
                None,
            )
        )
    except Exception:  # noqa: BLE001 - dkimpy says "no" in a dozen ways, ZeroDivisionError among them
        return False


def body_holds(signature: Signature, body: bytes) -> bool | None:
    """Say whether *body* is the one that was signed; None where it cannot be checked."""
    if len(body) > _MAX_BODY or _BLANKS.search(body):
        return None
    package = foreign.dkim()
    try:
        policy = package.CanonicalizationPolicy.from_c_value(signature.canonicalisation)
        canonical = policy.canonicalize_body(_crlf(body))
        if signature.body_length is not None:
            canonical = canonical[: signature.body_length]
        digest = package.HASH_ALGORITHMS[signature.algorithm.encode("ascii")](canonical).digest()
        return bool(digest == base64.b64decode(signature.body_hash))
    except Exception:  # noqa: BLE001 - see above
        return None


def repairs(fields: list[Field]) -> Iterator[tuple[str, list[Field]]]:
    """Undo what known servers do to headers: each way as (what was undone, fields).

    Where the signature holds over the repaired fields, they are what was
    signed: nobody can guess a change that makes a forged header valid.
    """
    for what, change in (("addresses without brackets", _bracket), ("a tag in Subject", _untag)):
        changed = [(name, change(name.lower(), value)) for name, value in fields]
        if changed != fields:
            yield what, changed


def _bracket(name: bytes, value: bytes) -> bytes:
    if name not in _ADDRESS_FIELDS or len(value) > 8_192:
        return value
    parts = value.split(b",")
    bare = [_BARE.fullmatch(part.strip()) for part in parts]
    if not any(bare):
        return value
    return b",".join(
        part.replace(match.group(), b"<" + match.group() + b">") if match else part
        for part, match in zip(parts, bare, strict=True)
    )


def _untag(name: bytes, value: bytes) -> bytes:
    if name != b"subject":
        return value
    match = _SUBJECT_TAG.match(value)
    return b" " + value[match.end() :] if match else value


#: Every message has these: where one is signed and not there, it was dropped.
_ALWAYS_THERE = frozenset({"from", "date"})
#: Nearly every message has these; signing them while absent ("oversigning") is rare.
_MOSTLY_THERE = frozenset({"to", "subject", "message-id", "mime-version", "content-type"})


def why_broken(signature: Signature, headers: HeaderBlock) -> str:
    """Say what can be told of why the signature does not hold."""
    copied = dict(signature.copied)
    changed = [name for name, value in copied.items() if name in headers and not _alike(name, value, headers)]
    if changed:
        return f"changed since it was signed: {_names(changed)}"
    absent = [name for name in dict.fromkeys(signature.signed) if name not in headers]
    dropped = [n for n in absent if n in _ALWAYS_THERE or n in _MOSTLY_THERE or n in copied]
    if dropped:
        return f"a signed header is missing: {_names(dropped)}"
    if len(headers.all_fields("from")) > max(1, signature.signed.count("from")):
        return "there is a second From"
    if absent:
        return f"something signed was changed, or is missing ({_names(absent)} are signed and not there)"
    return "something signed was changed, or it is made up"


def _alike(name: str, value: bytes, headers: HeaderBlock) -> bool:
    wanted = b"".join(value.split())
    return any(b"".join(field.raw_value.split()) == wanted for field in headers.all_fields(name))


def _names(names: list[str]) -> str:
    return ", ".join(n[:40] for n in names[:5])

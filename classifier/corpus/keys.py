"""DKIM keys that are always the same for the same name, and signing with them (RFC 6376, 8463).

The keys are made from names, so they protect nothing: they are for generated
mail alone. Signing is written out here since it is most of the generator's
work, and so that the project's own verification meets a second opinion.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.corpus.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from nacl.signing import SigningKey

_RSA_BITS = 1024
_PRIMES = 4
#: So many RSA keys are there for all domains: making one takes a tenth of a second.
_RSA_KEYS = 6
_SMALL_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
_SPACES = re.compile(rb"[ \t]+")
_UNFOLD = re.compile(rb"\r?\n[ \t]*")


def _is_prime(number: int, chance: Random) -> bool:
    """Test as Miller and Rabin do; a composite passes once in 4 ** 16."""
    if any(number % p == 0 for p in _SMALL_PRIMES):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(16):
        x = pow(chance.randrange(2, number - 1), odd, number)
        if x in {1, number - 1}:
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def prime(bits: int, chance: Random) -> int:
    """Return a prime of so many bits whose two highest are set, and with which 65,537 can be the exponent."""
    while True:
        number = chance.getrandbits(bits) | (3 << (bits - 2)) | 1
        if number % 65_537 != 1 and _is_prime(number, chance):
            return number


def der(tag: int, content: bytes) -> bytes:
    """Return one value of DER (ITU-T X.690), of up to 65,535 bytes."""
    size = len(content)
    head = (
        bytes((size,))
        if size < 128
        else bytes((0x81, size))
        if size < 256
        else bytes((0x82, size >> 8, size & 255))
    )
    return bytes((tag,)) + head + content


def integer(number: int) -> bytes:
    """Return *number* as DER's INTEGER."""
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


@dataclass(frozen=True)
class Key:
    """A key pair.

    Attributes:
        record: the public half as DNS has it.
        algorithm: for the a= tag.
        sign: from the SHA-256 digest to the signature.

    """

    record: str
    algorithm: str
    sign: Callable[[bytes], bytes] = field(repr=False)


@functools.cache
def _rsa(number: int) -> Key:
    chance = Chance(f"rsa/{number}")
    # Four primes instead of two (RFC 8017 section 3.1): signing is three times as fast.
    primes: list[int] = []
    while len(primes) < _PRIMES:
        found = prime(_RSA_BITS // _PRIMES, chance)
        if found not in primes:
            primes.append(found)
    n, e = math.prod(primes), 65_537
    d = pow(e, -1, math.prod(p - 1 for p in primes))
    parts = [(p, d % (p - 1), n // p * pow(n // p, -1, p)) for p in primes]
    size = (n.bit_length() + 7) // 8

    def sign(digest: bytes) -> bytes:
        padded = b"\0\1" + b"\xff" * (size - 54) + b"\0" + _SHA256_PREFIX + digest
        m = int.from_bytes(padded, "big")
        return (sum(pow(m % p, dp, p) * joined for p, dp, joined in parts) % n).to_bytes(size, "big")

    public = der(0x30, _RSA_ALGORITHM + der(3, b"\0" + der(0x30, integer(n) + integer(e))))
    return Key("v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode("ascii"), "rsa-sha256", sign)


def rsa_key(name: str) -> Key:
    """Return the RSA key for *name*; several names share one."""
    return _rsa(hashlib.sha256(name.encode()).digest()[0] % _RSA_KEYS)


@functools.lru_cache(maxsize=4096)
def ed25519_key(name: str) -> Key:
    """Return the Ed25519 key for *name*."""
    from nacl.signing import SigningKey  # noqa: PLC0415 - only where mail is generated

    key: SigningKey = SigningKey(hashlib.sha256(name.encode()).digest())
    public = base64.b64encode(bytes(key.verify_key)).decode("ascii")

    def sign(digest: bytes) -> bytes:
        return bytes(key.sign(digest).signature)

    return Key(f"v=DKIM1; k=ed25519; p={public}", "ed25519-sha256", sign)


@dataclass(frozen=True)
class Signer:
    """How a domain signs.

    Attributes:
        domain: the d= tag.
        selector: the s= tag.
        key: what with.
        headers: the fields to sign, lower case; those that a message lacks are
            left out unless they stand in *oversigned*.
        canonical: the c= tag, ``relaxed/relaxed``, ``relaxed/simple`` or ``simple/simple``.
        oversigned: fields signed once more, so that none can be added.
        stamped: True: with a t= tag.

    """

    domain: str
    selector: str
    key: Key
    headers: tuple[str, ...]
    canonical: str = "relaxed/relaxed"
    oversigned: tuple[str, ...] = ()
    stamped: bool = True

    @property
    def name(self) -> str:
        """Where the key stands in DNS."""
        return f"{self.selector}._domainkey.{self.domain}"

    def signature(self, fields: Iterable[tuple[str, str]], body: bytes, timestamp: int) -> str:
        """Return the value of a DKIM-Signature field over *fields* (top first) and *body* (LF)."""
        relaxed_head = self.canonical.startswith("relaxed")
        digest = base64.b64encode(
            hashlib.sha256(_body(body, relaxed=self.canonical.endswith("/relaxed"))).digest()
        )
        unused: dict[str, list[bytes]] = {}
        for name, value in fields:
            raw = value.encode("utf-8", "surrogateescape")
            unused.setdefault(name.lower(), []).append(_field(name, raw, relaxed=relaxed_head))
        names: list[str] = []
        data: list[bytes] = []
        for name in self.headers:
            # From the bottom up, RFC 6376 section 5.4.2.
            while unused.get(name):
                names.append(name)
                data.append(unused[name].pop())
        names += self.oversigned
        stamp = f" t={timestamp};" if self.stamped else ""
        value = (
            f"v=1; a={self.key.algorithm}; c={self.canonical}; d={self.domain}; s={self.selector};{stamp}\n"
            f"\th={':'.join(names)};\n\tbh={digest.decode('ascii')};\n\tb="
        )
        own = _field("DKIM-Signature", value.encode(), relaxed=relaxed_head)
        hashed = hashlib.sha256(b"\r\n".join([*data, own])).digest()
        made = base64.b64encode(self.key.sign(hashed)).decode("ascii")
        return value + "\n\t ".join(made[i : i + 72] for i in range(0, len(made), 72))


def _field(name: str, value: bytes, *, relaxed: bool) -> bytes:
    if not relaxed:
        return name.encode() + b": " + value.replace(b"\n", b"\r\n")
    return name.lower().encode() + b":" + _SPACES.sub(b" ", _UNFOLD.sub(b" ", value)).strip()


def _body(body: bytes, *, relaxed: bool) -> bytes:
    if relaxed:
        body = b"\n".join(_SPACES.sub(b" ", line).rstrip(b" ") for line in body.split(b"\n"))
    body = body.rstrip(b"\n")
    if not body:
        return b"" if relaxed else b"\r\n"
    return body.replace(b"\n", b"\r\n") + b"\r\n"

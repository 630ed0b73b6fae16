"""DKIM keys of any length, made on the spot (and always the same), and signing with dkimpy."""

from __future__ import annotations

import base64
import functools
import random
from dataclasses import dataclass

import dkim
import nacl.signing


def _is_prime(number, chance):
    if any(number % p == 0 for p in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(12):
        x = pow(chance.randrange(2, number - 1), odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def _prime(bits, chance):
    while True:
        number = chance.getrandbits(bits) | (3 << (bits - 2)) | 1
        if number % 65_537 != 1 and _is_prime(number, chance):
            return number


def _der(tag, content):
    size = len(content)
    head = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + head + content


def _integer(number):
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


@dataclass(frozen=True)
class Key:
    """A private key as dkimpy takes it, and its record for DNS."""

    private: bytes
    record: str
    algorithm: bytes


@functools.cache
def rsa_key(bits=1024, number=0):
    chance = random.Random(f"{bits}/{number}")
    p, q = _prime(bits // 2, chance), _prime(bits - bits // 2, chance)
    p, q = max(p, q), min(p, q)
    n, e = p * q, 65_537
    d = pow(e, -1, (p - 1) * (q - 1))
    parts = (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    private = base64.encodebytes(_der(0x30, b"".join(map(_integer, parts))))
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + private + b"-----END RSA PRIVATE KEY-----\n"
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    public = _der(0x30, algorithm + _der(3, b"\0" + _der(0x30, _integer(n) + _integer(e))))
    return Key(pem, "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode(), b"rsa-sha256")


@functools.cache
def ed25519_key(number=0):
    key = nacl.signing.SigningKey(random.Random(number).randbytes(32))
    public = base64.b64encode(bytes(key.verify_key)).decode()
    return Key(base64.b64encode(bytes(key)), f"v=DKIM1; k=ed25519; p={public}", b"ed25519-sha256")


#: What mail servers commonly sign.
COMMON = ("from", "to", "cc", "subject", "date", "message-id")


def sign(
    message,
    key,
    *,
    domain="example.org",
    selector="s1",
    headers=COMMON,
    canonical=b"relaxed/simple",
    algorithm=None,
    when=None,
    extra=b"",
    length=None,
):
    """Return *message* (LF or CRLF) with a signature on top.

    dkimpy's own ``sign()`` writes neither z= nor x= nor t= of another day;
    *extra* are such tags, as bytes that end in a semicolon.
    """
    algorithm = algorithm or key.algorithm
    fields, body = dkim.rfc822_parse(message)
    policy = dkim.CanonicalizationPolicy.from_c_value(canonical)
    hasher = dkim.HASH_ALGORITHMS[algorithm]
    present = {name.lower() for name, _ in fields}
    names = [h.encode() for h in headers if headers is not COMMON or h.encode() in present]
    digest = base64.b64encode(hasher(policy.canonicalize_body(body)[:length]).digest())
    if when is not None:
        extra += b" t=%d;" % when.timestamp()
    if length is not None:
        extra += b" l=%d;" % length
    value = b" v=1; a=%s; c=%s; d=%s; s=%s;%s\r\n\th=%s; bh=%s;\r\n\tb=" % (
        algorithm, canonical, domain.encode(), selector.encode(), extra, b":".join(names), digest,
    )  # fmt: skip
    hashed = hasher()
    dkim.hash_headers(
        hashed, policy, policy.canonicalize_headers(fields), names, (b"DKIM-Signature", value), None
    )
    if algorithm.startswith(b"ed25519"):
        raw = nacl.signing.SigningKey(base64.b64decode(key.private)).sign(hashed.digest()).signature
    else:
        raw = dkim.RSASSA_PKCS1_v1_5_sign(hashed, dkim.parse_pem_private_key(key.private))
    field = b"DKIM-Signature:" + value + base64.b64encode(bytes(raw)) + b"\r\n"
    return (field if b"\r\n" in message else field.replace(b"\r\n", b"\n")) + message

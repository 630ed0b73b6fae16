"""DKIM keys of any length, made on the spot (and always the same), and signing with dkimpy."""

from __future__ import annotations

import base64
import functools
import random
from dataclasses import dataclass

import dkim
import nacl.signing

from classifier.corpus.keys import der, integer, prime


@dataclass(frozen=True)
class Key:
    """A private key as dkimpy takes it, and its record for DNS."""

    private: bytes
    record: str
    algorithm: bytes


@functools.cache
def rsa_key(bits=1024, number=0):
    chance = random.Random(f"{bits}/{number}")
    p, q = prime(bits // 2, chance), prime(bits - bits // 2, chance)
    p, q = max(p, q), min(p, q)
    n, e = p * q, 65_537
    d = pow(e, -1, (p - 1) * (q - 1))
    parts = (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    private = base64.encodebytes(der(0x30, b"".join(map(integer, parts))))
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + private + b"-----END RSA PRIVATE KEY-----\n"
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    public = der(0x30, algorithm + der(3, b"\0" + der(0x30, integer(n) + integer(e))))
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

"""SRS: is an address of the Sender Rewriting Scheme, with which our forwarder sends on, of our key?

``SRS0=HHHH=TT=host=local@ours`` and ``SRS1=HHHH=host==...``. The scheme leaves
the hash to each program, so those of several are tried.
"""

from __future__ import annotations

import re
from datetime import UTC

from classifier.evidence.base import Evidence, forged, genuine, neutral
from classifier.evidence.ours import is_our_name
from classifier.parse.addresses import domain_of
from classifier.vocabulary import Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from classifier.identity import Identity

_SRS0 = r"(?ai)SRS0[=+-]([A-Za-z0-9+/]{2,28})=([A-Z2-7]{2})=([A-Za-z0-9.-]{1,255})=(.{1,256})"
_SRS1 = r"(?ai)SRS1[=+-]([A-Za-z0-9+/]{2,28})=([A-Za-z0-9.-]{1,255})=(.{1,300})"
#: How long an SRS address lives, in days (the default of libsrs2 and Mail::SRS), and how far clocks may be off.
SRS_DAYS = 21
SLACK_DAYS = 1
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def days_of(moment: datetime) -> int:
    """Return how many days since 1970 a moment is, in UTC."""
    return int(moment.astimezone(UTC).timestamp()) // 86_400


def _base64(digest: bytes) -> str:
    import base64  # noqa: PLC0415 - most reports carry no tag

    return base64.b64encode(digest).decode("ascii")


def srs_hash(key: str, *parts: str) -> str:
    """Return the base64 HMAC-SHA1 over the lower-cased *parts*; addresses carry its first letters."""
    import hashlib  # noqa: PLC0415 - OpenSSL costs a filter 2 ms
    import hmac  # noqa: PLC0415 - likewise

    message = "".join(parts).lower().encode("utf-8", "surrogateescape")
    return _base64(hmac.new(key.encode("utf-8"), message, hashlib.sha1).digest())


def _fits(key: str, tag: str, parts: tuple[str, ...], domain: str) -> bool:
    """Say whether *tag* is the hash of an SRS address by *key*, as one of the programs makes it.

    Mail::SRS, libsrs2, PostSRSd and those that follow them; Exim (``${srs_encode}``); OpenSMTPD.
    Mail systems fold case on the way: the scheme allows a comparison without it.
    """
    from hashlib import sha1  # noqa: PLC0415 - OpenSSL costs a filter 2 ms
    from hmac import compare_digest, digest  # noqa: PLC0415 - likewise

    def is_start(whole: str) -> bool:
        return compare_digest(whole[: len(tag)].lower(), tag.lower())

    if is_start(srs_hash(key, *parts)):
        return True
    if len(parts) != 3:
        return False  # of SRS1, which has no address
    stamp, host, user = parts
    secret = key.encode("utf-8", "surrogateescape")
    address = f"{user}@{host}".lower().encode("utf-8", "surrogateescape")
    whole = f"{stamp}={host}={user}@{domain}".encode("utf-8", "surrogateescape")
    return is_start(digest(secret, address, "md5").hex()) or is_start(
        _base64(sha1(secret + whole, usedforsecurity=False).digest())
    )


def judge(local: str, address: str, identity: Identity, moments: Iterable[datetime]) -> list[Evidence]:
    """Weigh an SRS address; *moments* are those at which it may be looked at."""
    if not identity.owns_address(address) and not is_our_name(domain_of(address), identity):
        # Somebody else forwarded it; the address says whom it had the message from.
        if (match := re.fullmatch(_SRS0, local)) and identity.owns_domain(match[3].lower()):
            inner = f"{match[4]}@{match[3]}"
            return [neutral("tags", "srs-elsewhere", f"{domain_of(address)} forwarded it as mail of {inner}")]
        return []
    if not identity.srs_keys:
        return [neutral("tags", "srs-unchecked", f"{address} is an SRS address; no key is configured")]
    if match := re.fullmatch(_SRS0, local):
        tag, stamp, host, user = match.groups()
        parts: tuple[str, ...] = (stamp, host, user)
    elif match := re.fullmatch(_SRS1, local):
        tag, host, rest = match.groups()
        stamp, parts = "", (host, rest)
        # SRS1=HHHH=host==HHHH=...: the separator after "host=" belongs to what is hashed.
    else:
        strength = Strength.STRONG if identity.owns_address(address) else Strength.WEAK
        return [forged("tags", strength, "srs-invalid", f"{address}: no well-formed SRS address")]
    if not any(_fits(key, tag, parts, address.rpartition("@")[2]) for key in identity.srs_keys):
        # A relay that is not ours alone has a key of its own.
        strength = Strength.STRONG if identity.owns_address(address) else Strength.WEAK
        return [forged("tags", strength, "srs-invalid", f"{address}: the SRS hash is not of our key")]
    if stamp:
        made = _BASE32.index(stamp[0].upper()) * 32 + _BASE32.index(stamp[1].upper())
        ages = [(days_of(moment) - made) % 1024 for moment in moments]
        if not any(age <= SRS_DAYS + SLACK_DAYS or age >= 1024 - SLACK_DAYS for age in ages):
            return [
                forged(
                    "tags", Strength.WEAK, "srs-expired", f"{address}: SRS address of our key, but expired"
                )
            ]
        inner = f"{user}@{host}"
        if identity.owns_address(inner):
            return [
                neutral("tags", "srs-own", f"{address}: we forwarded mail that claimed to be from {inner}")
            ]
    detail = f"{address}: SRS address of our key: we forwarded this mail"
    return [genuine("tags", Strength.STRONG, "srs-valid", detail)]

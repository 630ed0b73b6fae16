"""How much of a large message is worth reading, as its BODYSTRUCTURE says (RFC 9051 section 7.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.mailbox.protocol import HEADER_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes that a returned original's header section may have, and a part's own lines.
_ORIGINAL, _PART = HEADER_LIMIT, 1024
_ORIGINALS = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)  # fmt: skip


def structures(pieces: list[Any]) -> Iterator[tuple[int, Any]]:
    """Yield UID and BODYSTRUCTURE (RFC 9051 section 7.5.2) of each answer that can be understood."""
    from imapclient.response_parser import parse_fetch_response  # noqa: PLC0415 - for large messages only

    try:
        found = parse_fetch_response([p for p in pieces if p is not None], normalise_times=False)
        for uid, values in found.items():
            if b"BODYSTRUCTURE" in values:
                yield int(uid), values[b"BODYSTRUCTURE"]
    except Exception:  # noqa: BLE001 - servers get this wrong in many ways; then more is read
        return


def needed(structure: Any) -> float:  # noqa: ANN401 - nested tuples
    """Return how many bytes reach past the returned original's header section; infinite where none is named."""
    try:
        size, found = _up_to_original(structure, 0)
    except (IndexError, TypeError, ValueError, AttributeError):
        return float("inf")
    return HEADER_LIMIT + size if found else float("inf")


def _up_to_original(part: Any, depth: int) -> tuple[int, bool]:  # noqa: ANN401 - nested tuples
    if depth > 20:
        raise ValueError("too deep")
    if isinstance(part[0], list):
        total = 0
        for child in part[0]:
            size, found = _up_to_original(child, depth + 1)
            total += size + _PART
            if found:
                return total, True
        return total, False
    size = int(part[6])
    if (part[0] + b"/" + part[1]).decode("latin-1").lower() in _ORIGINALS:
        return min(size, _ORIGINAL), True
    return size, False

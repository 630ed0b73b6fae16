"""One sent message as the ledger learns it, and how to read it off a header section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.evidence.ledger import ID_FIELDS
from classifier.parse.addresses import find_addresses
from classifier.parse.dates import parse_date
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import find_message_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from classifier.identity import Identity

_RECIPIENT_FIELDS = frozenset({"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"})


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """One message that we sent.

    Attributes:
        message_ids: its Message-ID and those it may come back under.
        envelope_ids: its ENVID (RFC 3461 section 4.4) and queue ids.
        recipients: whom it went to; empty where the source does not say.
        sent_at: when, aware, or None.
        source: what it was learnt from, one of :data:`classifier.store.ledger.SOURCES`.
        beginnings: those of Message-IDs that the source cuts off.
        nameless: whether its Message-ID, if it left with one, is not known.

    """

    message_ids: tuple[str, ...] = ()
    envelope_ids: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    sent_at: datetime | None = None
    source: str = "import"
    beginnings: tuple[str, ...] = ()
    nameless: bool = False


def is_ours(headers: HeaderBlock, identity: Identity | None) -> bool:
    """Say whether a message's author or (re)sender is at a protected domain.

    Without an identity, or one that names no domain, every message is.
    """
    if identity is None or not identity.domains:
        return True
    return any(
        identity.owns_address(address)
        for name in ("from", "sender", "resent-from", "resent-sender")
        for value in headers.get_all(name)
        for address in find_addresses(value)
    )


def record_from_headers(headers: HeaderBlock, source: str = "import") -> LedgerRecord | None:
    """Read what the ledger keeps off a sent message, or None where it has no Message-ID."""
    ids: dict[str, None] = {}
    recipients: dict[str, None] = {}
    for field in headers.fields:
        if field.key in _RECIPIENT_FIELDS:
            recipients.update(dict.fromkeys(find_addresses(field.value)))
        elif field.key in ID_FIELDS and (message_id := find_message_id(field.value)):
            ids[message_id] = None
    if not ids:
        return None
    envelope_id = (headers.get("original-envelope-id") or "").strip()
    return LedgerRecord(
        tuple(ids),
        (envelope_id,) if envelope_id else (),
        tuple(recipients),
        parse_date(headers.get("resent-date") or headers.get("date")),
        source,
    )


def record_from_message(
    raw: bytes,
    *,
    identity: Identity | None = None,
    source: str = "sync",
    on_headers: Callable[[HeaderBlock], None] | None = None,
) -> LedgerRecord | None:
    """Read one message of the Sent folder. Never raises on content.

    Args:
        raw: its header section; what follows a blank line is not read.
        identity: who is protected; a message by anybody else is passed over.
        source: what to note as the record's origin.
        on_headers: called with the header section of every message of ours,
            also of one without a Message-ID.

    Returns:
        The record; None where the message is not ours or has no identifier.

    """
    headers = HeaderBlock(header_section(raw))
    if not is_ours(headers, identity):
        return None
    if on_headers is not None:
        on_headers(headers)
    return record_from_headers(headers, source)


def header_section(raw: bytes) -> bytes:
    """Return the bytes of *raw* before its first blank line."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return b""
    ends = [end + 1 for end in (raw.find(b"\n\n"), raw.find(b"\n\r\n")) if end >= 0]
    return raw[: min(ends)] if ends else raw

"""The digest: an ordinary message that lists what was quarantined."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from classifier.store.journal import Move

#: More lines than this nobody reads.
MAX_LINES = 200


def compose(
    account: str, address: str, rows: Sequence[Move], quarantine: str, now: datetime
) -> tuple[bytes, bytes]:
    """Write the message and return it with its mark; what came from mail is shown as plain text, bounded, without line ends.

    Args:
        account: the account's name.
        address: whom it goes to.
        rows: what was quarantined.
        quarantine: the folder's name.
        now: its date, aware.

    """
    from email.message import EmailMessage  # noqa: PLC0415 - a digest is written once a day
    from email.utils import format_datetime  # noqa: PLC0415

    number = len(rows)
    message = EmailMessage()
    message["From"] = f"backscatter <{address}>" if "@" in address else "backscatter <backscatter@localhost>"
    message["To"] = address if "@" in address else "undisclosed-recipients:;"
    message["Subject"] = f"Quarantined: {number} report{'' if number == 1 else 's'} of mail you did not send"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<digest.{now:%Y%m%d%H%M%S}.{os.urandom(6).hex()}@backscatter.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [
        f"Since the last digest, {number} report{' was' if number == 1 else 's were'} moved to {quarantine!r}",
        f"in the account {account!r}: each says that mail of yours failed, and that mail was not yours.",
        "",
        *(_line(m) for m in rows[:MAX_LINES]),
        *([f"... and {number - MAX_LINES} more"] if number > MAX_LINES else []),
        "",
        "To put one back: backscatter restore NUMBER",
        "Or move it out of the folder with your mail program: that counts as the same.",
        "",
    ]
    message.set_content("\n".join(lines))
    return message.as_bytes(), message_mark(message["Message-ID"])


def _line(move: Move) -> str:
    return (
        f"{move.id:>6}  {_plain(move.sender, 40)}  {_plain(move.subject, 60)}  ({_plain(move.reason, 100)})"
    )


def _plain(text: str, size: int) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:size].strip() or "-"


def message_mark(message_id: str | None) -> bytes:
    """Return what a digest of ours is recognised by: a hash of its Message-ID, which has a random part."""
    return blake2b((message_id or "").encode(), digest_size=16).digest()

"""What is generated: one message as it lies in the mailbox, with its label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.reporters.base import Returned


class Label(StrEnum):
    """What a generated message is."""

    ORDINARY = "ordinary"
    GENUINE = "genuine"
    FORGED = "forged"


@dataclass(frozen=True)
class Generated:
    """One message as it lies in the mailbox.

    Attributes:
        raw: its bytes, lines ended by LF.
        label: what it is.
        received_at: when it came in, aware.
        format: the reporter's wire format; "" for ordinary mail.
        returned: how much of the original it returns; None for ordinary mail.
        route: the way that the original left by, or the craft that it was forged with.
        spam: True where its words read like spam, whoever sent it.

    """

    raw: bytes
    label: Label
    received_at: datetime
    format: str = ""
    returned: Returned | None = None
    route: str = ""
    spam: bool = False


def message_bytes(head: list[tuple[str, str]], body: bytes) -> bytes:
    """Write header fields and a body as one message."""
    text = "".join(f"{name}: {value}\n" for name, value in head)
    return text.encode("utf-8", "surrogateescape") + b"\n" + body

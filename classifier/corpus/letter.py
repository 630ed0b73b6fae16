"""A message under way: its fields in order, its body, its envelope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.corpus.words import Wording, encoded_word

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.corpus.people import Person


@dataclass
class Letter:
    """One message, genuine or forged, as it stands at some point of its way.

    Attributes:
        fields: (name, value) in order; values hold their folding, not their last line end.
        body: the bytes after the blank line, lines ended by LF.
        author: who wrote it, or is said to have.
        envelope_from: the reverse path.
        recipients: the envelope recipients.
        sent_at: when, aware.
        wording: what it says.
        queue_ids: the ids that the sender's own hosts gave it.
    """

    fields: list[tuple[str, str]]
    body: bytes
    author: Person
    envelope_from: str
    recipients: tuple[str, ...]
    sent_at: datetime
    wording: Wording
    queue_ids: list[str] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Return the first value of the field *name*."""
        name = name.lower()
        return next((value for key, value in self.fields if key.lower() == name), None)

    def put_on_top(self, name: str, value: str) -> None:
        """Add a field as a relay does."""
        self.fields.insert(0, (name, value))

    @property
    def message_id(self) -> str | None:
        """The Message-ID, brackets and all."""
        return self.get("message-id")

    def head(self) -> bytes:
        """Return the header section without the blank line."""
        return "".join(f"{name}: {value}\n" for name, value in self.fields).encode("utf-8", "surrogateescape")

    def raw(self) -> bytes:
        """Return the whole message."""
        return self.head() + b"\n" + self.body

    def copy(self) -> Letter:
        """Return a copy that can go another way."""
        return Letter(
            list(self.fields),
            self.body,
            self.author,
            self.envelope_from,
            self.recipients,
            self.sent_at,
            self.wording,
            list(self.queue_ids),
        )


def mailbox(name: str, address: str, charset: str = "utf-8", how: str = "B") -> str:
    """Write a display name and an address (RFC 5322 section 3.4)."""
    if not name:
        return address
    if not name.isascii():
        return f"{encoded_word(name, charset, how)} <{address}>"
    if any(c in name for c in '.,()@"'):
        return f'"{name}" <{address}>'
    return f"{name} <{address}>"

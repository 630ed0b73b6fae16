"""Finds out where the messages of a begun move are, by looking into both of its folders.

A message is recognised by its header section and its size. Servers that write
a message anew as they copy it (Exchange does, where its parts are kept apart)
change both; such a copy is known by its Message-ID and its INTERNALDATE. Where
the source is to be removed for it, the fields of its delivery must be the same as
well: the same message may have been delivered twice within a second.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.mailbox.protocol import DELETED, MoveMethod
from classifier.parse.headers import HeaderBlock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.mailbox.protocol import ListedMessage, Mailbox
    from classifier.store.journal import Journal, Move


#: Fields that tell one delivery of a message from another, and that nobody changes who writes it anew.
_OF_DELIVERY = ("received", "return-path", "delivered-to", "x-original-to", "envelope-to", "to", "from", "subject", "date")  # fmt: skip


def _delivery(message: ListedMessage) -> list[list[str]]:
    """Return what those fields say, however they are folded."""
    headers = HeaderBlock(message.headers)
    return [[" ".join(value.split()) for value in headers.get_all(name)] for name in _OF_DELIVERY]


def is_message_of(message: ListedMessage, move: Move) -> bool:
    """Say whether what lies under the key that *move* names is its message still."""
    return message.digest == move.digest or bool(move.message_id and message.message_id == move.message_id)


class Copies:
    """What came into a folder and is accounted for by no move; each copy is claimed once."""

    def __init__(self, messages: Sequence[ListedMessage]) -> None:
        """Hold *messages*, in the order of their arrival."""
        self._left = {m.key: m for m in messages if DELETED not in m.flags}
        self._exact: dict[tuple[bytes, int], list[str]] = defaultdict(list)
        for key, message in self._left.items():
            self._exact[message.identity].append(key)
        self._alike: dict[tuple[str, int | None], list[str]] | None = None

    @property
    def keys(self) -> list[str]:
        """The keys of those that nobody claimed yet."""
        return list(self._left)

    def named(self, move: Move) -> str | None:
        """Claim the copy whose key *move* knows."""
        return self._claim([move.target_key] if move.target_key is not None else [])

    def take(self, key: str) -> None:
        """Have it claimed."""
        self._left.pop(key, None)

    def exact(self, move: Move) -> str | None:
        """Claim a copy that is the same in every byte of its headers."""
        return self._claim(self._exact.get(move.identity, ()))

    def alike(self, move: Move, source: ListedMessage | None = None) -> str | None:
        """Claim a copy that was written anew: of the same Message-ID, received at the same second.

        Of the same delivery, too, where its *source* is there still.
        """
        if not move.message_id or move.received is None:
            return None
        if self._alike is None:
            self._alike = defaultdict(list)
            for key, message in self._left.items():
                self._alike[message.message_id, message.received].append(key)
        keys = [key for key in self._alike.get((move.message_id, move.received), ()) if key in self._left]
        if source is not None:
            wanted = _delivery(source)
            keys = [key for key in keys if _delivery(self._left[key]) == wanted]
        return self._claim(keys)

    def _claim(self, keys: Sequence[str]) -> str | None:
        for key in keys:
            if self._left.pop(key, None) is not None:
                return key
        return None


class Whereabouts:
    """Looks for messages of one account."""

    def __init__(self, mailbox: Mailbox, journal: Journal) -> None:
        """Look through *mailbox* for what *journal* knows of."""
        self._mailbox = mailbox
        self._journal = journal

    def in_source(self, rows: Sequence[Move]) -> dict[int, str]:
        """Return the keys of those that are in the source still, by row; moves share their source.

        A message that the server does not show at this moment is there all the same.
        """
        first = rows[0]
        name = self._mailbox.locate(first.source)
        if name is None:
            return {}
        status = self._mailbox.open(name, write=False)
        if status.uid_validity != first.source_validity:
            return self._under_new_keys(rows, name)
        found = {m.key: m for m in self._mailbox.look([m.source_key for m in rows])}
        unseen = [m.source_key for m in rows if m.source_key not in found]
        hidden = self._mailbox.present(unseen) if unseen else frozenset()
        return {
            m.id: m.source_key
            for m in rows
            if m.source_key in hidden or (m.source_key in found and is_message_of(found[m.source_key], m))
        }

    def shown(self, folder: str, keys: Mapping[int, str]) -> dict[int, ListedMessage]:
        """Return those messages of the source *folder* that the server shows, by row; *keys* as :meth:`in_source` has them."""
        self._mailbox.open(self._mailbox.locate(folder) or folder, write=False)
        found = {m.key: m for m in self._mailbox.look(list(keys.values()))}
        return {row: found[key] for row, key in keys.items() if key in found}

    def _under_new_keys(self, rows: Sequence[Move], folder: str) -> dict[int, str]:
        """Look in a folder that was made anew: its old keys name nothing.

        What was moved at once is gone, and what was not is looked at as new mail. A message that was copied
        and not removed yet would be copied once more then; it is known by what it is, and when it was received.
        """
        if self._mailbox.move_method is not MoveMethod.COPY:
            return {}
        there: dict[tuple[tuple[bytes, int], int | None], list[str]] = defaultdict(list)
        for message in self._mailbox.arrivals(folder, 0, frozenset(m.size for m in rows)):
            there[message.identity, message.received].append(message.key)
        here: dict[int, str] = {}
        for move in rows:
            if keys := there[move.identity, move.received]:
                here[move.id] = keys.pop(0)
        return here

    def copies(self, rows: Sequence[Move], *, ours: bool = True, anyhow: bool = False) -> Copies:
        """Return what arrived in the target since the oldest of *rows*, less what other moves account for.

        Args:
            rows: moves into one target.
            ours: False: less what *rows* themselves account for, too.
            anyhow: True: of every size, too, where it is known since when to look.

        """
        first = rows[0]
        mailbox = self._mailbox
        status = mailbox.status(first.target) if mailbox.locate(first.target) else None
        if status is None:
            return Copies(())
        anew = any(m.target_validity != status.uid_validity for m in rows)
        since = 0 if anew else min(m.target_next for m in rows)
        sizes = None if anyhow and since else frozenset(m.size for m in rows)
        copies = Copies(mailbox.arrivals(first.target, since, sizes))
        own = {m.id for m in rows} if ours else set()
        for move in self._journal.claimed(first.account, first.target, status.uid_validity, since):
            if move.id not in own:
                copies.named(move)
        return copies

"""What lies in quarantine still, and what the user took out by hand, with any mail program.

A quarantined message that is seen in a swept folder again was taken back,
unless it still lies in quarantine too: then it is another copy of the same
forgery, delivered twice.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.mailbox.whereabouts import is_message_of
from classifier.store.journal import MoveState, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from classifier.mailbox.protocol import ListedMessage, Mailbox
    from classifier.store.journal import Move


def taken_back(
    mailbox: Mailbox, moved_before: Iterable[tuple[ListedMessage, Sequence[Move]]]
) -> dict[str, Move]:
    """Find the messages that were quarantined before and are there no more.

    Args:
        mailbox: opens the quarantine if it must; the caller opens its own folder again.
        moved_before: what was found in a swept folder, each with its closed moves.

    Returns:
        The closed move by the key of the message that undoes it.

    """
    candidates = [
        (message, quarantined)
        for message, rows in moved_before
        if (quarantined := [m for m in rows if m.purpose is Purpose.QUARANTINE and m.state is MoveState.DONE])
    ]
    if not candidates:
        return {}
    present = _present([row for _, rows in candidates for row in rows], mailbox)
    back: dict[str, Move] = {}
    spent: set[int] = set()
    for message, rows in candidates:
        absent = [row for row in rows if row.id not in present and row.id not in spent]
        if absent:
            back[message.key] = absent[0]
            spent.add(absent[0].id)
    return back


def _present(rows: Sequence[Move], mailbox: Mailbox) -> set[int]:
    """Return the ids of those moves whose message lies in their target still."""
    return {
        row_id
        for target in dict.fromkeys(m.target for m in rows)
        for row_id in locate(mailbox, [m for m in rows if m.target == target], target)[0]
    }


def locate(mailbox: Mailbox, rows: Collection[Move], folder: str) -> tuple[dict[int, str], int]:
    """Find quarantined messages: by key, or by what they are where keys have changed.

    Returns:
        Key by row id, and the folder's UIDVALIDITY.

    """
    name = mailbox.locate(folder)
    if name is None:
        return {}, 0
    status = mailbox.open(name, write=False)
    keys = {m.target_key: m for m in rows if m.target_key and m.target_validity == status.uid_validity}
    seen = {m.key: m for m in mailbox.look(list(keys))}
    unseen = [key for key in keys if key not in seen]
    hidden = mailbox.present(unseen) if unseen else frozenset()  # there, though not shown at this moment
    found = {
        m.id: key for key, m in keys.items() if key in hidden or (key in seen and is_message_of(seen[key], m))
    }
    rest = [m for m in rows if m.id not in found]
    if rest:
        waiting: dict[bytes, list[str]] = defaultdict(list)
        known = set(found.values())
        for message in mailbox.arrivals(name, 0, frozenset(m.size for m in rest)):
            if message.key not in known:
                waiting[message.digest].append(message.key)
        for move in rest:
            if waiting[move.digest]:
                found[move.id] = waiting[move.digest].pop(0)
    return found, status.uid_validity

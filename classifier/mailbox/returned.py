"""What lies in quarantine still, and what the user took out by hand, with any mail program.

A quarantined message that is seen in a swept folder again was taken back,
unless it still lies in quarantine too: then it is another copy of the same
forgery, delivered twice.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.store.journal import MoveState, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from classifier.mailbox.protocol import ListedMessage, Mailbox
    from classifier.store.journal import Journal, Move


def taken_back(
    mailbox: Mailbox, journal: Journal, account: str, messages: Sequence[ListedMessage]
) -> dict[str, Move]:
    """Find the messages that were quarantined before and are there no more.

    Args:
        mailbox: opens the quarantine if it must; the caller opens its own folder again.
        journal: the register of what was quarantined.
        account: whose.
        messages: what was found in a swept folder.

    Returns:
        The closed move by the key of the message that undoes it.

    """
    candidates: list[tuple[ListedMessage, list[Move]]] = []
    for message in messages:
        rows = [
            m
            for m in journal.by_digest(account, message.digest)
            if m.purpose is Purpose.QUARANTINE and m.state is MoveState.DONE
        ]
        if rows:
            candidates.append((message, rows))
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
    found = {m.id: key for key, m in keys.items() if key in seen and seen[key].digest == m.digest}
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

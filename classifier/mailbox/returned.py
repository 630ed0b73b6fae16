"""What the user took out of quarantine by hand, with any mail program.

A quarantined message that is seen in a swept folder again was taken back,
unless it still lies in quarantine too: then it is another copy of the same
forgery, delivered twice.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.store.journal import MoveState, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    present: set[int] = set()
    by_target: dict[str, list[Move]] = defaultdict(list)
    for row in rows:
        by_target[row.target].append(row)
    for target, group in by_target.items():
        name = mailbox.locate(target)
        if name is None:
            continue
        status = mailbox.open(name, write=False)
        known = [m for m in group if m.target_key is not None and m.target_validity == status.uid_validity]
        found = {m.key: m.digest for m in mailbox.look([m.target_key for m in known if m.target_key])}
        present |= {m.id for m in known if m.target_key in found and found[m.target_key] == m.digest}
        rest = [m for m in group if m not in known]
        if rest:  # the quarantine was made anew: look for the messages themselves
            digests = {m.digest for m in mailbox.arrivals(name, 0, frozenset(m.size for m in rest))}
            present |= {m.id for m in rest if m.digest in digests}
    return present

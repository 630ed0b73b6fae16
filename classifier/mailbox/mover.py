"""Moves messages so that none is lost and none doubled, whatever breaks in between.

    1. The intention is written down, with the target's UIDNEXT.
    2. MOVE; or COPY, and only what was surely copied is then removed by UID.
    3. The outcome is written down.

Whatever leaves the outcome open (a killed process, a lost connection, an
error answer) is settled by looking into both folders
(:mod:`classifier.mailbox.whereabouts`): a message that is gone from the source
was moved; a copy that arrived in the target since step 1 and is claimed by no
other move is this one's copy, and its source is removed; otherwise nothing
happened. A source that cannot be removed leaves its row open, and is not moved
again: that would make another copy. Exchange answers MOVE with an error although it
moved; so no answer but OK is believed either way.
"""

from __future__ import annotations

import logging
import re
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field, replace
from classifier.errors import MailboxError
from classifier.mailbox.protocol import Mailbox, MoveMethod, Refused
from classifier.mailbox.whereabouts import Whereabouts
from classifier.store.journal import Journal, Move, MoveState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

log = logging.getLogger(__name__)

#: A command that was under way when the connection was lost may still be carried out:
#: within so many seconds of it, "nothing happened" is believed only at the second look.
FRESH = 120.0
#: Seconds between the two looks.
SECOND_LOOK = 1.0
#: Messages moved at once: what a killed process leaves open at most.
BATCH = 500
#: Answers after which the rest need not be tried either.
_HOPELESS = frozenset({"OVERQUOTA", "NOPERM", "READ-ONLY", "LIMIT", "UNAVAILABLE"})
#: Cyrus says so in words only.
_QUOTA = re.compile(r"\b(?:over|exceed\w*) ?quota\b|\bquota (?:\w+ )?exceeded\b", re.IGNORECASE)
NO_WAY = "the server offers neither MOVE nor UIDPLUS: nothing can be moved safely, so nothing is"


@dataclass
class Outcome:
    """What became of some moves.

    Attributes:
        moved: rows whose message is in the target.
        vanished: rows whose message somebody else took away meanwhile.
        refused: reason by key in the source: the message is where it was.
        stuck: rows left open: what became of them cannot be seen, or the source stands beside its
            copy and cannot be removed; in *refused*, too.

    """

    moved: list[Move] = field(default_factory=list)
    vanished: list[Move] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    stuck: list[Move] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take over what became of others."""
        self.moved += other.moved
        self.vanished += other.vanished
        self.refused.update(other.refused)
        self.stuck += other.stuck


class Mover:
    """Moves within one mailbox, written down in one journal."""

    def __init__(self, mailbox: Mailbox, journal: Journal) -> None:
        """Use *mailbox* under the account's lock, so that nobody else writes this journal."""
        self.mailbox = mailbox
        self.journal = journal
        self._method = mailbox.move_method
        self._whereabouts = Whereabouts(mailbox, journal)
        #: Moves taken back as not having happened: since which UID a late copy of theirs may appear.
        self._suspects: dict[tuple[bytes, int], int] = {}

    # Moving

    def move(self, moves: Sequence[Move]) -> Outcome:
        """Make moves that share their source and their target.

        Args:
            moves: not yet written down; the target is named in full.

        Raises:
            ConnectionLost: the connection broke; :meth:`settle` finds out what happened.
            MailboxError: a folder cannot be opened or created.

        """
        outcome = Outcome()
        for start in range(0, len(moves), BATCH):
            part = list(moves[start : start + BATCH])
            if self._method is MoveMethod.NONE:
                outcome.refused.update(dict.fromkeys((m.source_key for m in part), NO_WAY))
                continue
            done = self._try(part)
            outcome.add(done)
            if len(done.refused) == len(part) and _hopeless(done.refused.values()):
                reason = next(iter(done.refused.values()))
                outcome.refused.update({m.source_key: reason for m in moves[start + BATCH :]})
                break
        return outcome

    def _try(self, moves: Sequence[Move]) -> Outcome:
        try:
            rows = self._intend(moves)
        except Refused as refusal:  # what was moved before them stays told
            return Outcome(refused=dict.fromkeys((m.source_key for m in moves), refusal.what))
        return self._attempt(rows)

    def _intend(self, moves: Sequence[Move]) -> list[Move]:
        """Write *moves* down with the target as it is before them; the source is open afterwards."""
        first = moves[0]
        place = f"{first.account}/{first.source}"
        target = self.mailbox.status(first.target)
        if target is None:
            self.mailbox.ensure(first.target)
            target = self.mailbox.status(first.target)
        if target is None:
            raise Refused(f"the folder {first.target!r} cannot be looked at", where=first.account)
        status = self.mailbox.open(first.source, write=True)
        if status.uid_validity != first.source_validity:
            raise Refused("the folder was made anew meanwhile", where=place)
        if not status.writable:
            raise Refused("the folder is read-only; nothing is moved", where=place)
        if self._method is MoveMethod.COPY and not self.mailbox.may_remove():
            raise Refused("no permission to remove messages from the folder; nothing is moved", where=place)
        return self.journal.intend(
            replace(m, target_validity=target.uid_validity, target_next=target.uid_next, target_key=None)
            for m in moves
        )

    def _attempt(self, rows: list[Move]) -> Outcome:
        """Move rows that are written down; close every one of them."""
        by_key = {m.source_key: m for m in rows}
        try:
            if self._method is MoveMethod.MOVE:
                keys = self.mailbox.move(list(by_key), rows[0].target)
                done = self._close(by_key, keys, MoveState.DONE)
            else:
                keys = self.mailbox.copy(list(by_key), rows[0].target)
                done = self._close(by_key, keys, MoveState.COPIED)
                if done:
                    self.mailbox.remove([m.source_key for m in done])
                    self.journal.close(done, MoveState.DONE)
                    self._drop_late_copies(done)
        except Refused as refusal:
            return self._after_refusal(rows, refusal)
        outcome = Outcome(moved=done)
        rest = [m for m in rows if m.source_key not in keys]
        if rest:  # vanished before the command, or the server does not tell: look
            outcome.add(self._reconcile(rest, "the server did not move it"))
        return outcome

    def _close(self, by_key: Mapping[str, Move], keys: Mapping[str, str], state: MoveState) -> list[Move]:
        done = [by_key[k] for k in keys]
        self.journal.close(done, state, {by_key[k].id: v for k, v in keys.items()})
        return done

    def _after_refusal(self, rows: list[Move], refusal: Refused) -> Outcome:
        """Look what happened all the same; try what is left another way, or in halves."""
        log.info("%s", refusal)
        code = "OVERQUOTA" if _QUOTA.search(str(refusal)) else refusal.code
        reason = f"[{code}] {refusal}" if code in _HOPELESS else str(refusal)
        outcome = self._reconcile(self.journal.reload(rows), reason)
        stuck = {m.id for m in outcome.stuck}
        left = [m for m in rows if m.source_key in outcome.refused and m.id not in stuck]
        if not left or _hopeless([reason]):
            return outcome
        parts = [left]
        if self._method is MoveMethod.MOVE and self.mailbox.removes:
            # Offered and refused: some servers move within one store only, some not at all.
            self._method = MoveMethod.COPY
        elif len(left) > 1:
            parts = [left[: len(left) // 2], left[len(left) // 2 :]]
        else:
            return outcome
        for part in parts:
            for move in part:
                outcome.refused.pop(move.source_key, None)
            done = self._try(part)
            outcome.add(done)
            if _hopeless(done.refused.values()):  # the other half stays refused as it was
                break
        return outcome

    # Finding out

    def settle(self, account: str) -> Outcome:
        """Close every move of *account* that was begun and not closed."""
        groups: dict[tuple[str, int, str], list[Move]] = defaultdict(list)
        for move in self.journal.unsettled(account):
            groups[move.source, move.source_validity, move.target].append(move)
        outcome = Outcome()
        for rows in groups.values():
            try:
                if time.time() - max(m.at for m in rows) < FRESH:
                    self._await_quiet(rows)
                outcome.add(self._reconcile(rows, "interrupted"))
            except MailboxError as failure:  # a folder that cannot be opened any more costs no other's mail
                outcome.stuck += rows
                outcome.refused.update(dict.fromkeys((m.source_key for m in rows), str(failure)))
        return outcome

    def _await_quiet(self, rows: Sequence[Move]) -> None:
        """Wait while the server still carries out what the lost connection had asked for."""
        before: object = None
        for _ in range(10):
            now = (self._whereabouts.in_source(rows), self._whereabouts.copies(rows).keys)
            if now == before:
                return
            before = now
            time.sleep(SECOND_LOOK)

    def _drop_late_copies(self, done: Sequence[Move]) -> None:
        """Remove copies that a command of a lost connection made after it was given up.

        They are told from anything else by their identity, by arriving after
        that command was sent, and by no move accounting for them; the copy
        that counts is in the journal.
        """
        late = [m for m in done if m.identity in self._suspects]
        if not late:
            return
        rows = [replace(m, target_next=self._suspects.pop(m.identity, m.target_next)) for m in late]
        copies = self._whereabouts.copies(rows, ours=False)
        extra: list[str] = []
        for move in rows:
            while (key := copies.exact(move)) is not None:
                extra.append(key)
        if extra:
            log.warning("account %s: %d late copies are removed", rows[0].account, len(extra))
            self.mailbox.open(rows[0].target, write=True)
            self.mailbox.remove(extra)

    def _reconcile(self, rows: Sequence[Move], reason: str) -> Outcome:
        """Look into both folders and close *rows* by what is there."""
        here = self._whereabouts.in_source(rows)
        keys = self._copies_of(rows, here)
        gone = [m for m in rows if m.id not in here and m.id in keys]
        copied = [m for m in rows if m.id in here and m.id in keys]
        kept = [m for m in rows if m.id in here and m.id not in keys]
        outcome = Outcome(moved=gone, refused={m.source_key: reason for m in kept})
        outcome.vanished = [m for m in rows if m.id not in here and m.id not in keys]
        self.journal.close(gone, MoveState.DONE, keys)
        self.journal.close(copied, MoveState.COPIED, keys)
        self.journal.withdraw([*outcome.vanished, *kept])
        for move in kept:
            self._suspects[move.identity] = min(move.target_next, self._suspects.get(move.identity, 1 << 32))
        if copied:
            outcome.add(self._remove_sources(copied, here))
        return outcome

    def _copies_of(self, rows: Sequence[Move], here: Mapping[int, str]) -> dict[int, str]:
        """Give each of *rows* the key of its copy, as far as there are copies."""
        copies = self._whereabouts.copies(rows)
        keys = {m.id: key for m in rows if (key := copies.named(m)) is not None}
        # Those that left the source have the first claim on what arrived.
        order = sorted(rows, key=lambda m: (m.id in here, m.id))
        for move in order:
            if move.id not in keys and (key := copies.exact(move)) is not None:
                keys[move.id] = key
        if len(keys) < len(rows):
            copies = self._whereabouts.copies(rows, anyhow=True)
            for key in keys.values():
                copies.take(key)
            left = {row: key for row, key in here.items() if row not in keys}
            sources = self._whereabouts.shown(rows[0].source, left) if left and copies.keys else {}
            for move in order:
                # A source that is not shown cannot be compared, and is never given up for what may be another.
                if move.id in keys or (move.id in left and move.id not in sources):
                    continue
                if (key := copies.alike(move, sources.get(move.id))) is not None:
                    keys[move.id] = key
        return keys

    def _remove_sources(self, copied: list[Move], here: Mapping[int, str]) -> Outcome:
        try:
            self.mailbox.open(copied[0].source, write=True)
            self.mailbox.remove([here[m.id] for m in copied])
        except Refused as refusal:
            reason = f"copied to {copied[0].target!r}, and cannot be removed here: {refusal}"
            return Outcome(stuck=copied, refused={m.source_key: reason for m in copied})
        self.journal.close(copied, MoveState.DONE)
        return Outcome(moved=copied)


def _hopeless(reasons: Iterable[str]) -> bool:
    return any(f"[{code}]" in reason for reason in reasons for code in _HOPELESS)

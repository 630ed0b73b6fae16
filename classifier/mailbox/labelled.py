"""What the user said about messages by moving them: the labels that ``train --account`` learns from.

A message that came out of quarantine, by ``restore`` or by any mail program,
is genuine; one that was put there by hand is forged. The last word counts. A
message is recognised by its header section (:attr:`ListedMessage.digest`), in
whichever folder it lies by now. A quarantine that got another name, or was made
anew, moved nothing: there only what is back in a swept folder was taken out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from classifier.errors import MailboxError
from classifier.mailbox.agent import AccountWork, at_work
from classifier.mailbox.protocol import BODY_LIMIT
from classifier.mailbox.returned import locate
from classifier.mailbox.upkeep import Upkeep
from classifier.store.journal import Journal, Move, MoveState
from classifier.store.judged import JudgedMail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from classifier.mailbox.protocol import ListedMessage, Mailbox


class LabelledMessage(NamedTuple):
    """A message and what the user said about it.

    Attributes:
        raw: its bytes, at most :data:`~classifier.mailbox.protocol.BODY_LIMIT` of them.
        is_forged: True: put into quarantine by hand; False: taken out of it.

    """

    raw: bytes
    is_forged: bool


@dataclass
class Moved:
    """What was moved by hand.

    Attributes:
        taken_out: messages that came out of quarantine, by ``restore`` or a mail program.
        put_in: messages that were put there.
        gone: of both, those that lie in no folder any more.
        junked: messages that were taken out once and lie in Junk now; neither counts.
        renamed: by folder: quarantined messages in what looks like the quarantine under another name.

    """

    taken_out: int = 0
    put_in: int = 0
    gone: int = 0
    junked: int = 0
    renamed: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Say it in words."""
        parts = [
            f"moved by hand: {self.taken_out:,} out of quarantine (genuine), {self.put_in:,} into it (forged)"
        ]
        if self.gone:
            parts.append(f"{self.gone:,} more were deleted since")
        if self.junked:
            parts.append(f"{self.junked:,} taken out and then put into Junk count for neither")
        parts += [
            f"{number:,} in {name!r} count for neither: it looks like the quarantine under another name"
            for name, number in sorted(self.renamed.items())
        ]
        return "; ".join(parts)


def labelled_messages(
    work: AccountWork, store: str | Path, tell: Callable[[Moved], None] = lambda _: None
) -> Iterator[LabelledMessage]:
    """Read the messages of one account that the user moved into quarantine or out of it.

    What was moved since the last sweep is noticed first. Messages that are
    nowhere to be found any more are left out. One message is held at a time,
    and the account's lock until the last one.

    Args:
        work: the account.
        store: the store's path.
        tell: told at the end what was moved.

    Raises:
        BackscatterError: the account or the store cannot be had.

    """
    account, quarantine = work.job.account, work.job.quarantine
    with at_work(work, store, "train") as (mailbox, database):
        journal, judged, moved = Journal(database), JudgedMail(database), Moved()
        Upkeep(account, quarantine, mailbox, database).learn()
        search = _Search(mailbox, quarantine, work.job.folders)
        taken_out = list(search.taken_out(journal.quarantined(account), moved))
        journal.close(taken_out, MoveState.RETURNED)
        judged.learn(account, taken_out, "genuine", "dragged", datetime.now(UTC))
        labels = {c.digest: c.label == "forged" for c in judged.corrections(account)}
        rows = [row for digest in labels for row in journal.moves_of(account, digest)[-1:]]
        moved.gone = len({row.digest for row in rows})
        for place in search.find(rows, (quarantine, *work.job.folders, *search.folders)):
            is_forged = labels[place.message.digest]
            moved.gone -= 1
            if place.folder == search.junk and not is_forged:
                moved.junked += 1
                continue
            for _, raw in mailbox.bodies([place.message], BODY_LIMIT):
                if raw is not None:
                    moved.put_in += is_forged
                    moved.taken_out += not is_forged
                    yield LabelledMessage(raw, is_forged)
        tell(moved)


class _Place(NamedTuple):
    """Where a message was found."""

    folder: str
    validity: int
    message: ListedMessage


class _Search:
    """Looks for quarantined messages in all folders of a mailbox."""

    def __init__(self, mailbox: Mailbox, quarantine: str, swept: Iterable[str]) -> None:
        self._mailbox = mailbox
        self._quarantine = mailbox.locate(quarantine)
        self._swept = {mailbox.locate(name) for name in ("INBOX", *swept)}
        self.folders = mailbox.folders()
        self.junk = mailbox.special("\\Junk")
        self._discarded = {use for use in (self.junk, mailbox.special("\\Trash")) if use is not None}

    def taken_out(self, rows: list[Move], moved: Moved) -> Iterator[Move]:
        """Yield those of *rows* whose message lies in another folder now, unless it was thrown away."""
        others = sorted(f for f in {*self.folders} - {self._quarantine} if not self._is_discarded(f))
        for target in dict.fromkeys(m.target for m in rows):
            here = [m for m in rows if m.target == target]
            present, _ = locate(self._mailbox, here, target)
            gone: dict[bytes, list[Move]] = defaultdict(list)
            for move in here:
                if move.id not in present:
                    gone[move.digest].append(move)
            if not gone:
                continue
            name = self._mailbox.locate(target)
            status = self._mailbox.status(name) if name is not None else None
            validity = status.uid_validity if status is not None else None
            first = min(present, default=None)
            elsewhere = [f for f in others if f != name]
            for place in self.find([m for some in gone.values() for m in some], elsewhere):
                found = gone[place.message.digest]
                if place.folder in self._swept or not _stayed(found[-1], place, validity, first):
                    yield from found
                else:
                    moved.renamed[place.folder] += 1

    def _is_discarded(self, folder: str) -> bool:
        """Say whether *folder* is one for what is not wanted any more, or lies in one."""
        return any(
            folder == name or (folder.startswith(name) and not folder[len(name)].isalnum())
            for name in self._discarded
        )

    def find(self, rows: Iterable[Move], folders: Iterable[str]) -> Iterator[_Place]:
        """Find the message of each row; its folder is open until the next one is asked for."""
        wanted = {m.identity for m in rows}
        for name in dict.fromkeys(found for f in folders if (found := self._mailbox.locate(f)) is not None):
            if not wanted:
                return
            try:
                status = self._mailbox.status(name)
                messages = self._mailbox.arrivals(name, 0, frozenset(size for _, size in wanted))
            except MailboxError:
                continue  # a folder that cannot be opened hides what is in it, no more
            for message in messages:
                if (message.digest, message.size) in wanted:
                    wanted.remove((message.digest, message.size))
                    yield _Place(name, status.uid_validity if status is not None else 0, message)


def _stayed(move: Move, place: _Place, validity: int | None, first: int | None) -> bool:
    """Say whether a message may lie where it was put, in a folder that has another name by now.

    Args:
        move: its row.
        place: where it was found.
        validity: of the folder that has the quarantine's name now; None: there is none.
        first: the oldest row whose message lies in that folder still.

    """
    if validity != move.target_validity:
        return True  # the folder is gone, or was made anew: nobody knows what was in it
    if place.validity or place.message.key != move.target_key:
        return False  # a name with its UIDVALIDITY is one folder for ever (RFC 9051 section 2.3.1.1)
    # A Maildir has none, and a file keeps its name when it is moved: older ones would have gone with it.
    return first is None or first > move.id

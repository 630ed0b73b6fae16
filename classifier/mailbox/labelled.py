"""What the user said about messages by moving them: the labels that ``train --account`` learns from.

A message that came out of quarantine, by ``restore`` or by any mail program,
is genuine; one that was put there by hand is forged. The last word counts. A
message is recognised by its header section (:attr:`ListedMessage.digest`), in
whichever folder it lies by now.
"""

from __future__ import annotations

from collections import defaultdict
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
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.mailbox.protocol import ListedMessage, Mailbox

#: Folders for what is not wanted any more: a message there was not taken back.
_DISCARDED = ("\\Trash", "\\Junk")


class LabelledMessage(NamedTuple):
    """A message and what the user said about it.

    Attributes:
        raw: its bytes, at most :data:`~classifier.mailbox.protocol.BODY_LIMIT` of them.
        is_forged: True: put into quarantine by hand; False: taken out of it.

    """

    raw: bytes
    is_forged: bool


def labelled_messages(work: AccountWork, store: str | Path) -> Iterator[LabelledMessage]:
    """Read the messages of one account that the user moved into quarantine or out of it.

    What was moved since the last sweep is noticed first. Messages that are
    nowhere to be found any more are left out. One message is held at a time,
    and the account's lock until the last one.

    Args:
        work: the account.
        store: the store's path.

    Raises:
        BackscatterError: the account or the store cannot be had.

    """
    account, quarantine = work.job.account, work.job.quarantine
    with at_work(work, store, "train") as (mailbox, database):
        journal, judged = Journal(database), JudgedMail(database)
        Upkeep(account, quarantine, mailbox, database).learn()
        folders = mailbox.folders()
        taken_out = list(_taken_out(mailbox, journal.quarantined(account), folders))
        journal.close(taken_out, MoveState.RETURNED)
        judged.learn(account, taken_out, "genuine", "dragged", datetime.now(UTC))
        labels = {c.digest: c.label == "forged" for c in judged.corrections(account)}
        rows = [row for digest in labels for row in journal.moves_of(account, digest)[-1:]]
        likely = (quarantine, *work.job.folders, *folders)
        for message in _search(mailbox, rows, likely):
            for _, raw in mailbox.bodies([message], BODY_LIMIT):
                if raw is not None:
                    yield LabelledMessage(raw, labels[message.digest])


def _taken_out(mailbox: Mailbox, rows: list[Move], folders: list[str]) -> Iterator[Move]:
    """Yield those of *rows* whose message lies in another folder now, unless it was thrown away."""
    for target in dict.fromkeys(m.target for m in rows):
        here = [m for m in rows if m.target == target]
        present, _ = locate(mailbox, here, target)
        gone: dict[bytes, list[Move]] = defaultdict(list)
        for move in here:
            if move.id not in present:
                gone[move.digest].append(move)
        others = {*folders} - {target, *(mailbox.special(use) for use in _DISCARDED)}
        for message in _search(mailbox, [m for some in gone.values() for m in some], sorted(others)):
            yield from gone[message.digest]


def _search(mailbox: Mailbox, rows: Iterable[Move], folders: Iterable[str]) -> Iterator[ListedMessage]:
    """Find the message of each row; its folder is open until the next one is asked for."""
    wanted = {m.identity for m in rows}
    for name in dict.fromkeys(found for f in folders if (found := mailbox.locate(f)) is not None):
        if not wanted:
            return
        try:
            messages = mailbox.arrivals(name, 0, frozenset(size for _, size in wanted))
        except MailboxError:
            continue  # a folder that cannot be opened hides what is in it, no more
        for message in messages:
            if (message.digest, message.size) in wanted:
                wanted.remove((message.digest, message.size))
                yield message

"""Teaches the ledger what was sent, from the account's Sent folder; only what is new there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.errors import MailboxError
from classifier.ingest.entries import record_from_headers, record_from_message
from classifier.mailbox.agent import AccountWork, at_work
from classifier.parse.dates import parse_date
from classifier.store.habits import HabitStore
from classifier.store.judged import JudgedMail
from classifier.store.ledger import Added, SqliteLedger
from classifier.store.ledger_reach import SENT, note_hole

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.identity import Identity
    from classifier.mailbox.protocol import Mailbox
    from classifier.parse.headers import HeaderBlock


def sync_ledger(
    work: AccountWork, sent: str, store: str | Path, identity: Identity | None, *, more_follow: bool = False
) -> Added:
    """Read the new messages of one account's Sent folder into the ledger.

    Args:
        work: the account.
        sent: ``auto``, or the folder's name.
        store: the store's path.
        identity: who is protected; mail by others is passed over.
        more_follow: True: other accounts are still to be read, so the ledger is
            not brought up to date by this one alone.

    Returns:
        What was new.

    Raises:
        BackscatterError: the account, the folder or the store cannot be had.

    """
    began = datetime.now(UTC)
    account = work.job.account
    with at_work(work, store, "ledger sync") as (mailbox, database):
        folder = sent_folder(mailbox, sent, account)
        status = mailbox.open(folder, write=False)
        judged = JudgedMail(database)
        # Kept apart from what sweeps looked through, should one look through Sent, too.
        place = f"ledger:{account}"
        memory = judged.memory(place, status.name, status.uid_validity)
        ledger, habits = SqliteLedger(database), HabitStore(database)
        total = Added()
        for batch in mailbox.new(memory):
            ours: list[HeaderBlock] = []
            records = [
                record
                for m in batch.messages
                if (record := record_from_message(m.headers, identity=identity, on_headers=ours.append))
            ]
            for headers in ours:
                if record_from_headers(headers) is None:  # a copy kept before a server gave it its Message-ID
                    note_hole(database, SENT, "sync", min(parse_date(headers.get("date")) or began, began))
            added = ledger.add_many(records)
            habits.learn_all(ours)
            total = Added(total.added + added.added, total.merged + added.merged, total.known + added.known)
            judged.commit(
                place, status.name, memory, uid_next=batch.uid_next, names=batch.names, gone=batch.gone
            )
        if not more_follow:
            ledger.mark_synced(began, SENT, "sync")
    return total


def sent_folder(mailbox: Mailbox, sent: str, account: str) -> str:
    """Return the name of the account's Sent folder.

    Raises:
        MailboxError: none is found.

    """
    name = mailbox.special("\\Sent") if sent == "auto" else mailbox.locate(sent)
    if name is None:
        what = "no Sent folder is found" if sent == "auto" else f"there is no folder {sent!r}"
        raise MailboxError(what, where=account, remedy="name it by `sent`")
    return name

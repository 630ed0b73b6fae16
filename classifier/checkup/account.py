"""Checks one account: who works on it, whether it opens, and each folder that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.checkup import allowance
from classifier.checkup.findings import Finding, Level
from classifier.errors import BackscatterError
from classifier.mailbox.accounts import AccountDoor
from classifier.mailbox.names import COMMON_NAMES
from classifier.store.journal import Journal
from classifier.store.judged import JudgedMail
from classifier.store.lock import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.mailbox.protocol import Mailbox
    from classifier.settings import AccountSettings, Config
    from classifier.store.database import Database

#: What other programs do with folders of these uses (RFC 6154); none of them is a place to keep reports.
_TAKEN = {
    "\\Trash": "is where deleted mail goes, and servers empty it",
    "\\Junk": "is where spam goes, and servers empty it",
    "\\Sent": "is where sent mail goes",
    "\\Drafts": "is where unsent mail lies",
}
#: Folders that are named in a remedy.
_MOST = 20


def account(settings: AccountSettings, config: Config, database: Database | None) -> Iterator[Finding]:
    """Check one account; nothing is changed.

    Args:
        settings: the account's.
        config: all settings.
        database: the store, or None.

    """
    from classifier.mailbox.connection import Timeouts  # noqa: PLC0415 - IMAP code

    about = f"account {settings.name}"
    holder = Lock(config.store, settings.name, "doctor").holder()
    if holder:
        yield Finding(Level.GOOD, about, f"is being worked on by {holder}")
    elif database is not None and (begun := len(Journal(database).unsettled(settings.name))):
        yield Finding(
            Level.ADVICE, about, f"{begun} moves were interrupted", "the next sweep settles them; run one"
        )
    if database is not None and (waiting := JudgedMail(database).not_moved(settings.name)):
        yield Finding(
            Level.ADVICE,
            about,
            f"{waiting} forged reports could not be moved",
            "each sweep tries again and says why; correct that",
        )
    try:
        mailbox = AccountDoor(settings, config.store, Timeouts(connect=10, read=20, answer=60)).open()
    except BackscatterError as error:
        yield _failed(about, error)
        return
    try:
        yield Finding(Level.GOOD, about, "can be opened")
        yield from allowance.moving(mailbox, about)
        yield from _folders(settings, mailbox, about)
        yield from _quarantine(settings, mailbox, about, keep_days=config.policy.keep_days)
        yield from _room(settings, mailbox, about)
        yield from _sent(settings, mailbox, about)
    except BackscatterError as error:
        yield _failed(about, error)
    finally:
        mailbox.close()


def _failed(about: str, error: BackscatterError) -> Finding:
    where = f"{error.where}: " if error.where else ""
    return Finding(Level.WRONG, about, f"{where}{error.what}", error.remedy)


def _folders(settings: AccountSettings, mailbox: Mailbox, about: str) -> Iterator[Finding]:
    for folder in settings.folders:
        name = mailbox.locate(folder)
        if name is not None and mailbox.is_view(folder):
            yield Finding(
                Level.WRONG,
                about,
                f"{folder} shows what lies in other folders, so nothing can be moved out of it",
                "name those in 'folders', such as INBOX",
            )
        elif name is not None and (mailbox.status(folder) is not None or mailbox.rights(folder)):
            yield from allowance.swept(mailbox, folder, about)
        else:
            there = mailbox.folders()
            more = ", ..." if len(there) > _MOST else ""
            yield Finding(
                Level.WRONG,
                about,
                f"no folder {folder}",
                f"correct 'folders'; there are {', '.join(there[:_MOST])}{more}",
            )


def _room(settings: AccountSettings, mailbox: Mailbox, about: str) -> Iterator[Finding]:
    there = (mailbox.locate(folder) for folder in (*settings.folders, settings.quarantine))
    yield from allowance.room(mailbox, dict.fromkeys(name for name in there if name is not None), about)


def _quarantine(
    settings: AccountSettings, mailbox: Mailbox, about: str, *, keep_days: int
) -> Iterator[Finding]:
    name = mailbox.locate(settings.quarantine)
    if name is None:
        name = settings.quarantine
        yield Finding(Level.GOOD, about, f"folder {name} will be made when it is first needed")
        yield from allowance.making(mailbox, name, about)
    else:
        yield Finding(Level.GOOD, about, f"quarantine is {name}")
        yield from allowance.quarantine(mailbox, name, about)
        if name in {mailbox.locate(folder) for folder in settings.folders}:
            yield Finding(
                Level.WRONG,
                about,
                f"the quarantine {name} is one of the folders looked through",
                "name another 'quarantine'",
            )
    for use, told in _TAKEN.items():
        if mailbox.special(use) == name or name.lower() in {n.lower() for n in COMMON_NAMES.get(use, ())}:
            yield Finding(
                Level.WRONG,
                about,
                f"the quarantine {name} {told}",
                "name a folder of its own as 'quarantine'",
            )
    if keep_days:
        trash = mailbox.special("\\Trash")
        told = f"go to {trash}" if trash else "go to a folder Trash, which will be made: none was found"
        yield Finding(
            Level.GOOD,
            about,
            f"reports quarantined more than {keep_days} day{'s' if keep_days > 1 else ''} ago {told}",
        )


def _sent(settings: AccountSettings, mailbox: Mailbox, about: str) -> Iterator[Finding]:
    if settings.sent == "auto":
        sent = mailbox.special("\\Sent")
        if sent is None:
            yield Finding(Level.ADVICE, about, "no folder of sent mail was found", "name it by 'sent'")
            return
    else:
        sent = mailbox.locate(settings.sent)
        if sent is None:
            yield Finding(Level.WRONG, about, f"no folder {settings.sent}", "correct 'sent'")
            return
    status = mailbox.status(sent)
    if status is not None and not status.messages:
        yield Finding(
            Level.ADVICE, about, f"{sent} holds no sent mail", "name the folder that does by 'sent'"
        )
    else:
        yield Finding(Level.GOOD, about, f"sent mail is in {sent}")

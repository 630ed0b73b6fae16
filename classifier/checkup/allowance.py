"""Checks what the server allows in the folders of one account: access rights (RFC 4314) and quotas (RFC 9208)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.checkup.findings import Finding, Level
from classifier.mailbox.protocol import MoveMethod

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classifier.mailbox.allowance import Quota
    from classifier.mailbox.protocol import Mailbox

#: The share of a quota from which on it is told to be nearly full.
NEARLY = 0.9
#: Rights (RFC 4314 section 2.1) in words.
_WORDS = {
    "l": "list", "r": "read", "i": "insert", "t": "mark as deleted", "e": "expunge", "k": "make folders",
    "s": "keep seen", "w": "keep flags",
}  # fmt: skip
_GRANT = "have what is missing granted"
#: What a folder is needed for: the rights that it takes, and what cannot be done without (* is the folder).
_TO_LEAVE = (
    ("lr", Level.WRONG, "* may not be read"),
    ("te", Level.WRONG, "reports may not leave *"),
)
_TO_KEEP = (
    ("lri", Level.WRONG, "nothing may be put into the quarantine *"),
    ("te", Level.ADVICE, "what is in the quarantine * may not be restored"),
    ("sw", Level.ADVICE, "reports lose their flags in the quarantine *"),
)


def moving(mailbox: Mailbox, about: str) -> Iterator[Finding]:
    """Check how messages can be moved at all."""
    if mailbox.move_method is MoveMethod.NONE:
        yield Finding(
            Level.WRONG,
            about,
            "the server can move nothing safely (neither MOVE nor UIDPLUS)",
            "forged reports stay where they are; ask whoever runs it for one of the two",
        )
    elif mailbox.move_method is MoveMethod.COPY:
        yield Finding(
            Level.GOOD, about, "the server has no MOVE: reports are copied, then removed one by one (UIDPLUS)"
        )


def swept(mailbox: Mailbox, folder: str, about: str) -> Iterator[Finding]:
    """Check whether reports can leave a *folder* that is looked through; no message and no flag is changed."""
    rights = mailbox.rights(folder)
    other = "or take it out of 'folders'"
    if rights is not None:
        yield from _missing(rights, _TO_LEAVE, folder, about, other)
        return
    # The server tells no rights: opened for writing it tells whether it is read-only.
    status = mailbox.open(folder, write=True)
    removable = mailbox.move_method is not MoveMethod.COPY or mailbox.may_remove()
    if not status.writable or not removable:
        yield Finding(
            Level.WRONG,
            about,
            f"{folder} is read-only: reports cannot leave it",
            f"have its rights or owner corrected, {other}",
        )


def quarantine(mailbox: Mailbox, folder: str, about: str) -> Iterator[Finding]:
    """Check whether reports can be put into the quarantine, and taken out again."""
    rights = mailbox.rights(folder)
    other = "or name another 'quarantine'"
    if rights is not None:
        yield from _missing(rights, _TO_KEEP, folder, about, other)
    elif not mailbox.open(folder, write=True).writable:
        yield Finding(
            Level.ADVICE,
            about,
            f"the quarantine {folder} is read-only: what is there cannot be taken out, if anything can be put in",
            f"have its rights or owner corrected, {other}",
        )


def _missing(
    rights: frozenset[str], needs: Sequence[tuple[str, Level, str]], folder: str, about: str, other: str
) -> Iterator[Finding]:
    """Tell what cannot be done for want of rights; after what is wrong, nothing that is only to be advised."""
    for needed, level, what in needs:
        if lacking := _lacking(needed, rights):
            said = f"{what.replace('*', folder)}: no right {lacking}"
            yield Finding(level, about, said, f"{_GRANT}, {other}")
            if level is Level.WRONG:
                return


def making(mailbox: Mailbox, wanted: str, about: str) -> Iterator[Finding]:
    """Check whether a quarantine that is not there may be made below the folder that is to hold it."""
    for separator in "/.":
        parent = wanted.rpartition(separator)[0]
        name = mailbox.locate(parent) if parent else None
        rights = mailbox.rights(name) if name is not None else None
        if name is not None and rights is not None and (lacking := _lacking("k", rights)):
            yield Finding(
                Level.WRONG,
                about,
                f"the quarantine {wanted} may not be made in {name}: no right {lacking}",
                f"{_GRANT}, make the folder yourself, or name another 'quarantine'",
            )


def room(mailbox: Mailbox, folders: Iterable[str], about: str) -> Iterator[Finding]:
    """Check the quotas of *folders*: a full one keeps reports where they are, and new mail away."""
    found: dict[Quota, list[str]] = {}
    for folder in folders:
        for quota in mailbox.quotas(folder):
            found.setdefault(quota, []).append(folder)
    for quota, where in found.items():
        name = f"the quota {quota.root}" if quota.root else "the quota"
        told = f"{_amount(quota, quota.used)} of {_amount(quota, quota.limit)} in {', '.join(where)}"
        if quota.used >= quota.limit:
            yield Finding(
                Level.WRONG,
                about,
                f"{name} is full: {told}",
                "remove mail or have it raised: till then reports stay where they are, and new mail may be refused",
            )
        elif quota.used >= NEARLY * quota.limit:
            yield Finding(
                Level.ADVICE, about, f"{name} is nearly full: {told}", "remove mail or have it raised"
            )


def _lacking(needed: str, rights: frozenset[str]) -> str:
    """Name those of the *needed* rights that are not among *rights*, or ""."""
    return ", ".join(f"{letter} ({_WORDS[letter]})" for letter in needed if letter not in rights)


def _amount(quota: Quota, number: int) -> str:
    if quota.resource != "STORAGE":
        return f"{number:,} {quota.resource.lower()}{'' if number == 1 else 's'}"
    if number < 1024:
        return f"{number} kB"
    return f"{number / 1024:,.1f} MB" if number < 1024**2 else f"{number / 1024**2:,.1f} GB"

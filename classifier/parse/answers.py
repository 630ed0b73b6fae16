"""Answers that programs give: out of office, held for a moderator, challenges."""

from __future__ import annotations

import re

from classifier.parse import words
from classifier.parse.signs import MAIL_SYSTEM, Signs
from classifier.parse.words import any_of, in_ascii

#: Points at which a message without a report part is taken for a bounce.
BOUNCE_POINTS = 5
#: What stands between the name of an automatic answer and the subject that it answers.
_TITLE_END = re.compile(r"[:：\])>*]|\s[-–—|]\s")
_TITLE_CHARS = 60
#: Whoever stays away may say so himself; only programs call an answer automatic.
_AUTOMATIC = re.compile(
    r"aut[oó]m|auto.?(?:re|svar)|авто|αυτόμ|otomatik|自動|自动|자동|رد تلقائي|אוטומטית|อัตโนมัติ|tự động",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{2,40}")


def is_challenge(subject: str, notice: str, signs: Signs) -> bool:
    """Say whether the message asks the sender of a message that is held for a proof that he is a person."""
    machine = signs.writer > 0 or signs.automatic or signs.answers
    if not machine or "subscri" in notice:
        return False
    named = any_of(words.CHALLENGE_SUBJECTS, subject)
    about = (words.CHALLENGE_HELD, words.CHALLENGE_ASKS, words.CHALLENGE_WHY)
    if (named or signs.automatic) and all(any_of(table, notice) for table in about):
        return True
    phrases = in_ascii(words.CHALLENGE_PHRASES) if notice.isascii() else words.CHALLENGE_PHRASES
    asked = sum([phrase in notice for phrase in phrases])
    return asked >= (2 if named else 3)


def auto_reply(subject: str, notice: str, signs: Signs, points: int, *, told: bool, written: bool) -> str:
    """Return the format of an automatic answer, or "".

    Args:
        subject: its subject, in lower case.
        notice: the text above what it returns, in lower case.
        signs: the signs of a machine.
        points: what speaks for a bounce.
        told: True where it says with a code whom a message did not reach.
        written: True where it greets, quotes, or was written by a person's program.

    """
    if signs.automatic and subject.strip() == "unsubscribe":
        # Mail programs answer List-Unsubscribe with a mail that calls itself a reply.
        return ""
    bounce = points >= BOUNCE_POINTS and (
        signs.writer >= MAIL_SYSTEM
        or points >= BOUNCE_POINTS + 2
        or told
        # A postmaster's program that calls itself automatic and says that delivery failed.
        or (signs.writer > 0 and not signs.rfc3834 and any_of(words.FAILURE_SUBJECTS, subject))
    )
    if signs.automatic and not bounce:
        return "rfc3834" if signs.rfc3834 else "auto-reply"
    if signs.writer >= MAIL_SYSTEM or points >= BOUNCE_POINTS + 2:
        return ""
    if signs.null_sender and signs.answers_us and not signs.system and not signs.list_mail and not written:
        # An answer to which nobody may answer, in whatever language (RFC 3834 section 3.3).
        return "auto-reply"
    away = any_of(words.AUTO_PHRASES, notice)
    title = _title(subject)
    if title and (
        away or signs.null_sender or (signs.machine and title == subject.strip()) or _AUTOMATIC.search(title)
    ):
        return "auto-reply"
    if (
        not signs.reply
        and subject.rstrip(".!) ").endswith(words.AUTO_ENDINGS)
        and (signs.machine or _names(signs.author, subject))
    ):
        return "auto-reply"
    if signs.null_sender and not (signs.list_mail or signs.system) and any_of(words.THANKS, subject):
        return "auto-reply"
    if signs.list_notice and any_of(words.HELD_PHRASES, notice):
        return "list-manager"
    if points >= BOUNCE_POINTS or not away:
        return ""
    if signs.null_sender and (signs.answers or signs.reply):
        return "auto-reply"
    # "Re: Holidays" is what people answer, and "My holidays" what they write.
    if (signs.null_sender or (signs.machine and signs.answers and not signs.reply)) and any_of(
        words.AUTO_SUBJECTS, subject
    ):
        return "auto-reply"
    return ""


def _title(subject: str) -> str:
    """Return what automatic answers are called, where it stands alone or before the subject of what they answer."""
    subject = subject.lstrip("[*( <")
    for opening in words.AUTO_OPENINGS:
        if subject.startswith(opening):
            rest = subject[len(opening) : len(opening) + _TITLE_CHARS]
            end = _TITLE_END.search(rest)
            if opening.endswith(":") or not rest.strip(" .!") or end:
                return opening + (rest[: end.start()] if end else "")
    return ""


def _names(author: str, subject: str) -> bool:
    """Say whether *subject* names its author."""
    told = set(_WORD.findall(subject))
    return any(word in told for word in _WORD.findall(author.lower()))

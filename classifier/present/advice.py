"""What a sender can do about mail that did not arrive, in words."""

from __future__ import annotations

from classifier.vocabulary import DeliveryAction, ReportKind

_NO_MAILBOX = "Check the address: there is no such mailbox."
_FULL = "Their mailbox is full: write again later, or call."
_POLICY = (
    "It was refused by policy or as spam: ask their postmaster, and check your SPF, DKIM and block lists."
)
#: By the beginning of the status code (RFC 3463).
_BY_STATUS = (
    ("5.1.", _NO_MAILBOX),
    ("5.2.2", _FULL),
    ("5.2.", "Their mailbox takes nothing: reach them another way."),
    ("5.3.4", "The message is too large: send it in parts or as a link."),
    ("5.4.", "Their server cannot be found or reached: check the domain, else tell them."),
    ("5.7.", _POLICY),
)
#: By words, where there is no status code.
_BY_WORDS = (
    (("quota", "full"), _FULL),
    (("unknown", "no such", "does not exist", "not found"), _NO_MAILBOX),
    (("spam", "blocked", "denied", "policy"), _POLICY),
)
_BY_KIND = {
    ReportKind.CHALLENGE: "They want you to confirm that you sent it: it waits until you do.",
    ReportKind.VIRUS_WARNING: "Their scanner took it for dangerous: look at the attachment, and scan your own machine.",
}


def advice(status: str, said: str, *, delayed: bool = False, kind: str = ReportKind.DSN) -> str:
    """Say what a sender can do about a failure.

    Args:
        status: the enhanced status code, or "".
        said: the server's words, or "".
        delayed: True where delivery is still being tried.
        kind: the report's kind.

    """
    if kind in _BY_KIND:
        return _BY_KIND[ReportKind(kind)]
    if delayed or status.startswith("4."):
        return "Nothing yet: delivery is still being tried."
    for begin, words in _BY_STATUS:
        if status.startswith(begin):
            return words
    low = said.lower()
    for signs, words in _BY_WORDS:
        if any(sign in low for sign in signs):
            return words
    return "Read what their server said, and write again or ask their postmaster."


#: Actions that say that a message did arrive, or was passed on (RFC 3464 section 2.3.3).
ARRIVED = frozenset({DeliveryAction.DELIVERED, DeliveryAction.RELAYED, DeliveryAction.EXPANDED})
#: Kinds that answer a message which did arrive.
ANSWERS = frozenset({ReportKind.AUTO_REPLY, ReportKind.MDN})

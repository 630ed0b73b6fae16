"""What a sender can do about mail that did not arrive, in words."""

from __future__ import annotations

from classifier.vocabulary import DeliveryAction, ReportKind

_NO_MAILBOX = "Check the address: there is no such mailbox."
_FULL = "Their mailbox is full: write again later, or call."
_POLICY = (
    "It was refused by policy or as spam: ask their postmaster, and check your SPF, DKIM and block lists."
)
_UNREACHED = "Their server cannot be found or reached: check the domain, else tell them."
_SENDER = (
    "They refuse your sender address: check that it is written rightly, and that your domain can be found."
)
_RELAY = (
    "That server takes no mail for this address: check the domain, and that you send through your own "
    "provider, logged in."
)
#: By the beginning of the status code (RFC 3463).
_BY_STATUS = (
    ("5.1.2", "Check the address: what stands after the @ takes no mail."),
    ("5.1.6", "The mailbox has moved: ask for the new address."),
    ("5.1.7", _SENDER),
    ("5.1.8", _SENDER),
    ("5.1.", _NO_MAILBOX),
    ("5.2.2", _FULL),
    ("5.2.", "Their mailbox takes nothing: reach them another way."),
    ("5.3.4", "The message is too large: send it in parts or as a link."),
    ("5.4.", _UNREACHED),
    ("5.7.", _POLICY),
)
#: By words, where there is no status code, or one that says as little as 5.7.1 does.
_RELAYING = (
    "relay access denied",
    "relaying denied",
    "not permitted to relay",
    "relay not permitted",
    "unable to relay",
)
_BY_WORDS = (
    (("quota", "mailbox full", "mailbox is full", "is full"), _FULL),
    (("host not found", "domain not found", "domain name not found", "unknown host", "timed out", "refused to talk"), _UNREACHED),
    (
        (
            "unknown user", "user unknown", "unknown recipient", "recipient unknown", "unknown address", "unknown mailbox",
            "unknown local", "no such", "does not exist", "doesn't exist", "not found",
        ),
        _NO_MAILBOX,
    ),
    (("spam", "blocked", "denied", "policy"), _POLICY),
)  # fmt: skip
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
    low = said.lower()
    if any(sign in low for sign in _RELAYING):
        return _RELAY
    for begin, words in _BY_STATUS:
        if status.startswith(begin):
            return words
    for signs, words in _BY_WORDS:
        if any(sign in low for sign in signs):
            return words
    return "Read what their server said, and write again or ask their postmaster."


#: Actions that say that a message did arrive, or was passed on (RFC 3464 section 2.3.3).
ARRIVED = frozenset({DeliveryAction.DELIVERED, DeliveryAction.RELAYED, DeliveryAction.EXPANDED})
#: Kinds that answer a message which did arrive.
ANSWERS = frozenset({ReportKind.AUTO_REPLY, ReportKind.MDN})

"""Why a server sent mail with a null sender to outside addresses, and what to change."""

from __future__ import annotations

import re
from enum import StrEnum

from classifier.checkup.findings import Level
from classifier.dataclass import dataclass


class Cause(StrEnum):
    """What a report, or an automatic answer, was written for."""

    UNKNOWN_RECIPIENT = "unknown recipient"
    QUOTA = "mailbox full"
    CONTENT = "spam or virus filter"
    FORWARDING = "forwarding"
    LOOP = "mail loop"
    SIZE = "message too large"
    UNREACHABLE = "not delivered in time"
    DELAY = "delay notice"
    SUCCESS = "delivery receipt"
    AUTOMATIC = "automatic answer"
    PASSED_ON = "passed on"
    OWN_USER = "mail of your own users"
    OTHER = "other failures"
    UNTOLD = "the log does not say"


@dataclass(frozen=True)
class Remedy:
    """What to change.

    Attributes:
        level: how bad it is.
        words: what happens.
        postfix: what to set there.
        exim: what to set there.

    """

    level: Level
    words: str
    postfix: str
    exim: str


REMEDIES = {
    Cause.UNKNOWN_RECIPIENT: Remedy(
        Level.WRONG,
        "recipients that do not exist were refused after acceptance",
        "list them in local_recipient_maps and relay_recipient_maps, or set reject_unverified_recipient in "
        "smtpd_recipient_restrictions",
        "'require verify = recipient' in acl_check_rcpt; for hosts behind it 'verify = recipient/callout=20s,defer_ok'",
    ),
    Cause.QUOTA: Remedy(
        Level.WRONG,
        "full mailboxes were found after acceptance",
        "ask at RCPT: check_policy_service of Dovecot's quota-status in smtpd_recipient_restrictions",
        "ask at RCPT: 'verify = recipient/callout' to the LMTP server, or deny by a condition on the quota",
    ),
    Cause.CONTENT: Remedy(
        Level.WRONG,
        "a filter refused the mail after acceptance",
        "filter before the queue: smtpd_milters or smtpd_proxy_filter; set filters to discard or quarantine, never to bounce",
        "filter in acl_smtp_data and deny there; never fail a message in a system filter or transport filter",
    ),
    Cause.FORWARDING: Remedy(
        Level.WRONG,
        "accounts elsewhere, to which mail is forwarded, refused it",
        "refuse spam before it is forwarded; rewrite the sender (postsrsd), so that reports come to you first",
        "refuse spam before it is forwarded; 'errors_to' of the redirect router names a local address for reports",
    ),
    Cause.LOOP: Remedy(
        Level.WRONG,
        "mail went round in circles",
        "make each domain final somewhere: mydestination, virtual_mailbox_domains, transport_maps",
        "make each domain final somewhere: domainlist local_domains, the routers' 'self' option",
    ),
    Cause.SIZE: Remedy(
        Level.WRONG,
        "messages were too large for the next server",
        "message_size_limit no larger than what the server behind it takes",
        "message_size_limit no larger than what the server behind it takes",
    ),
    Cause.UNREACHABLE: Remedy(
        Level.ADVICE,
        "mail could not be handed on before it expired",
        "if these are domains that you are a backup MX for: bounce_queue_lifetime, and give up the backup",
        "if these are domains that you are a backup MX for: ignore_bounce_errors_after, and give up the backup",
    ),
    Cause.DELAY: Remedy(
        Level.ADVICE, "notices of a delay were sent", "delay_warning_time = 0", "delay_warning = (empty)"
    ),
    Cause.SUCCESS: Remedy(
        Level.ADVICE,
        "senders asked for receipts (RFC 3461), and got them",
        "smtpd_discard_ehlo_keywords = dsn",
        "dsn_advertise_hosts = (empty)",
    ),
    Cause.AUTOMATIC: Remedy(
        Level.WRONG,
        "a program on this host wrote them: absence notes, scripts, filters",
        "answer only as RFC 3834 has it: to each sender once in days, never to spam, nor where SPF or DMARC failed",
        "answer only as RFC 3834 has it: 'once' in the autoreply transport, and a condition against spam in its router",
    ),
    Cause.PASSED_ON: Remedy(
        Level.ADVICE,
        "they came in with a null sender and went on to other domains",
        "if these domains are yours, name them in [identity] domains; else look for forwarding, and filter before it",
        "if these domains are yours, name them in [identity] domains; else look for forwarding, and filter before it",
    ),
    Cause.OWN_USER: Remedy(
        Level.ADVICE,
        "users of yours, who logged in, write with a sender elsewhere",
        "reject_sender_login_mismatch lets them use their own addresses only",
        "compare $sender_address with $authenticated_id in acl_check_rcpt",
    ),
    Cause.OTHER: Remedy(
        Level.WRONG,
        "mail was refused after acceptance",
        "look up the examples in the log, and refuse such mail in the session",
        "look up the examples in the log, and refuse such mail in the session",
    ),
    Cause.UNTOLD: Remedy(
        Level.ADVICE,
        "what they are about stands in an older log",
        "name that log, too",
        "name that log, too",
    ),
}

#: By the enhanced status code (RFC 3463), the class left out.
_BY_STATUS = {
    "1.1": Cause.UNKNOWN_RECIPIENT, "1.2": Cause.UNREACHABLE, "1.6": Cause.UNKNOWN_RECIPIENT, "1.10": Cause.UNKNOWN_RECIPIENT,
    "2.1": Cause.UNKNOWN_RECIPIENT, "2.2": Cause.QUOTA, "2.3": Cause.SIZE, "3.4": Cause.SIZE, "4.6": Cause.LOOP,
    "4.1": Cause.UNREACHABLE, "4.4": Cause.UNREACHABLE, "4.7": Cause.UNREACHABLE, "6.0": Cause.CONTENT,
}  # fmt: skip
#: By words, the telling ones first: servers use codes as they please.
_BY_WORDS = (
    (Cause.QUOTA, re.compile(r"quota|mailbox (?:is )?full|insufficient (?:disk|storage)|maildir over")),
    (
        Cause.UNKNOWN_RECIPIENT,
        re.compile(
            r"unknown (?:user|recipient|local|address|mailbox)|user unknown|recipient unknown|no such|unrout(?:e)?able address|"
            r"does ?n[o']t exist|not exist|unknown in |not our customer|no mailbox|invalid recipient|user not found|not found here"
        ),
    ),
    (Cause.LOOP, re.compile(r"loops? back|mail loop|too many hops|forwarding loop")),
    (Cause.SIZE, re.compile(r"too (?:large|big)|exceeds? .{0,40}size|size limit")),
    (
        Cause.CONTENT,
        re.compile(r"spam|virus|malware|infected|banned|content|phish|policy|rejected by filter"),
    ),
    (
        Cause.UNREACHABLE,
        re.compile(
            r"timed? ?out|connection refused|host or domain name not found|retry time|unreachable|expired"
        ),
    ),
)


def cause_of(said: str, status: str, *, forwarded: bool) -> Cause:
    """Tell why a delivery failed.

    Args:
        said: the log's words about it, bounded.
        status: the enhanced status code, or "".
        forwarded: True where an account elsewhere, to which an address of ours leads, refused it.

    """
    if forwarded:
        return Cause.FORWARDING
    low = said[:500].lower()
    for cause, pattern in _BY_WORDS:
        if pattern.search(low):
            return cause
    code = status.partition(".")[2]
    return _BY_STATUS.get(code, Cause.CONTENT if code.startswith("7.") else Cause.OTHER)

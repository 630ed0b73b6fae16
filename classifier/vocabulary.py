"""The words that every layer shares, as enumerations.

Values are the strings of the public JSON and of the result headers; they are
part of the contract with users' scripts and never change.
"""

from __future__ import annotations

from enum import StrEnum


class ReportKind(StrEnum):
    """What sort of message a report is."""

    DSN = "dsn"  # multipart/report with a delivery-status part, RFC 3464
    BOUNCE = "bounce"  # a non-delivery report in any other form
    AUTO_REPLY = "auto-reply"  # RFC 3834 and its many strays
    CHALLENGE = "challenge"  # "confirm that you sent this"
    VIRUS_WARNING = "virus-warning"  # a gateway that informs the presumed sender
    MDN = "mdn"  # message disposition notification, RFC 8098
    FEEDBACK_REPORT = "feedback-report"  # ARF (RFC 5965), DMARC aggregate, TLS-RPT
    OTHER = "other"  # not a report


#: Kinds that are no report about one message of the recipient's own.
NOT_REPORTS = frozenset({ReportKind.OTHER, ReportKind.FEEDBACK_REPORT})
#: Kinds that tell of an attempt to deliver.
TELL_OF_DELIVERY = frozenset({ReportKind.DSN, ReportKind.BOUNCE})


class Completeness(StrEnum):
    """How much of the original came back."""

    FULL = "full"  # headers and (at least the start of) the body
    HEADERS = "headers"  # the header section only
    PARTIAL = "partial"  # a header section that is visibly cut off or rewritten
    NONE = "none"


class DeliveryAction(StrEnum):
    """The Action field of a delivery status, RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class RefusalStage(StrEnum):
    """When delivery failed, as far as the report tells."""

    SESSION = "session"  # refused during an SMTP session, reported by the client
    ACCEPTED = "accepted"  # failed after the reporting system had accepted it
    UNKNOWN = "unknown"


class PointsTo(StrEnum):
    """Where a piece of evidence points."""

    FORGED = "forged"
    GENUINE = "genuine"
    NEITHER = "neither"


class Strength(StrEnum):
    """How much a piece of evidence weighs."""

    PROOF = "proof"  # decides alone
    STRONG = "strong"
    WEAK = "weak"


class Verdict(StrEnum):
    """The answer to: was the original really sent by the protected domain?"""

    FORGED = "forged"
    GENUINE = "genuine"
    UNSURE = "unsure"
    NOT_A_REPORT = "not-a-report"


class Action(StrEnum):
    """What policy does with the message."""

    QUARANTINE = "quarantine"
    KEEP = "keep"

"""Message-ID: does the original's have a right-hand side that our software writes?

Typed text on either side, so it never weighs much: forgers copy it, and relays
of ours may rewrite it (Amazon SES and Exchange Online do).
"""

from __future__ import annotations

import re

from classifier.evidence.base import Evidence, Lookups, forged, genuine, neutral
from classifier.vocabulary import Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report

#: Right-hand sides of providers and services that replace or add the field for their customers.
_PROVIDERS = (
    r"(?:^|\.)(?:amazonses\.com|outlook\.com|exchangelabs\.com|google\.com|mail\.gmail\.com|phx\.gbl|yahoo\.com"
    r"|sendgrid\.net|geopod-ismtpd[a-z0-9-]{0,40}|mailgun\.(?:net|org)|mandrillapp\.com|icloud\.com|me\.com)$"
)
#: Names that phones and desktop programs make up without knowing their host's.
_PRIVATE = r"^(?:\[[^\]]{0,60}\]|[^.]{0,255}|.{1,250}\.(?:local|lan|localdomain|internal|home|corp|arpa))$"


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Compare the right-hand side with ``message_id_domains``."""
    message_id = report.original.message_id
    if not identity.message_id_domains or message_id is None or report.original.ends_inside("message-id"):
        return
    right = message_id.strip("<>").rpartition("@")[2].lower().rstrip(".")
    if identity.writes_message_id_at(right):
        yield genuine("message-id", Strength.WEAK, "ours", f"Message-ID ends in {right}, as ours do")
    elif re.search(_PROVIDERS, right):
        yield neutral(
            "message-id", "provider", f"Message-ID ends in {right}: a provider's, who may have written it"
        )
    elif re.match(_PRIVATE, right):
        yield forged(
            "message-id", Strength.WEAK, "private", f"Message-ID ends in {right or 'nothing'}; ours do not"
        )
    else:
        yield forged("message-id", Strength.WEAK, "foreign", f"Message-ID ends in {right}; ours do not")

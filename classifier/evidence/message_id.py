"""Message-ID: does the original's have a right-hand side that our software writes?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.evidence.base import Evidence, Lookups, forged, genuine
from classifier.vocabulary import Strength

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Compare the right-hand side with ``message_id_domains``."""
    message_id = report.original.message_id
    if not identity.message_id_domains or message_id is None:
        return
    right = message_id.strip("<>").rpartition("@")[2].lower()
    if right in identity.message_id_domains:
        yield genuine("message-id", Strength.WEAK, "ours", f"Message-ID ends in {right}, as ours do")
    else:
        yield forged("message-id", Strength.WEAK, "foreign", f"Message-ID ends in {right}; ours do not")

"""Address: is the address that the report came to one that sends at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.evidence.base import Evidence, Lookups, forged
from classifier.vocabulary import Strength

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.identity import Identity
    from classifier.parse.report import Report


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Hold the report's own recipient against ``never_send`` and ``closed_senders``."""
    for address in report.addressees[:1]:
        if identity.never_sends(address):
            yield forged("address", Strength.STRONG, "never-sends", f"{address} never sends mail")

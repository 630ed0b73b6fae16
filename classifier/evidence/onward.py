"""Onward: did the reporting side have the original for somebody else, or for a mailbox of its own?"""

from __future__ import annotations

from classifier.evidence.hosts import ip_of, is_internal, organisation
from classifier.evidence.origin import border_hop, reporter_organisations
from classifier.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.report import Report


@once
def tried_to_pass_on(report: Report) -> bool:
    """Say whether the reporting side had taken the original for delivery elsewhere, and could not deliver it.

    A server of somebody else's is named, by name or public address, whatever it said or however long it
    was silent, or what failed was the network or the routing (RFC 3463 section
    3.5, X.4.X). A provider reports to its own customers so, and knows them by
    their line; a mail host that takes everything in for its own names itself.
    What it had put into a mailbox first was sent on for the mailbox's owner.
    """
    if _was_delivered(report):
        return False
    reporters = reporter_organisations(report)
    for recipient in report.recipients:
        remote = recipient.remote_mta
        if not remote:
            elsewhere = recipient.status is not None and recipient.status[1:3] == ".4"
        elif (ip := ip_of(remote)) is not None:
            elsewhere = not is_internal(ip)
        else:
            owner = organisation(remote)
            elsewhere = owner is not None and owner not in reporters
        if elsewhere:
            return True
    return False


def _was_delivered(report: Report) -> bool:
    """Say whether the reporting side noted a mailbox above the hop at which it took the original in."""
    border = border_hop(report)
    names = report.original.headers.keys
    if border is None or "delivered-to" not in names:
        return False
    received = [place for place, name in enumerate(names) if name == "received"]
    return border < len(received) and "delivered-to" in names[: received[border]]

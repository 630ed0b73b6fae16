"""One look-up on a DNS list (RFC 5782): listed, not listed, or nobody can say."""

from __future__ import annotations

from classifier.dataclass import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.base import Resolver
    from classifier.evidence.hosts import IPAddress


@dataclass(frozen=True)
class Listing:
    """What a list says of an address.

    Attributes:
        listed: True, False, or None where nobody can say.
        note: why nobody can.
        available: False where there was no answer at all.

    """

    listed: bool | None
    note: str = ""
    available: bool = True


def question(ip: IPAddress, zone: str) -> str:
    """Return the name that *zone* is asked for about *ip*."""
    # reverse_pointer ends in in-addr.arpa or ip6.arpa, two labels (RFC 5782 section 2).
    return f"{ip.reverse_pointer.rsplit('.', 2)[0]}.{zone.strip('.')}"


def look_up(ip: IPAddress, zone: str, resolver: Resolver) -> Listing:
    """Ask the list *zone* about *ip*."""
    answer = resolver.query(question(ip, zone), "A")
    if not answer.available:
        return Listing(None, answer.note, available=False)
    if not answer.records:
        return Listing(False)
    # Other answers are a parked domain or a resolver that makes them up;
    # 127.255.255.x says that the list refuses the question.
    if any(r.startswith("127.255.255.") for r in answer.records):
        return Listing(None, "the list refuses to answer this nameserver")
    if not all(r.startswith("127.") for r in answer.records):
        return Listing(None, "the answer is not that of a list")
    return Listing(True)

"""Whose line did the reporting side see the original come from?

One says little; those of a whole run of mail say much (see :mod:`classifier.evidence.company`).
"""

from __future__ import annotations

from classifier.dataclass import dataclass
from classifier.evidence.hosts import ip_of, name_was_sought, organisation
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import hop_of, observed_client
from classifier.evidence.ours import Nature, is_authenticated, nature, verified_name
from classifier.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.hosts import IPAddress
    from classifier.parse.report import Report

#: Leading bits of an address that are mostly one owner's, by IP version: rather too few than too many.
_NETWORK_BITS = {4: 16, 6: 32}


@dataclass(frozen=True)
class Line:
    """The line of the client that handed an original in.

    Attributes:
        owner: whose it is: the organisation of its looked-up name; without one, its network.
        of_server: True where it has a name of its own, as mail servers have, or where the reporting side was
            to pass the original on, as access providers do for their customers.
        writer: the organisation that saw the client connect.
        vouched: True where that organisation brought the report: one made up from nothing can name any line.

    """

    owner: str
    of_server: bool
    writer: str
    vouched: bool


@once
def line_of(report: Report) -> Line | None:
    """Return the line that the reporting side saw the original come from; None where it does not tell.

    Who had authenticated may write from any line; and a client whose name
    nobody looked for may be any server.
    """
    client = observed_client(report)
    hop = hop_of(client, report) if client is not None else None
    if client is None or hop is None or is_authenticated(hop):
        return None
    name, ip, writer = verified_name(hop), ip_of(client.address), organisation(hop.by)
    kind = nature(name, client.address)
    if ip is None or writer is None or (kind is Nature.UNNAMED and not name_was_sought(hop)):
        return None
    of_server = kind is Nature.NAMED or tried_to_pass_on(report)
    return Line(organisation(name) or _network(ip), of_server, writer, client.vouched)


def _network(ip: IPAddress) -> str:
    return f"{ip.version}:{int(ip) >> (ip.max_prefixlen - _NETWORK_BITS[ip.version])}"

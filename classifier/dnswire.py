"""One question to the nameservers, by dnspython. Importing this costs 0.1 s: see ``resolver``.

UDP first, TCP where the answer is cut off (RFC 7766), one nameserver after the
other, the time shared among them. Packets from elsewhere, with another id or
another question are not answers (RFC 5452) and are waited past.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from classifier.dataclass import dataclass
from classifier.dnslimits import MAX_ALIASES, MAX_CHARS, MAX_RECORDS, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.rdata import Rdata
    from dns.rrset import RRset

#: A single nameserver is asked so often within the time for one look-up: packets get lost.
_TRIES = 2
#: More nameservers than this are not asked.
_MAX_SERVERS = 3
#: Fits every path without fragments (DNS flag day 2020).
_PAYLOAD = 1232
#: Kept for an answer that states no time of its own (RFC 2308 section 5).
_NEGATIVE_TTL = 300


@dataclass(frozen=True)
class WireAnswer:
    """What a nameserver said.

    Attributes:
        records: each record as text, in a stable order.
        exists: False for NXDOMAIN.
        ttl: seconds.

    """

    records: tuple[str, ...]
    exists: bool
    ttl: int


def ask(name: str, record_type: str, servers: Sequence[tuple[str, int]], timeout: float) -> WireAnswer:
    """Ask one question and follow its aliases.

    Args:
        name: without a final dot.
        record_type: ``TXT``, ``A``, ``AAAA``, ``MX`` or ``PTR``.
        servers: addresses and ports; none: the system's.
        timeout: seconds in all.

    Raises:
        NoAnswerError: for whatever reason there is no usable answer.

    """
    deadline = time.monotonic() + timeout
    try:
        current = dns.name.from_text(name)
        kind = dns.rdatatype.from_text(record_type)
        addresses = [_address(s) for s in servers[:_MAX_SERVERS]] or _system_servers()
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise NoAnswerError(f"cannot ask: {type(error).__name__}") from error
    lifetimes = [86_400]
    seen = {current}
    for _ in range(MAX_ALIASES + 1):
        response = _exchange(current, kind, addresses, deadline)
        # One answer may hold a whole chain of aliases, or only its start.
        while len(seen) <= MAX_ALIASES + 1:
            rrset = _find(response, current, kind)
            if rrset is not None:
                lifetimes.append(rrset.ttl)
                return WireAnswer(_texts(rrset), exists=True, ttl=min(lifetimes))
            alias = _find(response, current, dns.rdatatype.CNAME)
            if alias is None:
                break
            lifetimes.append(alias.ttl)
            current = alias[0].target
            if current in seen:
                raise NoAnswerError("its aliases go round in a circle")
            seen.add(current)
        else:
            break
        if response.rcode() == dns.rcode.NXDOMAIN:
            return WireAnswer((), exists=False, ttl=_negative_ttl(response))
        if _answers_for(response, current):
            return WireAnswer((), exists=True, ttl=_negative_ttl(response))
    raise NoAnswerError("too many aliases")


def _answers_for(response: dns.message.Message, current: dns.name.Name) -> bool:
    """Say whether "no such record" is about *current*, not about the alias that leads there."""
    asked = response.question[0].name if response.question else None
    return asked == current or any(s.rdtype == dns.rdatatype.SOA for s in response.authority)


def _exchange(
    name: dns.name.Name, kind: dns.rdatatype.RdataType, servers: list[tuple[str, int]], deadline: float
) -> dns.message.Message:
    """Get one usable response from one of *servers*."""
    query = dns.message.make_query(name, kind, use_edns=True, payload=_PAYLOAD)
    turns = servers * (_TRIES if len(servers) == 1 else 1)
    note, timed_out = "no nameserver", False
    for turn, (host, port) in enumerate(turns):
        left = deadline - time.monotonic()
        if left <= 0:
            raise NoAnswerError("no answer in time", timed_out=True)
        share = left / (len(turns) - turn)
        try:
            response = _transport(query, host, port, share, deadline)
        except dns.exception.Timeout:
            note, timed_out = "no answer in time", True
            continue
        except Exception as error:  # noqa: BLE001 - EOFError on a TCP answer cut off, and whatever nonsense meets next
            note, timed_out = f"no usable answer ({type(error).__name__})", False
            continue
        rcode = response.rcode()
        if rcode in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN} and not _is_referral(response):
            return response
        note, timed_out = f"the nameserver answers {dns.rcode.to_text(rcode)}", False
        if len(servers) == 1:
            # The only nameserver has spoken; asking it again changes nothing.
            break
    raise NoAnswerError(note, timed_out=timed_out)


def _transport(
    query: dns.message.Message, host: str, port: int, share: float, deadline: float
) -> dns.message.Message:
    try:
        return dns.query.udp(
            query, host, share, port, ignore_unexpected=True, ignore_errors=True, raise_on_truncation=True
        )
    except dns.message.Truncated:
        left = max(deadline - time.monotonic(), 0.05)
        return dns.query.tcp(query, host, left, port)


def _is_referral(response: dns.message.Message) -> bool:
    """Say whether the server only points elsewhere: it neither recurses nor knows."""
    return (
        response.rcode() == dns.rcode.NOERROR
        and not response.answer
        and not response.flags & (dns.flags.RA | dns.flags.AA)
    )


def _find(response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> RRset | None:
    for rrset in response.answer:
        if rrset.name == name and rrset.rdtype == kind and len(rrset):
            return rrset
    return None


def _texts(rrset: RRset) -> tuple[str, ...]:
    """Return the records as text, sorted: servers rotate them."""
    if len(rrset) > MAX_RECORDS:
        raise NoAnswerError(f"the answer has {len(rrset)} records")
    found: list[str] = []
    size = 0
    for rdata in rrset:
        text = _text(rdata)
        size += len(text)
        if size > MAX_CHARS:
            raise NoAnswerError("the answer is too large")
        found.append(text)
    return tuple(sorted(found))


def _text(rdata: Rdata) -> str:
    if isinstance(rdata, TXT):
        raw = b"".join(rdata.strings)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    if isinstance(rdata, (A, AAAA)):
        return str(rdata.address)
    if isinstance(rdata, MX):
        return f"{rdata.preference} {rdata.exchange.to_text(omit_final_dot=True).lower()}"
    if isinstance(rdata, PTR):
        return rdata.target.to_text(omit_final_dot=True).lower()
    raise NoAnswerError("the answer is of another type")


def _negative_ttl(response: dns.message.Message) -> int:
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.SOA and len(rrset):
            return int(min(rrset.ttl, rrset[0].minimum))
    return _NEGATIVE_TTL


def _address(server: tuple[str, int]) -> tuple[str, int]:
    """Return the server's IP address; a name is looked up by the system."""
    import socket  # noqa: PLC0415 - only where a name was configured

    host, port = server
    if dns.inet.is_address(host):
        return host, port
    return str(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][4][0]), port


def _system_servers() -> list[tuple[str, int]]:
    """Return the nameservers that the system is set up with."""
    import dns.resolver  # noqa: PLC0415 - only where none is configured

    resolver = dns.resolver.get_default_resolver()
    found: list[tuple[str, int]] = []
    for server in resolver.nameservers:
        host = server if isinstance(server, str) else getattr(server, "address", None)
        port = resolver.port if isinstance(server, str) else getattr(server, "port", 53)
        if host and dns.inet.is_address(host):
            found.append((host, port))
    if not found:
        raise ValueError("the system names no nameserver")
    return found[:_MAX_SERVERS]

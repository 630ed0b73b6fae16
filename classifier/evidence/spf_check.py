"""One SPF check (RFC 7208) by pyspf, with every look-up through our own resolver.

pyspf asks a global resolver of its own; its look-up method is replaced, query
by query. What was asked and answered is kept: a verdict can be no steadier
than the answers it rests on.
"""

from __future__ import annotations

import functools

from classifier.dataclass import dataclass
from classifier.evidence import foreign
from classifier.evidence.hosts import ip_of, is_internal, organisation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from classifier.evidence.base import DnsAnswer, Resolver

#: pyspf counts mechanisms; an "mx" alone may ask ten more. More than this is no policy.
_MAX_QUESTIONS = 60
#: Networks wider than these belong to a provider, not to one sender.
_WIDE_IPV4, _WIDE_IPV6 = 22, 48


@dataclass(frozen=True)
class SpfResult:
    """What a domain's policy says of one client.

    Attributes:
        result: ``pass``, ``fail``, ``softfail``, ``neutral``, ``none``,
            ``temperror`` or ``permerror``.
        domain: whose policy.
        mechanism: the term that matched, as written where it stands; None
            where none did.
        shared: True where what matched is, or may be, used by others too: an
            include of another organisation's record, its hosts, a wide network.
        open_to_all: True where the policy lets everybody pass.
        answers: what the check rests on: (name, type) to records.
        note: why there is no result.

    """

    result: str
    domain: str
    mechanism: str | None = None
    shared: bool = False
    open_to_all: bool = False
    answers: tuple[tuple[tuple[str, str], tuple[str, ...]], ...] = ()
    note: str = ""

    @property
    def knows_ipv6(self) -> bool:
        """Say whether the policy lets any address of IPv6 pass, as far as it was read: many were written before."""
        return any(
            ("ip6:" in text.lower() or "exists:" in text.lower()) if kind == "TXT" else kind == "AAAA"
            for (_, kind), records in self.answers
            for text in records
        )

    @property
    def record(self) -> str | None:
        """The domain's own SPF record, or None."""
        return spf_record(dict(self.answers).get((self.domain, "TXT"), ()))


def spf_record(texts: tuple[str, ...]) -> str | None:
    """Return the one SPF record among the TXT records of a name, or None."""
    found = [t for t in texts if t.lower() == "v=spf1" or t.lower().startswith("v=spf1 ")]
    return found[0] if len(found) == 1 else None


def check(
    address: str, sender: str, helo: str | None, resolver: Resolver, record: str | None = None
) -> SpfResult:
    """Check whether *address* may send for the domain of *sender*. Never raises.

    Args:
        address: the client's IP address.
        sender: the envelope sender.
        helo: what the client called itself, for macros.
        resolver: our DNS.
        record: used in place of what DNS has: one that stood there before.

    """
    domain = sender.rpartition("@")[2].rstrip(".").lower()
    try:
        query = _query_class()(address, sender, (helo or "unknown")[:255], resolver)
        result, _, note = query.check(record)
    except Exception as error:  # noqa: BLE001 - pyspf asserts and overflows on policies out of shape
        return SpfResult("permerror", domain, note=type(error).__name__)
    answers = tuple(query.answered.items())
    mechanism = query.mechanism
    if result != "pass":
        return SpfResult(result, domain, mechanism, answers=answers, note=note if "error" in result else "")
    via: list[str] = query.passed_by
    owner = organisation(domain)
    if any(organisation(d) != owner for d in via):
        return SpfResult(result, domain, mechanism, shared=True, answers=answers)
    if via and via[0] != domain:
        # An include of our own: what matched stands in there.
        inner = check(address, f"postmaster@{via[0]}", helo, resolver)
        mechanism = inner.mechanism or mechanism
    everybody = _kind(mechanism) == "all"
    shared = not everybody and _is_shared(mechanism, domain, query)
    return SpfResult(result, domain, mechanism, shared, everybody, answers)


def _kind(mechanism: str | None) -> str:
    return (mechanism or "").lstrip("+").partition(":")[0].partition("/")[0].lower()


def _is_shared(mechanism: str | None, domain: str, query: Any) -> bool:  # noqa: ANN401 - pyspf has no types
    """Say whether what matched may be somebody else's host, too."""
    kind = _kind(mechanism)
    text = (mechanism or "").lower()
    _, _, length = text.partition("//" if "//" in text and query.v == "ip6" else "/")
    length = length.partition("/")[0]
    widest = _WIDE_IPV6 if query.v == "ip6" else _WIDE_IPV4
    if length.isdigit() and int(length) < widest:
        return True
    if kind in {"ip4", "ip6", "ptr"}:
        return False
    owner = organisation(domain)
    target = text.partition(":")[2].partition("/")[0] or domain
    if kind == "a":
        return organisation(target) != owner
    if kind == "mx":
        hosts = [m.partition(" ")[2] for m in query.answered.get((target.rstrip("."), "MX"), ())]
        return any(organisation(host) != owner for host in hosts)
    return True


def _is_inside(address: str) -> bool:
    """Say whether no host outside can have *address*; 127.0.0.2 and the like are answers to "exists"."""
    ip = ip_of(address)
    return ip is not None and is_internal(ip) and not ip.is_loopback


@functools.cache
def _query_class() -> Any:  # noqa: ANN401 - pyspf has no types
    """Make the query class once pyspf is there."""
    spf = foreign.spf()

    class Query(spf.query):  # type: ignore[misc, name-defined]
        """pyspf's query, asking our resolver."""

        def __init__(self, address: str, sender: str, helo: str, resolver: Resolver) -> None:
            super().__init__(address, sender, helo, receiver="unknown")
            self.resolver = resolver
            self.answered: dict[tuple[str, str], tuple[str, ...]] = {}
            self.passed_by: list[str] = []
            self.questions = 0

        def check1(self, record: str, domain: str, recursion: int) -> Any:  # noqa: ANN401
            found = super().check1(record, domain, recursion)
            if found[0] == "pass":
                self.passed_by.append(str(domain).rstrip(".").lower())
            return found

        def get_explanation(self, _spec: str) -> None:
            """Ask nobody: explanations are for people who are turned away."""

        def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:  # noqa: ARG002 - pyspf's signature; our resolver follows aliases
            name = str(name).rstrip(".").lower()
            if qtype == "SPF":  # retired (RFC 7208 section 3.1)
                return []
            self.questions += 1
            if self.questions > _MAX_QUESTIONS:
                raise spf.PermError("the policy asks too much")
            answer: DnsAnswer = self.resolver.query(name, qtype)
            if not answer.available:
                raise spf.TempError(answer.note)
            if qtype in {"A", "AAAA"} and any(map(_is_inside, answer.records)) and not _is_inside(self.i):
                raise spf.TempError("our own side's DNS names addresses inside, the world's another one")
            self.answered[name, qtype] = answer.records
            if not answer.records and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                    raise spf.PermError("too many names that do not exist")
            if qtype == "TXT":
                return [(record.encode("utf-8", "replace"),) for record in answer.records]
            if qtype == "MX":
                pairs = (record.partition(" ") for record in answer.records)
                return [(int(preference), host) for preference, _, host in pairs if preference.isdigit()]
            return list(answer.records)

    return Query

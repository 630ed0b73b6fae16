"""Authentication results: what the reporting side itself found when the original came in.

Anyone can type these fields. They are the reporting side's word only where
they stand above its own Received field (RFC 8601 section 5, RFC 8617) and bear
the name of the host that wrote that; and its word reaches us only where the
report came from there. It looked at the whole message, at the time: better
than what can be looked up afterwards, where it says something.
"""

from __future__ import annotations

from classifier.evidence.base import Evidence, Lookups, forged, genuine, neutral
from classifier.evidence.hosts import organisation
from classifier.evidence.origin import border_hop, observed_client
from classifier.evidence.ours import is_our_name
from classifier.vocabulary import Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.authres_header import AuthResult
    from classifier.identity import Identity
    from classifier.parse.headers import HeaderField
    from classifier.parse.report import Report, TraceHop

#: The fields that carry results, lower case.
FIELDS = frozenset({"authentication-results", "arc-authentication-results", "received-spf"})
#: So many such fields are read.
_MAX_FIELDS = 20


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Weigh the reporting side's own results about our domains; say where some were typed in."""
    if not report.original.headers.has_any(FIELDS):
        return
    results = [r for r in reporter_results(report) if any(identity.owns_domain(d) for d in r.domains)]
    if not results:
        typed = _typed(report, identity)
        if typed is not None:
            detail = f"results of {typed.server or 'nobody'} stand below the reporting side's own hop: anyone can type them"
            yield neutral("authres", "typed", detail)
        return
    client = observed_client(report)
    if client is None or is_our_name(client.by, identity):
        return  # our own server's results are about mail on its way in
    passed = {r.method for r in results if r.result == "pass"}
    failed = {r.method for r in results if r.result == "fail"}
    server = results[0].server or client.by
    told = f"{server} noted when it took the original in: " + ", ".join(
        f"{r.method}={r.result} for {r.domains[0][:80]}" for r in results[:4]
    )
    if "dkim" in passed:
        # It had the body, too; it may still have been a replay.
        strength = Strength.STRONG if client.vouched else Strength.WEAK
        finding = "dkim-pass" if client.vouched else "dkim-pass-unvouched"
        yield genuine("authres", strength, finding, told)
    elif "dmarc" in passed:
        yield genuine("authres", Strength.WEAK, "dmarc-pass", told)
    elif "spf" in passed:
        yield genuine("authres", Strength.WEAK, "spf-pass", told)
    elif "dmarc" in failed:
        # Forwarding breaks SPF, and lists break DKIM: never more than weak.
        yield forged("authres", Strength.WEAK, "dmarc-fail", told)
    elif "spf" in failed:
        yield forged("authres", Strength.WEAK, "spf-fail", told)


def reporter_results(report: Report) -> tuple[AuthResult, ...]:
    """Return the results that the reporting side wrote on the original, and nobody else."""
    fields, border = _fields(report)
    if border is None:
        return ()
    hop = border_hop(report)
    writer = organisation(report.original.trace[hop].by) if hop is not None else None
    if writer is None:
        return ()
    from classifier.evidence.authres_header import parse_results  # noqa: PLC0415 - only where there are some

    found: list[AuthResult] = []
    for field in [f for f in fields[:border] if f.key in FIELDS][:_MAX_FIELDS]:
        found += [r for r in parse_results(field.key, field.value) if organisation(r.server) == writer]
    return tuple(found)


def _fields(report: Report) -> tuple[tuple[HeaderField, ...], int | None]:
    """Return the original's fields and the position of the reporting side's border hop among them."""
    original = report.original
    hop = border_hop(report)
    fields = original.headers.fields
    if hop is None:
        return fields, None
    places = [index for index, field in enumerate(fields) if field.key == "received"]
    # The trace is read from these fields; where the two do not agree, nothing is placed.
    if hop >= len(places) or not is_hop(fields[places[hop]], original.trace[hop]):
        return fields, None
    return fields, places[hop]


def is_hop(field: HeaderField, hop: TraceHop) -> bool:
    """Say whether *hop* was read from *field*."""
    return " ".join(hop.raw.split())[:200] == " ".join(field.value.split())[:200]


def _typed(report: Report, identity: Identity) -> AuthResult | None:
    """Return a passing result about us that stands where its sender could type it."""
    from classifier.evidence.authres_header import parse_results  # noqa: PLC0415 - see above

    fields, border = _fields(report)
    seen = 0
    for field in fields[border or 0 :]:
        if field.key in FIELDS:
            seen += 1
            if seen > _MAX_FIELDS:
                return None
            for result in parse_results(field.key, field.value):
                if result.result == "pass" and any(identity.owns_domain(d) for d in result.domains):
                    return result
    return None

"""The reporter: is it known for misdirected bounces, and is the report itself authentic?

Neither says anything about the original; both make a report a little less
likely to be about mail of ours. Never more than weak.
"""

from __future__ import annotations

from classifier.evidence.authres import is_hop
from classifier.evidence.base import Evidence, Lookups, forged, neutral
from classifier.evidence.dnsbl import look_up
from classifier.evidence.hosts import IPAddress, ip_of, is_internal, organisation
from classifier.evidence.ours import is_our_client, is_our_name
from classifier.vocabulary import Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.authres_header import AuthResult
    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop

#: More lists than this are not asked.
_MAX_LISTS = 5
_MAX_HOPS = 20


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Ask the configured lists about the reporter; read what our own MX found about the report."""
    hop = delivering_hop(report, identity)
    if hop is None:
        return
    ip = ip_of(hop.client_address)
    if ip is not None and has_null_sender(report):
        yield from _listed(ip, lookups)
    yield from _failed(report, hop, identity)


def delivering_hop(report: Report, identity: Identity) -> TraceHop | None:
    """Return the hop at which our side took the report in from outside, or None."""
    for hop in report.trace[:_MAX_HOPS]:
        ip = ip_of(hop.client_address)
        if ip is not None and not is_internal(ip) and not is_our_client(hop, identity):
            return hop
    return None


def has_null_sender(report: Report) -> bool:
    """Say whether the report came with a null sender: the only mail such lists are about."""
    if report.envelope.mail_from is not None:
        return report.envelope.mail_from.strip("<> ") == ""
    value = report.headers.get("return-path")
    return value is not None and value.replace(" ", "") in {"<>", ""}


def _listed(ip: IPAddress, lookups: Lookups) -> Iterator[Evidence]:
    if lookups.resolver is None:
        return
    for zone in lookups.dnsbl[:_MAX_LISTS]:
        listing = look_up(ip, zone, lookups.resolver)
        if not listing.available:
            yield neutral("reporter", "list-unknown", f"{zone} cannot be asked about {ip}: {listing.note}")
        elif listing.listed:
            detail = f"{ip}, which brought the report, is on {zone} for misdirected bounces"
            yield forged("reporter", Strength.WEAK, "listed", detail)
            return


def _failed(report: Report, hop: TraceHop, identity: Identity) -> Iterator[Evidence]:
    """Read the Authentication-Results that our own side put on top of the report."""
    if "authentication-results" not in report.headers:
        return
    from classifier.evidence.authres_header import parse_results  # noqa: PLC0415 - only where there are some

    results: list[AuthResult] = []
    for field in report.headers.fields[:100]:
        if field.key == "received" and is_hop(field, hop):
            break  # what stands below came with the report
        if field.key == "authentication-results":
            results += [r for r in parse_results(field.key, field.value) if _is_ours(r.server, hop, identity)]
    failed = [r for r in results if r.result == "fail" and r.method in {"spf", "dkim", "dmarc"}]
    passed = {r.method for r in results if r.result == "pass"}
    if (
        failed
        and "dmarc" not in passed
        and ("dmarc" in {r.method for r in failed} or not passed & {"dkim", "spf"})
    ):
        told = ", ".join(dict.fromkeys(f"{r.method}={r.result}" for r in failed[:4]))
        detail = f"the report itself failed authentication at {failed[0].server}: {told}"
        yield forged("reporter", Strength.WEAK, "not-authentic", detail)


def _is_ours(server: str, hop: TraceHop, identity: Identity) -> bool:
    return is_our_name(server, identity) or (
        organisation(server) is not None and organisation(server) == organisation(hop.by)
    )

"""DMARC after the fact (RFC 7489): by our own policy, can such mail be ours?

Most SPF records end in ~all: what no term names is suspect, and nothing more. A domain that publishes
p=reject says the rest: its mail is signed with its key, or comes from a host that its SPF record
names. Mail under our name that is neither is then not ours, as far as our own word goes. So this is
concluded from a softfail of SPF, with all that could explain it looked at there, and from a header
section that came back whole without a signature of ours; and it is strong only where the policy, like
the SPF record, was in DNS before the mail was seen.
"""

from __future__ import annotations

from classifier.evidence import spf
from classifier.evidence.base import Evidence, Lookups, forged
from classifier.evidence.dkim import keeps_signatures, may_be_signed
from classifier.evidence.hosts import organisation
from classifier.evidence.origin import observed_client
from classifier.evidence.ours import passed_on
from classifier.parse.addresses import domain_of
from classifier.vocabulary import Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from classifier.evidence.origin import ObservedClient
    from classifier.identity import Identity
    from classifier.parse.report import Original, Report

#: The purpose under which policies are remembered.
PURPOSE = "dmarc"


def gather(
    report: Report, identity: Identity, lookups: Lookups, found: Iterable[Evidence]
) -> Iterator[Evidence]:
    """Hold mail that SPF suspects, and that no signature of ours is on, against the policy of its author's domain."""
    if lookups.resolver is None or not any(e.name == "spf" and e.finding == "softfail" for e in found):
        return
    client = observed_client(report)
    domain = domain_of(report.original.from_address)
    if client is None or client.hop is None or domain is None or not identity.owns_domain(domain):
        return
    if not _is_whole(report.original) or may_be_signed(report.original.headers, {organisation(domain)}):
        return
    published = _published(domain, lookups)
    if published is None:
        return
    name, record, tags = published
    policy = tags.get("p", "") if name == f"_dmarc.{domain}" else tags.get("sp", tags.get("p", ""))
    if policy.lower() != "reject" or tags.get("pct", "100") != "100" or tags.get("t", "n").lower() == "y":
        return
    sender, sure = spf.envelope_sender(report, identity)
    arrival = client.when or report.arrival_date
    told = f"no signature of ours, and {client.address} is none of the hosts that SPF names; {name} says p=reject"
    if not sure or sender is None or spf.forwarding(report, client, identity, lookups):
        yield forged("dmarc", Strength.WEAK, "reject-unsure", f"{told}; it may have been passed on")
    elif not _stood(name, record, lookups, arrival) or not _spf_stood(client, sender, lookups, arrival):
        detail = f"{told}; whether it said so then is not known"
        yield forged("dmarc", Strength.WEAK, "reject-unconfirmed", detail)
    else:
        yield forged("dmarc", Strength.STRONG, "reject", told)
    _remember(name, record, lookups)


def observe(identity: Identity, lookups: Lookups) -> None:
    """Look our policies up and remember them; see :func:`classifier.evidence.spf.observe`."""
    for domain in identity.domains[: spf.MAX_OBSERVED]:
        published = _published(domain.lstrip("."), lookups)
        if published is not None:
            _remember(published[0], published[1], lookups)


def records_among(texts: Iterable[str]) -> list[str]:
    """Return the DMARC records among the TXT records of a name; only a single one counts (RFC 7489 section 6.6.3)."""
    return [text for text in texts if text.lower().replace(" ", "").startswith("v=dmarc1")]


def tags_of(record: str) -> dict[str, str]:
    """Read ``tag=value; ...`` (RFC 7489 section 6.4, RFC 6376 section 3.2), the first of each name."""
    found: dict[str, str] = {}
    for part in record.split(";"):
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip())
    return found


def _is_whole(original: Original) -> bool:
    """Say whether the header section is as it came in: whoever drops fields, or adds a list's, drops signatures, too."""
    return keeps_signatures(original) and original.verbatim and not passed_on(original.headers)


def _published(domain: str, lookups: Lookups) -> tuple[str, str, dict[str, str]] | None:
    """Return the policy that holds for mail from *domain*: its name, its record, its tags."""
    if lookups.resolver is None:
        return None
    owner = organisation(domain)
    above = (owner,) if owner is not None and domain.endswith(f".{owner}") else ()
    for at in (domain, *above):
        answer = lookups.resolver.query(f"_dmarc.{at}", "TXT")
        if not answer.available:
            return None
        if records := records_among(answer.records):
            # Several at one name are none, and no other name is asked then.
            return (f"_dmarc.{at}", records[0], tags_of(records[0])) if len(records) == 1 else None
    return None


def _stood(name: str, record: str, lookups: Lookups, arrival: datetime | None) -> bool:
    """Say whether the policy was seen in DNS, as it is now, before *arrival*."""
    if lookups.records is None or arrival is None:
        return False
    seen = lookups.records.remembered(name, PURPOSE)
    return any(s.record == record and s.first_seen <= arrival - spf.KNOWN_FOR for s in seen)


def _spf_stood(client: ObservedClient, sender: str, lookups: Lookups, arrival: datetime | None) -> bool:
    """Say the same of all that SPF's answer rests on."""
    from classifier.evidence.spf_check import check  # noqa: PLC0415 - for few messages

    if lookups.resolver is None:
        return False
    return spf.known_before(check(client.address, sender, client.helo, lookups.resolver), lookups, arrival)


def _remember(name: str, record: str, lookups: Lookups) -> None:
    if lookups.records is not None:
        lookups.records.remember(name, PURPOSE, record, lookups.now)

"""SPF after the fact: may the client that the reporting side saw send for us?

The address is the one that the reporting side recorded itself, never a typed
one. A pass through our own hosts is strong; through hosts that others use as
well, weak. A fail is strong only where it is known that the policy, and every
other answer it rests on, stood in DNS when the mail was seen; else today's
policy is held against yesterday's mail, or a lying server against our own.
Mail that was forwarded fails without anybody's fault.
"""

from __future__ import annotations

from datetime import timedelta

from classifier.evidence.base import Evidence, Lookups, forged, genuine, neutral
from classifier.evidence.chain import joined, leads_to_us, may_be_a_service, was_addressed_at
from classifier.evidence.hosts import ip_of, is_internal, organisation, tells_greeting
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import (
    ObservedClient,
    hop_of,
    may_speak_for_others,
    observed_client,
    own_border_hop,
    typed_below,
)
from classifier.evidence.ours import (
    Nature,
    is_authenticated,
    is_our_name,
    nature,
    resolved_relays,
    verified_name,
    written_by_us,
)
from classifier.vocabulary import TELL_OF_DELIVERY, Completeness, ReportKind, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from classifier.evidence.spf_check import SpfResult
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: The purpose under which policies are remembered.
PURPOSE = "spf"
#: Mail may have been made so long before it arrived, and a policy have stood before it was first seen.
_STOOD_STILL = timedelta(days=7)
#: A policy must have been seen so long before the mail, for a fail to be believed:
#: a change made the same day, or a server that lies today, is not yet "known".
KNOWN_FOR = timedelta(days=1)
#: Of so many of our domains the policies are looked up before there is a report.
MAX_OBSERVED = 20
#: So many policies of the past are tried.
_MAX_PAST = 4


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Check the observed client against our policy, now and as it was."""
    client = observed_client(report)
    if client is None or lookups.resolver is None:
        return
    sender, sure = envelope_sender(report, identity)
    if sender is None or _is_submission(report, client, identity):
        return
    if identity.is_relay_address(client.address) or (
        identity.relay_names and client.address in resolved_relays(identity, lookups)
    ):
        return  # the evidence of the path says so
    from classifier.evidence.spf_check import check  # noqa: PLC0415 - not for mail without a client

    result = check(client.address, sender, client.helo, lookups.resolver)
    arrival = client.when or report.arrival_date
    unchanged = known_before(result, lookups, arrival)
    _remember(result, lookups)
    then = (
        None
        if result.result in {"pass", "temperror"}
        else _as_it_was(result, client, sender, lookups, arrival)
    )
    seen = f"{client.by or 'the reporting side'} saw {client.address} connect"
    if then is not None:
        yield _passed(then, client, f"{seen}: pass for {then.domain} by the policy of that time")
        return
    told = f"{seen}: {result.result} for {result.domain}"
    if result.result == "pass":
        yield _passed(result, client, told)
    elif result.result in {"fail", "softfail"}:
        yield _failed(
            report, identity, lookups, client=client, result=result, told=told, sure=sure, unchanged=unchanged
        )
    elif result.result == "temperror":
        yield neutral("spf", "unknown", f"{seen}: the policy of {result.domain} cannot be asked for")
    else:
        yield neutral("spf", result.result, told)


def envelope_sender(report: Report, identity: Identity) -> tuple[str | None, bool]:
    """Return the address of ours that was used as envelope sender, and whether that is sure.

    A DSN is addressed to it (RFC 3464 section 2); so its own recipient tells
    where the original's Return-Path did not come back. Replies by people's
    programs may answer From, and From may be ours in mail that a service sends
    under its own return path.
    """
    path = report.original.return_path
    if path == "":
        return None, False
    if path and identity.owns_address(path):
        return path, True
    if report.kind in TELL_OF_DELIVERY:
        own = next((a for a in report.addressees if identity.owns_address(a)), None)
        if own is not None:
            return own, report.kind is ReportKind.DSN and path is None
    elif path is None and identity.owns_address(report.original.from_address):
        return report.original.from_address, False
    return None, False


def _is_submission(report: Report, client: ObservedClient, identity: Identity) -> bool:
    """Say whether the client handed the mail to a server that sends for it: SPF is not about that."""
    if is_our_name(client.by, identity) or written_by_us(report, identity):
        return True
    hop = hop_of(client, report)
    return hop is not None and is_authenticated(hop)


def _passed(result: SpfResult, client: ObservedClient, told: str) -> Evidence:
    if result.open_to_all:
        return neutral("spf", "open", f"{told}, as it lets everybody pass")
    told = f"{told} by {(result.mechanism or 'its record')[:80]}"
    if result.shared:
        return genuine("spf", Strength.WEAK, "pass-shared", f"{told}, which others send through as well")
    if not client.vouched:
        return genuine(
            "spf", Strength.WEAK, "pass-unvouched", f"{told}; that the report is from there is not shown"
        )
    return genuine("spf", Strength.STRONG, "pass", told)


def _failed(
    report: Report,
    identity: Identity,
    lookups: Lookups,
    *,
    client: ObservedClient,
    result: SpfResult,
    told: str,
    sure: bool,
    unchanged: bool,
) -> Evidence:
    """Weigh a fail: everything that explains it without a forger comes first."""
    hop = hop_of(client, report)
    if is_our_name(verified_name(hop) if hop else None, identity):
        return neutral(
            "spf", "fail-own-host", f"{told}; yet it is a host of ours by name: is the policy complete?"
        )
    link = forwarding(report, client, identity, lookups)
    if link == "name":
        return neutral(
            "spf", "fail-forwarded", f"{told}; that host passed it on for others: it is not the origin"
        )
    if not sure and report.kind not in TELL_OF_DELIVERY:
        return neutral("spf", "fail-unsure", f"{told}; under which return path it was sent is not known")
    if may_speak_for_others(client, report):
        return neutral("spf", "fail-next-door", f"{told}; it may be the reporting side's own firewall")
    if (ip := ip_of(client.address)) is not None and is_internal(ip):
        return neutral("spf", "fail-inside", f"{told}; no policy names private addresses")
    if _may_send_for_us(report, result, lookups):
        detail = f"{told}; but the reporting side may itself send for us, and the client be a user of it"
        return neutral("spf", "fail-at-provider", detail)
    if result.result == "softfail":
        return forged("spf", Strength.WEAK, "softfail", told)
    if link == "word" or client.hop is None or report.original.completeness is Completeness.PARTIAL:
        # Without the hops below, nobody can tell a forwarder from an origin.
        return forged(
            "spf", Strength.WEAK, "fail-maybe-forwarded", f"{told}; it may have been forwarded there"
        )
    if not sure:
        return forged("spf", Strength.WEAK, "fail-unsure", f"{told}; under which return path is not certain")
    if ip is not None and ip.version != 4 and not result.knows_ipv6:
        detail = f"{told}, which names no address of IPv6 at all: it may have been forgotten"
        return forged("spf", Strength.WEAK, "fail-forgotten", detail)
    if not unchanged and not _failed_then(report, client):
        detail = f"{told}; whether that policy stood then is not known"
        return forged("spf", Strength.WEAK, "fail-unconfirmed", detail)
    return forged("spf", Strength.STRONG, "fail", told)


def forwarding(report: Report, client: ObservedClient, identity: Identity, lookups: Lookups) -> str:
    """Say what shows that the client only passed the message on.

    ``name``: the next hop, or an address in To or Cc, is the client's own by
    its looked-up name; ``word``: only by what it called itself, or lines below
    lead from it to a host of ours; "": nothing.
    """
    addressed = was_addressed_at(report, client)
    if addressed == "name":
        return addressed
    name = client.name if nature(client.name, client.address) is Nature.NAMED else None
    owner = organisation(name)
    below = typed_below(report, client)
    writer = organisation(below[0].by) if below else None
    if writer is not None:
        if writer == owner:
            return "name"
        if writer == organisation(client.helo):
            return "word"
        kind = nature(client.name, client.address)
        hop = hop_of(client, report)
        if (
            hop is not None
            and client.name is None
            and not tells_greeting(hop)
            and not is_our_name(below[0].by, identity)
        ):
            return "word"  # nobody wrote down what it is called
        if client.name is None and may_be_a_service(client, hop, kind):
            return "word"  # services that filter have other names inside, and nobody looked this one's up
    elif below and nature(client.name, client.address) is not Nature.DIAL_UP:
        hop = hop_of(client, report)
        if hop is not None and joined(hop, below[0], identity):
            return "word"  # and names that are known inside alone
    if not addressed and leads_to_us(
        client, hop_of(client, report), below, identity, resolved_relays(identity, lookups)
    ):
        return "word"
    return addressed


def _may_send_for_us(report: Report, result: SpfResult, lookups: Lookups) -> bool:
    """Say whether the host that brought the report passes our own policy, as far as is known.

    Then it may be the provider whom our people hand their mail to, known there
    by their line instead of a password. Where nothing shows who brought it, it may be if
    it tried to pass the original on: what is refused in SMTP is reported by the sender's own side.
    """
    from classifier.evidence.spf_check import check  # noqa: PLC0415 - see above

    # Not the newest hop: that may be our own MX, which our policy names as well, handing the report on.
    hop = own_border_hop(report)
    ip = ip_of(hop.client_address) if hop is not None else None
    if hop is None or ip is None or is_internal(ip):
        return tried_to_pass_on(report)
    if lookups.resolver is None:
        return False
    own = check(str(ip), f"postmaster@{result.domain}", hop.helo, lookups.resolver)
    return own.result in {"pass", "temperror"}


def _failed_then(report: Report, client: ObservedClient) -> bool:
    """Say whether the reporting side found the same when the mail came in."""
    from classifier.evidence.authres import reporter_results  # noqa: PLC0415 - only for a fail

    return client.vouched and any(r.method == "spf" and r.result == "fail" for r in reporter_results(report))


# -- memory -----------------------------------------------------------------


def observe(identity: Identity, lookups: Lookups) -> None:
    """Look our policies up and remember them, so that a later fail can be believed.

    For the start of a sweep and for ``doctor``: a policy counts as known from
    the first time that it was seen.
    """
    if lookups.resolver is None or lookups.records is None:
        return
    from classifier.evidence.spf_check import check  # noqa: PLC0415 - see above

    for domain in identity.domains[:MAX_OBSERVED]:
        # Nobody sends from these; so every term is looked at.
        for address in ("0.0.0.0", "::"):  # noqa: S104 - not bound to
            _remember(check(address, f"postmaster@{domain.lstrip('.')}", None, lookups.resolver), lookups)


def _facts(result: SpfResult) -> dict[str, str] | None:
    """Return what the result rests on, by name and type; None where it cannot be kept.

    Macros and reverse names depend on the client: such answers are never
    known from before.
    """
    facts: dict[str, str] = {}
    for (name, kind), records in result.answers:
        if kind == "TXT":
            from classifier.evidence.spf_check import spf_record  # noqa: PLC0415 - see above

            text = spf_record(records)
            if text is not None and "%" in text:
                return None
            facts[name] = text or "none"
        elif kind in {"A", "AAAA", "MX"}:
            facts[f"{kind}/{name}"] = " ".join(records) or "none"
        else:
            return None
    return facts or None


def _remember(result: SpfResult, lookups: Lookups) -> None:
    facts = _facts(result)
    if lookups.records is None or facts is None or facts.get(result.domain, "none") == "none":
        return
    for name, text in facts.items():
        lookups.records.remember(name, PURPOSE, text, lookups.now)


def known_before(result: SpfResult, lookups: Lookups, arrival: datetime | None) -> bool:
    """Say whether all that the result rests on was seen in DNS before *arrival*, and is there now."""
    facts = _facts(result)
    if lookups.records is None or facts is None or arrival is None:
        return False
    for name, text in facts.items():
        seen = lookups.records.remembered(name, PURPOSE)
        if not any(s.record == text and s.first_seen <= arrival - KNOWN_FOR for s in seen):
            return False
    return True


def _as_it_was(
    result: SpfResult, client: ObservedClient, sender: str, lookups: Lookups, arrival: datetime | None
) -> SpfResult | None:
    """Return a pass by a policy that stood when the mail came in, if there was one."""
    if lookups.records is None or lookups.resolver is None or arrival is None:
        return None
    from classifier.evidence.spf_check import check  # noqa: PLC0415 - see above

    policies = [
        seen
        for seen in lookups.records.remembered(result.domain, PURPOSE)
        if seen.record.startswith("v=spf1")
    ]
    past = []
    for seen in policies:
        # Between the last sight of one policy and the first of the next, either may have stood.
        end = min((s.first_seen for s in policies if s.first_seen > seen.last_seen), default=lookups.now)
        if (
            seen.record != result.record
            and seen.first_seen <= arrival + _STOOD_STILL
            and arrival - _STOOD_STILL <= end
        ):
            past.append(seen)
    for seen in past[-_MAX_PAST:]:
        then = check(client.address, sender, client.helo, lookups.resolver, seen.record)
        if then.result == "pass" and not then.open_to_all:
            return then
    return None

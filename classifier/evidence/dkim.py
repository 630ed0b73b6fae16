"""DKIM: does the original carry a signature that only our key can have made?

Every signature with our d= is verified over the headers that came back, for a
report often returns no more; over the body, too, where it is there. A valid
one is proof, unless it was made for another message than the one that failed:
the signed headers of any mail of ours can be copied onto spam (a replay), so
they are held against the report's failed recipient and dates. A broken one
proves nothing, for returning servers drop and rewrite headers. A missing one
counts only where every message of ours is signed.
"""

from __future__ import annotations

from classifier.evidence.base import Evidence, Lookups, forged, neutral
from classifier.evidence.chain import joined, leads_to_us, may_be_a_service
from classifier.evidence.hosts import is_public_name, organisation
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import (
    ObservedClient,
    came_from_outside,
    hop_of,
    may_speak_for_others,
    observed_client,
    typed_below,
)
from classifier.evidence.ours import (
    Nature,
    below_our_domains,
    is_authenticated,
    is_our_client,
    is_our_name,
    knows_family,
    nature,
    resolved_relays,
    verified_name,
    written_by_us,
)
from classifier.vocabulary import Completeness, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.dkim_signature import Signature
    from classifier.identity import Identity
    from classifier.parse.headers import HeaderBlock
    from classifier.parse.report import Original, Report, TraceHop

#: So many signature fields are looked at for our d=.
_MAX_FIELDS = 100
#: So many of ours are verified, and so many of those that do not hold are told.
_MAX_TRIED = 10
#: More signatures than this are bait, and what is left of one of ours may be among them.
_MAX_SIGNATURES = 20
_MAX_TOLD = 3
#: The fields of RFC 5322 section 3.6 and MIME: all that some reporters return of a header section.
_STANDARD = frozenset({
    "from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "message-id", "in-reply-to", "references",
    "comments", "keywords", "return-path", "received", "mime-version", "content-type", "content-transfer-encoding",
    "content-disposition", "content-description", "content-id", "content-language",
})  # fmt: skip


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Verify every signature of ours; say so where there is none and should be one."""
    fields = report.original.headers.all_fields("dkim-signature")
    ours: list[Signature] = []
    if fields:
        # A cold filter spends its time on what a message has; most have no signature of ours.
        from classifier.evidence.dkim_signature import parse_signature  # noqa: PLC0415

        parsed = map(parse_signature, fields[:_MAX_FIELDS])
        ours = [s for s in parsed if s is not None and identity.owns_domain(s.domain)]
    if not ours:
        if len(fields) <= _MAX_FIELDS:
            yield from _absent(report, identity, lookups)
        return
    from classifier.evidence.dkim_worth import RANK, judge_signature  # noqa: PLC0415 - likewise

    best: Evidence | None = None
    failures: list[Evidence] = []
    for signature in ours[:_MAX_TRIED]:
        found = judge_signature(signature, report, identity, lookups)
        if found.finding.startswith("valid"):
            if best is None or RANK[found.strength] > RANK[best.strength]:
                best = found
            if best.strength is Strength.PROOF:
                break
        else:
            failures.append(found)
    # Two signatures of one message are one fact: only the better one counts.
    if best is not None:
        yield best
    yield from failures[:_MAX_TOLD]


def keeps_signatures(original: Original) -> bool:
    """Say whether the header section came back with what every message has: whoever drops that drops signatures as well."""
    return original.completeness in {Completeness.FULL, Completeness.HEADERS} and all(
        name in original.headers for name in ("from", "date", "received")
    )


def may_be_signed(headers: HeaderBlock, owners: set[str | None]) -> bool:
    """Say whether a signature there may be of one of the organisations *owners*: a broken one, or what is left of it.

    Signers of a domain's parts sign with names below it; gateways rename the
    field, and whoever re-wraps it may leave nothing of it that can be read.
    """
    from classifier.evidence.dkim_signature import parse_signature  # noqa: PLC0415 - for few messages

    names = [key for key in dict.fromkeys(headers.keys) if key.endswith("dkim-signature")]
    fields = [field for name in names for field in headers.all_fields(name)]
    if len(fields) > _MAX_SIGNATURES:
        return True
    signatures = [(field.key, parse_signature(field)) for field in fields]
    return any(
        key == "dkim-signature" if signature is None else organisation(signature.domain) in owners
        for key, signature in signatures
    )


def _absent(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Say what it means that no signature of ours is there."""
    original = report.original
    if not identity.signs_all or not keeps_signatures(original):
        return
    if written_by_us(report, identity) or is_our_name(report.reporting_mta, identity):
        # Our own server reports before it signs: Exim and many filters sign on the way out.
        return
    if may_be_signed(original.headers, {organisation(d.lstrip(".")) for d in identity.domains}):
        yield neutral("dkim", "absent-damaged", "no signature of ours, but what may be left of one")
        return
    client = observed_client(report)
    hop = hop_of(client, report) if client is not None else None
    if client is None or hop is None:
        yield neutral(
            "dkim", "absent-unplaced", "no signature of ours; whether it was sent yet is not to be told"
        )
        return
    if is_our_client(hop, identity):
        yield neutral(
            "dkim", "absent-unplaced", f"no signature of ours, yet {client.by} saw a host of ours connect"
        )
        return
    if is_authenticated(hop) or may_speak_for_others(client, report) or not came_from_outside(report):
        # Who sends for us may sign as late as on the way out, and has reported before.
        yield neutral(
            "dkim", "absent-unplaced", f"no signature of ours on what {client.by} had from one of its own"
        )
        return
    strength = Strength.WEAK if _may_be_lost(report, client, hop, identity, lookups) else Strength.STRONG
    yield forged(
        "dkim",
        strength,
        "absent",
        f"no signature of ours on what {client.by} took in from {client.address}; all our mail is signed",
    )


def _may_be_lost(
    report: Report, client: ObservedClient, hop: TraceHop, identity: Identity, lookups: Lookups
) -> bool:
    """Say whether a signature may have been taken off on the way, or not have been put on yet.

    Lists and resenders take signatures off, and forwarders and filters that make
    mail anew; reporters may return a choice of fields. Who tried to pass the original on may be whom a server of ours hands
    its mail to, to have it signed.
    """
    original = report.original
    if not original.verbatim or any(
        name in original.headers for name in ("list-id", "list-post", "resent-from")
    ):
        return True
    if original.completeness is Completeness.HEADERS and _STANDARD.issuperset(original.headers.keys):
        return True  # a choice of fields, for all that is shown
    typed, relays = typed_below(report, client), resolved_relays(identity, lookups)
    if leads_to_us(client, hop, typed, identity, relays):
        return True
    if nature(verified_name(hop), hop.client_address) is Nature.DIAL_UP:
        return False
    if _greets_as_a_server_of_ours(client, identity) and tried_to_pass_on(report):
        return True
    return (
        bool(typed)
        and joined(hop, typed[0], identity) != ""
        and _had_it_from_a_server(typed[0])
        and not knows_family(typed[0].client_address or "", identity, relays)
    )


def _greets_as_a_server_of_ours(client: ObservedClient, identity: Identity) -> bool:
    """Say whether a client greets with a name below our domains, or with one that is known inside only."""
    owner = organisation(client.helo)
    return below_our_domains(client.helo, identity) or (owner is not None and not is_public_name(owner))


def _had_it_from_a_server(hop: TraceHop) -> bool:
    """Say whether a host on the way had the message from a server that did not authenticate itself: it may be ours."""
    client = ObservedClient(address=hop.client_address or "", helo=hop.helo)
    kind = nature(verified_name(hop), hop.client_address)
    return not is_authenticated(hop) and may_be_a_service(client, hop, kind)

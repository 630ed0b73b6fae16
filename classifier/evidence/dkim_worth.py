"""What one signature of ours is worth: does it hold, by which key, and for which message was it made?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from classifier.dataclass import dataclass
from classifier.evidence import dkim_verify as verify
from classifier.evidence.base import Evidence, Lookups, genuine, neutral
from classifier.evidence.dkim_keys import PAST, Standing, find_keys
from classifier.evidence.hosts import organisation
from classifier.evidence.origin import observed_client
from classifier.parse.addresses import domain_of, find_addresses, normalise
from classifier.vocabulary import Completeness, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.evidence.dkim_signature import KeyRecord, Signature
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: Mail is queued for five days at most (RFC 5321 section 4.5.4.1), and clocks are off by a day.
_OLDEST = timedelta(days=14)
_NEWEST = timedelta(days=2)
#: Fields whose unsigned double would be shown, or answered, in place of the signed one.
_SHOWN = ("to", "cc", "subject", "date", "message-id", "sender", "reply-to")
#: Shorter keys can be broken by anyone with a few days' computing; still shorter ones at home.
_PROOF_BITS = 1_024
_STRONG_BITS = 768


@dataclass(frozen=True)
class _Limit:
    """A reason why a valid signature is less than proof."""

    strength: Strength
    finding: str
    remark: str


#: Strengths in their order.
RANK = {Strength.WEAK: 0, Strength.STRONG: 1, Strength.PROOF: 2}


def judge_signature(signature: Signature, report: Report, identity: Identity, lookups: Lookups) -> Evidence:
    """Verify one signature and say what it is worth."""
    label = f"d={signature.domain} s={signature.selector[:60]}"
    if signature.problem:
        return neutral("dkim", "malformed", f"{label}: not a signature: {signature.problem}")
    found = find_keys(signature.key_name, identity, lookups)
    if not found.keys:
        if not found.available:
            return neutral("dkim", "unverified", f"{label}: no key to be had: {found.note}")
        what = "its key is revoked" if found.revoked else "DNS has no such key"
        return neutral("dkim", "no-key", f"{label}: {what}; it cannot be verified")

    headers = report.original.headers
    signed = verify.signed_fields(signature, headers)
    attempts = [("", signed), *verify.repairs(signed)]
    unusable = ""
    for record, standing in found.keys:
        try:
            key = verify.load_key(record, signature)
        except verify.UnusableKeyError as error:
            unusable = str(error)
            continue
        for undone, attempt in attempts:
            if verify.headers_hold(signature, attempt, key):
                return _valid(label, signature, report, _Holds(record, standing, key, undone))
        unusable = ""
    if unusable:
        return neutral("dkim", "key-unusable", f"{label}: {unusable}")
    if report.original.completeness is Completeness.PARTIAL:
        return neutral(
            "dkim", "broken", f"{label}: does not verify; the returned headers are cut off or rewritten"
        )
    why = verify.why_broken(signature, headers)
    return neutral("dkim", "broken", f"{label}: does not verify; {why}")


@dataclass(frozen=True)
class _Holds:
    """A signature that holds: by which key, and after what was undone."""

    record: KeyRecord
    standing: Standing
    key: verify.LoadedKey
    undone: str


def _valid(label: str, signature: Signature, report: Report, holds: _Holds) -> Evidence:
    """Say what a signature that holds over the headers is worth."""
    limits = [
        *_key_limits(signature, holds),
        *_unsigned_doubles(signature, report),
        *_replay(signature, report),
    ]
    remarks = [_body_remark(signature, report)]
    if holds.undone:
        remarks.append(f"after {holds.undone} had been undone")
    if holds.record.testing:
        remarks.append("the key says it is a test (t=y)")
    arrival = _arrival(report)
    if signature.expires is not None and arrival and arrival.timestamp() > signature.expires:
        remarks.append("expired on arrival (x=), yet ours")
    detail = f"{label}: valid over {'; '.join(r for r in remarks if r)}; key {holds.standing.value}"
    if not limits:
        return genuine("dkim", Strength.PROOF, "valid", detail)
    worst = min(limits, key=lambda limit: RANK[limit.strength])
    return genuine(
        "dkim", worst.strength, worst.finding, f"{detail}; but {'; '.join(x.remark for x in limits)}"
    )


def _body_remark(signature: Signature, report: Report) -> str:
    original = report.original
    if original.completeness is not Completeness.FULL or original.body is None or not original.verbatim:
        return "the headers"

    same = verify.body_holds(signature, original.body)
    if same is None:
        return "the headers (body not checked)"
    return "headers and body" if same else "the headers (the body came back changed or cut off)"


def _key_limits(signature: Signature, holds: _Holds) -> Iterator[_Limit]:
    if holds.standing in PAST:
        yield _Limit(Strength.STRONG, "valid-old-key", f"its key is {holds.standing.value}")
    if holds.key.kind == "rsa" and holds.key.bits < _PROOF_BITS:
        strength = Strength.STRONG if holds.key.bits >= _STRONG_BITS else Strength.WEAK
        yield _Limit(strength, "valid-weak-key", f"a key of {holds.key.bits} bits can be broken")
    if signature.algorithm == "rsa-sha1":
        yield _Limit(Strength.STRONG, "valid-sha1", "SHA-1 no longer counts (RFC 8301)")
    host = (signature.signing_identity or signature.domain).rpartition("@")[2]
    if not signature.identity_fits or (holds.record.strict_identity and host != signature.domain):
        yield _Limit(Strength.STRONG, "valid-odd", "i= is not within d=")


def _unsigned_doubles(signature: Signature, report: Report) -> Iterator[_Limit]:
    """Find fields put on top of signed ones of the same name, which say something else."""
    headers = report.original.headers
    for name in _SHOWN:
        fields = headers.all_fields(name)
        covered = signature.signed.count(name)
        if not covered or len(fields) <= covered:
            continue
        extra, kept = fields[: len(fields) - covered], {f.value for f in fields[len(fields) - covered :]}
        if any(field.value not in kept for field in extra):
            yield _Limit(
                Strength.WEAK,
                "valid-doubled",
                f"a second {name.title()} was put above the signed one, and differs",
            )


def _replay(signature: Signature, report: Report) -> Iterator[_Limit]:
    """Hold what was signed against what the report says failed."""
    original = report.original
    failed = {
        normalise(address)
        for r in report.recipients
        for address in (r.final_recipient, r.original_recipient)
        if address and "@" in address
    }
    named: set[str] = set()
    for name in ("to", "cc"):
        covered = signature.signed.count(name)
        fields = original.headers.all_fields(name)
        if covered:
            kept = fields[len(fields) - covered :] if covered < len(fields) else fields
            named.update(normalise(a) for field in kept for a in find_addresses(field.value))
    unsigned = [n for n in ("to", "cc") if n in original.headers and n not in signature.signed]
    if failed and not any(_same_mailbox(f, n) for f in failed for n in named):
        if unsigned and not named:
            yield _Limit(
                Strength.STRONG, "valid-unbound", "neither To nor Cc is signed: its headers fit any recipient"
            )
        else:
            yield _Limit(
                Strength.STRONG,
                "valid-replayed",
                f"it was signed for {_some(named)}, and {_some(failed)} failed:"
                " replayed, or sent by Bcc, a list or a forward",
            )
    if "subject" in original.headers and "subject" not in signature.signed:
        yield _Limit(Strength.STRONG, "valid-unbound", "Subject is not signed")
    made = _made(signature, report)
    arrival = _arrival(report)
    if made and arrival and not -_NEWEST <= arrival - made <= _OLDEST:
        days = abs((arrival - made).days)
        order = "before" if arrival > made else "after"
        yield _Limit(
            Strength.STRONG,
            "valid-replayed",
            f"it was signed {days} days {order} it arrived there: replayed, or a clock off",
        )


def _same_mailbox(failed: str, named: str) -> bool:
    """Say whether two addresses are one mailbox to a reporting server.

    It may name its inner host, or the address without its tag.
    """
    if failed == named:
        return True
    local, other = failed.rpartition("@")[0].partition("+")[0], named.rpartition("@")[0].partition("+")[0]
    return local == other and organisation(domain_of(failed)) == organisation(domain_of(named)) is not None


def _some(addresses: set[str]) -> str:
    shown = sorted(addresses)[:2]
    more = len(addresses) - len(shown)
    return (", ".join(a[:80] for a in shown) + (f" and {more} more" if more else "")) or "nobody by name"


def _made(signature: Signature, report: Report) -> datetime | None:
    """Return when the message was signed, by the signer; else its signed Date."""
    if signature.signed_at is not None:
        try:
            return datetime.fromtimestamp(signature.signed_at, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return report.original.date if "date" in signature.signed else None


def _arrival(report: Report) -> datetime | None:
    """Return when the original reached the reporting side, by its own clock or ours."""
    if report.arrival_date is not None:
        return report.arrival_date
    client = observed_client(report)
    if client is not None and client.when is not None:
        return client.when
    if report.envelope.received_at is not None:
        return report.envelope.received_at
    return report.trace[0].when if report.trace else None

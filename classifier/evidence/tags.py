"""Tags: does the address that the report came to carry a tag that only we can make?

Three sorts of tag stand in return paths:

- BATV (draft-levine-smtp-batv): ``prvs=KDDDSSSSSS=local@domain``, K the key's
  number, DDD the day of expiry, SSSSSS the start of an HMAC over them and the
  address. The 7-day window is seen from the DSN's Arrival-Date or our receipt;
  the original's Date is the forger's own word and is never asked.
- SRS (Sender Rewriting Scheme): ``SRS0=HHHH=TT=host=local@ours`` and
  ``SRS1=HHHH=host==...``. A valid one shows that we forwarded the mail, not
  that we wrote it. It points to genuine all the same: the return path is of
  our forwarder's making, so the report is meant for us, and our forwarder has
  to pass it on.
- VERP: ``list-bounces+user=dom.test@ours``: made by rule, without a secret.

A valid tag is strong and no proof: everybody we write to can read it off our
message for as long as it lasts.
"""

from __future__ import annotations

import re
from datetime import timedelta

from classifier.dataclass import dataclass
from classifier.evidence import srs
from classifier.evidence.base import Evidence, Lookups, forged, genuine, neutral
from classifier.evidence.origin import came_from_outside, own_border_hop
from classifier.evidence.ours import came_from_inside, sent_on_by_us
from classifier.evidence.srs import SLACK_DAYS, days_of
from classifier.parse.addresses import domain_of, find_addresses, normalise
from classifier.parse.report import ADDRESSEE_FIELDS
from classifier.vocabulary import TELL_OF_DELIVERY, PointsTo, ReportKind, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from classifier.identity import Identity
    from classifier.parse.report import Report

#: Patterns are compiled at first use: most reports carry no tag, and a mail filter starts cold.
#: prvs=KDDDSSSSSS=local, and the older order prvs=local/KDDDSSSSSS.
_PRVS = r"(?ai)prvs=([0-9])([0-9]{3})([0-9a-f]{6})=(.{1,256})"
_PRVS_OLD = r"(?ai)prvs=(.{1,256})/([0-9])([0-9]{3})([0-9a-f]{6})"
_VERP = r"(.{1,128}?)[+-]([^+=]{1,64})=([A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24})"
#: Tags of gateways that keep their keys to themselves (Barracuda, Momentum).
_FOREIGN_TAG = r"(?ai)(?:btv1==|msprvs1=)"
#: How long a BATV tag lives, in days.
BATV_DAYS = 7
#: A report comes at most this long after the mail arrived where it failed.
_LONGEST_QUEUE = timedelta(days=14)
#: Mail sent just before tagging began may wait in queues for so long.
_MARGIN = timedelta(days=7)
_MAX_CANDIDATES = 20
#: The longest local part that SMTP knows (RFC 5321 section 4.5.3.1.1); with a BATV tag of 16 letters, it is shorter.
_LONGEST = 64
_LONG = _LONGEST - 16


@dataclass(frozen=True)
class _Seen:
    """The times at which a tag may be looked at: our receipt, and the arrival elsewhere."""

    received: datetime
    arrived: datetime | None

    @property
    def moments(self) -> tuple[datetime, ...]:
        return (self.received,) if self.arrived is None else (self.received, self.arrived)


def gather(report: Report, identity: Identity, lookups: Lookups) -> Iterator[Evidence]:
    """Check every tag in the addresses that the report came to and in the returned return path."""
    tagged = False
    found: list[Evidence] = []
    seen: _Seen | None = None
    for address in _candidates(report):
        if "=" not in address and "srs" not in address.lower():
            continue
        local = address.rpartition("@")[0].strip('"')
        if "=" not in local and local[:3].lower() != "srs":
            continue  # no tag, of whatever sort
        seen = seen or _seen(report, lookups)
        if local[:5].lower() == "prvs=" and identity.owns_address(address):
            tagged = True
            found += _batv(local, address, identity, seen, report)
        elif local[:4].lower() in {"srs0", "srs1"}:
            tagged = True
            found += srs.judge(local, address, identity, seen.moments)
        elif re.match(_FOREIGN_TAG, local):
            tagged = True
            found.append(
                neutral("tags", "other-tag", f"{address} carries a tag whose key is not ours to check")
            )
        elif identity.owns_address(address):
            found += _verp(local, address, report)
    if found:
        yield from _agreed(found)
    if not tagged and identity.batv_since is not None and identity.batv_keys:
        yield from _missing(report, identity, seen or _seen(report, lookups))


def _agreed(found: list[Evidence]) -> list[Evidence]:
    """Keep one of each; a valid tag stands over a broken copy of it in another field.

    Delivery agents and reports fold case and cut addresses when they show them.
    """
    distinct = list({(e.finding, e.detail): e for e in found}.values())
    if any(e.points_to is PointsTo.GENUINE and e.strength is Strength.STRONG for e in distinct):
        distinct = [e for e in distinct if e.points_to is not PointsTo.FORGED]
    strengths = {e.finding: e for e in reversed(distinct)}
    return list(reversed(strengths.values()))


def _candidates(report: Report) -> tuple[str, ...]:
    """Return the addresses that may carry a tag, as written (case matters in them)."""
    values = [report.envelope.rcpt_to, *_taken_in_for(report)]
    for name in report.headers.those_of(ADDRESSEE_FIELDS):
        values += report.headers.get_all(name, 5)
    values += report.original.headers.get_all("return-path", 3)
    found: dict[str, None] = {}
    for value in values:
        for address in find_addresses(value)[:_MAX_CANDIDATES]:
            found.setdefault(address.strip("<>"))
    return tuple(found)[:_MAX_CANDIDATES]


def _taken_in_for(report: Report) -> list[str | None]:
    """Return for whom our own hosts took the report in: further down the house a tag is taken off."""
    border = own_border_hop(report)
    found: list[str | None] = []
    for hop in report.trace[:_MAX_CANDIDATES] if border is not None else ():
        found.append(hop.for_address)
        if hop is border:
            break
    return found


def _seen(report: Report, lookups: Lookups) -> _Seen:
    hop_time = report.trace[0].when if report.trace else None
    received = report.envelope.received_at or hop_time or lookups.now
    received = min(received, lookups.now + timedelta(days=1))
    arrived = report.arrival_date
    if arrived is not None and not received - _LONGEST_QUEUE <= arrived <= received + timedelta(days=1):
        arrived = None  # whoever writes the report writes this date too: it moves the window a little at most
    return _Seen(received, arrived)


def batv_hash(key: str, number: str, day: str, address: str) -> str:
    """Return SSSSSS: the first three bytes of HMAC-SHA1 over ``KDDD`` and the address, in hex."""
    import hashlib  # noqa: PLC0415 - OpenSSL costs a filter 2 ms, and most reports carry no tag
    import hmac  # noqa: PLC0415 - likewise

    message = f"{number}{day}{address}".encode("utf-8", "surrogateescape")
    return hmac.new(key.encode("utf-8"), message, hashlib.sha1).hexdigest()[:6]


def _qmail_hash(key: str, number: str, day: str, address: str) -> str:
    """Return the same as qmail's BATV patches make it: MD5, the key behind the rest."""
    import hashlib  # noqa: PLC0415 - see batv_hash

    message = f"{number}{day}{address}{key}".encode("utf-8", "surrogateescape")
    return hashlib.md5(message, usedforsecurity=False).hexdigest()[:6]


def _batv(local: str, address: str, identity: Identity, seen: _Seen, report: Report) -> list[Evidence]:
    if local[5:7].lower() == "3d":
        local = local.replace("=3D", "=").replace(
            "=3d", "="
        )  # a notice in quoted-printable that does not say so
    if match := re.fullmatch(_PRVS, local):
        number, day, tag, bare = match.groups()
    elif match := re.fullmatch(_PRVS_OLD, local):
        bare, number, day, tag = match.groups()
    else:
        if identity.batv_keys:
            return [forged("tags", Strength.STRONG, "batv-invalid", f"{address}: no well-formed BATV tag")]
        return []
    if not identity.batv_keys:
        return [neutral("tags", "batv-unchecked", f"{address} carries a BATV tag; no key is configured")]
    as_written = f"{bare}@{address.rpartition('@')[2]}"
    if bare[:5].lower() == "prvs=":
        inner = _batv(bare, as_written, identity, seen, report)  # some other gateway tagged it once more
        if any(e.points_to is PointsTo.GENUINE for e in inner):
            return inner
    key = identity.batv_keys.get(number)
    if key is None:
        detail = f"{address}: BATV tag of key {number}, which is not configured"
        return [forged("tags", Strength.WEAK, "batv-unknown-key", detail)]
    domain = domain_of(address) or ""
    from hmac import compare_digest  # noqa: PLC0415 - see batv_hash

    spellings = dict.fromkeys(
        (
            as_written,
            as_written.lower(),
            f"{bare}@{domain}",
            f"{bare.lower()}@{domain}",
            *_as_sent(bare, domain, report),
        )
    )

    def holds(make: Callable[[str, str, str, str], str]) -> bool:
        return any(compare_digest(make(key, number, day, s), tag.lower()) for s in spellings)

    last = int(day)
    if not holds(batv_hash):
        if not holds(_qmail_hash):
            # What was folded or cut off on the way fits no more; only who sees the address as sent can tell.
            changed = len(local) >= _LONGEST or (
                bare in {bare.lower(), bare.upper()} and report.original.from_address is None
            )
            strength = Strength.WEAK if changed else Strength.STRONG
            return [forged("tags", strength, "batv-invalid", f"{address}: the BATV tag is not of our key")]
        last += BATV_DAYS  # qmail writes the day on which the tag was made
    for moment in seen.moments:
        left = (last - days_of(moment)) % 1000
        if left <= BATV_DAYS + SLACK_DAYS or left >= 1000 - SLACK_DAYS:
            return [
                genuine("tags", Strength.STRONG, "batv-valid", f"{address}: BATV tag valid, key {number}")
            ]
    return [forged("tags", Strength.WEAK, "batv-expired", f"{address}: BATV tag of our key, but expired")]


def _as_sent(local: str, domain: str, report: Report) -> list[str]:
    """Return the addresses that the report shows of which *local* may be a copy.

    Reporters fold case, and the tag was made over what was sent; and a tag may have
    made the address too long for somebody: then *local* is its start.
    """
    original = report.original
    shown = [a for a in (original.from_address, original.sender, original.return_path) if a]
    whole = f"{local}@{domain}".lower()
    found = [a for a in shown if a.lower() == whole]
    if len(local) >= _LONG:
        shown += report.addressees
        found += [a for a in shown if a.lower().startswith(local.lower()) and "@" not in a[: len(local)]]
    return found


def _verp(local: str, address: str, report: Report) -> list[Evidence]:
    match = re.fullmatch(_VERP, local) if "=" in local else None
    if not match:
        return []
    member = normalise(f"{match[2]}@{match[3]}")
    failed = {normalise(r.final_recipient) for r in report.recipients if r.final_recipient}
    if member in failed:
        detail = f"{address} names the recipient that failed, as our list's return paths do"
        return [genuine("tags", Strength.WEAK, "verp-match", detail)]
    return [neutral("tags", "verp", f"{address} looks like a list's return path for {member}")]


def _missing(report: Report, identity: Identity, seen: _Seen) -> Iterator[Evidence]:
    """Count a missing tag, where all our mail is tagged and the report answers the return path.

    Not for auto-replies and the like, which answer the From header; nor for a
    report of our own host, which may have failed before the tag was put on.
    """
    if identity.batv_since is None or min(seen.moments) < identity.batv_since + _MARGIN:
        return
    if report.kind not in TELL_OF_DELIVERY or came_from_inside(report, identity):
        return
    mail_from = report.envelope.mail_from
    if mail_from is None:
        kept = report.headers.get("return-path")
        mail_from = None if kept is None else (find_addresses(kept) or [""])[0]
    # RFC 3464 reports go to the return path by definition; of others a null sender must be known.
    if mail_from or (mail_from is None and report.kind is not ReportKind.DSN):
        return
    border = own_border_hop(report)
    if border is None or not came_from_outside(report):
        # Exim and others tag on the way out; so what our own side's servers refuse each other has no tag yet.
        return
    asked = [report.envelope.rcpt_to or "", border.for_address or "", *report.headers.get_all("to")[:5]]
    written = [
        a for value in asked for a in find_addresses(value)[:_MAX_CANDIDATES] if identity.owns_address(a)
    ]
    # Behind the door tags are taken off: what delivery agents note says nothing.
    if not written:
        return
    to = written[0]
    detail = (
        f"{to} carries no BATV tag, and all our mail has been tagged since {identity.batv_since:%Y-%m-%d}"
    )
    if all(map(sent_on_by_us, written)):
        # Lists and forwards have return paths of their own making, which taggers leave as they are.
        yield forged("tags", Strength.WEAK, "batv-missing-list", detail)
    else:
        yield forged("tags", Strength.STRONG, "batv-missing", detail)

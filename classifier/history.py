"""What is kept of one judged report, for ``backscatter report``: text cut short, nothing that no page needs.

Of forged reports no recipient is kept: those are the forger's victims, and no
page needs them. Nothing comes from the ledger; all of it stands in the report.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from classifier.dataclass import dataclass
from classifier.evidence.authres import is_hop
from classifier.evidence.company import report_digest
from classifier.evidence.hosts import ip_of, organisation
from classifier.evidence.ours import verified_name
from classifier.evidence.reporter import accountable_hop, delivering_hop
from classifier.parse.addresses import normalise
from classifier.parse.dates import parse_date
from classifier.vocabulary import PointsTo, RefusalStage, Strength, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.examine import Examination
    from classifier.identity import Identity
    from classifier.parse.report import Report, TraceHop

#: What decided where neither proof nor strong evidence did: the model, signs of little weight, nothing; or the user.
MODEL, WEAK, UNDECIDED, USER = "model", "weak", "undecided", "user"
_TEXT = 300
#: As much of a Message-ID as the journal of moves keeps.
_ID = 200
_RECIPIENTS, _REASONS, _EVIDENCE = 5, 4, 20
#: Fields by which an operator finds a report that its server wrote, and as much of them as is kept.
_TELLING = frozenset(
    {
        "received", "return-path", "from", "to", "subject", "date", "message-id", "auto-submitted", "in-reply-to",
        "content-type", "mime-version", "x-failed-recipients", "sender", "precedence",
    }
)  # fmt: skip
_HEADER_TEXT = 8_000
#: Dates before this, or later than tomorrow, are a sender's invention.
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
#: A page shows no row by row comparison: this much of a body is enough to know it again.
_BODY_BYTES = 4_000


@dataclass(frozen=True)
class ReportedFailure:
    """What a report says about one recipient, cut short.

    Attributes:
        recipient: the address, "" where it is not named.
        action: the Action field (RFC 3464 section 2.3.3), or "".
        status: the enhanced status code (RFC 3463), or "".
        said: the server's words, or "".

    """

    recipient: str
    action: str
    status: str
    said: str


@dataclass(frozen=True)
class HistoryEntry:
    """What is kept of one judged report. Its texts are a stranger's: cut short, on one line, not yet printable.

    Attributes:
        digest: by which it is known again, however often it is judged.
        judged: when, seconds since 1970.
        came: when it came in, seconds since 1970; None where it does not say.
        kind, verdict, action, probability: as in the public JSON.
        decided: the best that spoke for the verdict: ``proof``, ``strong``,
            ``model``, ``weak``, ``undecided``, or ``user``.
        model: the name of the model that took part, or "".
        misuse: why an account looks broken into, or "".
        message_id: the report's own Message-ID, or "".
        subject: the original's (of an undecided report without one: its own).
        sample: the beginning of the original's body, of forged mail only.
        used: the protected address that was used as sender, or "".
        operator: who says that it wrote the report, or brought it, as a registered domain, or "";
            where *host* is told, the organisation of that.
        network: the network of the host that brought it, or "".
        stage: whether the original was refused in the session or later.
        host: the host that wrote the report, of forged mail and where that is beyond doubt; else "".
        address: its IP address, or "".
        headers: of the report's own header section what its operator needs to find it, or "".
        recipients: whom it did not reach; of forged mail nobody.
        reasons: of the judgement, most weighty first.
        evidence: ``name:points-to:strength`` of all that points somewhere.

    """

    digest: str
    judged: int
    came: int | None
    kind: str
    verdict: str
    action: str
    probability: float | None
    decided: str
    model: str
    misuse: str
    message_id: str
    subject: str
    sample: str
    used: str
    operator: str
    network: str
    stage: str
    host: str
    address: str
    headers: str
    recipients: tuple[ReportedFailure, ...]
    reasons: tuple[str, ...]
    evidence: tuple[str, ...]


def entry_of(found: Examination, identity: Identity, now: datetime) -> HistoryEntry:
    """Cut one judged report down to what is kept of it.

    Args:
        found: the report and what was found about it.
        identity: who is protected.
        now: the time, aware.

    """
    report, judgement = found.report, found.judgement
    forged = judgement.verdict is Verdict.FORGED
    came = came_in(report)
    hop = delivering_hop(report, identity)
    original = report.original
    ours = (
        a for a in (*report.addressees, original.return_path, original.from_address, original.sender) if a
    )
    used = next((a for a in ours if identity.owns_address(a)), None) or original.return_path
    # Whom a complaint would go to: host, operator and what finds the report all from one hop.
    blamed = accountable_hop(report, identity) if forged else None
    headers = _headers(report, blamed) if blamed else ""
    host = verified_name(blamed) if blamed and headers else None
    operator = organisation(host or report.reporting_mta) or (organisation(hop.client_name) if hop else None)
    subject = report.original.subject or ("" if forged else report.headers.text("subject"))
    return HistoryEntry(
        digest=report_digest(report),
        judged=_seconds(now),
        came=None if came is None else _seconds(came),
        kind=report.kind.value,
        verdict=judgement.verdict.value,
        action=judgement.action.value,
        probability=judgement.probability,
        decided=_decided(found),
        model=_short(judgement.model),
        misuse=_short(next(iter(judgement.reasons), "")) if judgement.account_misuse else "",
        message_id=_short((report.headers.get("message-id") or "")[:_ID]),
        subject=_short(subject),
        sample=_sample(report) if forged else "",
        used=_short(normalise(used[:_TEXT])) if used else "",
        operator=_short(operator),
        network=_network(hop.client_address) if hop else "",
        stage=next((r.stage.value for r in report.recipients), RefusalStage.UNKNOWN.value),
        host=_short(host),
        address=str(ip_of(blamed.client_address) or "") if blamed and host else "",
        headers=headers,
        recipients=() if forged else _failures(report),
        reasons=tuple(_short(reason) for reason in judgement.reasons[:_REASONS]),
        evidence=tuple(
            f"{e.name}:{e.points_to.value}:{e.strength.value}"
            for e in found.evidence[:_EVIDENCE]
            if e.points_to is not PointsTo.NEITHER
        ),
    )


def _headers(report: Report, hop: TraceHop) -> str:
    """Return what the operator of *hop* needs of the report's header section, in the order and words that came.

    The lines that our own side put on top, and fields that say more of us than
    of the report, are left out.
    """
    lines: list[str] = []
    theirs, size = False, 0
    for field in report.headers.fields:
        theirs = theirs or (field.key == "received" and is_hop(field, hop))
        if field.key not in _TELLING or (field.key == "received" and not theirs):
            continue
        text = field.raw.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
        size += len(text)
        if size > _HEADER_TEXT:
            break
        lines.append(text)
    return "\n".join(lines)


def came_in(report: Report) -> datetime | None:
    """Return when the report came in, in UTC: as our side recorded it, else by its own Date.

    The newest Received line says it better than the mailbox: a mailbox that
    was moved or copied often has the day of that.
    """
    when = next((hop.when for hop in report.trace if hop.when), None) or report.envelope.received_at
    when = when or parse_date(report.headers.get("date")) or report.arrival_date
    if when is None:
        return None
    try:
        return when.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def moment_of(came: int | None, now: datetime) -> datetime | None:
    """Return the time at which a report came, in UTC; None where it is not known, or some sender's invention."""
    try:
        when = None if came is None else datetime.fromtimestamp(came, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return when if when is not None and _EARLIEST <= when <= now + timedelta(days=1) else None


def _sample(report: Report) -> str:
    """Return the beginning of the original's text, decoded; mark-up is left out, nothing is rendered."""
    if not report.original.body:
        return ""
    from classifier.parse.markup import looks_like_html, to_plain  # noqa: PLC0415 - forged mail only
    from classifier.parse.mime import parse_embedded  # noqa: PLC0415 - likewise

    whole = parse_embedded(report.original.headers.raw + b"\n\n" + report.original.body[:_BODY_BYTES])
    for part in whole.walk():
        if part.content_type.startswith("text/"):
            text = part.text()
            if shown := _short(to_plain(text) if looks_like_html(text) else text):
                return shown
    return ""


def _failures(report: Report) -> tuple[ReportedFailure, ...]:
    return tuple(
        ReportedFailure(
            _short(r.final_recipient or r.original_recipient),
            r.action.value if r.action else "",
            _short(r.status),
            _short(r.diagnostic_code),
        )
        for r in report.recipients[:_RECIPIENTS]
    )


def _decided(found: Examination) -> str:
    verdict = found.judgement.verdict
    if verdict is Verdict.UNSURE:
        return UNDECIDED
    toward = PointsTo.FORGED if verdict is Verdict.FORGED else PointsTo.GENUINE
    strengths = {e.strength for e in found.evidence if e.points_to is toward}
    for strength in (Strength.PROOF, Strength.STRONG):
        if strength in strengths:
            return strength.value
    return MODEL if found.judgement.model else WEAK


def _network(address: str | None) -> str:
    """Return the network that is mostly one operator's: /24 of IPv4, /48 of IPv6."""
    import ipaddress  # noqa: PLC0415 - loaded with the evidence

    ip = ip_of(address)
    if ip is None:
        return ""
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def _short(text: str | None) -> str:
    """Return the beginning of *text* on one line, as text that any file takes."""
    if not text:
        return ""
    return " ".join(text[:_TEXT].split()).encode("utf-8", "replace").decode("utf-8")


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())

"""What happened: judged reports added up into one picture. Memory stays bounded however many there are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from classifier.dataclass import dataclass, field
from classifier.evidence.origin import organisation
from classifier.parse.addresses import normalise
from classifier.present.text import printable
from classifier.vocabulary import (
    NOT_REPORTS,
    Action,
    DeliveryAction,
    PointsTo,
    RefusalStage,
    Strength,
    Verdict,
)

if TYPE_CHECKING:
    from classifier.examine import Examination
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: So many of each sort are kept to be shown.
SHOWN = 100
#: So many different campaigns, addresses and operators are counted.
_MAX_KEYS = 20_000
_TEXT = 300
_HOUR = timedelta(hours=1)


@dataclass
class Campaign:
    """Forged mail with one subject.

    Attributes:
        subject: as it was written, made printable.
        reports: how many reports there are of it.
        first: when the first came in.
        last: when the last did.
        sample: the beginning of one body as plain text, never rendered; "" where none came back.

    """

    subject: str
    reports: int = 0
    first: datetime | None = None
    last: datetime | None = None
    sample: str = ""


@dataclass(frozen=True)
class Undelivered:
    """A genuine report: mail of ours that did not arrive.

    Attributes:
        source: where the report lies.
        when: when it came in.
        recipient: whom the mail did not reach.
        subject: the mail's.
        status: the enhanced status code (RFC 3463), or "".
        said: the server's words.
        advice: what to do.

    """

    source: str
    when: datetime | None
    recipient: str
    subject: str
    status: str
    said: str
    advice: str


@dataclass(frozen=True)
class Doubtful:
    """A report of which too little is known."""

    source: str
    subject: str
    probability: float | None
    reasons: tuple[str, ...]


@dataclass
class Attack:
    """All that is known of the reports.

    Attributes:
        identity: who is protected, or None.
        messages: how many messages were looked at.
        errors: how many could not be judged.
        verdicts: reports by verdict.
        kinds: reports by kind.
        hours: reports by (hour, verdict); the hour aware, in UTC.
        undated: reports without a usable date.
        campaigns: forged mail by subject.
        abused: addresses used as sender of forged mail, with counts.
        operators: who wrote reports of forged mail: (organisation) to counts.
        stages: how they were refused, of forged mail.
        decided: by what forged and genuine verdicts came about.
        undelivered: genuine reports, the newest kept.
        undelivered_count: how many there are.
        doubtful: unsure ones, the most likely forged kept.
        misuse: reasons to believe that an account is broken into.

    """

    identity: Identity | None = None
    messages: int = 0
    errors: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    hours: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    undated: int = 0
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    abused: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    undelivered: list[Undelivered] = field(default_factory=list)
    undelivered_count: int = 0
    doubtful: list[Doubtful] = field(default_factory=list)
    misuse: list[str] = field(default_factory=list)

    @property
    def reports(self) -> int:
        """How many reports there are."""
        return sum(self.verdicts.values())

    def add(self, source: str, found: Examination, since: datetime | None = None) -> None:
        """Count one judged message; reports before *since* are left out."""
        self.messages += 1
        report, judgement = found.report, found.judgement
        if report.kind in NOT_REPORTS:
            return
        when = came_in(report)
        if since is not None and (when is None or when < since):
            return
        self.verdicts[judgement.verdict.value] += 1
        self.kinds[report.kind.value] += 1
        if when is None:
            self.undated += 1
        else:
            self.hours[when.replace(minute=0, second=0, microsecond=0), judgement.verdict.value] += 1
        self.decided[_decided(found)] += 1
        if judgement.account_misuse and len(self.misuse) < SHOWN:
            self.misuse.append(printable(f"{source}: {next(iter(judgement.reasons), '')}", _TEXT))
        if judgement.verdict is Verdict.FORGED:
            self._forged(report, when)
        elif judgement.verdict is Verdict.GENUINE:
            self._genuine(source, report, when)
        elif judgement.action is Action.KEEP:
            self._doubtful(source, found)

    def _forged(self, report: Report, when: datetime | None) -> None:
        subject = printable(report.original.subject or "(no subject came back)", _TEXT)
        key = " ".join(subject.casefold().split())[:120]
        campaign = self.campaigns.get(key)
        if campaign is None and len(self.campaigns) < _MAX_KEYS:
            campaign = self.campaigns[key] = Campaign(subject, first=when, last=when)
        if campaign is not None:
            campaign.reports += 1
            if when is not None:
                campaign.first = min(campaign.first or when, when)
                campaign.last = max(campaign.last or when, when)
            if not campaign.sample and report.original.body:
                campaign.sample = printable(report.original.body[:2_000].decode("utf-8", "replace"), _TEXT)
        used = (
            next(
                (a for a in report.addressees if self.identity is None or self.identity.owns_address(a)), None
            )
            or report.original.return_path
        )
        _bounded(self.abused, printable(normalise(used) if used else "unknown", _TEXT))
        _bounded(self.operators, printable(organisation(report.reporting_mta) or "unknown", _TEXT))
        _bounded(self.stages, next((r.stage.value for r in report.recipients), RefusalStage.UNKNOWN.value))

    def _genuine(self, source: str, report: Report, when: datetime | None) -> None:
        self.undelivered_count += 1
        for recipient in report.recipients[:5] or (None,):
            status = (recipient.status if recipient else "") or ""
            said = (recipient.diagnostic_code if recipient else "") or ""
            delayed = recipient is not None and recipient.action is DeliveryAction.DELAYED
            self.undelivered.append(
                Undelivered(
                    printable(source, _TEXT),
                    when,
                    printable((recipient.final_recipient if recipient else "") or "not named", _TEXT),
                    printable(report.original.subject or "", _TEXT),
                    printable(status, 20),
                    printable(said, _TEXT),
                    advice(status, said, delayed=delayed),
                )
            )
        if len(self.undelivered) > 2 * SHOWN:
            self.undelivered = newest(self.undelivered)

    def _doubtful(self, source: str, found: Examination) -> None:
        judgement = found.judgement
        self.doubtful.append(
            Doubtful(
                printable(source, _TEXT),
                printable(found.report.original.subject or found.report.headers.text("subject") or "", _TEXT),
                judgement.probability,
                tuple(printable(reason, _TEXT) for reason in judgement.reasons[:4]),
            )
        )
        if len(self.doubtful) > 2 * SHOWN:
            self.doubtful = likeliest(self.doubtful)

    # -- in time ---------------------------------------------------------------

    def series(self, most: int = 72) -> tuple[timedelta, list[tuple[datetime, dict[str, int]]]]:
        """Return reports over time in at most *most* equal steps, without gaps: (step, [(begin, {verdict: count})])."""
        if not self.hours:
            return _HOUR, []
        begin, end = min(h for h, _ in self.hours), max(h for h, _ in self.hours)
        span = end - begin + _HOUR
        hours = (1, 3, 6, 12, 24, 72, 168, 720)
        step = next((timedelta(hours=h) for h in hours if span / timedelta(hours=h) <= most), None)
        if step is None:
            step = timedelta(days=-(-span.days // most) + 1)
        steps = [
            (begin + i * step, dict[str, int]())
            for i in range(int(span / step) + (span % step > timedelta()))
        ]
        for (hour, verdict), count in self.hours.items():
            counts = steps[int((hour - begin) / step)][1]
            counts[verdict] = counts.get(verdict, 0) + count
        return step, steps

    def peak(self) -> tuple[datetime, int] | None:
        """Return the hour in which most reports of forged mail came in, and how many; None without any."""
        forged = {hour: n for (hour, verdict), n in self.hours.items() if verdict == Verdict.FORGED}
        if not forged:
            return None
        hour = max(forged, key=lambda h: (forged[h], -h.timestamp()))
        return hour, forged[hour]

    def course(self) -> str:
        """Say in words how the flood goes: when it began, its peak, whether it fades."""
        forged = {hour: n for (hour, verdict), n in self.hours.items() if verdict == Verdict.FORGED}
        peak = self.peak()
        if peak is None:
            return "No report of forged mail with a usable date."
        first, last = min(forged), max(forged)
        newest_hour = max(hour for hour, _ in self.hours)
        words = (
            f"The first report of forged mail came on {first:%Y-%m-%d at %H} h UTC, the last on {last:%Y-%m-%d at %H} h; "
            f"the most in one hour were {peak[1]:,}, on {peak[0]:%Y-%m-%d at %H} h."
        )
        day = timedelta(hours=24)
        latest = sum(n for hour, n in forged.items() if hour > newest_hour - day)
        before = sum(n for hour, n in forged.items() if newest_hour - 2 * day < hour <= newest_hour - day)
        if newest_hour - first < 2 * day:
            return words
        if latest == 0:
            return f"{words} None came in the last day of this mail: it is over, or pauses."
        trend = "It fades" if latest * 2 <= before else "It grows" if latest >= before * 2 else "It goes on"
        return f"{words} {trend}: {latest:,} in the last day, {before:,} in the day before."

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        step, steps = self.series()
        peak = self.peak()
        return {
            "messages": self.messages,
            "reports": self.reports,
            "errors": self.errors,
            "verdicts": dict(self.verdicts),
            "kinds": dict(self.kinds),
            "course": self.course(),
            "peak": None if peak is None else {"hour": peak[0].isoformat(), "reports": peak[1]},
            "step_seconds": int(step.total_seconds()),
            "series": [{"begin": begin.isoformat(), **counts} for begin, counts in steps],
            "undated": self.undated,
            "account_misuse": self.misuse,
            "undelivered_count": self.undelivered_count,
            "undelivered": [
                {**vars(u), "when": u.when.isoformat() if u.when else None} for u in newest(self.undelivered)
            ],
            "campaigns": [
                {
                    "subject": c.subject,
                    "reports": c.reports,
                    "first": c.first.isoformat() if c.first else None,
                    "last": c.last.isoformat() if c.last else None,
                    "sample": c.sample,
                }
                for c in self.top_campaigns()
            ],
            "abused": [
                {"address": a, "reports": n, "sends": self.sends(a)}
                for a, n in self.abused.most_common(SHOWN)
            ],
            "operators": [{"operator": o, "reports": n} for o, n in self.operators.most_common(SHOWN)],
            "stages": dict(self.stages),
            "decided": dict(self.decided),
            "doubtful": [vars(d) for d in likeliest(self.doubtful)],
        }

    def top_campaigns(self) -> list[Campaign]:
        """Return the campaigns with most reports."""
        return sorted(self.campaigns.values(), key=lambda c: (-c.reports, c.subject))[:SHOWN]

    def sends(self, address: str) -> bool | None:
        """Say whether an abused address is one that sends, by the configuration; None where it does not say."""
        if self.identity is None or not self.identity.senders:
            return None
        return self.identity.is_sender(address)


def newest(undelivered: list[Undelivered]) -> list[Undelivered]:
    """Return the newest of them."""
    return sorted(undelivered, key=lambda u: u.when or datetime.min.replace(tzinfo=UTC), reverse=True)[:SHOWN]


def likeliest(doubtful: list[Doubtful]) -> list[Doubtful]:
    """Return those most likely forged."""
    return sorted(doubtful, key=lambda d: -1.0 if d.probability is None else d.probability, reverse=True)[
        :SHOWN
    ]


def came_in(report: Report) -> datetime | None:
    """Return when the report came in, in UTC: as our side recorded it, else by its own Date."""
    from classifier.parse.dates import parse_date  # noqa: PLC0415 - loaded with the parser

    when = report.envelope.received_at or next((hop.when for hop in report.trace if hop.when), None)
    when = when or parse_date(report.headers.get("date")) or report.arrival_date
    if when is None:
        return None
    try:
        return when.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


#: What to do, by the beginning of the status code (RFC 3463) or by words.
_ADVICE = (
    ("5.1.", "Check the address: there is no such mailbox."),
    ("5.2.2", "Their mailbox is full: write again later, or call."),
    ("5.2.", "Their mailbox takes nothing: reach them another way."),
    ("5.3.4", "The message is too large: send it in parts or as a link."),
    ("5.4.", "Their server cannot be found or reached: check the domain, else tell them."),
    (
        "5.7.",
        "It was refused by policy or as spam: ask their postmaster, and check your SPF, DKIM and block lists.",
    ),
)


def advice(status: str, said: str, *, delayed: bool = False) -> str:
    """Say what a sender can do about a failure."""
    if delayed or status.startswith("4."):
        return "Nothing yet: delivery is still being tried."
    for begin, words in _ADVICE:
        if status.startswith(begin):
            return words
    low = said.lower()
    if "quota" in low or "full" in low:
        return _ADVICE[1][1]
    if "unknown" in low or "no such" in low:
        return _ADVICE[0][1]
    return "Read what their server said, and write again or ask their postmaster."


def _decided(found: Examination) -> str:
    verdict = found.judgement.verdict
    if verdict is Verdict.UNSURE:
        return "undecided"
    toward = PointsTo.FORGED if verdict is Verdict.FORGED else PointsTo.GENUINE
    strengths = {e.strength for e in found.evidence if e.points_to is toward}
    for strength in (Strength.PROOF, Strength.STRONG):
        if strength in strengths:
            return strength.value
    return Strength.WEAK.value


def _bounded(counter: Counter[str], key: str) -> None:
    counter[key if key in counter or len(counter) < _MAX_KEYS else "others"] += 1

"""What happened: judged reports added up into one picture. Memory stays bounded however many there are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from classifier.dataclass import dataclass, field, replace
from classifier.evidence.hosts import organisation
from classifier.history import USER, moment_of
from classifier.present.advice import ANSWERS, ARRIVED, advice
from classifier.present.text import printable
from classifier.vocabulary import Action, DeliveryAction, RefusalStage, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifier.history import HistoryEntry
    from classifier.identity import Identity

#: So many of each sort are kept to be shown.
SHOWN = 100
#: So many different campaigns, addresses and operators are counted, and so many networks of each operator.
_MAX_KEYS, _MAX_NETWORKS = 20_000, 50
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_OTHERS = "others"

Series = list[tuple[datetime, dict[str, int]]]


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


@dataclass
class Operator:
    """Who sends reports about forged mail.

    Attributes:
        name: a registered domain, or "unknown".
        stages: reports by the moment at which the original was refused.
        networks: reports by the network that brought them.

    """

    name: str
    stages: Counter[str] = field(default_factory=Counter)
    networks: Counter[str] = field(default_factory=Counter)

    @property
    def reports(self) -> int:
        """How many it sent."""
        return sum(self.stages.values())


@dataclass(frozen=True)
class Undelivered:
    """Mail of ours that did not arrive: the newest report's source, when it came in, and what it says.

    Attributes:
        delayed: True where delivery is still being tried.
        reports: how many say the same of the same mail.

    """

    source: str
    when: datetime | None
    recipient: str
    subject: str
    status: str
    said: str
    advice: str
    delayed: bool = False
    reports: int = 1


@dataclass(frozen=True)
class Doubtful:
    """A report on which one may think otherwise: where it lies, what it is about, and why it was judged so.

    Attributes:
        reports: how many are alike in subject and reasons; of those it is the first.

    """

    source: str
    when: datetime | None
    subject: str
    probability: float | None
    reasons: tuple[str, ...]
    reports: int = 1


@dataclass
class Attack:
    """All that is known of the reports.

    Attributes:
        identity: who is protected, or None.
        now: the time, aware.
        tenants: other identities that are protected.
        current: True where no later mail exists than what was added: silence then tells that a flood is over.
        corrected: what the user said of reports, by their Message-ID: ``genuine`` or ``forged``.
        places: where quarantined reports lie, in words, by their Message-ID.
        messages: how many messages were looked at.
        errors: how many could not be judged.
        verdicts: reports by verdict.
        kinds: reports by kind.
        quarantined: how many were, or would be, quarantined.
        hours: reports by (hour, verdict); the hour aware, in UTC.
        undated: reports without a usable date.
        campaigns: forged mail by subject.
        abused: addresses used as sender of forged mail, with counts.
        operators: who wrote reports of forged mail.
        stages: how they were refused, of forged mail.
        decided: by what verdicts came about.
        models: reports by the model that took part.
        evidence: (name, points to) of what spoke for the verdicts, each once a report.
        undelivered: mail of ours that did not arrive, by recipient, subject and advice; the newest kept.
        undelivered_count: how many reports tell of it.
        answered: genuine reports that say that mail of ours did arrive.
        doubtful: unsure ones, by subject and reasons; the most likely forged kept.
        nearly_kept: quarantined ones, the least certain kept.
        misuse: reasons to believe that an account is broken into.

    """

    identity: Identity | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    tenants: tuple[Identity, ...] = ()
    current: bool = False
    corrected: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    messages: int = 0
    errors: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    hours: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    undated: int = 0
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    abused: Counter[str] = field(default_factory=Counter)
    operators: dict[str, Operator] = field(default_factory=dict)
    stages: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    evidence: Counter[tuple[str, str]] = field(default_factory=Counter)
    undelivered: dict[tuple[str, str, str], Undelivered] = field(default_factory=dict)
    undelivered_count: int = 0
    answered: int = 0
    doubtful: dict[tuple[str, tuple[str, ...]], Doubtful] = field(default_factory=dict)
    nearly_kept: list[Doubtful] = field(default_factory=list)
    misuse: list[str] = field(default_factory=list)
    #: Quarantined reports as certain as this, or more, are not kept.
    _certain: float = 1.1

    @property
    def reports(self) -> int:
        """How many reports there are."""
        return sum(self.verdicts.values())

    def add(self, entry: HistoryEntry, source: str = "") -> None:
        """Count one judged report.

        Args:
            entry: what is known of it.
            source: where it lies, as people name it; "": told from the store.

        """
        label = self.corrected.get(entry.message_id) if entry.message_id else None
        if label is not None and label != entry.verdict:
            entry = replace(entry, verdict=label, decided=USER, action=Action.KEEP.value)
        when = moment_of(entry.came, self.now)
        self.verdicts[entry.verdict] += 1
        self.kinds[entry.kind] += 1
        self.decided[entry.decided] += 1
        if entry.model:
            _bounded(self.models, printable(entry.model), _OTHERS)
        for spoke in dict.fromkeys(e.rpartition(":")[0] for e in entry.evidence):
            name, _, points_to = spoke.partition(":")
            if points_to == entry.verdict:
                _bounded(self.evidence, (name, points_to), (_OTHERS, points_to))
        if when is None:
            self.undated += 1
        else:
            self.hours[when.replace(minute=0, second=0, microsecond=0), entry.verdict] += 1
        source = (
            printable(source or self.places.get(entry.message_id, "")) if entry.message_id or source else ""
        )
        if entry.misuse and len(self.misuse) < SHOWN:
            about = source or printable(entry.subject)
            self.misuse.append(f"{about}: {printable(entry.misuse)}" if about else printable(entry.misuse))
        if entry.verdict == Verdict.FORGED:
            self._forged(entry, when)
            if entry.action == Action.QUARANTINE:
                self.quarantined += 1
                if (entry.probability or 0.0) < self._certain:
                    self.nearly_kept.append(_doubtful(entry, source, when))
                if len(self.nearly_kept) > 2 * SHOWN:
                    self.nearly_kept = least_certain(self.nearly_kept)
                    self._certain = self.nearly_kept[-1].probability or 0.0
        elif entry.verdict == Verdict.GENUINE:
            self._genuine(entry, source, when)
        else:
            one = _doubtful(entry, source, when)
            key = (one.subject, one.reasons)
            known = self.doubtful.get(key)
            self.doubtful[key] = one if known is None else replace(known, reports=known.reports + 1)
            if len(self.doubtful) > 2 * SHOWN:
                self.doubtful = {(d.subject, d.reasons): d for d in likeliest(self.doubtful.values())}

    def _forged(self, entry: HistoryEntry, when: datetime | None) -> None:
        subject = printable(entry.subject) or "(no subject came back)"
        key = subject.casefold()[:120]
        campaign = self.campaigns.get(key)
        if campaign is None:
            if len(self.campaigns) >= _MAX_KEYS:
                key, subject = "", "(other subjects)"
            campaign = self.campaigns.setdefault(key, Campaign(subject, first=when, last=when))
        campaign.reports += 1
        if when is not None:
            campaign.first = min(campaign.first or when, when)
            campaign.last = max(campaign.last or when, when)
        campaign.sample = campaign.sample or printable(entry.sample)
        used = printable(entry.used) or "unknown"
        _bounded(self.abused, used, _OTHERS)
        name = printable(entry.operator) or "unknown"
        if name not in self.operators and len(self.operators) >= _MAX_KEYS:
            name = _OTHERS
        operator = self.operators.setdefault(name, Operator(name))
        operator.stages[entry.stage] += 1
        self.stages[entry.stage] += 1
        if entry.network:
            _bounded(operator.networks, printable(entry.network), _OTHERS, _MAX_NETWORKS)

    def _genuine(self, entry: HistoryEntry, source: str, when: datetime | None) -> None:
        failures = [r for r in entry.recipients if r.action not in ARRIVED]
        if entry.kind in ANSWERS or (entry.recipients and not failures):
            self.answered += 1
            return
        self.undelivered_count += 1
        for r in failures or (None,):
            status, said = (printable(r.status, 20), printable(r.said)) if r else ("", "")
            delayed = bool(r and r.action == DeliveryAction.DELAYED) or status.startswith("4.")
            recipient, subject = printable(r.recipient if r else "") or "not named", printable(entry.subject)
            words = advice(status, said, delayed=delayed, kind=entry.kind)
            key = (recipient.lower(), subject, words)
            known = self.undelivered.get(key)
            if known is not None:
                newer = known.when is None or (when is not None and when > known.when)
                kept = replace(known, source=source, when=when, status=status, said=said) if newer else known
                self.undelivered[key] = replace(kept, reports=known.reports + 1)
                continue
            self.undelivered[key] = Undelivered(
                source, when, recipient, subject, status, said, words, delayed
            )
        if len(self.undelivered) > 2 * SHOWN:
            kept_keys = {
                (u.recipient.lower(), u.subject, u.advice): u for u in newest(self.undelivered.values())
            }
            self.undelivered = kept_keys

    # -- in time ---------------------------------------------------------------

    def series(self, most: int = 72) -> tuple[timedelta, Series]:
        """Return reports over time in at most *most* equal steps, without gaps: (step, [(begin, {verdict: count})])."""
        if not self.hours:
            return _HOUR, []
        begin, end = min(h for h, _ in self.hours), max(h for h, _ in self.hours)
        span = end - begin + _HOUR
        hours = (1, 3, 6, 12, 24, 72, 168, 720)
        step = next((timedelta(hours=h) for h in hours if span / timedelta(hours=h) <= most), None)
        if step is None:
            step = timedelta(days=-(-span.days // most) + 1)
        # Steps begin at midnight or a multiple of themselves after it: that is what people look for.
        begin -= (begin - begin.replace(hour=0)) % step if step < _DAY else begin - begin.replace(hour=0)
        return step, self._steps(begin, step, -(-(end - begin + _HOUR) // step))

    def around_peak(self, hours: int = 48) -> Series:
        """Return the *hours* around the peak hour by hour; empty where :meth:`series` shows hours already."""
        peak = self.peak()
        if peak is None or self.series()[0] == _HOUR:
            return []
        return self._steps(peak[0] - hours // 2 * _HOUR, _HOUR, hours)

    def _steps(self, begin: datetime, step: timedelta, number: int) -> Series:
        steps = [(begin + i * step, dict[str, int]()) for i in range(number)]
        for (hour, verdict), count in self.hours.items():
            place = (hour - begin) // step
            if 0 <= place < number:
                counts = steps[place][1]
                counts[verdict] = counts.get(verdict, 0) + count
        return steps

    def peak(self) -> tuple[datetime, int] | None:
        """Return the hour in which most reports of forged mail came in, and how many; None without any."""
        forged = self._forged_hours()
        if not forged:
            return None
        hour = max(forged, key=lambda h: (forged[h], -h.timestamp()))
        return hour, forged[hour]

    def course(self) -> str:
        """Say in words how the flood goes: when it began, its peak, whether it fades."""
        forged = self._forged_hours()
        peak = self.peak()
        if peak is None:
            return self.trend()
        first, last = min(forged), max(forged)
        return (
            f"The first report of forged mail came on {first:%Y-%m-%d at %H} h UTC, the last on {last:%Y-%m-%d at %H} h; "
            f"the most in one hour were {peak[1]:,}, on {peak[0]:%Y-%m-%d at %H} h. {self.trend()}"
        )

    def trend(self) -> str:
        """Say in words whether the flood fades."""
        forged = self._forged_hours()
        if not forged:
            dated = " with a usable date" if self.verdicts[Verdict.FORGED] else ""
            return f"No report of forged mail{dated}."
        end = self.now if self.current else max(hour for hour, _ in self.hours)
        old = (
            f"This mail ends on {end:%Y-%m-%d}; what came since is not in it. "
            if self.now - end > 2 * _DAY
            else ""
        )
        return old + self._trend(forged, end)

    def _trend(self, forged: dict[datetime, int], end: datetime) -> str:
        latest = sum(n for hour, n in forged.items() if hour > end - _DAY)
        before = sum(n for hour, n in forged.items() if end - 2 * _DAY < hour <= end - _DAY)
        if latest == 0:
            since = "in the last 24 hours" if self.current else "in the last day of this mail"
            return f"None came {since}: it is over, or pauses."
        if end - min(forged) < 2 * _DAY:
            return "It is too early to say whether it fades. Most floods are over within days."
        trend = "It fades" if latest * 2 <= before else "It grows" if latest >= before * 2 else "It goes on"
        return f"{trend}: {latest:,} in the last day, {before:,} in the day before."

    def _forged_hours(self) -> dict[datetime, int]:
        return {hour: n for (hour, verdict), n in self.hours.items() if verdict == Verdict.FORGED}

    # -- ordered, to be shown --------------------------------------------------

    def top_campaigns(self) -> list[Campaign]:
        """Return the campaigns with most reports."""
        return sorted(self.campaigns.values(), key=lambda c: (-c.reports, c.subject))[:SHOWN]

    def top_operators(self) -> list[Operator]:
        """Return the operators with most reports."""
        return sorted(self.operators.values(), key=lambda o: (-o.reports, o.name))[:SHOWN]

    def is_ours(self, operator: str) -> bool:
        """Say whether an operator's name is that of a protected domain: our own server wrote it, or somebody typed that."""
        known = (*((self.identity,) if self.identity else ()), *self.tenants)
        return any(
            operator == organisation(domain.lstrip(".")) for identity in known for domain in identity.domains
        )

    def sends(self, address: str) -> bool | None:
        """Say whether an abused address is one that sends, by the configuration; None where it does not say."""
        identity = self._owner(address)
        if identity is None:
            return None
        if identity.never_sends(address):
            return False
        if identity.is_sender(address):
            return True
        return False if identity.closed_senders else None

    def _owner(self, address: str) -> Identity | None:
        """Return whose address it is."""
        known = (*((self.identity,) if self.identity else ()), *self.tenants)
        return next((identity for identity in known if identity.owns_address(address)), None)

    def standing(self, address: str) -> str:
        """Say in words what an abused address is to us."""
        sends, owner = self.sends(address), self._owner(address)
        if sends:
            return "sends"
        if owner is None or sends is None:
            if owner is None:
                configured = self.identity is not None or self.tenants
                return "not at a domain of yours" if configured else "no domain is configured"
            return "not among your senders" if owner.senders else "at your domain"
        return "receives only" if owner.never_sends(address) else "invented"


def newest(undelivered: Iterable[Undelivered]) -> list[Undelivered]:
    """Return the newest of them; what failed for good comes first."""
    by_date = sorted(undelivered, key=lambda u: u.when or datetime.min.replace(tzinfo=UTC), reverse=True)
    return sorted(by_date, key=lambda u: u.delayed)[:SHOWN]


def likeliest(doubtful: Iterable[Doubtful]) -> list[Doubtful]:
    """Return those most likely forged."""
    return sorted(doubtful, key=lambda d: -1.0 if d.probability is None else d.probability, reverse=True)[
        :SHOWN
    ]


def least_certain(quarantined: list[Doubtful]) -> list[Doubtful]:
    """Return those least likely forged."""
    return sorted(quarantined, key=lambda d: 0.0 if d.probability is None else d.probability)[:SHOWN]


def _doubtful(entry: HistoryEntry, source: str, when: datetime | None) -> Doubtful:
    return Doubtful(
        source, when, printable(entry.subject), entry.probability, tuple(printable(r) for r in entry.reasons)
    )


def _bounded(counter: Counter[Any], key: object, instead: object, most: int = _MAX_KEYS) -> None:
    counter[key if key in counter or len(counter) < most else instead] += 1


def stage_words(stages: Mapping[str, int]) -> tuple[int, int, int]:
    """Return reports by stage: refused in the session, failed after acceptance, not known."""
    return (
        stages.get(RefusalStage.SESSION, 0),
        stages.get(RefusalStage.ACCEPTED, 0),
        stages.get(RefusalStage.UNKNOWN, 0),
    )

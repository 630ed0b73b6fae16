"""Add labelled mail up as it was judged, and say how often that was right."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from classifier.evidence.company import fingerprints, joined, report_digest
from classifier.judge import weigh
from classifier.model.artifact import NO_PROMISE
from classifier.model.promise import CONFIDENCE, needed, order_statistic, promise_for
from classifier.present.figures import Share, shown_loss
from classifier.present.ranking import Estimate, Ranking, ranking
from classifier.vocabulary import NOT_REPORTS, Action, Strength, Verdict

if TYPE_CHECKING:
    from classifier.examine import Examination
    from classifier.model.artifact import Model

GENUINE, FORGED = "genuine", "forged"
#: So many mistakes are named.
_WORST = 10


@dataclass
class Tally:
    """What came out for one label.

    Attributes:
        label: genuine or forged.
        verdicts: how often each.
        quarantined: how many would be moved.
        above: how many have a probability at or above the threshold.
        probabilities: of forged, where something told.
        scored: of each of the probabilities, the place of its report in prints.
        prints: of each report, what near-identical ones share.
        lost: places of the quarantined reports in prints.
        by: verdicts by (what, value): the kind, the format, how much came back, and so on.
        moved: how many of them would be moved, by (what, value).
        wrong: (probability, source, main reason) of those on the wrong side.
        seen: digests of the messages.

    """

    label: str
    verdicts: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    above: int = 0
    probabilities: list[float] = field(default_factory=list)
    scored: list[int] = field(default_factory=list)
    prints: list[tuple[str, ...]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    by: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[tuple[float, str, str]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    @property
    def reports(self) -> int:
        """How many were judged as reports."""
        return sum(self.verdicts.values()) - self.verdicts[Verdict.NOT_A_REPORT]

    def add(self, source: str, found: Outcome) -> None:
        """Add one judged message.

        Args:
            source: its name.
            found: what came out.

        """
        self.verdicts[found.verdict] += 1
        if found.verdict is Verdict.NOT_A_REPORT:
            return
        if found.moved:
            self.quarantined += 1
            self.lost.append(len(self.prints))
        if found.probability is not None:
            self.above += found.above
            self.scored.append(len(self.prints))
            self.probabilities.append(found.probability)
        self.prints.append(found.prints)
        for what, value in found.parts:
            self.by[what, value, found.verdict] += 1
            self.moved[what, value] += found.moved
        against = Verdict.FORGED if self.label == GENUINE else Verdict.GENUINE
        if found.verdict is against:
            self.wrong.append((found.probability or 0.0, source, found.reason))


@dataclass(frozen=True)
class Outcome:
    """What an evaluation needs of one judged message; other processes hand it over.

    Attributes:
        verdict: the answer.
        moved: whether it would be quarantined.
        above: whether its probability reaches the judge's threshold.
        probability: of forged; None where nothing told.
        prints: what near-identical reports share.
        parts: (what, value) by which reports are counted apart.
        reason: the weightiest, "" where there is none.

    """

    verdict: Verdict
    moved: bool = False
    above: bool = False
    probability: float | None = None
    prints: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, found: Examination, *, configured: bool) -> Outcome:
        """Take it from what was found; *configured*: whether the judge knew whom it protects."""
        judgement, report = found.judgement, found.report
        if report.kind in NOT_REPORTS:
            return cls(judgement.verdict)
        return cls(
            judgement.verdict,
            judgement.action is Action.QUARANTINE,
            judgement.probability is not None and judgement.probability >= judgement.threshold,
            judgement.probability,
            fingerprints(report) or (report_digest(report),),
            (
                ("kind", report.kind.value),
                ("format", report.format or "generic"),
                ("original", report.original.completeness.value),
                ("evidence", available(found)),
                ("identity", "configured" if configured else "not configured"),
            ),
            next(iter(judgement.reasons), ""),
        )


@dataclass(frozen=True)
class Promise:
    """What is promised about genuine reports, and what these reports show of it.

    Attributes:
        max_genuine_loss: the share that policy allows.
        confidence: of all that is said here.
        needed: how many genuine reports with none lost it takes to say so.
        threshold: the probability from which on a report is called forged.
        promised: True where the model's threshold rests on reports enough.
        model: the model's name; None where the evidence judges alone.
        model_genuine: how many genuine reports it rests on, one from each group of near-identical ones.
        model_missing: how many more it takes.
        material: what those reports were, by the model's card.
        genuine: how many genuine reports were judged here, one from each group.
        lost: how many of those groups have one that is quarantined.
        shown: the share that they show not to be exceeded.
        missing: how many more it takes here, with none of them lost.

    """

    max_genuine_loss: float
    confidence: float
    needed: int
    threshold: float
    promised: bool
    model: str | None
    model_genuine: int
    model_missing: int
    material: str
    genuine: int
    lost: int
    shown: float
    missing: int

    def __str__(self) -> str:
        """Say it in words."""
        limit, sure = f"{self.max_genuine_loss:.2%}", f"{self.confidence:.0%} confidence"
        each = "one from each group of near-identical ones"
        if self.model is None:
            said = f"No model judges, so nothing is promised; the threshold is {self.threshold:.4f}."
        elif self.promised:
            rests = f" ({self.material})" if self.material else ""
            said = (
                f"The promise: at {sure} at most {limit} of genuine reports like those measured are quarantined. "
                f"It rests on {self.model_genuine:,} genuine reports, {each}, that the model {self.model} was not "
                f"fitted on{rests}; they set the threshold of {self.threshold:.4f}."
            )
        elif not self.model_missing:
            said = (
                f"Nothing is promised: of the {self.model_genuine:,} genuine reports, {each}, that the model {self.model} "
                f"was not fitted on, too many lie above the threshold of {self.threshold:.4f}."
            )
        else:
            said = (
                f"Nothing is promised: the model {self.model} was measured on {self.model_genuine:,} genuine reports, "
                f"{each}; {limit} at {sure} takes {self.needed:,}, {self.model_missing:,} more. "
                f"The threshold is the one that comes with the program, {self.threshold:.4f}."
            )
        return f"{said}\n{self._here(limit, sure, each)}"

    def _here(self, limit: str, sure: str, each: str) -> str:
        if not self.genuine:
            return "Without genuine reports nothing is known here of their loss."
        lost = f"{self.lost:,} of them quarantined" if self.lost else "none of them quarantined"
        said = (
            f"Here: {self.genuine:,} genuine report{'' if self.genuine == 1 else 's'}, {each}, {lost}; "
            f"at {sure} at most {self.shown:.3%} of reports like these are."
        )
        if self.shown <= self.max_genuine_loss:
            return said
        if self.lost:
            return f"{said} {limit} takes {self.needed:,} with none lost."
        return f"{said} {limit} takes {self.needed:,} with none lost, {self.missing:,} more."


@dataclass(frozen=True)
class Evaluation:
    """All figures.

    Attributes:
        genuine: what came out for genuine reports.
        forged: what came out for forged ones.
        ranking: areas, calibration and curves; None without both labels.
        promise: about genuine reports.

    """

    genuine: Tally
    forged: Tally
    ranking: Ranking | None
    promise: Promise

    @property
    def shares(self) -> tuple[tuple[str, Share], ...]:
        """Name the main shares."""
        return (
            ("genuine reports quarantined", Share(self.genuine.quarantined, self.genuine.reports)),
            ("forged reports quarantined", Share(self.forged.quarantined, self.forged.reports)),
            ("recall at the threshold", Share(self.forged.above, self.forged.reports)),
        )

    @property
    def estimates(self) -> tuple[tuple[str, Estimate | None], ...]:
        """Name the figures about probabilities."""
        found = self.ranking
        names = ("area under the ROC curve", "area under precision-recall", "calibration error")
        if found is None:
            return tuple((name, None) for name in names)
        return tuple(zip(names, (found.roc, found.precision_recall, found.calibration), strict=True))

    @property
    def parts(self) -> list[tuple[str, str, Share, Share]]:
        """Return (what, value, genuine quarantined, forged quarantined), the largest part of each first."""
        sizes: dict[str, Counter[tuple[str, str]]] = {GENUINE: Counter(), FORGED: Counter()}
        for tally in (self.genuine, self.forged):
            for (what, value, _), number in tally.by.items():
                sizes[tally.label][what, value] += number
        order = ("kind", "format", "original", "evidence", "identity")
        everything = sizes[GENUINE] + sizes[FORGED]
        return [
            (
                *part,
                Share(self.genuine.moved[part], sizes[GENUINE][part]),
                Share(self.forged.moved[part], sizes[FORGED][part]),
            )
            for part in sorted(everything, key=lambda p: (order.index(p[0]), -everything[p], p[1]))
        ]

    @property
    def worst(self) -> list[dict[str, str | float]]:
        """Name the worst mistakes: genuine ones called forged, the surest first, then the contrary."""
        return [
            {"label": tally.label, "source": source, "probability": probability, "reason": reason}
            for tally in (self.genuine, self.forged)
            for probability, source, reason in sorted(tally.wrong, reverse=tally.label == GENUINE)[:_WORST]
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return all figures for JSON; shares and estimates with 95 % intervals."""
        by: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
        for tally in (self.genuine, self.forged):
            for (what, value, verdict), number in sorted(tally.by.items()):
                by.setdefault(what, {}).setdefault(value, {}).setdefault(tally.label, {})[verdict] = number
        found = self.ranking
        kept, moved, recall = (share.as_dict() for _, share in self.shares)
        return {
            "genuine": {"messages": len(self.genuine.seen), "verdicts": dict(self.genuine.verdicts)},
            "forged": {"messages": len(self.forged.seen), "verdicts": dict(self.forged.verdicts)},
            "genuine_quarantined": kept,
            "forged_quarantined": moved,
            "recall_at_threshold": recall,
            "area_under_roc": found and found.roc.value,
            "area_under_precision_recall": found and found.precision_recall.value,
            "calibration_error": found and found.calibration.value,
            "intervals": found
            and {
                "area_under_roc": [found.roc.low, found.roc.high],
                "area_under_precision_recall": [found.precision_recall.low, found.precision_recall.high],
                "calibration_error": [found.calibration.low, found.calibration.high],
            },
            "reliability": [asdict(part) for part in found.reliability] if found else [],
            "promise": asdict(self.promise),
            "by": by,
            "parts": [
                {
                    "what": what,
                    "value": value,
                    "genuine_quarantined": genuine.as_dict(),
                    "forged_quarantined": forged.as_dict(),
                }
                for what, value, genuine, forged in self.parts
            ],
            "worst": self.worst,
        }


def evaluation(
    genuine: Tally,
    forged: Tally,
    limit: float,
    threshold: float,
    model: Model | None,
    *,
    configured: bool = False,
) -> Evaluation:
    """Work the figures out.

    Args:
        genuine: what came out for genuine reports.
        forged: what came out for forged ones.
        limit: the share of genuine reports that policy allows to lose.
        threshold: the probability from which on a report was called forged.
        model: the one that judged, if any.
        configured: whether the judge knew whom it protects.

    """
    groups = {tally.label: joined(tally.prints) for tally in (genuine, forged)}
    scored = [[groups[tally.label][i] for i in tally.scored] for tally in (genuine, forged)]
    least = needed(limit)
    here, lost = len(set(groups[GENUINE])), len({groups[GENUINE][i] for i in genuine.lost})
    rests_on = NO_PROMISE if model is None else promise_for(model, limit, configured=configured)
    promised, rests = order_statistic(rests_on, limit), rests_on.genuine
    material = "" if model is None else model.card.get("material", "")
    return Evaluation(
        genuine,
        forged,
        ranking(genuine.probabilities, forged.probabilities, *scored),
        Promise(
            max_genuine_loss=limit,
            confidence=CONFIDENCE,
            needed=least,
            threshold=threshold,
            # The distance is kept beyond what the promise takes; the bounds of the threshold may cut into it.
            promised=promised is not None and promised <= math.log(threshold / (1 - threshold)),
            model=None if model is None else model.name,
            model_genuine=rests,
            model_missing=max(0, least - rests),
            material=material if isinstance(material, str) else "",
            genuine=here,
            lost=lost,
            shown=shown_loss(lost, here),
            missing=max(0, least - here),
        ),
    )


def available(found: Examination) -> str:
    """Return the greatest strength of the evidence that points anywhere: proof, strong, weak or none."""
    weighed = weigh(found.evidence)
    for strength in (Strength.PROOF, Strength.STRONG, Strength.WEAK):
        if strength in {weighed.forged, weighed.genuine}:
            return strength.value
    return "none"

"""The decision: proof first, then the sum of what is left. Pure.

    1. Not a report: no verdict about an original.
    2. Nothing of the protected domains is concerned: unsure.
    3. Proof on one side only: that side. Proof on both sides: unsure.
    4. Otherwise the model decides, where there is one and enough came back for
       it; it knows the evidence, too. Strong evidence of a genuine original
       holds it: it never goes further towards forged than the evidence alone.
       Strong evidence of forgery is added to it where both agree, and then,
       if nothing speaks for the contrary, no more is asked than without a model:
       what the user declared is not weighed down by how little a model finds to
       add. Weak evidence of the contrary, which a forger can type, lowers both.
       "Genuine" takes the evidence alone as well: forgers can type all that the
       model looks at.
    5. Without a model: the sum of the evidence.

Quarantine takes more than doubt: between the thresholds the answer is unsure,
and the message stays.
"""

from __future__ import annotations

import math
from operator import attrgetter

from classifier.dataclass import dataclass
from classifier.once import cached_property, once_beside
from classifier.vocabulary import (
    NOT_REPORTS,
    Action,
    DeliveryAction,
    PointsTo,
    Strength,
    Verdict,
)
from classifier.weights import weight

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.evidence.base import Evidence
    from classifier.identity import Identity
    from classifier.model.score import Opinion
    from classifier.parse.report import Report

#: Weak signs of forgery alone never add up to more: many an honest sender has several.
WEAK_LIMIT = 4.0
#: The strengths in order.
_RANK = {Strength.WEAK: 0, Strength.STRONG: 1, Strength.PROOF: 2}
#: So many of the model's reasons are told.
_TOLD = 5
#: At or above this probability of forged the verdict is forged.
FORGED_FROM = 0.99
#: At or below it the verdict is genuine.
GENUINE_TO = 0.10
#: Named once: Python 3.11 takes five times as long to find an enumeration's member.
_NEITHER, _PROOF = PointsTo.NEITHER, Strength.PROOF
_MISUSE = attrgetter("account_misuse")
_GENUINE_LOG_ODDS = math.log(GENUINE_TO / (1 - GENUINE_TO))


@dataclass(frozen=True)
class Policy:
    """What the user wants done: the ``[policy]`` part of the configuration that judging needs.

    Attributes:
        keep_delayed: True: delay notices are never quarantined.
        proof_only: True: no probability, however high, says forged; only proof does.
        forged_from: the probability from which the evidence alone says forged.
        model_from: the same for verdicts in which a model took part.
        configured_from: the same where it is known who is protected.

    """

    keep_delayed: bool = False
    proof_only: bool = False
    forged_from: float = FORGED_FROM
    model_from: float = FORGED_FROM
    configured_from: float = FORGED_FROM

    def threshold(self, model: str | None, *, inferred: bool, unopposed: bool = False) -> float:
        """Return the probability from which a verdict is forged.

        *model* is the name of the one that took part; *inferred*: who is
        protected was read off the report; *unopposed*: strong evidence of
        forgery stands, and none of the contrary. Then a model that agrees
        asks for no more than the evidence would without it.
        """
        if model is None or (unopposed and not inferred):
            return self.forged_from
        return self.model_from if inferred else self.configured_from


@dataclass(frozen=True)
class Judgement:
    """The verdict about one message.

    Attributes:
        verdict: the answer.
        probability: of forged, at a prior of one half; None where nothing tells.
        action: what policy does with it.
        notes: what else than evidence decided, in words.
        account_misuse: True where an account of ours looks broken into.
        model: the name of the model that took part, or None.
        threshold: the probability from which it would have been, or is, forged.
        evidence: what it was decided by.
        opinion: likewise, where a model took part.

    """

    verdict: Verdict
    probability: float | None
    action: Action
    notes: tuple[str, ...] = ()
    account_misuse: bool = False
    model: str | None = None
    threshold: float = FORGED_FROM
    evidence: tuple[Evidence, ...] = ()
    opinion: Opinion | None = None

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """In words for a person, most weighty first; put into words when asked for: who only sorts mail does not."""
        telling = [e for e in self.evidence if e.points_to is not _NEITHER]
        telling.sort(key=lambda e: -abs(weight(e)))
        return (
            *self.notes,
            *[e.detail for e in self.evidence if e.account_misuse],
            *[f"{e.detail} ({e.strength}, {e.points_to})" for e in telling],
            *(_of_model(self.opinion) if self.opinion is not None else ()),
        )


@once_beside
def concerns(report: Report, identity: Identity) -> bool:
    """Say whether the report is about a protected domain at all.

    It is if its own recipient, or the original's return path, From or Sender,
    is at one.
    """
    original = report.original
    return (
        any(map(identity.owns_address, report.addressees))
        or identity.owns_address(original.return_path)
        or identity.owns_address(original.from_address)
        or identity.owns_address(original.sender)
    )


@dataclass(frozen=True)
class Weighed:
    """What the evidence comes to by itself.

    Attributes:
        log_odds: of forged; None where no evidence points anywhere.
        forged: the greatest strength of what points to forged, or None.
        genuine: the greatest strength of what points to genuine, or None.

    """

    log_odds: float | None
    forged: Strength | None
    genuine: Strength | None

    @property
    def unopposed(self) -> bool:
        """Say whether strong evidence of forgery stands, and nothing speaks for the contrary."""
        return self.forged is Strength.STRONG and self.genuine is None


def weigh(evidence: Iterable[Evidence]) -> Weighed:
    """Add the evidence up: proof outweighs all that is none; weak signs of forgery have a limit."""
    telling = [e for e in evidence if e.points_to is not _NEITHER]
    best: dict[PointsTo, Strength] = {}
    for piece in telling:
        known = best.get(piece.points_to)
        if known is None or _RANK[piece.strength] > _RANK[known]:
            best[piece.points_to] = piece.strength
    forged, genuine = best.get(PointsTo.FORGED), best.get(PointsTo.GENUINE)
    if not telling:
        return Weighed(None, None, None)
    counted = [e for e in telling if best[e.points_to] is _PROOF] if _PROOF in best.values() else telling
    log_odds = math.fsum(map(weight, counted))
    if forged is Strength.WEAK or forged is None:
        log_odds = min(log_odds, WEAK_LIMIT)
    return Weighed(log_odds, forged, genuine)


def combine(weighed: Weighed, model: float | None) -> float | None:
    """Return the log-odds of forged from the evidence and the *model*'s; None where neither tells.

    Never lower by more evidence of forgery, never higher by more of the contrary.
    """
    evidence = weighed.log_odds
    proof = weighed.forged is Strength.PROOF or weighed.genuine is Strength.PROOF
    if model is None or evidence is None or proof:
        return evidence if model is None or evidence is not None else model
    if weighed.genuine is Strength.STRONG:
        return min(evidence, model)
    if weighed.forged is Strength.STRONG and model > 0:
        return max(model, evidence + model)
    return model


def judge(
    report: Report,
    identity: Identity,
    evidence: tuple[Evidence, ...],
    policy: Policy,
    opinion: Opinion | None = None,
) -> Judgement:
    """Decide about one report from its evidence and a model's opinion, where there is one."""
    if report.kind in NOT_REPORTS:
        return Judgement(Verdict.NOT_A_REPORT, None, Action.KEEP, (f"kind: {report.kind}",))
    if not concerns(report, identity):
        return Judgement(Verdict.UNSURE, None, Action.KEEP, ("concerns no protected domain",))
    weighed = weigh(evidence)
    log_odds = combine(weighed, opinion.log_odds if opinion is not None else None)
    if log_odds is None:
        return Judgement(Verdict.UNSURE, None, Action.KEEP, ("nothing tells who sent the original",))
    misuse = any(map(_MISUSE, evidence))
    if weighed.forged is _PROOF or weighed.genuine is _PROOF:
        opinion = None
    name = opinion.model if opinion is not None else None
    notes: tuple[str, ...] = ()
    if weighed.forged is weighed.genuine is _PROOF:
        notes = ("proof contradicts proof",)
        return Judgement(Verdict.UNSURE, 0.5, Action.KEEP, notes, misuse, evidence=evidence)
    probability = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds))))
    threshold = policy.threshold(name, inferred=identity.inferred, unopposed=weighed.unopposed)
    if probability >= threshold and policy.proof_only and weighed.forged is not Strength.PROOF:
        verdict = Verdict.UNSURE
        notes = ("kept: the policy takes nothing but proof",)
    elif probability >= threshold:
        verdict = Verdict.FORGED
    elif probability <= GENUINE_TO and (weighed.log_odds or 0.0) <= _GENUINE_LOG_ODDS:
        verdict = Verdict.GENUINE
    else:
        verdict = Verdict.UNSURE
    action = Action.QUARANTINE if verdict is Verdict.FORGED else Action.KEEP
    if action is Action.QUARANTINE and policy.keep_delayed and _only_delayed(report):
        action = Action.KEEP
        notes = ("kept: the policy keeps delay notices",)
    return Judgement(verdict, probability, action, notes, misuse, name, threshold, evidence, opinion)


def _of_model(opinion: Opinion) -> tuple[str, ...]:
    """Say in words what weighed most with the model."""
    told: list[str] = []
    for name, words, added in opinion.telling(0.25):
        if len(told) == _TOLD:
            break
        if not name.startswith("evidence."):
            told.append(f"{words} (model, {'forged' if added > 0 else 'genuine'} {added:+.1f})")
    return tuple(told)


def _only_delayed(report: Report) -> bool:
    actions = {r.action for r in report.recipients}
    return bool(actions) and actions <= {DeliveryAction.DELAYED, DeliveryAction.RELAYED}

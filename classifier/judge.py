"""The decision: proof first, then the sum of what is left. Pure.

    1. Not a report: no verdict about an original.
    2. Nothing of the protected domains is concerned: unsure.
    3. Proof on one side only: that side. Proof on both sides: unsure.
    4. Otherwise the log-odds of the evidence are added to those of the model
       (where there is one) and compared with the two thresholds.

Quarantine takes more than doubt: between the thresholds the answer is unsure,
and the message stays.
"""

from __future__ import annotations

import math

from classifier.dataclass import dataclass
from classifier.vocabulary import (
    NOT_REPORTS,
    Action,
    DeliveryAction,
    PointsTo,
    Strength,
    Verdict,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.base import Evidence
    from classifier.identity import Identity
    from classifier.parse.report import Report

#: What one piece of evidence adds to the log-odds of "forged", by strength.
WEIGHTS: dict[Strength, float] = {Strength.STRONG: 5.0, Strength.WEAK: 0.8}
#: Exceptions to it, by (kind, finding).
FINDING_WEIGHTS: dict[tuple[str, str], float] = {
    # A report made up from nothing could name our relay; one that came from where it says could not.
    ("path", "relay-unvouched"): 3.0,
    ("path", "own-host"): 3.0,
    ("path", "relay-presumed"): 1.5,
    # Claims that an observation contradicts; a named host may be a forwarder that leaves no hop.
    ("path", "look-alike"): 3.0,
    ("path", "look-alike-doubtful"): 4.2,
    ("path", "helo"): 3.0,
    ("path", "helo-doubtful"): 4.2,
    ("path", "helo-unchecked"): 1.5,
    ("path", "helo-domain"): 1.2,
    # Our own people write in from outside too, through providers and from web forms.
    ("path", "taken-in-numbered"): 3.5,
    ("path", "taken-in-named"): 2.5,
    ("path", "forwarded-inbound-numbered"): 3.5,
    ("path", "forwarded-inbound-named"): 2.5,
    ("path", "dial-up"): 1.2,
    ("path", "numbered"): 0.5,
    ("path", "elsewhere-presumed"): 0.4,
    # Headers of ours that reached somebody else: a replay, or a Bcc, a list, a forward.
    ("dkim", "valid-replayed"): 3.0,
    ("dkim", "valid-unbound"): 3.0,
    # Others send through the same hosts; or the report may be made up.
    ("spf", "pass-shared"): 1.6,
    ("spf", "pass-unvouched"): 2.0,
    ("spf", "fail-unconfirmed"): 2.0,
    ("spf", "fail-maybe-forwarded"): 1.2,
    ("authres", "dkim-pass-unvouched"): 2.0,
    ("reporter", "listed"): 0.5,
    ("reporter", "not-authentic"): 0.5,
    ("address", "never-sends"): 6.0,
    ("address", "unknown-return-path"): 3.0,
    ("message-id", "private"): 0.4,
    ("habits", "very-unlike"): 1.5,
    ("habits", "very-like"): 1.5,
    ("company", "forged-run"): 4.0,
    ("company", "strangers"): 1.5,
}
#: Weak signs of forgery alone never add up to more: many an honest sender has several.
WEAK_LIMIT = 4.0
#: What proof is worth when a probability has to be named for it.
PROOF_LOG_ODDS = 9.2
#: At or above this probability of forged the verdict is forged.
FORGED_FROM = 0.99
#: At or below it the verdict is genuine.
GENUINE_TO = 0.10


@dataclass(frozen=True)
class Policy:
    """What the user wants done: the ``[policy]`` part of the configuration that judging needs."""

    keep_delayed: bool = False
    forged_from: float = FORGED_FROM


@dataclass(frozen=True)
class Judgement:
    """The verdict about one message.

    Attributes:
        verdict: the answer.
        probability: of forged, at a prior of one half; None where nothing tells.
        action: what policy does with it.
        reasons: in words for a person, most weighty first.
        account_misuse: True where an account of ours looks broken into.
        model: the name of the model that took part, or None.

    """

    verdict: Verdict
    probability: float | None
    action: Action
    reasons: tuple[str, ...] = ()
    account_misuse: bool = False
    model: str | None = None


def concerns(report: Report, identity: Identity) -> bool:
    """Say whether the report is about a protected domain at all.

    It is if its own recipient, or the original's return path, From or Sender,
    is at one.
    """
    original = report.original
    return (
        any(identity.owns_address(a) for a in report.addressees)
        or identity.owns_address(original.return_path)
        or identity.owns_address(original.from_address)
        or identity.owns_address(original.sender)
    )


def weight(evidence: Evidence) -> float:
    """Return what *evidence* adds to the log-odds of forged; below zero for genuine."""
    if evidence.points_to is PointsTo.NEITHER:
        return 0.0
    size = FINDING_WEIGHTS.get((evidence.name, evidence.finding))
    if size is None:
        size = PROOF_LOG_ODDS if evidence.strength is Strength.PROOF else WEIGHTS[evidence.strength]
    return size if evidence.points_to is PointsTo.FORGED else -size


def judge(
    report: Report,
    identity: Identity,
    evidence: tuple[Evidence, ...],
    policy: Policy,
) -> Judgement:
    """Decide about one report from its evidence."""
    if report.kind in NOT_REPORTS:
        return Judgement(Verdict.NOT_A_REPORT, None, Action.KEEP, (f"kind: {report.kind}",))
    if not concerns(report, identity):
        return Judgement(Verdict.UNSURE, None, Action.KEEP, ("concerns no protected domain",))
    telling = sorted(
        (e for e in evidence if e.points_to is not PointsTo.NEITHER), key=lambda e: -abs(weight(e))
    )
    if not telling:
        return Judgement(Verdict.UNSURE, None, Action.KEEP, ("nothing tells who sent the original",))
    misuse = any(e.account_misuse for e in evidence)
    proven = {e.points_to for e in telling if e.strength is Strength.PROOF}
    reasons = (
        *(e.detail for e in evidence if e.account_misuse),
        *(f"{e.detail} ({e.strength}, {e.points_to})" for e in telling),
    )
    if len(proven) == 2:
        return Judgement(Verdict.UNSURE, 0.5, Action.KEEP, ("proof contradicts proof", *reasons), misuse)
    considered = [e for e in telling if not proven or e.points_to in proven]
    log_odds = math.fsum(weight(e) for e in considered)
    if all(e.strength is Strength.WEAK for e in considered if e.points_to is PointsTo.FORGED):
        log_odds = min(log_odds, WEAK_LIMIT)
    probability = 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds))))
    if probability >= policy.forged_from:
        verdict = Verdict.FORGED
    elif probability <= GENUINE_TO:
        verdict = Verdict.GENUINE
    else:
        verdict = Verdict.UNSURE
    action = Action.QUARANTINE if verdict is Verdict.FORGED else Action.KEEP
    if action is Action.QUARANTINE and policy.keep_delayed and _only_delayed(report):
        action = Action.KEEP
        reasons = ("kept: the policy keeps delay notices", *reasons)
    return Judgement(verdict, probability, action, reasons, misuse)


def _only_delayed(report: Report) -> bool:
    actions = {r.action for r in report.recipients}
    return bool(actions) and actions <= {DeliveryAction.DELAYED, DeliveryAction.RELAYED}

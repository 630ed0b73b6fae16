"""The judge: what evidence and a model's opinion come to, rule by rule."""

import math
from dataclasses import replace

import pytest

from classifier.evidence.base import forged, genuine, neutral
from classifier.identity import Identity
from classifier.judge import FORGED_FROM, GENUINE_TO, WEAK_LIMIT, Policy, combine, concerns, judge, weigh
from classifier.model.artifact import Promise
from classifier.model.features import NAMES
from classifier.model.files import in_use
from classifier.model.score import Opinion
from classifier.parse.message import parse
from classifier.runtime import policy_of
from classifier.settings import PolicySettings
from classifier.vocabulary import Action, DeliveryAction, ReportKind, Strength, Verdict
from classifier.weights import PROOF_LOG_ODDS, WEIGHTS
from tests.evidence.makers import make
from tests.samples import REPORT

OURS = Identity(domains=("example.org",))
STRONG, WEAK, PROOF = WEIGHTS[Strength.STRONG], WEIGHTS[Strength.WEAK], PROOF_LOG_ODDS
#: Kinds and findings of no weight of their own, so that the strength alone counts.
SAYS_FORGED = {s: forged("test", s, "no", f"{s} no") for s in Strength}
SAYS_GENUINE = {s: genuine("test", s, "yes", f"{s} yes") for s in Strength}
NOTHING = neutral("test", "nothing", "nothing")


def opinion(log_odds, added=None):
    filled = tuple((added or {}).get(name, 0.0) for name in NAMES)
    return Opinion(log_odds, filled, "a model", filled)


@pytest.mark.parametrize(
    ("evidence", "log_odds", "unopposed"),
    [
        ([], None, False),
        ([NOTHING], None, False),
        ([SAYS_FORGED[Strength.WEAK]], WEAK, False),
        ([SAYS_FORGED[Strength.WEAK]] * 9, WEAK_LIMIT, False),
        ([SAYS_FORGED[Strength.STRONG]], STRONG, True),
        ([SAYS_FORGED[Strength.STRONG], NOTHING], STRONG, True),
        ([SAYS_FORGED[Strength.STRONG], SAYS_FORGED[Strength.WEAK]], STRONG + WEAK, True),
        ([SAYS_FORGED[Strength.WEAK], SAYS_FORGED[Strength.STRONG]], WEAK + STRONG, True),
        ([SAYS_FORGED[Strength.STRONG]] * 3, 3 * STRONG, True),
        ([SAYS_FORGED[Strength.STRONG], SAYS_GENUINE[Strength.WEAK]], STRONG - WEAK, False),
        ([SAYS_FORGED[Strength.WEAK], SAYS_GENUINE[Strength.STRONG]], WEAK - STRONG, False),
        ([SAYS_GENUINE[Strength.STRONG]] * 3, -3 * STRONG, False),
        ([SAYS_FORGED[Strength.PROOF]], PROOF, False),
        ([SAYS_FORGED[Strength.PROOF], *[SAYS_GENUINE[Strength.STRONG]] * 3], PROOF, False),
        ([*[SAYS_FORGED[Strength.STRONG]] * 3, SAYS_GENUINE[Strength.PROOF]], -PROOF, False),
        ([SAYS_FORGED[Strength.PROOF], SAYS_GENUINE[Strength.PROOF]], 0.0, False),
    ],
)
def test_what_evidence_comes_to(evidence, log_odds, unopposed):
    weighed = weigh(evidence)
    assert weighed.log_odds == (None if log_odds is None else pytest.approx(log_odds))
    assert weighed.unopposed is unopposed


@pytest.mark.parametrize(
    ("evidence", "model", "log_odds"),
    [
        ([], None, None),
        ([], 3.0, 3.0),
        ([SAYS_FORGED[Strength.WEAK]], None, WEAK),
        ([SAYS_FORGED[Strength.WEAK]], -2.0, -2.0),  # the model has weighed it
        ([SAYS_FORGED[Strength.STRONG]], None, STRONG),
        ([SAYS_FORGED[Strength.STRONG]], 2.0, STRONG + 2.0),
        ([SAYS_FORGED[Strength.STRONG]], -2.0, -2.0),
        ([SAYS_FORGED[Strength.STRONG], *[SAYS_GENUINE[Strength.WEAK]] * 9], 2.0, 2.0),
        ([SAYS_GENUINE[Strength.STRONG]], 9.0, -STRONG),  # no model takes away what is known
        ([SAYS_GENUINE[Strength.STRONG]], -9.0, -9.0),
        ([SAYS_GENUINE[Strength.STRONG], SAYS_FORGED[Strength.STRONG]], 9.0, 0.0),
        ([SAYS_FORGED[Strength.PROOF]], -9.0, PROOF),
        ([SAYS_GENUINE[Strength.PROOF]], 9.0, -PROOF),
    ],
)
def test_what_evidence_and_a_model_come_to(evidence, model, log_odds):
    found = combine(weigh(evidence), model)
    assert found == (None if log_odds is None else pytest.approx(log_odds))


@pytest.mark.parametrize(
    ("evidence", "model", "verdict", "notes"),
    [
        ([], None, Verdict.UNSURE, ("nothing tells who sent the original",)),
        ([NOTHING], None, Verdict.UNSURE, ("nothing tells who sent the original",)),
        ([], 9.0, Verdict.FORGED, ()),
        ([], 1.0, Verdict.UNSURE, ()),
        ([], -9.0, Verdict.UNSURE, ()),  # a model alone has never seen what was sent
        ([SAYS_FORGED[Strength.STRONG]], None, Verdict.FORGED, ()),
        ([SAYS_GENUINE[Strength.STRONG]], None, Verdict.GENUINE, ()),
        ([SAYS_GENUINE[Strength.WEAK]], -9.0, Verdict.UNSURE, ()),
        ([SAYS_GENUINE[Strength.WEAK]] * 4, -9.0, Verdict.GENUINE, ()),
        ([SAYS_FORGED[Strength.PROOF]], -9.0, Verdict.FORGED, ()),
        ([SAYS_GENUINE[Strength.PROOF]], 9.0, Verdict.GENUINE, ()),
        ([SAYS_FORGED[Strength.PROOF], SAYS_GENUINE[Strength.PROOF]], 9.0, Verdict.UNSURE, ("proof contradicts proof",)),
    ],
)  # fmt: skip
def test_which_verdict_that_is(evidence, model, verdict, notes):
    said = opinion(model) if model is not None else None
    found = judge(make(), OURS, tuple(evidence), Policy(), said)
    assert (found.verdict, found.notes) == (verdict, notes)
    assert found.action is (Action.QUARANTINE if verdict is Verdict.FORGED else Action.KEEP)
    proof = any(e.strength is Strength.PROOF for e in evidence)
    assert found.model == ("a model" if said and not proof else None)
    assert found.reasons[: len(notes)] == notes


def test_a_verdict_changes_where_the_thresholds_are():
    def verdict(probability, *evidence):
        return judge(
            make(), OURS, evidence, Policy(), opinion(math.log(probability / (1 - probability)))
        ).verdict

    assert verdict(FORGED_FROM + 1e-9) is Verdict.FORGED
    assert verdict(FORGED_FROM - 1e-9) is Verdict.UNSURE
    known = [SAYS_GENUINE[Strength.WEAK]] * 4
    assert verdict(GENUINE_TO - 1e-9, *known) is Verdict.GENUINE
    assert verdict(GENUINE_TO + 1e-9, *known) is Verdict.UNSURE


def test_the_probability_stays_within_reach_of_a_number():
    for log_odds, verdict in ((1e6, Verdict.FORGED), (-1e6, Verdict.UNSURE)):
        found = judge(make(), OURS, (), Policy(), opinion(log_odds))
        assert 0 < found.probability < 1
        assert found.verdict is verdict


@pytest.mark.parametrize(
    ("own", "headers", "who"),
    [
        ("To: anna@example.org", "From: b@elsewhere.test", True),
        ("To: b@elsewhere.test", "From: anna@sub.example.org", False),
        ("To: b@elsewhere.test", "From: anna@example.org", True),
        ("To: b@elsewhere.test", "Sender: anna@example.org", True),
        ("To: b@elsewhere.test", "Return-Path: <anna@example.org>", True),
        ("To: b@elsewhere.test", "From: b@elsewhere.test\nTo: anna@example.org", False),
    ],
)
def test_whom_a_report_concerns(own, headers, who):
    report = make(headers=headers.encode() + b"\n", own=own.encode() + b"\n")
    assert concerns(report, OURS) is who
    found = judge(report, OURS, (SAYS_FORGED[Strength.PROOF],), Policy(), opinion(9.0))
    assert (found.verdict is Verdict.FORGED) is who
    assert who or found.reasons == ("concerns no protected domain",)


def test_what_is_no_report_is_not_judged():
    found = judge(make(kind=ReportKind.OTHER), OURS, (SAYS_FORGED[Strength.PROOF],), Policy())
    assert (found.verdict, found.probability, found.action) == (Verdict.NOT_A_REPORT, None, Action.KEEP)
    assert not found.account_misuse


def test_reasons_are_told_by_weight_the_alarm_first():
    alarm = replace(neutral("account", "spam", "broken into"), account_misuse=True)
    evidence = (SAYS_GENUINE[Strength.WEAK], SAYS_FORGED[Strength.STRONG], NOTHING, alarm)
    other = [name for name in NAMES if not name.startswith("evidence.")]
    shown = dict.fromkeys(NAMES, 1.0) | {other[0]: 0.2, other[1]: -0.3, other[2]: -2.0}
    found = judge(make(), OURS, evidence, Policy(), opinion(1.0, shown))
    assert found.account_misuse
    assert found.reasons[:3] == ("broken into", "strong no (strong, forged)", "weak yes (weak, genuine)")
    said = [reason.partition(" (model, ")[2] for reason in found.reasons[3:]]
    assert said == ["genuine -2.0)", *["forged +1.0)"] * 4]
    few = {other[0]: 0.2, other[1]: -0.3}
    found = judge(make(), OURS, evidence, Policy(), opinion(1.0, few))
    assert [reason.partition(" (model, ")[2] for reason in found.reasons[3:]] == ["genuine -0.3)"]


@pytest.mark.parametrize(
    ("actions", "kept"),
    [
        ([DeliveryAction.DELAYED], True),
        ([DeliveryAction.DELAYED, DeliveryAction.RELAYED], True),
        ([DeliveryAction.DELAYED, DeliveryAction.FAILED], False),
        ([], False),
        ([None], False),
    ],
)
def test_only_a_report_of_nothing_but_delays_is_kept_as_one(actions, kept):
    report = make()
    report = replace(report, recipients=tuple(replace(report.recipients[0], action=a) for a in actions))
    found = judge(report, OURS, (SAYS_FORGED[Strength.PROOF],), Policy(keep_delayed=True))
    assert found.verdict is Verdict.FORGED
    assert (found.action is Action.KEEP) is kept
    assert found.notes == (("kept: the policy keeps delay notices",) if kept else ())
    assert judge(report, OURS, (SAYS_FORGED[Strength.PROOF],), Policy()).action is Action.QUARANTINE


def test_where_nothing_may_be_lost_only_proof_says_forged():
    report, identity = parse(REPORT), Identity(domains=("example.org",))
    default, strict = (policy_of(PolicySettings(max_genuine_loss=x)) for x in (0.001, 0.0))
    sure = tuple(forged("address", Strength.STRONG, finding, "") for finding in ("never-sends", "unknown"))
    assert judge(report, identity, sure, default).verdict is Verdict.FORGED
    kept = judge(report, identity, sure, strict)
    assert (kept.verdict, kept.action) == (Verdict.UNSURE, Action.KEEP)
    assert kept.reasons[0] == "kept: the policy takes nothing but proof"
    proof = (*sure, forged("address", Strength.PROOF, "proof", ""))
    assert judge(report, identity, proof, strict).action is Action.QUARANTINE


@pytest.mark.parametrize(
    ("told", "action"), [(b"failed", "quarantine"), (b"delayed", "keep"), (b"relayed", "keep")]
)
def test_delay_notices_are_kept_where_asked(told, action):
    report = parse(REPORT.replace(b"Action: failed", b"Action: " + told))
    sure = (forged("address", Strength.STRONG, "never-sends", ""),)
    identity = Identity(domains=("example.org",))
    kept = judge(report, identity, sure, policy_of(PolicySettings(keep_delayed=True)))
    assert (kept.verdict, kept.action) == ("forged", action)
    assert judge(report, identity, sure, policy_of(PolicySettings())).action is Action.QUARANTINE


def test_who_is_protected_by_a_guess_takes_more_certainty():
    default, _ = in_use("")
    model = replace(
        default, promise=Promise(9_000, (5.0,) * 9), promise_configured=Promise(9_000, (4.0,) * 9)
    )
    policy = policy_of(PolicySettings(), model)
    assert (
        FORGED_FROM
        < policy.threshold(model.name, inferred=False)
        < policy.threshold(model.name, inferred=True)
    )
    assert {policy.threshold(None, inferred=inferred) for inferred in (True, False)} == {policy.forged_from}
    probability = (policy.configured_from + policy.model_from) / 2
    nothing = (0.0,) * len(NAMES)
    opinion = Opinion(math.log(probability / (1 - probability)), nothing, model.name, nothing)
    report = parse(REPORT)
    known, guessed = (
        judge(report, Identity(domains=("example.org",), inferred=i), (), policy, opinion)
        for i in (False, True)
    )
    assert (known.verdict, guessed.verdict) == (Verdict.FORGED, Verdict.UNSURE)
    assert known.threshold < known.probability < guessed.threshold


STRONG_FORGED = forged("tags", Strength.STRONG, "batv-missing", "")


@pytest.mark.parametrize(
    ("evidence", "model_says", "inferred", "verdict"),
    [
        ((STRONG_FORGED,), 0.5, False, Verdict.FORGED),
        ((STRONG_FORGED,), -0.5, False, Verdict.UNSURE),
        ((STRONG_FORGED,), 0.5, True, Verdict.UNSURE),
        ((STRONG_FORGED, genuine("path", Strength.WEAK, "forwarded", "")), 0.5, False, Verdict.UNSURE),
        ((forged("path", Strength.WEAK, "dial-up", ""),), 6.0, False, Verdict.UNSURE),
    ],
    ids=["and the model agrees", "and the model does not", "for a guessed domain", "opposed", "weak"],
)
def test_strong_evidence_that_nothing_opposes_asks_no_more_than_without_a_model(
    evidence, model_says, inferred, verdict
):
    """All our mail is tagged, says the user, and this is not: a model that finds little to add takes nothing away."""
    model, _ = in_use("")
    policy = policy_of(PolicySettings(), model)
    nothing = (0.0,) * len(NAMES)
    opinion = Opinion(model_says, nothing, model.name, nothing)
    identity = Identity(domains=("example.org",), inferred=inferred)
    found = judge(parse(REPORT), identity, evidence, policy, opinion)
    assert found.verdict is verdict
    alone = judge(parse(REPORT), identity, (STRONG_FORGED,), policy)
    assert alone.verdict is Verdict.FORGED

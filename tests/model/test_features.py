"""The list of features: no names, one sign each, and a model that keeps to it."""

import itertools
import math
import re
from datetime import UTC, datetime

import pytest

from classifier.corpus.worlds import worlds
from classifier.evidence.base import Evidence, Lookups
from classifier.evidence.table import KINDS
from classifier.examine import examine
from classifier.identity import Identity
from classifier.judge import combine, weigh
from classifier.model import files
from classifier.model.features import COUNTED, EVIDENCE_KINDS, FEATURES, NAMES, WORDS, measure
from classifier.model.score import opinion, score, words_score
from classifier.parse.message import parse
from classifier.vocabulary import Completeness, PointsTo, Strength, Verdict
from tests.evidence.makers import hop, make

NOW = Lookups(now=datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def model():
    return files.read(files.default_path())


@pytest.fixture(scope="module")
def cases():
    return list(worlds("features", 240))


RECEIVED = hop("pc", "dsl-9.isp.test", "198.51.100.9", "mx.remote.test")
CUT = b"Received: from pc (dsl-9.isp.test [198.51.100.9])\n\tby mx.remote.te"


@pytest.mark.parametrize(
    ("headers", "completeness", "known"),
    [
        (CUT, Completeness.PARTIAL, False),
        (b"From: anna@example.org\nDate: Sun, 1 Mar 2026 12:00:00 +0000\nMessage-ID: <1@a", Completeness.HEADERS, False),
        (b"From: anna@example.org\nDate: Sun, 1 Mar 2026 12:00:00 +0000\n", Completeness.HEADERS, True),
    ],
)  # fmt: skip
def test_what_was_cut_off_is_not_absent(headers, completeness, known):
    report = make([RECEIVED], headers=headers, completeness=completeness)
    found = dict(zip(NAMES, measure(report, Identity(domains=("example.org",)), ()), strict=True))
    assert math.isnan(found["id.absent"]) is not known
    for name in ("from.absent", "date.absent", "below.hops", "direct.homely"):
        assert math.isnan(found[name]) is (completeness is Completeness.PARTIAL), name


def test_every_kind_of_evidence_that_was_learnt_has_its_feature():
    assert tuple(kind.name for kind in KINDS if kind.learnt) == EVIDENCE_KINDS
    assert len(set(NAMES)) == len(NAMES)


def test_no_curve_goes_against_its_sign(model):
    for feature, curve in zip(FEATURES, model.curves, strict=True):
        steps = [b - a for a, b in itertools.pairwise(curve.values)]
        if feature.sign:
            assert all(step * feature.sign >= -1e-12 for step in steps), feature.name


def test_more_evidence_never_turns_the_probability_round(model, cases):
    sides = [
        Evidence(name, side, strength, "", "")
        for name in EVIDENCE_KINDS
        for side in (PointsTo.GENUINE, PointsTo.FORGED)
        for strength in (Strength.WEAK, Strength.STRONG)
    ]
    for case in cases[::8]:
        examined = examine(case.generated.raw, case.lookups, case.identity, model=model)
        if examined.opinion is None:
            continue
        identity = case.identity or Identity(domains=(case.domain,))
        before = combine(
            weigh(examined.evidence), opinion(model, examined.report, identity, examined.evidence).log_odds
        )
        for more in sides:
            evidence = (*examined.evidence, more)
            after = combine(weigh(evidence), opinion(model, examined.report, identity, evidence).log_odds)
            if more.points_to is PointsTo.GENUINE:
                assert after <= before + 1e-9, more
            else:
                assert after >= before - 1e-9, more


def renamed(raw):
    """Give all domains other names, and exchange the address blocks, everywhere in a message."""
    blocks = {b"192.0.2.": b"203.0.113.", b"203.0.113.": b"192.0.2."}
    raw = re.sub(rb"192\.0\.2\.|203\.0\.113\.", lambda m: blocks[m.group()], raw)
    dashed = {b"192-0-2-": b"203-0-113-", b"203-0-113-": b"192-0-2-"}
    raw = re.sub(rb"192-0-2-|203-0-113-", lambda m: dashed[m.group()], raw)
    return re.sub(rb"(?i)\b([a-z]{3,})(-[a-z]+)?\.(test|example)\b", rb"q\1z\2.\3", raw)


def test_names_and_address_blocks_leave_every_verdict_as_it_was(model, cases):
    """With no configuration and no look-ups, so that a signature over the old names is not asked for."""
    changed = 0
    for case in cases:
        raw = case.generated.raw
        if b"base64" in raw.lower():
            continue  # names inside cannot be exchanged so simply
        other = renamed(raw)
        changed += other != raw
        one, two = (examine(message, NOW, model=model) for message in (raw, other))
        assert one.judgement.verdict is two.judgement.verdict, case.generated.format
        if one.opinion and two.opinion:
            assert one.opinion.log_odds == pytest.approx(two.opinion.log_odds), case.generated.format
    assert changed > 100


def test_nothing_returned_is_never_left_to_the_model(model, cases):
    seen = 0
    for case in cases:
        examined = examine(case.generated.raw, NOW, case.identity, model=model)
        if examined.report.original.completeness is Completeness.NONE:
            seen += 1
            assert examined.opinion is None
            assert examined.judgement.model is None
    assert seen


def test_what_each_feature_added_sums_up_to_the_log_odds(model, cases):
    for case in cases[:40]:
        found = examine(case.generated.raw, case.lookups, case.identity, model=model).opinion
        if found is not None:
            base = model.scale * model.intercept + model.shift
            assert math.fsum(found.added) + base == pytest.approx(found.log_odds)
            assert found.model == model.name


def test_what_is_told_of_a_feature_is_what_was_found(model, cases):
    """What is absent counts, too, and used to be told as if it were there."""
    seen = set()
    for case in cases:
        found = examine(case.generated.raw, case.lookups, case.identity, model=model).opinion
        for name, words, _ in found.telling(0.0) if found is not None else ():
            value = found.values[NAMES.index(name)]
            if name == "id.ours":
                assert (value, words) in {
                    (0.0, "not so: the Message-ID ends in the protected domain"),
                    (1.0, "the Message-ID ends in the protected domain"),
                } or (math.isnan(value) and words.startswith("not told: "))
                seen.add(words)
            if name == "client.greeting" and not math.isnan(value):
                assert words.endswith(f"; here {value:.0f}")
            if not (name in COUNTED or name == "words" or name.startswith("evidence.")):
                assert value in {0.0, 1.0} or math.isnan(value), name
    assert len(seen) == 3


def test_a_model_that_fails_costs_its_opinion_alone(cases):
    examined = examine(cases[0].generated.raw, NOW, cases[0].identity, model=object())
    assert examined.opinion is None
    assert examined.judgement.verdict in Verdict


def test_hostile_headers_are_measured_in_bounds(model):
    received = b"Received: from x (y [1.2.3.4]) by z.test; Mon, 1 Jan 2026 00:00:00 +0000\n" * 2_000
    raw = (
        b"From: MAILER-DAEMON@a.test\nTo: u@example.org\nSubject: failure notice\nContent-Type: multipart/report;"
        b" report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA:"
        b" dns; a.test\n\nFinal-Recipient: rfc822; x@b.test\nAction: failed\nStatus: 5.0.0\n\n--b\nContent-Type:"
        b" message/rfc822\n\n"
        + received
        + b"From: u@example.org\nMessage-ID: "
        + b"<" * 5_000
        + b"\n\nx\n--b--\n"
    )
    report = parse(raw)
    values = measure(report, Identity(domains=("example.org",)), ())
    values[WORDS] = words_score(model, [])
    assert math.isfinite(score(model, values)[0])

"""The hostile suite: attacks that a reader of our source would try, and honest oddities."""

from __future__ import annotations

import dataclasses
import time

import pytest

from classifier.evidence.company import strange
from classifier.examine import examine
from classifier.identity import Identity
from classifier.model import files
from classifier.runtime import policy_of
from classifier.settings import PolicySettings
from classifier.store.database import Database
from classifier.store.floods import FloodStore
from classifier.store.ledger import SqliteLedger
from classifier.vocabulary import Action, Verdict
from tests.adversary.attacks import ATTACKS, bot_report, spam
from tests.adversary.build import dsn, original
from tests.adversary.oddities import ODDITIES
from tests.adversary.world import NOW, OURS, WRITTEN, lookups


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    with Database.open(tmp_path_factory.mktemp("store") / "state.sqlite3") as database:
        ledger = SqliteLedger(database)
        ledger.add_many(WRITTEN)
        ledger.mark_synced(NOW)
        yield ledger


def judged(case, ledger):
    return examine(case.raw, lookups(case.uses, ledger), case.identity, envelope=case.envelope)


def explain(case, found):
    told = "\n".join(f"  {e.name}/{e.finding} {e.strength} {e.points_to}: {e.detail}" for e in found.evidence)
    original = found.report.original
    return (
        f"{found.judgement.verdict} ({found.judgement.probability}), should be {case.verdicts}: {case.why}\n"
        f"  {found.report.kind} {found.report.format}, original {original.completeness}\n{told}"
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name, ledger):
    found = judged(ATTACKS[name], ledger)
    assert found.judgement.verdict in ATTACKS[name].verdicts, explain(ATTACKS[name], found)


@pytest.mark.parametrize("name", ODDITIES)
def test_honest_oddity(name, ledger):
    found = judged(ODDITIES[name], ledger)
    assert found.judgement.action is Action.KEEP, explain(ODDITIES[name], found)
    assert found.judgement.verdict in ODDITIES[name].verdicts, explain(ODDITIES[name], found)


@pytest.mark.parametrize("name", ODDITIES)
def test_honest_oddity_without_any_look_up(name, ledger):
    """Nothing that is missing may be a ground to quarantine."""
    bare = dataclasses.replace(ODDITIES[name], uses=frozenset())
    assert judged(bare, ledger).judgement.action is Action.KEEP, explain(bare, judged(bare, ledger))
    dead = dataclasses.replace(ODDITIES[name], uses=frozenset({"dead-dns"}))
    assert judged(dead, ledger).judgement.action is Action.KEEP, explain(dead, judged(dead, ledger))


@pytest.fixture(scope="module")
def model():
    return files.read(files.default_path())


def judged_by_model(case, ledger, model):
    policy = policy_of(PolicySettings(), model)
    given = lookups(case.uses, ledger)
    return examine(case.raw, given, case.identity, policy, case.envelope, model=model)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_talks_the_model_into_genuine(name, ledger, model):
    """What the evidence leaves open, the model may call forged, or leave open: never genuine."""
    case = ATTACKS[name]
    found = judged_by_model(case, ledger, model)
    assert found.judgement.verdict in {*case.verdicts, Verdict.UNSURE, Verdict.FORGED}, explain(case, found)


@pytest.mark.parametrize("name", ODDITIES)
@pytest.mark.parametrize(
    "uses", [None, frozenset(), frozenset({"dead-dns"})], ids=["known", "nothing", "dead"]
)
def test_no_honest_oddity_is_quarantined_by_the_model(name, uses, ledger, model):
    case = ODDITIES[name] if uses is None else dataclasses.replace(ODDITIES[name], uses=uses)
    found = judged_by_model(case, ledger, model)
    assert found.judgement.action is Action.KEEP, explain(case, found)


@pytest.mark.parametrize("name", [*ATTACKS, *ODDITIES])
def test_line_ends_change_no_verdict(name, ledger):
    """IMAP gives every line a CRLF; a file has LF."""
    case = ATTACKS.get(name) or ODDITIES[name]
    over_imap = dataclasses.replace(case, raw=case.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    found, expected = judged(over_imap, ledger), judged(case, ledger)
    told = [(e.name, e.finding) for e in found.evidence]
    assert told == [(e.name, e.finding) for e in expected.evidence]
    assert found.judgement.verdict is expected.judgement.verdict


def test_there_are_enough_of_both():
    assert len(ATTACKS) >= 40
    assert len(ODDITIES) >= 40


def test_no_attack_takes_long(ledger):
    for name, attack in ATTACKS.items():
        start = time.perf_counter()
        judged(attack, ledger)
        assert time.perf_counter() - start < 2, name


def test_a_flood_that_was_found_out_helps_with_its_last_report(tmp_path):
    """Five reports with a client to be seen; the sixth returns less and is judged by its company."""
    with Database.open(tmp_path / "state.sqlite3") as database:
        floods = FloodStore(database)
        world = dataclasses.replace(lookups({"dns"}), floods=floods)
        for number in range(6):
            raw = dsn(spam(subject="Watches from our warehouse"), final=f"u{number}@remote.test")
            found = examine(raw.replace(b"B0UND@", b"%d@" % number), world, OURS)
            assert found.judgement.verdict is Verdict.FORGED
            floods.record(found.report, found.evidence, NOW, stranger=False)
        silent = dsn(
            spam("", subject="Watches from our warehouse"), final="last@remote.test", returned="headers"
        )
        alone = examine(silent, lookups({"dns"}), OURS).judgement
        together = examine(silent, world, OURS).judgement
        assert alone.action is Action.KEEP
        assert together.probability > 0.9
        assert together.probability > (alone.probability or 0.5)


def test_a_newsletter_of_ours_that_bounces_forty_times_is_kept(tmp_path):
    with Database.open(tmp_path / "state.sqlite3") as database:
        floods = FloodStore(database)
        world = dataclasses.replace(lookups({"dns"}), floods=floods)
        for number in range(40):
            letter = original(
                "", subject="News of the spring from all of us", message_id=f"<{number}.news@example.org>"
            )
            raw = dsn(letter, final=f"u{number}@remote.test", returned="headers")
            found = examine(raw.replace(b"B0UND@", b"%d@" % number), world, OURS)
            assert found.judgement.action is Action.KEEP
            floods.record(found.report, found.evidence, NOW, stranger=strange(found.report, world))


def test_a_bot_nets_flood_is_found_out_where_the_domain_alone_is_configured(tmp_path):
    """And all of our own mail stays: also what a bot net has copied to the word."""
    model = files.in_use(tmp_path / "none")[0]
    policy, domain = policy_of(PolicySettings(), model), Identity(domains=OURS.domains)
    relay = ("mail.example.org", "mail.example.org", "192.0.2.1")
    flood = [bot_report(n) for n in range(40)]
    own = [bot_report(n, relay, subject="The minutes of Monday, once more") for n in range(50, 60)]
    copied = bot_report(61, relay)
    with Database.open(tmp_path / "state.sqlite3") as database:
        floods = FloodStore(database)
        world = dataclasses.replace(lookups(set()), floods=floods)

        def action(raw, *, recorded=True):
            found = examine(raw, world, domain, policy, model=model)
            if recorded:
                floods.record(found.report, found.evidence, NOW, stranger=False)
            return found.judgement.action

        first = [action(raw) for raw in flood]
        assert Action.QUARANTINE not in first[:8], "each alone, they show too little"
        assert Action.KEEP not in first[8:]
        assert {action(raw) for raw in flood} == {Action.QUARANTINE}
        assert {action(raw) for raw in own} == {Action.KEEP}
        assert action(copied, recorded=False) is Action.KEEP

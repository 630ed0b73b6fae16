"""Company and the account that looks broken into, over a real store."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from classifier.evidence import account, company
from classifier.evidence.base import forged, genuine
from classifier.evidence.company import fingerprints, report_digest, strange
from classifier.identity import Identity
from classifier.judge import Policy, judge
from classifier.store.database import Database
from classifier.store.floods import FloodStore
from classifier.vocabulary import Action, Strength, Verdict
from tests.evidence.makers import LOOKUPS, NOW, Written, make, told

OURS = Identity(domains=("example.org",))
PILLS = b"Buy the finest replica watches from our warehouse today while stocks last, " * 3
FIRM = (forged("dkim", Strength.STRONG, "x", "x"),)


@pytest.fixture
def floods(tmp_path):
    with Database.open(tmp_path / "state.sqlite3") as database:
        yield FloodStore(database)


def run(number, subject="Watches for everyone", sender="x", body=None, **more):
    headers = (
        f"From: anna@example.org\nSubject: {subject}\nMessage-ID: <{number:08x}.{number:04x}@{sender}.test>\n"
    )
    own = (
        f"From: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\nMessage-ID: <r{number}@mx.remote.test>\n"
    )
    return make(
        headers=headers.encode(), own=own.encode(), failed=f"user{number}@remote.test", body=body, **more
    )


def judged(floods, report, ledger=None, now=NOW):
    lookups = dataclasses.replace(LOOKUPS, floods=floods, ledger=ledger, now=now)
    return told(company.gather(report, OURS, lookups))


def test_a_run_found_forged_makes_the_next_report_easier(floods):
    for number in range(5):
        assert judged(floods, run(99)) == []
        floods.record(run(number), FIRM, NOW, stranger=False)
    assert judged(floods, run(99)) == [("forged-run", "forged", "strong")]
    assert judged(floods, run(99, subject="Another thing entirely")) == []
    assert judged(floods, run(99), now=NOW + timedelta(days=8)) == []


def test_a_report_is_no_company_of_its_own(floods):
    for number in range(5):
        floods.record(run(number), FIRM, NOW, stranger=False)
    assert judged(floods, run(4)) == []
    for _ in range(9):
        floods.record(run(4), FIRM, NOW, stranger=False)
    assert judged(floods, run(4)) == []


def test_what_company_said_is_not_company(floods):
    hearsay = (forged("company", Strength.STRONG, "forged-run", "x"),)
    for number in range(50):
        floods.record(run(number), hearsay, NOW, stranger=False)
    assert judged(floods, run(99)) == [("run", "neither", "weak")]


def test_a_newsletter_of_ours_that_bounces_many_times_is_kept(floods):
    newsletter = [run(n, subject="News of the spring", sender="example") for n in range(40)]
    ledger = Written(*(f"user{n}@remote.test" for n in range(40)))
    for report in newsletter:
        stranger = strange(report, dataclasses.replace(LOOKUPS, ledger=ledger))
        assert not stranger
        floods.record(report, (), NOW, stranger=stranger)
    assert judged(floods, newsletter[3], ledger) == [("run", "neither", "weak")]
    # The same without any ledger.
    assert judged(floods, newsletter[3]) == [("run", "neither", "weak")]


def test_a_newsletter_past_the_ledger_is_not_quarantined(floods):
    for number in range(40):
        floods.record(run(number, subject="News of the spring"), (), NOW, stranger=True)
    report = run(99, subject="News of the spring")
    lookups = dataclasses.replace(LOOKUPS, floods=floods, ledger=Written("someone@else.test"))
    evidence = tuple(company.gather(report, OURS, lookups))
    assert told(evidence) == [("strangers", "forged", "weak")]
    assert judge(report, OURS, evidence, Policy()).action is Action.KEEP


def test_forgeries_of_our_newsletter_do_not_turn_against_it(floods):
    proof = (genuine("dkim", Strength.PROOF, "valid", "x"),)
    for number in range(20):
        floods.record(run(number, subject="News of the spring"), FIRM, NOW, stranger=True)
    floods.record(run(21, subject="News of the spring"), proof, NOW, stranger=False)
    assert judged(floods, run(99, subject="News of the spring")) == [("mixed", "neither", "weak")]


def test_genuine_run(floods):
    proof = (genuine("dkim", Strength.PROOF, "valid", "x"),)
    for number in range(6):
        floods.record(run(number), proof, NOW, stranger=False)
    assert judged(floods, run(99)) == [("genuine-run", "genuine", "weak")]


def test_body_is_known_again_under_other_names_and_links():
    one = run(1, subject="A", body=PILLS + b"Dear Bob, see http://a.test/1?x=9")
    two = run(2, subject="B", body=PILLS.upper().replace(b"\n", b"\r\n") + b"Dear Eve, see http://b.test/77")
    assert set(fingerprints(one)) & set(fingerprints(two))
    other = run(
        3, subject="C", body=b"Please find attached the minutes of last week's meeting with the board. " * 4
    )
    assert not set(fingerprints(one)) & set(fingerprints(other))
    assert fingerprints(run(1, subject="Hi")) == ()


def test_digest_tells_reports_apart():
    assert report_digest(run(1)) == report_digest(run(1))
    assert report_digest(run(1)) != report_digest(run(2))


def test_no_text_is_kept(floods):
    floods.record(run(1, body=PILLS), FIRM, NOW, stranger=True)
    rows = str(floods._database.connection.execute("SELECT * FROM floods").fetchall())
    assert "watches" not in rows.lower()
    assert "user1" not in rows


def test_old_rows_go(floods):
    floods.record(run(1), FIRM, NOW - timedelta(days=9), stranger=False)
    floods.record(run(2), FIRM, NOW, stranger=False)
    assert floods._database.connection.execute("SELECT count(DISTINCT report) FROM floods").fetchone() == (1,)


PROOF = genuine("dkim", Strength.PROOF, "valid", "signed by us")
MISS = forged("ledger", Strength.STRONG, "miss", "not in the ledger")
UNLIKE = forged("habits", Strength.WEAK, "very-unlike", "not like ours")


def misuse(floods, found, ledger=None):
    lookups = dataclasses.replace(LOOKUPS, floods=floods, ledger=ledger)
    return [e for e in account.gather(run(99), OURS, lookups, found) if e.account_misuse]


def test_account_looks_broken_into(floods):
    found = misuse(floods, (PROOF, MISS, UNLIKE))
    assert len(found) == 1
    for what in (
        "BROKEN INTO",
        "anna@example.org",
        "password",
        "sessions",
        "app passwords",
        "rules",
        "submission log",
    ):
        assert what in found[0].detail
    judgement = judge(run(99), OURS, (PROOF, MISS, UNLIKE, *found), Policy())
    assert judgement.verdict is Verdict.GENUINE
    assert judgement.account_misuse
    assert "BROKEN INTO" in judgement.reasons[0]


def test_one_sign_is_no_alarm(floods):
    assert not misuse(floods, (PROOF, MISS))
    assert not misuse(floods, (PROOF, UNLIKE))
    assert not misuse(floods, (PROOF,))


def test_volume_to_strangers_is_a_sign(floods):
    for number in range(10):
        floods.record(run(number), (PROOF,), NOW, stranger=True)
    ledger = Written("someone@else.test")
    assert not misuse(floods, (PROOF,), ledger)
    assert misuse(floods, (PROOF, UNLIKE), ledger)
    assert not misuse(floods, (PROOF, UNLIKE), Written("user99@remote.test"))


def test_no_alarm_about_forged_mail_or_mail_that_the_ledger_holds(floods):
    assert not misuse(floods, (MISS, UNLIKE))
    hit = genuine("ledger", Strength.PROOF, "hit", "we sent it")
    assert not misuse(floods, (PROOF, hit, MISS, UNLIKE))

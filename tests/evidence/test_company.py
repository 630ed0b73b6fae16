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
from tests.evidence.makers import LOOKUPS, NOW, Written, hop, make, told

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
    rows = str(floods._database.connection.execute("SELECT * FROM runs").fetchall())
    assert "watches" not in rows.lower()
    assert "user1" not in rows


def test_old_rows_go(floods):
    floods.record(run(1), FIRM, NOW - timedelta(days=9), stranger=False)
    floods.record(run(2), FIRM, NOW, stranger=False)
    assert floods._database.connection.execute("SELECT count(DISTINCT report) FROM runs").fetchone() == (1,)


def seen(number, client, writers=6, **more):
    """A report of the run about what one of *writers* organisations saw *client* (name, address) hand in."""
    mx = f"mx.remote{number % writers}.test"
    return run(
        number,
        trace=(hop("pc", *client, mx),),
        reporter=mx,
        report_trace=(hop(mx, mx, f"203.0.113.{number % writers + 1}", "mx.example.org"),),
        **more,
    )


def home(number, provider=None):
    return f"dsl-{number}.pool.access{number if provider is None else provider}.test", f"198.51.{number}.7"


def relay(_number=0):
    return "mail.example.org", "192.0.2.10"


def scattered(floods, clients, *, writers=6, own=None):
    """Judge a report about what *own* handed in, where the others of the run came from *clients*."""
    for number, client in enumerate(clients):
        floods.record(seen(number, client, writers), (), NOW, stranger=False)
    return judged(floods, run(99) if own is None else seen(99, own))


def test_one_text_from_homes_all_over_the_world_is_a_bot_nets(floods):
    assert scattered(floods, map(home, range(8)), own=home(99)) == [("scattered", "forged", "strong")]


def test_a_line_without_a_name_counts_by_its_network(floods):
    nameless = [(None, f"198.{n}.100.7") for n in range(8)]
    assert scattered(floods, nameless, own=(None, "203.99.1.1")) == [("scattered", "forged", "strong")]


def test_lines_without_a_name_in_one_network_are_one_owners(floods):
    one_network = [(None, f"198.51.{n}.7") for n in range(60)]
    assert scattered(floods, one_network, own=(None, "203.99.1.1")) == [("run", "neither", "weak")]


def test_what_a_bot_nets_report_does_not_show_is_told_by_the_others(floods):
    assert scattered(floods, map(home, range(8))) == [("scattered-run", "forged", "strong")]


def test_our_text_that_a_bot_net_copied_is_kept_where_a_server_handed_it_in(floods):
    assert scattered(floods, map(home, range(30)), own=relay()) == [("scattered-server", "neither", "weak")]


def test_homes_of_few_owners_or_seen_by_few_are_no_bot_net(floods):
    assert scattered(floods, (home(n, n % 7) for n in range(60)), own=home(99)) == [
        ("run", "neither", "weak")
    ]


def test_homes_that_few_organisations_saw_are_no_bot_net(floods):
    assert scattered(floods, map(home, range(60)), own=home(99), writers=3) == [("run", "neither", "weak")]


def test_a_newsletter_of_ours_that_some_forward_from_home_is_no_bot_net(floods):
    clients = [home(n) if n % 3 else relay() for n in range(60)]
    assert scattered(floods, clients, own=home(99)) == [("run", "neither", "weak")]


def test_a_run_that_holds_a_genuine_report_is_no_bot_nets(floods):
    floods.record(run(98), (genuine("path", Strength.STRONG, "relay", "x"),), NOW, stranger=False)
    assert scattered(floods, map(home, range(30)), own=home(99)) == [("mixed", "neither", "weak")]


def test_a_single_genuine_report_is_found_among_thousands(floods):
    many = ((run(n), (), False) for n in range(3_000))
    floods.record_all([*many, (run(9_999), (PROOF,), False)], NOW)
    assert judged(floods, run(8_888)) == [("mixed", "neither", "weak")]


def test_members_who_send_one_text_through_their_access_providers_are_no_bot_net(floods):
    """Each provider knows its customer by his line, and was to pass the mail on."""
    for number in range(30):
        report = seen(number, home(number), remote="mx.else.test")
        floods.record(report, (), NOW, stranger=False)
    assert judged(floods, seen(99, home(99), remote="mx.else.test")) == [("run", "neither", "weak")]
    for number in range(100, 220):
        floods.record(seen(number, home(number)), (), NOW, stranger=False)
    member = seen(99, home(99), remote="mx.else.test")
    assert judged(floods, member) == [("scattered-server", "neither", "weak")]


def test_lines_that_nobody_vouches_for_are_not_counted(floods):
    """A report made up from nothing names any hop."""
    for number in range(30):
        made_up = run(
            number,
            trace=(hop("pc", *home(number), f"mx.remote{number}.test"),),
            reporter=f"mx.remote{number}.test",
        )
        floods.record(made_up, (), NOW, stranger=False)
    assert judged(floods, seen(99, home(99))) == [("run", "neither", "weak")]


def test_customers_and_clients_whose_name_nobody_sought_are_not_counted(floods):
    for number in range(30):
        mx = f"mx.remote{number % 6}.test"
        came = (hop(mx, mx, f"203.0.113.{number % 6 + 1}", "mx.example.org"),)
        if number % 2:
            trace = (hop("pc", *home(number), mx, protocol="ESMTPSA"),)
        else:
            trace = (dataclasses.replace(hop("pc", None, f"198.{number}.100.7", mx), raw="from pc by mx"),)
        floods.record(run(number, trace=trace, reporter=mx, report_trace=came), (), NOW, stranger=False)
    assert judged(floods, seen(99, home(99))) == [("run", "neither", "weak")]


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

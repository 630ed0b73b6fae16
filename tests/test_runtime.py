"""What the configuration allows is opened when needed, and what fails costs itself alone."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from classifier.config import parse_config
from classifier.judge import FORGED_FROM
from classifier.model.artifact import NO_PROMISE
from classifier.model.files import beside, in_use, put_in_place, roll_back
from classifier.runtime import Runtime, StoreUse, policy_of
from classifier.settings import PolicySettings
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger
from classifier.vocabulary import Verdict
from tests.adversary.build import BY_ZOMBIE, TAKEN, dsn, original
from tests.dnsserver import DnsServer, Zone
from tests.samples import ORDINARY, REPORT

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path):
    text = '[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n'
    return replace(parse_config(text), store=str(tmp_path / "sub" / "state.sqlite3"))


def test_without_a_configuration_only_the_report_is_asked():
    with Runtime(None, StoreUse.KEEP) as runtime:
        lookups = runtime.lookups()
        assert (lookups.ledger, lookups.resolver, lookups.records, lookups.floods, lookups.habits) == (
            None,
        ) * 5
        assert runtime.examine(REPORT).judgement.verdict is not Verdict.NOT_A_REPORT


def test_ordinary_mail_opens_nothing(config):
    with Runtime(config, StoreUse.KEEP) as runtime:
        assert runtime.examine(ORDINARY).judgement.verdict is Verdict.NOT_A_REPORT
    assert not os.path.exists(config.store)


@pytest.mark.parametrize("use", [StoreUse.READ, StoreUse.CACHE])
def test_looking_makes_no_store(config, use):
    with Runtime(config, use) as runtime:
        runtime.examine(REPORT)
        assert runtime.database is None
        assert runtime.notes == []


def test_the_store_is_used(config):
    with Runtime(config, StoreUse.KEEP) as runtime:
        assert runtime.database is not None
        assert runtime.lookups().ledger is not None
    with Runtime(config, StoreUse.READ) as runtime:
        assert runtime.database is not None
        assert runtime.database.readonly
        assert isinstance(runtime.lookups().ledger, SqliteLedger)


def test_a_store_that_is_none_is_left_out_and_told(config):
    with Database.open(config.store):
        pass
    with open(config.store, "wb") as file:
        file.write(b"no database" * 1000)
    with Runtime(config, StoreUse.KEEP) as runtime:
        examined = runtime.examine(REPORT)
        assert examined.judgement.verdict is not Verdict.NOT_A_REPORT
        assert "state.sqlite3" in runtime.notes[0]


def test_reports_are_remembered_only_where_asked(config):
    body = b" ".join(b"word%c%c" % (65 + n // 26, 97 + n % 26) for n in range(40))
    reports = [
        REPORT.replace(b"text/rfc822-headers", b"message/rfc822")
        .replace(b"Subject: buy", b"Subject: buy the best watches now")
        .replace(b"\n--b--", body + b"\n\n--b--")
        .replace(b"r1@mx", b"r%d@mx" % n)
        .replace(b"x@remote.test", b"x%d@remote.test" % n)
        for n in range(8)
    ]

    def company(remember):
        with Runtime(config, StoreUse.KEEP, remember=remember, clock=lambda: NOW) as runtime:
            examined = [runtime.examine(raw) for raw in reports]
            again = runtime.reexamine(examined[-1])
            return [e for e in again.evidence if e.name == "company"]

    assert company(remember=False) == []
    assert company(remember=True) != []


def test_a_report_is_judged_again_only_where_more_is_known(config):
    reports = [
        REPORT.replace(b"Subject: buy", b"Subject: buy the best watches now")
        .replace(b"r1@mx", b"r%d@mx" % n)
        .replace(b"x@remote.test", b"x%d@remote.test" % n)
        for n in range(8)
    ]
    with Runtime(config, StoreUse.KEEP, remember=True, clock=lambda: NOW) as runtime:
        first = runtime.examine(reports[0])
        assert runtime.reexamine(first) is first
        for raw in reports[1:]:
            runtime.examine(raw)
        again = runtime.reexamine(first)
        assert [e.name for e in again.evidence if e.name == "company"] == ["company"]
        assert runtime.reexamine(again) is again
        # What is left out is what would come out the same.
        assert runtime._judge(again.report).judgement == again.judgement


def test_dns_has_a_budget_for_each_message(config):
    with Runtime(
        replace(config, dns=replace(config.dns, enabled=True, nameservers=("127.0.0.1:9",))), StoreUse.READ
    ) as runtime:
        assert runtime.resolver is not None
        assert runtime.lookups().resolver is runtime.resolver


def test_less_loss_asks_for_more_certainty():
    assert policy_of(PolicySettings()).forged_from == pytest.approx(FORGED_FROM)
    strict, loose = (policy_of(PolicySettings(max_genuine_loss=x)).forged_from for x in (0.0, 0.01))
    assert loose < FORGED_FROM < strict < 1
    assert policy_of(PolicySettings(max_genuine_loss=1)).forged_from >= 0.9


def test_what_runs_takes_up_the_model_that_a_train_puts_in_place(config):
    """serve and watch keep one runtime for days."""
    default, _ = in_use("")

    def name(model):
        return model.name if model else None

    with Runtime(config, StoreUse.KEEP, clock=lambda: NOW) as runtime:
        assert runtime.examine(REPORT).judgement.model == default.name
        for own in ("first", "second"):
            put_in_place(
                replace(default, name=own, promise=NO_PROMISE, promise_configured=NO_PROMISE), config.store
            )
            found = runtime.examine(REPORT).judgement
            assert (found.model, found.threshold) == (own, FORGED_FROM)
        roll_back(config.store)
        assert runtime.examine(REPORT).judgement.model == "first"
        Path(beside(config.store)).write_text("{")
        assert runtime.examine(REPORT).judgement.model == default.name
        assert "model refused" in runtime.notes[-1]
    # One answer to a command holds for all of its input.
    with Runtime(config, StoreUse.READ, clock=lambda: NOW) as runtime:
        roll_back(config.store)
        assert runtime.examine(REPORT).judgement.model == "second"
        put_in_place(default, config.store)
        assert runtime.examine(REPORT).judgement.model == "second"


def test_what_our_domains_publish_is_noted_at_the_start_of_a_sweep(config):
    """A later fail is believed only by a policy that was seen before."""
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    with DnsServer(zone) as server:
        asking = replace(config, dns=replace(config.dns, enabled=True, nameservers=(server.address,)))
        with Runtime(asking, StoreUse.KEEP) as runtime:
            runtime.examine(REPORT)
            runtime.examine(REPORT)
            [seen] = runtime.lookups().records.remembered("example.org", "spf")
    assert seen.record == "v=spf1 ip4:192.0.2.1 -all"
    assert server.asked["example.org", "TXT"] <= 1


@pytest.mark.parametrize(("before", "finding"), [(3, "reject"), (None, "reject-unconfirmed")])
def test_our_dmarc_policy_counts_where_it_is_known(config, before, finding):
    """What ends in ~all leaves the rest to DMARC; a run of days before has noted that."""
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 ip4:192.0.2.1 ~all")
    zone.add("_dmarc.example.org", "TXT", "v=DMARC1; p=reject")
    taken = parsedate_to_datetime(TAKEN)
    with DnsServer(zone) as server:
        asking = replace(config, dns=replace(config.dns, enabled=True, nameservers=(server.address,)))
        if before is not None:
            with Runtime(asking, StoreUse.KEEP, clock=lambda: taken - timedelta(days=before)) as runtime:
                runtime.examine(REPORT)
        with Runtime(asking, StoreUse.KEEP, clock=lambda: taken + timedelta(hours=1)) as runtime:
            evidence = runtime.examine(dsn(original(BY_ZOMBIE))).evidence
    assert [e.finding for e in evidence if e.name == "dmarc"] == [finding]

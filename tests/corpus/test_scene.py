"""The generator: always the same, nobody real, and read by the parser as what it is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from classifier.corpus.__main__ import main
from classifier.corpus.chance import Chance
from classifier.corpus.reporters.base import Returned
from classifier.corpus.reporters.table import BY_NAME, FORMATS
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox
from classifier.evidence.base import Lookups
from classifier.examine import examine
from classifier.parse.message import parse
from classifier.vocabulary import Action, Completeness, ReportKind, Verdict
from tests.evidence.makers import NOW

DATA = Path(__file__).parents[2] / "data" / "sample"


@pytest.fixture(scope="module")
def scene():
    return Scene("test", domain=careful_domain("test"))


@pytest.fixture(scope="module")
def messages(scene):
    return mailbox(scene, ordinary=100, genuine=300, forged=300)


def test_the_same_seed_makes_the_same_bytes(messages):
    again = Scene("test", domain=careful_domain("test"))
    assert mailbox(again, ordinary=100, genuine=300, forged=300) == messages
    other = Scene("other", domain=careful_domain("test"))
    assert mailbox(other, ordinary=100, genuine=300, forged=300) != messages


def test_the_sample_in_the_project_is_what_the_generator_writes(tmp_path):
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    for path in tmp_path.iterdir():
        assert (DATA / path.name).read_bytes() == path.read_bytes(), path.name


def test_nobody_real_is_named(messages):
    """Addresses and networks are those of RFC 2606 and RFC 5737; providers' constants stay in Message-IDs."""
    for message in messages:
        if message.returned is Returned.PARTIAL:
            continue  # the last address may be half of one
        report = parse(message.raw)
        named = [
            *report.addressees,
            report.original.return_path,
            report.original.from_address,
            *report.original.to,
        ]
        named += [recipient.final_recipient for recipient in report.recipients]
        for address in filter(None, named):
            assert address.rpartition(".")[2].lower() in {"test", "example"}, address
        for network in re.findall(rb"\[([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\]", message.raw):
            first, second = network.split(b".")[:2]
            assert network in {b"192.0.2", b"198.51.100", b"203.0.113"} or (first, second) in {
                (b"198", b"18"), (b"198", b"19"), (b"127", b"0"), (b"192", b"168"),
            } or first in {b"10", b"172"}, network  # fmt: skip


def test_counts_and_order(messages):
    assert Counter(m.label for m in messages) == {Label.ORDINARY: 100, Label.GENUINE: 300, Label.FORGED: 300}
    assert [m.received_at for m in messages] == sorted(m.received_at for m in messages)
    assert len({m.raw for m in messages}) == len(messages)


def test_reports_are_read_as_reports_with_their_originals(messages):
    missed = 0
    for message in messages:
        report = parse(message.raw)
        if message.label is Label.ORDINARY:
            assert report.kind is ReportKind.OTHER
            continue
        if report.kind is ReportKind.OTHER:
            missed += 1  # a few words without a Return-Path
            continue
        if message.returned is Returned.PARTIAL:
            assert report.original.completeness is not Completeness.FULL
        elif message.returned is not Returned.NOTHING:
            assert report.original.completeness in {Completeness.FULL, Completeness.HEADERS}, message.format
        if BY_NAME[message.format].kind in {ReportKind.DSN, ReportKind.BOUNCE}:
            assert report.recipients, message.format
    assert missed <= len(messages) / 100


def test_there_are_many_formats():
    assert len(FORMATS) >= 50
    assert len({fmt.kind for fmt in FORMATS}) >= 5
    assert len({fmt.name for fmt in FORMATS}) == len(FORMATS)


def test_what_the_domain_knows_decides(scene, messages):
    for letter in scene.sent:
        scene.domain.ledger.add(letter, "sync")
    lookups = Lookups(now=NOW, ledger=scene.domain.ledger.until(NOW))
    verdicts = Counter()
    for message in messages:
        found = examine(message.raw, lookups, scene.domain.identity)
        if message.route != "replay":  # our own signature
            verdicts[message.label, found.judgement.verdict] += 1
        if message.label is not Label.FORGED:
            assert found.judgement.action is Action.KEEP, message.format
    assert verdicts[Label.FORGED, Verdict.GENUINE] == 0
    assert verdicts[Label.FORGED, Verdict.FORGED] > 180
    assert verdicts[Label.GENUINE, Verdict.GENUINE] > 200


def test_every_zone_and_token_comes_from_the_seed():
    assert Chance("x").uuid() == Chance("x").uuid()
    assert Chance("x").uuid() != Chance("y").uuid()


def facts(report):
    """What a verdict may rest on."""
    return (
        report.kind, report.format, report.reporting_mta, report.arrival_date, report.envelope_id,
        [(r.final_recipient, r.original_recipient, r.action, r.status, r.smtp_reply, r.remote_mta, r.stage) for r in report.recipients],
        [(h.helo, h.client_name, h.client_address, h.by, h.queue_id, h.when) for h in (*report.trace, *report.original.trace)],
        report.original.completeness, report.original.from_address, report.original.to, report.original.subject,
        report.original.message_id, report.original.date, report.original.return_path, report.addressees, report.answered_ids,
    )  # fmt: skip


def test_mail_over_imap_is_read_as_mail_from_a_file(messages):
    """IMAP gives every line a CRLF."""
    for message in messages:
        assert facts(parse(message.raw.replace(b"\n", b"\r\n"))) == facts(parse(message.raw)), message.format

"""DMARC after the fact: our own policy against mail that SPF suspects, by real DNS on loopback."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from classifier.evidence import dmarc, spf
from classifier.evidence.base import Lookups
from classifier.identity import Identity
from classifier.resolver import DnsResolver
from classifier.store.database import Database
from classifier.store.records import SqliteRecordMemory
from classifier.vocabulary import Completeness, ReportKind
from tests.dnsserver import DnsServer, Zone
from tests.evidence.makers import NOW, hop, make, told

DAY = timedelta(days=1)
OURS = Identity(domains=("example.org", ".example.org"))
MX = "mx.remote.test"
ZOMBIE = hop("pc", "dsl-9.isp.test", "198.51.100.9", MX, when=NOW)
HEADERS = (
    b"Received: from pc by mx.remote.test\nFrom: anna@example.org\nTo: x@remote.test\nSubject: The minutes\n"
    b"Date: Sun, 1 Mar 2026 11:59:00 +0000\n"
)
REJECT = [("reject", "forged", "strong")]
UNSURE = [("reject-unsure", "forged", "weak")]
UNCONFIRMED = [("reject-unconfirmed", "forged", "weak")]


def zone_of(policy="v=DMARC1; p=reject", spf_ends="~all", below=None):
    zone = Zone()
    for name in ("example.org", "shop.example.org"):
        zone.add(name, "TXT", f"v=spf1 ip4:192.0.2.0/24 {spf_ends}")
    if policy:
        zone.add("_dmarc.example.org", "TXT", *([policy] if isinstance(policy, str) else policy))
    if below:
        zone.add("_dmarc.shop.example.org", "TXT", *([below] if isinstance(below, str) else below))
    return zone


def judged(tmp_path, report, zone=None, known_for=30, identity=OURS, *, remembers=True):
    """Gather as a run would that saw the policies so many days ago (None: never), and looks now; without a store, too."""
    with (
        DnsServer(zone or zone_of()) as server,
        Database.open(tmp_path / "s.sqlite3") as database,
    ):
        memory = SqliteRecordMemory(database)

        def lookups(now):
            resolver = DnsResolver([server.address], timeout=0.5, clock=lambda: now)
            return Lookups(now, resolver=resolver, records=memory)

        if known_for is not None:
            for kind in (spf, dmarc):
                kind.observe(identity, lookups(NOW - known_for * DAY))
        now = lookups(NOW) if remembers else dataclasses.replace(lookups(NOW), records=None)
        found = list(spf.gather(report, identity, now))
        concluded = list(dmarc.gather(report, identity, now, found))
    assert not any("\n" in e.detail for e in concluded)
    return told(concluded)


def forged(**settings):
    report = make([ZOMBIE], **{"headers": HEADERS, **settings})
    return dataclasses.replace(report, original=dataclasses.replace(report.original, verbatim=True))


def test_what_our_policy_refuses_is_not_ours(tmp_path):
    assert judged(tmp_path, forged()) == REJECT


def test_what_no_store_remembers_may_be_of_today(tmp_path):
    assert judged(tmp_path, forged(), remembers=False) == UNCONFIRMED


@pytest.mark.parametrize(
    "policy",
    [
        None,
        "v=DMARC1; p=none",
        "v=DMARC1; p=quarantine",
        "v=DMARC1; p=reject; pct=50",
        "v=DMARC1; p=reject; t=y",
        ["v=DMARC1; p=reject", "v=DMARC1; p=none"],
        "v=spf1 -all",
    ],
)
def test_what_our_policy_does_not_refuse(tmp_path, policy):
    assert judged(tmp_path, forged(), zone_of(policy)) == []


@pytest.mark.parametrize(
    ("policy", "below", "expected"),
    [
        ("v=DMARC1; p=reject", None, REJECT),
        ("v=DMARC1; p=none; sp=reject", None, REJECT),
        ("v=DMARC1; p=reject; sp=none", None, []),
        ("v=DMARC1; p=reject", "v=DMARC1; p=none", []),
        (None, "v=DMARC1;p=Reject;", REJECT),
        ("v=DMARC1; p=reject", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], []),
    ],
)
def test_the_policy_of_a_subdomain(tmp_path, policy, below, expected):
    headers = HEADERS.replace(b"anna@", b"anna@shop.")
    own = b"From: MAILER-DAEMON@mx.remote.test\nTo: anna@shop.example.org\nReturn-Path: <>\n"
    identity = Identity(domains=("shop.example.org",))
    report = forged(headers=headers, own=own)
    assert judged(tmp_path, report, zone_of(policy, below=below), identity=identity) == expected


@pytest.mark.parametrize("ends", ["-all", "?all", "+all", "ip4:198.51.100.9 ~all"])
def test_only_what_spf_suspects(tmp_path, ends):
    """A fail says so by itself; and nothing is concluded from what it does not say."""
    assert judged(tmp_path, forged(), zone_of(spf_ends=ends)) == []


def test_no_other_domain_of_the_same_operator_speaks_for_ours(tmp_path):
    zone = Zone()
    zone.add("me.com", "TXT", "v=spf1 ip4:192.0.2.0/24 ~all")
    zone.add("_dmarc.icloud.com", "TXT", "v=DMARC1; p=reject")
    report = forged(
        headers=HEADERS.replace(b"anna@example.org", b"anna@me.com"),
        own=b"From: MAILER-DAEMON@mx.remote.test\nTo: anna@me.com\nReturn-Path: <>\n",
    )
    assert judged(tmp_path, report, zone, identity=Identity(domains=("me.com",))) == []


def signed_by(domain):
    return b"DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=s1; h=from; bh=YQ==; b=YQ==\n" % domain + HEADERS


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (signed_by(b"spam.test"), REJECT),
        (signed_by(b"example.org"), []),
        (signed_by(b"mail.example.org"), []),
        (b"DKIM-Signature: garbage\n" + HEADERS, []),
        (b"DKIM-Signature: v=1; d=spam.test; s=x; h=from; b=YQ==; bh=YQ==\n" * 30 + HEADERS, []),
        (b"List-Id: <l.list.test>\n" + HEADERS, []),
        (HEADERS.replace(b"Received:", b"X-Received:"), []),
        (HEADERS.replace(b"anna@example.org", b"anna@other.test"), []),
    ],
)
def test_what_the_header_section_must_be(tmp_path, headers, expected):
    assert judged(tmp_path, forged(headers=headers)) == expected


def test_what_did_not_come_back_as_it_was(tmp_path):
    report = forged()
    rewritten = dataclasses.replace(report.original, verbatim=False)
    assert judged(tmp_path, dataclasses.replace(report, original=rewritten)) == []
    assert judged(tmp_path, forged(completeness=Completeness.PARTIAL)) == []


def test_who_may_have_passed_it_on(tmp_path):
    forwarder = hop("fwd.alumni.test", "fwd.alumni.test", "198.51.100.9", MX, when=NOW)
    report = forged()
    below = hop("out", "mail.example.org", "192.0.2.1", "mx.alumni.test", when=NOW)
    passed = dataclasses.replace(report.original, trace=(forwarder, below))
    assert judged(tmp_path, dataclasses.replace(report, original=passed)) == []  # SPF knows it for a forward
    said = dataclasses.replace(forwarder, client_name=None)
    passed = dataclasses.replace(report.original, trace=(said, below))
    assert judged(tmp_path, dataclasses.replace(report, original=passed)) == UNSURE


@pytest.mark.parametrize("known_for", [None, 0])
def test_a_policy_that_is_known_since_today_is_only_a_hint(tmp_path, known_for):
    assert judged(tmp_path, forged(), known_for=known_for) == UNCONFIRMED


@pytest.mark.parametrize("before", [{"policy": "v=DMARC1; p=none"}, {"spf_ends": "ip4:203.0.113.0/24 ~all"}])
def test_a_policy_that_was_changed_is_only_a_hint(tmp_path, before):
    judged(tmp_path, forged(kind=ReportKind.OTHER), zone_of(**before))
    assert judged(tmp_path, forged(), known_for=None) == UNCONFIRMED


def test_a_nameserver_that_is_silent_says_nothing(tmp_path):
    with DnsServer(zone_of()) as server:
        lookups = Lookups(NOW, resolver=DnsResolver([server.address], timeout=0.2))
        found = list(spf.gather(forged(), OURS, lookups))
        server.mode = "silent"
        lookups = Lookups(NOW, resolver=DnsResolver([server.address], timeout=0.2))
        assert list(dmarc.gather(forged(), OURS, lookups, found)) == []
        assert list(dmarc.gather(forged(), OURS, Lookups(NOW), found)) == []

"""The reporter: lists of those who send misdirected bounces, and the report's own authentication."""

from __future__ import annotations

import dataclasses

import pytest

from classifier.evidence import reporter
from classifier.evidence.base import Lookups
from classifier.identity import Identity
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope, TraceHop
from classifier.resolver import DnsResolver
from tests.dnsserver import DnsServer, Zone
from tests.evidence.makers import NOW, hop, make, told

OURS = Identity(domains=("example.org",))
LIST = "bl.lists.test"
LISTED = ("listed", "forged", "weak")


@pytest.fixture
def zone():
    return Zone()


@pytest.fixture
def server(zone):
    with DnsServer(zone) as server:
        yield server


def look(server, **settings):
    return Lookups(
        NOW, resolver=DnsResolver([server.address], timeout=0.2), dnsbl=settings.get("dnsbl", (LIST,))
    )


def judged(report, lookups):
    return told(reporter.gather(report, OURS, lookups))


def test_a_listed_reporter_is_a_weak_sign(server, zone):
    zone.add(f"5.113.0.203.{LIST}", "A", "127.0.0.2")
    assert judged(make(), look(server)) == [LISTED]
    assert judged(make(), look(server, dnsbl=())) == []
    assert judged(make(), Lookups(NOW, dnsbl=(LIST,))) == []


def test_ipv6_reporters(server, zone):
    nibbles = ".".join(reversed("20010db8000000000000000000000005"))
    zone.add(f"{nibbles}.{LIST}", "A", "127.0.0.2")
    trace = [hop("x", None, "2001:db8::5", "mx.example.org")]
    assert judged(make(report_trace=trace), look(server)) == [LISTED]


def test_only_mail_with_a_null_sender_is_asked_about(server, zone):
    zone.add(f"5.113.0.203.{LIST}", "A", "127.0.0.2")
    no_path = make(own=b"From: x@mx.remote.test\nTo: anna@example.org\n")
    person = make(own=b"Return-Path: <x@mx.remote.test>\nTo: anna@example.org\n")
    known = dataclasses.replace(make(), envelope=Envelope(mail_from="x@mx.remote.test"))
    for report in (no_path, person, known):
        assert judged(report, look(server)) == []
    assert server.total == 0
    assert judged(dataclasses.replace(no_path, envelope=Envelope(mail_from="")), look(server)) == [LISTED]


@pytest.mark.parametrize(
    "answers", [("203.0.113.99",), ("127.255.255.254",), ("127.0.0.2", "203.0.113.99"), ()]
)
def test_parked_lists_and_refusals_say_nothing(server, zone, answers):
    if answers:
        zone.add(f"5.113.0.203.{LIST}", "A", *answers)
    assert judged(make(), look(server)) == []


@pytest.mark.parametrize("mode", ["silent", "servfail", "refused", "garbage", "nxdomain-all", "empty-all"])
def test_a_list_that_cannot_be_asked_says_nothing(server, mode):
    server.mode = mode
    assert not [e for e in judged(make(), look(server)) if e[1] != "neither"]


def test_our_own_hosts_are_not_asked_about(server):
    inside = [
        hop("x", None, "10.0.0.1", "mx.example.org"),
        hop("x", "mail.example.org", "192.0.2.1", "mx.example.org"),
    ]
    assert judged(make(report_trace=inside), look(server)) == []
    assert judged(make(report_trace=[]), look(server)) == []
    assert server.total == 0


RECEIVED = "from mx.remote.test (mx.remote.test [203.0.113.5]) by mx.example.org with ESMTP id 7"
HOP = TraceHop(RECEIVED, "mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org", "ESMTP", "7")


def authenticated(results, *, above=True, server="mx.example.org"):
    field = f"Authentication-Results: {server}; {results}\n"
    text = f"Received: {RECEIVED}\n"
    text = field + text if above else text + field
    report = make(report_trace=[HOP])
    return dataclasses.replace(report, headers=HeaderBlock((text + "From: x@mx.remote.test\n").encode()))


@pytest.mark.parametrize(
    ("results", "fails"),
    [
        ("spf=fail smtp.helo=mx.remote.test", True),
        ("dmarc=fail header.from=mx.remote.test; spf=pass smtp.helo=mx.remote.test", True),
        ("dkim=fail header.d=remote.test", True),
        ("dkim=fail header.d=remote.test; spf=pass smtp.helo=mx.remote.test", False),
        ("dkim=fail header.d=a.test; dkim=pass header.d=b.test; dmarc=pass header.from=b.test", False),
        ("spf=softfail", False),
        ("spf=none; dkim=none; dmarc=none", False),
        ("iprev=fail", False),
    ],
)
def test_a_report_that_fails_authentication_is_a_weak_sign(results, fails):
    found = judged(authenticated(results), Lookups(NOW))
    assert found == ([("not-authentic", "forged", "weak")] if fails else [])


def test_only_our_own_results_count():
    assert judged(authenticated("spf=fail", above=False), Lookups(NOW)) == []
    assert judged(authenticated("spf=fail", server="mx.remote.test"), Lookups(NOW)) == []
    assert judged(authenticated("spf=fail", server="in.example.org"), Lookups(NOW))

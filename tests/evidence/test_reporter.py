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
from classifier.vocabulary import ReportKind
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


# -- Who wrote it, beyond doubt ----------------------------------------------------

REMOTE = hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org")
#: As a forwarder's own line shows whom it had the report from.
FORWARDED = hop("host.evil.test", "host.evil.test", "203.0.113.66", "mx.remote.test")
PROVIDER = hop(
    "mx1.provider.test", "mx1.provider.test", "198.51.100.1", "store.provider.test", protocol="LMTP"
)
AT_PROVIDER = hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx1.provider.test")
BEHIND = Identity(domains=("example.org",), relays=(".provider.test",))
BEHIND_ADDRESS = Identity(domains=("example.org",), relays=("198.51.100.1",))


def blamed(*trace, identity=OURS, by=None):
    found = reporter.accountable_hop(make(report_trace=trace, reporter=by), identity)
    return found and found.client_name


@pytest.mark.parametrize("by", [None, "mx.remote.test", "smtp7.remote.test", "mailhost"])
def test_the_host_that_wrote_the_report_answers_for_it(by):
    assert blamed(REMOTE, by=by) == "mx.remote.test"
    # Through hosts of our own, by name, by address, by loopback, and fetched from a mailbox.
    inside = hop("mx.example.org", "mx.example.org", "10.0.0.2", "store.example.org")
    scanner = hop("localhost", "localhost", "127.0.0.1", "mx.example.org")
    handed = TraceHop("by mx.example.org (Dovecot) with LMTP id 1", by="mx.example.org", protocol="LMTP")
    fetched = hop("pop.provider.test", "pop.provider.test", "198.51.100.9", "pc", protocol="POP3")
    assert blamed(handed, inside, scanner, REMOTE, by=by) == "mx.remote.test"
    assert blamed(fetched, AT_PROVIDER, by=by) == "mx.remote.test"
    for identity in (BEHIND, BEHIND_ADDRESS):
        assert blamed(PROVIDER, AT_PROVIDER, identity=identity, by=by) == "mx.remote.test"
    # On its way inside their own house.
    theirs = (
        hop("a.remote.test", "a.remote.test", "203.0.113.9", "mx.remote.test"),
        hop("pc", None, "10.1.2.3", "a.remote.test"),
        TraceHop("by a.remote.test (Postfix) id 4", by="a.remote.test"),
    )
    assert blamed(REMOTE, *theirs, by=by) == "mx.remote.test"


@pytest.mark.parametrize("by", [None, "mx.remote.test", "host.evil.test", "mailhost"])
def test_who_only_passed_the_report_on_is_not_blamed(by):
    assert blamed(REMOTE, FORWARDED, by=by) is None
    assert blamed(REMOTE, hop("x", None, "203.0.113.66", "mx.remote.test"), by=by) is None
    # It does not say where it had it from, but that somebody else had it before.
    assert blamed(REMOTE, hop("pc", None, "10.1.2.3", "host.evil.test"), by=by) is None
    nowhere = TraceHop("from host.evil.test by mx.remote.test", helo="host.evil.test", by="mx.remote.test")
    assert blamed(REMOTE, nowhere, by=by) is None


@pytest.mark.parametrize("by", [None, "mx1.provider.test", "mx.example.org", "mx.remote.test"])
def test_our_own_provider_is_not_blamed(by):
    # Nobody told us of it: it writes our lines, and has us write them.
    assert blamed(PROVIDER, by=by) is None
    sent = hop("mx1.provider.test", "mx1.provider.test", "198.51.100.1", "store.provider.test")
    assert blamed(sent, AT_PROVIDER, by=by) is None
    assert (
        blamed(hop("x.provider.test", "x.provider.test", "198.51.100.77", "mx1.provider.test"), by=by) is None
    )
    ours = hop("out.provider.test", "out.provider.test", "198.51.100.3", "mx.example.org")
    relays = Identity(domains=("example.org",), relays=("smtp.provider.test",))
    assert blamed(ours, identity=relays, by=by) is None
    assert blamed(hop("x", "mx.example.org", "203.0.113.8", "mx.example.org"), by=by) is None


@pytest.mark.parametrize(
    "top",
    [
        hop("mx.remote.test", None, "203.0.113.5", "mx.example.org"),
        hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org", note="(may be forged)"),
        hop("mx.remote.test", "dsl-203-0-113-5.dyn.remote.test", "203.0.113.5", "mx.example.org"),
        hop("mx.remote.test", "mx.remote.lan", "203.0.113.5", "mx.example.org"),
        hop("mx.remote.test", "mx..test", "203.0.113.5", "mx.example.org"),
        hop("mx.remote.test", "mx.re/mote.test", "203.0.113.5", "mx.example.org"),
        hop("mx.remote.test", "mx.remote.test", None, "mx.example.org"),
        # The name is the client's own zone's, and nobody looked it up back.
        TraceHop(
            "from mx.remote.test (HELO mail) (203.0.113.5) by mx.example.org with SMTP",
            helo="mail", client_name="mx.remote.test", client_address="203.0.113.5", by="mx.example.org",
        ),
        # All the world has this address behind a container's network: what stands below was typed.
        hop("mail", None, "172.17.0.1", "mx.example.org"),
        hop("mail", "mx.elsewhere.test", "10.0.0.7", "mx.example.org"),
        TraceHop("from mail.evil.test by mx.example.org", helo="mail.evil.test", by="mx.example.org"),
    ],
)  # fmt: skip
def test_nobody_is_blamed_by_what_was_typed(top):
    assert blamed(top) is None
    assert blamed(top, REMOTE) is None
    assert blamed(top, REMOTE, by="mx.remote.test") is None


@pytest.mark.parametrize(
    ("sender", "kind", "expected"),
    [
        ("MAILER-DAEMON@mx.elsewhere.test", ReportKind.BOUNCE, None),
        ("MAILER-DAEMON@mx.elsewhere.test", ReportKind.DSN, None),
        ("bob@elsewhere.test", ReportKind.AUTO_REPLY, "mx.remote.test"),
        ("MAILER-DAEMON@example.org", ReportKind.BOUNCE, "mx.remote.test"),
        ("MAILER-DAEMON", ReportKind.BOUNCE, "mx.remote.test"),
    ],
)
def test_a_bounce_comes_from_an_address_of_its_host(sender, kind, expected):
    own = f"From: {sender}\nTo: anna@example.org\nReturn-Path: <>\n".encode()
    found = reporter.accountable_hop(make(own=own, reporter=None, kind=kind), OURS)
    assert (found and found.client_name) == expected


def test_a_typed_reporter_blames_nobody():
    assert blamed(REMOTE, by="mx.innocent.test") is None
    assert blamed(by="mx.remote.test") is None


DIALED_IN = hop("pc", "dsl-203-0-113-77.dyn.telco.test", "203.0.113.77", "smtp.remote.test")
LOGGED_IN = hop("pc", None, "203.0.113.77", "smtp.remote.test", protocol="ESMTPSA")


@pytest.mark.parametrize(
    ("original", "failed", "remote", "expected"),
    [
        # Handed in to be sent: perhaps by ourselves, to our own provider.
        (LOGGED_IN, "x@other.test", "mx.other.test", None),
        (DIALED_IN, "x@other.test", "mx.other.test", None),
        # Taken in for a recipient there, and sent on to where it leads.
        (DIALED_IN, "x@remote.test", "mx.other.test", "mx.remote.test"),
        (DIALED_IN, "x@other.test", "store.remote.test", "mx.remote.test"),
        (DIALED_IN, "x@other.test", None, "mx.remote.test"),
    ],
)
def test_who_was_asked_to_send_it_is_not_blamed(original, failed, remote, expected):
    headers = b"From: anna@example.org\nTo: " + failed.encode() + b"\n"
    report = make([original], headers=headers, failed=failed, remote=remote)
    found = reporter.accountable_hop(report, OURS)
    assert (found and found.client_name) == expected

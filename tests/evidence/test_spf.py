"""SPF after the fact: real DNS on loopback, policies that changed, forwarders, providers, liars."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from classifier.evidence import spf
from classifier.evidence.base import Lookups
from classifier.evidence.spf_check import check
from classifier.identity import Identity
from classifier.parse.report import Envelope, TraceHop
from classifier.parse.trace import read_hop
from classifier.resolver import DnsResolver
from classifier.store.database import Database
from classifier.store.records import SqliteRecordMemory
from classifier.vocabulary import Completeness, ReportKind
from tests.dnsserver import DnsServer, Zone
from tests.evidence.makers import FROM_ITS_WRITER, NOW, hop, make, told

DAY = timedelta(days=1)
OURS = Identity(domains=("example.org",))
MX = "mx.remote.test"
POLICY = "v=spf1 ip4:192.0.2.0/24 a:web.example.org include:_spf.example.org include:spf.provider.test -all"

RELAY = hop("mail.example.org", "out.test", "192.0.2.1", MX, when=NOW)
ZOMBIE = hop("pc", "dsl-9.isp.test", "198.51.100.9", MX, when=NOW)
PASS = ("pass", "genuine", "strong")
FAIL = ("fail", "forged", "strong")


@pytest.fixture
def zone():
    zone = Zone()
    zone.add("example.org", "TXT", POLICY, "site-verification=1")
    zone.add("_spf.example.org", "TXT", "v=spf1 ip4:203.0.113.7 mx:example.org ?all")
    zone.add("spf.provider.test", "TXT", "v=spf1 ip4:203.0.113.128/25 -all")
    zone.add("web.example.org", "A", "203.0.113.9")
    zone.add("example.org", "MX", "10 mx.example.org")
    zone.add("mx.example.org", "A", "203.0.113.8")
    return zone


@pytest.fixture
def server(zone):
    with DnsServer(zone) as server:
        yield server


@pytest.fixture
def memory(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        yield SqliteRecordMemory(database)


def look(server, memory=None, now=NOW, **settings):
    resolver = DnsResolver([server.address], **{"timeout": 0.5, **settings}, clock=lambda: now)
    return Lookups(now, resolver=resolver, records=memory)


@pytest.fixture
def lookups(server, memory):
    """DNS, and a memory that has known the policy for a month."""
    spf.observe(OURS, look(server, memory, NOW - 30 * DAY))
    return look(server, memory)


def judged(report, lookups, identity=OURS):
    found = list(spf.gather(report, identity, lookups))
    for evidence in found:
        assert "\n" not in evidence.detail
    return told(found)


# -- pass ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", PASS),
        ("203.0.113.9", PASS),
        ("203.0.113.7", PASS),
        ("203.0.113.8", PASS),
        ("203.0.113.200", ("pass-shared", "genuine", "weak")),
    ],
    ids=["ip4", "a", "ip4 of an include of our own", "mx of an include of our own", "a provider's include"],
)
def test_a_pass_by_whom(lookups, address, expected):
    assert judged(make([hop("x", None, address, MX, when=NOW)]), lookups) == [expected]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:192.0.0.0/12 -all", "pass-shared"),
        ("v=spf1 a:out.provider.test -all", "pass-shared"),
        ("v=spf1 mx -all", "pass-shared"),
        ("v=spf1 mx/22 -all", "pass-shared"),
        ("v=spf1 ptr -all", "pass"),
        ("v=spf1 exists:%{i}.spf.example.org -all", "pass-shared"),
        ("v=spf1 redirect=spf.provider.test", "pass-shared"),
        ("v=spf1 redirect=_spf.example.org", "pass"),
        ("v=spf1 include:_all.example.org -all", "open"),
        ("v=spf1 +all", "open"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 ip4:192.0.2.300 -all", "permerror"),
        ("v=spf1 include:nobody.test -all", "permerror"),
        ("no policy", "none"),
    ],
)
def test_shapes_of_policies(server, zone, policy, expected):
    zone.set("example.org", "TXT", policy)
    zone.set("example.org", "MX", "10 in.provider.test")
    zone.set("_spf.example.org", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    zone.set("spf.provider.test", "TXT", "v=spf1 ip4:192.0.2.1 -all")
    zone.add("_all.example.org", "TXT", "v=spf1 +all")
    zone.add("out.provider.test", "A", "192.0.2.1")
    zone.add("in.provider.test", "A", "192.0.2.1")
    zone.add("192.0.2.1.spf.example.org", "A", "127.0.0.2")
    zone.add("1.2.0.192.in-addr.arpa", "PTR", "deep.example.org")
    zone.add("deep.example.org", "A", "192.0.2.1")
    ((finding, points_to, _),) = judged(make([RELAY]), look(server))
    assert finding == expected
    assert points_to == ("genuine" if expected.startswith("pass") else "neither")


def test_a_pass_in_a_report_from_elsewhere_is_weak(lookups):
    made_up = make(
        [RELAY], report_trace=[hop("mx.remote.test", "dsl-1.isp.test", "198.51.100.1", "mx.example.org")]
    )
    assert judged(made_up, lookups) == [("pass-unvouched", "genuine", "weak")]


def test_ipv6(server, zone):
    zone.set("example.org", "TXT", "v=spf1 ip6:2001:db8:1::/48 -all")
    assert judged(make([hop("x", None, "2001:db8:1::25", MX, when=NOW)]), look(server)) == [PASS]
    assert (
        judged(make([hop("x", None, "::ffff:192.0.2.1", MX, when=NOW)]), look(server))[0][0]
        == "fail-unconfirmed"
    )


# -- fail ------------------------------------------------------------------


def test_a_fail_is_strong_where_the_policy_is_known_to_have_stood(lookups):
    assert judged(make([ZOMBIE]), lookups) == [FAIL]


def test_a_fail_is_weak_at_first_sight(server, memory):
    assert judged(make([ZOMBIE]), look(server)) == [("fail-unconfirmed", "forged", "weak")]
    assert judged(make([ZOMBIE]), look(server, memory)) == [("fail-unconfirmed", "forged", "weak")]
    # ... and mail that comes later is held against what was seen then.
    later = dataclasses.replace(ZOMBIE, dated=NOW + DAY)
    assert judged(make([later]), look(server, memory, NOW + DAY)) == [FAIL]
    without_date = dataclasses.replace(ZOMBIE, dated=None)
    assert judged(make([without_date]), look(server, memory, NOW + DAY)) == [
        ("fail-unconfirmed", "forged", "weak")
    ]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("example.org", "TXT", POLICY.replace("192.0.2.0/24", "192.0.2.9")),
        ("_spf.example.org", "TXT", "v=spf1 ?all"),
        ("spf.provider.test", "TXT", "v=spf1 -all"),
        ("web.example.org", "A", "203.0.113.10"),
        ("mx.example.org", "A", "203.0.113.11"),
    ],
)
def test_a_fail_is_weak_where_anything_it_rests_on_changed(lookups, zone, name, kind, value):
    zone.set(name, kind, value)
    assert judged(make([ZOMBIE]), lookups) == [("fail-unconfirmed", "forged", "weak")]


def test_a_fail_by_macros_is_never_known_from_before(server, zone, memory):
    zone.set("example.org", "TXT", "v=spf1 exists:%{i}.spf.example.org -all")
    spf.observe(OURS, look(server, memory, NOW - 30 * DAY))
    assert judged(make([ZOMBIE]), look(server, memory)) == [("fail-unconfirmed", "forged", "weak")]


def test_mail_sent_under_the_old_policy_passes_by_it(lookups, zone):
    zone.set("example.org", "TXT", "v=spf1 ip4:203.0.113.50 -all")  # moved to another host
    assert judged(make([RELAY]), lookups) == [PASS]
    assert judged(make([ZOMBIE]), lookups) == [("fail-unconfirmed", "forged", "weak")]


@pytest.mark.parametrize(("days", "expected"), [(5, "pass"), (10, "fail")])
def test_a_policy_that_was_replaced_a_week_before_the_mail_passes_nothing(
    server, zone, lookups, days, expected
):
    zone.set("example.org", "TXT", "v=spf1 ip4:203.0.113.50 -all")
    spf.observe(OURS, look(server, lookups.records, NOW - days * DAY))
    assert judged(make([RELAY]), look(server, lookups.records))[0][0] == expected


def test_a_softfail_is_weak(lookups, zone):
    zone.set("example.org", "TXT", "v=spf1 ip4:192.0.2.0/24 ~all")
    assert judged(make([ZOMBIE]), lookups) == [("softfail", "forged", "weak")]


# -- what explains a fail --------------------------------------------------

FORWARDER = hop("fwd.alumni.test", "fwd.alumni.test", "203.0.113.66", MX, when=NOW)
TO_ALUMNI = b"From: anna@example.org\nTo: x@alumni.test\n"


def _forwarded():
    yield "an alumni address", make([FORWARDER], headers=TO_ALUMNI), "neither"
    inner = hop("mail.example.org", "mail.example.org", "192.0.2.1", "mx.alumni.test")
    yield "a forwarder that left its hop", make([FORWARDER, inner]), "neither"
    web = hop("www7.hoster.test", "www7.hoster.test", "203.0.113.67", MX, when=NOW)
    form = hop("localhost", "localhost", "127.0.0.1", "www7.hoster.test")
    yield "a web form's server", make([web, form]), "neither"
    service = hop("o1.esp.test", "o1.esp.test", "203.0.113.68", MX, when=NOW)
    yield (
        "a service that sends for us",
        make([service, hop("app", None, "10.0.0.1", "q.esp.test")]),
        "neither",
    )
    named = hop("fwd.alumni.test", None, "203.0.113.66", MX, when=NOW)
    yield "a forwarder without a name in DNS", make([named, inner]), "weak"
    filtered = hop("mx3.filter.test", "mx3.filter.test", "203.0.113.69", MX, when=NOW)
    behind = hop("mail.example.org", "mail.example.org", "192.0.2.1", "node7.inside-filter.test")
    yield "a filter of the recipient's, by other names inside", make([filtered, behind]), "weak"
    cloud = hop("fwd.alumni.test", "ec2-203-0-113-70.cloud.test", "203.0.113.70", MX, when=NOW)
    box = hop("mail.example.org", "mail.example.org", "192.0.2.1", "mailserver")
    yield "a forwarder in a container", make([cloud, box]), "weak"
    bare = hop("mail.example.org", None, "198.51.100.77", "filter4")
    yield "a filter that has a name of its own inside alone", make([filtered, bare]), "weak"
    yield (
        "a hoster that takes all lines off, of a domain that it is no host of by name",
        make([hop("out5.hoster.test", "out5.hoster.test", "203.0.113.71", MX, when=NOW)], headers=TO_ALUMNI),
        "weak",
    )
    yield "the reporting side's firewall", make([hop("fw", None, "203.0.113.6", MX, when=NOW)]), "neither"
    handed = TraceHop("(qmail 1234 invoked by uid 89); 1 Mar 2026 11:59:00 -0000")
    yield "qmail, which notes that it handed it on", make([FORWARDER, handed, inner]), "neither"
    yield "cut headers", make([ZOMBIE], completeness=Completeness.PARTIAL), "weak"
    foreign = b"Return-Path: <bounce@esp.test>\nFrom: anna@example.org\n"
    yield "another return path, and yet the report came here", make([ZOMBIE], headers=foreign), "weak"
    for kind in (ReportKind.AUTO_REPLY, ReportKind.CHALLENGE, ReportKind.VIRUS_WARNING, ReportKind.MDN):
        yield f"{kind}: it may answer From", make([ZOMBIE], kind=kind), "neither"
    yield "a bounce of unknown form", make([ZOMBIE], kind=ReportKind.BOUNCE), "weak"
    yield (
        "our own host, by its name",
        make([hop("x", "web7.example.org", "203.0.113.80", MX, when=NOW)]),
        "neither",
    )


@pytest.mark.parametrize(
    ("what", "report", "expected"), list(_forwarded()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_fail_that_has_an_innocent_explanation_is_never_strong(lookups, what, report, expected):
    ((_, points_to, strength),) = judged(report, lookups)
    assert (points_to if expected == "neither" else strength) == expected, what


def test_a_zombie_cannot_pass_for_a_forwarder(lookups):
    typed = hop("mail.example.org", "mail.example.org", "192.0.2.1", "gw.isp.test")
    assert judged(make([ZOMBIE, typed]), lookups) == [FAIL]
    assert judged(make([ZOMBIE, RELAY]), lookups) == [FAIL]
    assert judged(make([ZOMBIE, dataclasses.replace(typed, by="198.51.100.9")]), lookups) == [FAIL]
    assert judged(
        make([hop("fwd.alumni.test", "dsl-9.isp.test", "198.51.100.9", MX, when=NOW)]), lookups
    ) == [FAIL]


def test_a_policy_that_knows_no_ipv6_may_have_forgotten_it(server, zone, memory):
    client = make([hop("pc", None, "2001:db8:9::9", MX, when=NOW)])
    for policy, expected in (
        ("v=spf1 ip4:192.0.2.0/24 a:web.example.org -all", ("fail-forgotten", "forged", "weak")),
        ("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8:1::/48 -all", FAIL),
    ):
        zone.set("example.org", "TXT", policy)
        spf.observe(OURS, look(server, memory, NOW - 30 * DAY))
        assert judged(client, look(server, memory)) == [expected]


@pytest.mark.parametrize(
    "report",
    [
        make([hop("laptop", "dsl-9.isp.test", "198.51.100.9", MX, protocol="ESMTPSA", when=NOW)]),
        make(
            [hop("laptop", None, "198.51.100.9", "mail.example.org", when=NOW)], reporter="mail.example.org"
        ),
        make([hop("laptop", None, "10.1.2.3", MX, when=NOW)]),
        make([]),
        make([hop("x", None, "198.51.100.9", "other.test", when=NOW)]),
        make([ZOMBIE], headers=b"Return-Path: <>\nFrom: anna@example.org\n"),
    ],
    ids=[
        "authenticated",
        "our own server took it in",
        "inside",
        "no trace",
        "not the reporter's hop",
        "null sender",
    ],
)
def test_where_spf_does_not_apply_nothing_is_said(lookups, report):
    assert judged(report, lookups) == []


def test_a_provider_that_knows_its_users_by_their_line(lookups, zone):
    zone.set("example.org", "TXT", POLICY.replace("include:spf.provider.test", "ip4:203.0.113.5"))
    assert judged(make([ZOMBIE]), lookups) == [("fail-at-provider", "neither", "weak")]


def test_who_tried_to_pass_it_on_may_be_our_provider_where_nothing_shows_who_brought_the_report(lookups):
    refused = make([ZOMBIE], report_trace=(), remote="mx.elsewhere.test")
    assert judged(refused, lookups) == [("fail-at-provider", "neither", "weak")]
    for other in (make([ZOMBIE], report_trace=()), make([ZOMBIE], remote="mx.elsewhere.test")):
        assert judged(other, lookups) == judged(make([ZOMBIE]), lookups)


def test_no_policy_speaks_of_a_private_client(lookups):
    inside = (hop("mx.remote.test", "mx.remote.test", "10.0.0.5", "mx.example.org"),)
    report = make([hop("pc", "pc.branch.test", "10.9.9.9", MX, when=NOW)], report_trace=inside)
    assert judged(report, lookups) == [("fail-inside", "neither", "weak")]


def test_our_own_mx_is_not_the_provider_who_brought_the_report(lookups, zone):
    zone.set("example.org", "TXT", POLICY.replace("include:spf.provider.test", "ip4:192.0.2.20"))
    handed_on = hop("mx.example.org", "mx.example.org", "192.0.2.20", "store.example.org")
    report = make([ZOMBIE], report_trace=(handed_on, *FROM_ITS_WRITER))
    assert judged(report, lookups) == judged(make([ZOMBIE]), lookups)


def test_our_relays_are_left_to_the_path(lookups, server, zone):
    by_network = dataclasses.replace(OURS, relays=("192.0.2.0/24",))
    assert judged(make([RELAY]), lookups, by_network) == []
    zone.add("mail.example.org", "A", "192.0.2.1")
    assert judged(make([RELAY]), look(server), dataclasses.replace(OURS, relays=("mail.example.org",))) == []


@pytest.mark.parametrize(
    ("failed", "expected"),
    [("x@remote.test", "fail-maybe-forwarded"), ("x@home.test", "fail")],
)
def test_a_line_that_greets_as_the_one_addressed_may_have_forwarded_it(lookups, failed, expected):
    at_home = hop("mail.home.test", "dsl-9.isp.test", "198.51.100.9", MX, when=NOW)
    headers = b"From: anna@example.org\nTo: x@home.test\nSubject: The minutes\n"
    report = make([at_home, hop("a", None, "192.0.2.1", "nas.local")], headers=headers, failed=failed)
    assert judged(report, lookups)[0][0] == expected


def test_a_service_that_only_its_address_was_written_of_may_have_handed_it_on(lookups):
    date = NOW.strftime("%a, %d %b %Y %H:%M:%S +0000")
    seen = read_hop(f"from [198.51.100.9] by mx.remote.test with ESMTP id A1; {date}")
    below = hop("mail.example.org", None, "192.0.2.77", "in4.core.test")
    assert judged(make([seen, below]), lookups)[0][0] == "fail-maybe-forwarded"
    assert judged(make([seen]), lookups)[0][0] == "fail"


@pytest.mark.parametrize(
    ("greeting", "expected"), [("out.filter.test", "fail-maybe-forwarded"), ("DESKTOP-7K2", "fail")]
)
def test_a_service_whose_name_nobody_looked_up_may_have_handed_it_on(lookups, greeting, expected):
    date = NOW.strftime("%a, %d %b %Y %H:%M:%S +0000")
    seen = read_hop(f"from {greeting} ([198.51.100.9]) by mx.remote.test with ESMTP; {date}")
    report = make([seen, hop("a", None, "192.0.2.1", "in.otherfilter.test")])
    assert judged(report, lookups)[0][0] == expected


@pytest.mark.parametrize("inside", ["10.0.0.5", "fd00::5", "100.64.0.5"])
def test_dns_of_our_own_net_does_not_show_the_policy_that_the_world_sees(server, zone, memory, inside):
    """ "mx" and "a" lead to addresses inside, there; nobody outside was ever judged by them."""
    kind = "AAAA" if ":" in inside else "A"
    zone.set("example.org", "TXT", "v=spf1 a:gate.example.org mx -all")
    zone.remove("mx.example.org", "A")
    zone.add("mx.example.org", kind, inside)
    zone.add("gate.example.org", kind, inside)
    address = "2001:db8::9" if ":" in inside else "198.51.100.9"
    report = make([hop("mail.example.org", None, address, MX, when=NOW)])
    spf.observe(OURS, look(server, memory, NOW - 30 * DAY))
    assert judged(report, look(server, memory)) == [("unknown", "neither", "weak")]
    # What DNS answers to "exists" is no address of anybody.
    zone.set("example.org", "TXT", "v=spf1 exists:%{i}.spf.example.org -all")
    zone.add("198.51.100.9.spf.example.org", "A", "127.0.0.2")
    passing = make([hop("mail.example.org", None, "198.51.100.9", MX, when=NOW)])
    assert judged(passing, look(server, now=NOW + DAY)) == [("pass-shared", "genuine", "weak")]


def test_received_from_mta_stands_in_for_a_hop(lookups):
    report = dataclasses.replace(make([], arrival=NOW), received_from_mta="pc (pc [198.51.100.9])")
    assert judged(report, lookups) == [("fail-maybe-forwarded", "forged", "weak")]
    ours = dataclasses.replace(report, received_from_mta="mail.example.org ([192.0.2.1])")
    assert judged(ours, lookups) == [PASS]


def test_the_envelope_recipient_of_the_report_is_the_sender(lookups):
    other = make(
        [ZOMBIE], own=b"From: x@mx.remote.test\nTo: someone@else.test\n", headers=b"From: anna@example.org\n"
    )
    assert judged(other, lookups) == []
    known = dataclasses.replace(other, envelope=Envelope(mail_from="", rcpt_to="anna@example.org"))
    assert judged(known, lookups) == [FAIL]


# -- DNS in bad health -----------------------------------------------------

FAILURES = (
    "silent", "servfail", "refused", "notimp", "garbage", "short", "wrong-id", "wrong-question", "loop",
    "referral", "truncate-then-close", "nxdomain-all", "empty-all",
)  # fmt: skip


@pytest.mark.parametrize("mode", FAILURES)
@pytest.mark.parametrize("broken", ["", "provider"], ids=["all", "provider"])
@pytest.mark.parametrize("client", [RELAY, hop("x", None, "203.0.113.200", MX, when=NOW)])
def test_no_failure_of_dns_turns_genuine_into_forged(lookups, server, mode, broken, client):
    server.mode = lambda name, _kind: mode if broken in name else "ok"
    found = judged(make([client]), look(server, lookups.records, timeout=0.15))
    assert not [e for e in found if e[1] == "forged"], found


@pytest.mark.parametrize("lie", ["v=spf1 -all", "v=spf1 ip4:198.51.100.1 -all", "v=spf1 redirect=liar.test"])
@pytest.mark.parametrize("known", [True, False])
def test_a_lying_server_gets_no_strong_word(server, zone, memory, lie, known):
    if known:
        spf.observe(OURS, look(server, memory, NOW - 30 * DAY))
    zone.set("example.org", "TXT", lie)
    zone.add("liar.test", "TXT", "v=spf1 -all")
    ((_, points_to, strength),) = judged(make([RELAY]), look(server, memory))
    if known:
        assert points_to == "genuine"  # by the policy that is remembered
    else:
        assert strength == "weak"


def test_without_dns_nothing_is_said(server):
    assert judged(make([ZOMBIE]), Lookups(NOW)) == []
    assert judged(make([ZOMBIE]), look(server, enabled=False)) == [("unknown", "neither", "weak")]


def test_a_policy_that_asks_without_end_is_ended(server, zone):
    for n in range(60):
        zone.add(f"n{n}.example.org", "TXT", f"v=spf1 include:n{n + 1}.example.org -all")
    zone.set("example.org", "TXT", "v=spf1 include:n0.example.org -all")
    assert check("192.0.2.1", "a@example.org", None, look(server).resolver).result == "permerror"
    assert server.total < 20
    zone.set("example.org", "TXT", "v=spf1 include:example.org -all")
    assert check("192.0.2.1", "a@example.org", None, look(server).resolver).result == "permerror"
    zone.set("example.org", "TXT", "v=spf1 " + "mx:big.example.org " * 9 + "-all")
    zone.add("big.example.org", "MX", *[f"10 m{n}.example.org" for n in range(10)])
    for n in range(10):
        zone.add(f"m{n}.example.org", "A", "203.0.113.250")
    assert check("198.51.100.1", "a@example.org", None, look(server).resolver).result in {"fail", "permerror"}


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "@",
        "a@",
        "@example.org",
        "a@" + "x." * 200 + "org",
        "ü@exämple.org",
        "a b@example.org",
        "%{i}@example.org",
    ],
)
def test_odd_senders_raise_nothing(server, sender):
    assert check("192.0.2.1", sender, "%{helo}", look(server).resolver).result
    assert check("not an address", sender, None, look(server).resolver).result

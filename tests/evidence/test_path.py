"""Path: what the reporting side saw, against what was typed."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from classifier.evidence import path
from classifier.identity import Identity
from classifier.parse.report import TraceHop
from classifier.parse.trace import read_hop
from classifier.vocabulary import Completeness, RefusalStage, ReportKind
from tests.evidence.makers import LOOKUPS, NOW, KnownNames, NoNames, hop, make, told

OURS = Identity(domains=("example.org",), relays=("mail.example.org", "192.0.2.0/24"))
ALL_OF_IT = dataclasses.replace(OURS, relays_complete=True)
BY_NAME = Identity(domains=("example.org",), relays=("mail.example.org",))
PLAIN = Identity(domains=("example.org",))

MX = "mx.remote.test"
RELAY = hop("mail.example.org", "mail.example.org", "192.0.2.1", MX)
SUBMITTED = hop("laptop", "dsl-7.isp.test", "198.51.100.7", "mail.example.org", protocol="ESMTPSA")
FORWARDER = hop("fwd.alumni.test", "fwd.alumni.test", "203.0.113.80", MX)
ZOMBIE = hop("pc", "dsl-9.isp.test", "198.51.100.9", MX)
NAMELESS = hop("pc", None, "198.51.100.9", MX)
TYPED = hop("mail.example.org", "mail.example.org", "192.0.2.1", "mail.example.org")
SINGLE = dataclasses.replace(OURS, relays=("mail.example.org", "192.0.2.1"))
PROVIDERS = Identity(domains=("example.org",), relays=("smtp.provider.test", "192.0.2.0/24"))
AT_PROVIDER = hop("laptop", "dsl-7.isp.test", "198.51.100.7", "smtp.provider.test", protocol="ESMTPSA")
BRANCH = hop("branch.example.org", "dsl-8.isp.test", "198.51.100.8", "fwd.alumni.test")

GENUINE_STRONG, GENUINE_WEAK = ("genuine", "strong"), ("genuine", "weak")
FORGED_STRONG, FORGED_WEAK = ("forged", "strong"), ("forged", "weak")

REMOTE = {
    "our relay connected": (OURS, [RELAY, SUBMITTED], [("relay", *GENUINE_STRONG)]),
    "qmail: (HELO relay) and the address": (
        OURS,
        [hop("mail.example.org", None, "192.0.2.1", MX)],
        [("relay", *GENUINE_STRONG)],
    ),
    "relay known by name only, looked up by the reporter": (BY_NAME, [RELAY], [("relay", *GENUINE_STRONG)]),
    "qmail, relay known by name only: nobody can tell": (
        BY_NAME,
        [hop("mail.example.org", None, "192.0.2.1", MX)],
        [("helo-only", "neither", "weak")],
    ),
    "a host below our domain, none configured": (PLAIN, [RELAY], [("own-host", *GENUINE_STRONG)]),
    "a zombie": (OURS, [ZOMBIE], [("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)]),
    "a zombie, and all our mail leaves through relays": (
        ALL_OF_IT,
        [ZOMBIE],
        [("dial-up", *FORGED_WEAK), ("elsewhere-complete", *FORGED_STRONG)],
    ),
    "a zombie that typed a line naming our relay": (
        OURS,
        [ZOMBIE, TYPED],
        [("look-alike-doubtful", *FORGED_STRONG), ("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "a zombie that typed a line of the reporter's": (
        OURS,
        [ZOMBIE, RELAY],
        [("look-alike-doubtful", *FORGED_STRONG), ("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "a zombie that greets with our relay's name": (
        OURS,
        [hop("mail.example.org", None, "198.51.100.9", MX)],
        [("helo-doubtful", *FORGED_STRONG), ("unnamed", *FORGED_WEAK)],
    ),
    "the same with a typed line that continues the greeting": (
        OURS,
        [hop("mail.example.org", None, "198.51.100.9", MX), SUBMITTED],
        [("helo-doubtful", *FORGED_STRONG), ("unnamed", *FORGED_WEAK)],
    ),
    "the same where one address is configured: it may be another relay's": (
        SINGLE,
        [hop("mail.example.org", None, "198.51.100.9", MX), SUBMITTED],
        [("helo-unchecked", *FORGED_WEAK), ("unnamed", *FORGED_WEAK)],
    ),
    "the same, written under a name known inside": (
        SINGLE,
        [
            hop("mail.example.org", None, "198.51.100.9", MX),
            hop("EX1.example.local", None, "10.0.0.5", "EX1.example.local"),
        ],
        [("helo-unchecked", *FORGED_WEAK), ("unnamed", *FORGED_WEAK)],
    ),
    "the same with a line of somebody else's": (
        SINGLE,
        [hop("mail.example.org", None, "198.51.100.9", MX), hop("a", "a.test", "203.0.113.1", "b.test")],
        [("helo-doubtful", *FORGED_STRONG), ("unnamed", *FORGED_WEAK)],
    ),
    "a forwarder whose hosts call themselves by their address inside": (
        OURS,
        [FORWARDER, hop("mail.example.org", None, "192.0.2.1", "10.197.37.1")],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a service whose hosts have other names inside, seen by a server that looks up no names": (
        OURS,
        [
            read_hop("from out.filter.test ([203.0.113.45]) by mx.remote.test with ESMTP"),
            hop("mail.example.org", None, "192.0.2.1", "in.otherfilter.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "the same, where the addresses configured are those of other relays": (
        dataclasses.replace(OURS, relays=("old.example.org", "203.0.113.200")),
        [
            read_hop("from out.filter.test ([203.0.113.45]) by mx.remote.test with ESMTP"),
            read_hop("from mail.example.org ([192.0.2.1]) by in.otherfilter.test with ESMTP"),
            SUBMITTED,
        ],
        [("look-alike-unchecked", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same, greeting as a PC": (
        OURS,
        [
            read_hop("from DESKTOP-7K2 ([203.0.113.45]) by mx.remote.test with ESMTP"),
            hop("mail.example.org", None, "192.0.2.1", "in.otherfilter.test"),
        ],
        [("look-alike-doubtful", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
    ),
    "a zombie that greets with our relay's name, known by its address inside": (
        dataclasses.replace(OURS, relays=("mail.example.org", "10.0.0.0/8")),
        [hop("mail.example.org", None, "198.51.100.9", MX)],
        [("helo-only", "neither", "weak")],
    ),
    "a provider's relay whose server for outgoing mail has another name": (
        PROVIDERS,
        [hop("mo4.rzone.test", "mo4.rzone.test", "203.0.113.44", MX), AT_PROVIDER],
        [("look-alike-unchecked", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same, seen by a server that looks up no names": (
        PROVIDERS,
        [read_hop("from mo4.rzone.test ([203.0.113.44]) by mx.remote.test with ESMTP"), AT_PROVIDER],
        [("look-alike-unchecked", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "a zombie that typed a provider's relay": (
        PROVIDERS,
        [ZOMBIE, AT_PROVIDER],
        [("look-alike-doubtful", *FORGED_STRONG), ("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "a forwarder that saw a machine of ours nobody thought of, on a line": (
        OURS,
        [FORWARDER, BRANCH, hop("pc", None, "192.168.1.5", "branch.example.org")],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "the same with a line of another machine of ours below": (
        OURS,
        [FORWARDER, BRANCH, SUBMITTED],
        [("look-alike-forwarded", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same where more relays are known by name than by address: it may be one of those": (
        dataclasses.replace(OURS, relays=("mail.example.org", "filter.test", "192.0.2.0/24")),
        [hop("filter.test", None, "198.51.100.9", MX)],
        [("helo-unchecked", *FORGED_WEAK), ("unnamed", *FORGED_WEAK)],
    ),
    "our relay over IPv6, of which only IPv4 is configured": (
        OURS,
        [hop("mail.example.org", None, "2001:db8::1", MX)],
        [("helo-only", "neither", "weak")],
    ),
    "a provider that is not listed": (
        OURS,
        [hop("out.provider.test", "out.provider.test", "203.0.113.70", MX)],
        [("elsewhere", *FORGED_WEAK)],
    ),
    "an alumni address forwards our mail": (
        ALL_OF_IT,
        [
            hop("fwd.alumni.test", "fwd.alumni.test", "203.0.113.80", MX),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "fwd.alumni.test"),
        ],
        [("forwarded", *GENUINE_WEAK)],
    ),
    "a forwarder without reverse DNS: nobody can tell": (
        ALL_OF_IT,
        [
            hop("fwd.alumni.test", None, "203.0.113.80", MX),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "fwd.alumni.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a forwarder that had it from a home line, above a typed line": (
        OURS,
        [FORWARDER, hop("pc", "dsl-9.isp.test", "198.51.100.9", "fwd.alumni.test"), TYPED],
        [("look-alike-forwarded", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
    ),
    "a forwarder that had it from a client without a name, above a typed line": (
        OURS,
        [FORWARDER, hop("pc", None, "198.51.100.9", "fwd.alumni.test"), TYPED],
        [("look-alike-forwarded", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "a forwarder behind a service that filters, whose hosts have other names inside": (
        ALL_OF_IT,
        [
            FORWARDER,
            hop("out1.filter.test", "out1.filter.test", "203.0.113.70", "fwd.alumni.test"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "in1.filter-inside.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a service that filters for the recipient, whose hosts have other names inside": (
        ALL_OF_IT,
        [
            hop("out1.filter.test", "out1.filter.test", "203.0.113.70", MX),
            hop("in1", "in1.filter-inside.test", "10.0.0.2", "scan1.filter-inside.test"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "in1.filter-inside.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a server with a name above a line that our relay wrote": (
        OURS,
        [hop("srv7.hoster.test", "srv7.hoster.test", "203.0.113.70", MX), TYPED],
        [("look-alike", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same, whose typed line goes on from its greeting": (
        OURS,
        [
            FORWARDER,
            hop("fwd2.test", None, "198.51.100.9", "fwd.alumni.test"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "fwd2.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a forwarder with servers behind each other, and a provider on the way": (
        OURS,
        [
            FORWARDER,
            hop("front", None, "10.0.0.2", "fwd.alumni.test"),
            hop("out3.provider.test", "out3.provider.test", "203.0.113.70", "front"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "in.provider.test"),
        ],
        [("forwarded", *GENUINE_WEAK)],
    ),
    "a forwarder that looks up no names, our relay known by name only: nobody can tell": (
        BY_NAME,
        [FORWARDER, hop("mail.example.org", None, "192.0.2.1", "fwd.alumni.test"), TYPED],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a home line that types a line of its provider's": (
        OURS,
        [ZOMBIE, hop("mail.example.org", "mail.example.org", "192.0.2.1", "smtp.isp.test")],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a home line that types a line of its own address": (
        OURS,
        [ZOMBIE, hop("mail.example.org", "mail.example.org", "192.0.2.1", "[198.51.100.9]")],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a client without a name that does so": (
        OURS,
        [NAMELESS, hop("mail.example.org", "mail.example.org", "192.0.2.1", "[198.51.100.9]")],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a forwarder that calls itself by its address": (
        OURS,
        [FORWARDER, hop("mail.example.org", "mail.example.org", "192.0.2.1", "[203.0.113.80]")],
        [("forwarded", *GENUINE_WEAK)],
    ),
    "our name in the reverse zone, told by a server that does not look it up again": (
        OURS,
        [hop("mail.example.org", "mail.example.org", "198.51.100.9", MX, note="(OpenSMTPD)")],
        [("relay-name", *GENUINE_WEAK)],
    ),
    "the same by qmail's tcpserver": (
        OURS,
        [
            read_hop(
                "from mail.example.org (HELO mail.example.org) (198.51.100.9) by mx.remote.test with SMTP"
            )
        ],
        [("relay-name", *GENUINE_WEAK)],
    ),
    "and by Cisco's gateways, which do look it up again": (
        OURS,
        [
            read_hop(
                "from mail.example.org (HELO mail.example.org) ([198.51.100.9]) by mx.remote.test with ESMTP"
            )
        ],
        [("relay", *GENUINE_STRONG)],
    ),
    "a named host that is no forwarder of the typed hop": (
        OURS,
        [hop("a.spam.test", "a.spam.test", "203.0.113.90", MX), TYPED],
        [("look-alike", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
    ),
    "our own relay forwarded what it took in from a zombie": (
        OURS,
        [RELAY, hop("pc", "dsl-9.isp.test", "198.51.100.9", "mail.example.org", for_="alias@example.org")],
        [("forwarded-inbound", *FORGED_STRONG)],
    ),
    "our own relay sent a colleague's dial-up mail outside": (
        OURS,
        [RELAY, hop("pc", "dsl-9.isp.test", "198.51.100.9", "mail.example.org", for_="x@remote.test")],
        [("relay", *GENUINE_STRONG)],
    ),
    "our relay's name from a home line, and nobody told where the relay stands": (
        BY_NAME,
        [hop("mail.example.org", "dsl-9.isp.test", "198.51.100.9", MX)],
        [("helo-only", "neither", "weak")],
    ),
    "a reporting side that writes no names down": (
        OURS,
        [TraceHop("from [198.51.100.9] by mx.remote.test id 1", client_address="198.51.100.9", by=MX), TYPED],
        [("look-alike-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)],
    ),
    "a filter in front of the reporting side, which writes no names down, and all our mail leaves through relays": (
        ALL_OF_IT,
        [
            TraceHop("from ([203.0.113.44]) by mx.remote.test id 1", client_address="203.0.113.44", by=MX),
            RELAY,
        ],
        [("look-alike-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)],
    ),
    "a post that a list passed on, whose trace breaks off at a host without a name": (
        ALL_OF_IT,
        [
            hop("n5.groups.test", "n5.groups.test", "203.0.113.60", MX),
            hop("m5.groups.test", None, "198.51.100.66", "n5.groups.test"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "groups-in.test"),
        ],
        [("look-alike-forwarded", *FORGED_WEAK), ("elsewhere-complete", *FORGED_STRONG)],
    ),
    "a host of the reporting side's own that queues for another (QMQP)": (
        ALL_OF_IT,
        [read_hop(f"from unknown (203.0.113.66)\n  by {MX} with QMQP; 7 Jan 2026 12:55:57 -0000"), RELAY],
        [("relay", *GENUINE_STRONG)],
    ),
    "a host of the reporting side's own behind another, which looks no name up": (
        OURS,
        [
            read_hop(f"from BAY0-JMR-02 ([203.0.113.125]) by {MX} with Microsoft SMTPSVC(6.0.3790.3959)"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "in3.remote.test"),
        ],
        [("look-alike-unchecked", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same, by addresses alone, and all our mail leaves through relays": (
        ALL_OF_IT,
        [
            read_hop(f"from [203.0.113.61:6116] by {MX} id AB/C8-19438-170CD635"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "in3.remote.test"),
        ],
        [("look-alike-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)],
    ),
    "a PC that typed a line of the reporting side's, which looks for names": (
        ALL_OF_IT,
        [NAMELESS, hop("mail.example.org", "mail.example.org", "192.0.2.1", "in3.remote.test")],
        [
            ("look-alike-doubtful", *FORGED_STRONG),
            ("unnamed", *FORGED_WEAK),
            ("elsewhere-complete", *FORGED_STRONG),
        ],
    ),
    "a filter whose hosts write nothing but addresses of each other": (
        ALL_OF_IT,
        [
            hop("mail6.filter.test", "mail6.filter.test", "203.0.113.60", MX),
            read_hop("from [203.0.113.61:6116] by server-11.filter.test id AB/C8-19438-170CD635"),
            hop("mail.example.org", "mail.example.org", "192.0.2.1", "server-7.tower.filter.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "a forwarder that sought a client's name in vain, and knows its address alone": (
        ALL_OF_IT,
        [
            hop("fwd.alumni.test", "fwd.alumni.test", "203.0.113.80", MX),
            read_hop(
                "from [198.51.100.9] (unknown [198.51.100.9]) by fwd.alumni.test (Postfix) with SMTP id 1"
            ),
            TYPED,
        ],
        [("look-alike-forwarded", *FORGED_WEAK), ("elsewhere-complete", *FORGED_STRONG)],
    ),
    "a provider whose host hands a forwarded mail to itself, by its public address": (
        OURS,
        [
            read_hop(f"from [203.0.113.41] ([203.0.113.41]) by {MX} (node1 [203.0.113.41]) with ESMTPS id 1"),
            RELAY,
        ],
        [("relay", *GENUINE_STRONG)],
    ),
    "the same, as Exchange writes it": (
        OURS,
        [read_hop(f"from {MX} (203.0.113.41) by\t{MX}\t(203.0.113.41) with ShadowRedundancy id 1"), RELAY],
        [("relay", *GENUINE_STRONG)],
    ),
    "a host that writes another address than its client's behind its own name": (
        OURS,
        [
            read_hop(
                f"from pc (dsl-9.isp.test [198.51.100.9]) by {MX} (node1 [203.0.113.41]) with ESMTPS id 1"
            ),
            RELAY,
        ],
        [("look-alike-doubtful", *FORGED_STRONG), ("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same side, and no line below names our relay": (
        ALL_OF_IT,
        [TraceHop("from ([203.0.113.44]) by mx.remote.test id 1", client_address="203.0.113.44", by=MX)],
        [("elsewhere-complete", *FORGED_STRONG)],
    ),
    "a client without a name that greets with its address, where names are sought": (
        ALL_OF_IT,
        [hop(None, None, "198.51.100.9", MX), TYPED],
        [
            ("look-alike-open", "neither", "weak"),
            ("unnamed", *FORGED_WEAK),
            ("elsewhere-complete", *FORGED_STRONG),
        ],
    ),
    "a customer of the reporting side, from home": (
        OURS,
        [hop("pc", "dsl-9.isp.test", "198.51.100.9", MX, protocol="ESMTPSA")],
        [("customer", "neither", "weak")],
    ),
    "a greeting with our bare domain": (
        PLAIN,
        [hop("example.org", "dsl-9.isp.test", "198.51.100.9", MX)],
        [("helo-domain", *FORGED_WEAK), ("dial-up", *FORGED_WEAK)],
    ),
    "a server of ours on a home line, for all that is configured": (
        PLAIN,
        [
            hop("home.example.org", "dsl-9.isp.test", "198.51.100.9", MX),
            hop("pc", None, "10.0.0.8", "home.example.org"),
        ],
        [("helo-domain-open", "neither", "weak"), ("dial-up", *FORGED_WEAK)],
    ),
    "a forgotten machine of ours at a rented address, and the line that it wrote": (
        OURS,
        [
            hop("www2.example.org", "vps360.rented.test", "203.0.113.9", MX),
            hop("pc", None, "10.0.0.8", "www2.example.org"),
        ],
        [("helo-domain-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)],
    ),
    "the same greeting above a line of another host of ours": (
        OURS,
        [hop("www2.example.org", "vps360.rented.test", "203.0.113.9", MX), SUBMITTED],
        [("look-alike", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
    ),
    "a forwarder that notes a local hand-over, seen by a server that looks up no names": (
        ALL_OF_IT,
        [
            hop("mx.forwarder.test", None, "203.0.113.40", MX),
            hop(None, None, None, None),
            hop("mail.example.org", None, "192.0.2.1", "mx.forwarder.test"),
        ],
        [("forwarded-unproven", "neither", "weak")],
    ),
    "no trace came back": (ALL_OF_IT, [], []),
    "only hops of nobody known": (PLAIN, [hop("a.test", "a.test", "203.0.113.9", "b.test")], []),
    "a typed hop dated days after the observed one": (
        OURS,
        [
            dataclasses.replace(ZOMBIE, dated=NOW),
            hop("a", "a.test", "203.0.113.1", "b.test", when=NOW + timedelta(days=3)),
        ],
        [("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK), ("order", *FORGED_WEAK)],
    ),
}


@pytest.mark.parametrize(
    ("completeness", "finding"),
    [(Completeness.HEADERS, ("helo-doubtful", *FORGED_STRONG)), (Completeness.PARTIAL, ("helo-unchecked", *FORGED_WEAK))],
)  # fmt: skip
def test_what_was_cut_off_may_have_gone_on_from_the_greeting(completeness, finding):
    report = make([hop("mail.example.org", None, "198.51.100.9", MX)], completeness=completeness)
    assert finding in told(path.gather(report, SINGLE, LOOKUPS))


@pytest.mark.parametrize("helo", ["mail.example.org", "fw"])
def test_a_firewall_next_door_speaks_for_whoever_connects(helo):
    """By the address that the report came from, 203.0.113.5."""
    for address, strong in (("203.0.113.6", False), ("203.0.113.66", True)):
        found = told(path.gather(make([hop(helo, None, address, MX), SUBMITTED]), ALL_OF_IT, LOOKUPS))
        assert any(f[1:] == FORGED_STRONG for f in found) is strong
        assert any(f[0] == "next-door" for f in found) is not strong


@pytest.mark.parametrize(
    ("seen", "below", "identity"),
    [
        # Nobody looks a name up, and what filters has a name of its own inside alone.
        ("from mx1.filter.test (203.0.113.90) by ex1.remote.test (10.1.1.5) with Microsoft SMTP Server", "filter4", ALL_OF_IT),
        # Of the relay that was given by name, the service saw another.
        ("from mx1.filter.test (mx1.filter.test [203.0.113.90]) by mx.remote.test (Postfix)", "in4.core.test",
         dataclasses.replace(BY_NAME, relays_complete=True)),
        # No greeting was noted, only an address.
        ("from [203.0.113.90] by mx.remote.test with ESMTP", "in4.core.test", ALL_OF_IT),
    ],
)  # fmt: skip
def test_a_service_between_our_relays_and_the_reporting_side_is_no_first_hop(seen, below, identity):
    line = hop("EX01.corp.local", None, "192.0.2.1", below)
    found = told(path.gather(make([read_hop(seen), line, SUBMITTED]), identity, LOOKUPS))
    assert not any(f[1:] == FORGED_STRONG for f in found), found


def test_a_filter_that_calls_itself_localhost_is_on_the_host_above_it():
    seen = read_hop(
        "from mx1.filter.test (203.0.113.90) by ex1.remote.test (10.1.1.5) with Microsoft SMTP Server"
    )
    amavis = hop("mx1.filter.test", None, "127.0.0.1", "localhost")
    inner = hop("mail.example.org", "mail.example.org", "192.0.2.1", "mx1.filter.test")
    found = told(path.gather(make([seen, amavis, inner, SUBMITTED]), ALL_OF_IT, LOOKUPS))
    assert found == [("forwarded-unproven", "neither", "weak")]


PAST_A_BREAK = [
    hop("n5.groups.test", "n5.groups.test", "203.0.113.60", MX),
    hop("m5.groups.test", None, "198.51.100.66", "n5.groups.test"),
    hop("mail.example.org", "mail.example.org", "192.0.2.1", "groups-in.test"),
]


@pytest.mark.parametrize(
    ("trace", "headers", "failed", "expected"),
    [
        (PAST_A_BREAK, b"To: club@groups.test\nList-Id: <club.groups.test>\n", "x@remote.test", "elsewhere"),
        (PAST_A_BREAK, b"To: x@remote.test\n", "x@remote.test", "elsewhere-complete"),
        ([FORWARDER, SUBMITTED], b"To: y@alumni.test\n", "x@remote.test", "elsewhere"),
        ([FORWARDER, SUBMITTED], b"To: x@remote.test\n", "x@remote.test", "elsewhere-complete"),
    ],
)
def test_what_was_passed_on_left_through_our_relays_before(trace, headers, failed, expected):
    report = make(trace, headers=b"From: anna@example.org\n" + headers, failed=failed)
    assert told(path.gather(report, ALL_OF_IT, LOOKUPS))[-1][0] == expected


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (None, [("helo-unchecked", *FORGED_WEAK), ("unnamed", *FORGED_WEAK)]),
        (KnownNames(mail_example_org="198.51.100.77"), [("helo-unchecked", *FORGED_WEAK), ("unnamed", *FORGED_WEAK)]),
        (KnownNames(mail_example_org="192.0.2.1"), [("helo-doubtful", *FORGED_STRONG), ("unnamed", *FORGED_WEAK)]),
    ],
)  # fmt: skip
def test_a_relays_name_is_a_lie_where_dns_has_an_address_elsewhere_for_it(resolver, expected):
    trace = [hop("mail.example.org", None, "198.51.100.9", MX), SUBMITTED]
    assert told(path.gather(make(trace), SINGLE, dataclasses.replace(LOOKUPS, resolver=resolver))) == expected


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("10.0.0.5", [("helo-only", "neither", "weak")]),
        # Nor, where the relay is behind a firewall with several lines, does the one by which it takes mail in.
        ("203.0.113.5", [("helo-unchecked", *FORGED_WEAK), ("unnamed", *FORGED_WEAK)]),
    ],
)
def test_dns_of_our_own_net_names_addresses_inside(inside, expected):
    """Split-horizon DNS tells nobody by which address a relay is seen from outside."""
    lookups = dataclasses.replace(LOOKUPS, resolver=KnownNames(mail_example_org=inside))
    everything = dataclasses.replace(BY_NAME, relays_complete=True)
    report = make([hop("mail.example.org", None, "198.51.100.9", MX), SUBMITTED])
    for identity in (BY_NAME, everything):
        assert told(path.gather(report, identity, lookups)) == expected


@pytest.mark.parametrize(
    ("identity", "client", "finding"),
    [
        (ALL_OF_IT, FORWARDER, "elsewhere"),
        (ALL_OF_IT, hop("fwd.alumni.test", None, "203.0.113.80", MX), "elsewhere"),
        (ALL_OF_IT, hop("fwd.alumni.test", "dsl-9.isp.test", "198.51.100.9", MX), "elsewhere-complete"),
        # Of a domain that it is no host of by name, a hoster forwards as well.
        (ALL_OF_IT, hop("out5.hoster.test", "out5.hoster.test", "203.0.113.200", MX), "elsewhere"),
        (ALL_OF_IT, hop("pc", None, "203.0.113.200", MX), "elsewhere-complete"),
    ],
    ids=["by its name", "by its greeting", "a home line", "a server", "a PC"],
)
def test_a_forwarder_that_takes_all_hops_off_is_no_first_hop(identity, client, finding):
    headers = b"From: anna@example.org\nTo: carl@alumni.test\nSubject: The minutes\n"
    found = told(path.gather(make([client], headers=headers), identity, LOOKUPS))
    assert [f[0] for f in found if f[0].startswith("elsewhere")] == [finding]


def test_a_forwarder_saw_a_greeting_of_a_relay_whose_address_nobody_told():
    inner = hop("mail.example.org", None, "192.0.2.1", "EX1.alumni.local")
    complete = dataclasses.replace(BY_NAME, relays_complete=True)
    found = told(path.gather(make([FORWARDER, inner, SUBMITTED]), complete, LOOKUPS))
    assert found == [("forwarded-unproven", "neither", "weak")]
    # Where it is known, another address is not the relay's.
    known = dataclasses.replace(LOOKUPS, resolver=KnownNames(mail_example_org="203.0.113.5"))
    found = told(path.gather(make([FORWARDER, inner, SUBMITTED]), complete, known))
    assert ("elsewhere-complete", *FORGED_STRONG) in found


@pytest.mark.parametrize(
    ("to", "failed", "expected"),
    [
        ("x@alumni.test", "x@remote.test", "look-alike-unchecked"),
        ("x@alumni.test", "x@alumni.test", "look-alike"),
        ("x@remote.test", "x@remote.test", "look-alike"),
    ],
)
def test_a_forwarder_that_leaves_no_hop_is_known_by_whom_the_mail_was_addressed_to(to, failed, expected):
    headers = f"From: anna@example.org\nTo: {to}\nSubject: The minutes\n".encode()
    found = told(path.gather(make([FORWARDER, SUBMITTED], headers=headers, failed=failed), OURS, LOOKUPS))
    assert found[0][0] == expected


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (None, [("helo-domain-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)]),
        (KnownNames(), [("helo-domain-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)]),
        (NoNames(), [("helo-domain-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)]),
        (KnownNames(gate2_example_org="203.0.113.9"), [("own-host", *GENUINE_STRONG)]),
        (KnownNames(gate2_example_org="198.51.100.10"), [("helo-domain", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)]),
        # Firewalls send by another address than they take in by.
        (KnownNames(gate2_example_org="203.0.113.10"), [("helo-domain-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)]),
    ],
)  # fmt: skip
def test_a_machine_of_ours_that_is_no_configured_relay(resolver, expected):
    # As Exim writes it where it looks no names up.
    line = "from [203.0.113.9] (helo=gate2.example.org) by mx.remote.test with esmtp (Exim 4.96)"
    lookups = dataclasses.replace(LOOKUPS, resolver=resolver)
    assert told(path.gather(make([read_hop(line)]), OURS, lookups)) == expected


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (None, [("helo-domain-open", "neither", "weak"), ("elsewhere", *FORGED_WEAK)]),
        (KnownNames(out_example_org="203.0.113.99"), [("own-host", *GENUINE_STRONG)]),
        (
            KnownNames(out_example_org="192.0.2.20"),
            [("look-alike-doubtful", *FORGED_STRONG), ("elsewhere", *FORGED_WEAK)],
        ),
    ],
)
def test_an_outgoing_server_behind_the_one_that_is_configured(resolver, expected):
    # Only where people submit is configured; what it hands the mail on to, at another place, is not.
    line = "from [203.0.113.99] (helo=out.example.org) by mx.remote.test with esmtp (Exim 4.96)"
    submission = hop("mail.example.org", "mail.example.org", "192.0.2.1", "out.example.org")
    report = make([read_hop(line), submission, SUBMITTED])
    assert told(path.gather(report, OURS, dataclasses.replace(LOOKUPS, resolver=resolver))) == expected


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (None, ("helo-only", "neither", "weak")),
        (KnownNames(out3_provider_test="203.0.113.9"), ("relay", *GENUINE_STRONG)),
        (KnownNames(out3_provider_test="203.0.113.10"), ("helo-only", "neither", "weak")),
    ],
)
def test_a_host_of_our_provider_whose_greeting_leads_back(resolver, expected):
    # Of a provider that is configured by its domain no single name can be looked up beforehand.
    identity = Identity(domains=("example.org",), relays=(".provider.test",))
    report = make([hop("out3.provider.test", None, "203.0.113.9", MX)])
    found = told(path.gather(report, identity, dataclasses.replace(LOOKUPS, resolver=resolver)))
    assert found[0] == expected


@pytest.mark.parametrize(
    ("brought", "writer", "expected"),
    [
        (hop("backup", "backup.example.org", "203.0.113.9", "mail.example.org"), "backup", "relayed-for-client"),
        (hop("old.example.org", "vps9.rented.test", "203.0.113.9", "mail.example.org"), "old.example.org", "own-host-presumed"),
        (hop("old.example.org", None, "203.0.113.9", "mail.example.org"), "nas.example.org", "own-host-presumed"),
        (hop("old.example.org", None, "203.0.113.9", "mail.example.org"), MX, "dial-up"),
        (hop("mx.remote.test", None, "203.0.113.9", "mail.example.org"), "old.example.org", "dial-up"),
    ],
)  # fmt: skip
def test_a_machine_of_ours_that_nobody_thought_of_reports(brought, writer, expected):
    # Whom it refused to send for is a colleague at home; it brings the report itself.
    colleague = hop("laptop", "dsl-7.isp.test", "198.51.100.7", writer)
    report = make([colleague], reporter=writer, report_trace=[brought])
    assert told(path.gather(report, OURS, LOOKUPS))[0][0] == expected


def test_a_greeting_with_the_name_of_a_host_of_ours_that_is_elsewhere():
    lookups = dataclasses.replace(LOOKUPS, resolver=KnownNames(www_example_org="192.0.2.80"))
    report = make([hop("www.example.org", "dsl-9.isp.test", "198.51.100.9", MX)])
    assert told(path.gather(report, OURS, lookups))[0] == ("helo-domain", *FORGED_WEAK)


@pytest.mark.parametrize(("identity", "trace", "expected"), REMOTE.values(), ids=REMOTE)
def test_report_of_another_server(identity, trace, expected):
    found = told(path.gather(make(trace), identity, LOOKUPS))
    assert found == expected


def test_relay_names_are_resolved_where_dns_is_to_be_had():
    lookups = dataclasses.replace(LOOKUPS, resolver=KnownNames(mail_example_org="192.0.2.1"))
    honest = make([hop("mail.example.org", None, "192.0.2.1", MX)])
    hostile = make([hop("mail.example.org", None, "198.51.100.9", MX)])
    assert told(path.gather(honest, BY_NAME, lookups)) == [("relay", *GENUINE_STRONG)]
    assert told(path.gather(hostile, BY_NAME, lookups))[0] == ("helo-unchecked", *FORGED_WEAK)


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (KnownNames(mail_example_org="192.0.2.9"), ("relay-name", *GENUINE_WEAK)),
        (KnownNames(mail_example_org="198.51.100.9"), ("relay", *GENUINE_STRONG)),
        (KnownNames(), ("relay", *GENUINE_STRONG)),
    ],
    ids=["the name leads elsewhere", "the name leads back", "nobody answers"],
)
def test_a_reverse_name_is_asked_for_again(resolver, expected):
    report = make([hop("mail.example.org", "mail.example.org", "198.51.100.9", MX)])
    lookups = dataclasses.replace(LOOKUPS, resolver=resolver)
    assert told(path.gather(report, BY_NAME, lookups)) == [expected]


def test_a_forwarder_that_only_noted_how_our_provider_greeted_it_has_typed_nothing():
    lookups = dataclasses.replace(LOOKUPS, resolver=KnownNames(mail_example_org="192.0.2.1"))
    noted = hop("mail.example.org", None, "203.0.113.60", "fwd.alumni.test")
    report = make([FORWARDER, noted, hop("laptop", None, "10.0.0.7", "mail.example.org")])
    assert told(path.gather(report, BY_NAME, lookups)) == [
        ("look-alike-forwarded", *FORGED_WEAK),
        ("elsewhere", *FORGED_WEAK),
    ]


def test_a_resolver_that_does_not_answer_changes_nothing():
    lookups = dataclasses.replace(LOOKUPS, resolver=KnownNames())
    report = make([hop("mail.example.org", None, "198.51.100.9", MX)])
    assert told(path.gather(report, BY_NAME, lookups)) == told(path.gather(report, BY_NAME, LOOKUPS))


def test_the_host_that_receives_our_mail_is_no_stranger_where_nothing_is_configured():
    fetched = hop("mail.example.org", None, "192.0.2.25", "localhost", protocol="IMAP")
    trace = (fetched, hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mail.example.org"))
    report = make((hop("mail.example.org", None, "192.0.2.25", "mx.remote.test"),), report_trace=trace)
    nothing = Identity(domains=("example.org",))
    assert told(path.gather(report, nothing, LOOKUPS)) == [("receiving-host", "genuine", "weak")]
    # Who says through which hosts all mail leaves is believed.
    complete = Identity(domains=("example.org",), relays=("192.0.2.1",), relays_complete=True)
    assert ("elsewhere-complete", "forged", "strong") in told(path.gather(report, complete, LOOKUPS))


@pytest.mark.parametrize(
    ("identity", "greeting", "expected"),
    [
        (PLAIN, "mx.example.org", [("helo-receiving", "neither", "weak")]),
        (PLAIN, "mail.example.org", [("helo-domain-open", "neither", "weak"), ("dial-up", *FORGED_WEAK)]),
        (OURS, "mx.example.org", [("helo-domain-open", "neither", "weak"), ("dial-up", *FORGED_WEAK), ("elsewhere", *FORGED_WEAK)]),
    ],
    ids=["as it took the report in", "as another host of ours", "where relays are configured"],
)  # fmt: skip
def test_a_small_domains_server_on_a_home_line_greets_as_it_takes_mail_in(identity, greeting, expected):
    report = make([hop(greeting, "dsl-9.isp.test", "198.51.100.9", MX)])
    assert told(path.gather(report, identity, LOOKUPS)) == expected


def test_a_report_that_did_not_come_from_its_writer_is_believed_less():
    for bringer, expected in (
        (hop("out.hoster.test", "out.hoster.test", "203.0.113.6", "mx.example.org"), "relay-unvouched"),
        (hop("x", "dsl-9.isp.test", "198.51.100.9", "mx.example.org"), "relay-doubtful"),
        (hop("mx.remote.test", None, "198.51.100.9", "mx.example.org"), "relay-doubtful"),
    ):
        assert [e[0] for e in told(path.gather(make([RELAY], report_trace=[bringer]), OURS, LOOKUPS))] == [
            expected
        ]
    assert told(path.gather(make([RELAY], report_trace=()), OURS, LOOKUPS))[0][0] == "relay-unvouched"


def test_a_first_hop_elsewhere_is_weak_where_headers_were_cut_off():
    report = make([ZOMBIE], completeness=Completeness.PARTIAL)
    assert ("elsewhere", *FORGED_WEAK) in told(path.gather(report, ALL_OF_IT, LOOKUPS))


# Reports that our own hosts wrote. They reach our mailbox server from inside.
INSIDE = (
    hop("mail.example.org", "mail.example.org", "192.0.2.1", "mx.example.org"),
    hop(None, None, None, "mail.example.org"),
)
PICKUP = hop(None, None, None, "mail.example.org", protocol="local")
OWN = {
    "mail that began on the host": ([PICKUP], "x@remote.test", [("own-report", *GENUINE_STRONG)]),
    "mail of a user who logged in from home": (
        [SUBMITTED],
        "x@remote.test",
        [("own-report", *GENUINE_STRONG)],
    ),
    "mail from inside the network": (
        [hop("pc", None, "10.0.0.8", "mail.example.org")],
        "x@remote.test",
        [("own-report", *GENUINE_STRONG)],
    ),
    "dma or nullmailer: no trace at all": ([], "x@remote.test", [("own-report", *GENUINE_STRONG)]),
    "forged mail taken in from a zombie for an address of ours": (
        [hop("pc", "dsl-9.isp.test", "198.51.100.9", "mail.example.org", for_="nobody@example.org")],
        "nobody@example.org",
        [("taken-in", *FORGED_STRONG)],
    ),
    "the same from a host without a name": (
        [hop("pc", None, "198.51.100.9", "mail.example.org")],
        "nobody@example.org",
        [("taken-in", *FORGED_STRONG)],
    ),
    "a colleague writes in, and our server looks no names up": (
        [
            TraceHop(
                "from out.provider.test (203.0.113.70) by mail.example.org id 15.1",
                "out.provider.test",
                None,
                "203.0.113.70",
                "mail.example.org",
            )
        ],
        "full@example.org",
        [("taken-in-unsought", *FORGED_WEAK)],
    ),
    "a colleague writes in through a provider": (
        [hop("out.provider.test", "out.provider.test", "203.0.113.70", "mail.example.org")],
        "full@example.org",
        [("taken-in-named", *FORGED_WEAK)],
    ),
    "a client let through by its address (POP before SMTP)": (
        [hop("pc", "dsl-7.isp.test", "198.51.100.7", "mail.example.org", for_="x@remote.test")],
        "x@remote.test",
        [("relayed-for-client", *GENUINE_WEAK)],
    ),
    "hops of a host that is not ours on top": (
        [hop("pc", "dsl-9.isp.test", "198.51.100.9", "relay.other.test")],
        "nobody@example.org",
        [("own-report-open", "neither", "weak")],
    ),
}


@pytest.mark.parametrize(("trace", "failed", "expected"), OWN.values(), ids=OWN)
def test_report_of_our_own_host(trace, failed, expected):
    report = make(trace, reporter="mail.example.org", report_trace=INSIDE, failed=failed)
    assert told(path.gather(report, OURS, LOOKUPS)) == expected


LOGGED_IN = read_hop(
    "from vps7.hoster.test (vps7.hoster.test [198.51.100.7]) (Authenticated sender: anna@example.org)"
    " by mail.example.org (Postfix) with ESMTPA id 4"
)
BROUGHT_IN = hop("mail.example.org", "mail.example.org", "192.0.2.1", "mx.example.org")
DMA = read_hop("from MAILER-DAEMON id 17 by vps7.hoster.test (DragonFly Mail Agent v0.13)")
NULLMAILER = read_hop("(nullmailer pid 708 invoked by uid 8)")
SENT_THERE = read_hop("from www-data (uid 33) (envelope-from anna@example.org) id 12 by vps7.hoster.test (DragonFly Mail Agent v0.13)")  # fmt: skip
AUTHENTICATED = ("own-report-authenticated", *GENUINE_STRONG)


@pytest.mark.parametrize(
    ("report_trace", "trace", "is_theirs"),
    [
        ([BROUGHT_IN, LOGGED_IN, DMA], [SENT_THERE], True),
        ([LOGGED_IN, NULLMAILER], [NULLMAILER], True),
        # A server that sends through us had the mail from elsewhere, or the report itself.
        ([LOGGED_IN, DMA], [hop("pc", "dsl-9.isp.test", "198.51.100.9", "vps7.hoster.test")], False),
        ([LOGGED_IN, hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "vps7.hoster.test")], [SENT_THERE], False),
        # Whoever brings it to us from outside types what he likes below.
        ([hop("pc", "dsl-9.isp.test", "198.51.100.9", "mx.example.org"), LOGGED_IN, DMA], [SENT_THERE], False),
        ([hop("pc", None, None, "mx.example.org"), hop("mx.remote.test", None, None, "mx.example.org"), LOGGED_IN, DMA], [SENT_THERE], False),
        # It logged in elsewhere, or nowhere.
        ([read_hop(LOGGED_IN.raw.replace("mail.example.org (Postfix)", "mail.isp.test (Postfix)")), DMA], [SENT_THERE], False),
        ([hop("vps7.hoster.test", "vps7.hoster.test", "198.51.100.7", "mail.example.org"), DMA], [SENT_THERE], False),
    ],
)  # fmt: skip
def test_a_report_that_a_machine_of_our_users_wrote(report_trace, trace, is_theirs):
    report = make(trace, reporter="vps7.hoster.test", report_trace=report_trace)
    assert (AUTHENTICATED in told(path.gather(report, OURS, LOOKUPS))) is is_theirs
    other = make(trace, reporter="mx.remote.test", report_trace=report_trace)
    assert AUTHENTICATED not in told(path.gather(other, OURS, LOOKUPS))


def test_own_report_without_the_mail_says_little():
    report = make(
        reporter="mail.example.org",
        report_trace=INSIDE,
        completeness=Completeness.NONE,
        headers=b"",
        stage=RefusalStage.SESSION,
        remote="mx.remote.test",
    )
    assert told(path.gather(report, OURS, LOOKUPS)) == [("own-report-bare", *GENUINE_WEAK)]


def test_a_report_from_outside_that_calls_itself_ours_is_not_ours():
    # Made up to reach the inbox: our own server shows who brought it.
    report = make(
        [PICKUP],
        reporter="mail.example.org",
        report_trace=[hop("mail.example.org", "dsl-9.isp.test", "198.51.100.9", "mx.example.org"), INSIDE[1]],
    )
    assert "own-report" not in [e[0] for e in told(path.gather(report, OURS, LOOKUPS))]


def test_a_trace_of_any_length_is_read_within_bounds():
    found = told(path.gather(make([ZOMBIE] * 500), OURS, LOOKUPS))
    assert found == told(path.gather(make([ZOMBIE] * 40), OURS, LOOKUPS))


LISTED = b"From: bob@remote.test\nTo: club@example.org\nList-Id: <club.example.org>\n"


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ("member@remote.test", [("forwarded-inbound-passed-on", *FORGED_WEAK)]),
        ("nobody@example.org", [("forwarded-inbound", *FORGED_STRONG)]),
    ],
)
def test_a_list_of_ours_sends_on_what_came_from_outside(failed, expected):
    into = hop("pc", "dsl-9.isp.test", "198.51.100.9", "mail.example.org", for_="club@example.org")
    report = make([RELAY, into], headers=LISTED, failed=failed)
    assert told(path.gather(report, OURS, LOOKUPS)) == expected


def test_a_bounce_to_the_lists_own_address_tells_of_a_list_where_its_headers_are_lost():
    into = hop("pc", "dsl-9.isp.test", "198.51.100.9", "mail.example.org", for_="club@example.org")
    report = make([RELAY, into], own=b"To: club-bounces@example.org\n", failed="member@remote.test")
    assert told(path.gather(report, OURS, LOOKUPS)) == [("forwarded-inbound-passed-on", *FORGED_WEAK)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ReportKind.CHALLENGE, [("relay", *GENUINE_STRONG)]),
        (ReportKind.DSN, [("forwarded-inbound", *FORGED_STRONG)]),
    ],
)
def test_a_challenge_names_whom_it_answers_and_no_failed_recipient(kind, expected):
    into = hop("pc", "dsl-9.isp.test", "198.51.100.9", "mail.example.org")
    report = make([RELAY, into], kind=kind, failed="anna@example.org")
    assert told(path.gather(report, OURS, LOOKUPS)) == expected


@pytest.mark.parametrize(
    ("client", "failed", "expected"),
    [
        # A PC in the house writes out, or in; a host with somebody else's name writes in.
        (("pc7", None), "x@remote.test", "own-report"),
        (("pc7", None), "nobody@example.org", "own-report"),
        (("pc7.lan", None), "nobody@example.org", "own-report"),
        (("mail.isp.test", None), "x@remote.test", "own-report"),
        (("mail.isp.test", None), "nobody@example.org", "own-report-open"),
        (("pc7", "vps9.isp.test"), "nobody@example.org", "own-report-open"),
    ],
)
def test_who_has_a_private_address_and_anothers_name_need_not_be_in_the_house(client, failed, expected):
    helo, name = client
    report = make(
        [hop(helo, name, "10.0.0.66", "mail.example.org")],
        reporter="mail.example.org",
        failed=failed,
        report_trace=[hop("localhost", "localhost", "127.0.0.1", "mail.example.org")],
        own=b"From: MAILER-DAEMON@mail.example.org\nTo: anna@example.org\n",
    )
    assert [e.finding for e in path.gather(report, Identity(domains=("example.org",)), LOOKUPS)] == [expected]


ELSEWHERE = ("elsewhere-presumed", "forged", "weak")


@pytest.mark.parametrize(
    ("newest", "relays", "expected"),
    [
        (hop("h", "host.else.test", "203.0.113.9", "mx.else.test"), OURS.relays, [ELSEWHERE]),
        (hop("h", "host.else.test", "203.0.113.9", "mx.else.test"), (), []),
        (hop("pc", "dsl-9.isp.test", "198.51.100.9", "mx.else.test"), (), [("dial-up-presumed", "forged", "weak")]),
        (hop("pc", "dsl-9.isp.test", "198.51.100.9", "mx.else.test"), OURS.relays, [("dial-up-presumed", "forged", "weak"), ELSEWHERE]),
        (hop("pc", "dsl-9.isp.test", "198.51.100.9", "mx.else.test", protocol="ESMTPSA"), OURS.relays, []),
        (hop("h", "host.else.test", "203.0.113.9", "in.example.org"), OURS.relays, []),
        (hop("h", "mail.example.org", "192.0.2.1", "mx.else.test"), OURS.relays, [("relay-presumed", "genuine", "weak")]),
    ],
)  # fmt: skip
def test_a_trace_that_the_reporter_did_not_write_tells_little(newest, relays, expected):
    identity = dataclasses.replace(OURS, relays=relays)
    report = make([newest], reporter=None, report_trace=(), own=b"To: anna@example.org\nReturn-Path: <>\n")
    assert told(path.gather(report, identity, LOOKUPS)) == expected

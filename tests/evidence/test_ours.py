"""Which hosts are ours, and what a client's name looks like."""

from __future__ import annotations

import pytest

from classifier.evidence.ours import (
    Nature,
    below_our_domains,
    came_from_inside,
    entry,
    is_authenticated,
    is_our_client,
    knows_family,
    nature,
    verified_name,
    written_by_us,
)
from classifier.identity import Identity
from classifier.parse.trace import read_hop
from tests.evidence.makers import hop, make

OURS = Identity(
    domains=("example.org", ".shop.test"), relays=("relay.hoster.test", ".out.hoster.test", "192.0.2.0/24")
)


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        (None, "198.51.100.9", Nature.UNNAMED),
        ("dsl-9.isp.test", "198.51.100.9", Nature.DIAL_UP),
        ("9.100.51.198.dynamic.isp.test", "198.51.100.9", Nature.DIAL_UP),
        ("p5dc01f2a.dip0.isp.test", "93.192.31.42", Nature.NUMBERED),
        ("static-198-51-100-9.hoster.test", "198.51.100.9", Nature.NUMBERED),
        ("host100-9.isp.test", "198.51.100.9", Nature.NUMBERED),
        ("mail.example.org", "192.0.2.1", Nature.NAMED),
        ("mx1.dsl.provider.test", "203.0.113.1", Nature.NAMED),
        ("mout-p-102.mailbox.test", "203.0.113.1", Nature.NAMED),
        ("smtp7.pool.provider.test", "203.0.113.1", Nature.NAMED),
        ("a113-18.smtp-out.mail.test", "203.0.113.18", Nature.NAMED),
        ("mail-wr1-f51.google.test", "203.0.113.51", Nature.NAMED),
        ("x" * 5000, "203.0.113.1", Nature.NAMED),
    ],
)
def test_nature(name, address, expected):
    assert nature(name, address) is expected


def test_our_hosts():
    assert below_our_domains("a.b.example.org.", OURS)
    assert below_our_domains("shop.test", OURS)
    assert not below_our_domains("notexample.org", OURS)
    assert not below_our_domains("example.org.spam.test", OURS)
    assert is_our_client(hop("x", "relay.hoster.test", "203.0.113.1", "mx.test"), OURS)
    assert is_our_client(hop("x", "a.out.hoster.test", "203.0.113.1", "mx.test"), OURS)
    assert is_our_client(hop("x", None, "192.0.2.200", "mx.test"), OURS)
    assert not is_our_client(hop("relay.hoster.test", None, "203.0.113.1", "mx.test"), OURS)
    assert not is_our_client(
        hop("x", "relay.hoster.test", "203.0.113.1", "mx.test", note="(may be forged)"), OURS
    )


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"protocol": "ESMTPSA"}, True),
        ({"protocol": "esmtpa"}, True),
        ({"protocol": "HTTP"}, True),
        ({"protocol": "ESMTPS"}, False),
        ({"note": "(Authenticated sender: anna)"}, True),
        ({"note": "(authenticated bits=0)"}, True),
        ({}, False),
    ],
)
def test_authenticated(parts, expected):
    assert is_authenticated(hop("pc", None, "198.51.100.7", "mail.example.org", **parts)) is expected


def test_a_greeting_is_no_authentication():
    assert not is_authenticated(hop("(authenticated bits=0)", None, "198.51.100.7", "mail.example.org"))


def test_names_that_the_writer_doubts_are_no_names():
    assert verified_name(hop("x", "A.Example.ORG.", "192.0.2.1", "mx.test")) == "a.example.org"
    assert verified_name(hop("x", "unknown", "192.0.2.1", "mx.test")) is None
    assert verified_name(hop("x", "localhost", "192.0.2.1", "mx.test")) is None


def test_entry_follows_our_own_hops_down_to_the_client_from_outside():
    inner = hop("gate", "gate.example.org", "192.0.2.7", "mail.example.org")
    outer = hop("pc", "dsl-9.isp.test", "198.51.100.9", "gate.example.org")
    assert entry([inner, outer], OURS).outside is outer
    assert entry([inner, inner], OURS).outside is None
    assert entry([outer], OURS, frozenset({"other.test"})).hops == 1
    assert entry([hop("a", "b.test", "203.0.113.3", "c.test"), outer], OURS) == entry([], OURS)


def test_came_from_inside():
    local = hop(None, None, None, "mail.example.org")
    outside = hop("mx", "mx.remote.test", "203.0.113.5", "mail.example.org")
    assert came_from_inside(make(report_trace=()), OURS) is None
    assert came_from_inside(make(report_trace=[local]), OURS) is True
    # nullmailer and qmail note first that a user of the machine handed it over, and name no host.
    handed_over = read_hop("(nullmailer pid 708 invoked by uid 8); Sat, 28 Nov 2026 22:58:34 -0000")
    assert came_from_inside(make(report_trace=[local, handed_over]), OURS) is True
    assert came_from_inside(make(report_trace=[handed_over]), OURS) is None
    assert came_from_inside(make(report_trace=[outside, handed_over]), OURS) is False
    assert came_from_inside(make(report_trace=[outside]), OURS) is False
    assert came_from_inside(make(report_trace=[outside, local]), OURS) is False
    assert came_from_inside(make(report_trace=[hop(None, None, None, "big.provider.test")]), OURS) is None


SHOP = read_hop(
    "from MAILER-DAEMON id 28 by shop (DragonFly Mail Agent v0.13); Sat, 28 Nov 2026 23:21:42 +0000"
)


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        (hop("shop", "gate2.example.org", "198.51.100.60", "mail.example.org"), SHOP, True),
        (hop("shop", None, "10.0.0.60", "mail.example.org"), SHOP, True),
        (hop("shop", "shop.isp.test", "198.51.100.60", "mail.example.org"), SHOP, False),
        (hop("shop", "gate2.example.org", "198.51.100.60", "mx.provider.test"), SHOP, None),
        # It may have taken the report in from outside, and tells no address.
        (
            hop("groupware", None, "10.0.0.60", "mail.example.org"),
            read_hop("from mx.remote.test by groupware with Lotus Domino; Sat, 28 Nov 2026 23:21:42 +0000"),
            None,
        ),
    ],
)
def test_a_machine_of_ours_by_a_bare_name(above, below, expected):
    assert came_from_inside(make(report_trace=[above, below]), OURS) is expected
    assert came_from_inside(make(report_trace=[SHOP]), OURS) is None
    for reporter, wrote in (
        ("shop", bool(expected)),
        ("other", False),
        (None, False),
        ("mx.remote.test", False),
    ):
        assert written_by_us(make(reporter=reporter, report_trace=[above, below]), OURS) is wrote


def test_families():
    assert knows_family("198.51.100.1", OURS, ())
    assert not knows_family("2001:db8::1", OURS, ())
    assert knows_family("2001:db8::1", OURS, ["2001:db8::7"])
    assert not knows_family("nonsense", OURS, ())

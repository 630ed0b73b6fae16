"""Which hop is the reporting side's word, and which may be typed."""

from __future__ import annotations

import dataclasses
import time

import pytest

from classifier.evidence.hosts import ip_of, is_internal, name_was_sought, organisation, tells_greeting
from classifier.evidence.onward import tried_to_pass_on
from classifier.evidence.origin import (
    observed_client,
    own_border_hop,
    receiving_addresses,
    reporter_organisations,
)
from classifier.evidence.ours import is_authenticated
from classifier.parse.report import TraceHop
from classifier.parse.trace import read_hop
from tests.evidence.makers import FROM_ITS_WRITER, NOW, hop, make

MX = "mx.remote.test"
OUTSIDE = hop("pc", "dsl-9.isp.test", "198.51.100.9", MX, when=NOW)
TYPED = hop("mail.example.org", "mail.example.org", "192.0.2.1", MX)
INSIDE = hop("in.remote.test", None, "10.0.0.5", "store.remote.test")
QMAIL = TraceHop("(qmail 123 invoked by uid 89)")


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ([OUTSIDE], ("198.51.100.9", 0)),
        ([OUTSIDE, TYPED], ("198.51.100.9", 0)),
        ([INSIDE, OUTSIDE, TYPED], ("198.51.100.9", 1)),
        ([QMAIL, OUTSIDE, TYPED], ("198.51.100.9", 1)),
        ([hop("localhost", "localhost", None, MX), OUTSIDE], ("198.51.100.9", 1)),
        ([hop("x", "filter.remote.test", "203.0.113.3", MX), OUTSIDE], ("198.51.100.9", 1)),
        # A spammer greets with the server's own name: it is not the server's for that.
        ([hop(MX, None, "198.51.100.9", MX), TYPED], ("198.51.100.9", 0)),
        ([hop(MX, "dsl-9.isp.test", "198.51.100.9", MX), TYPED], ("198.51.100.9", 0)),
        # Dovecot, handed the mail by Postfix over a Unix socket; no other protocol stays in the house.
        ([hop(MX, None, None, MX, protocol="LMTP"), OUTSIDE, TYPED], ("198.51.100.9", 1)),
        ([hop(MX, None, None, MX), OUTSIDE, TYPED], None),
        # Nobody wrote down who it was: what stands below is not believed in its place.
        ([hop("pc", None, None, MX), TYPED], None),
        ([hop("x", None, "198.51.100.9", "mx.other.test"), TYPED], None),
        ([INSIDE], None),
        ([], None),
        ([QMAIL] * 100, None),
    ],
)
def test_the_client_that_the_reporting_side_saw(trace, expected):
    found = observed_client(make(trace))
    assert (found and (found.address, found.hop)) == expected


def _exchange_online(client, address, by, own="2603:10a6:10:1::8"):
    return read_hop(f"from {client} ({address}) by {by} ({own}) with Microsoft SMTP Server id 15.20.7587.21")


#: As Exchange Online writes its hops: greetings alone, and public addresses inside.
TO_STORE = _exchange_online(
    "AM6PR10CA0031.EURPRD10.PROD.OUTLOOK.COM", "2603:10a6:209:89::44", "PR3PR02MB6345.eurprd02.prod.outlook.com"
)  # fmt: skip
TO_FRONT = _exchange_online(
    "VE1EUR01FT045.eop-EUR01.prod.protection.outlook.com", "2a01:111:f400:7e01::206", "AM6PR10CA0031.outlook.office365.com"
)  # fmt: skip
EXCHANGER = "VE1EUR01FT045.mail.protection.outlook.com"
AT_EXCHANGER = _exchange_online("mail.example.org", "192.0.2.1", EXCHANGER, "10.152.3.118")


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ([TO_STORE, TO_FRONT, AT_EXCHANGER], "192.0.2.1"),
        ([TO_STORE, AT_EXCHANGER], "192.0.2.1"),
        # Its servers for outgoing mail come from outside, with mail of whoever has an account there.
        ([TO_STORE, TO_FRONT, _exchange_online("a.outbound.test", "2a01:111:f403:7e01::1", EXCHANGER)], "2a01:111:f403:7e01::1"),
        # So do rented machines in the same operator's other networks.
        ([_exchange_online("mail.example.org", "2603:1020:201::9", EXCHANGER)], "2603:1020:201::9"),
        # Elsewhere the same address is one from outside.
        ([hop("AM6PR10CA0031.EURPRD10.PROD.OUTLOOK.COM", None, "2603:10a6:209:89::44", MX)], "2603:10a6:209:89::44"),
    ],
)  # fmt: skip
def test_hosts_of_exchange_online_are_each_others_neighbours(trace, expected):
    client = observed_client(
        make(trace, reporter="PR3PR02MB6345.eurprd02.prod.outlook.com", report_trace=trace)
    )
    assert client is None or client.address == expected
    found = own_border_hop(make(report_trace=trace))
    assert found.client_address == expected


def test_a_name_that_its_writer_doubts_is_none():
    doubted = dataclasses.replace(
        hop("x", "filter.remote.test", "198.51.100.9", MX),
        raw="(filter.remote.test [198.51.100.9] (may be forged))",
    )
    found = observed_client(make([doubted, TYPED]))
    assert (found.address, found.name) == ("198.51.100.9", None)


def test_what_vouches_for_the_hop_is_who_brought_the_report():
    assert observed_client(make([OUTSIDE])).vouched
    by_name = [hop(MX, None, "198.51.100.1", "mx.example.org")]
    from_home = [hop(MX, "dsl-1.isp.test", "198.51.100.1", "mx.example.org")]
    through_ours = [
        hop("a", None, "10.0.0.1", "store.example.org"),
        hop("x", "out.remote.test", "203.0.113.6", "mx.example.org"),
    ]
    for trace, vouched in ((by_name, False), (from_home, False), ([], False), (through_ours, True)):
        assert observed_client(make([OUTSIDE], report_trace=trace)).vouched is vouched


BROUGHT = hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org")
INNER = hop("mx.example.org", "mx.example.org", "192.0.2.25", "store.example.org")
FETCHED = hop("mail.example.org", None, "192.0.2.25", "localhost", protocol="IMAP")


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ([BROUGHT], "203.0.113.5"),
        ([INNER, BROUGHT], "203.0.113.5"),
        ([FETCHED, BROUGHT], "203.0.113.5"),
        ([hop("a", None, "10.0.0.1", "store.example.org"), INNER, BROUGHT], "203.0.113.5"),
        # Who has a line of our provider is no server of it, and may have typed what stands below.
        ([hop("x", "dsl-25.pool.example.org", "192.0.2.25", "mx.example.org"), BROUGHT], "192.0.2.25"),
        ([hop("x", None, "192.0.2.25", "mx.example.org"), BROUGHT], "192.0.2.25"),
        # Our own server hands on what our own side wrote below, and nobody else.
        ([INNER, hop("a", "a.third.test", "198.51.100.1", "mx.third.test")], "192.0.2.25"),
        ([INNER], "192.0.2.25"),
        ([], None),
    ],
)
def test_where_our_side_took_the_report_in(trace, expected):
    found = own_border_hop(make(report_trace=trace))
    assert (found and found.client_address) == expected


def test_the_servers_of_our_side_that_handed_it_on():
    for trace in ([INNER, BROUGHT], [FETCHED, BROUGHT]):
        assert receiving_addresses(make(report_trace=trace)) == {ip_of("192.0.2.25")}
    assert (
        receiving_addresses(make(report_trace=[BROUGHT]))
        == receiving_addresses(make(report_trace=[]))
        == set()
    )


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        # A store without a full name took it from the reporting side's own server.
        ([TraceHop("", helo="mx.remote.test", by="mailstore"), OUTSIDE], ("198.51.100.9", 1)),
        ([TraceHop("", helo="mx.third.test", by="mailstore"), OUTSIDE], None),
        ([hop("mx.remote.test", None, None, "mailstore"), OUTSIDE], None),
        # LMTP is not spoken over the Internet.
        ([hop("hub", None, "203.0.113.8", MX, protocol="LMTP"), OUTSIDE], ("198.51.100.9", 1)),
        ([hop("hub", None, "203.0.113.8", MX), OUTSIDE], ("203.0.113.8", 0)),
        # The address from which we had the report is the reporting side's, by our side's word.
        ([hop("x", None, "203.0.113.5", "0"), OUTSIDE], ("198.51.100.9", 1)),
        ([hop("x", None, "203.0.113.6", "0"), OUTSIDE], None),
        ([hop("pc", None, "198.51.100.9", "203.0.113.5"), TYPED], ("198.51.100.9", 0)),
        ([hop("pc", None, "198.51.100.9", "203.0.113.6"), TYPED], None),
        # The host's short name.
        ([hop("pc", None, "198.51.100.9", "mx"), TYPED], ("198.51.100.9", 0)),
    ],
)
def test_hosts_of_the_reporting_side_that_do_not_give_their_full_name(trace, expected):
    found = observed_client(make(trace))
    assert (found and (found.address, found.hop)) == expected


def test_an_address_is_the_reporters_only_where_the_report_is_by_who_brought_it():
    forwarded = [hop("x", "out.forwarder.test", "203.0.113.5", "mx.example.org")]
    found = observed_client(make([hop("x", None, "203.0.113.5", MX), TYPED], report_trace=forwarded))
    assert (found.address, found.hop) == ("203.0.113.5", 0)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"remote": "mx.third.test"}, True),
        (
            {
                "remote": "mx.third.test",
                "headers": b"Delivered-To: x@remote.test\nReceived: a\nReceived: b\n",
            },
            False,
        ),
        (
            {
                "remote": "mx.third.test",
                "headers": b"Received: a\nDelivered-To: x@remote.test\nReceived: b\n",
            },
            True,
        ),
        ({"remote": "store.remote.test"}, False),
        ({"status": "5.4.4"}, True),
        ({"status": "5.1.1"}, False),
    ],
)
def test_what_was_taken_in_for_delivery_elsewhere(parts, expected):
    assert tried_to_pass_on(make([OUTSIDE], **parts)) is expected


def test_another_name_of_the_same_operator():
    google = hop("pc", None, "198.51.100.9", "mx.google.com")
    assert observed_client(make([google], reporter="googlemail.com")).address == "198.51.100.9"
    bare = hop("pc", None, "198.51.100.9", "mailhost")
    assert observed_client(make([bare], reporter="mailhost")).address == "198.51.100.9"
    assert observed_client(make([bare], reporter="otherhost")) is None
    assert "remote.test" in reporter_organisations(make(reporter=f"{MX} (postfix, {MX})"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pc.test (pc.test [198.51.100.9])", ("198.51.100.9", "pc.test")),
        ("[198.51.100.9]", ("198.51.100.9", None)),
        ("[IPv6:2001:db8::9]", ("2001:db8::9", None)),
        ("pc.test", None),
        ("localhost ([127.0.0.1])", None),
        ("", None),
        ("[" * 5000, None),
    ],
)
def test_received_from_mta(text, expected):
    found = observed_client(dataclasses.replace(make([]), received_from_mta=text))
    assert (found and (found.address, found.helo)) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mx1.mail.example.org", "example.org"),
        ("mx.example.co.uk.", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("a.b.example.de", "example.de"),
        ("mx-inbound13-96.us-east-2b.ess.aws.cudaops.com", "barracuda.com"),
        ("m0246632.ppops.net", "pphosted.com"),
        ("localhost", None),
        ("192.0.2.1", None),
        ("", None),
        (None, None),
    ],
)
def test_organisations(host, expected):
    assert organisation(host) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[IPv6:2001:DB8:0::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.01", None),
        ("x" * 100_000, None),
    ],
)
def test_addresses(text, expected):
    found = ip_of(text)
    assert (str(found) if found else None) == expected


def test_documentation_networks_are_not_internal():
    assert not any(is_internal(ip_of(a)) for a in ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"))
    assert all(
        is_internal(ip_of(a))
        for a in ("10.1.1.1", "127.0.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1")
    )


def test_bait_is_bounded():
    made = dataclasses.replace(make([OUTSIDE] * 50), reporting_mta="a." * 100_000 + " " + "b" * 100_000)
    started = time.perf_counter()
    observed_client(made)
    assert time.perf_counter() - started < 0.2


#: Our side had the report from a private address with the reporter's own name.
CLOSED = (hop("mx.remote.test", "mx.remote.test", "10.0.0.9", "mx.example.org"),)
RELAY = hop("mail.example.org", "mail.example.org", "10.0.0.2", MX)
NEIGHBOUR = hop("filter", "filter.remote.test", "10.0.0.4", MX)


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        # Organisations that know each other by private addresses: the names tell them apart.
        ([RELAY], ("10.0.0.2", 0)),
        ([NEIGHBOUR, RELAY], ("10.0.0.2", 1)),
        ([hop("pc", "dsl-9.isp.test", "10.1.1.9", MX), RELAY], ("10.1.1.9", 0)),
        ([hop("pc", None, "10.1.1.9", MX)], ("10.1.1.9", 0)),
        ([hop("pc", None, "10.1.1.9", MX), hop("a", None, "10.2.2.2", "mail.example.org")], ("10.1.1.9", 0)),
        # A neighbour's name, a name that is known inside only, the host itself: no client from outside.
        ([NEIGHBOUR], None),
        ([hop("scan", "scan.lan", "10.0.0.4", MX)], None),
        ([hop("localhost", None, "127.0.0.1", MX)], None),
        # Without a name it may be a neighbour, where others of the house stand below.
        ([hop("pc", None, "10.1.1.9", MX), RELAY], None),
        ([hop("pc", None, "10.1.1.9", MX), hop("a", None, "10.2.2.2", "store")], None),
        # One public address anywhere: private ones are neighbours again.
        ([RELAY, hop("a", None, "198.51.100.9", "mail.example.org")], None),
    ],
)
def test_a_closed_network_tells_organisations_apart_by_private_addresses(trace, expected):
    found = observed_client(make(trace, report_trace=CLOSED))
    assert (found and (found.address, found.hop)) == expected
    if found is not None:
        assert found.vouched


@pytest.mark.parametrize(
    "report_trace",
    [
        FROM_ITS_WRITER,  # by a public address
        (),  # nobody knows how it came: a name that is another brand of the same house must not count
        (hop("localhost", "localhost", "127.0.0.1", "mx.example.org"),),
        (hop("scan", "scan.lan", "10.0.0.4", "mx.example.org"),),
    ],
)
def test_a_private_address_is_a_neighbour_unless_our_side_had_the_report_from_one(report_trace):
    assert observed_client(make([RELAY], report_trace=report_trace)) is None


@pytest.mark.parametrize(
    ("value", "authenticated"),
    [
        (
            "from pc (unknown [198.51.100.9]) (Authenticated sender: anna) by mx.test (Postfix) with ESMTP id 5",
            True,
        ),
        ("from pc ([198.51.100.9]) (authenticated bits=0) by mx.test (8.13.8/8.13.8) with ESMTP id 4", True),
        ("from pc (unknown [198.51.100.9]) by mx.test (Postfix) with ESMTPSA id 5", True),
        # What a client greets with stands in front of its address, and with Exim behind it.
        (
            "from x(Authenticated sender: anna) (unknown [198.51.100.9]) by mx.test (Postfix) with ESMTP id 5",
            False,
        ),
        ("from [198.51.100.9] (helo=(Authenticated sender: anna)) by mx.test (Exim 4.96) with esmtp", False),
    ],
)
def test_who_authenticated_itself_by_the_writers_word(value, authenticated):
    assert is_authenticated(read_hop(value)) is authenticated


@pytest.mark.parametrize(
    ("value", "sought"),
    [
        ("from pc (unknown [198.51.100.9]) by mx.remote.test (Postfix) with SMTP", True),
        ("from pc (<unknown> [198.51.100.9]) by mx.remote.test (OpenSMTPD) with ESMTP id 3a95a153", True),
        ("from unknown (HELO pc) (198.51.100.9) by mx.remote.test with SMTP", True),
        ("from pc ([198.51.100.9]) by mx.remote.test (8.14.4/8.14.4) with ESMTP id 1", True),
        # Exim looks names up only where host_lookup says so.
        ("from [198.51.100.9] (helo=pc) by mx.remote.test with esmtp (Exim 4.96)", False),
        ("from pc ([198.51.100.9]) by mx.google.com with ESMTPS id a1", True),
        ("from pc (dsl-9.isp.test [198.51.100.9]) by mx.remote.test with ESMTP", True),
        (
            "from pc (198.51.100.9) by mx.remote.test (10.1.1.1) with Microsoft SMTP Server id 15.1.2507.35",
            False,
        ),
        ("from [198.51.100.9] by mx.remote.test id 1", False),
        ("from unknown.test (198.51.100.9) by mx.remote.test with Microsoft SMTP Server", False),
    ],
)
def test_whether_anybody_looked_the_name_up(value, sought):
    assert name_was_sought(read_hop(value)) is sought


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from [198.51.100.9] by mx.remote.test with ESMTP id A1", False),
        ("from [198.51.100.9] by mx.remote.test with esmtp (Exim 4.96) id A1", True),
        ("from [198.51.100.9] ([198.51.100.9]) by mx.remote.test (chasquid) with ESMTP", True),
        ("from [198.51.100.9] (unknown [198.51.100.9]) by mx.remote.test (Postfix) with ESMTP id A1", True),
        ("from pc ([198.51.100.9]) by mx.remote.test with ESMTP id A1", True),
        ("by mx.remote.test with ESMTP id A1", False),
    ],
)
def test_an_address_alone_is_the_writers_word(line, told):
    assert tells_greeting(read_hop(line)) is told

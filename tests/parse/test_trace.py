"""Received fields as programs write them, and what a client may type into them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from classifier.parse.trace import read_hop

HABITS = {
    "Postfix": (
        "from mail.example.org (mail.example.org [192.0.2.1]) by mx.remote.test (Postfix) with ESMTPS id 4VwQ for <x@remote.test>",
        (
            "mail.example.org",
            "mail.example.org",
            "192.0.2.1",
            "mx.remote.test",
            "ESMTPS",
            "4VwQ",
            "x@remote.test",
        ),
    ),
    "Postfix, no name": (
        "from mail.example.org (unknown [198.51.100.9]) by mx.remote.test (Postfix) with SMTP id 1",
        ("mail.example.org", None, "198.51.100.9", "mx.remote.test", "SMTP", "1", None),
    ),
    "Sendmail, names differ": (
        "from pc (dsl.isp.test [198.51.100.9] (may be forged)) by mx.remote.test (8.17.1/8.17.1) with ESMTP id 42A",
        ("pc", "dsl.isp.test", "198.51.100.9", "mx.remote.test", "ESMTP", "42A", None),
    ),
    "Sendmail, no name": (
        "from mail.example.org ([198.51.100.9]) by mx.remote.test (8.17.1/8.17.1) with ESMTP id 42A",
        ("mail.example.org", None, "198.51.100.9", "mx.remote.test", "ESMTP", "42A", None),
    ),
    "Exim": (
        "from mail.example.org ([192.0.2.1]:4711 helo=relay) by mx.remote.test with esmtps (Exim 4.96) id 1rj-00",
        ("relay", "mail.example.org", "192.0.2.1", "mx.remote.test", "esmtps", "1rj-00", None),
    ),
    "Exim, no name": (
        "from [198.51.100.9] (helo=mail.example.org) by mx.remote.test with esmtp (Exim 4.96) id 1rj-00",
        ("mail.example.org", None, "198.51.100.9", "mx.remote.test", "esmtp", "1rj-00", None),
    ),
    "Exim, greeted with its name": (
        "from mail.example.org ([192.0.2.1]:4711) by mx.remote.test with esmtps (TLS1.3) (Exim 4.96) id 1rj-00",
        ("mail.example.org", "mail.example.org", "192.0.2.1", "mx.remote.test", "esmtps", "1rj-00", None),
    ),
    "Exim, neither name nor greeting": (
        "from [198.51.100.9] by mx.remote.test with esmtp (Exim 4.96) id 1rj-00",
        ("198.51.100.9", None, "198.51.100.9", "mx.remote.test", "esmtp", "1rj-00", None),
    ),
    "qmail": (
        "from mail.example.org (HELO relay) (192.0.2.1) by mx.remote.test with SMTP; 10 Mar 2026 10:00:05 -0000",
        ("relay", "mail.example.org", "192.0.2.1", "mx.remote.test", "SMTP", None, None),
    ),
    "qmail, no name": (
        "from unknown (HELO mail.example.org) (198.51.100.9) by mx.remote.test with SMTP",
        ("mail.example.org", None, "198.51.100.9", "mx.remote.test", "SMTP", None, None),
    ),
    "qmail, greeted with its name": (
        "from mail.example.org (192.0.2.1)  by mx.remote.test with SMTP; 10 Mar 2026 10:00:05 -0000",
        ("mail.example.org", "mail.example.org", "192.0.2.1", "mx.remote.test", "SMTP", None, None),
    ),
    "qmail, neither name nor greeting": (
        "from unknown (198.51.100.9) by mx.remote.test with SMTP; 10 Mar 2026 10:00:05 -0000",
        (None, None, "198.51.100.9", "mx.remote.test", "SMTP", None, None),
    ),
    "another program, whose first word is the greeting": (
        "from mail.example.org (198.51.100.9) by mx.remote.test with SMTP; Tue, 10 Mar 2026 10:00:05 +0000",
        ("mail.example.org", None, "198.51.100.9", "mx.remote.test", "SMTP", None, None),
    ),
    "Exchange": (
        "from mail.example.org (198.51.100.9) by mx.remote.test (203.0.113.5) with Microsoft SMTP Server id 15.1",
        ("mail.example.org", None, "198.51.100.9", "mx.remote.test", "Microsoft", "15.1", None),
    ),
    "Yahoo": (
        "from 198.51.100.9 (EHLO mail.example.org) (198.51.100.9) by mta.remote.test with SMTPs",
        ("mail.example.org", None, "198.51.100.9", "mta.remote.test", "SMTPs", None, None),
    ),
    "chasquid": (
        'from [192.0.2.1] (mail.example.org) by mx.remote.test (chasquid) with ESMTP (over SMTP, plain text!, envelope from "anna@example.org") ; Tue, 10 Mar 2026 10:00:05 +0000',
        ("mail.example.org", None, "192.0.2.1", "mx.remote.test", "ESMTP", None, None),
    ),
    "chasquid, IPv6": (
        "from [IPv6:2001:db8::1] (pc) by mx.remote.test (chasquid) with ESMTPS",
        ("pc", None, "2001:db8::1", "mx.remote.test", "ESMTPS", None, None),
    ),
    "an address, then a name of which nobody says how it was got": (
        "from 192.0.2.1 (mail.example.org) by mx.remote.test with SMTP",
        ("mail.example.org", None, "192.0.2.1", "mx.remote.test", "SMTP", None, None),
    ),
    "an address, then a remark": (
        "from [192.0.2.1] (unknown) by mx.remote.test with SMTP",
        ("192.0.2.1", None, "192.0.2.1", "mx.remote.test", "SMTP", None, None),
    ),
    "IPv6": (
        "from m.example.org (m.example.org [IPv6:2001:db8::1]) by mx.remote.test (Postfix) with ESMTP id 1",
        ("m.example.org", "m.example.org", "2001:db8::1", "mx.remote.test", "ESMTP", "1", None),
    ),
    "brackets without a comment": (
        "from relay.example.org [192.0.2.1] by mx.remote.test with ESMTP",
        ("relay.example.org", None, "192.0.2.1", "mx.remote.test", "ESMTP", None, None),
    ),
    "local": (
        "by mail.example.org (Postfix, from userid 1000) id 4VwQ; Tue, 10 Mar 2026 10:00:05 +0000",
        (None, None, None, "mail.example.org", None, "4VwQ", None),
    ),
}


@pytest.mark.parametrize("name", HABITS)
def test_habits_of_programs(name):
    value, expected = HABITS[name]
    hop = read_hop(value)
    found = (
        hop.helo,
        hop.client_name,
        hop.client_address,
        hop.by,
        hop.protocol,
        hop.queue_id,
        hop.for_address,
    )
    assert found == expected
    assert hop.raw == value


@pytest.mark.parametrize(
    "value",
    [
        "from unknown (HELO [192.0.2.1]) (198.51.100.9) by mx.remote.test with SMTP",
        "from [198.51.100.9] (helo=[192.0.2.1]) by mx.remote.test with esmtp (Exim 4.96) id 1rj-00",
        "from [198.51.100.9] (port=99 helo=192.0.2.1) by mx.remote.test with esmtp (Exim 4.96) id 1rj-00",
        "from 198.51.100.9 (EHLO 192.0.2.1) (198.51.100.9) by mta.remote.test with SMTP",
        "from [198.51.100.9] ([192.0.2.1]) by mx.remote.test (chasquid) with ESMTP",
        "from [198.51.100.9] (mail.example.org)([192.0.2.1]) by mx.remote.test (chasquid) with ESMTP",
        "from [192.0.2.1] ([198.51.100.9]) by mx.remote.test (8.17.1/8.17.1) with ESMTP id 42A",
        "from [192.0.2.1] (unknown [198.51.100.9]) by mx.remote.test (Postfix) with SMTP id 1",
        "from mail.example.org (mail.example.org [192.0.2.1]) (unknown [198.51.100.9]) by mx.remote.test",
        "from helo=mail.example.org (unknown [198.51.100.9]) by mx.remote.test (Postfix) with SMTP id 1",
        "from mail.example.org ([198.51.100.9]) by mx.remote.test with Lotus Domino",
        "from mail.example.org ([198.51.100.9]) by mx.remote.test (Exim 4.96) with Lotus Domino",
        "from mail.example.org (Exim 4.96) ([198.51.100.9]) by mx.remote.test with SMTP",
        "from mail.example.org (198.51.100.9) by mx.remote.test with SMTP",
    ],
)
def test_what_the_client_called_itself_is_neither_its_name_nor_its_address(value):
    hop = read_hop(value)
    assert hop.client_address == "198.51.100.9"
    assert hop.client_name is None


def test_time_and_its_absence():
    assert read_hop("from a by b; Tue, 10 Mar 2026 11:00:05 +0100").when == datetime(
        2026, 3, 10, 10, 0, 5, tzinfo=UTC
    )
    assert read_hop("from a by b").when is None


@pytest.mark.parametrize(
    "value", ["", ";", "from", "from (", "(" * 5000, "from " * 2000, "by ;;;", "\x00\udcff"]
)
def test_rubbish(value):
    read_hop(value)

"""Stranger: nothing of ours in the original, and a home line that brought it."""

from __future__ import annotations

import dataclasses

import pytest

from classifier.evidence import stranger
from classifier.identity import Identity
from classifier.parse.trace import read_hop
from classifier.vocabulary import Completeness, RefusalStage, ReportKind
from tests.evidence.makers import LOOKUPS, hop, make, told

OURS = Identity(domains=("example.org",))
FORGED = [("home-line", "forged", "strong")]
RELAYED = [("home-line-relayed", "forged", "weak")]
NEUTRAL = [("nothing-ours", "neither", "weak")]
THEIRS = "From: eve@spam.test\nTo: x@remote.test\nSubject: buy\nMessage-ID: <1@spam.test>\n"
DIAL_UP = hop("pc", "dsl-9.pool.isp.test", "198.51.100.9", "mx.remote.test")
NUMBERED = hop("vps1", "vps-203-0-113-124.rented.test", "203.0.113.124", "mx.remote.test")
GREETED = hop("ALEX", None, "198.51.100.9", "mx.remote.test")
SERVER = hop("out3.provider.test", "out3.provider.test", "198.51.100.9", "mx.remote.test")
UNNAMED_SERVER = hop("out3.provider.test", None, "198.51.100.9", "mx.remote.test")


def case(client, headers=THEIRS, **parts):
    return make((client,), headers=headers.encode(), **parts)


CASES = {
    "a dial-up line": (case(DIAL_UP), FORGED),
    "a PC's own name": (case(GREETED), FORGED),
    "a greeting with the line's name": (
        case(hop("dsl-9.pool.isp.test", None, "198.51.100.9", "mx.remote.test")),
        FORGED,
    ),
    "a mail server": (case(SERVER), NEUTRAL),
    "a mail server whose name nobody looked up": (case(UNNAMED_SERVER), NEUTRAL),
    "headers typed below": (make((DIAL_UP, hop("a", "b.test", "192.0.2.77", "relay.spam.test")), headers=THEIRS.encode()), FORGED),
    "our author": (case(DIAL_UP, THEIRS.replace("eve@spam.test", "anna@example.org")), []),
    "our return path alone": (case(DIAL_UP, "Return-Path: <anna@example.org>\n" + THEIRS), FORGED),
    "delivered at the reporting side": (case(DIAL_UP, THEIRS + "Delivered-To: x@remote.test\n"), FORGED),
    "our sender": (case(DIAL_UP, THEIRS + "Sender: anna@example.org\n"), []),
    "our reply-to": (case(DIAL_UP, THEIRS + "Reply-To: anna@example.org\n"), []),
    "our Message-ID": (case(DIAL_UP, THEIRS.replace("1@spam.test", "1@mail.example.org")), []),
    "our signature": (case(DIAL_UP, THEIRS + "DKIM-Signature: v=1; d=example.org; s=s; b=x\n"), []),
    "a hop of ours": (make((DIAL_UP, hop("a", "b.test", "192.0.2.77", "mail.example.org")), headers=THEIRS.encode()), []),
    "a list": (case(DIAL_UP, THEIRS + "List-Id: <l.lists.test>\n"), []),
    "a program on a rented server, by Postfix": (
        make((NUMBERED, read_hop("by vps1 (Postfix, from userid 33) id 4Vw; Sun, 1 Mar 2026 11:59:00 +0000")), headers=THEIRS.encode()),
        [],
    ),
    "a program on a rented server, by Exim": (
        make((NUMBERED, read_hop("from www-data by vps1 with local (Exim 4.96) id 1rj; Sun, 1 Mar 2026 11:59:00 +0000")), headers=THEIRS.encode()),
        [],
    ),
    "a program on a rented server, by qmail": (
        make((NUMBERED, read_hop("(qmail 1234 invoked by uid 33); 1 Mar 2026 11:59:00 -0000")), headers=THEIRS.encode()),
        [],
    ),
    "a dial-up line, reported by qmail": (
        make((read_hop("(qmail 1234 invoked by uid 89); 1 Mar 2026 11:59:00 -0000"), DIAL_UP), headers=THEIRS.encode()),
        FORGED,
    ),
    "a program on a rented server, by the mail server of Windows": (
        make(
            (GREETED, read_hop("from mail pickup service by ALEX with Microsoft SMTPSVC; Sun, 1 Mar 2026 11:59:00 +0000")),
            headers=THEIRS.encode(),
        ),
        [],
    ),
    "a line that a PC typed under its own name": (
        make((GREETED, hop("a", "b.test", "192.0.2.77", "ALEX")), headers=THEIRS.encode()),
        FORGED,
    ),
    "a rented server": (case(NUMBERED), FORGED),
    "a web form": (case(DIAL_UP, THEIRS + "X-PHP-Script: www.shop.test/mail.php\n"), []),
    "authenticated at a provider": (
        case(hop("ALEX", "dsl-9.pool.isp.test", "198.51.100.9", "smtp.provider.test", protocol="ESMTPSA"), reporter="smtp.provider.test"),
        [],
    ),
    "a VERP address": (case(DIAL_UP, own=b"From: MAILER-DAEMON@mx.remote.test\nTo: bounce-7-x=b.test@example.org\nReturn-Path: <>\n"), []),
    "a reply by a person's program": (case(DIAL_UP, kind=ReportKind.AUTO_REPLY), []),
    "cut off": (case(DIAL_UP, completeness=Completeness.PARTIAL), []),
    "no client to be seen": (make((), headers=THEIRS.encode()), []),
    "no author": (case(DIAL_UP, THEIRS.partition("\n")[2]), []),
    "refused in the session by a host of its own": (
        case(DIAL_UP, stage=RefusalStage.SESSION, remote="store.remote.test"), FORGED
    ),
    "refused in the session by somebody else": (case(DIAL_UP, stage=RefusalStage.SESSION, remote="mx.third.test"), RELAYED),
    "somebody else's server never answered": (
        case(DIAL_UP, stage=RefusalStage.ACCEPTED, remote="mx.third.test", status="5.4.7"), RELAYED
    ),
    "a server without a name refused it": (case(DIAL_UP, remote="[203.0.113.25]", status="5.1.1"), RELAYED),
    "nobody answered, and nobody is named": (case(DIAL_UP, status="5.4.4"), RELAYED),
    "a store within never answered": (case(DIAL_UP, remote="10.0.0.5", status="5.4.1"), FORGED),
    "a host of its own never answered": (case(DIAL_UP, remote="store.remote.test", status="4.4.1"), FORGED),
    "nobody of that name": (case(DIAL_UP, status="5.1.1"), FORGED),
    "a device without a domain": (case(DIAL_UP, THEIRS.replace("eve@spam.test", "root@raspberrypi")), []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    report, expected = CASES[name]
    assert told(stranger.gather(report, OURS, LOOKUPS)) == expected


def test_every_address_that_the_report_came_to_counts_where_nothing_is_configured():
    own = b"From: MAILER-DAEMON@mx.remote.test\nDelivered-To: box@hosted.test\nTo: anna@spam.test\nReturn-Path: <>\n"
    report = case(DIAL_UP, own=own)
    inferred = Identity(domains=("hosted.test",), inferred=True)
    assert told(stranger.gather(report, inferred, LOOKUPS)) == []
    assert told(stranger.gather(report, dataclasses.replace(inferred, inferred=False), LOOKUPS)) == FORGED

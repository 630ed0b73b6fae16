"""Tags: BATV, SRS and VERP addresses, honest, harvested, broken and missing.

The fixed tags below were made by Exim 4.96 (``${prvs}``) and Mail::SRS 0.31.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from classifier.evidence import srs, tags
from classifier.evidence.base import Lookups
from classifier.identity import Identity
from classifier.parse.report import Envelope
from classifier.vocabulary import ReportKind
from tests.evidence.makers import hop, make, told

MADE = datetime.fromtimestamp(1795486638, UTC)  # when Exim made the tag below: it lasts seven days
EXIM = "prvs=37889fc689=Anna@example.org"
SRS0 = "SRS0=6As/=JN=Source.test=Anna@example.org"
SRS1 = "SRS1=RkzT=fwd.example.org==6As/=JN=Source.test=Anna@example.org"
KEYED = Identity(
    domains=("example.org",), batv_keys={"3": "secret", "4": "other"}, srs_keys=("old", "secret")
)
TAGGED = dataclasses.replace(KEYED, batv_since=MADE - timedelta(days=60))

VALID, INVALID = ("batv-valid", "genuine", "strong"), ("batv-invalid", "forged", "strong")
EXPIRED = ("batv-expired", "forged", "weak")


def to(address, **more):
    own = f"From: MAILER-DAEMON@mx.remote.test\nTo: <{address}>\nReturn-Path: <>\n".encode()
    return make(own=own, **more)


def judged(report, identity=KEYED, now=MADE):
    return told(tags.gather(report, identity, Lookups(now=now)))


def test_a_tag_made_by_exim_is_valid_through_its_seven_days():
    for days, expected in ((0, VALID), (6, VALID), (7, VALID), (8, VALID), (9, EXPIRED), (30, EXPIRED)):
        now = MADE + timedelta(days=days)
        assert judged(to(EXIM, report_trace=()), now=now) == [expected], days


def test_the_window_is_seen_from_arrival_date_or_receipt_and_never_from_the_original():
    later = MADE + timedelta(days=12)
    envelope = Envelope(received_at=later)
    delayed = to(EXIM, arrival=MADE + timedelta(days=2), envelope=envelope)
    assert judged(delayed, now=later) == [VALID]
    typed_date = to(
        EXIM, headers=b"From: anna@example.org\nDate: Tue, 24 Nov 2026 02:00:00 +0000\n", envelope=envelope
    )
    assert judged(typed_date, now=later) == [EXPIRED]
    # An Arrival-Date of long ago is a harvested tag's only hope, and too long ago.
    much_later = MADE + timedelta(days=40)
    replayed = to(EXIM, arrival=MADE, envelope=Envelope(received_at=much_later))
    assert judged(replayed, now=much_later) == [EXPIRED]
    # Judged years after: the receipt counts, not the day on which somebody looks.
    assert judged(to(EXIM, envelope=Envelope(received_at=MADE)), now=MADE + timedelta(days=700)) == [VALID]
    newest = hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org", when=MADE)
    assert judged(to(EXIM, report_trace=[newest]), now=MADE + timedelta(days=700)) == [VALID]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("prvs=37889fc689=anna@example.org", INVALID),  # made for Anna: an HMAC knows case
        ("prvs=37889fc680=Anna@example.org", INVALID),
        ("prvs=37889fc689=Eve@example.org", INVALID),
        ("prvs=37879fc689=Anna@example.org", INVALID),  # another day
        ("prvs=47889fc689=Anna@example.org", INVALID),  # another key
        ("prvs=97889fc689=Anna@example.org", ("batv-unknown-key", "forged", "weak")),
        ("prvs=anna@example.org", INVALID),
        ("prvs=Anna/37889fc689@example.org", VALID),  # the older order
        ("btv1==0123abcdef=anna@example.org", ("other-tag", "neither", "weak")),
    ],
)
def test_batv_forms(address, expected):
    assert judged(to(address)) == [expected]


def test_tag_is_found_wherever_the_address_is_kept():
    plain = b"From: d@mx.remote.test\nTo: anna@example.org\n"
    for report in (
        make(own=plain, envelope=Envelope(rcpt_to=EXIM)),
        make(own=plain + f"Delivered-To: {EXIM}\n".encode()),
        make(own=plain + f"X-Original-To: {EXIM}\n".encode()),
        make(own=plain, headers=f"Return-Path: <{EXIM}>\nFrom: anna@example.org\n".encode()),
    ):
        assert judged(report, TAGGED) == [VALID]


def test_a_tag_that_our_own_server_took_off_is_in_its_line():
    """It delivers to the mailbox; and some reporters address the author, not the return path."""
    taken_in = hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org", for_=EXIM)
    inside = hop("mx.example.org", "mx.example.org", "10.0.0.2", "imap.example.org", for_="anna@example.org")
    own = b"Return-Path: <>\nDelivered-To: anna@example.org\nFrom: d@mx.remote.test\nTo: anna@example.org\n"
    assert judged(make(own=own, report_trace=(inside, taken_in)), TAGGED) == [VALID]
    # Below that line it is the reporter's side that writes.
    plain = hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org", for_="anna@example.org")
    typed = hop("a.remote.test", "a.remote.test", "203.0.113.9", "mx.remote.test", for_=EXIM)
    assert judged(make(own=own, report_trace=(plain, typed)), TAGGED) == [MISSING]


def test_a_tag_on_top_of_ours():
    assert judged(to(f"prvs=9123abcdef={EXIM}")) == [VALID]
    assert judged(to(f"prvs=3123abcdef={EXIM}")) == [VALID]
    assert judged(to("prvs=3123abcdef=prvs=3123abcdef=Anna@example.org")) == [INVALID]


def test_a_tag_in_quoted_printable():
    assert judged(to(EXIM.replace("=", "=3D"))) == [VALID]


def test_a_long_address_that_was_cut_for_its_tag():
    local = "a" * 60
    tag = tags.batv_hash("secret", "3", "788", f"{local}@example.org")
    cut = f"prvs=3788{tag}={local}"[:64] + "@example.org"
    known = f"From: Anna <{local}@example.org>\n".encode()
    assert judged(to(cut, headers=known)) == [VALID]
    assert judged(to(cut)) == [("batv-invalid", "forged", "weak")]


def test_a_tag_by_qmail():
    """Its BATV patches make an MD5 with the key at the end, and write the day of the tag, not of its expiry."""
    tag = hashlib.md5(b"3781anna@example.orgsecret").hexdigest()[:6]
    address = f"prvs=3781{tag}=anna@example.org"
    for days, expected in ((0, VALID), (7, VALID), (9, EXPIRED)):
        assert judged(to(address, report_trace=()), now=MADE + timedelta(days=days)) == [expected], days


def test_case_that_was_folded_is_put_back_where_the_address_is_shown():
    folded = EXIM.lower()
    assert judged(to(folded, headers=b"From: Anna@example.org\n")) == [VALID]
    for unknown in (folded, EXIM.upper()):
        made = to(unknown, headers=b"Subject: The minutes\n")
        assert judged(made) == [("batv-invalid", "forged", "weak")]


def test_a_folded_copy_of_a_valid_tag_is_no_forgery():
    report = make(own=f"From: d@mx.remote.test\nDelivered-To: {EXIM.lower()}\nTo: {EXIM}\n".encode())
    assert judged(report) == [VALID]


def test_without_keys_a_tag_says_nothing():
    assert judged(to(EXIM), Identity(domains=("example.org",))) == [("batv-unchecked", "neither", "weak")]
    assert judged(to(SRS0), Identity(domains=("example.org",))) == [("srs-unchecked", "neither", "weak")]


MISSING = ("batv-missing", "forged", "strong")
UNTAGGED = {
    "a DSN with a null sender": ({}, TAGGED, [MISSING]),
    "a non-standard bounce with a null sender": ({"kind": ReportKind.BOUNCE}, TAGGED, [MISSING]),
    "an auto-reply: answers the From header": ({"kind": ReportKind.AUTO_REPLY}, TAGGED, []),
    "a challenge": ({"kind": ReportKind.CHALLENGE}, TAGGED, []),
    "a bounce that is not from the null sender (mlmmj)": (
        {"kind": ReportKind.BOUNCE, "envelope": Envelope(mail_from="list-owner@lists.test")},
        TAGGED,
        [],
    ),
    "a bounce whose sender is not known": (
        {"kind": ReportKind.BOUNCE, "own": b"From: d@mx.remote.test\nTo: anna@example.org\n"},
        TAGGED,
        [],
    ),
    "no date from which all is tagged": ({}, KEYED, []),
    "tagging began only lately: mail may be on its way for a week": (
        {},
        dataclasses.replace(TAGGED, batv_since=MADE - timedelta(days=5)),
        [],
    ),
    "arrived before tagging began, reported late": (
        {"arrival": MADE - timedelta(days=8)},
        dataclasses.replace(TAGGED, batv_since=MADE - timedelta(days=10)),
        [],
    ),
    "our own host reports before the tag was put on": (
        {"report_trace": [hop(None, None, None, "mail.example.org")], "reporter": "mail.example.org"},
        TAGGED,
        [],
    ),
    "a server that nobody named as ours, which tags on the way out, reports to its own mailbox": (
        {"report_trace": [hop(None, None, None, "vps12.hoster.test")], "reporter": "vps12.hoster.test"},
        TAGGED,
        [],
    ),
    "the hoster's server for outgoing mail reports to the one for incoming mail": (
        {"report_trace": [hop("out.hoster.test", "out.hoster.test", "192.0.2.9", "mx.hoster.test")]},
        TAGGED,
        [],
    ),
    "only the mailbox is shown, and behind the door tags are taken off": (
        {"own": b"Delivered-To: anna@example.org\nReturn-Path: <>\nFrom: d@mx.remote.test\n"},
        TAGGED,
        [],
    ),
    "a list's return path": (
        {"own": b"Return-Path: <>\nFrom: d@mx.remote.test\nTo: news-bounces@example.org\n"},
        TAGGED,
        [("batv-missing-list", "forged", "weak")],
    ),
    "a report that shows no address of ours": (
        {"own": b"From: d@mx.remote.test\nTo: undisclosed-recipients:;\nReturn-Path: <>\n"},
        TAGGED,
        [],
    ),
}


@pytest.mark.parametrize(("parts", "identity", "expected"), UNTAGGED.values(), ids=UNTAGGED)
def test_missing_tag(parts, identity, expected):
    assert judged(make(**parts), identity) == expected


def test_srs_made_by_mail_srs():
    valid = ("srs-valid", "genuine", "strong")
    assert judged(to(SRS0)) == [valid]
    assert judged(to(SRS0.lower())) == [valid]
    assert judged(to(SRS1)) == [valid]
    assert judged(to(SRS0.replace("6As/", "6Asx"))) == [("srs-invalid", "forged", "strong")]
    assert judged(to("SRS0=junk@example.org")) == [("srs-invalid", "forged", "strong")]
    # A provider's relay rewrites by a key of its own.
    behind = dataclasses.replace(KEYED, relays=("relay.provider.test",))
    assert judged(to(SRS0.replace("example.org", "relay.provider.test")), behind) == [
        ("srs-valid", "genuine", "strong")
    ]
    for local in ("SRS0=abcd=JN=Source.test=anna", "SRS0=junk"):
        found = judged(to(f"{local}@relay.provider.test"), behind)
        assert found == [("srs-invalid", "forged", "weak")]
    assert judged(to(SRS0, report_trace=()), now=MADE + timedelta(days=40)) == [
        ("srs-expired", "forged", "weak")
    ]


def test_srs_made_by_exim_itself():
    """``${srs_encode}``: the start of an HMAC-MD5 over the address that was rewritten."""
    tag = hmac.new(b"secret", b"anna@source.test", "md5").hexdigest()[:4]
    assert judged(to(f"SRS0={tag}=jn=Source.test=Anna@example.org")) == [("srs-valid", "genuine", "strong")]


def test_srs_made_by_opensmtpd():
    """SHA-1 over the key and all that is behind the hash."""
    digest = hashlib.sha1(b"secretJN=Source.test=Anna@example.org").digest()
    tag = base64.b64encode(digest)[:4].decode()
    assert judged(to(f"SRS0={tag}=JN=Source.test=Anna@example.org")) == [("srs-valid", "genuine", "strong")]


def test_srs_of_a_foreign_forwarder_is_told_and_proves_nothing():
    headers = b"Return-Path: <SRS0=abcd=JN=example.org=anna@fwd.alumni.test>\nFrom: anna@example.org\n"
    assert judged(make(headers=headers)) == [("srs-elsewhere", "neither", "weak")]
    assert judged(make(headers=headers.replace(b"=example.org", b"=source.test"))) == []


def test_srs_around_an_address_of_ours_shows_only_that_we_forwarded():
    stamp = "JN"
    tag = srs.srs_hash("secret", stamp, "example.org", "anna")[:4]
    assert judged(to(f"SRS0={tag}={stamp}=example.org=anna@example.org")) == [("srs-own", "neither", "weak")]


def test_verp():
    match = to("news-bounces+x=remote.test@example.org")
    assert judged(match) == [("verp-match", "genuine", "weak")]
    assert judged(to("news-bounces+y=else.test@example.org")) == [("verp", "neither", "weak")]


@pytest.mark.parametrize(
    "local", ["prvs=" * 500, "SRS0=" + "=" * 5000, "+=" * 4000, "a+" + "b=" * 3000, '"prvs="']
)
def test_hostile_addresses_cost_nothing(local):
    for e in tags.gather(to(f"{local}@example.org"), TAGGED, Lookups(now=MADE)):
        assert len(e.detail) < 1200

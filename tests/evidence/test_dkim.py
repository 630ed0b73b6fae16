"""DKIM evidence: real keys, a real DNS server, honest oddities and a forger's tricks."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import dkim as dkimpy
import pytest

from classifier.evidence import dkim
from classifier.evidence.base import DnsAnswer, Lookups
from classifier.identity import Identity
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Original, Report, ReportedRecipient, TraceHop
from classifier.parse.trace import read_hop
from classifier.resolver import DnsResolver
from classifier.store.database import Database
from classifier.store.records import SqliteRecordMemory
from classifier.vocabulary import Completeness, PointsTo, ReportKind, Strength
from tests.dnsserver import DnsServer, Zone
from tests.keys import ed25519_key, rsa_key, sign

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OURS = Identity(domains=("example.org",))
KEY = rsa_key(1024)
NAME = "s1._domainkey.example.org"
MESSAGE = (
    b"Received: from mail.example.org ([192.0.2.1]) by mx.remote.test\n"
    b"From: Anna <anna@example.org>\n"
    b"To: <x@remote.test>,\n  <y@other.test>\n"
    b"Subject: The\tminutes  of\n Monday\n"
    b"Date: Sun, 01 Mar 2026 11:58:00 +0000\n"
    b"Message-ID: <1@example.org>\n"
    b"MIME-Version: 1.0\n"
    b"\n"
    b"Dear X,\n\nthe minutes.  \n\n\n"
)
SIGNED = sign(MESSAGE, KEY, when=NOW)
BORDER = TraceHop("", "mail.example.org", "mail.example.org", "192.0.2.1", "mx.remote.test", "ESMTPS")
PROOF, STRONG, WEAK = Strength.PROOF, Strength.STRONG, Strength.WEAK


def report(
    message=SIGNED,
    *,
    failed="x@remote.test",
    completeness=None,
    verbatim=True,
    arrival=NOW,
    trace=(BORDER,),
    **more,
):
    head, blank, body = message.partition(b"\r\n\r\n" if b"\r\n" in message else b"\n\n")
    full = completeness is None or completeness is Completeness.FULL
    line = b"\r\n" if b"\r\n" in message else b"\n"
    original = Original(
        completeness or Completeness.FULL,
        HeaderBlock(head + line),
        body if full and blank else None,
        verbatim,
        trace,
    )
    recipients = tuple(ReportedRecipient(f) for f in ([failed] if isinstance(failed, str) else failed))
    return Report(
        ReportKind.DSN,
        "rfc3464",
        HeaderBlock(b"From: MAILER-DAEMON@mx.remote.test\n"),
        reporting_mta=more.pop("reporter", "mx.remote.test"),
        arrival_date=arrival,
        recipients=recipients,
        original=original,
        trace=(TraceHop("", "mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org", "ESMTP"),),
        **more,
    )


class Keys:
    """A resolver that answers from a table; None: not available."""

    def __init__(self, table):
        self.table = table
        self.asked = []

    def query(self, name, record_type):
        self.asked.append(name)
        found = self.table.get(name, ())
        if found is None:
            return DnsAnswer(available=False, note="time-out")
        records = (found,) if isinstance(found, str) else found
        return DnsAnswer(tuple(records), exists=bool(records))


def look(table=None, records=None, now=NOW):
    resolver = Keys({NAME: KEY.record} if table is None else table)
    return Lookups(now, resolver=resolver, records=records)


def judged(message, lookups=None, identity=OURS, **settings):
    found = list(dkim.gather(report(message, **settings), identity, lookups or look()))
    assert found, "nothing was said"
    for evidence in found:
        assert "\n" not in evidence.detail
        assert "\r" not in evidence.detail
    return found[0]


def says(evidence):
    return evidence.finding, evidence.points_to, evidence.strength


VALID = ("valid", PointsTo.GENUINE, PROOF)
NEITHER = PointsTo.NEITHER


# -- what verifies ---------------------------------------------------------


def test_the_helper_signs_what_dkimpy_verifies():
    assert dkimpy.verify(SIGNED, dnsfunc=lambda _name, timeout=0: KEY.record.encode())


@pytest.mark.parametrize(
    "key", [rsa_key(1024), rsa_key(2048), ed25519_key()], ids=["rsa1024", "rsa2048", "ed25519"]
)
@pytest.mark.parametrize("canonical", [b"relaxed/relaxed", b"relaxed/simple", b"simple/simple", b"simple"])
@pytest.mark.parametrize("line", [b"\n", b"\r\n"])
@pytest.mark.parametrize("completeness", [Completeness.FULL, Completeness.HEADERS, Completeness.PARTIAL])
def test_a_signature_of_ours_is_proof(key, canonical, line, completeness):
    message = sign(MESSAGE.replace(b"\n", line), key, canonical=canonical, when=NOW)
    found = judged(message, look({NAME: key.record}), completeness=completeness)
    assert says(found) == VALID
    assert ("headers and body" in found.detail) == (completeness is Completeness.FULL)


def test_the_line_ends_of_the_return_do_not_matter():
    # Signed over CRLF on the wire, kept and returned with LF, and the other way round.
    for sent, back in ((b"\r\n", b"\n"), (b"\n", b"\r\n")):
        message = sign(MESSAGE.replace(b"\n", sent), KEY, canonical=b"simple/simple", when=NOW)
        assert says(judged(message.replace(b"\r\n", b"\n").replace(b"\n", back))) == VALID


def test_a_missing_final_line_end_does_not_matter():
    for line in (b"\n", b"\r\n"):
        head = SIGNED.partition(b"\n\n")[0].replace(b"\n", line)
        original = Original(Completeness.HEADERS, HeaderBlock(head), None, True, (BORDER,))
        changed = dataclasses.replace(report(), original=original)
        assert says(*dkim.gather(changed, OURS, look())) == VALID


def test_relaxed_headers_may_be_folded_anew():
    refolded = SIGNED.replace(b"<x@remote.test>,\n  <y@other.test>", b"<x@remote.test>, <y@other.test>")
    assert says(judged(refolded)) == VALID
    simple = sign(MESSAGE, KEY, canonical=b"simple/simple", when=NOW)
    refolded = simple.replace(b"<x@remote.test>,\n  <y@other.test>", b"<x@remote.test>, <y@other.test>")
    assert judged(refolded).finding == "broken"


def test_a_changed_body_is_said_and_counts_for_nothing():
    found = judged(SIGNED.replace(b"the minutes.", b"buy pills"))
    assert says(found) == VALID
    assert "body came back changed or cut off" in found.detail
    not_verbatim = judged(SIGNED.replace(b"the minutes.", b"buy pills"), verbatim=False)
    assert says(not_verbatim) == VALID
    assert "body" not in not_verbatim.detail


def test_a_body_length_is_honoured():
    message = sign(MESSAGE, KEY, length=8, when=NOW)
    for suffix in (b"", b"-- \nlist footer\n"):
        found = judged(message + suffix)
        assert says(found) == VALID
        assert "headers and body" in found.detail
    assert says(judged(sign(MESSAGE, KEY, length=0, when=NOW))) == VALID


def test_oversigned_headers_may_be_absent():
    names = (
        "from",
        "from",
        "to",
        "to",
        "subject",
        "subject",
        "date",
        "message-id",
        "cc",
        "reply-to",
        "in-reply-to",
    )
    message = sign(MESSAGE, KEY, headers=names, when=NOW)
    assert says(judged(message)) == VALID


def test_received_lines_added_on_the_way_do_not_matter():
    message = b"Return-Path: <anna@example.org>\nX-Spam: no\n" + SIGNED
    assert says(judged(message)) == VALID


def test_mail_from_a_subdomain_counts_where_it_is_listed():
    message = sign(MESSAGE, KEY, domain="news.example.org", when=NOW)
    lookups = look({"s1._domainkey.news.example.org": KEY.record})
    assert list(dkim.gather(report(message), OURS, lookups)) == []
    assert says(judged(message, lookups, Identity(domains=("example.org", ".example.org")))) == VALID


def test_the_best_of_several_signatures_counts_once():
    ed = ed25519_key()
    message = sign(sign(MESSAGE, KEY, when=NOW), ed, selector="ed", when=NOW)
    message = sign(message, rsa_key(1024, 7), selector="s1", when=NOW)  # made with another key
    message = sign(message, KEY, domain="list.test", when=NOW)
    found = list(
        dkim.gather(report(message), OURS, look({NAME: KEY.record, "ed._domainkey.example.org": ed.record}))
    )
    assert [e.finding for e in found] == ["valid", "broken"]
    assert says(found[0]) == VALID


def test_others_signatures_are_not_even_looked_up():
    message = sign(MESSAGE, KEY, domain="other.test", when=NOW)
    lookups = look()
    assert list(dkim.gather(report(message), OURS, lookups)) == []
    assert lookups.resolver.asked == []


# -- what returning servers do ---------------------------------------------


def test_couriers_rewriting_is_undone():
    back = SIGNED.replace(b"<x@remote.test>,\n  <y@other.test>", b"x@remote.test,\n  y@other.test")
    found = judged(back)
    assert says(found) == VALID
    assert "without brackets" in found.detail


@pytest.mark.parametrize("tag", [b"[SPAM] ", b"***SPAM*** ", b"{Spam?} ", b"[EXTERNAL]"])
def test_a_tagged_subject_is_undone(tag):
    found = judged(SIGNED.replace(b"Subject: ", b"Subject: " + tag))
    assert says(found) == VALID
    assert "a tag in Subject" in found.detail


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"Date: Sun, 01 Mar 2026 11:58:00 +0000\n", b"", "a signed header is missing: date"),
        (b"Message-ID: <1@example.org>\n", b"", "a signed header is missing: message-id"),
        (b"Subject: The\tminutes", b"Subject: Other minutes", "something signed was changed"),
        (b"From: Anna", b"From: Mallory <m@evil.test>\nFrom: Anna", "a second From"),
    ],
)
def test_a_broken_signature_proves_nothing_and_says_why(old, new, why):
    assert old in SIGNED
    found = judged(SIGNED.replace(old, new))
    assert says(found) == ("broken", NEITHER, WEAK)
    assert why in found.detail


def test_copied_headers_tell_what_was_changed():
    copied = b" z=From:Anna=20<anna@example.org>|Subject:The=20minutes;"
    message = sign(MESSAGE.replace(b"The\tminutes  of\n Monday", b"The minutes"), KEY, extra=copied, when=NOW)
    assert says(judged(message)) == VALID
    found = judged(message.replace(b"Subject: The minutes", b"Subject: Re: The minutes"))
    assert found.finding == "broken"
    assert "changed since it was signed: subject" in found.detail


def test_cut_headers_are_named_as_such():
    cut = SIGNED.partition(b"Message-ID")[0] + b"\n"
    found = judged(cut, completeness=Completeness.PARTIAL)
    assert says(found) == ("broken", NEITHER, WEAK)
    assert "cut off" in found.detail


# -- what a forger does ----------------------------------------------------


def test_headers_replayed_to_somebody_else_are_no_proof():
    found = judged(SIGNED, failed="victim@elsewhere.test")
    assert says(found) == ("valid-replayed", PointsTo.GENUINE, STRONG)
    assert "signed for x@remote.test, y@other.test, and victim@elsewhere.test failed" in found.detail


@pytest.mark.parametrize(
    "failed", ["X@Remote.test", "x+tag@remote.test", "x@mbox7.remote.test", ("a@b.test", "y@other.test"), ()]
)
def test_the_same_mailbox_under_another_spelling_is_no_replay(failed):
    assert says(judged(SIGNED, failed=failed)) == VALID


def test_headers_replayed_long_after_are_no_proof():
    for arrival in (NOW + 15 * DAY, NOW - 3 * DAY):
        assert says(judged(SIGNED, arrival=arrival)) == ("valid-replayed", PointsTo.GENUINE, STRONG)
    for arrival in (NOW + 6 * DAY, NOW - DAY, None):
        assert says(judged(SIGNED, arrival=arrival)) == VALID


def test_headers_that_fit_any_recipient_are_no_proof():
    unbound = sign(MESSAGE, KEY, headers=("from", "subject", "date"), when=NOW)
    assert says(judged(unbound)) == ("valid-unbound", PointsTo.GENUINE, STRONG)
    unbound = sign(MESSAGE, KEY, headers=("from", "to", "date"), when=NOW)
    assert says(judged(unbound)) == ("valid-unbound", PointsTo.GENUINE, STRONG)


@pytest.mark.parametrize("name", [b"To", b"Subject", b"Date"])
def test_a_second_field_on_top_of_the_signed_one_counts_little(name):
    value = {
        b"To": b"victim@elsewhere.test",
        b"Subject": b"Buy pills",
        b"Date": b"Mon, 02 Mar 2026 00:00:00 +0000",
    }
    found = judged(name + b": " + value[name] + b"\n" + SIGNED)
    assert says(found) == ("valid-doubled", PointsTo.GENUINE, WEAK)
    assert f"a second {name.decode()}" in found.detail
    same = next(f.raw for f in HeaderBlock(MESSAGE).fields if f.name == name.decode())
    assert says(judged(same + SIGNED)) == VALID


def test_oversigning_breaks_on_a_second_field():
    message = sign(MESSAGE, KEY, headers=("from", "to", "to", "subject", "date"), when=NOW)
    assert judged(b"To: victim@elsewhere.test\n" + message).finding == "broken"


def test_a_signature_that_leaves_from_out_is_none():
    message = sign(MESSAGE, KEY, headers=("to", "subject"), when=NOW)
    found = judged(message)
    assert says(found) == ("malformed", NEITHER, WEAK)
    assert "does not sign From" in found.detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"v=1", b"v=2"),
        (b"a=rsa-sha256", b"a=rsa-md5"),
        (b"b=", b"b=!"),
        (b"bh=", b"bh=*"),
        (b"s=s1", b"s=../etc"),
        (b"h=from:", b"h=from:fr om\x00:"),
        (b"v=1;", b"v=1; v=1;"),
        (b"v=1;", b"v=1; junk;"),
        (b"v=1;", b"v=1;" + b"\t" * 200),
        (b"v=1;", b"v=1; q=dns/other;"),
    ],
)
def test_malformed_signatures_are_none(old, new):
    found = judged(SIGNED.replace(old, new, 1))
    assert says(found) == ("malformed", NEITHER, WEAK)


def test_ten_thousand_signatures_cost_nothing():
    lookups = look({})
    field = SIGNED.partition(b"Received")[0]
    many = b"".join(field.replace(b"s=s1", b"s=n%d" % n) for n in range(10_000)) + MESSAGE
    original = report(many)
    assert len(original.original.headers) > 10_000
    started = time.process_time()
    found = list(dkim.gather(original, OURS, lookups))
    assert time.process_time() - started < 1
    assert len(lookups.resolver.asked) == 10
    assert [e.finding for e in found] == ["no-key"] * 3
    others = b"".join(field.replace(b"d=example.org", b"d=n%d.test" % n) for n in range(10_000)) + MESSAGE
    # What lies beyond the first hundred is unknown, so nothing is called absent.
    assert list(dkim.gather(report(others), dataclasses.replace(OURS, signs_all=True), lookups)) == []


@pytest.mark.parametrize(
    "bait",
    [
        SIGNED.replace(b"h=from", b"h=" + b":".join(b"n%d" % n for n in range(140)) + b":from") + b"\n",
        SIGNED.replace(b"b=", b"b=" + b"A" * 8000),
        SIGNED.replace(b"b=", b"b=" + b"\n " * 90),
        SIGNED.replace(b"Subject: The", b"Subject: " + b" " * 200_000),
        SIGNED.replace(b"From:", b"X: y\n" * 50_000 + b"From:"),
        SIGNED.replace(b"Dear X", b" " * 1_000_000 + b"x"),
        SIGNED.replace(b"To: ", b"To: " + b"a@b.test," * 20_000),
    ],
    ids=["h=", "b=", "folded b=", "subject", "headers", "body", "to"],
)
def test_bait_is_bounded_in_time(bait):
    started = time.process_time()
    list(dkim.gather(report(bait), OURS, look()))
    assert time.process_time() - started < 1


def test_a_key_out_of_reason_is_not_computed_with():
    import base64

    from classifier.corpus.keys import der, integer

    huge = (1 << 60_000) | 1
    for n, e in ((huge, 65_537), (huge >> 58_000, huge >> 50_000), (huge >> 58_000, 1), (0, 3)):
        public = der(0x30, integer(n)[:60_000] + integer(e)[:60_000])
        record = "v=DKIM1; p=" + base64.b64encode(public).decode()
        started = time.process_time()
        assert judged(SIGNED, look({NAME: record})).points_to is NEITHER
        assert time.process_time() - started < 0.5


# -- keys ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(512, ("valid-weak-key", PointsTo.GENUINE, WEAK)), (768, ("valid-weak-key", PointsTo.GENUINE, STRONG))],
)
def test_short_keys_are_no_proof(bits, expected):
    key = rsa_key(bits)
    assert says(judged(sign(MESSAGE, key, when=NOW), look({NAME: key.record}))) == expected


def test_sha1_is_no_proof():
    message = sign(MESSAGE, KEY, algorithm=b"rsa-sha1", when=NOW)
    assert says(judged(message)) == ("valid-sha1", PointsTo.GENUINE, STRONG)


def test_identity_outside_the_domain_is_no_proof():
    for record in (KEY.record, KEY.record + "; t=s"):
        inside = sign(MESSAGE, KEY, extra=b" i=@mail.example.org;", when=NOW)
        outside = sign(MESSAGE, KEY, extra=b" i=@other.test;", when=NOW)
        assert says(judged(outside, look({NAME: record}))) == ("valid-odd", PointsTo.GENUINE, STRONG)
        assert judged(inside, look({NAME: record})).finding == ("valid-odd" if "t=s" in record else "valid")


def test_test_mode_and_expiry_are_said_and_do_not_matter():
    message = sign(MESSAGE, KEY, extra=b" x=%d;" % (NOW.timestamp() - 60), when=NOW - DAY)
    found = judged(message, look({NAME: KEY.record + "; t=y"}))
    assert says(found) == VALID
    assert "expired" in found.detail
    assert "test" in found.detail


@pytest.mark.parametrize(
    "record",
    [
        KEY.record + "; s=tlsrpt",
        KEY.record + "; h=sha1",
        KEY.record.replace("k=rsa", "k=ed25519"),
        KEY.record.replace("k=rsa", "k=unknown"),
        "v=DKIM1; p=AAAA",
        "v=DKIM1; p=%%%%",
        "v=DKIM1; k=ed25519; p=" + "A" * 40,
    ],
)
def test_keys_for_something_else_do_not_verify(record):
    assert says(judged(SIGNED, look({NAME: record}))) == ("key-unusable", NEITHER, WEAK)


@pytest.mark.parametrize(
    "record",
    [
        KEY.record + "; s=email",
        KEY.record + "; s=email:other",
        KEY.record + "; h=sha256",
        KEY.record + "; n=note; g=*",
    ],
)
def test_keys_that_are_for_this_do(record):
    assert says(judged(SIGNED, look({NAME: record}))) == VALID


@pytest.mark.parametrize(
    "records", [(), ("v=spf1 -all",), ("v=DKIM2; p=abc",), ("nonsense",), ("v=DKIM1; p=",)]
)
def test_no_key_is_no_sign(records):
    assert says(judged(SIGNED, look({NAME: records}))) == ("no-key", NEITHER, WEAK)


def test_several_records_are_tried():
    assert says(judged(SIGNED, look({NAME: ("junk", rsa_key(1024, 3).record, KEY.record)}))) == VALID


# -- rotation: what DNS said before ----------------------------------------


@pytest.fixture
def memory(tmp_path):
    with Database.open(tmp_path / "s.sqlite3") as database:
        yield SqliteRecordMemory(database)


OLD_KEY = ("valid-old-key", PointsTo.GENUINE, STRONG)
REVOKED = "v=DKIM1; p="


@pytest.mark.parametrize(
    ("days", "dns", "expected"),
    [
        (29, (), VALID),
        (31, (), OLD_KEY),
        (29, None, VALID),
        (31, None, OLD_KEY),
        (29, REVOKED, OLD_KEY),
        (29, rsa_key(1024, 5).record, VALID),
        (31, rsa_key(1024, 5).record, OLD_KEY),
    ],
)
def test_a_remembered_key_verifies_after_rotation(memory, days, dns, expected):
    judged(SIGNED, look(records=memory))  # this is how keys are remembered
    later = look({NAME: dns}, memory, NOW + days * DAY)
    assert says(judged(SIGNED, later)) == expected


def test_a_key_seen_gone_is_told_from_one_not_looked_at(memory):
    memory.remember(NAME, "dkim", KEY.record, NOW)
    assert says(judged(SIGNED, look({NAME: ()}, memory, NOW + DAY))) == VALID
    assert [k.record for k in memory.remembered(NAME, "dkim")] == [KEY.record, ""]
    # It is back: the gap is forgotten, and it is current.
    assert says(judged(SIGNED, look(None, memory, NOW + 100 * DAY))) == VALID
    assert [k.record for k in memory.remembered(NAME, "dkim")] == [KEY.record]


def test_invented_selectors_are_not_remembered(memory):
    message = SIGNED.replace(b"s=s1", b"s=made-up")
    judged(message, look({}, memory))
    assert memory.remembered("made-up._domainkey.example.org", "dkim") == ()


@pytest.mark.parametrize(
    ("dns", "expected"),
    [(None, VALID), ((), VALID), (KEY.record, VALID), (rsa_key(1024, 5).record, VALID), (REVOKED, OLD_KEY)],
)
def test_a_configured_key_stands_in(dns, expected):
    identity = dataclasses.replace(OURS, dkim_keys={NAME: KEY.record})
    assert says(judged(SIGNED, look({NAME: dns}), identity)) == expected


def test_a_configured_key_known_to_be_long_gone_is_no_proof(memory):
    identity = dataclasses.replace(OURS, dkim_keys={NAME: KEY.record})
    memory.remember(NAME, "dkim", KEY.record, NOW - 40 * DAY)
    assert says(judged(SIGNED, look({NAME: ()}, memory), identity)) == OLD_KEY


def test_without_dns_a_configured_key_verifies():
    identity = dataclasses.replace(OURS, dkim_keys={NAME: KEY.record})
    assert says(judged(SIGNED, Lookups(NOW), identity)) == VALID
    found = judged(SIGNED, Lookups(NOW))
    assert says(found) == ("unverified", NEITHER, WEAK)


# -- absent ----------------------------------------------------------------

SIGNS_ALL = Identity(domains=("example.org",), signs_all=True, relays=("mail.example.org",))
STRANGER = TraceHop("", "pc", "dsl-9.isp.test", "198.51.100.9", "mx.remote.test", "ESMTP")
LIST = MESSAGE.replace(b"Subject", b"List-Id: <l.list.test>\nSubject")


def test_an_absent_signature_counts_only_where_all_is_signed():
    assert list(dkim.gather(report(MESSAGE, trace=(STRANGER,)), OURS, look())) == []
    found = judged(MESSAGE, identity=SIGNS_ALL, trace=(STRANGER,))
    assert says(found) == ("absent", PointsTo.FORGED, STRONG)
    assert "mx.remote.test took in from 198.51.100.9" in found.detail


@pytest.mark.parametrize(
    ("message", "settings", "expected"),
    [
        (MESSAGE, {"trace": (BORDER,)}, "absent-unplaced"),
        (MESSAGE, {"trace": ()}, "absent-unplaced"),
        (MESSAGE, {"completeness": Completeness.PARTIAL}, None),
        (MESSAGE, {"completeness": Completeness.NONE}, None),
        (MESSAGE.replace(b"Date", b"X-Date"), {}, None),
        (MESSAGE.partition(b"\n")[2], {}, None),
        (MESSAGE, {"reporter": "mail.example.org"}, None),
        (MESSAGE, {"reporter": "web7.example.org"}, None),
    ],
    ids=[
        "our host connected",
        "no hop of the reporter",
        "cut",
        "nothing",
        "no Date",
        "no Received",
        "our relay",
        "our host",
    ],
)
def test_an_absent_signature_is_no_sign_where_it_may_have_been_lost_or_not_yet_made(
    message, settings, expected
):
    settings = {"trace": (STRANGER,), **settings}
    found = list(dkim.gather(report(message, **settings), SIGNS_ALL, look()))
    assert [e.finding for e in found] == ([expected] if expected else [])
    assert all(e.points_to is NEITHER for e in found)


@pytest.mark.parametrize(("message", "verbatim"), [(LIST, True), (MESSAGE, False)])
def test_an_absent_signature_is_weak_where_somebody_handled_the_headers(message, verbatim):
    found = judged(message, identity=SIGNS_ALL, trace=(STRANGER,), verbatim=verbatim)
    assert says(found) == ("absent", PointsTo.FORGED, WEAK)


@pytest.mark.parametrize(
    ("completeness", "more", "strength"),
    [
        (Completeness.HEADERS, b"", WEAK),
        (Completeness.HEADERS, b"X-Mailer: Some 1.0\n", STRONG),
        (Completeness.FULL, b"", STRONG),
    ],
    ids=["a choice of fields, perhaps", "another field came back", "the message came back"],
)
def test_an_absent_signature_is_weak_where_standard_fields_alone_came_back(completeness, more, strength):
    settings = {"trace": (STRANGER,), "completeness": completeness}
    found = list(dkim.gather(report(more + MESSAGE, **settings), SIGNS_ALL, look()))
    assert [says(e) for e in found] == [("absent", PointsTo.FORGED, strength)]


def signature(name=b"DKIM-Signature", domain=b"example.org"):
    return name + b": v=1; a=rsa-sha256; d=" + domain + b"; s=s1; h=from; bh=YQ==; b=YQ==\n"


@pytest.mark.parametrize(
    "left",
    [
        signature(domain=b"mail.example.org"),
        signature(b"X-Original-DKIM-Signature"),
        signature(b"X-Mailman-Original-DKIM-Signature"),
        b"DKIM-Signature: v=1; a=rsa-sh\n",
        b"DKIM-Signature:\n",
        signature().replace(b"=", b"?"),
    ],
    ids=["a name below ours", "renamed", "renamed by Mailman", "cut", "emptied", "damaged"],
)
def test_what_may_be_left_of_a_signature_of_ours_is_not_absent(left):
    found = judged(left + MESSAGE, identity=SIGNS_ALL, trace=(STRANGER,))
    assert says(found) == ("absent-damaged", NEITHER, WEAK)


@pytest.mark.parametrize(
    "field", [signature(domain=b"spam.test"), signature(b"X-Google-DKIM-Signature", b"1e100.net")]
)
def test_somebody_elses_signature_is_nothing_of_ours(field):
    found = judged(field + MESSAGE, identity=SIGNS_ALL, trace=(STRANGER,))
    assert says(found) == ("absent", PointsTo.FORGED, STRONG)


def test_an_absent_signature_is_weak_where_the_trace_leads_back_to_us_past_another_host():
    """Forwarders that make mail anew leave signatures out; anyone can type such a trace, but from a home line."""
    forwarder = TraceHop("", "fwd.test", "fwd.test", "203.0.113.80", "mx.remote.test", "ESMTP")
    behind = TraceHop("", "mail.example.org", "mail.example.org", "192.0.2.1", "in.fwd.test", "ESMTP")
    typed = dataclasses.replace(behind, by="gw.isp.test")
    known = dataclasses.replace(behind, protocol="ESMTPSA")
    for trace, strength in (
        ((forwarder, behind), WEAK), ((forwarder, known), WEAK), ((STRANGER, typed), STRONG), ((forwarder,), STRONG)
    ):  # fmt: skip
        found = judged(MESSAGE, identity=SIGNS_ALL, trace=trace)
        assert says(found) == ("absent", PointsTo.FORGED, strength)


AT_PROVIDER = TraceHop("", "laptop", "dsl-7.isp.test", "198.51.100.7", "mx.remote.test", "ESMTPSA")
FIREWALL = TraceHop("", "fw", None, "203.0.113.6", "mx.remote.test", "ESMTP")
#: As Exchange Online writes who handed in what it is to sign and to pass on.
HANDED_IN = read_hop(
    "from ex1.example.org (198.51.100.77) by mx.remote.test (10.0.0.1) with Microsoft SMTP Server"
)
FILTER = TraceHop("", "mx1.filter.test", "mx1.filter.test", "203.0.113.90", "mx.remote.test", "ESMTP")
BEHIND_IT = TraceHop("", "vps1.hoster.test", "vps1.hoster.test", "192.0.2.9", "mx1.filter.test", "ESMTP")
ACCOUNT = TraceHop("", "pc", "dsl-9.isp.test", "198.51.100.9", "mx1.filter.test", "ESMTPSA")
UNPLACED, WEAKLY = ("absent-unplaced", NEITHER, WEAK), ("absent", PointsTo.FORGED, WEAK)
STRONGLY = ("absent", PointsTo.FORGED, STRONG)


@pytest.mark.parametrize(
    ("trace", "remote", "expected"),
    [
        ((AT_PROVIDER,), None, UNPLACED),
        ((FIREWALL,), None, UNPLACED),
        ((HANDED_IN,), "mx.third.test", WEAKLY),
        ((HANDED_IN,), None, STRONGLY),
        ((FILTER, BEHIND_IT), None, WEAKLY),
        ((FILTER, ACCOUNT), None, STRONGLY),
    ],
    ids=[
        "a customer",
        "a firewall",
        "to be signed and passed on",
        "a greeting",
        "a filter",
        "somebody else's customer",
    ],
)
def test_an_absent_signature_where_it_may_not_be_there_yet_or_was_taken_off(trace, remote, expected):
    """Of a domain whose mail is signed by whom it goes through, which no key of ours names."""
    identity = Identity(domains=("example.org",), signs_all=True)
    given = dataclasses.replace(
        report(MESSAGE, trace=trace),
        recipients=(ReportedRecipient("x@remote.test", remote_mta=remote),),
    )
    (found,) = dkim.gather(given, identity, look())
    assert says(found) == expected


def test_an_absent_signature_in_a_report_that_did_not_come_from_outside():
    """A hoster's server that nobody named as ours reports before it signs, to the one beside it or to itself."""
    beside = TraceHop("", "out.hoster.test", "out.hoster.test", "192.0.2.9", "mx.hoster.test", "ESMTP")
    for trace in ((beside,), ()):
        given = dataclasses.replace(report(MESSAGE, trace=(STRANGER,)), trace=trace)
        (found,) = dkim.gather(given, SIGNS_ALL, look())
        assert says(found) == UNPLACED


# -- DNS in bad health -----------------------------------------------------

FAILURES = (
    "silent", "servfail", "refused", "notimp", "garbage", "short", "wrong-id", "wrong-question", "loop",
    "referral", "truncate-then-close", "nxdomain-all", "empty-all",
)  # fmt: skip


@pytest.mark.parametrize("mode", FAILURES)
@pytest.mark.parametrize("identity", [OURS, SIGNS_ALL])
def test_no_failure_of_dns_turns_genuine_into_forged(mode, identity):
    zone = Zone()
    zone.add(NAME, "TXT", KEY.record)
    with DnsServer(zone, mode) as server:
        resolver = DnsResolver([server.address], timeout=0.15)
        found = list(dkim.gather(report(), identity, Lookups(NOW, resolver=resolver)))
        assert [e.points_to for e in found] == [NEITHER]
        server.mode = "ok"
        healthy = DnsResolver([server.address])
        found = list(dkim.gather(report(), identity, Lookups(NOW, resolver=healthy)))
        assert says(found[0]) == VALID

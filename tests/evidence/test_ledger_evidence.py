"""The ledger as evidence: honest and hostile reports over a real store."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from classifier.evidence.base import Lookups
from classifier.evidence.ledger import gather
from classifier.identity import Identity
from classifier.ingest.entries import LedgerRecord
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope, Original, Report, ReportedRecipient, TraceHop
from classifier.parse.trace import read_hop
from classifier.store import ledger_reach
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger
from classifier.vocabulary import Completeness, PointsTo, ReportKind, Strength

SENT = datetime(2026, 3, 1, 10, tzinfo=UTC)
SYNCED = datetime(2026, 4, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)
OURS = Identity(domains=("example.org",), relays=("mail.example.org",))
COMPLETE = Identity(
    domains=("example.org",),
    relays=("mail.example.org",),
    ledger_complete_since=datetime(2026, 1, 1, tzinfo=UTC),
)
GENUINE, FORGED, NEITHER = PointsTo.GENUINE, PointsTo.FORGED, PointsTo.NEITHER
PROOF, STRONG, WEAK = Strength.PROOF, Strength.STRONG, Strength.WEAK


@pytest.fixture
def ledger(tmp_path):
    with Database.open(tmp_path / "state.sqlite3") as database:
        ledger = SqliteLedger(database)
        ledger.add_many(
            [
                LedgerRecord(("<1@example.org>",), ("ENV-1", "4bQueue1xyz"), ("x@remote.test",), SENT, "log"),
                LedgerRecord(("<2@example.org>",), (), (), SENT, "import"),
                LedgerRecord(("<post@example.org>",), (), ("list@lists.test",), SENT, "sync"),
                LedgerRecord(("<in@spam.test>",), ("4bTransit99",), (), SENT, "transit"),
                LedgerRecord(("<kept@example.org>",), (), ("x@remote.test",), SENT, "sync"),
            ]
        )
        ledger.mark_synced(SYNCED)
        yield ledger


def report(
    headers=b"",
    *,
    kind=ReportKind.DSN,
    own=b"",
    final=(),
    original=None,
    arrival=SENT,
    trace=(),
    received_at=None,
    **more,
):
    recipients = tuple(ReportedRecipient(final_recipient=f, original_recipient=original) for f in final)
    completeness = Completeness.HEADERS if headers else Completeness.NONE
    return Report(
        kind,
        "rfc3464",
        HeaderBlock(own),
        Envelope(received_at=received_at),
        arrival_date=arrival,
        recipients=recipients,
        original=Original(completeness, HeaderBlock(headers), trace=trace),
        **more,
    )


def ask(ledger, made, identity=OURS, now=NOW):
    return list(gather(made, identity, Lookups(now, ledger)))


def only(ledger, made, identity=OURS, now=NOW):
    (found,) = ask(ledger, made, identity, now)
    return found.finding, found.points_to, found.strength


def head(message_id="<1@example.org>", sender="anna@example.org", to="x@remote.test", more=""):
    return f"From: {sender}\nTo: {to}\nMessage-ID: {message_id}\n{more}".encode()


# Hits


def test_id_and_failed_recipient_known_is_proof(ledger):
    assert only(ledger, report(head(), final=["x@remote.test"])) == ("hit", GENUINE, PROOF)


def test_recipient_matches_in_any_case_and_message_id_without_brackets(ledger):
    made = report(head(message_id="1@EXAMPLE.org"), final=["X@Remote.Test"])
    assert only(ledger, made) == ("hit", GENUINE, PROOF)


def test_forwarder_rewrote_the_address_but_kept_the_original_recipient(ledger):
    made = report(head(), final=["y@provider.test"], original="x@remote.test")
    assert only(ledger, made) == ("hit", GENUINE, PROOF)


def test_failed_recipient_named_in_the_header_field(ledger):
    made = report(head(), kind=ReportKind.BOUNCE, own=b"X-Failed-Recipients: a@b.test,\n x@remote.test\n")
    assert only(ledger, made) == ("hit", GENUINE, PROOF)


def test_forwarded_to_an_address_we_never_wrote_to_stays_genuine(ledger):
    found = only(ledger, report(head(), final=["y@provider.test"]))
    assert found == ("hit-other-recipient", GENUINE, STRONG)


def test_id_copied_from_a_list_archive_is_no_proof_although_to_names_the_list(ledger):
    # The spammer copies Message-ID and To of a public post and mails a victim.
    made = report(head("<post@example.org>", to="list@lists.test"), final=["victim@elsewhere.test"])
    assert only(ledger, made) == ("hit-other-recipient", GENUINE, STRONG)


def test_id_copied_from_a_list_archive_is_no_proof_where_no_recipient_is_named(ledger):
    made = report(head("<post@example.org>", to="list@lists.test"))
    assert only(ledger, made) == ("hit-header-recipient", GENUINE, STRONG)


def test_no_recipient_anywhere(ledger):
    assert only(ledger, report(b"Message-ID: <1@example.org>\n")) == (
        "hit-unnamed-recipient",
        GENUINE,
        STRONG,
    )


def test_recipients_of_the_sent_message_unknown(ledger):
    found = only(ledger, report(head("<2@example.org>"), final=["x@remote.test"]))
    assert found == ("hit-no-recipients", GENUINE, STRONG)


def test_id_dug_out_of_an_old_mailbox_is_no_proof(ledger):
    late = SENT + timedelta(days=40)
    made = report(head(), final=["x@remote.test"], received_at=late, arrival=SENT)
    assert only(ledger, made, now=late) == ("hit-stale", GENUINE, STRONG)


def test_a_bounce_after_a_week_is_proof(ledger):
    late = SENT + timedelta(days=7)
    made = report(head(), final=["x@remote.test"], received_at=late)
    assert only(ledger, made, now=late) == ("hit", GENUINE, PROOF)


def test_message_id_that_a_relay_replaced_and_kept(ledger):
    more = "X-Google-Original-Message-ID: <kept@example.org>\n"
    made = report(head("<new@mail.gmail.com>", more=more), final=["x@remote.test"])
    assert only(ledger, made, COMPLETE) == ("hit", GENUINE, PROOF)


def test_a_second_message_id_field_does_not_hide_the_first(ledger):
    made = report(head("<random@example.org>", more="Message-ID: <1@example.org>\n"), final=["q@remote.test"])
    assert only(ledger, made, COMPLETE) == ("hit-other-recipient", GENUINE, STRONG)


def test_a_known_id_of_mail_that_only_passed_through_our_server_tells_nothing(ledger):
    made = report(head("<in@spam.test>"), final=["x@remote.test"])
    assert only(ledger, made, COMPLETE) == ("hit-transit", NEITHER, WEAK)


def test_our_forwarding_hop_on_a_forged_message_tells_nothing(ledger):
    hop = TraceHop("", by="mx.example.org", queue_id="4bTransit99")
    made = report(b"From: anna@example.org\n", final=["x@remote.test"], trace=(hop,))
    assert only(ledger, made)[:2] == ("queue-hit-transit", NEITHER)


# Envelope and queue ids


def test_envelope_id(ledger):
    made = report(final=["x@remote.test"], envelope_id="ENV-1")
    assert only(ledger, made) == ("envelope-hit", GENUINE, PROOF)
    made = report(final=["z@remote.test"], envelope_id="ENV-1")
    assert only(ledger, made) == ("envelope-hit-other-recipient", GENUINE, STRONG)


def test_queue_id_of_our_relay(ledger):
    hop = TraceHop("", by="mail.example.org", queue_id="4bQueue1xyz")
    made = report(b"From: anna@example.org\n", final=["x@remote.test"], trace=(hop,))
    assert only(ledger, made) == ("queue-hit", GENUINE, PROOF)


def test_queue_id_of_a_foreign_host_is_left_alone(ledger):
    hop = TraceHop("", by="mail.elsewhere.test", queue_id="4bQueue1xyz")
    made = report(b"From: anna@example.org\n", final=["stranger@remote.test"], trace=(hop,))
    assert ask(ledger, made) == []


def test_queue_id_in_a_report_by_our_own_relay(ledger):
    made = report(
        final=["x@remote.test"],
        reporting_mta="mail.example.org",
        fields=(("X-Postfix-Queue-ID", "4bQueue1xyz"),),
    )
    assert only(ledger, made) == ("queue-hit", GENUINE, PROOF)


# Nothing returned: In-Reply-To and References


def auto_reply(own, sender="x@remote.test"):
    return report(own=f"From: {sender}\n{own}".encode(), kind=ReportKind.AUTO_REPLY, arrival=None)


def test_vacation_note_from_the_one_we_wrote_to(ledger):
    assert only(ledger, auto_reply("In-Reply-To: <1@example.org>\n")) == ("reply-hit", GENUINE, PROOF)
    made = auto_reply("References: <0@example.org> <1@example.org>\n")
    assert only(ledger, made) == ("reply-hit", GENUINE, PROOF)


def test_vacation_note_from_another_address_of_theirs(ledger):
    made = auto_reply("In-Reply-To: <1@example.org>\n", "real.name@remote.test")
    assert only(ledger, made) == ("reply-hit-other-recipient", GENUINE, STRONG)


def test_reply_chain_attack_inherits_the_thread_only(ledger):
    # The forged message was made to continue a stolen thread; the responder
    # answers it and copies its References, our genuine id among them.
    made = auto_reply("In-Reply-To: <forged@example.org>\nReferences: <1@example.org> <forged@example.org>\n")
    assert only(ledger, made) == ("thread-hit", GENUINE, WEAK)
    made = auto_reply("References: <1@example.org> <forged@example.org>\n")
    assert only(ledger, made) == ("thread-hit", GENUINE, WEAK)


def test_references_are_not_asked_where_the_original_came_back(ledger):
    made = report(
        head("<forged@example.org>"),
        own=b"References: <1@example.org>\n",
        final=["v@remote.test"],
    )
    assert only(ledger, made, COMPLETE) == ("miss", FORGED, STRONG)


def test_a_reply_to_an_unknown_message_is_no_sign_of_forgery(ledger):
    assert ask(ledger, auto_reply("In-Reply-To: <who@knows.test>\n", "v@remote.test"), COMPLETE) == []


def receipt(own=b"", **fields):
    read = ReportedRecipient(
        "x@remote.test", fields=tuple((n.replace("_", "-"), v) for n, v in fields.items())
    )
    made = report(own=b"From: x@remote.test\n" + own, kind=ReportKind.MDN, arrival=None)
    return dataclasses.replace(made, recipients=(read,))


def test_a_receipt_that_names_our_message_in_its_own_field_alone(ledger):
    assert only(ledger, receipt(Original_Message_ID="<1@example.org>")) == ("reply-hit", GENUINE, PROOF)


def test_certified_mail_names_our_message_in_a_field_of_its_own(ledger):
    made = auto_reply("X-Riferimento-Message-ID: <1@example.org>\n")
    assert only(ledger, made) == ("reply-hit", GENUINE, PROOF)


CAME = SENT + timedelta(days=2)
STRANGER = "v@remote.test"
REPLY_MISS = ("reply-miss-stranger", FORGED, STRONG)


def answered(message_id, sender=STRANGER, came=CAME, kind=ReportKind.AUTO_REPLY, own=""):
    return dataclasses.replace(
        auto_reply(f"In-Reply-To: {message_id}\nTo: anna@example.org\n{own}", sender),
        kind=kind,
        envelope=Envelope(received_at=came),
    )


@pytest.mark.parametrize("kind", [ReportKind.AUTO_REPLY, ReportKind.CHALLENGE, ReportKind.VIRUS_WARNING])
def test_an_answer_to_a_message_id_of_ours_that_we_never_gave(ledger, kind):
    assert only(ledger, answered("<forged@example.org>", kind=kind), COMPLETE) == REPLY_MISS
    # Somebody whom we do write to may answer what a relay gave a new identifier: less than forged by itself.
    made = answered("<forged@example.org>", "x@remote.test", kind=kind)
    assert only(ledger, made, COMPLETE) == ("reply-miss", FORGED, STRONG)


def test_when_an_answer_came_is_read_off_our_own_line_too(ledger):
    made = answered("<forged@example.org>", came=None)
    assert ask(ledger, made, COMPLETE) == []
    made = dataclasses.replace(made, trace=(TraceHop("", by="mx.example.org", dated=CAME),))
    assert only(ledger, made, COMPLETE) == REPLY_MISS


@pytest.mark.parametrize(
    "made",
    [
        answered("<forged@example.org>", kind=ReportKind.MDN),
        answered("<forged@example.org>", came=datetime(2026, 1, 20, tzinfo=UTC)),
        answered("<forged@example.org>", came=SYNCED - timedelta(minutes=30)),
    ],
    ids=["a receipt, which comes when somebody reads", "soon after the ledger began", "after the last sync"],
)
def test_an_answer_to_what_the_ledger_need_not_hold(ledger, made):
    assert ask(ledger, made, COMPLETE) == []


@pytest.mark.parametrize(
    "made",
    [
        answered("<0102-abc@eu-west-1.amazonses.com>"),
        answered("<4bQ@mail.example.org>"),
        answered("<ticket.17@remote.test>"),
        answered("<forged@example.org> <ticket.17@remote.test>"),
        answered("<form@example.org>", "dan@example.org"),
        answered("<form@example.org>", own="Delivered-To: SRS0=HH=TT=third.test=carl@example.org\n"),
        answered("unknown"),
    ],
    ids=["a provider's", "a relay's", "its own", "its own, too", "by one of us", "to a forward", "none"],
)
def test_an_answer_that_names_no_message_id_of_ours_shows_no_more_than_its_author(ledger, made):
    assert only(ledger, made, COMPLETE) == ("stranger", FORGED, WEAK)


def test_nothing_is_said_of_answers_where_the_ledger_may_have_holes(ledger):
    assert ask(ledger, answered("<forged@example.org>"), OURS) == []


# Misses


def missed(**more):
    return report(head("<forged@example.org>"), final=["v@remote.test"], **more)


def test_a_miss_counts_in_a_complete_ledger(ledger):
    assert only(ledger, missed(), COMPLETE) == ("miss", FORGED, STRONG)


@pytest.mark.parametrize(
    ("writer", "failed", "expected"),
    [
        ("mail.example.org", "nobody@example.org", ("miss-taken-in", FORGED, WEAK)),
        ("mail.example.org", "v@remote.test", ("miss", FORGED, STRONG)),
        ("mx.remote.test", "nobody@example.org", ("miss", FORGED, STRONG)),
    ],
    ids=["for one of us", "for somebody else", "by another server"],
)
def test_what_our_own_host_took_in_from_outside_may_be_a_form_of_ours(ledger, writer, failed, expected):
    hop = TraceHop(
        f"from www.hoster.test (www.hoster.test [203.0.113.9]) by {writer} with ESMTP",
        "www.hoster.test", "www.hoster.test", "203.0.113.9", writer, "ESMTP", None, None, SENT,
    )  # fmt: skip
    made = dataclasses.replace(
        missed(trace=(hop,)), reporting_mta=writer, recipients=(ReportedRecipient(failed),)
    )
    assert only(ledger, made, COMPLETE) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"Auto-Submitted: auto-replied (vacation)\n", ("miss-automatic", FORGED, WEAK)),
        (b"X-Autoreply: yes\n", ("miss-automatic", FORGED, WEAK)),
        (b"Auto-Submitted: no\n", ("miss", FORGED, STRONG)),
        (b"Auto-Submitted: auto-generated\n", ("miss", FORGED, STRONG)),
    ],
)
def test_a_vacation_note_of_ours_is_in_no_sent_folder(ledger, line, expected):
    made = report(line + head("<away@example.org>"), final=["v@remote.test"])
    assert only(ledger, made, COMPLETE) == expected


def test_a_miss_tells_nothing_in_a_ledger_with_holes(ledger):
    assert only(ledger, missed(), OURS) == ("miss-uncounted", NEITHER, WEAK)


@pytest.mark.parametrize(
    ("arrival", "finding"),
    [
        (datetime(2025, 12, 31, 23, 59, tzinfo=UTC), "miss-uncounted"),
        (datetime(2026, 1, 7, 23, 59, tzinfo=UTC), "miss-uncounted"),
        (datetime(2026, 1, 8, tzinfo=UTC), "miss"),
        (SYNCED - timedelta(minutes=61), "miss"),
        (SYNCED - timedelta(minutes=59), "miss-uncounted"),
        (SYNCED + timedelta(days=1), "miss-uncounted"),
        (datetime(9999, 12, 31, tzinfo=UTC), "miss-uncounted"),
        (datetime(1, 1, 1, tzinfo=UTC), "miss-uncounted"),
        (None, "miss-uncounted"),
    ],
)
def test_a_miss_counts_only_while_the_ledger_is_complete(ledger, arrival, finding):
    assert only(ledger, missed(arrival=arrival), COMPLETE)[0] == finding


def test_the_newest_hop_stands_in_for_the_arrival(ledger):
    hop = TraceHop("", by="mx.remote.test", dated=SENT)
    assert only(ledger, missed(arrival=None, trace=(hop,)), COMPLETE)[0] == "miss"
    # Older hops are typed by whoever sent it.
    bare = TraceHop("", by="mx.remote.test")
    assert only(ledger, missed(arrival=None, trace=(bare, hop)), COMPLETE)[0] == "miss-uncounted"


def test_the_originals_own_date_moves_nothing(ledger):
    # A forger types an old Date so that the ledger need not hold it; an honest
    # clock is wrong: neither changes when it arrived.
    for date in ("Mon, 1 Jan 2001 00:00:00 +0000", "Fri, 1 Jan 2100 00:00:00 +0000"):
        headers = head("<forged@example.org>", more=f"Date: {date}\n")
        assert only(ledger, report(headers, final=["v@remote.test"]), COMPLETE)[0] == "miss"
        made = report(headers, final=["v@remote.test"], arrival=None)
        assert only(ledger, made, COMPLETE)[0] == "miss-uncounted"


@pytest.mark.parametrize(
    "date", ["Date: Wed, 31 Dec 2025 20:00:00 +0000\n", "Date: Fri, 2 Jan 2026 20:00:00 +0000\n", ""]
)
def test_sent_just_before_the_ledger_began(ledger, date):
    """It waited in a queue; and the clock of who sent it may be wrong, or his Date not have come back."""
    headers = head("<old@example.org>", more=date)
    arrival = datetime(2026, 1, 3, tzinfo=UTC)
    made = report(headers, final=["v@remote.test"], arrival=arrival)
    assert only(ledger, made, COMPLETE)[0] == "miss-uncounted"


@pytest.mark.parametrize(
    ("hours", "written", "finding"),
    [
        (0, True, "miss-uncounted"),
        (-8, True, "miss-uncounted"),
        (-26, True, "miss-uncounted"),
        (-8, False, "miss"),
    ],
)
def test_a_reporters_clock_that_is_behind(ledger, hours, written, finding):
    """Sent a moment ago, after the last sync; by the reporter's clock, hours before it. Its report's Date shows that clock."""
    came = SYNCED + timedelta(minutes=10)
    then = came + timedelta(hours=hours)
    own = f"Date: {format_datetime(then)}\n".encode() if written else b""
    made = report(head("<now@example.org>"), final=["v@remote.test"], arrival=then, received_at=came, own=own)
    assert only(ledger, made, COMPLETE)[0] == finding


@pytest.mark.parametrize(
    ("days", "finding"), [(-60, "miss-uncounted"), (-5, "miss"), (0, "miss"), (2, "miss-uncounted")]
)
def test_an_arrival_that_cannot_be_says_nothing_of_when_it_was_sent(ledger, days, finding):
    """By a reporter's clock it arrived after its own report did, or months before."""
    came = datetime(2026, 3, 20, tzinfo=UTC)
    made = missed(arrival=came + timedelta(days=days), received_at=came)
    assert only(ledger, made, COMPLETE)[0] == finding


def test_a_clock_of_no_sense_breaks_nothing(ledger):
    own = b"Date: Mon, 1 Jan 0001 00:00:00 +0000\n"
    made = report(head("<f@example.org>"), final=["v@remote.test"], received_at=SYNCED, own=own)
    assert only(ledger, made, COMPLETE)[0] in {"miss", "miss-uncounted"}


def test_a_sync_dated_into_the_future_covers_nothing_beyond_now(ledger):
    ledger.mark_synced(NOW + timedelta(days=400))
    assert only(ledger, missed(arrival=NOW - timedelta(minutes=30)), COMPLETE)[0] == "miss-uncounted"
    assert only(ledger, missed(arrival=NOW - timedelta(minutes=90)), COMPLETE)[0] == "miss"


def test_an_empty_ledger_misses_nothing(tmp_path):
    with Database.open(tmp_path / "state.sqlite3") as database:
        assert only(SqliteLedger(database), missed(), COMPLETE)[0] == "miss-uncounted"


@pytest.mark.parametrize(
    "message_id",
    [
        "<0102-abc@eu-west-1.amazonses.com>",
        "<X@VI1PR01.eurprd01.prod.outlook.com>",
        "<AbCdEf@geopod-ismtpd-3-1>",
        "<E1abc-9@message-id.smtpcorp.com>",
    ],
)
def test_a_message_id_that_a_providers_relay_wrote(ledger, message_id):
    made = report(head(message_id, more="Subject: hi\n"), final=["v@remote.test"])
    assert only(ledger, made, COMPLETE) == ("miss-rewritten", NEITHER, WEAK)


def test_a_look_alike_of_a_providers_domain_is_no_excuse(ledger):
    made = report(head("<x@notamazonses.com>"), final=["v@remote.test"])
    assert only(ledger, made, COMPLETE) == ("miss", FORGED, STRONG)


def test_a_message_id_added_by_a_relay_on_the_way(ledger):
    hop = TraceHop("", by="mx.remote.test", dated=SENT)
    made = report(head("<2026.ABC@mx.remote.test>"), final=["v@remote.test"], trace=(hop,))
    assert only(ledger, made, COMPLETE)[0] == "miss-rewritten"


def test_a_message_id_of_the_relay_that_handed_it_over(ledger):
    """Our own provider's: its servers for outgoing mail have other names than the one that writes the field."""
    hop = read_hop(
        "from out3.smart.test (out3.smart.test [203.0.113.9]) by mx.remote.test (Postfix) with ESMTP id 1"
    )
    dated = dataclasses.replace(hop, dated=SENT)
    made = report(
        head("<a.1@gate.smart.test>"), final=["v@remote.test"], trace=(dated,), reporting_mta="mx.remote.test"
    )
    assert only(ledger, made, COMPLETE)[0] == "miss-rewritten"
    # A home line's name is its provider's, and a PC writes what it likes.
    hop = read_hop(
        "from pc (dsl-9.pool.smart.test [203.0.113.9]) by mx.remote.test (Postfix) with ESMTP id 1"
    )
    dated = dataclasses.replace(hop, dated=SENT)
    made = report(
        head("<a.1@gate.smart.test>"), final=["v@remote.test"], trace=(dated,), reporting_mta="mx.remote.test"
    )
    assert only(ledger, made, COMPLETE)[0] == "miss"


@pytest.mark.parametrize(
    "value", ["<other@else.test> <1@example.org>", "&lt;1@example.org&gt;", "<1@\n example.org>"]
)
def test_a_known_message_id_in_odd_clothes(ledger, value):
    assert only(ledger, report(head(value), final=["x@remote.test"]), COMPLETE) == ("hit", GENUINE, PROOF)


def test_a_known_message_id_in_a_notice_that_does_not_say_how_it_is_encoded(ledger):
    record = LedgerRecord(("<a=b&c@example.org>",), (), ("x@remote.test",), SENT, "sync")
    ledger.add_many([record])
    made = report(head("<a=3Db&amp;c@example.org>"), final=["x@remote.test"])
    assert only(ledger, made, COMPLETE) == ("hit", GENUINE, PROOF)


def test_a_message_id_cut_at_the_width_of_a_line(ledger):
    made = report(head("<20260105.12345678901234567890@mail.exam"), final=["v@remote.test"])
    assert only(ledger, made, COMPLETE) == ("miss-cut-off", NEITHER, WEAK)


def test_headers_that_break_off_within_the_message_id(ledger):
    made = report(b"From: anna@example.org\nMessage-ID: <20260105.12", final=["v@remote.test"])
    assert only(ledger, made, COMPLETE) == ("miss-cut-off", NEITHER, WEAK)


def test_a_third_partys_mail_that_we_forwarded(ledger):
    made = report(
        head("<t@third.test>", sender="carl@third.test"),
        own=b"To: SRS0=HHH=TT=third.test=carl@example.org\n",
        final=["v@remote.test"],
    )
    assert only(ledger, made, COMPLETE) == ("miss-forwarded", NEITHER, WEAK)


def test_only_the_return_path_is_ours(ledger):
    made = report(
        head("<t@third.test>", sender="carl@third.test"),
        own=b"To: anna@example.org\n",
        final=["v@remote.test"],
    )
    assert only(ledger, made, COMPLETE) == ("miss-other-author", FORGED, WEAK)


# No identifier


def test_no_identifier_but_somebody_we_write_to(ledger):
    made = report(b"From: anna@example.org\n", final=["x@remote.test"])
    assert only(ledger, made) == ("correspondent", GENUINE, WEAK)
    assert only(ledger, made, COMPLETE) == ("correspondent", GENUINE, WEAK)


def test_no_identifier_and_a_stranger(ledger):
    made = report(b"From: anna@example.org\n", final=["v@remote.test"])
    assert ask(ledger, made) == []
    assert only(ledger, made, COMPLETE) == ("stranger", FORGED, WEAK)


def test_without_a_ledger_nothing_is_said():
    assert list(gather(missed(), COMPLETE, Lookups(NOW))) == []


# Hostile bytes


def test_details_carry_no_control_characters(ledger):
    nasty = "\x1b[2J\x07\u202e" + "x" * 900
    made = report(head(nasty), final=['"a\x1b[31mb"@remote.test'])
    for found in ask(ledger, made, COMPLETE):
        assert found.detail.isprintable()
        assert len(found.detail) < 400


def test_thousands_of_identifiers_are_not_all_asked(ledger):
    class Counting(SqliteLedger):
        asked = 0

        def find(self, message_id):
            self.asked += 1
            return super().find(message_id)

    counting = Counting(ledger.database)
    many = " ".join(f"<{n}@bait.test>" for n in range(5_000))
    ask(counting, auto_reply(f"In-Reply-To: {many}\nReferences: {many}\n"))
    assert 0 < counting.asked <= 100


@pytest.mark.parametrize(("days", "finding"), [(6, "miss-uncounted"), (8, "miss")])
def test_a_miss_says_nothing_within_a_week_of_what_a_log_has_lost(ledger, days, finding):
    """The original may have been sent while the log was not read, and have waited since."""
    lost = SENT - timedelta(days=days)
    spans = [
        ledger_reach.Span(SENT - timedelta(days=50), SENT - timedelta(days=40)),
        ledger_reach.Span(lost, SYNCED),
    ]
    ledger_reach.note_log(ledger.database, "mail.log", (), spans, apart=timedelta(hours=1))
    assert only(ledger, missed(), COMPLETE)[0] == finding


@pytest.mark.parametrize(
    "message_id",
    [
        "<a b@example.org>", "<<double@example.org>>", "<a>b@example.org>", "<caf\xe9@example.org>",
        f"<{'l' * 260}@example.org>", "<one@example.org> <two@example.org>",
    ],
)  # fmt: skip
def test_a_message_id_that_logs_alter_is_no_miss(ledger, message_id):
    assert (
        only(ledger, report(head(message_id, more="Subject: hi\n"), final=["v@remote.test"]), COMPLETE)[0]
        == "miss-malformed"
    )


@pytest.mark.parametrize("message_id", ["<9@example.org>", "9@example.org", "(c) <9@example.org> (d)", "<9>"])
def test_one_that_they_keep_is(ledger, message_id):
    assert (
        only(ledger, report(head(message_id, more="Subject: hi\n"), final=["v@remote.test"]), COMPLETE)[0]
        == "miss"
    )


# Mail that left without a Message-ID, or with one that the log does not name


@pytest.fixture
def nameless(ledger):
    ledger.add(LedgerRecord((), ("4bScanner",), ("v@remote.test",), SENT, "log", nameless=True))
    return ledger


def test_a_message_id_that_was_given_on_the_way_is_no_miss(nameless):
    to_another = report(head("<9@filter.example.org>"), final=["w@remote.test"])
    assert only(nameless, to_another, COMPLETE)[0] == "miss"
    made = report(head("<9@filter.example.org>"), final=["v@remote.test"])
    assert [e.finding for e in ask(nameless, made, COMPLETE)] == ["miss-nameless", "correspondent"]


def test_one_that_was_forwarded_is_told_by_the_original(nameless):
    made = report(head("<9@example.org>", more="To: v@remote.test\n"), final=["else@remote.test"])
    assert only(nameless, made, COMPLETE)[0] == "miss-nameless"


def test_one_of_long_ago_is_another(nameless):
    late = SENT + timedelta(days=31)
    made = report(head("<9@example.org>"), final=["v@remote.test"], arrival=late)
    nameless.mark_synced(late + timedelta(days=2))
    lookups = Lookups(late + timedelta(days=1), ledger=nameless)
    assert next(gather(made, COMPLETE, lookups)).finding == "miss"


def test_where_a_report_names_nobody_it_may_be_about_anybody(nameless, tmp_path):
    made = report(head("<9@example.org>", to=""))
    assert only(nameless, made, COMPLETE)[0] == "miss-nameless"
    with Database.open(tmp_path / "other.sqlite3") as database:
        other = SqliteLedger(database)
        other.add(LedgerRecord(("<1@example.org>",), sent_at=SENT))
        other.mark_synced(SYNCED)
        assert only(other, made, COMPLETE)[0] == "miss"


def test_an_answer_to_one_is_no_miss(nameless):
    made = auto_reply("In-Reply-To: <9@example.org>\n", sender="v@remote.test")
    assert "reply-miss" not in [e.finding for e in ask(nameless, made, COMPLETE)]

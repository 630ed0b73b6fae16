"""Postfix, Exim and Sendmail logs: what is ours, what is only said to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from classifier.identity import Identity
from classifier.ingest.log_dates import LogClock
from classifier.ingest.log_lines import plain
from classifier.ingest.logs import read_logs
from classifier.ingest.queues import Queues

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OURS = Identity(domains=("example.org",), relays=("198.51.100.0/28", "gate.partner.test"))


def read(log, identity=OURS, limit=1000):
    queues = Queues(identity, limit=limit)
    lines = [line.encode() + b"\n" for line in log.strip().splitlines()]
    found = [*read_logs(map(plain, lines), queues, LogClock(NOW)), *queues.drain()]
    return [record for record in found if record is not None]


def postfix(log, **more):
    return read(log, **more)


def message(
    queue_id="4bTz1Yq3Xnz4",
    *,
    client="localhost[127.0.0.1]",
    message_id="<1@example.org>",
    sender="anna@example.org",
    to="x@remote.test",
    stamp="Mar  1 10:00:00 mail",
    removed=True,
):
    lines = [
        f"{stamp} postfix/smtpd[11]: {queue_id}: client={client}" if client else "",
        f"{stamp} postfix/cleanup[12]: {queue_id}: message-id={message_id}",
        f"{stamp} postfix/qmgr[13]: {queue_id}: from=<{sender}>, size=700, nrcpt=1 (queue active)",
        f"{stamp} postfix/smtp[14]: {queue_id}: to=<{to}>, relay=mx.remote.test[192.0.2.1]:25, dsn=2.0.0, status=sent (ok)",
        f"{stamp} postfix/qmgr[13]: {queue_id}: removed" if removed else "",
    ]
    return "\n".join(line for line in lines if line) + "\n"


SASL = "host.isp.test[203.0.113.9], sasl_method=PLAIN, sasl_username=anna"
OUTSIDE = "host.isp.test[203.0.113.9]"


def test_postfix_message():
    (record,) = postfix(message(client=SASL))
    assert record.message_ids == ("<1@example.org>",)
    assert record.envelope_ids == ("4bTz1Yq3Xnz4",)
    assert record.recipients == ("x@remote.test",)
    assert record.sent_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert record.source == "submitted"


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-03-01T10:00:00.123456+00:00 mail",
        "2026-03-01T11:00:00+01:00 mail",
        "2026-03-01T11:00:00+0100 mail",
        "<22>Mar  1 10:00:00 mail",
        "2026 Mar  1 10:00:00 mail",
        "Mar  1 2026 10:00:00 mail",
    ],
)
def test_time_stamps(stamp):
    (record,) = postfix(message(stamp=stamp))
    assert record.sent_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_without_host_or_stamp():
    (record,) = postfix(message(stamp="").replace("\n ", "\n"))
    assert record.sent_at is None
    assert record.recipients == ("x@remote.test",)


def test_rfc5424_form():
    log = message(stamp="<22>1 2026-03-01T10:00:00Z mail")
    for pid in (11, 12, 13, 14):
        log = log.replace(f"[{pid}]:", f" {pid} - -")
    (record,) = postfix(log)
    assert record.message_ids == ("<1@example.org>",)
    assert record.recipients == ("x@remote.test",)


def test_short_queue_ids_and_other_instances():
    log = message("3F2A91234B").replace("postfix/smtp[", "postfix-out/smtp[")
    log = log.replace("postfix/smtpd[", "postfix/submission/smtpd[")
    (record,) = postfix(log)
    assert record.envelope_ids == ("3F2A91234B",)
    assert record.recipients == ("x@remote.test",)


def test_the_same_short_queue_id_on_two_hosts():
    one = message("3F2A91234B", stamp="Mar  1 10:00:00 mx1").splitlines()
    two = message(
        "3F2A91234B", stamp="Mar  1 10:00:00 mx2", message_id="<2@example.org>", to="y@remote.test"
    ).splitlines()
    found = postfix("\n".join(line for pair in zip(one, two, strict=True) for line in pair))
    assert {r.message_ids: r.recipients for r in found} == {
        ("<1@example.org>",): ("x@remote.test",),
        ("<2@example.org>",): ("y@remote.test",),
    }


def test_a_queue_id_used_again():
    found = postfix(
        message("3F2A91234B") + message("3F2A91234B", message_id="<2@example.org>", to="y@remote.test")
    )
    assert [r.recipients for r in found] == [("x@remote.test",), ("y@remote.test",)]


def test_recipients_that_bounced_or_were_rewritten_count():
    extra = (
        "Mar  1 10:00:01 mail postfix/smtp[14]: 4bTz1Yq3Xnz4: to=<final@remote.test>, orig_to=<alias@example.org>, "
        "relay=none, delay=1, dsn=5.1.1, status=bounced (host said: 550 no such user)\n"
    )
    (record,) = postfix(extra + message())
    assert record.recipients == ("final@remote.test", "alias@example.org", "x@remote.test")


@pytest.mark.parametrize("client", ["localhost[127.0.0.1]", "host.isp.test[203.0.113.9]"])
@pytest.mark.parametrize("sender", ["", "carl@elsewhere.test", "MAILER-DAEMON"])
def test_null_and_foreign_senders_are_not_ours(sender, client):
    found = postfix(message(sender=sender, client=client))
    # A host inside may have passed on anybody's mail, or sent our own: that we know it makes its bounce no forgery.
    assert [(r.source, r.recipients) for r in found] == (
        [("transit", ())] if sender and "local" in client else []
    )


def test_what_a_gateway_hands_in_for_us_is_not_kept():
    """It is most of a log behind a filter, and nobody returns it to us."""

    def log(*recipients):
        first, *others = recipients
        whole = message(sender="carl@elsewhere.test", to=first, removed=False)
        return whole + "".join(whole.splitlines(keepends=True)[3].replace(first, r) for r in others)

    assert postfix(log("anna@example.org")) == []
    assert postfix(log("anna@example.org", "bob@example.org")) == []
    (forwarded,) = postfix(log("anna@example.org", "anna@elsewhere.test"))
    assert forwarded.source == "transit"


def test_without_an_identity_all_but_null_senders_are():
    log = message(sender="carl@elsewhere.test") + message("4bTz1Yq3Xnz5", sender="")
    assert len(postfix(log, identity=None)) == 1


def test_forged_mail_taken_in_from_outside_is_marked():
    # A spammer mails our own server as one of us: his Message-ID is now in our log.
    (record,) = postfix(message(client=OUTSIDE))
    assert record.source == "transit"
    assert record.recipients == ()


def test_forged_mail_is_marked_also_behind_a_content_filter():
    log = message(client=OUTSIDE, to="bob@example.org", removed=False)
    log += message("4bTz1Yq3Xnz5", client="localhost[127.0.0.1]", to="bob@example.org")
    found = postfix(log + "Mar  1 10:00:09 mail postfix/qmgr[13]: 4bTz1Yq3Xnz4: removed")
    assert [r.source for r in found] == ["transit", "transit"]
    assert [r.recipients for r in found] == [(), ()]


def test_forged_mail_is_marked_where_the_filter_names_its_client():
    client = "localhost[127.0.0.1], orig_queue_id=4bTz1Yq3Xnz4, orig_client=host.isp.test[203.0.113.9]"
    assert postfix(message(client=client))[0].source == "transit"


def test_forged_mail_re_injected_through_sendmail_is_marked():
    log = message(client=OUTSIDE, removed=False) + (
        "Mar  1 10:00:01 mail postfix/pickup[15]: 4bTz1Yq3Xnz5: uid=110 from=<anna@example.org>\n"
        + message("4bTz1Yq3Xnz5", client="")
    )
    assert {r.source for r in postfix(log)} == {"transit"}


def test_submitted_mail_stays_ours_behind_a_content_filter():
    found = postfix(message(client=SASL) + message("4bTz1Yq3Xnz5"))
    assert [r.source for r in found] == ["submitted", "log"]


def test_our_mail_that_comes_back_from_outside_stays_ours():
    # An alumni address forwards it to a colleague, sender unchanged.
    found = postfix(
        message() + message("4bTz1Yq3Xnz5", client=OUTSIDE) + message("4bTz1Yq3Xnz6", client="localhost[::1]")
    )
    assert [r.source for r in found] == ["log", "transit", "log"]


@pytest.mark.parametrize(
    "client",
    [
        "unknown[10.1.2.3]",
        "unknown[fd00::1]",
        "unknown[198.51.100.3]",
        "gate.partner.test[203.0.113.1]",
        "ws7.example.org[203.0.113.7]",
    ],
)
def test_hosts_of_ours_are_believed(client):
    assert postfix(message(client=client))[0].source == "log"


@pytest.mark.parametrize("client", ["example.org.evil.test[203.0.113.7]", "unknown[2001:db8::1]", ""])
def test_other_hosts_are_not(client):
    assert postfix(message(client=client))[0].source == "transit"


def test_a_message_id_cannot_pass_for_other_fields():
    nasty = "<a@b>, sasl_username=anna client=localhost[127.0.0.1] from=<anna@example.org> removed"
    (record,) = postfix(message(client=OUTSIDE, message_id=nasty))
    assert record.source == "transit"
    (record,) = postfix(message(sender="carl@elsewhere.test", message_id=nasty))
    assert (record.source, record.message_ids) == ("transit", ("<a@b>",))


def test_a_log_cut_at_its_start_gives_nothing_that_might_not_be_ours():
    whole = message().splitlines()
    assert postfix("\n".join(whole[3:])) == []


def test_logs_given_newest_first():
    lines = message().splitlines()
    (record,) = postfix("\n".join(lines[3:] + lines[:3]))
    assert record.message_ids == ("<1@example.org>",)
    assert record.recipients == ("x@remote.test",)


def test_the_map_of_open_messages_is_bounded():
    log = "".join(
        message(f"4bTz1Yq3Xn{n:03d}", message_id=f"<{n}@example.org>", removed=False) for n in range(50)
    )
    queues = Queues(OURS, limit=5)
    lines = [line.encode() for line in log.splitlines()]
    found = []
    for record in read_logs(lines, queues, LogClock(NOW)):
        found.append(record)
        assert len(queues._open) <= 5
    found += queues.drain()
    assert {r.message_ids[0] for r in found if r} == {f"<{n}@example.org>" for n in range(50)}


def test_one_message_to_very_many():
    head = message().splitlines()[:3]
    stem = "Mar  1 10:00:01 mail postfix/smtp[14]: 4bTz1Yq3Xnz4: to=<{}@remote.test>, relay=none, status=sent (ok)"
    (record,) = postfix("\n".join(head + [stem.format(n) for n in range(20_000)]))
    assert len(record.recipients) == 10_000


@pytest.mark.parametrize(
    "junk", [b"\xff" * 3000, b"/smtp" * 1000, b"a/" * 2000, b"/qmgr[1]: AAAAA: from=<", b"]: " * 900]
)
def test_junk_lines_cost_nothing(junk):
    lines = [junk] * 200 + message().encode().splitlines()
    queues = Queues(OURS)
    found = [*read_logs(lines, queues, LogClock(NOW)), *queues.drain()]
    assert len([r for r in found if r]) == 1


# Exim

EXIM = """
2026-03-01 10:00:00 1rAbCd-000123-4x <= anna@example.org H=host.isp.test (laptop) [203.0.113.9] P=esmtpsa X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no A=plain_login:anna S=1500 id=1@example.org
2026-03-01 10:00:01 1rAbCd-000123-4x => x@remote.test R=dnslookup T=remote_smtp H=mx.remote.test [192.0.2.1] C="250 OK"
2026-03-01 10:00:01 1rAbCd-000123-4x -> y@remote.test R=dnslookup T=remote_smtp H=mx.remote.test [192.0.2.1]
2026-03-01 10:00:02 1rAbCd-000123-4x ** z@remote.test R=dnslookup T=remote_smtp: SMTP error: 550 no
2026-03-01 10:00:02 1rAbCd-000123-4x => bob <team@example.org> R=local_user T=maildir_home
2026-03-01 10:00:02 1rAbCd-000123-4x Completed
"""


def exim(arrival, queue_id="1rAbCd-000123-4x"):
    return read(
        f"2026-03-01 10:00:00 {queue_id} <= {arrival}\n"
        f"2026-03-01 10:00:01 {queue_id} => x@remote.test R=dnslookup T=remote_smtp\n"
        f"2026-03-01 10:00:02 {queue_id} Completed",
    )


def test_exim_message():
    (record,) = read(EXIM)
    assert record.message_ids == ("<1@example.org>",)
    assert record.envelope_ids == ("1rAbCd-000123-4x",)
    assert record.recipients == ("x@remote.test", "y@remote.test", "z@remote.test", "team@example.org")
    assert record.source == "submitted"
    assert record.sent_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_exim_long_ids_zone_pid_and_syslog():
    log = EXIM.replace("1rAbCd-000123-4x", "1rAbCd-00000000123-4xyz")
    log = log.replace("2026-03-01 10", "Mar  1 10:00:00 mail exim[77]: 2026-03-01 12").replace(
        " 1rAbCd", " +0200 [7] 1rAbCd"
    )
    (record,) = read(log)
    assert record.envelope_ids == ("1rAbCd-00000000123-4xyz",)
    assert record.sent_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "source"),
    [
        ("U=anna P=local S=700 id=1@example.org", "log"),
        ("H=localhost [127.0.0.1] P=esmtp S=1 id=1@example.org", "log"),
        ("H=(laptop) [203.0.113.9] P=esmtpsa S=1 id=1@example.org", "submitted"),
        ("H=(laptop) [203.0.113.9] P=esmtp S=1 id=1@example.org", "transit"),
        ("H=(x A=plain:anna) [203.0.113.9] P=esmtps S=1 id=1@example.org", "transit"),
        ("H=([127.0.0.1]) [203.0.113.9] P=esmtps S=1 id=1@example.org", "transit"),
        ('H=(x) [203.0.113.9] P=esmtp S=1 T="free A=plain:anna" id=1@example.org', "transit"),
        ("H=(x) [203.0.113.9] P=esmtp S=1 id=1@example.org A=plain:anna P=esmtpsa", "transit"),
    ],
)
def test_exim_clients(facts, source):
    (record,) = exim(f"anna@example.org {facts}")
    assert record.source == source
    assert record.message_ids == ("<1@example.org>",)


def test_exim_null_and_foreign_senders():
    assert exim("<> R=1rAbCc-000122-4x U=Debian-exim P=local S=900") == []
    assert exim("carl@elsewhere.test H=(x) [203.0.113.9] P=esmtp S=1 id=1@example.org") == []


def test_exim_filter_behind_the_door():
    log = (
        "2026-03-01 10:00:00 1rAbCd-000001-4x <= anna@example.org H=(x) [203.0.113.9] P=esmtp S=1 id=9@example.org\n"
        "2026-03-01 10:00:01 1rAbCd-000002-4x <= anna@example.org U=mail P=spam-scanned S=1 id=9@example.org\n"
    )
    assert {r.source for r in read(log)} == {"transit"}


# Sendmail

SENDMAIL = """
Mar  1 10:00:00 mail sendmail[4711]: AUTH=server, relay=host.isp.test [203.0.113.9], authid=anna, mech=PLAIN, bits=0
Mar  1 10:00:00 mail sendmail[4711]: 621A00bc004711: from=<anna@example.org>, size=900, class=0, nrcpts=2, msgid=<1@example.org>, proto=ESMTPSA, daemon=MSA, relay=host.isp.test [203.0.113.9]
Mar  1 10:00:03 mail sendmail[4713]: 621A00bc004711: to=<x@remote.test>,<y@remote.test>, ctladdr=<anna@example.org> (1001/1001), delay=00:00:03, xdelay=00:00:02, mailer=esmtp, pri=120900, relay=mx.remote.test. [192.0.2.1], dsn=2.0.0, stat=Sent (ok)
"""


def test_sendmail_message():
    (record,) = read(SENDMAIL)
    assert record.message_ids == ("<1@example.org>",)
    assert record.envelope_ids == ("621A00bc004711",)
    assert record.recipients == ("x@remote.test", "y@remote.test")
    assert record.source == "submitted"
    assert record.sent_at == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_sendmail_without_authentication():
    log = "\n".join(SENDMAIL.strip().splitlines()[1:])
    assert read(log)[0].source == "transit"
    local = log.replace("relay=host.isp.test [203.0.113.9]", "relay=localhost [127.0.0.1]")
    assert read(local)[0].source == "log"
    forged = log.replace("msgid=<1@example.org>", "msgid=<1@example.org, relay=localhost [127.0.0.1]>")
    assert read(forged)[0].source == "transit"
    named = log.replace("relay=host.isp.test", "relay=root@localhost.evil.test")
    assert read(named)[0].source == "transit"


def test_sendmail_process_numbers_come_round():
    late = SENDMAIL.replace("10:00:00 mail sendmail[4711]: 62", "12:00:00 mail sendmail[4711]: 62")
    assert read(late)[0].source == "transit"


def test_sendmail_null_and_foreign_senders():
    log = "\n".join(SENDMAIL.strip().splitlines()[1:])
    assert read(log.replace("from=<anna@example.org>", "from=<>")) == []
    assert read(log.replace("from=<anna@example.org>", "from=<c@else.test>")) == []


# Time stamps


def test_the_year_that_syslog_leaves_out():
    clock = LogClock(datetime(2026, 1, 3, tzinfo=UTC))
    assert clock.read(b"Dec 31 23:00:00 mail x") == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert clock.read(b"Jan  2 01:00:00 mail x") == datetime(2026, 1, 2, 1, tzinfo=UTC)
    assert clock.read(b"Jan  4 01:00:00 mail x") == datetime(2026, 1, 4, 1, tzinfo=UTC)
    assert clock.read(b"Feb 29 01:00:00 mail x") == datetime(2024, 2, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "line", [b"", b"Foo 31 23:00:00", b"Feb 31 23:00:00", b"9999-99-99T99:99:99Z", b"\xff\xff"]
)
def test_no_time_stamp(line):
    assert LogClock(NOW + timedelta(days=1)).read(line) is None

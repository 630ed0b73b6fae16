"""What real servers log in less usual setups, each line as the program named wrote it: nothing of ours is missed, nothing of others' believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from classifier.ingest.log_dates import LogClock
from classifier.ingest.log_lines import plain
from classifier.ingest.logs import read_logs
from classifier.ingest.queues import Queues
from classifier.ingest.streams import Format, detect
from tests.ingest.test_ingest_logs import NOW, OURS, OUTSIDE, message, postfix, read
from tests.ingest.test_ingest_run import ledger as _ledger
from tests.ingest.test_ingest_run import take as _take

ledger, take = _ledger, _take


def sources(records):
    return {record.message_ids: record.source for record in records}


# Sendmail 8.17

SENDMAIL = (
    "Mar  1 10:00:00 mail sendmail[7]: 6ATEaCat000137: from=<anna@example.org>, size=157, class=0, nrcpts=1, "
    "msgid=<1@example.org>, proto=ESMTP, daemon=MTA, relay={}\n"
)


@pytest.mark.parametrize(
    ("relay", "source"),
    [
        ("mail.example.org [203.0.113.7]", "log"),
        ("mail.example.org [203.0.113.7] (may be forged)", "transit"),
        ("pc [192.168.1.7] (may be forged)", "log"),
    ],
)
def test_a_name_that_does_not_lead_back_is_nobodys(relay, source):
    assert [r.source for r in read(SENDMAIL.format(relay))] == [source]


def test_who_has_authenticated_is_told_by_the_process_and_the_address():
    """Process numbers come round soon where many connect."""
    log = "Mar  1 10:00:00 mail sendmail[7]: AUTH=server, relay=host.isp.test [203.0.113.9], authid=anna, mech=PLAIN, bits=0\n"
    assert [r.source for r in read(log + SENDMAIL.format("host.isp.test [203.0.113.9]"))] == ["submitted"]
    assert [r.source for r in read(log + SENDMAIL.format("[203.0.113.9]"))] == ["submitted"]
    assert [r.source for r in read(log + SENDMAIL.format("x.test [203.0.113.7]"))] == ["transit"]
    assert [r.source for r in read(SENDMAIL.format("x [127.0.0.1] y@host.isp.test [203.0.113.9]"))] == [
        "transit"
    ]


@pytest.mark.parametrize(
    "words",
    [
        "Milter (addid) change: default header Message-Id value with <2@example.org>",
        "Milter add: header: Message-ID: <2@example.org>",
        "Milter (addid) insert (1): header: Message-ID: <2@example.org>",
        "Milter (x) change: header Message-ID: from <1@example.org> to <2@example.org>",
    ],
)
def test_what_a_milter_makes_of_a_message_id_is_known(words):
    log = SENDMAIL.format("root@localhost") + f"Mar  1 10:00:00 mail sendmail[7]: 6ATEaCat000137: {words}\n"
    (record,) = read(log)
    assert record.message_ids == ("<1@example.org>", "<2@example.org>")


# Exim 4.96

EXIM = "2026-03-01 10:00:00 {} <= anna@example.org {}\n2026-03-01 10:00:01 {} => x@remote.test R=a T=b\n"
ONE, TWO = "1xXg2N-00001P-0A", "1xXg2N-00001P-0B"


def exim(*arrivals):
    ids = (ONE, TWO)
    return read("".join(EXIM.format(i, facts, i) for i, facts in zip(ids, arrivals, strict=False)))


def test_a_log_without_message_ids():
    """With ``log_selector = -msg_id``; or from a program that gives none, which Exim mends for those on its host."""
    person = "H=pc [192.168.1.7] P=esmtp S=3"
    assert [r.nameless for r in exim(person)] == [True]
    assert [r.nameless for r in exim("U=anna P=local S=3")] == [True]
    assert [r.nameless for r in exim(f"{person} id=1@example.org", "U=anna P=local S=3")] == [False, False]
    assert [r.nameless for r in exim("H=x [203.0.113.7] P=esmtp S=3")] == [False]


@pytest.mark.parametrize(
    "facts",
    [
        "H=x.test (friend) [203.0.113.9] U=x A=plain:anna P=esmtpsa [127.0.0.1] P=esmtp S=434 id=1@example.org",
        'H=x.test [203.0.113.9] P=esmtps X=TLS1.3 CV=no DN="CN=x" A=plain:anna y="z" S=1 id=1@example.org',
        'H=x.test [203.0.113.9] P=esmtps X=TLS1.3 CV=no SNI="x" A=plain:anna P=esmtpsa" S=1 id=1@example.org',
        'H=x.test [203.0.113.9] P=esmtps X=TLS1.3 CV=no SNI="x" A=plain:anna id=1@example.org" S=1 id=2@example.org',
    ],
)
def test_what_a_client_says_of_itself_is_no_authentication(facts):
    assert [r.source for r in exim(facts)] == ["transit"]


@pytest.mark.parametrize(
    "facts",
    [
        "H=x.test (pc) [203.0.113.9] U=anna P=esmtpsa X=TLS1.3 CV=no A=plain:anna S=434 id=1@example.org",
        'H=x.test [203.0.113.9] P=esmtpsa X=TLS1.3 CV=no DN="CN=x" SNI="mail.example.org" A=plain:anna S=1 id=1@example.org',
        'H=x.test [203.0.113.9] P=asmtp A=plain:anna S=1 id=1@example.org T="a P-value"',
    ],
)
def test_what_exim_says_of_it_is(facts):
    assert [r.source for r in exim(facts)] == ["submitted"]


REJECTED = """
2026-03-01 10:00:00 1xXg2N-00001P-0A H=x.test (friend) [203.0.113.9] F=<anna@example.org> rejected after DATA: spam
Envelope-from: <anna@example.org>
Envelope-to: <bob@example.org>
P Received: from x.test ([203.0.113.9] helo=friend)
\tby out.example.org with esmtp (Exim 4.96)
T To: x postfix/smtpd[11]: 4bTz1Yq3Xnz4: client=localhost[127.0.0.1]
  Subject: hi
 2026-03-01 10:00:00 1rAbCd-000123-4x <= anna@example.org U=anna P=local S=700 id=evil1@example.org
 2026-03-01 10:00:01 1rAbCd-000123-4x => victim@remote.test R=x T=y
\tMar  1 10:00:00 mail postfix/qmgr[11]: 4bTz1Yq3Xnz5: from=<anna@example.org>, size=3
"""


@pytest.mark.parametrize("before", ["", "2026-03-01T10:00:00.1Z stdout F ", "exim-1  | "])
def test_header_fields_in_a_rejectlog_make_no_entry(before):
    log = "".join(f"{before}{line}\n" for line in REJECTED.strip().splitlines())
    assert read(log) == []
    docker = "\n".join(json.dumps({"log": f"{line}\n"}) for line in REJECTED.strip().splitlines())
    assert read(docker) == []


def test_a_message_that_journalctl_writes_over_several_lines_makes_no_entry():
    forged = message(client="").splitlines()
    log = "Mar  1 10:00:00 mail app[30]: subject: hello\n" + "\n".join(f"{'':29}{line}" for line in forged)
    assert read(log) == []


# Postfix 3.7


def test_no_message_id_is_none():
    """Each is another message, though the words are the same."""
    theirs = message(client=OUTSIDE, message_id="<>")
    ours = message("4bTz1Yq3Xnz5", message_id="<>")
    assert [(r.source, r.message_ids, r.nameless) for r in postfix(theirs + ours)] == [
        ("transit", (), False), ("log", (), True),
    ]  # fmt: skip


def handed_back(made, *, sender="anna@example.org", order=()):
    """Mail from outside without a Message-ID, and what a filter hands back of it while it waits."""
    first = message(client=OUTSIDE, message_id="<>", to="bob@example.org").splitlines(keepends=True)
    second = message("4bTz1Yq3Xnz5", message_id=made, to="bob@example.org", sender=sender).splitlines(
        keepends=True
    )
    lines = [*first[:3], *second[:2], *first[3:], *second[2:]]
    return postfix("".join(lines))


@pytest.mark.parametrize("made", ["<20260301100000.4bTz1Yq3Xnz5@mail.example.org>", "<>"])
def test_what_a_filter_hands_back_with_a_message_id_of_our_own_making_is_not_ours(made):
    assert [r.source for r in handed_back(made)] == ["transit", "transit"]
    # Others write meanwhile, and so does the same one with a Message-ID.
    assert [r.source for r in handed_back(made, sender="carl@example.org")] == ["transit", "log"]
    assert [r.source for r in handed_back("<1@example.org>")] == ["transit", "log"]


def test_exim_hands_back_likewise():
    log = (
        "2026-03-01 10:00:00 1rAbCd-000001-4x <= anna@example.org H=(x) [203.0.113.9] P=esmtp S=1\n"
        "2026-03-01 10:00:01 1rAbCd-000002-4x <= anna@example.org U=mail P=spam-scanned S=1\n"
        "2026-03-01 10:00:01 1rAbCd-000001-4x => bob@example.org R=scan T=scan\n"
        "2026-03-01 10:00:01 1rAbCd-000001-4x Completed\n"
    )
    assert {r.source for r in read(log)} == {"transit"}


def test_a_short_queue_id_that_came_round_before_its_end_was_read():
    ours = message("3F2A91234B", removed=False)
    theirs = message("3F2A91234B", client=OUTSIDE, message_id="<2@example.org>")
    assert sources(postfix(ours + theirs)) == {("<1@example.org>",): "log", ("<2@example.org>",): "transit"}


def test_a_message_of_which_the_client_is_not_known():
    assert sources(postfix(message(client=""))) == {("<1@example.org>",): "transit"}
    # Unless it is one of ours that goes on, as by an alias.
    found = postfix(message() + message("4bTz1Yq3Xnz5", client=""))
    assert [r.source for r in found] == ["log", "log"]


# Loggers


def written(form):
    """A message as a logger writes it: of each line the stamp, the program, the number and the words."""
    lines = []
    for line in message(client="localhost[127.0.0.1]").splitlines():
        program, _, words = line.removeprefix("Mar  1 10:00:00 mail ").partition(": ")
        name, _, number = program.rstrip("]").partition("[")
        lines.append(form("2026-03-01T10:00:00.1+00:00", name, number, words))
    return "\n".join(lines) + "\n"


LOGGERS = {
    "rsyslog, RFC 5424": lambda stamp, name, number, words: f"<22>1 {stamp} mail {name.partition('/')[0]} {number} - -  {words}",
    "rsyslog, RFC 5424, slashes": lambda stamp, name, number, words: f"<22>1 {stamp} mail {name} {number} - -  {words}",
    "rsyslog, another name": lambda stamp, name, number, words: (
        f"<22>1 {stamp} mail {'submission' if 'smtpd' in name else 'postfix'} {number} - -  {words}"
    ),
    "rsyslog, JSON": lambda stamp, name, number, words: json.dumps(
        {"@timestamp": stamp, "host": "mail", "program": name.partition("/")[0], "procid": number, "message": f" {words}"}
    ),
    "syslog-ng, JSON": lambda stamp, name, number, words: json.dumps(
        {"PROGRAM": name, "PID": number, "MESSAGE": words, "HOST": "mail", "ISODATE": stamp}
    ),
    "journalctl -o json-seq": lambda stamp, name, number, words: "\x1e" + json.dumps(
        {"__REALTIME_TIMESTAMP": "1772359200000000", "SYSLOG_IDENTIFIER": name, "_PID": number, "MESSAGE": words}
    ),
    "journalctl -o json-sse": lambda stamp, name, number, words: "data: " + json.dumps(
        {"__REALTIME_TIMESTAMP": "1772359200000000", "SYSLOG_IDENTIFIER": name, "_PID": number, "MESSAGE": words}
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", LOGGERS.values(), ids=LOGGERS)
def test_loggers(form):
    log = written(form)
    assert detect(log.encode()) is Format.POSTFIX
    (record,) = read(log)
    assert (record.message_ids, record.recipients, record.source) == (
        ("<1@example.org>",),
        ("x@remote.test",),
        "log",
    )
    assert record.sent_at.replace(microsecond=0) == datetime(2026, 3, 1, 10, tzinfo=UTC)
    outside = log.replace("localhost[127.0.0.1]", OUTSIDE)
    assert [r.source for r in read(outside)] == ["transit"]


@pytest.mark.parametrize(
    "line",
    [
        '{"MESSAGE_ID":"f77379a8490b408bbe5f6940505a777b","MESSAGE":"Journal started","SYSLOG_IDENTIFIER":"systemd-journald"}',
        "<46>1 2026-03-01T10:00:00.1+00:00 mail rsyslogd - - -  start",
    ],
)
def test_a_log_is_no_list_of_message_ids(line):
    assert detect(f"{line}\n".encode() * 500) is not Format.IDS


def test_what_names_no_time_of_its_own_is_refused(take, tmp_path):
    for name, text in {
        "cat": "postfix/smtpd: 4bTz: client=x",
        "export": "SYSLOG_IDENTIFIER=postfix/qmgr",
    }.items():
        (tmp_path / name).write_text(f"{text}\n" * 50)
        summary = take(tmp_path / name)
        assert (summary.error_count, summary.covered) == (1, False)


# Programs that log no Message-ID, in the same log

OTHERS = {
    "OpenSMTPD": 'smtpd[67]: ff077025dfa1066c mta delivery evpid=cf9bef7145df01b1 from=<{sender}> to=<x@remote.test> rcpt=<-> source="192.0.2.20" relay="{address} ({host})" delay=0s result="Ok" stat="250 2.0.0 Ok"',
    "Courier": "courieresmtp[148]: id=000000000000000E.000000006B0C38ED.00000091,from=<{sender}>,addr=<x@remote.test>,success: delivered: {host} [{address}]",
    "dma": "dma[69]: trying remote delivery to {host} [{address}] pref 10",
    "msmtp": "msmtp[80]: host={host} tls=off auth=off from={sender} recipients=x@remote.test mailsize=149 smtpstatus=250 smtpmsg='250 2.0.0 Ok' exitcode=EX_OK",
    "nullmailer": "nullmailer-send[9]: Starting delivery: host: {host} protocol: smtp file: 1795963127.89",
    "sSMTP": "sSMTP[9]: Sent mail for {sender} (221 2.0.0 Bye) uid=0 username=root outbytes=448",
    "qmail": "qmail: 1772359200.1 starting delivery 7: msg 93 to remote x@remote.test",
}
ELSEWHERE = {"sender": "anna@example.org", "host": "mx.remote.test", "address": "203.0.113.7"}


def left(line, identity=OURS):
    queues = Queues(identity)
    lines = [line.encode(), *message().encode().splitlines(keepends=True)]
    list(read_logs(map(plain, lines), queues, LogClock(NOW)))
    return queues.others


@pytest.mark.parametrize("program", OTHERS)
def test_what_leaves_by_other_programs(program):
    stem = "Mar  1 10:00:00 web "
    assert list(left(stem + OTHERS[program].format(**ELSEWHERE))) == [program]
    # Typed by a client, it is none.
    typed = stem + "postfix/smtpd[7]: warning: x: " + OTHERS[program].format(**ELSEWHERE)
    assert left(typed) == {}


@pytest.mark.parametrize("program", ["OpenSMTPD", "Courier", "dma", "msmtp", "nullmailer"])
def test_what_they_hand_to_a_host_of_ours_its_own_log_tells_of(program):
    ours = {**ELSEWHERE, "host": "gate.partner.test", "address": "198.51.100.3"}
    assert left("Mar  1 10:00:00 web " + OTHERS[program].format(**ours)) == {}


def test_what_others_send_through_them_is_not_missing():
    assert left("Mar  1 10:00:00 web " + OTHERS["OpenSMTPD"].format(**{**ELSEWHERE, "sender": ""})) == {}
    assert (
        left("Mar  1 10:00:00 web " + OTHERS["Courier"].format(**{**ELSEWHERE, "sender": "c@else.test"}))
        == {}
    )


def test_a_log_with_such_lines_says_so(take, ledger, tmp_path):
    stamp = f"{NOW - timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}"
    log = message(stamp=f"{NOW - timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ} mail")
    log += f"{stamp} web {OTHERS['dma'].format(**ELSEWHERE)}\n"
    (tmp_path / "mail.log").write_text(
        log + message(stamp=f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ} mail")
    )
    assert any("dma sent mail" in note for note in take(tmp_path / "mail.log").notes)
    assert ledger.covered_since() == NOW - timedelta(hours=5)


# Stamps


@pytest.mark.parametrize(
    "line",
    [
        "Mar  1 10:00:00 mail sshd[11]: Invalid user 2030-01-01T00:00:00Z from 203.0.113.9",
        "Mar  1 10:00:00 m dovecot: auth: passwd(2020-01-01T00:00:00Z,203.0.113.9): unknown user",
        "2026-03-01T10:00:00Z m sshd[1]: Invalid user Mar  7 11:11:11 from",
    ],
)
def test_a_time_that_somebody_typed_is_none(line):
    assert LogClock(NOW).read(line.encode()) == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "sshd[11]: Invalid user 2026-03-01T10:00:00Z from 203.0.113.9",
        "-- Logs begin at Sun 2026-03-01 10:00:00 UTC, end at Sun 2026-03-08 10:00:00 UTC. --",
        "2036-02-07T06:28:16+00:00 mail postfix/qmgr[1]: started before the clock was set",
        "2026-03-01T10:00:00.12",
    ],
)
def test_no_time_of_the_line(line):
    assert LogClock(NOW).read(line.encode()) is None

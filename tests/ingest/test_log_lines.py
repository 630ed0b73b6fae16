"""What real programs log of Message-IDs, and what stands around their lines; each line was written by the program named."""

from __future__ import annotations

import json
import re

import pytest

from classifier.evidence.ledger import gather
from classifier.identity import Identity
from classifier.ingest.log_dates import LogClock
from classifier.ingest.log_lines import plain
from classifier.ingest.logs import read_logs
from classifier.ingest.queues import Queues
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger
from tests.evidence.makers import LOOKUPS, NOW, make, told
from tests.ingest.test_ingest_logs import OURS, OUTSIDE, SASL, SENDMAIL, message, postfix, read

LONG = "l" * 1500
#: As it stands in the message, and as Postfix 3.7 logs it; with SMTPUTF8 off where it matters.
POSTFIX = [
    ("(c1) <comm@example.org> (c2)", "(c1) <comm@example.org> (c2)"),
    ("nobrackets@example.org", "nobrackets@example.org"),
    ("<<double@example.org>>", "<<double@example.org>>"),
    ("<a>b@example.org>", "<a>b@example.org>"),
    ("<caf\xe9@example.org>", "<caf?@example.org>"),
    ("<grüße@example.org>", "<gr????e@example.org>"),
    ("<grüße@example.org>", "<grüße@example.org>"),
    ("<fold\r\n ed2@example.org>", "<fold? ed2@example.org>"),
    ("<t\tb@example.org>", "<t?b@example.org>"),
    ("<a b@example.org>", "<a b@example.org>"),
    ("<one@example.org> <two@example.org>", "<one@example.org> <two@example.org>"),
    ("<a??b@example.org>", "<a??b@example.org>"),
    (f"<{LONG}@example.org>", f"<{LONG}@example.org>"),
    (f"<{LONG}@example.org>", f"<{LONG[:900]}"),  # cut off by a logger
]
#: As it stands in the message, and as Exim 4.96 logs it.
EXIM = [
    ("<1@example.org>", "id=1@example.org"),
    ('<"a b"@example.org>', 'id="a b"@example.org'),
    ("<caf\xe9@example.org>", r"id=caf\351@example.org"),
    ("<grüße@example.org>", r"id=gr\303\274\303\237e@example.org"),
    ("<E1xXcwT-0003gG-0p@mail.example.org>", ""),
    ("<E1xXcwT-0003gG-0p@mail.example.org>", "id*=E1xXcwT-0003gG-0p@mail.example.org from <a@b.test>"),
]
#: As it stands in the message, and as Sendmail 8.17 logs it.
SENDMAIL_IDS = [
    ("(c1) <comm@example.org> (c2)", "(c1) <comm@example.org> (c2)"),
    ("<fold\r\n ed2@example.org>", r"<fold\n ed2@example.org>"),
    ("<caf\xe9@example.org>", r"<caf\351@example.org>"),
    ("<grüße@example.org>", r"<gr\303\274\303\377\237e@example.org>"),
    (f"<{LONG}@example.org>", f"<{LONG[:98]}"),
]


@pytest.fixture
def ledger(tmp_path):
    with Database.open(tmp_path / "state.sqlite3") as database:
        yield SqliteLedger(database)


def is_known(ledger, records, message_id):
    """Say whether a report that returns *message_id* finds the message."""
    ledger.add_many(records)
    report = make(
        headers=b"From: anna@example.org\r\nMessage-ID: " + message_id.encode() + b"\r\n", arrival=NOW
    )
    lookups = LOOKUPS.__class__(**{**vars(LOOKUPS), "ledger": ledger})
    return {points_to for _, points_to, _ in told(gather(report, OURS, lookups))} == {"genuine"}


@pytest.mark.parametrize(("sent", "logged"), POSTFIX)
def test_postfix_message_ids(ledger, sent, logged):
    assert is_known(ledger, postfix(message(message_id=logged)), sent)


@pytest.mark.parametrize(("sent", "logged"), EXIM)
def test_exim_message_ids(ledger, sent, logged):
    log = (
        f"2026-03-01 10:00:00 1xXcwT-0003gG-0p <= anna@example.org U=anna P=local S=700 {logged}\n"
        "2026-03-01 10:00:01 1xXcwT-0003gG-0p => x@remote.test R=dnslookup T=remote_smtp\n"
    )
    assert is_known(ledger, read(log), sent)


@pytest.mark.parametrize(("sent", "logged"), SENDMAIL_IDS)
def test_sendmail_message_ids(ledger, sent, logged):
    assert is_known(ledger, read(SENDMAIL.replace("<1@example.org>", logged)), sent)


def test_another_message_id_of_the_same_length_is_not_known(ledger):
    records = read(SENDMAIL.replace("<1@example.org>", f"<{LONG[:98]}"))
    assert not is_known(ledger, records, f"<{'l' * 80}{'m' * 80}@example.org>")


# Senders


def test_quoted_senders():
    sender = '"odd> name"@example.org'
    assert len(postfix(message(sender=sender))) == 1
    assert read(f"2026-03-01 10:00:00 1rAbCd-000123-4x <= {sender} U=anna P=local S=7 id=1@example.org")


SCRIPT = "www-data@vps1.hoster.test"


def test_what_our_own_hand_in_is_ours_whatever_sender_it_names():
    """A web server's bounces go elsewhere, a vacation note's nowhere; answers come to the address in From."""
    pickup = "Mar  1 10:00:00 mail postfix/pickup[15]: 4bTz1Yq3Xnz4: uid=33 from=<{}>\n"
    for sender in (SCRIPT, ""):
        assert [r.source for r in postfix(message(client=SASL, sender=sender))] == ["submitted"]
        (record,) = postfix(pickup.format(sender) + message(client="", sender=sender))
        assert (record.source, record.recipients) == ("log", ("x@remote.test",))
    exim = "2026-03-01 10:00:00 1rAbCd-000123-4x <= {} U=www-data P=local S=7 id=1@example.org"
    assert [r.source for r in read(exim.format(SCRIPT))] == ["log"]
    local = "Mar  1 10:00:00 mail sendmail[7]: 621A00bc004711: from={}, size=9, class=0, nrcpts=1, msgid=<1@example.org>, relay=root@localhost"
    assert [r.source for r in read(local.format("root"))] == ["log"]


def test_what_only_passed_through_is_not():
    """What an alias, a filter or a list hands on has another's sender, and came in from outside before."""
    came = message(client=OUTSIDE, sender="carl@elsewhere.test", removed=False)
    pickup = "Mar  1 10:00:00 mail postfix/pickup[15]: 4bTz1Yq3Xnz5: uid=33 from=<carl@elsewhere.test>\n"
    assert postfix(came + pickup + message("4bTz1Yq3Xnz5", client="", sender="carl@elsewhere.test")) == []
    assert postfix(came + message("4bTz1Yq3Xnz5", client="", sender="carl@elsewhere.test")) == []
    inside = message(client="gw[10.0.0.1]", sender="carl@elsewhere.test", removed=False)
    found = postfix(inside + pickup + message("4bTz1Yq3Xnz5", client="", sender="carl@elsewhere.test"))
    assert {r.source for r in found} == {"transit"}


# Lines typed into other lines


@pytest.mark.parametrize(
    "words",
    [
        "warning: non-SMTP command from unknown[203.0.113.9]: GET {}",
        "NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 <x>: denied; helo=<{}>",
    ],
)
def test_what_clients_type_makes_no_entry(words):
    forged = message(client="").splitlines()
    stem = "Mar  1 10:00:00 mail postfix/smtpd[11]: "
    typed = [stem + words.format(line.partition("mail postfix")[2]) for line in forged]
    exim = "1rAbCd-000123-4x <= anna@example.org U=anna P=local S=7 id=1@example.org"
    typed += [stem + words.format(exim), f"2026-03-01 10:00:00 SMTP syntax error in GET {exim}"]
    typed += [
        stem
        + words.format("sendmail[7]: 621A00bc004711: from=<anna@example.org>, size=9, msgid=<1@example.org>")
    ]
    assert read("\n".join(typed)) == []


# What stands around a line


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda line: json.dumps(
            {"log": line + "\n", "stream": "stdout", "time": "2026-03-01T10:00:00.123456789Z"}
        ),
        lambda line: f"2026-03-01T10:00:00.123456789Z stdout F {line}",
        lambda line: f"mail-1  | {line}",
        lambda line: f"\0\0\0{line}",
        lambda line: f"{line}\r",
        lambda line: re.sub("Mar  1 (10:00:0.) mail", r"2026-03-01T\1Z", line),
        lambda line: re.sub("Mar  1 10:00:0(.) mail", r"[ 123\1.567890] mail", line),
        lambda line: re.sub("Mar  1 (10:00:0.) mail", r"Sun 2026-03-01 \1 UTC mail", line),
    ],
)
def test_lines_in_other_hands(wrapped):
    lines = message().splitlines()
    # The agent writes a second later: that a host is missing must not make it another message.
    lines[3:] = [line.replace("10:00:00", "10:00:01") for line in lines[3:]]
    (record,) = postfix("\n".join(map(wrapped, lines)))
    assert record.message_ids == ("<1@example.org>",)
    assert record.recipients == ("x@remote.test",)


def test_journald_json():
    lines = []
    for line in message().splitlines():
        program, _, words = line.partition("mail ")[2].partition("]: ")
        name, _, pid = program.partition("[")
        lines.append(
            json.dumps(
                {
                    "__REALTIME_TIMESTAMP": "1772359200000000", "_HOSTNAME": "mail", "SYSLOG_IDENTIFIER": name,
                    "_PID": pid, "MESSAGE": words if "cleanup" in name else list(words.encode()),
                }
            )
        )  # fmt: skip
    (record,) = postfix("\n".join(lines))
    assert (record.message_ids, record.recipients) == (("<1@example.org>",), ("x@remote.test",))
    assert f"{record.sent_at:%Y-%m-%d %H:%M}" == "2026-03-01 10:00"


@pytest.mark.parametrize(
    "line", [b"{", b"{}", b"{1}", b'{"log": 1}', b"[" * 100_000, b'{"a":' * 100_000, b'{"MESSAGE": [900]}']
)
def test_other_json_is_no_harm(line):
    plain(line)
    assert read(line.decode()) == []


def test_rfc5424_sendmail():
    log = SENDMAIL.replace(
        "Mar  1 10:00:00 mail sendmail[4711]:", "<22>1 2026-03-01T10:00:00Z mail sendmail 4711 - -"
    )
    (record,) = read(log)
    assert (record.source, record.message_ids) == ("submitted", ("<1@example.org>",))


def test_exim_through_syslog_in_parts():
    stem = "Mar  1 10:00:00 mail exim[77]: "
    log = (
        f"{stem}[1/2] 2026-03-01 10:00:00 1rAbCd-000123-4x <= anna@example.org U=anna P=local S=700\n"
        "Mar  1 10:00:00 mail exim[78]: [1/2] 2026-03-01 10:00:00 1rAbCd-000124-4x <= anna@example.org U=a P=local\n"
        f"{stem}[2/2]  id=1@example.org\n"
        f"{stem}2026-03-01 10:00:01 1rAbCd-000123-4x => x@remote.test R=dnslookup T=remote_smtp\n"
    )
    (record,) = read(log)
    assert (record.message_ids, record.recipients) == (("<1@example.org>",), ("x@remote.test",))


def test_a_log_of_several_programs():
    exim = "2026-03-01 10:00:00 1rAbCd-000123-4x <= anna@example.org U=anna P=local S=700 id=2@example.org"
    log = f"{message()}\nMar  1 10:00:00 relay exim[77]: {exim}\n{SENDMAIL}{message('3F2A91234B', message_id='<3@x.test>')}"
    assert {i for r in read(log) for i in r.message_ids} == {
        "<1@example.org>", "<2@example.org>", "<3@x.test>",
    }  # fmt: skip


def test_lines_that_were_lost_are_noticed():
    def lost(log):
        queues = Queues(Identity(domains=("example.org",)))
        lines = [line.encode() for line in log.splitlines()]
        list(read_logs(lines, queues, LogClock(NOW)))
        list(queues.drain())
        return queues.lost

    whole = message().splitlines()
    assert lost("\n".join(whole)) is None
    assert lost("\n".join([whole[0], *whole[2:]])) is not None
    # One without a Message-ID says so; of one that began before the log does, nothing can be said.
    assert lost(message(message_id="")) is None
    assert lost("\n".join(whole[2:])) is None

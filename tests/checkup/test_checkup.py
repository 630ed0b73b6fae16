"""Lists, records and logs: what ``doctor`` says of them, and what it does not claim to know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from classifier.checkup import outgoing as outgoing_mail
from classifier.checkup.blocklists import listings
from classifier.checkup.causes import REMEDIES, Cause, cause_of
from classifier.checkup.findings import Level
from classifier.checkup.logs import read_logs
from classifier.checkup.outgoing import Outgoing
from classifier.checkup.published import published
from classifier.errors import ConfigurationError
from classifier.identity import Identity
from classifier.resolver import DnsResolver
from tests.dnsserver import DnsServer, Zone

NOW = datetime(2026, 3, 2, tzinfo=UTC)
OURS = Identity(domains=("example.org",))
SPAMCOP, BACKSCATTERER = "bl.spamcop.net", "ips.backscatterer.org"


def lists_zone():
    zone = Zone()
    for name in (SPAMCOP, BACKSCATTERER):
        zone.add(f"2.0.0.127.{name}", "A", "127.0.0.2")
    zone.add("mx.example.org", "A", "203.0.113.7")
    return zone


def asked(zone, *, mode="ok", server="mx.example.org", addresses=(), more=()):
    with DnsServer(zone, mode=mode) as dns:
        found = list(listings(server, addresses, more, DnsResolver([dns.address], timeout=0.3)))
    return [(f.level, f.what) for f in found]


def test_listed_clean_and_unknown():
    zone = lists_zone()
    zone.add(f"7.113.0.203.{SPAMCOP}", "A", "127.0.0.2")
    zone.add(
        f"7.113.0.203.{SPAMCOP}", "TXT", "Blocked - see https://www.spamcop.net/bl.shtml?203.0.113.7\x1b[2J"
    )
    [(bad, spamcop), (good, other)] = asked(zone)
    assert (bad, good) == (Level.WRONG, Level.GOOD)
    assert spamcop.startswith(f"203.0.113.7 is listed by {SPAMCOP} (Blocked - see")
    assert "\x1b" not in spamcop
    assert other == f"203.0.113.7 is not listed by {BACKSCATTERER}"


@pytest.mark.parametrize("mode", ["silent", "servfail", "refused", "garbage"])
def test_a_failed_look_up_is_unknown(mode):
    found = asked(lists_zone(), mode=mode, addresses=["203.0.113.7"])
    assert [level for level, _ in found] == [Level.ADVICE] * 2
    assert all("unknown" in what and "listed" not in what for _, what in found)


@pytest.mark.parametrize("answer", ["127.255.255.254", "203.0.113.99"])
def test_a_list_that_refuses_or_is_parked_is_unknown(answer):
    zone = lists_zone()
    zone.add(f"7.113.0.203.{SPAMCOP}", "A", answer)
    level, what = asked(zone, addresses=["203.0.113.7"])[0]
    assert level is Level.ADVICE
    assert "unknown" in what


def test_a_dead_list_and_an_internal_address_are_no_clean_bill():
    zone = lists_zone()
    zone.remove(f"2.0.0.127.{SPAMCOP}", "A")
    levels = [level for level, _ in asked(zone)]
    assert levels == [Level.ADVICE, Level.GOOD]
    assert [level for level, _ in asked(lists_zone(), server="127.0.0.1:2525")] == [Level.ADVICE] * 2
    assert [level for level, _ in asked(lists_zone(), server="absent.example.org")] == [Level.ADVICE]


def test_more_lists_and_ipv6():
    zone = lists_zone()
    zone.add("mx.example.org", "AAAA", "2001:db8::7")
    nibbles = ".".join(reversed("20010db8000000000000000000000007"))
    zone.add(f"{nibbles}.bl.lists.test", "A", "127.0.0.5")
    found = asked(zone, more=["bl.lists.test."])
    assert (Level.WRONG, "2001:db8::7 is listed by bl.lists.test") in found
    assert len(found) == 6
    with pytest.raises(ConfigurationError, match="no IP address"):
        asked(zone, addresses=["mx"])
    with pytest.raises(ConfigurationError, match="nothing to look up"):
        asked(zone, server=None)


def test_lists_are_asked_only_when_asked(tmp_path):
    zone = lists_zone()
    zone.add(f"7.113.0.203.{SPAMCOP}", "A", "127.0.0.2")
    with DnsServer(zone) as dns:
        (tmp_path / "c.toml").write_text(
            f'[identity]\ndomains = ["example.org"]\n[dns]\nnameservers = ["{dns.address}"]\n'
        )
        (tmp_path / "c.toml").chmod(0o600)

        def run(*arguments):
            return subprocess.run(
                [sys.executable, "-m", "classifier", "--config", "c.toml", "doctor", "--json", *arguments],
                cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip

        told = run("--server", "127.0.0.1:9").stdout
        assert "SPF of example.org" in told
        assert "example.org. IN TXT" in told
        assert not any(SPAMCOP in name for name, _ in dns.asked)
        done = run("--lists", "--address", "203.0.113.7")
        assert done.returncode == 1
        assert "is listed by" in json.loads(done.stdout.splitlines()[0])["what"]
        assert run("--lists").returncode == 2


# -- what the domain publishes -----------------------------------------------------


def records(zone, identity=OURS):
    with DnsServer(zone) as dns:
        found = list(published("example.org", identity, DnsResolver([dns.address], timeout=0.5)))
    return {f.about: f for f in found}


def test_the_lines_to_publish():
    zone = Zone()
    zone.add("example.org", "MX", "10 mx.example.org")
    identity = Identity(domains=("example.org",), relays=("203.0.113.7", "2001:db8::/32", "out.example.org"))
    found = records(zone, identity)
    assert found["SPF of example.org"].remedy.endswith(
        'example.org. IN TXT "v=spf1 mx ip4:203.0.113.7 ip6:2001:db8::/32 a:out.example.org -all"'
    )
    assert (
        '_dmarc.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.org"; when its reports'
        in found["DMARC of example.org"].remedy
    )
    assert found["DKIM of example.org"].what == "no key is published"
    assert 's1._domainkey.example.org. IN TXT "v=DKIM1;' in found["DKIM of example.org"].remedy
    assert "batv_keys" in found["BATV of example.org"].remedy


def test_no_line_has_all_mail_refused():
    found = records(Zone(), Identity(domains=("example.org",)))
    assert found["SPF of example.org"].remedy.endswith('"v=spf1 a:YOUR-MAIL-SERVER -all"')
    parked = records(Zone(), Identity(domains=("example.org",), closed_senders=True))
    assert parked["SPF of example.org"].remedy.endswith('"v=spf1 -all"')
    assert parked["DMARC of example.org"].remedy.endswith(
        '"v=DMARC1; p=reject; rua=mailto:postmaster@example.org"'
    )


def test_lines_keep_what_stands_there():
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 a include:_spf.example.net ~all")
    zone.add(
        "_dmarc.example.org", "TXT", "v=DMARC1; p=none; sp=none; pct=50; rua=mailto:d@example.org; adkim=s"
    )
    zone.add("s1._domainkey.example.org", "TXT", "v=DKIM1; p=")
    found = records(zone)
    assert found["SPF of example.org"].remedy.endswith('"v=spf1 a include:_spf.example.net -all"')
    assert found["DMARC of example.org"].remedy.endswith(
        '"v=DMARC1; p=reject; rua=mailto:d@example.org; adkim=s"'
    )
    assert "signs_all" in found["DKIM of example.org"].remedy


def test_a_relay_that_the_policy_leaves_out():
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 ip4:203.0.113.1 -all")
    found = records(zone, Identity(domains=("example.org",), relays=("203.0.113.1", "203.0.113.7")))
    assert found["SPF of example.org"].level is Level.WRONG
    assert found["SPF of example.org"].remedy.endswith('"v=spf1 ip4:203.0.113.1 ip4:203.0.113.7 -all"')


def test_a_policy_that_leads_elsewhere_still_does():
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 redirect=_spf.example.net")
    zone.add("_spf.example.net", "TXT", "v=spf1 ip4:203.0.113.1 -all")
    found = records(zone, Identity(domains=("example.org",), relays=("203.0.113.1", "203.0.113.7")))
    assert found["SPF of example.org"].level is Level.WRONG
    assert found["SPF of example.org"].remedy.endswith('"v=spf1 ip4:203.0.113.7 redirect=_spf.example.net"')


def test_all_in_order():
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 mx -all")
    zone.add("_dmarc.example.org", "TXT", "v=DMARC1; p=reject")
    key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    zone.add("s1._domainkey.example.org", "TXT", key)
    identity = Identity(
        domains=("example.org",),
        signs_all=True,
        batv_keys={"0": "x"},
        dkim_keys={"s1._domainkey.example.org": key},
    )
    assert {f.level for f in records(zone, identity).values()} == {Level.GOOD}


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=DKIM1; p=", "good", "revoked"),
        ("v=DKIM1; t=y; p=AAAA", "advice", "t=y"),
        ("v=DKIM1; p=MHww", "wrong", "shorter than 1024"),
        ("v=DKIM1; p=*", "wrong", "damaged"),
    ],
)
def test_keys(record, level, words):
    zone = Zone()
    name = "s1._domainkey.example.org"
    zone.add(name, "TXT", record)
    finding = records(zone, Identity(domains=("example.org",), dkim_keys={name: record}))[f"DKIM key {name}"]
    assert finding.level == level
    assert words in finding.what


# -- logs --------------------------------------------------------------------------

POSTFIX = """\
Mar  1 10:00:00 mx postfix/smtpd[1]: A0001: client=unknown[203.0.113.9]
Mar  1 10:00:00 mx postfix/qmgr[2]: A0001: from=<v@remote.test>, size=1, nrcpt=1 (queue active)
Mar  1 10:00:01 mx postfix/smtp[3]: A0001: to=<x@example.org>, relay=in[10.0.0.5]:25, delay=1, dsn=5.1.1, status=bounced (host in[10.0.0.5] said: 550 5.1.1 User unknown)
Mar  1 10:00:01 mx postfix/bounce[4]: A0001: sender non-delivery notification: A0002
Mar  1 10:00:01 mx postfix/qmgr[2]: A0002: from=<>, size=1, nrcpt=1 (queue active)
Mar  1 10:00:01 mx postfix/qmgr[2]: A0001: removed
Mar  1 10:00:02 mx postfix/smtp[3]: A0002: to=<v@remote.test>, relay=none, delay=1, dsn=4.4.1, status=deferred (connect to remote.test[198.51.100.1]:25: Connection timed out)
Mar  1 10:10:02 mx postfix/smtp[3]: A0002: to=<v@remote.test>, relay=mx.remote.test[198.51.100.1]:25, delay=600, dsn=2.0.0, status=sent (250 ok)
Mar  1 10:10:02 mx postfix/qmgr[2]: A0002: removed
"""
RFC3339 = "\n".join(
    line.replace("Mar  1 ", "2026-03-01T", 1).replace(" mx", ".123456+01:00 mx", 1)
    for line in POSTFIX.splitlines()
)
RFC5424 = "\n".join(
    "<22>1 " + line.replace("[", " ", 1).replace("]:", " - -", 1) if "postfix/" in line else line
    for line in RFC3339.splitlines()
)
EXIM = """\
2026-03-01 10:00:00 1abcde-000001-2A <= v@remote.test H=(x) [203.0.113.9] P=esmtp S=1 id=1@remote.test
2026-03-01 10:00:00 1abcde-000001-2A ** x@example.org R=dns T=smtp H=in [10.0.0.5]: SMTP error from remote mail server after RCPT TO:<x@example.org>: 550 5.1.1 User unknown
2026-03-01 10:00:00 1abcde-000002-2A <= <> R=1abcde-000001-2A U=Debian-exim P=local S=1
2026-03-01 10:00:00 1abcde-000001-2A Completed
2026-03-01 10:00:01 1abcde-000002-2A == v@remote.test R=dns T=smtp defer (-53): retry time not reached
2026-03-01 10:10:00 1abcde-000002-2A => v@remote.test R=dns T=smtp H=mx.remote.test [198.51.100.1] C="250 ok"
2026-03-01 10:10:00 1abcde-000002-2A Completed
"""
EXIM_SYSLOG = "\n".join(f"Mar  1 10:00:00 mx exim[7]: {line}" for line in EXIM.splitlines())
EXIM_LONG_IDS = EXIM.replace("000001-2A", "00000000001-2ABC").replace("000002-2A", "00000000002-2ABC")


def counted(tmp_path, *logs, identity=OURS):
    paths = []
    for number, log in enumerate(logs):
        path = tmp_path / f"log{number}"
        path.write_bytes(log if isinstance(log, bytes) else log.encode())
        paths.append(str(path))
    found = list(read_logs(paths, identity, NOW))
    return {f.about.removeprefix("logs, "): f.count for f in found if f.count is not None}


@pytest.mark.parametrize("log", [POSTFIX, RFC3339, RFC5424, EXIM, EXIM_SYSLOG, EXIM_LONG_IDS])
def test_time_stamps_and_ids_of_all_sorts(tmp_path, log):
    assert counted(tmp_path, log) == {"logs": 1, "unknown recipient": 1}


def test_a_report_that_came_through_later_is_sent_once(tmp_path):
    (tmp_path / "log").write_text(POSTFIX)
    [_, finding] = read_logs([str(tmp_path / "log")], OURS, NOW)
    assert finding.what.endswith("(1 sent; for example A0002)")


def test_a_notice_may_be_told_after_its_end(tmp_path):
    rows = POSTFIX.splitlines(keepends=True)
    late = [*rows[:3], *rows[4:5], *rows[6:], rows[3], rows[5]]
    assert counted(tmp_path, "".join(late)) == {"logs": 1, "unknown recipient": 1}


def test_two_programs_and_two_years(tmp_path):
    assert counted(tmp_path, EXIM, POSTFIX, POSTFIX.replace("Mar  1", "2024-03-01T")) == {
        "logs": 3,
        "unknown recipient": 3,
    }


def lines(*what):
    return "".join(f"Mar  1 10:00:00 mx postfix/{line}\n" for line in what)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (lines("bounce[4]: A0001: sender delay notification: A0002"), "delay notice"),
        (lines("bounce[4]: A0001: sender delivery status notification: A0002"), "delivery receipt"),
        (
            lines(
                "smtpd[1]: A0001: client=c[203.0.113.9], sasl_method=PLAIN, sasl_username=anna",
                "bounce[4]: A0001: sender non-delivery notification: A0002",
            ),
            "mail of your own users",
        ),
        (lines("smtpd[1]: A0002: client=c[203.0.113.9]"), "passed on"),
        (lines("smtpd[1]: A0002: client=localhost[127.0.0.1]"), "automatic answer"),
        (lines("bounce[4]: A0001: sender non-delivery notification: A0002"), "the log does not say"),
        (
            lines(
                "local[1]: A0001: to=<l@example.org>, relay=local, delay=1, dsn=5.4.6, status=bounced (mail forwarding loop for l@example.org)",
                "bounce[4]: A0001: sender non-delivery notification: A0002",
            ),
            "mail loop",
        ),
        (
            lines(
                "qmgr[1]: A0001: to=<l@example.com>, relay=none, delay=1, dsn=4.4.1, status=expired (x)",
                "bounce[4]: A0001: sender non-delivery notification: A0002",
            ),
            "not delivered in time",
        ),
    ],
)
def test_causes(tmp_path, log, cause):
    log += lines(
        "qmgr[2]: A0002: from=<>, size=1",
        "smtp[3]: A0002: to=<v@remote.test>, relay=x[1.2.3.4]:25, dsn=2.0.0, status=sent (ok)",
    )
    assert counted(tmp_path, log) == {"logs": 1, cause: 1}


def test_what_stays_at_home_is_not_counted(tmp_path):
    log = lines(
        "qmgr[2]: A0002: from=<>, size=1",
        "smtp[3]: A0002: to=<anna@EXAMPLE.org>, relay=in[10.0.0.5]:25, dsn=2.0.0, status=sent (ok)",
    )
    assert counted(tmp_path, log) == {"logs": 0}
    # Without a configuration, domains are ours that mail is delivered for on the spot.
    local = log + lines(
        "local[3]: A0003: to=<b@example.org>, relay=local, delay=1, dsn=2.0.0, status=sent (delivered)"
    )
    assert counted(tmp_path, local, identity=None) == {"logs": 0}
    assert counted(tmp_path, log, identity=None)["logs"] == 1


@pytest.mark.parametrize(
    "line",
    [
        b"Mar  1 10:00:00 mx postfix/smtpd[1]: warning: said: Mar  1 10:00:00 mx postfix/bounce[4]: A0001: sender non-delivery notification: A0002",
        b"Mar  1 10:00:00 mx postfix/smtpd[1]: NOQUEUE: reject: x postfix/qmgr[2]: A0009: from=<>, size=1",
        b"2026-03-01 10:00:00 H=(y 1abcde-000009-2A <= <> R=1abcde-000001-2A) [203.0.113.9] rejected",
        b"\xff" * 70_000,
        b"Mar  1 10:00:00 mx postfix/smtp[3]: A0002: to=<" + b"a" * 60_000,
        b"Mar  1 10:00:00 mx postfix/smtp[3]: A0002: to=<x>, " + b"a=b, " * 12_000 + b"status=sent",
        b"2026-03-01 10:00:00 1abcde-000009-2A => " + b"<a@b>" * 12_000,
        b"\x1b[2J\x00\r\r\r",
    ],
)
def test_hostile_lines(tmp_path, line):
    for log in (POSTFIX, EXIM):
        expected = counted(tmp_path, log)
        assert counted(tmp_path, log.encode() + line + b"\n" + line) == expected


def test_nothing_of_a_log_moves_the_cursor(tmp_path):
    log = lines(
        "qmgr[2]: A0002: from=<>, size=1",
        "smtp[3]: A0002: to=<v\x1b[2J@remote.test>, relay=x[1.2.3.4]:25, dsn=2.0.0, status=sent (ok)",
    )
    (tmp_path / "log").write_text(log)
    assert all(f.what.isprintable() for f in read_logs([str(tmp_path / "log")], OURS, NOW))


def test_memory_stays_bounded_by_one_measure():
    outgoing = Outgoing(limit=20_000)
    for number in range(1_000):
        mail = outgoing.mail(f"mx/{number}", f"{number}")
        mail.null = True
        for recipient in range(number % 40):
            outgoing.delivery(mail, f"v{recipient}@remote.test", "sent")
            outgoing.delivery(mail, f"v{recipient}@remote.test", "sent")
            assert outgoing.held <= 20_000
        if number % 2:
            outgoing.close(f"mx/{number}")  # late: the log has not told what it was written for
        assert len(outgoing._open) + len(outgoing._late) <= 20
    assert outgoing._open
    assert outgoing._late
    assert {c: t.count for c, t in outgoing.tallies().items()} == {Cause.UNTOLD: 1_000 // 40 * 780}
    assert outgoing.held == 0


def test_one_message_of_many_long_recipients_is_bounded_by_itself(monkeypatch):
    monkeypatch.setattr(outgoing_mail, "MAX_DOMAINS", 10)
    monkeypatch.setattr(outgoing_mail, "MAX_RECIPIENTS", 50)
    outgoing = Outgoing(limit=20_000)
    for number in range(100):
        mail = outgoing.mail("mx/1", "1")
        mail.null = True
        outgoing.delivery(mail, f"v@{number}" + "d" * 900 + ".test", "sent")
    assert len(mail.told) == 50
    [tally] = outgoing.tallies().values()
    assert tally.count == 50
    assert len(outgoing._tallies) <= 11
    assert all(len(domain) <= 255 for domain, _ in outgoing._tallies)


def test_answers_to_answers_are_not_held_by_each_other():
    outgoing = Outgoing()
    first = before = outgoing.mail("0", "0")
    for number in range(1, 100):
        after = outgoing.mail(str(number), str(number))
        before.answer, after.null = after, True
        after.cause = Cause.AUTOMATIC if number % 2 else None
        outgoing.delivery(after, "v@remote.test", "sent")
        outgoing.close(before.name)
        before = after
    assert first.answer is None
    assert all(mail.answer is None for mail in outgoing._late.values())
    assert len(outgoing._open) == 1


def test_what_tells_nothing_is_not_called_good(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    [finding] = read_logs([str(tmp_path / "empty")], OURS, NOW)
    assert (finding.level, finding.count) == (Level.ADVICE, 0)
    assert "nothing could be learnt" in finding.what
    [finding] = read_logs([str(tmp_path / "pipe")], OURS, NOW)
    assert (finding.level, finding.what) == (Level.WRONG, "is a pipe, and is read twice")
    (tmp_path / "log").write_text(POSTFIX)
    pipe, *counted = read_logs([str(tmp_path / "pipe"), str(tmp_path / "log")], OURS, NOW)
    assert (pipe.level, [f.count for f in counted]) == (Level.WRONG, [1, 1])


def test_files_that_are_none(tmp_path):
    (tmp_path / "mail").write_text("From: a@b.test\nTo: c@d.test\nSubject: x\n\nhello\n")
    (tmp_path / "cut.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc")
    (tmp_path / "log").write_text(POSTFIX)
    names = [str(tmp_path / name) for name in ("mail", "cut.gz", "absent", "log")]
    found = list(read_logs(names, OURS, NOW))
    assert [f.level for f in found[:3]] == [Level.WRONG] * 3
    assert found[3].count == 1


@pytest.mark.parametrize(
    ("said", "status", "cause"),
    [
        ("mailbox is full", "5.2.2", Cause.QUOTA),
        ("552 over quota", "", Cause.QUOTA),
        ("User unknown in virtual mailbox table", "5.1.1", Cause.UNKNOWN_RECIPIENT),
        ("Unrouteable address", "", Cause.UNKNOWN_RECIPIENT),
        ("message size exceeds size limit", "5.3.4", Cause.SIZE),
        ("Infected: Eicar", "", Cause.CONTENT),
        ("no", "5.7.1", Cause.CONTENT),
        ("no", "5.0.0", Cause.OTHER),
        ("Connection timed out", "4.4.1", Cause.UNREACHABLE),
    ],
)
def test_words_of_failures(said, status, cause):
    assert cause_of(said, status, forwarded=False) is cause
    assert cause_of(said, status, forwarded=True) is Cause.FORWARDING


def test_each_cause_has_a_remedy():
    assert set(REMEDIES) == set(Cause)
    assert all(r.postfix and r.exim for r in REMEDIES.values())

"""From when until when the ledger counts as complete: never for time of which a log was not read whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from classifier.ingest.reach import LogReach
from classifier.store import ledger_reach
from tests.ingest.test_ingest_run import NOW, mail, mbox, postfix
from tests.ingest.test_ingest_run import ledger as _ledger
from tests.ingest.test_ingest_run import take as _take

ledger, take = _ledger, _take
HOUR = timedelta(hours=1)
DAY = 24 * HOUR


def log(begin, end, *, host="mail", step=HOUR, form="{:%Y-%m-%dT%H:%M:%S+00:00}", without=()):
    """A log with a line every *step* from *begin* to *end*, both in hours before now, and one message at its begin."""
    first, last = NOW - begin * HOUR, NOW - end * HOUR
    lines = [postfix(1, form.format(first), host)]
    when = first
    while when <= last:
        if not any(NOW - a * HOUR < when < NOW - b * HOUR for a, b in without):
            lines.append(f"{form.format(when)} {host} postfix/anvil[9]: statistics: max\n".encode())
        when += step
    return b"".join(lines)


@pytest.fixture
def write(tmp_path):
    def write(name, content, age=0.0):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
        written = (NOW - age * HOUR).timestamp()
        os.utime(tmp_path / name, (written, written))
        return tmp_path / name

    return write


def reach(ledger):
    """Return since and until, in hours before now."""
    return tuple(
        when and round((NOW - when) / HOUR, 2) for when in (ledger.covered_since(), ledger.covered_until())
    )


def test_a_log_covers_its_lines_alone(write, take, ledger):
    """A copy is newer than what stands in it; what was rotated away tells of nothing since."""
    take(write("mail.log.1", log(100, 20)))
    assert reach(ledger) == (100, 20)
    take(write("mail.log.1", log(100, 20)), write("mail.log", log(19, 1)))
    assert reach(ledger) == (100, 1)
    # What is imported once more takes nothing back.
    take(write("mail.log.1", log(100, 20)))
    assert reach(ledger) == (100, 1)


def test_a_log_that_rotation_took_away_leaves_a_gap(write, take, ledger):
    take(write("mail.log", log(300, 200)))
    summary = take(write("mail.log", log(100, 1)))
    assert reach(ledger) == (100, 1)
    assert "lines are missing before" in summary.notes[0]
    # Once it is imported, too, there is none.
    assert take(write("mail.log-20260525.gz", gzip.compress(log(210, 99)))).notes == []
    assert reach(ledger) == (300, 1)


def test_silence_between_files_that_rotation_numbered_in_a_row_is_no_gap(write, take, ledger):
    older, newer = write("mail.log.1", log(300, 200)), write("mail.log", log(150, 1))
    take(newer, older)
    assert reach(ledger) == (300, 1)


@pytest.mark.parametrize("order", [1, -1])
def test_a_day_that_is_missing(write, take, ledger, order):
    days = [log(24 * n, 24 * (n - 1), step=HOUR / 2) for n in range(5, 0, -1)]
    files = [write(f"mail.log-202605{27 + n}", day) for n, day in enumerate(days) if n != 2]
    take(*files[::order])
    assert reach(ledger) == (48, 0)
    take(write("whole", b"".join(days[:2] + days[3:])))
    assert (
        max(s.since for s in ledger_reach.sources(ledger.database) if s.name.endswith("whole"))
        == NOW - 48 * HOUR
    )


def test_silence_that_is_usual_is_no_gap(write, take, ledger):
    take(write("mail.log", log(200, 1, without=[(150, 135), (126, 111), (102, 40)])))
    assert reach(ledger) == (200, 1)


def test_silence_of_days_is_usual_where_little_is_sent(write, take, ledger):
    sent = [900, 800, 700, 590, 480, 400, 300]
    rarely = b"".join(log(n, n - 1) for n in sent)
    take(write("mail.log", rarely + log(200, 1)))
    assert reach(ledger) == (900, 1)
    take(write("mail.log", b"".join(log(n, n - 1) for n in sent[:-2]) + log(200, 1)))
    assert reach(ledger) == (200, 1)


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("systemd-journald[1]: Suppressed 2012 messages from postfix@-.service", True),
        ("systemd-journald[1]: Suppressed 2012 messages from cron.service", False),
        ("rsyslogd: imjournal: begin to drop messages due to rate-limiting", True),
        (
            "rsyslogd: imuxsock[pid 7]: 12 messages lost due to rate-limiting (20 allowed within 5 seconds)",
            True,
        ),
        ("rsyslogd-2177: imuxsock begins to drop messages from pid 4711 due to rate-limiting", True),
        ("rsyslogd-2177: imuxsock lost 53 messages from pid 4711 due to rate-limiting", True),
        ("journal: Suppressed 2012 messages from /system.slice/postfix.service", True),
        ("systemd-journald 57 - -  Suppressed 2012 messages from postfix.service", True),
        ("postfix/smtpd[1]: warning: too many messages", False),
        ("postfix/smtpd[1]: warning: helo=<x rsyslogd: 12 messages lost due to rate-limiting>", False),
    ],
)
def test_lines_that_a_logger_dropped(write, take, ledger, words, counts):
    dropped = f"{NOW - 30 * HOUR:%Y-%m-%dT%H:%M:%S+00:00} mail {words}\n".encode()
    path = write("mail.log", log(100, 31) + dropped + log(29, 1))
    for _ in range(2):
        take(path)
        assert reach(ledger) == (30 if counts else 100, 1)


def test_a_log_that_went_on_after_an_import_leaves_a_gap_unless_it_is_read_on(write, take, ledger):
    """Silence of an hour is usual; but of what was written into the first file since nothing was read."""
    older, newer = log(100, 9, step=2 * HOUR), log(8, 1, step=2 * HOUR)
    take(write("mail.log", log(100, 12, step=2 * HOUR)))
    write("mail.log.1", older, 9)
    take(write("mail.log", newer))
    assert reach(ledger)[0] == 8
    take(write("mail.log.1", older, 9), write("mail.log", newer))
    assert reach(ledger) == (100, 2)


@pytest.mark.parametrize(
    ("name", "grows"),
    [
        ("mail-20260531.log", False),
        ("mail-20260601.log", True),
        ("mail.log-20260531", False),
        ("mail.log.2", False),
    ],
)
def test_files_that_are_whole_meet_over_usual_silence(write, take, ledger, name, grows):
    """Of one of today's, that is no proof: it may be the one that is being written."""
    now = NOW + 13 * HOUR
    take(write(name, log(102, -6, step=3 * HOUR), -6), now=now)
    later = name.replace("0531", "0602").replace("0601", "0602")
    take(write(later, log(-9, -12, step=3 * HOUR), -12), now=now)
    assert reach(ledger)[0] == (-9 if grows else 102)


def test_rotation_while_logs_are_read_leaves_a_gap(write, take, ledger, tmp_path, monkeypatch):
    """What was mail.log is mail.log.1 by the time that mail.log is opened: it was read by neither name."""
    first = write("mail.log.1", log(300, 200))
    current = write("mail.log", log(199, 100))

    def rotated(self, *arguments, **more):
        if current.exists() and self.number == 1:
            first.rename(tmp_path / "mail.log.2")
            current.rename(tmp_path / "mail.log.1")
            write("mail.log", log(99, 1))
        return spans(self, *arguments, **more)

    spans = LogReach.spans
    monkeypatch.setattr(LogReach, "spans", rotated)
    take(first, current)
    assert reach(ledger) == (99, 1)


def test_a_message_of_which_lines_are_lost(write, take, ledger):
    lost = postfix(7, f"{NOW - 30 * HOUR:%Y-%m-%dT%H:%M:%S+00:00}").splitlines(keepends=True)
    client = lost[0].partition(b"cleanup")[0] + b"smtpd[1]: 4bTz1Yq3Xn007: client=localhost[127.0.0.1]\n"
    take(write("mail.log", log(100, 31) + client + b"".join(lost[1:]) + log(29, 1)))
    assert reach(ledger) == (30, 1)


def test_the_ledger_is_no_further_than_the_host_that_lags(write, take, ledger):
    take(write("a.log", log(100, 1, host="mx1")), write("b.log", log(100, 50, host="mx2")))
    assert reach(ledger) == (100, 50)
    # Two hosts' logs under one name, one after the other.
    take(write("a.log", log(100, 2, host="mx3")))
    take(write("b.log", log(100, 1, host="mx2")))
    assert [(s.name.rpartition("/")[2], (NOW - s.until) / HOUR) for s in ledger_reach.sources(ledger.database)] == [
        ("a.log of mx3", 2), ("a.log", 1), ("b.log", 1),
    ]  # fmt: skip


def test_a_sync_does_not_make_a_log_newer(write, take, ledger):
    take(write("mail.log", log(100, 20)))
    ledger.mark_synced(NOW, ledger_reach.SENT, "sync")
    assert ledger.covered_until() == NOW - 20 * HOUR
    assert ledger_reach.forget(
        ledger.database, next(s.name for s in ledger_reach.sources(ledger.database) if s.kind == "log")
    )
    assert ledger.covered_until() == NOW
    assert ledger.covered_since() is None


def test_what_is_imported_regularly_binds(write, take, ledger):
    ledger.mark_synced(NOW + 9 * DAY, ledger_reach.SENT, "sync")
    ids = write("ids-2026-05-31.txt", b"<1@example.org>\n")
    take(ids)
    take(write("old.mbox", mbox(mail())))
    assert ledger.covered_until() == NOW + 9 * DAY
    take(ids.rename(ids.with_name("ids-2026-06-01.txt")), now=NOW + DAY)
    assert ledger.covered_until() == NOW + DAY


def test_mail_files_and_lists_alone_are_whole_up_to_now(write, take, ledger):
    take(write("sent", mbox(mail()), 9), "-", stdin=io.BytesIO(b"<1@example.org>\n"))
    assert ledger.covered_until() == NOW


def test_a_log_that_tells_of_no_message_covers_its_time(write, take, ledger):
    idle = b"".join(log(100, 1).splitlines(keepends=True)[4:])
    # It may be set up to log none at all, as Sendmail below LogLevel 5: only one that did before is believed.
    summary = take(write("mail.log", idle))
    assert not summary.covered
    assert "no message" in summary.notes[0]
    take(write("mail.log", log(120, 50)))
    assert reach(ledger) == (120, 50)
    assert take(write("mail.log", idle)).covered
    assert reach(ledger) == (120, 1)
    assert take(write("auth.log", b"2026-05-31T10:00:00Z mail sshd[1]: closed\n")).error_count == 1


def test_a_folder_in_which_a_log_begins_with_other_programs(write, take, ledger, tmp_path):
    noise = f"{NOW - 101 * HOUR:%Y-%m-%dT%H:%M:%S+00:00} mail CRON[1]: (root) CMD (true)\n".encode() * 3_000
    write("logs/syslog", noise + log(100, 1))
    write("logs/auth.log", noise)
    summary = take(tmp_path / "logs")
    assert (summary.added, summary.ignored) == (1, 1)
    assert reach(ledger) == (101, 1)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed(write, take, compress):
    content = compress(log(100, 1))
    assert take(write("mail.log.2.x", content)).added == 1
    assert take(write("cut", content[:-20])).error_count == 1


@pytest.mark.parametrize(("module", "program"), [(bz2, "bzcat"), (lzma, "xzcat")])
def test_a_python_without_a_decompressor_says_what_to_do(write, take, monkeypatch, module, program):
    path = write("mail.log.2.x", module.compress(log(100, 1)))
    monkeypatch.setitem(sys.modules, module.__name__, None)
    assert program in take(path).errors[0]


def test_zstandard_is_named(write, take):
    assert "zstdcat" in take(write("mail.log.zst", b"\x28\xb5\x2f\xfd" + bytes(50))).errors[0]


# Stamps without a year or a zone

SYSLOG = "{:%b %e %H:%M:%S}"


@pytest.fixture
def zone(monkeypatch):
    def zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield zone
    monkeypatch.undo()
    time.tzset()


def test_a_log_that_nobody_touched_is_in_local_time(write, take, ledger, zone):
    zone("Europe/Berlin")
    take(write("mail.log", log(100, 1, form=SYSLOG), age=3))
    assert reach(ledger) == (102, 3)


def test_a_copy_may_be_from_any_zone(write, take, ledger, zone):
    zone("UTC")
    take(write("mail.log", log(100, 20, form=SYSLOG)))
    assert reach(ledger) == (88, 34)
    take(write("mail.log", log(21, 10, form=SYSLOG)))
    assert reach(ledger) == (88, 24)


def test_the_year_is_not_guessed_of_an_old_log(write, take, ledger, zone):
    zone("UTC")
    summary = take(write("mail.log", log(2_000, 1_000, form=SYSLOG)))
    assert (summary.added, summary.covered, ledger.covered_until()) == (1, False, None)
    assert "no year" in summary.notes[0]


def test_new_year(write, take, ledger, zone):
    zone("UTC")
    new_year = datetime(2026, 1, 2, tzinfo=UTC)
    content = b"".join(postfix(n, f"{new_year - n * HOUR:%b %e %H:%M:%S}") for n in range(300, 0, -1))
    path = write("mail.log", content)
    os.utime(path, ((new_year - HOUR).timestamp(),) * 2)
    take(path, now=new_year)
    assert ledger.covered_since() == new_year - 300 * HOUR
    assert ledger.covered_until() == new_year - HOUR


def test_a_log_of_more_than_a_year_without_years(write, take, ledger, zone):
    """Its first months look like this year's until it jumps back."""
    zone("UTC")
    content = log(24 * 400, 24 * 300, form=SYSLOG, step=DAY / 2) + log(24 * 300, 0, form=SYSLOG, step=DAY / 2)
    take(write("mail.log", content))
    assert ledger.covered_until() == NOW
    assert ledger.covered_since() == NOW - 400 * DAY


@pytest.mark.parametrize(
    ("path", "name", "number"),
    [
        ("mail.log", "mail.log", 0),
        ("/var/log/mail.log.1", "/var/log/mail.log", 1),
        ("mail.log.12.gz", "mail.log", 12),
        ("mail.log-20260301", "mail.log", None),
        ("mail.log-20260301.xz", "mail.log", None),
        ("mail-2026-03-01.log", "mail.log", None),
        ("mainlog.1.gz", "mainlog", 1),
        ("ids-2026-05-31.txt", "ids.txt", None),
        ("-", "-", None),
        (".", ".", None),
        ("/", "/", None),
        ("..", "..", None),
        (".1", "-", 1),
    ],
)
def test_names_of_rotated_logs(path, name, number):
    part = LogReach.of(path)
    assert (part.name, part.number) == (name, number)


def test_messages_named_one_by_one_are_one_source(write, take, ledger):
    take(*(write(f"sent/{n}.eml", mail(n)) for n in range(20)))
    assert [s.name.rpartition("/")[2] for s in ledger_reach.sources(ledger.database)] == ["sent"]
    assert ledger.covered_until() == NOW

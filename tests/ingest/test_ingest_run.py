"""``ledger import`` over real files, folders, pipes: formats told by content, failures that cost themselves."""

from __future__ import annotations

import gzip
import io
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest

from classifier.errors import BackscatterError
from classifier.identity import Identity
from classifier.ingest.entries import record_from_message
from classifier.ingest.run import import_paths
from classifier.ingest.streams import Format, detect
from classifier.store.database import Database
from classifier.store.ledger import SqliteLedger

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OURS = Identity(domains=("example.org",))


@pytest.fixture
def ledger(tmp_path):
    with Database.open(tmp_path / "store" / "state.sqlite3") as database:
        yield SqliteLedger(database)


@pytest.fixture
def take(ledger):
    def take(*paths, **more):
        more = {"identity": OURS, "now": NOW, **more}
        return import_paths(list(map(str, paths)), ledger, **more)

    return take


def mail(number=1, sender="anna@example.org", to="x@remote.test", body="Hello\n"):
    return (
        f"From: Anna <{sender}>\nTo: {to}\nBcc: hidden@remote.test\nSubject: hi\n"
        f"Date: Sun, 1 Mar 2026 10:00:00 +0000\nMessage-ID: <{number}@example.org>\n\n{body}"
    ).encode()


def mbox(*messages):
    return b"".join(b"From anna@example.org Sun Mar  1 10:00:00 2026\n" + m + b"\n" for m in messages)


def postfix(number=1, stamp="Mar  1 10:00:00", host="mail"):
    q = f"4bTz1Yq3Xn{number:03d}"
    return (
        f"{stamp} {host} postfix/cleanup[2]: {q}: message-id=<{number}@example.org>\n"
        f"{stamp} {host} postfix/qmgr[3]: {q}: from=<anna@example.org>, size=5, nrcpt=1 (queue active)\n"
        f"{stamp} {host} postfix/smtp[4]: {q}: to=<x@remote.test>, relay=none, status=sent (ok)\n"
        f"{stamp} {host} postfix/qmgr[3]: {q}: removed\n"
    ).encode()


def test_one_message(tmp_path, take, ledger):
    (tmp_path / "a.eml").write_bytes(mail())
    summary = take(tmp_path / "a.eml")
    assert (summary.read, summary.added, summary.skipped, summary.error_count) == (1, 1, 0, 0)
    entry = ledger.find("<1@example.org>")
    assert entry.sent_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert entry.wrote_to("x@remote.test")
    assert entry.wrote_to("hidden@remote.test")
    assert ledger.covered_until() == NOW


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_mbox(tmp_path, take, ledger, ends):
    content = mbox(*(mail(n, body=f"From here on\n\nFrom there\n{'x' * 200_000}\n") for n in range(5)))
    (tmp_path / "sent").write_bytes(content.replace(b"\n", ends))
    assert take(tmp_path / "sent").added == 5
    assert all(ledger.find(f"<{n}@example.org>") for n in range(5))


def test_maildir_and_other_folders(tmp_path, take, ledger):
    box = tmp_path / "Maildir" / ".Sent"
    for folder in ("cur", "new", "tmp"):
        (box / folder).mkdir(parents=True)
    (box / "cur" / "1:2,S").write_bytes(mail(1))
    (box / "new" / "2").write_bytes(mail(2))
    (box / "tmp" / "3").write_bytes(mail(3))
    (box / "dovecot-uidlist").write_bytes(b"3 V1 N2 G123\n1 :1\n")
    (box / "dovecot.index.log").write_bytes(os.urandom(300))
    (tmp_path / "Maildir" / "mh").mkdir()
    (tmp_path / "Maildir" / "mh" / "7").write_bytes(mail(7))
    summary = take(tmp_path / "Maildir")
    assert (summary.added, summary.ignored, summary.error_count) == (3, 2, 0)
    assert ledger.find("<3@example.org>") is None
    assert ledger.find("<7@example.org>") is not None


def test_gzip_by_content_not_by_name(tmp_path, take):
    (tmp_path / "mail.log.2").write_bytes(gzip.compress(postfix(1)))
    (tmp_path / "sent.mbox").write_bytes(gzip.compress(mbox(mail(2))))
    assert take(tmp_path / "mail.log.2", tmp_path / "sent.mbox").added == 2


def test_standard_input(take, ledger):
    assert take("-", stdin=io.BytesIO(gzip.compress(postfix(1)))).added == 1
    assert take("-", stdin=io.BytesIO(mbox(mail(2)))).added == 1
    assert ledger.find("<2@example.org>") is not None


def test_a_pipe_that_gives_a_few_bytes_at_a_time(take):
    read_end, write_end = os.pipe()

    def write():
        with os.fdopen(write_end, "wb", buffering=0) as pipe:
            data = b"".join(map(postfix, range(300)))
            for at in range(0, len(data), 997):
                pipe.write(data[at : at + 997])

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        assert take("-", stdin=pipe).added == 300
    writer.join()


def test_a_message_that_begins_in_one_log_and_ends_in_the_next(tmp_path, take, ledger):
    lines = postfix().splitlines(keepends=True)
    client = b"Mar  1 10:00:00 mail postfix/smtpd[1]: 4bTz1Yq3Xn001: client=localhost[127.0.0.1]\n"
    (tmp_path / "mail.log.1").write_bytes(b"".join((client, *lines[:2])))
    (tmp_path / "mail.log").write_bytes(b"".join(lines[2:]))
    for order in (("mail.log", "mail.log.1"), ("mail.log.1", "mail.log")):
        take(*(tmp_path / name for name in order))
        assert ledger.find("<1@example.org>").wrote_to("x@remote.test")


def test_again_changes_nothing(tmp_path, take, ledger):
    (tmp_path / "log").write_bytes(b"".join(map(postfix, range(20))))
    assert take(tmp_path / "log").added == 20
    again = take(tmp_path / "log")
    assert (again.added, again.merged, again.known) == (0, 0, 20)
    assert len(ledger) == 40


def test_others_mail_is_skipped(tmp_path, take, ledger):
    (tmp_path / "box").write_bytes(
        mbox(mail(1), mail(2, sender="carl@elsewhere.test"), b"Subject: no id\n\nx\n")
    )
    summary = take(tmp_path / "box")
    assert (summary.read, summary.added, summary.skipped) == (3, 1, 2)
    assert ledger.find("<2@example.org>") is None
    assert take(tmp_path / "box", identity=None).added == 1


def test_each_message_of_ours_is_shown(tmp_path, take):
    seen = []
    (tmp_path / "box").write_bytes(mbox(mail(1), mail(2, sender="carl@elsewhere.test")))
    take(tmp_path / "box", on_headers=seen.append)
    assert [h.get("message-id") for h in seen] == ["<1@example.org>"]


# Lists


@pytest.mark.parametrize(
    "text",
    [
        "<1@example.org>\n",
        "1@example.org",
        "# exported\n\n<1@example.org>\r\n",
        '"<1@example.org>"\n',
        "<1@example.org> x@remote.test 2026-03-01T10:00:00Z\n",
        "<1@example.org>,x@remote.test,2026-03-01 10:00:00\n",
        "1@example.org;x@remote.test;y@remote.test;1772359200\n",
        "<1@example.org>\tx@remote.test y@remote.test\tSun, 1 Mar 2026 10:00:00 +0000\n",
        "message_id,recipient,sent\n1@example.org,x@remote.test,2026-03-01T10:00:00+00:00\n",
        'Date;Message-ID;To\n2026-03-01T10:00:00Z;<1@example.org>;"x@remote.test; y@remote.test"\n',
        "\ufeffqueue_id\tmsgid\trcpt\nQ123\t<1@example.org>\tx@remote.test\n",
    ],
)
def test_lists(take, ledger, text):
    assert take("-", stdin=io.BytesIO(text.encode())).added == 1
    entry = ledger.find("<1@example.org>")
    assert entry.has_recipients == ("x@" in text)
    assert entry.wrote_to("x@remote.test") == ("x@" in text)
    assert entry.wrote_to("y@remote.test") == ("y@" in text)
    assert entry.sent_at in {None, datetime(2026, 3, 1, 10, tzinfo=UTC)}
    assert (entry.sent_at is not None) == ("2026" in text or "1772" in text)
    assert (ledger.find_envelope_id("Q123") is not None) == ("Q123" in text)


def test_a_list_with_bad_lines(take, ledger):
    text = (
        b"<1@example.org>\n<unclosed\n\xff\xfe\x00\n<2@example.org>\n" + b"<" * 100_000 + b"\n<3@example.org>"
    )
    summary = take("-", stdin=io.BytesIO(text))
    assert all(ledger.find(f"<{n}@example.org>") for n in (1, 2, 3))
    assert summary.skipped >= 2


# Formats


@pytest.mark.parametrize(
    ("sample", "fmt"),
    [
        (mail(), Format.EML),
        (b"Message-ID: <1@example.org>\nFrom: anna@example.org\n\n", Format.EML),
        (b"Received: by x\n\tfoo\nX-Y: 1\n\n", Format.EML),
        (mbox(mail()), Format.MBOX),
        (postfix(), Format.POSTFIX),
        (b"Mar  1 10:00:00 mail dovecot: imap-login\n" * 300 + postfix(), Format.POSTFIX),
        (b"2026-03-01 10:00:00 1rAbCd-000123-4x <= a@b P=local\n", Format.EXIM),
        (b"2026-03-01 10:00:02 1rAbCd-000123-4x Completed\n", Format.EXIM),
        (b"Mar  1 10:00:00 m sm-mta[4711]: 621A00bc004711: from=<a@b>, size=9\n", Format.SENDMAIL),
        (b"<1@example.org>\n<2@example.org>\n", Format.IDS),
        (b"just some words\nand more\n", None),
        (b"\x7fELF\x00\x00\x01", None),
        (b"\x8f\x01@\xe0\x1b\xff", None),
        (b"\n\n\n", None),
        (b'{"json": 1}\n', None),
    ],
)
def test_detect(sample, fmt):
    assert detect(sample) is fmt


def test_format_by_name(take, ledger):
    words = b"bare-word-1\nbare-word-2\n"
    assert take("-", stdin=io.BytesIO(words)).error_count == 1
    assert take("-", stdin=io.BytesIO(words), fmt="ids").added == 2
    assert ledger.find("<bare-word-1>") is not None
    assert ledger.find_envelope_id("bare-word-1") is not None


# Failures


def test_what_cannot_be_read_costs_itself(tmp_path, take, ledger):
    (tmp_path / "good").write_bytes(postfix(1))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"".join(map(postfix, range(2, 500))), mtime=0)[:-400])
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8b" + b"\x00" * 50)
    (tmp_path / "words").write_bytes(b"just some words\n")
    (tmp_path / "empty").write_bytes(b"")
    names = ("missing", "cut.gz", "bad.gz", "words", "empty", "good")
    summary = take(*(tmp_path / name for name in names))
    assert summary.error_count == 4
    assert [error.partition(":")[0] for error in summary.errors] == [str(tmp_path / n) for n in names[:4]]
    assert ledger.find("<1@example.org>") is not None
    assert ledger.find("<2@example.org>") is not None


def test_an_import_that_failed_in_part_does_not_cover(tmp_path, take, ledger):
    (tmp_path / "good").write_bytes(postfix(1, "2026-05-31T10:00:00+00:00"))
    assert not take(tmp_path / "good", tmp_path / "missing").covered
    assert ledger.covered_until() is None
    assert not take().covered
    assert take(tmp_path / "good").covered
    assert ledger.covered_until() == NOW - timedelta(hours=14)


def test_up_to_when_the_input_holds_all_can_be_said(tmp_path, take, ledger):
    (tmp_path / "good").write_bytes(postfix(1))
    until = datetime(2026, 3, 2, tzinfo=UTC)
    take(tmp_path / "good", covers_until=until)
    assert ledger.covered_until() == until


def test_an_unknown_format_is_refused(take):
    with pytest.raises((ValueError, BackscatterError)):
        take("-", fmt="lotus")


# The Sent folder


def test_record_from_message():
    record = record_from_message(
        b"From: anna@example.org\r\nTo: Team: a@b.test, c@d.test;\r\nCc: =?utf-8?q?x?= <e@f.test>\r\n"
        b"Message-ID:\r\n <1@example.org>\r\nResent-Message-ID: <r@example.org>\r\nResent-To: g@h.test\r\n"
        b"\r\nTo: not@this.test\r\n",
        identity=OURS,
    )
    assert record.message_ids == ("<1@example.org>", "<r@example.org>")
    assert record.recipients == ("a@b.test", "c@d.test", "e@f.test", "g@h.test")
    assert record.sent_at is None
    assert record.source == "sync"


def test_record_from_message_that_is_none():
    assert record_from_message(b"") is None
    assert record_from_message(b"From: a@example.org\nTo: b@c.test\n\n") is None
    assert record_from_message(b"From: c@else.test\nMessage-ID: <1@x>\n\n", identity=OURS) is None
    resent = b"From: c@else.test\nResent-From: anna@example.org\nResent-Message-ID: <1@x>\n\n"
    assert record_from_message(resent, identity=OURS).message_ids == ("<1@x>",)
    assert record_from_message(b"\n\nMessage-ID: <1@x>\n") is None
    assert record_from_message(os.urandom(5000)) is None

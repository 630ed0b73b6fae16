"""Mailboxes at their worst: full, read-only, huge, with messages that vanish and clients that interfere."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections import Counter

import pytest

from classifier.mailbox import mover, reading
from classifier.mailbox.connection import connect
from classifier.mailbox.imap import ImapMailbox
from classifier.mailbox.protocol import BODY_LIMIT, Refused
from classifier.parse.message import parse
from classifier.store.judged import Memory
from tests.mailbox.daemon import PASSWORD
from tests.mailbox.dovecot import dovecot, without
from tests.mailbox.interference import many_clients
from tests.mailbox.support import MarkedMail, imap_work, mail, run
from tests.support import server_folder


def test_a_full_quarantine_keeps_everything_where_it_is(tmp_path):
    extra = "mail_plugins = quota\nplugin {\n  quota = maildir:User quota\n  quota_rule = *:storage=1M\n}\n"
    options = {"capability": without("MOVE"), "extra": extra}
    with dovecot(server_folder("quota"), **options) as server:
        user = server.user()
        for n in range(3):
            user.deliver(mail("forged", n, size=300_000))
        before = user.census()["INBOX"]
        work = imap_work(server.server(), server.login(user))
        result, recorder = run(work, tmp_path / "s.sqlite3")
        assert result.exit_status == 1
        assert "OVERQUOTA" in str(recorder.warnings[0])
        assert user.census()["INBOX"] == before
        assert user.files("Backscatter") == []
        with server.client(user) as client:
            client.select_folder("INBOX", readonly=True)
            assert client.search("DELETED") == []
        mailbox = ImapMailbox(connect(server.server(), server.login(user), "main"))
        with pytest.raises(Refused, match=r"cannot put a message into 'INBOX' \(.*OVERQUOTA"):
            mailbox.append("INBOX", mail("ordinary", size=500_000))  # as a digest would be
        mailbox.close()
        # Room is made; what waited is moved.
        user.files("INBOX")[0].unlink()
        user.files("INBOX")[0].unlink()
        (user.maildir / "maildirsize").unlink(missing_ok=True)
        result, _ = run(work, tmp_path / "s.sqlite3")
        assert result.counts.quarantined == 1
        assert result.exit_status == 0


def test_a_folder_that_may_only_be_read(tmp_path):
    extra = "mail_plugins = acl\nprotocol imap {\n  mail_plugins = acl\n}\nplugin {\n  acl = vfile\n}\n"
    with dovecot(server_folder("acl"), extra=extra) as server:
        user = server.user()
        user.make_folder("Shared")
        user.deliver(mail("forged", 1), "Shared")
        user.deliver(mail("forged", 2))
        (user.folder("Shared") / "dovecot-acl").write_text("owner lr\n")
        work = imap_work(server.server(), server.login(user), folders=("Shared", "INBOX"))
        result, recorder = run(work, tmp_path / "s.sqlite3")
        assert result.exit_status == 1
        assert result.counts.quarantined == 1
        assert "read-only" in str(recorder.warnings[0]) or "NOPERM" in str(recorder.warnings[0])
        assert len(user.files("Shared")) == 1
        assert len(user.files("Backscatter")) == 1


def test_a_huge_message_is_read_in_part_and_moved_whole(moving_server, tmp_path):
    user = moving_server.user()
    raw = mail("forged", 1) + (b"A" * 76 + b"\n") * 2_700_000  # over 200 MB
    user.deliver(raw)
    user.deliver(mail("forged", 2) + b"\x00" * 5000 + b"\xff\xfe")
    del raw
    before = user.census()["INBOX"]
    seen = []

    class Watching(MarkedMail):
        def examine(self, raw, envelope):
            seen.append(len(raw))
            return super().examine(raw, envelope)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work = imap_work(moving_server.server(), moving_server.login(user), examiner=Watching())
    result, _ = run(work, tmp_path / "s.sqlite3")
    assert result.counts.quarantined == 2
    assert max(seen) == BODY_LIMIT
    assert user.census()["Backscatter"] == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 60_000  # kilobytes


def returned(kind, number, size, *, late=False):
    """Write a report that returns an original of so many bytes, behind a long text if *late*."""
    attached = b"QUJD" * 18 + b"\n"
    text = b"We could not deliver.\n" + (attached * 5_000 if late else b"")
    return (
        mail(kind, number, size=0).partition(b"Content-Type")[0]
        + b'Content-Type: multipart/report; report-type=delivery-status; boundary="bb"\n\n'
        b"--bb\nContent-Type: text/plain\n\n" + text + b"--bb\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; mx.remote.test\n\nFinal-Recipient: rfc822; x@remote.test\nAction: failed\n"
        b"Status: 5.1.1\n--bb\nContent-Type: message/rfc822\n\nFrom: anna@example.org\nTo: x@remote.test\n"
        b"Message-ID: <%d@example.org>\n\n" % number + attached * (size // len(attached)) + b"\n--bb--\n"
    )


def test_of_a_long_original_only_the_beginning_is_read(moving_server, tmp_path):
    user = moving_server.user()
    user.deliver(returned("forged", 1, 2_000_000))
    user.deliver(returned("forged", 2, 1_000_000, late=True))
    user.deliver(returned("forged", 3, 1_000))
    user.deliver(mail("forged", 4, size=600_000))
    seen = {}

    class Watching(MarkedMail):
        def examine(self, raw, envelope):
            seen[raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()] = (
                len(raw),
                parse(raw).original.message_id,
            )
            return super().examine(raw, envelope)

    before = user.census()["INBOX"]
    work = imap_work(moving_server.server(), moving_server.login(user), examiner=Watching())
    result, _ = run(work, tmp_path / "s.sqlite3")
    assert result.counts.quarantined == 4
    assert seen["forged 1"] == (reading.ENOUGH, "<1@example.org>")
    assert seen["forged 2"][0] > 1_300_000, "the original stands behind a long text"
    assert seen["forged 2"][1] == "<2@example.org>"
    assert seen["forged 3"][0] < 3_000
    assert seen["forged 4"][0] > 600_000, "without parts nothing tells how much is enough"
    assert user.census()["Backscatter"] == before


@pytest.mark.parametrize("where", ["imap", "maildir"])
def test_memory_does_not_grow_with_the_mail(server, tmp_path, where):
    user = server.user()
    for n in range(60):  # 180 MB, a third of it behind a text that makes it be read whole
        user.deliver(returned("unsure", n, 3_000_000, late=n % 3 == 0))
    account = (
        f'maildir = "{user.maildir}"'
        if where == "maildir"
        else f'imap = "imap://127.0.0.1:{server.port}"\nusername = "{user.name}"\npassword = {{ env = "SECRET" }}'
    )
    config = tmp_path / "config.toml"
    config.write_text(
        f'[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n'
        f'[store]\npath = "{tmp_path}/s.sqlite3"\n[accounts.main]\n{account}\n'
    )
    config.chmod(0o600)
    # Not by getrusage: there a program begins with what the one that started it had.
    measure = (
        "import sys; from classifier.cli.main import main\n"
        "sys.argv[0] = 'backscatter'\n"
        "try:\n main()\n"
        "finally:\n print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"
    )
    command = [sys.executable, "-c", measure, "--config", config, "sweep", "--quiet", "--json"]
    environment = {**os.environ, "SECRET": PASSWORD}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    *_, summary, peak = done.stdout.splitlines()
    assert json.loads(summary)["summary"]["reports"] == 60, done.stderr
    assert int(peak) < 150_000  # kilobytes


def test_messages_that_vanish_between_look_and_move(moving_server, tmp_path):
    user = moving_server.user()
    for n in range(6):
        user.deliver(mail("forged", n))

    class Interfering(MarkedMail):
        def reexamine(self, examination):
            return examination

        def examine(self, raw, envelope):
            if self.examined == 5:
                with moving_server.client(user) as client:
                    client.select_folder("INBOX")
                    client.delete_messages([2, 4])
                    client.uid_expunge([2, 4])
            return super().examine(raw, envelope)

    work = imap_work(moving_server.server(), moving_server.login(user), examiner=Interfering())
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status == 0
    assert result.counts.quarantined == 4
    assert len(recorder.messages) == 4
    assert len(user.files("Backscatter")) == 4


def test_a_folder_that_is_deleted_in_mid_sweep(moving_server, tmp_path):
    user = moving_server.user()
    user.make_folder("Other")
    for n in range(3):
        user.deliver(mail("forged", n), "Other")
        user.deliver(mail("forged", 10 + n))

    class Interfering(MarkedMail):
        def examine(self, raw, envelope):
            if self.examined == 1:
                with moving_server.client(user) as client:
                    client.delete_folder("Other")
            return super().examine(raw, envelope)

    work = imap_work(
        moving_server.server(), moving_server.login(user), folders=("Other", "INBOX"), examiner=Interfering()
    )
    result, _ = run(work, tmp_path / "s.sqlite3")
    assert result.exit_status in {0, 1}
    result, _ = run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "s.sqlite3")
    assert len(user.files("Backscatter")) >= 3
    assert user.files("INBOX") == []


def test_the_quarantine_is_deleted_in_mid_sweep(moving_server, tmp_path, monkeypatch):
    monkeypatch.setattr(mover, "BATCH", 2)
    user = moving_server.user()
    for n in range(6):
        user.deliver(mail("forged", n))
    attempts = []
    whole = mover.Mover._attempt

    def interfering(self, rows):
        outcome = whole(self, rows)
        attempts.append(len(rows))
        if len(attempts) == 1:
            with moving_server.client(user) as client:
                client.rename_folder("Backscatter", "Elsewhere")
        return outcome

    monkeypatch.setattr(mover.Mover, "_attempt", interfering)
    result, _ = run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "s.sqlite3")
    assert result.counts.quarantined == 6
    assert len(user.files("Elsewhere")) == 2
    assert len(user.files("Backscatter")) == 4


def test_fifty_clients_mark_and_expunge_meanwhile(moving_server, tmp_path):
    user = moving_server.user()
    for n in range(300):
        user.deliver(mail("forged" if n % 2 else "ordinary", n))
    before = user.census()["INBOX"]
    expunged: Counter[str] = Counter()
    ordinary = range(1, 301, 2)
    with many_clients(moving_server, user, ordinary) as failures:
        run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "s.sqlite3")
    assert failures == []
    result, _ = run(imap_work(moving_server.server(), moving_server.login(user)), tmp_path / "s.sqlite3")
    assert result.exit_status == 0
    after = user.census()
    together = sum(after.values(), Counter())
    assert not together - before, "doubled"
    lost = before - together - expunged
    assert sum(after["Backscatter"].values()) == 150
    ordinary = sum(1 for p in user.files("INBOX") if b"X-Verdict: ordinary" in p.read_bytes())
    assert ordinary + sum(lost.values()) == 150, "what is gone, other clients expunged"


@pytest.mark.parametrize(
    ("few", "windows"), [(0, reading.MOST_WINDOWS), (0, 3), (reading.FEW_MESSAGES, reading.MOST_WINDOWS)]
)
def test_uids_far_apart_are_all_looked_at(server, tmp_path, few, windows, monkeypatch):
    monkeypatch.setattr(reading, "FEW_MESSAGES", few)
    monkeypatch.setattr(reading, "MOST_WINDOWS", windows)
    user = server.user()
    with server.client(user) as client:
        client.select_folder("INBOX")
    for n in range(3):
        user.deliver(mail("forged", n))
        run(imap_work(server.server(), server.login(user), account=f"x{n}", dry_run=True), tmp_path / "none")
        path = user.maildir / "dovecot-uidlist"
        lines = path.read_text().splitlines()
        head = lines[0].split()
        head = [f"N{int(w[1:]) + 150_000}" if w.startswith("N") else w for w in head]
        for cache in user.maildir.glob("dovecot.index*"):
            cache.unlink()
        path.write_text("\n".join([" ".join(head), *lines[1:]]) + "\n")
    connection = connect(server.server(), server.login(user), "main")
    mailbox = ImapMailbox(connection)
    status = mailbox.open("INBOX", write=False)
    assert status.uid_next > 400_000
    before = connection.round_trips
    batches = list(mailbox.new(Memory(status.uid_validity)))
    by_window = few == 0 and windows > 3
    assert (connection.round_trips - before > 6) is by_window, "one search, or window by window"
    assert sum(len(b.messages) for b in batches) == 3
    assert batches[-1].uid_next == status.uid_next
    assert [b.uid_next for b in batches] == sorted(b.uid_next for b in batches)
    mailbox.close()


@pytest.mark.parametrize("cached", [False, True])
def test_a_message_at_which_the_server_hangs_up_costs_itself_alone(server, tmp_path, cached):
    user = server.user()
    paths = [user.deliver(mail("forged", n)) for n in range(200)]
    work = imap_work(server.server(), server.login(user))
    if cached:  # its headers are in Dovecot's cache, its body is not
        run(imap_work(server.server(), server.login(user), account="other", dry_run=True), tmp_path / "none")
    paths[70].chmod(0)
    paths[150].chmod(0)
    result, recorder = run(work, tmp_path / "s.sqlite3", backoff=(0.01,))
    assert result.counts.quarantined == 198
    assert result.counts.errors == 2
    assert result.exit_status == 1
    assert len(user.files("INBOX")) == 2
    told = [str(w) for w in recorder.warnings] + [
        f"{m.source}: {m.error}" for m in recorder.messages if m.error
    ]
    assert sorted(told) == ["main/INBOX#151: cannot be read", "main/INBOX#71: cannot be read"]
    paths[70].chmod(0o600)
    result, _ = run(work, tmp_path / "s.sqlite3", backoff=(0.01,))
    assert result.counts.quarantined == 1


@pytest.mark.parametrize("kind", ["no", "bad"])
def test_a_refused_fetch_is_tried_one_by_one(server, tmp_path, kind):
    from tests.mailbox.proxy import Fault, Proxy

    user = server.user()
    user.deliver(mail("forged", 1))
    with Proxy(server.port, Fault(kind, command="UID FETCH")) as proxy:
        run(imap_work(server.server(port=proxy.port), server.login(user)), tmp_path / "s.sqlite3")
    run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert len(user.files("Backscatter")) == 1


def test_places_are_gone_through_while_others_expunge(server, monkeypatch):
    """Behind a UIDNEXT of four billion a search window by window would never end."""
    monkeypatch.setattr(reading, "FEW_MESSAGES", 0)
    monkeypatch.setattr(reading, "SEARCH_WINDOW", 4)
    monkeypatch.setattr(reading, "BATCH", 5)
    monkeypatch.setattr(reading, "MOST_WINDOWS", 2)
    user = server.user()
    for n in range(20):
        user.deliver(mail("ordinary", n))
    mailbox = ImapMailbox(connect(server.server(), server.login(user), "main"))
    status = mailbox.open("INBOX", write=False)
    search = reading.Reader._search
    asked = []

    def expunging(self, first, last, *places):
        found = search(self, first, last, *places)
        asked.append(places)
        with server.client(user) as client:
            client.select_folder("INBOX")
            client.delete_messages([len(asked)])  # the first ones, one after the other
            client.expunge()
        return found

    monkeypatch.setattr(reading.Reader, "_search", expunging)
    found = [uid for uids, _ in mailbox._reader.windows(1, status.uid_next, status.messages) for uid in uids]
    assert asked == [("17:*",), ("13:16",), ("9:12",), ("5:8",), ("1:4",)]
    assert {*range(6, 21)} <= {*found}
    mailbox.close()

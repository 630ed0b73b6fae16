"""Messages taken apart by another process: the same reports, in order, whatever becomes of that process."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from classifier.config import parse_config
from classifier.mailbox import aside as module
from classifier.mailbox import inspection
from classifier.mailbox.aside import Aside, NotParsed
from classifier.parse.message import parse
from classifier.parse.report import Envelope
from classifier.runtime import Runtime, StoreUse
from tests.mailbox.support import imap_work, mail, maildir_work, run
from tests.samples import REPORT

CONFIG = '[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n[store]\npath = "{}"\n'
#: A process in which a message ends it, or its parser fails.
DEADLY = (
    "import os, sys; sys.path[:] = sys.argv[1:]; from classifier.mailbox import aside; parse = aside.parse\n"
    "def deadly(raw, envelope):\n"
    "    if b'X-Deadly' in raw: os.kill(os.getpid(), 9)\n"
    "    if b'X-Bug' in raw: raise KeyError('a bug')\n"
    "    return parse(raw, envelope)\n"
    "aside.parse = deadly; aside.serve()"
)


@pytest.fixture(autouse=True)
def _places(monkeypatch):
    """On a machine with one core, too."""
    monkeypatch.setattr(module, "_places", threading.Semaphore(2))


@pytest.fixture
def aside():
    other = Aside()
    assert other.available()
    yield other
    other.close()


def reports(number):
    return [REPORT.replace(b"<1@ex", b"<%d@ex" % n) for n in range(number)]


def results(aside, messages):
    """Hand all over, then take what became of each: its original's Message-ID, or why there is none."""
    pending = [aside.hand_over(raw, Envelope(mail_from="")) for raw in messages]
    found = []
    for one in pending:
        try:
            found.append(aside.result(one).original.message_id)
        except NotParsed as error:
            found.append(str(error))
    return found


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until_gone(pid):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if state(pid) == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_reports_are_the_same_and_in_order(aside, monkeypatch):
    monkeypatch.setattr(module, "AHEAD_ITEMS", 20)
    messages = reports(200)
    assert results(aside, messages) == [f"<{n}@example.org>" for n in range(200)]
    envelope = Envelope(mail_from="", rcpt_to="anna@example.org")
    there, here = aside.result(aside.hand_over(REPORT, envelope)), parse(REPORT, envelope)
    assert pickle.dumps(pickle.loads(pickle.dumps(here))) == pickle.dumps(there)


def test_what_is_larger_than_a_pipe_goes_through_both_ways(aside):
    large = REPORT + b"A" * 3_000_000
    pending = [aside.hand_over(large, Envelope()) for _ in range(4)]
    assert {aside.result(p).original.message_id for p in pending} == {"<1@example.org>"}


def test_the_other_process_does_some_of_it_and_so_does_this_one(aside, monkeypatch):
    here = []
    parse_here = module._parse_here
    monkeypatch.setattr(module, "_parse_here", lambda pending: here.append(parse_here(pending)))
    messages = reports(2_000)
    assert results(aside, messages) == [f"<{n}@example.org>" for n in range(2_000)]
    assert 0 < len(here) < 2_000


def test_a_message_that_kills_the_process_costs_itself_alone(monkeypatch):
    monkeypatch.setattr(module, "_PROGRAM", DEADLY)
    monkeypatch.setattr(module, "_parse_here", None)  # never: it would kill this one
    monkeypatch.setattr(module, "AHEAD_ITEMS", 10_000)
    messages = reports(60)
    for n in (0, 17, 18, 59):
        messages[n] = b"X-Deadly: yes\n" + messages[n]
    messages[30] = b"X-Bug: yes\n" + messages[30]
    expected = [f"<{n}@example.org>" for n in range(60)]
    for n in (0, 17, 18, 59):
        expected[n] = "the process that took it apart died"
    expected[30] = "KeyError"
    aside = Aside()
    assert aside.available()
    assert results(aside, messages) == expected
    aside.close()


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "print('hello'); import time; time.sleep(0.2)"])
def test_a_process_that_never_works_is_done_without(monkeypatch, program):
    monkeypatch.setattr(module, "_PROGRAM", program)
    aside = Aside()
    assert aside.available()
    assert results(aside, reports(300)) == [f"<{n}@example.org>" for n in range(300)]
    assert not aside.available()
    aside.close()


def test_no_program_to_start(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    aside = Aside()
    assert not aside.available()
    aside.close()


def test_no_more_processes_than_there_are_places():
    some = [Aside() for _ in range(3)]
    assert [a.available() for a in some] == [True, True, False]
    some[0].close()
    assert some[2].available()
    for a in some:
        a.close()


def test_it_shows_no_secret_and_outlives_signals_but_not_its_master(tmp_path):
    program = (
        "import time, threading; from classifier.mailbox import aside; from classifier.parse.report import Envelope\n"
        "aside._places = threading.Semaphore(1)\n"
        "a = aside.Aside(); a.available(); a.result(a.hand_over(b'A: b\\n\\n', Envelope())); a._exchange(wait=False)\n"
        "while not a._ready: a._exchange(wait=True)\n"
        "print(a._process.pid, flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "MAIL_PASSWORD": "geheim"}
    master = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
    pid = int(master.stdout.readline())
    assert b"geheim" not in Path(f"/proc/{pid}/environ").read_bytes()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    time.sleep(0.2)
    assert state(pid) == "S"
    master.kill()
    master.wait()
    master.stdout.close()
    assert until_gone(pid)


def judged(tmp_path, name, *, aside, work, **job):
    store = tmp_path / f"{name}.sqlite3"
    config = parse_config(CONFIG.format(store))
    examiner = Runtime(config, StoreUse.KEEP, remember=True)
    result, recorder = run(work(examiner=examiner, aside=aside, **job), store)
    return result, [
        (m.source, m.action, m.examination and m.examination.judgement) for m in recorder.messages
    ]


@pytest.mark.parametrize("where", ["imap", "maildir"])
def test_a_sweep_finds_and_does_the_same(server, tmp_path, monkeypatch, where):
    """Over several batches, in a flood whose reports are company for each other."""
    from classifier.mailbox import maildir, reading

    monkeypatch.setattr(reading, "BATCH", 150)
    monkeypatch.setattr(maildir, "BATCH", 150)
    started = []
    monkeypatch.setattr(Aside, "_start", lambda self, start=Aside._start: (started.append(self), start(self)))
    found = []
    for aside in (False, True):
        user = server.user()
        for n in range(400):
            raw = REPORT.replace(b"<1@ex", b"<%d@ex" % n).replace(b"r1@mx", b"r%d@mx" % n)
            sender = b"anna@example.org" if n % 3 else b"trap@example.org"
            user.deliver(raw.replace(b"anna@example.org", sender) if n % 10 else mail("ordinary", n))
        door = (
            partial(imap_work, server.server(), server.login(user))
            if where == "imap"
            else partial(maildir_work, user.maildir)
        )
        result, told = judged(tmp_path, f"{aside}", aside=aside, work=door)
        places = [(action, judgement) for _, action, judgement in told]
        found.append(
            (result.counts.as_dict(), places, {k: sum(v.values()) for k, v in user.census().items()})
        )
    assert len(started) == 1
    assert found[0] == found[1]
    assert found[0][0]["reports"] == 360


def test_few_messages_start_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(Aside, "available", None)  # asking is a failure
    user = server.user()
    for n in range(inspection.MANY):
        user.deliver(mail("forged", n))
    result, _ = run(imap_work(server.server(), server.login(user), aside=True), tmp_path / "s.sqlite3")
    assert result.counts.quarantined == inspection.MANY


def test_in_a_sweep_a_message_that_kills_the_process_stays_and_is_told(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PROGRAM", DEADLY)
    monkeypatch.setattr(module, "_parse_here", None)
    user = server.user()
    for n in range(200):
        raw = mail("forged", n)
        user.deliver(raw.replace(b"X-Verdict", b"X-Deadly: yes\nX-Verdict") if n == 99 else raw)
    work = imap_work(server.server(), server.login(user), aside=True)
    result, recorder = run(work, tmp_path / "s.sqlite3")
    assert (
        result.counts.as_dict() | {"looked_at": 200, "quarantined": 199, "errors": 1}
        == result.counts.as_dict()
    )
    assert [(m.source, m.error) for m in recorder.messages if m.error] == [
        ("main/INBOX#100", "cannot be judged (the process that took it apart died)")
    ]
    assert [b"X-Deadly" in p.read_bytes() for p in user.files("INBOX")] == [True]
    # It is looked at again, by this process, which is not asked to die here.
    monkeypatch.undo()
    result, _ = run(imap_work(server.server(), server.login(user)), tmp_path / "s.sqlite3")
    assert result.counts.quarantined == 1


@pytest.mark.timeout(30)
def test_a_process_that_falls_silent_is_ended(aside, monkeypatch):
    """Stopped, or on a machine that thrashes; another one is tried, and then none."""
    monkeypatch.setattr(module, "_SILENCE", 0.3)
    for _ in range(2):
        assert results(aside, reports(300)).count("the process that took it apart died") == 0
        if aside._process is None:
            break
        os.kill(aside._process.pid, signal.SIGSTOP)
        found = results(aside, reports(1_000))
        assert found.count("the process that took it apart died") <= 1
        assert len([f for f in found if f.startswith("<")]) >= 999


@pytest.mark.timeout(30)
def test_a_process_that_never_takes_anything_is_done_without(monkeypatch):
    monkeypatch.setattr(module, "_SILENCE", 0.2)
    monkeypatch.setattr(module, "_PROGRAM", "import os, time; os.write(1, b'.'); time.sleep(60)")
    with Aside() as other:
        assert other.available()
        found = results(other, reports(600))
        assert found.count("the process that took it apart died") <= 2
        assert not other.available()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("said", [b"hello", b"\0\0\0\0", b".\xff\xff\xff\xffhello"])
def test_what_another_writes_there_is_no_answer(monkeypatch, said):
    """Where Python is told to load something at its start that prints."""
    monkeypatch.setattr(module, "_PROGRAM", f"import os; os.write(1, {said!r}); " + module._PROGRAM)
    with Aside() as other:
        assert other.available()
        found = results(other, reports(300))
    lost = found.count("the process that took it apart died")
    assert found == [f"<{n}@example.org>" for n in range(300)] or (said[:1] == b"." and lost > 0)
    assert all(f.startswith("<") or f == "the process that took it apart died" for f in found)


@pytest.mark.timeout(30)
def test_what_a_library_prints_while_it_works_is_no_answer(monkeypatch):
    program = (
        "import sys; sys.path[:] = sys.argv[1:]; from classifier.mailbox import aside; parse = aside.parse\n"
        "def loud(raw, envelope):\n    print('parsing', flush=True)\n    return parse(raw, envelope)\n"
        "aside.parse = loud; aside.serve()"
    )
    monkeypatch.setattr(module, "_PROGRAM", program)
    with Aside() as other:
        assert other.available()
        assert results(other, reports(300)) == [f"<{n}@example.org>" for n in range(300)]

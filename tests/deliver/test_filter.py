"""``backscatter filter`` as mail delivery runs it: the message through it, byte for byte."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from classifier.config import load_config
from classifier.corpus.files import identity_toml
from classifier.corpus.scene import Scene, careful_domain, mailbox
from classifier.deliver.judging import STORE_WAIT
from classifier.runtime import Runtime, StoreUse
from tests.dnsserver import DnsServer, Zone
from tests.samples import CONFIG, ORDINARY, REPORT

COMMAND = [sys.executable, "-m", "classifier", "filter"]
NAMES = (
    b"X-Backscatter-Verdict:",
    b"X-Backscatter-Probability:",
    b"X-Backscatter-Kind:",
    b"X-Backscatter-Evidence:",
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    file.chmod(0o600)
    monkeypatch.setenv("BACKSCATTER_CONFIG", str(file))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, stdin, **options):
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, timeout=60, check=False, **options
    )


def split(output, before=b""):
    """Return the result headers of a filter's *output* and the rest, which is the message."""
    assert output.startswith(before)
    lines = output[len(before) :].splitlines(keepends=True)
    count = 0
    while count < len(lines) and (
        lines[count].startswith(NAMES) or (count and lines[count][:1] in b" \t" and lines[count].strip())
    ):
        count += 1
    return b"".join(lines[:count]), before + b"".join(lines[count:])


FORMS = {
    "report": REPORT,
    "ordinary": ORDINARY,
    "CRLF": REPORT.replace(b"\n", b"\r\n"),
    "bare CR": REPORT.replace(b"\n", b"\r"),
    "CR CR LF": ORDINARY.replace(b"\n", b"\r\r\n"),
    "line ends of all sorts": REPORT.replace(b"\nTo:", b"\r\nTo:").replace(b"\nDate:", b"\rDate:"),
    "no final line end": REPORT.rstrip(b"\n"),
    "8-bit": ORDINARY.replace(b"hello", b"h\xe4ll\xff\x00o"),
    "no body": b"From: a@b.test\nSubject: x\n",
    "no header": b"\nnothing but a body\n",
    "not mail": b"\x89PNG\r\n\x1a\n\x00\x00",
    "one byte": b"x",
    "huge header": b"Subject: " + b"a" * 300_000 + b"\n\nx\n",
    "many fields": b"X-A: b\n" * 50_000 + b"\nx\n",
    "an open boundary": REPORT[: REPORT.index(b"Final-Recipient")],
}


@pytest.mark.parametrize("name", FORMS)
def test_every_other_byte_passes_as_it_came(home, name):
    done = run(stdin=FORMS[name])
    assert (done.returncode, done.stderr) == (0, b"")
    added, rest = split(done.stdout)
    assert rest == FORMS[name]
    assert [n for n in NAMES if n in added] == list(NAMES)
    assert added.isascii()
    assert max(map(len, added.splitlines())) <= 78
    if name == "CRLF":
        assert added.count(b"\r\n") == added.count(b"\n")


def test_the_verdicts(home):
    assert b"X-Backscatter-Verdict: forged\n" in run(stdin=REPORT).stdout
    assert b"X-Backscatter-Kind: dsn\n" in run(stdin=REPORT).stdout
    assert b"X-Backscatter-Verdict: not-a-report\n" in run(stdin=ORDINARY).stdout


@pytest.mark.parametrize("message", [b"", b" folded first\nFrom: a@b.test\n\nx\n"])
def test_where_no_header_can_stand_the_message_passes_unchanged(home, message):
    done = run(stdin=message)
    assert (done.returncode, done.stdout) == (0, message)


def test_the_from_line_stays_first(home):
    line = b"From MAILER-DAEMON Sun Mar  1 10:00:05 2026\n>From x Sun Mar  1 10:00:05 2026\n"
    added, rest = split(run(stdin=line + REPORT).stdout, line)
    assert added.startswith(b"X-Backscatter-Verdict: forged")
    assert rest == line + REPORT


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_from_line_of_a_message_with_either_line_end(home, end):
    message = (b"From MAILER-DAEMON Sun Mar  1 10:00:05 2026\n" + REPORT).replace(b"\n", end)
    first = message[: message.index(end) + len(end)]
    added, rest = split(run(stdin=message).stdout, first)
    assert added.startswith(b"X-Backscatter-Verdict: forged" + end)
    assert rest == message


@pytest.mark.parametrize("server", ["absent", "left behind", "hangs", "hangs up", "talks nonsense", "fails"])
def test_without_a_server_that_answers_the_filter_judges_itself(home, server):
    place = home / "s.sock"
    with (home / "config.toml").open("a") as config:
        config.write(f'[serve]\nspamd = "{place}"\n')
    answers = {
        "hangs up": b"",
        "talks nonsense": b"\xff" * 40_000,
        "fails": b"SPAMD/1.0 75 EX_TEMPFAIL x\r\n\r\n",
    }
    with socket.socket(socket.AF_UNIX) as listener:
        if server != "absent":
            listener.bind(str(place))
        if server == "hangs":
            listener.listen()
        if server in answers:
            listener.listen()

            def serve():
                client, _ = listener.accept()
                with client:
                    client.recv(100_000)
                    client.sendall(answers[server])

            threading.Thread(target=serve, daemon=True).start()
        done = run(stdin=REPORT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"X-Backscatter-Verdict: forged" in split(done.stdout)[0]
    assert split(done.stdout)[1] == REPORT


def test_result_headers_that_came_with_the_message_are_taken_out(home):
    typed = b"x-backscatter-VERDICT : genuine\n folded\nX-Backscatter-Probability: 0\n"
    done = run(stdin=typed + REPORT.replace(b"\nTo: anna", b"\nX-BACKSCATTER-KIND: other\nTo: anna", 1))
    added, rest = split(done.stdout)
    assert rest == REPORT
    assert b"forged" in added
    body = ORDINARY + b"X-Backscatter-Verdict: forged\n"
    assert split(run(stdin=body).stdout)[1] == body


def test_check_answers_by_exit_status_alone(home):
    assert (run("--check", stdin=REPORT).returncode, run("--check", stdin=REPORT).stdout) == (0, b"")
    assert run("--check", stdin=ORDINARY).returncode == 1


def test_the_envelope_is_heard(home):
    note = b"From: MAILER-DAEMON@remote.test\nTo: anna@example.org\nSubject: Undelivered Mail\n\n<x@remote.test>: 550 no such user\n"
    done = run("--envelope-from", "<>", "--envelope-to=trap@example.org", stdin=note)
    assert b"X-Backscatter-Kind: bounce" in done.stdout
    assert b"trap@example.org never sends" in b" ".join(split(done.stdout)[0].split())


@pytest.mark.parametrize("breakage", ["no configuration", "wrong configuration", "unreadable"])
def test_judging_that_fails_costs_no_message(home, monkeypatch, breakage):
    if breakage == "no configuration":
        monkeypatch.setenv("BACKSCATTER_CONFIG", "absent.toml")
    elif breakage == "wrong configuration":
        (home / "config.toml").write_text("[identity]\ndomain = []\n")
    else:
        (home / "config.toml").write_bytes(b"\xff\xfe")
    done = run(stdin=REPORT)
    assert (done.returncode, done.stdout) == (0, REPORT)
    assert done.stderr.count(b"\n") == 1
    assert b"passed on unchanged" in done.stderr
    strict = run("--strict", stdin=REPORT)
    assert (strict.returncode, strict.stdout) == (75, b"")
    assert run("--check", stdin=REPORT).returncode == 75


def test_a_store_that_is_locked_broken_or_missing_is_done_without(home):
    (home / "state.sqlite3").write_bytes(b"not a database" * 100)
    assert b"X-Backscatter-Verdict: forged" in run(stdin=REPORT).stdout
    (home / "state.sqlite3").unlink()
    assert b"X-Backscatter-Verdict: forged" in run(stdin=REPORT).stdout
    subprocess.run(
        [sys.executable, "-m", "classifier", "ledger", "import", "-"], input=ORDINARY, check=True, timeout=60
    )
    assert (home / "state.sqlite3").exists()
    writer = sqlite3.connect(home / "state.sqlite3")
    writer.execute("BEGIN EXCLUSIVE")
    done = run(stdin=REPORT)
    assert b"X-Backscatter-Verdict: forged" in done.stdout
    # Tables that are not there yet could not be made; one wait for all of them.
    assert all(b"is left out (database is locked)" in line for line in done.stderr.splitlines())
    writer.close()


def test_a_store_that_lets_nobody_in_is_waited_for_a_tenth_of_a_second_in_all(home):
    writer = sqlite3.connect(home / "state.sqlite3", isolation_level=None)
    writer.execute("CREATE TABLE t (a)")
    writer.execute("BEGIN EXCLUSIVE")
    config = load_config(str(home / "config.toml"))
    waits = []
    for _ in range(5):
        runtime = Runtime(config, StoreUse.CACHE, remember=True, wait=STORE_WAIT)
        started = time.monotonic()
        assert runtime.database is None
        waits.append(time.monotonic() - started)
        assert len(runtime.notes) == 1  # not one for trying to write, and one for looking only
    assert 0.05 < min(waits) < 0.15
    done = run(stdin=REPORT)
    assert b"X-Backscatter-Verdict: forged" in done.stdout
    assert b"locked" in done.stderr
    writer.close()


def test_what_fails_after_the_delivery_does_not_ask_for_another(home):
    """A caller that is told 75 keeps the message that it has passed on, too: it would be there twice."""
    code = (
        "import sys; import classifier.deliver.judging as j\n"
        "def broken(runtime): raise OSError(28, 'No space left on device')\n"
        "j._remember = broken\n"
        "from classifier.entry import main; sys.argv = ['backscatter', 'filter']; sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=REPORT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert split(done.stdout)[1] == REPORT
    assert b"this is not remembered" in done.stderr


def test_what_is_told_never_gets_into_the_message(home, monkeypatch):
    """Exim's transport_filter reads standard error from the pipe that the message goes through."""
    monkeypatch.setenv("BACKSCATTER_CONFIG", "absent.toml")
    done = subprocess.run(
        COMMAND, input=REPORT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, REPORT)


def test_a_full_disk_is_told_to_the_caller(home):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            COMMAND, input=REPORT, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 75
    assert b"not delivered" in done.stderr


def test_a_file_that_cannot_grow_any_more_is_told_to_the_caller(home):
    """As on a disk that is full in mid message: some of it is written, and it is not taken for delivered."""
    with open(home / "out", "wb") as out:
        done = subprocess.run(
            COMMAND, input=REPORT, stdout=out, stderr=subprocess.PIPE, timeout=60, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700)),
        )  # fmt: skip
    assert (home / "out").stat().st_size == 700
    assert done.returncode == 75
    assert b"not delivered" in done.stderr


def test_a_reader_that_goes_away_and_a_closed_output(home):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        COMMAND, input=REPORT, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert done.returncode == 75
    closed = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *COMMAND],
        input=REPORT,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert closed.returncode == 75


def test_a_signal_in_mid_message(home):
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(REPORT[:200])
        process.stdin.flush()
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        output, error = process.communicate(timeout=30)
    assert (process.returncode, output) == (75, b"")
    assert b"not delivered" in error


def test_a_message_of_a_hundred_megabytes(home):
    message = REPORT + (b"y" * 79 + b"\n") * 1_310_720
    (home / "in").write_bytes(message)
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(done)"
    )
    with open(home / "in", "rb") as stdin, open(home / "out", "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-c", code, *COMMAND],
            stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    # Most of it never sits in memory. In kB (in bytes on macOS).
    assert int(done.stderr) < 150_000 * (1024 if sys.platform == "darwin" else 1)
    added, rest = split((home / "out").read_bytes())
    assert rest == message
    assert b"forged" in added


def test_judging_that_takes_too_long_is_given_up(home):
    """Before Pigeonhole would end the program: the message passes, unchanged, and one line says why."""
    code = (
        "import sys, time; import classifier.deliver.judging as j; import classifier.deliver.filter as f\n"
        "f.TIME_LIMIT = f.LEAST_TIME = 0.3\n"
        "j.judge = lambda *_: time.sleep(30)\n"
        "sys.exit(f.run(f.Options(strict=len(sys.argv) > 1)))\n"
    )
    for arguments, wanted in (([], (0, REPORT)), (["strict"], (75, b""))):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            input=REPORT,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert (done.returncode, done.stdout) == wanted
        assert done.stderr.count(b"\n") == 1
        assert b"too long" in done.stderr


def test_the_time_limit_holds_where_the_caller_has_blocked_the_alarm(home):
    code = (
        "import sys, time; import classifier.deliver.judging as j; import classifier.deliver.filter as f\n"
        "f.TIME_LIMIT = f.LEAST_TIME = 0.3\n"
        "j.judge = lambda *_: [time.sleep(0.01) for _ in range(1000)]\n"
        "sys.exit(f.run(f.Options()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=REPORT, capture_output=True, timeout=20, check=False,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, REPORT)
    assert b"too long" in done.stderr


@pytest.mark.parametrize("error", ["f.OutOfTime('too late')", "RuntimeError('a bug')", "KeyboardInterrupt()"])
def test_an_error_at_the_wrong_moment_leaves_the_message_with_the_caller(home, error):
    """The alarm may go off just as judging ends; whatever else there is, the answer is 75 and one line."""
    code = (
        "import sys; import classifier.deliver.filter as f\n"
        f"def fails(*_): raise {error}\n"
        "f._pieces = fails\n"
        "from classifier.entry import main; sys.argv = ['backscatter', 'filter']; sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=REPORT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (75, b"")
    assert done.stderr.count(b"\n") == 1
    assert b"not delivered" in done.stderr


def test_debug_shows_where_it_failed_and_the_message_passes(home, monkeypatch):
    monkeypatch.setenv("BACKSCATTER_CONFIG", "absent.toml")
    done = run("--debug", stdin=REPORT)
    assert (done.returncode, done.stdout) == (0, REPORT)
    assert b"Traceback" in done.stderr
    assert b"passed on unchanged" in done.stderr


def test_no_home(home):
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        COMMAND, input=REPORT, capture_output=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, split(done.stdout)[1]) == (0, REPORT)
    for name, value in (
        ("HOME", str(home / "absent")),
        ("HOME", "relative"),
        ("XDG_CACHE_HOME", "/proc/none"),
    ):
        environment[name] = value
        done = subprocess.run(
            COMMAND, input=REPORT, capture_output=True, env=environment, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"Verdict" in split(done.stdout)[0]


def test_ordinary_mail_imports_next_to_nothing(home):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:]],
        input=ORDINARY,
        capture_output=True,
        timeout=60,
        check=True,
    )
    loaded = {line.rpartition(b"|")[2].strip() for line in done.stderr.splitlines()}
    assert b"classifier.parse.triage" in loaded
    assert not loaded & {
        b"click", b"mailparser", b"dns", b"numpy", b"sqlite3", b"email", b"dataclasses", b"datetime", b"tomllib",
        b"classifier.runtime", b"classifier.config", b"socket", b"ssl",
    }  # fmt: skip


def test_a_report_imports_no_heavy_library(home):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:]],
        input=REPORT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    loaded = {line.rpartition(b"|")[2].strip() for line in done.stderr.splitlines()}
    assert b"classifier.runtime" in loaded
    assert not loaded & {b"click", b"mailparser", b"dns", b"numpy", b"sklearn", b"dkim", b"spf", b"rich"}


@pytest.mark.parametrize("arguments", [["--no-such"], ["--envelope-from"], ["extra"]])
def test_usage_errors(home, arguments):
    done = run(*arguments, stdin=REPORT)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1


def test_help():
    done = run("--help", stdin=b"")
    assert done.returncode == 0
    assert b"--envelope-from" in done.stdout


NOTE = (
    b"From: bob@remote.test\nTo: anna@example.org\nSubject: your mail\nIn-Reply-To: <1@example.org>\n"
    b"\nI am away.\n"
)
#: Ordinary by its header section alone.
PLAIN_STATUS = b"From: bob@remote.test\nTo: anna@example.org\nSubject: your mail\n" + REPORT[
    REPORT.index(b"MIME") :
].replace(b"multipart/report; report-type=delivery-status", b"multipart/mixed")


@pytest.mark.parametrize(
    "message",
    [
        b"From MAILER-DAEMON Sun Mar  1 10:00:05 2026\n" + NOTE,
        b"From somebody Sun Mar  1 10:00:05 2026\n" + NOTE,
        PLAIN_STATUS,
        b"From nobody" + REPORT.replace(b"\n", b"\r"),
        # What decides stands behind the first 8 MB of a long letter of apology.
        REPORT.replace(b"I am sorry.\n", b"I am sorry.\n" * 800_000),
    ],
    ids=[
        "From_ line of the null sender",
        "From_ line of another",
        "status in a multipart/mixed",
        "bare CR",
        "large",
    ],
)
def test_odd_messages_are_what_classify_says(home, message):
    done = run("--strict", stdin=message)
    assert (done.returncode, done.stderr) == (0, b"")
    said = subprocess.run(
        [*COMMAND[:-1], "classify", "--json"], input=message, capture_output=True, timeout=60, check=True
    )
    found = json.loads(said.stdout)
    assert run("--check", stdin=message).returncode == (0 if found["verdict"] == "forged" else 1)
    if done.stdout != message:
        assert f"X-Backscatter-Kind: {found['kind']}\n".encode() in done.stdout
        assert f"X-Backscatter-Verdict: {found['verdict']}\n".encode() in done.stdout


def test_it_asks_dns_and_says_what_classify_says(home):
    scene = Scene("a", domain=careful_domain("a"))
    reports = [m.raw for m in mailbox(scene, ordinary=0, genuine=4, forged=4)]
    zone = Zone()
    for (name, record_type), records in scene.domain.dns.items():
        zone.add(name, record_type, *records)
    with DnsServer(zone) as server:
        (home / "config.toml").write_text(
            f'{identity_toml(scene.domain.identity)}\n[dns]\nnameservers = ["{server.address}"]\n'
            f'[store]\npath = "{home}/state.sqlite3"\n'
        )
        said = [split(run(stdin=raw).stdout)[0] for raw in reports]
        assert server.total > 0
        for raw, headers in zip(reports, said, strict=True):
            assert b"could not be checked" not in headers
            done = subprocess.run(
                [*COMMAND[:-1], "classify", "--json"], input=raw, capture_output=True, timeout=60, check=True
            )
            found = json.loads(done.stdout)
            assert f"X-Backscatter-Verdict: {found['verdict']}\n".encode() in headers

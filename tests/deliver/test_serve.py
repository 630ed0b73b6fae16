"""``backscatter serve`` asked by the real spamc, by many clients at once, and by hostile ones."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from classifier.config import load_config
from classifier.deliver import metrics, server
from classifier.deliver.judges import Found, InForce, Judge
from classifier.deliver.metrics import Metrics
from classifier.deliver.result_headers import ordinary
from classifier.deliver.spamd import RequestParser
from classifier.model.files import default_path
from classifier.parse.report import Envelope
from classifier.store.database import Database
from classifier.store.taught import TaughtMail
from tests.deliver.test_filter import split
from tests.mailbox.daemon import free_port
from tests.samples import CONFIG, ORDINARY, REPORT
from tests.support import require_program, server_folder

CRLF = REPORT.replace(b"\n", b"\r\n")
COMMAND = [sys.executable, "-m", "classifier"]
#: A client for another user.
ASKING = """
import socket, sys
where = sys.argv[1]
if where.startswith("/"):
    client = socket.socket(socket.AF_UNIX)
    client.connect(where)
else:
    host, _, port = where.rpartition(":")
    client = socket.create_connection((host.strip("[]"), int(port)))
client.sendall(sys.stdin.buffer.read())
client.shutdown(socket.SHUT_WR)
sys.stdout.buffer.write(client.makefile("rb").read())
"""


@pytest.fixture(params=["tcp", "unix"])
def served(request, tmp_path, monkeypatch):
    where = f"127.0.0.1:{free_port()}" if request.param == "tcp" else str(tmp_path / "s.sock")
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.replace('"state', f'"{tmp_path}/state') + f'[serve]\nspamd = "{where}"\n')
    config.chmod(0o600)
    monkeypatch.setenv("BACKSCATTER_CONFIG", str(config))
    with subprocess.Popen([*COMMAND, "serve"], stderr=subprocess.PIPE) as process:
        line = process.stderr.readline()
        assert b"serving at" in line, line + process.stderr.read()
        yield Served(where, process, config)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert b"Traceback" not in process.stderr.read()


class Served:
    def __init__(self, where, process, config):
        self.where, self.process, self.config = where, process, config

    def connect(self):
        if "/" in self.where:
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.where)
        else:
            host, port = self.where.split(":")
            client = socket.create_connection((host, int(port)))
        client.settimeout(30)
        return client

    def ask(self, data, *, end=True):
        with self.connect() as client:
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := client.recv(65_536):
                answer += chunk
        return answer

    def spamc(self, *arguments, message):
        place = (
            ["-U", self.where] if "/" in self.where else ["-d", "127.0.0.1", "-p", self.where.split(":")[1]]
        )
        return subprocess.run(
            [require_program("spamc"), *place, *arguments],
            input=message,
            capture_output=True,
            timeout=60,
            check=False,
        )


def request(command, message, *headers, version="1.5"):
    head = [f"{command} SPAMC/{version}", f"Content-length: {len(message)}", *headers]
    return "\r\n".join((*head, "", "")).encode() + message


def test_spamc(served):
    done = served.spamc("-c", message=REPORT)
    assert done.returncode == 1  # spam
    score = float(done.stdout.split(b"/")[0])
    assert score >= 5
    assert served.spamc("-c", message=ORDINARY).returncode == 0
    added, rest = split(served.spamc(message=REPORT).stdout)
    assert rest == REPORT
    assert b"X-Backscatter-Verdict: forged" in added
    assert b"ADDRESS_NEVER_SENDS" in served.spamc("-y", message=REPORT).stdout
    assert b"never sends mail" in served.spamc("-R", message=REPORT).stdout
    assert served.spamc("-K", message=b"").returncode == 0


def test_spamc_with_its_options(served):
    for options in (
        [],
        ["--headers"],
        ["-E"],
        ["-u", "anna"],
        ["-t", "30"],
        ["-H"],
        ["-n", "5"],
    ):
        for message, verdict in ((REPORT, b"forged"), (ORDINARY, b"not-a-report"), (CRLF, b"forged")):
            done = served.spamc(*options, message=message)
            added, rest = split(done.stdout)
            assert rest == message, options
            assert added.startswith(b"X-Backscatter-Verdict: " + verdict)
            assert done.returncode == (verdict == b"forged" if "-E" in options else 0)
    assert b"never sends mail" in served.spamc("-r", message=REPORT).stdout
    assert b"verdict" not in served.spamc("-r", message=ORDINARY).stdout
    assert served.spamc("-s", "100", message=REPORT).stdout == REPORT  # too large for its client
    served.process.send_signal(signal.SIGTERM)
    served.process.wait(30)
    done = served.spamc("--connect-retries=1", message=REPORT)
    assert (done.returncode, done.stdout) == (0, REPORT)
    assert served.spamc("-x", "--connect-retries=1", message=REPORT).returncode != 0


def test_every_command(served):
    assert served.ask(b"PING SPAMC/1.5\r\n\r\n") == b"SPAMD/1.5 0 PONG\r\n"
    assert served.ask(b"SKIP SPAMC/1.5\r\n\r\n") == b""
    assert b"Spam: True ; " in served.ask(request("CHECK", REPORT))
    assert b"Spam: False ; " in served.ask(request("CHECK", ORDINARY))
    headers = served.ask(request("HEADERS", REPORT)).partition(b"\r\n\r\n")[2]
    assert headers.startswith(b"X-Backscatter-Verdict: forged")
    assert b"I am sorry" not in headers
    assert served.ask(request("REPORT_IFSPAM", ORDINARY)).endswith(b"\r\n\r\n")
    deflated = zlib.compress(REPORT)
    assert b"Spam: True" in served.ask(request("CHECK", deflated, "Compress: zlib"))
    assert b"Spam: True" in served.ask(request("CHECK", REPORT, version="1.2"))


def test_every_version_is_answered_as_spamd_answers(served):
    """Exim asks in 1.2 and wants the verdict right below the first line; Haraka sends no length."""
    for version, command, wanted in (
        ("1.2", "REPORT", rb"SPAMD/1\.1 0 EX_OK\r\nSpam: True ; [0-9.]+ / 5\.0\r\n\r\nverdict: forged"),
        ("1.2", "CHECK", rb"SPAMD/1\.1 0 EX_OK\r\nSpam: True ; [0-9.]+ / 5\.0\r\n\r\n$"),
        ("1.2", "PROCESS", rb"SPAMD/1\.1 0 EX_OK\r\nContent-length: [0-9]+\r\n\r\nX-Backscatter-Verdict: forged"),
        ("1.3", "SYMBOLS", rb"SPAMD/1\.1 0 EX_OK\r\nContent-length: [0-9]+\r\nSpam: True ; [0-9.]+ / 5\.0\r\n\r\nBACK"),
        ("1.4", "REPORT_IFSPAM", rb"SPAMD/1\.1 0 EX_OK\r\nContent-length: [0-9]+\r\nSpam: Yes ; [0-9.]+ / 5\.0\r\n"),
        ("1.5", "HEADERS", rb"SPAMD/1\.1 0 EX_OK\r\nContent-length: [0-9]+\r\nSpam: True ; [0-9.]+ / 5\.0\r\n\r\nX-"),
    ):  # fmt: skip
        assert re.match(wanted, served.ask(request(command, REPORT, "User: anna", version=version))), command
    headers = b"HEADERS SPAMC/1.4\r\nUser: default\r\n\r\nX-Envelope-From: \r\nX-Haraka-UUID: 1\r\n"
    assert b"\r\nSpam: True ; " in served.ask(headers + REPORT.replace(b"\n", b"\r\n"))


def test_learning(served):
    learnt, known = b"Message successfully un/learned\n", b"Message was already un/learned\n"
    assert served.spamc("-L", "spam", message=REPORT).stdout == learnt
    assert served.spamc("-L", "spam", message=REPORT).stdout == known
    assert served.spamc("-L", "ham", message=REPORT.replace(b"\n", b"\r\n")).stdout == learnt
    assert served.spamc("-L", "spam", message=ORDINARY).stdout == known
    with Database.open(served.config.parent / "state.sqlite3", readonly=True) as database:
        [taught] = TaughtMail(database).messages()
    assert (taught.raw, taught.is_forged) == (REPORT.replace(b"\n", b"\r\n"), False)
    assert served.spamc("-L", "forget", message=REPORT).stdout == learnt
    assert served.spamc("-L", "forget", message=REPORT).stdout == known
    assert served.ask(request("TELL", REPORT, "Set: remote", "Message-class: spam")).startswith(
        b"SPAMD/1.0 69 "
    )
    assert served.ask(request("TELL", REPORT, "Set: local", "Message-class: eggs")).startswith(
        b"SPAMD/1.0 64 "
    )


def test_clients_that_send_a_byte_a_second_hold_up_nobody(served):
    slow = [served.connect() for _ in range(40)]
    for client in slow:
        client.sendall(request("CHECK", REPORT)[:-5])
    began = time.monotonic()
    for _ in range(20):
        assert b"Spam: True" in served.ask(request("CHECK", REPORT))
    assert time.monotonic() - began < 5
    for client in slow:
        client.sendall(request("CHECK", REPORT)[-5:])
    for client in slow:
        assert b"Spam: True" in client.recv(65_536)
        client.close()


def test_a_client_that_reads_slowly_gets_all_of_it(served):
    message = REPORT + b"x" * 3_000_000
    with served.connect() as client:
        client.sendall(request("PROCESS", message))
        time.sleep(0.5)
        assert b"Spam: True" in served.ask(request("CHECK", REPORT))
        answer = b""
        while chunk := client.recv(100_000):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-length: {len(body)}".encode() in head
    assert split(body)[1] == message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"CHECK SPAMC/9.9\r\n\r\nx",
        b"CHECK SPAMC/1.5\r\nContent-length: 5\r\n\r\nx",
        b"CHECK SPAMC/1.5\r\nContent-length: 1\r\n\r\nxyz",
        b"CHECK SPAMC/1.5\r\nContent-length: -1\r\n\r\nx",
        b"CHECK SPAMC/1.5\r\nContent-length: 99999999999\r\n\r\nx",
        b"CHECK SPAMC/1.5\r\nCompress: zlib\r\n\r\nno zlib",
        b"CHECK SPAMC/1.5\r\n" + b"A: b\r\n" * 10_000,
        b"\xff" * 5000,
    ],
)
def test_what_is_no_request_is_refused_and_the_next_one_answered(served, data):
    answer = served.ask(data)
    assert answer.startswith(b"SPAMD/1.0 ")
    assert not answer.startswith(b"SPAMD/1.0 0 ")
    assert served.ask(b"PING SPAMC/1.5\r\n\r\n").endswith(b"PONG\r\n")


def test_clients_that_hang_up_or_hang(served):
    for part in (10, 100, 400):
        with served.connect() as client:
            client.sendall(request("CHECK", REPORT)[:part])
    slow = served.connect()
    slow.sendall(b"CHECK")
    assert served.ask(b"PING SPAMC/1.5\r\n\r\n").endswith(b"PONG\r\n")
    slow.close()


def test_a_thousand_requests_of_sixty_four_clients(served):
    messages = [
        request("CHECK", REPORT.replace(b"<r1@", b"<r%d@" % n) if n % 2 else ORDINARY) for n in range(1_000)
    ]
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(served.ask, messages))
    assert [b"Spam: True" in a for a in answers] == [n % 2 == 1 for n in range(1_000)]


def test_the_filter_asks_the_server(served):
    done = subprocess.run([*COMMAND, "filter"], input=REPORT, capture_output=True, timeout=60, check=True)
    by_server = split(done.stdout)
    assert by_server[1] == REPORT
    assert b"Verdict: forged" in by_server[0]
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], "filter"], input=REPORT, capture_output=True, timeout=60, check=True
    ).stderr  # fmt: skip
    assert b"classifier.deliver.client" in loaded
    assert b"classifier.runtime" not in loaded


def test_reload_drops_no_connection(served):
    half = request("CHECK", REPORT)
    with served.connect() as client:
        client.sendall(half[:-9])
        served.process.send_signal(signal.SIGHUP)
        assert b"read again" in served.process.stderr.readline()
        client.sendall(half[-9:])
        assert b"Spam: True" in client.recv(65_536)


def test_a_new_model_judges_at_once_and_a_broken_one_never(tmp_path):
    """What `train` puts in place is taken up without a signal; one that is broken is told, and not used."""
    (tmp_path / "config.toml").write_text(CONFIG.replace('"state', f'"{tmp_path}/state'))
    config, told = load_config(str(tmp_path / "config.toml")), []
    in_force = InForce(config, told.append)
    judge = Judge(in_force)
    envelope = Envelope()
    first, usual = judge.judge(REPORT, envelope).values, judge.runtime.model.name
    default = Path(default_path()).read_text()
    own = tmp_path / "model.json"
    for text, name in (
        (default.replace('"name": "', '"name": "another-', 1), f"another-{usual}"),
        (default[:999], usual),
    ):
        own.write_text(text)
        assert judge.judge(REPORT, envelope).values == first
        assert judge.runtime.model.name == name
        in_force.reload(config)
        assert judge.judge(REPORT, envelope).values == first
        assert judge.runtime.model.name == name
    # Once as it is taken up, and once as it is read again; not for each report.
    assert ["model refused" in line for line in told] == [True, True]
    judge.close()


def test_reload(served):
    text = served.config.read_text()
    served.config.write_text(text.replace('["trap@example.org"]', "[]"))
    served.process.send_signal(signal.SIGHUP)
    assert b"read again" in served.process.stderr.readline()
    assert b"Spam: False" in served.ask(request("CHECK", REPORT))
    served.config.write_text("[identity]\nnonsense = 1\n")
    served.process.send_signal(signal.SIGHUP)
    assert b"from before stays" in served.process.stderr.readline()
    assert b"Spam: False" in served.ask(request("CHECK", REPORT))


def test_metrics_and_health(tmp_path):
    config = tmp_path / "config.toml"
    page = free_port()
    config.write_text(
        CONFIG.replace('"state', f'"{tmp_path}/state')
        + f'[serve]\nspamd = "{tmp_path}/s.sock"\nmetrics = "127.0.0.1:{page}"\n'
    )
    config.chmod(0o600)
    with subprocess.Popen([*COMMAND, "--config", config, "serve"], stderr=subprocess.PIPE) as process:
        assert b"serving at" in process.stderr.readline()
        served = Served(str(tmp_path / "s.sock"), process, config)
        for message in (REPORT, ORDINARY, ORDINARY):
            served.ask(request("CHECK", message))
        served.ask(b"nonsense")
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/healthz", timeout=10) as answer:
            assert (answer.status, answer.read()) == (200, b"ok\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{page}/etc/passwd", timeout=10)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert 'backscatter_messages_total{way="spamd",verdict="forged"} 1\n' in text
    assert 'backscatter_messages_total{way="spamd",verdict="not-a-report"} 2\n' in text
    assert 'backscatter_requests_total{command="CHECK",status="0"} 3\n' in text
    assert 'backscatter_requests_total{command="none",status="76"} 1\n' in text
    assert "backscatter_request_seconds_count 4\n" in text


def test_a_socket_of_systemd(tmp_path):
    """As sd_listen_fds(3) hands it over: descriptor 3, LISTEN_PID, LISTEN_FDS."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.replace('"state', f'"{tmp_path}/state'))
    config.chmod(0o600)
    starter = (
        "import os, socket, sys\n"
        f"s = socket.socket(socket.AF_UNIX); s.bind({str(tmp_path / 'a.sock')!r}); s.listen()\n"
        "os.dup2(s.fileno(), 3)\n"
        "os.set_inheritable(3, True)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
    )
    command = [sys.executable, "-c", starter, *COMMAND[1:], "--config", str(config), "serve"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert b"socket of systemd" in process.stderr.readline()
        served = Served(str(tmp_path / "a.sock"), process, config)
        assert b"Spam: True" in served.ask(request("CHECK", REPORT))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_stopping_answers_what_was_accepted(served):
    with served.connect() as client:
        client.sendall(request("CHECK", REPORT)[:-1])
        time.sleep(0.5)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        client.sendall(request("CHECK", REPORT)[-1:])
        client.shutdown(socket.SHUT_WR)
        assert b"Spam: True" in client.recv(65_536)
    assert served.process.wait(30) == 0


def test_bad_addresses(tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[identity]\ndomains = ["example.org"]\n')
    config.chmod(0o600)
    for arguments in (
        ["serve"],
        ["serve", "--spamd", "nowhere"],
        ["serve", "--spamd", "/no/such/place/s.sock"],
    ):
        done = subprocess.run(
            [*COMMAND, "--config", str(config), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


def test_who_may_teach(tmp_path):
    """By default root and the server's own user; the system tells who is at the other end."""
    if os.geteuid() != 0:
        pytest.skip("another user is played by root only")
    other = pwd.getpwnam("nobody")
    place = server_folder("tell")
    for tell, where, taught in (
        ("own", f"127.0.0.1:{free_port()}", False),
        ("own", f"[::1]:{free_port()}", False),
        ("own", f"{place}/s.sock", False),
        ("all", f"{place}/s.sock", True),
        ("none", f"{place}/s.sock", False),
    ):
        config = tmp_path / "config.toml"
        config.write_text(
            CONFIG.replace('"state', f'"{tmp_path}/state') + f'[serve]\nspamd = "{where}"\ntell = "{tell}"\n'
        )
        config.chmod(0o600)
        message = request("TELL", REPORT, "Set: local", "Message-class: spam")
        # Debian's own Python: that of the tests may lie where another user does not come.
        asking = ["/usr/bin/python3", "-c", ASKING, where]
        with subprocess.Popen([*COMMAND, "--config", config, "serve"], stderr=subprocess.PIPE) as process:
            try:
                assert b"serving at" in process.stderr.readline()
                if "/" in where:
                    Path(where).chmod(0o666)
                theirs, own = (
                    subprocess.run(asking, input=message, capture_output=True, check=True, timeout=60, **user).stdout
                    for user in ({"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}, {})
                )  # fmt: skip
            finally:
                process.send_signal(signal.SIGTERM)
        assert theirs.startswith(b"SPAMD/1.1 0 " if taught else b"SPAMD/1.0 69 "), (tell, where)
        assert own.startswith(b"SPAMD/1.0 69 " if tell == "none" else b"SPAMD/1.1 0 "), (tell, where)
    shutil.rmtree(place)


class Waiting:
    """A judge whose every second message has a nameserver that does not answer."""

    seconds = 5.0

    def __init__(self, in_force):
        pass

    def judge(self, message, envelope):
        if b"tarpit" in message:
            time.sleep(self.seconds)
        return Found(ordinary())

    def flush(self):
        pass

    close = flush


@pytest.fixture
def waiting_server(monkeypatch):
    monkeypatch.setattr(server, "Judge", Waiting)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = server.Server(InForce(None, print), listener, 2, Metrics())
        thread = threading.Thread(target=running.run)
        thread.start()
        yield Served(f"127.0.0.1:{listener.getsockname()[1]}", None, None), running
        running.stop()
        thread.join(30)
        assert not thread.is_alive()


def test_messages_that_wait_for_nameservers_do_not_stall_the_others(waiting_server):
    served, running = waiting_server
    with ThreadPoolExecutor(20) as pool:
        slow = [pool.submit(served.ask, request("CHECK", b"tarpit")) for _ in range(6)]
        began = time.monotonic()
        for each in [pool.submit(served.ask, request("CHECK", ORDINARY)) for _ in range(10)]:
            assert b"Spam: False" in each.result()
        assert time.monotonic() - began < 10  # two workers alone: 15
        assert all(b"Spam: False" in each.result() for each in slow)
    assert running.ailing() is None


def test_a_message_that_is_judged_for_too_long_is_answered_all_the_same(waiting_server, monkeypatch):
    monkeypatch.setattr(server, "JUDGING_TIME", 0.5)
    served, _ = waiting_server
    began = time.monotonic()
    assert served.ask(request("CHECK", b"tarpit")).startswith(b"SPAMD/1.0 79 EX_TIMEOUT")
    assert time.monotonic() - began < 2.5
    time.sleep(5 - (time.monotonic() - began))
    assert b"Spam: False" in served.ask(request("CHECK", ORDINARY))


def test_connections_that_say_nothing_make_room_where_it_is_scarce(waiting_server, monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 20)
    monkeypatch.setattr(server, "CROWDED_TIME", 0.5)
    served, _ = waiting_server
    idle = [served.connect() for _ in range(30)]
    began = time.monotonic()
    assert b"Spam: False" in served.ask(request("CHECK", ORDINARY))
    assert time.monotonic() - began < 5
    for client in idle:
        client.close()


def test_what_is_taught_is_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("classifier.store.taught.MAX_KEPT", 250_000)
    with Database.open(tmp_path / "s.sqlite3") as database:
        taught = TaughtMail(database)
        for number in range(5):
            raw = os.urandom(100_000)
            assert taught.teach(bytes([number]), raw, "forged", datetime(2026, 1, 1 + number, tzinfo=UTC))
        assert [each.at.day for each in taught.messages()] == [4, 5]


def test_the_page_of_counts_has_room_for_clients_that_say_nothing(monkeypatch):
    monkeypatch.setattr(metrics, "_REQUEST_TIME", 0.5)
    monkeypatch.setattr(metrics, "MAX_CLIENTS", 4)
    page = metrics.Page(("127.0.0.1", 0), lambda: "counts\n", lambda: None)
    page.start()
    before = threading.active_count()
    idle = [socket.create_connection(page.server_address) for _ in range(20)]
    time.sleep(0.3)
    assert threading.active_count() - before <= 2 * 4
    for client in idle[:4]:
        client.sendall(b"G")  # a byte now and then does not help
    time.sleep(0.7)
    url = f"http://127.0.0.1:{page.server_address[1]}/healthz"
    assert urllib.request.urlopen(url, timeout=5).read() == b"ok\n"
    for client in idle:
        client.close()
    page.shutdown()
    page.server_close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_request_may_have_no_header(end):
    parser = RequestParser(1_000)
    parser.feed(b"CHECK SPAMC/1.2" + end + end + b"Subject: x\n\nhi\n")
    parser.end()
    assert (parser.request.headers, parser.request.body) == ({}, b"Subject: x\n\nhi\n")


def test_an_address_with_what_python_calls_a_line_end():
    parser = RequestParser(1_000)
    parser.feed(
        "CHECK SPAMC/1.5\r\nX-Envelope-To: a\u2028b\x0bc@d.test\r\nContent-length: 1\r\n\r\nx".encode()
    )
    assert parser.request.headers["x-envelope-to"] == "a\u2028b\x0bc@d.test"

"""``backscatter doctor``: configuration, DNS, Maildir, and mail servers of good and bad habits."""

from __future__ import annotations

import contextlib
import json
import re
import socketserver
import subprocess
import sys
import threading
import time

import pytest

from tests.dnsserver import DnsServer, Zone


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "classifier", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def configure(tmp_path, more="", dns="enabled = false", identity=""):
    for part in ("tmp", "new", "cur"):
        (tmp_path / "Maildir" / part).mkdir(parents=True, exist_ok=True)
    path = tmp_path / "config.toml"
    path.write_text(
        f'[identity]\ndomains = ["example.org"]\n{identity}\n[dns]\n{dns}\n[store]\npath = "state.sqlite3"\n'
        f'[accounts.main]\nmaildir = "{tmp_path}/Maildir"\n{more}\n'
    )
    path.chmod(0o600)
    return path


def findings(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_sound_configuration(tmp_path):
    done = run("--config", configure(tmp_path), "doctor", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = findings(done)
    assert {f["level"] for f in found} <= {"good", "advice"}
    assert any(f["about"] == "account main" and f["what"] == "can be opened" for f in found)
    assert any(f["about"] == "ledger" and f["level"] == "advice" for f in found)
    assert not (tmp_path / "state.sqlite3").exists()
    assert not (tmp_path / "Maildir" / ".Backscatter").exists()


def test_what_is_wrong_is_told_with_a_remedy(tmp_path):
    path = configure(tmp_path, 'folders = ["INBOX", "Absent"]')
    path.chmod(0o644)
    done = run("--config", path, "doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "chmod 600" in done.stdout
    assert "no folder Absent\n        correct 'folders'" in done.stdout


def test_a_mailbox_that_cannot_be_opened(tmp_path):
    path = configure(tmp_path)
    path.write_text(path.read_text().replace("/Maildir", "/Nowhere"))
    done = run("--config", path, "doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "wrong   account main:" in done.stdout


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        (["v=spf1 mx -all"], "good", "v=spf1 mx -all"),
        (["v=spf1 mx ~all"], "advice", "-all"),
        (["v=spf1 +all"], "wrong", "lets everybody pass"),
        (["v=spf1 -all", "v=spf1 mx -all"], "wrong", "2 records"),
        ([], "advice", "no record"),
        (["v=spf10 -all"], "advice", "no record"),
    ],
)
def test_what_the_domain_publishes(tmp_path, records, level, words):
    zone = Zone()
    zone.add("example.org", "TXT", *records)
    zone.add("_dmarc.example.org", "TXT", "v=DMARC1; p=none")
    with DnsServer(zone) as server:
        path = configure(tmp_path, dns=f'nameservers = ["{server.address}"]')
        found = findings(run("--config", path, "doctor", "--json", cwd=tmp_path))
    [spf] = [f for f in found if f["about"] == "SPF of example.org"]
    assert spf["level"] == level
    assert words in spf["what"] + spf["remedy"]
    [dmarc] = [f for f in found if f["about"] == "DMARC of example.org"]
    assert dmarc["level"] == "advice"


def test_a_silent_nameserver(tmp_path):
    with DnsServer(Zone(), mode="silent") as server:
        path = configure(tmp_path, dns=f'nameservers = ["{server.address}"]\ntimeout = 0.2')
        done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert any(f["about"] == "dns" and "no answer about example.org" in f["what"] for f in findings(done))


class _Smtp(socketserver.StreamRequestHandler):
    """A mail server that answers RCPT as its test wants; what it was told is kept."""

    def handle(self):
        self.wfile.write(b"220 mx.test ESMTP\r\n")
        for line in self.rfile:
            self.server.told.append(line.decode().strip())
            word = line[:4].upper()
            if word == b"RCPT":
                address = re.search(rb"<(.*)>", line)[1].decode()
                answers = self.server.answers
                default = answers["own" if address.endswith("example.org") else "other"]
                answer = answers.get(address.partition("@")[0], default)
                if answer is None:
                    return
                self.wfile.write(answer.encode() + b"\r\n")
            elif word == b"MAIL":
                self.wfile.write(self.server.answers.get("MAIL", "250 ok").encode() + b"\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def smtp():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        server.daemon_threads = True
        server.told = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("own", "other", "status", "levels"),
    [
        ("550 5.1.1 no such user", "554 5.7.1 relay denied", 0, ["good", "good"]),
        ("250 ok", "554 5.7.1 relay denied", 1, ["wrong", "good"]),
        ("450 4.2.0 greylisted", "554 relay denied", 0, ["advice", "good"]),
        ("550 no", "250 ok", 1, ["good", "wrong"]),
    ],
)
def test_a_mail_server_is_asked_and_never_sent_to(tmp_path, smtp, *, own, other, status, levels):
    smtp.answers = {"own": own, "other": other}
    path = configure(tmp_path)
    done = run(
        "--config", path, "doctor", "--json", "--server", f"127.0.0.1:{smtp.server_address[1]}", cwd=tmp_path
    )
    assert done.returncode == status
    told = [f for f in findings(done) if f["about"].startswith("server") and "STARTTLS" not in f["what"]]
    assert [f["level"] for f in told] == levels
    assert not any(line.upper().startswith("DATA") for line in smtp.told)
    assert all("<>" in line for line in smtp.told if line.upper().startswith("MAIL"))
    assert smtp.told[-1].upper() == "QUIT"


BLOCKED = "554 5.7.1 Service unavailable; client host [192.0.2.9] blocked using a list"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        # Refused for who asks: of the recipient nothing is known, nor of relaying.
        ({"own": BLOCKED, "other": BLOCKED}, ["nothing could be learnt: 554"]),
        ({"own": "550 no", "other": "550 no"}, ["nothing could be learnt: 550"]),
        ({"own": "550 5.1.1 no such user: blocked by a list", "other": BLOCKED}, ["nothing could be learnt"]),
        (
            {"own": "554 relay denied", "other": "554 relay denied"},
            ["nothing could be learnt", "does not relay"],
        ),
        ({"own": "554 no", "postmaster": "450 later", "other": "554 no"}, ["nothing could be learnt"]),
        (
            {"own": "554 no", "postmaster": None, "other": "554 no"},
            ["nothing could be learnt", "does not say"],
        ),
        # Refused for who it is, since others are taken.
        ({"own": "554 no", "postmaster": "250 ok", "other": "554 no"}, ["refuses no-such", "does not relay"]),
        ({"own": "550 5.1.1 unknown user", "other": "550 x"}, ["refuses no-such", "does not relay"]),
        ({"own": "550 5.1.1 unknown user", "other": "450 x"}, ["refuses no-such", "does not say"]),
        ({"own": "450 x", "other": "450 x"}, ["puts no-such", "does not say"]),
        ({"MAIL": "550 null sender refused", "own": "", "other": ""}, ["MAIL FROM:<> gives 550"]),
        ({"MAIL": "530 5.7.0 log in first", "own": "", "other": ""}, ["MAIL FROM:<> gives 530"]),
        ({"MAIL": "451 later", "own": "", "other": ""}, ["MAIL FROM:<> gives 451"]),
        ({"own": None, "other": None}, ["gives no answer"]),
        ({"own": "what?", "other": "250 ok"}, ["gives no answer"]),
    ],
)
def test_nothing_is_good_that_was_not_learnt(smtp, answers, told):
    from classifier.checkup.server import probe

    smtp.answers = answers
    found = list(probe(f"127.0.0.1:{smtp.server_address[1]}", "example.org", None))[1:]
    assert len(found) == len(told)
    for finding, words in zip(found, told, strict=True):
        assert words in finding.what
        assert (finding.level == "good") == words.startswith(("refuses", "does not relay"))
        assert finding.level in {"good", "advice"}
        assert finding.remedy or finding.level == "good"


def test_a_domain_in_letters_of_other_languages(tmp_path, smtp):
    smtp.answers = {"own": "", "other": "550 5.1.1 no such user"}
    server = f"127.0.0.1:{smtp.server_address[1]}"
    done = run(
        "--config",
        configure(tmp_path),
        "doctor",
        "--server",
        server,
        "--domain",
        "münchen.example",
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert "@xn--mnchen-3ya.example in the session" in done.stdout


@pytest.mark.parametrize("said", [b"220-x\r\n", b"2"])
def test_a_server_that_does_not_end(monkeypatch, said):
    from classifier.checkup import server as asked

    class Endless(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                while True:
                    self.request.sendall(said * (1_000 if len(said) > 1 else 1))
                    time.sleep(0.01)

    monkeypatch.setattr(asked, "LIMIT", 5 if len(said) > 1 else 0.5)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Endless) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started = time.monotonic()
        [finding] = asked.probe(f"127.0.0.1:{server.server_address[1]}", "example.org", None)
        assert time.monotonic() - started < 4
        assert ("lines of answers" if len(said) > 1 else "does not come to an end") in finding.what
        server.shutdown()


def test_a_greeting_that_refuses_is_told():
    from classifier.checkup.server import probe

    class Refusing(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"554 no service for you\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        [finding] = probe(f"127.0.0.1:{server.server_address[1]}", "example.org", None)
        assert finding.what == "refuses to be asked, so nothing could be learnt: 554 no service for you"
        server.shutdown()


def test_a_server_that_is_not_there(tmp_path):
    done = run("doctor", "--server", "127.0.0.1:9", "--recipient", "nobody@example.org", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be asked" in done.stdout
    assert run("doctor", "--server", "127.0.0.1:x", "--recipient", "a@b.test", cwd=tmp_path).returncode == 2
    for host in ("a..b", ".x", "a" * 70 + ".test"):
        done = run("doctor", "--server", host, "--recipient", "a@b.test", cwd=tmp_path)
        assert done.returncode == 2
        assert f"'{host}' is no host name" in done.stderr

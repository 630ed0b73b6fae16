"""``backscatter doctor``: configuration, DNS, Maildir, and mail servers of good and bad habits."""

from __future__ import annotations

import json
import re
import socketserver
import subprocess
import sys
import threading

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
                answer = self.server.answers["own" if address.endswith("example.org") else "other"]
                self.wfile.write(answer.encode() + b"\r\n")
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


def test_a_server_that_is_not_there(tmp_path):
    done = run("doctor", "--server", "127.0.0.1:9", "--recipient", "nobody@example.org", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be asked" in done.stdout
    assert run("doctor", "--server", "127.0.0.1:x", "--recipient", "a@b.test", cwd=tmp_path).returncode == 2

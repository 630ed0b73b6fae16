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

from classifier.ingest.entries import LedgerRecord
from classifier.store.database import Database
from classifier.store.journal import Journal, Move, Purpose
from classifier.store.ledger import SqliteLedger
from classifier.store.lock import Lock
from tests.dnsserver import DnsServer, Zone
from tests.mailbox.daemon import PASSWORD


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


def test_nobody_is_told_to_publish_for_his_provider(tmp_path):
    with DnsServer(Zone()) as dns:
        path = configure(tmp_path, dns=f'nameservers = ["{dns.address}"]')
        path.write_text(path.read_text().replace('["example.org"]', '["gmail.com"]'))
        found = findings(run("--config", path, "doctor", "--json", cwd=tmp_path))
    [told] = [f for f in found if "gmail.com" in f["about"]]
    assert (told["level"], told["about"]) == ("good", "DNS of gmail.com")


def test_a_silent_nameserver(tmp_path):
    with DnsServer(Zone(), mode="silent") as server:
        path = configure(tmp_path, dns=f'nameservers = ["{server.address}"]\ntimeout = 0.2')
        done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert any(f["about"] == "dns" and "no answer about example.org" in f["what"] for f in findings(done))


ACCOUNT = {
    "imap": '"imaps://localhost:{tls}"',
    "username": '"{user}"',
    "password": '{{ file = "password" }}',
    "ca_file": '"{ca}"',
}


def examined(server, tmp_path, *, identity="", dns="enabled = false", more="", raw=None, **account):
    """Run doctor for an account on a real server, some of whose keys are broken; return status and findings."""
    user = server.user()
    user.deliver(b"From: anna@example.org\nSubject: x\n\nx\n", "Sent")
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    place = {"tls": server.tls_port, "user": user.name, "ca": server.ca_file}
    keys = {**{k: v.format(**place) for k, v in ACCOUNT.items()}, **account}
    path = tmp_path / "config.toml"
    path.write_text(
        f'[identity]\ndomains = ["example.org"]\n{identity}\n[dns]\n{dns}\n[accounts.main]\n'
        + "".join(f"{key} = {value}\n" for key, value in keys.items())
        + (more or f'[store]\npath = "{tmp_path}/state.sqlite3"\n')
    )
    path.chmod(0o600)
    before = server.census(user)
    done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert done.stderr == ""
    assert server.census(user) == before
    return done.returncode, findings(done)


def test_a_sound_account_on_a_real_server(server, tmp_path):
    status, found = examined(server, tmp_path)
    assert status == 0
    told = [f["what"] for f in found if f["about"] == "account main"]
    assert told == [
        "can be opened",
        "folder Backscatter will be made when it is first needed",
        "sent mail is in Sent",
    ]
    assert not (tmp_path / "state.sqlite3").exists()


@pytest.mark.parametrize(
    ("account", "what", "remedy"),
    [
        ({"password": '{ file = "nowhere" }'}, "/nowhere (No such file", "check accounts.main.password"),
        ({"password": '{ command = "false" }'}, "false ended with status 1", "check accounts.main.password"),
        ({"password": '{ env = "NOT_SET" }'}, "NOT_SET is not set", "set NOT_SET"),
        ({"password": '{ command = "echo wrong" }'}, "the login is refused", "check username and password"),
        (
            {"username": '"somebody else"', "password": '{ command = "echo wrong" }'},
            "refused",
            "check username",
        ),
        ({"ca_file": '"nowhere.pem"'}, "cannot read the authorities", "check ca_file"),
        ({"imap": '"imaps://localhost:9"'}, "is not reached", "check imap"),
        ({"folders": '["INBOX", "Nope"]'}, "no folder Nope", "there are Sent, INBOX"),
        ({"quarantine": '"Sent"'}, "is where sent mail goes", "a folder of its own"),
        ({"quarantine": '"Papierkorb"'}, "is where deleted mail goes", "a folder of its own"),
        ({"sent": '"Nope"'}, "no folder Nope", "correct 'sent'"),
    ],
)
def test_each_key_of_an_account(server, tmp_path, account, what, remedy):
    status, found = examined(server, tmp_path, **account)
    assert status == 1
    wrong = [f for f in found if f["level"] == "wrong"]
    assert [f["about"] for f in wrong] == ["account main"]
    assert what in wrong[0]["what"]
    assert remedy in wrong[0]["remedy"]


def test_a_folder_under_another_name_is_the_same_folder(dotted_server, tmp_path):
    user = dotted_server.user()
    user.deliver(b"Subject: x\n\nx\n", "Backscatter")
    status, found = examined(
        dotted_server,
        tmp_path,
        username=f'"{user.name}"',
        folders='["INBOX.Backscatter"]',
        quarantine='"Backscatter"',
    )
    assert status == 1
    assert any("INBOX.Backscatter is one of the folders looked through" in f["what"] for f in found)


def test_a_password_that_others_may_read(server, tmp_path):
    (tmp_path / "open").write_text(PASSWORD)
    (tmp_path / "open").chmod(0o644)
    status, found = examined(server, tmp_path, password=f'{{ file = "{tmp_path}/open" }}')
    assert status == 1
    [wrong] = [f for f in found if f["level"] == "wrong"]
    assert wrong["remedy"] == f"chmod 600 {tmp_path}/open"


@pytest.mark.parametrize(
    ("identity", "level", "about", "what"),
    [
        ('senders = ["anna@other.test"]', "advice", "identity.senders", "anna@other.test"),
        ('never_send = ["*@other.test"]', "advice", "identity.never_send", "*@other.test"),
        ("batv_since = 2026-01-01", "wrong", "identity.batv_since", "means nothing without batv_keys"),
        ('batv_keys = { "0" = "x" }\nbatv_since = 2199-01-01', "advice", "identity.batv_since", "2199"),
        ("[ledger]\ncomplete_since = 2026-01-01", "wrong", "ledger", "though complete_since"),
        ("[ledger]\ncomplete_since = 2199-01-01", "advice", "ledger.complete_since", "2199"),
        ('[tenants.one]\ndomains = ["one.test"]', "good", "tenants.one", "one.test"),
        (
            '[tenants.one]\ndomains = ["one.test"]\nsenders = ["a@example.org"]',
            "advice",
            "tenants.one.senders",
            "a@example.org",
        ),
        ('[serve]\nspamd = "/nowhere/spamd.sock"', "wrong", "serve.spamd", "no folder /nowhere"),
        ('[serve]\nspamd = "/etc/passwd"', "wrong", "serve.spamd", "no socket"),
        ('[serve]\nmetrics = "192.0.2.1:80"', "wrong", "serve.metrics", "no address of this machine"),
        ('[serve]\nmetrics = "127.0.0.1:80"', "good", "serve.metrics", "127.0.0.1:80"),
    ],
)
def test_keys_that_cannot_work(tmp_path, identity, level, about, what):
    done = run("--config", configure(tmp_path, identity=identity), "doctor", "--json", cwd=tmp_path)
    found = [f for f in findings(done) if f["about"] == about and what in f["what"]]
    assert [f["level"] for f in found] == [level]
    assert found[0]["remedy"] or level == "good"
    assert done.returncode == any(f["level"] == "wrong" for f in findings(done))


@pytest.mark.parametrize(
    ("store", "what"),
    [
        ("/etc/passwd/state.sqlite3", "/etc/passwd is no folder"),
        ("Maildir", "is a folder"),
        ("damaged.sqlite3", "not a usable store"),
    ],
)
def test_a_store_that_cannot_be_used(tmp_path, store, what):
    path = configure(tmp_path)
    path.write_text(path.read_text().replace("state.sqlite3", store))
    (tmp_path / "damaged.sqlite3").write_bytes(b"no store" * 1000)
    (tmp_path / "damaged.sqlite3").chmod(0o600)
    done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    wrong = [f for f in findings(done) if f["level"] == "wrong"]
    assert what in wrong[0]["what"]
    assert all("store" in f["about"] for f in wrong)


def test_a_model_that_is_refused(tmp_path):
    path = configure(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert any("model refused" in f["what"] and "backscatter train" in f["what"] for f in findings(done))


def test_who_holds_the_account(tmp_path):
    path = configure(tmp_path)
    with Lock(tmp_path / "state.sqlite3", "main", "watch"):
        done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert any("is being worked on by watch, process" in f["what"] for f in findings(done))
    done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert not any("being worked on" in f["what"] for f in findings(done))


def test_moves_that_were_interrupted(tmp_path):
    path = configure(tmp_path)
    with Database.open(tmp_path / "state.sqlite3") as database:
        Journal(database).intend([
            Move(
                account="main", purpose=Purpose.QUARANTINE, source="INBOX", source_validity=1, source_key="1",
                target="Backscatter", size=1, digest=b"x",
            )
        ])  # fmt: skip
    found = findings(run("--config", path, "doctor", "--json", cwd=tmp_path))
    assert any(f["what"] == "1 moves were interrupted" and f["level"] == "advice" for f in found)


def test_names_that_dns_does_not_know(tmp_path):
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 mx -all")
    zone.add("mail.example.org", "A", "192.0.2.1")
    zone.add("2.0.0.127.good.test", "A", "127.0.0.2")
    for name in ("1.0.0.127.all.test", "2.0.0.127.all.test"):
        zone.add(name, "A", "127.0.0.2")
    zone.add("2.0.0.127.parked.test", "A", "198.51.100.9")
    zone.add("s1._domainkey.example.org", "TXT", "v=DKIM1; p=NEWKEY==")
    identity = (
        'relays = ["mail.example.org", "gone.example.org", ".example.org", "192.0.2.0/24"]\n'
        'dkim_keys = { "s1._domainkey.example.org" = "v=DKIM1; p=OLDKEY==" }'
    )
    with DnsServer(zone) as server:
        dns = f'nameservers = ["{server.address}"]\ndnsbl = ["good.test", "all.test", "none.test", "parked.test"]'
        done = run(
            "--config", configure(tmp_path, dns=dns, identity=identity), "doctor", "--json", cwd=tmp_path
        )
    found = {f["about"]: f for f in findings(done)}
    assert done.returncode == 1
    assert found["identity.relays"]["what"] == "no address in DNS: gone.example.org"
    assert "exchanged" in found["DKIM key s1._domainkey.example.org"]["what"]
    levels = {about: f["level"] for about, f in found.items() if about.startswith("dns.dnsbl")}
    assert levels == {
        "dns.dnsbl good.test": "good",
        "dns.dnsbl all.test": "wrong",
        "dns.dnsbl none.test": "wrong",
        "dns.dnsbl parked.test": "advice",
    }


def test_no_key_where_all_is_said_to_be_signed(tmp_path):
    zone = Zone()
    zone.add("example.org", "TXT", "v=spf1 -all")
    with DnsServer(zone) as server:
        path = configure(tmp_path, dns=f'nameservers = ["{server.address}"]', identity="signs_all = true")
        done = run("--config", path, "doctor", "--json", cwd=tmp_path)
    assert done.returncode == 1
    [wrong] = [f for f in findings(done) if f["level"] == "wrong"]
    assert (wrong["about"], "signs_all" in wrong["remedy"]) == ("DKIM of example.org", True)


def test_many_domains_and_no_nameserver(tmp_path):
    path = configure(tmp_path)
    names = ", ".join(f'"d{n}.example.org"' for n in range(200))
    with DnsServer(Zone(), mode="silent") as server:
        path.write_text(
            path.read_text()
            .replace('["example.org"]', f"[{names}]")
            .replace("enabled = false", f'nameservers = ["{server.address}"]\ntimeout = 0.2')
        )
        done = run("--config", path, "doctor", "--json", cwd=tmp_path)
        assert server.total < 20
    assert done.returncode == 1
    assert any(f["what"] == "198 more domains are not asked about" for f in findings(done))


def test_an_account_that_is_not_there(tmp_path):
    done = run("--config", configure(tmp_path), "doctor", "-a", "other", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "configured: main" in done.stderr


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
    assert "cannot be asked: Connection refused\n" in done.stdout
    assert run("doctor", "--server", "127.0.0.1:x", "--recipient", "a@b.test", cwd=tmp_path).returncode == 2
    for host in ("a..b", ".x", "a" * 70 + ".test"):
        done = run("doctor", "--server", host, "--recipient", "a@b.test", cwd=tmp_path)
        assert done.returncode == 2
        assert f"'{host}' is no host name" in done.stderr


def test_what_declared_relays_are_worth_is_told(tmp_path):
    for identity, expected in (
        ("", None),
        ('relays = ["192.0.2.0/24"]', "advice"),
        ('relays = ["192.0.2.0/24"]\nrelays_complete = true', None),
    ):
        done = run(
            "--config", configure(tmp_path, dns="enabled = false", identity=identity), "doctor", "--json", cwd=tmp_path
        )  # fmt: skip
        found = {f["about"]: f["level"] for f in findings(done)}
        assert found.get("identity.relays_complete") == expected


def test_what_the_ledger_lacks_is_told(tmp_path):
    path = configure(tmp_path, "[ledger]\ncomplete_since = 2026-01-01")
    for month in (2, 4):
        (tmp_path / f"mainlog-2026{month:02}01").write_text(
            f"2026-{month:02}-01 10:00:00 +0000 1rAbCd-000123-4x <= anna@example.org U=anna P=local S=7 id={month}@example.org\n"
        )
        run("--config", path, "ledger", "import", f"mainlog-2026{month:02}01", cwd=tmp_path)
    with Database.open(tmp_path / "state.sqlite3") as database:
        SqliteLedger(database).add(LedgerRecord(("<1@example.org>",)))
    found = {f["about"]: f for f in findings(run("--config", path, "doctor", "--json", cwd=tmp_path))}
    told = found["ledger.complete_since"]
    assert (told["level"], "before 2026-04-01 10:00 UTC" in told["what"], "mainlog" in told["what"]) == (
        "advice", True, True,
    )  # fmt: skip
    assert "mainlog was read no further" in found["ledger"]["what"]

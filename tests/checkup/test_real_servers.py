"""``doctor --server`` and ``--logs`` against a real Postfix and a real Exim, well and badly configured."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time

import pytest

from tests.checkup.servers import certificates, running_exim, running_postfix, write_in
from tests.deliver import postfix

RUNNING = {"Postfix": running_postfix, "Exim": running_exim}


@pytest.fixture(scope="module")
def keys():
    with certificates() as folder:
        yield folder


@pytest.fixture(scope="module", params=[(name, good) for name in RUNNING for good in (True, False)], ids=str)
def server(request, keys):
    name, good = request.param
    with RUNNING[name](keys, good=good) as found:
        found.name, found.good = name, good
        yield found


@pytest.fixture
def doctor(tmp_path):
    (tmp_path / "config.toml").write_text('[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n')
    (tmp_path / "config.toml").chmod(0o600)

    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "classifier", "--config", "config.toml", "doctor", "--json", *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment},
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_real_server_is_told_good_from_bad(server, doctor, keys):
    status, found = doctor("--server", f"127.0.0.1:{server.port}", SSL_CERT_FILE=str(keys / "ca.pem"))
    told = [(f["level"], f["what"]) for f in found if f["about"].startswith("server")]
    assert ("good", "offers STARTTLS with a certificate that verifies") in told
    words = [(level, what.split(":")[0].partition(" no-such-mailbox-")[0]) for level, what in told[1:]]
    if server.good:
        assert status == 0
        assert words == [("good", "refuses"), ("good", "does not relay for strangers")]
    else:
        assert status == 1
        assert words[0] == ("wrong", "takes mail for")
        assert "catches all, or accepts first and bounces later" in told[1][1]
        assert words[1][0] == "wrong"
        assert "an open relay" in told[2][1]
    # Never a message: its own log says what it was told.
    log = server.logs[0]
    if server.name == "Postfix":
        wait_for(lambda: "rset=" in log.read_text())
        [session] = [line for line in log.read_text().splitlines() if "rset=" in line]
        assert "rset=3" in session if server.good else "rset=2" in session
        assert "data=" not in session
    else:
        assert log.read_text().count("told MAIL") == (3 if server.good else 2)
        assert "told DATA" not in log.read_text()
        assert "<=" not in log.read_text()


def test_a_domain_that_it_does_not_serve(server, doctor):
    if not server.good:
        return
    status, found = doctor("--server", f"127.0.0.1:{server.port}", "--domain", "elsewhere.example")
    assert status == 0
    told = [(f["level"], f["what"]) for f in found if f["about"].startswith("server")][1:]
    assert [level for level, _ in told] == ["advice", "good"]
    assert "postmaster@elsewhere.example, too, so nothing could be learnt" in told[0][1]


@pytest.mark.parametrize(
    ("main", "words"),
    [
        ("smtpd_client_restrictions = reject", "and postmaster@example.org, too, so nothing could be learnt: 554"),
        ("smtpd_client_restrictions = reject\nsmtpd_delay_reject = no", "refuses to be asked, so nothing could be learnt: 554"),
        ("smtpd_sender_restrictions = reject\nsmtpd_delay_reject = no", "so nothing could be learnt: MAIL FROM:<> gives 554"),
    ],
)  # fmt: skip
def test_a_postfix_that_refuses_who_asks_is_not_called_good(doctor, main, words):
    with postfix.running(main=main) as server:
        status, found = doctor("--server", f"127.0.0.1:{server.port}")
    assert status == 0
    told = [f for f in found if f["about"].startswith("server") and "STARTTLS" not in f["what"]]
    assert [f["level"] for f in told] == ["advice"]
    assert words in told[0]["what"]
    assert "from another network" in told[0]["remedy"]


def wait_for(done):
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_certificate_of_nobody(server, doctor):
    status, found = doctor("--server", f"127.0.0.1:{server.port}")
    assert status == (0 if server.good else 1)
    assert found[0]["level"] == "advice"
    assert "does not verify for 127.0.0.1" in found[0]["what"]


FAILING = (
    "nobody@example.org",
    "nobody2@example.org",
    "full@example.org",
    "spam@example.org",
    "moved@example.org",
)


def test_what_a_real_server_sent_outside_is_counted_by_cause(server, doctor, tmp_path):
    if server.good:
        with pytest.raises(OSError, match="5"):
            write_in(server.port, FAILING[:1])
        status, found = doctor("--logs", *server.logs)
        assert status == 0
        assert found == [{**found[0], "level": "good", "about": "logs", "count": 0}]
        return
    time.sleep(1.1)  # logs tell their order by the second
    answering = ["absent@example.org"] if server.name == "Exim" else []
    write_in(server.port, (*FAILING, *answering, "anna@example.org"))
    write_in(
        server.port, FAILING[:1], sender="anna@example.org"
    )  # a report to one of ours is none to outside
    expected = {"unknown recipient": 2, "mailbox full": 1, "spam or virus filter": 1, "forwarding": 1}
    if server.name == "Postfix":
        subprocess.run(
            ["sendmail", "-C", server.root / "config", "-f", "", "victim@remote.test"],
            input=b"From: absent@example.org\nSubject: away\n\nI am away.\n", check=True, timeout=30,
        )  # fmt: skip
        expected["automatic answer"] = 1
        log = server.logs[0]
        server.wait_for(
            lambda: (
                log.read_text().count("to=<victim@remote.test>") >= sum(expected.values())
                and log.read_text().count("sender non-delivery notification") > len(FAILING)
            )
        )
    else:
        expected["automatic answer"] = 1
        assert server.deliver() == 0
    status, found = doctor("--logs", *server.logs)
    counted = {f["about"].removeprefix("logs, "): f["count"] for f in found[1:]}
    assert counted == expected
    assert found[0]["count"] == sum(expected.values())
    assert status == 1
    assert all(f["remedy"] for f in found[1:])
    # The same in two files, the newer first, one compressed.
    lines = server.logs[0].read_bytes().splitlines(keepends=True)
    (tmp_path / "old.gz").write_bytes(gzip.compress(b"".join(lines[: len(lines) // 2])))
    (tmp_path / "new").write_bytes(b"".join(lines[len(lines) // 2 :]))
    assert doctor("--logs", tmp_path / "new", tmp_path / "old.gz") == (status, found)

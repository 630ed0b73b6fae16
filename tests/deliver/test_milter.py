"""The milter, asked by a real Postfix."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from classifier.config import load_config
from classifier.deliver.judges import InForce, Judge
from classifier.deliver.metrics import Metrics
from classifier.deliver.milter import Conversation
from classifier.parse.report import Envelope
from classifier.settings import Config
from tests.deliver.delivery import FEW, mixed
from tests.deliver.milter_client import MilterClient
from tests.deliver.postfix import group_of_postfix, running
from tests.mailbox.daemon import free_port
from tests.samples import CONFIG, ORDINARY, REPORT
from tests.support import missing

#: Debian's python3-milter, for an environment of Debian's own Python without pymilter.
_DEBIAN = Path("/usr/lib/python3/dist-packages")
MAIN = """
smtpd_milters = {address}
milter_default_action = tempfail
milter_protocol = 6
"""


@pytest.fixture
def environment(tmp_path):
    """The environment of a server that finds pymilter."""
    path = str(Path(__file__).parents[2])
    if importlib.util.find_spec("Milter") is None:
        libraries = list(_DEBIAN.glob(f"milter.{sys.implementation.cache_tag}*.so"))
        if not libraries:
            missing("pymilter is not installed (the extra [milter], or Debian package python3-milter)")
        borrowed = tmp_path / "borrowed"
        borrowed.mkdir()
        for each in (_DEBIAN / "Milter", *libraries):
            (borrowed / each.name).symlink_to(each)
        path += f":{borrowed}"
    return {**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path)}


@contextmanager
def serving(folder, environment, on_forged, where, settings=None):
    config = folder / "config.toml"
    config.write_text(
        (settings or CONFIG.replace('"state', f'"{folder}/state'))
        + f'[serve]\nmilter = "{where}"\non_forged = "{on_forged}"\n'
    )
    config.chmod(0o600)
    with subprocess.Popen(
        [sys.executable, "-m", "classifier", "--config", config, "serve"],
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert b"milter at" in process.stderr.readline()
        time.sleep(0.5)
        try:
            yield process, config
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
        told = process.stderr.read()
        assert b"Traceback" not in told
        assert b"taken as it is" not in told


def delivered(postfix, count):
    """Wait for so many messages in the Maildir, and give them."""
    folder = postfix.mail / "Maildir" / "new"
    postfix.wait_for(lambda: folder.exists() and len(list(folder.iterdir())) >= count)
    return [path.read_bytes() for path in folder.iterdir()]


def number_of(message):
    return message[message.index(b"X-Number:") :]


@pytest.mark.parametrize("family", ["unix", "inet"])
def test_every_message_is_tagged_and_otherwise_as_it_was(tmp_path, environment, family):
    messages = list(mixed(FEW))
    port = free_port()
    with running() as plain:
        assert set(plain.send([m for m, _ in messages])) == {""}
        wanted = sorted(map(number_of, delivered(plain, len(messages))))
    with running(
        main=MAIN.replace("{address}", "unix:{root}/m.sock" if family == "unix" else f"inet:127.0.0.1:{port}")
    ) as postfix:
        where = f"unix:{postfix.root}/m.sock" if family == "unix" else f"inet:{port}@127.0.0.1"
        with serving(tmp_path, environment, "tag", where):
            if family == "unix":
                assert (postfix.root / "m.sock").stat().st_mode & 0o007 == 0
                os.chown(postfix.root / "m.sock", 0, group_of_postfix())
            assert set(postfix.send([m for m, _ in messages])) == {""}
            found = delivered(postfix, len(messages))
    assert sorted(map(number_of, found)) == wanted
    assert sum(b"\nX-Backscatter-Verdict: forged\n" in m for m in found) == sum(f for _, f in messages)
    assert all(m.count(b"\nX-Backscatter-Verdict: ") == 1 for m in found)
    assert all(max(map(len, m.partition(b"\nReceived:")[0].splitlines())) <= 78 for m in found)


def test_results_that_came_with_the_message_are_taken_out(tmp_path, environment):
    port = free_port()
    typed = (
        b"X-Backscatter-Verdict: genuine\nx-backscatter-verdict: genuine\n again\nX-Backscatter-Kind: other\n"
    )
    with (
        running(main=MAIN.replace("{address}", f"inet:127.0.0.1:{port}")) as postfix,
        serving(tmp_path, environment, "tag", f"inet:{port}@127.0.0.1"),
    ):
        assert postfix.send([typed + REPORT, typed + ORDINARY]) == ["", ""]
        for message in delivered(postfix, 2):
            assert b"Verdict: genuine" not in message
            assert b"again" not in message
            assert message.lower().count(b"x-backscatter-kind") == 1


@pytest.mark.parametrize("on_forged", ["quarantine", "reject"])
def test_policies(tmp_path, environment, on_forged):
    port = free_port()
    unproven = REPORT.replace(b"trap@example.org", b"anna@example.org")
    with (
        running(main=MAIN.replace("{address}", f"inet:127.0.0.1:{port}")) as postfix,
        serving(tmp_path, environment, on_forged, f"inet:{port}@127.0.0.1") as (process, config),
    ):
        assert postfix.send([ORDINARY, unproven]) == ["", ""]
        [answer] = postfix.send([REPORT], "trap@example.org")
        if on_forged == "reject":
            assert answer.startswith("550 5.7.1")
            # Without proof, the report is taken: a rejected one is gone for good.
            assert postfix.send([REPORT]) == [""]
            assert postfix.queue("hold") == []
        else:
            assert answer == ""
            assert len(postfix.queue("hold")) == 1
        count = 3 if on_forged == "reject" else 2
        assert sum(b"Verdict: forged" in message for message in delivered(postfix, count)) == count - 2
        # SIGHUP brings another policy, without a message lost.
        config.write_text(config.read_text().replace(f'"{on_forged}"', '"tag"'))
        process.send_signal(signal.SIGHUP)
        assert b"read again" in process.stderr.readline()
        assert postfix.send([REPORT], "trap@example.org") == [""]
        found = delivered(postfix, count + 1)
        assert sum(b"Verdict: forged" in message for message in found) == count - 1


def test_without_pymilter_or_a_place_it_says_so(tmp_path, environment):
    config = tmp_path / "config.toml"
    config.write_text(
        '[identity]\ndomains = ["example.org"]\n[serve]\nmilter = "unix:/no/such/place/m.sock"\n'
    )
    config.chmod(0o600)
    command = [sys.executable, "-m", "classifier", "--config", str(config), "serve"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode != 0
    assert "m.sock" in done.stderr
    hidden = "import sys; sys.modules['Milter'] = None; from classifier.entry import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", hidden, *command[3:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "backscatter-quarantine[milter]" in done.stderr


def test_nothing_but_proof_refuses(tmp_path):
    """A refused report is gone for good."""
    (tmp_path / "config.toml").write_text(
        CONFIG.replace('"state', f'"{tmp_path}/state') + '[serve]\non_forged = "reject"\n'
    )
    in_force = InForce(load_config(str(tmp_path / "config.toml")), print)
    judge = Judge(in_force)
    conversation = Conversation(in_force, None, Metrics())
    for message, mail_from, rcpt_to, wanted in (
        (REPORT, "", "trap@example.org", "reject"),
        (REPORT, "", "TRAP@example.org", "reject"),
        (REPORT, "", "anna@example.org", "tag"),  # the trap stands in the original, where anybody can type it
        (REPORT, "", None, "tag"),
        (REPORT, None, "trap@example.org", "tag"),
        (REPORT, "somebody@remote.test", "trap@example.org", "tag"),
        (ORDINARY, "", "trap@example.org", "tag"),
    ):
        found = judge.judge(message, Envelope(mail_from=mail_from, rcpt_to=rcpt_to))
        assert conversation.what_to_do(found) == wanted, (mail_from, rcpt_to)
    judge.close()
    # We did send it, whatever the configuration says: the ledger has it.
    sent = REPORT[REPORT.index(b"From: Trap") :].partition(b"\n--b")[0] + b"\nx\n"
    command = [
        sys.executable,
        "-m",
        "classifier",
        "--config",
        tmp_path / "config.toml",
        "ledger",
        "import",
        "-",
    ]
    subprocess.run(command, input=sent, check=True, capture_output=True, timeout=60)
    found = judge.judge(REPORT, Envelope(mail_from="", rcpt_to="trap@example.org"))
    assert found.values[0] == "genuine"
    assert conversation.what_to_do(found) == "tag"
    judge.close()


@pytest.mark.parametrize("error", [TimeoutError(), OSError(28, "No space left on device"), MemoryError()])
def test_what_cannot_be_judged_is_taken(error):
    class Failing:
        def judge(self, *_):
            raise error

    told = []
    in_force = InForce(Config(), told.append)
    conversation = Conversation(in_force, Failing(), Metrics())
    conversation.begin("")
    conversation.header("From", b" MAILER-DAEMON@remote.test")
    conversation.headers_end()
    conversation.body(b"x")
    assert conversation.end() == (None, {})
    assert "taken as it is" in told[0]


def fields_of(message):
    head, _, body = message.partition(b"\n\n")
    fields = [line.partition(b":")[::2] for line in head.replace(b"\n ", b" ").split(b"\n")]
    return fields, body.replace(b"\n", b"\r\n")


def verdict_of(client):
    [verdict] = [
        data for letter, data in client.asked_for if letter == b"i" and b"X-Backscatter-Verdict" in data
    ]
    return verdict[4:].split(b"\0")[1].strip()


def test_whatever_a_mail_server_says_no_message_is_refused_or_put_off(tmp_path, environment):
    port = free_port()
    fields, body = fields_of(REPORT)
    with serving(tmp_path, environment, "tag", f"inet:{port}@127.0.0.1"):
        # No macros, no connect, no helo; an 8-bit name and value; twice on one connection.
        client = MilterClient(port)
        for _ in range(2):
            assert set(client.begin()) == {b"c"}
            assert client.message([(b"X-T\xe9st", b"\xff"), *fields], body) == b"a"
            assert verdict_of(client) == b"forged"
        # Addresses that are none.
        for address in (b"", b"<", b"<\xff\xfe@x>", b"<" + b"a" * 5_000 + b">"):
            assert set(client.begin(address, [address, b"<anna@example.org>"])) == {b"c"}
            assert client.message(fields, body, chunk=7) == b"a"
        # A message that is broken off leaves nothing behind.
        client.begin()
        client.say(b"L", b"Subject\0x\0")
        client.tell(b"A")
        client.begin(b"<a@b.test>")
        ordinary, text = fields_of(ORDINARY)
        assert client.message(ordinary, text) == b"a"
        assert verdict_of(client) == b"not-a-report"
        # Nor does one that goes away.
        client.begin()
        client.say(b"L", b"Subject\0x\0")
        client.close()
        again = MilterClient(port)
        again.begin()
        assert again.message(fields, body) == b"a"
        assert verdict_of(again) == b"forged"
        again.close()


def test_a_report_to_several_recipients_is_refused_for_none(tmp_path, environment):
    """One of them never sends; whose the report is nobody knows."""
    port = free_port()
    fields, body = fields_of(REPORT.replace(b"trap@example.org", b"anna@example.org"))
    with serving(tmp_path, environment, "reject", f"inet:{port}@127.0.0.1"):
        client = MilterClient(port)
        client.begin(rcpt_to=[b"<trap@example.org>"])
        assert client.message(fields, body) == b"y"
        client.begin(rcpt_to=[b"<trap@example.org>", b"<anna@example.org>"])
        assert client.message(fields, body) == b"a"
        client.close()


def test_a_status_in_a_plain_multipart_is_found(tmp_path, environment):
    port = free_port()
    fields, body = fields_of(
        b"From: bob@remote.test\nTo: anna@example.org\nSubject: your mail\n"
        + REPORT[REPORT.index(b"MIME") :].replace(
            b"multipart/report; report-type=delivery-status", b"multipart/mixed"
        )
    )
    with serving(tmp_path, environment, "tag", f"inet:{port}@127.0.0.1"):
        client = MilterClient(port)
        client.begin(b"<bob@remote.test>")
        assert client.message(fields, body) == b"a"
        assert verdict_of(client) == b"forged"
        # Ordinary mail with parts is not read to its end.
        client.begin(b"<bob@remote.test>")
        assert client.message(fields, b"x" * 400_000) == b"a"
        assert verdict_of(client) == b"not-a-report"
        client.close()


def test_the_store_can_be_made_while_the_milter_listens(tmp_path, environment):
    """The socket is for its owner and group; folders that are made later are not touched by that."""
    fields, body = fields_of(REPORT)
    config = CONFIG.replace('"state', f'"{tmp_path}/new/folder/state')
    port = free_port()
    with serving(tmp_path, environment, "tag", f"inet:{port}@127.0.0.1", config):
        client = MilterClient(port)
        client.begin()
        assert client.message(fields, body) == b"a"
        client.close()
        assert (tmp_path / "new" / "folder").stat().st_mode & 0o777 == 0o700

"""``backscatter classify`` as users and scripts run it."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from classifier.cli.main import main
from tests.samples import CONFIG, ORDINARY, REPORT
from tests.support import ends

COMMAND = [sys.executable, "-m", "classifier"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's own place: no configuration but the one that a test writes."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("BACKSCATTER_CONFIG", raising=False)
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    file.chmod(0o600)
    return tmp_path


def run(*arguments, stdin=b"", **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False, **options
    )


def objects(done):
    return [json.loads(row) for row in done.stdout.splitlines()]


def test_standard_input_without_any_configuration(home):
    done = run("classify", "--json", stdin=REPORT)
    assert (done.returncode, done.stderr) == (0, b"")
    [found] = objects(done)
    assert found["source"] == "-"
    assert found["kind"] == "dsn"
    assert found["verdict"] in {"unsure", "genuine", "forged"}
    assert found["report"]["recipients"][0]["status"] == "5.1.1"
    assert found["original"]["from"] == "trap@example.org"
    assert not (home / "home").exists()  # classify leaves nothing behind


def test_the_configuration_is_asked(home):
    done = run("--config", home / "config.toml", "classify", "--json", "-", stdin=REPORT)
    [found] = objects(done)
    assert (done.returncode, done.stderr, found["verdict"], found["action"]) == (
        0,
        b"",
        "forged",
        "quarantine",
    )
    assert any(e["name"] == "address" and e["points_to"] == "forged" for e in found["evidence"])
    assert not (home / "state.sqlite3").exists()
    by_environment = run(
        "classify",
        "--json",
        stdin=REPORT,
        env={**os.environ, "BACKSCATTER_CONFIG": str(home / "config.toml")},
    )
    assert objects(by_environment) == [found]


def test_inputs_of_every_sort_in_order(home):
    line = b"From x@example.com Thu Jan  1 10:00:00 2026\n"
    (home / "in.mbox").write_bytes(line + REPORT + b"\n" + line + ORDINARY)
    (home / "a.eml").write_bytes(ORDINARY)
    (home / "md" / "cur").mkdir(parents=True)
    (home / "md" / "new").mkdir()
    (home / "md" / "cur" / "1:2,S").write_bytes(REPORT)
    done = run("classify", "--json", "in.mbox", "a.eml", "md", "-", cwd=home, stdin=b"no mail\n")
    assert done.returncode == 0
    assert [(o["source"], o["kind"]) for o in objects(done)] == [
        ("in.mbox#1", "dsn"), ("in.mbox#2", "other"), ("a.eml", "other"), ("md/cur/1:2,S", "dsn"), ("-", "other"),
    ]  # fmt: skip
    assert objects(done)[1]["verdict"] == "not-a-report"
    assert objects(done)[1]["probability"] is None


def test_what_cannot_be_read_costs_itself(home):
    (home / "a.eml").write_bytes(ORDINARY)
    done = run("classify", "--json", "absent", "a.eml", cwd=home)
    assert done.returncode == 1
    assert done.stderr == b"backscatter: absent: no such file or folder\n"
    assert objects(done)[0] == {"source": "absent", "error": "no such file or folder"}
    assert objects(done)[1]["verdict"] == "not-a-report"


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is Linux's")
def test_little_memory_costs_what_does_not_fit_into_it(home):
    for name in ("a.eml", "b.eml"):
        (home / name).write_bytes(ORDINARY)
    with open(home / "large.eml", "wb") as large:
        large.truncate(120 << 20)
    enough = 180 << 20
    done = run(
        "classify", "--json", "a.eml", "large.eml", "b.eml", cwd=home,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (enough, enough)),
    )  # fmt: skip
    assert done.returncode == 1
    assert [o.get("verdict", o.get("error")) for o in objects(done)] == [
        "not-a-report",
        "cannot be read: it takes too much memory",
        "not-a-report",
    ]


def test_an_end_of_memory_is_no_bug_of_the_program(monkeypatch, capsys):
    def exhausted(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr("classifier.cli.main.group.invoke", exhausted)
    assert main(["classify"]) == 1
    [row] = capsys.readouterr().err.splitlines()
    assert "not enough memory" in row
    assert "bug" not in row


def test_the_table(home):
    (home / "r.eml").write_bytes(REPORT.replace(b"Undelivered", b"\x1b[2JUndelivered"))
    done = run("--config", "config.toml", "classify", "r.eml", "absent", cwd=home)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert "\x1b" not in text
    assert "trap@example.org" in text  # the main reason
    assert text.splitlines()[-1] == (
        "1 message, 1 report: 1 forged, 0 genuine, 0 unsure; 1 could not be judged"
    )
    verbose = run("--config", "config.toml", "classify", "-v", "r.eml", cwd=home).stdout.decode()
    assert "x@remote.test failed 5.1.1 550 5.1.1 no such user" in verbose


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["classify", "--jsn"], "--json"),
        (["clasify"], "Did you mean 'classify'?"),
        (["wrong.toml"], "to judge it: backscatter classify wrong.toml"),
        (["absent.eml"], "No such command 'absent.eml'"),
        (["--config", "absent.toml", "classify"], "absent.toml"),
        (
            ["--config", "wrong.toml", "classify"],
            "wrong.toml:3: identity.sender is not a known key; did you mean senders?",
        ),
        (["ledger", "import", "x"], "--config"),
        (["ledger", "import"], "PATH"),
        (["classify", "--format", "parquet", "a.eml"], "--output"),
        (["doctor", "--address", "192.0.2.1"], "--lists"),
        (["doctor", "--domain", "example.org"], "--server"),
    ],
)
def test_usage_and_configuration_errors(home, arguments, words):
    (home / "wrong.toml").write_text('[identity]\ndomains = ["example.org"]\nsender = []\n')
    done = run(*arguments, cwd=home)
    assert done.returncode == 2
    assert done.stdout == b""
    [row] = done.stderr.decode().splitlines()
    assert row.startswith("backscatter: ")
    assert words in row
    assert ".;" not in row


def test_debug_shows_the_traceback(home):
    assert b"Traceback" in run("--debug", "--config", "absent.toml", "classify", cwd=home).stderr


def test_a_configuration_that_others_can_read_is_told(home):
    (home / "config.toml").chmod(0o644)
    done = run("--config", "config.toml", "classify", cwd=home, stdin=ORDINARY)
    assert (done.returncode, done.stderr) == (
        0,
        b"backscatter: config.toml: others can read this; chmod 600 it\n",
    )


def test_a_store_that_is_none_costs_itself(home):
    (home / "state.sqlite3").write_bytes(b"not a database" * 100)
    done = run("--config", "config.toml", "classify", "--json", cwd=home, stdin=REPORT)
    assert objects(done)[0]["verdict"] == "forged"
    assert done.returncode == 0
    assert b"state.sqlite3" in done.stderr


def test_output_appears_as_it_is_judged(home):
    os.mkfifo(home / "pipe")
    process = subprocess.Popen(
        [*COMMAND, "classify", "--json", "a.eml", "pipe"],
        cwd=home,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    (home / "a.eml").write_bytes(ORDINARY)
    with process, (home / "pipe").open("wb") as pipe:  # opened by both only when a.eml is through
        assert json.loads(process.stdout.readline())["source"] == "a.eml"
        pipe.write(ORDINARY)
        pipe.close()
        assert json.loads(process.stdout.readline())["source"] == "pipe"
    assert process.returncode == 0


def test_a_reader_that_goes_away_is_no_accident(home):
    (home / "in.mbox").write_bytes(
        (b"From x@example.com Thu Jan  1 10:00:00 2026\n" + ORDINARY + b"\n") * 2000
    )
    process = subprocess.Popen(
        [*COMMAND, "classify", "--json", "in.mbox"], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 141


def test_standard_error_may_be_closed_and_is_no_other_file_then(home):
    (home / "a.eml").write_bytes(REPORT)
    code = "import os, sys; sys.argv[0] = 'backscatter'; os.close(2); os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, *COMMAND, "classify", "--json", "a.eml", "nothing", "-"],
        cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert [json.loads(process.stdout.readline())["source"] for _ in range(2)] == ["a.eml", "nothing"]
        # It waits for standard input: what is opened meanwhile is not under the number of standard error.
        if os.path.exists(f"/proc/{process.pid}/fd"):
            assert os.readlink(f"/proc/{process.pid}/fd/2") == os.devnull
        process.stdin.close()
        assert json.loads(process.stdout.readline())["source"] == "-"
    assert process.returncode == 1


@pytest.fixture
def interruptible():
    """Undo what a shell does to a job in the background: it, and all that it starts, would ignore an interrupt."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupting_is_no_accident(home):
    os.mkfifo(home / "pipe")
    process = subprocess.Popen(
        [*COMMAND, "classify", "--json", "pipe"], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with (home / "pipe").open("wb"):  # it waits in the middle of its work
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == 130


def test_several_processes_say_what_one_does(home):
    line = b"From x@example.com Thu Jan  1 10:00:00 2026\n"
    (home / "in.mbox").write_bytes((line + REPORT + b"\n" + line + ORDINARY + b"\n") * 150)
    for form in (["--json"], [], ["-v"]):
        one, two = (
            run("--config", "config.toml", "classify", *form, "-j", n, "in.mbox", "absent", cwd=home)
            for n in (1, 2)
        )
        assert one.returncode == two.returncode == 1
        assert (one.stdout, one.stderr) == (two.stdout, two.stderr)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_ending_it_ends_all_processes(home, sign):
    (home / "in.mbox").write_bytes((b"From x@example.com Thu Jan  1 10:00:00 2026\n" + REPORT + b"\n") * 5000)
    process = subprocess.Popen(
        [*COMMAND, "classify", "--json", "-j", "2", "in.mbox"],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        process.stdout.readline()
        if sign == signal.SIGINT:
            os.killpg(process.pid, sign)  # as a terminal does
        else:
            process.kill()
        out, errors = process.communicate(timeout=60)
    if sign == signal.SIGINT:
        assert (process.returncode, errors) == (130, b"")
    assert out.count(b"\n") < 5000
    assert ends(process.pid)


def test_a_full_disk_is_told(home):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "classify", "--json"],
            input=ORDINARY,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["backscatter: output: No space left on device"]


@pytest.mark.parametrize(
    ("closed", "words"),
    [("<&-", "-: standard input is closed"), (">&-", "standard output is closed"), ("2>&-", "")],
)
def test_closed_streams(home, closed, words):
    (home / "a.eml").write_bytes(ORDINARY)
    script = f'"{sys.executable}" -m classifier classify --json - absent {closed}'
    done = subprocess.run(["sh", "-c", script], input=ORDINARY, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert words in done.stderr.decode()
    assert b"bug" not in done.stderr


def test_a_terminal_without_unicode(home):
    mail = ORDINARY.replace(b"hello", "grüße ✓".encode())
    done = run("classify", stdin=mail, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"gr??e ?" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("ledger",)])
def test_no_command_shows_them_all(arguments):
    done = run(*arguments)
    shown = (done.stdout + done.stderr).decode()
    assert shown.startswith("Usage: ")
    assert "\nCommands:\n" in shown


def test_help_and_version():
    text = run("--help").stdout.decode()
    assert "classify" in text
    assert "ledger" in text
    assert not [line for line in text.splitlines()[1:] if line.endswith("...")]
    assert run("--version").stdout.startswith(b"backscatter, version ")
    assert run("classify", "--help").returncode == 0


def test_classify_imports_nothing_that_it_does_not_need(home):
    code = (
        "import sys; from classifier.cli.main import main; main(['classify', '--json', '-']);"
        "print(*sorted(set(sys.modules) & {'rich', 'imapclient', 'numpy', 'sklearn', 'dns', 'dkim', 'spf', 'sqlite3', 'keyring'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=ORDINARY, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == b""

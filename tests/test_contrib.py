"""What contrib/ holds: units, read by systemd's own checks, and a line for cron, run as cron does."""

import os
import shutil
import subprocess
import sys

from tests.house import TOP
from tests.support import require_program


def test_the_server_s_units_are_right_and_closed(tmp_path):
    analyze = require_program("systemd-analyze", "systemd")
    units = [
        shutil.copy(TOP / "contrib" / name, tmp_path)
        for name in ("backscatter-serve.service", "backscatter-serve.socket")
    ]
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    # "Exposure" of at most 2 out of 10 (systemd-analyze(1)).
    rated = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", "--no-pager", units[0]],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert rated.returncode == 0, rated.stdout[-300:]


def test_the_users_units_are_right(tmp_path):
    analyze = require_program("systemd-analyze", "systemd")
    for name in ("backscatter-sweep.service", "backscatter-sweep.timer", "backscatter-watch.service"):
        shutil.copy(TOP / "contrib" / name, tmp_path)
    for unit in ("backscatter-sweep.service", "backscatter-sweep.timer", "backscatter-watch.service"):
        checked = subprocess.run(
            [analyze, "verify", "--man=no", "--user", tmp_path / unit],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        )  # fmt: skip
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_crontab_runs_each_command_of_its_line(tmp_path):
    """cron hands the line to sh; what it prints is mailed: a run in which nothing happens prints nothing."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "backscatter"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m classifier "$@"\n')
    program.chmod(0o700)
    for folder in ("Maildir", "Maildir/.Sent"):
        for part in ("tmp", "new", "cur"):
            (tmp_path / folder / part).mkdir(parents=True)
    config = tmp_path / "config.toml"
    config.write_text(
        f'[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n[store]\npath = "state.sqlite3"\n'
        f'[accounts.main]\nmaildir = "{tmp_path}/Maildir"\n'
    )
    config.chmod(0o600)
    (line,) = [x for x in (TOP / "contrib" / "crontab").read_text().splitlines() if not x.startswith("#")]
    minutes, hour, day, month, weekday, command = line.split(None, 5)
    assert (minutes, hour, day, month, weekday) == ("*/10", "*", "*", "*", "*")
    assert "%" not in command  # a line end to cron
    environment = {
        **os.environ, "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "BACKSCATTER_CONFIG": str(config), "HOME": str(tmp_path),
        "PYTHONPATH": str(TOP),
    }  # fmt: skip
    for _ in range(2):
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False,
            env=environment, stdin=subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

"""The units of contrib/, read by systemd's own checks."""

import shutil
import subprocess

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

"""What tests share: programs that a test needs, settings of the environment, real mail beside the project."""

import atexit
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

#: Debian keeps servers where ordinary users do not look for them.
_SERVER_PATHS = ("/usr/sbin", "/sbin", "/usr/lib/dovecot", "/usr/local/sbin", "/opt/homebrew/sbin")
#: Set by .ci/run: what is missing is then a failure, not a reason to skip.
REQUIRE_ALL = os.environ.get("BACKSCATTER_REQUIRE_ALL", "") not in {"", "0"}


def find_program(name: str) -> str | None:
    """Return the path of the program *name*, looked for where servers are installed, too."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SERVER_PATHS))
    return shutil.which(name, path=path)


def require_program(name: str, package: str | None = None) -> str:
    """Return the path of a program, or skip the test that needs it (in CI: fail).

    Args:
        name: the program, e.g. ``dovecot``.
        package: the Debian package that brings it, where it has another name.

    """
    found = find_program(name)
    if found is None:
        missing(f"{name} is not installed (Debian package {package or name}; see tests/debian-packages.txt)")
    return found


def server_folder(name: str) -> Path:
    """Make a folder that a server run by another user reaches.

    Not below pytest's own: every other run of pytest closes that to other users.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"backscatter-{name}-"))
    folder.chmod(0o755)
    return folder


def _unpacked() -> Path:
    """Return where the packages are that cannot be installed beside others (.ci/debian-unpacked).

    Their servers run as other users. Where those cannot reach the checkout (in
    a folder of ``mktemp -d``, or below /root) it is a copy that they can.
    """
    place = Path(sys.prefix) / "debian"
    if not place.is_dir() or all(folder.stat().st_mode & 0o001 for folder in (place, *place.parents)):
        return place
    folder = server_folder("debian")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(shutil.copytree(place, folder / "debian", symlinks=True))


def missing(reason: str) -> None:
    """Skip the test for want of something; in CI that is a failure."""
    if REQUIRE_ALL:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def shared_data() -> Path:
    """Return the folder of real mail kept beside the project, or skip: it is never part of the project."""
    place = Path(os.environ.get("BACKSCATTER_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not place.is_dir():
        pytest.skip("no real mail beside the project (set BACKSCATTER_SHARED_DATA to a folder of it)")
    return place


#: Where those packages are.
UNPACKED = _unpacked()


def alive(group: int) -> bool:
    """Say whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def ends(group: int, seconds: float = 10) -> bool:
    """Say whether all processes of the group end within so many seconds."""
    end = time.monotonic() + seconds
    while alive(group) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(group)

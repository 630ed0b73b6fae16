"""The laboratory's own machine: places that servers are built for, and users who speak from an address.

All of it is the namespace's, and gone with it.
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tests.support import UNPACKED

_run = functools.partial(subprocess.run, check=True)


def prepare():
    """Give the laboratory an /etc, /var/lib, /var/spool and /run of its own, and in /usr what is unpacked; before any server is started."""
    folder = Path(tempfile.mkdtemp(prefix="backscatter-etc-"))
    folder.chmod(0o755)
    shutil.copytree("/etc", folder / "etc", symlinks=True)
    _run(["mount", "--bind", folder / "etc", "/etc"])
    if (UNPACKED / "usr").is_dir():
        _run(["mount", "-t", "overlay", "-o", f"ro,lowerdir=/usr:{UNPACKED / 'usr'}", "overlay", "/usr"])
    for place in ("/var/lib", "/var/spool", "/run"):
        _run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place])
    # Servers that cannot be told from which address to connect do as users of their own.
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("25")
    _run(["ip", "rule", "add", "priority", "20", "lookup", "local"])
    _run(["ip", "rule", "delete", "priority", "0"])


def speaks_from(user, address):
    """Let the programs of a user, given by number, connect from *address*."""
    table = str(1000 + user)
    for command in (
        ["route", "add", "local", "default", "dev", "lo", "src", address, "table", table],
        ["route", "add", "throw", "127.0.0.0/8", "table", table],
        ["rule", "add", "priority", "10", "uidrange", f"{user}-{user}", "lookup", table],
    ):
        _run(["ip", *command])


def belongs_to(user, group, *places):
    """Make *places* and all in them a user's."""
    for place in places:
        for found in (place, *place.rglob("*")):
            os.chown(found, user, group)


@contextmanager
def started(command, host, folder, **user):
    """Run a server in the foreground from when it takes connections, as the *user* of ``subprocess.Popen``."""
    said = folder / "output"
    with (
        said.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, **user) as process,
    ):
        try:
            end = time.monotonic() + 20
            while socket.socket().connect_ex((host.address, 25)):
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < end, said.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()

"""Who is at the other end of a connection, as far as the system tells."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path

#: macOS: sys/un.h, sys/ucred.h.
_LOCAL_PEERCRED, _XUCRED = 1, "=IIh"


def is_own(connection: socket.socket) -> bool:
    """Say whether the other end is a process of root or of this process's own user; False where that is not known."""
    try:
        uid = _on_unix(connection) if connection.family == socket.AF_UNIX else _on_loopback(connection)
    except (OSError, ValueError, struct.error):
        return False
    return uid is not None and uid in {0, os.geteuid()}


def _on_unix(connection: socket.socket) -> int | None:
    if hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = struct.unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(uid)
    if sys.platform == "darwin":
        size = struct.calcsize(_XUCRED)
        _, uid, _ = struct.unpack(_XUCRED, connection.getsockopt(0, _LOCAL_PEERCRED, 76)[:size])
        return int(uid)
    return None


def _on_loopback(connection: socket.socket) -> int | None:
    """Look the other end up in Linux's table of connections (proc(5)); elsewhere it is not known."""
    table = Path("/proc/net/tcp6" if connection.family == socket.AF_INET6 else "/proc/net/tcp")
    ours, theirs = (
        _as_in_table(connection.family, at) for at in (connection.getsockname(), connection.getpeername())
    )
    with table.open(encoding="ascii") as lines:
        for line in lines:
            _, local, remote, _, _, _, _, uid, *_ = line.split()
            if (local, remote) == (theirs, ours):
                return int(uid)
    return None


def _as_in_table(family: int, address: tuple[str, int]) -> str:
    """Write an address as the table has it: words in the machine's own order, in hexadecimal."""
    packed = socket.inet_pton(family, address[0])
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{address[1]:04X}"

"""The files of a Maildir: their names, the keys in these, and the times of their directories."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_number = count()
#: mbsync keeps the UID in the name; in another folder it would be taken for one of that folder's.
_MBSYNC_UID = re.compile(r",U=[0-9]{1,10}(?=,|$)")


def key_of(file_name: str) -> str:
    """Return the unique part of a file name, without its flags and without a UID that belongs to its folder."""
    return _MBSYNC_UID.sub("", file_name.partition(":")[0])


def message_names(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the subfolder and the name of each message of *folder*."""
    for part in ("new", "cur"):
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(f"{folder}/{part}"):  # noqa: PTH208 - a Path for each would take ten times as long
                if not name.startswith("."):
                    yield part, name


def times_of(folder: Path) -> tuple[int, ...]:
    """Return when new/ and cur/ were changed last, in nanoseconds; nothing where they are not there."""
    with contextlib.suppress(OSError):
        return tuple((folder / part).stat().st_mtime_ns for part in ("new", "cur"))
    return ()


def unique_name() -> str:
    """Make a name that no message has (https://cr.yp.to/proto/maildir.html)."""
    host = socket.gethostname().replace("/", "\\057").replace(":", "\\072")
    now = time.time_ns()
    return f"{now // 10**9}.M{now // 1000 % 10**6}P{os.getpid()}Q{next(_number)}.{host}"

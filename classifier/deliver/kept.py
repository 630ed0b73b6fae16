"""Small files in the user's cache folder that spare the next filter some work.

A file is believed only if nobody else could have written it. Whatever is wrong
with one, or with the folder, costs the time that it would have saved.
"""

from __future__ import annotations

import marshal
import os
import sys

#: A larger file is none of ours. In bytes.
_MAX_BYTES = 1_000_000


def place(name: str) -> str:
    """Return the path of a file of this name; "" where the user has no cache folder."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    if not folder.startswith("/"):
        folder = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")  # noqa: PTH111 - pathlib costs 5 ms
    return f"{folder}/backscatter/{name}" if folder.startswith("/") else ""


def read(path: str) -> object:
    """Return what :func:`write` wrote; None where it is not there, not ours alone to write, or damaged."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022 or status.st_size > _MAX_BYTES:
            return None
        data = os.read(fd, status.st_size + 1)
        kept: object = marshal.loads(data)  # noqa: S302 - written by this user, as the .pyc files are
    except Exception:  # noqa: BLE001 - cut off, or nonsense
        return None
    else:
        return kept if len(data) == status.st_size else None
    finally:
        os.close(fd)


def write(path: str, kept: object) -> None:
    """Write plain data: all of it or nothing."""
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - see place
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return
    try:
        data = marshal.dumps(kept)  # type: ignore[arg-type] # what it cannot write it says
        whole = os.write(fd, data) == len(data)
    except (OSError, ValueError):
        whole = False
    os.close(fd)
    try:
        if whole:
            os.replace(temporary, path)  # noqa: PTH105 - see place
        else:
            os.unlink(temporary)  # noqa: PTH108 - likewise
    except OSError:
        return

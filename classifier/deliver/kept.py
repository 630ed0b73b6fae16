"""Small files in the user's cache folder that spare the next filter some work.

A file is believed only if nobody else could have written it, or put it there
(mail is a file of its recipient's, too). Whatever is wrong with one, or with
the folder, costs the time that it would have saved.
"""

from __future__ import annotations

import marshal
import os
import stat
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
    folder = _folder(path)
    if folder is None:
        return None
    try:
        fd = os.open(_name(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    finally:
        os.close(folder)
    try:
        status = os.fstat(fd)
        if not _is_ours(status, stat.S_IFREG) or status.st_size > _MAX_BYTES:
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
    own = os.path.dirname(path)  # noqa: PTH120 - see place
    try:
        data = marshal.dumps(kept)  # type: ignore[arg-type] # what it cannot write it says
        # Nothing above the cache folder is made: a home that is not there (Debian's /nonexistent) must not be.
        for made in (os.path.dirname(own), own):  # noqa: PTH120 - see place
            if not os.path.isdir(made):  # noqa: PTH112 - likewise
                os.mkdir(made, mode=0o700)  # noqa: PTH102 - likewise
    except FileExistsError:
        pass  # by another filter, just now
    except (OSError, ValueError):
        return
    folder = _folder(path)
    if folder is None:
        return
    name = _name(path)
    temporary = f"{name}.{os.getpid()}"
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            if os.write(fd, data) != len(data):
                raise OSError  # noqa: TRY301 - as a full disk that says so
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            return
        finally:
            os.close(fd)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        return
    finally:
        os.close(folder)


def _folder(path: str) -> int | None:
    """Open the folder of *path*; None where it is not this user's, or anybody else may put files there.

    A link is not followed, and whatever becomes of the path afterwards: the files are those of this folder.
    """
    try:
        fd = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)  # noqa: PTH120 - see place
    except OSError:
        return None
    if _is_ours(os.fstat(fd), stat.S_IFDIR):
        return fd
    os.close(fd)
    return None


def _is_ours(status: os.stat_result, kind: int) -> bool:
    return (
        stat.S_IFMT(status.st_mode) == kind and status.st_uid == os.geteuid() and not status.st_mode & 0o022
    )


def _name(path: str) -> str:
    return os.path.basename(path)  # noqa: PTH119 - see place

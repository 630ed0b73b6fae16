"""A lock that ends with its process, and that tells who holds it.

The kernel keeps it (``flock``): a file that a killed process leaves behind
locks nothing. A holder that is there for years and mostly waits (``watch``) has
a bell, a named pipe beside the lock: rung, it steps aside for a moment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from classifier.errors import BackscatterError, TemporaryError
from classifier.store.database import CHECK

_MAX_WORDS = 300
#: Seconds between two tries for a lock that somebody holds, and between two rings.
_TRY_EVERY, _RING_EVERY = 0.1, 2.0


class Lock:
    """An exclusive lock on one account of one store.

    Attributes:
        path: the lock file; it stays, since removing it would be a race.

    """

    def __init__(
        self, store: str | Path, account: str, purpose: str, patience: float = 0.0, *, what: str = ""
    ) -> None:
        """Prepare; taken by ``with``.

        Args:
            store: the store's file; the lock lies beside it.
            account: what is locked.
            purpose: what the holder is doing, for whoever finds it locked.
            patience: seconds to wait for it, having rung the holder's bell.
            what: what is locked, in words; default the account.

        """
        store = Path(store).expanduser()
        safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):02x}" for c in account)[:100]
        self.path = store.with_name(f"{store.name}.{safe}.lock")
        self.account = account
        self._purpose = purpose
        self._what = what or f"account {account!r}"
        self._patience = patience
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            TemporaryError: another process holds it.
            BackscatterError: the lock file cannot be made.

        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BackscatterError(
                f"cannot make the lock ({error.strerror})", where=str(self.path), remedy=CHECK
            ) from error
        if not self._taken(descriptor):
            holder = _words(descriptor)
            os.close(descriptor)
            raise TemporaryError(
                f"{self._what} is locked by {holder}",
                where=str(self.path), remedy="wait for it to end",
            )  # fmt: skip
        now = datetime.now(UTC).isoformat(timespec="seconds")
        words = f"{self._purpose}, process {os.getpid()} on {socket.gethostname()}, since {now}\n"
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # on a full disk it is held all the same, by nobody knows whom
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, words.encode(), 0)
        return self

    def holder(self) -> str:
        """Return what the holder says of itself, without taking the lock; "" where nobody has it."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _words(descriptor)
        finally:
            os.close(descriptor)
        return ""

    def _taken(self, descriptor: int) -> bool:
        """Try for it as long as patience lasts."""
        now = time.monotonic()
        end, ring_at = now + self._patience, now
        while True:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            now = time.monotonic()
            if now >= end:
                return False
            if now >= ring_at:
                self._ring()
                ring_at = now + _RING_EVERY
            time.sleep(_TRY_EVERY)

    @property
    def _bell_path(self) -> Path:
        return self.path.with_suffix(".bell")

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # nobody has one, or it is rung already
            bell = os.open(self._bell_path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if stat.S_ISFIFO(os.fstat(bell).st_mode):
                    os.write(bell, b"x")
            finally:
                os.close(bell)

    def bell(self) -> Bell:
        """Return the bell that others ring to have this lock for a moment."""
        return Bell(self._bell_path)

    def __exit__(self, *_exc: object) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _words(descriptor: int) -> str:
    return os.pread(descriptor, _MAX_WORDS, 0).decode("utf-8", "replace").strip() or "another process"


class Bell:
    """What a holder listens to; where none can be made, it is never rung."""

    def __init__(self, path: Path) -> None:
        """Make the pipe unless it is there, and open it."""
        self.descriptor: int | None = None
        with contextlib.suppress(OSError):
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)
            # For writing too: else it could be read as ended whenever a ringer closes it.
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                self.descriptor = descriptor
            else:
                os.close(descriptor)

    def was_rung(self) -> bool:
        """Say whether somebody rang since it was asked last."""
        if self.descriptor is None:
            return False
        try:
            return bool(os.read(self.descriptor, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Close it; the pipe stays beside the lock."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

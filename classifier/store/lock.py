"""A lock that ends with its process, and that tells who holds it.

The kernel keeps it (``flock``): a file that a killed process leaves behind
locks nothing.
"""

from __future__ import annotations

import fcntl
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from classifier.errors import BackscatterError, TemporaryError

_MAX_WORDS = 300


class Lock:
    """An exclusive lock on one account of one store.

    Attributes:
        path: the lock file; it stays, since removing it would be a race.

    """

    def __init__(self, store: str | Path, account: str, purpose: str) -> None:
        """Prepare; taken by ``with``.

        Args:
            store: the store's file; the lock lies beside it.
            account: what is locked.
            purpose: what the holder is doing, for whoever finds it locked.

        """
        store = Path(store).expanduser()
        safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):02x}" for c in account)[:100]
        self.path = store.with_name(f"{store.name}.{safe}.lock")
        self.account = account
        self._purpose = purpose
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
                f"cannot make the lock ({error.strerror})", where=str(self.path), remedy="check [store] path"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, _MAX_WORDS).decode("utf-8", "replace").strip() or "another process"
            os.close(descriptor)
            raise TemporaryError(
                f"account {self.account!r} is locked by {holder}",
                where=str(self.path), remedy="wait for it to end",
            ) from error  # fmt: skip
        now = datetime.now(UTC).isoformat(timespec="seconds")
        words = f"{self._purpose}, process {os.getpid()} on {socket.gethostname()}, since {now}\n"
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, words.encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(self, *_exc: object) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

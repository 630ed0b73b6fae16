"""A Maildir on disk, swept without any server.

Messages move by one rename within one file system: the file, its time (which
is its INTERNALDATE) and its flags (which stand in its name) stay as they are,
and at no moment are there two or none. Subfolders lie as Maildir++ has them
(``.Name``, levels joined by dots) or as plain directories.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import MailboxError
from classifier.mailbox import keywords
from classifier.mailbox.maildir_files import key_of, message_names, times_of, unique_name
from classifier.mailbox.maildir_layout import Layout
from classifier.mailbox.protocol import (
    HEADER_LIMIT,
    Batch,
    FolderStatus,
    ListedMessage,
    MoveMethod,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from classifier.mailbox.allowance import Quota
    from classifier.mailbox.protocol import FolderMemory

#: Messages in one batch.
BATCH = 500
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_FLAG_NAMES = {
    "S": "\\Seen",
    "R": "\\Answered",
    "F": "\\Flagged",
    "T": "\\Deleted",
    "D": "\\Draft",
    "P": "$Forwarded",
}
#: Nanoseconds within which two changes may have the same time: two seconds on FAT, one on old servers' disks.
_TICK = 2_000_000_000


class MaildirMailbox:
    """:class:`~classifier.mailbox.protocol.Mailbox` over a directory.

    Attributes:
        root: the Maildir that is INBOX.

    """

    def __init__(self, root: str | Path, where: str) -> None:
        """Use the Maildir at *root*; *where* names the account to the user.

        Raises:
            MailboxError: there is none.

        """
        self.root = Path(root).expanduser()
        self.where = where
        if not (self.root / "cur").is_dir():
            raise MailboxError("this is no Maildir", where=f"{where} ({self.root})", remedy="check maildir")
        self._layout = Layout(self.root, where)
        self._folder = self.root
        #: Paths by key, below the open folder, as last listed: a hint, since flags change names.
        self._paths: dict[str, str] = {}
        self._keywords: dict[str, str] = {}
        #: Keys in the folders that were moved to.
        self._taken: dict[Path, set[str]] = {}
        #: Whether nothing was done since the open folder was listed.
        self._fresh = False
        #: The directories' times when the open folder was listed, and when each was last gone through.
        self._listed: tuple[int, ...] = ()
        self._looked: dict[Path, tuple[int, ...]] = {}

    @property
    def move_method(self) -> MoveMethod:
        """A rename is atomic."""
        return MoveMethod.MOVE

    @property
    def removes(self) -> bool:
        """Nothing better stands behind a rename that fails."""
        return False

    # Folders

    def locate(self, folder: str) -> str | None:
        """Return *folder* if it exists."""
        return folder if self._layout.path(folder) else None

    def is_view(self, folder: str) -> bool:
        """A file lies in one folder."""
        del folder
        return False

    def folders(self) -> list[str]:
        """List the folders of either layout by the names that :meth:`open` takes."""
        return self._layout.names()

    def special(self, use: str) -> str | None:
        """Find a folder by its common names."""
        return self._layout.special(use)

    def ensure(self, folder: str) -> str:
        """Create *folder* in the layout that is there, Maildir++ by default."""
        self._layout.ensure(folder)
        return folder

    def status(self, folder: str) -> FolderStatus | None:
        """Count the messages of *folder*."""
        path = self._layout.path(folder)
        if path is None:
            return None
        return FolderStatus(
            folder, 0, 0, sum(1 for _ in message_names(path)), os.access(path / "cur", os.W_OK)
        )

    def open(self, folder: str, *, write: bool) -> FolderStatus:
        """Make *folder* the one that keys refer to; list it unless it is open already.

        A sweep opens one folder again and again, for reading and for moving: what is new there is for :meth:`new`.
        """
        path = self._layout.path(folder)
        if path is None:
            raise MailboxError(
                f"there is no folder {folder!r}", where=f"{self.where} ({self.root})",
                remedy="name an existing folder in `folders`",
            )  # fmt: skip
        if path != self._folder or not self._listed:
            self._folder = path
            self._list()
        writable = write and all(os.access(path / part, os.W_OK) for part in ("cur", "new"))
        return FolderStatus(folder, 0, 0, len(self._paths), writable)

    def _list(self) -> None:
        self._listed = times_of(self._folder)
        try:
            self._paths = {key_of(name): f"{part}/{name}" for part, name in message_names(self._folder)}
            self._keywords = keywords.read(self._folder)
        except OSError as error:
            raise MailboxError(f"cannot be read ({error.strerror})", where=str(self._folder)) from error
        self._fresh = True

    def _find(self, key: str) -> Path | None:
        """Find a message whose flags may have changed since the folder was listed."""
        place = self._paths.get(key)
        if place is not None and (path := self._folder / place).exists():
            return path
        # File systems' clocks are coarse: what changed just now may have changed once more.
        if self._listed == times_of(self._folder) and time.time_ns() - max(self._listed, default=0) > _TICK:
            return None  # it was gone already when all was listed
        self._list()
        place = self._paths.get(key)
        return None if place is None else self._folder / place

    # Looking

    def new(self, memory: FolderMemory) -> Iterator[Batch]:
        """Go through the messages whose keys are not known yet."""
        if not self._fresh:
            self._list()
        self._fresh = False
        self._taken.clear()
        self._looked[self._folder] = self._listed
        keys = sorted(memory.unknown(self._paths))
        gone = memory.gone(self._paths) if keys else ()
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            messages = self.look(part)
            unreadable = tuple({k for k in part if k in self._paths} - {m.key for m in messages})
            yield Batch(messages, names=tuple(part), unreadable=unreadable, gone=gone)
            gone = ()

    def look(self, keys: Sequence[str]) -> list[ListedMessage]:
        """Look at these messages; those that are gone (or not readable) are left out."""
        found = []
        for key in keys:
            message = self._look(key)
            if message is not None:
                found.append(message)
        return found

    def present(self, keys: Sequence[str]) -> frozenset[str]:
        """Return those whose file is there."""
        return frozenset(key for key in keys if self._find(key) is not None)

    def _look(self, key: str) -> ListedMessage | None:
        for _ in range(2):  # its flags may change between finding and opening it
            path = self._find(key)
            if path is None:
                return None
            try:
                with path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    head = file.read(HEADER_LIMIT)
            except FileNotFoundError:
                continue
            except OSError:
                return None
            end = _END_OF_HEADERS.search(head)
            letters = path.name.partition(":2,")[2]
            flags = frozenset(_FLAG_NAMES.get(c) or self._keywords.get(c, c) for c in letters)
            return ListedMessage(
                key,
                status.st_size,
                datetime.fromtimestamp(status.st_mtime, UTC),
                flags,
                head[: end.end()] if end else head,
            )
        return None

    def arrivals(self, folder: str, since: int, sizes: frozenset[int] | None) -> list[ListedMessage]:
        """Look at all messages of these sizes: a Maildir has no UIDs to start from."""
        del since
        self.open(folder, write=False)
        if not self._fresh:
            self._list()
        keys = []
        for key, place in self._paths.items():
            with contextlib.suppress(OSError):
                if sizes is None or os.stat(f"{self._folder}/{place}").st_size in sizes:  # noqa: PTH116 - of a whole folder
                    keys.append(key)
        return self.look(keys)

    def bodies(self, messages: Sequence[ListedMessage], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Read the first *limit* bytes of each."""
        for message in messages:
            for _ in range(3):  # its flags may change between finding and opening it
                path = self._find(message.key)
                if path is None:
                    break
                try:
                    with path.open("rb") as file:
                        raw = file.read(limit)
                except FileNotFoundError:
                    continue
                except OSError:
                    yield message.key, None
                    break
                yield message.key, raw
                break

    # Moving

    def move(self, keys: Sequence[str], target: str) -> Mapping[str, str]:
        """Rename each message into *target*."""
        destination = self._layout.path(target)
        if destination is None:
            raise Refused(f"there is no folder {target!r}", code="TRYCREATE", where=self.where)
        taken = self._taken.get(destination)
        if taken is None:
            taken = self._taken[destination] = {key_of(name) for _, name in message_names(destination)}
        self._fresh = False
        moved: dict[str, str] = {}
        for key in keys:
            new_key = key if key not in taken else unique_name()
            done = self._rename(key, destination, new_key)
            if done is not None:
                moved[key] = done
                taken.add(done)
        return moved

    def _rename(self, key: str, destination: Path, new_key: str) -> str | None:
        """Move one message; return its key there, or None where it is gone."""
        for _ in range(3):
            path = self._find(key)
            if path is None:
                return None
            letters = path.name.partition(":2,")[2]
            try:
                kept = keywords.carry(self._folder, destination, letters)
                _, colon, info = path.name.partition(":")
                name = new_key + (f":2,{kept}" if info.startswith("2,") else colon + info)
                # A message not seen by any program yet stays so: new/ goes to new/.
                place = destination / path.parent.name
                if (place / name).exists():  # put there since the keys were listed: a rename would replace it
                    new_key = unique_name()
                    continue
                path.rename(place / name)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Refused(f"cannot move {path.name} ({error.strerror})", where=self.where) from error
            self._paths.pop(key, None)
            return new_key
        return None

    def copy(self, keys: Sequence[str], target: str) -> Mapping[str, str]:
        """Never needed: a rename is atomic."""
        raise Refused(f"{len(keys)} messages are moved to {target!r}, not copied", where=self.where)

    def rights(self, folder: str) -> frozenset[str] | None:
        """Tell nothing beyond whether it is writable."""
        del folder
        return None

    def quotas(self, folder: str) -> Sequence[Quota]:
        """Tell of none: the disk has an end, and no limit besides."""
        del folder
        return ()

    def may_remove(self) -> bool:
        """Nothing is copied that would have to be."""
        return False

    def remove(self, keys: Sequence[str]) -> None:
        """Never needed: a rename leaves nothing behind."""
        raise Refused(f"{len(keys)} messages are moved, not removed", where=self.where)

    def append(self, folder: str, raw: bytes) -> None:
        """Write a file into tmp/ and rename it into new/."""
        path = self._layout.path(folder)
        if path is None:
            raise Refused(f"there is no folder {folder!r}", where=self.where)
        name = unique_name()
        try:
            (path / "tmp" / name).write_bytes(raw)
            (path / "tmp" / name).rename(path / "new" / name)
        except OSError as error:
            raise Refused(f"cannot write a message ({error.strerror})", where=self.where) from error

    def wait(self, folder: str, seconds: float, wake: int) -> None:
        """Look at the directories' times every second."""
        path = self._layout.path(folder) or self.root
        before = self._looked.get(path, ())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([wake], [], [], min(1.0, seconds))[0] or times_of(path) != before:
                return

    def close(self) -> None:
        """Nothing is held open."""

    def drop(self) -> None:
        """Nothing is held open."""

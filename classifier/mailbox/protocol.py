"""What the agent asks of a mailbox, whether it is on an IMAP server or on disk.

A message is named by its key within a folder: the UID on an IMAP server
(RFC 9051 section 2.3.1.1), the unique part of the file name in a Maildir. A
key is valid together with the folder's UIDVALIDITY only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from classifier.errors import MailboxError, TemporaryError
from classifier.parse.headers import HeaderBlock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from classifier.mailbox.allowance import Quota

#: Header bytes read of one message; a longer header section is bait.
HEADER_LIMIT = 64 * 1024
#: Bytes read of one message to judge it. Only what is read is cut, never what is moved.
BODY_LIMIT = 4 * 1024 * 1024
#: Characters of a Message-ID that are kept.
MESSAGE_ID_LIMIT = 200
#: The flag that marks a message as deleted by somebody: it is theirs, and stays where it is.
DELETED = "\\Deleted"


class ConnectionLost(TemporaryError):  # noqa: N818 - named for what happened
    """The connection broke or went silent; what the last command did is not known."""


class NotReached(TemporaryError):  # noqa: N818 - likewise
    """Nobody answers there at this moment: to try again soon costs nobody anything."""


class Refused(MailboxError):  # noqa: N818 - named for what happened
    """The server answered NO or BAD, or the file system an error; nothing else broke.

    Attributes:
        code: the response code (RFC 9051 section 7.1), e.g. ``OVERQUOTA``, or "".

    """

    def __init__(self, what: str, *, code: str = "", where: str = "") -> None:
        """Keep the response code beside the line that users see."""
        super().__init__(what, where=where)
        self.code = code


class MoveMethod(enum.Enum):
    """How messages can be moved here."""

    MOVE = "move"  # atomic: RFC 6851, or a rename
    COPY = "copy"  # COPY, \Deleted and UID EXPUNGE (RFC 4315)
    NONE = "none"  # no safe way


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """A folder as it was when it was opened.

    Attributes:
        name: its full name on the server.
        uid_validity: while it stays the same, keys mean the same messages.
        uid_next: no message there has this UID or a higher one; 0 where there are no UIDs.
        messages: how many are there.
        writable: False where nothing can be moved out.

    """

    name: str
    uid_validity: int
    uid_next: int
    messages: int
    writable: bool = True


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message as far as a first look shows it.

    Attributes:
        key: its name within the folder.
        size: its bytes, as the server counts them.
        received_at: INTERNALDATE or the file's time, aware; None where not given.
        flags: system flags and keywords.
        headers: its header section, at most :data:`HEADER_LIMIT` bytes.

    """

    key: str
    size: int
    received_at: datetime | None
    flags: frozenset[str]
    headers: bytes

    @property
    def digest(self) -> bytes:
        """Name the message by its header section, whatever its line ends, wherever it lies."""
        return blake2b(self.headers.replace(b"\r\n", b"\n").rstrip(b"\n"), digest_size=16).digest()

    @property
    def identity(self) -> tuple[bytes, int]:
        """What two copies of one message have in common."""
        return self.digest, self.size

    @property
    def message_id(self) -> str:
        """Its Message-ID, cut where no server's is as long, or ""."""
        return (HeaderBlock(self.headers).get("message-id") or "")[:MESSAGE_ID_LIMIT]

    @property
    def received(self) -> int | None:
        """When it was received, in whole seconds since 1970; None where not given."""
        return int(self.received_at.timestamp()) if self.received_at else None


class FolderMemory(Protocol):
    """What was looked through in one folder before."""

    uid_validity: int
    uid_next: int

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those of *names* (keys) that are not known already for another reason than their UID."""

    def gone(self, names: Collection[str]) -> Collection[str]:
        """Return the keys that are known so and are none of *names*, all that the folder holds."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some new messages.

    Attributes:
        messages: what they look like; those that vanished are left out.
        uid_next: after this batch everything below is looked through; 0 without UIDs.
        names: without UIDs: the keys that this batch covers.
        unreadable: keys that the server would not show.
        gone: without UIDs: keys that were looked through once and are no longer there.

    """

    messages: Sequence[ListedMessage]
    uid_next: int = 0
    names: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    gone: Collection[str] = ()


class Mailbox(Protocol):
    """One account's folders. One folder is open at a time; a generator is used up before the next call."""

    @property
    def move_method(self) -> MoveMethod:
        """How messages can be moved here."""

    @property
    def removes(self) -> bool:
        """Whether :meth:`copy` and :meth:`remove` can stand in where a move is refused."""

    def open(self, folder: str, *, write: bool) -> FolderStatus:
        """Open *folder*, read-only unless *write*.

        Raises:
            MailboxError: there is no such folder, or it cannot be opened.

        """

    def status(self, folder: str) -> FolderStatus | None:
        """Look at a folder without opening it; None where there is none."""

    def ensure(self, folder: str) -> str:
        """Create *folder* unless it exists; return its full name."""

    def locate(self, folder: str) -> str | None:
        """Return the full name of an existing *folder*, or None."""

    def is_view(self, folder: str) -> bool:
        r"""Say whether *folder* shows what lies elsewhere (``\All``, RFC 6154): nothing can leave it."""

    def folders(self) -> list[str]:
        r"""Return the full names of all folders but such as show what lies elsewhere (``\All``, RFC 6154)."""

    def special(self, use: str) -> str | None:
        r"""Find a folder by its use (RFC 6154), e.g. ``\Sent``, else by common names."""

    def new(self, memory: FolderMemory) -> Iterator[Batch]:
        """Go through what is new in the open folder, oldest first."""

    def look(self, keys: Sequence[str]) -> list[ListedMessage]:
        """Look at these messages of the open folder; those that are gone, or not shown now, are left out."""

    def present(self, keys: Sequence[str]) -> frozenset[str]:
        """Return those that are in the open folder, whether or not they can be read."""

    def arrivals(self, folder: str, since: int, sizes: frozenset[int] | None) -> list[ListedMessage]:
        """Open *folder* and look at what came in at UID *since* or later, of these sizes (None: of all)."""

    def bodies(self, messages: Sequence[ListedMessage], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Read at most *limit* bytes of each; None: cannot be read; those that are gone are left out."""

    def move(self, keys: Sequence[str], target: str) -> Mapping[str, str]:
        """Move messages of the open folder.

        Returns:
            New key by old key, as far as the server tells.

        Raises:
            Refused: the server says no; it may have moved some all the same.

        """

    def copy(self, keys: Sequence[str], target: str) -> Mapping[str, str]:
        """Copy messages of the open folder; results and errors as :meth:`move`."""

    def rights(self, folder: str) -> frozenset[str] | None:
        """Return the letters of the user's rights in *folder* (RFC 4314 section 2.1); None: it is not told."""

    def quotas(self, folder: str) -> Sequence[Quota]:
        """Return the limits that hold for *folder* (RFC 9208), as far as they are told."""

    def may_remove(self) -> bool:
        """Say whether :meth:`remove` may be used in the open folder, as far as can be known beforehand."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove exactly these messages from the open folder for good, and see that they are gone.

        Raises:
            Refused: some are there still, perhaps marked as deleted.

        """

    def append(self, folder: str, raw: bytes) -> None:
        """Put a new message into *folder*, not seen yet.

        Raises:
            Refused: it is not taken.

        """

    def wait(self, folder: str, seconds: float, wake: int) -> None:
        """Wait until something changes in *folder*, at most *seconds*.

        Args:
            folder: the folder.
            seconds: how long at most.
            wake: a file descriptor; what can be read from it ends the wait.

        """

    def close(self) -> None:
        """Log out; never raises."""

    def drop(self) -> None:
        """Hang up without waiting for anything; never raises."""

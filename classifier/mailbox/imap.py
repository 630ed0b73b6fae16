"""An account on an IMAP server (RFC 3501, RFC 9051).

Nothing that looks sets a flag: folders are opened read-only unless messages
are to be moved, and sections are asked for with PEEK. ENVELOPE is never asked
for: one malformed header costs the whole answer on some servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.errors import MailboxError
from classifier.mailbox import allowance
from classifier.mailbox.caution import Caution
from classifier.mailbox.fetch import read_copyuid, uid_set
from classifier.mailbox.idle import idle, poll
from classifier.mailbox.login import words
from classifier.mailbox.names import Names, encode_name
from classifier.mailbox.protocol import (
    Batch,
    FolderStatus,
    ListedMessage,
    MoveMethod,
    Refused,
)
from classifier.mailbox.reading import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from classifier.mailbox.allowance import Quota
    from classifier.mailbox.connection import Connection, Reply
    from classifier.mailbox.protocol import FolderMemory

#: Uses of folders that show messages of other folders (RFC 6154, RFC 8457).
_VIRTUAL = frozenset({"\\all", "\\flagged", "\\important"})


class ImapMailbox:
    """:class:`~classifier.mailbox.protocol.Mailbox` over one connection.

    Attributes:
        connection: the connection.
        names: the account's folder names.

    """

    def __init__(self, connection: Connection, caution: Caution | None = None) -> None:
        """Use a logged-in *connection*; *caution* carries over what earlier ones taught."""
        self.connection = connection
        self._reader = Reader(connection, caution or Caution())
        self.names = Names(connection)
        self._open: tuple[str, bool] | None = None
        self._status: FolderStatus | None = None
        self._located: dict[str, str] = {}
        #: Courier's IDLE looks once a minute unless it is configured to be told of new mail.
        self._idle_refused = b"Courier" in (getattr(connection.client, "welcome", b"") or b"")
        #: Courier tells no UIDNEXT at SELECT, and the UIDs that it shows at EXAMINE and STATUS are not
        #: kept: after a SELECT the same number may be another message.
        self._select_only = False
        #: The server says that no message in the open folder can be marked as deleted for good.
        self._undeletable = False
        #: The UIDNEXT up to which each folder was gone through over this connection.
        self._looked: dict[str, int] = {}

    @property
    def move_method(self) -> MoveMethod:
        """MOVE where offered, COPY where messages can be expunged by UID, else none."""
        if self.connection.capable("MOVE"):
            return MoveMethod.MOVE
        return MoveMethod.COPY if self.connection.capable("UIDPLUS") else MoveMethod.NONE

    @property
    def removes(self) -> bool:
        """Whether messages can be removed by UID."""
        return self.connection.capable("UIDPLUS")

    # Folders

    def locate(self, folder: str) -> str | None:
        """Return the full name of an existing *folder*, or None."""
        if folder not in self._located:
            found = self.names.find(folder)
            if found is None:
                return None
            self._located[folder] = found.name
        return self._located[folder]

    def is_view(self, folder: str) -> bool:
        """Ask for the folder's uses: on Gmail every message lies in "All Mail", too."""
        if folder.upper() == "INBOX":
            return False
        found = self.names.find(folder)
        return found is not None and bool(found.attributes & _VIRTUAL)

    def folders(self) -> list[str]:
        """List what can be opened, less virtual folders: on Gmail a message lies in "All Mail", too."""
        return [f.name for f in self.names.listed("*") if f.selectable and not f.attributes & _VIRTUAL]

    def special(self, use: str) -> str | None:
        """Find a folder by its use, else by common names."""
        found = self.names.special(use)
        return found.name if found else None

    def ensure(self, folder: str) -> str:
        """Create *folder* unless it exists; return its full name."""
        name = self.locate(folder)
        if name is None:
            name = self.names.create(folder)
            self._located[folder] = name
        return name

    def status(self, folder: str) -> FolderStatus | None:
        """Ask STATUS; None where there is no such folder."""
        name = self._located.get(folder, folder)
        if self._select_only and (self._open is None or self._open[0] != name):
            if self._select(name, write=True).status != "OK":
                return None
            self._open = None
        # HIGHESTMODSEQ would tell of changed flags, which mean nothing here; and asking for it has the
        # server add MODSEQ to every answer from then on (RFC 7162 section 3.1).
        items = "(UIDNEXT UIDVALIDITY MESSAGES)"
        reply = self.connection.call("STATUS", encode_name(name), items, wanted=("STATUS",))
        if reply.status != "OK":
            self._located = {k: v for k, v in self._located.items() if v != name}
            return None
        words = (_line(reply, "STATUS").rpartition("(")[2]).rstrip(") ").upper().split()
        values = {k: int(v) for k, v in zip(words[::2], words[1::2], strict=False) if v.isdigit()}
        return FolderStatus(
            name,
            values.get("UIDVALIDITY", 0),
            values.get("UIDNEXT", 0),
            values.get("MESSAGES", 0),
        )

    def open(self, folder: str, *, write: bool) -> FolderStatus:
        """SELECT *folder*, or EXAMINE it where nothing is to be written."""
        name = self._located.get(folder, folder)
        write = write or self._select_only
        if self._open in {(name, write), (name, True)} and self._status is not None:
            # Opened for writing will do for reading: opening a large Maildir anew takes long.
            return self._status
        reply = self._select(name, write)
        if reply.status != "OK":
            found = self.locate(folder)
            if found is not None and found != name:
                name = found
                reply = self._select(name, write)
        if reply.status != "OK":
            said = reply.text.decode("utf-8", "replace")[:200]
            raise MailboxError(
                f"the folder {folder!r} cannot be opened ({said})",
                where=self.connection.where, remedy="name an existing folder in `folders`",
            )  # fmt: skip
        if not self._select_only and not _number(reply, "UIDNEXT"):
            self._select_only = True
            if not write:
                return self.open(name, write=True)
        self._located.setdefault(folder, name)
        self._open = (name, write)
        self._reader.folder = name
        lasting = _line(reply, "PERMANENTFLAGS").lower()
        self._undeletable = write and bool(lasting) and "\\deleted" not in lasting
        self._status = FolderStatus(
            name,
            _number(reply, "UIDVALIDITY"),
            _number(reply, "UIDNEXT"),
            _number(reply, "EXISTS"),
            writable=write and reply.code != "READ-ONLY" and "READ-ONLY" not in _codes(reply),
        )
        return self._status

    def _select(self, name: str, write: bool) -> Reply:
        self._open = self._status = None
        imap = self.connection.client._imap  # noqa: SLF001 - see connection.py
        imap.untagged_responses = {}
        wanted = ("UIDVALIDITY", "UIDNEXT", "EXISTS", "READ-ONLY", "READ-WRITE", "PERMANENTFLAGS")
        reply = self.connection.call("SELECT" if write else "EXAMINE", encode_name(name), wanted=wanted)
        imap.state = "SELECTED" if reply.status == "OK" else "AUTH"
        return reply

    # Looking

    def new(self, memory: FolderMemory) -> Iterator[Batch]:
        """Go through the UIDs from the memory's UIDNEXT up to the folder's."""
        status = self._status
        assert status is not None
        first = memory.uid_next if memory.uid_validity == status.uid_validity else 1
        first = max(first, 1)
        self._looked[status.name] = status.uid_next or first
        if status.messages == 0 or (status.uid_next and first >= status.uid_next):
            return
        for uids, below in self._reader.windows(first, status.uid_next, status.messages):
            messages, unreadable = self._reader.first_look([int(k) for k in memory.unknown(map(str, uids))])
            self._looked[status.name] = max(below, status.uid_next)
            yield Batch(messages, uid_next=below, unreadable=tuple(unreadable))
            self._reader.went_through()

    def look(self, keys: Sequence[str]) -> list[ListedMessage]:
        """Look at these messages; those that are gone are left out."""
        return self._reader.headers([int(k) for k in keys])[0] if keys else []

    def present(self, keys: Sequence[str]) -> frozenset[str]:
        """SEARCH for these: what cannot be fetched is found all the same."""
        return self._reader.present(keys)

    def arrivals(self, folder: str, since: int, sizes: frozenset[int] | None) -> list[ListedMessage]:
        """Look at what came into *folder* at UID *since* or later, of these sizes (None: of all)."""
        status = self.open(folder, write=False)
        found: list[ListedMessage] = []
        if status.messages == 0 or (status.uid_next and since >= status.uid_next):
            return found
        reader = self._reader
        for uids, _ in reader.windows(max(since, 1), status.uid_next, status.messages):
            some = uids if sizes is None else reader.of_sizes(uids, sizes)
            found += [m for m in reader.headers(some)[0] if sizes is None or m.size in sizes]
        return found

    def bodies(self, messages: Sequence[ListedMessage], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Read at most the first *limit* bytes of each, and less where less will do."""
        return self._reader.bodies(messages, limit)

    # Moving

    def move(self, keys: Sequence[str], target: str) -> Mapping[str, str]:
        """UID MOVE (RFC 6851)."""
        return self._transfer("MOVE", keys, target)

    def copy(self, keys: Sequence[str], target: str) -> Mapping[str, str]:
        """UID COPY."""
        return self._transfer("COPY", keys, target)

    def _transfer(self, command: str, keys: Sequence[str], target: str) -> Mapping[str, str]:
        reply = self.connection.call("UID", command, uid_set(keys), encode_name(target), wanted=("COPYUID",))
        reply.checked(f"cannot {command.lower()} to {target!r}", self.connection.where)
        wanted = set(keys)
        return {k: v for k, v in read_copyuid(reply.data["COPYUID"]).items() if k in wanted}

    def may_remove(self) -> bool:
        r"""Ask for the rights (RFC 4314): without them some servers answer OK to STORE and EXPUNGE, and do nothing."""
        if self._undeletable or self._open is None:
            return False
        rights = self.rights(self._open[0])
        return rights is None or {"t", "e"} <= rights

    def rights(self, folder: str) -> frozenset[str] | None:
        """Ask what may be done with *folder*; see :func:`classifier.mailbox.allowance.rights`."""
        return allowance.rights(self.connection, self._located.get(folder, folder))

    def quotas(self, folder: str) -> list[Quota]:
        """Ask for the quotas that hold for *folder*; see :func:`classifier.mailbox.allowance.quotas`."""
        return allowance.quotas(self.connection, self._located.get(folder, folder))

    def remove(self, keys: Sequence[str]) -> None:
        r"""Set \Deleted on these and UID EXPUNGE them: nobody else's deletions go with them."""
        where = self.connection.where
        uids = uid_set(keys)
        self.connection.call("UID", "STORE", uids, "+FLAGS.SILENT", "(\\Deleted)").checked("STORE", where)
        reply = self.connection.call("UID", "EXPUNGE", uids).checked("EXPUNGE", where)
        # Dovecot answers "OK Expunge ignored: Permission denied".
        if left := self.present(keys):
            said = reply.text.decode("utf-8", "replace")[:200]
            raise Refused(f"{len(left)} messages are there after EXPUNGE still (OK {said})", where=where)

    def append(self, folder: str, raw: bytes) -> None:
        """APPEND, with CRLF line ends."""
        import imaplib  # noqa: PLC0415 - IMAP code costs 50 ms, and a Maildir needs none

        name = self.locate(folder) or folder
        with self.connection.answered():
            try:
                self.connection.client.append(name, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                said = f"cannot put a message into {folder!r} ({words(error)})"
                raise Refused(said, where=self.connection.where) from error
        self._open = None

    def wait(self, folder: str, seconds: float, wake: int) -> None:
        """IDLE (RFC 2177) where offered and taken, else NOOP every now and then."""
        self._open = None
        status = self.open(folder, write=False)
        if not status.uid_next:
            status = self.status(folder) or status
        if status.uid_next > self._looked.get(status.name, 0):
            return  # it came in after the folder was gone through; IDLE would not tell
        if self.connection.capable("IDLE") and not self._idle_refused:
            try:
                idle(self.connection, seconds, wake)
            except Refused:
                self._idle_refused = True
        else:
            poll(self.connection, seconds, wake)
        self._open = None

    def close(self) -> None:
        """Log out; never raises."""
        self.connection.close()

    def drop(self) -> None:
        """Hang up; never raises."""
        self.connection.drop()


def _line(reply: Reply, name: str) -> str:
    data = reply.data.get(name) or [b""]
    return b"".join(p if isinstance(p, bytes) else p[0] + p[1] for p in data if p).decode("latin-1")


def _number(reply: Reply, name: str) -> int:
    values = [v for v in reply.data.get(name) or [] if isinstance(v, bytes) and v.isdigit()]
    return int(values[-1]) if values else 0


def _codes(reply: Reply) -> set[str]:
    return {name for name, values in reply.data.items() if values}

"""An account on an IMAP server (RFC 3501, RFC 9051).

Nothing that looks sets a flag: folders are opened read-only unless messages
are to be moved, and sections are asked for with PEEK. ENVELOPE is never asked
for: one malformed header costs the whole answer on some servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.errors import MailboxError
from classifier.mailbox.caution import Caution
from classifier.mailbox.fetch import Fetched, read_copyuid, read_fetch, uid_set
from classifier.mailbox.idle import idle, poll
from classifier.mailbox.names import Names, encode_name
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

    from classifier.mailbox.connection import Connection, Reply
    from classifier.mailbox.protocol import FolderMemory

#: UIDs in one SEARCH: the answer stays below the line length that clients and servers take (1 MB).
SEARCH_WINDOW = 100_000
#: Messages in one batch: what is judged, moved and committed together.
BATCH = 1000
#: Bytes of bodies in one FETCH; two are under way at once.
BODIES_AT_ONCE = 4 * 1024 * 1024
#: Of more messages than this, the sizes are asked for before the headers.
_FEW = 50
#: Uses of folders that show messages of other folders (RFC 6154, RFC 8457).
_VIRTUAL = frozenset({"\\all", "\\flagged", "\\important"})
_LOOK = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER]<0.{HEADER_LIMIT}>)"


class ImapMailbox:
    """:class:`~classifier.mailbox.protocol.Mailbox` over one connection.

    Attributes:
        connection: the connection.
        names: the account's folder names.

    """

    def __init__(self, connection: Connection, caution: Caution | None = None) -> None:
        """Use a logged-in *connection*; *caution* carries over what earlier ones taught."""
        self.connection = connection
        self._caution = caution or Caution()
        self.names = Names(connection)
        self._open: tuple[str, bool] | None = None
        self._status: FolderStatus | None = None
        self._located: dict[str, str] = {}
        self._idle_refused = False
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
        items = "UIDNEXT UIDVALIDITY MESSAGES"
        if self.connection.capable("CONDSTORE"):
            items += " HIGHESTMODSEQ"
        reply = self.connection.call("STATUS", encode_name(name), f"({items})", wanted=("STATUS",))
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
            modseq=values.get("HIGHESTMODSEQ", 0),
        )

    def open(self, folder: str, *, write: bool) -> FolderStatus:
        """SELECT *folder*, or EXAMINE it where nothing is to be written."""
        name = self._located.get(folder, folder)
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
        self._located.setdefault(folder, name)
        self._open = (name, write)
        self._status = FolderStatus(
            name,
            _number(reply, "UIDVALIDITY"),
            _number(reply, "UIDNEXT"),
            _number(reply, "EXISTS"),
            writable=write and reply.code != "READ-ONLY" and "READ-ONLY" not in _codes(reply),
            modseq=_number(reply, "HIGHESTMODSEQ"),
        )
        return self._status

    def _select(self, name: str, write: bool) -> Reply:
        self._open = self._status = None
        imap = self.connection.client._imap  # noqa: SLF001 - see connection.py
        imap.untagged_responses = {}
        wanted = ("UIDVALIDITY", "UIDNEXT", "EXISTS", "HIGHESTMODSEQ", "READ-ONLY", "READ-WRITE")
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
        self._looked[status.name] = status.uid_next
        if status.messages == 0 or (status.uid_next and first >= status.uid_next):
            return
        for uids, below in self._windows(first, status.uid_next):
            messages, unreadable = self._headers(uids)
            yield Batch(messages, uid_next=below, unreadable=tuple(unreadable))

    def _windows(self, first: int, uid_next: int) -> Iterator[tuple[list[int], int]]:
        """Split the new UIDs into batches, each with the UID below which all is then covered."""
        if not uid_next:  # a server that keeps UIDNEXT to itself
            found = self._search(f"{first}:*")
            uid_next = max(found, default=0) + 1
            found = [u for u in found if u >= first]
            for start in range(0, len(found), BATCH):
                part = found[start : start + BATCH]
                yield part, part[-1] + 1
            return
        if uid_next - first <= BATCH:
            yield list(range(first, uid_next)), uid_next
            return
        for low in range(first, uid_next, SEARCH_WINDOW):
            high = min(low + SEARCH_WINDOW, uid_next)
            found = [u for u in self._search(f"{low}:{high - 1}") if low <= u < high]
            for start in range(0, len(found), BATCH):
                part = found[start : start + BATCH]
                last = start + BATCH >= len(found)
                yield part, high if last else part[-1] + 1
            if not found:
                yield [], high

    def _search(self, uids: str) -> list[int]:
        reply = self.connection.call("UID", "SEARCH", "UID", uids, wanted=("SEARCH",))
        reply.checked("SEARCH", self.connection.where)
        words = b" ".join(p for p in reply.data["SEARCH"] if isinstance(p, bytes)).split()
        return sorted({int(w) for w in words if w.isdigit()})

    def look(self, keys: Sequence[str]) -> list[ListedMessage]:
        """Look at these messages; those that are gone are left out."""
        return self._headers([int(k) for k in keys])[0] if keys else []

    def _headers(self, uids: Sequence[int]) -> tuple[list[ListedMessage], list[str]]:
        found: dict[str, ListedMessage] = {}
        unreadable: list[str] = []
        wanted = set(map(str, uids))
        readable = self._readable(uids, unreadable)
        size = self._caution.at_once
        chunks = [readable[i : i + size] for i in range(0, len(readable), size)]
        for fetched in self._fetch(chunks, _LOOK, unreadable):
            message = fetched.listed()
            if message is not None and message.key in wanted:
                found[message.key] = message
        self._caution.relax()
        return sorted(found.values(), key=lambda m: int(m.key)), [k for k in unreadable if k not in found]

    def _readable(self, uids: Sequence[int], unreadable: list[str]) -> list[int]:
        """Sort out the messages at which the server hung up before."""
        folder = self._status.name if self._status else ""
        hopeless = [u for u in uids if self._caution.hopeless(folder, str(u))]
        unreadable += map(str, hopeless)
        return [u for u in uids if u not in hopeless] if hopeless else list(uids)

    def _fetch(self, chunks: Sequence[list[int]], items: str, unreadable: list[str]) -> Iterator[Fetched]:
        """FETCH chunk by chunk; one that is refused is halved until the culprit stands alone.

        Args:
            chunks: UIDs to ask for together.
            items: what of them.
            unreadable: takes the keys of those that the server will not show.

        """
        folder = self._status.name if self._status else ""
        refused: list[list[int]] = []
        order = iter(chunks)
        commands = (("UID", "FETCH", uid_set(c), items) for c in self._noted(folder, chunks))
        # Two at once, unless it must be known which message it was.
        depth = 2 if self._caution.at_once > 1 else 1
        for reply in self.connection.pipeline(commands, "FETCH", depth):
            chunk = next(order)
            if reply.status != "OK":
                refused.append(chunk)
            yield from read_fetch(reply.data["FETCH"])
        self._caution.answered()
        while refused:
            chunk = refused.pop()
            for half in [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]] if len(chunk) > 1 else [chunk]:
                reply = self.connection.call("UID", "FETCH", uid_set(half), items, wanted=("FETCH",))
                yield from read_fetch(reply.data["FETCH"])
                if reply.status != "OK":
                    if len(half) > 1:
                        refused.append(half)
                    else:
                        unreadable.append(str(half[0]))

    def _noted(self, folder: str, chunks: Sequence[list[int]]) -> Iterator[list[int]]:
        for chunk in chunks:
            self._caution.ask(folder, [str(u) for u in chunk])
            yield chunk

    def arrivals(self, folder: str, since: int, sizes: frozenset[int]) -> list[ListedMessage]:
        """Look at what came into *folder* at UID *since* or later."""
        status = self.open(folder, write=False)
        found: list[ListedMessage] = []
        if status.messages == 0 or (status.uid_next and since >= status.uid_next):
            return found
        for uids, _ in self._windows(max(since, 1), status.uid_next):
            found += [m for m in self._headers(self._of_sizes(uids, sizes))[0] if m.size in sizes]
        return found

    def _of_sizes(self, uids: Sequence[int], sizes: frozenset[int]) -> Sequence[int]:
        """Leave out those of *uids* that have another size."""
        if len(uids) <= _FEW:
            return uids
        at_once = len(uids) if self._caution.step == 0 else self._caution.at_once
        chunks = [list(uids[i : i + at_once]) for i in range(0, len(uids), at_once)]
        answers = self._fetch(chunks, "(UID RFC822.SIZE)", [])
        return sorted({f.uid for f in answers if f.uid is not None and f.size in sizes} & set(uids))

    def bodies(self, messages: Sequence[ListedMessage], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Read the first *limit* bytes of each."""
        unreadable: list[str] = []
        readable = set(self._readable([int(m.key) for m in messages], unreadable))
        chunks: list[list[int]] = []
        room = 0
        for message in messages:
            if int(message.key) in readable:
                size = min(message.size, limit)
                if not chunks or size > room or len(chunks[-1]) >= self._caution.at_once:
                    chunks.append([])
                    room = BODIES_AT_ONCE
                chunks[-1].append(int(message.key))
                room -= size
        for fetched in self._fetch(chunks, f"(UID BODY.PEEK[]<0.{limit}>)", unreadable):
            uid, body = fetched.uid, fetched.sections.get("")
            if uid is not None and body is not None:
                yield str(uid), body
        for key in unreadable:
            yield key, None

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

    def remove(self, keys: Sequence[str]) -> None:
        r"""Set \Deleted on these and UID EXPUNGE them: nobody else's deletions go with them."""
        where = self.connection.where
        uids = uid_set(keys)
        self.connection.call("UID", "STORE", uids, "+FLAGS.SILENT", "(\\Deleted)").checked("STORE", where)
        self.connection.call("UID", "EXPUNGE", uids).checked("EXPUNGE", where)

    def append(self, folder: str, raw: bytes) -> None:
        """APPEND, with CRLF line ends."""
        name = self.locate(folder) or folder
        with self.connection.translated():
            self.connection.client.append(name, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        self._open = None

    def wait(self, folder: str, seconds: float, wake: int) -> None:
        """IDLE (RFC 2177) where offered and taken, else NOOP every now and then."""
        self._open = None
        status = self.open(folder, write=False)
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

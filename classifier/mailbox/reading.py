"""Reads messages of the open folder: UIDs in windows, headers many at a time, bodies as far as they matter.

Headers first; of large messages the structure before the body, since of a
report with a long original only its beginning counts.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from classifier.errors import MailboxError
from classifier.mailbox.fetch import Fetched, GarbledError, expand_set, read_fetch, uid_set
from classifier.mailbox.protocol import HEADER_LIMIT, ConnectionLost, ListedMessage, Refused
from classifier.mailbox.structure import needed, structures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from classifier.mailbox.caution import Caution
    from classifier.mailbox.connection import Connection, Reply

#: UIDs in one SEARCH: of ten digits each, the answer stays below the line length that imaplib takes (1 MB).
SEARCH_WINDOW = 80_000
#: Where no more messages than this can be left, one SEARCH goes over all of them, however far apart their UIDs.
FEW_MESSAGES = 50_000
#: Where more windows than this would be searched, UIDs are as good as random: the messages' places lead instead.
MOST_WINDOWS = 100
#: Messages in one batch: what is judged together.
BATCH = 1000
#: UIDs that are named in one command, however far they lie apart: servers need not take more than
#: 8,192 bytes (RFC 9051 section 4.3.1, RFC 7162 section 4).
NAMED_AT_ONCE = 500
#: Of so many messages a server shows at least one, unless it shows nothing at this moment.
NONE_SHOWN = 20
#: Bytes of bodies in one FETCH; two are under way at once.
BODIES_AT_ONCE = 4 * 1024 * 1024
#: Larger messages are read this far, if their structure says that it is enough.
ENOUGH = 256 * 1024
#: Of more messages than this, the sizes are asked for before the headers.
_FEW = 50
_ALL = re.compile(rb"\bALL ([0-9:,]{1,1000000})", re.IGNORECASE)
_STOPPED = re.compile(rb"\[MESSAGELIMIT [0-9]{1,10} ([0-9]{1,10})\]", re.IGNORECASE)
_LOOK = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER]<0.{HEADER_LIMIT}>)"


class Reader:
    """Asks one connection for messages.

    Attributes:
        folder: the open folder's name.

    """

    def __init__(self, connection: Connection, caution: Caution) -> None:
        """Ask over *connection*; *caution* carries over what earlier ones taught."""
        self.folder = ""
        self._connection = connection
        self._caution = caution
        #: What was said when messages were refused last.
        self._said = ""

    def windows(self, first: int, uid_next: int, messages: int) -> Iterator[tuple[list[int], int]]:
        """Split the UIDs from *first* into batches, each with the UID below which all is then covered.

        Args:
            first: the first UID.
            uid_next: the UID that the next message will get; 0 where the server keeps it to itself.
            messages: how many are in the folder.

        """
        if uid_next and uid_next - first <= BATCH:
            yield list(range(first, uid_next)), uid_next
            return
        if not uid_next or messages <= FEW_MESSAGES:
            # "*" is the last message, even one below the first UID asked for.
            found = [u for u in self._search(first, "*") if u >= first]
            if uid_next:
                found = [u for u in found if u < uid_next]
            yield from _batches(found, uid_next or max(found, default=first - 1) + 1)
            return
        if uid_next - first > MOST_WINDOWS * SEARCH_WINDOW:
            yield from _batches(self._by_places(first, uid_next, messages), uid_next)
            return
        for low in range(first, uid_next, SEARCH_WINDOW):
            high = min(low + SEARCH_WINDOW, uid_next)
            yield from _batches([u for u in self._search(low, high - 1) if low <= u < high], high)

    def _by_places(self, first: int, uid_next: int, messages: int) -> list[int]:
        """Find the UIDs below *uid_next* by where their messages stand, so many at a time.

        The last come first: what others expunge meanwhile moves the rest down, to where it is still to be looked.
        """
        found: set[int] = set()
        for high in range(messages, 0, -SEARCH_WINDOW):
            places = f"{max(1, high - SEARCH_WINDOW + 1)}:{'*' if high == messages else high}"
            found.update(u for u in self._search(first, uid_next - 1, places) if first <= u < uid_next)
        return sorted(found)

    def _search(self, first: int, last: int | str, *places: str) -> list[int]:
        """Find the UIDs from *first* to *last* (``*``: to the highest), at *places* only, if given.

        A server may look at the newest so many messages alone, and say at which UID it stopped (RFC 9738
        section 3.1; Yahoo's does at 1,000): it is asked again for what lies below.
        """
        found: set[int] = set()
        end = last
        while True:
            reply = self._connection.call(
                "UID", "SEARCH", *places, "UID", f"{first}:{end}", wanted=("SEARCH", "ESEARCH")
            )
            reply.checked("SEARCH", self._connection.where)
            found |= self._found(reply)
            stopped = _STOPPED.search(reply.text)
            if stopped is None or not first < int(stopped[1]) < (end if isinstance(end, int) else 2**32):
                return sorted(found)
            end = int(stopped[1]) - 1

    def _found(self, reply: Reply) -> set[int]:
        words = b" ".join(p for p in reply.data["SEARCH"] if isinstance(p, bytes)).split()
        found = {int(w) for w in words if w.isdigit()}
        for line in reply.data["ESEARCH"]:  # IMAP4rev2 answers so
            some = _ALL.search(line) if isinstance(line, bytes) else None
            try:
                found.update(expand_set(some[1].decode()) if some else ())
            except ValueError as error:
                raise MailboxError(
                    f"the server answered what it must not ({error})", where=self._connection.where
                ) from error
        return found

    def headers(self, uids: Sequence[int]) -> tuple[list[ListedMessage], list[str]]:
        """Look at messages; those that are gone are left out, those that are not shown are named."""
        whole: dict[int, Fetched] = {}
        apart: list[tuple[int, Fetched]] = []
        unreadable: list[str] = []
        wanted = set(uids)
        readable = self._readable(uids, unreadable)
        size = self._caution.at_once
        chunks = [readable[i : i + size] for i in range(0, len(readable), size)]
        for fetched in self._fetch(chunks, _LOOK, unreadable):
            uid = fetched.uid
            if uid in wanted:
                if "HEADER" in fetched.sections:
                    whole[uid] = fetched
                else:
                    apart.append((uid, fetched))
        for uid, fetched in apart:
            if uid in whole:
                whole[uid].add(fetched)
        found = [message for uid in sorted(whole) if (message := whole[uid].listed()) is not None]
        shown = {m.key for m in found}
        return found, [k for k in unreadable if k not in shown]

    def went_through(self) -> None:
        """Note that all of a batch was read, bodies too: only then may more be asked for at once again."""
        self._caution.relax()

    def first_look(self, uids: Sequence[int]) -> tuple[list[ListedMessage], list[str]]:
        """Look at messages as :meth:`headers` does; those that are there and were left out are named as well.

        Raises:
            Refused: none of many is shown: it is the server, and none of the messages.

        """
        messages, unreadable = self.headers(uids)
        if not messages and len(unreadable) >= NONE_SHOWN:
            raise Refused(
                f"none of {len(unreadable)} messages is shown{self._said}", where=self._connection.where
            )
        missing = set(map(str, uids)).difference((m.key for m in messages), unreadable)
        return messages, [*unreadable, *self._there(missing)]

    def _there(self, keys: Collection[str]) -> list[str]:
        """Return those of *keys* that were not answered for and are there, as far as the server lets one know."""
        with contextlib.suppress(Refused):
            return sorted(self.present(keys), key=int) if keys else []
        return []

    def present(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those that the folder has, whether or not it shows them."""
        wanted = sorted({int(k) for k in keys})
        found: set[int] = set()
        for start in range(0, len(wanted), NAMED_AT_ONCE):
            some = uid_set(wanted[start : start + NAMED_AT_ONCE])
            reply = self._connection.call("UID", "SEARCH", "UID", some, wanted=("SEARCH", "ESEARCH"))
            reply.checked("SEARCH", self._connection.where)
            found |= self._found(reply)
        return frozenset(map(str, found.intersection(wanted)))

    def of_sizes(self, uids: Sequence[int], sizes: frozenset[int]) -> Sequence[int]:
        """Leave out those of *uids* that have another size."""
        if len(uids) <= _FEW:
            return uids
        at_once = NAMED_AT_ONCE if self._caution.step == 0 else self._caution.at_once
        chunks = [list(uids[i : i + at_once]) for i in range(0, len(uids), at_once)]
        answers = self._fetch(chunks, "(UID RFC822.SIZE)", [])
        return sorted({f.uid for f in answers if f.uid is not None and f.size in sizes} & set(uids))

    def bodies(self, messages: Sequence[ListedMessage], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """Read at most the first *limit* bytes of each, and less where less will do.

        None for each that cannot be read: it is refused, empty though it has a size, or left out though it is there.
        """
        unreadable: list[str] = []
        readable = set(self._readable([int(m.key) for m in messages], unreadable))
        left = [m for m in messages if int(m.key) in readable]
        missing = {m.key: m.size for m in left}
        large = [int(m.key) for m in left if m.size > ENOUGH]
        short = self._short(large)
        for some, most in (
            ([m for m in left if m.size <= ENOUGH or m.key in short], min(ENOUGH, limit)),
            ([m for m in left if m.size > ENOUGH and m.key not in short], limit),
        ):
            chunks = _by_bytes(some, most, self._caution.at_once)
            for fetched in self._fetch(chunks, f"(UID BODY.PEEK[]<0.{most}>)", unreadable):
                key, body = str(fetched.uid), fetched.sections.get("")
                if key in missing and "" in fetched.sections and (body or not missing[key]):
                    del missing[key]
                    yield key, body or b""
        unreadable += self._there(missing.keys() - set(unreadable))
        for key in unreadable:
            if key in missing or int(key) not in readable:
                yield key, None

    def _short(self, uids: list[int]) -> set[str]:
        """Return the keys of those large messages whose beginning is enough, as their structure says."""
        size = self._caution.at_once
        found: set[str] = set()
        for chunk in [uids[i : i + size] for i in range(0, len(uids), size)]:
            self._caution.ask(self.folder, [str(u) for u in chunk])
            reply = self._connection.call(
                "UID", "FETCH", uid_set(chunk), "(UID BODYSTRUCTURE)", wanted=("FETCH",)
            )
            self._caution.answered()
            if reply.status != "OK":
                break  # read as far as any is
            found |= {str(uid) for uid, body in structures(reply.data["FETCH"]) if needed(body) <= ENOUGH}
        return found & set(map(str, uids))

    def _readable(self, uids: Sequence[int], unreadable: list[str]) -> list[int]:
        """Sort out the messages at which the server hung up before."""
        hopeless = [u for u in uids if self._caution.hopeless(self.folder, str(u))]
        unreadable += map(str, hopeless)
        return [u for u in uids if u not in hopeless] if hopeless else list(uids)

    def _fetch(self, chunks: Sequence[list[int]], items: str, unreadable: list[str]) -> Iterator[Fetched]:
        """FETCH chunk by chunk; one that is refused, or answered in part, is halved until the culprit stands alone.

        Args:
            chunks: UIDs to ask for together.
            items: what of them.
            unreadable: takes the keys of those that the server will not show.

        """
        refused: list[list[int]] = []
        order = iter(chunks)
        commands = (("UID", "FETCH", uid_set(c), items) for c in self._noted(chunks))
        # Two at once, unless it must be known which message it was.
        depth = 2 if self._caution.at_once > 1 else 1
        for reply in self._connection.pipeline(commands, "FETCH", depth):
            chunk = next(order)
            if reply.status != "OK" or (reply.code == "MESSAGELIMIT" and len(chunk) > 1):
                refused.append(chunk)
            yield from self._fetched(reply)
        self._caution.answered()
        while refused:
            chunk = refused.pop()
            for half in [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]] if len(chunk) > 1 else [chunk]:
                reply = self._connection.call("UID", "FETCH", uid_set(half), items, wanted=("FETCH",))
                yield from self._fetched(reply)
                if len(half) > 1 and (reply.status != "OK" or reply.code == "MESSAGELIMIT"):
                    refused.append(half)
                elif reply.status != "OK":
                    unreadable.append(str(half[0]))

    def _fetched(self, reply: Reply) -> Iterator[Fetched]:
        if reply.status != "OK":
            self._said = (
                f": the server answered {reply.status} {reply.text.decode('utf-8', 'replace').strip()[:200]}"
            )
        try:
            yield from read_fetch(reply.data["FETCH"])
        except GarbledError as error:
            raise ConnectionLost(
                f"the server answered what it must not ({error})",
                where=self._connection.where, remedy="try again later",
            ) from error  # fmt: skip

    def _noted(self, chunks: Sequence[list[int]]) -> Iterator[list[int]]:
        for chunk in chunks:
            self._caution.ask(self.folder, [str(u) for u in chunk])
            yield chunk


def _batches(found: list[int], end: int) -> Iterator[tuple[list[int], int]]:
    """Split *found* into batches; after the last one all below *end* is covered."""
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        yield part, end if start + BATCH >= len(found) else part[-1] + 1
    if not found:
        yield [], end


def _by_bytes(messages: Iterable[ListedMessage], limit: int, at_once: int) -> list[list[int]]:
    """Put UIDs together that are asked for by one FETCH."""
    chunks: list[list[int]] = []
    room = 0
    for message in messages:
        size = min(message.size, limit)
        if not chunks or size > room or len(chunks[-1]) >= at_once:
            chunks.append([])
            room = BODIES_AT_ONCE
        chunks[-1].append(int(message.key))
        room -= size
    return chunks

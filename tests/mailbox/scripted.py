"""An IMAP server in memory that behaves as Gmail's or Exchange's is documented to.

Gmail: folders are labels of one message; all of them lie in "All Mail" as well;
moving out of a label takes the label off, and a message that has the target's
label already gets no second copy there; expunging takes a label off, too.

Exchange: no special uses; MOVE is answered in ways that do not tell what was done.

Yahoo (https://senders.yahooinc.com/developer/documentation, RFC 9738): no command works on more than 1,000
messages; SEARCH and FETCH answer for the newest ones and say where they stopped, MOVE and COPY do nothing.
Some messages it never shows ("UID FETCH Server error").

iCloud: no MOVE, no special uses, folders called as Apple's programs call them; the item RFC822 gives
nothing; notes are listed as folders, and cannot be opened.
"""

from __future__ import annotations

import contextlib
import re
import socketserver
import threading
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tests.mailbox.daemon import ImapServer

GMAIL = (
    "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE "
    "ESEARCH LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584"
)
EXCHANGE = "IMAP4 IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
YAHOO = (
    "IMAP4rev1 AUTH=PLAIN AUTH=OAUTHBEARER SASL-IR ID MOVE NAMESPACE UIDPLUS LITERAL+ CHILDREN IDLE SPECIAL-USE ENABLE "
    "OBJECTID CONDSTORE QRESYNC UIDONLY PARTIAL MESSAGELIMIT=1000"
)
ICLOUD = (
    "XAPPLEPUSHSERVICE IMAP4 IMAP4rev1 CONDSTORE ENABLE QRESYNC QUOTA NAMESPACE UIDPLUS CHILDREN BINARY UNSELECT SORT "
    "CATENATE URLAUTH LANGUAGE ESEARCH ESORT WITHIN SASL-IR SEARCHRES METADATA ID XMSEARCH ANNOTATE-EXPERIMENT-1 IDLE "
    "LIST-STATUS"
)
_NOT_SHOWN = "NO [UNAVAILABLE] UID FETCH Server error - Please try again later"
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


@dataclass(eq=False)
class Message:
    """One message with what IMAP knows of it."""

    raw: bytes
    flags: set[str] = field(default_factory=set)
    date: str = "01-Mar-2026 12:00:00 +0000"


@dataclass
class Folder:
    """A folder, or a label."""

    uses: str = ""
    selectable: bool = True
    uid_next: int = 1
    messages: dict[int, Message] = field(default_factory=dict)

    def add(self, message: Message) -> int:
        """Put *message* in, unless it is there; return its UID."""
        for uid, there in self.messages.items():
            if there is message:
                return uid
        self.messages[self.uid_next] = message
        self.uid_next += 1
        return self.uid_next - 1


@dataclass
class Scripted(ImapServer):
    """A running server with one user.

    Attributes:
        folders: by name.
        labels: whether folders are labels, and which one holds all.
        odd_moves: how MOVE is answered: "", "no", "bad" (both after it was done), "silent"
            (done, and OK without COPYUID), "half" (NO after the first half), "nothing" (OK, not done).
        capability: what is offered.
        uid_validity: of the open folder; that of targets is always 7.

    """

    folders: dict[str, Folder]
    labels: str = ""
    odd_moves: str = ""
    capability: str = EXCHANGE
    uid_validity: int = 7
    commands: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def deliver(self, raw: bytes, *folders: str) -> Message:
        """Put a message in."""
        message = Message(raw.replace(b"\n", b"\r\n"))
        for name in {*(folders or ("INBOX",)), *([self.labels] if self.labels else [])}:
            self.folders[name].add(message)
        return message

    def census(self, user: Any = None) -> dict[str, Counter[str]]:
        """Return for each folder how often each message is there."""
        del user
        return {
            name: Counter(sha256(m.raw).hexdigest() for m in folder.messages.values())
            for name, folder in self.folders.items()
        }


def gmail_folders(root: str, names: dict[str, str]) -> dict[str, Folder]:
    """Return Gmail's folders under *root*, named in a user's language by *names*."""
    found = {"INBOX": Folder(), root: Folder("\\HasChildren", selectable=False)}
    for use, name in names.items():
        found[f"{root}/{name}"] = Folder(use)
    return found


@contextlib.contextmanager
def scripted(folders: dict[str, Folder], session: type[Session] | None = None, **options):
    """Run a server until the end of the block; *session* answers otherwise than others do."""

    class One(session or Session):
        pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), One) as listener:
        listener.daemon_threads = True
        One.state = Scripted(listener.server_address[1], folders, **options)
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield One.state
        finally:
            listener.shutdown()


class Session(socketserver.StreamRequestHandler):
    state: Scripted
    #: An answer is written in pieces: each would wait for the last one's receipt.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.name = ""
        self.read_only = True
        with contextlib.suppress(OSError):
            self.say(f"* OK [CAPABILITY {self.state.capability}] ready")
            while line := self.rfile.readline():
                tag, _, rest = line.decode().rstrip("\r\n").partition(" ")
                words = [a.replace("\\", "") if a or not b else b for a, b in _WORD.findall(rest)]
                command = words.pop(0).upper()
                if command == "UID":
                    command += " " + words.pop(0).upper()
                with self.state.lock:
                    self.state.commands.append(command)
                    answer = getattr(self, "do_" + command.lower().replace(" ", "_"), self.unknown)(
                        words, rest
                    )
                self.say(f"{tag} {answer}")
                if command == "LOGOUT":
                    return

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    @property
    def open(self) -> Folder:
        return self.state.folders[self.name]

    def unknown(self, words, rest) -> str:
        return "BAD Command Error. 12"

    def do_capability(self, words, rest) -> str:
        self.say(f"* CAPABILITY {self.state.capability}")
        return "OK done"

    def do_login(self, words, rest) -> str:
        return "OK done"

    do_noop = do_subscribe = do_login

    def do_logout(self, words, rest) -> str:
        self.say("* BYE")
        return "OK done"

    def do_namespace(self, words, rest) -> str:
        self.say('* NAMESPACE (("" "/")) NIL NIL')
        return "OK done"

    def do_list(self, words, rest) -> str:
        wanted = re.compile(re.escape(words[1]).replace(r"\*", ".*").replace("%", "[^/]*"), re.IGNORECASE)
        for name, folder in self.state.folders.items():
            if wanted.fullmatch(name):
                flags = folder.uses + ("" if folder.selectable else " \\Noselect")
                self.say(f'* LIST ({flags.strip()}) "/" "{name}"')
        return "OK done"

    def do_create(self, words, rest) -> str:
        if words[0] in self.state.folders:
            return "NO [ALREADYEXISTS] Duplicate folder name"
        self.state.folders[words[0]] = Folder()
        return "OK done"

    def do_status(self, words, rest) -> str:
        folder = self.state.folders.get(words[0])
        if folder is None:
            return "NO [NONEXISTENT] Unknown Mailbox"
        self.say(
            f'* STATUS "{words[0]}" (UIDNEXT {folder.uid_next} UIDVALIDITY 7 MESSAGES {len(folder.messages)})'
        )
        return "OK done"

    def do_select(self, words, rest, *, read_only=False) -> str:
        folder = self.state.folders.get(words[0])
        if folder is None or not folder.selectable:
            return "NO [NONEXISTENT] Unknown Mailbox"
        self.name, self.read_only = words[0], read_only
        self.say(f"* {len(folder.messages)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.state.uid_validity}] UIDs valid")
        self.say(f"* OK [UIDNEXT {folder.uid_next}] next")
        return f"OK [{'READ-ONLY' if read_only else 'READ-WRITE'}] done"

    def do_examine(self, words, rest) -> str:
        return self.do_select(words, rest, read_only=True)

    def uids(self, text: str) -> list[int]:
        found = []
        last = max(self.open.messages, default=0)
        for part in text.split(","):
            low, _, high = part.replace("*", str(last)).partition(":")
            ends = sorted((int(low), int(high or low)))
            found += [u for u in self.open.messages if ends[0] <= u <= ends[1]]
        return found

    def do_uid_search(self, words, rest) -> str:
        found = self.uids(words[1])
        self.say("* SEARCH " + " ".join(map(str, found)))
        return "OK done"

    def do_uid_fetch(self, words, rest) -> str:
        for uid in self.uids(words[0]):
            message = self.open.messages[uid]
            head = message.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            section, data = ("HEADER", head) if "[HEADER]" in rest else ("", message.raw)
            text = f"* {uid} FETCH (UID {uid} FLAGS ({' '.join(sorted(message.flags))}) "
            text += f'INTERNALDATE "{message.date}" RFC822.SIZE {len(message.raw)}'
            if "PEEK" in rest:
                self.wfile.write(f"{text} BODY[{section}]<0> {{{len(data)}}}\r\n".encode() + data + b")\r\n")
            else:
                self.say(text + ")")
        return "OK done"

    def transfer(self, words, *, leave: bool) -> tuple[str, list[int]]:
        """Give the messages the target's label, and take this one's if *leave*."""
        target = self.state.folders[words[1]]
        uids = self.uids(words[0])
        done = uids[: len(uids) // 2] if leave and self.state.odd_moves == "half" else uids
        new = [target.add(m if self.state.labels else Message(m.raw, set(m.flags), m.date))
               for m in map(self.open.messages.__getitem__, done)]  # fmt: skip
        if leave:
            self.expunge(done)
        return f"COPYUID 7 {','.join(map(str, done))} {','.join(map(str, new))}", done

    def expunge(self, uids: list[int]) -> None:
        for uid in uids:
            place = sorted(self.open.messages).index(uid) + 1
            if self.name != self.state.labels:  # nothing leaves "All Mail" so
                del self.open.messages[uid]
                self.say(f"* {place} EXPUNGE")

    def do_uid_move(self, words, rest) -> str:
        if self.read_only or words[1] not in self.state.folders:
            return "NO [TRYCREATE] no"
        odd = self.state.odd_moves
        if odd == "nothing":
            return "OK MOVE completed."
        code, done = self.transfer(words, leave=True)
        if done and not odd:
            self.say(f"* OK [{code}]")
        return {
            "no": "NO MOVE failed.",
            "half": "NO The message cannot be moved.",
            "bad": "BAD Command Error. 12",
        }.get(odd, "OK done")

    def do_uid_copy(self, words, rest) -> str:
        code, done = self.transfer(words, leave=False)
        return f"OK [{code}] done" if done else "OK done"

    def do_uid_store(self, words, rest) -> str:
        for uid in self.uids(words[0]):
            self.open.messages[uid].flags.add(rest.rpartition("(")[2].strip(")"))
        return "OK done"

    def do_uid_expunge(self, words, rest) -> str:
        gone = [u for u in self.uids(words[0]) if "\\Deleted" in self.open.messages[u].flags]
        messages = [self.open.messages[u] for u in gone]
        self.expunge(gone)
        for message in messages:
            message.flags.discard("\\Deleted")
        return "OK done"


class YahooSession(Session):
    """Looks at no more than so many messages at once."""

    limit = 1000
    broken = frozenset()

    def within(self, words, at, do):
        """Do it for the newest messages alone; say where that ended."""
        uids = self.uids(words[at])
        if len(uids) <= self.limit:
            return do(words)
        kept = sorted(uids)[-self.limit :]
        do([*words[:at], ",".join(map(str, kept))])
        return f"OK [MESSAGELIMIT {self.limit} {kept[0]}] completed with {self.limit} partial results"

    def do_uid_search(self, words, rest):
        return self.within(words, 1, lambda some: Session.do_uid_search(self, some, rest))

    def do_uid_fetch(self, words, rest):
        if self.broken & set(self.uids(words[0])):
            return _NOT_SHOWN
        return self.within(words, 0, lambda some: Session.do_uid_fetch(self, some, rest))

    def do_uid_move(self, words, rest):
        if len(self.uids(words[0])) > self.limit:
            return f"NO [MESSAGELIMIT {self.limit}] Too many messages, try a smaller subset"
        return super().do_uid_move(words, rest)


class ICloudSession(Session):
    """Shows a message to those alone who ask for BODY[]; lists folders that are none."""

    notes = "Notes"

    def do_uid_fetch(self, words, rest):
        if "BODY" not in rest and "RFC822)" in rest:
            for uid in self.uids(words[0]):
                self.say(f"* {uid} FETCH (UID {uid})")
            return "OK done"
        return super().do_uid_fetch(words, rest)

    def do_select(self, words, rest, *, read_only=False):
        if words[0] == self.notes:
            return "NO [NONEXISTENT] Mailbox does not exist (took 1 ms)"
        return super().do_select(words, rest, read_only=read_only)

    def do_status(self, words, rest):
        return self.do_select(words, rest) if words[0] == self.notes else super().do_status(words, rest)


def hiding(kind, folder):
    """Make a session of this *kind* whose server does not show the first message of *folder* at this moment, as Yahoo's."""

    class Hiding(kind):
        def do_uid_fetch(self, words, rest):
            if self.name == folder and "HEADER" in rest and 1 in self.uids(words[0]):
                return _NOT_SHOWN
            return super().do_uid_fetch(words, rest)

    return Hiding

"""The milter: a mail server hands over each message before it takes it, and is told what to do with it.

The protocol is libmilter's, by pymilter (the extra ``milter``). A message that
cannot be judged in time, or at all, is taken as it is: the milter never asks
for a second delivery and never turns mail away but on proof, and on proof only
where ``on_forged`` says "reject".
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from classifier.deliver.judges import Judges
from classifier.deliver.result_headers import NAMES, header_lines
from classifier.errors import ConfigurationError
from classifier.parse.report import Envelope
from classifier.parse.triage import STATUS_BYTES, may_be_report, names_a_status

if TYPE_CHECKING:
    from classifier.config_values import MilterAddress
    from classifier.deliver.judges import Found, InForce
    from classifier.deliver.metrics import Metrics

#: Of a larger message so much is looked at. In bytes.
MAX_MESSAGE = 32 * 1024 * 1024
#: A header section larger than this is looked at no further. In bytes.
_MAX_HEADERS = 1024 * 1024
#: Seconds for judging one message; Postfix waits 300 for the end of a message (milter_content_timeout).
JUDGING_TIME = 30.0
#: Seconds that libmilter waits for the mail server.
_TIMEOUT = 600
_NAMES = frozenset(name.lower() for name in NAMES)


class Conversation:
    """One message as it comes over the protocol, and what is to be done about it. Knows nothing of pymilter."""

    def __init__(self, in_force: InForce, judges: Judges, metrics: Metrics) -> None:
        """Begin."""
        self._in_force = in_force
        self._judges = judges
        self._metrics = metrics
        self.begin(None)

    def begin(self, mail_from: str | None) -> None:
        """Take a new message's reverse path, "" for the null sender."""
        self._mail_from = mail_from
        self._rcpt_to: set[str] = set()
        self._chunks: list[bytes] = []
        self._size = 0
        self._typed: dict[str, int] = {}
        #: So far the body is read, in bytes of the message.
        self._limit = MAX_MESSAGE

    def recipient(self, address: str) -> None:
        """Take a recipient; where there are several, nobody knows whose the message is."""
        if len(self._rcpt_to) < 2:
            self._rcpt_to.add(address)

    def header(self, name: str, value: bytes) -> None:
        """Take a header field; *value* is what follows the colon, its lines ended by LF or CRLF."""
        key = name.lower().rstrip(" \t")
        if key in _NAMES:
            # A result that came with the message is not ours.
            self._typed[key] = self._typed.get(key, 0) + 1
            return
        line = name.encode("utf-8", "surrogateescape") + b":" + value.replace(b"\r\n", b"\n") + b"\n"
        if self._size + len(line) <= _MAX_HEADERS:
            self._add(line.replace(b"\n", b"\r\n"))

    def headers_end(self) -> None:
        """Take the end of the header section."""
        section = b"".join(self._chunks)
        self._add(b"\r\n")
        if not may_be_report(section.replace(b"\r\n", b"\n"), self._mail_from):
            # Its body may still begin like a report's.
            self._limit = self._size + STATUS_BYTES

    def body(self, chunk: bytes) -> bool:
        """Take a piece of the body, and say whether more is wanted."""
        if self._size >= self._limit:
            return False
        self._add(chunk)
        if self._size >= self._limit < MAX_MESSAGE and names_a_status(b"".join(self._chunks), 0):
            self._limit = MAX_MESSAGE
        return self._size < self._limit

    def _add(self, piece: bytes) -> None:
        self._chunks.append(piece)
        self._size += len(piece)

    def end(self) -> tuple[Found | None, dict[str, int]]:
        """Judge the message.

        Returns:
            What was found, None where judging failed; and the result headers
            that came with the message, by name in lower case, with their number.

        """
        message, typed = b"".join(self._chunks), self._typed
        recipient = next(iter(self._rcpt_to)) if len(self._rcpt_to) == 1 else None
        envelope = Envelope(mail_from=self._mail_from, rcpt_to=recipient)
        self.begin(None)
        try:
            found = self._judges.judge(message, envelope, JUDGING_TIME)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is taken
            self._in_force.tell(f"milter: not judged ({type(error).__name__}: {error}); taken as it is")
            self._metrics.message("milter", "error")
            return None, typed
        self._metrics.message("milter", found.values[0])
        return found, typed

    def what_to_do(self, found: Found) -> str:
        """Return ``tag``, ``quarantine`` or ``reject``."""
        wanted = self._in_force.current[0].serve.on_forged
        if not found.quarantine or wanted == "tag":
            return "tag"
        if wanted == "reject":
            # A rejected report is gone for good, so nothing less will do.
            return "reject" if found.proof else "tag"
        return "quarantine"


def new_headers(found: Found) -> list[tuple[str, str]]:
    """Return the result headers as (name, value), folded by LF and a blank."""
    fields = []
    for line in header_lines(found.values):
        name, _, value = line.decode("ascii").rstrip("\n").partition(":")
        fields.append((name, value.strip(" ")))
    return fields


def _library() -> Any:  # noqa: ANN401 - pymilter has no types
    try:
        import Milter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"the milter needs pymilter ({error})", where="serve.milter",
            remedy="install backscatter-quarantine[milter], or Debian's python3-milter",
        ) from error  # fmt: skip
    return Milter


class MilterServer:
    """libmilter's server, in threads of its own."""

    def __init__(self, address: MilterAddress, in_force: InForce, metrics: Metrics, workers: int) -> None:
        """Prepare to listen at *address*.

        Raises:
            ConfigurationError: pymilter is not there.

        """
        self._library = _library()
        self._in_force = in_force
        self._judges = Judges(in_force, workers)
        self._metrics = metrics
        self._address = address
        self._thread = threading.Thread(target=self._serve, name="milter", daemon=True)
        self.failed: str | None = None

    @property
    def where(self) -> str:
        """The address as libmilter writes it."""
        if self._address.path:
            return f"unix:{self._address.path}"
        family = "inet6" if ":" in self._address.host else "inet"
        return f"{family}:{self._address.port}@{self._address.host}"

    def start(self) -> None:
        """Serve until :meth:`stop`.

        Raises:
            ConfigurationError: nobody can listen there.

        """
        import milter  # noqa: PLC0415 - there by now

        self._library.factory = _session_class(self._library, self._in_force, self._judges, self._metrics)
        self._library.set_flags(self._library.ADDHDRS | self._library.CHGHDRS | self._library.QUARANTINE)
        # pymilter asks for another delivery where it cannot even read what it is told (a name that is not UTF-8).
        milter.set_exception_policy(milter.CONTINUE)
        self._listen(milter)
        self._thread.start()

    def _listen(self, milter: Any) -> None:  # noqa: ANN401 - see _library
        """Make the socket here, before there are threads: the mask is the whole process's, folders' modes included."""
        # Unlike the mail server, nobody else has business with the socket.
        before = os.umask(0o117)
        try:
            milter.setconn(self.where)
            milter.register("backscatter")
            milter.opensocket(True)
        except milter.error as error:
            raise ConfigurationError(
                f"nobody can listen there ({error})", where=self.where, remedy="correct serve.milter"
            ) from error
        finally:
            os.umask(before)

    def _serve(self) -> None:
        try:
            self._library.runmilter("backscatter", self.where, _TIMEOUT)
        except Exception as error:  # noqa: BLE001 - libmilter says no more than that
            self.failed = f"milter: {self.where}: {error}"
            self._in_force.tell(self.failed)

    def ailing(self) -> str | None:
        """Return what is wrong, or None."""
        return None if self._thread.is_alive() else self.failed or "the milter has ended"

    def stop(self) -> None:
        """Take no more messages; libmilter looks up every few seconds."""
        import milter  # noqa: PLC0415 - there by now

        if self._thread.is_alive():
            milter.stop()
            self._thread.join(10)
        self._judges.close()


def _session_class(library: Any, in_force: InForce, judges: Judges, metrics: Metrics) -> Any:  # noqa: ANN401 - see _library
    """Make the class whose instances pymilter gives each connection."""

    class Session(library.Base):  # type: ignore[misc]
        """A connection of the mail server."""

        def __init__(self) -> None:
            self.conversation = Conversation(in_force, judges, metrics)

        @library.noreply  # type: ignore[untyped-decorator]
        @library.decode("bytes")  # type: ignore[untyped-decorator]
        def envfrom(self, address: bytes, *_parameters: bytes) -> Any:  # noqa: ANN401
            self.conversation.begin(_address(address))
            return library.CONTINUE

        @library.noreply  # type: ignore[untyped-decorator]
        @library.decode("bytes")  # type: ignore[untyped-decorator]
        def envrcpt(self, address: bytes, *_parameters: bytes) -> Any:  # noqa: ANN401
            self.conversation.recipient(_address(address))
            return library.CONTINUE

        @library.noreply  # type: ignore[untyped-decorator]
        @library.decode("bytes")  # type: ignore[untyped-decorator]
        def header(self, name: str, value: bytes) -> Any:  # noqa: ANN401
            self.conversation.header(name, value)
            return library.CONTINUE

        @library.noreply  # type: ignore[untyped-decorator]
        def eoh(self) -> Any:  # noqa: ANN401
            self.conversation.headers_end()
            return library.CONTINUE

        def body(self, chunk: bytes) -> Any:  # noqa: ANN401
            return library.CONTINUE if self.conversation.body(chunk) else library.SKIP

        def eom(self) -> Any:  # noqa: ANN401
            try:
                return self._decide()
            except Exception as error:  # noqa: BLE001 - a mail server that does not allow what we ask for
                in_force.tell(f"milter: {type(error).__name__}: {error}; the message is taken as it is")
                return library.ACCEPT

        def abort(self) -> Any:  # noqa: ANN401
            self.conversation.begin(None)  # nothing of it is held until the next one comes
            return library.CONTINUE

        def _decide(self) -> Any:  # noqa: ANN401
            found, typed = self.conversation.end()
            for name, count in typed.items():
                for index in range(count, 0, -1):
                    self.chgheader(name, index, "")
            if found is None:
                return library.ACCEPT
            action = self.conversation.what_to_do(found)
            if action == "reject":
                self.setreply("550", "5.7.1", "This report is about a message that was not sent from here")
                return library.REJECT
            # Where blanks after the colon are passed on as they are, ours has to be there, too.
            blank = " " if self._protocol & library.P_HDR_LEADSPC else ""
            for name, value in reversed(new_headers(found)):
                self.addheader(name, blank + value, 0)
            if action == "quarantine":
                self.quarantine("a report about a forged message")
            return library.ACCEPT

    return library.header_leading_space(Session) if hasattr(library, "header_leading_space") else Session


def _address(path: bytes) -> str:
    return path.decode("utf-8", "replace").strip().removeprefix("<").removesuffix(">")

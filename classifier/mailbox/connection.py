"""One connection to an IMAP server: TLS, login, time-outs, and commands with their answers.

Built on imapclient for the connection and on imaplib's tags for the commands,
so that several can be under way at once and that MOVE can be sent to a server
that has it through IMAP4rev2 alone (imapclient insists on the MOVE capability).
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import re
import socket
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any

from classifier.dataclass import dataclass
from classifier.errors import MailboxError, TemporaryError
from classifier.mailbox.bounds import bounded, ended_after, kept_alive, noting
from classifier.mailbox.login import Login, log_in, words
from classifier.mailbox.protocol import ConnectionLost, NotReached, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

log = logging.getLogger(__name__)

#: Seconds for one whole answer: a server that sends a byte now and then is not silent, and holds us for ever.
LONGEST_ANSWER = 1800.0
#: Seconds that the answer to LOGOUT may be waited for, and the whole of it twice as long.
FAREWELL = 5.0

#: What IMAP4rev2 (RFC 9051 section 2 and appendix E) has without naming it.
_REV2 = frozenset({"MOVE", "UIDPLUS", "NAMESPACE", "IDLE", "ENABLE", "UNSELECT", "SPECIAL-USE", "ESEARCH"})
#: What OpenSSL, until 3.1 and since, calls a server that does not begin with TLS.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
_CODE = re.compile(rb"\[([A-Z0-9-]{1,40})[ \]]", re.IGNORECASE)


@dataclass(frozen=True)
class Timeouts:
    """Seconds after which a server counts as gone.

    Attributes:
        connect, read: for which it may be silent.
        answer: that one whole answer may take; None: :data:`LONGEST_ANSWER`.

    """

    connect: float = 20.0
    read: float = 60.0
    answer: float | None = None


@dataclass(frozen=True)
class Server:
    """Where the server is and how the connection is protected.

    Attributes:
        host: name or address.
        port: TCP port.
        security: ``tls``, ``starttls``, or ``plain`` (loopback only).
        ca_file: authorities to believe instead of the system's, or None.

    """

    host: str
    port: int
    security: str = "tls"
    ca_file: str | None = None


@dataclass(frozen=True)
class Reply:
    """The tagged answer to one command, with the untagged ones that were asked for."""

    status: str
    text: bytes
    data: dict[str, list[Any]]

    @property
    def code(self) -> str:
        """The response code, e.g. ``OVERQUOTA``, or ""."""
        found = _CODE.match(self.text)
        return found[1].decode("ascii").upper() if found else ""

    def checked(self, what: str, where: str) -> Reply:
        """Return itself, or raise what the server said.

        Raises:
            Refused: the answer was NO or BAD.

        """
        if self.status != "OK":
            said = self.text.decode("utf-8", "replace").strip()[:300]
            raise Refused(f"{what}: the server answered {self.status} {said}", code=self.code, where=where)
        return self


class Connection:
    """A logged-in connection.

    Attributes:
        where: the account's name, for messages to the user.
        client: imapclient's own object.
        round_trips: how often an answer was waited for.

    """

    def __init__(self, client: Any, where: str, answer: float | None = None) -> None:  # noqa: ANN401 - imapclient ships no types
        """Wrap a logged-in *client*; see :func:`connect`."""
        self.client = client
        self.where = where
        self._longest = answer
        self.round_trips = 0
        self._capabilities: frozenset[str] | None = None

    def capable(self, name: str) -> bool:
        """Say whether the server offers *name*, by name or through IMAP4rev2."""
        if self._capabilities is None:
            with self.answered():
                self._capabilities = frozenset(
                    c.decode("ascii", "replace") for c in self.client.capabilities()
                )
        return name in self._capabilities or (name in _REV2 and "IMAP4REV2" in self._capabilities)

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what a broken connection raises into :class:`ConnectionLost`."""
        import imaplib  # noqa: PLC0415 - IMAP code costs 50 ms, and a Maildir needs none

        try:
            yield
        except TimeoutError as error:
            raise ConnectionLost(
                "the server fell silent", where=self.where, remedy="try again later"
            ) from error
        except (imaplib.IMAP4.abort, OSError, EOFError, ValueError) as error:
            # ValueError: imaplib reading from a connection that was closed.
            raise ConnectionLost(
                f"the connection broke ({words(error)})", where=self.where, remedy="try again later"
            ) from error
        except imaplib.IMAP4.error as error:
            raise MailboxError(
                f"the server answered what it must not ({words(error)})", where=self.where
            ) from error

    @contextlib.contextmanager
    def answered(self) -> Iterator[None]:
        """Do the same within a block that waits for one whole answer, and see that this has an end."""
        longest = self._longest or LONGEST_ANSWER
        with self.translated(), ended_after(longest, lambda: self.client._imap.sock):  # noqa: SLF001
            yield

    def send(self, name: str, *args: str) -> bytes:
        """Send a command and return its tag; :meth:`finish` waits for the answer."""
        with self.translated():
            imap = self.client._imap  # noqa: SLF001 - see the module's text
            imap.is_readonly = True  # else imaplib raises when another client makes the folder read-only
            tag: bytes = imap._command(name, *args)  # noqa: SLF001
            return tag

    def finish(self, tag: bytes, *wanted: str) -> Reply:
        """Wait for the answer to *tag*; *wanted* names the untagged answers to hand over."""
        with self.answered():
            imap = self.client._imap  # noqa: SLF001
            self.round_trips += 1
            status, data = imap._get_tagged_response(tag)  # noqa: SLF001
            found = {name: imap.untagged_responses.pop(name, []) for name in wanted}
            return Reply(status, (data[0] if data else b"") or b"", found)

    def call(self, name: str, *args: str, wanted: tuple[str, ...] = ()) -> Reply:
        """Send one command and wait for its answer; older untagged answers are dropped first."""
        untagged = self.client._imap.untagged_responses  # noqa: SLF001
        for key in wanted:
            untagged.pop(key, None)
        return self.finish(self.send(name, *args), *wanted)

    def pipeline(self, commands: Iterable[tuple[str, ...]], wanted: str, depth: int = 2) -> Iterator[Reply]:
        """Send commands, *depth* of them at once; yield the answers in order.

        If the caller stops early, the answers under way are read and dropped.
        """
        self.client._imap.untagged_responses.pop(wanted, None)  # noqa: SLF001
        waiting: deque[bytes] = deque()
        source = iter(commands)
        try:
            for command in source:
                waiting.append(self.send(*command))
                if len(waiting) >= depth:
                    yield self.finish(waiting.popleft(), wanted)
            while waiting:
                yield self.finish(waiting.popleft(), wanted)
        except GeneratorExit:
            with contextlib.suppress(ConnectionLost):
                while waiting:
                    self.finish(waiting.popleft(), wanted)
            raise

    def close(self) -> None:
        """Log out, or just hang up; never raises."""
        try:
            self.client.socket().settimeout(FAREWELL)
            with ended_after(2 * FAREWELL, self.client.socket):
                self.client.logout()
        except Exception:  # noqa: BLE001 - whatever it was, the connection is given up
            with contextlib.suppress(Exception):
                self.client.shutdown()

    def drop(self) -> None:
        """Hang up without a word: nothing more is to be had from this connection."""
        with contextlib.suppress(Exception):
            self.client.shutdown()


def _context(server: Server) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise MailboxError(
            f"cannot read the authorities ({words(error)})",
            where=str(server.ca_file),
            remedy="check ca_file",
        ) from error


def _require_loopback(server: Server, where: str) -> None:
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    if not all(ipaddress.ip_address(a[4][0].partition("%")[0]).is_loopback for a in found):  # type: ignore[union-attr]
        raise MailboxError(
            f"{server.host} is another machine, and imap:// would show it the password unprotected",
            where=where, remedy="use imaps:// or imap+starttls://",
        )  # fmt: skip


def connect(server: Server, login: Login, where: str, timeouts: Timeouts | None = None) -> Connection:
    """Connect and log in.

    Args:
        server: where to.
        login: who.
        where: the account's name, for messages.
        timeouts: when a silent server counts as gone.

    Raises:
        TemporaryError: the server is not reached, or says "not now".
        MailboxError: it cannot be trusted, or refuses the login.

    """
    import imaplib  # noqa: PLC0415 - IMAP code costs 50 ms, and a Maildir needs none

    from imapclient import SocketTimeout  # noqa: PLC0415

    limits = timeouts or Timeouts()
    address = f"{where} ({server.host}:{server.port})"
    context = None if server.security == "plain" else _context(server)
    client: Any = None
    try:
        if server.security == "plain":
            _require_loopback(server, where)
        longest = limits.answer or LONGEST_ANSWER
        opened: list[socket.socket] = []
        client_class = noting(opened)
        with ended_after(longest, lambda: opened[-1]):
            client = client_class(
                server.host,
                server.port,
                ssl=server.security == "tls",
                ssl_context=context,
                timeout=SocketTimeout(limits.connect, limits.read),
            )
        kept_alive(client.socket())
        client._imap.read = bounded(client._imap.read)  # noqa: SLF001
        client._imap.debug = 0  # noqa: SLF001 - no protocol in any log: it holds addresses
        client.normalise_times = False
        with ended_after(longest, lambda: client._imap.sock):  # noqa: SLF001
            if server.security == "starttls":
                _start_tls(client, context, address)
            log_in(client, login, address)
    except ssl.SSLCertVerificationError as error:
        _hang_up(client)
        raise MailboxError(
            f"the server's certificate is not trusted ({error.verify_message})",
            where=address, remedy="check the host's name, or set ca_file",
        ) from error  # fmt: skip
    except socket.gaierror as error:
        _hang_up(client)
        raise NotReached(
            "no such host is known", where=address, remedy="check imap, or try again later"
        ) from error
    except (OSError, imaplib.IMAP4.error) as error:
        _hang_up(client)
        # A server that answers and then hangs up may have too many connections.
        kind = NotReached if isinstance(error, OSError) else TemporaryError
        raise kind(
            f"the server is not reached ({words(error)})",
            where=address,
            remedy="no TLS begins there: port 143 is imap+starttls://, port 993 imaps://"
            if getattr(error, "reason", "") in _NO_TLS
            else "check imap, or try again later",
        ) from error
    except BaseException:
        _hang_up(client)
        raise
    return Connection(client, where, limits.answer)


def _start_tls(client: Any, context: ssl.SSLContext | None, address: str) -> None:  # noqa: ANN401
    if not client.has_capability("STARTTLS"):
        raise MailboxError(
            "the server offers no STARTTLS", where=address, remedy="use imaps:// if it has a TLS port"
        )
    client.starttls(context)


def _hang_up(client: Any) -> None:  # noqa: ANN401
    if client is not None:
        with contextlib.suppress(Exception):
            client.shutdown()

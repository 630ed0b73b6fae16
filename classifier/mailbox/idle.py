"""Waiting for new mail: IDLE (RFC 2177), or NOOP where a server has none.

imapclient's own IDLE misses what the server sent together with the "+": it
lies in imaplib's buffer, where select() does not see it. So lines are read by
imaplib here, and its buffer is looked into first.
"""

from __future__ import annotations

import select
import ssl
import time
from typing import TYPE_CHECKING

from classifier.mailbox import clock
from classifier.mailbox.bounds import ended_after
from classifier.mailbox.protocol import ConnectionLost, Refused

if TYPE_CHECKING:
    from classifier.mailbox.connection import Connection

#: Seconds between two NOOPs.
POLL_EVERY = 3.0
#: Seconds after which it is seen at the latest that the machine was asleep ...
LOOK_UP = 5.0
#: ... and for which the server may then be silent: most have given the connection up by that time.
AFTER_SLEEP = 5.0


def idle(connection: Connection, seconds: float, wake: int) -> bool:
    """Wait in IDLE until mail comes in, *wake* can be read, or *seconds* are over.

    Ending it takes a round trip, so that a connection that died silently is
    noticed at the next re-issue. It ends early when the machine was asleep.

    Returns:
        Whether mail came in.

    Raises:
        ConnectionLost: the connection broke.
        Refused: the server offers IDLE and does not take it.

    """
    imap = connection.client._imap  # noqa: SLF001 - see connection.py
    end = clock.now() + seconds
    slept = clock.now() - time.monotonic() + 1.0
    patience = imap.sock.gettimeout()
    tag = _begin(connection)
    with connection.translated():
        while not imap.untagged_responses.get("EXISTS") and (left := end - clock.now()) > 0:
            if not _waiting(connection):
                readable = select.select([imap.sock, wake], [], [], min(left, LOOK_UP))[0]
                if clock.now() - time.monotonic() > slept:
                    imap.sock.settimeout(AFTER_SLEEP)
                    break
                if wake in readable:
                    break
                if not readable:
                    continue
                if _waiting(connection) is None:
                    continue  # no more than a piece of a TLS record
            with ended_after(patience or LOOK_UP, lambda: imap.sock):  # the rest of a line that has begun
                answer = imap._get_response()  # noqa: SLF001
            if answer is not None and imap.tagged_commands[tag]:
                raise ConnectionLost("the server ended IDLE by itself", where=connection.where)
            if "BYE" in imap.untagged_responses:
                raise ConnectionLost("the server said goodbye", where=connection.where)
        imap.send(b"DONE\r\n")
    found = bool(connection.finish(tag, "EXISTS").data["EXISTS"])
    imap.sock.settimeout(patience)
    return found


def _begin(connection: Connection) -> bytes:
    """Start IDLE; return its tag. Other answers may come before the "+"."""
    imap = connection.client._imap  # noqa: SLF001 - see connection.py
    with connection.answered():
        connection.round_trips += 1
        imap.untagged_responses.pop("EXISTS", None)
        tag = connection.send("IDLE")
        while imap._get_response() is not None:  # noqa: SLF001
            if imap.tagged_commands[tag]:
                connection.finish(tag).checked("IDLE", connection.where)
                raise Refused("IDLE: the server ended it at once", where=connection.where)
    return tag


def _waiting(connection: Connection) -> bytes | None:
    """Return some of what can be read at once, b"" for nothing (or the end), None for part of a TLS record."""
    imap = connection.client._imap  # noqa: SLF001 - see connection.py
    before = imap.sock.gettimeout()
    imap.sock.setblocking(False)
    try:
        found: bytes = imap.file.peek(1)
    except ssl.SSLWantReadError:
        return None
    else:
        return found
    finally:
        imap.sock.settimeout(before)


def poll(connection: Connection, seconds: float, wake: int) -> bool:
    """Ask with NOOP every now and then; arguments and result as :func:`idle`."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([wake], [], [], min(POLL_EVERY, left))[0]:
            return False
        if connection.call("NOOP", wanted=("EXISTS",)).data["EXISTS"]:
            return True
    return False

"""Waiting for new mail: IDLE (RFC 2177), or NOOP where a server has none."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

from classifier.mailbox.protocol import ConnectionLost

if TYPE_CHECKING:
    from classifier.mailbox.connection import Connection

#: Seconds between two NOOPs.
POLL_EVERY = 20.0
#: Answers that tell of new mail.
_NEWS = frozenset({b"EXISTS", b"RECENT"})


def idle(connection: Connection, seconds: float, wake: int) -> bool:
    """Wait in IDLE until mail comes in, *wake* can be read, or *seconds* are over.

    Ending it takes a round trip, so that a connection that died silently is
    noticed at the next re-issue.

    Returns:
        Whether mail came in.

    Raises:
        ConnectionLost: the connection broke.

    """
    client = connection.client
    news = False
    with connection.translated():
        connection.round_trips += 1
        client.idle.__wrapped__(client)
        end = time.monotonic() + seconds
        while not news and (left := end - time.monotonic()) > 0:
            if not _pending(client):
                readable = select.select([client.socket(), wake], [], [], left)[0]
                if wake in readable or not readable:
                    break
            answers = client.idle_check.__wrapped__(client, timeout=0)
            if not answers:
                # Readable, and nothing to be read: the other side hung up.
                raise ConnectionLost("the connection was closed", where=connection.where)
            news = any(len(a) > 1 and a[1] in _NEWS for a in answers)
            if any(a[0] == b"BYE" for a in answers):
                raise ConnectionLost("the server said goodbye", where=connection.where)
        _, late = client.idle_done.__wrapped__(client)
        return news or any(len(a) > 1 and a[1] in _NEWS for a in late)


def _pending(client: Any) -> bool:  # noqa: ANN401 - imapclient ships no types
    """Say whether TLS has decrypted bytes that select() does not see."""
    pending = getattr(client.socket(), "pending", None)
    return bool(pending and pending())


def poll(connection: Connection, seconds: float, wake: int) -> bool:
    """Ask with NOOP every now and then; arguments and result as :func:`idle`."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([wake], [], [], min(POLL_EVERY, left))[0]:
            return False
        if connection.call("NOOP", wanted=("EXISTS",)).data["EXISTS"]:
            return True
    return False

"""Sendmail logs: ``from=`` lines (sender, Message-ID, client), ``to=`` lines, ``AUTH=server``.

No line ends a message; it is written out when the input ends or the map of
open messages is full.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from classifier.parse.addresses import find_addresses
from classifier.parse.encoded import decode_bytes
from classifier.parse.report import find_message_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from classifier.ingest.entries import LedgerRecord
    from classifier.ingest.log_dates import LogClock
    from classifier.ingest.queues import OpenMessage, Queues

#: What follows ``host program``: ``[pid]: QUEUEID: from=`` or ``to=``.
LINE = re.compile(rb"\[([0-9]{1,10})\]: (?:([0-9A-Za-z]{12,20}): (from|to)=|AUTH=server, )")
_HOST = re.compile(rb"(?:[^\s\[@]{0,255}@)?([^\s\[@]{0,255}) ?\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]")
#: Connections whose authentication is remembered, and for how long: process
#: numbers come round again.
_MAX_AUTHENTICATED = 10_000
_SESSION = timedelta(hours=1)


def read_sendmail(lines: Iterable[bytes], queues: Queues, clock: LogClock) -> Iterator[LedgerRecord | None]:
    """Read *lines*; yield a record for each message of ours, None for any other."""
    authenticated: dict[bytes, datetime | None] = {}
    for line in lines:
        match = LINE.search(line, 0, 500)
        if match is None:
            continue
        pid, queue_id, word = match.groups()
        *host, program = line[: match.start()].rsplit(None, 2)[-2:] or [b""]
        if b"/" in program:  # Postfix, in the same file
            continue
        connection = b"/".join((*host, pid))
        if word is None:
            if len(authenticated) >= _MAX_AUTHENTICATED:
                del authenticated[next(iter(authenticated))]
            authenticated[connection] = clock.read(line)
            continue
        key = b"/".join((*host, queue_id)).decode("utf-8", "replace")
        when = clock.read(line)
        message = queues.find(key) or queues.begin(key, queue_id.decode("ascii"), when)
        rest = line[match.end() :].rstrip()
        if word == b"from":
            began = authenticated.get(connection)
            known = began is not None and when is not None and when - began <= _SESSION
            _from(queues, message, rest, authenticated=known)
        else:
            for address in find_addresses(decode_bytes(_recipients(rest))):
                queues.add_recipient(message, address)
        yield from queues.overflow()


def _from(queues: Queues, message: OpenMessage, rest: bytes, *, authenticated: bool) -> None:
    sender, _, facts = rest.partition(b", size=")
    message.sender = decode_bytes(sender.strip(b" <>"))
    # The client stands last, behind the Message-ID, which its writer typed.
    client = facts.rpartition(b", relay=")[2]
    if authenticated:
        message.source = "submitted"
    elif found := _HOST.match(client):
        name, address = found.groups()
        queues.came_from(message, decode_bytes(name), address.decode("ascii"))
    said = facts.partition(b", msgid=")[2]
    if said:
        message_id = find_message_id(decode_bytes(said.partition(b", proto=")[0].partition(b", relay=")[0]))
        queues.add_message_id(message, message_id or "")


def _recipients(rest: bytes) -> bytes:
    for end in (b", ctladdr=", b", delay=", b", xdelay=", b", mailer="):
        rest = rest.partition(end)[0]
    return rest

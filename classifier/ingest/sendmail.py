"""Sendmail logs: ``from=`` lines (sender, Message-ID, client), ``to=`` lines, ``AUTH=server``.

No line ends a message; it is written out when the input ends or the map of
open messages is full.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from classifier.ingest.log_lines import HEAD, PROCESS, host_of, logged_ids, unescaped
from classifier.parse.addresses import find_addresses
from classifier.parse.encoded import decode_bytes
from classifier.parse.report import find_message_ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from classifier.ingest.entries import LedgerRecord
    from classifier.ingest.log_dates import LogClock
    from classifier.ingest.queues import OpenMessage, Queues

#: ``host program[pid]: QUEUEID: from=`` or ``to=``; a program with a slash in its name is Postfix.
_LINE = re.compile(
    HEAD
    + rb"[^\s\[\]/]{1,64}"
    + PROCESS
    + rb"(?:([0-9A-Za-z]{12,20}): (?:(from|to)=|(Milter )(?:\([^()]{0,64}\) )?(?:add|insert|change)[^:]{0,20}: "
    rb"(?:default )?header[: ]{1,2}(?i:message-id)\b)|AUTH=server, )"
)
_ADDRESS = re.compile(rb"(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]")
#: Connections whose authentication is remembered, and for how long: process
#: numbers come round again.
_MAX_AUTHENTICATED = 10_000
_SESSION = timedelta(hours=1)


def match_sendmail(line: bytes) -> re.Match[bytes] | None:
    """Match *line* if it tells of a message; what tells stands within its first bytes."""
    return _LINE.match(line, 0, 600)


class Sendmail:
    """Reads lines of Sendmail's; remembers which connections authenticated."""

    def __init__(self) -> None:
        """Begin without any."""
        self._authenticated: dict[bytes, tuple[datetime | None, bytes]] = {}

    def take(
        self, match: re.Match[bytes], line: bytes, queues: Queues, clock: LogClock
    ) -> Iterator[LedgerRecord | None]:
        """Take in a *line* that :func:`match_sendmail` matched; yield what had to make room."""
        words, pid, other_pid, queue_id, word, milter = match.groups()
        host = host_of(words)
        connection = host + b"/" + (pid or other_pid)
        when = clock.read(line)
        if queue_id is None:
            if len(self._authenticated) >= _MAX_AUTHENTICATED:
                del self._authenticated[next(iter(self._authenticated))]
            client = _client(line[match.end() :].partition(b"relay=")[2].partition(b", ")[0])[1]
            self._authenticated[connection] = when, client
            return iter(())
        key = (host + b"/" + queue_id).decode("utf-8", "replace")
        message = queues.find(key) or queues.begin(key, queue_id.decode("ascii"), when)
        rest = line[match.end() :].rstrip()
        if milter:
            # "change: header Message-ID: from <...> to <...>": it may come back under either.
            for message_id in find_message_ids(decode_bytes(unescaped(rest[:4_000])))[:2]:
                queues.add_message_id(message, message_id)
        elif word == b"from":
            message.began = True
            began, client = self._authenticated.get(connection, (None, b""))
            known = began is not None and when is not None and when - began <= _SESSION
            _from(queues, message, rest, client if known else None)
            queues.name(key, message)
        else:
            for address in find_addresses(decode_bytes(_recipients(rest))):
                queues.add_recipient(message, address)
        return queues.overflow()


def _client(relay: bytes) -> tuple[bytes, bytes]:
    """Return name and address of a client out of ``user@name [address]``; no name where it does not lead back to the address."""
    words, _, rest = relay.rpartition(b"[")
    found = _ADDRESS.match(rest)
    if found is None:
        return b"", b""
    words = words.strip()
    # "(may be forged)" stands behind one that does not.
    sure = not rest[found.end() :].strip() and b" " not in words and b"[" not in words
    return (words.rpartition(b"@")[2] if sure else b""), found[1]


def _from(queues: Queues, message: OpenMessage, rest: bytes, authenticated: bytes | None) -> None:
    sender, _, facts = rest.partition(b", size=")
    message.sender = decode_bytes(sender.strip(b" <>"))
    # The client stands last, behind the Message-ID, which its writer typed.
    client = facts.rpartition(b", relay=")[2]
    name, address = _client(client)
    if address and address == authenticated:
        message.source = "submitted"
    elif address:
        queues.came_from(message, decode_bytes(name), address.decode("ascii"))
    elif client.endswith(b"@localhost"):  # who ran the program: "relay=root@localhost"
        message.local = True
    said = facts.partition(b", msgid=")[2]
    if said:
        ids, beginning = logged_ids(unescaped(said.partition(b", proto=")[0].partition(b", relay=")[0]))
        for message_id in ids:
            queues.add_message_id(message, message_id)
        # Sendmail logs no more than 100 characters of it.
        queues.add_beginning(message, beginning)


def _recipients(rest: bytes) -> bytes:
    for end in (b", ctladdr=", b", delay=", b", xdelay=", b", mailer="):
        rest = rest.partition(end)[0]
    return rest

"""Exim main logs: ``<=`` arrivals, ``=>``, ``->``, ``>>``, ``==`` and ``**`` deliveries, ``Completed``.

An arrival line is read up to ``id=`` for what Exim says, after it for what the
message says of itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.parse.encoded import decode_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.ingest.entries import LedgerRecord
    from classifier.ingest.log_dates import LogClock
    from classifier.ingest.queues import OpenMessage, Queues

#: ``date time [zone] [[pid]] MESSAGE-ID flag rest``; ids of 16 characters, of
#: 23 from Exim 4.97 on.
LINE = re.compile(
    rb"(?:^|[ \t])([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (<=|=>|->|>>|==|\*\*|\*>|Completed)(?: |$)"
)
#: What the client typed: a quoted field, the name in its HELO.
_TYPED = re.compile(rb"\"(?:[^\"\\]|\\.){0,2000}\"|\([^()]{0,255}\)")
_AUTHENTICATED = re.compile(rb" (?:A=|P=[a-z]{0,9}smtps?a(?: |$))")
_HOST = re.compile(rb" H=(?:([^\s()\[]{1,255}) )? ?\[([0-9A-Fa-f:.]{2,45})\]")
_PARENT = re.compile(rb"<([^<>\s]{1,1000})>")


def read_exim(lines: Iterable[bytes], queues: Queues, clock: LogClock) -> Iterator[LedgerRecord | None]:
    """Read *lines*; yield a record for each message that ends, None for one that is not ours."""
    for line in lines:
        match = LINE.search(line.rstrip(), 0, 500)
        if match is None:
            continue
        queue_id = match.group(1).decode("ascii")
        flag = match.group(2)
        if flag == b"Completed":
            yield from queues.close(queue_id)
            continue
        message = queues.find(queue_id) or queues.begin(queue_id, queue_id, clock.read(line))
        rest = line[match.end() :].strip()
        if flag == b"<=":
            _arrival(queues, message, rest)
        else:
            _delivery(queues, message, rest)
        yield from queues.overflow()


def _arrival(queues: Queues, message: OpenMessage, rest: bytes) -> None:
    sender, _, facts = rest.partition(b" ")
    message.sender = "" if sender == b"<>" else decode_bytes(sender)
    facts, _, said = (b" " + facts).partition(b" id=")
    if _AUTHENTICATED.search(_TYPED.sub(b"", facts)):
        message.source = "submitted"
    elif found := _HOST.search(_TYPED.sub(b"", facts)):
        host, address = found.groups()
        queues.came_from(message, decode_bytes(host or b""), address.decode("ascii"))
    if said:
        queues.add_message_id(message, decode_bytes(said.partition(b" ")[0]))


def _delivery(queues: Queues, message: OpenMessage, rest: bytes) -> None:
    words, _, _ = rest.partition(b"=")
    address = rest.partition(b" ")[0].rstrip(b":")
    if b"@" in address:
        queues.add_recipient(message, decode_bytes(address))
    # "=> user <user@domain> F=<...>": the address before aliasing.
    for parent in _PARENT.findall(words):
        if b"@" in parent:
            queues.add_recipient(message, decode_bytes(parent))

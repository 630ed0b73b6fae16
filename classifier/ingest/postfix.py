"""Postfix logs: smtpd (who handed it in), cleanup (Message-ID), qmgr (sender), delivery agents.

Short and long queue ids, syslog and RFC 3339 time stamps, several hosts and
instances (``postfix-out/smtp``) in one file. Recipients count whatever became of them: those that
bounced are the very ones that reports name.
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

#: What follows ``host instance[/service]``: ``/daemon[pid]: QUEUEID: word``; in
#: RFC 5424 form the pid is set off by blanks.
LINE = re.compile(
    rb"/(smtpd|cleanup|qmgr|nqmgr|smtp|lmtp|local|virtual|pipe|error|relay|retry|discard)"
    rb"(?:\[[0-9]{1,10}\]:|[ ][0-9]{1,10} [^ ]{1,64} [^ ]{1,64})[ ]"
    rb"([0-9A-Za-z]{5,32}): (client=|message-id=|resent-message-id=|from=<|to=<|removed)"
)
_CLIENT = re.compile(rb"([^\s\[,]{1,255})\[([0-9A-Fa-f:.]{2,45})\]")
_TO = re.compile(rb"<([^>]{0,1000})>(?:, orig_to=<([^>]{0,1000})>)?")


def read_postfix(lines: Iterable[bytes], queues: Queues, clock: LogClock) -> Iterator[LedgerRecord | None]:
    """Read *lines*; yield a record for each message that ends, None for one that is not ours."""
    for line in lines:
        match = LINE.search(line, 0, 500)
        if match is None:
            continue
        daemon, queue_id, word = match.groups()
        # The name before the daemon tells no queues apart: one transport may have its own syslog_name.
        host = line[: match.start()].rsplit(None, 2)[-2:-1]
        key = b"/".join((*host, queue_id)).decode("utf-8", "replace")
        if word == b"removed":
            yield from queues.close(key)
            continue
        message = queues.find(key) or queues.begin(key, queue_id.decode("ascii"), clock.read(line))
        _take(queues, message, daemon, word, line[match.end() :].rstrip())
        yield from queues.overflow()


def _take(queues: Queues, message: OpenMessage, daemon: bytes, word: bytes, rest: bytes) -> None:
    if word == b"from=<":
        if daemon in {b"qmgr", b"nqmgr"}:
            message.sender = decode_bytes(rest.partition(b">")[0])
    elif word == b"to=<":
        found = _TO.match(b"<" + rest)
        if found:
            for address in found.groups():
                queues.add_recipient(message, decode_bytes(address or b""))
    elif word == b"client=":
        if daemon == b"smtpd":
            _client(queues, message, rest)
    elif daemon == b"cleanup":
        queues.add_message_id(message, decode_bytes(rest[:1000]))


def _client(queues: Queues, message: OpenMessage, rest: bytes) -> None:
    if b", sasl_username=" in rest:
        message.source = "submitted"
        return
    # A filter that speaks XFORWARD names whom it had the message from.
    found = _CLIENT.search(rest.partition(b", orig_client=")[2]) or _CLIENT.match(rest)
    if found:
        host, address = found.groups()
        queues.came_from(message, decode_bytes(host), address.decode("ascii"))

"""Exim main logs: ``<=`` arrivals, ``=>``, ``->``, ``>>``, ``==`` and ``**`` deliveries, ``Completed``.

An arrival line is read up to ``id=`` for what Exim says, after it for what the
message says of itself. Exim names no Message-ID that it made (``E``, its own
identifier, ``@host``), nor one that is no msg-id by RFC 5322; of those messages
its own identifier tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.ingest.log_lines import HEAD, PROCESS, host_of, logged_ids, unescaped
from classifier.parse.encoded import decode_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.ingest.entries import LedgerRecord
    from classifier.ingest.log_dates import LogClock
    from classifier.ingest.queues import OpenMessage, Queues

#: ``date time [zone] [[pid]] MESSAGE-ID flag rest``, also behind what syslog puts before it; ids of 16
#: characters, of 23 from Exim 4.97 on.
_LINE = re.compile(
    rb"(?:"
    + HEAD
    + rb"[^\s\[\]]{1,64}"
    + PROCESS
    + rb"|^(?:[^ ]{1,40} std(?:out|err) [FP] )?)(?:[0-9<][0-9TZ:.,+>-]{0,40}[ ]|[+-][0-9]{4}[ ]){0,5}(?:\[[0-9]{1,10}\] )?"
    rb"([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (<=|=>|->|>>|==|\*\*|\*>|Completed)(?: |$)"
)
#: syslog gets a long line in parts: ``[1/2] ...``, ``[2/2] ...`` (Exim's specification, chapter 53).
PART = re.compile(rb"(?:" + HEAD + rb"[^\s\[\]]{1,64}" + PROCESS + rb")\[([0-9]{1,3})[/\\]([0-9]{1,3})\] ")
#: What the client typed: a quoted field, the name in its HELO.
_TYPED = re.compile(rb"\"(?:[^\"\\]|\\.){0,2000}\"|\([^()]{0,255}\)")
_AUTHENTICATED = re.compile(rb" (?:A=|P=[a-z]{0,9}smtps?a(?: |$))")
#: What a client's certificate says, and which server it asked for: quotes stand in these as they came.
_UNQUOTED = re.compile(rb" (?:DN|SNI)=\"")
_HOST = re.compile(rb" H=(?:([^\s()\[]{1,255}) )? ?\[([0-9A-Fa-f:.]{2,45})\]")
#: A sender or Message-ID; a local part may be quoted, with blanks in it.
_WORD = re.compile(rb"(?:\"(?:[^\"\\]|\\.){0,1000}\"|[^\s\"]){1,2000}")
#: Writers whose parts are waited for, and how much of one is kept.
_MAX_PARTS, _MAX_JOINED = 1_000, 1 << 16
_PARENT = re.compile(rb"<([^<>\s]{1,1000})>")


def match_exim(line: bytes) -> re.Match[bytes] | None:
    """Match *line* if it tells of a message; what tells stands within its first bytes."""
    return _LINE.match(line, 0, 600)


def take_exim(
    match: re.Match[bytes], line: bytes, queues: Queues, clock: LogClock
) -> Iterator[LedgerRecord | None]:
    """Take in a *line* that :func:`match_exim` matched; yield a record for each message that ends, None for one that is not ours."""
    queue_id = match.group(4).decode("ascii")
    flag = match.group(5)
    if flag == b"Completed":
        return queues.close(queue_id)
    message = queues.find(queue_id) or queues.begin(queue_id, queue_id, clock.read(line))
    rest = line[match.end() :].strip()
    if flag == b"<=":
        message.began = True
        _arrival(queues, message, rest)
        queues.name(queue_id, message)
    else:
        _delivery(queues, message, rest)
    return queues.overflow()


class Parts:
    """Puts together again what syslog was given in parts."""

    def __init__(self) -> None:
        """Begin without any."""
        self._begun: dict[bytes, bytes] = {}

    def whole(self, line: bytes) -> bytes:
        """Return *line*, or the line that it completes; b"" while parts are missing."""
        found = PART.match(line)
        if found is None:
            return line
        number, count = int(found[4]), int(found[5])
        writer = b"/".join((host_of(found[1]), found[2] or found[3] or b""))
        text = line[found.end() :].rstrip(b"\r\n")
        if number == 1:
            if len(self._begun) >= _MAX_PARTS:
                self._begun.clear()
            self._begun[writer] = line[: found.end()].rpartition(b"[")[0] + text
        elif writer in self._begun and len(self._begun[writer]) < _MAX_JOINED:
            self._begun[writer] += text
        return self._begun.pop(writer, b"") if number >= count else b""


def _arrival(queues: Queues, message: OpenMessage, rest: bytes) -> None:
    found = _WORD.match(rest)
    sender = found[0] if found else b""
    message.sender = "" if sender == b"<>" else decode_bytes(sender)
    facts, _, said = (b" " + rest[len(sender) :]).replace(b" id*=", b" id=", 1).partition(b" id=")
    facts = _TYPED.sub(b"", facts)
    if _is_authenticated(rest, facts):
        message.source = "submitted"
    elif found := _HOST.search(facts):
        host, address = found.groups()
        queues.came_from(message, decode_bytes(host or b""), address.decode("ascii"))
    elif b" P=local" in facts and b" R=" not in facts:
        message.local = True
    if found := _WORD.match(said):
        ids, _ = logged_ids(b"<" + unescaped(found[0]) + b">")
        for message_id in ids:
            queues.add_message_id(message, message_id)
        queues.exim_names = True
    # Exim gives one to what a program on the host hands in without; unless its log never names any.
    message.made_here = message.local and queues.exim_names


def _is_authenticated(rest: bytes, facts: bytes) -> bool:
    """Say whether a client had authenticated itself, unless that may be its own words.

    Exim writes ``P=`` once, behind what the client's host says of its user (``U=``, RFC 1413).
    """
    if rest.count(b" P=") != 1:
        return False
    typed = _UNQUOTED.search(rest)
    if typed is not None:
        facts = rest[: typed.start()]
    return _AUTHENTICATED.search(facts, max(facts.find(b" P="), 0)) is not None


def _delivery(queues: Queues, message: OpenMessage, rest: bytes) -> None:
    words, _, _ = rest.partition(b"=")
    address = rest.partition(b" ")[0].rstrip(b":")
    if b"@" in address:
        queues.add_recipient(message, decode_bytes(address))
    # "=> user <user@domain> F=<...>": the address before aliasing.
    for parent in _PARENT.findall(words):
        if b"@" in parent:
            queues.add_recipient(message, decode_bytes(parent))

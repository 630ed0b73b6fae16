"""What stands before a program's own words in a log line: stamp, host, program, process.

A program logs what clients typed, but never before its own name; a pattern
that begins with :data:`HEAD` and :data:`PROCESS` is therefore safe from lines
that are typed into other lines.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from classifier.parse.encoded import decode_bytes
from classifier.parse.report import find_message_id

#: The words before a program's name. None holds a bracket, which first stands around a process number, or
#: ends in a colon, which first stands behind it.
HEAD = rb"^(?:\[[0-9TZ:.,+ -]{1,40}\])?[ \t]{0,20}((?:[^\s\[\]]{1,200}(?<!:)[ \t]{1,20}){0,10}?)"
#: The process number behind a program's name, also as RFC 5424 section 6 sets it off; rsyslog then writes a blank more.
PROCESS = rb"(?:\[([0-9]{1,10})\]:|[ ]([0-9]{1,10}) [^ ]{1,64} [^ ]{1,64}[ ]?)[ ]"
#: How lines go on that hold others' text: journalctl's and Exim's rejectlog's, which sets a letter before each header
#: field; also behind what containers' logs put before them.
_GOES_ON = rb"(?:[ \t]|[^\[] )"
_WRAPPED = re.compile(rb"[^ ]{1,80}(?: std(?:out|err) [FP]|[ ]{1,40}\|) " + _GOES_ON)
_CLOCK = re.compile(rb"[0-9]{2}:[0-9]{2}:[0-9]{2}")
_ESCAPE = re.compile(rb"\\(?:([0-7]{3})|([ntrbfv]))")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(line: bytes) -> bytes:
    """Return the text of *line*: without the NULs that a cut-off file or a crash left, out of its JSON.

    JSON is what journald exports (``journalctl -o json``), Docker keeps, and collectors pass on. Of a line that
    goes on with the one before nothing is returned: others typed what stands there.
    """
    if line[:1] == b"\0":
        line = line.lstrip(b"\0")
    if line[:2] in {b"\x1e{", b"da"}:  # json-seq, json-sse
        line = line[1:] if line[:1] == b"\x1e" else line.removeprefix(b"data: ")
    if line[:1] != b"{":
        return b"" if _goes_on(line) else line
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(entry, dict):
        return line
    words = _first(entry, "MESSAGE", "log", "message", "msg")
    process = _first(entry, "SYSLOG_PID", "_PID", "pid", "PID", "procid")
    program = _first(
        entry, "SYSLOG_IDENTIFIER", "_COMM", "program", "PROGRAM", "programname", "appname", "ident"
    )
    host = _first(entry, "_HOSTNAME", "hostname", "host", "HOST")
    if program:
        words = words.removeprefix(" ")  # rsyslog's
        # dma gives its own identifier for a process number.
        words = f"{program}[{process if process.isdigit() else 0}]: {words}"
    elif _goes_on(words[:200].encode("utf-8", "replace")):
        return b""
    stamp = _first(entry, "__REALTIME_TIMESTAMP", "time", "@timestamp", "timestamp", "ISODATE", "DATE")
    if stamp.isdigit() and len(stamp) == len("1772359200000000"):
        stamp = (_EPOCH + timedelta(microseconds=int(stamp))).isoformat()
    parts = (stamp, host if program else "", words)
    return " ".join(part for part in parts if part).encode("utf-8", "surrogateescape").rstrip() + b"\n"


def _goes_on(line: bytes) -> bool:
    first = line[:1]
    if first in {b" ", b"\t"} or (line[1:2] == b" " and first != b"["):
        return True
    wrapped = line.find(b" std", 0, 64) >= 0 or line.find(b" | ", 0, 128) >= 0
    return wrapped and _WRAPPED.match(line) is not None


def _first(entry: dict[str, object], *names: str) -> str:
    for name in names:
        value = entry.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, int):
            return str(value)
        if isinstance(value, list) and value and all(isinstance(n, int) and 0 <= n < 256 for n in value):
            return decode_bytes(bytes(value))  # journald gives what is not UTF-8 byte by byte
    return ""


def is_head(words: bytes) -> bool:
    """Say whether *words* are such as stand before a program's name; see :data:`HEAD`."""
    if words[:1] == b"[":
        words = words.partition(b"]")[2]
    return b"[" not in words and b"]" not in words and b": " not in words


@lru_cache(maxsize=1_000)
def host_of(words: bytes) -> bytes:
    """Return the host out of the *words* before a program's name, or b"" where they name none."""
    last = words.split()[-1:]
    return last[0] if last and not _CLOCK.search(last[0]) else b""


def logged_ids(raw: bytes) -> tuple[list[str], str]:
    """Read a Message-ID field as a program logged it.

    Returns:
        The identifier as it may come back, and the beginning of one that was cut off, or "".

    """
    text = decode_bytes(raw[:4_000]).strip()
    _, opened, rest = text.rpartition("<")
    if opened and ">" not in rest:
        return [], "".join(rest.split())
    # Of several the first: what stands behind it may be made to look like somebody else's.
    ids = [word for word in (find_message_id(text),) if word and word.strip("<>")]
    # Postfix writes "?" for what cannot be printed, the line end of a folded field among it.
    return [*ids, *(bare for i in ids if "?" in i and (bare := i.replace("?", "")))], ""


def unescaped(raw: bytes) -> bytes:
    r"""Undo the ``\351`` and ``\n`` that Exim and Sendmail log for other than printable ASCII."""
    return _ESCAPE.sub(lambda m: bytes((int(m[1], 8) & 255,)) if m[1] else b" ", raw)

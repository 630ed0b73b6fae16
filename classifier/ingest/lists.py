"""Lists of Message-IDs: one a line, alone or with recipients and a time in any order.

Blanks, commas, semicolons and tabs separate; a first line that names a column
``message-id`` (or ``message_id``, ``msgid``) makes it a table, which may also
have a column ``envelope-id``. ``#`` begins a comment line.
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.ingest.entries import LedgerRecord
from classifier.parse.addresses import find_addresses
from classifier.parse.dates import parse_date
from classifier.parse.encoded import decode_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SEPARATOR = re.compile(r"[\s,;]")
_EPOCH_SECONDS = re.compile(r"(?<![0-9A-Za-z.@-])([0-9]{9,10})(?:\.[0-9]{1,9})?(?![0-9A-Za-z@:-])")
_ID_NAMES = frozenset({"messageid", "msgid", "id"})
_ENVELOPE_NAMES = frozenset({"envelopeid", "envid", "queueid"})


def read_list(lines: Iterable[bytes]) -> Iterator[LedgerRecord | None]:
    """Read *lines*; yield a record for each, None for one without an identifier."""
    table: _Table | None = None
    first = True
    for raw in lines:
        line = decode_bytes(raw).lstrip("\ufeff").strip()
        if not line or line.startswith("#"):
            continue
        if first:
            first = False
            table = _table(line)
            if table is not None:
                continue
        yield _row(line) if table is None else table.row(line)


def _row(line: str) -> LedgerRecord | None:
    line = line.lstrip("\"'")
    if line.startswith("<"):
        identifier, closed, rest = line[1:].partition(">")
        return _record(f"<{identifier}>", "", rest) if closed and identifier else None
    parts = _SEPARATOR.split(line, maxsplit=1)
    identifier = parts[0].strip("\"'")
    return _record(identifier, "", parts[1] if len(parts) > 1 else "") if identifier else None


def _record(identifier: str, envelope_id: str, rest: str) -> LedgerRecord:
    # A word that is no addr-spec-like id may be an envelope or queue id.
    bare = identifier and "@" not in identifier and not identifier.startswith("<")
    envelope_ids = tuple(dict.fromkeys(i for i in (envelope_id, identifier if bare else "") if i))
    recipients = tuple(a for part in re.split(r"[\s\"]", rest) for a in find_addresses(part))
    return LedgerRecord((identifier,) if identifier else (), envelope_ids, recipients, _time(rest))


def _time(text: str) -> datetime | None:
    when = parse_date(text) or next((w for part in text.split(",") if (w := parse_date(part))), None)
    if when is None and (found := _EPOCH_SECONDS.search(text)):
        return datetime.fromtimestamp(int(found.group(1)), UTC)
    return when


class _Table:
    """The columns of a list with a heading."""

    def __init__(self, separator: str, message_id: int, envelope_id: int | None) -> None:
        self._separator = separator
        self._message_id = message_id
        self._envelope_id = envelope_id

    def row(self, line: str) -> LedgerRecord | None:
        cells = _cells(line, self._separator)
        taken = {self._message_id, self._envelope_id}
        identifier = cells[self._message_id] if self._message_id < len(cells) else ""
        at = self._envelope_id
        envelope_id = cells[at] if at is not None and at < len(cells) else ""
        if not identifier and not envelope_id:
            return None
        rest = ",".join(cell for n, cell in enumerate(cells) if n not in taken)
        return _record(identifier, envelope_id, rest)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:  # a cell over csv's limit
        return []


def _table(heading: str) -> _Table | None:
    """Read *heading*; None where it is no heading."""
    if "@" in heading or "<" in heading:
        return None
    separator = next((s for s in "\t;," if s in heading), ",")
    names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in _cells(heading, separator)]
    ids = [n for n, name in enumerate(names) if name in _ID_NAMES]
    if not ids:
        return None
    envelope = next((n for n, name in enumerate(names) if name in _ENVELOPE_NAMES), None)
    return _Table(separator, ids[0], envelope)

"""Time stamps at the start of log lines."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from classifier.ingest.log_lines import is_head
from classifier.parse.dates import parse_date

_MONTHS = {m: n for n, m in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_SYSLOG = re.compile(rb"([A-Z][a-z]{2})[ ]{1,2}([0-9]{1,2}) (?:([0-9]{4}) )?([0-9]{2}):([0-9]{2}):([0-9]{2})")
_ISO = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}[0-9:.,+\-Z ]{0,22}")
#: What Exim puts behind its name as syslog has it: its own stamp, with the year and perhaps the zone.
_EXIM = re.compile(rb"exim[^\s\[]{0,20}(?:\[[0-9]{1,10}\])?: $")
_ZONE = re.compile(rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})(?: |$)")
#: Where in a line its time stamp must begin and end: what stands further on was typed by others.
_BEGIN, _END = 48, 88


def _stamp(line: bytes) -> re.Match[bytes] | None:
    """Find the time stamp of *line*: not one that somebody typed, behind a program's name."""
    match = _ISO.search(line, 0, _END)
    if match is not None and not _is_before_words(line[: match.start()]):
        match = None
    if match is None:
        match = _SYSLOG.search(line, 0, _END)
        if match is not None and not _is_before_words(line[: match.start()]):
            return None
    if match is None or match.start() > _BEGIN or line[:3] == b"-- ":  # journalctl's "-- Logs begin at ..."
        return None
    if not line[match.end() :].strip():  # it breaks off, and may have had a zone
        return None
    return match


def _is_before_words(start: bytes) -> bool:
    if b": " not in start and b"]" not in start:
        return True
    return is_head(start) or _EXIM.search(start) is not None


class LogClock:
    """Reads time stamps; the year that syslog leaves out is taken from *reference*.

    A syslog stamp names no zone either and counts as UTC: the ledger needs to
    know the day, not the minute.
    """

    def __init__(self, reference: datetime) -> None:
        """Take *reference* (aware) as a moment that no line is much later than."""
        self._latest = reference.astimezone(UTC) + timedelta(days=2)
        self._last: tuple[bytes, datetime | None] = (b"", None)
        self._seen = b""  # the line before, up to the end of its stamp
        #: Whether every stamp so far named its zone, and its year.
        self.zoned = self.dated = True

    def read(self, line: bytes) -> datetime | None:
        """Return the time stamp of *line*, or None."""
        if self._seen and line.startswith(self._seen):
            return self._last[1]
        match = _stamp(line)
        if match is None:
            return None
        text = match.group()
        if text != self._last[0]:
            self._last = text, self._parse(match)
        self._seen = line[: match.end()]
        return self._last[1]

    def _parse(self, match: re.Match[bytes]) -> datetime | None:
        if match.re is _ISO:
            self.zoned &= _ZONE.search(match.group(), 16) is not None
            when = parse_date(match.group().decode("ascii").strip())
            return when if when is not None and when <= self._latest else None  # a clock that went wrong
        month_name, day, year, hour, minute, second = match.groups()
        month = _MONTHS.get(month_name)
        if month is None:
            return None
        self.zoned = False
        self.dated &= bool(year)
        years = [int(year)] if year else range(self._latest.year, self._latest.year - 9, -1)
        for candidate in years:
            try:
                when = datetime(
                    candidate, month, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC
                )
            except ValueError:  # 29 February of another year
                continue
            if year or when <= self._latest:
                return when
        return None

"""What time the logs that are read cover: their spans, and where lines are missing within them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING

from classifier.ingest.log_lines import HEAD, PROCESS, host_of, is_head
from classifier.ingest.logs import is_of_an_mta, names_message
from classifier.parse.encoded import decode_bytes
from classifier.store.ledger_reach import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.ingest.log_dates import LogClock

#: What rotation adds to a name: ``.1``, ``.2.gz``, and a date, also in front of the ending.
_NUMBER = re.compile(r"(?:\.([0-9]{1,3}))?(?:\.(?:gz|bz2|xz))?$")
_DATE = re.compile(r"[._-](?:19|20)[0-9]{2}-?[0-9]{2}(?:-?[0-9]{2})?(?:[T_-]?[0-9]{2,6})?(?![0-9])")
_PROGRAM = re.compile(HEAD + rb"[^\s\[\]]{1,80}" + PROCESS)
#: What loggers write where they dropped lines: journald and rsyslog (which named the process, up to version 7).
_DROPPED = re.compile(
    rb"(?:^|[ ])(?:(?:systemd-)?journald?|rsyslogd(?:-[0-9]{1,5})?)(?:\[[0-9]{1,10}\])?(?::|[ ][0-9-]{1,10} [^ ]{1,64} [^ ]{1,64}) "
    rb".{0,80}?(?:[Ss]uppressed [0-9]{1,9} messages(?: from ([^ ]{1,200}))?|begins? to drop messages .{0,40}?due to rate-limiting"
    rb"|lost [0-9]{1,9} messages|[0-9]{1,9} messages lost)"
)
_MAIL_UNIT = re.compile(rb"postfix|exim|sendmail|mail|mta|syslog", re.IGNORECASE)
#: Silences from this length on are noted, up to this one are usual, and from this one on never.
SHORT, LONG, TOO_LONG = timedelta(minutes=15), timedelta(hours=20), timedelta(hours=72)
#: A long silence is a gap where it is so many times as long as the others.
_UNLIKE = 6
#: Where so many are long, as of a host that sends now and then, one of up to twice their usual length is none.
_HABIT = 4
#: A file whose time of change lies so soon behind its last line was not touched since, and its stamps are local.
_UNTOUCHED = timedelta(minutes=10)
#: A log whose stamps name no year is believed to be of this one up to this age.
_OF_THIS_YEAR = timedelta(days=35)
#: Lines that lie so far back begin another log in the same input.
_BACK = timedelta(hours=2)
_A_YEAR = timedelta(days=365)
_A_DAY = timedelta(days=1)
_MAX_SPANS = 200
_MAX_HOSTS = 50
#: Hosts are looked for in so many of the first lines, and in one of so many of the others.
_EACH = 100


@dataclass
class LogReach:
    """What time one input covers.

    Attributes:
        name: the log that it is a part of.
        number: which part, as rotation counts them; 0 the one being written, None not known.
        hosts: those that it names.
        of_an_mta: whether Postfix, Exim or Sendmail wrote into it.
        longest: its longest silence that counts as usual.
        hole: when lines were last lost.
        tells: whether it tells of messages that came in.
        stamped: whether any line names its time.
        file: the path that it was read of, and the device and number of the file there.

    """

    name: str
    number: int | None
    hosts: set[str] = field(default_factory=set)
    of_an_mta: bool = False
    longest: timedelta = SHORT
    hole: datetime | None = None
    tells: bool = False
    stamped: bool = False
    file: tuple[str, int, int] | None = None
    _spans: list[tuple[datetime, datetime]] = field(default_factory=list)
    _silences: list[tuple[datetime, datetime]] = field(default_factory=list)

    @classmethod
    def of(cls, path: str) -> LogReach:
        """Begin one for the input at *path*."""
        if path == "-":
            return cls("-", None)
        place = PurePath(path)
        if place.name in {"", ".."}:
            return cls(str(place), None)
        stem = _NUMBER.sub("", place.name)
        undated = _DATE.sub("", stem)
        number = _NUMBER.search(place.name)
        if undated != stem or number is None:
            return cls(str(place.with_name(undated or stem or "-")), None)
        return cls(str(place.with_name(stem or "-")), int(number[1] or 0))

    @property
    def is_in_place(self) -> bool:
        """Whether its path still leads to what was read: rotation takes no turn for an import."""
        if self.file is None:
            return True
        try:
            there = os.stat(self.file[0])  # noqa: PTH116 - one call more than Path would take
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == self.file[1:]

    def _grows(self, newest: datetime, written: datetime, now: datetime) -> bool:
        """Say whether more may be written behind its *newest* line, or was since it was copied."""
        if self.number is not None or self.file is None:
            return not self.number
        dates = {re.sub(r"[^0-9]", "", found) for found in _DATE.findall(PurePath(self.file[0]).name)}
        return now - written < _A_DAY and not dates.isdisjoint({f"{newest:%Y%m%d}", f"{newest:%Y%m}"})

    def watched(self, lines: Iterable[bytes], clock: LogClock) -> Iterator[bytes]:
        """Pass *lines*, plain text, on and note their times."""
        first = last = None
        for number, line in enumerate(lines):
            when = clock.read(line)
            if when is not None:
                if first is None or last is None:
                    first = when
                elif when == last:
                    pass
                elif last - when > _BACK:
                    self._add(first, last)
                    if last - when > _A_YEAR / 2 and not clock.dated:
                        # Without years, what stands before this was taken for a year later than it is.
                        self._spans = [(begin - _A_YEAR, end - _A_YEAR) for begin, end in self._spans]
                        self._silences = [(begin - _A_YEAR, end - _A_YEAR) for begin, end in self._silences]
                    first = when
                elif when < last:
                    when = last
                elif when - last > SHORT:
                    self._silent(last, when)
                if b"essages" in line and _tells_of_a_loss(line):
                    self.hole = max(self.hole or when, when)
                last = when
            if not self.of_an_mta:
                self.of_an_mta = names_message(line) is not None or is_of_an_mta(line)
            if (number < _EACH or not number % _EACH) and len(self.hosts) < _MAX_HOSTS:
                self._host(line)
            yield line
        if first is not None and last is not None:
            self.stamped = True
            self._add(first, last)

    def _host(self, line: bytes) -> None:
        found = _PROGRAM.match(line, 0, 600)
        if found is not None:
            self.hosts.add(decode_bytes(host_of(found[1])))

    def _add(self, first: datetime, last: datetime) -> None:
        if len(self._spans) < _MAX_SPANS:
            self._spans.append((first, last))

    def _silent(self, last: datetime, when: datetime) -> None:
        if when - last <= LONG:
            self.longest = max(self.longest, when - last)
        elif len(self._silences) < _MAX_SPANS:
            self._silences.append((last, when))

    def spans(self, clock: LogClock, written: datetime, now: datetime) -> list[Span]:
        """Return what time it covers.

        Args:
            clock: what read its stamps.
            written: when the file was last changed.
            now: the present moment.

        """
        usual = min(TOO_LONG, self.longest * _UNLIKE)
        if len(self._silences) >= _HABIT:
            lengths = sorted(when - last for last, when in self._silences)
            usual = max(usual, 2 * lengths[len(lengths) // 2])
        for last, when in self._silences:
            if when - last > usual:
                self.hole = max(self.hole or when, when)
        newest = max((end for _, end in self._spans), default=None)
        if newest is None or (not clock.dated and written - newest > _OF_THIS_YEAR):
            return []
        grows = self._grows(newest, written, now)
        if clock.zoned:
            return [Span(begin, min(end, now), grows=grows and end == newest) for begin, end in self._spans]
        if abs(written - _local(newest)) <= _UNTOUCHED:  # one that is being written goes on while it is read
            if self.hole is not None:
                self.hole = _local(self.hole)
            return [
                Span(_local(begin), min(_local(end), now), grows=grows and end == newest)
                for begin, end in self._spans
            ]
        return [Span(begin, end, sure=False, grows=grows and end == newest) for begin, end in self._spans]


def _tells_of_a_loss(line: bytes) -> bool:
    found = _DROPPED.search(line, 0, 600)
    if found is None or not is_head(line[: found.start()]):
        return False
    return found[1] is None or _MAIL_UNIT.search(found[1]) is not None


def _local(when: datetime) -> datetime:
    """Return *when*, read as if in UTC, as this machine's own time."""
    return when.replace(tzinfo=None).astimezone(UTC)


def linked(parts: list[tuple[LogReach, list[Span]]]) -> list[Span]:
    """Return the spans of one log's *parts*; those that rotation numbered in a row meet, however silent it was."""
    by_number = {
        reach.number: spans
        for reach, spans in parts
        if reach.number is not None and spans and reach.is_in_place
    }
    found = [span for _, spans in parts for span in spans]
    for number, spans in by_number.items():
        older = by_number.get(number + 1)
        if not older:
            continue
        begin, end = max(s.end for s in older), min(s.begin for s in spans)
        sure = all(s.sure for s in (*older, *spans))
        if begin < end and sure == any(s.sure for s in (*older, *spans)):
            found.append(Span(begin, end, sure))
    return found

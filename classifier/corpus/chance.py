"""Chance, always the same for the same seed, and the tokens and dates made from it."""

from __future__ import annotations

import functools
import random
from bisect import bisect
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed import SupportsLenAndGetItem

T = TypeVar("T")

DIGITS = "0123456789"
HEX = "0123456789abcdef"
UPPER_HEX = "0123456789ABCDEF"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = "abcdefghijklmnopqrstuvwxyz"
BASE36 = DIGITS + LOWER
BASE62 = DIGITS + UPPER + LOWER
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: All that is generated happens from here on: the clock of the machine is never asked.
EPOCH = datetime(2026, 1, 5, tzinfo=UTC)


class Chance(random.Random):
    """A source of chance with a seed of its own."""

    def yes(self, probability: float) -> bool:
        """Say yes with this *probability*."""
        return self.random() < probability

    def token(self, alphabet: str, length: int) -> str:
        """Make a word of *length* letters."""
        if alphabet == HEX:
            return format(self.getrandbits(4 * length), f"0{length}x")
        if alphabet == UPPER_HEX:
            return format(self.getrandbits(4 * length), f"0{length}X")
        size, draw = len(alphabet), self.random
        return "".join([alphabet[int(draw() * size)] for _ in range(length)])

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """Draw a whole number below *start*, or from *start* to below *stop*; fast where there is no *step*."""
        if step != 1:
            return super().randrange(start, stop, step)
        low, high = (0, start) if stop is None else (start, stop)
        if high - low > 1 << 40:
            return super().randrange(low, high)
        return low + int(self.random() * (high - low))

    def choice(self, seq: SupportsLenAndGetItem[T]) -> T:
        """Draw one of *seq*: the same as the standard library's, and faster."""
        return seq[int(self.random() * len(seq))]

    def uuid(self) -> str:
        """Make a random UUID (RFC 9562, version 4) in lower case."""
        digits = self.token(HEX, 30)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:30]}"

    def weighted(self, choices: Weighted[T]) -> T:
        """Draw one of *choices* by its weight."""
        sums = choices.cumulative
        return choices.values[bisect(sums, self.random() * sums[-1], 0, len(sums) - 1)]


class Weighted(tuple[T, ...]):  # noqa: SLOT001 - with attributes
    """Things to draw from, with weights; the sums are made once."""

    values: tuple[T, ...]
    cumulative: list[float]

    def __new__(cls, pairs: Iterable[tuple[T, float]]) -> Weighted[T]:
        """Take (thing, weight) pairs."""
        listed = list(pairs)
        self = super().__new__(cls, (thing for thing, _ in listed))
        self.values = tuple(self)
        self.cumulative = list(accumulate(weight for _, weight in listed))
        return self

    def weights(self) -> Iterator[tuple[T, float]]:
        """Yield the (thing, weight) pairs."""
        before = 0.0
        for thing, total in zip(self.values, self.cumulative, strict=True):
            yield thing, total - before
            before = total


def later(moment: datetime, seconds: float) -> datetime:
    """Return the moment so many *seconds* later."""
    return moment + timedelta(seconds=seconds)


def in_zone(moment: datetime, minutes: int) -> datetime:
    """Return the same moment in a time zone so many *minutes* east of Greenwich."""
    return moment.astimezone(_zone(minutes))


@functools.cache
def _zone(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def zone_of(moment: datetime) -> str:
    """Write the offset as RFC 5322 section 3.3 does: ``+0100``."""
    return _offset(moment.utcoffset() or timedelta())


@functools.cache
def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def mail_date(moment: datetime, *, pad: bool = False, comment: str = "") -> str:
    """Write a Date as RFC 5322 section 3.3 has it.

    Args:
        moment: aware.
        pad: True: a day below ten gets a leading zero, as some programs write.
        comment: a zone's name to add in parentheses.

    """
    day = f"{moment.day:02}" if pad else f"{moment.day}"
    text = (
        f"{_DAYS[moment.weekday()]}, {day} {_MONTHS[moment.month - 1]} {moment.year} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} {zone_of(moment)}"
    )
    return f"{text} ({comment})" if comment else text


def unix_date(moment: datetime) -> str:
    """Write a date as C's ``asctime`` does: ``Mon Jan  5 10:00:00 2026``."""
    return (
        f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:2} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} {moment.year}"
    )


def compact(moment: datetime) -> str:
    """Write ``20260105100000``."""
    return f"{moment:%Y%m%d%H%M%S}"

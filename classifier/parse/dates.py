"""Date-times of RFC 5322 (section 3.3 and the obsolete 4.3), by a bounded scan.

Written here because ``email.utils`` costs a filter's whole start-up budget and
raises on some of the dates that real reports carry.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_MONTHS = {
    m: n
    for n, m in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
#: Zone names of RFC 5322 section 4.3 and those still seen in traces, in minutes.
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300,
    "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "jst": 540, "cet": 60, "cest": 120,
    "met": 60, "mest": 120, "bst": 60, "msk": 180, "msd": 240, "hkt": 480, "kst": 540,
}  # fmt: skip
#: The look-behind stands after the first digit so that the scan can skip to digits.
_DATE = re.compile(
    r"([0-9](?<![0-9A-Za-z][0-9])[0-9]?)[ \t-]{1,4}([A-Za-z]{3})[A-Za-z]{0,6}[ \t,-]{1,4}([0-9]{2,4})[ \t,]{1,4}"
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:[ \t]{0,4}([+-][0-9]{2}:?[0-9]{2}|[A-Za-z]{1,5}))?"
)
_ASCTIME = re.compile(
    r"(?<![A-Za-z])([A-Za-z]{3})[ \t]{1,4}([0-9]{1,2})[ \t]{1,4}([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
    r"[ \t]{1,4}(?:([A-Za-z]{1,5})[ \t]{1,4})?([0-9]{4})"
)
_ISO = re.compile(
    r"(?<![0-9])([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?:\.[0-9]{1,9})?"
    r"[ \t]{0,2}(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
#: No date-time is longer; what follows is a comment or bait.
_MAX_CHARS = 200


@lru_cache(maxsize=128)
def _zone(text: str | None) -> timezone:
    if not text:
        return UTC
    if text[0] in "+-":
        digits = text[1:].replace(":", "")
        minutes = int(digits[:2]) * 60 + int(digits[2:4])
        if minutes >= 24 * 60:
            return UTC
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
    return timezone(timedelta(minutes=_ZONES.get(text.lower(), 0)))


def parse_date(text: str | None) -> datetime | None:
    """Read the first date-time in *text*.

    Args:
        text: a header value, or None.

    Returns:
        An aware datetime; a missing or unknown zone counts as UTC. None where
        no possible date is found.

    """
    if not text:
        return None
    text = text[:_MAX_CHARS]
    try:
        if m := _DATE.search(text):
            day, month_name, year_text, hour, minute, second, zone = m.groups()
            month = _MONTHS.get(month_name.lower())
            if month is None:
                return None
            year = int(year_text)
            if len(year_text) == 2:  # RFC 5322 section 4.3
                year += 2000 if year < 50 else 1900
            elif len(year_text) == 3:
                year += 1900
        elif m := _ASCTIME.search(text):
            month_name, day, hour, minute, second, zone, year_text = m.groups()
            month = _MONTHS.get(month_name.lower())
            if month is None:
                return None
            year = int(year_text)
        elif m := _ISO.search(text):
            year_text, month_text, day, hour, minute, second, zone = m.groups()
            year, month = int(year_text), int(month_text)
        else:
            return None
        # A leap second (60) is written as the last one of its minute.
        return datetime(
            year, month, int(day), int(hour), int(minute), min(int(second or 0), 59), tzinfo=_zone(zone)
        )
    except (ValueError, OverflowError):
        return None

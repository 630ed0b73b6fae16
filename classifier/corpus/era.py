"""What a year brings with it: mail programs, encryption, signatures, and the reports that were met then."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.corpus.chance import Chance, Weighted
from classifier.corpus.programs import PEOPLE, SPAMWARE, Program
from classifier.corpus.programs_old import OLD
from classifier.corpus.reporters.table import FORMATS
from classifier.vocabulary import ReportKind

if TYPE_CHECKING:
    from classifier.corpus.reporters.base import Format

#: Programs of today with their first and last year.
_PROGRAM_YEARS = {
    "thunderbird": (2014, 2099), "thunderbird-old": (2004, 2016), "outlook": (2007, 2099), "outlook-express": (2001, 2011),
    "exchange": (2005, 2099), "exchange-online": (2012, 2099), "apple-mail": (2001, 2099), "iphone": (2008, 2099), "gmail": (2004, 2099),
    "android": (2010, 2099), "mutt": (1999, 2019), "new-mutt": (2018, 2099), "roundcube": (2008, 2099), "squirrelmail": (2000, 2015),
    "horde": (2010, 2099), "the-bat": (1999, 2099), "evolution": (2001, 2099), "notes": (1998, 2099),
}  # fmt: skip
#: Report formats with their first and last year; the rest was always there.
_FORMAT_YEARS = {
    "exchange-online": (2012, 2099), "exchange-inline": (2012, 2099), "exchange": (2007, 2099), "exchange-2003": (2000, 2012), "exchange-5.5": (1998, 2006), "exchange-4.0": (1997, 2003),
    "google": (2012, 2099), "google-delayed": (2012, 2099), "google-old": (2004, 2014), "yahoo-old": (1998, 2012), "yahoo": (2012, 2099), "amazon-ses": (2011, 2099), "sendgrid": (2010, 2099),
    "powermta": (2002, 2099), "mimecast": (2007, 2099), "mimecast-plain": (2007, 2099), "proofpoint": (2006, 2099), "barracuda": (2004, 2099), "ironport": (2003, 2099), "zoho": (2010, 2099), "icloud": (2011, 2099),
    "exim": (2014, 2099), "exim-old": (1998, 2022), "opensmtpd": (2013, 2099), "haraka": (2012, 2099), "chasquid": (2016, 2099), "notqmail": (2019, 2099), "sendmail-old": (1998, 2002), "mmdf": (1998, 2003), "smail": (1998, 2003),
    "sieve-vacation": (2005, 2099), "exchange-oof": (2008, 2099), "exchange-oof-old": (1998, 2010), "webmail-away": (2006, 2099), "tmda": (2002, 2012), "challenge": (2002, 2016), "amavis": (2001, 2016),
    "virus-gateway": (1999, 2012), "virus-scanner": (2001, 2012), "zimbra": (2006, 2099), "hmailserver": (2005, 2099), "imail": (1998, 2014), "mercury": (1998, 2014), "notes": (1998, 2008), "interscan": (1999, 2014), "surgemail": (2003, 2016), "kddi": (2001, 2099), "mlmmj": (2005, 2099),
}  # fmt: skip
#: Warnings and free text were common until about 2008.
_EARLY = {
    ReportKind.BOUNCE: 1.7,
    ReportKind.VIRUS_WARNING: 2.5,
    ReportKind.CHALLENGE: 1.5,
    ReportKind.DSN: 0.9,
}
_YEARS = Weighted(
    (year, 6.0 if year in range(2003, 2011) else 5.0 if year >= 2018 else 2.5 if year >= 2001 else 1.5)
    for year in range(1998, 2027)
)


@dataclass(frozen=True)
class Era:
    """A year.

    Attributes:
        year: which.
        tls: share of the sessions between servers that are encrypted.
        submission: share of the submissions that are.
        people: the programs of people, by how often they are met.
        spamware: what spam is written with.
        formats: the reports, by how often they are met.

    """

    year: int
    tls: float
    submission: float
    people: Weighted[Program]
    spamware: Weighted[Program]
    formats: Weighted[Format]


def _weight(fmt: Format, year: int) -> float:
    first, last = _FORMAT_YEARS.get(fmt.name, (0, 9999))
    if not first <= year <= last:
        return 0.0
    return fmt.weight * (_EARLY.get(fmt.kind, 1.0) if year < 2009 else 1.0)


@functools.cache
def era_of(year: int) -> Era:
    """Return what the *year* brings."""
    now = (
        (p, w) for p, w in PEOPLE.weights() if _PROGRAM_YEARS[p.name][0] <= year <= _PROGRAM_YEARS[p.name][1]
    )
    old = ((p, weight) for p, weight, first, last in OLD if first <= year <= last)
    spam = ((p, w) for p, w in SPAMWARE.weights() if p.name != "spam-thunderbird" or year > 2004)
    return Era(
        year,
        0.0 if year < 2001 else 0.1 if year < 2011 else 0.35 if year < 2014 else 0.8 if year < 2018 else 0.93,
        0.1 if year < 2004 else 0.45 if year < 2011 else 0.97,
        Weighted((*now, *old)),
        Weighted(spam),
        Weighted((fmt, weight) for fmt in FORMATS if (weight := _weight(fmt, year))),
    )


def draw_year(chance: Chance) -> int:
    """Draw a year from 1998 to 2026: most mail of the floods around 2006, and of today."""
    return chance.weighted(_YEARS)

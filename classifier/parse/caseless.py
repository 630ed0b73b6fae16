"""Searching for words in any case.

With ``IGNORECASE``, :mod:`re` enters every branch of a pattern at every place; without it, it
turns away all whose first letter is another one. So text in ASCII, as most of it is, is searched
in small letters, in a tenth of the time.
"""

from __future__ import annotations

import re
import sys


class Caseless:
    """A pattern whose letters are small, searched for in text of any case.

    Places are those of the text; what it finds in ASCII is in small letters. Beside the dotless
    i of Turkish, which is an i in another case to :mod:`re`, the pattern itself has to name the i.
    """

    __slots__ = ("_lower", "_pattern")

    def __init__(self, pattern: str) -> None:
        """Compile *pattern* for ASCII; for other text that waits until there is some."""
        self._pattern = pattern
        self._lower = re.compile(pattern)

    def search(self, text: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        """Return the first place in *text* from *start* to *end* that fits, or None."""
        if text.isascii():
            return self._lower.search(text[:end].lower(), start)
        return re.compile(self._pattern, re.IGNORECASE).search(text, start, end)

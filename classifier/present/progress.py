"""One line that tells how far a long run is, on a terminal and nowhere else."""

from __future__ import annotations

import sys
import time
from typing import Self, TextIO

#: Seconds before the line first shows, and between two of its states.
_FIRST, _EVERY = 1.0, 0.2


class Progress:
    """Counts, and shows the count on standard error where that is a terminal.

    Attributes:
        done: how many were done.

    """

    def __init__(
        self, what: str, total: int | None = None, *, out: TextIO | None = None, shown: bool = True
    ) -> None:
        """Begin.

        Args:
            what: what is counted, e.g. ``messages judged``.
            total: how many there will be, where that is known.
            out: default standard error.
            shown: False: never show it, e.g. where rows on the same terminal tell enough.

        """
        self._out = out or sys.stderr
        self._shown = shown and self._out.isatty()
        self._what = what
        self._total = total
        self._started = time.monotonic()
        self._next = self._started + _FIRST
        self._visible = False
        self.done = 0

    def advance(self, note: str = "") -> None:
        """Count one more; *note* stands behind the count."""
        self.done += 1
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + _EVERY
            rate = self.done / (now - self._started)
            of = f" of {self._total:,}" if self._total else ""
            line = f"{self.done:,}{of} {self._what}, {rate:,.0f} a second{f', {note}' if note else ''}"
            self._out.write(f"\r\x1b[K{line[:100]}")
            self._out.flush()
            self._visible = True

    def hide(self) -> None:
        """Clear the line, before something else is printed."""
        if self._visible:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._visible = False

    def __enter__(self) -> Self:
        """Return itself; the line is cleared at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Clear the line."""
        self.hide()

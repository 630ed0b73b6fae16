"""A clock that goes on while the machine sleeps: on Linux the monotonic one stands still then."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Return the seconds since some moment, sleep included."""
    return time.clock_gettime(_CLOCK)

"""What a check of ``doctor`` comes to."""

from __future__ import annotations

from enum import StrEnum

from classifier.dataclass import dataclass


class Level(StrEnum):
    """How a check ended."""

    GOOD = "good"
    ADVICE = "advice"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One check.

    Attributes:
        level: how it ended.
        about: what was checked.
        what: what was found.
        remedy: what to do about it; "" where nothing is to be done.
        count: how many were counted, where something was.

    """

    level: Level
    about: str
    what: str
    remedy: str = ""
    count: int | None = None

"""What is told of an object, worked out once and kept in the object.

Several evidence kinds and the model ask the same of a report. The answer of a
pure function about a frozen object never changes, so it is remembered where it
is let go of together with the object.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    About = TypeVar("About")
    Other = TypeVar("Other")
    Told = TypeVar("Told")


def once(function: Callable[[About], Told]) -> Callable[[About], Told]:
    """Remember what the pure *function* says about a frozen object that has a ``__dict__``."""
    key = f"once:{function.__module__}.{function.__qualname__}"

    def remembered(about: About) -> Told:
        known = about.__dict__
        if key in known:
            told: Told = known[key]
            return told
        told = known[key] = function(about)
        return told

    remembered.__doc__ = function.__doc__
    remembered.__name__ = function.__name__
    return remembered


def once_beside(function: Callable[[About, Other], Told]) -> Callable[[About, Other], Told]:
    """Do the same for a function of two: the answer beside the latest second object is remembered."""
    key = f"once:{function.__module__}.{function.__qualname__}"

    def remembered(about: About, other: Other) -> Told:
        known = about.__dict__
        if key in known:
            asked, told = known[key]
            if asked is other:
                found: Told = told
                return found
        found = function(about, other)
        known[key] = (other, found)
        return found

    remembered.__doc__ = function.__doc__
    remembered.__name__ = function.__name__
    return remembered

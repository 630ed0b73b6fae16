"""What is told of an object, worked out once and kept in the object.

Several evidence kinds and the model ask the same of a report. The answer of a
pure function about a frozen object never changes, so it is remembered where it
is let go of together with the object.
"""

from __future__ import annotations

__all__ = ["cached_property", "once", "once_beside"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property
    from typing import TypeVar

    About = TypeVar("About")
    Other = TypeVar("Other")
    Told = TypeVar("Told")
else:

    class cached_property:  # noqa: N801 - as functools.cached_property
        """That of the standard library without its lock, which costs more than most of what it guards (Python 3.11)."""

        def __init__(self, function: Callable[[object], object]) -> None:
            """Wrap *function*."""
            self.function = function
            self.name = function.__name__
            self.__doc__ = function.__doc__

        def __get__(self, instance: object, _owner: type | None = None) -> object:
            """Work the value out, and put it where it is found first from now on."""
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.function(instance)
            return value


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

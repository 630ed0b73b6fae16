"""Reading TOML strictly: each key is asked for once, with its type; what nobody asked for is an error."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from classifier.errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TypeVar

    T = TypeVar("T")

_KEY = r"(?:[A-Za-z0-9_-]{1,200}|\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')"
_DOTTED = rf"{_KEY}(?:[ \t]{{0,20}}\.[ \t]{{0,20}}{_KEY}){{0,20}}"
_HEADER = re.compile(rf"[ \t]*\[\[?[ \t]*({_DOTTED})[ \t]*\]")
_ASSIGNMENT = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_PART = re.compile(_KEY)
_TYPES = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a string", list: "a list",
    dict: "a table", datetime: "a date", date: "a date", time: "a time",
}  # fmt: skip


def type_name(value: object) -> str:
    """Return the TOML name of a value's type."""
    return _TYPES.get(type(value), type(value).__name__)


class Source:
    """One TOML file's text, for finding the line of a key.

    Attributes:
        name: the file, for errors.
        folder: where relative paths in it begin; "": where the process is.

    """

    def __init__(self, name: str, text: str, folder: str = "") -> None:
        """Keep the text; it is scanned when an error has to be told."""
        self.name = name
        self.folder = folder
        self._text = text

    def where(self, path: Sequence[str]) -> str:
        """Return ``file:line`` of the key, or of the nearest table around it that can be found."""
        lines = self._lines()
        for length in range(len(path), 0, -1):
            line = lines.get(tuple(path[:length]))
            if line:
                return f"{self.name}:{line}"
        return self.name

    def _lines(self) -> dict[tuple[str, ...], int]:
        found: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        quotes = ""
        for number, line in enumerate(self._text.splitlines(), 1):
            if quotes:
                quotes = "" if quotes in line else quotes
                continue
            if header := _HEADER.match(line):
                table = _parts(header[1])
                found.setdefault(table, number)
            elif assignment := _ASSIGNMENT.match(line):
                key = table + _parts(assignment[1])
                for length in range(len(table) + 1, len(key) + 1):
                    found.setdefault(key[:length], number)
            for mark in ('"""', "'''"):
                if line.count(mark) % 2:
                    quotes = mark
        return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


class Table:
    """One table of the file; :meth:`finish` complains about keys that were not asked for."""

    def __init__(self, source: Source, values: dict[str, Any], path: tuple[str, ...] = ()) -> None:
        """Wrap *values*, which stand at *path* in *source*."""
        self._source = source
        self._values = values
        self._path = path
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Say whether *key* is given."""
        return key in self._values

    @property
    def folder(self) -> str:
        """Where relative paths in the file begin."""
        return self._source.folder

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are given, in their order."""
        return tuple(self._values)

    def name(self, key: str = "") -> str:
        """Return the full dotted name of *key*, or of the table itself."""
        return ".".join((*self._path, key) if key else self._path)

    def fail(self, key: str, what: str, remedy: str = "") -> NoReturn:
        """Raise the error about *key* ("": about the table itself).

        Raises:
            ConfigurationError: always.

        """
        path = (*self._path, key) if key else self._path
        raise ConfigurationError(
            f"{self.name(key)} {what}".strip(), where=self._source.where(path), remedy=remedy
        )

    def take(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any TOML value
        """Return the raw value, and note that the key is known."""
        self._known.add(key)
        return self._values.get(key, default)

    def typed(self, key: str, kind: type[T], default: T) -> T:
        """Return a value of exactly this type; a whole number also counts as a number."""
        value = self.take(key)
        if value is None:
            return default
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            self.fail(key, f"must be {_TYPES[kind]}, not {type_name(value)}")
        return value

    def text(self, key: str, default: str = "") -> str:
        """Return a string that is not empty and of one line."""
        value = self.typed(key, str, default)
        if key in self._values and (not value.strip() or not value.isprintable()):
            self.fail(key, "must not be empty or hold control characters")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """Return one of *allowed*."""
        value = self.typed(key, str, default)
        if value not in allowed:
            self.fail(key, f"must be one of {', '.join(map(repr, allowed))}, not {value!r}")
        return value

    def number(self, key: str, default: float, *, least: float, most: float) -> float:
        """Return a number within bounds."""
        value = self.typed(key, float, default)
        if not least <= value <= most:  # false for nan, too
            self.fail(key, f"must lie between {least:g} and {most:g}, not {value:g}")
        return value

    def whole(self, key: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        value = self.typed(key, int, default)
        if not least <= value <= most:
            self.fail(key, f"must lie between {least} and {most}, not {value}")
        return value

    def texts(
        self,
        key: str,
        default: tuple[str, ...] = (),
        read: Callable[[str], str | tuple[str, ...]] | None = None,
    ) -> tuple[str, ...]:
        """Return a list of strings, each passed through *read*, without repetition.

        *read* returns what the string stands for; a ValueError of it says what is wrong.
        """
        values = self.take(key)
        if values is None:
            return default
        if type(values) is not list:
            self.fail(key, f"must be a list of strings, not {type_name(values)}")
        found: dict[str, None] = {}
        for value in values:
            if type(value) is not str:
                self.fail(key, f"must be a list of strings; {value!r} is {type_name(value)}")
            result = self.read(key, value, read) if read else value
            found.update(dict.fromkeys((result,) if isinstance(result, str) else result))
        return tuple(found)

    def read(self, key: str, value: str, read: Callable[[str], T]) -> T:
        """Pass one string through *read*; a ValueError of it says what is wrong."""
        try:
            return read(value)
        except ValueError as error:
            self.fail(key, f"{value!r}: {error}")

    def moment(self, key: str) -> datetime | None:
        """Return a date-time, aware. A date is its first moment, local time where no offset is given."""
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, date):
            self.fail(key, f"must be a date such as 2026-01-31 (without quotes), not {type_name(value)}")
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - made aware below
        try:
            return value if value.tzinfo else value.astimezone()
        except (OverflowError, ValueError, OSError):
            self.fail(key, f"{value.date()} is out of range")

    def table(self, key: str) -> Table:
        """Return a table; an empty one where it is absent."""
        value = self.take(key, {})
        if type(value) is not dict:
            self.fail(key, f"must be a table, not {type_name(value)}")
        return Table(self._source, value, (*self._path, key))

    def finish(self) -> None:
        """Complain about the first key that nobody asked for.

        Raises:
            ConfigurationError: there is one.

        """
        for key in self._values:
            if key not in self._known:
                import difflib  # noqa: PLC0415 - for this error only

                near = difflib.get_close_matches(key, self._known, 1)
                known = ", ".join(sorted(self._known))
                remedy = f"did you mean {near[0]}?" if near else f"known here: {known}"
                self.fail(key, "is not a known key", remedy)

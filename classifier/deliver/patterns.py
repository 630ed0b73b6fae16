"""Regular expressions as they were compiled the last time, so that a filter need not compile a hundred of them.

What the compiler made of each pattern is kept in one file for one version of
Python. Whatever is wrong with it, or with this Python, patterns are compiled
as ever.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import re
import sys

from classifier.deliver import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: More patterns than this are not kept.
_MAX_PATTERNS = 1_000
#: A pattern that depends on the locale is compiled each time.
_LOCALE = 4


def cache_file() -> str:
    """Return where the patterns are kept; "" where there is no such place."""
    return kept.place(f"patterns.{sys.implementation.cache_tag}-{sys.hexversion:x}-{_sre.MAGIC}")


class PatternCache:
    """Stands in front of the compiler of :mod:`re`, from :meth:`install` on."""

    def __init__(self, path: str) -> None:
        """Use the file *path*, which need not be there."""
        self._path = path
        self._kept: dict[tuple[Any, int], tuple[int, bytes, int, dict[str, int], tuple[str | None, ...]]] = {}
        self._new = False
        self._compiler: Any = None
        self._plain: Callable[[Any, int], Any] | None = None

    def install(self) -> None:
        """Read the file, and take the compiler's place; nothing happens where this Python has another."""
        compiler: Any = getattr(re, "_compiler", None)
        if not self._path or not hasattr(compiler, "compile") or not hasattr(compiler, "_code"):
            return
        found = kept.read(self._path)
        self._kept = found if type(found) is dict else {}
        self._compiler, self._plain = compiler, compiler.compile
        compiler.compile = self._compile

    def _compile(self, pattern: Any, flags: int = 0) -> Any:  # noqa: ANN401 - text, bytes, or parsed
        assert self._plain is not None
        flags = int(flags)
        if flags & _LOCALE or not isinstance(pattern, str | bytes):
            return self._plain(pattern, flags)
        made = self._kept.get((pattern, flags))
        try:
            if made is None:
                made = self._made(pattern, flags)
            final, code, groups, names, by_group = made
            return _sre.compile(pattern, final, memoryview(code).cast("I").tolist(), groups, names, by_group)
        except Exception:  # noqa: BLE001 - a wrong pattern, too, is told by the compiler itself
            return self._plain(pattern, flags)

    def _made(
        self, pattern: str | bytes, flags: int
    ) -> tuple[int, bytes, int, dict[str, int], tuple[str | None, ...]]:
        """Do what the compiler does, and keep what came of it."""
        parsed = self._compiler._parser.parse(pattern, flags)  # noqa: SLF001 - no public way
        code = self._compiler._code(parsed, flags)  # noqa: SLF001 - likewise
        state = parsed.state
        by_group: list[str | None] = [None] * state.groups
        for name, group in state.groupdict.items():
            by_group[group] = name
        packed = b"".join(each.to_bytes(4, sys.byteorder) for each in code)
        made = (flags | state.flags, packed, state.groups - 1, dict(state.groupdict), tuple(by_group))
        self._kept[pattern, flags] = made
        self._new = True
        return made

    def save(self) -> None:
        """Write the file where patterns were compiled."""
        if self._new and len(self._kept) <= _MAX_PATTERNS:
            self._new = False
            kept.write(self._path, self._kept)

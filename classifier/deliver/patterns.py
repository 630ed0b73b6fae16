"""Regular expressions as they were compiled the last time, so that a filter need not compile a hundred of them.

What the compiler made of each pattern is kept in one file of the user's cache
folder, for one version of Python; it is believed only if nobody else could
have written it. Whatever is wrong with it, or with this Python, patterns are
compiled as ever.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import marshal
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The file is left alone above these, in patterns and bytes.
_MAX_PATTERNS, _MAX_BYTES = 1_000, 1_000_000
#: A pattern that depends on the locale is compiled each time.
_LOCALE = 4


def cache_file() -> str:
    """Return where the patterns are kept; "" where there is no such place."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    if not folder.startswith("/"):
        folder = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")  # noqa: PTH111 - pathlib costs 5 ms
    if not folder.startswith("/"):
        return ""
    return f"{folder}/backscatter/patterns.{sys.implementation.cache_tag}-{sys.hexversion:x}-{_sre.MAGIC}"


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
        self._kept = _read(self._path)
        self._compiler, self._plain = compiler, compiler.compile
        compiler.compile = self._compile

    def _compile(self, pattern: Any, flags: int = 0) -> Any:  # noqa: ANN401 - text, bytes, or parsed
        assert self._plain is not None
        flags = int(flags)
        if flags & _LOCALE or not isinstance(pattern, str | bytes):
            return self._plain(pattern, flags)
        kept = self._kept.get((pattern, flags))
        try:
            if kept is None:
                kept = self._made(pattern, flags)
            final, code, groups, names, by_group = kept
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
        """Write the file where patterns were compiled; a failure costs the time saved next time."""
        if not self._new or len(self._kept) > _MAX_PATTERNS:
            return
        self._new = False
        temporary = f"{self._path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - see cache_file
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            return
        data = marshal.dumps(self._kept)
        try:
            whole = os.write(fd, data) == len(data)
        except OSError:
            whole = False
        os.close(fd)
        try:
            if whole:
                os.replace(temporary, self._path)  # noqa: PTH105 - see cache_file
            else:
                os.unlink(temporary)  # noqa: PTH108 - likewise
        except OSError:
            return


def _read(path: str) -> dict[Any, Any]:
    """Read the file; nothing where it is not there, not ours alone to write, or damaged."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        status = os.fstat(fd)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022 or status.st_size > _MAX_BYTES:
            return {}
        data = os.read(fd, _MAX_BYTES)
        kept = marshal.loads(data)  # noqa: S302 - written by this user, as the .pyc files are
    except Exception:  # noqa: BLE001 - cut off, or nonsense
        return {}
    else:
        return kept if type(kept) is dict and len(data) == status.st_size else {}
    finally:
        os.close(fd)

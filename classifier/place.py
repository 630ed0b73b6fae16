"""A folder for results: on this machine, or wherever fsspec reaches."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def is_url(path: str) -> bool:
    """Say whether *path* is a URL for fsspec, such as ``s3://bucket/mail.mbox`` or ``zip://mail.mbox::s3://bucket/mail.zip``."""
    scheme, mark, _ = path.partition("://")
    return bool(mark) and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum()


def file_system(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for *url*, and the path in it; ``zip://PATH::URL`` is a file in the file at URL.

    Raises:
        ConfigurationError: fsspec, or what it needs for this scheme, is not installed.
        OSError: the store does not answer, or refuses.

    """
    head, _, outer = url.partition("::")
    scheme, mark, path = head.partition("://")
    if mark and is_url(outer):
        return _archive(scheme, outer)[0], path
    return _reached(url)


@lru_cache(maxsize=8)
def _archive(scheme: str, outer: str) -> tuple[Any, str]:
    """Return the file system in a file, and its top: its table of contents is read once, and it stays open."""
    return _reached(f"{scheme}://::{outer}")


def _reached(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - with URLs only

        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"cannot be reached ({error})",
            where=url,
            remedy="install backscatter-quarantine[dask], and what fsspec asks for",
        ) from error
    except Exception as error:
        raise as_os_error(error) from error
    return system, path


def as_os_error(error: Exception) -> OSError:
    """Return what a store's library raised as the standard library would: each has errors of its own."""
    if isinstance(error, FileNotFoundError) or (isinstance(error, OSError) and error.strerror):
        return error
    told = " ".join(str(error).split())[:200]
    if isinstance(error, PermissionError) and told:
        return PermissionError(errno.EACCES, told)
    return OSError(0, f"{type(error).__name__}: {told}" if told else type(error).__name__)


@dataclass(frozen=True)
class Place:
    """One folder; made when something is first written.

    Attributes:
        where: a path or a URL.

    """

    where: str

    def __str__(self) -> str:
        """Return the path or URL."""
        return self.where

    def names(self) -> list[str]:
        """Return the names of the files there; none where there is no folder.

        Raises:
            InputError: it cannot be read.

        """
        if is_url(self.where):
            with self._telling("read"):
                system, path = file_system(self.where)
                found = system.ls(path, detail=False) if system.exists(path) else []
            return [name.rpartition("/")[2] for name in found]
        return os.listdir(self.where) if os.path.isdir(self.where) else []  # noqa: PTH112, PTH208

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None where there is none.

        Raises:
            InputError: it cannot be read.

        """
        if is_url(self.where):
            with self._telling("read", name):
                system, path = file_system(self.where)
                return bytes(system.cat_file(f"{path}/{name}")) if system.exists(f"{path}/{name}") else None
        try:
            with open(os.path.join(self.where, name), "rb") as file:  # noqa: PTH118, PTH123 - pathlib costs 5 ms
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file: whole, or not under this name.

        Raises:
            InputError: it cannot be written.

        """
        unfinished = f".{name}.{os.getpid()}"
        with self._telling("written", name):
            if is_url(self.where):
                system, path = file_system(self.where)
                system.makedirs(path, exist_ok=True)
                system.pipe_file(f"{path}/{unfinished}", content)
                system.mv(f"{path}/{unfinished}", f"{path}/{name}")
                return
            # Results name addresses: for their owner alone, like mail.
            os.makedirs(self.where, mode=0o700, exist_ok=True)  # noqa: PTH103 - likewise
            new = os.path.join(self.where, unfinished)  # noqa: PTH118 - likewise
            try:
                with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(new, os.path.join(self.where, name))  # noqa: PTH105, PTH118 - likewise
            except BaseException:
                with suppress(OSError):  # a full disk would stay full
                    os.unlink(new)  # noqa: PTH108 - likewise
                raise

    @contextmanager
    def _telling(self, what: str, name: str = "") -> Iterator[None]:
        """Say in one line that something cannot be read or written."""
        try:
            yield
        except ConfigurationError:
            raise
        except Exception as error:
            if not isinstance(error, OSError) and not is_url(self.where):
                raise
            told = as_os_error(error)
            raise InputError(
                f"cannot be {what} ({told.strerror or told})",
                where=f"{self.where}/{name}" if name else self.where,
            ) from error

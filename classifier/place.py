"""A folder for results: on this machine, or wherever fsspec reaches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from typing import Any


def is_url(path: str) -> bool:
    """Say whether *path* is a URL for fsspec, such as ``s3://bucket/mail.mbox``."""
    scheme, mark, _ = path.partition("://")
    return bool(mark) and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum()


def file_system(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for *url*, and the path in it.

    Raises:
        ConfigurationError: fsspec, or what it needs for this scheme, is not installed.

    """
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - with URLs only

        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"cannot be reached ({error})", where=url, remedy="install backscatter-quarantine[dask]"
        ) from error
    return system, path


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
        """Return the names of the files there; none where there is no folder."""
        if is_url(self.where):
            system, path = file_system(self.where)
            found = system.ls(path, detail=False) if system.exists(path) else []
            return [name.rpartition("/")[2] for name in found]
        return os.listdir(self.where) if os.path.isdir(self.where) else []  # noqa: PTH112, PTH208

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None where there is none."""
        if is_url(self.where):
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
        try:
            if is_url(self.where):
                system, path = file_system(self.where)
                system.makedirs(path, exist_ok=True)
                system.pipe_file(f"{path}/{unfinished}", content)
                system.mv(f"{path}/{unfinished}", f"{path}/{name}")
                return
            # Results name addresses: for their owner alone, like mail.
            os.makedirs(self.where, mode=0o700, exist_ok=True)  # noqa: PTH103 - likewise
            new = os.path.join(self.where, unfinished)  # noqa: PTH118 - likewise
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, os.path.join(self.where, name))  # noqa: PTH105, PTH118 - likewise
        except OSError as error:
            raise InputError(
                f"cannot be written ({error.strerror or error})", where=f"{self.where}/{name}"
            ) from error

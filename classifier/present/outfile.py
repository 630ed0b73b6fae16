"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import BackscatterError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMEDY = "name a file in a folder that you may write to"


def check_writable(path: Path, inputs: Iterable[str] = ()) -> None:
    """Find out before long work that *path* cannot be written, or is mail that is to be read.

    Args:
        path: the file.
        inputs: what is to be read.

    Raises:
        BackscatterError: it cannot.
        ConfigurationError: it is one of the *inputs*.

    """
    for given in inputs:
        with contextlib.suppress(OSError):  # a URL, or nothing yet
            if path.is_file() and path.samefile(given):
                raise ConfigurationError(
                    "is mail to be read, and would be overwritten",
                    where=str(path),
                    remedy="name another file",
                )
    folder = path.parent
    if not folder.is_dir():
        raise BackscatterError("no such folder", where=str(folder), remedy=_REMEDY)
    if path.is_dir():
        raise BackscatterError("is a folder", where=str(path), remedy="name a file in it")
    if not os.access(path if path.exists() and not path.is_file() else folder, os.W_OK):
        raise BackscatterError("cannot be written", where=str(path), remedy=_REMEDY)


def write_whole(path: Path, data: bytes) -> None:
    """Write *data* to *path*, for its owner alone; what stood there before stays if that fails.

    Raises:
        BackscatterError: it cannot be written.

    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe has nothing to be replaced
            return
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise BackscatterError(
            f"cannot be written ({error.strerror or error})", where=str(path), remedy=_REMEDY
        ) from error

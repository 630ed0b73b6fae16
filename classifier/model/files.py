"""Where models lie: the default one with the program, the user's own beside the store."""

from __future__ import annotations

import os
import stat

from classifier.errors import BackscatterError, InputError
from classifier.model.artifact import MAX_BYTES, from_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.model.artifact import Model

#: The user's model and the one that it took the place of, in the store's folder.
CURRENT, PREVIOUS = "model.json", "model.previous.json"


def default_path() -> str:
    """Return where the default model lies: in the installed package, else in the checkout's ``models/``."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs a filter 5 ms
    packaged = f"{here}/default.json"
    if os.path.exists(packaged):  # noqa: PTH110 - likewise
        return packaged
    return f"{here}/../../models/default.json"


def beside(store: str, name: str = CURRENT) -> str:
    """Return the path of the user's model beside the *store*."""
    return f"{os.path.dirname(store)}/{name}"  # noqa: PTH120 - likewise


def read(path: str) -> Model:
    """Read the model at *path*.

    Raises:
        InputError: it cannot be read.
        ModelError: it is no model that this program can use.

    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - likewise
            raise InputError("model not read: it is no regular file", where=path, remedy="check the file")
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"model not read: {error.strerror or error}", where=path, remedy="check the file"
        ) from None
    return from_bytes(data, path)


def state_of(path: str) -> tuple[int, ...] | None:
    """Return what no change of a file leaves as it was; the time of the inode's change cannot be set."""
    try:
        status = os.stat(path)  # noqa: PTH116 - likewise
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def in_use(store: str, read: Callable[[str], Model] = read) -> tuple[Model | None, list[str]]:
    """Return the model to judge with, and what is to be said about it.

    The user's own, where there is one that can be used; else the default one.

    Args:
        store: the store's path.
        read: reads the model at a path.

    """
    notes: list[str] = []
    own = beside(store)
    for path in (own, default_path()):
        if path == own and not os.path.lexists(own):
            continue
        try:
            return read(path), notes
        except BackscatterError as error:
            notes.append(str(error))
    return None, [*notes, "judging by the evidence alone"]


def shipped() -> Model | None:
    """Return the default model; None where it cannot be used."""
    try:
        return read(default_path())
    except BackscatterError:
        return None


def put_in_place(model: Model, store: str) -> None:
    """Make *model* the user's own, and keep the one before it. A crash leaves one of the two in place.

    Raises:
        InputError: the folder cannot be written.

    """
    import contextlib  # noqa: PLC0415 - in training only

    from classifier.model.artifact import to_bytes  # noqa: PLC0415 - likewise

    own, previous, made = beside(store), beside(store, PREVIOUS), beside(store, CURRENT + ".new")
    try:
        os.makedirs(os.path.dirname(own) or ".", mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - strings here
        with contextlib.suppress(FileNotFoundError):
            os.unlink(made)  # noqa: PTH108 - likewise
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - likewise
            file.write(to_bytes(model))
            file.flush()
            os.fsync(file.fileno())
        there = os.path.exists(own)  # noqa: PTH110 - likewise
        if not there or _is_usable(own):
            # Where the default model is in use, that is the one before, not an older one of the user's.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(previous)  # noqa: PTH108 - likewise
            if there:
                # A link first: at no moment is there no model.
                os.link(own, previous)
        os.replace(made, own)  # noqa: PTH105 - likewise
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(made)  # noqa: PTH108 - likewise
        raise InputError(
            f"model not written: {error.strerror or error}", where=own, remedy="the model in use stays"
        ) from None


def _is_usable(path: str) -> bool:
    try:
        read(path)
    except BackscatterError:
        return False
    return True


def roll_back(store: str) -> str:
    """Put the model before back in place of the user's own; return the name of the one in use now.

    Without one before, the user's own is taken away, so that the default one
    judges. Done twice, it is as it was.

    Raises:
        InputError: there is no model of the user's, or the folder cannot be written.

    """
    import contextlib  # noqa: PLC0415 - in training only

    own, previous, aside = beside(store), beside(store, PREVIOUS), beside(store, CURRENT + ".aside")
    try:
        if os.path.exists(previous):  # noqa: PTH110 - likewise
            read(previous)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside)  # noqa: PTH108 - likewise
            if os.path.exists(own):  # noqa: PTH110 - likewise
                # A link, for the same reason.
                os.link(own, aside)
            os.replace(previous, own)  # noqa: PTH105 - likewise
            if os.path.exists(aside):  # noqa: PTH110 - likewise
                os.replace(aside, previous)  # noqa: PTH105 - likewise
        else:
            os.replace(own, previous)  # noqa: PTH105 - likewise
    except FileNotFoundError:
        raise InputError(
            "no model of your own to take back", where=own, remedy="the default model is in use"
        ) from None
    except OSError as error:
        raise InputError(
            f"not rolled back: {error.strerror or error}", where=own, remedy="check the folder"
        ) from None
    model, _ = in_use(store)
    return model.name if model is not None else "no model"

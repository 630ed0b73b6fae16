"""Where the folders of a Maildir lie: as Maildir++ has them (``.Name``), or as plain directories."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from classifier.errors import MailboxError
from classifier.mailbox.protocol import Refused

_PARTS = frozenset({"cur", "new", "tmp"})
_COMMON = {
    "\\Sent": ("Sent", "Sent Items", "Sent Messages", "Gesendet"),
    "\\Trash": ("Trash", "Deleted Items", "Deleted Messages", "Papierkorb"),
    "\\Junk": ("Junk", "Spam"),
}


class Layout:
    """The folders below one Maildir."""

    def __init__(self, root: Path, where: str) -> None:
        """Use the Maildir at *root*; *where* names the account to the user."""
        self._root = root
        self._where = where

    def _is_plain(self) -> bool:
        children = [e for e in os.scandir(self._root) if e.is_dir() and e.name not in _PARTS]
        dotted = any(e.name.startswith(".") and Path(e.path, "cur").is_dir() for e in children)
        return not dotted and any(
            Path(e.path, "cur").is_dir() for e in children if not e.name.startswith(".")
        )

    def _candidates(self, folder: str) -> list[Path]:
        from imapclient.imap_utf7 import encode  # noqa: PLC0415 - used for names below INBOX only

        if folder.upper() == "INBOX" or not folder:
            return [self._root]
        levels = [level for level in re.split(r"[/.]", folder) if level]
        if len(levels) > 1 and levels[0].upper() == "INBOX":
            levels = levels[1:]
        if not levels or any(level in _PARTS for level in levels):
            raise MailboxError(f"{folder!r} is no name for a folder", where=self._where)
        written = [encode(level).decode("ascii") for level in levels]
        plus = self._root / ("." + ".".join(written))
        plain = self._root.joinpath(*written)
        raw = self._root / ("." + ".".join(levels))  # servers that store UTF-8 names
        return [plain, plus, raw] if self._is_plain() else [plus, raw, plain]

    def path(self, folder: str) -> Path | None:
        """Return the directory of an existing *folder*, or None.

        Raises:
            MailboxError: the Maildir cannot be read, or the name is none.

        """
        try:
            return next((p for p in self._candidates(folder) if (p / "cur").is_dir()), None)
        except OSError as error:
            raise MailboxError(
                f"cannot be read ({error.strerror})", where=f"{self._where} ({self._root})"
            ) from error

    def names(self) -> list[str]:
        """List the folders by the names that :meth:`path` takes."""
        from imapclient.imap_utf7 import decode  # noqa: PLC0415 - used for names below INBOX only

        found = ["INBOX"]
        for directory, below, _ in os.walk(self._root):
            is_folder = "cur" in below
            below[:] = sorted(name for name in below if name not in _PARTS)
            written = os.path.relpath(directory, self._root).removeprefix(".")
            if not is_folder or not written:
                continue
            names = [written]  # as servers that store UTF-8 have it
            with contextlib.suppress(ValueError):
                names.insert(0, decode(written.encode()))
            found += [n for n in names if n.isprintable() and self.path(n) == Path(directory)][:1]
        return found

    def special(self, use: str) -> str | None:
        """Find a folder by its common names."""
        return next((n for n in _COMMON.get(use, ()) if self.path(n)), None)

    def ensure(self, folder: str) -> None:
        """Create *folder* in the layout that is there, Maildir++ by default.

        Raises:
            Refused: it cannot be created.

        """
        if self.path(folder) is not None:
            return
        path = self._candidates(folder)[0]
        try:
            mode = self._root.stat().st_mode & 0o777
            for part in ("tmp", "new", "cur"):  # cur last: it is what makes a folder
                (path / part).mkdir(mode=mode, parents=True, exist_ok=True)
            if path.name.startswith("."):
                (path / "maildirfolder").touch(0o600)
        except OSError as error:
            raise Refused(
                f"cannot create the folder {folder!r} ({error.strerror})", where=self._where
            ) from error

"""Keywords in Maildir file names: the letters a to z, explained per folder by Dovecot.

Each folder has a file ``dovecot-keywords`` with lines such as ``0 $Label1``;
the letter ``a`` stands for number 0. A message that is renamed into another
folder keeps its keywords only if its letters are translated.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "dovecot-keywords"
#: Dovecot changes the keywords file while it holds this lock.
_LOCK = "dovecot-uidlist.lock"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def read(folder: Path) -> dict[str, str]:
    """Return the keywords of *folder* by letter; none where no such file is."""
    found: dict[str, str] = {}
    with contextlib.suppress(OSError), (folder / _FILE).open(encoding="utf-8", errors="replace") as file:
        for line in file:
            number, _, name = line.rstrip("\n").partition(" ")
            if number.isdigit() and int(number) < len(_LETTERS) and name:
                found[_LETTERS[int(number)]] = name
    return found


def carry(source: Path, target: Path, letters: str) -> str:
    """Translate the flag *letters* of a message that goes from *source* to *target*.

    A keyword that the target does not know yet is added to it, unless another
    program holds its lock or all letters are taken: then that keyword is lost
    rather than turned into another one.
    """
    if not any(letter in _LETTERS for letter in letters):
        return letters
    ours = read(source)
    if not ours:
        return letters  # nobody gave the letters a meaning
    theirs = {name: letter for letter, name in read(target).items()}
    kept = []
    for letter in letters:
        name = ours.get(letter)
        if letter not in _LETTERS:
            kept.append(letter)
        elif name is not None:
            known = theirs.get(name) or _add(target, name)
            if known:
                theirs[name] = known
                kept.append(known)
    return "".join(sorted(set(kept)))


def _add(folder: Path, name: str) -> str | None:
    lock = folder / _LOCK
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return None
    try:
        taken = read(folder)
        letter = next((c for c in _LETTERS if c not in taken), None)
        if letter is None:
            return None
        lines = [f"{_LETTERS.index(c)} {n}\n" for c, n in sorted({**taken, letter: name}.items())]
        temporary = folder / f"{_FILE}.{os.getpid()}.tmp"
        temporary.write_text("".join(lines), encoding="utf-8")
        with contextlib.suppress(OSError):
            mode = (folder / "cur").stat()
            temporary.chmod(mode.st_mode & 0o666)
            os.chown(temporary, mode.st_uid, mode.st_gid)
        temporary.replace(folder / _FILE)
        return letter
    except OSError:
        return None
    finally:
        lock.unlink(missing_ok=True)

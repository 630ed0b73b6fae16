"""Generated mail as files: a Maildir, mboxes, a configuration."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from classifier.corpus.domains import SINCE, identity_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from classifier.corpus.domains import Protected
    from classifier.corpus.letter import Letter
    from classifier.corpus.scene import Generated


def write_maildir(root: Path, messages: Iterable[Generated]) -> None:
    """Make a Maildir of *messages*, with their time of arrival; some are read already."""
    for part in ("tmp", "new", "cur"):
        (root / part).mkdir(parents=True)
    for number, message in enumerate(messages):
        seconds = int(message.received_at.timestamp())
        name = f"{seconds}.M{number:06}.generated"
        path = root / "new" / name if number % 3 else root / "cur" / f"{name}:2,S"
        path.write_bytes(message.raw)
        os.utime(path, (seconds, seconds))


def write_mbox(path: Path, messages: Iterable[bytes]) -> None:
    """Write an mbox (RFC 4155) of *messages*, lines that would begin another one quoted."""
    with path.open("wb") as file:
        for raw in messages:
            file.write(b"From generated@localhost.test Mon Jan  5 00:00:00 2026\n")
            quoted = raw.replace(b"\nFrom ", b"\n>From ")
            file.write(quoted if quoted.endswith(b"\n") else quoted + b"\n")
            file.write(b"\n")


def write_sent(path: Path, letters: Iterable[Letter]) -> None:
    """Write what a domain sent as an mbox."""
    write_mbox(path, (letter.raw() for letter in letters))


def write_config(path: Path, domain: Protected, *, maildir: str, store: str) -> None:
    """Write a configuration for *domain*: all that it knows of itself, its keys included, and no DNS."""
    if domain.identity is None:
        raise ValueError(f"{domain.name} has configured nothing")
    signer = domain.signer
    keys = {signer.name: signer.key.record} if signer else {}
    identity = dataclasses.replace(domain.identity, dkim_keys=keys, ledger_complete_since=SINCE)
    path.write_text(
        f'{identity_toml(identity)}\n[dns]\nenabled = false\n\n[store]\npath = "{store}"\n\n'
        f'[accounts.main]\nmaildir = "{maildir}"\n',
        encoding="utf-8",
    )
    path.chmod(0o600)

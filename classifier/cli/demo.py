"""``backscatter demo``: the main job on a generated mailbox, checked to the last byte."""

from __future__ import annotations

import hashlib
import shlex
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.corpus.files import write_config, write_maildir, write_sent
from classifier.corpus.reporters.base import Returned
from classifier.corpus.scene import Generated, Label, Scene, careful_domain, mailbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: What lies in the mailbox.
_ORDINARY, _GENUINE, _FORGED = 80, 60, 120
_SEED = "a"
_FOLDER = "Backscatter"


@click.command(name="demo", short_help="Sweep a generated mailbox and check that nothing was lost.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Make the mailbox in this folder, which must not be there yet, and leave it.",
)
@click.option("--seed", default=_SEED, show_default=True, help="The same seed makes the same mail.")
def command(keep: Path | None, seed: str) -> int:
    """Sweep a generated mailbox, and check that nothing was lost, doubled or altered.

    No server, no account, no network. Exit status 1: a message is missing,
    doubled, altered or in the wrong folder.
    """
    if keep is not None and keep.exists():
        raise click.UsageError(f"{keep} is there already; name a folder that is not")
    with ExitStack() as stack:
        root = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="backscatter-demo-")))
        root.mkdir(parents=True, exist_ok=True)
        messages = _make(root.resolve(), seed)
        for arguments in (
            ("ledger", "import", str(root / "sent.mbox")),
            ("sweep", "--quiet"),
        ):
            status = _run(root, arguments)
            if status:
                return status
        problems = check(root / "Maildir", messages)
        _tell(root / "Maildir", messages, problems)
        if keep is not None:
            _say(f"\nThe mailbox stays in {keep}; its configuration is {keep / 'config.toml'}.")
    return 1 if problems else 0


def _make(root: Path, seed: str) -> list[Generated]:
    scene = Scene(seed, domain=careful_domain(seed))
    messages = mailbox(scene, ordinary=_ORDINARY, genuine=_GENUINE, forged=_FORGED)
    write_maildir(root / "Maildir", messages)
    write_sent(root / "sent.mbox", scene.sent)
    write_config(
        root / "config.toml", scene.domain, maildir=str(root / "Maildir"), store=str(root / "state.sqlite3")
    )
    counts = Counter(message.label for message in messages)
    _say(
        f"A mailbox of {scene.domain.name} with {len(messages)} generated messages: {counts[Label.ORDINARY]} ordinary, "
        f"{counts[Label.GENUINE]} reports\nabout mail that it sent, {counts[Label.FORGED]} about mail that others sent "
        "in its name.\n"
    )
    return messages


def _run(root: Path, arguments: Sequence[str]) -> int:
    from classifier.cli.main import main  # noqa: PLC0415 - it imports this command

    _say(f"$ backscatter {shlex.join(a.replace(str(root), '.') for a in arguments)}")
    return main(["--config", str(root / "config.toml"), *arguments])


def check(maildir: Path, messages: Iterable[Generated]) -> list[str]:
    """Hold what lies in the folders against what was put there.

    Returns:
        A line for each message that is lost, doubled, altered or in the wrong
        folder. A forged report of which nothing of the original came back may
        lie in either; so may one in ten of the others: a forger can leave out
        the Message-ID, or use one that we sent.

    """
    inbox = Counter(digest for part in ("new", "cur") for digest in _digests(maildir / part))
    moved = Counter(digest for part in ("new", "cur") for digest in _digests(maildir / f".{_FOLDER}" / part))
    problems = []
    known: set[str] = set()
    stayed, telling = [], 0
    for message in messages:
        digest = hashlib.sha256(message.raw).hexdigest()
        known.add(digest)
        here, there = inbox[digest], moved[digest]
        name = f"{message.label} report by {message.format}" if message.format else "ordinary message"
        if not here + there:
            problems.append(f"lost or altered: {name}")
        elif here + there > 1:
            problems.append(f"doubled: {name}")
        elif there and message.label is not Label.FORGED:
            problems.append(f"moved, and should have stayed: {name}")
        elif message.label is Label.FORGED and message.returned is not Returned.NOTHING:
            telling += 1
            if here:
                stayed.append(f"stayed, and should have been moved: {name}")
    if len(stayed) * 10 > telling:
        problems += stayed
    problems += ["not what was put there: a message" for digest in (inbox + moved) if digest not in known]
    return problems


def _digests(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()]


def _tell(maildir: Path, messages: Sequence[Generated], problems: list[str]) -> None:
    there = {digest for part in ("new", "cur") for digest in _digests(maildir / f".{_FOLDER}" / part)}
    counts = Counter((m.label, hashlib.sha256(m.raw).hexdigest() in there) for m in messages)
    _say(f"\n{'':26}{'inbox':>8}{_FOLDER:>13}")
    for label, name in (
        (Label.ORDINARY, "ordinary mail"),
        (Label.GENUINE, "reports, genuine"),
        (Label.FORGED, "reports, forged"),
    ):
        _say(f"{name:26}{counts[label, False]:>8}{counts[label, True]:>13}")
    bare = sum(m.label is Label.FORGED and hashlib.sha256(m.raw).hexdigest() not in there for m in messages)
    if bare:
        _say(
            f"\n{bare} of the forged reports do not show enough of the original to be sure: they stay in the inbox."
        )
    if problems:
        for line in problems[:20]:
            _say(f"WRONG: {line}")
        _say(f"\n{len(problems)} messages lost, doubled, altered or in the wrong folder")
    else:
        _say("\nEvery message is there once, byte for byte, and in the right folder.")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

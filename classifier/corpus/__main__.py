"""``python -m classifier.corpus FOLDER``: write generated, labelled mail.

``data/sample`` of the project is made by it.
"""

from __future__ import annotations

from pathlib import Path

import click

from classifier.corpus.files import write_config, write_mbox, write_sent
from classifier.corpus.scene import Label, Scene, careful_domain, mailbox
from classifier.corpus.words import Material


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--seed", default="sample", show_default=True, help="The same seed makes the same mail.")
@click.option("--ordinary", default=20, show_default=True)
@click.option("--genuine", default=30, show_default=True)
@click.option("--forged", default=40, show_default=True)
@click.option(
    "--originals",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take subjects and bodies from the raw mail in DIR/ham and DIR/spam.",
)
@click.option("--leave-out", multiple=True, help="Not the mail in folders of this name.")
def main(
    folder: Path,
    seed: str,
    ordinary: int,
    genuine: int,
    forged: int,
    originals: Path | None,
    leave_out: tuple[str, ...],
) -> None:
    """Write ordinary.mbox, genuine.mbox, forged.mbox, sent.mbox and config.toml into FOLDER."""
    material = Material.read(originals, leave_out) if originals else None
    scene = Scene(seed, domain=careful_domain(seed), material=material)
    messages = mailbox(scene, ordinary=ordinary, genuine=genuine, forged=forged)
    folder.mkdir(parents=True, exist_ok=True)
    for label in Label:
        write_mbox(folder / f"{label}.mbox", (m.raw for m in messages if m.label is label))
    write_sent(folder / "sent.mbox", scene.sent)
    write_config(folder / "config.toml", scene.domain, maildir="Maildir", store="state.sqlite3")


if __name__ == "__main__":
    main()

"""``python -m tests.screenshot FILE``: a picture of the page that ``backscatter report`` makes of generated mail."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from classifier.cli.main import main
from classifier.corpus.files import write_config, write_mbox, write_sent
from classifier.corpus.scene import Scene, careful_domain, mailbox
from tests.chromium import Chromium

#: What is seen of the page, in pixels.
_WIDTH, _HEIGHT = 900, 1080


def take(target: Path) -> None:
    """Write the picture to *target*."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        scene = Scene("picture", domain=careful_domain("picture"))
        write_mbox(home / "in.mbox", (m.raw for m in mailbox(scene, ordinary=0, genuine=2, forged=400)))
        write_sent(home / "sent.mbox", scene.sent)
        config, page = home / "config.toml", home / "page.html"
        write_config(config, scene.domain, maildir=folder, store=str(home / "state.sqlite3"))
        for command in (
            ["ledger", "import", home / "sent.mbox"],
            ["report", "--from", home / "in.mbox", "--html", page],
        ):
            if status := main(["--config", str(config), *map(str, command)]):
                raise SystemExit(status)
        with Chromium(home / "chromium") as browser:
            browser.show(page, width=_WIDTH, height=_HEIGHT)
            target.write_bytes(browser.screenshot(_HEIGHT))


if __name__ == "__main__":
    take(Path(sys.argv[1]))

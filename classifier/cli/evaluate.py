"""``backscatter evaluate``: how good is the judge on labelled mail?"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from classifier.cli.context import App, say
from classifier.present.evaluation import FORGED, GENUINE, Tally, evaluation
from classifier.present.outfile import check_writable, write_whole
from classifier.present.progress import Progress
from classifier.runtime import Runtime, StoreUse
from classifier.settings import MAX_GENUINE_LOSS
from classifier.sources import messages


@click.command(name="evaluate")
@click.option("--genuine", multiple=True, metavar="PATH", help="Reports about mail that was really sent.")
@click.option("--forged", multiple=True, metavar="PATH", help="Reports about mail that was not.")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write a page with plots.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.pass_obj
def command(
    app: App, *, genuine: tuple[str, ...], forged: tuple[str, ...], html: Path | None, as_json: bool
) -> int:
    """Judge labelled mail and say how often that is right.

    PATHs are .eml files, mboxes, Maildirs and folders. Nothing is learnt and
    nothing is moved. Exit status 1: some messages could not be read, were
    given twice or with both labels.
    """
    if not genuine and not forged:
        raise click.UsageError("name mail with --genuine, --forged or both")
    if html is not None:
        check_writable(html)
    tallies = {label: Tally(label) for label in (GENUINE, FORGED)}
    problems = 0
    with Runtime(app.config, StoreUse.READ) as runtime, Progress("messages judged") as progress:
        threshold, model = runtime.policy.forged_from, runtime.model
        for label, paths in ((GENUINE, genuine), (FORGED, forged)):
            for message in messages(paths):
                progress.advance()
                if message.raw is None:
                    problems += 1
                    say(f"{message.source}: {message.error}")
                    continue
                digest = hashlib.sha256(message.raw).digest()
                if any(digest in tally.seen for tally in tallies.values()):
                    problems += 1
                    other = next(name for name, tally in tallies.items() if digest in tally.seen)
                    say(f"{message.source}: given before as {other}; not counted")
                    continue
                tallies[label].seen.add(digest)
                examined = runtime.examine(message.raw, message.envelope)
                tallies[label].add(message.source, examined, threshold, configured=app.config is not None)
        for note in dict.fromkeys(runtime.notes):
            say(note)
    limit = MAX_GENUINE_LOSS if app.config is None else app.config.policy.max_genuine_loss
    found = evaluation(tallies[GENUINE], tallies[FORGED], limit, threshold, model)
    if html is not None:
        from classifier.present.evaluation_page import page  # noqa: PLC0415 - Jinja2 and the charts

        write_whole(html, page(found, datetime.now(UTC)).encode("utf-8", "replace"))
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict()) + "\n")
    else:
        from classifier.present.evaluation_text import text  # noqa: PLC0415 - where it is read by people

        sys.stdout.write(text(found))
    return 1 if problems else 0

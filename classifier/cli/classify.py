"""``backscatter classify``: judge messages in files, folders or on standard input."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from classifier.batch import jobs_for, judged
from classifier.cli.context import App, say
from classifier.cli.options import jobs_option
from classifier.present.json import failure, line, record
from classifier.present.progress import Progress
from classifier.present.table import Row, Table, row
from classifier.runtime import StoreUse
from classifier.sources import SourcedMessage, messages

if TYPE_CHECKING:
    from classifier.examine import Examination


@click.command(name="classify")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Write JSON Lines, one object a message.")
@click.option("-v", "--verbose", is_flag=True, help="Show all evidence and reasons.")
@jobs_option
@click.pass_obj
def command(app: App, paths: tuple[str, ...], as_json: bool, verbose: bool, jobs: int | None) -> int:
    """Judge messages in .eml files, mboxes, Maildirs and folders.

    With no PATH, or "-", one message is read from standard input. Exit status:
    0 all were judged, 1 some could not be, 2 usage or configuration error.
    """
    if (not paths or "-" in paths) and sys.stdin and sys.stdin.isatty():
        say("reading one message from the terminal; end it with Ctrl-D")
    paths = paths or ("-",)
    table = None if as_json else Table(verbose=verbose)
    errors = 0
    notes: dict[str, None] = {}
    results = judged(
        app.config,
        StoreUse.CACHE,
        messages(paths),
        as_line if as_json else as_row,
        jobs=jobs_for(paths, jobs),
        debug=app.debug,
    )
    with (
        contextlib.closing(results),
        # Rows on the terminal tell enough.
        Progress("messages judged", shown=not sys.stdout.isatty()) as progress,
    ):
        for found in results:
            notes.update(dict.fromkeys(found.notes))
            if found.kept is None:
                errors += 1
                progress.hide()
                say(f"{found.source}: {found.error}")
                if as_json:
                    _write(line(failure(found.source, found.error)))
            elif isinstance(found.kept, Row) and table is not None:
                table.show(found.kept)
            else:
                _write(str(found.kept))
            progress.advance()
        progress.hide()
        for note in notes:
            say(note)
    if table is not None:
        table.summary(errors)
    return 1 if errors else 0


def as_line(message: SourcedMessage, found: Examination) -> str | Row:
    """Keep the JSON of a judged message."""
    return line(record(message.source, found))


def as_row(message: SourcedMessage, found: Examination) -> str | Row:
    """Keep what the table shows of it."""
    return row(message.source, found)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    # Whoever reads this sees each message as it is judged.
    sys.stdout.flush()

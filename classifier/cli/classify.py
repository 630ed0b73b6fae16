"""``backscatter classify``: judge messages in files, folders or on standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.present.json import failure, line, record
from classifier.present.progress import Progress
from classifier.present.table import Table
from classifier.runtime import Runtime, StoreUse
from classifier.sources import SourcedMessage, messages

if TYPE_CHECKING:
    from classifier.examine import Examination


@click.command(name="classify")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Write JSON Lines, one object a message.")
@click.option("-v", "--verbose", is_flag=True, help="Show all evidence and reasons.")
@click.pass_obj
def command(app: App, paths: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Judge messages in .eml files, mboxes, Maildirs and folders.

    With no PATH, or "-", one message is read from standard input. Exit status:
    0 all were judged, 1 some could not be, 2 usage or configuration error.
    """
    if (not paths or "-" in paths) and sys.stdin and sys.stdin.isatty():
        say("reading one message from the terminal; end it with Ctrl-D")
    table = None if as_json else Table(verbose=verbose)
    errors = 0
    with (
        Runtime(app.config, StoreUse.CACHE) as runtime,
        # Rows on the terminal tell enough.
        Progress("messages judged", shown=not sys.stdout.isatty()) as progress,
    ):
        for message in messages(paths or ("-",)):
            found, error = _judged(runtime, message, debug=app.debug)
            if found is None:
                errors += 1
                progress.hide()
                say(f"{message.source}: {error}")
                if as_json:
                    _write(line(failure(message.source, error)))
            elif table is None:
                _write(line(record(message.source, found)))
            else:
                table.message(message.source, found)
            progress.advance()
        progress.hide()
        for note in dict.fromkeys(runtime.notes):
            say(note)
    if table is not None:
        table.summary(errors)
    return 1 if errors else 0


def _judged(runtime: Runtime, message: SourcedMessage, *, debug: bool) -> tuple[Examination | None, str]:
    if message.raw is None:
        return None, message.error
    try:
        return runtime.examine(message.raw, message.envelope), ""
    except Exception as error:
        if debug:
            raise
        return None, f"could not be judged ({type(error).__name__}); this is a bug: see it with --debug"


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    # Whoever reads this sees each message as it is judged.
    sys.stdout.flush()

"""``backscatter classify``: judge messages in files, folders or on standard input."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from classifier.batch import Judging, bare, jobs_for, judged
from classifier.cli.context import App, say
from classifier.cli.options import jobs_option
from classifier.errors import InputError
from classifier.place import Place, is_url
from classifier.present.json import as_line, failure, line
from classifier.present.progress import Progress
from classifier.present.table import Row, Table, as_row
from classifier.runtime import StoreUse
from classifier.sources import SourcedMessage, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.examine import Examination


@click.command(name="classify", short_help="Judge messages in files, mboxes, Maildirs, or on standard input.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Write JSON Lines, one object a message.")
@click.option("-v", "--verbose", is_flag=True, help="Show all evidence and reasons.")
@jobs_option
@click.option("--list", "lists", multiple=True, metavar="FILE", help="Read PATHs from FILE, one a line.")
@click.option("--output", metavar="DIR", help="Write the results there, in parts; go on where a run stopped.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "parquet"]),
    default="jsonl",
    show_default=True,
    help="Of --output.",
)
@click.option(
    "--backend", type=click.Choice(["processes", "dask"]), default="processes", help="Who works for --output."
)
@click.option("--scheduler", metavar="URL", help="The Dask cluster's, e.g. tcp://host:8786.")
@click.pass_obj
def command(  # noqa: PLR0917 - click hands over each option by its name
    app: App,
    paths: tuple[str, ...],
    as_json: bool,
    verbose: bool,
    jobs: int | None,
    lists: tuple[str, ...],
    output: str | None,
    form: str,
    backend: str,
    scheduler: str | None,
) -> int:
    """Judge messages in .eml files, mboxes, Maildirs and folders, also at URLs that fsspec knows.

    With no PATH, or "-", one message is read from standard input. Exit status:
    0 all were judged, 1 some could not be, 2 usage or configuration error.
    """
    paths += tuple(path for file in lists for path in _listed(file))
    if lists and not paths:
        raise click.UsageError("the lists name nothing")
    if (backend == "dask") != (scheduler is not None):
        raise click.UsageError("--backend dask and --scheduler go together")
    if form != "jsonl" and output is None:
        raise click.UsageError("--format says how --output is written: name a place for it")
    if scheduler is not None and output is None:
        raise click.UsageError("a cluster writes its results itself: name a place with --output")
    if scheduler is not None:
        for path in (*paths, output or ""):
            if not (os.path.isabs(path) or is_url(path)):  # noqa: PTH117 - a Maildir has a million
                raise click.UsageError(f"{path}: a cluster needs whole paths, or URLs")
    if output is not None:
        if not paths or "-" in paths:
            raise click.UsageError("--output needs PATHs that can be read again")
        return _archive(app, paths, output, form, jobs=jobs, scheduler=scheduler)
    if (not paths or "-" in paths) and sys.stdin and sys.stdin.isatty():
        say("reading one message from the terminal; end it with Ctrl-D")
    paths = paths or ("-",)
    keep: Callable[[SourcedMessage, Examination], str | Row] = as_line if as_json else as_row
    table = None if as_json else Table(verbose=verbose)
    errors = 0
    notes: dict[str, None] = {}
    results = judged(
        app.config,
        StoreUse.CACHE,
        messages(paths),
        keep,
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


def _listed(file: str) -> list[str]:
    try:
        with click.open_file(file, encoding="utf-8", errors="surrogateescape") as stream:
            return [path for row in stream if (path := row.rstrip("\r\n"))]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=file) from error


def _archive(
    app: App, paths: tuple[str, ...], output: str, form: str, *, jobs: int | None, scheduler: str | None
) -> int:
    """Judge into parts, and tell how it went."""
    from classifier.archive import judge_archive, planned  # noqa: PLC0415 - for archives only
    from classifier.parallel import cluster  # noqa: PLC0415 - likewise

    place = Place(output)
    parts = planned(place, paths, form)
    use = StoreUse.CACHE if scheduler is None else StoreUse.READ
    judging = Judging(bare(app.config), use, as_line, app.debug)
    errors = total = 0
    notes: dict[str, None] = {}
    with contextlib.ExitStack() as stack:
        executor = None
        if scheduler is not None:
            executor, cores = stack.enter_context(cluster(scheduler))
            jobs = jobs or max(2, cores)
        results = stack.enter_context(
            contextlib.closing(judge_archive(judging, place, form, parts, jobs=jobs, executor=executor))
        )
        progress = stack.enter_context(Progress("parts judged", len(parts)))
        for done in results:
            notes.update(dict.fromkeys(done.notes))
            total += done.messages
            errors += len(done.errors)
            progress.advance()
            if done.errors:
                progress.hide()
            for error in done.errors:
                say(error)
        progress.hide()
    for note in notes:
        say(note)
    told = f"{total:,} message{'' if total == 1 else 's'} in {len(parts):,} part{'' if len(parts) == 1 else 's'} in {place}"
    say(f"{told}; {errors:,} could not be judged" if errors else told)
    return 1 if errors else 0


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    # Whoever reads this sees each message as it is judged.
    sys.stdout.flush()

"""``backscatter evaluate``: how good is the judge on labelled mail?"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.batch import jobs_for, judged
from classifier.cli.context import App, say
from classifier.cli.options import TakingAll, jobs_option
from classifier.present.evaluation import FORGED, GENUINE, Outcome, Tally, evaluation
from classifier.present.outfile import check_writable, write_whole
from classifier.present.progress import Progress
from classifier.runtime import Runtime, StoreUse
from classifier.settings import MAX_GENUINE_LOSS
from classifier.sources import SourcedMessage, messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from classifier.examine import Examination


@click.command(
    name="evaluate", cls=TakingAll, short_help="Judge labelled mail and say how often that is right."
)
@click.option("--genuine", multiple=True, metavar="PATH...", help="Reports about mail that was really sent.")
@click.option("--forged", multiple=True, metavar="PATH...", help="Reports about mail that was not.")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write a page with plots.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@jobs_option
@click.pass_obj
def command(
    app: App,
    *,
    genuine: tuple[str, ...],
    forged: tuple[str, ...],
    html: Path | None,
    as_json: bool,
    jobs: int | None,
) -> int:
    """Judge labelled mail and say how often that is right.

    PATHs are .eml files, mboxes, Maildirs and folders. Nothing is learnt and
    nothing is moved. Exit status 1: some messages could not be read, were
    given twice or with both labels.
    """
    if not genuine and not forged:
        raise click.UsageError("name mail with --genuine, --forged or both")
    if html is not None:
        check_writable(html, (*genuine, *forged))
    tallies = {label: Tally(label) for label in (GENUINE, FORGED)}
    problems = 0
    with Runtime(app.config, StoreUse.READ) as runtime:
        model, configured = runtime.model, app.config is not None
        threshold = runtime.policy.threshold(model.name if model else None, inferred=not configured)
        notes = dict.fromkeys(runtime.notes)
    keep = outcome if app.config is None else outcome_configured
    with Progress("messages judged") as progress:
        for label, paths in ((GENUINE, genuine), (FORGED, forged)):
            given = Given(tallies, label)
            results = judged(
                app.config, StoreUse.READ, given.new(paths), keep, jobs=jobs_for(paths, jobs), debug=app.debug
            )
            with contextlib.closing(results):
                for each in results:
                    progress.advance()
                    notes.update(dict.fromkeys(each.notes))
                    if each.kept is None:
                        problems += 1
                        progress.hide()
                        say(f"{each.source}: {each.error}")
                    else:
                        tallies[label].add(each.source, each.kept)
            problems += given.again
        progress.hide()
        for note in notes:
            say(note)
    limit = MAX_GENUINE_LOSS if app.config is None else app.config.policy.max_genuine_loss
    found = evaluation(tallies[GENUINE], tallies[FORGED], limit, threshold, model, configured=configured)
    if html is not None:
        from classifier.present.evaluation_page import page  # noqa: PLC0415 - Jinja2 and the charts

        write_whole(html, page(found, datetime.now(UTC)).encode("utf-8", "replace"))
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict()) + "\n")
    else:
        from classifier.present.evaluation_text import text  # noqa: PLC0415 - where it is read by people

        sys.stdout.write(text(found))
    return 1 if problems else 0


class Given:
    """The messages of one label, without those that were given before.

    Attributes:
        again: how many were.

    """

    def __init__(self, tallies: Mapping[str, Tally], label: str) -> None:
        """Begin."""
        self.again = 0
        self._tallies = tallies
        self._label = label

    def new(self, paths: Iterable[str]) -> Iterator[SourcedMessage]:
        """Yield those that are new; say which are not."""
        for message in messages(paths):
            if message.raw is not None:
                digest = hashlib.sha256(message.raw).digest()
                other = next((name for name, tally in self._tallies.items() if digest in tally.seen), None)
                if other is not None:
                    self.again += 1
                    say(f"{message.source}: given before as {other}; not counted")
                    continue
                self._tallies[self._label].seen.add(digest)
            yield message


def outcome(_message: SourcedMessage, found: Examination) -> Outcome:
    """Keep what the figures need of a message that was judged with nothing configured."""
    return Outcome.of(found, configured=False)


def outcome_configured(_message: SourcedMessage, found: Examination) -> Outcome:
    """Keep the same of one that was judged by a configuration."""
    return Outcome.of(found, configured=True)

"""Judges the mail that ``report --from`` and ``complain --from`` name, by one process or by several."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from classifier.cli.context import say
from classifier.vocabulary import NOT_REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from classifier.batch import Judged
    from classifier.cli.context import App
    from classifier.examine import Examination
    from classifier.history import HistoryEntry
    from classifier.settings import Config
    from classifier.sources import SourcedMessage

Kept = TypeVar("Kept")


def each_judged(
    app: App,
    paths: tuple[str, ...],
    keep: Callable[[SourcedMessage, Examination], Kept],
    jobs: int | None,
) -> Iterator[Judged[Kept]]:
    """Yield what became of each message; what could not be judged, and what the judge had to do without, is told.

    Args:
        app: the run.
        paths: where the mail lies.
        keep: what is wanted of each message; a function of a module.
        jobs: how many processes; None: as many as the amount of mail is worth.

    """
    from classifier.batch import jobs_for, judged  # noqa: PLC0415 - the store needs none of it
    from classifier.present.progress import Progress  # noqa: PLC0415 - likewise
    from classifier.runtime import StoreUse  # noqa: PLC0415 - likewise
    from classifier.sources import messages  # noqa: PLC0415 - likewise

    notes: dict[str, None] = {}
    results = judged(
        app.config, StoreUse.READ, messages(paths), keep, jobs=jobs_for(paths, jobs), debug=app.debug
    )
    with contextlib.closing(results), Progress("messages judged") as progress:
        for found in results:
            progress.advance()
            notes.update(dict.fromkeys(found.notes))
            if found.kept is None:
                progress.hide()
                say(f"{found.source}: {found.error}")
            yield found
        progress.hide()
        for note in notes:
            say(note)


def entries(
    config: Config | None, now: datetime, _message: SourcedMessage, found: Examination
) -> tuple[HistoryEntry, ...]:
    """Keep what is told of a judged message: nothing of one that is no report."""
    from classifier.history import entry_of  # noqa: PLC0415 - the store needs none of it
    from classifier.identity import Identity  # noqa: PLC0415 - likewise

    if found.report.kind in NOT_REPORTS:
        return ()
    domains = found.report.addressed_domains
    identity = Identity(domains=domains[:1]) if config is None else config.identity_of(domains)
    return (entry_of(found, identity, now),)

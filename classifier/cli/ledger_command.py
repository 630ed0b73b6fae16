"""``backscatter ledger``: learn what was really sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.cli.options import account_option
from classifier.errors import BackscatterError, TemporaryError
from classifier.ingest.run import import_paths
from classifier.ingest.streams import Format
from classifier.present.progress import Progress
from classifier.present.text import printable
from classifier.store import ledger_reach
from classifier.store.database import Database
from classifier.store.habits import HabitStore
from classifier.store.ledger import SqliteLedger

if TYPE_CHECKING:
    from classifier.ingest.run import ImportSummary
    from classifier.parse.headers import HeaderBlock

#: Messages whose habits are learnt in one transaction.
_BATCH = 1_000


@click.group(name="ledger", short_help="Learn what was really sent: Sent folders, files, logs.")
def command() -> None:
    """Learn what was really sent, so that reports can be held against it."""


@command.command(name="import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "fmt",
    type=click.Choice([f.value for f in Format]),
    default=Format.AUTO.value,
    show_default=True,
    help="What the inputs are, where their content does not tell.",
)
@click.pass_obj
def import_command(app: App, paths: tuple[str, ...], fmt: str) -> int:
    """Import sent mail, lists of Message-IDs, or the logs of an MTA.

    PATHs are files and folders ("-": standard input), plain or compressed by
    gzip, bzip2 or xz, in any mixture. Importing the same again adds nothing. Only keyed hashes are
    kept: no address can be read from the ledger.
    """
    config = app.require_config()
    with Database.open(config.store) as database, Progress("messages read") as progress:
        habits = _Habits(HabitStore(database))

        def on_headers(headers: HeaderBlock) -> None:
            habits.add(headers)
            progress.advance()

        summary = import_paths(
            paths,
            SqliteLedger(database),
            identity=config.everybody,
            fmt=fmt,
            now=datetime.now(UTC),
            on_headers=on_headers,
        )
        habits.learn()
        progress.hide()
        entries = len(SqliteLedger(database))
    _tell(summary, entries)
    return 1 if summary.error_count else 0


class _Habits:
    """Collects header sections while the ledger's own transactions are under way."""

    def __init__(self, store: HabitStore) -> None:
        self._store = store
        self._waiting: list[HeaderBlock] = []

    def add(self, headers: HeaderBlock) -> None:
        self._waiting.append(headers)
        if len(self._waiting) >= _BATCH:
            self.learn()

    def learn(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._store.learn_all(waiting)


def _tell(summary: ImportSummary, entries: int) -> None:
    for error in summary.errors:
        say(error)
    if summary.error_count > len(summary.errors):
        say(f"and {summary.error_count - len(summary.errors):,} more inputs that could not be read")
    known = summary.merged + summary.known
    click.echo(
        f"{summary.read:,} read: {summary.added:,} new, {known:,} known before, {summary.skipped:,} not ours; "
        f"the ledger holds {entries:,} identifier{'' if entries == 1 else 's'}"
    )
    if summary.ignored:
        click.echo(f"{summary.ignored:,} files are neither mail, lists nor logs")
    for note in summary.notes:
        click.echo(printable(note, 1_000))
    if summary.error_count and summary.read:
        click.echo("since inputs failed, the ledger does not count as complete up to now")


@command.command(name="sync")
@account_option
@click.pass_obj
def sync_command(app: App, accounts: tuple[str, ...]) -> int:
    """Read what is new in the accounts' Sent folders."""
    from classifier.mailbox.accounts import work_for  # noqa: PLC0415 - an import needs no mailbox
    from classifier.mailbox.sync import sync_ledger  # noqa: PLC0415 - likewise

    config = app.require_config()
    chosen = config.chosen_accounts(accounts)
    errors: list[BackscatterError] = []
    for left, (account, work) in enumerate(zip(chosen, work_for(config, chosen), strict=True), 1):
        try:
            added = sync_ledger(
                work,
                account.sent,
                config.store,
                config.everybody,
                # Only when all accounts were read is all known that was sent.
                more_follow=bool(errors) or left < len(config.accounts),
            )
        except BackscatterError as error:
            errors.append(error)
            say(str(error))
            continue
        known = added.merged + added.known
        click.echo(f"{account.name}: {added.added:,} new, {known:,} known before")
    if not errors:
        return 0
    return TemporaryError.exit_status if all(isinstance(e, TemporaryError) for e in errors) else 1


@command.command(name="sources", short_help="Tell what the ledger is learnt from, and until when.")
@click.option("--forget", metavar="NAME", help="No longer wait for this one: what it told stays known.")
@click.pass_obj
def sources_command(app: App, forget: str | None) -> int:
    """Tell what the ledger is learnt from, and from when until when it was read.

    Where the ledger is declared complete, it counts as no further than the one that
    lags most of those marked by "*". Forget one that is no more: the log of a host
    that was shut down, a path that has changed.
    """
    config = app.require_config()
    with Database.open(config.store) as database:
        SqliteLedger(database)  # its tables
        if forget is not None and not ledger_reach.forget(database, forget):
            raise BackscatterError(
                f"there is no source {forget!r}", where="ledger", remedy="see 'backscatter ledger sources'"
            )
        found = ledger_reach.sources(database)
        if not found and forget is None:
            click.echo("nothing was read yet: run 'backscatter ledger sync' or 'backscatter ledger import'")
        for source in found:
            mark = "*" if source.binds else " "
            click.echo(
                f"{mark} {source.since:%Y-%m-%d %H:%M} - {source.until:%Y-%m-%d %H:%M} UTC  {source.kind:6}  "
                f"{printable(source.name, 1_000)}"
            )
    return 0

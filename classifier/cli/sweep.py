"""``backscatter sweep``: look through the accounts' folders once, for cron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from classifier.cli.options import account_option, log_format_option
from classifier.present.swept import SweepPrinter, log_to_stderr

if TYPE_CHECKING:
    from classifier.cli.context import App


@click.command(name="sweep", short_help="Move forged reports out of the inbox; for cron.")
@account_option
@click.option(
    "-n", "--dry-run", is_flag=True, help="Change nothing, here or on the server; say what would be."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Write JSON Lines, one object a judged message, then the sums."
)
@click.option(
    "-q", "--quiet", is_flag=True, help="Print only what was moved, and nothing where nothing happened."
)
@click.option("-v", "--verbose", is_flag=True, help="Show all evidence and reasons.")
@log_format_option
@click.pass_obj
def command(
    app: App,
    accounts: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    log_format: str,
) -> int:
    """Look through the accounts' folders and move forged reports to quarantine.

    Only new mail is looked at. Exit status: 0 done; 1 some messages or accounts
    failed; 2 configuration error; 75 a server was not reached, or an account is
    locked by another sweep or watch.
    """
    from classifier.mailbox.accounts import work_for  # noqa: PLC0415 - --help needs none of it
    from classifier.mailbox.agent import sweep  # noqa: PLC0415 - likewise

    log_to_stderr(log_format, debug=app.debug, verbose=verbose)
    config = app.require_config()
    printer = SweepPrinter(as_json=as_json, quiet=quiet, verbose=verbose)
    work = work_for(config, config.chosen_accounts(accounts), dry_run=dry_run)
    result = sweep(work, config.store, printer)
    printer.summary(result.counts, dry_run=dry_run)
    return result.exit_status

"""``backscatter watch``: keep the accounts swept, by IMAP IDLE, until stopped."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from classifier.cli.options import account_option, log_format_option
from classifier.present.swept import SweepPrinter, log_to_stderr

if TYPE_CHECKING:
    from classifier.cli.context import App


@click.command(name="watch", short_help="The same as soon as mail arrives, kept up by IMAP IDLE.")
@account_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON Lines, one object a judged message.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what was moved.")
@click.option("-v", "--verbose", is_flag=True, help="Show all evidence and reasons.")
@log_format_option
@click.pass_obj
def command(
    app: App, accounts: tuple[str, ...], *, as_json: bool, quiet: bool, verbose: bool, log_format: str
) -> int:
    """Watch the accounts and move forged reports to quarantine as they come in.

    Ends on SIGTERM or Ctrl-C after the batch under way. Tells systemd when
    every account was swept once (Type=notify).
    """
    from classifier.mailbox.accounts import work_for  # noqa: PLC0415 - --help needs none of it
    from classifier.mailbox.watch import Stop, exit_status, notify, watch  # noqa: PLC0415 - likewise

    log_to_stderr(log_format, debug=app.debug, verbose=verbose)
    config = app.require_config()
    work = work_for(config, config.chosen_accounts(accounts))
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    results = watch(
        work,
        config.store,
        SweepPrinter(as_json=as_json, quiet=quiet, verbose=verbose),
        stop,
        ready=lambda: notify("READY=1"),
    )
    notify("STOPPING=1")
    return exit_status(results)

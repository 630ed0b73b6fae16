"""Options that several commands share."""

from __future__ import annotations

import click

account_option = click.option(
    "-a", "--account", "accounts", multiple=True, metavar="NAME", help="Only this account; may be repeated."
)
log_format_option = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How failures are written to standard error.",
)

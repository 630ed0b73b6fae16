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
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Judge by N processes. Default: one, and all cores where there is much mail.",
)

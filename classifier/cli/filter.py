"""``filter``: how click explains it; a plain call never comes here, see :mod:`classifier.entry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from classifier.deliver.filter import Options, run

if TYPE_CHECKING:
    from classifier.cli.context import App


@click.command("filter", short_help="Judge the one message of a pipe: procmail, maildrop, sieve.")
@click.option("--strict", is_flag=True, help="Where judging goes wrong, write nothing and exit with 75.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with 0 for a forged report, 1 for anything else, 75 where judging failed.",
)
@click.option(
    "--envelope-from", metavar="ADDRESS", help="The message's reverse path; '' or '<>' is the null sender."
)
@click.option("--envelope-to", metavar="ADDRESS", help="The address that the message was delivered to.")
@click.option("--config", metavar="PATH", help="The configuration file.")
@click.pass_obj
def command(
    app: App,
    *,
    strict: bool,
    check: bool,
    envelope_from: str | None,
    envelope_to: str | None,
    config: str | None,
) -> int:
    """Pass one message from standard input to standard output, with result headers.

    Adds X-Backscatter-Verdict, -Probability, -Kind and -Evidence above the
    first header line, and changes nothing else. If judging goes wrong, the
    message leaves unchanged and the exit status is 0; 75 means that it was not
    written whole and must be kept. For procmail, maildrop and sieve: see
    docs/delivery.md.
    """
    return run(
        Options(
            strict=strict,
            check=check,
            mail_from=envelope_from,
            rcpt_to=envelope_to,
            config=config or app.given,
            debug=app.debug,
        )
    )

"""``backscatter serve``: a long-running judge that speaks the SPAMD protocol."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.config import load_config
from classifier.config_values import spamd_address
from classifier.errors import BackscatterError, ConfigurationError

if TYPE_CHECKING:
    from types import FrameType


@click.command(name="serve")
@click.option("--spamd", metavar="WHERE", help="host:port or a socket's path, over [serve] spamd.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests judged at a time."
)
@click.pass_obj
def command(app: App, spamd: str | None, workers: int) -> int:
    """Answer spamc, and whatever else speaks to spamd, until SIGTERM.

    A forged report is spam, with a score of 5 or more. SIGHUP reads the
    configuration again; one that cannot be used changes nothing. 'filter' asks
    this server where [serve] spamd is set.
    """
    from classifier.deliver.server import Server, listen  # noqa: PLC0415 - --help needs none of it

    config = app.require_config()
    if config.serve.milter is not None:
        raise ConfigurationError(
            "the milter is not offered in this version", where=config.path, remedy="remove serve.milter"
        )
    try:
        address = spamd_address(spamd) if spamd else config.serve.spamd
    except ValueError as error:
        raise click.UsageError(f"--spamd: {error}") from error
    if address is None:
        raise ConfigurationError(
            "nothing to serve", where=config.path, remedy="set serve.spamd, or give --spamd"
        )
    server = Server(config, listen(address), workers, say)

    def reload(_number: int, _frame: FrameType | None) -> None:
        try:
            server.reload(load_config(config.path))
        except BackscatterError as error:
            say(f"{error}; the configuration from before stays")
        else:
            say("configuration read again")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: server.stop())
    signal.signal(signal.SIGHUP, reload)
    say(f"serving at {address.path or f'{address.host}:{address.port}'}")
    server.run()
    return 0

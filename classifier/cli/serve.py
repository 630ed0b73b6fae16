"""``backscatter serve``: a long-running judge that speaks the SPAMD protocol and milter."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.config import load_config
from classifier.config_values import http_address, spamd_address
from classifier.errors import BackscatterError, ConfigurationError

if TYPE_CHECKING:
    from types import FrameType

    from classifier.config_values import SpamdAddress
    from classifier.deliver.judges import InForce
    from classifier.deliver.metrics import Metrics
    from classifier.deliver.milter import MilterServer
    from classifier.deliver.server import Server


@click.command(name="serve", short_help="Answer spamc and milters from one long-running process.")
@click.option("--spamd", metavar="WHERE", help="host:port or a socket's path, over [serve] spamd.")
@click.option("--metrics", metavar="WHERE", help="host:port for /metrics and /healthz, over [serve] metrics.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Messages judged at a time."
)
@click.pass_obj
def command(app: App, spamd: str | None, metrics: str | None, workers: int) -> int:
    """Answer spamc, whatever else speaks to spamd, and mail servers by milter, until SIGTERM.

    A forged report is spam, with a score of 5 or more. SIGHUP reads the
    configuration again; one that cannot be used changes nothing. 'filter' asks
    this server where [serve] spamd is set.
    """
    from classifier.deliver.judges import InForce  # noqa: PLC0415 - --help needs none of it
    from classifier.deliver.metrics import Metrics  # noqa: PLC0415 - likewise

    config = app.require_config()
    in_force, counts = InForce(config, say), Metrics()
    try:
        where = spamd_address(spamd) if spamd else config.serve.spamd
        page = http_address(metrics) if metrics else config.serve.metrics
    except ValueError as error:
        raise click.UsageError(
            f"{'--spamd' if spamd and not metrics else '--metrics or --spamd'}: {error}"
        ) from error
    stopped = threading.Event()
    server = _spamd(where, in_force, workers, counts)
    milter = _milter(in_force, workers, counts)
    if server is None and milter is None:
        raise ConfigurationError(
            "nothing to serve", where=config.path, remedy="set serve.spamd or serve.milter, or give --spamd"
        )

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()
        if server is not None:
            server.stop()

    def reload(_number: int, _frame: FrameType | None) -> None:
        try:
            in_force.reload(load_config(config.path))
        except BackscatterError as error:
            say(f"{error}; the configuration from before stays")
        else:
            say("configuration read again")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, reload)
    if page is not None:
        _page(page, counts, server, milter)
    if milter is not None:
        milter.start()
        say(f"milter at {milter.where}")
    if server is not None:
        say(f"serving at {_told(where)}")
        server.run()
    elif milter is not None:
        while not stopped.wait(0.5) and milter.ailing() is None:
            pass
    if milter is not None:
        failed = milter.ailing()
        milter.stop()
        return 1 if failed and not stopped.is_set() else 0
    return 0


def _told(where: SpamdAddress | None) -> str:
    return "the socket of systemd" if where is None else where.path or f"{where.host}:{where.port}"


def _spamd(where: SpamdAddress | None, in_force: InForce, workers: int, counts: Metrics) -> Server | None:
    from classifier.deliver.listening import handed_over, listen  # noqa: PLC0415 - see command

    if where is None and not handed_over():
        return None
    from classifier.deliver.server import Server  # noqa: PLC0415 - see command

    return Server(in_force, listen(where), workers, counts)


def _milter(in_force: InForce, workers: int, counts: Metrics) -> MilterServer | None:
    address = in_force.current[0].serve.milter
    if address is None:
        return None
    from classifier.deliver.milter import MilterServer  # noqa: PLC0415 - see command

    return MilterServer(address, in_force, counts, workers)


def _page(where: SpamdAddress, counts: Metrics, server: Server | None, milter: MilterServer | None) -> None:
    from classifier.deliver.metrics import Page  # noqa: PLC0415 - see command

    def text() -> str:
        return counts.text(0 if server is None else server.waiting.qsize())

    def ailing() -> str | None:
        return next((wrong for part in (server, milter) if part and (wrong := part.ailing())), None)

    try:
        Page((where.host, where.port), text, ailing).start()
    except OSError as error:
        raise ConfigurationError(
            f"nobody can listen there ({error.strerror or error})",
            where=_told(where),
            remedy="correct serve.metrics",
        ) from error

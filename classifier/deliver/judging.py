"""Judging one message for a filter, with what the configuration and the store offer."""

from __future__ import annotations

import time

from classifier.config import find_config, load_config
from classifier.deliver.filter import Options, Result
from classifier.deliver.streams import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.runtime import Runtime
    from classifier.settings import Config

#: A server has so long to answer, in seconds; then this process judges itself.
SERVER_TIME = 3.0
#: The store is waited for so long, in seconds.
STORE_WAIT = 0.1
#: The part of the time that is left which look-ups in DNS may use.
DNS_SHARE = 0.7


def judge(message: bytes, options: Options, deadline: float, after: list[Callable[[], None]]) -> Result:
    """Judge *message*.

    Args:
        message: without mbox From_ lines.
        options: the filter's.
        deadline: when judging is given up, by the monotonic clock.
        after: is given what is to be done once the message is delivered.

    Raises:
        BackscatterError: the configuration cannot be used.

    """
    path = find_config(options.config)
    config = None
    if path is not None:
        from classifier.deliver.parsed import ParsedConfig  # noqa: PLC0415 - only where something is configured

        config = load_config(path, ParsedConfig(path))
    if config is not None and config.serve.spamd is not None:
        from classifier.deliver.client import ask  # noqa: PLC0415 - only where a server is configured

        answer = ask(config.serve.spamd, message, options.mail_from, options.rcpt_to, SERVER_TIME)
        if answer is not None:
            return Result(answer.values)
    from classifier.deliver.kept_model import read_kept  # noqa: PLC0415 - a wrong configuration spares it
    from classifier.deliver.result_values import header_values  # noqa: PLC0415 - likewise
    from classifier.evidence import foreign  # noqa: PLC0415 - likewise
    from classifier.parse.report import Envelope  # noqa: PLC0415 - likewise
    from classifier.runtime import Runtime, StoreUse  # noqa: PLC0415 - likewise

    foreign.spare()
    if config is not None:
        config = with_dns_budget(config, (deadline - time.monotonic()) * DNS_SHARE)
    runtime = Runtime(config, StoreUse.CACHE, remember=True, wait=STORE_WAIT, read_model=read_kept)
    examination = runtime.examine(message, Envelope(mail_from=options.mail_from, rcpt_to=options.rcpt_to))
    for note in runtime.notes:
        tell(f"filter: {note}")
    runtime.notes.clear()
    after.append(lambda: _remember(runtime))
    return Result(header_values(examination))


def _remember(runtime: Runtime) -> None:
    """Write what was learnt into the store, now that the message is on its way; the caller still waits."""
    if runtime.database is not None and not runtime.database.readonly:
        connection = runtime.database.connection
        connection.execute(f"PRAGMA busy_timeout = {int(STORE_WAIT * 1000)}")
        # What is lost in a power cut here is a memory of one report; the store stays whole.
        connection.execute("PRAGMA synchronous = NORMAL")
    runtime.close()


def with_dns_budget(config: Config, seconds: float) -> Config:
    """Return *config* with no more than *seconds* of look-ups for one message."""
    from classifier.dataclass import replace  # noqa: PLC0415 - loaded by now

    if config.dns.budget <= seconds:
        return config
    return replace(config, dns=replace(config.dns, budget=max(0.0, seconds)))

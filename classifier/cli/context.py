"""What every command is handed: the configuration, read when first asked for."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from classifier.config import find_config, load_config, open_to_others
from classifier.errors import ConfigurationError
from classifier.present.text import printable

if TYPE_CHECKING:
    from classifier.config import Config


def say(line: str) -> None:
    """Print one line to the user on standard error; what it quotes of a message or a name does no harm.

    Where the command has chosen a form for its log, in that form.
    """
    logging = sys.modules.get("logging")  # not imported for this: a filter's start would pay for it
    if logging is not None and logging.getLogger("classifier").handlers:
        logging.getLogger("classifier.cli").error("%s", line)
    elif sys.stderr is not None:
        sys.stderr.write(f"backscatter: {printable(line, 2_000)}\n")
        sys.stderr.flush()


class App:
    """One run of ``backscatter``; commands get it by ``@click.pass_obj``.

    Attributes:
        given: the value of ``--config``, or None.
        debug: True where tracebacks are wanted.

    """

    def __init__(self, config_path: str | None = None, *, debug: bool = False) -> None:
        """Keep the value of ``--config``; nothing is read yet."""
        self.given = config_path
        self.debug = debug

    @cached_property
    def config(self) -> Config | None:
        """The configuration; None where there is no file and none was named.

        Raises:
            ConfigurationError: it cannot be used.

        """
        path = find_config(self.given)
        return None if path is None else load_config(path)

    def require_config(self) -> Config:
        """Return the configuration.

        Raises:
            ConfigurationError: there is none, or it cannot be used.

        """
        if self.config is None:
            raise ConfigurationError(
                "no configuration file", remedy="'backscatter init' writes one; --config names one elsewhere"
            )
        return self.config

    def readable_by_others(self) -> list[str]:
        """Return which of the configuration and the store others may read, if they were used."""
        config = self.__dict__.get("config")
        if config is None:
            return []
        return [path for path in (config.path, config.store) if open_to_others(path)]

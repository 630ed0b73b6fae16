"""The errors that users see: one line that says what, where and what to do."""

from __future__ import annotations


class BackscatterError(Exception):
    """An expected failure, shown to the user as one line, without a traceback.

    Attributes:
        exit_status: the process's exit status when this error ends it.

    """

    exit_status = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        """Compose the line ``where: what; remedy`` from its parts."""
        self.what = what
        self.where = where
        self.remedy = remedy
        line = f"{where}: {what}" if where else what
        if remedy:
            line = f"{line}; {remedy}"
        super().__init__(" ".join(line.split()))


class ConfigurationError(BackscatterError):
    """The configuration or the command line cannot be used as it is."""

    exit_status = 2


class InputError(BackscatterError):
    """A named input is missing or cannot be read."""

    exit_status = 1


class TemporaryError(BackscatterError):
    """It may work later: a server not reached, a lock held (EX_TEMPFAIL)."""

    exit_status = 75


class MailboxError(BackscatterError):
    """An account or folder cannot be worked on; others may still be."""

    exit_status = 1


class ModelError(BackscatterError):
    """A model file is refused."""

    exit_status = 2

"""What a sweep tells: JSON Lines for scripts, a table for people, next to nothing for cron."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from classifier.present.json import failure, line, record
from classifier.present.table import Table, counted
from classifier.present.text import printable
from classifier.vocabulary import NOT_REPORTS, Action

if TYPE_CHECKING:
    from classifier.errors import BackscatterError
    from classifier.mailbox.summary import Counts, SweptMessage

#: Characters of one line: what a server says may be quoted in it.
_LONGEST = 2_000


class SweepPrinter:
    """Prints each judged message as it comes, and each failure on standard error.

    Being a :class:`classifier.mailbox.summary.Listener`, it hears of one after the other.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        out: TextIO | None = None,
    ) -> None:
        """Prepare.

        Args:
            as_json: JSON Lines instead of a table.
            quiet: only what was moved, and nothing at all where nothing happened.
            verbose: all evidence, and messages that turned out to be no reports.
            out: default standard output.

        """
        self._out = out or sys.stdout
        self._as_json = as_json
        self._quiet = quiet
        self._verbose = verbose
        self._table = Table(self._out, verbose=verbose)

    def message(self, message: SweptMessage) -> None:
        """Print one judged message."""
        found = message.examination
        if self._as_json:
            told = failure(message.source, message.error) if found is None else record(message.source, found)
            if message.note:
                told["note"] = message.note
            self._write(line(told))
        elif found is None:
            warn(f"{message.source}: {message.error}")
        elif found.report.kind in NOT_REPORTS and not self._verbose:
            return
        elif not self._quiet or message.action is Action.QUARANTINE:
            self._table.message(message.source, found)

    def warning(self, error: BackscatterError) -> None:
        """Print one failure."""
        warn(str(error))

    def summary(self, counts: Counts, *, dry_run: bool = False) -> None:
        """Print the sums."""
        if self._as_json:
            self._write(line({"summary": {**counts.as_dict(), **({"dry_run": True} if dry_run else {})}}))
        elif not self._quiet or counts.quarantined:  # what failed was told already
            moved = "would be quarantined" if dry_run else "quarantined"
            self._write(
                f"{counted(counts.looked_at, 'message')} looked at, {counted(counts.reports, 'report')}: "
                f"{counts.quarantined:,} {moved}, {counts.kept:,} kept, {counts.unsure:,} unsure"
                + (f"; {counted(counts.errors, 'error')}" if counts.errors else "")
            )

    def _write(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


def warn(text: str) -> None:
    """Print one line on standard error, in the form that was chosen."""
    logging.getLogger("classifier.cli").error("%s", text)


class _Lines(logging.Formatter):
    def format(self, entry: logging.LogRecord) -> str:
        return f"backscatter: {printable(entry.getMessage(), _LONGEST)}"


class _JsonLines(logging.Formatter):
    def format(self, entry: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(entry.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps(
            {
                "time": when,
                "level": entry.levelname.lower(),
                "message": printable(entry.getMessage(), _LONGEST),
            }
        )


class _Traced(_Lines):
    def format(self, entry: logging.LogRecord) -> str:
        text = super().format(entry)
        return f"{text}\n{self.formatException(entry.exc_info)}" if entry.exc_info else text


def log_to_stderr(form: str = "text", *, debug: bool = False, verbose: bool = False) -> None:
    """Send what the program has to tell to standard error, which cron mails and the journal keeps.

    Args:
        form: ``text`` or ``json``.
        debug: with tracebacks.
        verbose: also what went well.

    """
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else _Traced() if debug else _Lines())
    logger = logging.getLogger("classifier")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING)

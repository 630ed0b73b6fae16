"""``backscatter``: the group of all commands, and how a run ends.

An expected failure is one line on standard error and the exit status of its
kind; a traceback is shown with ``--debug`` only.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys

import click

from classifier.cli.context import App, say
from classifier.errors import BackscatterError

#: Each command's module, imported when the command is asked for; its command is named ``command``.
COMMANDS = {
    "classify": "classifier.cli.classify",
    "filter": "classifier.cli.filter",
    "sweep": "classifier.cli.sweep",
    "watch": "classifier.cli.watch",
    "restore": "classifier.cli.restore",
    "ledger": "classifier.cli.ledger_command",
    "train": "classifier.cli.train",
    "evaluate": "classifier.cli.evaluate",
    "report": "classifier.cli.report",
    "complain": "classifier.cli.complain",
    "serve": "classifier.cli.serve",
    "init": "classifier.cli.init",
    "doctor": "classifier.cli.doctor",
    "demo": "classifier.cli.demo",
}

#: The exit status of a program that Ctrl-C ended, and of one whose reader went away (128 + signal).
INTERRUPTED = 130
READER_GONE = 141
_STANDARD_ERROR = 2


class _Commands(click.Group):
    """The commands, each imported only when it is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return all names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import and return one command."""
        module = COMMANDS.get(name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is asked for; where there is none such, say what may have been meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib  # noqa: PLC0415 - for this error only
            import shlex  # noqa: PLC0415 - likewise

            if os.path.exists(name):  # noqa: PTH110 - Path imports more
                context.fail(f"{name!r} is no command; to judge it: backscatter classify {shlex.quote(name)}")
            if near := difflib.get_close_matches(name, COMMANDS, 1):
                context.fail(f"No such command {name!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(context, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="PATH", help="The configuration file.")
@click.option("--debug", is_flag=True, help="Show a traceback where something fails.")
@click.version_option(package_name="backscatter-quarantine", prog_name="backscatter")
@click.pass_context
def group(context: click.Context, config: str | None, debug: bool) -> None:
    """Tell bounces of forged mail from genuine ones, and move the forged out of the inbox."""
    context.obj = App(config, debug=debug)


@group.result_callback()
@click.pass_obj
def _warn_of_readers(app: App, /, status: object, **_options: object) -> object:
    for path in app.readable_by_others():
        say(f"{path}: others can read this; chmod 600 it")
    return status


def main(arguments: list[str] | None = None) -> int:
    """Run ``backscatter`` and return its exit status.

    Args:
        arguments: default the process's.

    """
    arguments = sys.argv[1:] if arguments is None else arguments
    _occupy_streams()
    if sys.stdout is None:
        return _fail("standard output is closed", 1)
    if (logging := sys.modules.get("logging")) is not None:
        logging.getLogger("classifier").handlers.clear()  # an earlier command's form is not this one's
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character must not end the run.
            stream.reconfigure(errors="replace")
    try:
        # Not group.main(): it has its own mind about interrupts and broken pipes.
        with group.make_context("backscatter", list(arguments)) as context:
            status = group.invoke(context)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_output()
        return READER_GONE
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        if error.format_message().startswith("Usage: "):  # a group without a command, from Click 8.2 on
            sys.stderr.write(error.format_message() + "\n")
            return error.exit_code
        told = error.format_message()
        told = told if told.endswith("...") else told.rstrip(".")
        return _fail(f"{told}; see {_help_of(error)}", error.exit_code)
    except Exception as error:
        if "--debug" in arguments:
            raise
        if isinstance(error, BackscatterError):
            return _fail(str(error), error.exit_status)
        if isinstance(error, OSError):
            _silence_output()
            return _fail(f"{error.filename or 'output'}: {error.strerror or error}", 1)
        if isinstance(error, MemoryError):
            return _fail("there is not enough memory; allow more (ulimit -v), or see what else takes it", 1)
        return _fail(f"{type(error).__name__}: {error}; this is a bug: see it with --debug", 1)
    return status if isinstance(status, int) else 0


def _fail(line: str, status: int) -> int:
    say(line)
    return status


def _occupy_streams() -> None:
    """Lead standard streams that the caller closed to nowhere.

    Else the next file that is opened (the store) has the number of one, and takes
    what a library or another program writes there.
    """
    while (free := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(free, True)
    os.close(free)
    if sys.stderr is None:
        sys.stderr = open(_STANDARD_ERROR, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115 - for the whole run


def _help_of(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'backscatter'} --help"


def _silence_output() -> None:
    """Give standard output nowhere to go: Python flushes once more at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""The console script: the pipe filter takes a short way, every other command goes through click."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.deliver.filter import Options

#: The filter's options that stand alone, and those that take a value.
_FLAGS = {"--strict": "strict", "--check": "check", "--debug": "debug"}
_VALUES = {"--envelope-from": "mail_from", "--envelope-to": "rcpt_to", "--config": "config"}


def main() -> int:
    """Run ``backscatter`` on the process's arguments and return the exit status."""
    # An argument that is "filter" may also be a value; parsing tells.
    if "filter" in sys.argv:
        options = filter_options(sys.argv[1:])
        if options is not None:
            _filter(options)
    from classifier.cli.main import main as run  # noqa: PLC0415 - click costs what a filter has

    return run()


def _filter(options: Options) -> None:
    """Run the filter and end the process, without the 3 ms that Python takes to clear up."""
    import gc  # noqa: PLC0415 - built in
    import os  # noqa: PLC0415 - loaded already

    # One message makes little garbage; looking for it costs 5 ms of importing.
    gc.disable()
    status = 75
    try:
        from classifier.deliver.filter import run  # noqa: PLC0415 - other commands do without

        status = run(options)
    except BaseException as error:  # noqa: BLE001 - also what is raised at the wrong moment: the caller keeps the message
        os.write(2, f"backscatter: filter: {type(error).__name__}; the message is not delivered\n".encode())
    finally:
        os._exit(status)


def filter_options(arguments: list[str]) -> Options | None:
    """Read the command line of ``filter``; None where it is another command, or one that click must explain."""
    given: dict[str, str | bool] = {}
    command = ""
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if argument in _FLAGS and (command or argument == "--debug"):
            given[_FLAGS[argument]] = True
        elif name in _VALUES and (command or name == "--config"):
            text = value if equals else next(waiting, None)
            if text is None:
                return None
            given[_VALUES[name]] = text
        elif not command and argument == "filter":
            command = argument
        else:
            return None
    if not command:
        return None
    from classifier.deliver.filter import Options as Given  # noqa: PLC0415 - see main

    return Given(**given)  # type: ignore[arg-type]

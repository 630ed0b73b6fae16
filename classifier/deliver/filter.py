"""``backscatter filter``: one message through standard input and output, with result headers put in.

It is started anew for each message, so it imports what this message needs and
nothing else: ordinary mail is passed on after a look at its headers, without a
configuration; only a message that may be a report is judged.

Whatever goes wrong, the message leaves unchanged. Exit status 0 says that all
of it was written, 75 (EX_TEMPFAIL) that the caller must keep it.
"""

from __future__ import annotations

import time

from classifier.deliver.result_headers import (
    NoPlaceError,
    header_section,
    ordinary,
    with_result_headers,
)
from classifier.deliver.streams import (
    Message,
    finish,
    hold_standard_descriptors,
    read_message,
    tell,
    write_all,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
    from types import FrameType
else:
    # What the module "signal" wraps, for 3 ms, to turn constants into enumerations.
    import _signal as signal

EX_OK = 0
EX_TEMPFAIL = 75
#: Answers of ``--check``.
FORGED, NOT_FORGED = 0, 1
#: Seconds, from the start of the process, after which judging is given up.
#: Pigeonhole (Dovecot's sieve) ends a program after 10.
TIME_LIMIT = 7.5
#: At least so many seconds are left for judging where the message was slow to come.
LEAST_TIME = 3.0
#: Signals that ask the process to stop.
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class OutOfTime(BaseException):
    """Judging took too long."""


class Stopped(BaseException):
    """Somebody asks the process to stop."""


class Options:
    """The options of the command.

    Attributes:
        strict: write nothing where judging goes wrong.
        check: write nothing at all; answer by exit status.
        mail_from: the reverse path, "" for the null sender; None: unknown.
        rcpt_to: the recipient; None: unknown.
        config: the value of ``--config``; None: not given.
        debug: show tracebacks.

    """

    __slots__ = ("check", "config", "debug", "mail_from", "rcpt_to", "strict")

    def __init__(
        self,
        *,
        strict: bool = False,
        check: bool = False,
        mail_from: str | None = None,
        rcpt_to: str | None = None,
        config: str | None = None,
        debug: bool = False,
    ) -> None:
        """Keep the options; addresses lose their angle brackets."""
        self.strict = strict
        self.check = check
        self.mail_from = reverse_path(mail_from)
        self.rcpt_to = rcpt_to.strip().removeprefix("<").removesuffix(">") if rcpt_to else None
        self.config = config
        self.debug = debug


class Result:
    """What judging found.

    Attributes:
        values: the values of the result headers.
        forged: True where the verdict is forged.

    """

    __slots__ = ("forged", "values")

    def __init__(self, values: tuple[str, str, str, str]) -> None:
        """Keep the header values; the verdict is the first of them."""
        self.values = values
        self.forged = values[0] == "forged"


def reverse_path(given: str | None) -> str | None:
    """Return the reverse path of ``--envelope-from``: "" for the null sender, in any way it is written.

    Postfix writes MAILER-DAEMON where it hands a null sender to a command.
    """
    if given is None:
        return None
    address = given.strip().removeprefix("<").removesuffix(">").strip()
    return "" if address.upper() == "MAILER-DAEMON" else address


def run(options: Options, started: float | None = None) -> int:
    """Filter one message and return the exit status.

    Args:
        options: the command's options.
        started: when the process started, by the monotonic clock; default now.

    """
    started = time.monotonic() if started is None else started
    after: list[Callable[[], None]] = []
    try:
        _on_signals(_stop)
        if not hold_standard_descriptors() and not options.check:
            tell("filter: standard output is closed; the message is not delivered")
            return EX_TEMPFAIL
        message = read_message()
        try:
            result = _judge(message, options, started, after)
        except (Exception, OutOfTime) as error:  # noqa: BLE001 - judging is a help; the message comes first
            # It may have come just before the alarm was taken back.
            _take_back_alarm()
            if options.debug:
                _show(error)
            tell(f"filter: {_reason(error)}; {_consequence(options)}")
            if options.strict or options.check:
                return EX_TEMPFAIL
            result = None
        if options.check:
            _on_signals(signal.SIG_IGN)
            _afterwards(after)
            return FORGED if result and result.forged else NOT_FORGED
        pieces = _pieces(message, result)
        # From here on the message is written whole, or the caller is told to keep it.
        _on_signals(signal.SIG_IGN)
        for piece in pieces:
            write_all(1, piece)
        message.write_rest(1)
        finish(1)
    except (Exception, Stopped, OutOfTime) as error:  # noqa: BLE001 - whatever it is, the caller keeps the message
        _on_signals(signal.SIG_IGN)
        if options.debug:
            _show(error)
        tell(f"filter: {_reason(error)}; the message is not delivered")
        return EX_TEMPFAIL
    finally:
        _on_signals(signal.SIG_IGN)
    _afterwards(after)
    return EX_OK


def _afterwards(after: list[Callable[[], None]]) -> None:
    """Do what waited for the delivery, the last first; a failure here must not make the caller deliver again."""
    for each in reversed(after):
        try:
            each()
        except Exception as error:  # noqa: BLE001 - the message is out: all that is lost is a memory of it
            tell(f"filter: {_reason(error)}; this is not remembered; the message is not affected")


def _judge(message: Message, options: Options, started: float, after: list[Callable[[], None]]) -> Result:
    """Judge the message, and no longer than the time limit."""
    head = message.head
    start, end = header_section(head)
    left = max(LEAST_TIME, started + TIME_LIMIT - time.monotonic())
    try:
        signal.signal(signal.SIGALRM, _out_of_time)
        # Whoever started this process may have blocked it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
        # Again and again: an exception is lost where it meets a destructor.
        signal.setitimer(signal.ITIMER_REAL, left, 0.25)
        from classifier.deliver.patterns import PatternCache, cache_file  # noqa: PLC0415 - under the time limit

        cache = PatternCache(cache_file())
        cache.install()
        after.append(cache.save)  # done last: what comes after the delivery compiles patterns, too
        from classifier.parse.triage import is_worth_reading  # noqa: PLC0415 - it compiles patterns

        if options.mail_from is None and head.startswith(b"From "):
            from classifier.mbox import mail_from_above  # noqa: PLC0415 - likewise

            options.mail_from = mail_from_above(head)
        if not is_worth_reading(head, start, end, options.mail_from):
            return Result(ordinary())
        from classifier.deliver.judging import judge  # noqa: PLC0415 - reports alone pay for it

        return judge(head[start:], options, time.monotonic() + left, after)
    finally:
        _take_back_alarm()


def _take_back_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


def _pieces(message: Message, result: Result | None) -> Sequence[bytes]:
    if result is None:
        return [message.head]
    try:
        return with_result_headers(message.head, result.values)
    except NoPlaceError:
        return [message.head]


def _on_signals(handler: Callable[[int, FrameType | None], object] | int) -> None:
    for number in _STOP:
        signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    _on_signals(signal.SIG_IGN)
    raise Stopped(f"stopped by signal {number}")


def _out_of_time(_number: int, _frame: FrameType | None) -> None:
    raise OutOfTime("judging took too long")


def _show(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 - for --debug

    for line in "".join(traceback.format_exception(error)).splitlines():
        tell(line)


def _reason(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, OutOfTime | Stopped):
        return str(error)
    return (
        f"{error}"
        if name.endswith("Error") and type(error).__module__ == "classifier.errors"
        else f"{name}: {error}"
    )


def _consequence(options: Options) -> str:
    if options.check:
        return "nothing is said about the message"
    return "the message is not delivered" if options.strict else "the message is passed on unchanged"

"""MTA logs, whichever programs wrote into them: each line is read as what it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from classifier.ingest import exim, postfix, sendmail
from classifier.ingest.others import handed_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.ingest.entries import LedgerRecord
    from classifier.ingest.log_dates import LogClock
    from classifier.ingest.queues import Queues

#: Lines of these programs that tell of no message, as of connections and refusals.
_OF_AN_MTA = re.compile(
    rb"^[^\[]{0,300}?(?:postfix[^ \[]{0,64}/[a-z]|(?:exim4?|sendmail|sm-mta|sm-msp-queue|postfix)(?:\[[0-9]|[ ][0-9]))"
    rb"|^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,15} .{0,40}?"
    rb"(?:exim [0-9.]{1,8} daemon started|SMTP connection from|no MAIL in SMTP|H=[^ ]|Start queue run|End queue run)"
)


def names_message(line: bytes) -> str | None:
    """Return whose line it is, if it tells of a message: ``postfix``, ``exim`` or ``sendmail``."""
    if postfix.match_postfix(line):
        return "postfix"
    if exim.match_exim(line):
        return "exim"
    return "sendmail" if sendmail.match_sendmail(line) else None


def is_of_an_mta(line: bytes) -> bool:
    """Say whether Postfix, Exim or Sendmail wrote *line*."""
    return _OF_AN_MTA.match(line[:_LIMIT]) is not None


# Most lines tell of no message: looking for one word costs a tenth of matching the whole.


def _maybe_postfix(line: bytes) -> bool:
    return (
        b"=<" in line or b": removed" in line or b": client=" in line or b"-id=" in line or b": uid=" in line
    )


def _maybe_exim(line: bytes) -> bool:
    return (
        b" <= " in line
        or b" => " in line
        or b" Completed" in line
        or b" -> " in line
        or b" == " in line
        or b" ** " in line
        or b" >> " in line
        or b" *> " in line
    )


def _maybe_sendmail(line: bytes) -> bool:
    return (
        b": from=" in line
        or b": to=" in line
        or b": AUTH=" in line
        or b"- AUTH=" in line
        or b": Milter " in line
    )


#: What tells what a line is stands within its first bytes.
_LIMIT = 600


def read_logs(lines: Iterable[bytes], queues: Queues, clock: LogClock) -> Iterator[LedgerRecord | None]:
    """Read *lines*, plain text; yield a record for each message that ends, None for one that is not ours."""
    ours = sendmail.Sendmail()
    parts = exim.Parts()
    readers = [
        (_maybe_postfix, postfix.match_postfix, postfix.take_postfix),
        (_maybe_exim, exim.match_exim, exim.take_exim),
        (_maybe_sendmail, sendmail.match_sendmail, ours.take),
    ]
    for given in lines:
        line = parts.whole(given) if b" [" in given else given
        for at, (maybe, match_line, take) in enumerate(readers):
            match = match_line(line) if maybe(line) else None
            if match is None:
                continue
            yield from take(match, line, queues, clock)
            if at:  # the next line is likely of the same program
                readers.insert(0, readers.pop(at))
            break
        else:
            other = handed_over(line)
            if other is not None and (when := clock.read(line)) is not None:
                queues.left_by(other, when)

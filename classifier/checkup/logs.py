"""Reads logs of Postfix and Exim for null-sender mail to outside addresses."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.checkup.causes import REMEDIES, Cause, cause_of
from classifier.checkup.findings import Finding, Level
from classifier.checkup.outgoing import Outgoing
from classifier.ingest.log_dates import LogClock
from classifier.ingest.streams import READ_ERRORS, Format, detect, lines_of, opened
from classifier.parse.encoded import decode_bytes
from classifier.present.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.checkup.outgoing import Mail
    from classifier.identity import Identity

#: What stands before Postfix's or Exim's own words: a priority, a time stamp. All is anchored at the line's
#: start: what stands further on was typed by others.
_STAMP = (
    rb"^(?:<[0-9]{1,3}>(?:1 )?)?(?:[A-Z][a-z]{2} {1,2}[0-9]{1,2} (?:[0-9]{4} )?[0-9:.]{8,15}"
    rb"|[0-9]{4}-[^ ]{5,40}(?: [0-9:.,]{8,15}(?: ?[+-][0-9]{4})?)?)"
)
#: ``host instance/daemon[pid]: QUEUEID: rest``, or the pid set off by blanks (RFC 5424).
_POSTFIX = re.compile(
    _STAMP
    + rb" ([^ ]{1,255}) [^ ]{0,64}/([a-z-]{1,32})(?:\[[0-9]{1,10}\]:|[ ][0-9]{1,10} [^ ]{1,64} [^ ]{1,64})[ ]"
    rb"([0-9A-Za-z]{5,32}): (?=(removed$|client=|uid=|from=<|to=<|sender ))"
)
_POSTFIX_LINE = re.compile(
    _STAMP + rb" [^ ]{1,255} postfix[^ ]{0,64}/[a-z-]{1,32}(?:\[[0-9]{1,10}\]:|[ ][0-9])"
)
_EXIM_LINE = re.compile(
    _STAMP + rb"(?: [^ ]{1,255} exim4?\[[0-9]{1,10}\]:.{0,60})?"
    rb" (?:exim [0-9.]{1,8} daemon started|SMTP connection from|no MAIL in SMTP|H=|Start queue run|End queue run)"
)
_NOTICE = re.compile(rb"sender (non-delivery|delay|delivery status) notification: ([0-9A-Za-z]{5,32})$")
_PICKUP = re.compile(rb"uid=[0-9]{1,10} from=<([^>]{0,1000})>")
_CLIENT = re.compile(rb"[^\s\[,]{1,255}\[([0-9A-Fa-f:.]{2,45})\]")
_TO = re.compile(
    rb"to=<([^>]{0,1000})>, (?:orig_to=<([^>]{0,1000})>, )?(?:[a-z_]{1,20}=[^ ]{1,400}, ){0,8}?"
    rb"(?:dsn=([245]\.[0-9]{1,3}\.[0-9]{1,3}), )?status=([a-z-]{4,20})(?: \((.{0,500}))?"
)
#: Agents that deliver on this host, or to one behind it.
_LOCAL = frozenset({b"local", b"virtual", b"lmtp", b"pipe", b"discard"})
_NOTICES = {b"delay": Cause.DELAY, b"delivery status": Cause.SUCCESS}

#: In its own log, or in the system's.
_EXIM = re.compile(
    _STAMP + rb"(?: [^ ]{1,255} exim4?(?:\[[0-9]{1,10}\]:|[ ][0-9]{1,10} [^ ]{1,64} [^ ]{1,64})"
    rb"(?: [0-9]{4}-[0-9-]{5} [0-9:.]{8,15}(?: [+-][0-9]{4})?)?)?(?: \[[0-9]{1,10}\])?"
    rb" ([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (<=|=>|->|>>|==|\*\*|\*>|Completed)(?: |$)"
)
_EXIM_REFERENCE = re.compile(rb" R=([0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4})(?: |$)")
_EXIM_HOST = re.compile(rb" H=(?:[^\s\[]{1,255} )?(?:\([^)\s]{0,255}\) )?\[([0-9A-Fa-f:.]{2,45})\]")
_EXIM_USER = re.compile(rb" (?:A=[^ ]|P=[a-z]{0,9}smtps?a(?: |$))")
_EXIM_STATUS = re.compile(rb"\b([45]\.[0-9]{1,3}\.[0-9]{1,3})\b")


def read_logs(paths: Iterable[str], identity: Identity | None, now: datetime) -> Iterator[Finding]:
    """Count null-sender mail to outside addresses in the logs *paths*, by cause.

    Args:
        paths: files, in any order, also compressed by gzip, bzip2 or xz.
        identity: whose domains are not outside; None: those that the log shows mail delivered for on the spot.
        now: the time, aware; no line is later.

    """
    outgoing, programs = Outgoing(identity), set[Format]()
    ordered: list[tuple[datetime, str]] = []
    for path in paths:
        try:
            if (place := Path(path)).exists() and not (place.is_file() or place.is_dir()):
                yield Finding(
                    Level.WRONG, f"log {path}", "is a pipe, and is read twice", "save it, and name the file"
                )
                continue
            with place.open("rb") as stream:
                sample, _ = opened(stream)
                clock = _clock(stream.fileno(), now)
        except READ_ERRORS as error:
            yield _unreadable(path, error)
            continue
        fmt = _format(sample) if sample else None
        if sample and fmt not in {Format.POSTFIX, Format.EXIM}:
            yield Finding(
                Level.WRONG,
                f"log {path}",
                "is neither Postfix's nor Exim's",
                "name the mail log: mail.log, mainlog",
            )
            continue
        # Rotated logs are often named newest first; what a report is about stands in the older one.
        begin = next((w for line in sample.splitlines()[:50] if (w := clock.read(line))), now)
        ordered.append((begin, path))
    for _, path in sorted(ordered):
        try:
            with Path(path).open("rb") as stream:
                sample, whole = opened(stream)
                fmt = _format(sample)
                if fmt is None:
                    continue
                programs.add(fmt)
                clock = _clock(stream.fileno(), now)
                take = _postfix if fmt is Format.POSTFIX else _exim
                for line in lines_of(whole):
                    outgoing.seen(clock.read(line))
                    take(outgoing, line.rstrip())
        except READ_ERRORS as error:
            yield _unreadable(path, error)
    if ordered:
        yield from told(outgoing, programs)


def _format(sample: bytes) -> Format | None:
    """Tell whose log it is; one that tells of refusals alone is one, too."""
    fmt = detect(sample)
    if fmt in {Format.POSTFIX, Format.EXIM}:
        return fmt
    for line in sample.splitlines()[:400]:
        if _POSTFIX_LINE.match(line):
            return Format.POSTFIX
        if _EXIM_LINE.match(line):
            return Format.EXIM
    return fmt


def _clock(descriptor: int, now: datetime) -> LogClock:
    return LogClock(min(now, datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)))


def _unreadable(path: str, error: BaseException) -> Finding:
    words = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return Finding(Level.WRONG, f"log {path}", f"cannot be read: {words}", "name a file that you may read")


def told(outgoing: Outgoing, programs: set[Format]) -> Iterator[Finding]:
    """Say what was counted, the most frequent cause first."""
    span = ""
    if outgoing.first and outgoing.last:
        span = f" from {outgoing.first:%Y-%m-%d %H:%M} to {outgoing.last:%Y-%m-%d %H:%M}"
    read = f"{outgoing.lines:,} lines{span}"
    found = outgoing.tallies()
    total = sum(tally.count for tally in found.values())
    if not outgoing.lines:
        yield Finding(
            Level.ADVICE, "logs", "hold no line, so nothing could be learnt", "name older ones, too", count=0
        )
        return
    if not total:
        yield Finding(Level.GOOD, "logs", f"no null-sender mail to outside addresses in {read}", count=0)
        return
    worst = Level.WRONG if any(REMEDIES[c].level is Level.WRONG for c in found) else Level.ADVICE
    yield Finding(
        worst,
        "logs",
        f"{total:,} message{'' if total == 1 else 's'} with a null sender to outside addresses, by recipient, in {read}",
        count=total,
    )
    for cause, tally in found.items():
        remedy = REMEDIES[cause]
        states = ((tally.sent, "sent"), (tally.waiting, "waiting"), (tally.refused, "refused or given up"))
        parts = ", ".join(f"{n:,} {words}" for n, words in states if n)
        do = [
            f"{name}: {words}" if len(programs) > 1 else words
            for fmt, name, words in (
                (Format.POSTFIX, "Postfix", remedy.postfix),
                (Format.EXIM, "Exim", remedy.exim),
            )
            if fmt in programs
        ]
        yield Finding(
            remedy.level,
            f"logs, {cause}",
            f"{tally.count:,}: {remedy.words} ({parts}; for example {', '.join(tally.examples)})",
            "; ".join(do),
            tally.count,
        )


# -- Postfix ---------------------------------------------------------------------


def _postfix(outgoing: Outgoing, line: bytes) -> None:
    match = _POSTFIX.match(line)
    if match is None:
        return
    host, daemon, queue_id, word = match.groups()
    rest = line[match.end() :]
    key = _text(host) + "/" + _text(queue_id)
    if word == b"removed":
        outgoing.close(key)
        return
    mail = outgoing.mail(key, _text(queue_id))
    if word == b"client=":
        if b", sasl_username=" in rest:
            mail.own_user = True
        elif client := _CLIENT.match(rest.partition(b", orig_client=")[2] or rest[7:]):
            outgoing.came_from(mail, _text(client[1]))
    elif word == b"uid=":
        if (pickup := _PICKUP.match(rest)) and not pickup[1]:
            mail.cause = Cause.AUTOMATIC
    elif word == b"from=<":
        if daemon in {b"qmgr", b"nqmgr"}:
            mail.null = rest[6:7] == b">"
    elif word == b"sender ":
        notice = _NOTICE.match(rest) if daemon == b"bounce" else None
        if notice:
            about = outgoing.notice(_text(host) + "/" + _text(notice[2]), _text(notice[2]))
            about.null = True
            about.cause = (
                Cause.OWN_USER if mail.own_user else _NOTICES.get(notice[1]) or mail.failed or Cause.UNTOLD
            )
    elif found := _TO.match(rest):
        _postfix_delivery(outgoing, mail, daemon, found)


def _postfix_delivery(outgoing: Outgoing, mail: Mail, daemon: bytes, found: re.Match[bytes]) -> None:
    to, orig, dsn, status, said = found.groups()
    address = _text(to)
    if daemon in _LOCAL:
        outgoing.delivered_here(address)
    if status in {b"bounced", b"expired"}:
        original = _text(orig or b"")
        # An alias or a forward: to another domain, by a server there.
        forwarded = daemon == b"smtp" and _leads_elsewhere(outgoing, original, address)
        cause = cause_of(_text(said or b""), _text(dsn or b""), forwarded=forwarded)
        mail.failed = Cause.UNREACHABLE if status == b"expired" and not forwarded else cause
    if mail.null and daemon not in _LOCAL:
        outcome = {b"sent": "sent", b"deferred": "waiting", b"bounced": "refused", b"expired": "refused"}.get(
            status
        )
        if outcome:
            outgoing.delivery(mail, address, outcome)


def _leads_elsewhere(outgoing: Outgoing, original: str, address: str) -> bool:
    """Say whether mail for *original* was sent on to another domain, which is not ours."""
    before, after = (a.rpartition("@")[2].lower() for a in (original, address))
    return bool(original) and before != after and not outgoing.is_ours(address)


# -- Exim ------------------------------------------------------------------------


def _exim(outgoing: Outgoing, line: bytes) -> None:
    match = _EXIM.match(line)
    if match is None:
        return
    name, flag = _text(match[1]), match[2]
    rest = line[match.end() :]
    if flag == b"Completed":
        outgoing.close(name)
        return
    mail = outgoing.mail(name, name)
    if flag == b"<=":
        _exim_arrival(outgoing, mail, rest)
    else:
        _exim_delivery(outgoing, mail, flag, rest)


def _exim_arrival(outgoing: Outgoing, mail: Mail, rest: bytes) -> None:
    sender, _, facts = rest.partition(b" ")
    # What the message says of itself follows "id="; the subject, where it is logged, "T=".
    facts = (b" " + facts).partition(b" id=")[0].partition(b' T="')[0]
    mail.null = sender == b"<>"
    mail.own_user = bool(_EXIM_USER.search(facts))
    if not mail.null:
        return
    host = _EXIM_HOST.search(facts)
    reference = _EXIM_REFERENCE.search(facts)
    if host:
        outgoing.came_from(mail, _text(host[1]))
    elif reference is None:
        mail.cause = Cause.AUTOMATIC
    elif about := outgoing.find(_text(reference[1])):
        about.answer = mail
        if about.own_user:
            mail.cause = Cause.OWN_USER
        elif about.failed:
            # Of several reasons the last: Exim reports on all at the end of one attempt.
            mail.cause = about.failed
        else:
            # About mail of which nothing failed: a transport or a filter answered it.
            mail.cause = Cause.DELAY if about.delayed and not about.answered else Cause.AUTOMATIC


def _exim_delivery(outgoing: Outgoing, mail: Mail, flag: bytes, rest: bytes) -> None:
    words = rest.partition(b"=")[0]
    address = rest.partition(b" ")[0].rstrip(b":")
    parents = re.findall(rb"<([^<>\s]{1,1000})>", words)
    original = _text(parents[-1]) if parents else ""
    if flag in {b"=>", b"->", b">>"} and address.startswith(b">"):
        mail.answered = True
        # What was written stands in the log before the line that tells why.
        if mail.answer is not None and mail.answer.cause is Cause.DELAY:
            mail.answer.cause = Cause.AUTOMATIC
        return
    host = _EXIM_HOST.search(rest)
    here = b" H=" not in rest and b" T=" in rest and flag in {b"=>", b"->", b">>"}
    if here:
        for each in (_text(address), original):
            outgoing.delivered_here(each)
    if flag == b"==":
        mail.delayed = True
    if flag == b"**":
        said = _text(rest[:1500])
        status = _EXIM_STATUS.search(rest)
        forwarded = b" H=" in rest and _leads_elsewhere(outgoing, original, _text(address))
        mail.failed = cause_of(
            said.partition(": ")[2], _text(status[1]) if status else "", forwarded=forwarded
        )
    if mail.null and not here and b"@" in address:
        outcome = {b"=>": "sent", b"->": "sent", b">>": "sent", b"==": "waiting", b"**": "refused"}.get(flag)
        if outcome and (host or flag != b"**" or b" T=" in rest):
            outgoing.delivery(mail, _text(address), outcome)


def _text(data: bytes) -> str:
    return printable(decode_bytes(data), 1_000)

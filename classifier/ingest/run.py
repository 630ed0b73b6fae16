"""``ledger import``: any mixture of inputs into the ledger, as one stream."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass, field
from classifier.ingest.entries import is_ours, record_from_headers
from classifier.ingest.lists import read_list
from classifier.ingest.log_dates import LogClock
from classifier.ingest.log_lines import plain
from classifier.ingest.logs import read_logs
from classifier.ingest.mailfiles import mbox_headers, message_headers
from classifier.ingest.queues import Queues
from classifier.ingest.reach import LONG, LogReach, linked
from classifier.ingest.streams import READ_ERRORS, Format, detect, lines_of, opened
from classifier.parse.dates import parse_date
from classifier.parse.headers import HeaderBlock
from classifier.store import ledger_reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from classifier.identity import Identity
    from classifier.ingest.entries import LedgerRecord
    from classifier.store.ledger import SqliteLedger
    from classifier.store.ledger_reach import Span

_LOGS = {Format.POSTFIX, Format.EXIM, Format.SENDMAIL, Format.LOG}
_UNKNOWN = (
    "neither mail, Message-IDs nor a log of Postfix, Exim or Sendmail as they, syslog or journalctl, also with -o json, "
    "write it (others name no Message-ID); name it with --format"
)
#: Errors told in full; more are counted.
_MAX_ERRORS = 100


@dataclass
class ImportSummary:
    """What an import did, in messages.

    Attributes:
        read: messages (or list lines) seen.
        added: new in the ledger.
        merged: known, and more was learnt of them.
        known: known as they are.
        skipped: not ours, with a null sender, or without an identifier.
        ignored: files in folders that are neither mail, list nor an MTA's log.
        error_count: inputs that could not be read (to their end).
        errors: each of them in one line, ``where: what``.
        seconds: how long it took.
        covered: True where the ledger now counts as up to date.
        notes: what is missing of the logs, each in one line.

    """

    read: int = 0
    added: int = 0
    merged: int = 0
    known: int = 0
    skipped: int = 0
    ignored: int = 0
    error_count: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    covered: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.read / self.seconds if self.seconds > 0 else 0.0

    def fail(self, where: str, what: object) -> None:
        """Note that the input *where* could not be read."""
        self.error_count += 1
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append(" ".join(f"{where}: {what}".split()))


def import_paths(
    paths: Iterable[str],
    ledger: SqliteLedger,
    *,
    identity: Identity | None = None,
    fmt: str = Format.AUTO,
    now: datetime,
    covers_until: datetime | None = None,
    on_headers: Callable[[HeaderBlock], None] | None = None,
    stdin: BinaryIO | None = None,
) -> ImportSummary:
    """Import all of *paths*; one that cannot be read costs itself.

    The ledger then counts as holding everything up to *covers_until*, unless
    an input failed or nothing was read: of a log up to its last line, for one
    that was rotated tells of nothing since, and from its first on.

    Args:
        paths: files, folders (searched through), ``-`` for standard input.
        ledger: where to.
        identity: who is protected; None, or without domains: all is ours.
        fmt: one of :class:`~classifier.ingest.streams.Format`.
        now: the present moment, aware.
        covers_until: up to when the inputs hold all that was sent; None: see above.
        on_headers: called with the header section of each of our messages in mail files.
        stdin: what ``-`` stands for; default the process's standard input.

    Raises:
        TemporaryError: another process keeps the store locked.
        BackscatterError: the store cannot be written.

    """
    started = time.monotonic()
    summary = ImportSummary()
    run = _Run(summary, identity, Format(fmt), now, on_headers=on_headers, stdin=stdin)
    added = ledger.add_many(run.records(paths))
    summary.added, summary.merged, summary.known = added.added, added.merged, added.known
    if not summary.error_count:
        summary.covered = run.note_reach(ledger, covers_until)
    summary.seconds = time.monotonic() - started
    return summary


class _Run:
    """One import under way."""

    def __init__(
        self,
        summary: ImportSummary,
        identity: Identity | None,
        fmt: Format,
        now: datetime,
        *,
        on_headers: Callable[[HeaderBlock], None] | None,
        stdin: BinaryIO | None,
    ) -> None:
        self._summary = summary
        self._identity = identity
        self._format = fmt
        self._now = now
        self._on_headers = on_headers
        self._stdin = stdin
        # One for all logs of a run: a message may begin in one and end in the next.
        self._queues = Queues(identity)
        self._logs: dict[str, list[tuple[LogReach, list[Span]]]] = {}
        #: Arguments that held other than logs.
        self._others: dict[str, None] = {}
        #: When they were last sent that stand in mail files without a Message-ID.
        self._nameless: dict[str, datetime] = {}
        self._argument = ""
        #: The path of the file being read, its device and number.
        self._place: tuple[str, int, int] | None = None

    def note_reach(self, ledger: SqliteLedger, covers_until: datetime | None) -> bool:
        """Note in the *ledger* what time the inputs cover; say whether they cover any."""
        if covers_until is not None:
            ledger.mark_synced(covers_until)
            return True
        with ledger.database.transaction():
            for argument in self._others:
                name = LogReach.of(argument).name
                ledger.mark_synced(self._now, name, "import")
                if argument in self._nameless:
                    ledger_reach.note_hole(ledger.database, name, "import", self._nameless[argument])
        for program, when in self._queues.others.items():
            self._summary.notes.append(
                f"{program} sent mail, last at {when:%Y-%m-%d %H:%M} UTC, and logs no Message-ID: what the ledger lacks "
                "does not count for a week from then; let it send through a server whose log is imported"
            )
        covers = bool(self._others)
        for name, parts in self._logs.items():
            spans = linked(parts)
            if not spans:
                why = "its stamps name no year, and it is too old to tell"
                if not any(reach.stamped for reach, _ in parts):
                    why = "its lines name no day"
                self._summary.notes.append(f"{name}: {why}: the ledger does not count as complete by it")
                continue
            if not any(reach.tells for reach, _ in parts) and not ledger_reach.knows_log(
                ledger.database, name
            ):
                self._summary.notes.append(
                    f"{name}: it tells of no message yet, so the ledger does not count as complete by it "
                    "(Sendmail logs messages from LogLevel 5 on)"
                )
                continue
            covers = True
            reaches = [reach for reach, _ in parts]
            lost = [
                when
                for when in (
                    *(reach.hole for reach in reaches),
                    self._queues.lost,
                    *self._queues.others.values(),
                )
                if when
            ]
            lost = [when for when in lost if any(s.begin <= when <= s.end for s in spans)]
            source = ledger_reach.note_log(
                ledger.database,
                name,
                {host for reach in reaches for host in reach.hosts},
                spans,
                apart=min(LONG, max(reach.longest for reach in reaches)),
                hole=max(lost, default=None),
            )
            if source is not None and source.broken:
                self._summary.notes.append(
                    f"{source.name}: lines are missing before {source.since:%Y-%m-%d %H:%M} UTC, so what the ledger lacks "
                    "does not count for a week from then; where rotation took them away, import the files between, too"
                )
        return covers

    def records(self, paths: Iterable[str]) -> Iterator[LedgerRecord]:
        """Yield what is ours of all inputs, and count."""
        for path in paths:
            self._argument = path
            for record in self._input(path):
                yield from self._counted(record)
        for record in self._queues.drain():
            yield from self._counted(record)

    def _counted(self, record: LedgerRecord | None) -> Iterator[LedgerRecord]:
        self._summary.read += 1
        if record is None:
            self._summary.skipped += 1
            return
        yield record

    def _input(self, path: str) -> Iterator[LedgerRecord | None]:
        if path == "-":
            self._place = None
            yield from self._stream(self._stdin or sys.stdin.buffer, path, self._now)
            return
        if Path(path).is_dir():
            for file in self._walk(path):
                yield from self._file(file, found=True)
            return
        yield from self._file(path, found=False)

    def _walk(self, folder: str) -> Iterator[str]:
        """Yield the regular files below *folder*; of a Maildir not those still being delivered."""
        try:
            with os.scandir(folder) as entries:
                folders: list[str] = []
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file():
                        yield entry.path
        except OSError as error:
            self._summary.fail(folder, error.strerror or error)
            return
        maildir = any(Path(name).name == "cur" for name in folders)
        for name in sorted(folders):
            if not (maildir and Path(name).name == "tmp"):
                yield from self._walk(name)

    def _file(self, path: str, *, found: bool) -> Iterator[LedgerRecord | None]:
        try:
            with open(path, "rb") as stream:  # noqa: PTH123 - one of a million files; Path costs more than open
                status = os.fstat(stream.fileno())
                self._place = path, status.st_dev, status.st_ino
                reference = datetime.fromtimestamp(status.st_mtime, UTC)
                yield from self._stream(stream, path, min(reference, self._now), found=found)
        except OSError as error:
            self._summary.fail(path, error.strerror or error)

    def _stream(
        self, stream: BinaryIO, name: str, reference: datetime, *, found: bool = False
    ) -> Iterator[LedgerRecord | None]:
        try:
            sample, whole = opened(stream)
            if not sample:
                return
            fmt = detect(sample) if self._format is Format.AUTO else self._format
            if fmt is None and found:
                self._summary.ignored += 1
            elif fmt is None:
                self._summary.fail(name, _UNKNOWN)
            else:
                yield from self._read(fmt, lines_of(whole), reference, name, found=found)
        except READ_ERRORS as error:
            self._summary.fail(name, f"cannot be read to its end ({error})")

    def _read(
        self, fmt: Format, lines: Iterator[bytes], reference: datetime, name: str, *, found: bool
    ) -> Iterator[LedgerRecord | None]:
        if fmt in _LOGS:
            yield from self._log(fmt, lines, reference, name, found=found)
            return
        if fmt is Format.EML and not Path(self._argument).is_dir():
            # Of a thousand messages named one by one, the folder tells enough.
            self._argument = str(Path(self._argument).parent) if self._argument != "-" else "-"
        self._others[self._argument] = None
        if fmt is Format.IDS:
            yield from read_list(lines)
        elif fmt is Format.MBOX:
            for raw in mbox_headers(lines):
                yield self._message(raw)
        else:
            yield self._message(message_headers(lines))

    def _log(
        self, fmt: Format, lines: Iterator[bytes], reference: datetime, name: str, *, found: bool
    ) -> Iterator[LedgerRecord | None]:
        clock = LogClock(reference)
        reach = LogReach.of(name)
        reach.file = self._place
        before = self._queues.named
        yield from read_logs(reach.watched(map(plain, lines), clock), self._queues, clock)
        reach.tells = self._queues.named > before
        if (reach.of_an_mta and (reach.stamped or reach.tells)) or fmt is not Format.LOG:
            reach_of = self._logs.setdefault(reach.name, [])
            reach_of.append((reach, reach.spans(clock, reference, self._now)))
        elif found:
            self._summary.ignored += 1
        else:
            self._summary.fail(name, _UNKNOWN)

    def _message(self, raw: bytes) -> LedgerRecord | None:
        headers = HeaderBlock(raw)
        if not is_ours(headers, self._identity):
            return None
        if self._on_headers is not None:
            self._on_headers(headers)
        record = record_from_headers(headers)
        if record is None:  # a copy kept before a server gave it its Message-ID
            when = min(parse_date(headers.get("date")) or self._now, self._now)
            self._nameless[self._argument] = max(self._nameless.get(self._argument, when), when)
        return record

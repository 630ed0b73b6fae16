"""What was found, for people: two lines a message on a terminal, one line elsewhere, a sum at the end."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from classifier.present.text import printable, probability
from classifier.vocabulary import Action, Verdict

if TYPE_CHECKING:
    from classifier.examine import Examination
    from classifier.sources import SourcedMessage

_COLOURS = {
    Verdict.FORGED: "bold red",
    Verdict.GENUINE: "green",
    Verdict.UNSURE: "yellow",
    Verdict.NOT_A_REPORT: "dim",
}


@dataclass(frozen=True)
class Row:
    """What is shown of one judged message, all of it printable.

    Attributes:
        verdict: the answer.
        cells: verdict, kind, probability and subject as shown.
        source: where the message lies.
        reason: the main reason, or "".
        details: label and text of everything that was found; none of ordinary mail.

    """

    verdict: Verdict
    cells: tuple[str, str, str, str]
    source: str
    reason: str
    details: tuple[tuple[str, str], ...]


def row(source: str, examination: Examination) -> Row:
    """Return what is shown of one judged message."""
    report, judgement = examination.report, examination.judgement
    ordinary = judgement.verdict is Verdict.NOT_A_REPORT
    kept = judgement.verdict is Verdict.FORGED and judgement.action is not Action.QUARANTINE
    return Row(
        judgement.verdict,
        (
            f"{judgement.verdict}{' (kept)' if kept else ''}",
            report.kind.value,
            probability(judgement.probability),
            printable(report.headers.text("subject")) or "(no subject)",
        ),
        printable(source),
        "" if ordinary else printable("".join(judgement.reasons[:1])),
        () if ordinary else tuple((label, printable(text, 2_000)) for label, text in _details(examination)),
    )


def as_row(message: SourcedMessage, found: Examination) -> Row:
    """Keep what the table shows of a judged message."""
    return row(message.source, found)


class Table:
    """Prints each message as it is judged.

    Attributes:
        counts: messages by verdict.

    """

    def __init__(self, out: TextIO | None = None, *, verbose: bool = False) -> None:
        """Print to *out* (default standard output); *verbose*: with all evidence."""
        self._out = out or sys.stdout
        self._verbose = verbose
        self._started = False
        self._console: Any = None
        self.counts: Counter[Verdict] = Counter()
        if self._out.isatty():
            from rich.console import Console  # noqa: PLC0415 - 0.1 s that scripts need not pay

            self._console = Console(file=self._out, highlight=False, markup=False, emoji=False)

    def message(self, source: str, examination: Examination) -> None:
        """Print one judged message."""
        self.show(row(source, examination))

    def show(self, row: Row) -> None:
        """Print the row of one judged message."""
        self.counts[row.verdict] += 1
        if not self._started:
            self._started = True
            self._row(("VERDICT", "KIND", "FORGED", "SUBJECT"), "SOURCE", "", "bold")
        self._row(row.cells, row.source, row.reason, _COLOURS[row.verdict])
        if self._verbose and row.details:
            for label, text in row.details:
                self._line(f"    {label:<12}{text}")
            self._line("")

    def _row(self, cells: tuple[str, str, str, str], source: str, reason: str, style: str) -> None:
        verdict, kind, forged, subject = cells
        start = f"{verdict:<15}{kind:<16}{forged:>8}  "
        if self._console is None:
            self._line(f"{start}{source}  {subject}" + (f"  | {reason}" if reason else ""))
            return
        from rich.text import Text  # noqa: PLC0415 - see above

        row = Text(start, style=style)
        row.append(f"{subject}  ", style="none" if style != "bold" else style)
        row.append(source, style="dim")
        for text in (row, Text(f"{'':15}{reason}", style="dim")) if reason else (row,):
            # A long row ends at the edge: -v shows all of it.
            self._console.print(text, no_wrap=True, overflow="ellipsis", crop=True)

    def _line(self, text: str) -> None:
        if self._console is None:
            self._out.write(text + "\n")
            self._out.flush()
        else:
            self._console.print(text, soft_wrap=False)

    def summary(self, errors: int = 0) -> None:
        """Print the sums."""
        self._line(("\n" if self._started else "") + summary_line(self.counts, errors))


def summary_line(counts: Counter[Verdict], errors: int = 0) -> str:
    """Return the sums in one line."""
    total = counts.total()
    reports = total - counts[Verdict.NOT_A_REPORT]
    line = (
        f"{counted(total, 'message')}, {counted(reports, 'report')}: {counts[Verdict.FORGED]:,} forged, "
        f"{counts[Verdict.GENUINE]:,} genuine, {counts[Verdict.UNSURE]:,} unsure"
    )
    return line + (f"; {errors:,} could not be judged" if errors else "")


def counted(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _details(examination: Examination) -> list[tuple[str, str]]:
    """Return label and text of everything that was found, for -v."""
    report, original = examination.report, examination.report.original
    rows = [
        ("reported by", f"{report.reporting_mta or 'unknown host'} ({report.format or 'no known format'})")
    ]
    for recipient in report.recipients[:10]:
        told = (recipient.action, recipient.status, recipient.remote_mta, recipient.diagnostic_code)
        rows.append(("recipient", " ".join(filter(None, (recipient.final_recipient or "unknown", *told)))))
    if len(report.recipients) > 10:
        rows.append(("", f"and {len(report.recipients) - 10} more"))
    date = original.date.isoformat(" ", "minutes") if original.date else "no date"
    told_by = f"{original.completeness}; from {original.from_address or 'unknown'}, {date}"
    named = f"{original.message_id or 'no Message-ID'}: {original.subject or '(no subject)'}"
    rows.append(("original", f"{told_by}, {named}"))
    rows += [("because", reason) for reason in examination.judgement.reasons]
    rows += [
        ("evidence", f"{e.name}: {e.detail} ({e.strength}, {e.points_to})"
         if e.points_to != "neither" else f"{e.name}: {e.detail}")
        for e in examination.evidence
    ]  # fmt: skip
    if examination.opinion is not None:
        rows += [
            ("model", f"{words}: {added:+.2f} ({name})")
            for name, words, added in examination.opinion.telling(0.005)
        ]
    rows += [("note", note) for note in report.notes]
    return rows

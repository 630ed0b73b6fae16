"""``backscatter evaluate``: how good is the judge on labelled mail?"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.dataclass import dataclass, field
from classifier.present.figures import (
    Share,
    area_under_roc,
    calibration_error,
    needed_for_promise,
    shown_loss,
)
from classifier.present.progress import Progress
from classifier.present.text import printable
from classifier.runtime import Runtime, StoreUse
from classifier.settings import MAX_GENUINE_LOSS
from classifier.sources import messages
from classifier.vocabulary import NOT_REPORTS, Action, Verdict

if TYPE_CHECKING:
    from classifier.examine import Examination

GENUINE, FORGED = "genuine", "forged"
#: So many mistakes are named.
_WORST = 10


@dataclass
class Tally:
    """What came out for one label.

    Attributes:
        verdicts: how often each.
        quarantined: how many would be moved.
        probabilities: of forged, where something told.
        by: verdicts by (what, value): the kind, the format, how much came back.
        wrong: (probability, source, main reason) of those on the wrong side.
        seen: digests of the messages.

    """

    verdicts: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    probabilities: list[float] = field(default_factory=list)
    by: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    wrong: list[tuple[float, str, str]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    @property
    def reports(self) -> int:
        """How many were judged as reports."""
        return sum(self.verdicts.values()) - self.verdicts[Verdict.NOT_A_REPORT]


@click.command(name="evaluate")
@click.option("--genuine", multiple=True, metavar="PATH", help="Reports about mail that was really sent.")
@click.option("--forged", multiple=True, metavar="PATH", help="Reports about mail that was not.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.pass_obj
def command(app: App, genuine: tuple[str, ...], forged: tuple[str, ...], as_json: bool) -> int:
    """Judge labelled mail and say how often that is right.

    PATHs are .eml files, mboxes, Maildirs and folders. Nothing is learnt and
    nothing is moved. Exit status 1: some messages could not be read, were
    given twice or with both labels.
    """
    if not genuine and not forged:
        raise click.UsageError("name mail with --genuine, --forged or both")
    tallies = {GENUINE: Tally(), FORGED: Tally()}
    problems = 0
    with Runtime(app.config, StoreUse.READ) as runtime, Progress("messages judged") as progress:
        for label, paths in ((GENUINE, genuine), (FORGED, forged)):
            for message in messages(paths):
                progress.advance()
                if message.raw is None:
                    problems += 1
                    say(f"{message.source}: {message.error}")
                    continue
                digest = hashlib.sha256(message.raw).digest()
                if any(digest in tally.seen for tally in tallies.values()):
                    problems += 1
                    other = next(name for name, tally in tallies.items() if digest in tally.seen)
                    say(f"{message.source}: given before as {other}; not counted")
                    continue
                tallies[label].seen.add(digest)
                count(tallies[label], label, message.source, runtime.examine(message.raw, message.envelope))
        limit = MAX_GENUINE_LOSS if app.config is None else app.config.policy.max_genuine_loss
        for note in dict.fromkeys(runtime.notes):
            say(note)
    found = figures(tallies[GENUINE], tallies[FORGED], limit)
    sys.stdout.write(json.dumps(found) + "\n" if as_json else text(found, tallies))
    return 1 if problems else 0


def count(tally: Tally, label: str, source: str, found: Examination) -> None:
    """Add one judged message to a tally."""
    judgement = found.judgement
    tally.verdicts[judgement.verdict] += 1
    if found.report.kind in NOT_REPORTS:
        return
    tally.quarantined += judgement.action is Action.QUARANTINE
    if judgement.probability is not None:
        tally.probabilities.append(judgement.probability)
    for what, value in (
        ("kind", found.report.kind.value),
        ("format", found.report.format or "generic"),
        ("original", found.report.original.completeness.value),
    ):
        tally.by[what, value, judgement.verdict] += 1
    against = Verdict.FORGED if label == GENUINE else Verdict.GENUINE
    if judgement.verdict is against:
        tally.wrong.append((judgement.probability or 0.0, source, next(iter(judgement.reasons), "")))


def figures(genuine: Tally, forged: Tally, limit: float) -> dict[str, object]:
    """Return all figures for JSON; shares with 95 % intervals.

    ``promise`` says what the genuine reports show of the loss: at most
    ``shown`` of such reports, at 95 % confidence.
    """
    by: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for label, tally in ((GENUINE, genuine), (FORGED, forged)):
        for (what, value, verdict), number in sorted(tally.by.items()):
            by.setdefault(what, {}).setdefault(value, {}).setdefault(label, {})[verdict] = number
    return {
        "genuine": {"messages": len(genuine.seen), "verdicts": dict(genuine.verdicts)},
        "forged": {"messages": len(forged.seen), "verdicts": dict(forged.verdicts)},
        "genuine_quarantined": Share(genuine.quarantined, genuine.reports).as_dict(),
        "forged_quarantined": Share(forged.quarantined, forged.reports).as_dict(),
        "area_under_roc": area_under_roc(genuine.probabilities, forged.probabilities),
        "calibration_error": calibration_error(genuine.probabilities, forged.probabilities),
        "promise": {
            "max_genuine_loss": limit,
            "shown": shown_loss(genuine.quarantined, genuine.reports),
            "confidence": 0.95,
            "needed": needed_for_promise(limit),
        },
        "by": by,
        "worst": [
            {"label": label, "source": source, "probability": probability, "reason": reason}
            for label, tally in ((GENUINE, genuine), (FORGED, forged))
            for probability, source, reason in sorted(tally.wrong, reverse=label == GENUINE)[:_WORST]
        ],
    }


def text(found: dict[str, object], tallies: dict[str, Tally]) -> str:
    """Write the figures for people."""
    order = (Verdict.FORGED, Verdict.UNSURE, Verdict.GENUINE, Verdict.NOT_A_REPORT)
    lines = [f"{'':10}" + "".join(f"{verdict.value:>14}" for verdict in order)]
    for label, tally in tallies.items():
        lines.append(f"{label:10}" + "".join(f"{tally.verdicts[verdict]:>14,}" for verdict in order))
    genuine, forged = tallies[GENUINE], tallies[FORGED]
    lines += ["", "with 95 % intervals:"]
    lines.append(f"  genuine reports quarantined  {Share(genuine.quarantined, genuine.reports)}")
    lines.append(f"  forged reports quarantined   {Share(forged.quarantined, forged.reports)}")
    for name, key in (
        ("area under the ROC curve", "area_under_roc"),
        ("calibration error", "calibration_error"),
    ):
        value = found[key]
        lines.append(
            f"  {name:28} {value:.4f}" if isinstance(value, float) else f"  {name:28} needs both labels"
        )
    promise = found["promise"]
    if isinstance(promise, dict):
        limit, shown, needed = promise["max_genuine_loss"], promise["shown"], promise["needed"]
        lines.append("")
        if not genuine.reports:
            lines.append("Without genuine reports nothing is known of their loss.")
        elif shown <= limit:
            lines.append(
                f"At 95 % confidence at most {shown:.3%} of genuine reports like these are quarantined."
            )
        else:
            lines.append(
                f"These {genuine.reports:,} genuine reports show a loss of at most {shown:.2%}, at 95 % confidence; "
                f"{limit:.2%} takes {needed:,} with none lost."
            )
    worst = found["worst"]
    if isinstance(worst, list) and worst:
        lines += ["", "on the wrong side:"]
        lines += [
            printable(f"  {w['label']:8} {w['probability']:.4f}  {w['source']}: {w['reason']}", 300)
            for w in worst
        ]
    return "\n".join(lines) + "\n"

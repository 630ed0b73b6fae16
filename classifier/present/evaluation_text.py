"""The figures of an evaluation for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from classifier.present.text import printable
from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from classifier.present.evaluation import Evaluation

#: In the order of the confusion table.
VERDICTS = (Verdict.FORGED, Verdict.UNSURE, Verdict.GENUINE, Verdict.NOT_A_REPORT)
_WIDTH = 100


def text(found: Evaluation) -> str:
    """Write the figures for people."""
    lines = [f"{'':10}" + "".join(f"{verdict.value:>14}" for verdict in VERDICTS)]
    lines += [
        f"{tally.label:10}" + "".join(f"{tally.verdicts[verdict]:>14,}" for verdict in VERDICTS)
        for tally in (found.genuine, found.forged)
    ]
    lines += ["", "with 95 % intervals:"]
    lines += [f"  {name:28} {share}" for name, share in found.shares]
    lines += [f"  {name:28} {estimate or 'needs both labels'}" for name, estimate in found.estimates]
    lines.append("")
    for paragraph in str(found.promise).splitlines():
        lines += textwrap.wrap(printable(paragraph, 1000), _WIDTH)
    if found.ranking is not None:
        lines += [
            "",
            "reliability, both labels weighing the same:",
            f"  {'probability':13}{'reports':>9}{'said':>8}   is forged",
        ]
        for part in found.ranking.reliability:
            if part.said is not None:
                lines.append(
                    f"  {part.begin:.1f} to {part.end:.1f}   {part.genuine + part.forged:>9,}{part.said:>8.3f}   {part.found}"
                )
    lines += _parts(found)
    worst = found.worst
    if worst:
        lines += ["", "on the wrong side:"]
        lines += [
            printable(f"  {w['label']:8} {w['probability']:.4f}  {w['source']}: {w['reason']}", 300)
            for w in worst
        ]
    return "\n".join(lines) + "\n"


def _parts(found: Evaluation) -> list[str]:
    lines, last = [], ""
    for what, value, genuine, forged in found.parts:
        if what != last:
            lines += ["", f"{f'by {what}, quarantined:':26}{'of genuine':>16}{'of forged':>19}"]
            last = what
        shown = [f"{share.count:,} of {share.of:,}" if share.of else "none" for share in (genuine, forged)]
        rate = f"  ({forged.value:.1%})" if forged.value is not None else ""
        lines.append(f"  {printable(value, 24):24}{shown[0]:>16}{shown[1]:>19}{rate}")
    return lines

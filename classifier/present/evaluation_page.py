"""An evaluation as a page with plots."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from classifier.present.charts import curve
from classifier.present.evaluation_text import VERDICTS
from classifier.present.html import drawn, rendered

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from classifier.present.evaluation import Evaluation
    from classifier.present.ranking import Ranking

_DIAGONAL = ((0.0, 0.0), (1.0, 1.0))


def page(found: Evaluation, made: datetime) -> str:
    """Return the page.

    Args:
        found: the figures.
        made: when, aware.

    """
    return rendered(
        "evaluation.html.j2",
        made,
        e=found,
        verdicts=VERDICTS,
        figures=[*found.shares, *found.estimates],
        promise=str(found.promise).splitlines(),
        plots=_plots(found.ranking) if found.ranking is not None else [],
        bins=found.ranking.reliability if found.ranking is not None else [],
        parts=[(what, list(rows)) for what, rows in groupby(found.parts, key=lambda row: row[0])],
    )


def _plots(found: Ranking) -> list[tuple[str, Markup]]:
    reliability = [
        (b.said, b.found.value) for b in found.reliability if b.said is not None and b.found is not None
    ]
    return [
        (
            f"ROC; area {found.roc}",
            drawn(
                curve(
                    [(0.0, 0.0), *found.roc_curve],
                    ("ROC curve", "share of genuine"),
                    "share of forged",
                    _DIAGONAL,
                )
            ),
        ),
        (
            f"Precision and recall; area {found.precision_recall}",
            drawn(
                curve(
                    found.precision_recall_curve,
                    ("Curve of precision over recall", "recall"),
                    "precision",
                    ((0.0, 0.5), (1.0, 0.5)),
                )
            ),
        ),
        (
            f"Reliability; expected calibration error {found.calibration}",
            drawn(curve(reliability, ("Reliability diagram", "probability said"), "share forged", _DIAGONAL)),
        ),
    ]

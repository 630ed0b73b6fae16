"""From an examination to the values of the result headers."""

from __future__ import annotations

from classifier.deliver.result_headers import MAX_DETAIL, NONE, UNKNOWN, plain
from classifier.vocabulary import PointsTo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.base import Evidence
    from classifier.examine import Examination

#: More pieces of evidence than these are not named.
MAX_EVIDENCE = 12


def header_values(examination: Examination) -> tuple[str, str, str, str]:
    """Return the values of the result headers, in the order of their names."""
    judgement = examination.judgement
    return (
        judgement.verdict.value,
        UNKNOWN if judgement.probability is None else f"{judgement.probability:.4f}",
        examination.report.kind.value,
        evidence_text(examination.evidence) or NONE,
    )


def evidence_text(evidence: tuple[Evidence, ...]) -> str:
    """Return ``name=points-to/strength (detail)`` of each piece; what points somewhere comes first."""
    telling = sorted(evidence, key=lambda e: e.points_to is PointsTo.NEITHER)
    return ", ".join(
        f"{e.name}={e.points_to.value}/{e.strength.value} ({plain(e.detail, MAX_DETAIL)})"
        for e in telling[:MAX_EVIDENCE]
    )

"""One message as one line of JSON: the public form that scripts rely on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.evidence.base import Evidence
    from classifier.examine import Examination
    from classifier.parse.report import Original, Report, ReportedRecipient
    from classifier.sources import SourcedMessage


def record(source: str, examination: Examination) -> dict[str, Any]:
    """Return the public object about one judged message."""
    report, judgement = examination.report, examination.judgement
    return {
        "source": source,
        "kind": report.kind,
        "verdict": judgement.verdict,
        "probability": None if judgement.probability is None else round(judgement.probability, 6),
        "action": judgement.action,
        "report": _report(report),
        "original": _original(report.original),
        "evidence": [_evidence(e) for e in examination.evidence],
        "reasons": judgement.reasons,
        "account_misuse": judgement.account_misuse,
        "model": judgement.model,
        "model_added": None
        if examination.opinion is None
        else {name: round(added, 4) for name, _, added in examination.opinion.telling(0.005)},
    }


def as_line(message: SourcedMessage, found: Examination) -> str:
    """Keep the JSON of a judged message."""
    return line(record(message.source, found))


def failure(source: str, reason: str) -> dict[str, Any]:
    """Return the public object about a message that could not be judged."""
    return {"source": source, "error": reason}


def line(value: dict[str, Any]) -> str:
    r"""Return *value* as one line without its end: ASCII, so that no tool takes U+2028 for a line end.

    Half a surrogate pair (a file name that is no text, a broken encoding)
    becomes ``?``: strict readers refuse it.
    """
    text = json.dumps(value)
    if "\\ud" in text:
        text = json.dumps(_whole(value))
    return text


def _whole(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()


def _report(report: Report) -> dict[str, Any]:
    return {
        "format": report.format or None,
        "reporting_mta": report.reporting_mta,
        "arrival_date": _moment(report.arrival_date),
        "recipients": [_recipient(r) for r in report.recipients],
    }


def _recipient(recipient: ReportedRecipient) -> dict[str, Any]:
    return {
        "final_recipient": recipient.final_recipient,
        "original_recipient": recipient.original_recipient,
        "action": recipient.action,
        "status": recipient.status,
        "remote_mta": recipient.remote_mta,
        "diagnostic_code": recipient.diagnostic_code,
    }


def _original(original: Original) -> dict[str, Any]:
    return {
        "completeness": original.completeness,
        "from": original.from_address,
        "to": original.to,
        "subject": original.subject,
        "date": _moment(original.date),
        "message_id": original.message_id,
        "return_path": original.return_path,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "name": evidence.name,
        "points_to": evidence.points_to,
        "strength": evidence.strength,
        "detail": evidence.detail,
    }

"""What happened, as one JSON object for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.present.answers import answers
from classifier.present.attack import SHOWN, least_certain, likeliest, newest

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.present.attack import Attack, Series


def as_dict(attack: Attack) -> dict[str, Any]:
    """Return it; moments as ISO 8601 in UTC, lists bounded, most important first."""
    step, series = attack.series()
    peak = attack.peak()
    return {
        "messages": attack.messages,
        "reports": attack.reports,
        "errors": attack.errors,
        "verdicts": dict(attack.verdicts),
        "kinds": dict(attack.kinds),
        "quarantined": attack.quarantined,
        "answers": [{"question": question, "answer": answer} for question, answer in answers(attack)],
        "course": attack.course(),
        "peak": None if peak is None else {"hour": peak[0].isoformat(), "reports": peak[1]},
        "step_seconds": int(step.total_seconds()),
        "series": _series(series),
        "around_peak": _series(attack.around_peak()),
        "undated": attack.undated,
        "account_misuse": attack.misuse,
        "undelivered_count": attack.undelivered_count,
        "undelivered": [{**vars(u), "when": _moment(u.when)} for u in newest(attack.undelivered.values())],
        "answered": attack.answered,
        "campaigns": [
            {
                "subject": c.subject,
                "reports": c.reports,
                "first": _moment(c.first),
                "last": _moment(c.last),
                "sample": c.sample,
            }
            for c in attack.top_campaigns()
        ],
        "abused": [
            {"address": a, "reports": n, "sends": attack.sends(a), "standing": attack.standing(a)}
            for a, n in attack.abused.most_common(SHOWN)
        ],
        "operators": [
            {
                "operator": o.name,
                "reports": o.reports,
                "stages": dict(o.stages),
                "networks": [{"network": name, "reports": n} for name, n in o.networks.most_common()],
            }
            for o in attack.top_operators()
        ],
        "stages": dict(attack.stages),
        "decided": dict(attack.decided),
        "models": dict(attack.models),
        "evidence": [
            {"name": name, "points_to": points_to, "reports": n}
            for (name, points_to), n in attack.evidence.most_common()
        ],
        "least_certain": [{**vars(d), "when": _moment(d.when)} for d in least_certain(attack.nearly_kept)],
        "doubtful": [{**vars(d), "when": _moment(d.when)} for d in likeliest(attack.doubtful.values())],
    }


def _series(series: Series) -> list[dict[str, Any]]:
    return [{"begin": begin.isoformat(), **counts} for begin, counts in series]


def _moment(when: datetime | None) -> str | None:
    return when.isoformat() if when else None

"""The report as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.present.answers import answers
from classifier.present.attack import Attack, least_certain, likeliest, newest, stage_words
from classifier.present.attack_text import decided
from classifier.present.charts import beside_each_other, over_time
from classifier.present.html import drawn, rendered

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from classifier.present.attack import Operator

#: Rows of a table that is shown whole on a page, and of one that only illustrates.
_ROWS, _FEW = 50, 20
_NETWORKS = 3


def page(attack: Attack, made: datetime, domains: str) -> str:
    """Return the page.

    Args:
        attack: what happened.
        made: when, aware.
        domains: who is protected, for the heading.

    """
    step, series = attack.series()
    around = attack.around_peak()
    why = decided(attack)
    return rendered(
        "report.html.j2",
        made,
        a=attack,
        answers=answers(attack),
        domains=domains,
        undelivered=newest(attack.undelivered.values())[:_ROWS],
        # The charts' words are ours alone: dates and numbers.
        chart=drawn(over_time(series, step, "Bars: reports over time, by verdict")) if series else "",
        peak_chart=drawn(over_time(around, _hour(around), "Bars: reports an hour around the peak"))
        if around
        else "",
        why_chart=drawn(beside_each_other(why, "Bars: what decided")) if why else "",
        series=[row for row in series if row[1]],
        around=[row for row in around if row[1]],
        step=_step(step),
        campaigns=attack.top_campaigns()[:_ROWS],
        abused=[
            {"address": address, "reports": n, "standing": attack.standing(address)}
            for address, n in attack.abused.most_common(_ROWS)
        ],
        operators=[
            _operator(operator, ours=attack.is_ours(operator.name))
            for operator in attack.top_operators()[:_ROWS]
        ],
        stages=stage_words(attack.stages),
        why=why,
        evidence=attack.evidence.most_common(_FEW),
        least_certain=least_certain(attack.nearly_kept)[:_FEW],
        doubtful=likeliest(attack.doubtful.values())[:_ROWS],
    )


def _operator(operator: Operator, *, ours: bool) -> dict[str, Any]:
    session, accepted, unknown = stage_words(operator.stages)
    return {
        "name": operator.name,
        "ours": ours,
        "reports": operator.reports,
        "networks": [network for network, _ in operator.networks.most_common(_NETWORKS)],
        "more": max(0, len(operator.networks) - _NETWORKS),
        "session": session,
        "accepted": accepted,
        "unknown": unknown,
    }


def _hour(series: list[tuple[datetime, dict[str, int]]]) -> timedelta:
    return series[1][0] - series[0][0]


def _step(step: timedelta) -> str:
    hours = int(step.total_seconds() // 3600)
    days, rest = divmod(hours, 24)
    if days and not rest:
        return "one day" if days == 1 else f"{days} days"
    return "one hour" if hours == 1 else f"{hours} hours"

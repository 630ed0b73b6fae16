"""The report as one self-contained HTML page: no script, no link, nothing loaded; every value escaped."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classifier.present.attack import SHOWN, Attack, likeliest, newest

if TYPE_CHECKING:
    from datetime import datetime, timedelta

_DISTRIBUTION = "backscatter-quarantine"
#: In the order in which they are stacked, with colours that both themes and the colour-blind can tell apart.
_SERIES = (("forged", "#c9372c"), ("unsure", "#b88600"), ("genuine", "#2f855a"))
#: Rows of a table that is shown whole on a page.
_ROWS = 50


def page(attack: Attack, made: datetime, domains: str) -> str:
    """Return the page.

    Args:
        attack: what happened.
        made: when, aware.
        domains: who is protected, for the heading.

    """
    environment = Environment(
        loader=PackageLoader("classifier.present", "templates"), autoescape=True, undefined=StrictUndefined
    )
    step, series = attack.series()
    return environment.get_template(
        "report.html.j2"
    ).render(
        a=attack,
        made=f"{made:%Y-%m-%d %H:%M} UTC",
        version=_version(),
        domains=domains,
        undelivered=newest(attack.undelivered)[:_ROWS],
        chart=Markup(chart(series)) if series else "",  # noqa: S704 - numbers and dates alone
        series=series,
        step=_step(step),
        campaigns=attack.top_campaigns()[:_ROWS],
        abused=attack.abused.most_common(_ROWS),
        operators=attack.operators.most_common(_ROWS),
        decided=attack.decided.most_common(),
        doubtful=likeliest(attack.doubtful)[: min(_ROWS, SHOWN)],
    )


def chart(series: list[tuple[datetime, dict[str, int]]]) -> str:
    """Draw reports over time as stacked bars: SVG without script or links."""
    import pygal  # noqa: PLC0415 - half a second
    from pygal.style import Style  # noqa: PLC0415 - likewise

    style = Style(
        background="transparent", plot_background="transparent", foreground="#7d8590", foreground_strong="#7d8590",
        foreground_subtle="#7d8590", colors=tuple(colour for _, colour in _SERIES), font_family="sans-serif",
        opacity="1", opacity_hover="1", transition="0s",
    )  # fmt: skip
    bars = pygal.StackedBar(
        style=style, js=[], css=["file://style.css", "file://graph.css", "file://base.css"], width=900, height=320,
        legend_at_bottom=True, show_minor_x_labels=False, x_label_rotation=30, disable_xml_declaration=True,
        pretty_print=False, include_x_axis=True, print_values=False, no_prefix=True, margin=10,
    )  # fmt: skip
    labels = [f"{begin:%m-%d %H:%M}" for begin, _ in series]
    bars.x_labels = labels
    bars.x_labels_major = labels[:: max(1, len(labels) // 12)]
    for name, _ in _SERIES:
        bars.add(name, [counts.get(name, 0) for _, counts in series])
    drawn: str = bars.render(is_unicode=True)
    # The page has no script; pygal writes an empty configuration all the same.
    return re.sub(r"<script\b.*?</script>", "", drawn, flags=re.DOTALL)


def _step(step: timedelta) -> str:
    hours = int(step.total_seconds() // 3600)
    days, rest = divmod(hours, 24)
    if days and not rest:
        return "one day" if days == 1 else f"{days} days"
    return "one hour" if hours == 1 else f"{hours} hours"


def _version() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return ""

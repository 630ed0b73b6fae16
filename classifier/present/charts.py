"""Charts as SVG, drawn by pygal: no script, no link, no style of their own; the page's colours apply.

Each is drawn twice, for a wide page and for a phone, so that its words stay
legible; the page shows one of them. Bars stand for numbers that the page also
gives as a table; each has a ``<title>``, which browsers show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from xml.etree.ElementTree import Element

    from classifier.present.attack import Series
    from classifier.present.ranking import Points

#: In the order in which they are stacked.
SERIES = (Verdict.FORGED.value, Verdict.UNSURE.value, Verdict.GENUINE.value)
_DAY_SECONDS = 86_400
#: (class on the page, width, height, labels below)
_SIZES = (("wide", 960, 300, 9), ("narrow", 380, 260, 3))
#: As in report.css; pygal leaves room by it.
_FONT_SIZE = 12
_BASE = {
    "js": (), "css": (), "show_legend": False, "disable_xml_declaration": True, "no_prefix": True, "margin": 4,
    "margin_top": 12, "margin_left": 24, "margin_right": 28, "show_minor_x_labels": False, "truncate_label": -1,
}  # fmt: skip


def over_time(series: Series, step: timedelta, label: str) -> str:
    """Draw reports over time as stacked bars, for wide and for narrow pages.

    Args:
        series: equal steps, with counts by verdict.
        step: how long each is.
        label: what the chart is called where it cannot be seen.

    """
    import pygal  # noqa: PLC0415 - half a second

    years = bool(series) and series[0][0].year != series[-1][0].year
    most = max((sum(counts.values()) for _, counts in series), default=0)
    drawn = []
    for name, width, height, labels in _SIZES:
        bars = pygal.StackedBar(
            **_BASE, style=_style(), width=width, height=height, include_x_axis=True, spacing=2, max_scale=6, min_scale=2,
            x_labels_major_every=max(1, -(-len(series) // labels)), formatter=_number,
        )  # fmt: skip
        bars.x_labels = [_moment(begin, step, years=years) for begin, _ in series]
        if most < 6:
            bars.y_labels = list(range(most + 2))  # a half report is none
        for verdict in SERIES:
            bars.add(verdict, [counts.get(verdict, 0) or None for _, counts in series])
        drawn.append(_bare(bars, label, name, [f"bars {verdict}" for verdict in SERIES]))
    return "".join(drawn)


def beside_each_other(rows: Sequence[tuple[int, str]], label: str) -> str:
    """Draw numbers as horizontal bars, the first on top.

    Args:
        rows: numbers with our own words; nothing from a message.
        label: as for :func:`over_time`.

    """
    import pygal  # noqa: PLC0415 - half a second

    drawn = []
    for name, width, _, _ in _SIZES:
        bars = pygal.HorizontalBar(
            **_BASE | {"show_minor_x_labels": True}, style=_style(), width=width, height=40 + 34 * len(rows),
            include_x_axis=True, max_scale=4, min_scale=1, formatter=_number, order_min=0,
        )  # fmt: skip
        bars.x_labels = [words for _, words in reversed(rows)]
        bars.add("reports", [number for number, _ in reversed(rows)])
        drawn.append(_bare(bars, label, name, ["bars plain"]))
    return "".join(drawn)


def curve(points: Points, across: tuple[str, str], up: str, chance: Points) -> str:
    """Draw a curve within the unit square, beside one to compare it with.

    Args:
        points: of the curve, in order.
        across: what the chart is called where it cannot be seen, and what its horizontal axis shows.
        up: what its vertical axis shows.
        chance: the points of the line to compare it with.

    """
    import pygal  # noqa: PLC0415 - half a second

    marks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    label, below = across
    plot = pygal.XY(
        **_BASE | {"show_minor_x_labels": True}, style=_style(), width=360, height=340, show_dots=False, range=(0, 1),
        xrange=(0, 1), x_title=below, y_title=up,
    )  # fmt: skip
    plot.x_labels = plot.y_labels = marks
    plot.add("chance", list(chance))
    plot.add("curve", list(points))
    return _bare(plot, label, "plot", ["chance", "curve"])


def _style() -> Any:  # noqa: ANN401 - pygal has no types
    from pygal.style import Style  # noqa: PLC0415 - with pygal

    return Style(label_font_size=_FONT_SIZE, major_label_font_size=_FONT_SIZE)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _moment(begin: datetime, step: timedelta, *, years: bool) -> str:
    if step.total_seconds() < _DAY_SECONDS:
        return f"{begin:%d %b %H:%M}"
    return f"{begin:%d %b %Y}" if years else f"{begin:%d %b}"


def _bare(chart: Any, label: str, name: str, classes: Sequence[str]) -> str:  # noqa: ANN401 - pygal has no types
    """Take out what pygal writes besides the drawing, and turn its notes for scripts into titles."""
    from pygal.etree import etree  # noqa: PLC0415 - lxml's where that is installed

    svg: Element = chart.render_tree()
    for parent in list(svg.iter()):
        for child in list(parent):
            kind, told = child.tag, child.get("class") or ""
            if (
                not isinstance(kind, str)
                or kind in {"defs", "script"}
                or "overlay" in told
                or told == "background"
            ) or (kind == "title" and parent is svg):
                parent.remove(child)
            elif told == "bar":
                _entitle(child, parent)
    for group, given in zip(svg.iterfind(".//g[@class='bars']"), classes, strict=False):
        group.set("class", given)
    for line, given in zip(svg.iterfind(".//path[@class='line reactive nofill']"), classes, strict=False):
        line.set("class", given)
    svg.set("role", "img")
    svg.set("aria-label", label)
    svg.set("class", name)
    svg.attrib.pop("id", None)
    written: bytes = etree.tostring(svg)
    return written.decode("ascii")  # by its default, ElementTree writes references for all else


def _entitle(bar: Element, parent: Element) -> None:
    """Keep of a bar its shape and what it stands for; a bar of nothing goes."""
    notes = {note.get("class"): note for note in bar if note.tag == "desc"}
    told = {name: note.text or "" for name, note in notes.items()}
    if told.get("value", "") in {"", "0"}:
        parent.remove(bar)
        return
    for note in notes.values():
        bar.remove(note)
    title = bar.makeelement("title", {})
    title.text = f"{told['x_label']}: {told['value']}" if "x_label" in told else told["value"]
    bar.insert(0, title)
    for shape in bar.iter("rect"):
        shape.set("class", "bar-shape")

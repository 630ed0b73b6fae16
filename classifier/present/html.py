"""Self-contained HTML pages: no script, no link, nothing loaded; every value escaped."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classifier.present.text import printable

if TYPE_CHECKING:
    from datetime import datetime

_DISTRIBUTION = "backscatter-quarantine"


def rendered(template: str, made: datetime, **values: object) -> str:
    """Return a page.

    Args:
        template: its file below templates/.
        made: when, aware.
        values: what the template shows.

    """
    environment = Environment(
        loader=PackageLoader("classifier.present", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["moment"] = lambda when: f"{when:%Y-%m-%d %H:%M}" if when else "no date"
    environment.filters["day"] = lambda when: f"{when:%Y-%m-%d}" if when else "no date"
    environment.filters["chance"] = _chance
    environment.filters["printable"] = printable
    return environment.get_template(template).render(
        made=f"{made:%Y-%m-%d %H:%M} UTC", version=_version(), **values
    )


def drawn(svg: str) -> Markup:
    """Let a chart into a page as it is."""
    return Markup(svg)  # noqa: S704 - see charts: nothing of a message is in them


def _chance(probability: float | None) -> str:
    """Return a probability; never a certainty that it is not."""
    return (
        ""
        if probability is None
        else f"{min(max(probability, 0.0001), 0.9999):.1%}".replace("100.0%", ">99.9%")
    )


def _version() -> str:
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return ""

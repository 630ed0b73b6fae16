"""``backscatter report``: what happened, as text, as JSON, and as a page."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.cli.judging import each_judged, entries
from classifier.cli.options import TakingAll, jobs_option
from classifier.present.attack import Attack
from classifier.present.attack_json import as_dict
from classifier.present.attack_text import text
from classifier.present.json import line
from classifier.present.outfile import check_writable, write_whole

if TYPE_CHECKING:
    from classifier.settings import Config

#: So many domains stand in the heading.
_DOMAINS = 5
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@click.command(name="report", cls=TakingAll, short_help="Show what happened: a page with charts, or text.")
@click.option(
    "--from",
    "paths",
    multiple=True,
    metavar="PATH...",
    help="Mail to look at: .eml, mbox, Maildir, folders, - for standard input. Default: what sweep, watch, filter and serve remember.",
)
@click.option("--since", metavar="WHEN", help="Only reports since then: 2026-01-31, or 12h, 3d, 2w ago.")
@click.option(
    "--html",
    "html",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a page; - for standard output.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of text.")
@jobs_option
@click.pass_obj
def command(
    app: App,
    *,
    paths: tuple[str, ...],
    since: str | None,
    html: Path | None,
    as_json: bool,
    jobs: int | None,
) -> int:
    """Show what happened: the flood, whom you did not reach, what was sent in your name.

    Told from the store, or from any mail with --from. Exit status 1: some
    messages could not be read.
    """
    now = datetime.now(UTC)
    begin = moment(since, now) if since is not None else None
    to_stdout = html is not None and str(html) == "-"
    if to_stdout and as_json:
        raise click.UsageError("--html - and --json both want standard output")
    if html is not None and not to_stdout:
        check_writable(html, paths)
    attack = (
        from_mail(app, paths, begin, now, jobs) if paths else from_store(app.require_config(), begin, now)
    )
    if html is not None:
        from classifier.present.page import page  # noqa: PLC0415 - Jinja2 and the charts

        known = (*((attack.identity,) if attack.identity else ()), *attack.tenants)
        named = list(dict.fromkeys(d.lstrip(".") for identity in known for d in identity.domains))
        others = f" and {len(named) - _DOMAINS:,} more" if len(named) > _DOMAINS else ""
        domains = ", ".join(named[:_DOMAINS]) + others or "your domain"
        made = page(attack, now, domains).encode("utf-8", "replace")
        if to_stdout:
            sys.stdout.flush()
            sys.stdout.buffer.write(made)
            return 1 if attack.errors else 0
        write_whole(html, made)
    sys.stdout.write(line(as_dict(attack)) + "\n" if as_json else text(attack))
    return 1 if attack.errors else 0


def from_mail(
    app: App, paths: tuple[str, ...], since: datetime | None, now: datetime, jobs: int | None = None
) -> Attack:
    """Judge the mail at *paths* and add it up; what cannot be read is told and counted."""
    from classifier.batch import bare  # noqa: PLC0415 - the store needs none of it

    config = bare(app.config)
    attack = Attack(
        None if config is None else config.identity,
        now,
        () if config is None else tuple(config.tenants.values()),
    )
    for found in each_judged(app, paths, partial(entries, config, now), jobs):
        if found.kept is None:
            attack.errors += 1
            continue
        attack.messages += 1
        for entry in found.kept:
            if since is None or (entry.came is not None and entry.came >= since.timestamp()):
                attack.add(entry, found.source)
    return attack


def from_store(config: Config, since: datetime | None, now: datetime) -> Attack:
    """Add up what the store remembers.

    Raises:
        BackscatterError: the store cannot be used.

    """
    from classifier.store.database import Database  # noqa: PLC0415 - SQLite
    from classifier.store.history import HistoryStore  # noqa: PLC0415 - likewise
    from classifier.store.journal import Journal  # noqa: PLC0415 - likewise
    from classifier.store.judged import JudgedMail  # noqa: PLC0415 - likewise

    attack = Attack(config.identity, now, tuple(config.tenants.values()), current=True)
    if Path(config.store).exists():
        with Database.open(config.store, readonly=True) as database:
            attack.corrected = JudgedMail(database).corrected_messages()
            attack.places = {
                m.message_id: f"{m.account}/{m.target}, restore {m.id}"
                for m in Journal(database).quarantined()
            }
            for entry in HistoryStore(database).entries(since):
                attack.add(entry)
    if not attack.reports:
        told = "no report" if since is None else f"no report since {since:%Y-%m-%d %H:%M} UTC"
        say(f"{config.store}: {told} is remembered; run 'backscatter sweep', or name mail with --from")
    return attack


def moment(given: str, now: datetime) -> datetime:
    """Read ``--since``.

    Raises:
        click.BadParameter: it is no date and no span.

    """
    try:
        if match := re.fullmatch(r"([0-9]{1,5})([hdw])", given.strip()):
            return now - int(match[1]) * _UNITS[match[2]]
        found = datetime.fromisoformat(given.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"--since {given!r} is neither a date (2026-01-31) nor a span (12h, 3d, 2w)"
        ) from None

"""``backscatter report``: what happened, as text, as JSON, and as a page."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.errors import ConfigurationError
from classifier.present.attack import Attack, newest
from classifier.present.progress import Progress
from classifier.runtime import Runtime, StoreUse
from classifier.sources import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LINES = 10


@click.command(name="report")
@click.option(
    "--from",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Mail to look at: .eml, mbox, Maildir, folders; may be repeated. Default: the accounts' Maildirs.",
)
@click.option("--since", metavar="WHEN", help="Only reports since then: 2026-01-31, or 12h, 3d, 2w ago.")
@click.option(
    "--html", "html", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write a page."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of text.")
@click.pass_obj
def command(app: App, paths: tuple[str, ...], since: str | None, html: Path | None, as_json: bool) -> int:
    """Show what happened: the flood, whom you did not reach, what was sent in your name.

    Exit status 1: some messages could not be read.
    """
    begin = moment(since, datetime.now(UTC)) if since else None
    attack = Attack(None if app.config is None else app.config.identity)
    with Runtime(app.config, StoreUse.READ) as runtime, Progress("messages judged") as progress:
        for message in messages(paths or _maildirs(app)):
            progress.advance()
            if message.raw is None:
                attack.errors += 1
                progress.hide()
                say(f"{message.source}: {message.error}")
            else:
                attack.add(message.source, runtime.examine(message.raw, message.envelope), begin)
        progress.hide()
        for note in dict.fromkeys(runtime.notes):
            say(note)
    if html is not None:
        from classifier.present.page import page  # noqa: PLC0415 - Jinja2 and the charts

        domains = ", ".join(attack.identity.domains) if attack.identity else "your domain"
        html.write_text(page(attack, datetime.now(UTC), domains), encoding="utf-8")
    sys.stdout.write(json.dumps(attack.as_dict()) + "\n" if as_json else text(attack))
    return 1 if attack.errors else 0


def _maildirs(app: App) -> Sequence[str]:
    config = app.require_config()
    found = [account.maildir for account in config.accounts.values() if account.maildir is not None]
    if not found:
        raise ConfigurationError(
            "no account is a Maildir", where=config.path, remedy="name the mail to look at with --from"
        )
    return found


def moment(text: str, now: datetime) -> datetime:
    """Read ``--since``.

    Raises:
        click.BadParameter: it is no date and no span.

    """
    if match := re.fullmatch(r"([0-9]{1,5})([hdw])", text):
        return now - int(match[1]) * _UNITS[match[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"--since {text!r} is neither a date (2026-01-31) nor a span (12h, 3d, 2w)"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def text(attack: Attack) -> str:
    """Write the summary for a terminal."""
    lines: list[str] = []
    if attack.misuse:
        lines += [
            "WARNING: an account of yours looks broken into. Change its password, look for forwarding rules that are",
            "not yours, tell your provider:",
            *(f"  {line}" for line in attack.misuse[:_LINES]),
            "",
        ]
    counts = attack.verdicts
    lines += [
        (
            f"{attack.messages:,} messages, {attack.reports:,} reports: {counts['forged']:,} about mail that others sent in your name, "
            f"{counts['genuine']:,} about mail that you sent, {counts['unsure']:,} undecided"
        ),
        attack.course(),
    ]
    if attack.undelivered:
        lines += ["", f"Whom you did not reach ({attack.undelivered_count:,} reports):"]
        for u in newest(attack.undelivered)[:_LINES]:
            day = f"{u.when:%Y-%m-%d}" if u.when else " " * 10
            lines.append(f"  {day}  {u.recipient}  {u.status} {u.subject[:60]}")
            lines.append(f"              {u.advice}")
    for title, rows in (
        ("What was sent in your name:", [(c.reports, c.subject[:90]) for c in attack.top_campaigns()]),
        ("Your addresses that were used:", attack_rows(attack)),
        ("Who sends you the reports:", [(n, o) for o, n in attack.operators.most_common(_LINES)]),
        ("Best evidence for the verdicts:", [(n, w) for w, n in attack.decided.most_common()]),
    ):
        if rows:
            lines += ["", title, *(f"  {n:>7,}  {what}" for n, what in rows[:_LINES])]
    return "\n".join(lines) + "\n"


def attack_rows(attack: Attack) -> list[tuple[int, str]]:
    """Return the abused addresses with what is known of each."""
    known = {True: "", False: "  (never sends)", None: ""}
    return [(n, address + known[attack.sends(address)]) for address, n in attack.abused.most_common(_LINES)]

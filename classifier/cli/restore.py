"""``backscatter restore``: put quarantined messages back where they were, and learn from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from classifier.cli.options import account_option, log_format_option
from classifier.errors import BackscatterError
from classifier.present.json import line
from classifier.present.swept import log_to_stderr, warn
from classifier.present.text import printable, probability

if TYPE_CHECKING:
    from classifier.cli.context import App
    from classifier.mailbox.restore import Wanted
    from classifier.settings import AccountSettings, Config
    from classifier.store.journal import Move

_AGO = re.compile(r"([0-9]{1,5})\s{0,3}([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def _moment(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read a date, a date and time, or how long ago."""
    if value is None:
        return None
    ago = _AGO.fullmatch(value.strip())
    if ago:
        return datetime.now(UTC) - int(ago[1]) * _UNITS[ago[2]]
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time; write 2026-03-01, 2026-03-01T10:00, 12h, 3d or 1w", context, parameter
        ) from None
    return found if found.tzinfo else found.astimezone()


@click.command(name="restore", short_help="Put quarantined messages back where they were.")
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@account_option
@click.option(
    "--search", "text", default="", metavar="TEXT", help="Those with TEXT in sender, subject or Message-ID."
)
@click.option(
    "--since",
    metavar="WHEN",
    callback=_moment,
    help="Those quarantined since: a date, a time, or 12h, 3d, 1w ago.",
)
@click.option("--all", "everything", is_flag=True, help="All that is in quarantine.")
@click.option("-l", "--list", "only_list", is_flag=True, help="Show what is meant and its IDs; move nothing.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON Lines.")
@log_format_option
@click.pass_obj
def command(
    app: App,
    ids: tuple[int, ...],
    accounts: tuple[str, ...],
    *,
    text: str,
    since: datetime | None,
    everything: bool,
    only_list: bool,
    as_json: bool,
    log_format: str,
) -> int:
    """Put quarantined messages back where they were.

    Later sweeps leave them there, and `train --account` learns from them.
    Moving them with any mail program counts as the same. Exit status: 0 done;
    1 some could not be put back, or none was found.
    """
    from classifier.mailbox.restore import Wanted  # noqa: PLC0415 - --help needs none of it

    log_to_stderr(log_format, debug=app.debug)
    if not (ids or text or since or everything or only_list):
        raise click.UsageError("say which: IDs, --search, --since or --all; --list shows them")
    config = app.require_config()
    wanted = Wanted(frozenset(ids), text, since)
    chosen = config.chosen_accounts(accounts)
    rows = _listed(config, chosen, wanted)
    if only_list:
        for row in rows:
            click.echo(line(_record(row, "quarantined")) if as_json else _row(row))
        if not rows:
            warn(
                "nothing in quarantine is meant by that"
                if ids or text or since
                else "nothing is in quarantine"
            )
        return 0
    unknown = set(ids) - {r.id for r in rows}
    for number in sorted(unknown):
        warn(f"{number}: no such message is in quarantine; see backscatter restore --list")
    if not rows:
        if not unknown:
            warn("nothing in quarantine is meant by that; see backscatter restore --list")
        return 1
    names = {r.account for r in rows}
    statuses = [_restore(config, a, wanted, as_json=as_json) for a in chosen if a.name in names]
    return max((s for s in statuses if s), default=1 if unknown else 0)


def _listed(config: Config, accounts: tuple[AccountSettings, ...], wanted: Wanted) -> list[Move]:
    from pathlib import Path  # noqa: PLC0415 - --help needs none of it

    from classifier.mailbox.restore import find_quarantined  # noqa: PLC0415 - likewise
    from classifier.store.database import Database  # noqa: PLC0415 - likewise
    from classifier.store.journal import Journal  # noqa: PLC0415 - likewise

    if not Path(config.store).expanduser().exists():
        return []
    with Database.open(config.store, readonly=True) as database:
        journal = Journal(database)
        return [row for account in accounts for row in find_quarantined(journal, account.name, wanted)]


def _restore(config: Config, account: AccountSettings, wanted: Wanted, *, as_json: bool) -> int:
    from classifier.mailbox.accounts import work_for  # noqa: PLC0415 - --help needs none of it
    from classifier.mailbox.restore import restore  # noqa: PLC0415 - likewise

    try:
        result = restore(work_for(config, [account])[0], config.store, wanted)
    except BackscatterError as error:
        warn(str(error))
        return error.exit_status
    for row in result.moved:
        click.echo(line(_record(row, "restored")) if as_json else f"back in {row.source}: {_row(row)}")
    for row in result.missing:
        warn(f"{row.id}: is no longer in {row.target}; it was moved or deleted there")
    for number, reason in result.refused.items():
        warn(f"{number}: {reason}")
    return 1 if result.missing or result.refused else 0


def _row(row: Move) -> str:
    when = datetime.fromtimestamp(row.at).astimezone().strftime("%Y-%m-%d %H:%M")
    return (
        f"{row.id:>6}  {when}  {row.account}  {probability(row.probability):>7}  "
        f"{printable(row.sender, 60)}  {printable(row.subject, 100)}"
    )


def _record(row: Move, state: str) -> dict[str, object]:
    return {
        "id": row.id,
        "state": state,
        "account": row.account,
        "folder": row.source,
        "quarantine": row.target,
        "quarantined_at": datetime.fromtimestamp(row.at, UTC).isoformat(),
        "received_at": None
        if row.received is None
        else datetime.fromtimestamp(row.received, UTC).isoformat(),
        "kind": row.kind or None,
        "probability": row.probability,
        "reason": row.reason,
        "message_id": row.message_id or None,
        "from": row.sender,
        "subject": row.subject,
    }

"""``backscatter complain``: drafts to those whose servers answer forged mail."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.cli.judging import each_judged, entries
from classifier.cli.options import TakingAll, jobs_option
from classifier.errors import BackscatterError, ConfigurationError
from classifier.present.complaint import BUNDLE_BYTES, Complaints, arf, draft, spamcop
from classifier.present.outfile import write_whole
from classifier.rdap import BASE, AbuseContacts
from classifier.vocabulary import Verdict

if TYPE_CHECKING:
    from classifier.examine import Examination
    from classifier.history import HistoryEntry
    from classifier.settings import Config
    from classifier.sources import SourcedMessage


@click.command(
    name="complain", cls=TakingAll, short_help="Write drafts to operators of servers that bounce forgeries."
)
@click.option(
    "--from",
    "paths",
    multiple=True,
    metavar="PATH...",
    help="Mail to look at. Default: what sweep, watch, filter and serve remember.",
)
@click.option(
    "--out",
    metavar="FOLDER",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the drafts are written.",
)
@click.option(
    "--author", metavar="ADDRESS", help="The address to write from; default postmaster at the first domain."
)
@click.option("--arf", "as_arf", is_flag=True, help="Also write each as a feedback report (RFC 5965).")
@click.option(
    "--spamcop",
    "bundle",
    is_flag=True,
    help="With --from: also write spamcop-bundle.eml, with up to 20 of the reports whole, of the operators that are "
    "written to, as attachments; you send it to the address that SpamCop gave you.",
)
@click.option(
    "--rdap",
    is_flag=True,
    help="Ask the registry of each server's network who takes complaints, and add that address.",
)
@click.option(
    "--rdap-url", metavar="URL", default=BASE, show_default=True, help="The registry service to ask."
)
@jobs_option
@click.pass_obj
def command(
    app: App,
    *,
    paths: tuple[str, ...],
    out: Path,
    author: str | None,
    as_arf: bool,
    bundle: bool,
    rdap: bool,
    rdap_url: str,
    jobs: int | None,
) -> int:
    """Write drafts to the operators of servers that answer mail forged in your name; nothing is sent.

    One .eml file for each operator, however many reports it sent, to open in a
    mail program. It shows header sections of two reports and says what to
    change. Exit status 1: some messages could not be read.
    """
    config = app.require_config()
    if not config.identity.domains:
        raise ConfigurationError("no domain is protected", where=config.path, remedy="set identity.domains")
    if bundle and not paths:
        raise click.UsageError(
            "--spamcop needs the reports themselves: name them with --from, for example the quarantine"
        )
    author = author or f"postmaster@{config.identity.domains[0].lstrip('.')}"
    if not re.fullmatch(r"[!-;=?-~]{1,64}@[0-9A-Za-z.-]{1,255}", author):
        raise click.BadParameter(f"--author {author!r} is no address")
    contacts = AbuseContacts(rdap_url) if rdap else None
    complaints, errors = (
        from_mail(app, config, paths, jobs, bundle=bundle) if paths else (from_store(config), 0)
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackscatterError(
            f"cannot be made ({error.strerror})", where=str(out), remedy="name another folder by --out"
        ) from error
    written: set[str] = set()
    for operator in complaints.most_first():
        name = re.sub(r"[^a-z0-9.-]", "_", operator.name.lower())[:100].lstrip(".") or "_"
        found = contacts.find(operator.address) if contacts else None
        addresses = found.addresses if found else ()
        write_whole(out / f"{name}.eml", draft(operator, author, addresses).as_bytes())
        written.add(f"{name}.eml")
        if as_arf and (report := arf(operator, author, addresses)):
            write_whole(out / f"{name}.arf.eml", report.as_bytes())
            written.add(f"{name}.arf.eml")
        told = f"  {', '.join(addresses) or found.note}" if found else ""
        sys.stdout.write(f"{operator.count:>7,}  {out / name}.eml{told}\n")
    if bundle and complaints.bundle:
        write_whole(out / "spamcop-bundle.eml", spamcop(complaints.bundle, author).as_bytes())
        written.add("spamcop-bundle.eml")
        sys.stdout.write(f"{len(complaints.bundle):>7,}  {out / 'spamcop-bundle.eml'}\n")
    number, unclear = len(complaints.operators), complaints.unclear
    told = f"{number:,} draft{'' if number == 1 else 's'}; nothing was sent."
    if unclear:
        told += (
            f" {unclear:,} forged report{'' if unclear == 1 else 's'} came from hosts whose operator is not beyond "
            "doubt: nobody is told of those."
        )
    sys.stdout.write(told + "\n")
    # Of an operator that is blamed no longer, say since a report was put back, the draft would still go out.
    if old := sum(path.name not in written for path in out.glob("*.eml")):
        sys.stdout.write(
            f"{old:,} older file{' lies' if old == 1 else 's lie'} in {out}: written before, and not now.\n"
        )
    return 1 if errors else 0


def from_mail(
    app: App, config: Config, paths: tuple[str, ...], jobs: int | None = None, *, bundle: bool = False
) -> tuple[Complaints, int]:
    """Judge the mail at *paths*; return what is to be complained of, and how many messages could not be read.

    Args:
        app: the run.
        config: the settings.
        paths: where the mail lies.
        jobs: how many processes; None: as many as the amount of mail is worth.
        bundle: True: also keep whole reports.

    """
    from classifier.batch import bare  # noqa: PLC0415 - the store needs none of it

    complaints, errors, now = Complaints(), 0, datetime.now(UTC)
    for found in each_judged(app, paths, partial(_with_message, bare(config), now, bundle), jobs):
        if found.kept is None:
            errors += 1
            continue
        for entry, raw in found.kept:
            complaints.add(entry, raw)
    return complaints, errors


def _with_message(
    config: Config | None, now: datetime, bundle: bool, message: SourcedMessage, found: Examination
) -> tuple[tuple[HistoryEntry, bytes | None], ...]:
    """Keep what complaints tell of a judged message, and the message itself where it may go into the bundle."""
    raw = message.raw if bundle and message.raw and len(message.raw) <= BUNDLE_BYTES else None
    return tuple((entry, raw if entry.host else None) for entry in entries(config, now, message, found))


def from_store(config: Config) -> Complaints:
    """Return what the store remembers to complain of; what the user put back is left out.

    Raises:
        BackscatterError: the store cannot be used.

    """
    from classifier.store.database import Database  # noqa: PLC0415 - SQLite
    from classifier.store.history import HistoryStore  # noqa: PLC0415 - likewise
    from classifier.store.judged import JudgedMail  # noqa: PLC0415 - likewise

    complaints = Complaints()
    if Path(config.store).exists():
        with Database.open(config.store, readonly=True) as database:
            corrected = JudgedMail(database).corrected_messages()
            for entry in HistoryStore(database).entries():
                if not entry.message_id or corrected.get(entry.message_id) != Verdict.GENUINE:
                    complaints.add(entry)
    if not complaints.operators:
        say(f"{config.store}: no forged report is remembered that tells its operator; name mail with --from")
    return complaints

"""``backscatter complain``: drafts to those whose servers send misdirected bounces."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from classifier.cli.context import App, say
from classifier.errors import ConfigurationError
from classifier.history import came_in
from classifier.present.complaint import Complaints, arf, draft, spamcop
from classifier.present.progress import Progress
from classifier.runtime import Runtime, StoreUse
from classifier.sources import messages


@click.command(name="complain")
@click.option(
    "--from", "paths", multiple=True, metavar="PATH", required=True, help="Mail to look at; may be repeated."
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
    "--spamcop", "bundle", is_flag=True, help="Also write a bundle for SpamCop: reports of any operator."
)
@click.pass_obj
def command(
    app: App, paths: tuple[str, ...], out: Path, *, author: str | None, as_arf: bool, bundle: bool
) -> int:
    """Write drafts to the operators of servers that send you misdirected bounces; nothing is sent.

    One .eml file for each operator, however many reports it sent, to open in a
    mail program. It shows header sections of two reports and says what to
    change. Exit status 1: some messages could not be read.
    """
    config = app.require_config()
    identity = config.identity
    if not identity.domains:
        raise ConfigurationError("no domain is protected", where=config.path, remedy="set identity.domains")
    author = author or f"postmaster@{identity.domains[0].lstrip('.')}"
    complaints, errors = Complaints(), 0
    with Runtime(config, StoreUse.READ) as runtime, Progress("messages judged") as progress:
        for message in messages(paths):
            progress.advance()
            if message.raw is None:
                errors += 1
                say(f"{message.source}: {message.error}")
                continue
            found = runtime.examine(message.raw, message.envelope)
            complaints.add(message.raw, found, identity, came_in(found.report))
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    for operator in sorted(complaints.operators.values(), key=lambda o: (-o.count, o.name)):
        name = re.sub(r"[^a-z0-9.-]", "_", operator.name.lower())[:100]
        (out / f"{name}.eml").write_bytes(draft(operator, author).as_bytes())
        if as_arf:
            (out / f"{name}.arf.eml").write_bytes(arf(operator, author).as_bytes())
        written += 1
        sys.stdout.write(f"{operator.count:>7,}  {out / name}.eml\n")
    if bundle and complaints.bundle:
        (out / "spamcop-bundle.eml").write_bytes(spamcop(complaints.bundle, author).as_bytes())
        sys.stdout.write(f"{len(complaints.bundle):>7,}  {out / 'spamcop-bundle.eml'}\n")
    sys.stdout.write(
        f"{written:,} drafts; nothing was sent. {complaints.unclear:,} forged reports came from hosts whose operator "
        "is not beyond doubt: nobody is told of those.\n"
    )
    return 1 if errors else 0

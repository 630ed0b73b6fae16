"""``backscatter doctor``: check what the configuration names, and say what to do about each finding."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from classifier.checkup.findings import Finding, Level
from classifier.checkup.published import published
from classifier.cli.options import account_option
from classifier.config import open_to_others
from classifier.errors import BackscatterError
from classifier.identity import Identity
from classifier.present.text import printable
from classifier.runtime import Runtime, StoreUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.cli.context import App
    from classifier.settings import AccountSettings, Config

#: A ledger that was last brought up to date so long ago says little about today's mail.
_STALE = timedelta(days=2)


@click.command(name="doctor")
@account_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON Lines, one object a finding.")
@click.option(
    "--server", metavar="HOST[:PORT]", help="Ask this mail server whether it sends misdirected bounces."
)
@click.option(
    "--domain",
    metavar="DOMAIN",
    help="With --server: a domain that it serves; default the first protected one.",
)
@click.option(
    "--recipient",
    metavar="ADDRESS",
    help="With --server: an address that must not exist there; default one made up at the domain.",
)
@click.option(
    "--lists",
    is_flag=True,
    help="Look the server up on the lists that list for bounces: SpamCop's, backscatterer.org's.",
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="IP",
    help="With --lists: look this address up, one that mail leaves from; may be repeated.",
)
@click.option(
    "--logs",
    multiple=True,
    metavar="FILE...",
    help="Count in logs of Postfix or Exim, also .gz, the null-sender mail that went to outside addresses, by cause.",
)
@click.argument("more", nargs=-1, metavar="")
@click.pass_obj
def command(
    app: App,
    *,
    accounts: tuple[str, ...],
    as_json: bool,
    server: str | None,
    domain: str | None,
    recipient: str | None,
    lists: bool,
    addresses: tuple[str, ...],
    logs: tuple[str, ...],
    more: tuple[str, ...],
) -> int:
    """Check configuration, store, DNS and mailboxes; nothing is changed or sent.

    With --server, a mail server is asked instead whether it refuses unknown
    recipients while the client is still there (no message is sent), as servers
    must that are not to bounce to forged senders, and the domain's SPF, DKIM
    and DMARC records are read. --lists and --logs look at what it has done.
    Exit status 1: something is wrong.
    """
    if more and not logs:
        raise click.UsageError(f"{more[0]!r}: name logs with --logs")
    if server is not None or lists or logs:
        findings = examine_server(
            app,
            server,
            domain=domain,
            recipient=recipient,
            addresses=addresses if lists else None,
            logs=(*logs, *more),
        )
    else:
        findings = examine(app.require_config(), accounts)
    wrong = False
    for finding in findings:
        wrong = wrong or finding.level is Level.WRONG
        if as_json:
            sys.stdout.write(json.dumps(asdict(finding)) + "\n")
        else:
            sys.stdout.write(_shown(finding))
        sys.stdout.flush()
    return 1 if wrong else 0


def _shown(finding: Finding) -> str:
    told = printable(f"{finding.about}: {finding.what}", 600)
    # What is to be published is copied from here: it is not cut.
    remedy = printable(finding.remedy, 2_000)
    return f"{finding.level:7} {told}\n" + (f"        {remedy}\n" if remedy else "")


def examine_server(
    app: App,
    server: str | None,
    *,
    domain: str | None,
    recipient: str | None,
    addresses: tuple[str, ...] | None,
    logs: tuple[str, ...],
) -> Iterator[Finding]:
    """Check a mail server: by asking it, on lists, in its logs.

    Args:
        app: the run.
        server: host, or host:port; None: it is not asked.
        domain: one that it serves; None: that of the recipient, or the first protected one.
        recipient: an address that must not exist there, or None.
        addresses: what to look up on lists, none: those of the server; None: nothing is looked up.
        logs: its logs.

    """
    from classifier.checkup.blocklists import listings  # noqa: PLC0415 - the other checks do without
    from classifier.checkup.logs import read_logs  # noqa: PLC0415 - likewise
    from classifier.checkup.server import probe  # noqa: PLC0415 - likewise
    from classifier.resolver import DnsResolver  # noqa: PLC0415 - likewise

    config = app.config
    identity = config.identity if config is not None else Identity()
    with Runtime(config, StoreUse.READ) as runtime:
        resolver = runtime.resolver or DnsResolver(enabled=config is None)
        if server is not None:
            domain = domain or (recipient or "").rpartition("@")[2] or next(iter(identity.domains), "")
            domain = domain.strip(".").lower()
            with contextlib.suppress(UnicodeError):  # what is no name is told where it is asked for
                domain = domain.encode("idna").decode("ascii")
            yield from probe(server, domain, recipient)
            if config is not None and not config.dns.enabled:
                yield Finding(Level.ADVICE, "dns", "is off", "SPF, DKIM and DMARC are not read")
            else:
                yield from published(domain, identity, resolver, unanswered=Level.ADVICE)
        if addresses is not None:
            resolver.begin_message()
            yield from listings(server, addresses, config.dns.dnsbl if config is not None else (), resolver)
    if logs:
        yield from read_logs(logs, identity if identity.domains else None, datetime.now(UTC))


def examine(config: Config, accounts: tuple[str, ...]) -> Iterator[Finding]:
    """Check all that *config* names."""
    yield from _files(config)
    yield from _identity(config)
    with Runtime(config, StoreUse.READ) as runtime:
        yield from _ledger(config, runtime)
        resolver = runtime.resolver
        if resolver is None:
            yield Finding(
                Level.ADVICE, "dns", "is off", "SPF and DKIM cannot be checked; set [dns] enabled = true"
            )
        else:
            for domain in config.identity.domains:
                resolver.begin_message()  # each domain has the whole budget
                yield from published(domain.lstrip("."), config.identity, resolver)
        for note in runtime.notes:
            yield Finding(Level.WRONG, "store", note)
    if not config.accounts:
        yield Finding(
            Level.ADVICE, "accounts", "none is configured", "add [accounts.main] for sweep and watch"
        )
        return
    for account in config.chosen_accounts(accounts):
        yield from _account(account, config)


def _files(config: Config) -> Iterator[Finding]:
    for what, path in (("configuration", config.path), ("store", config.store)):
        if open_to_others(path):
            yield Finding(Level.WRONG, what, f"{path} can be read by others", f"chmod 600 {path}")
        else:
            yield Finding(Level.GOOD, what, path)


def _identity(config: Config) -> Iterator[Finding]:
    identity = config.identity
    yield Finding(Level.GOOD, "domains", ", ".join(identity.domains))
    if not identity.relays:
        yield Finding(
            Level.ADVICE,
            "identity.relays",
            "no host is named",
            "name those that your mail leaves through: they are what reports show",
        )
    if not identity.senders:
        yield Finding(
            Level.ADVICE,
            "identity.senders",
            "no address is named",
            "with closed_senders all others are known to be forged",
        )


def _ledger(config: Config, runtime: Runtime) -> Iterator[Finding]:
    database = runtime.database
    if database is None:
        yield Finding(
            Level.ADVICE,
            "ledger",
            "is empty",
            "run 'backscatter ledger sync' or 'ledger import': it is the best evidence",
        )
        return
    from classifier.store.ledger import SqliteLedger  # noqa: PLC0415 - with a store only

    ledger = SqliteLedger(database)
    covered = ledger.covered_until()
    if not len(ledger) or covered is None:
        yield Finding(Level.ADVICE, "ledger", "is empty", "run 'backscatter ledger sync' or 'ledger import'")
    elif datetime.now(UTC) - covered > _STALE:
        level = Level.WRONG if config.identity.ledger_complete_since else Level.ADVICE
        yield Finding(
            level,
            "ledger",
            f"{len(ledger):,} identifiers, last brought up to date {covered:%Y-%m-%d}",
            "run 'ledger sync' from cron",
        )
    else:
        yield Finding(
            Level.GOOD, "ledger", f"{len(ledger):,} identifiers, up to {covered:%Y-%m-%d %H:%M} UTC"
        )


def _account(account: AccountSettings, config: Config) -> Iterator[Finding]:
    from classifier.mailbox.accounts import AccountDoor  # noqa: PLC0415 - one account at least
    from classifier.mailbox.protocol import MoveMethod  # noqa: PLC0415 - likewise

    about = f"account {account.name}"
    try:
        mailbox = AccountDoor(account, config.store).open()
    except BackscatterError as error:
        yield Finding(Level.WRONG, about, str(error))
        return
    try:
        yield Finding(Level.GOOD, about, "can be opened")
        if mailbox.move_method is MoveMethod.NONE:
            yield Finding(Level.WRONG, about, "the server can move nothing safely (neither MOVE nor UIDPLUS)")
        for folder in account.folders:
            if mailbox.status(folder) is None:
                yield Finding(Level.WRONG, about, f"no folder {folder}", "correct 'folders'")
        if mailbox.locate(account.quarantine) is None:
            yield Finding(
                Level.GOOD, about, f"folder {account.quarantine} will be made when it is first needed"
            )
        sent = mailbox.special("\\Sent") if account.sent == "auto" else mailbox.locate(account.sent)
        if sent is None:
            yield Finding(Level.ADVICE, about, "no folder of sent mail was found", "name it by 'sent'")
        else:
            yield Finding(Level.GOOD, about, f"sent mail is in {sent}")
    except BackscatterError as error:
        yield Finding(Level.WRONG, about, str(error))
    finally:
        mailbox.close()

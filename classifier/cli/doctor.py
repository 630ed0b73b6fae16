"""``backscatter doctor``: check what the configuration names, and say what to do about each finding."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from classifier.cli.findings import Finding, Level
from classifier.cli.options import account_option
from classifier.config import open_to_others
from classifier.errors import BackscatterError
from classifier.present.text import printable
from classifier.runtime import Runtime, StoreUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.cli.context import App
    from classifier.evidence.base import Resolver
    from classifier.identity import Identity
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
    "--recipient",
    metavar="ADDRESS",
    help="With --server: an address that must not exist there; default one made up at the first domain.",
)
@click.pass_obj
def command(
    app: App, accounts: tuple[str, ...], as_json: bool, server: str | None, recipient: str | None
) -> int:
    """Check configuration, store, DNS and mailboxes; nothing is changed or sent.

    With --server, a mail server is asked instead whether it refuses unknown
    recipients while the client is still there (no message is sent), as servers
    must that are not to bounce to forged senders. Exit status 1: something is
    wrong.
    """
    if server is not None:
        from classifier.cli.probe import probe  # noqa: PLC0415 - the other checks do without

        domain = next(iter(app.config.identity.domains), "") if app.config is not None else ""
        findings = probe(server, domain.lstrip("."), recipient)
    else:
        findings = examine(app.require_config(), accounts)
    wrong = False
    for finding in findings:
        wrong = wrong or finding.level is Level.WRONG
        if as_json:
            sys.stdout.write(json.dumps(asdict(finding)) + "\n")
        else:
            told = f"{finding.about}: {finding.what}" + (f"; {finding.remedy}" if finding.remedy else "")
            sys.stdout.write(f"{finding.level:7} {printable(told, 400)}\n")
        sys.stdout.flush()
    return 1 if wrong else 0


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
        yield from _account(account)


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


def published(domain: str, identity: Identity, resolver: Resolver) -> Iterator[Finding]:
    """Read what *domain* publishes against forgers (RFC 7208, 6376, 7489)."""
    answer = resolver.query(domain, "TXT")
    if not answer.available:
        yield Finding(
            Level.WRONG, "dns", f"no answer about {domain} ({answer.note})", "check [dns] nameservers"
        )
        return
    records = [r for r in answer.records if r.lower().startswith("v=spf1") and r[6:7] in {"", " "}]
    if len(records) > 1:
        yield Finding(
            Level.WRONG, f"SPF of {domain}", f"{len(records)} records; so none counts", "publish one"
        )
    elif not records:
        yield Finding(
            Level.ADVICE,
            f"SPF of {domain}",
            "no record",
            f'publish at {domain}: TXT "v=spf1 mx -all", with all your hosts',
        )
    else:
        terms = records[0].lower().split()
        if "+all" in terms or "all" in terms:
            yield Finding(Level.WRONG, f"SPF of {domain}", "lets everybody pass", "end it with -all")
        elif "-all" in terms or any(t.startswith("redirect=") for t in terms):
            yield Finding(Level.GOOD, f"SPF of {domain}", records[0])
        else:
            yield Finding(
                Level.ADVICE,
                f"SPF of {domain}",
                records[0],
                "end it with -all: servers can then refuse forged mail unseen",
            )
    policy = next(
        (r for r in resolver.query(f"_dmarc.{domain}", "TXT").records if r.lower().startswith("v=dmarc1")),
        None,
    )
    if policy is None:
        yield Finding(
            Level.ADVICE,
            f"DMARC of {domain}",
            "no record",
            f'publish at _dmarc.{domain}: TXT "v=DMARC1; p=reject"',
        )
    elif "p=none" in policy.lower().replace(" ", ""):
        yield Finding(Level.ADVICE, f"DMARC of {domain}", policy, "p=reject lets servers refuse forged mail")
    else:
        yield Finding(Level.GOOD, f"DMARC of {domain}", policy)
    for name in identity.dkim_keys:
        if name.endswith(f".{domain}"):
            found = resolver.query(name, "TXT")
            told = "stands in DNS" if found.records else "is in the configuration alone"
            yield Finding(Level.GOOD, f"DKIM key {name}", told)


def _account(account: AccountSettings) -> Iterator[Finding]:
    from classifier.mailbox.accounts import AccountDoor  # noqa: PLC0415 - one account at least
    from classifier.mailbox.protocol import MoveMethod  # noqa: PLC0415 - likewise

    about = f"account {account.name}"
    try:
        mailbox = AccountDoor(account).open()
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

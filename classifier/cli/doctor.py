"""``backscatter doctor``: check what the configuration names, and say what to do about each finding."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from classifier.checkup.findings import Finding, Level
from classifier.checkup.published import published
from classifier.cli.options import TakingAll, account_option
from classifier.identity import Identity
from classifier.present.text import printable
from classifier.runtime import Runtime, StoreUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.cli.context import App
    from classifier.settings import Config


@click.command(
    name="doctor", cls=TakingAll, short_help="Check configuration, mailbox, DNS, model, and your own server."
)
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
    help="Count in logs of Postfix or Exim, plain or compressed, the null-sender mail that went to outside addresses, by cause.",
)
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
) -> int:
    """Check configuration, store, DNS and mailboxes; nothing is changed or sent.

    With --server, a mail server is asked instead whether it refuses unknown
    recipients while the client is still there (no message is sent), as servers
    must that are not to bounce to forged senders, and the domain's SPF, DKIM
    and DMARC records are read. --lists and --logs look at what it has done.
    Exit status 1: something is wrong.
    """
    if (domain or recipient) and server is None:
        raise click.UsageError("--domain and --recipient say what to ask a --server for")
    if addresses and not lists:
        raise click.UsageError("--address says what to look up on --lists")
    if server is not None or lists or logs:
        findings = examine_server(
            app,
            server,
            domain=domain,
            recipient=recipient,
            addresses=addresses if lists else None,
            logs=logs,
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
    """Check all that *config* names.

    Raises:
        ConfigurationError: one of *accounts* is not there.

    """
    from classifier.checkup.account import account  # noqa: PLC0415 - the other checks do without
    from classifier.checkup.configured import configured  # noqa: PLC0415 - likewise

    chosen = config.chosen_accounts(accounts) if config.accounts or accounts else ()
    with Runtime(config, StoreUse.READ) as runtime:
        yield from configured(config, runtime)
        for settings in chosen:
            yield from account(settings, config, runtime.database)
    if not chosen:
        yield Finding(
            Level.ADVICE, "accounts", "none is configured", "add [accounts.main] for sweep and watch"
        )

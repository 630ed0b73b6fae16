"""``backscatter init``: from an address to a configuration that works."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.account import Given, reached, sign_in, usage
from classifier.cli.context import App, say
from classifier.cli.dialogue import Dialogue
from classifier.config import default_config_path, parse_config
from classifier.config_values import domain_pattern, mail_address, message_id_domain, relay
from classifier.dataclass import replace
from classifier.errors import ConfigurationError
from classifier.mailbox.learn import Learnt
from classifier.mailbox.proposal import propose, shown, written
from classifier.parse.addresses import domain_of, find_address, normalise
from classifier.present.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.mailbox.proposal import Proposal
    from classifier.settings import AccountSettings


_COMPLETE = "Does all your mail, also that of web forms, services and phones, without exception leave through"


def _address(text: str) -> str:
    """Read the user's address."""
    address = normalise(text)
    if find_address(address) != address or not domain_of(address):
        raise ValueError(f"{text!r} is no address")
    try:
        mail_address(address)
    except ValueError as error:
        raise ValueError(f"{text!r} {error}") from None
    return address


def _each(
    read: Callable[[str], object],
) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[str, ...]]:
    """Make sure that the configuration will take each value of an option."""

    def checked(
        _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
    ) -> tuple[str, ...]:
        for value in values:
            try:
                read(value)
            except ValueError as error:
                raise click.BadParameter(f"{value} {error}") from None
        return values

    return checked


@click.command(name="init", short_help="Write a configuration, by questions or by options.")
@click.option("--address", metavar="ADDRESS", help="The address to protect.")
@click.option(
    "--imap",
    "imap",
    metavar="URL",
    help="imaps://HOST (HOST alone means that) or imap+starttls://HOST; default: found by the address.",
)
@click.option("--maildir", metavar="FOLDER", help="A local Maildir instead of IMAP.")
@click.option("--username", metavar="NAME", help="Who logs in; default the address.")
@click.option(
    "--password",
    metavar="KIND:VALUE",
    help="Where the password is: 'command:pass show mail', env:VARIABLE, file:PATH or keyring:SERVICE. Never the password itself.",
)
@click.option(
    "--client-id",
    metavar="ID",
    help="Sign in at Google or Microsoft (OAuth2) as this registered application, instead of a password.",
)
@click.option(
    "--client-secret", metavar="KIND:VALUE", help="With --client-id: where its secret is, as with --password."
)
@click.option(
    "--provider",
    type=click.Choice(["google", "microsoft"]),
    help="With --client-id: where to sign in; default: by the address or the server.",
)
@click.option("--ca-file", metavar="PATH", help="Certificate authorities to believe instead of the system's.")
@click.option(
    "--sent",
    metavar="FOLDER",
    help="The folder of sent mail; default: the one that is marked so, or called so.",
)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    callback=_each(domain_pattern),
    metavar="DOMAIN",
    help="A domain to protect besides that of the address; may be repeated.",
)
@click.option(
    "--sender",
    "senders",
    multiple=True,
    callback=_each(mail_address),
    metavar="ADDRESS",
    help="An address that sends, instead of those that the Sent folder shows; may be repeated.",
)
@click.option(
    "--relay",
    "relays",
    multiple=True,
    callback=_each(relay),
    metavar="HOST",
    help="A host or network that your mail starts at or leaves through, instead of those that your mail shows; may be repeated.",
)
@click.option(
    "--relays-complete",
    is_flag=True,
    help="Nothing of yours leaves elsewhere, without exception: no web form, no service, no phone.",
)
@click.option(
    "--sign-in",
    "account_name",
    metavar="ACCOUNT",
    help="Only sign in anew for this account of the configuration that is there.",
)
@click.option(
    "--learn/--no-learn", "learning", default=True, help="Look through the Sent folder and the inbox."
)
@click.pass_obj
def command(
    app: App,
    /,
    *,
    address: str | None,
    domains: tuple[str, ...],
    senders: tuple[str, ...],
    relays: tuple[str, ...],
    relays_complete: bool,
    account_name: str | None,
    learning: bool,
    **options: str | None,
) -> int:
    """Write a configuration: asked for on a terminal, or given by options.

    The file is the one of --config, or the default place; one that is there
    already is not touched. What your own mail shows (senders, other domains,
    relays, Message-IDs, signatures) is shown, can be corrected on a terminal, and is
    written; what would say more than you may want, as comments. Exit status 1:
    written, but your mail could not be looked through.
    """
    if account_name is not None:
        (account,) = app.require_config().chosen_accounts((account_name,))
        return _sign_in_anew(account)
    target = Path(app.given or os.environ.get("BACKSCATTER_CONFIG") or default_config_path()).expanduser()
    try:
        there = target.exists() or target.is_symlink()
    except PermissionError:
        raise click.UsageError(
            f"{target} cannot be looked for: see who may enter its folders, or name another place with --config"
        ) from None
    if there:
        raise click.UsageError(f"{target} is there already; edit it, or name another place with --config")
    place = next(folder for folder in target.absolute().parents if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise click.UsageError(
            f"{target} cannot be written: see {place}, or name another place with --config"
        )
    dialogue = Dialogue()
    try:
        if address is None:
            address = dialogue.ask("Your address", "--address", read=_address)
        given = Given(address=usage(_address, address), **options)
        values, learnt, failed = reached(dialogue, target, given, learning=learning)
        named = list(dict.fromkeys([domain_of(given.address) or "", *domains]))

        def chosen(found: Proposal) -> Proposal:
            return replace(
                found,
                senders=senders or found.senders,
                relays=relays or found.relays,
                relays_complete=relays_complete,
            )

        proposal = chosen(propose(learnt or Learnt(), given.address, named))
        if learnt is not None:
            sys.stdout.write("".join(f"{printable(line, 2_000)}\n" for line in shown(learnt, proposal)))
            sys.stdout.flush()
        if dialogue.possible and learning:
            proposal = _corrected(dialogue, learnt or Learnt(), given.address, proposal, chosen)
    except (click.Abort, KeyboardInterrupt):
        say("stopped; no configuration was written")
        raise
    if proposal.relays_complete and not proposal.relays:
        raise click.UsageError("--relays-complete says nothing without hosts: name them with --relay")
    text = written(proposal, values)
    parse_config(text, str(target))
    _write(target, text)
    program = f"backscatter --config {shlex.quote(app.given)}" if app.given else "backscatter"
    sys.stdout.write(
        f"written: {target}\nnext: {program} doctor; {program} ledger sync; {program} sweep --dry-run\n"
    )
    return 1 if failed else 0


def _corrected(
    dialogue: Dialogue,
    learnt: Learnt,
    address: str,
    proposal: Proposal,
    chosen: Callable[[Proposal], Proposal],
) -> Proposal:
    """Let the user correct what is proposed; *chosen* puts in what options say."""
    say("press Enter to take what is shown, or type the right list, or - for none")
    domains = dialogue.names("Domains to protect", proposal.domains, domain_pattern)
    if domains and domains != list(proposal.domains):
        proposal = chosen(propose(learnt, address, domains))
    senders = dialogue.names("Addresses that send mail", proposal.senders or [address], mail_address)
    relays = dialogue.names("Hosts that your mail starts at or leaves through", proposal.relays, relay)
    complete = bool(relays) and (
        proposal.relays_complete or dialogue.yes(f"{_COMPLETE} {', '.join(relays)}?", default=False)
    )
    return replace(
        proposal,
        senders=senders,
        relays=relays,
        relays_complete=complete,
        message_id_domains=dialogue.names(
            "Right-hand sides of your Message-IDs", proposal.message_id_domains, message_id_domain
        ),
    )


def _write(target: Path, text: str) -> None:
    """Write the file, for its owner alone, unless one has come up there meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except BaseException:
        target.unlink()  # a part of it would keep the next try from writing it
        raise


def _sign_in_anew(account: AccountSettings) -> int:
    if account.oauth2 is None:
        raise ConfigurationError(
            f"account {account.name!r} has no oauth2", remedy="give it client_id and refresh_token first"
        )
    sign_in(account)
    sys.stdout.write(f"signed in: {account.name}\n")
    return 0

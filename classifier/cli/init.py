"""``backscatter init``: from an address to a configuration that works."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.config import default_config_path, parse_config
from classifier.errors import BackscatterError, ConfigurationError
from classifier.mailbox.learn import Learnt, often
from classifier.mailbox.providers import imap_server, oauth_provider
from classifier.parse.addresses import domain_of, find_address, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.settings import AccountSettings

_SECRETS = ("command", "env", "file", "keyring")


@click.command(name="init")
@click.option("--address", metavar="ADDRESS", help="The address to protect.")
@click.option(
    "--imap",
    "imap",
    metavar="URL",
    help="imaps://HOST or imap+starttls://HOST; default: found by the address.",
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
    *,
    address: str | None,
    imap: str | None,
    maildir: str | None,
    username: str | None,
    password: str | None,
    client_id: str | None,
    client_secret: str | None,
    provider: str | None,
    ca_file: str | None,
    account_name: str | None,
    learning: bool,
) -> int:
    """Write a configuration: asked for on a terminal, or given by options.

    The file is the one of --config, or the default place; one that is there
    already is not touched. What your own mail shows (senders, other domains,
    relays, signatures) is shown, can be corrected on a terminal, and is
    written; what would say more than you may want, as comments.
    """
    if account_name is not None:
        (account,) = app.require_config().chosen_accounts((account_name,))
        return _sign_in_anew(account)
    target = Path(app.given or os.environ.get("BACKSCATTER_CONFIG") or default_config_path()).expanduser()
    if target.exists():
        raise click.UsageError(f"{target} is there already; edit it, or name another place with --config")
    asked = sys.stdin is not None and sys.stdin.isatty()
    address = normalise(address or _ask("Your address", asked, "--address"))
    domain = domain_of(address)
    if find_address(address) is None or domain is None:
        raise click.UsageError(f"{address!r} is no address")
    values: dict[str, str] = {}
    if maildir:
        values["maildir"] = json.dumps(str(Path(maildir).expanduser().absolute()))
    else:
        server = imap or imap_server(domain) or _ask("IMAP server (imaps://HOST)", asked, "--imap")
        values["imap"] = json.dumps(server)
        values["username"] = json.dumps(username or address)
        if ca_file:
            values["ca_file"] = json.dumps(str(Path(ca_file).expanduser().absolute()))
        provider = provider or oauth_provider(server)
        if client_id is None and password is None and asked and provider:
            client_id = click.prompt(
                f"Client id for signing in at {provider} (empty: use a password)", default="", err=True
            ).strip()
        if client_id:
            values["oauth2"] = _oauth2(provider, client_id, client_secret, target)
        else:
            secret = password or _ask(
                "Where is the password (command:..., env:..., file:..., keyring:...)", asked, "--password"
            )
            values["password"] = _secret(secret, "--password")
    account = parse_config(_text([domain], values, [address], Learnt(), []), str(target)).accounts["main"]
    if account.oauth2 is not None:
        _sign_in(account)
    learnt = _learn(account, domain) if learning else Learnt()
    senders = list(dict.fromkeys([address, *often(learnt.senders)])) if learnt.sent else []
    domains, relays = [domain], often(learnt.relays)
    if asked and learnt.sent:
        domains, senders, relays = _correct(learnt, domains, senders, relays)
    text = _text(domains, values, senders, learnt, relays)
    parse_config(text, str(target))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    sys.stdout.write(
        f"written: {target}\nnext: backscatter doctor; backscatter ledger sync; backscatter sweep --dry-run\n"
    )
    return 0


def _ask(what: str, asked: bool, option: str) -> str:
    if not asked:
        raise click.UsageError(f"{option} is needed where nobody can be asked")
    return str(click.prompt(what, err=True)).strip()


def _secret(text: str, option: str) -> str:
    """Write ``KIND:VALUE`` as the configuration does."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in _SECRETS or not value.strip():
        # What was typed may be the secret itself: it is not repeated.
        raise click.UsageError(
            f"{option} takes where the secret is: {', '.join(f'{k}:...' for k in _SECRETS)}"
        )
    return f"{{ {kind} = {json.dumps(value.strip())} }}"


def _oauth2(provider: str | None, client_id: str, client_secret: str | None, target: Path) -> str:
    """Write the ``oauth2`` table; the refresh token gets a file beside the configuration."""
    if provider is None:
        raise click.UsageError("--provider is needed with --client-id for this server")
    place = target.absolute().with_name("main.refresh-token")
    parts = {"provider": json.dumps(provider), "client_id": json.dumps(client_id)}
    if client_secret:
        parts["client_secret"] = _secret(client_secret, "--client-secret")
    parts["refresh_token"] = f"{{ file = {json.dumps(str(place))} }}"
    return "{ " + ", ".join(f"{key} = {value}" for key, value in parts.items()) + " }"


def _sign_in(account: AccountSettings) -> None:
    from classifier.mailbox.signin import sign_in  # noqa: PLC0415 - with oauth2 only

    def tell(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    sign_in(account, tell)


def _sign_in_anew(account: AccountSettings) -> int:
    if account.oauth2 is None:
        raise ConfigurationError(
            f"account {account.name!r} has no oauth2", remedy="give it client_id and refresh_token first"
        )
    _sign_in(account)
    sys.stdout.write(f"signed in: {account.name}\n")
    return 0


def _learn(account: AccountSettings, domain: str) -> Learnt:
    from classifier.mailbox.accounts import AccountDoor  # noqa: PLC0415 - only to learn
    from classifier.mailbox.learn import learn  # noqa: PLC0415 - likewise

    try:
        mailbox = AccountDoor(account).open()
        try:
            return learn(mailbox, domain)
        finally:
            mailbox.close()
    except BackscatterError as error:
        say(f"{error}; nothing was learnt from it, the configuration is written all the same")
        return Learnt()


def _correct(
    learnt: Learnt, domains: list[str], senders: list[str], relays: list[str]
) -> tuple[list[str], list[str], list[str]]:
    """Show what was learnt, and let the user correct it."""
    say(
        f"{learnt.sent} sent messages were looked at, {learnt.returned} of them found in the inbox; "
        "press Enter to take what was found, or type the right list, or - for none"
    )
    if others := often(learnt.domains):
        say(f"you also send from: {', '.join(others)}")
    return (
        _list("Domains to protect", domains) or domains,
        _list("Addresses that send mail", senders),
        _list("Hosts that your mail starts at or leaves through", relays),
    )


def _list(what: str, found: list[str]) -> list[str]:
    answer = str(click.prompt(what, default=", ".join(found) or "-", err=True)).strip()
    return [] if answer == "-" else [word for word in answer.replace(",", " ").split() if word]


def _text(
    domains: Sequence[str],
    account: dict[str, str],
    senders: Sequence[str],
    learnt: Learnt,
    relays: Sequence[str],
) -> str:
    lines = ["[identity]", f"domains = {json.dumps(list(domains))}"]
    if others := [d for d in often(learnt.domains) if d not in domains]:
        lines.append(f"# you also send from {', '.join(others)}: list those that are yours in domains, too")
    if senders:
        lines.append(f"senders = {json.dumps(list(senders))}")
        lines.append("#closed_senders = true  # if no other address of the domain ever sends")
    if rights := often(learnt.message_id_domains):
        lines.append(f"message_id_domains = {json.dumps(rights)}")
    if relays:
        lines.append(f"relays = {json.dumps(list(relays))}  # add every host that your mail leaves through")
    else:
        lines.append(
            '#relays = ["mail.example.org", "192.0.2.1"]  # hosts that your mail leaves through: the best you can add'
        )
    if keys := often(learnt.selectors):
        lines.append(
            f"#signs_all = true  # if every message you send is signed; seen so far: {', '.join(keys)}"
        )
    lines += [
        "#never_send = []  # addresses that only receive",
        "",
        "[accounts.main]",
        *(f"{key} = {value}" for key, value in account.items()),
    ]
    return "\n".join(lines) + "\n"

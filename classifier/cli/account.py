"""What ``init`` must know of an account to reach it: given, found, or asked for, until it is reached."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.context import say
from classifier.config import parse_config
from classifier.config_values import imap_url
from classifier.dataclass import dataclass, replace
from classifier.errors import BackscatterError, ConfigurationError
from classifier.mailbox.proposal import Proposal, toml, written
from classifier.mailbox.providers import OWN_PASSWORDS, imap_server, is_sure, oauth_provider, user_name
from classifier.parse.addresses import domain_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.cli.dialogue import Dialogue
    from classifier.credentials import Secret
    from classifier.mailbox.learn import Learnt
    from classifier.settings import AccountSettings

_SECRETS = ("command", "env", "file", "keyring")


@dataclass(frozen=True)
class Given:
    """What is known by options or by earlier answers; None: not yet. Each is what the option of its name takes."""

    address: str
    imap: str | None = None
    maildir: str | None = None
    username: str | None = None
    password: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    provider: str | None = None
    ca_file: str | None = None
    sent: str | None = None


def reached(
    dialogue: Dialogue, target: Path, given: Given, *, learning: bool
) -> tuple[dict[str, str], Learnt | None, bool]:
    """Return the account's keys, what was learnt from its mail, if it was read, and whether that failed.

    On a terminal it is tried until it can be read, or the user has enough.
    """
    again = False
    while True:
        given, trusted = _answered(dialogue, target, given, again=again)
        values = _keys(given, target)
        text = written(Proposal([domain_of(given.address) or ""]), values)
        account = parse_config(text, str(target)).accounts["main"]
        signed_in = account.oauth2 is None
        try:
            if account.password is not None and dialogue.possible:
                _kept(dialogue, account.password, again=again)
            if not signed_in:
                sign_in(account)
                signed_in = True
            if learning and not trusted:
                say(
                    f"{given.imap} is named by DNS alone, so nothing is sent to it yet; if it is right, name it by "
                    "--imap to learn from your mail"
                )
                learning = False
            return values, _learn(account) if learning else None, False
        except BackscatterError as error:
            if not dialogue.possible:
                if not signed_in:
                    raise
                say(
                    f"{error}; nothing was learnt from it, the configuration is written all the same "
                    "(--no-learn does not look)"
                )
                return values, None, True
            say(str(error))
            if not dialogue.yes("Change the answers and try again"):
                return values, None, True
            again = True


def _answered(dialogue: Dialogue, target: Path, given: Given, *, again: bool) -> tuple[Given, bool]:
    """Ask for what is not known of the account, or, *again*, for all of it; say whether its server is sure."""
    if given.maildir is not None:
        if again:
            folder = dialogue.ask("Maildir", "--maildir", default=given.maildir, read=str)
            given = replace(given, maildir=folder)
        return given, True
    home = domain_of(given.address) or ""
    server = None if given.imap is None else usage(_server, given.imap, "--imap")
    sure = server is not None
    if server is None or again:
        found = server or imap_server(home)
        sure = sure or found is None or is_sure(found, home)
        if found and not sure and dialogue.possible:
            say(f"{found} is named by DNS: make sure that it is your provider's, your password goes there")
        if dialogue.possible or found is None:
            server = dialogue.ask("IMAP server (imaps://HOST)", "--imap", default=found or "", read=_server)
            sure = True
        else:
            server = found
    given = replace(given, imap=server)
    name = given.username or user_name(server or "", given.address)
    if dialogue.possible and (given.username is None or again):
        name = dialogue.ask("User name", "--username", default=name, read=str)
    given = replace(given, username=name)
    if again:
        authorities = dialogue.optional(
            "Certificate authorities to believe (a file, or - for the system's)", given.ca_file or ""
        )
        given = replace(given, ca_file=authorities or None)
    assert server is not None
    return _with_credentials(dialogue, target, given, server, again=again), sure


def _with_credentials(dialogue: Dialogue, target: Path, given: Given, server: str, *, again: bool) -> Given:
    provider = given.provider or oauth_provider(server)
    given = replace(given, provider=provider)
    if (given.client_id or given.password) and not again:
        return given
    if provider:
        told = "Microsoft takes no passwords for IMAP" if provider == "microsoft" else "empty: use a password"
        client_id = dialogue.optional(f"Client id for signing in at {provider} ({told})")
        if client_id:
            return replace(given, client_id=client_id, password=None)
    if dialogue.possible and (hint := OWN_PASSWORDS.get(imap_url(server).host)):
        say(hint)
    place = given.password or f"file:{_beside(target, 'password')}"

    def secret(text: str) -> str:
        _secret(text)
        return text

    if dialogue.possible and not again:
        say("press Enter to type the password next and have it kept in the file shown, for you alone")
    password = dialogue.ask(
        "Where is the password (command:..., env:..., file:..., keyring:...)", "--password",
        default=place, read=secret,
    )  # fmt: skip
    return replace(given, password=password, client_id=None)


def _server(text: str) -> str:
    """Read a server; a name alone, as providers tell it, is one by TLS."""
    url = text if "://" in text else f"imaps://{text}"
    imap_url(url)
    return url


def _keys(given: Given, target: Path) -> dict[str, str]:
    """Write the account's keys as TOML."""
    values: dict[str, str] = {}
    if given.maildir is not None:
        values["maildir"] = toml(str(Path(given.maildir).expanduser().absolute()))
    else:
        values["imap"] = toml(given.imap or "")
        values["username"] = toml(given.username or "")
        if given.ca_file:
            values["ca_file"] = toml(str(Path(given.ca_file).expanduser().absolute()))
        if given.client_id:
            values["oauth2"] = _oauth2(given, target)
        else:
            values["password"] = usage(_secret, given.password or "", "--password")
    if given.sent:
        values["sent"] = toml(given.sent)
    return values


def _oauth2(given: Given, target: Path) -> str:
    """Write the ``oauth2`` table; the refresh token gets a file beside the configuration."""
    if given.provider is None:
        raise click.UsageError("--provider is needed with --client-id for this server")
    parts = {"provider": toml(given.provider), "client_id": toml(given.client_id or "")}
    if given.client_secret:
        parts["client_secret"] = usage(_secret, given.client_secret, "--client-secret")
    parts["refresh_token"] = f"{{ file = {toml(str(_beside(target, 'refresh-token')))} }}"
    return "{ " + ", ".join(f"{key} = {value}" for key, value in parts.items()) + " }"


def _beside(target: Path, what: str) -> Path:
    """Return where a secret of the account lies; another configuration in the same folder has another place."""
    own = "" if target.name == "config.toml" else f"{target.stem}."
    return target.absolute().with_name(f"{own}main.{what}")


def _secret(text: str) -> str:
    """Write ``KIND:VALUE`` as the configuration does."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in _SECRETS or not value.strip():
        # What was typed may be the secret itself: it is not repeated.
        raise ValueError(
            f"takes where the secret is, not the secret: {', '.join(f'{k}:...' for k in _SECRETS)}"
        )
    return f"{{ {kind} = {toml(value.strip())} }}"


def usage(read: Callable[[str], str], text: str, option: str = "") -> str:
    """Read an option's value."""
    try:
        return read(text)
    except ValueError as error:
        raise click.UsageError(f"{option} {error}".strip()) from None


def _kept(dialogue: Dialogue, secret: Secret, *, again: bool) -> None:
    """Put the password where the user said it is, if nothing is there yet; *again*: if the user wants to."""
    if secret.source not in {"file", "keyring"}:
        return
    try:
        secret.fetch()
    except ConfigurationError:
        say(f"there is no password in {secret.source} {secret.value} yet: type it, and it is put there")
        secret.put(dialogue.secret("Password"))
        return
    if again and (typed := dialogue.secret("Password (empty: the one that is there)", empty=True)):
        secret.put(typed)


def sign_in(account: AccountSettings) -> None:
    """Have the user sign in at the provider; see :func:`classifier.mailbox.signin.sign_in`."""
    from classifier.mailbox import signin  # noqa: PLC0415 - with oauth2 only

    def tell(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    signin.sign_in(account, tell)


def _learn(account: AccountSettings) -> Learnt:
    from classifier.mailbox.accounts import AccountDoor  # noqa: PLC0415 - only to learn
    from classifier.mailbox.learn import learn  # noqa: PLC0415 - likewise

    mailbox = AccountDoor(account).open()
    try:
        return learn(mailbox, account.sent)
    finally:
        mailbox.close()

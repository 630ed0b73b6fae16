"""``backscatter init``: from an address to a configuration that works."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.cli.context import App, say
from classifier.config import default_config_path, parse_config
from classifier.errors import BackscatterError
from classifier.mailbox.providers import imap_server
from classifier.parse.addresses import domain_of, find_address, normalise
from classifier.parse.headers import HeaderBlock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.mailbox.protocol import Mailbox

#: So many sent messages are looked at.
_LOOKED_AT = 2_000
#: An address or a right-hand side that stands in so many of them is one of ours.
_OFTEN = 3
_SECRETS = ("command", "env", "file", "keyring")


class _FromStart:
    """A memory that knows nothing yet."""

    uid_validity = 0
    uid_next = 1

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return all of them."""
        return list(names)


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
@click.option("--learn/--no-learn", default=True, help="Look through the Sent folder for senders.")
@click.pass_obj
def command(
    app: App,
    *,
    address: str | None,
    imap: str | None,
    maildir: str | None,
    username: str | None,
    password: str | None,
    learn: bool,
) -> int:
    """Write a configuration: asked for on a terminal, or given by options.

    The file is the one of --config, or the default place; one that is there
    already is not touched. What the Sent folder shows is written as comments
    where it would say more than you may want: look through it.
    """
    target = Path(app.given or os.environ.get("BACKSCATTER_CONFIG") or default_config_path()).expanduser()
    if target.exists():
        raise click.UsageError(f"{target} is there already; edit it, or name another place with --config")
    asked = sys.stdin is not None and sys.stdin.isatty()
    address = normalise(address or _ask("Your address", asked, "--address"))
    domain = domain_of(address)
    if find_address(address) is None or domain is None:
        raise click.UsageError(f"{address!r} is no address")
    account: dict[str, str] = {}
    if maildir:
        account["maildir"] = json.dumps(str(Path(maildir).expanduser().absolute()))
    else:
        account["imap"] = json.dumps(
            imap or imap_server(domain) or _ask("IMAP server (imaps://HOST)", asked, "--imap")
        )
        account["username"] = json.dumps(username or address)
        secret = password or _ask(
            "Where is the password (command:..., env:..., file:..., keyring:...)", asked, "--password"
        )
        account["password"] = _secret(secret)
    text = _text(domain, account, {}, {})
    config = parse_config(text, str(target))
    senders: Counter[str] = Counter()
    rights: Counter[str] = Counter()
    if learn:
        from classifier.mailbox.accounts import AccountDoor  # noqa: PLC0415 - only to learn

        try:
            mailbox = AccountDoor(config.accounts["main"]).open()
            try:
                senders, rights = look(mailbox, domain)
            finally:
                mailbox.close()
        except BackscatterError as error:
            say(f"{error}; nothing was learnt from it, the configuration is written all the same")
    text = _text(domain, account, _often(senders, {address}), _often(rights, set()))
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


def _secret(text: str) -> str:
    """Write ``KIND:VALUE`` as the configuration does."""
    kind, colon, value = text.partition(":")
    if not colon or kind not in _SECRETS or not value.strip():
        # What was typed may be the password itself: it is not repeated.
        raise click.UsageError(
            f"--password takes where the password is: {', '.join(f'{k}:...' for k in _SECRETS)}"
        )
    return f"{{ {kind} = {json.dumps(value.strip())} }}"


def look(mailbox: Mailbox, domain: str) -> tuple[Counter[str], Counter[str]]:
    """Count the From addresses at *domain* and the Message-IDs' right-hand sides in the Sent folder."""
    senders: Counter[str] = Counter()
    rights: Counter[str] = Counter()
    folder = mailbox.special("\\Sent")
    if folder is None:
        return senders, rights
    mailbox.open(folder, write=False)
    seen = 0
    for batch in mailbox.new(_FromStart()):
        for message in batch.messages:
            seen += 1
            headers = HeaderBlock(message.headers)
            author = find_address(headers.text("from") or "")
            if author and domain_of(author) == domain:
                senders[normalise(author)] += 1
                right = (headers.get("message-id") or "").rpartition("@")[2].strip("<> \t").lower()
                if right and len(right) < 256:
                    rights[right] += 1
        if seen >= _LOOKED_AT:
            break
    return senders, rights


def _often(counts: Counter[str], sure: set[str]) -> dict[str, int]:
    found = {name: counts[name] for name in sorted(sure)}
    found.update((name, n) for name, n in counts.most_common(50) if n >= _OFTEN)
    return found


def _text(domain: str, account: dict[str, str], senders: dict[str, int], rights: dict[str, int]) -> str:
    lines = ["[identity]", f"domains = {json.dumps([domain])}"]
    if senders:
        lines.append(f"senders = {json.dumps(list(senders))}")
        lines.append("#closed_senders = true  # if no other address of the domain ever sends")
    if rights:
        lines.append(f"message_id_domains = {json.dumps(list(rights))}")
    lines += [
        '#relays = ["mail.example.org", "192.0.2.1"]  # hosts that your mail leaves through: the best you can add',
        "#never_send = []  # addresses that only receive",
        "",
        "[accounts.main]",
        *(f"{key} = {value}" for key, value in account.items()),
    ]
    return "\n".join(lines) + "\n"

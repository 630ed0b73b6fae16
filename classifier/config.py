"""The configuration: one TOML file into frozen settings, checked to the last key.

docs/configuration.md is the reference of every key. Whatever cannot be meant
is an error that names the key and its line; nothing is guessed.
"""

from __future__ import annotations

import codecs
import os
import stat
import sys
from functools import partial

from classifier.config_values import (
    dkim_key,
    domain_pattern,
    http_address,
    imap_url,
    local_path,
    mail_address,
    message_id_domain,
    milter_address,
    nameserver,
    relay,
    sender_pattern,
    spamd_address,
)
from classifier.credentials import Secret
from classifier.errors import ConfigurationError
from classifier.identity import Identity
from classifier.settings import (
    DEFAULT_STORE,
    MAX_GENUINE_LOSS,
    AccountSettings,
    Config,
    DnsSettings,
    OAuth2Settings,
    PolicySettings,
    ServeSettings,
)
from classifier.tomlfile import Source, Table, type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from classifier.deliver.parsed import ParsedConfig

__all__ = ["Config", "default_config_path", "find_config", "load_config", "open_to_others", "parse_config"]

_PARTS = ("identity", "ledger", "dns", "policy", "store", "accounts", "serve", "tenants")


def default_config_path() -> str:
    """Return ``<user config dir>/backscatter/config.toml``."""
    platform: str = sys.platform
    if platform == "linux":
        # What platformdirs says, without the 8 ms of its import on a filter's way.
        base = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")  # noqa: PTH111
        return os.path.join(base, "backscatter", "config.toml")  # noqa: PTH118
    import platformdirs  # noqa: PLC0415 - see above

    return os.path.join(platformdirs.user_config_dir("backscatter"), "config.toml")  # noqa: PTH118


def find_config(given: str | None = None) -> str | None:
    """Return the configuration file to read.

    Args:
        given: the value of ``--config``.

    Returns:
        *given*, else ``$BACKSCATTER_CONFIG``, else the default place if there
        is a file, or if nobody lets us see whether there is; else None.

    """
    named = given or os.environ.get("BACKSCATTER_CONFIG")
    if named:
        return os.path.expanduser(named)  # noqa: PTH111
    path = default_config_path()
    try:
        os.lstat(path)
    except PermissionError:  # reading it will tell: what it says must not be passed over in silence
        return path
    except (OSError, ValueError):
        return None
    return path


def open_to_others(path: str) -> bool:
    """Say whether anybody but the owner may read the file; False where there is none."""
    try:
        mode = os.stat(path).st_mode if path else 0  # noqa: PTH116
    except OSError:
        return False
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO)) and not stat.S_ISDIR(mode)


def load_config(path: str, parsed: ParsedConfig | None = None) -> Config:
    """Read and check the file.

    Args:
        path: the file.
        parsed: where its values are kept from one run to the next; they are checked all the same.

    Raises:
        ConfigurationError: it cannot be read, or something in it is wrong.

    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - see default_config_path
            raw = file.read()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration ({error.strerror})",
            where=path,
            remedy="check who may read it" if isinstance(error, PermissionError) else "check --config",
        ) from error
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            "not UTF-8 text", where=f"{path}:{line}", remedy="save it as UTF-8"
        ) from error
    return parse_config(text, path, parsed)


def parse_config(text: str, path: str = "", parsed: ParsedConfig | None = None) -> Config:
    """Check the text of a configuration file; see :func:`load_config`."""
    known = None if parsed is None else parsed.get(text)
    values = _parse(text, path) if known is None else known
    folder = os.path.dirname(os.path.abspath(path)) if path else ""  # noqa: PTH100, PTH120
    top = Table(Source(path or "configuration", text, folder), values)
    parts = {name: top.table(name) for name in _PARTS}
    top.finish()  # first of all: a part that is missing below may stand there, misspelt
    policy = _policy(parts["policy"])
    config = Config(
        path=path,
        identity=_identity(parts["identity"], parts["ledger"]),
        dns=_dns(parts["dns"]),
        policy=policy,
        store=_store(parts["store"]),
        accounts=_accounts(parts["accounts"], policy),
        serve=_serve(parts["serve"]),
        tenants=_tenants(parts["tenants"]),
    )
    if parsed is not None and known is None:
        parsed.put(text, values)
    return config


def _parse(text: str, path: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - 8 ms; the filter works without a file, too

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        what, _, place = str(error).partition(" (at line ")
        line = place.partition(",")[0]
        where = f"{path}:{line}" if line.isdigit() else path
        raise ConfigurationError(f"not valid TOML: {what}", where=where) from error


def _identity(table: Table, ledger: Table) -> Identity:
    identity = Identity(
        domains=table.texts("domains", read=domain_pattern),
        senders=table.texts("senders", read=mail_address),
        closed_senders=table.typed("closed_senders", bool, default=False),
        never_send=table.texts("never_send", read=sender_pattern),
        relays_complete=table.typed("relays_complete", bool, default=False),
        relays=table.texts("relays", read=relay),
        message_id_domains=table.texts("message_id_domains", read=message_id_domain),
        batv_keys=_batv_keys(table),
        batv_since=table.moment("batv_since"),
        srs_keys=_srs_keys(table),
        signs_all=table.typed("signs_all", bool, default=False),
        dkim_keys=_dkim_keys(table.table("dkim_keys")),
        ledger_complete_since=ledger.moment("complete_since"),
    )
    table.finish()  # before what is missing, as above
    ledger.finish()
    if not identity.domains:
        table.fail("domains", "names no domain" if "domains" in table else "is missing", "name your domains")
    for sender in identity.senders:
        if identity.never_sends(sender):
            table.fail("senders", f"{sender} stands in never_send, too", "an address does send or does not")
    if identity.relays_complete and not identity.relays:
        table.fail("relays_complete", "is true, and relays names none", "list relays")
    return identity


def _tenants(table: Table) -> dict[str, Identity]:
    """Read the customers; each has its own keys of ``[identity]``, and its own ``complete_since``."""
    found: dict[str, Identity] = {}
    owner: dict[str, str] = {}
    for name in table.keys:
        own = table.table(name)
        found[name] = _identity(own, own)
        for domain in found[name].domains:
            if domain in owner:
                own.fail("domains", f"{domain} belongs to {owner[domain]} already", "give it to one of them")
            owner[domain] = name
    table.finish()
    return found


def _batv_keys(table: Table) -> dict[str, str]:
    keys = table.table("batv_keys")
    for number in keys.keys:
        if not (len(number) == 1 and number in "0123456789"):
            keys.fail(number, "is no key number", "use one digit, 0 to 9, in quotes")
    return {number: _plain_or_secret(keys, number, keys.take(number)) for number in keys.keys}


def _srs_keys(table: Table) -> tuple[str, ...]:
    values = table.take("srs_keys", [])
    if type(values) is not list:
        table.fail("srs_keys", f"must be a list, not {type_name(values)}")
    return tuple(_plain_or_secret(table, "srs_keys", value) for value in values)


def _plain_or_secret(table: Table, key: str, value: object) -> str:
    """Return a key of ours, written down or referred to. Checking a tag needs it for every message."""
    if type(value) is str:
        if not value:
            table.fail(key, "must not be empty")
        return value
    # No type or value is shown beyond this: it may be the secret.
    if not (type(value) is dict and len(value) == 1 and set(value) <= {"env", "file"}):
        table.fail(key, 'must be a string, { env = "NAME" } or { file = "PATH" }')
    [(source, place)] = value.items()
    if type(place) is not str or not place.strip():
        table.fail(key, f"{source} must be a string that is not empty")
    return Secret(source, _of_secret(table, source, place), table.name(key)).fetch()


def _dkim_keys(table: Table) -> dict[str, str]:
    found = {}
    for name in table.keys:
        record = table.text(name)
        try:
            found[dkim_key(name, record)] = record
        except ValueError as error:
            table.fail(name, str(error))
    return found


def _dns(table: Table) -> DnsSettings:
    settings = DnsSettings(
        enabled=table.typed("enabled", bool, default=True),
        nameservers=table.texts("nameservers", read=nameserver),
        timeout=table.number("timeout", 2.0, least=0.01, most=60),
        budget=table.number("budget", 5.0, least=0, most=600),
        dnsbl=table.texts("dnsbl", read=domain_pattern),
    )
    table.finish()
    return settings


def _policy(table: Table) -> PolicySettings:
    settings = PolicySettings(
        max_genuine_loss=table.number("max_genuine_loss", MAX_GENUINE_LOSS, least=0, most=1),
        quarantine=table.text("quarantine", "Backscatter"),
        keep_delayed=table.typed("keep_delayed", bool, default=False),
        keep_days=table.whole("keep_days", 0, least=0, most=36_500),
        digest=table.choice("digest", ("off", "daily"), "off"),
    )
    table.finish()
    return settings


def _store(table: Table) -> str:
    path = local_path(table.text("path", DEFAULT_STORE), table.folder)
    table.finish()
    return path


def _accounts(table: Table, policy: PolicySettings) -> dict[str, AccountSettings]:
    return {name: _account(name, table.table(name), policy) for name in table.keys}


def _account(name: str, table: Table, policy: PolicySettings) -> AccountSettings:
    if "imap" in table and "@" in table.text("imap"):
        # Not shown: a password may stand there.
        table.fail("imap", "holds more than a server's name", "write the name of the user as username")
    username = table.text("username")
    account = AccountSettings(
        name=name,
        imap=table.read("imap", table.text("imap"), imap_url) if "imap" in table else None,
        maildir=local_path(table.text("maildir"), table.folder) if "maildir" in table else None,
        username=username,
        password=_secret(table, "password", username),
        oauth2=_oauth2(table.table("oauth2"), username) if "oauth2" in table else None,
        ca_file=local_path(table.text("ca_file"), table.folder) if "ca_file" in table else None,
        folders=table.texts("folders", ("INBOX",)),
        quarantine=table.text("quarantine", policy.quarantine),
        sent=table.text("sent", "auto"),
    )
    table.finish()  # before what is missing, as above
    if (account.imap is None) == (account.maildir is None):
        table.fail("", "needs imap or maildir, one of them")
    if not account.folders or not all(f.strip() and f.isprintable() for f in account.folders):
        table.fail("folders", "must name one folder or more, none of them empty")
    # INBOX is one name, however it is written (RFC 9051 section 5.1).
    if account.quarantine in account.folders or account.quarantine.upper() == "INBOX":
        table.fail(
            "quarantine" if "quarantine" in table else "folders",
            f"holds the quarantine {account.quarantine!r}: it is one of the folders looked through"
            if account.quarantine in account.folders
            else f"cannot be {account.quarantine!r}: that is where mail comes in",
        )
    if account.imap:
        if not username:
            table.fail("username", "is missing")
        if (account.password is None) == (account.oauth2 is None):
            table.fail("", "needs password or oauth2, one of them")
    else:
        for key in ("password", "oauth2", "ca_file"):
            if key in table:
                table.fail(key, "means nothing for a maildir", "remove it")
    return account


def _secret(table: Table, key: str, username: str) -> Secret | None:
    value = table.take(key)
    if value is None:
        return None
    sources = ("command", "env", "file", "keyring")
    # The value itself is never shown: it may be the secret.
    if not (type(value) is dict and len(value) == 1 and set(value) <= set(sources)):
        table.fail(
            key,
            "must say where the secret is, not what it is" if type(value) is str else "cannot be used",
            'write { command = "..." }, { env = "NAME" }, { file = "PATH" } or { keyring = "SERVICE" }',
        )
    [(source, place)] = value.items()
    if type(place) is not str or not place.strip():
        table.fail(key, f"{source} must be a string that is not empty")
    if source == "command" and place.count('"') % 2 + place.count("'") % 2:
        table.fail(key, "the command has a quote that is not closed")
    return Secret(source, _of_secret(table, source, place), table.name(key), username)


def _of_secret(table: Table, source: str, place: str) -> str:
    return local_path(place, table.folder) if source == "file" else place


def _oauth2(table: Table, username: str) -> OAuth2Settings:
    for key in ("provider", "client_id", "client_secret", "refresh_token", "tenant"):
        table.take(key)
    table.finish()  # before what is missing, as above
    for key in ("provider", "client_id", "refresh_token"):
        if key not in table:
            table.fail(key, "is missing")
    refresh_token = _secret(table, "refresh_token", username)
    assert refresh_token is not None
    return OAuth2Settings(
        provider=table.choice("provider", ("google", "microsoft"), ""),
        client_id=table.text("client_id"),
        client_secret=_secret(table, "client_secret", username),
        refresh_token=refresh_token,
        tenant=table.text("tenant", "common"),
    )


def _serve(table: Table) -> ServeSettings:
    spamd, milter = partial(spamd_address, base=table.folder), partial(milter_address, base=table.folder)
    settings = ServeSettings(
        spamd=table.read("spamd", table.text("spamd"), spamd) if "spamd" in table else None,
        milter=table.read("milter", table.text("milter"), milter) if "milter" in table else None,
        metrics=table.read("metrics", table.text("metrics"), http_address) if "metrics" in table else None,
        on_forged=table.choice("on_forged", ("tag", "quarantine", "reject"), "tag"),
        tell=table.choice("tell", ("own", "all", "none"), "own"),
    )
    table.finish()
    return settings

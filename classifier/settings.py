"""What the configuration says, as frozen settings; docs/configuration.md is the reference of every key."""

from __future__ import annotations

from functools import cached_property

from classifier.config_values import local_path
from classifier.dataclass import dataclass, field
from classifier.errors import ConfigurationError
from classifier.identity import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifier.config_values import MilterAddress, ServerAddress, SpamdAddress
    from classifier.credentials import Secret

#: The default of [policy] max_genuine_loss.
MAX_GENUINE_LOSS = 0.001
DEFAULT_STORE = "~/.local/share/backscatter/state.sqlite3"


def default_store() -> str:
    """Return where the store lies if nothing else is configured."""
    return local_path(DEFAULT_STORE)


@dataclass(frozen=True)
class DnsSettings:
    """``[dns]``; times in seconds."""

    enabled: bool = True
    nameservers: tuple[str, ...] = ()
    timeout: float = 2.0
    budget: float = 5.0
    dnsbl: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicySettings:
    """``[policy]``."""

    max_genuine_loss: float = MAX_GENUINE_LOSS
    quarantine: str = "Backscatter"
    keep_delayed: bool = False
    keep_days: int = 0
    digest: str = "off"


@dataclass(frozen=True)
class OAuth2Settings:
    """``oauth2`` of an account: how an access token is had (RFC 6749 section 6).

    Attributes:
        provider: ``google`` or ``microsoft``.
        client_id: the application's id at the provider.
        client_secret: its secret; None for a public client.
        refresh_token: what access tokens are got with.
        tenant: the directory, at Microsoft.

    """

    provider: str
    client_id: str
    client_secret: Secret | None
    refresh_token: Secret
    tenant: str = "common"


@dataclass(frozen=True)
class AccountSettings:
    """``[accounts.NAME]``: an IMAP account or a local Maildir, exactly one of them.

    Attributes:
        name: NAME.
        imap: the server, or None.
        maildir: the folder, ``~`` expanded, or None.
        username: who logs in; "" for a Maildir.
        password: where the password is, or None.
        oauth2: how a token is had instead, or None.
        ca_file: authorities to believe instead of the system's, or None.
        folders: the folders to look through, as people see their names.
        quarantine: the folder for forged reports.
        sent: ``auto`` or a folder's name.

    """

    name: str
    imap: ServerAddress | None = None
    maildir: str | None = None
    username: str = ""
    password: Secret | None = None
    oauth2: OAuth2Settings | None = None
    ca_file: str | None = None
    folders: tuple[str, ...] = ("INBOX",)
    quarantine: str = "Backscatter"
    sent: str = "auto"


@dataclass(frozen=True)
class ServeSettings:
    """``[serve]``; None: not served."""

    spamd: SpamdAddress | None = None
    milter: MilterAddress | None = None
    metrics: SpamdAddress | None = None
    on_forged: str = "tag"
    tell: str = "own"


@dataclass(frozen=True)
class Config:
    """All settings; the defaults are those of an empty file, which protects nobody.

    Attributes:
        path: the file, or "" where there is none.
        identity: ``[identity]``, with ``[ledger] complete_since``.
        dns: ``[dns]``.
        policy: ``[policy]``.
        store: the store's path, ``~`` expanded.
        accounts: ``[accounts.*]`` by name, in their order.
        serve: ``[serve]``.
        tenants: ``[tenants.*]`` by name: other identities, by the domain that a report came to.

    """

    path: str = ""
    identity: Identity = field(default_factory=Identity)
    dns: DnsSettings = field(default_factory=DnsSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    store: str = field(default_factory=default_store)
    accounts: Mapping[str, AccountSettings] = field(default_factory=dict)
    serve: ServeSettings = field(default_factory=ServeSettings)
    tenants: Mapping[str, Identity] = field(default_factory=dict)

    @cached_property
    def _by_domain(self) -> dict[str, Identity]:
        return {domain: identity for identity in self.tenants.values() for domain in identity.domains}

    @cached_property
    def everybody(self) -> Identity:
        """Whose mail the one ledger holds: the domains and relays of ``identity`` and of all tenants."""
        all_of = (self.identity, *self.tenants.values())
        return Identity(
            domains=tuple(dict.fromkeys(d for one in all_of for d in one.domains)),
            relays=tuple(dict.fromkeys(r for one in all_of for r in one.relays)),
        )

    def identity_of(self, addressed: Iterable[str]) -> Identity:
        """Return who is protected where a report came to the domains *addressed*: a tenant, else ``identity``."""
        if not self.tenants:
            return self.identity
        for domain in addressed:
            if self.identity.owns_domain(domain):
                return self.identity
            # ".example.org" stands for all names below it.
            above = (domain[at:] for at, sign in enumerate(domain) if sign == ".")
            for name in (domain, *above):
                if name in self._by_domain:
                    return self._by_domain[name]
        return self.identity

    def chosen_accounts(self, names: tuple[str, ...] = ()) -> tuple[AccountSettings, ...]:
        """Return the accounts of these names, or all.

        Raises:
            ConfigurationError: there is none, or none of such a name.

        """
        if not self.accounts:
            raise ConfigurationError(
                "no account is configured", where=self.path, remedy="add [accounts.main]"
            )
        for name in names:
            if name not in self.accounts:
                raise ConfigurationError(
                    f"no account {name!r}", where=self.path, remedy=f"configured: {', '.join(self.accounts)}"
                )
        return (
            tuple(self.accounts[n] for n in dict.fromkeys(names)) if names else tuple(self.accounts.values())
        )

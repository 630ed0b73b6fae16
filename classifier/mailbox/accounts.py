"""From the configuration's accounts to mailboxes that are open."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from classifier.mailbox.agent import AccountWork
from classifier.mailbox.sweep import Job
from classifier.runtime import Runtime, StoreUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.config import Config
    from classifier.mailbox.caution import Caution
    from classifier.mailbox.connection import Timeouts
    from classifier.mailbox.oauth import TokenSource
    from classifier.mailbox.protocol import Mailbox
    from classifier.settings import AccountSettings


class AccountDoor:
    """Opens one account's mailbox, as often as it is needed."""

    def __init__(
        self, account: AccountSettings, store: str | None = None, timeouts: Timeouts | None = None
    ) -> None:
        """Prepare.

        Args:
            account: its settings.
            store: where a new refresh token is kept; None: where the configured one is.
            timeouts: when a silent server counts as gone.

        """
        self.account = account
        self._store = store
        self._timeouts = timeouts

    def open(self, caution: Caution | None = None) -> Mailbox:
        """Connect and log in, or open the Maildir.

        Args:
            caution: what earlier connections taught.

        Raises:
            MailboxError: it cannot be opened.
            TemporaryError: not now.
            ConfigurationError: the password cannot be had.

        """
        account = self.account
        if account.maildir is not None:
            from classifier.mailbox.maildir import MaildirMailbox  # noqa: PLC0415 - either of the two

            return MaildirMailbox(account.maildir, account.name)
        assert account.imap is not None
        from classifier.mailbox.connection import Server, connect  # noqa: PLC0415 - likewise
        from classifier.mailbox.imap import ImapMailbox  # noqa: PLC0415 - likewise
        from classifier.mailbox.login import Login  # noqa: PLC0415 - likewise

        address = account.imap
        server = Server(address.host, address.port, address.security, account.ca_file)
        login = Login(
            account.username,
            password=account.password.fetch if account.password is not None else None,
            token=self._tokens.token if account.oauth2 is not None else None,
        )
        return ImapMailbox(connect(server, login, account.name, self._timeouts), caution)

    @cached_property
    def _tokens(self) -> TokenSource:
        from classifier.mailbox.oauth import TokenSource  # noqa: PLC0415 - most accounts have a password

        assert self.account.oauth2 is not None
        return TokenSource(self.account.oauth2, self.account.name, self._store)


def work_for(
    config: Config, accounts: Sequence[AccountSettings], *, dry_run: bool = False
) -> list[AccountWork]:
    """Return what a sweep of *accounts* needs.

    Args:
        config: the settings.
        accounts: which of its accounts.
        dry_run: True: change nothing anywhere.

    """
    return [_work(config, account, dry_run) for account in accounts]


def _work(config: Config, account: AccountSettings, dry_run: bool) -> AccountWork:
    door = AccountDoor(account, config.store)

    def make_examiner() -> Runtime:
        use = StoreUse.READ if dry_run else StoreUse.KEEP
        return Runtime(config, use, remember=not dry_run)

    address = (
        account.username if "@" in account.username else next(iter(config.identity.senders), account.name)
    )
    job = Job(
        account.name,
        account.folders,
        account.quarantine,
        dry_run,
        keep_days=config.policy.keep_days,
        digest_to=address if config.policy.digest == "daily" else "",
    )
    return AccountWork(job, door.open, make_examiner, aside=True)

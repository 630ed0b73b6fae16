"""Access tokens for IMAP (RFC 6749 section 6), asked for with the refresh token at every connection.

Providers may hand out a new refresh token each time and retire the old one;
the newest is kept in the store, which its owner alone can read, and used for
as long as the configuration still names the token that it came from.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from hashlib import blake2b
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.errors import MailboxError, TemporaryError
from classifier.mailbox.protocol import NotReached
from classifier.store.database import Database, store_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.settings import OAuth2Settings


@dataclass(frozen=True)
class Provider:
    """A provider's addresses; ``{tenant}`` stands for the directory.

    Attributes:
        token: where tokens are had.
        scope: what IMAP needs.
        authorize: the page where users sign in.
        device: where a code for another device is had; "": not for mail.
        scoped: whether each refresh must name the scope.

    """

    token: str
    scope: str
    authorize: str = ""
    device: str = ""
    scoped: bool = False


PROVIDERS = {
    # https://developers.google.com/identity/protocols/oauth2/native-app; its device flow has no mail scope.
    "google": Provider(
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/",
        authorize="https://accounts.google.com/o/oauth2/v2/auth",
    ),
    # https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-device-code
    "microsoft": Provider(
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        device="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode",
        scoped=True,
    ),
}
#: Seconds for one request.
TIMEOUT = 30.0
#: A token with less than this to live, in seconds, is replaced.
_MARGIN = 120
_MAX_ANSWER = 100_000
_TABLES = """
CREATE TABLE IF NOT EXISTS oauth_token (
    account TEXT PRIMARY KEY, came_from BLOB NOT NULL, refresh_token TEXT NOT NULL
) WITHOUT ROWID;
"""


class TokenRefused(MailboxError):  # noqa: N818 - named for what happened
    """The token server answered with an error (RFC 6749 section 5.2).

    Attributes:
        code: the error's name, e.g. ``invalid_grant``.

    """

    def __init__(self, what: str, code: str, *, where: str, remedy: str) -> None:
        """Keep the error's name beside the line that users see."""
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


class TokenSource:
    """Gives access tokens for one account."""

    def __init__(
        self,
        settings: OAuth2Settings,
        account: str,
        store: str | None = None,
        *,
        endpoint: str | None = None,
    ) -> None:
        """Prepare; nothing is asked for yet.

        Args:
            settings: the account's ``oauth2``.
            account: its name.
            store: the store's path, where a new refresh token is kept; None: where the configured one is.
            endpoint: the token server, where it is not the provider's.

        """
        self._settings = settings
        self._account = account
        self._store = store
        self._provider = PROVIDERS[settings.provider]
        self._endpoint = endpoint or self._provider.token.format(tenant=settings.tenant)
        self._token = ""
        self._until = 0.0

    def token(self, fresh: bool) -> str:
        """Return an access token.

        Args:
            fresh: True: not the one given before, it was refused.

        Raises:
            MailboxError: the provider says no; the user must sign in anew.
            TemporaryError: it is not reached.

        """
        if fresh or not self._token or time.monotonic() > self._until - _MARGIN:
            self._refresh()
        return self._token

    def _refresh(self) -> None:
        settings = self._settings
        configured = settings.refresh_token.fetch()
        form = {
            "grant_type": "refresh_token",
            "client_id": settings.client_id,
            "refresh_token": self._newest(configured),
        }
        if settings.client_secret is not None:
            form["client_secret"] = settings.client_secret.fetch()
        if self._provider.scoped:
            form["scope"] = self._provider.scope
        answer = ask(self._endpoint, form, self._account)
        token, rotated, life = (
            answer.get("access_token"),
            answer.get("refresh_token"),
            answer.get("expires_in"),
        )
        if not isinstance(token, str) or not token:
            raise MailboxError("the token server gave no access token", where=self._account)
        self._token = token
        self._until = time.monotonic() + (float(life) if isinstance(life, int | float) else 3600.0)
        if isinstance(rotated, str) and rotated and rotated != form["refresh_token"]:
            self._keep(configured, rotated)

    def _newest(self, configured: str) -> str:
        if self._store is None or not os.path.exists(self._store):  # noqa: PTH110 - a look makes no store
            return configured
        with self._tokens(self._store) as database:
            row = database.connection.execute(
                "SELECT refresh_token FROM oauth_token WHERE account = ? AND came_from = ?",
                (self._account, _mark(configured)),
            ).fetchone()
        return row[0] if row else configured

    def _keep(self, configured: str, rotated: str) -> None:
        if self._store is None:
            self._settings.refresh_token.put(rotated)
            return
        with self._tokens(self._store) as database, database.transaction() as connection:
            connection.execute(
                "REPLACE INTO oauth_token VALUES (?, ?, ?)", (self._account, _mark(configured), rotated)
            )

    @contextlib.contextmanager
    def _tokens(self, store: str) -> Iterator[Database]:
        try:
            with Database.open(store) as database:
                database.ensure(_TABLES)
                yield database
        except sqlite3.Error as error:
            raise store_failure(error, store) from error


def _mark(token: str) -> bytes:
    return blake2b(token.encode(), digest_size=16).digest()


def ask(endpoint: str, form: dict[str, str], account: str) -> dict[str, object]:
    """Post *form* and return the answer; nothing secret of either gets into an error.

    Raises:
        TokenRefused: the answer is an error.
        TemporaryError: the server is not reached, or says "not now".

    """
    import urllib.error  # noqa: PLC0415 - 30 ms, and most accounts have a password
    import urllib.parse  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    where = f"{account} ({urllib.parse.urlsplit(endpoint).hostname})"
    request = urllib.request.Request(  # noqa: S310 - the provider's address, https
        endpoint, urllib.parse.urlencode(form).encode(), {"Accept": "application/json"}
    )
    status = 200
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            raw = response.read(_MAX_ANSWER)
    except urllib.error.HTTPError as error:
        status, raw = error.code, error.read(_MAX_ANSWER)
        error.close()
    except OSError as error:
        raise NotReached("the token server is not reached", where=where, remedy="try again later") from error
    try:
        answer = json.loads(raw)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if status >= 500 or status == 429:
        raise TemporaryError(f"the token server answered {status}", where=where, remedy="try again later")
    if status != 200 or "error" in answer:
        code = "".join(c for c in str(answer.get("error", status)) if c.isprintable())[:60]
        raise TokenRefused(
            f"the token server refuses ({code})",
            code,
            where=where,
            remedy=f"sign in anew with `backscatter init --sign-in {account}`",
        )
    return answer

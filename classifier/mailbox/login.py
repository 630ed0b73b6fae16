"""Logging in to an IMAP server, by password or by access token.

No secret gets into an error: what is told is the server's answer alone.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from classifier.dataclass import dataclass, field
from classifier.errors import MailboxError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Answers to a login that say "not now" rather than "no" (RFC 9051 section 7.1).
_NOT_NOW = ("[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]", "[LIMIT]")


@dataclass(frozen=True)
class Login:
    """Who logs in. Secrets are asked for at every connection and never kept.

    Attributes:
        username: the user's name.
        password: gives the password; None where a token is used.
        token: gives an OAuth2 access token, a fresh one if called with True.

    """

    username: str
    password: Callable[[], str] | None = field(default=None, repr=False)
    token: Callable[[bool], str] | None = field(default=None, repr=False)


def words(error: BaseException) -> str:
    """Return what an exception says, in one line."""
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if said[:2] in {"b'", 'b"'}:  # imaplib makes its text of bytes
        said = said[2:-1]
    return " ".join(said.split())[:200] or type(error).__name__


def log_in(client: Any, login: Login, address: str) -> None:  # noqa: ANN401
    """Log in by token or password, with what the server offers.

    Raises:
        MailboxError: it refuses.
        TemporaryError: it says "not now".

    """
    if login.token is not None:
        try:
            _by_token(client, login, login.token(False), address)
        except MailboxError:
            # Expired earlier than its life promised, or withdrawn: a fresh one, once.
            _by_token(client, login, login.token(True), address)
    elif login.password is not None:
        _by_password(client, login, login.password(), address)


def _by_password(client: Any, login: Login, password: str, address: str) -> None:  # noqa: ANN401
    plain = client.has_capability("AUTH=PLAIN")
    if client.has_capability("LOGINDISABLED") and not plain:
        raise MailboxError(
            "the server takes no password here", where=address, remedy="use imaps://, or oauth2"
        )
    ascii_only = (login.username + password).isascii()
    if not ascii_only and not plain:
        raise MailboxError("the server takes ASCII names and passwords only", where=address)
    with _refusals(address, "check username and password"):
        if ascii_only and not client.has_capability("LOGINDISABLED"):
            client.login(login.username, password)
        else:
            client.plain_login(login.username, password)


def _by_token(client: Any, login: Login, token: str, address: str) -> None:  # noqa: ANN401
    # RFC 7628 section 3.1 and Google's older form of it.
    if client.has_capability("AUTH=OAUTHBEARER"):
        user = login.username.replace("=", "=3D").replace(",", "=2C")
        mechanism, answer = "OAUTHBEARER", f"n,a={user},\1auth=Bearer {token}\1\1"
    elif client.has_capability("AUTH=XOAUTH2"):
        mechanism, answer = "XOAUTH2", f"user={login.username}\1auth=Bearer {token}\1\1"
    else:
        raise MailboxError("the server offers no OAuth2 login", where=address, remedy="use a password")
    answers = deque([answer])

    def respond(_challenge: bytes) -> str:
        # After a refusal the server sends its reasons and waits for an empty answer.
        return answers.popleft() if answers else "\1" if mechanism == "OAUTHBEARER" else ""

    account = address.partition(" (")[0]
    with _refusals(address, f"sign in anew with `backscatter init --sign-in {account}`"):
        client.sasl_login(mechanism, respond)


@contextlib.contextmanager
def _refusals(address: str, remedy: str) -> Iterator[None]:
    import imaplib  # noqa: PLC0415

    from imapclient.exceptions import LoginError  # noqa: PLC0415

    try:
        yield
    except LoginError as error:
        # imapclient makes a login error of a lost connection as well.
        if isinstance(error.__context__, imaplib.IMAP4.abort) or any(w in str(error) for w in _NOT_NOW):
            raise TemporaryError(
                f"the server does not let us in now ({words(error)})",
                where=address,
                remedy="try again later",
            ) from None
        raise MailboxError(f"the login is refused ({words(error)})", where=address, remedy=remedy) from None

"""Signing in at a provider once, for the refresh token that later logins live on.

Two ways, both without a server of ours: a code that is typed in on any device
(RFC 8628), or a browser that comes back to a port on this machine (RFC 8252,
with PKCE, RFC 7636). Google gives no mail scope to the first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import select
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from classifier.errors import MailboxError, TemporaryError
from classifier.mailbox.oauth import PROVIDERS, TokenRefused, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.mailbox.oauth import Provider
    from classifier.settings import AccountSettings, OAuth2Settings

#: Seconds that a person has.
PATIENCE = 900.0
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_DONE = b"Signed in: this window can be closed.\n"
_NOT_DONE = b"Not signed in: see the terminal.\n"


def sign_in(account: AccountSettings, tell: Callable[[str], None]) -> None:
    """Have the user sign in, and put the refresh token where the configuration says it is.

    Args:
        account: an account with ``oauth2``.
        tell: shows the user what to do.

    Raises:
        ConfigurationError: the token cannot be kept where it belongs.
        MailboxError: the provider or the user says no, or nobody came.
        TemporaryError: the provider is not reached.

    """
    settings = account.oauth2
    assert settings is not None
    settings.refresh_token.require_writable()
    provider = PROVIDERS[settings.provider]
    way = _by_device if provider.device else _by_browser
    answer = way(provider, settings, account, tell)
    token = answer.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise MailboxError(
            "the provider gave no refresh token",
            where=account.name,
            remedy="check the client id's permissions",
        )
    settings.refresh_token.put(token)


def _client(settings: OAuth2Settings) -> dict[str, str]:
    form = {"client_id": settings.client_id}
    if settings.client_secret is not None:
        form["client_secret"] = settings.client_secret.fetch()
    return form


def _by_device(
    provider: Provider, settings: OAuth2Settings, account: AccountSettings, tell: Callable[[str], None]
) -> dict[str, object]:
    """Ask for a code to be typed in elsewhere, and wait for it (RFC 8628 sections 3.1 to 3.5)."""
    where = account.name
    begun = ask(
        provider.device.format(tenant=settings.tenant),
        {"client_id": settings.client_id, "scope": provider.scope},
        where,
    )
    code, shown = begun.get("device_code"), begun.get("user_code")
    page = begun.get("verification_uri") or begun.get("verification_url")
    if not all(isinstance(v, str) and v.isprintable() for v in (code, shown, page)):
        raise MailboxError("the provider gave no code to sign in with", where=where)
    tell(f"open {page} on any device and enter the code {shown} to sign in as {account.username}")
    wait = _seconds(begun.get("interval"), 5.0)
    end = time.monotonic() + min(_seconds(begun.get("expires_in"), PATIENCE), PATIENCE)
    form = {"grant_type": _DEVICE_GRANT, "device_code": str(code), **_client(settings)}
    while time.monotonic() + wait < end:
        time.sleep(wait)
        try:
            return ask(provider.token.format(tenant=settings.tenant), form, where)
        except TokenRefused as refusal:
            if refusal.code == "slow_down":
                wait += 5.0
            elif refusal.code != "authorization_pending":
                raise
        except TemporaryError:
            wait *= 2  # RFC 8628 section 3.5; the user may have typed the code in already
    raise MailboxError("nobody signed in in time", where=where, remedy="start again")


def _by_browser(
    provider: Provider, settings: OAuth2Settings, account: AccountSettings, tell: Callable[[str], None]
) -> dict[str, object]:
    """Send a browser to the provider, wait for it to come back with a code, and exchange that."""
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with _Desk(state) as desk:
        redirect = f"http://127.0.0.1:{desk.server_port}/"
        query = {
            "client_id": settings.client_id, "redirect_uri": redirect, "response_type": "code",
            "scope": provider.scope, "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
            "access_type": "offline", "prompt": "consent", "login_hint": account.username,
        }  # fmt: skip
        tell(
            f"open this address in a browser and sign in as {account.username}:\n"
            f"{provider.authorize}?{urllib.parse.urlencode(query)}\n"
            "if the browser runs on another machine, its last page cannot be shown: paste that page's address here"
        )
        desk.wait(account.name)
    form = {
        "grant_type": "authorization_code", "code": desk.code, "code_verifier": verifier, "redirect_uri": redirect,
        **_client(settings),
    }  # fmt: skip
    return ask(provider.token.format(tenant=settings.tenant), form, account.name)


class _Desk(HTTPServer):
    """Where the browser comes back to, on this machine alone."""

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Visitor)
        self._state = state
        self.code = ""
        self.refusal = ""

    def take(self, address: str) -> bool:
        """Take the code from the address that the browser was sent to; others than the one expected are ignored."""
        answer = urllib.parse.parse_qs(address.strip().partition("?")[2].partition("#")[0])
        if not hmac.compare_digest(answer.get("state", [""])[0].encode(), self._state.encode()):
            return False
        self.code = answer.get("code", [""])[0]
        self.refusal = "" if self.code else answer.get("error", ["no code"])[0]
        return bool(self.code)

    def wait(self, where: str) -> None:
        """Wait for the browser, or for its last address on the terminal."""
        pasted = [sys.stdin] if sys.stdin is not None and sys.stdin.isatty() else []
        end = time.monotonic() + PATIENCE
        while not self.code:
            left = end - time.monotonic()
            ready = select.select([self.socket, *pasted], [], [], max(left, 0))[0]
            if self.socket in ready:
                self.handle_request()
            elif ready:
                line = sys.stdin.readline()
                pasted = pasted if line else []
                self.take(line)
            elif left <= 0:
                raise MailboxError("nobody signed in in time", where=where, remedy="start again")
            if self.refusal:
                said = "".join(c for c in self.refusal if c.isprintable())[:60]
                raise MailboxError(f"the provider refuses ({said})", where=where)


class _Visitor(BaseHTTPRequestHandler):
    timeout = 5

    def do_GET(self) -> None:
        """Answer the browser."""
        assert isinstance(self.server, _Desk)
        text = _DONE if self.server.take(self.path) else _NOT_DONE
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing: the address holds the code."""


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 86_400 else default

"""Signing in by OAuth2 with `init`: against a token server, up to a login at Dovecot with what came of it."""

from __future__ import annotations

import re
import stat
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from types import SimpleNamespace

import pytest

from classifier.cli.main import main
from classifier.config import load_config
from classifier.credentials import Secret
from classifier.errors import ConfigurationError, MailboxError
from classifier.mailbox import oauth, signin
from classifier.mailbox.oauth import Provider
from classifier.settings import AccountSettings, OAuth2Settings
from tests.mailbox.dovecot import dovecot_asking
from tests.mailbox.tokens import SECRET


@pytest.fixture
def providers(tokens, monkeypatch):
    """Put the token server in the providers' place."""
    base = f"http://127.0.0.1:{tokens.server_port}"
    monkeypatch.setitem(
        oauth.PROVIDERS,
        "google",
        Provider(f"{base}/token", "mail", authorize="https://accounts.remote.test/auth"),
    )
    monkeypatch.setitem(
        oauth.PROVIDERS,
        "microsoft",
        Provider(f"{base}/token", "imap", device=f"{base}/devicecode", scoped=True),
    )
    return tokens


def account(provider, tmp_path, kind="file"):
    place = Secret(kind, str(tmp_path / "sub" / "token"), "accounts.main.oauth2.refresh_token", "anna")
    return AccountSettings("main", username="anna", oauth2=OAuth2Settings(provider, "client-1", None, place))


def visit(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.read().decode()


class Browser:
    """Opens the address that the user is told, in a thread, and is sent back."""

    def __init__(self, tokens, **answer):
        self.tokens, self.answer = tokens, answer
        self.told = ""
        self.pages = []

    def __call__(self, text):
        self.told += text
        address = re.search(r"https://accounts\S+", text)
        if address:
            threading.Thread(target=self._come_back, args=(address[0],), daemon=True).start()

    def _come_back(self, address):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        self.tokens.asked = asked
        answer = {"state": asked["state"], "code": "the-code", **self.answer}
        # Others on this machine knock, too; what they say does not count.
        self.pages.append(visit(asked["redirect_uri"] + "?code=evil&state=guessed"))
        self.pages.append(visit(asked["redirect_uri"] + "favicon.ico"))
        self.pages.append(visit(asked["redirect_uri"] + "?" + urllib.parse.urlencode(answer)))


def test_by_browser(providers, tmp_path):
    browser = Browser(providers)
    signin.sign_in(account("google", tmp_path), browser)
    token = tmp_path / "sub" / "token"
    assert token.read_text() == "refresh-0\n"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert providers.asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert providers.asked["code_challenge_method"] == "S256"
    assert providers.asked["login_hint"] == "anna"
    assert [form["code"] for form in providers.forms] == ["the-code"]
    assert providers.forms[0]["code_verifier"] not in browser.told
    assert [page[:6] for page in browser.pages[:2]] == ["Not si", "Not si"]


def test_a_user_who_declines_in_the_browser(providers, tmp_path):
    with pytest.raises(MailboxError, match="access_denied"):
        signin.sign_in(account("google", tmp_path), Browser(providers, code="", error="access_denied"))
    assert not (tmp_path / "sub").exists()


def test_by_device(providers, tmp_path):
    providers.pending = ["authorization_pending", "authorization_pending"]
    told = []
    signin.sign_in(account("microsoft", tmp_path), told.append)
    assert (tmp_path / "sub" / "token").read_text() == "refresh-0\n"
    assert told == [
        "open https://login.remote.test/device on any device and enter the code ABCD-1234 to sign in as anna"
    ]
    assert len(providers.forms) == 4


@pytest.mark.parametrize("answer", ["access_denied", "expired_token"])
def test_a_user_who_declines_on_the_device(providers, tmp_path, answer):
    providers.pending = ["authorization_pending", answer]
    with pytest.raises(MailboxError, match=answer) as caught:
        signin.sign_in(account("microsoft", tmp_path), lambda _: None)
    assert SECRET not in str(caught.value)


def test_nobody_comes(providers, tmp_path, monkeypatch):
    providers.device["expires_in"] = 0.2
    providers.pending = ["authorization_pending"] * 100
    with pytest.raises(MailboxError, match="in time"):
        signin.sign_in(account("microsoft", tmp_path), lambda _: None)
    monkeypatch.setattr(signin, "PATIENCE", 0.1)
    with pytest.raises(MailboxError, match="in time"):
        signin.sign_in(account("google", tmp_path), lambda _: None)


def test_a_token_must_have_a_place(providers, tmp_path):
    with pytest.raises(ConfigurationError, match="file"):
        signin.sign_in(account("microsoft", tmp_path, kind="env"), lambda _: None)
    assert providers.forms == []
    (tmp_path / "sub").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot write"):
        signin.sign_in(account("microsoft", tmp_path), lambda _: None)


def test_a_device_asks_less_often_when_told_so(providers, tmp_path, monkeypatch):
    providers.pending = ["slow_down", "authorization_pending", "slow_down"]
    providers.device["expires_in"] = 60
    waits = []
    monkeypatch.setattr(signin, "time", SimpleNamespace(sleep=waits.append, monotonic=time.monotonic))
    signin.sign_in(account("microsoft", tmp_path), lambda _: None)
    assert [round(wait) for wait in waits] == [0, 5, 5, 10]


def test_a_device_outlasts_a_token_server_that_is_not_there_for_a_moment(providers, tmp_path, monkeypatch):
    answers = [503, 503, 200]
    providers.device["expires_in"] = 60

    def sleep(_seconds):
        providers.status = answers.pop(0)

    monkeypatch.setattr(signin, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    signin.sign_in(account("microsoft", tmp_path), lambda _: None)
    assert answers == []
    assert (tmp_path / "sub" / "token").read_text() == "refresh-0\n"


@pytest.mark.parametrize("answer", ["access_denied", "expired_token"])
def test_without_a_token_no_configuration_is_written(providers, tmp_path, answer, capsys):
    providers.pending = ["authorization_pending", answer]
    config = tmp_path / "sub" / "config.toml"
    arguments = ["--address", "anna@outlook.com", "--client-id", "id-1"]
    assert main(["--config", str(config), "init", *arguments]) == 1
    assert answer in capsys.readouterr().err
    assert not config.parent.exists()


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_init_signs_in_and_the_account_works(providers, tmp_path, mechanism, capsys):
    config = tmp_path / "sub" / "config.toml"
    # The provider hands out a new refresh token each time, and takes no old one.
    providers.rotate = True
    with dovecot_asking(providers.server_port, mechanism) as server:
        user = server.user("anna")
        for number in range(3):
            user.deliver(b"From: anna@example.org\nMessage-ID: <%d@mua.example.org>\n\nhi\n" % number, "Sent")
        arguments = [
            "--address", "anna@example.org", "--username", "anna", "--provider", "microsoft", "--client-id", "id-1",
            "--imap", f"imaps://localhost:{server.tls_port}", "--ca-file", str(server.ca_file),
        ]  # fmt: skip
        assert main(["--config", str(config), "init", *arguments]) == 0
        output = capsys.readouterr()
        assert "enter the code ABCD-1234" in output.err
        assert "refresh-0" not in output.out + output.err + config.read_text()
        settings = load_config(str(config))
        assert settings.identity.senders == ("anna@example.org",)
        assert settings.identity.message_id_domains == ("mua.example.org",)
        text = config.read_text() + f'[store]\npath = "{tmp_path}/s.sqlite3"\n[dns]\nenabled = false\n'
        config.write_text(text)
        config.chmod(0o600)
        for command in (
            ["sweep", "--json"],
            ["sweep", "--dry-run", "--json"],
            ["doctor"],
            ["sweep", "--json"],
        ):
            assert main(["--config", str(config), *command]) == 0
            said = capsys.readouterr()
            assert '"errors": 0' in said.out or command == ["doctor"]
        # Another configuration beside it has a token of its own.
        providers.valid = {"refresh-0"}
        mine = (config.parent / "main.refresh-token").read_text()
        assert main(["--config", str(config.with_name("other.toml")), "init", *arguments]) == 0
        assert (config.parent / "main.refresh-token").read_text() == mine
        assert (config.parent / "other.main.refresh-token").read_text() != mine
        # The provider withdraws it; the error says what to do, and doing it helps.
        providers.valid = set()
        assert main(["--config", str(config), "sweep"]) == 1
        assert "backscatter init --sign-in main" in capsys.readouterr().err
        assert main(["--config", str(config), "doctor"]) == 1
        assert "backscatter init --sign-in main" in capsys.readouterr().out
        providers.valid = {"refresh-0"}
        assert main(["--config", str(config), "init", "--sign-in", "main"]) == 0
        assert main(["--config", str(config), "sweep"]) == 0

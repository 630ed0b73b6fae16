"""Secrets are had at the moment of use, and shown nowhere."""

import sys

import pytest

from classifier import credentials
from classifier.credentials import Secret
from classifier.errors import ConfigurationError

KEY = "accounts.main.password"


def test_environment(monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2")
    assert Secret("env", "MAIL_PASSWORD", KEY).fetch() == "hunter2"


def test_file_first_line(tmp_path):
    file = tmp_path / "password"
    file.write_text("hünter2 with space \nnotes\n")
    assert Secret("file", str(file), KEY).fetch() == "hünter2 with space "


def test_command_runs_without_a_shell(tmp_path):
    script = tmp_path / "tell.py"
    script.write_text("import sys; print(sys.argv[1]); print('second line')")
    secret = Secret("command", f"{sys.executable} {script} '$HOME; echo x'", KEY)
    assert secret.fetch() == "$HOME; echo x"


@pytest.mark.parametrize(
    ("source", "value", "words"),
    [
        ("env", "NOT_SET_ANYWHERE", "environment variable NOT_SET_ANYWHERE is not set"),
        ("file", "/nonexistent/password", "cannot read /nonexistent/password"),
        ("command", "/nonexistent/program", "cannot run /nonexistent/program"),
        ("command", "sh -c 'echo hunter2; exit 3'", "ended with status 3"),
        ("command", "true", "gave nothing"),
        ("command", "printf '\\377'", "something other than UTF-8"),
    ],
)
def test_failures_say_which_key_and_no_secret(source, value, words):
    with pytest.raises(ConfigurationError) as caught:
        Secret(source, value, KEY).fetch()
    assert words in str(caught.value)
    assert KEY in str(caught.value)
    assert "hunter2" not in str(caught.value).replace(value, "")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_command_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(credentials, "COMMAND_TIMEOUT", 0.2)
    with pytest.raises(ConfigurationError, match="took longer than"):
        Secret("command", "sleep 60", KEY).fetch()


def test_a_machine_without_a_keyring_is_told_so():
    import keyring
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        for use in (lambda secret: secret.fetch(), lambda secret: secret.put("hunter2")):
            with pytest.raises(
                ConfigurationError, match=r"no keyring on this machine; write .* = \{ file = "
            ):
                use(Secret("keyring", "mail", KEY, "anna"))
    finally:
        keyring.set_keyring(before)


def test_keyring(monkeypatch):
    import keyring
    from keyring.backend import KeyringBackend

    class Ring(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            if service == "broken":
                raise RuntimeError("hunter2")
            return "hunter2" if (service, username) == ("mail", "anna") else None

        set_password = None

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    try:
        assert Secret("keyring", "mail", KEY, "anna").fetch() == "hunter2"
        with pytest.raises(ConfigurationError, match="holds nothing for service mail, user otto"):
            Secret("keyring", "mail", KEY, "otto").fetch()
        with pytest.raises(ConfigurationError, match="keyring failed") as caught:
            Secret("keyring", "broken", KEY, "anna").fetch()
        assert "hunter2" not in str(caught.value)
    finally:
        keyring.set_keyring(before)

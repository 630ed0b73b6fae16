"""Secrets by reference: where one is kept, and fetching it at the moment of use.

A secret itself is never part of the configuration's objects, a representation,
a log line or an error.
"""

from __future__ import annotations

import os

from classifier.dataclass import dataclass
from classifier.errors import ConfigurationError

#: Seconds that a password command may take: it may ask a person for a passphrase.
COMMAND_TIMEOUT = 60.0
#: No secret file or command output is read further than this.
_MAX_BYTES = 65_536


@dataclass(frozen=True)
class Secret:
    """A reference to a secret.

    Attributes:
        source: ``env``, ``command``, ``file`` or ``keyring``.
        value: the variable's name, the command line, the path, or the keyring's service name.
        key: the configuration key that names it, for errors.
        username: the name it is filed under in a keyring.

    """

    source: str
    value: str
    key: str
    username: str = ""

    def fetch(self) -> str:
        """Return the secret: the first line, without its line end.

        ``command`` runs without a shell.

        Raises:
            ConfigurationError: it cannot be had, or is empty.

        """
        try:
            text = _FETCHERS[self.source](self)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - keyrings raise what they like
            raise self._failed(error) from None
        lines = text.splitlines()
        if not lines or not lines[0]:
            raise self.failure(f"{self.source} gave nothing")
        return lines[0]

    def require_writable(self) -> None:
        """Make sure that :meth:`put` can work here.

        Raises:
            ConfigurationError: the source is one that only gives.

        """
        if self.source not in {"file", "keyring"}:
            raise self.failure(
                f"{self.source} only gives secrets, a new one cannot be put there",
                f"write {self.key} = {{ file = ... }} or {{ keyring = ... }}",
            )

    def put(self, value: str) -> None:
        """Keep a new secret in the file or keyring that is referred to.

        Raises:
            ConfigurationError: it cannot be kept there.

        """
        self.require_writable()
        try:
            _PUTTERS[self.source](self, value)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - keyrings raise what they like
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> ConfigurationError:
        name = type(error).__name__
        if name == "NoKeyringError":
            return self.failure(
                "there is no keyring on this machine",
                f"write {self.key} = {{ file = ... }} or {{ command = ... }}",
            )
        # The text of a foreign error may show what it must not.
        return self.failure(f"{self.source} failed ({name})")

    def failure(self, what: str, remedy: str = "") -> ConfigurationError:
        """Make the error that says which key's secret is not to be had."""
        return ConfigurationError(what, where=self.key, remedy=remedy or f"check {self.key}")


def _from_env(secret: Secret) -> str:
    value = os.environ.get(secret.value)
    if value is None:
        raise secret.failure(f"environment variable {secret.value} is not set", f"set {secret.value}")
    return value


def _from_file(secret: Secret) -> str:
    path = os.path.expanduser(secret.value)  # noqa: PTH111 - pathlib costs the filter 5 ms
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - likewise
            return _decoded(secret, file.read(_MAX_BYTES))
    except OSError as error:
        raise secret.failure(f"cannot read {path} ({error.strerror})") from None


def _from_command(secret: Secret) -> str:
    import shlex  # noqa: PLC0415 - only where a command is named
    import subprocess  # noqa: PLC0415 - likewise

    arguments = shlex.split(secret.value)
    program = arguments[0]
    try:
        # Standard error stays the user's: a pinentry or a locked agent speaks there.
        done = subprocess.run(
            [os.path.expanduser(program), *arguments[1:]],  # noqa: PTH111 - pathlib would drop a leading ./
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_TIMEOUT, check=False,
        )  # fmt: skip
    except OSError as error:
        raise secret.failure(f"cannot run {program} ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise secret.failure(f"{program} took longer than {COMMAND_TIMEOUT:g} s") from None
    if done.returncode:
        raise secret.failure(f"{program} ended with status {done.returncode}")
    return _decoded(secret, done.stdout[:_MAX_BYTES])


def _from_keyring(secret: Secret) -> str:
    import keyring  # noqa: PLC0415 - only where a keyring is named

    found = keyring.get_password(secret.value, secret.username)
    if found is None:
        raise secret.failure(
            f"the keyring holds nothing for service {secret.value}, user {secret.username}",
            f"keyring set {secret.value} {secret.username}",
        )
    return str(found)


def _into_file(secret: Secret, value: str) -> None:
    """Write a file for the owner alone, or leave the one that is there as it is."""
    path = os.path.abspath(os.path.expanduser(secret.value))  # noqa: PTH100, PTH111 - see _from_file
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - likewise
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - likewise
    except OSError as error:
        raise secret.failure(f"cannot write {path} ({error.strerror})") from None


def _into_keyring(secret: Secret, value: str) -> None:
    import keyring  # noqa: PLC0415 - only where a keyring is named

    keyring.set_password(secret.value, secret.username, value)


def _decoded(secret: Secret, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise secret.failure(f"{secret.source} gave something other than UTF-8 text") from None


_PUTTERS = {"file": _into_file, "keyring": _into_keyring}
_FETCHERS = {"env": _from_env, "file": _from_file, "command": _from_command, "keyring": _from_keyring}

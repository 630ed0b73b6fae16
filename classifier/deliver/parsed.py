"""The configuration's values as they were parsed the last time: importing a TOML parser costs a filter 8 ms.

The values are checked again each time; only the parsing is spared. They are
found by a digest of the text itself, and a text that holds keys of tags is not
kept: secrets stay where their owner put them.
"""

from __future__ import annotations

from datetime import date, datetime, time

from classifier.deliver import kept
from classifier.digest import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Values with one of these keys, at any depth, are not kept.
_SECRETS = frozenset({"batv_keys", "srs_keys"})
_DATES: dict[str, Any] = {"d": date, "m": datetime, "t": time}


class ParsedConfig:
    """What one configuration file held."""

    def __init__(self, path: str) -> None:
        """Remember for the file *path*."""
        name = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        self._place = kept.place(f"config.{name}")

    def get(self, text: str) -> dict[str, Any] | None:
        """Return the values of *text*, or None where they are not kept."""
        found = kept.read(self._place) if self._place else None
        if type(found) is not tuple or len(found) != 2 or found[0] != _digest(text):
            return None
        try:
            values = _decoded(found[1])
        except (ValueError, TypeError, KeyError):
            return None
        return values if type(values) is dict else None

    def put(self, text: str, values: dict[str, Any]) -> None:
        """Keep the values of *text*."""
        if self._place and not _holds_secrets(values):
            kept.write(self._place, (_digest(text), _encoded(values)))


def _holds_secrets(value: object) -> bool:
    """Say whether there is a key that is secret, however the text wrote its name."""
    if type(value) is dict:
        return not _SECRETS.isdisjoint(value) or any(_holds_secrets(each) for each in value.values())
    return type(value) is list and any(_holds_secrets(each) for each in value)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _encoded(value: Any) -> Any:  # noqa: ANN401 - what TOML has
    """Return *value* without dates, which cannot be written down as they are."""
    if type(value) is dict:
        return {key: _encoded(each) for key, each in value.items()}
    if type(value) is list:
        return [_encoded(each) for each in value]
    for sign, kind in _DATES.items():
        if type(value) is kind:
            return (sign, value.isoformat())
    return value


def _decoded(value: Any) -> Any:  # noqa: ANN401 - likewise
    if type(value) is dict:
        return {key: _decoded(each) for key, each in value.items()}
    if type(value) is list:
        return [_decoded(each) for each in value]
    if type(value) is tuple:
        sign, text = value
        return _DATES[sign].fromisoformat(text)
    return value

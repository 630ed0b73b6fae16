"""What a server allows: the user's rights in a folder (RFC 4314) and the quotas that hold there (RFC 9208)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.dataclass import dataclass
from classifier.mailbox.names import encode_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.mailbox.connection import Connection

#: What RFC 2086 called one right each, and RFC 4314 (section 2.1.1) takes apart.
_OLD_RIGHTS = {"c": "kx", "d": "te"}


@dataclass(frozen=True)
class Quota:
    """One limit.

    Attributes:
        root: what shares it, e.g. ``User quota``; often "".
        resource: ``STORAGE`` (units of 1024 bytes), ``MESSAGE`` (messages), or another one.
        used, limit: in the resource's units.

    """

    root: str
    resource: str
    used: int
    limit: int


def rights(connection: Connection, folder: str) -> frozenset[str] | None:
    """Ask MYRIGHTS: one letter for each right; None where the server does not tell.

    Args:
        connection: logged in.
        folder: its full name.

    """
    if not connection.capable("ACL"):
        return None
    reply = connection.call("MYRIGHTS", encode_name(folder), wanted=("MYRIGHTS",))
    rows = _rows(reply.data["MYRIGHTS"])
    if reply.status != "OK" or not rows or len(rows[-1]) < 2:
        return None
    letters = frozenset(_text(rows[-1][1]).lower())
    for old, new in _OLD_RIGHTS.items():
        if old in letters and not letters & set(new):  # a server as RFC 2086 has it
            letters |= set(new)
    return letters


def quotas(connection: Connection, folder: str) -> list[Quota]:
    """Ask GETQUOTAROOT: every limit that holds for *folder*; none where the server has none, or does not tell.

    Args:
        connection: logged in.
        folder: its full name.

    """
    if not connection.capable("QUOTA"):
        return []
    reply = connection.call("GETQUOTAROOT", encode_name(folder), wanted=("QUOTAROOT", "QUOTA"))
    found = [quota for row in _rows(reply.data["QUOTA"]) if len(row) > 1 for quota in _limits(*row[:2])]
    return list(dict.fromkeys(found)) if reply.status == "OK" else []


def _limits(root: Any, resources: Any) -> Iterator[Quota]:  # noqa: ANN401 - nested tuples
    words = list(resources) if isinstance(resources, tuple) else []
    for name, used, limit in zip(words[::3], words[1::3], words[2::3], strict=False):
        if isinstance(used, int) and isinstance(limit, int):
            yield Quota(_text(root), _text(name).upper(), used, limit)


def _rows(pieces: list[Any]) -> list[tuple[Any, ...]]:
    """Take untagged answers apart; one that cannot be read costs itself alone."""
    from imapclient.response_parser import parse_response  # noqa: PLC0415 - see names.py

    rows = []
    waiting: list[Any] = []
    for piece in pieces:
        waiting.append(piece)
        if isinstance(piece, tuple):
            continue  # it ends with a literal; the line goes on in the next piece
        try:
            rows.append(tuple(parse_response(waiting)))
        except Exception:  # noqa: BLE001 - servers get this wrong in many ways
            rows.append(())
        waiting = []
    return rows


def _text(value: Any) -> str:  # noqa: ANN401 - what imapclient makes of an atom or a string
    return (
        value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)
    )

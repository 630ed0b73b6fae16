"""Folder names on a server: namespaces, separators, uses, modified UTF-7.

Names are given in the configuration as people see them; on the server they
may carry a prefix (``INBOX.``) and another separator (RFC 2342, RFC 9051
sections 5.1 and 6.3.10). A folder that exists as it is written always wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.mailbox.protocol import Refused

if TYPE_CHECKING:
    from classifier.mailbox.connection import Connection

#: Names that servers and programs give, where nothing says what a folder is for.
COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "\\Sent": (
        "Sent", "Sent Items", "Sent Messages", "Sent Mail", "[Gmail]/Sent Mail", "[Google Mail]/Sent Mail",
        "Gesendet", "Gesendete Elemente", "Gesendete Objekte", "Envoyés", "Éléments envoyés", "Enviados",
        "Elementos enviados", "Posta inviata", "Verzonden", "Verzonden items", "Skickat", "Wysłane",
        "Отправленные", "送信済み",
    ),
    "\\Trash": (
        "Trash", "Deleted Items", "Deleted Messages", "Deleted", "Bin", "[Gmail]/Trash", "[Gmail]/Bin",
        "[Google Mail]/Trash", "Papierkorb", "Gelöschte Elemente", "Corbeille", "Éléments supprimés", "Papelera",
        "Elementos eliminados", "Lixeira", "Cestino", "Prullenbak", "Papperskorgen", "Kosz", "Корзина",
        "Удаленные", "ゴミ箱",
    ),
    "\\Junk": ("Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail", "[Gmail]/Spam", "[Google Mail]/Spam"),
}  # fmt: skip


def encode_name(name: str) -> str:
    """Write a folder name as a quoted string in modified UTF-7 (RFC 9051 appendix A.1)."""
    from imapclient.imap_utf7 import encode  # noqa: PLC0415 - IMAP code costs 50 ms

    text: str = encode(name).decode("ascii")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class Folder:
    r"""One line of a LIST answer.

    Attributes:
        name: decoded.
        separator: between levels, or "" in a flat namespace.
        attributes: in lower case, e.g. ``\noselect``, ``\sent``.

    """

    name: str
    separator: str
    attributes: frozenset[str]

    @property
    def selectable(self) -> bool:
        r"""False for names that only hold others (\Noselect, \NonExistent)."""
        return not self.attributes & {"\\noselect", "\\nonexistent"}


class Names:
    """The folders of one account, asked for as needed."""

    def __init__(self, connection: Connection) -> None:
        """Ask over *connection*."""
        self._connection = connection
        self._personal: tuple[str, str] | None = None

    def listed(self, pattern: str) -> list[Folder]:
        """List the folders that match *pattern* (``*`` and ``%`` are wild)."""
        reply = self._connection.call("LIST", '""', encode_name(pattern), wanted=("LIST",))
        reply.checked("cannot list the folders", self._connection.where)
        return [folder for row in reply.data["LIST"] if row and (folder := _read_row(row)) is not None]

    def personal(self) -> tuple[str, str]:
        """Return the prefix and the separator of the user's own folders."""
        if self._personal is None:
            self._personal = self._ask_personal()
        return self._personal

    def _ask_personal(self) -> tuple[str, str]:
        connection = self._connection
        if connection.capable("NAMESPACE"):
            with connection.answered():
                connection.round_trips += 1
                # imapclient asks for the capability by name; IMAP4rev2 has it unnamed.
                found = connection.client.namespace.__wrapped__(connection.client).personal
            if found:
                prefix, separator = found[0]
                return prefix or "", separator or ""
        inbox = self.listed("INBOX")
        separator = inbox[0].separator if inbox else "/"
        below = self.listed(f"INBOX{separator}%") if separator else []
        beside = [f for f in self.listed("%") if f.name.upper() != "INBOX"]
        return (f"INBOX{separator}" if below and not beside else ""), separator

    def variants(self, name: str) -> list[str]:
        """Return the names under which *name* may be found, most literal first."""
        if name.upper() == "INBOX":
            return ["INBOX"]
        prefix, separator = self.personal()
        found = [name]
        if separator and separator not in name:
            found += [
                name.replace(other, separator) for other in "/." if other != separator and other in name
            ]
        found += [prefix + n for n in found if prefix and not n.upper().startswith(prefix.upper())]
        return list(dict.fromkeys(found))

    def find(self, name: str) -> Folder | None:
        """Find an existing folder that can be opened, by its name as people write it."""
        if name.upper() == "INBOX":
            return Folder("INBOX", "", frozenset())
        literal = self._exact(name)
        if literal is not None:
            return literal
        for variant in self.variants(name)[1:]:
            folder = self._exact(variant)
            if folder is not None:
                return folder
        return None

    def _exact(self, name: str) -> Folder | None:
        return next((f for f in self.listed(name) if f.name == name and f.selectable), None)

    def special(self, use: str) -> Folder | None:
        r"""Find the folder for *use* (``\Sent``, ``\Trash``): by attribute, else by common names."""
        folders = [f for f in self.listed("*") if f.selectable]
        wanted = use.lower()
        for folder in folders:
            if wanted in folder.attributes:
                return folder
        prefix, _ = self.personal()
        by_name = {f.name.lower(): f for f in reversed(folders)}
        for name in COMMON_NAMES.get(use, ()):
            for variant in (prefix + name, name):
                if variant.lower() in by_name:
                    return by_name[variant.lower()]
        return None

    def create(self, name: str) -> str:
        """Create a folder, under the user's prefix where there is one; one that exists is fine.

        Raises:
            Refused: the server will not.

        """
        variants = self.variants(name)
        # The longest carries prefix and separator; some servers allow none below INBOX, so the rest follow.
        refusal: Refused | None = None
        for variant in sorted(variants, key=len, reverse=True):
            reply = self._connection.call("CREATE", encode_name(variant))
            if reply.status == "OK" or reply.code == "ALREADYEXISTS" or self._exact(variant):
                # Programs that show subscribed folders only would hide it.
                self._connection.call("SUBSCRIBE", encode_name(variant))
                return variant
            try:
                reply.checked(f"cannot create the folder {variant!r}", self._connection.where)
            except Refused as error:
                refusal = refusal or error
        assert refusal is not None
        raise refusal


def _read_row(row: bytes | tuple[bytes, bytes]) -> Folder | None:
    """Read one line of a LIST answer (RFC 9051 section 7.3.1).

    A line that cannot be read costs itself alone; so does a name that is not
    written in modified UTF-7, since it could not be written back as it is.
    """
    from imapclient.imap_utf7 import decode, encode  # noqa: PLC0415 - see encode_name
    from imapclient.response_parser import parse_response  # noqa: PLC0415 - likewise

    try:
        attributes, separator, name, *_ = parse_response([row])
        raw = (
            str(name).encode("ascii") if isinstance(name, int) else bytes(name)
        )  # "2026" is read as a number
        text = str(decode(raw))
        if encode(text) != raw and raw.upper() != b"INBOX":
            return None
        words = frozenset(a.decode("latin-1").lower() for a in attributes if isinstance(a, bytes))
        return Folder(text, separator.decode("latin-1") if isinstance(separator, bytes) else "", words)
    except Exception:  # noqa: BLE001 - servers get this wrong in many ways
        return None

"""Who takes complaints about an address: asks a registry by RDAP (RFC 9082, 9083), bounded in size and time.

Only asked when the user wants it: it tells a registry whose servers one writes
about. Whatever goes wrong is "not known", with the reason.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

from classifier.dataclass import dataclass
from classifier.errors import ConfigurationError
from classifier.present.text import printable
from classifier.within import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPMessage
    from typing import IO, Any

#: Leads to the registry that an address is registered at.
BASE = "https://rdap.org"
#: Seconds for one answer in all, its bytes, and the redirections on the way to it.
TIMEOUT, MAX_BYTES, MAX_REDIRECTIONS = 10.0, 1 << 20, 5
#: Look-ups in one run; registries count them, too. After so many in a row that found nobody in time, no more.
MAX_QUESTIONS, MAX_SILENCE = 200, 3
_MAX_ENTITIES, _MAX_DEPTH = 200, 4
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z0-9-]{2,63}"
)


@dataclass(frozen=True)
class Contact:
    """What a registry says.

    Attributes:
        addresses: where complaints go; empty where that is not known.
        note: why not.

    """

    addresses: tuple[str, ...] = ()
    note: str = ""


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows to places that the base could have been: never from HTTPS to anything else."""

    max_redirections = MAX_REDIRECTIONS

    def redirect_request(  # noqa: PLR0917 - urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not _allowed(newurl, plain=req.type == "http"):
            raise urllib.error.URLError("leads to an address that is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:  # noqa: ANN401 - likewise
        """Follow, and close what told where to: urllib leaves it open where that is no address."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except Exception:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class AbuseContacts:
    """Asks one registry service, for each network once."""

    def __init__(self, base: str = BASE, *, timeout: float = TIMEOUT) -> None:
        """Set it up; nothing is asked yet.

        Args:
            base: the service's address, https; plain http to this host alone.
            timeout: seconds for one answer in all: names, connections, redirections and what is read.

        Raises:
            ConfigurationError: the base is no such address.

        """
        if not _allowed(base, plain=True):
            raise ConfigurationError(
                f"{base!r} is no https address", where="--rdap-url", remedy=f"write {BASE}"
            )
        self._base, self._timeout = base.rstrip("/"), timeout
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=ssl.create_default_context()), _Redirections()
        )
        self._known: dict[str, Contact] = {}
        self._silent = 0

    def find(self, address: str) -> Contact:
        """Return where complaints about an IP address go. Never raises."""
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return Contact(note="the address of its server is not known")
        network = str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))
        if network not in self._known:
            if len(self._known) >= MAX_QUESTIONS:
                return Contact(note=f"{MAX_QUESTIONS} registry entries were asked for in this run")
            if self._silent >= MAX_SILENCE:
                return Contact(note=f"not asked: the registry did not answer in time {MAX_SILENCE} times")
            self._known[network] = self._ask(str(ip))
        return self._known[network]

    def _ask(self, ip: str) -> Contact:
        request = urllib.request.Request(  # noqa: S310 - the base is checked
            f"{self._base}/ip/{urllib.parse.quote(ip, safe=':')}",
            headers={"Accept": "application/rdap+json, application/json"},
        )
        silent, self._silent = self._silent + 1, 0
        try:
            found = json.loads(b"".join(within(self._timeout, self._answer(request))))
        except urllib.error.HTTPError as error:
            error.close()
            return Contact(note=f"the registry answers {error.code}")
        except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            if isinstance(reason, TimeoutError):
                self._silent = silent
                return Contact(note="the registry does not answer in time")
            words = printable(str(reason) or type(reason).__name__, 200)
            asked = "cannot be asked" if reason is not error else "gives an answer that cannot be used"
            return Contact(note=f"the registry {asked}: {words}")
        addresses = tuple(dict.fromkeys(_abuse(found, 0)))[:2]
        return Contact(addresses, "" if addresses else "the registry names no address for complaints")

    def _answer(self, request: urllib.request.Request) -> Iterator[bytes]:
        """Ask, and give the whole answer.

        Raises:
            ValueError: it is too long.

        """
        with self._opener.open(request, timeout=self._timeout) as answer:
            data: bytes = answer.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"longer than {MAX_BYTES:,} bytes")
        yield data


def _allowed(url: str, *, plain: bool) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (
        plain and parts.scheme == "http" and host in {"localhost", "127.0.0.1", "::1"}
    )


def _abuse(found: object, depth: int) -> list[str]:
    """Return the mail addresses of entities whose role is abuse (RFC 9083 section 10.2.4), the outermost first."""
    entities = found.get("entities") if isinstance(found, dict) else None
    if not isinstance(entities, list) or depth >= _MAX_DEPTH:
        return []
    addresses: list[str] = []
    for entity in entities[:_MAX_ENTITIES]:
        if isinstance(entity, dict) and isinstance(entity.get("roles"), list) and "abuse" in entity["roles"]:
            addresses += _mail(entity.get("vcardArray"))
    for entity in entities[:_MAX_ENTITIES]:
        addresses += _abuse(entity, depth + 1)
    return addresses


def _mail(card: object) -> list[str]:
    """Return the mail addresses of a jCard (RFC 7095): ["vcard", [[name, parameters, type, value], ...]]."""
    if not (isinstance(card, list) and len(card) == 2 and isinstance(card[1], list)):
        return []
    return [
        row[3]
        for row in card[1][:_MAX_ENTITIES]
        if isinstance(row, list) and len(row) >= 4 and row[0] == "email" and isinstance(row[3], str)
        if _ADDRESS.fullmatch(row[3])
    ]

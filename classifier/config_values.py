"""What single values of the configuration may be: domains, addresses, networks, places.

Each function returns the value as the program uses it, or raises ValueError
with what is wrong in words that follow the value.
"""

from __future__ import annotations

import ipaddress
import os
import re

from classifier.dataclass import dataclass
from classifier.parse.addresses import normalise

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PORTS = {"imaps": 993, "imap+starttls": 143, "imap": 143}
_SECURITY = {"imaps": "tls", "imap+starttls": "starttls", "imap": "plain"}


@dataclass(frozen=True)
class ServerAddress:
    """An IMAP server.

    Attributes:
        host: name or address, without brackets.
        port: TCP port.
        security: ``tls``, ``starttls``, or ``plain`` (loopback only).

    """

    host: str
    port: int
    security: str = "tls"


@dataclass(frozen=True)
class SpamdAddress:
    """Where the SPAMD protocol is served: a path, or else host and port."""

    path: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class MilterAddress:
    """Where the milter listens: a path, or else host and port."""

    path: str = ""
    host: str = ""
    port: int = 0


def _host(text: str) -> str:
    """Check a host name as DNS has it (ASCII, RFC 1035 section 2.3.1, underscores allowed)."""
    name = text.rstrip(".").lower()
    if not name or len(name) > 253:
        raise ValueError("is no domain name")
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("is no domain name")
    if labels[-1].isdigit():
        raise ValueError("is no domain name: it ends in a number")
    return name


def _both_forms(name: str) -> tuple[str, ...]:
    """Return an internationalised name in the form of DNS and the one that people read (RFC 5890)."""
    if name.isascii() and "xn--" not in name.lower():
        return (_host(name),)
    dot = "." if name.startswith(".") else ""
    try:
        ascii_form = name.lstrip(".").encode("idna").decode("ascii")
        readable = ascii_form.encode("ascii").decode("idna")
    except UnicodeError:
        raise ValueError("is no domain name") from None
    return tuple(dict.fromkeys((dot + _host(ascii_form), dot + readable.lower().rstrip("."))))


def domain_pattern(text: str) -> tuple[str, ...]:
    """Read a domain; ``.example.org`` stands for all its subdomains. Lower case, IDNs in both forms."""
    text = text.strip()
    if "@" in text:
        raise ValueError("is an address; write the domain alone")
    if text.startswith("*."):
        raise ValueError(f"write {text[1:]!r} for all subdomains")
    if "/" in text or ":" in text:
        raise ValueError("is no domain name")
    if text.startswith("."):
        return tuple("." + name.lstrip(".") for name in _both_forms(text[1:]))
    return _both_forms(text)


def mail_address(text: str) -> tuple[str, ...]:
    """Read an address (addr-spec), normalised as :func:`classifier.parse.addresses.normalise` does."""
    local, at, domain = text.strip().rpartition("@")
    quoted = len(local) > 2 and local[0] == local[-1] == '"'
    wrong = not local or (not quoted and any(c.isspace() or c in '<>()[],;:\\"@' for c in local))
    if not at or wrong or len(local) > 64 or not local.isprintable() or local == "*":
        raise ValueError("is no mail address")
    return tuple(normalise(f"{local}@{form}") for form in _both_forms(domain))


def sender_pattern(text: str) -> tuple[str, ...]:
    """Read an address or ``*@domain``."""
    text = text.strip()
    if text.startswith("*@"):
        return tuple(f"*@{form}" for form in _both_forms(text[2:]))
    return mail_address(text)


def relay(text: str) -> tuple[str, ...]:
    """Read a host, ``.domain``, an IP address or a network."""
    text = text.strip().lower()
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        if "/" in text or ":" in text:
            raise ValueError("is no network") from None
        return domain_pattern(text)
    if network.prefixlen == 0:
        raise ValueError("is the whole Internet")
    return (text,)


def message_id_domain(text: str) -> str:
    """Read the right-hand side of a Message-ID: any word without brackets (RFC 5322 section 3.6.4)."""
    text = text.strip().lower()
    if not text or len(text) > 253 or any(c.isspace() or c in "<>@" for c in text):
        raise ValueError("is no right-hand side of a Message-ID; write what follows its @")
    return text


def nameserver(text: str) -> str:
    """Check ``host`` or ``host:port``."""
    from classifier.resolver import parse_nameserver  # noqa: PLC0415 - only where one is configured

    try:
        parse_nameserver(text)
    except ValueError:
        raise ValueError("is no nameserver; write host or host:port") from None
    return text.strip()


def dkim_key(name: str, record: str) -> str:
    """Check a DKIM key record (RFC 6376 section 3.6.1) and return its name in lower case."""
    name = _host(name)
    if "._domainkey." not in name:
        raise ValueError("is no DKIM key's name; write selector._domainkey.domain")
    tags = {t.partition("=")[0].strip(): t.partition("=")[2].strip() for t in record.split(";")}
    if not tags.get("p"):
        raise ValueError("is no DKIM key record: it has no p= tag with a key")
    return name


def local_path(text: str, base: str = "") -> str:
    """Expand ``~``; a relative path is taken from the folder *base*."""
    # pathlib would cost the filter 5 ms.
    path = os.path.expanduser(text)  # noqa: PTH111
    return os.path.join(base, path) if base else path  # noqa: PTH118


def _host_and_port(text: str, default: int | None) -> tuple[str, int]:
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        ipaddress.IPv6Address(host)
        if rest and not rest.startswith(":"):
            raise ValueError("has something behind the address")
        port = rest[1:]
        if rest == ":":
            raise ValueError("has no port behind the colon")
    elif ":" in text:
        host, _, port = text.rpartition(":")
        if not port or ":" in host:
            raise ValueError("write host:port, and an IPv6 address in [brackets]")
    if not host or any(c.isspace() or c in "/@?#" for c in host):
        raise ValueError("names no host")
    if not port:
        if default is None:
            raise ValueError("names no port; write host:port")
        return host, default
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if not 0 < number < 65_536:
        raise ValueError("has no possible port (1 to 65535)")
    return host, number


def imap_url(text: str) -> ServerAddress:
    """Read ``imaps://host[:port]``, ``imap+starttls://...``, or ``imap://`` to loopback."""
    scheme, separator, rest = text.strip().partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        raise ValueError("begins with none of imaps://, imap+starttls://")
    rest = rest.removesuffix("/")
    host, port = _host_and_port(rest, _PORTS[scheme])
    if scheme == "imap" and not is_loopback(host):
        raise ValueError(
            "would send the password unprotected; use imaps:// or imap+starttls:// (imap:// is for loopback)"
        )
    return ServerAddress(host, port, _SECURITY[scheme])


def is_loopback(host: str) -> bool:
    """Say whether *host* names this machine without asking anybody (RFC 6761 section 6.3)."""
    if host.lower().rstrip(".") in {"localhost", "ip6-localhost", "localhost.localdomain"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def spamd_address(text: str, base: str = "") -> SpamdAddress:
    """Read ``host:port`` or the path of a Unix socket, from the folder *base* where it is relative."""
    text = text.strip()
    if text.startswith("unix:"):
        text = text.removeprefix("unix:")
    if "/" in text or text.startswith("~"):
        return SpamdAddress(path=local_path(text, base))
    host, port = _host_and_port(text, None)
    return SpamdAddress(host=host, port=port)


def http_address(text: str) -> SpamdAddress:
    """Read ``host:port``, where a page is served."""
    host, port = _host_and_port(text.strip(), None)
    return SpamdAddress(host=host, port=port)


def milter_address(text: str, base: str = "") -> MilterAddress:
    """Read ``unix:/path`` (or a path, from the folder *base*), ``inet:port@host``, ``inet6:port@host``, or ``host:port``."""
    text = text.strip()
    scheme, colon, rest = text.partition(":")
    if colon and scheme in {"unix", "local"}:
        if not rest:
            raise ValueError("names no path")
        return MilterAddress(path=local_path(rest, base))
    if colon and scheme in {"inet", "inet6"} and "@" in rest:
        port, _, host = rest.partition("@")
        host = host.strip("[]")
        text = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    elif "/" in text or text.startswith("~"):
        return MilterAddress(path=local_path(text, base))
    host, port_number = _host_and_port(text, None)
    return MilterAddress(host=host, port=port_number)

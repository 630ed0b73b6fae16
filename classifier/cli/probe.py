"""Asks a mail server over SMTP whether it would send misdirected bounces; no message is ever sent."""

from __future__ import annotations

import secrets
import smtplib
import ssl
from typing import TYPE_CHECKING

from classifier.cli.findings import Finding, Level
from classifier.errors import ConfigurationError
from classifier.present.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds for the connection and for each answer.
TIMEOUT = 30.0
#: A domain that nobody serves (RFC 2606): mail to it would have to be relayed.
_ELSEWHERE = "somebody@relay-test.example.com"
_REFUSED = range(500, 600)
_NOT_NOW = range(400, 500)


def probe(server: str, domain: str, recipient: str | None) -> Iterator[Finding]:
    """Ask *server* with null-sender recipients, and reset before any DATA.

    Args:
        server: host, or host:port.
        domain: a domain that it serves; an address made up there must be refused.
        recipient: the address to use instead.

    Raises:
        ConfigurationError: neither a domain nor a recipient is known, or the port is no number.

    """
    if not domain and not recipient:
        raise ConfigurationError("no domain is known to ask the server for", remedy="give --recipient")
    unknown = recipient or f"no-such-mailbox-{secrets.token_hex(6)}@{domain}"
    host, port = _host_and_port(server)
    about = f"server {server}"
    try:
        with smtplib.SMTP(host, port, timeout=TIMEOUT) as smtp:
            smtp.ehlo_or_helo_if_needed()
            if smtp.has_extn("starttls"):
                # Not to prove who it is, but since some servers say less without.
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                smtp.starttls(context=context)
                smtp.ehlo()
            yield from _ask(smtp, about, unknown)
    except (OSError, smtplib.SMTPException) as error:
        yield Finding(
            Level.WRONG, about, f"cannot be asked: {_words(error)}", "check host, port and firewall"
        )


def _ask(smtp: smtplib.SMTP, about: str, unknown: str) -> Iterator[Finding]:
    code, text = _recipient(smtp, unknown)
    if code in _REFUSED:
        yield Finding(Level.GOOD, about, f"refuses {unknown} in the session: {text}")
    elif code in _NOT_NOW:
        yield Finding(
            Level.ADVICE,
            about,
            f"puts {unknown} off: {text}",
            "greylisting, perhaps: ask again in half an hour",
        )
    else:
        yield Finding(
            Level.WRONG,
            about,
            f"takes mail for {unknown}, an address that does not exist: it will have to bounce it, or it catches all",
            "let it know its recipients: Postfix local_recipient_maps and relay_recipient_maps, Exim verify = recipient, "
            "Sendmail a full virtusertable, Exchange recipient filtering",
        )
    code, text = _recipient(smtp, _ELSEWHERE)
    if code in _REFUSED or code in _NOT_NOW:
        yield Finding(Level.GOOD, about, f"does not relay for strangers: {text}")
    else:
        yield Finding(
            Level.WRONG,
            about,
            "takes mail for other domains from strangers: an open relay",
            "allow relaying for your own networks and for authenticated users only",
        )


def _recipient(smtp: smtplib.SMTP, address: str) -> tuple[int, str]:
    """Ask for one recipient with a null sender, and reset."""
    code, text = smtp.mail("")
    if code < 300:
        code, text = smtp.rcpt(address)
    smtp.rset()
    return code, printable(f"{code} {text.decode('utf-8', 'replace')}", 200)


def _host_and_port(server: str) -> tuple[str, int]:
    host, colon, port = server.rpartition(":")
    if not colon or "]" in port or (server.count(":") > 1 and not server.startswith("[")):
        return server.strip("[]"), 25
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigurationError(f"{port!r} is no port", where="--server", remedy="write HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def _words(error: Exception) -> str:
    return printable(str(error) or type(error).__name__, 200)

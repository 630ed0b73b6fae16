"""Asks a mail server over SMTP whether it would send misdirected bounces; no message is ever sent."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import smtplib
import ssl
from typing import TYPE_CHECKING

from classifier.checkup.findings import Finding, Level
from classifier.errors import ConfigurationError
from classifier.evidence.hosts import ip_of
from classifier.present.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds for the connection and for each answer.
TIMEOUT = 30.0
#: A domain that nobody serves (RFC 2606): mail to it would have to be relayed.
_ELSEWHERE = "relay-test.example.com"
_TAKEN = range(200, 300)
_REFUSED = range(500, 600)
_NOT_NOW = range(400, 500)
_LET_IT_KNOW = (
    "let it refuse them at RCPT: Postfix local_recipient_maps and relay_recipient_maps, Exim verify = recipient, "
    "Sendmail a full virtusertable, Exchange recipient filtering, qmail a check of recipients"
)


def probe(server: str, domain: str, recipient: str | None) -> Iterator[Finding]:
    """Ask *server* about recipients, and reset before any DATA.

    Args:
        server: host, or host:port.
        domain: a domain that it serves; an address made up there must be refused.
        recipient: the address to use instead.

    Raises:
        ConfigurationError: neither a domain nor a recipient is known, the
            recipient is no address, or the port is no number.

    """
    if not domain and not recipient:
        raise ConfigurationError(
            "no domain is known to ask the server for", remedy="give --domain or --recipient"
        )
    unknown = recipient or f"no-such-mailbox-{secrets.token_hex(6)}@{domain}"
    if not _is_address(unknown):
        raise ConfigurationError(
            f"{unknown!r} is no address", where="--recipient", remedy="write user@domain"
        )
    host, port = host_and_port(server)
    about = f"server {server}"
    try:
        yield from _session(host, port, about, unknown)
    except (OSError, smtplib.SMTPException) as error:
        yield Finding(
            Level.WRONG, about, f"cannot be asked: {_words(error)}", "check host, port and firewall"
        )


def host_and_port(server: str) -> tuple[str, int]:
    """Read ``HOST[:PORT]``; IPv6 addresses with a port stand in brackets.

    Raises:
        ConfigurationError: the port is no number.

    """
    host, colon, port = server.rpartition(":")
    if not colon or "]" in port or (server.count(":") > 1 and not server.startswith("[")):
        return server.strip("[]"), 25
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise ConfigurationError(f"{port!r} is no port", where="--server", remedy="write HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def _session(host: str, port: int, about: str, unknown: str) -> Iterator[Finding]:
    """Ask in one session, encrypted where the server offers it: some say less without."""
    context: ssl.SSLContext | None = ssl.create_default_context()
    for _ in range(3):
        with _connected(host, port) as smtp:
            smtp.ehlo_or_helo_if_needed()
            if not smtp.has_extn("starttls"):
                yield Finding(
                    Level.ADVICE,
                    about,
                    "does not offer STARTTLS",
                    "give it a certificate: Postfix smtpd_tls_security_level = may, Exim tls_advertise_hosts = *",
                )
            elif context is not None:
                try:
                    smtp.starttls(context=context)
                except ssl.SSLCertVerificationError as error:
                    # Of a mail server that is common, and no reason to ask it no further.
                    told = printable(error.verify_message or str(error), 200)
                    yield Finding(
                        Level.ADVICE,
                        about,
                        f"offers STARTTLS with a certificate that does not verify for {host}: {told}",
                        "senders with MTA-STS or DANE will not deliver to it: get one for the name in the MX record",
                    )
                    context = ssl.create_default_context()
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                    continue
                except (OSError, smtplib.SMTPException) as error:
                    yield Finding(
                        Level.WRONG,
                        about,
                        f"offers STARTTLS, which fails: {_words(error)}",
                        "look into its log",
                    )
                    context = None
                    continue
                if context.verify_mode is ssl.CERT_REQUIRED:
                    yield Finding(Level.GOOD, about, "offers STARTTLS with a certificate that verifies")
                smtp.ehlo()
            yield from _ask(smtp, about, unknown)
            return


@contextlib.contextmanager
def _connected(host: str, port: int) -> Iterator[smtplib.SMTP]:
    smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
    try:
        yield smtp
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtp.quit()
    finally:
        smtp.close()


def _ask(smtp: smtplib.SMTP, about: str, unknown: str) -> Iterator[Finding]:
    code, text = _recipient(smtp, unknown)
    takes = code in _TAKEN
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
            f"takes mail for {unknown}, an address that does not exist: it catches all, or accepts first and "
            "bounces later to the sender, who is forged",
            _LET_IT_KNOW + "; --logs shows whether it bounces",
        )
    domain = unknown.rpartition("@")[2]
    yield from _relaying(smtp, about, domain, takes_all=takes)


def _relaying(smtp: smtplib.SMTP, about: str, domain: str, *, takes_all: bool) -> Iterator[Finding]:
    asked = [f"somebody@{_ELSEWHERE}"]
    if not takes_all:
        # Of one that takes everything this would say nothing.
        asked.append(f"somebody%{_ELSEWHERE}@{domain}")
    told = ""
    for recipient in asked:
        code, text = _recipient(smtp, recipient)
        if code in _TAKEN:
            inside = _asked_from_inside(smtp)
            yield Finding(
                Level.WRONG,
                about,
                f"takes mail for {recipient}, which is not its own: an open relay"
                + (
                    f", unless it takes {inside}, from where it was asked, for its own network"
                    if inside
                    else ""
                ),
                "allow relaying for your own networks and for authenticated users only: Postfix "
                "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination; "
                "Exim 'accept hosts = +relay_from_hosts' and nothing wider"
                + ("; ask again from outside" if inside else ""),
            )
            return
        told = told or text
    yield Finding(Level.GOOD, about, f"does not relay for strangers: {told}")


def _asked_from_inside(smtp: smtplib.SMTP) -> str:
    """Return our address where a server may count it as of its own network: private, or its own."""
    if smtp.sock is None:
        return ""
    ours, theirs = (ip_of(str(name[0])) for name in (smtp.sock.getsockname(), smtp.sock.getpeername()))
    inside = ours is not None and (ours == theirs or ipaddress.ip_address(ours).is_private)
    return str(ours) if inside else ""


def _recipient(smtp: smtplib.SMTP, address: str) -> tuple[int, str]:
    """Ask for one recipient with a null sender, and reset (RFC 5321 section 4.1.1.5)."""
    code, text = smtp.mail("")
    if code in _TAKEN:
        code, text = smtp.rcpt(address)
    smtp.rset()
    return code, printable(f"{code} {text.decode('utf-8', 'replace')}", 200)


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return (
        bool(local and at and domain) and text.isascii() and text.isprintable() and not set(text) & set(" <>")
    )


def _words(error: Exception) -> str:
    return printable(str(error) or type(error).__name__, 200)

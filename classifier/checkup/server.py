"""Asks a mail server over SMTP whether it would send misdirected bounces; no message is ever sent."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import secrets
import smtplib
import ssl
from typing import TYPE_CHECKING

from classifier.checkup.causes import Cause, cause_of
from classifier.checkup.findings import Finding, Level
from classifier.dataclass import dataclass
from classifier.errors import ConfigurationError
from classifier.evidence.hosts import ip_of
from classifier.present.text import printable
from classifier.within import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: Seconds for the connection and for each answer, and for all of it; a server may be slow to strangers on purpose.
TIMEOUT, LIMIT = 30.0, 300.0
#: Lines of answers in one session.
_MAX_LINES = 2_000
#: A domain that nobody serves (RFC 2606): mail to it would have to be relayed.
_ELSEWHERE = "relay-test.example.com"
_TAKEN = range(200, 300)
_REFUSED = range(500, 600)
_NOT_NOW = range(400, 500)
_STATUS = re.compile(r"\b5\.[0-9]{1,3}\.[0-9]{1,3}\b")
#: Words of a refusal that may be about who asks, and not about the recipient.
_ABOUT_THE_CLIENT = re.compile(
    r"(?i)\bclient\b|\bblock|black ?list|\blisted|spamhaus|\b(?:dns|r)bl\b|reputation|\bptr\b|reverse|\bhelo\b|authenti|"
    r"\bsender\b|your (?:ip|host|server|domain)|\bspf\b"
)
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
            recipient is no address, or the server no host name or port.

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
        yield from within(LIMIT, _session(host, port, about, unknown))
    except UnicodeError as error:  # of a name that DNS has no form for
        raise ConfigurationError(
            f"{host!r} is no host name", where="--server", remedy="write HOST or HOST:PORT"
        ) from error
    except smtplib.SMTPResponseException as error:
        yield Finding(
            Level.ADVICE,
            about,
            f"refuses to be asked, so nothing could be learnt: {_words(error)}",
            "it blocks this host: ask from another network; or it is no server for mail from outside: name the MX",
        )
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


class _Lines:
    """The lines of a session; smtplib would keep an answer of any number of them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, _MAX_LINES
        self.close = stream.close

    def readline(self, limit: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError(f"more than {_MAX_LINES:,} lines of answers")
        return self._stream.readline(limit)


class _Smtp(smtplib.SMTP):
    """An SMTP client whose answers are bounded."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Lines(self.sock.makefile("rb"))
        return super().getreply()


@contextlib.contextmanager
def _connected(host: str, port: int) -> Iterator[smtplib.SMTP]:
    smtp = _Smtp(host, port, timeout=TIMEOUT)
    try:
        yield smtp
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtp.quit()
    finally:
        smtp.close()


@dataclass(frozen=True)
class _Answer:
    """What the server said.

    Attributes:
        code: of the reply.
        text: code and words, made printable.
        asked: True where it was said to RCPT, False where MAIL was refused already.

    """

    code: int
    text: str
    asked: bool

    @property
    def is_about_the_recipient(self) -> bool:
        """True where a refusal says that there is no such recipient, and nothing of who asks."""
        status = _STATUS.search(self.text)
        cause = cause_of(self.text, status[0] if status else "", forwarded=False)
        return cause is Cause.UNKNOWN_RECIPIENT and not _ABOUT_THE_CLIENT.search(self.text)


def _ask(smtp: smtplib.SMTP, about: str, unknown: str) -> Iterator[Finding]:
    domain = unknown.rpartition("@")[2]
    answer = _recipient(smtp, unknown)
    if not answer.asked:
        yield _refused_at_mail(about, answer)
        return
    learnt = True
    if answer.code in _REFUSED:
        known = answer
        if not answer.is_about_the_recipient:
            # Every domain has a postmaster (RFC 5321 section 4.5.1): who is refused that as well, and
            # all else, may be refused himself.
            others = (f"postmaster@{domain}", f"somebody@{_ELSEWHERE}")
            learnt = any((known := _recipient(smtp, other)).code in _TAKEN for other in reversed(others))
        if learnt:
            yield Finding(Level.GOOD, about, f"refuses {unknown} in the session: {answer.text}")
        else:
            yield _nothing_learnt(about, unknown, domain, answer, known)
    elif answer.code in _NOT_NOW:
        yield Finding(
            Level.ADVICE,
            about,
            f"puts {unknown} off, so nothing could be learnt: {answer.text}",
            "greylisting, perhaps: ask again in half an hour",
        )
    elif answer.code in _TAKEN:
        yield Finding(
            Level.WRONG,
            about,
            f"takes mail for {unknown}, an address that does not exist: it catches all, or accepts first and "
            "bounces later to the sender, who is forged",
            _LET_IT_KNOW + "; --logs shows whether it bounces",
        )
    else:
        yield Finding(
            Level.ADVICE,
            about,
            f"gives no answer of SMTP, so nothing could be learnt: {answer.text}",
            "check host and port: is it a mail server?",
        )
        return
    yield from _relaying(smtp, about, domain, takes_all=answer.code in _TAKEN, learnt=learnt)


def _refused_at_mail(about: str, answer: _Answer) -> Finding:
    """Say that the server would not be asked: about any recipient it is silent."""
    what = f"refuses to be asked, before it knows for whom, so nothing could be learnt: MAIL FROM:<> gives {answer.text}"
    if answer.code in _NOT_NOW:
        remedy = "ask again later; if it stays so, from another network"
    elif answer.code == 530 or "authenti" in answer.text.lower():
        remedy = "it wants a log-in or TLS first, as servers for users do: name the one that takes mail from outside (the MX, port 25)"
    else:
        remedy = (
            "either it blocks this host: ask from another network; or it refuses the null sender: it must take it, "
            "for it refuses all reports about your own mail so (RFC 5321 section 6.1)"
        )
    return Finding(Level.ADVICE, about, what, remedy)


def _nothing_learnt(about: str, unknown: str, domain: str, answer: _Answer, known: _Answer) -> Finding:
    if known.code in _NOT_NOW:
        remedy = "ask again in half an hour"
    else:
        remedy = (
            f"it blocks this host: ask from another network; or it takes no mail for {domain}: name a domain that it serves "
            "by --domain; or there is no postmaster, whom every domain must have (RFC 5321 section 4.5.1): make one, and ask again"
        )
    return Finding(
        Level.ADVICE,
        about,
        f"refuses {unknown}, and postmaster@{domain}, too, so nothing could be learnt: {answer.text}; {known.text}",
        remedy,
    )


def _relaying(
    smtp: smtplib.SMTP, about: str, domain: str, *, takes_all: bool, learnt: bool
) -> Iterator[Finding]:
    asked = [f"somebody@{_ELSEWHERE}"]
    if not takes_all:
        # Of one that takes everything this would say nothing.
        asked.append(f"somebody%{_ELSEWHERE}@{domain}")
    answers: list[_Answer] = []
    for recipient in asked:
        answer = _recipient(smtp, recipient)
        answers.append(answer)
        if answer.asked and answer.code in _TAKEN:
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
    first = answers[0]
    if not first.asked or first.code not in _REFUSED:
        yield Finding(
            Level.ADVICE,
            about,
            f"does not say whether it relays for strangers: {first.text}",
            "ask again in half an hour",
        )
    elif learnt or "relay" in first.text.lower():
        yield Finding(Level.GOOD, about, f"does not relay for strangers: {first.text}")


def _asked_from_inside(smtp: smtplib.SMTP) -> str:
    """Return our address where a server may count it as of its own network: private, or its own."""
    if smtp.sock is None:
        return ""
    ours, theirs = (ip_of(str(name[0])) for name in (smtp.sock.getsockname(), smtp.sock.getpeername()))
    inside = ours is not None and (ours == theirs or ipaddress.ip_address(ours).is_private)
    return str(ours) if inside else ""


def _recipient(smtp: smtplib.SMTP, address: str) -> _Answer:
    """Ask for one recipient with a null sender, and reset (RFC 5321 section 4.1.1.5)."""
    asked = False
    try:
        code, text = smtp.mail("")
        if code in _TAKEN:
            asked = True
            code, text = smtp.rcpt(address)
    except smtplib.SMTPServerDisconnected as error:
        return _Answer(0, f"nothing ({_words(error)})", asked)
    with contextlib.suppress(smtplib.SMTPServerDisconnected):  # what it has said counts
        smtp.rset()
    return _Answer(code, printable(f"{code} {text.decode('utf-8', 'replace')}", 200), asked)


def _is_address(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return (
        bool(local and at and domain) and text.isascii() and text.isprintable() and not set(text) & set(" <>")
    )


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return printable(f"{error.smtp_code} {said}", 200)
    told = error.strerror if isinstance(error, OSError) else None
    return printable(told or str(error) or type(error).__name__, 200)

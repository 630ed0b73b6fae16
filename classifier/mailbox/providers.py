"""Where the IMAP server of an address is: known providers, else SRV records (RFC 6186), else who takes its mail."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: IMAP servers by mail domain.
PROVIDERS = {
    "gmail.com": "imap.gmail.com", "googlemail.com": "imap.gmail.com",
    "outlook.com": "outlook.office365.com", "hotmail.com": "outlook.office365.com", "live.com": "outlook.office365.com",
    "msn.com": "outlook.office365.com",
    "fastmail.com": "imap.fastmail.com", "fastmail.fm": "imap.fastmail.com",
    "icloud.com": "imap.mail.me.com", "me.com": "imap.mail.me.com", "mac.com": "imap.mail.me.com",
    "yahoo.com": "imap.mail.yahoo.com", "ymail.com": "imap.mail.yahoo.com", "rocketmail.com": "imap.mail.yahoo.com",
    "aol.com": "imap.aol.com",
    "gmx.de": "imap.gmx.net", "gmx.net": "imap.gmx.net", "gmx.at": "imap.gmx.net", "gmx.ch": "imap.gmx.net",
    "gmx.com": "imap.gmx.com", "web.de": "imap.web.de", "t-online.de": "secureimap.t-online.de",
    "mailbox.org": "imap.mailbox.org", "posteo.de": "posteo.de",
}  # fmt: skip
#: IMAP servers by the mail exchangers of domains that providers host.
_HOSTED = {
    ".google.com": "imap.gmail.com",
    ".googlemail.com": "imap.gmail.com",
    ".mail.protection.outlook.com": "outlook.office365.com",
    ".olc.protection.outlook.com": "outlook.office365.com",
    ".yahoodns.net": "imap.mail.yahoo.com",
    ".messagingengine.com": "imap.fastmail.com",
    ".mail.icloud.com": "imap.mail.me.com",
    ".mailbox.org": "imap.mailbox.org",
}
#: Who hands out tokens, by IMAP server.
_OAUTH = {
    "imap.gmail.com": "google",
    "outlook.office365.com": "microsoft",
    "imap-mail.outlook.com": "microsoft",
}
_APP = "refuses the password that you sign in with: make an app password"
#: What must be known of a server before its password is asked for, by IMAP server.
OWN_PASSWORDS = {
    "imap.gmail.com": f"Google {_APP} (Google Account, Security, 2-Step Verification)",
    "imap.fastmail.com": f"Fastmail {_APP} (Settings, Privacy & Security)",
    "imap.mail.me.com": f"iCloud {_APP} (account.apple.com); the user name is that of your first iCloud address, no alias",
    "imap.mail.yahoo.com": f"Yahoo {_APP} (Account Info, Security)",
    "imap.aol.com": f"AOL {_APP} (Account Info, Security)",
    "imap.gmx.net": "GMX has IMAP switched off at first: switch it on in its settings",
    "imap.web.de": "WEB.DE has IMAP switched off at first: switch it on in its settings",
}
#: Seconds that DNS has for each question.
_LIFETIME = 5.0


def imap_server(domain: str) -> str | None:
    """Return the URL of the IMAP server for addresses at *domain*, or None where nothing tells."""
    domain = domain.lower().rstrip(".")
    if domain in PROVIDERS:
        return f"imaps://{PROVIDERS[domain]}"
    try:
        return _by_dns(domain)
    except TimeoutError:  # nor would anybody answer the next question
        return None


def _by_dns(domain: str) -> str | None:
    for service, scheme, usual in (("_imaps", "imaps", 993), ("_imap", "imap+starttls", 143)):
        records = sorted(_ask(f"{service}._tcp.{domain}", "SRV"), key=_preference)
        for _priority, _weight, port, target in (record.split() for record in records[:1]):
            host = target.rstrip(".")
            if host:
                return f"{scheme}://{host}" + ("" if int(port) == usual else f":{port}")
    exchangers = sorted(_ask(domain, "MX"), key=lambda record: int(record.split()[0]))
    for exchanger in exchangers[:1]:
        host = exchanger.split()[1].rstrip(".").lower()
        for ending, server in _HOSTED.items():
            if host.endswith(ending):
                return f"imaps://{server}"
    return None


def is_sure(url: str, domain: str) -> bool:
    """Say whether the server that :func:`imap_server` found is a known one, or lies in *domain* itself.

    Any other may have been named by whoever forges DNS answers (RFC 6186 section 6).
    """
    host = _host(url)
    return host in PROVIDERS.values() or host == domain or host.endswith(f".{domain}")


def user_name(url: str, address: str) -> str:
    """Return the name that the owner of *address* most likely logs in by at the server."""
    local, _, domain = address.rpartition("@")
    # https://support.apple.com/en-us/102525: the name alone; it is not known where the domain is the user's own.
    return local if PROVIDERS.get(domain) == _host(url) == "imap.mail.me.com" else address


def _preference(record: str) -> tuple[int, int]:
    priority, weight = record.split()[:2]
    return int(priority), -int(weight)


def _ask(name: str, kind: str) -> Sequence[str]:
    """Return the records of *name* as text; none where there are none.

    Raises:
        TimeoutError: nobody answers.

    """
    import dns.exception  # noqa: PLC0415 - most providers stand in the table
    import dns.resolver  # noqa: PLC0415 - likewise

    try:
        return [record.to_text() for record in dns.resolver.resolve(name, kind, lifetime=_LIFETIME)]
    except dns.exception.Timeout:
        raise TimeoutError from None
    except (dns.exception.DNSException, OSError, ValueError):
        return []


def oauth_provider(url: str) -> str | None:
    """Return where users of the IMAP server at *url* sign in by OAuth2: ``google``, ``microsoft`` or None."""
    return _OAUTH.get(_host(url))


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition(":")[0].lower()

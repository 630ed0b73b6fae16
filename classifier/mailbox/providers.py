"""Where the IMAP server of an address is: known providers, else SRV records (RFC 6186)."""

from __future__ import annotations

#: IMAP servers by mail domain.
PROVIDERS = {
    "gmail.com": "imap.gmail.com", "googlemail.com": "imap.gmail.com",
    "outlook.com": "outlook.office365.com", "hotmail.com": "outlook.office365.com", "live.com": "outlook.office365.com",
    "fastmail.com": "imap.fastmail.com", "fastmail.fm": "imap.fastmail.com",
    "icloud.com": "imap.mail.me.com", "me.com": "imap.mail.me.com", "mac.com": "imap.mail.me.com",
    "yahoo.com": "imap.mail.yahoo.com", "aol.com": "imap.aol.com",
    "gmx.de": "imap.gmx.net", "gmx.net": "imap.gmx.net", "web.de": "imap.web.de", "t-online.de": "secureimap.t-online.de",
    "mailbox.org": "imap.mailbox.org", "posteo.de": "posteo.de",
}  # fmt: skip
#: Who hands out tokens, by IMAP server.
_OAUTH = {
    "imap.gmail.com": "google",
    "outlook.office365.com": "microsoft",
    "imap-mail.outlook.com": "microsoft",
}
#: Seconds that DNS has.
_LIFETIME = 5.0


def imap_server(domain: str) -> str | None:
    """Return the URL of the IMAP server for addresses at *domain*, or None where nothing tells."""
    domain = domain.lower().rstrip(".")
    if domain in PROVIDERS:
        return f"imaps://{PROVIDERS[domain]}"
    import dns.exception  # noqa: PLC0415 - most providers stand in the table
    import dns.resolver  # noqa: PLC0415 - likewise

    for service, scheme, usual in (("_imaps", "imaps", 993), ("_imap", "imap+starttls", 143)):
        try:
            answers = dns.resolver.resolve(f"{service}._tcp.{domain}", "SRV", lifetime=_LIFETIME)
        except dns.exception.DNSException:
            continue
        best = min(answers, key=lambda record: (record.priority, -record.weight))
        target = best.target.to_text(omit_final_dot=True)
        if target and target != ".":
            return f"{scheme}://{target}" + ("" if best.port == usual else f":{best.port}")
    return None


def oauth_provider(url: str) -> str | None:
    """Return where users of the IMAP server at *url* sign in by OAuth2: ``google``, ``microsoft`` or None."""
    return _OAUTH.get(url.partition("://")[2].partition("/")[0].partition(":")[0].lower())

"""SMTP replies (RFC 5321 section 4.2) and enhanced status codes (RFC 3463) in free text."""

from __future__ import annotations

import re

#: An enhanced status code; no part of an IP address, a version or a date. The
#: look-behind stands after the first digit so that the scan can skip to digits.
_STATUS = re.compile(r"([245](?<![0-9A-Za-z.][245])\.[0-7]\.[0-9]{1,3})(?![0-9A-Za-z]|\.[0-9])")
#: A reply code where a reply can begin: after white space or punctuation, and
#: before words, an enhanced code or the end; not "500 000" or "10.5.1.550".
_REPLY = re.compile(
    r"([45](?<![^\s:'\"(<\[>=][45])[0-5][0-9])"
    r"(?=[ -][45]\.[0-7]\.[0-9]|[ -]{1,2}[^\s0-9]|[\s'\")\].]{0,3}$)",
    re.MULTILINE,
)
_CODE = re.compile(r"[45](?<![0-9.][45])[0-5][0-9](?![0-9.])")
#: "SMTP Error Code 550", "error: 550": what stands before a code that is named.
_NAME = re.compile(
    r"(?:smtp|error|code|reply|response|status|said|returned)\W{1,4}(?:code\W{1,3})?$", re.IGNORECASE
)
_NAME_CHARS = 24
#: RFC 5321 and RFC 3463: what a bare reply code says by itself.
_BY_REPLY = {
    "421": "4.3.2", "450": "4.2.0", "451": "4.3.0", "452": "4.3.1", "500": "5.5.2", "501": "5.5.4",
    "502": "5.5.1", "503": "5.5.1", "504": "5.5.4", "551": "5.1.6", "552": "5.2.2", "553": "5.1.3",
}  # fmt: skip
#: What the words beside a code, or without one, say: (RFC 3463 subject.detail, words in lower case).
_BY_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("2.2", ("mailbox full", "mailbox is full", "over quota", "overquota", "quota exceed", "exceeded quota",
             "exceeding their quota", "disk quota", "quota usage", "quota violation", "over disk quota",
             "exceeds allowed size", "mailfolder is full", "not enough", "too much mail", "full mailbox", "mailbox has exceeded", "too many messages", "zuviele mails", "mailbox exceeded the",
             "empfängers ist voll", "est pleine", "está lleno", "è piena", "geadresseerde is vol",
             "postfach ist voll", "postfach voll", "quota überschritten", "überfüllt", "lettres pleine", "lettres est pleine",
             "lettres saturée", "quota dépassé", "buzón lleno", "buzón está lleno", "buzon lleno", "bandeja llena", "cuota excedida",
             "postal cheia", "caixa cheia", "destinatário cheia", "está cheia", "casella piena", "casella è piena", "mailbox piena",
             "postbus is vol", "postvak is vol", "mailbox is vol", "przepełnion", "schránka je plná", "přeplněn", "переполнен",
             "がいっぱい", "容量を超", "已满", "已滿", "空间不足", "용량을 초과", "가득")),
    ("2.1", ("disabled", "discontinued", "suspended", "inactive user", "deactivated", "account is locked", "mailbox is frozen", "no longer accepts mail")),
    ("3.4", ("too big", "too large", "size limit exceeded", "exceeds the maximum", "message size")),
    ("4.6", ("too many hops", "mail loop", "loops back", "looping", "maximum hop count", "routing loop", "lowest numbered mx record points to local host")),
    ("1.2", ("host unknown", "unknown host", "unrouteable", "unroutable", "host not found", "domain not found",
             "domain does not exist", "no such domain",
             "illegal host", "couldn't find any host", "name or service not known", "domain name not found", "nxdomain", "no mx found", "doesn't receive email", "no ip address found", "point to non-existent hosts", "name service error", "nonexistent domain", "no mx", "bad destination system", "dns error")),
    ("1.1", ("user unknown", "unknown user", "no such user", "no mailbox here", "unknown recipient",
             "not a valid mailbox", "invalid recipient", "recipient not found", "no such recipient", "user not known",
             "does not exist", "doesn't have a", "not listed in", "recipient name is not recognized", "invalid mailbox",
             "no such mailbox", "mailbox not found", "not a known user", "no account by that name", "no mail box", "user not exist", "unknown mailbox", "not an active address", "no mailbox found", "addressee unknown", "invalid final delivery userid", "couldn't be found", "user not found",
             "mailbox unavailable", "recipient address rejected", "no longer valid", "unknown address",
             "existiert nicht", "empfänger unbekannt", "unbekannter empfänger", "benutzer unbekannt", "unbekannter benutzer",
             "n'existe pas", "n’existe pas", "utilisateur inconnu", "destinataire inconnu", "adresse inconnue", "no existe",
             "usuario desconocido", "destinatario desconocido", "não existe", "inexistente", "inesistente", "non esiste",
             "usuário desconhecido", "utente sconosciuto", "destinatario sconosciuto", "bestaat niet", "onbekende gebruiker",
             "nie istnieje", "neexistuje", "не существует", "не існує", "finns inte", "findes ikke", "finnes ikke", "nem létezik",
             "存在しません", "存在しない", "存在しなかった", "不存在", "존재하지 않")),
    ("7.1", ("spam", "dt:spm", "blacklist", "blocklist", "black list", "blocked", "access denied", "rejected for policy",
             "not authorized", "relaying denied", "unable to relay", "dnsbl", "administrative prohibition",
             "not allowed to send", "not permitted to send", "permission to send", "sender denied", "sender rejected", "policy violation", "ptr record", "reverse dns", "spf record", "dmarc check", "anti-spoofing", "policy reasons", "denied by policy",
             "unauthenticated senders")),
    ("4.7", ("retry timeout", "delivery time expired", "in the queue too long", "message expired", "envelope expired",
             "for too long", "failing for a long time", "retry time not reached",
             "maximum delivery attempts", "giving up", "timed out", "timeout")),
    ("4.3", ("cname lookup failed", "name server failure", "host lookup did not complete", "lookup of host")),
    ("4.1", ("connection refused", "no answer from host", "establish an smtp connection", "could not connect", "requests to connect", "mail exchanger failed", "did not respond", "not responding", "initiate smtp conversation")),
)  # fmt: skip
#: Those of them that a text in ASCII can hold: most are, and each word costs.
_BY_ASCII_WORDS = tuple(
    (detail, tuple(word for word in words if word.isascii())) for detail, words in _BY_WORDS
)
#: What no server answers and a client finds by itself: no address for the host, no connection,
#: a loop, too long in the queue (RFC 3463 sections 3.2 and 3.5).
_OWN_FINDINGS = (".1.2", ".4.1", ".4.3", ".4.4", ".4.6", ".4.7")
#: Replies are read out of this much text; what follows is the original or bait.
MAX_CHARS = 8_000


def find_status(text: str, *, failed: bool = False) -> str | None:
    """Return the first enhanced status code in *text*, ``class.subject.detail``; where it *failed*, none of a success."""
    for match in _STATUS.finditer(text, 0, MAX_CHARS):
        if not failed or match[1][0] != "2":
            return match[1]
    return None


def find_reply(text: str) -> str | None:
    """Return the first SMTP reply code of a failure (4yz or 5yz) in *text*."""
    if match := _REPLY.search(text, 0, MAX_CHARS):
        return match.group(1)
    for match in _CODE.finditer(text, 0, MAX_CHARS):
        if _NAME.search(text[max(0, match.start() - _NAME_CHARS) : match.start()]):
            return match.group()
    return None


def says_little(status: str) -> bool:
    """Say whether *status* is "other or undefined" (RFC 3463 section 3.1)."""
    return status.endswith(".0.0")


def fuller(status: str | None, other: str | None) -> str | None:
    """Return *other* where it says more than *status* of the same class of failure, else *status*."""
    if other is None or (status is not None and (says_little(other) or other[0] != status[0])):
        return status
    return other


def is_own_finding(reply: str | None, status: str | None) -> bool:
    """Say whether a failure was found by the reporting system itself, after it had accepted the message."""
    return reply is None and status is not None and status[1:] in _OWN_FINDINGS


def derive_status(reply: str | None, text: str, *, temporary: bool = False) -> str | None:
    """Return the enhanced status that *reply* and the words beside it amount to.

    Args:
        reply: an SMTP reply code, or None.
        text: the words of the diagnostic.
        temporary: what class to take where no reply tells.

    Returns:
        A status such as ``5.1.1``; the class alone (``5.0.0``) where the reply
        tells no more; None where nothing tells.

    """
    low = text[:MAX_CHARS].lower()
    # Loops: a generator for each row takes twice the time.
    for detail, words in _BY_ASCII_WORDS if low.isascii() else _BY_WORDS:
        for word in words:
            if word in low:
                return f"{reply[0] if reply else '4' if temporary else '5'}.{detail}"
    if reply:
        return _BY_REPLY.get(reply) or f"{reply[0]}.0.0"
    return None

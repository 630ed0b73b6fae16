"""The recipients that a notice names, by the shape of its lines."""

from __future__ import annotations

import re

from classifier.dataclass import dataclass, replace
from classifier.parse.addresses import domain_of, find_address, find_addresses, normalise
from classifier.parse.caseless import Caseless
from classifier.parse.words import any_of
from classifier.vocabulary import DeliveryAction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.parse.headers import HeaderBlock

#: More recipients than this in one free text are bait.
MAX_RECIPIENTS = 1_000
#: How much text after a recipient can be about it.
_WORDS_CHARS = 2_000
#: Addresses whose surroundings are looked at; a notice names its recipients early.
_MAX_CONTEXT = 200
#: How much text before an address can say what it is.
_BEFORE_CHARS = 100
#: What ends a local part on its left, when no quotation mark ends it on its right.
_STOP = frozenset(' \t\r\n\v\f\xa0<>()[],;:@"|\\`\u3000「」（）＜＞')
_DOMAIN = re.compile(r"[^\s<>()\[\],;:@\"'|/\\`?&#「」（）＜＞]{1,255}|\[[0-9A-Fa-f:.]{2,45}\]")
_ASCII_DOMAIN = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.){1,20}[A-Za-z]{2,24}(?![A-Za-z0-9.-])")
#: How much of a link can stand before an address in it.
_LINK_CHARS = 500
_LINK = re.compile(r"://[^\s<>()\[\]\"',;|]*")
#: RFC 3464 fields typed into the text: everything up to the next empty line.
_FIELD = re.compile(
    r"^[ \t>]{0,12}(Final-Recipient|Original-Recipient|Action|Status|Diagnostic-Code|Remote-MTA|X-[A-Za-z-]{1,40})"
    r"[ \t]{0,4}:[ \t]{0,8}([^\n]{0,998}(?:\n[ \t]{1,40}[^\n]{1,998}){0,8})",
    re.IGNORECASE | re.MULTILINE,
)
#: "... to the following recipients ...:", then a name alone on its line or before a column of text.
_BARE_NAME = re.compile(
    r"\bfollowing[^\n]{0,200}(?:\n[^\n:]{1,80}){0,2}:?\n{1,3}[ \t]{1,12}([A-Za-z0-9][A-Za-z0-9._+-]{1,63})(?:[ \t]{2,}|[ \t]{0,4}\n|$)"
)
#: What may stand between the start of a line and an address that heads it.
_HEADING = re.compile(
    r"[ \t]{0,40}(?:[-*>•o·#]{1,3}[ \t]{1,4})?"
    r"(?:(?:failed )?recipient(?: address)?:[ \t]{0,8}|error-for:[ \t]{0,8})?"
    r"(?:\"[^\"\n]{0,100}\"[ \t]{1,4}<)?"
    r"[<\[\"'(`]{0,3}(?:rfc822;|smtp:|mailto:|c=[^\n]{0,80}?smtp=)?",
    re.IGNORECASE,
)
#: A sentence that says what went wrong and then with whom.
_KEYED = Caseless(
    r"(?:unknown user|mailbox exceeds [a-z ]{3,20}size|delivery failed [0-9]{1,4} attempts|undeliverable +to"
    r"|undeliverable address|failed recipient|intended recipient|invalid final delivery userid|mailbox is full"
    r"|(?:could not|cannot|couldn't|can't|not) be delivered to|(?:unable|failed) to deliver (?:(?:your|this|the) )?"
    r"(?:message|mail|email)s? to|delivering your mail to|addressed to(?: email address)?|error-for"
    r"|(?:your|following) (?:message|mail|email) to|not reach the following recipients?|recipient|mail to|delivery of email to"
    r"(?: this address)?|(?:was|is|were) (?:addressed|sent),?|rejected by|mailbox|to local user|could not be reached|user|address|delivered to|delivery to"
    r"|envoyé à|delivre a|entregad[oa] (?:a|para)|zustell[a-z]{1,6} an|empfänger|destinataire|destinatario|destinatário"
    r"|mottagare|modtager|ontvanger|odbiorc[ay]|adresat|címzett|příjemce|al[ıi]c[ıi]|παραλήπτη|получател[юь]|宛先|收件人|받는 사람)"
    r"[ \t:\n\"'<\[(*-]{0,12}(?:smtp:|mailto:|rfc822;)?$"
)
#: The list that takes no post from the sender.
_CLOSED_LIST = Caseless(r"not a member of (?:this|the) mailing list[ \n\"'<]{1,4}$")
#: An address that only names whose angle address follows on the line.
_NAMES_ANOTHER = re.compile(r"[\"']?[ \t]{1,4}<(?:mailto:)?[^\s<>@]{1,128}@")
#: An address inside what a server answered.
_REPLIED = Caseless(r"(?<![0-9])[45][0-5][0-9][ -](?:[45]\.[0-7]\.[0-9]{1,3} )?[<\[( ]?$|rcpt +to: ?<? ?$")
_IN_REPLY = Caseless(r"(?<![0-9])[45][0-5][0-9][ -][^\n]{0,200}[<\[( ]$")
#: Lines whose address is somebody else's.
_ELSE = Caseless(
    r"\b(?:contact|assistance|please (?:send|forward|e-?mail)|help|support|questions|problem report|from|sender"
    r"|reply[- ]to|return-path|cc|report(?:ed)? to|abuse|call|write to|unsubscribe|expanded from|generated from"
    r"|message-id(?=:))\b[^\n]{0,100}$"
)
#: The sign that an address was only an alias, and for which one.
_EXPANDED = re.compile(
    r"(?:expanded from|generated from|originally addressed to|original(?:ly)? to|orig_to=)[ :]{0,3}<?([^\s<>(),;:\"]{3,320})",
    re.IGNORECASE,
)
#: One of these is in all that it finds: they are looked for in a tenth of the time.
_EXPANDED_HINTS = ("ed from", "original", "orig_to=")
_JSON_RECIPIENT = re.compile(
    r'emailAddress\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"([^"\\]{1,320})((?:[^{}\[\]]|\[[0-9.]{1,20}\]){0,2000})'
)
_JSON_DELIVERED = re.compile(r'"(?:recipients|destination)\\{0,3}"\s{0,4}:\s{0,4}\[([^\]]{1,4000})\]')
_JSON_RESPONSE = re.compile(r'"smtpResponse\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"([^"]{1,1000})')
_JSON_STATUS = re.compile(r'"status\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"([0-9.]{5,11})')
_JSON_DIAGNOSTIC = re.compile(r'"diagnosticCode\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"([^"]{1,1000})')
_ROLE = frozenset({"postmaster", "mailer-daemon", "abuse", "support", "helpdesk", "hostmaster", "webmaster"})
_ACTIONS = {action.value: action for action in DeliveryAction}


@dataclass(frozen=True)
class Mention:
    """A recipient and the words about it.

    Attributes:
        address: as written, without brackets.
        words: the text that is about it.
        original: the address that it was expanded from, where the text says so.
        status: a status field, where one is typed into the text.
        diagnostic: a diagnostic field, likewise.
        action: an action field, likewise.
        fields: all such fields as (name, value).
        alone: True where it is the only one, so that the whole notice is about it.
        sure: False where nothing but its being there speaks for it.

    """

    address: str
    words: str
    original: str | None = None
    status: str | None = None
    diagnostic: str | None = None
    action: DeliveryAction | None = None
    fields: tuple[tuple[str, str], ...] = ()
    alone: bool = True
    sure: bool = True


def find_recipients(headers: HeaderBlock, notice: str, subject: str) -> list[Mention]:
    """Find whom *notice* is about, by the surest sign that it has.

    In this order: RFC 3464 fields typed into the text, a provider's JSON,
    Exim's X-Failed-Recipients (where the text agrees), lines that begin with an address, sentences
    that say what failed and with whom, RCPT commands, server answers, the
    subject. The reader's own address and the writer's are never recipients,
    unless nothing else is there.
    """
    if mentions := _typed_fields(notice):
        return mentions
    if "notificationType" in notice and (mentions := _notification(notice)):
        return mentions
    text = "\n" + notice
    ours = _not_recipients(headers)
    failed: list[str] = []
    for value in headers.get_all("x-failed-recipients"):
        failed += find_addresses(value)
    low = text.lower()
    # Exim names the address before its aliases there, and the failed one in the text.
    if failed and (any(a.lower() in low for a in failed) or "following address" not in low):
        return _about(
            text, [(address, max(low.find(address.lower()), 0)) for address in failed[:MAX_RECIPIENTS]]
        )
    seen = _addresses(text)
    theirs = [place for place in seen if normalise(place.address) not in ours]
    if places := _closed_lists(theirs) or _heading(theirs) or _context(theirs):
        return _about(text, places)
    if failed:
        return [Mention(address, notice, alone=len(failed) == 1) for address in failed[:MAX_RECIPIENTS]]
    for address in find_addresses(subject):
        if normalise(address) not in ours:
            return [Mention(address, notice)]
    elsewhere = {normalise(p.address) for p in theirs[:_MAX_CONTEXT] if _ELSE.search(p.before)}
    if others := [p for p in theirs if normalise(p.address) not in elsewhere]:
        return [replace(mention, sure=False) for mention in _about(text, _unique(others[:1]))]
    if found := _expanded(text) or _bare_names(headers, text):
        return found
    # A sender who wrote to himself: the only address there is.
    if places := _heading(seen) or _context(seen):
        return _about(text, places[:1])
    return []


@dataclass(frozen=True)
class _Place:
    """An address in a text, where it stands, and what stands before it."""

    address: str
    at: int
    before: str
    line: str


def _addresses(text: str) -> list[_Place]:
    """Find addresses from their @ outwards, in linear time."""
    places: list[_Place] = []
    at = text.find("@")
    while at >= 0 and len(places) < MAX_RECIPIENTS * 2:
        start = at
        if text[at - 1] == '"':
            start = max(text.rfind('"', max(0, at - 66), at - 1), 0) or at
        else:
            lowest = max(0, at - 129)
            while start > lowest and text[start - 1] not in _STOP:
                start -= 1
        start = _after_quotes(text, start, at)
        match = _DOMAIN.match(text, at + 1)
        if match and start < at and (match.group()[0] == "[" or "." in match.group()):
            line = text.rfind("\n", 0, start) + 1
            domain = _ascii_domain(match.group())
            address = text[start:at] + "@" + domain.rstrip(".!?>*=")
            if _NAMES_ANOTHER.match(text, start + len(address)) or _in_link(text, at):
                at = text.find("@", match.end())
                continue
            before = text[max(0, start - _BEFORE_CHARS) : start]
            places.append(_Place(address, start, before, text[max(line, start - 240) : start]))
            at = text.find("@", match.end())
        else:
            at = text.find("@", at + 1)
    return places


def _in_link(text: str, at: int) -> bool:
    """Say whether the @ at *at* stands in a link: challenges and filters put addresses into those, anybody's."""
    before = text[max(0, at - _LINK_CHARS) : at]
    link = before.rfind("://")
    return link >= 0 and _LINK.fullmatch(before, link) is not None


def _ascii_domain(domain: str) -> str:
    """Cut what East Asian text writes onto a domain without a space."""
    if domain.isascii():
        return domain
    match = _ASCII_DOMAIN.match(domain)
    return match.group() if match else domain


def _after_quotes(text: str, start: int, at: int) -> int:
    """Leave out what is written onto an address: opening marks, an address type."""
    if text[start : start + 5].lower() == "smtp=":
        start += 5
    while start < at and text[start] in "'*=-/“‘":
        start += 1
    return start


def expanded_from(text: str) -> str | None:
    """Return the address that *text* says another one was expanded from."""
    address = _expanded_name(text) or ""
    return address if "@" in address else None


def _expanded_name(text: str) -> str | None:
    match = _EXPANDED.search(text) if any_of(_EXPANDED_HINTS, text.lower()) else None
    return match.group(1).rstrip(".>") if match else None


def _expanded(text: str) -> list[Mention]:
    """Find what an address that is not told was expanded from."""
    address = expanded_from(text)
    return [Mention(address, text, original=address)] if address else []


def _bare_names(headers: HeaderBlock, text: str) -> list[Mention]:
    """Find local parts that stand alone below "the following ...": the writer's own domain is meant."""
    domain = domain_of(find_address(headers.get("from"))) if "following" in text else None
    names = [match.group(1) for match in _BARE_NAME.finditer(text)] if domain else []
    return [Mention(f"{name}@{domain}", text, alone=len(names) == 1) for name in names[:MAX_RECIPIENTS]]


def _heading(places: list[_Place]) -> list[tuple[str, int]]:
    return _unique([p for p in places if _HEADING.fullmatch(p.line)])


def _closed_lists(places: list[_Place]) -> list[tuple[str, int]]:
    return _unique([p for p in places[:_MAX_CONTEXT] if _CLOSED_LIST.search(p.before)])


def _context(places: list[_Place]) -> list[tuple[str, int]]:
    for pattern in (_KEYED, _REPLIED, _IN_REPLY):
        if found := _unique(
            [p for p in places[:_MAX_CONTEXT] if pattern.search(p.before) and not _is_role(p.address)]
        ):
            return found
    return []


def _is_role(address: str) -> bool:
    return normalise(address).partition("@")[0] in _ROLE


def _unique(places: list[_Place]) -> list[tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for place in places:
        key = normalise(place.address)
        if ".." not in key and not (domain_of(key) or "-").startswith("-"):
            found.setdefault(key, (place.address, place.at))
    return list(found.values())[:MAX_RECIPIENTS]


def _not_recipients(headers: HeaderBlock) -> frozenset[str]:
    found = set()
    for name in ("from", "to", "return-path", "sender", "delivered-to", "reply-to"):
        for address in find_addresses(headers.get(name)):
            found.add(normalise(address))
    return frozenset(found)


def _about(text: str, places: list[tuple[str, int]]) -> list[Mention]:
    """Give every address the words up to the next one."""
    if not places:
        return []
    ends = [at for _, at in places[1:]] + [len(text)]
    alone = len(places) == 1
    mentions = []
    for (address, at), end in zip(places, ends, strict=True):
        words = text[at + len(address) : end if end > at else len(text)][:_WORDS_CHARS].lstrip(">\"']):, \t")
        mentions.append(Mention(address, words, original=_expanded_name(words), alone=alone))
    return mentions


def _typed_fields(notice: str) -> list[Mention]:
    low = notice.lower()
    if "final-recipient" not in low and "original-recipient" not in low:
        return []
    groups: list[dict[str, str]] = []
    order: list[list[tuple[str, str]]] = []
    for match in _FIELD.finditer(notice):
        name, value = match.group(1).lower(), " ".join(match.group(2).split())
        if not groups or (name in groups[-1] and not name.startswith("x-")):
            groups.append({})
            order.append([])
            if len(groups) > MAX_RECIPIENTS:
                break
        groups[-1].setdefault(name, value)
        order[-1].append((match.group(1), value))
    mentions = []
    for group, fields in zip(groups, order, strict=False):
        final = group.get("final-recipient", "").partition(";")[2] or group.get("final-recipient", "")
        original = group.get("original-recipient", "").partition(";")[2]
        address = find_address(final) or final.strip() or find_address(original)
        if address:
            kind, _, diagnostic = group.get("diagnostic-code", "").partition(";")
            diagnostic = diagnostic.strip() or kind.strip()
            mentions.append(
                Mention(
                    address,
                    diagnostic,
                    original=find_address(original),
                    status=group.get("status", "").partition(" ")[0] or None,
                    diagnostic=diagnostic or None,
                    action=_ACTIONS.get(group.get("action", "").partition(" ")[0].lower()),
                    fields=tuple(fields),
                    alone=False,
                )
            )
    return mentions


def _notification(notice: str) -> list[Mention]:
    """Read a provider's JSON, possibly JSON inside a JSON string, folded anywhere."""
    joined = notice.replace("\n ", "").replace("\n", "")
    mentions: list[Mention] = []
    if "emailAddress" not in joined:
        response = _JSON_RESPONSE.search(joined)
        words = response.group(1).rstrip("\\") if response else ""
        for match in _JSON_DELIVERED.finditer(joined):
            mentions.extend(
                Mention(
                    address, words, diagnostic=words or None, action=DeliveryAction.DELIVERED, alone=False
                )
                for address in find_addresses(match.group(1).replace("\\", "").replace('"', ""))
            )
            if mentions:
                return mentions[:MAX_RECIPIENTS]
    for match in _JSON_RECIPIENT.finditer(joined):
        status = _JSON_STATUS.search(match.group(2))
        diagnostic = _JSON_DIAGNOSTIC.search(match.group(2))
        words = diagnostic.group(1).rstrip("\\") if diagnostic else ""
        mentions.append(
            Mention(
                match.group(1),
                words,
                status=status.group(1) if status else None,
                diagnostic=words or None,
                alone=False,
            )
        )
        if len(mentions) >= MAX_RECIPIENTS:
            break
    return mentions

"""What an account's own mail says about its owner: for ``init`` to propose.

The Sent folder holds what was sent, by whoever may write there: the owner. Mail
in the inbox counts only where its Message-ID stands in the Sent folder, too: it
went out and came back (a copy to oneself, a mailing list), with the trace and
the signatures that it got on its way. Anything else under the owner's name may
be forged, and is not learnt from.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from classifier.config_values import domain_pattern, mail_address, message_id_domain, relay
from classifier.dataclass import dataclass, field
from classifier.parse.addresses import domain_of, find_address, normalise
from classifier.parse.headers import HeaderBlock
from classifier.parse.trace import read_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from classifier.mailbox.protocol import ListedMessage, Mailbox

#: The newest so many messages of a folder are looked at.
LOOKED_AT = 2_000
#: What stands in so many messages is no accident.
OFTEN = 3
#: Names of one sort that are proposed at most.
_MOST = 50
_MAX_IDS = 10_000


@dataclass
class Learnt:
    """How often each was seen.

    Attributes:
        senders: From addresses at the owner's domain in the Sent folder.
        domains: other domains of From addresses there.
        message_id_domains: right-hand sides of the Message-IDs there.
        relays: hosts that took such mail from its author, as the way back shows them.
        selectors: ``SELECTOR._domainkey.DOMAIN`` of the owner's signatures on the way back.
        sent, returned: messages looked at in the Sent folder; those of them found in the inbox.

    """

    senders: Counter[str] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    message_id_domains: Counter[str] = field(default_factory=Counter)
    relays: Counter[str] = field(default_factory=Counter)
    selectors: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    returned: int = 0


def often(counts: Counter[str]) -> list[str]:
    """Return what was seen often, most often first."""
    return [name for name, number in counts.most_common(_MOST) if number >= OFTEN]


def learn(mailbox: Mailbox, domain: str) -> Learnt:
    """Look through the Sent folder and the inbox for what the owner of *domain* sends like.

    Raises:
        MailboxError: a folder cannot be read.
        ConnectionLost: the connection broke.

    """
    learnt = Learnt()
    ids: set[str] = set()
    folder = mailbox.special("\\Sent")
    if folder is None:
        return learnt
    for message in _newest(mailbox, folder):
        _from_sent(HeaderBlock(message.headers), domain, learnt, ids)
    for message in _newest(mailbox, "INBOX"):
        headers = HeaderBlock(message.headers)
        identifier = _identifier(headers)
        if identifier in ids:
            ids.discard(identifier)
            learnt.returned += 1
            _from_returned(headers, domain, learnt)
    return learnt


class _Newest:
    """A memory to which only the newest messages are new."""

    def __init__(self, uid_validity: int, uid_next: int) -> None:
        self.uid_validity = uid_validity
        self.uid_next = max(1, uid_next - LOOKED_AT)

    def unknown(self, names: Iterable[str]) -> list[str]:
        return sorted(names)[-LOOKED_AT:]


def _newest(mailbox: Mailbox, folder: str) -> Iterator[ListedMessage]:
    status = mailbox.open(folder, write=False)
    for batch in mailbox.new(_Newest(status.uid_validity, status.uid_next)):
        yield from batch.messages


def _identifier(headers: HeaderBlock) -> str:
    return (headers.get("message-id") or "").strip()


def _from_sent(headers: HeaderBlock, domain: str, learnt: Learnt, ids: set[str]) -> None:
    author = find_address(headers.text("from") or "")
    home = domain_of(author) if author else None
    if author is None or home is None:
        return
    learnt.sent += 1
    identifier = _identifier(headers)
    if len(ids) < _MAX_IDS and identifier:
        ids.add(identifier)
    if home != domain:
        _count(learnt.domains, home, domain_pattern)
        return
    _count(learnt.senders, normalise(author), mail_address)
    _count(learnt.message_id_domains, identifier.rpartition("@")[2].strip("<> \t"), message_id_domain)


def _from_returned(headers: HeaderBlock, domain: str, learnt: Learnt) -> None:
    hops = read_trace(headers)
    if len(hops) > 1 and hops[-1].by and "." in hops[-1].by:
        # The oldest hop: the host that the author's own program handed the message to.
        _count(learnt.relays, hops[-1].by, relay)
    for signature in headers.get_all("dkim-signature")[:10]:
        tags = {
            name.strip().lower(): value.strip()
            for name, sign, value in (part.partition("=") for part in signature[:4000].split(";"))
            if sign
        }
        if tags.get("d", "").lower() == domain and tags.get("s", "").isprintable():
            _count(learnt.selectors, f"{tags.get('s', '')}._domainkey.{domain}", message_id_domain)


def _count(counts: Counter[str], text: str, read: Callable[[str], object]) -> None:
    """Count *text* if the configuration would take it."""
    try:
        read(text)
    except ValueError:
        return
    counts[text.lower()] += 1

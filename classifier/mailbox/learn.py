"""What an account's own mail says about its owner: for ``init`` to propose.

The Sent folder holds what was sent, by whoever may write there: the owner, and
for an hour perhaps whoever broke in. So what counts was seen on several days.
Mail in the inbox counts only where its Message-ID stands in the Sent folder,
too: it went out and came back (a copy to oneself, a mailing list), with the
trace and the signatures that it got on its way. Message-IDs are no secret: who
received a mail of ours can send us another under the same one, with a trace of
his own making. So a host is believed only where it belongs to us, or to whoever
runs our inbox; others are told, and left to the user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.config_values import domain_pattern, mail_address, message_id_domain, relay
from classifier.dataclass import dataclass, field
from classifier.evidence.hosts import is_public_name, organisation
from classifier.parse.addresses import domain_of, find_address, normalise
from classifier.parse.dates import parse_date
from classifier.parse.headers import HeaderBlock
from classifier.parse.trace import read_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from classifier.mailbox.protocol import ListedMessage, Mailbox
    from classifier.parse.report import TraceHop

#: The newest so many messages of a folder are looked at, and of the Sent folder as many of the older ones.
LOOKED_AT = 2_000
#: What stands in so many messages, of so many days, is no accident.
OFTEN = 3
#: Right-hand sides of Message-IDs count as ours where they stand in so large a part of what we sent.
MOST = 0.9
#: Names of one sort that are proposed at most.
_MOST_NAMES = 50
_MAX_SIGNATURES = 10

#: The days (as ordinals, 0 where unknown) on which a message came into its folder, and by its own date.
_Days = tuple[int, int]


@dataclass(frozen=True)
class _Sent:
    """One sent message: its author, the right-hand side of its Message-ID or "", and its days."""

    author: str
    right: str
    days: _Days


@dataclass(frozen=True)
class _Returned:
    """One message that came back.

    Attributes:
        first: the host that took it from its author, as its trace says, or "".
        inbox: the organisation whose host took it in for us, or "".
        keys: ``SELECTOR._domainkey.DOMAIN`` of its signatures.

    """

    first: str
    inbox: str
    keys: tuple[str, ...]


@dataclass
class Learnt:
    """What was seen.

    Attributes:
        folder: the Sent folder, or "" where none was found.
        sent: messages in it that were looked at.
        returned: those of them that were found in the inbox.

    """

    folder: str = ""
    sent: list[_Sent] = field(default_factory=list)
    returned: list[_Returned] = field(default_factory=list)

    def senders(self, domains: Collection[str]) -> list[str]:
        """Return the addresses at *domains* that send, the most frequent first."""
        ours = _both(domains)
        return self._often((m.author, m) for m in self.sent if domain_of(m.author) in ours)

    def other_domains(self, domains: Collection[str]) -> list[str]:
        """Return the domains that are sent from besides *domains*."""
        ours = _both(domains)
        return self._often((home, m) for m in self.sent if (home := domain_of(m.author)) and home not in ours)

    def message_id_domains(self, domains: Collection[str]) -> tuple[list[str], bool]:
        """Return the right-hand sides of Message-IDs from *domains*, and whether they stand for nearly all of them.

        Where they do not, a Message-ID that ends otherwise is no sign against it.
        """
        ours = _both(domains)
        own = [m for m in self.sent if m.right and domain_of(m.author) in ours]
        found = self._often((m.right, m) for m in own)
        covered = sum(1 for m in own if m.right in found)
        return found, bool(own) and covered >= MOST * len(own)

    def relays(self, domains: Collection[str]) -> tuple[list[str], list[str]]:
        """Return the hosts that took our mail from its author: those to be believed, and those that anybody may name."""
        ours = {organisation(d.lstrip(".")) for d in _both(domains)}
        certain: list[str] = []
        open_to_all: list[str] = []
        for name in _frequent(m.first for m in self.returned if m.first):
            owner = organisation(name)
            inboxes = {m.inbox for m in self.returned if m.first == name}
            (certain if owner in ours or inboxes == {owner} else open_to_all).append(name)
        return certain, open_to_all

    def keys(self, domains: Collection[str]) -> list[str]:
        """Return the names of the keys that *domains* sign with, as what came back shows."""
        ends = tuple(f"._domainkey.{d}" for d in _both(domains))
        certain = self.relays(domains)[0]
        return _frequent(k for m in self.returned if m.first in certain for k in m.keys if k.endswith(ends))

    def _often(self, sightings: Iterable[tuple[str, _Sent]]) -> list[str]:
        """Return what was seen often enough, and on enough days: on :data:`OFTEN`, as far as the folder has them."""
        days: dict[str, list[_Days]] = {}
        for name, message in sightings:
            days.setdefault(name, []).append(message.days)
        needed = [min(OFTEN, len({m.days[clock] for m in self.sent})) for clock in (0, 1)]
        found = [
            name
            for name, seen in days.items()
            if len(seen) >= OFTEN and all(len({d[clock] for d in seen}) >= needed[clock] for clock in (0, 1))
        ]
        return sorted(found, key=lambda name: -len(days[name]))[:_MOST_NAMES]


def _frequent(names: Iterable[str]) -> list[str]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    found = [name for name, number in counts.items() if number >= OFTEN]
    return sorted(found, key=lambda name: -counts[name])[:_MOST_NAMES]


def _both(domains: Collection[str]) -> frozenset[str]:
    """Return *domains* in the form of DNS and in the one that people read."""
    return frozenset(form for domain in domains for form in domain_pattern(domain))


def learn(mailbox: Mailbox, sent: str = "auto") -> Learnt:
    r"""Look through the Sent folder and the inbox for how the owner's mail looks.

    Args:
        mailbox: the account.
        sent: ``auto`` (the folder marked ``\Sent``, or called so), or the folder's name.

    Raises:
        MailboxError: a folder cannot be read.
        ConnectionLost: the connection broke.

    """
    learnt = Learnt()
    folder = mailbox.special("\\Sent") if sent == "auto" else mailbox.locate(sent)
    if folder is None:
        return learnt
    learnt.folder = folder
    ids: set[str] = set()
    for message in _some(mailbox, folder, older=True):
        _from_sent(message, learnt, ids)
    came_back: dict[tuple[str, str], _Returned] = {}
    for message in _some(mailbox, "INBOX", older=False):
        headers = HeaderBlock(message.headers)
        identifier = _identifier(headers)
        if identifier in ids:
            found = _from_returned(headers)
            # Copies of one message count once, or else its first receiver could make many of it.
            came_back.setdefault((identifier, found.first), found)
    learnt.returned = list(came_back.values())
    return learnt


class _Some:
    """A memory to which only the newest messages are new, and of the older ones some, evenly spread."""

    def __init__(self, uid_validity: int, uid_next: int, messages: int, *, older: bool) -> None:
        self.uid_validity = uid_validity
        self._newest = max(1, uid_next - LOOKED_AT) if uid_next else 0
        self.uid_next = 1 if older else max(1, self._newest)
        self._step = max(1, (messages - LOOKED_AT) // LOOKED_AT) if older else 0

    def unknown(self, names: Iterable[str]) -> list[str]:
        if self._newest:
            uids = [int(name) for name in names]
            chosen = [u for u in uids if u >= self._newest]
            if self._step:
                chosen += [u for u in uids if u < self._newest][:: self._step]
            return [str(u) for u in sorted(chosen)]
        keys = sorted(names)
        spread = keys[:-LOOKED_AT][:: self._step] if self._step else []
        return spread + keys[-LOOKED_AT:]

    def gone(self, _names: Collection[str]) -> Collection[str]:
        return ()  # nothing is kept


def _some(mailbox: Mailbox, folder: str, *, older: bool) -> Iterator[ListedMessage]:
    status = mailbox.open(folder, write=False)
    memory = _Some(status.uid_validity, status.uid_next, status.messages, older=older)
    for batch in mailbox.new(memory):
        yield from batch.messages


def _identifier(headers: HeaderBlock) -> str:
    return (headers.get("message-id") or "").strip()


def _from_sent(message: ListedMessage, learnt: Learnt, ids: set[str]) -> None:
    headers = HeaderBlock(message.headers)
    author = _readable(normalise(find_address(headers.text("from") or "") or ""), mail_address)
    if not author:
        return
    identifier = _identifier(headers)
    if identifier:
        ids.add(identifier)
    right = _readable(identifier.rpartition("@")[2].strip("<> \t").lower(), message_id_domain)
    dated = parse_date(headers.get("date"))
    days = (
        message.received_at.toordinal() if message.received_at else 0,
        dated.toordinal() if dated else 0,
    )
    learnt.sent.append(_Sent(author, right, days))


def _from_returned(headers: HeaderBlock) -> _Returned:
    hops = read_trace(headers)
    first = ""
    if len(hops) > 1 and hops[-1].by and "." in hops[-1].by:
        # The oldest hop: the host that the author's own program handed the message to.
        first = _readable(hops[-1].by.lower(), relay)
    keys = []
    for signature in headers.get_all("dkim-signature")[:_MAX_SIGNATURES]:
        tags = {
            name.strip().lower(): value.strip().lower()
            for name, sign, value in (part.partition("=") for part in signature[:4000].split(";"))
            if sign
        }
        if domain := _readable(tags.get("d", ""), domain_pattern):
            keys.append(_readable(f"{tags.get('s', '')}._domainkey.{domain}", domain_pattern))
    return _Returned(first, _inbox(hops), tuple(filter(None, keys)))


def _inbox(hops: Sequence[TraceHop]) -> str:
    """Return who took the message in: only the newest hop is sure to be written on our side."""
    name = hops[0].by if hops else None
    return (organisation(name) or "") if name and is_public_name(name) else ""


def _readable(text: str, read: Callable[[str], object]) -> str:
    """Return *text* if the configuration would take it, else ""."""
    try:
        read(text)
    except ValueError:
        return ""
    return text

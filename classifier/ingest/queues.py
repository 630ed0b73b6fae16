"""What MTA logs tell of one message, put together from lines that lie far apart.

A log is read as a stream: messages whose last line has not come yet are held
in a map of bounded size. When it is full, the oldest message is written out
with what is known; later lines add to it in the ledger.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from classifier.ingest.entries import LedgerRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from classifier.identity import Identity
    from classifier.ingest.others import HandedOver

#: Messages held open at a time.
MAX_OPEN = 100_000
#: Recipients held of one message.
MAX_RECIPIENTS = 10_000
#: Message-IDs remembered with where they were first seen.
MAX_SEEN = 100_000

#: Message-IDs cut off that are held of one message.
_MAX_BEGINNINGS = 10
#: Messages from outside without a Message-ID that are watched, senders of such that are remembered, and while how
#: many further messages are named.
_MAX_WAITING, _MAX_SENDERS, _NEAR = 1_000, 10_000, 10_000

#: Networks from which nobody outside connects (RFC 1918, 4193, 6598 and loopback).
_INSIDE = tuple(
    ipaddress.ip_network(n)
    for n in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


@dataclass(slots=True)
class OpenMessage:
    """One message in a queue, as far as the log has told.

    Attributes:
        queue_id: the id that the log names it by.
        sender: the envelope sender; "" is the null sender, None not yet seen.
        message_ids: Message-ID and Resent-Message-ID.
        recipients: whom it goes to.
        when: when its first line was written.
        source: ``submitted``, ``transit`` or ``log``, see :data:`classifier.store.ledger.SOURCES`.
        beginnings: those of Message-IDs that the log cuts off.
        local: whether a program on the host itself handed it in.
        began: whether the log tells how it came in.
        named: as which message the log tells its Message-ID, or that it has none; 0: not yet.
        made_here: whether the MTA made the Message-ID, where the log names none.

    """

    queue_id: str
    sender: str | None = None
    message_ids: dict[str, None] = field(default_factory=dict)
    recipients: dict[str, None] = field(default_factory=dict)
    when: datetime | None = None
    source: str = "log"
    beginnings: tuple[str, ...] = ()
    local: bool = False
    began: bool = False
    named: int = 0
    made_here: bool = False

    @property
    def is_nameless(self) -> bool:
        """Whether the log tells that it names no Message-ID: on its way it may have got one."""
        return bool(self.named) and not self.message_ids and not self.beginnings

    @property
    def by_our_own(self) -> bool:
        """Whether a user or program of ours handed it in, whatever sender it names."""
        return self.local or self.source == "submitted"


class Queues:
    """The messages that a log has begun and not ended, and which of them we sent.

    What left with an envelope sender at a protected domain counts (all, where
    no domain is known), and what our own users and programs handed in with
    another, as a web server does whose bounces go elsewhere. The sender is
    typed: what came from an outside address without authentication is marked
    ``transit``, also when a content filter then hands it back, from inside and
    under a new queue id, or with the Message-ID that it lacked; so is what a host
    inside passed on for somebody else.

    Attributes:
        lost: when a message of ours last came in of which the log has lost lines, or None.
        named: of how many messages the log has told the Message-ID, or that they have none.
        others: when mail of ours last left by programs that name no Message-ID, by their names.
        exim_names: whether Exim's log has named a Message-ID (``log_selector`` may leave them out).

    """

    def __init__(self, identity: Identity | None = None, *, limit: int = MAX_OPEN) -> None:
        """Start empty; hold at most *limit* messages."""
        self._identity = identity
        self._limit = limit
        # A dict slows down where the oldest key is taken out again and again.
        self._open: OrderedDict[str, OpenMessage] = OrderedDict()
        self._first_seen: OrderedDict[str, OpenMessage] = OrderedDict()
        self._full: list[OpenMessage] = []
        self.named = 0
        #: Open messages from outside without a Message-ID: what a filter hands back of them may get one. And from
        #: when until when some of a sender's were open.
        self._waiting: OrderedDict[str, OpenMessage] = OrderedDict()
        self._waited: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.lost: datetime | None = None
        self.exim_names = False
        self.others: dict[str, datetime] = {}

    def find(self, key: str) -> OpenMessage | None:
        """Return the open message *key*."""
        return self._open.get(key)

    def begin(self, key: str, queue_id: str, when: datetime | None) -> OpenMessage:
        """Open the message *key*, of which the first line was written at *when*; another of that key has ended."""
        if key in self._open:
            self._wait_no_more(key)
            self._full.append(self._open.pop(key))
        elif len(self._open) >= self._limit:
            oldest, full = self._open.popitem(last=False)
            self._wait_no_more(oldest)
            self._full.append(full)
        message = self._open[key] = OpenMessage(queue_id, when=when)
        return message

    def add_recipient(self, message: OpenMessage, address: str) -> None:
        """Note one recipient."""
        if address and len(message.recipients) < MAX_RECIPIENTS:
            message.recipients.setdefault(address)

    def add_message_id(self, message: OpenMessage, message_id: str) -> None:
        """Note a Message-ID; call it after :meth:`came_from`."""
        message_id = message_id[:998]
        if not message_id or len(message.message_ids) >= 10:
            return
        message.message_ids.setdefault(message_id)
        if message_id not in self._first_seen:
            while len(self._first_seen) >= MAX_SEEN:
                self._first_seen.popitem(last=False)
            self._first_seen[message_id] = OpenMessage(
                "", when=message.when, source=message.source, local=message.local, began=message.began
            )

    def add_beginning(self, message: OpenMessage, beginning: str) -> None:
        """Note a Message-ID of which the log tells no more than its *beginning*."""
        if beginning and len(message.beginnings) < _MAX_BEGINNINGS:
            message.beginnings += (beginning,)

    def name(self, key: str, message: OpenMessage) -> None:
        """Note that the log has told the Message-ID of *message*, or that it has none; call it after these."""
        self.named += 1
        message.named = self.named
        if message.source == "transit" and message.is_nameless:
            if len(self._waiting) >= _MAX_WAITING:
                self._wait_no_more(next(iter(self._waiting)))
            self._waiting[key] = message

    def _wait_no_more(self, key: str) -> None:
        message = self._waiting.pop(key, None)
        if message is None or not message.sender:
            return
        first, last = self._waited.pop(message.sender, (message.named, 0))
        if message.named - last > _NEAR:
            first = message.named
        if len(self._waited) >= _MAX_SENDERS:
            self._waited.popitem(last=False)
        self._waited[message.sender] = first, self.named

    def _is_handed_back(self, message: OpenMessage) -> bool:
        """Say whether *message*, which came without a Message-ID, may be one from outside that a filter hands back."""
        if not message.named or not all(message.queue_id in i for i in message.message_ids):
            return False
        first, last = self._waited.get(message.sender or "", (0, -1))
        return first <= message.named <= last or any(
            m.sender == message.sender and m.named <= message.named for m in self._waiting.values()
        )

    def left_by(self, other: HandedOver, when: datetime) -> None:
        """Note what left by another program, which names no Message-ID."""
        identity = self._identity
        if other.sender is not None and identity is not None and identity.domains:
            if not identity.owns_address(other.sender):
                return
        elif other.sender == "":
            return
        # What it hands to a host of ours, that one's log tells of.
        if (other.host or other.address) and self._is_inside(other.host, other.address or "0.0.0.0"):  # noqa: S104
            return
        self.others[other.program] = max(self.others.get(other.program, when), when)

    def came_from(self, message: OpenMessage, host: str, address: str) -> None:
        """Note the client that handed *message* in without authentication."""
        if message.source == "log" and not self._is_inside(host, address):
            message.source = "transit"

    def _is_inside(self, host: str, address: str) -> bool:
        identity = self._identity
        if identity is not None and (
            identity.is_relay_address(address) or identity.is_relay_name(host) or _under(host, identity)
        ):
            return True
        try:
            ip = ipaddress.ip_address(address.lower().removeprefix("ipv6:"))
        except ValueError:
            return True
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        return any(ip in network for network in _INSIDE)

    def close(self, key: str) -> Iterator[LedgerRecord | None]:
        """End *key*; yield its record, or None where it is no mail of ours.

        A message whose sender has not been seen stays open: logs are often
        given newest first.
        """
        message = self._open.get(key)
        if message is not None and message.sender is not None:
            del self._open[key]
            self._wait_no_more(key)
            yield self._record(message)

    def overflow(self) -> Iterator[LedgerRecord | None]:
        """Yield what had to make room."""
        while self._full:
            yield self._record(self._full.pop())

    def drain(self) -> Iterator[LedgerRecord | None]:
        """End everything."""
        yield from self.overflow()
        for key in list(self._open):
            yield self._record(self._open.pop(key))

    def _record(self, message: OpenMessage) -> LedgerRecord | None:
        source = self._source(message)
        if source is None:
            return None
        if message.began and not message.named and source != "transit" and message.when is not None:
            # It came in and it left; that the line between is missing shows that lines are.
            self.lost = max(self.lost or message.when, message.when)
        # Whom a stranger's mail went to is not whom we wrote to.
        recipients = () if source == "transit" else tuple(message.recipients)
        return LedgerRecord(
            tuple(message.message_ids),
            (message.queue_id,),
            recipients,
            message.when,
            source,
            message.beginnings,
            message.is_nameless and not message.made_here and source != "transit",
        )

    def _source(self, message: OpenMessage) -> str | None:
        """Return what to note as the record's origin, or None where the message is not ours."""
        if message.sender is None:
            return None
        identity = self._identity
        if message.sender and (
            identity is None or not identity.domains or identity.owns_address(message.sender)
        ):
            return "transit" if self._came_back(message) else message.source
        if message.source == "transit" or self._came_back(message) or self._stays(message):
            return None
        firsts = [first for i in message.message_ids if (first := self._first_seen.get(i))]
        if message.by_our_own and firsts and all(first.by_our_own for first in firsts):
            return message.source
        return "transit" if message.sender else None

    def _stays(self, message: OpenMessage) -> bool:
        """Say whether *message* is for ourselves alone: what a gateway hands in is most of a log, and nobody bounces it to us."""
        identity = self._identity
        return (
            identity is not None
            and bool(message.recipients)
            and all(map(identity.owns_address, message.recipients))
        )

    def _is_passed_on(self, message: OpenMessage) -> bool:
        """Say whether *message*, of which nothing tells where it came from, is one that came from us before, as by an alias."""
        firsts = (self._first_seen.get(i) for i in message.message_ids)
        return any(first is not None and first.began and first.source != "transit" for first in firsts)

    def _came_back(self, message: OpenMessage) -> bool:
        """Say whether *message*, from inside, had come in from outside before, or whether that is not known."""
        if message.source != "log":
            return False
        if self._is_handed_back(message) or not (message.began or self._is_passed_on(message)):
            return True
        for message_id in message.message_ids:
            first = self._first_seen.get(message_id)
            if first is None or first.source != "transit":
                continue
            if first.when is None or message.when is None or first.when <= message.when:
                return True
        return False


def _under(host: str, identity: Identity) -> bool:
    """Say whether *host*, a name that the MTA itself looked up, is at a protected domain."""
    host = host.rstrip(".").lower()
    return any(host == d.lstrip(".") or host.endswith("." + d.lstrip(".")) for d in identity.domains)

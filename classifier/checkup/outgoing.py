"""Null-sender mail that went to outside addresses, counted by cause from what a log tells line by line.

Memory is bounded by one measure over all messages that the log has begun and
not ended, and all that is noted of them: beyond it the oldest are counted as far as they are told.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from classifier.checkup.causes import Cause
from classifier.dataclass import dataclass, field
from classifier.evidence.hosts import ip_of, is_internal

if TYPE_CHECKING:
    from datetime import datetime

    from classifier.identity import Identity

#: What is held at a time: messages and characters of recipients in all, as bytes of memory, about.
MAX_HELD = 100_000_000
#: Recipients counted of one message, and recipient domains told apart, of each cause and of our own.
MAX_RECIPIENTS, MAX_DOMAINS = 1_000, 50_000
#: About so many bytes does a message take, and one recipient beside the characters of its address.
_MESSAGE, _RECIPIENT = 1_000, 150
_LONGEST_DOMAIN = 255
_EXAMPLES = 3


@dataclass
class Mail:
    """One message in a queue, as far as the log has told.

    Attributes:
        name: the id that the log names it by.
        null: True where its sender is null; None: not yet told.
        own_user: True where a user of ours, who logged in, sent it.
        cause: of null-sender mail, what it was written for.
        failed: why its own delivery failed, so far.
        delayed: True where delivery was put off.
        answered: True where a delivery of it was an automatic answer.
        answer: the null-sender mail that was written about this one last.
        told: of null-sender mail, by recipient what became of it: sent, waiting, refused.

    """

    name: str
    null: bool | None = None
    own_user: bool = False
    cause: Cause | None = None
    failed: Cause | None = None
    delayed: bool = False
    answered: bool = False
    answer: Mail | None = None
    told: dict[str, str] = field(default_factory=dict)


@dataclass
class Tally:
    """Null-sender mail of one cause, counted by recipient.

    Attributes:
        sent: taken by a server outside.
        waiting: not yet; it stays in the queue.
        refused: refused there, or given up.
        examples: ids of some of them, to look up in the log.

    """

    sent: int = 0
    waiting: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """All of them."""
        return self.sent + self.waiting + self.refused


@dataclass
class Outgoing:
    """What the logs tell.

    Attributes:
        identity: who is protected, or None.
        lines: how many lines were read.
        first: the first time stamp.
        last: the last.
        limit: what is held at a time, in bytes, about.
        held: what is held now.

    """

    identity: Identity | None = None
    lines: int = 0
    first: datetime | None = None
    last: datetime | None = None
    limit: int = MAX_HELD
    held: int = 0
    _open: OrderedDict[str, Mail] = field(default_factory=OrderedDict)
    #: Null-sender mail that ended before the log told what it was written for.
    _late: OrderedDict[str, Mail] = field(default_factory=OrderedDict)
    _tallies: dict[tuple[str, Cause], Tally] = field(default_factory=dict)
    _local: set[str] = field(default_factory=set)

    def seen(self, when: datetime | None) -> None:
        """Note one line and its time stamp."""
        self.lines += 1
        if when is not None:
            self.first = when if self.first is None else min(self.first, when)
            self.last = when if self.last is None else max(self.last, when)

    def find(self, key: str) -> Mail | None:
        """Return the message *key* where the log has told of it."""
        return self._open.get(key)

    def mail(self, key: str, name: str) -> Mail:
        """Return the message *key*, begun where it is new."""
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = Mail(name)
            self._hold(_MESSAGE)
        return found

    def _hold(self, size: int) -> None:
        """Count *size* more, and end the oldest messages beyond the limit; never the newest, which is being told."""
        self.held += size
        while self.held > self.limit and len(self._late) + len(self._open) > 1:
            older = self._late or self._open
            self._close(older.popitem(last=False)[1])

    def notice(self, key: str, name: str) -> Mail:
        """Return the message *key*, a notice by what the log says now; on a busy host that may come after its end."""
        late = self._late.get(key)
        return late if late is not None and key not in self._open else self.mail(key, name)

    def came_from(self, mail: Mail, address: str) -> None:
        """Note the client that handed null-sender mail in: a neighbour of the server, or somebody outside."""
        ip = ip_of(address)
        inside = ip is not None and is_internal(ip)
        if self.identity is not None and self.identity.is_relay_address(address):
            inside = True
        mail.cause = mail.cause or (Cause.AUTOMATIC if inside else Cause.PASSED_ON)

    def is_ours(self, address: str) -> bool:
        """Say whether an address is known to be delivered here, so far."""
        domain = _domain(address)
        return domain in self._local or (self.identity is not None and self.identity.owns_domain(domain))

    def delivered_here(self, address: str) -> None:
        """Note that mail for this address is delivered on this host: its domain is no outside one."""
        domain = _domain(address)
        if domain and len(self._local) < MAX_DOMAINS:
            self._local.add(domain)

    def delivery(self, mail: Mail, address: str, outcome: str) -> None:
        """Note what became of null-sender mail to one recipient: sent, waiting or refused."""
        new = address not in mail.told
        if not new or len(mail.told) < MAX_RECIPIENTS:
            mail.told[address] = outcome
            if new:
                self._hold(_RECIPIENT + len(address))

    def close(self, key: str) -> None:
        """End the message *key*."""
        mail = self._open.pop(key, None)
        if mail is None:
            return
        mail.answer = None
        if mail.null and mail.cause is None:
            earlier = self._late.pop(key, None)
            self._late[key] = mail
            if earlier is not None:
                self._close(earlier)
        else:
            self._close(mail)

    def _close(self, mail: Mail) -> None:
        self.held -= _MESSAGE + sum(_RECIPIENT + len(address) for address in mail.told)
        # Another message may hold this one as its answer: nothing of it is needed any more.
        told, mail.told, mail.answer = mail.told, {}, None
        if not mail.null:
            return
        cause = mail.cause or Cause.UNTOLD
        for address, outcome in told.items():
            domain = _domain(address)
            if (domain, cause) not in self._tallies and len(self._tallies) >= MAX_DOMAINS:
                domain = ""
            tally = self._tallies.setdefault((domain, cause), Tally())
            setattr(tally, outcome, getattr(tally, outcome) + 1)
            if len(tally.examples) < _EXAMPLES and mail.name not in tally.examples:
                tally.examples.append(mail.name)

    def tallies(self) -> dict[Cause, Tally]:
        """End all messages, and return what went outside, by cause, the most first."""
        for held in (self._late, self._open):
            while held:
                self._close(held.popitem(last=False)[1])
        found: dict[Cause, Tally] = {}
        for (domain, cause), tally in self._tallies.items():
            if domain in self._local or (self.identity is not None and self.identity.owns_domain(domain)):
                continue
            into = found.setdefault(cause, Tally())
            into.sent += tally.sent
            into.waiting += tally.waiting
            into.refused += tally.refused
            into.examples += tally.examples[: _EXAMPLES - len(into.examples)]
        return dict(sorted(found.items(), key=lambda item: -item[1].count))


def _domain(address: str) -> str:
    return address.rpartition("@")[2][-_LONGEST_DOMAIN:].rstrip(".").lower() if "@" in address else ""

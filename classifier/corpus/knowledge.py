"""What a protected domain knows, in memory: its ledger, its habits, and a piece of DNS."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from classifier.evidence.base import DnsAnswer, LedgerEntry
from classifier.evidence.habits import traits
from classifier.ingest.entries import LedgerRecord
from classifier.parse.addresses import normalise
from classifier.parse.headers import HeaderBlock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from classifier.corpus.letter import Letter

#: Shares of fewer messages than this say nothing; as in the store.
_ENOUGH = 50


class MemoryLedger:
    """:class:`~classifier.evidence.base.Ledger` in memory.

    Attributes:
        records: what was sent, in order.

    """

    def __init__(self) -> None:
        """Begin empty."""
        self.records: list[LedgerRecord] = []
        self._by_id: dict[str, LedgerEntry] = {}
        self._by_envelope: dict[str, LedgerEntry] = {}
        self._written_to: set[str] = set()

    def add(self, letter: Letter, source: str) -> LedgerRecord:
        """Note a message that was sent."""
        ids = (letter.message_id,) if letter.message_id else ()
        queue_ids = tuple(letter.queue_ids) if source == "log" else ()
        record = LedgerRecord(ids, queue_ids, letter.recipients, letter.sent_at, source)
        recipients = {normalise(address) for address in letter.recipients}
        entry = LedgerEntry(letter.sent_at, True, lambda address: normalise(address) in recipients, source)
        self.records.append(record)
        self._by_id.update((i.strip("<>"), entry) for i in ids)
        self._by_envelope.update((i, entry) for i in queue_ids)
        self._written_to |= recipients
        return record

    def find(self, message_id: str) -> LedgerEntry | None:
        """Find a message by its Message-ID."""
        return self._by_id.get(message_id.strip().strip("<>"))

    def find_envelope_id(self, envelope_id: str) -> LedgerEntry | None:
        """Find a message by its queue id."""
        return self._by_envelope.get(envelope_id.strip())

    def wrote_to(self, address: str) -> bool:
        """Say whether any message went to *address*."""
        return normalise(address) in self._written_to

    def find_nameless(self, _address: str) -> LedgerEntry | None:
        """Return None: all that it holds has a Message-ID."""
        return None

    def until(self, moment: datetime) -> LedgerAt:
        """Return the ledger as it stands when it was last brought up to date at *moment*."""
        return LedgerAt(self, moment)


class LedgerAt:
    """A ledger and the moment up to which it holds what was sent."""

    def __init__(self, ledger: MemoryLedger, moment: datetime) -> None:
        """See :meth:`MemoryLedger.until`."""
        self._ledger = ledger
        self._moment = moment

    def find(self, message_id: str) -> LedgerEntry | None:
        """Find a message by its Message-ID."""
        return self._known(self._ledger.find(message_id))

    def find_envelope_id(self, envelope_id: str) -> LedgerEntry | None:
        """Find a message by its queue id."""
        return self._known(self._ledger.find_envelope_id(envelope_id))

    def _known(self, entry: LedgerEntry | None) -> LedgerEntry | None:
        late = entry is not None and entry.sent_at is not None and entry.sent_at > self._moment
        return None if late else entry

    def find_nameless(self, _address: str) -> LedgerEntry | None:
        """Return None: all that it holds has a Message-ID."""
        return None

    def wrote_to(self, address: str) -> bool:
        """Say whether any message went to *address*."""
        return self._ledger.wrote_to(address)

    def covered_until(self) -> datetime | None:
        """Return the moment."""
        return self._moment if self._ledger.records else None

    def covered_since(self) -> datetime | None:
        """Return None: nothing is missing."""
        return None


class MemoryHabits:
    """:class:`~classifier.evidence.base.Habits` in memory."""

    def __init__(self) -> None:
        """Begin empty."""
        self._values: Counter[tuple[str, str]] = Counter()
        self._totals: Counter[str] = Counter()

    def learn(self, letter: Letter) -> None:
        """Count the traits of a message that was sent."""
        for trait, value in traits(HeaderBlock(letter.head())).items():
            self._values[trait, value[:400]] += 1
            self._totals[trait] += 1

    def share(self, trait: str, value: str) -> float | None:
        """Return the share of messages with this *value* of *trait*, or None if too few are known."""
        total = self._totals[trait]
        return self._values[trait, value[:400]] / total if total >= _ENOUGH else None


class ZoneResolver:
    """:class:`~classifier.evidence.base.Resolver` over a table; without one nobody answers."""

    def __init__(self, zone: Mapping[tuple[str, str], tuple[str, ...]] | None) -> None:
        """Answer from *zone*: (name, type) to records."""
        self._zone = zone
        self._names = frozenset(name for name, _ in zone) if zone is not None else frozenset()

    def query(self, name: str, record_type: str) -> DnsAnswer:
        """Look *name* up; what is not in the table does not exist."""
        if self._zone is None:
            return DnsAnswer(available=False, note="time-out")
        name = name.rstrip(".").lower()
        return DnsAnswer(self._zone.get((name, record_type.upper()), ()), exists=name in self._names)

"""What evidence is, and what an evidence kind may ask of the world.

Every kind is a pure function ``(Report, Identity, Lookups) -> Evidence``; the
clock, DNS, the ledger and all memory come in through :class:`Lookups`. A
look-up that is absent or fails is no sign of anything.
"""

from __future__ import annotations

from classifier.dataclass import dataclass
from classifier.vocabulary import PointsTo, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import Protocol, TypeAlias

    from classifier.identity import Identity
    from classifier.parse.report import Report
else:
    #: typing costs a filter 5 ms.
    Protocol = object


@dataclass(frozen=True)
class Evidence:
    """One checked fact.

    Attributes:
        name: the kind, e.g. ``dkim``; the public JSON shows it.
        points_to: forged, genuine or neither.
        strength: proof, strong or weak.
        detail: the fact in words for a person, without line ends.
        finding: the fact as a stable short word, e.g. ``valid`` or ``miss``;
            the judge's table and the model's features are keyed by it.
        account_misuse: True where the origin is proven ours and the content
            or volume is not: an account looks broken into.

    """

    name: str
    points_to: PointsTo
    strength: Strength
    detail: str
    finding: str
    account_misuse: bool = False


@dataclass(frozen=True)
class LedgerEntry:
    """One message that we sent, without any address in clear.

    Attributes:
        sent_at: when, aware; None where the source did not say.
        has_recipients: False where only the identifier is known.
        wrote_to: says whether an address was among its recipients.
        source: what it was learnt from: ``import``, ``sync``, ``log``.

    """

    sent_at: datetime | None
    has_recipients: bool
    wrote_to: Callable[[str], bool]
    source: str = "import"


class Ledger(Protocol):
    """What we sent."""

    def find(self, message_id: str) -> LedgerEntry | None:
        """Find a message by its Message-ID (brackets optional)."""

    def find_envelope_id(self, envelope_id: str) -> LedgerEntry | None:
        """Find a message by its envelope id (RFC 3461 ENVID) or queue id."""

    def find_nameless(self, address: str) -> LedgerEntry | None:
        """Find the last message to *address* that left without a Message-ID, or with one that no log names; "": to anybody."""

    def wrote_to(self, address: str) -> bool:
        """Say whether any message we sent went to *address*."""

    def covered_until(self) -> datetime | None:
        """Return up to when the ledger holds all that its sources tell, or None if it is empty."""

    def covered_since(self) -> datetime | None:
        """Return from when on none of its logs is known to miss anything, or None where none ever was."""


@dataclass(frozen=True)
class DnsAnswer:
    """The answer to one question.

    Attributes:
        records: each record as text (TXT: its strings joined); empty where
            the name does not exist or has no such record.
        available: False where nobody could say: time-out, server failure,
            budget used up, DNS off. Never a sign of anything.
        exists: False for a name that does not exist (NXDOMAIN).
        note: why it is not available.

    """

    records: tuple[str, ...] = ()
    available: bool = True
    exists: bool = True
    note: str = ""


class Resolver(Protocol):
    """DNS with a bounded budget; never raises."""

    def query(self, name: str, record_type: str) -> DnsAnswer:
        """Ask for *record_type* (``TXT``, ``A``, ``AAAA``, ``MX``, ``PTR``) of *name*."""


@dataclass(frozen=True)
class RememberedKey:
    """A DKIM key record seen in DNS before.

    Attributes:
        record: the TXT record.
        first_seen: when it was first seen there, aware.
        last_seen: when it was last seen there, aware.

    """

    record: str
    first_seen: datetime
    last_seen: datetime


class RecordMemory(Protocol):
    """What DNS said before: DKIM keys and SPF records with their dates."""

    def remembered(self, name: str, purpose: str) -> Sequence[RememberedKey]:
        """Return all records seen at *name* for *purpose* (``dkim``, ``spf``), oldest first."""

    def remember(self, name: str, purpose: str, record: str, now: datetime) -> None:
        """Note that *record* stands at *name* now."""


@dataclass(frozen=True)
class Company:
    """What else arrived that resembles one report.

    Attributes:
        reports: how many other reports within the window share its campaign.
        strangers: how many of them failed at addresses that we never wrote to.
        forged: how many of them were found forged by proof or strong evidence.
        genuine: how many of them were found genuine, or taken out of quarantine by the user.
        lines: of how many of them it is known from what sort of line their original came.
        homes: how many of these are not a mail server's.
        owners: of how many different owners those are.
        writers: how many organisations saw them.

    """

    reports: int = 0
    strangers: int = 0
    forged: int = 0
    genuine: int = 0
    lines: int = 0
    homes: int = 0
    owners: int = 0
    writers: int = 0


class Floods(Protocol):
    """The memory of recent reports, by campaign."""

    def company(self, fingerprints: Iterable[str], now: datetime, *, besides: str = "") -> Company:
        """Count the recent reports, *besides* the one of this digest, that share one of *fingerprints*."""


class Habits(Protocol):
    """What our genuine mail looks like, learnt from the ledger's mail."""

    def share(self, trait: str, value: str) -> float | None:
        """Return the share of our mail with this *value* of *trait*, or None if unknown."""


@dataclass(frozen=True)
class Lookups:
    """Everything outside the message that evidence may ask.

    Each is None where it is not to be had; nothing may count that as a sign.
    """

    now: datetime
    ledger: Ledger | None = None
    resolver: Resolver | None = None
    records: RecordMemory | None = None
    floods: Floods | None = None
    habits: Habits | None = None
    dnsbl: tuple[str, ...] = ()


Gatherer: TypeAlias = "Callable[[Report, Identity, Lookups], Iterable[Evidence]]"


def genuine(name: str, strength: Strength, finding: str, detail: str) -> Evidence:
    """Make evidence that points to genuine."""
    return Evidence(name, PointsTo.GENUINE, strength, detail, finding)


def forged(name: str, strength: Strength, finding: str, detail: str) -> Evidence:
    """Make evidence that points to forged."""
    return Evidence(name, PointsTo.FORGED, strength, detail, finding)


def neutral(name: str, finding: str, detail: str) -> Evidence:
    """Make evidence that is worth telling and points nowhere."""
    return Evidence(name, PointsTo.NEITHER, Strength.WEAK, detail, finding)

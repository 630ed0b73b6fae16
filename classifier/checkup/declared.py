"""Holds what is declared of all our mail against reports whose originals are proven to be ours.

What is declared ("nothing leaves elsewhere", "no other address sends") makes an absence a sign of
forgery. Where it is not true, genuine reports are lost by it unless something proves
them; those that something proves show it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.checkup.findings import Finding, Level
from classifier.dataclass import dataclass, field
from classifier.vocabulary import PointsTo, Strength, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from classifier.history import HistoryEntry
    from classifier.identity import Identity

#: So many proven reports, and none of them against it, before a declaration is advised.
ENOUGH = 30
_PROVES = f":{PointsTo.GENUINE}:{Strength.PROOF}"
_AGAINST = f":{PointsTo.FORGED}:{Strength.STRONG}"
_TOWARD_FORGED = f":{PointsTo.FORGED}:"


@dataclass
class Proven:
    """Reports that are proven genuine, counted; and what the user said of others.

    Attributes:
        count: those that are proven.
        against: by evidence kind, those that it speaks strongly against: how many, and the last.
        put_back: by evidence kind, those that it speaks strongly against, and that the user called genuine.
        elsewhere: those about mail that some other host than ours brought.
        through_ours: those about mail that one of ours brought.

    """

    count: int = 0
    against: dict[str, tuple[int, HistoryEntry]] = field(default_factory=dict)
    put_back: dict[str, tuple[int, HistoryEntry]] = field(default_factory=dict)
    elsewhere: int = 0
    through_ours: int = 0

    def add(self, entry: HistoryEntry, label: str | None = None) -> None:
        """Count one judged report, the oldest judgement first; *label* is the user's word about it."""
        proofs = {_kind(e) for e in entry.evidence if e.endswith(_PROVES)}
        for kind in {_kind(e) for e in entry.evidence if e.endswith(_AGAINST)}:
            if proofs - {kind}:  # a report may show several identifiers, one of them unknown
                self.against[kind] = (_number(self.against, kind) + 1, entry)
            elif label == Verdict.GENUINE.value:
                self.put_back[kind] = (_number(self.put_back, kind) + 1, entry)
        if not proofs:
            return
        self.count += 1
        path = [e for e in entry.evidence if _kind(e) == "path"]
        self.elsewhere += any(_TOWARD_FORGED in e for e in path)
        self.through_ours += bool(path) and not any(_TOWARD_FORGED in e for e in path)


def declared(
    proven: Proven, identity: Identity, table: str = "identity", ledger: str = "ledger"
) -> Iterator[Finding]:
    """Say which declarations the *proven* reports contradict, and which could be made.

    Args:
        proven: reports to the domains of *identity*.
        identity: who is protected.
        table: where the configuration declares it.
        ledger: where it declares the ledger complete.

    """
    for kind, (key, remedy) in _declarations(identity, table, ledger).items():
        if kind in proven.against:
            count, last = proven.against[kind]
            what = (
                f"{count:,} of {proven.count:,} reports that are proven genuine contradict it, {_shown(last)}"
            )
            lost = "or take the declaration back: genuine reports that nothing proves are lost by it"
            yield Finding(Level.WRONG, key, what, f"{remedy}, {lost}", count)
        elif kind in proven.put_back:
            count, last = proven.put_back[kind]
            what = f"{count:,} reports that you called genuine contradict it, {_shown(last)}"
            yield Finding(
                Level.ADVICE, key, what, f"if they are: {remedy}, or take the declaration back", count
            )
    if not identity.relays or identity.relays_complete:
        return
    if proven.elsewhere:
        yield Finding(
            Level.ADVICE,
            f"{table}.relays",
            f"{proven.elsewhere:,} of {proven.count:,} reports that are proven genuine are about mail that left elsewhere",
            "add the hosts that 'classify -v' shows for them, so far as they are yours",
            proven.elsewhere,
        )
    elif proven.through_ours >= ENOUGH:
        yield Finding(
            Level.ADVICE,
            f"{table}.relays_complete",
            f"all {proven.through_ours:,} reports that are proven genuine, and show it, are about mail that left through your relays",
            "set it if nothing of yours leaves elsewhere",
            proven.through_ours,
        )


def _kind(told: str) -> str:
    return told.partition(":")[0]


def _declarations(identity: Identity, table: str, ledger: str) -> Mapping[str, tuple[str, str]]:
    """Return by evidence kind what makes an absence strong evidence there, and what may be amiss else."""
    found: dict[str, tuple[str, str]] = {}
    if identity.relays_complete:
        found["path"] = (f"{table}.relays_complete", "add that host to relays if it is yours")
    if identity.closed_senders:
        found["address"] = (f"{table}.closed_senders", "add the address to senders")
    elif identity.never_send:
        found["address"] = (f"{table}.never_send", "take the address out")
    if identity.signs_all:
        found["dkim"] = (f"{table}.signs_all", "see what sends without signing")
    if identity.batv_since is not None:
        found["tags"] = (f"{table}.batv_since", "see what sends without tagging, and the keys")
    if identity.ledger_complete_since is not None:
        found["ledger"] = (f"{ledger}.complete_since", "import what is missing")
    # What DNS says is declared to everybody, and others refuse such mail by it.
    found["spf"] = ("the SPF record", "name that host in it if it is yours")
    found["dmarc"] = ("the DMARC policy", "name that host in the SPF record if it is yours, or have it sign")
    return found


def _number(counted: Mapping[str, tuple[int, HistoryEntry]], kind: str) -> int:
    return counted[kind][0] if kind in counted else 0


def _shown(last: HistoryEntry) -> str:
    """Name the last report, and say what speaks against it where that is one thing."""
    day = f"{datetime.fromtimestamp(last.judged, UTC):%Y-%m-%d}"
    told = [r for r in last.reasons if r.endswith(f"({Strength.STRONG}, {PointsTo.FORGED})")]
    name = f", Message-ID {last.message_id}" if last.message_id else ""
    return f"the last one judged on {day}{name}" + (f": {told[0]}" if len(told) == 1 else "")

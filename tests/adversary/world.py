"""What example.org has configured, has sent and has in DNS, for the hostile suite."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime

from classifier.evidence.base import DnsAnswer, Lookups, RememberedKey
from classifier.identity import Identity
from classifier.ingest.entries import LedgerRecord
from classifier.parse.report import Envelope
from classifier.vocabulary import Verdict
from tests.keys import rsa_key

NOW = datetime(2026, 3, 10, 14, tzinfo=UTC)
SENT_AT = datetime(2026, 3, 10, 10, tzinfo=UTC)
YEAR = datetime(2026, 1, 1, tzinfo=UTC)

#: Nothing but the domain.
PLAIN = Identity(domains=("example.org",))
#: What a careful owner configures.
OURS = Identity(
    domains=("example.org",),
    senders=("anna@example.org", "bob@example.org"),
    never_send=("trap@example.org",),
    relays=("mail.example.org", "192.0.2.0/28"),
    message_id_domains=("example.org",),
)
BY_NAME = dataclasses.replace(OURS, relays=("mail.example.org",))
ALL_RELAYS = dataclasses.replace(OURS, relays_complete=True)
CLOSED = dataclasses.replace(OURS, closed_senders=True)
TAGGED = dataclasses.replace(OURS, batv_keys={"1": "the tagging secret"}, batv_since=YEAR)
FORWARDER = dataclasses.replace(OURS, srs_keys=("the forwarding secret",))
SIGNING = dataclasses.replace(OURS, signs_all=True)
COMPLETE = dataclasses.replace(OURS, ledger_complete_since=YEAR)
#: All of it at once.
STRICT = dataclasses.replace(
    ALL_RELAYS,
    closed_senders=True,
    signs_all=True,
    ledger_complete_since=YEAR,
    batv_keys=TAGGED.batv_keys,
    batv_since=YEAR,
)

KEY = rsa_key()
STRANGE_KEY = rsa_key(number=1)
RETIRED_KEY = rsa_key(number=2)

DNS = {
    ("example.org", "TXT"): ("v=spf1 ip4:192.0.2.0/28 include:provider.test -all",),
    ("provider.test", "TXT"): ("v=spf1 ip4:203.0.113.64/28 -all",),
    ("mail.example.org", "A"): ("192.0.2.1",),
    ("s1._domainkey.example.org", "TXT"): (KEY.record,),
    ("s1._domainkey.spam.test", "TXT"): (STRANGE_KEY.record,),
}

#: Message-IDs in the ledger.
TO_REMOTE = "<20260310100000.1a2b3c4d@example.org>"
TO_FRIEND = "<20260309080000.ffee0011@example.org>"
WRITTEN = (
    LedgerRecord((TO_REMOTE,), (), ("x@remote.test",), SENT_AT, "sync"),
    LedgerRecord((TO_FRIEND,), (), ("friend@else.test",), SENT_AT, "sync"),
)


class Names:
    """A resolver over a table: what is not in it does not exist; with no table, nobody answers."""

    def __init__(self, table=None):
        self.table = table

    def query(self, name, record_type):
        if self.table is None:
            return DnsAnswer(available=False, note="time-out")
        name = name.rstrip(".").lower()
        records = self.table.get((name, record_type.upper()), ())
        return DnsAnswer(records, exists=any(known == name for known, _ in self.table))


class Memory:
    """DNS as the store has seen it since the beginning of the year."""

    def remembered(self, name, purpose):
        if purpose != "spf":
            return ()
        kind, _, host = name.rpartition("/")
        records = DNS.get((host, kind or "TXT"), ())
        return (RememberedKey(" ".join(records) or "none", YEAR, NOW),)

    def remember(self, name, purpose, record, now):
        pass


def lookups(uses, ledger=None):
    """Give what a case *uses*: ``dns`` (known for long), ``new-dns`` (seen today), ``dead-dns``, ``ledger``."""
    resolver = Names(DNS) if {"dns", "new-dns"} & set(uses) else Names() if "dead-dns" in uses else None
    return Lookups(
        now=NOW,
        ledger=ledger if "ledger" in uses else None,
        resolver=resolver,
        records=Memory() if "dns" in uses else None,
    )


FORGED, GENUINE, UNSURE = Verdict.FORGED, Verdict.GENUINE, Verdict.UNSURE


@dataclass(frozen=True)
class Case:
    """One message and what must be said of it.

    Attributes:
        raw: the message.
        verdicts: those that are right; more than one where no program could know.
        why: the reason, for the reader and for the failure message.
        identity: who is protected.
        uses: look-ups at hand, see :func:`lookups`.
        envelope: what is known of the transport.

    """

    raw: bytes
    verdicts: tuple[Verdict, ...]
    why: str
    identity: Identity = OURS
    uses: frozenset[str] = frozenset()
    envelope: Envelope = field(default_factory=Envelope)


def case(raw, verdicts, why, identity=OURS, *, uses="", envelope=None):
    """Write a case in one line; *uses* are words, *verdicts* one or several."""
    verdicts = verdicts if isinstance(verdicts, tuple) else (verdicts,)
    return Case(raw, verdicts, why, identity, frozenset(uses.split()), envelope or Envelope())

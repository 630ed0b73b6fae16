"""Report objects for the tests of single evidence kinds, without going through the parser."""

from __future__ import annotations

from datetime import UTC, datetime

from classifier.evidence.base import DnsAnswer, Lookups
from classifier.parse.headers import HeaderBlock
from classifier.parse.report import Envelope, Original, Report, ReportedRecipient, TraceHop
from classifier.vocabulary import Completeness, RefusalStage, ReportKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOKUPS = Lookups(now=NOW)


def hop(helo=None, name=None, address=None, by=None, *, protocol="ESMTP", for_=None, when=None, note=""):
    """One Received field as a parser would give it; *note* stands at the end of its raw text."""
    raw = f"from {helo or ''} ({name or 'unknown'} [{address or ''}]) by {by or ''} with {protocol} {note}"
    return TraceHop(raw, helo, name, address, by, protocol, "4bQ1", for_, when)


FROM_ITS_WRITER = (hop("mx.remote.test", "mx.remote.test", "203.0.113.5", "mx.example.org"),)
NO_ENVELOPE = Envelope()


def make(
    trace=(),
    *,
    headers=b"From: anna@example.org\nTo: x@remote.test\nSubject: The minutes\n",
    own=b"From: MAILER-DAEMON@mx.remote.test\nTo: anna@example.org\nReturn-Path: <>\n",
    reporter="mx.remote.test",
    report_trace=FROM_ITS_WRITER,
    kind=ReportKind.DSN,
    failed="x@remote.test",
    stage=RefusalStage.UNKNOWN,
    remote=None,
    status=None,
    completeness=Completeness.HEADERS,
    arrival=None,
    envelope=NO_ENVELOPE,
    body=None,
):
    """A report about a message from anna@example.org, with the parts that a test varies."""
    recipients = (ReportedRecipient(failed, status=status, remote_mta=remote, stage=stage),) if failed else ()
    original = Original(completeness, HeaderBlock(headers), body, trace=tuple(trace))
    return Report(
        kind,
        "rfc3464",
        HeaderBlock(own),
        envelope,
        reporting_mta=reporter,
        arrival_date=arrival,
        recipients=recipients,
        original=original,
        trace=tuple(report_trace),
    )


def told(evidence):
    """Reduce evidence to (finding, points_to, strength) for comparison."""
    return [(e.finding, str(e.points_to), str(e.strength)) for e in evidence]


class KnownNames:
    """A resolver that answers from a table and says of all else that nobody answered."""

    def __init__(self, **addresses):
        self.table = {(name.replace("_", "."), "A"): (address,) for name, address in addresses.items()}

    def query(self, name, record_type):
        found = self.table.get((name, record_type))
        return DnsAnswer(found) if found else DnsAnswer(available=False, note="time-out")


class NoNames:
    """A resolver that says of every name that it does not exist."""

    def query(self, name, record_type):
        return DnsAnswer(exists=False)


class Written:
    """A ledger that knows only whom we wrote to."""

    def __init__(self, *addresses):
        self.addresses = addresses

    def find(self, message_id):
        return None

    def find_envelope_id(self, envelope_id):
        return None

    def find_nameless(self, address):
        return None

    def wrote_to(self, address):
        return address in self.addresses

    def covered_until(self):
        return NOW

    def covered_since(self):
        return None

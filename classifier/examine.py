"""One message through all layers: parse, evidence, verdict."""

from __future__ import annotations

from classifier.dataclass import dataclass
from classifier.evidence.table import gather
from classifier.identity import Identity
from classifier.judge import Judgement, Policy, concerns, judge
from classifier.parse.message import parse
from classifier.parse.report import Envelope, Report
from classifier.vocabulary import NOT_REPORTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.base import Evidence, Lookups


@dataclass(frozen=True)
class Examination:
    """What was found about one message."""

    report: Report
    evidence: tuple[Evidence, ...]
    judgement: Judgement


def inferred_identity(report: Report) -> Identity:
    """Protect the domain that the report was addressed to, where nothing is configured."""
    return Identity(domains=report.addressed_domains[:1], inferred=True)


def examine(
    raw: bytes,
    lookups: Lookups,
    identity: Identity | None = None,
    policy: Policy | None = None,
    envelope: Envelope | None = None,
) -> Examination:
    """Judge the message *raw*. Never raises on content.

    Args:
        raw: the whole message.
        lookups: clock, ledger, DNS and memory.
        identity: who is protected; None: the domain that the report came to.
        policy: what the user wants; None: the defaults.
        envelope: what is known of the message's transport.

    """
    return examine_report(parse(raw, envelope or Envelope()), lookups, identity, policy)


def examine_report(
    report: Report,
    lookups: Lookups,
    identity: Identity | None = None,
    policy: Policy | None = None,
) -> Examination:
    """Judge a message that was taken apart already, for the first time or anew; see :func:`examine`."""
    if identity is None:
        identity = inferred_identity(report)
    evidence: tuple[Evidence, ...] = ()
    if report.kind not in NOT_REPORTS and concerns(report, identity):
        evidence = gather(report, identity, lookups)
    return Examination(report, evidence, judge(report, identity, evidence, policy or Policy()))

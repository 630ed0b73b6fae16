"""One message through all layers: parse, evidence, verdict."""

from __future__ import annotations

from functools import cache, lru_cache

from classifier.dataclass import dataclass
from classifier.evidence.table import gather
from classifier.identity import Identity
from classifier.judge import Judgement, Policy, concerns, judge
from classifier.parse.message import parse
from classifier.parse.report import Envelope, Report
from classifier.vocabulary import NOT_REPORTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from classifier.evidence.base import Evidence, Lookups
    from classifier.model.artifact import Model
    from classifier.model.score import Opinion


@dataclass(frozen=True)
class Examination:
    """What was found about one message.

    Attributes:
        report: the message, taken apart.
        evidence: all of it, in the order of its kinds.
        judgement: the verdict.
        opinion: what the model added; None where none was asked, or nothing came back for it.

    """

    report: Report
    evidence: tuple[Evidence, ...]
    judgement: Judgement
    opinion: Opinion | None = None


def inferred_identity(report: Report) -> Identity:
    """Protect the domain that the report was addressed to, where nothing is configured.

    A name without a dot is a local one, behind an alias, that nobody outside knows.
    """
    domains = report.addressed_domains
    for domain in domains:
        if "." in domain:
            return _identity(domain)
    return _identity(domains[0] if domains else "")


@lru_cache(maxsize=256)
def _identity(domain: str) -> Identity:
    return Identity(domains=(domain,) if domain else (), inferred=True)


def examine(
    raw: bytes,
    lookups: Lookups,
    identity: Identity | None = None,
    policy: Policy | None = None,
    envelope: Envelope | None = None,
    *,
    model: Model | None = None,
) -> Examination:
    """Judge the message *raw*. Never raises on content.

    Args:
        raw: the whole message.
        lookups: clock, ledger, DNS and memory.
        identity: who is protected; None: the domain that the report came to.
        policy: what the user wants; None: the defaults.
        envelope: what is known of the message's transport.
        model: decides what the evidence leaves open; None: the evidence alone.

    """
    return examine_report(parse(raw, envelope or Envelope()), lookups, identity, policy, model)


def examine_report(
    report: Report,
    lookups: Lookups,
    identity: Identity | None = None,
    policy: Policy | None = None,
    model: Model | None = None,
) -> Examination:
    """Judge a message that was taken apart already, for the first time or anew; see :func:`examine`."""
    if identity is None:
        identity = inferred_identity(report)
    evidence: tuple[Evidence, ...] = ()
    opinion: Opinion | None = None
    if report.kind not in NOT_REPORTS and concerns(report, identity):
        evidence = gather(report, identity, lookups)
        if model is not None:
            opinion = asked(model, report, identity, evidence)
    return Examination(
        report, evidence, judge(report, identity, evidence, policy or Policy(), opinion), opinion
    )


def asked(model: Model, report: Report, identity: Identity, evidence: tuple[Evidence, ...]) -> Opinion | None:
    """Ask the model; one that fails on a hostile message costs its opinion alone."""
    try:
        return _opinion()(model, report, identity, evidence)
    except Exception:  # noqa: BLE001 - the evidence decides
        return None


@cache
def _opinion() -> Callable[[Model, Report, Identity, Iterable[Evidence]], Opinion | None]:
    """Return what asks a model; looking that up anew takes as long as a good deal of the asking."""
    from classifier.model.score import opinion  # noqa: PLC0415 - with a model only

    return opinion

"""What evidence weighs, in one readable table: log-odds of "forged"."""

from __future__ import annotations

from classifier.vocabulary import PointsTo, Strength

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.evidence.base import Evidence

#: What one piece of evidence adds to the log-odds of "forged", by strength.
WEIGHTS: dict[Strength, float] = {Strength.STRONG: 5.0, Strength.WEAK: 0.8}
#: Exceptions to it, by (kind, finding).
FINDING_WEIGHTS: dict[tuple[str, str], float] = {
    # A report made up from nothing could name our relay; one that came from where it says could not.
    ("path", "relay-unvouched"): 3.0,
    ("path", "own-host"): 3.0,
    ("path", "relay-presumed"): 1.5,
    # Claims that an observation contradicts; a named host may be a forwarder that leaves no hop.
    ("path", "look-alike"): 3.0,
    ("path", "look-alike-doubtful"): 4.2,
    ("path", "helo"): 3.0,
    ("path", "helo-doubtful"): 4.2,
    ("path", "helo-domain"): 1.2,
    # Our own people write in from outside too, through providers and from web forms.
    ("path", "taken-in-numbered"): 1.5,
    ("path", "taken-in-unsought"): 1.5,
    ("path", "taken-in-named"): 1.0,
    ("path", "forwarded-inbound-numbered"): 1.5,
    ("path", "forwarded-inbound-unsought"): 1.5,
    ("path", "forwarded-inbound-named"): 1.0,
    ("path", "dial-up"): 1.2,
    ("path", "numbered"): 0.5,
    ("path", "elsewhere-presumed"): 0.4,
    # Headers of ours that reached somebody else: a replay, or a Bcc, a list, a forward.
    ("dkim", "valid-replayed"): 3.0,
    ("dkim", "valid-unbound"): 3.0,
    # Others send through the same hosts; or the report may be made up.
    ("spf", "pass-shared"): 1.6,
    ("spf", "pass-unvouched"): 2.0,
    ("spf", "fail-unconfirmed"): 2.0,
    ("spf", "fail-maybe-forwarded"): 1.2,
    ("authres", "dkim-pass-unvouched"): 2.0,
    ("reporter", "listed"): 0.5,
    ("reporter", "not-authentic"): 0.5,
    ("address", "never-sends"): 6.0,
    ("address", "unknown-return-path"): 3.0,
    ("message-id", "private"): 0.4,
    ("habits", "very-unlike"): 1.5,
    ("habits", "very-like"): 1.5,
    # We do write to whom it comes from, and something on the way may have given our mail a new identifier.
    ("ledger", "reply-miss"): 3.0,
    ("company", "forged-run"): 4.0,
    ("company", "scattered"): 6.0,
    ("company", "scattered-run"): 4.0,
    ("company", "strangers"): 1.5,
}
#: What proof is worth when a probability has to be named for it.
PROOF_LOG_ODDS = 9.2
#: Named once: Python 3.11 takes five times as long to find an enumeration's member.
_NEITHER, _FORGED, _PROOF = PointsTo.NEITHER, PointsTo.FORGED, Strength.PROOF


def weight(evidence: Evidence) -> float:
    """Return what *evidence* adds to the log-odds of forged; below zero for genuine."""
    if evidence.points_to is _NEITHER:
        return 0.0
    size = FINDING_WEIGHTS.get((evidence.name, evidence.finding))
    if size is None:
        size = PROOF_LOG_ODDS if evidence.strength is _PROOF else WEIGHTS[evidence.strength]
    return size if evidence.points_to is _FORGED else -size

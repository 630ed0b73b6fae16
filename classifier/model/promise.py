"""The promise: a threshold above which at most a given share of genuine reports lies.

The k-th highest of n scores of genuine reports that no fit has seen is, with
probability 1 - P(Binomial(n, loss) < k), exceeded by at most that share of
reports like them (Neyman-Pearson order statistic: Tong, Feng and Li 2018).
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from classifier.model.artifact import Model, Promise

#: With this confidence.
CONFIDENCE = 0.95
#: Mail elsewhere is not like the mail that was measured: by so much, in log-odds, a report must lie above the
#: score that the order statistic names; odds of forged twelve times as high. Genuine mail of the laboratory's
#: forgotten machines, about which DNS says softfail, lies two above it.
DISTANCE = 2.5


def needed(loss: float, confidence: float = CONFIDENCE) -> int:
    """Return how many genuine reports it takes to promise *loss* at all: (1 - loss) ** n <= 1 - confidence."""
    return math.ceil(math.log(1 - confidence) / math.log1p(-loss)) if loss < 1 else 1


def threshold(promise: Promise, loss: float) -> float | None:
    """Return the log-odds from which a report is called forged: the promise's, and a distance; None: too few to say."""
    found = order_statistic(promise, loss)
    return None if found is None else found + DISTANCE


def order_statistic(promise: Promise, loss: float, confidence: float = CONFIDENCE) -> float | None:
    """Return the log-odds above which at most the share *loss* of genuine reports lies; None: too few to say."""
    n = promise.genuine
    if loss <= 0 or n < needed(loss, confidence) or not promise.highest:
        return None
    rank = _rank(n, loss, confidence)
    return promise.highest[min(rank, len(promise.highest)) - 1]


def _rank(n: int, loss: float, confidence: float) -> int:
    """Return the greatest k such that the k-th highest of *n* is exceeded by *loss* at most; 0: none is."""
    log_term = n * math.log1p(-loss)
    below = 0.0
    for k in range(n):
        below += math.exp(log_term)
        if below > 1 - confidence:
            return k
        log_term += math.log((n - k) / (k + 1)) + math.log(loss) - math.log1p(-loss)
    return n


def promise_for(model: Model, loss: float, *, configured: bool) -> Promise:
    """Return the promise that counts: of any report, or of those about *configured* identities where it asks less.

    Each is true of the reports that it speaks of; few reports ask for more than many.
    """
    return _lesser(model.promise, model.promise_configured, loss, configured=configured)


def _lesser(of_any: Promise, of_configured: Promise, loss: float, *, configured: bool) -> Promise:
    any_asks, configured_asks = order_statistic(of_any, loss), order_statistic(of_configured, loss)
    if not configured or configured_asks is None or (any_asks is not None and any_asks <= configured_asks):
        return of_any
    return of_configured


def probability_threshold(model: Model, loss: float, otherwise: float, *, configured: bool) -> float:
    """Return the probability from which a report is called forged by *model*.

    Its own promise says it; where that cannot be made, what the default model's rested on;
    where nothing can be promised, it is *otherwise*, or what the highest known score of a
    genuine report asks for, whichever is more.
    """
    own = promise_for(model, loss, configured=configured)
    shipped = _lesser(model.shipped, model.shipped_configured, loss, configured=configured)
    for promise in (own, shipped):
        log_odds = threshold(promise, loss)
        if log_odds is not None:
            return _probability(log_odds)
    return max([otherwise, *[_probability(p.highest[0] + DISTANCE) for p in (own, shipped) if p.highest]])


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds))))

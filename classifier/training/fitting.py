"""Fit a model: scikit-learn lives here, and in nothing that judges.

The words' score is a logistic regression over hashed n-grams; everything else,
that score among it, goes into boosted trees of one split each, which add up to
one step function a feature (a generalised additive model) and keep to the
declared signs. A logistic regression on held-out scores calibrates their sum
(Platt 2000). Classes weigh the same: the prior is one half.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from classifier.judge import combine
from classifier.model.artifact import NO_PROMISE, Curve, Model, Promise
from classifier.model.features import FEATURES, WORDS
from classifier.model.score import words_score
from classifier.model.words import BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.training.examples import Examples, Rows

#: How many of the highest scores of genuine reports a model keeps: the promise is read off them.
KEPT_SCORES = 400
#: Parts of a cross-validation.
FOLDS = 5
#: Each example is disturbed so many times, as long as no more rows than this come of it.
_DRAWS, _MAX_ROWS = 4, 80_000
#: Log-odds from which a kind's evidence counts as more than weak.
_STRONG = 2.5


@dataclass(frozen=True)
class Settings:
    """What is chosen by cross-validation.

    Attributes:
        rounds: splits, each of one feature.
        rate: how much of each counts.
        words_strength: inverse of the words' regularisation.
        least_leaf: examples on either side of a split, at least.
        share: of the features that each split may choose among.

    """

    rounds: int = 300
    rate: float = 0.1
    words_strength: float = 0.02
    least_leaf: int = 30
    share: float = 0.15


#: Tried in this order; the first of equals is taken.
GRID = (Settings(), Settings(rounds=600))


@dataclass
class Pipeline:
    """The fitted parts as scikit-learn has them; what :func:`export` writes as plain data.

    Attributes:
        words: the words' regression.
        trees: the additive trees.
        leaning: (features,), how much each feature's absence would count for forged; it is taken off again.
        scale: of the calibration.
        shift: of the calibration.

    """

    words: LogisticRegression
    trees: HistGradientBoostingClassifier
    leaning: NDArray[np.float64]
    scale: float = 1.0
    shift: float = 0.0
    settings: Settings = field(default_factory=Settings)

    def log_odds(self, examples: Examples) -> NDArray[np.float64]:
        """Return the log-odds of forged, calibrated."""
        return self.scale * self.raw(examples) + self.shift

    def raw(self, examples: Examples) -> NDArray[np.float64]:
        """Return the log-odds before calibration: scikit-learn's own, less what is missing would add."""
        values = examples.values.copy()
        values[:, WORDS] = _words_column(self.words, examples)
        found: NDArray[np.float64] = self.trees.decision_function(values)
        return found - np.isnan(values) @ self.leaning


def word_matrix(buckets: Rows) -> sparse.csr_matrix:
    """Return one row a report: each of its buckets at one over the root of their number."""
    lengths = buckets.lengths
    data = np.repeat(1.0 / np.sqrt(np.maximum(lengths, 1)), lengths)
    return sparse.csr_matrix(
        (data, buckets.numbers.astype(np.int32), buckets.starts), shape=(len(buckets), BUCKETS)
    )


def class_weights(
    labels: NDArray[np.int8], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return *weights* (default: all alike) scaled so that both classes weigh the same, one on average."""
    given = np.ones(len(labels)) if weights is None else weights
    balanced = given.copy()
    for label in (0, 1):
        here = labels == label
        if here.any():
            balanced[here] *= 0.5 * len(labels) / given[here].sum()
    return balanced


def _words_column(words: LogisticRegression, examples: Examples) -> NDArray[np.float64]:
    scores = words.decision_function(word_matrix(examples.buckets))
    return np.where(examples.buckets.lengths == 0, 0.0, scores)


def fit(examples: Examples, settings: Settings, seed: int = 0) -> Pipeline:
    """Fit on all *examples*, without calibration; in one thread, so that the same input gives the same bytes."""
    with threadpool_limits(limits=1):
        return _fitted(examples, settings, seed)


def _fitted(examples: Examples, settings: Settings, seed: int) -> Pipeline:
    weights = class_weights(examples.labels, examples.weights)
    matrix = word_matrix(examples.buckets)

    def regression() -> LogisticRegression:
        return LogisticRegression(C=settings.words_strength, max_iter=300)

    # The trees see words' scores of reports that the words' weights were not fitted on.
    column = np.zeros(len(examples))
    for kept, left in GroupKFold(FOLDS).split(matrix, groups=examples.groups):
        part = regression().fit(matrix[kept], examples.labels[kept], weights[kept])
        column[left] = part.decision_function(matrix[left])
    column[examples.buckets.lengths == 0] = 0.0
    values = examples.values.copy()
    values[:, WORDS] = column
    # Several disturbances, so that no single draw of them shows in the curves.
    draws = max(1, min(_DRAWS, _MAX_ROWS // max(1, len(values))))
    values = np.vstack([disturbed(values, seed + draw) for draw in range(draws)])
    # scikit-learn cannot bin a column of which nothing is known; a constant is never split.
    values[:, np.isnan(values).all(axis=0)] = 0.0
    trees = HistGradientBoostingClassifier(
        max_leaf_nodes=2,
        max_iter=settings.rounds,
        learning_rate=settings.rate,
        min_samples_leaf=settings.least_leaf * draws,
        l2_regularization=5.0,
        max_bins=64,
        # Each split chooses among a part of the features: what says the same shares the weight, so
        # that mail which lacks one sign is still told by the others.
        max_features=settings.share,
        monotonic_cst=[feature.sign for feature in FEATURES],
        early_stopping=False,
        random_state=seed,
    ).fit(values, np.tile(examples.labels, draws), sample_weight=np.tile(weights / draws, draws))
    words = regression().fit(matrix, examples.labels, weights)
    return Pipeline(words, trees, _leaning(_curves(trees)), settings=settings)


def disturbed(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Exchange each feature's values among some of the rows, as often as its declared noise says.

    No feature is trusted further than mail of another time, another program or
    another generator would bear out.
    """
    chance = np.random.default_rng(seed)
    found = values.copy()
    for column, feature in enumerate(FEATURES):
        chosen = chance.random(len(values)) < feature.noise
        if feature.name.startswith("evidence."):
            chosen &= np.abs(values[:, column]) < _STRONG
        rows = np.flatnonzero(chosen)
        found[rows, column] = values[chance.permutation(rows), column]
    return found


def calibrate_on(pipeline: Pipeline, raw: NDArray[np.float64], examples: Examples) -> Pipeline:
    """Return *pipeline* calibrated by *raw* scores that models like it gave to examples they had not seen."""
    weights = class_weights(examples.labels, examples.weights)
    platt = LogisticRegression(C=1e4).fit(raw.reshape(-1, 1), examples.labels, weights)
    scale = float(platt.coef_[0, 0])
    if not scale > 0:
        return pipeline
    return replace(pipeline, scale=scale, shift=float(platt.intercept_[0]))


def log_loss(log_odds: NDArray[np.float64], labels: NDArray[np.int8]) -> float:
    """Return the mean log loss at a prior of one half."""
    signed = np.where(labels == 1, log_odds, -log_odds)
    return float(np.average(np.logaddexp(0, -signed), weights=class_weights(labels)))


def export(
    pipeline: Pipeline, name: str, promise: Promise, card: dict[str, Any], configured: Promise = NO_PROMISE
) -> Model:
    """Write the fitted parts as plain numbers; *configured* is the promise of configured identities alone."""
    curves = tuple(
        replace(curve, missing=curve.missing - float(leaning))
        for curve, leaning in zip(_curves(pipeline.trees), pipeline.leaning, strict=True)
    )
    model = Model(
        name=name,
        intercept=float(pipeline.trees._baseline_prediction.ravel()[0]),  # noqa: SLF001 - it has no public name
        curves=curves,
        words=tuple(float(w) for w in pipeline.words.coef_[0]),
        words_intercept=float(pipeline.words.intercept_[0]),
        scale=pipeline.scale,
        shift=pipeline.shift,
        promise=promise,
        promise_configured=configured,
        card=card,
    )
    assert len(curves) == len(FEATURES)
    return model


def _curves(trees: HistGradientBoostingClassifier) -> tuple[Curve, ...]:
    """Add the trees of one split up to one step function a feature."""
    splits: list[list[tuple[float, float, float, bool]]] = [[] for _ in FEATURES]
    constant = 0.0
    for (tree,) in trees._predictors:  # noqa: SLF001 - scikit-learn shows its trees nowhere else
        nodes = tree.nodes
        root = nodes[0]
        if root["is_leaf"]:
            constant += float(root["value"])
            continue
        left, right = float(nodes[root["left"]]["value"]), float(nodes[root["right"]]["value"])
        splits[root["feature_idx"]].append(
            (float(root["num_threshold"]), left, right, bool(root["missing_go_to_left"]))
        )
    curves = []
    for index, found in enumerate(splits):
        # An infinite threshold parts what is missing from what is there.
        thresholds = tuple(sorted({t for t, *_ in found if math.isfinite(t)}))
        # A value lies at or below the threshold of its step; the last step lies above all.
        values = [
            math.fsum(left if step <= t else right for t, left, right, _ in found)
            for step in (*thresholds, math.inf)
        ]
        missing = math.fsum(left if to_left else right for _, left, right, to_left in found)
        offset = constant if index == 0 else 0.0
        curves.append(Curve(thresholds, tuple(v + offset for v in values), missing + offset))
    return tuple(curves)


def _leaning(curves: tuple[Curve, ...]) -> NDArray[np.float64]:
    """Return how much more each missing fact counts for forged than its plain absence: what is unknown is no sign.

    Evidence that is missing has a value of its own already.
    """
    return np.array(
        [
            0.0
            if feature.name.startswith("evidence.")
            else max(0.0, curve.missing - curve.values[bisect_left(curve.thresholds, 0.0)])
            for feature, curve in zip(FEATURES, curves, strict=True)
        ]
    )


def centred(model: Model, examples: Examples) -> Model:
    """Return *model* with each curve's mean over *examples* moved into the intercept: what is told is a difference."""
    intercept, curves = model.intercept, []
    weights = class_weights(examples.labels)
    columns = examples.values.copy()
    columns[:, WORDS] = [words_score(model, row) for row in examples.buckets]
    for curve, column in zip(model.curves, columns.T, strict=True):
        steps = np.searchsorted(np.array(curve.thresholds), column, side="left")
        values = np.where(
            np.isnan(column), curve.missing, np.array(curve.values)[np.minimum(steps, len(curve.thresholds))]
        )
        mean = float(np.average(values, weights=weights))
        intercept += mean
        curves.append(Curve(curve.thresholds, tuple(v - mean for v in curve.values), curve.missing - mean))
    return replace(model, intercept=intercept, curves=tuple(curves))


def blended(first: Model, second: Model, share: float) -> Model:
    """Return *second* with a *share* of itself and the rest of *first*: sums of step functions add up to such a sum.

    Of the words' scores the mean is taken before its step function, which comes close to the same.
    """
    rest = 1 - share

    def mean(one: float, other: float) -> float:
        return rest * one + share * other

    def step(curve: Curve, value: float) -> float:
        return curve.values[bisect_left(curve.thresholds, value)]

    curves = []
    for one, other in zip(first.curves, second.curves, strict=True):
        thresholds = tuple(sorted({*one.thresholds, *other.thresholds}))
        values = [
            mean(first.scale * step(one, at), second.scale * step(other, at))
            for at in (*thresholds, math.inf)
        ]
        missing = mean(first.scale * one.missing, second.scale * other.missing)
        curves.append(Curve(thresholds, tuple(values), missing))
    return replace(
        second,
        curves=tuple(curves),
        intercept=mean(
            first.scale * first.intercept + first.shift, second.scale * second.intercept + second.shift
        ),
        words=tuple(map(mean, first.words, second.words)),
        words_intercept=mean(first.words_intercept, second.words_intercept),
        scale=1.0,
        shift=0.0,
    )


def final(log_odds: NDArray[np.float64], examples: Examples) -> NDArray[np.float64]:
    """Return the log-odds that the judge compares with its thresholds: the model's, held by strong evidence."""
    pairs = zip(examples.weighed, log_odds, strict=True)
    return np.array([combine(weighed, float(score)) for weighed, score in pairs], dtype=np.float64)


def promise_of(log_odds: NDArray[np.float64], held: Examples) -> Promise:
    """Return what genuine reports outside the fit show: the highest score of each group of near-identical ones."""
    highest: dict[int, float] = {}
    for score, label, twin in zip(log_odds, held.labels, held.twins, strict=True):
        if label == 0:
            highest[twin] = max(score, highest.get(twin, -math.inf))
    ranked = sorted(highest.values(), reverse=True)
    return Promise(len(ranked), tuple(float(s) for s in ranked[:KEPT_SCORES]))

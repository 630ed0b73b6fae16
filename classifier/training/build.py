"""``python -m classifier.training.build``: make the default model.

    python -m classifier.training.build --originals FOLDER [--out models/default.json]

FOLDER holds real mail with its headers, one message a file, in ``ham/`` and
``spam/``: words for generated reports, and header sections that generated
reports return as they are. The same input makes the same bytes. What went in,
and what came out, stands in the model's card.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from classifier.judge import FORGED_FROM
from classifier.model.artifact import from_bytes, to_bytes
from classifier.model.promise import order_statistic, threshold
from classifier.present.figures import Share
from classifier.present.ranking import area_under_roc, calibration_error
from classifier.settings import MAX_GENUINE_LOSS
from classifier.training import fitting
from classifier.training.background import background, real_background
from classifier.training.examples import Examples, together
from classifier.training.folds import cross_validate
from classifier.training.retrain import measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.artifact import Promise

#: Reports generated to fit on.
REPORTS = 20_000
#: So many times as many others, of other domains, to measure on and to promise by: the more there are, the
#: less a single odd one of them decides, and the nearer the threshold lies to what was promised.
_HELD = 5
#: One format in so many is left out of a fit of its own, to measure how well unseen formats are judged.
_LEFT_OUT = 4


@click.command()
@click.option("--originals", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--leave-out", multiple=True, metavar="NAME", help="A folder below it that is not to be read.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("models/default.json"))
@click.option("--reports", default=REPORTS, show_default=True, help="Generated reports to fit on.")
@click.option("--name", default="default-2026.11", show_default=True)
def main(originals: Path, leave_out: tuple[str, ...], out: Path, reports: int, name: str) -> None:
    """Generate, fit, measure and write the default model."""
    click.echo("generating and measuring reports")
    generated = background(reports, "default/fit", originals=originals, leave_out=leave_out)
    held = background(int(reports * _HELD), "default/held", originals=originals, leave_out=leave_out)
    real, real_held = real_background(originals, "default", leave_out=leave_out)
    learnt, unseen = together(generated, real), together(held, real_held)
    click.echo(f"fitting on {len(learnt):,}, measuring on {len(unseen):,}")
    settings, raw = _chosen(learnt)
    pipeline = fitting.calibrate_on(fitting.fit(learnt, settings), raw, learnt)
    scores = fitting.final(pipeline.log_odds(unseen), unseen)
    limits, promise, configured = _limits(scores, unseen)
    card = {
        "fitted_on": _counts(generated, real),
        "measured_on": _counts(held, real_held),
        "material": "words and header sections of the SpamAssassin public corpus (ham, spam); everything else is generated",
        "settings": vars(settings),
        "figures": figures(scores, unseen, limits),
        "figures_unseen_formats": _unseen_formats(learnt, unseen, settings),
    }
    model = fitting.centred(fitting.export(pipeline, name, promise, card, configured), learnt)
    data = to_bytes(model)
    from_bytes(data, str(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    click.echo(json.dumps(card, indent=1))


def _chosen(learnt: Examples) -> tuple[fitting.Settings, NDArray[np.float64]]:
    """Return the settings with the least cross-validated log loss, and the scores by them."""
    best: tuple[float, fitting.Settings, NDArray[np.float64]] | None = None
    for settings in fitting.GRID:
        raw = cross_validate(learnt, settings)
        pipeline = fitting.calibrate_on(fitting.fit(learnt, settings), raw, learnt)
        loss = fitting.log_loss(pipeline.scale * raw + pipeline.shift, learnt.labels)
        click.echo(f"  {settings}: log loss {loss:.4f}")
        if best is None or loss < best[0] - 1e-4:
            best = (loss, settings, raw)
    assert best is not None
    return best[1], best[2]


def _counts(generated: Examples, real: Examples) -> dict[str, int]:
    return {
        "generated_genuine": int((generated.labels == 0).sum()),
        "generated_forged": int(generated.labels.sum()),
        "real_headers_genuine": int((real.labels == 0).sum()),
        "real_headers_forged": int(real.labels.sum()),
    }


def _limits(scores: NDArray[np.float64], held: Examples) -> tuple[NDArray[np.float64], Promise, Promise]:
    """Return each example's threshold, and what the thresholds rest on: all, and configured identities alone."""
    configured = _configured(held)
    promises = (
        fitting.promise_of(scores, held),
        fitting.promise_of(scores[configured], held.take(np.flatnonzero(configured))),
    )
    of_any = _limit(promises[0])
    of_configured = min(
        _limit(p) for p in promises if p is promises[0] or order_statistic(p, MAX_GENUINE_LOSS) is not None
    )
    unopposed = np.array([weighed.unopposed for weighed in held.weighed])
    limits = np.where(configured, of_configured, of_any)
    return np.where(unopposed & configured, _log_odds(FORGED_FROM), limits), *promises


def _limit(promise: Promise) -> float:
    found = threshold(promise, MAX_GENUINE_LOSS)
    return _log_odds(FORGED_FROM) if found is None else found


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _configured(examples: Examples) -> NDArray[np.bool_]:
    return np.array([note[2] == "configured" for note in examples.notes])


def figures(scores: NDArray[np.float64], examples: Examples, limits: NDArray[np.float64]) -> dict[str, Any]:
    """Return what these scores come to, for all and for parts: configured or not, words against the label."""
    noted = np.array([[*note, "", "", "", "", ""][:5] for note in examples.notes], dtype=object)
    forged = examples.labels == 1
    contrary = (noted[:, 3] == "spam") != forged
    parts = {
        "all": np.ones(len(examples), dtype=bool),
        "configured": noted[:, 2] == "configured",
        "configured, and something declared complete": noted[:, 4] == "declared",
        "not configured": noted[:, 2] == "not configured",
        "words against the label": contrary & (noted[:, 3] != ""),
        "real header sections": noted[:, 1] == "real",
    }
    thresholds = {
        name: round(float(limits[parts[name]].max()), 4) for name in ("configured", "not configured")
    }
    return {"threshold_log_odds": thresholds} | {
        name: _figures(scores[chosen], examples.take(np.flatnonzero(chosen)), limits[chosen])
        for name, chosen in parts.items()
        if chosen.any()
    }


def _figures(scores: NDArray[np.float64], examples: Examples, limits: NDArray[np.float64]) -> dict[str, Any]:
    found = measured(scores, examples, limits)
    probabilities = 1 / (1 + np.exp(-scores))
    genuine, forged = (probabilities[examples.labels == label].tolist() for label in (0, 1))
    roc, calibration = area_under_roc(genuine, forged), calibration_error(genuine, forged)
    return {
        "forged_quarantined": str(Share(found.forged_moved, found.forged)),
        "genuine_quarantined": str(Share(found.genuine_moved, found.genuine)),
        "area_under_roc": None if roc is None else round(roc, 5),
        "calibration_error": None if calibration is None else round(calibration, 4),
    }


def _unseen_formats(learnt: Examples, unseen: Examples, settings: fitting.Settings) -> dict[str, Any]:
    """Fit and promise without some of the formats, and measure on those alone, of other domains."""
    left_out = set(sorted({note[0] for note in learnt.notes})[::_LEFT_OUT])
    without = learnt.take(np.flatnonzero([note[0] not in left_out for note in learnt.notes]))
    pipeline = fitting.calibrate_on(
        fitting.fit(without, settings), cross_validate(without, settings), without
    )
    is_only = np.array([note[0] in left_out for note in unseen.notes])
    only, others = unseen.take(np.flatnonzero(is_only)), unseen.take(np.flatnonzero(~is_only))
    seen, _, _ = _limits(fitting.final(pipeline.log_odds(others), others), others)
    scores = fitting.final(pipeline.log_odds(only), only)
    there, here = _configured(others), _configured(only)
    limits = np.where(here, seen[there][0], seen[~there][0])
    return {"formats": len(left_out)} | figures(scores, only, limits)


if __name__ == "__main__":
    main()

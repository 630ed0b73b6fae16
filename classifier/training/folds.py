"""Cross-validation over processes: what models that saw nothing of a group say of it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import GroupKFold

from classifier.errors import TemporaryError
from classifier.parallel import Lost, in_order
from classifier.training.examples import Examples, Rows
from classifier.training.fitting import FOLDS, Settings, fit
from classifier.workers import processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

#: What a fit looks at, as files that all processes map into their memory, once for all of them.
_ARRAYS = ("values", "labels", "groups", "weights")


def cross_validate(
    examples: Examples, settings: Settings, seed: int = 0, *, jobs: int | None = None
) -> NDArray[np.float64]:
    """Return for each example the raw log-odds of a model that saw nothing of its group.

    Args:
        examples: what there is.
        settings: of the fits.
        seed: the same makes the same.
        jobs: processes; None for one a processor.

    Raises:
        TemporaryError: a process died, most likely for want of memory.

    """
    found = np.zeros(len(examples))
    with TemporaryDirectory() as folder:
        _store(examples, Path(folder))
        work = _Fold(folder, settings, seed)
        with closing(
            in_order(work, range(FOLDS), jobs=jobs or processes(), chunk_items=1, writes=False)
        ) as results:
            for _, scored in results:
                if isinstance(scored, Lost):
                    raise TemporaryError(
                        "a process that fitted the model died", remedy="free memory, or give -j 1"
                    )
                left, scores = scored
                found[left] = scores
    return found


@dataclass(frozen=True)
class _Fold:
    """The work on one fold; pickled for other processes.

    Attributes:
        folder: where the examples lie.
        settings: of the fit.
        seed: likewise.

    """

    folder: str
    settings: Settings
    seed: int

    @contextmanager
    def open(self) -> Iterator[Callable[[int], tuple[NDArray[np.int64], NDArray[np.float64]]]]:
        """Map the examples, and give the function for a fold's number: which are left out, and their scores."""
        examples = _stored(Path(self.folder))
        splits = list(GroupKFold(FOLDS).split(examples.values, groups=examples.groups))

        def one(number: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
            kept, left = splits[number]
            fitted = fit(examples.take(kept), self.settings, self.seed)
            return left, fitted.raw(examples.take(left))

        yield one


def _store(examples: Examples, folder: Path) -> None:
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(examples, name))
    np.save(folder / "numbers.npy", examples.buckets.numbers)
    np.save(folder / "starts.npy", examples.buckets.starts)


def _stored(folder: Path) -> Examples:
    """Return stored examples without what no fit asks for."""

    def mapped(name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return array

    arrays = {name: mapped(name) for name in _ARRAYS}
    return Examples(
        buckets=Rows(mapped("numbers"), mapped("starts")),
        twins=arrays["groups"],
        weighed=(),
        notes=(),
        **arrays,
    )

"""Generated reports, measured: made in several processes, the same whatever their number."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.corpus.generated import Label
from classifier.corpus.real import returned_reports
from classifier.corpus.worlds import worlds
from classifier.errors import TemporaryError
from classifier.evidence.base import Lookups
from classifier.parallel import Lost, in_order
from classifier.parse.message import parse
from classifier.training.examples import Example, Examples, example, gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from pathlib import Path

    from classifier.corpus.words import Material
    from classifier.identity import Identity

#: Reports made at a time; a chunk is a seed of its own.
_CHUNK = 400


def background(
    reports: int,
    seed: str,
    *,
    originals: Path | None = None,
    leave_out: Container[str] = (),
    jobs: int | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Examples:
    """Generate and measure reports.

    Args:
        reports: about how many; whole chunks are made.
        seed: the same makes the same.
        originals: a folder of real mail to take words from, or None.
        leave_out: folders below it that are not to be read.
        jobs: processes; None for one a processor.
        advance: called now and then, for each report.

    """
    chunks = (f"{seed}/{i}" for i in range(max(1, reports // _CHUNK)))
    found: list[Example] = []
    with closing(
        in_order(_Chunks(originals, leave_out), chunks, jobs=jobs, chunk_items=1, writes=False)
    ) as parts:
        for chunk, part in parts:
            if isinstance(part, Lost):
                raise TemporaryError(f"{chunk}: {part.reason}")
            found += part
            for _ in part:
                advance()
    return gathered(found)


@dataclass(frozen=True)
class _Chunks:
    """Makes and measures the reports of a chunk."""

    originals: Path | None
    leave_out: Container[str]

    @contextmanager
    def open(self) -> Iterator[Callable[[str], list[Example]]]:
        """Read the real words, where there are any."""
        material = None
        if self.originals is not None:
            from classifier.corpus.words import Material  # noqa: PLC0415 - where there is any

            material = Material.read(self.originals, self.leave_out)
        yield lambda seed: list(_measured(seed, material))


def _measured(seed: str, material: Material | None) -> Iterator[Example]:
    for case in worlds(seed, _CHUNK, material=material):
        made = case.generated
        report = parse(made.raw)
        note = (
            made.format,
            made.route,
            "configured" if case.identity is not None else "not configured",
            "spam" if made.spam else "ordinary",
            "declared" if _declares(case.identity) else "",
        )
        found = example(
            report,
            made.label is Label.FORGED,
            case.lookups,
            case.identity,
            group=f"{seed}/{case.domain}",
            note=note,
        )
        if found is not None:
            yield found


def _declares(identity: Identity | None) -> bool:
    """Say whether the owner has told at least one thing that is so without exception."""
    return identity is not None and bool(
        identity.closed_senders
        or identity.relays_complete
        or identity.signs_all
        or identity.ledger_complete_since
    )


def real_background(
    originals: Path, seed: str, *, leave_out: Container[str] = ()
) -> tuple[Examples, Examples]:
    """Wrap real mail with its header sections in generated reports, and measure them.

    Args:
        originals: raw mail, one message a file, in ``ham/`` and ``spam/``.
        seed: the same makes the same.
        leave_out: folders below that are not to be read.

    Returns:
        Those to fit on, and a third that is held out; near-identical ones are on one side.

    """
    found: list[Example] = []
    for made in returned_reports(originals, seed, leave_out=leave_out):
        report = parse(made.raw)
        note = (made.format, "real", "not configured", "spam" if made.spam else "ordinary")
        measured = example(report, made.label is Label.FORGED, Lookups(now=made.received_at), None, note=note)
        if measured is not None:
            found.append(measured)
    examples = gathered(found)
    held = examples.twins % 3 == 0
    return examples.take(np.flatnonzero(~held)), examples.take(np.flatnonzero(held))

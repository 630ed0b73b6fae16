"""Judge the real mail in ../shared/data: what is quarantined of forged and of (presumed) genuine reports.

    python -m tests.benchmarks.real_verdicts [--data FOLDER] [--verbose]

The labelled forged reports are judged with the identity beside them and with no
configuration; those that the protected side's own gateway wrote are given
apart. The reports that people collected as bounces of their own mail are taken
as genuine, with the From domain of the original as protected domain and the
hosts of that domain in the original's trace as its relays; and with no
configuration. Not a word of any message is printed.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import csv
import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.evidence.base import Lookups
from classifier.examine import Examination, examine
from classifier.identity import Identity
from classifier.model.files import in_use
from classifier.parse.addresses import domain_of
from classifier.parse.message import parse
from classifier.runtime import policy_of
from classifier.settings import PolicySettings
from classifier.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.parse.report import Report

LOOKUPS = Lookups(now=datetime(2026, 1, 1, tzinfo=UTC))
LABELLED = "labelled/uwaterloo/forged/"
UNIVERSITY = Identity(domains=("uwaterloo.ca", ".uwaterloo.ca"))


def presumed_identity(report: Report) -> Identity | None:
    """Return the identity of whoever collected *report* as a bounce of his own mail."""
    domain = domain_of(report.original.from_address) or domain_of(report.original.return_path)
    if not domain:
        return None
    ending = "." + domain
    hosts: dict[str, None] = {}
    for hop in report.original.trace:
        for host in (hop.by, hop.client_name, hop.helo):
            name = (host or "").lower().rstrip(".")
            if name == domain or name.endswith(ending):
                hosts.setdefault(name)
    return Identity(domains=(domain,), relays=tuple(hosts))


def rows(data: Path, prefix: str) -> Iterator[dict[str, str]]:
    """Yield the manifest's rows below *prefix*."""
    with (data / "MANIFEST.tsv").open(encoding="utf-8", newline="") as manifest:
        yield from (r for r in csv.DictReader(manifest, delimiter="\t") if r["path"].startswith(prefix))


#: As the program judges with nothing else set.
MODEL = in_use("/nonexistent/store")[0]
POLICY = policy_of(PolicySettings(), MODEL)


def judged_by_all(raw: bytes, identity: Identity | None = None) -> Examination:
    """Judge with the default model and policy."""
    return examine(raw, LOOKUPS, identity, POLICY, model=MODEL)


def show(title: str, judged: list[tuple[str, Examination]], verbose: bool) -> None:
    """Print the verdicts of one set, and by name what was quarantined."""
    verdicts = Counter(e.judgement.verdict for _, e in judged)
    moved = [(name, e) for name, e in judged if e.judgement.action is Action.QUARANTINE]
    print(f"{title}: {len(judged)}, quarantined {len(moved)} ({len(moved) / max(1, len(judged)):.1%}), "
          f"{', '.join(f'{v} {n}' for v, n in sorted(verdicts.items()))}")  # fmt: skip
    if verbose:
        for name, e in judged:
            told = " ".join(f"{x.name}:{x.finding}:{x.points_to[0]}{x.strength[0]}" for x in e.evidence)
            p = e.judgement.probability
            if e.opinion is not None:
                told += " | " + " ".join(f"{n}:{a:+.1f}" for n, _, a in e.opinion.telling(0.3))
            print(f"   {e.judgement.verdict:12} {'-' if p is None else f'{p:.4f}'} {name} {told}")


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("BACKSCATTER_SHARED_DATA", "../shared/data")
    arguments.add_argument("--data", type=Path, default=Path(default))
    arguments.add_argument("--verbose", action="store_true")
    given = arguments.parse_args()
    sets: dict[str, list[tuple[str, Examination]]] = {}

    def note(title: str, name: str, examination: Examination) -> None:
        sets.setdefault(title, []).append((name, examination))

    for row in rows(given.data, LABELLED):
        raw, name = (given.data / row["path"]).read_bytes(), row["path"].rpartition("/")[2]
        which = "own gateway" if "via-uw" in row["label"] and "not-via" not in row["label"] else "certain"
        note(f"labelled, {which}, configured", name, judged_by_all(raw, UNIVERSITY))
        note(f"labelled, {which}, not configured", name, judged_by_all(raw))
    for row in rows(given.data, "reports/"):
        raw, name = (given.data / row["path"]).read_bytes(), row["path"].removeprefix("reports/")
        identity = presumed_identity(parse(raw))
        if identity is not None:
            note("reports/, presumed identity", name, judged_by_all(raw, identity))
        note("reports/, not configured", name, judged_by_all(raw))
    for title, judged in sets.items():
        show(title, judged, given.verbose)


if __name__ == "__main__":
    main()

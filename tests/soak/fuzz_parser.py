"""Fuzz the parser and the trace reader, guided by coverage, with atheris.

    python -m tests.soak.fuzz_parser CORPUS... [-max_total_time=3600] [other options of libFuzzer]

Needs the package atheris, which is no dependency of the project. CORPUS is a
folder of messages to begin with; what is found new is put there. An exception,
a reader that failed and was noted, or a message that takes longer than ten
seconds ends the run; libFuzzer then leaves the message in a file.
"""

from __future__ import annotations

import importlib
import sys

atheris = importlib.import_module("atheris")

with atheris.instrument_imports(include=["classifier.parse"]):
    from classifier.parse import formats  # noqa: F401 - imported late otherwise, and not instrumented
    from classifier.parse import inline as _  # noqa: F401 - likewise
    from classifier.parse.message import parse
    from classifier.parse.trace import read_hop
    from classifier.parse.triage import may_be_report


def one(data: bytes) -> None:
    """Hold what is promised for every message."""
    report = parse(data)
    failed = [note for note in report.notes if "could not be read" in note]
    if failed:
        raise AssertionError(failed)
    original = report.original
    for read in (
        original.from_address,
        original.to,
        original.date,
        original.message_id,
        original.return_path,
    ):
        repr(read)
    repr((report.addressees, report.answered_ids, report.sender))
    may_be_report(data)
    read_hop(data[:4_000].decode("latin-1"))


def main() -> None:
    """Run until something is found, or the time is over."""
    atheris.Setup(["fuzz_parser", "-timeout=10", "-rss_limit_mb=2048", *sys.argv[1:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

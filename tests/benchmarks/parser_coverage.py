"""Measure what the parser recognises and recovers on the real mail in ../shared/data.

    python -m tests.benchmarks.parser_coverage [--data FOLDER] [--peers]

Prints every figure with every miss by file name: reports recognised, kinds,
ordinary mail taken for a report, recipients (beside flufl.bounce and Sisimai,
with --peers and where they are installed), the original's fields against an
independent search of the bytes, and the time of a message beside the standard
library's bare parser and mail-parser. Not a word of any message is printed.
"""

# ruff: noqa: T201 - a script that prints what it measured

from __future__ import annotations

import argparse
import contextlib
import csv
import email
import importlib
import json
import logging
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.parse.encoded import decode_words
from classifier.parse.markup import to_plain
from classifier.parse.message import parse
from classifier.parse.triage import may_be_report
from classifier.vocabulary import NOT_REPORTS, Completeness

if TYPE_CHECKING:
    from classifier.parse.report import Report

KINDS = {"dsn": "dsn", "nonstandard-bounce": "bounce", "auto-reply": "auto-reply", "mdn": "mdn"}
FIELDS = ("from", "to", "subject", "message-id", "date")
_VISIBLE = re.compile(
    rb"^[ \t>|*]{0,24}(from|to|subject|message-id|date)[ \t]{0,2}:[ \t]*(?:\r?\n[ \t]+)?(\S[^\r\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
#: Sisimai 4 (Debian's libsisimai-perl) and 5 name their front door differently.
_SISIMAI = """
use strict; use Sisimai; use JSON; my %out;
my $m = Sisimai->can('rise') ? 'rise' : 'make';
while (my $f = <STDIN>) { chomp $f; my $v = eval { Sisimai->$m($f, delivered => 1, vacation => 1) };
  $out{$f} = [ map { $_->recipient->address } @{ $v || [] } ]; }
print JSON->new->utf8->encode(\\%out);
"""


def decoded_texts(raw: bytes) -> list[bytes]:
    """Return the message's body and what its encoded text parts decode to, by the standard library."""
    texts = [raw[re.search(rb"\r?\n\r?\n|\Z", raw).end() :]]  # type: ignore[union-attr]
    for part in email.message_from_bytes(raw).walk():
        if part.get_content_maintype() == "text" and not part.is_multipart():
            try:
                data = part.get_payload(decode=True)
            except (ValueError, AssertionError):
                continue
            if isinstance(data, bytes):
                texts.append(data)
                if b"<" in data[:2000]:
                    texts.append(to_plain(data.decode("utf-8", "replace")).encode())
    return texts


def visible_fields(raw: bytes) -> dict[str, set[str]]:
    """Search the bytes after the report's own header section for lines that look like the original's fields."""
    found: dict[str, set[str]] = {}
    for text in decoded_texts(raw):
        for name, value in _VISIBLE.findall(text):
            found.setdefault(name.decode().lower(), set()).add(essence(value.decode("utf-8", "replace")))
    return found


def essence(value: str) -> str:
    """Reduce a value to what refolding and quoting leave alone."""
    return "".join(c for c in decode_words(value).lower() if c.isalnum())[:24]


def share(part: int, whole: int) -> str:
    """Write a count and its share."""
    return f"{part} of {whole} ({100 * part / whole:.2f} %)" if whole else "none"


class Coverage:
    """Everything that is counted, and the names of what was missed."""

    def __init__(self, data: Path) -> None:
        """Read the manifest of *data*."""
        self.data = data
        with (data / "MANIFEST.tsv").open(encoding="utf-8", newline="") as handle:
            self.rows = list(csv.DictReader(handle, delimiter="\t"))
        self.reports: dict[str, Report] = {}
        self.errors: list[str] = []

    def read(self) -> None:
        """Parse every message."""
        for row in self.rows:
            path = row["path"]
            try:
                self.reports[path] = parse((self.data / path).read_bytes())
            except Exception as error:  # noqa: BLE001 - the figure is that there is none
                self.errors.append(f"{path}: {type(error).__name__}: {error}")
        print(f"messages parsed: {len(self.reports)}; exceptions: {len(self.errors)}")
        self.list_misses(self.errors)

    def of(self, *prefixes: str) -> list[dict[str, str]]:
        """Return the rows below these folders that could be parsed."""
        return [r for r in self.rows if r["path"].startswith(prefixes) and r["path"] in self.reports]

    @staticmethod
    def list_misses(misses: list[str]) -> None:
        """Print each miss on its line."""
        for miss in misses:
            print(f"    {miss}")

    def kinds(self) -> None:
        """Count reports recognised, kinds right, and ordinary mail taken for a report."""
        for folder in ("reports/", "labelled/"):
            rows = self.of(folder)
            missed = [r["path"] for r in rows if self.reports[r["path"]].kind in NOT_REPORTS]
            print(f"\n{folder} recognised: {share(len(rows) - len(missed), len(rows))}")
            self.list_misses(missed)
            told = [r for r in rows if r["kind"] in KINDS]
            wrong = [
                f"{r['path']}: {self.reports[r['path']].kind.value}, manifest {r['kind']}"
                for r in told
                if self.reports[r["path"]].kind.value != KINDS[r["kind"]]
            ]
            print(f"{folder} kind as in the manifest: {share(len(told) - len(wrong), len(told))}")
            self.list_misses(wrong)
        for folder in (
            "ordinary/",
            "originals/ham/spamassassin-publiccorpus",
            "originals/spam/spamassassin-publiccorpus",
            "originals/spam/phishing_pot",
        ):
            rows = self.of(folder)
            taken = [
                f"{r['path']}: {self.reports[r['path']].kind.value}"
                for r in rows
                if self.reports[r["path"]].kind not in NOT_REPORTS
            ]
            print(f"\n{folder} taken for a report: {share(len(taken), len(rows))}")
            self.list_misses(taken)

    def recipients(self, peers: dict[str, dict[str, set[str]]]) -> None:
        """Count recipients, and hold them against what the peers find."""
        rows = [
            r for r in self.of("reports/", "labelled/") if self.reports[r["path"]].kind not in NOT_REPORTS
        ]
        found = {r["path"]: self.addresses(self.reports[r["path"]]) for r in rows}
        print(f"\nat least one recipient: {share(sum(map(bool, found.values())), len(rows))}")
        self.list_misses([path for path, addresses in found.items() if not addresses])
        for name, theirs in peers.items():
            has = [path for path in found if theirs.get(path)]
            print(f"\nat least one recipient by {name}: {share(len(has), len(rows))}")
            other = [path for path in has if not theirs[path] & found[path]]
            print(f"the same recipient as {name}: {share(len(has) - len(other), len(has))}")
            self.list_misses(other)

    @staticmethod
    def addresses(report: Report) -> set[str]:
        """Return final and original recipients in lower case."""
        found = {r.final_recipient for r in report.recipients} | {
            r.original_recipient for r in report.recipients
        }
        return {address.lower() for address in found if address}

    def originals(self) -> None:
        """Hold the recovered fields against an independent search of the bytes."""
        seen: Counter[str] = Counter()
        got: Counter[str] = Counter()
        misses: list[str] = []
        completeness: Counter[str] = Counter()
        for row in self.of("reports/", "labelled/"):
            report = self.reports[row["path"]]
            if report.kind in NOT_REPORTS:
                continue
            completeness[report.original.completeness.value] += 1
            visible = visible_fields((self.data / row["path"]).read_bytes())
            missed = []
            for name in FIELDS:
                if name not in visible:
                    continue
                seen[name] += 1
                value = report.original.headers.get(name)
                if value is not None and (
                    not essence(value) or self.is_visible(essence(value), visible[name])
                ):
                    got[name] += 1
                else:
                    missed.append(name)
            if missed:
                misses.append(f"{row['path']}: {', '.join(missed)}")
        print(
            f"\noriginals: {', '.join(f'{n} {c.value}' for c in Completeness if (n := completeness[c.value]))}"
        )
        for name in FIELDS:
            print(f"original's {name} recovered where visible: {share(got[name], seen[name])}")
        print(f"all five together: {share(sum(got.values()), sum(seen.values()))}")
        self.list_misses(misses)

    @staticmethod
    def is_visible(value: str, visible: set[str]) -> bool:
        """Say whether *value* is one of those seen; folding may have cut the one seen."""
        return any(value.startswith(v) or v.startswith(value) for v in visible)

    def speed(self) -> None:
        """Time the parser on the reports, and triage on ordinary mail, beside the standard library's parser; one core."""
        reports = [(self.data / r["path"]).read_bytes() for r in self.of("reports/")]
        ordinary = [(self.data / r["path"]).read_bytes() for r in self.of("originals/")]
        headers = [raw[: re.search(rb"\n\r?\n|\Z", raw).end()] for raw in ordinary]  # type: ignore[union-attr]
        print("\nprocessor time, median of seven rounds:")
        works: dict[str, tuple[Any, list[bytes]]] = {
            "email.message_from_bytes, reports": (email.message_from_bytes, reports),
            "parse(), reports": (parse, reports),
            "may_be_report(), headers of originals": (
                lambda header: may_be_report(header, "a@example.com"),
                headers,
            ),
        }
        mail_parser = importlib.import_module("mailparser").parse_from_bytes
        works["mail-parser, reports"] = (lambda raw: self.guarded(mail_parser, raw), reports)
        with contextlib.suppress(ImportError):
            failures = importlib.import_module("flufl.bounce").all_failures
            works["flufl.bounce with its parsing, reports"] = (
                lambda raw: self.guarded(lambda data: failures(email.message_from_bytes(data)), raw),
                reports,
            )
        rounds: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(7):
            for name, (read, mails) in works.items():
                rounds[name].append(self.once(read, mails) / len(mails))
        base = rounds["email.message_from_bytes, reports"]
        for name, took in rounds.items():
            ratio = statistics.median(theirs / ours for theirs, ours in zip(base, took, strict=True))
            each = statistics.median(took)
            print(
                f"    {name}: {each * 1e3:.4f} ms a message, {1 / each:,.0f} a second, {ratio:.2f} times the first"
            )

    @staticmethod
    def guarded(read: Any, raw: bytes) -> None:
        """Read *raw* by a peer, whose own faults are not ours."""
        with contextlib.suppress(Exception):
            read(raw)

    @staticmethod
    def once(read: Any, mails: list[bytes]) -> float:
        """Time one pass."""
        began = time.process_time()
        for raw in mails:
            read(raw)
        return time.process_time() - began


def read_peers(data: Path, paths: list[str]) -> dict[str, dict[str, set[str]]]:
    """Ask the peers that are installed for the recipients that they find."""
    peers: dict[str, dict[str, set[str]]] = {}
    try:
        all_failures = importlib.import_module("flufl.bounce").all_failures
    except ImportError:
        print("flufl.bounce: not installed")
    else:
        logging.disable(logging.CRITICAL)
        found = peers["flufl.bounce"] = {}
        for path in paths:
            try:
                failures = all_failures(email.message_from_bytes((data / path).read_bytes()))
            except Exception:  # noqa: BLE001 - its own faults are not ours
                continue
            names = {a.decode() if isinstance(a, bytes) else str(a) for group in failures for a in group}
            found[path] = {n.lower() for n in names if re.fullmatch(r"[^\s\"{}\\]+@[^\s\"{}\\]+", n)}
    perl = shutil.which("perl")
    listing = "\n".join(str(data / path) for path in paths)
    try:
        done = subprocess.run(
            [perl or "perl", "-e", _SISIMAI],
            input=listing.encode(),
            capture_output=True,
            check=True,
            timeout=600,
        )
        answers = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        print("Sisimai: not installed")
    else:
        prefix = len(str(data)) + 1
        peers["Sisimai"] = {path[prefix:]: {a.lower() for a in found} for path, found in answers.items()}
    return peers


def main() -> int:
    """Measure and print."""
    here = Path(__file__).resolve().parents[2]
    default = os.environ.get("BACKSCATTER_SHARED_DATA") or here.parent / "shared" / "data"
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--data", type=Path, default=Path(default))
    arguments.add_argument("--peers", action="store_true", help="ask flufl.bounce and Sisimai too")
    given = arguments.parse_args()
    if not (given.data / "MANIFEST.tsv").is_file():
        print(f"{given.data}: no real mail here; nothing to measure (--data FOLDER)")
        return 0
    coverage = Coverage(given.data)
    coverage.read()
    coverage.kinds()
    paths = [r["path"] for r in coverage.of("reports/", "labelled/")]
    coverage.recipients(read_peers(given.data, paths) if given.peers else {})
    coverage.originals()
    coverage.speed()
    return 1 if coverage.errors else 0


if __name__ == "__main__":
    sys.exit(main())

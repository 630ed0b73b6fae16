"""The table of evidence kinds as Markdown.

``python -m classifier.evidence.documentation`` prints it; with a page's path
after it, the page's table is replaced. A test compares it with docs/evidence.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from classifier.evidence.table import CONCLUSIONS, KINDS, ConclusionKind, EvidenceKind

#: The marks in docs/evidence.md between which the table stands.
BEGIN = "<!-- table: python -m classifier.evidence.documentation -->"
END = "<!-- end of table -->"


def table() -> str:
    """Return the Markdown table, one row a kind, in the order in which they are asked."""
    rows = [
        "| kind | what it shows | what it cannot show | what a forger would have to do |",
        "|---|---|---|---|",
    ]
    kinds: tuple[EvidenceKind | ConclusionKind, ...] = (*KINDS, *CONCLUSIONS)
    rows += [
        f"| `{_cell(kind.name)}` | {_cell(kind.shows)} | {_cell(kind.cannot_show)} | {_cell(kind.forger_must)} |"
        for kind in kinds
    ]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def renew(page: str) -> str:
    """Return the text of *page* with the table between its marks as the code has it now."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}{END}{after}"


def main() -> None:
    """Write the table to standard output, or into the page named on the command line."""
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        page.write_text(renew(page.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(table())


if __name__ == "__main__":
    main()

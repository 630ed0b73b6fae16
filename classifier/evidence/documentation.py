"""Print the table of evidence kinds as Markdown: ``python -m classifier.evidence.documentation``.

docs/evidence.md holds this text between two marks; a test compares them.
"""

from __future__ import annotations

import sys

from classifier.evidence.table import CONCLUSIONS, KINDS

#: The marks in docs/evidence.md between which the table stands.
BEGIN = "<!-- table: python -m classifier.evidence.documentation -->"
END = "<!-- end of table -->"


def table() -> str:
    """Return the Markdown table, one row a kind, in the order in which they are asked."""
    rows = [
        "| kind | what it shows | what it cannot show | what a forger would have to do |",
        "|---|---|---|---|",
    ]
    rows += [
        f"| `{_cell(kind.name)}` | {_cell(kind.shows)} | {_cell(kind.cannot_show)} | {_cell(kind.forger_must)} |"
        for kind in (*KINDS, *CONCLUSIONS)
    ]
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the table to standard output."""
    sys.stdout.write(table())


if __name__ == "__main__":
    main()

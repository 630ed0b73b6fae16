"""docs/evidence.md says what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from classifier.evidence import documentation
from classifier.evidence.table import CONCLUSIONS, KINDS
from classifier.weights import FINDING_WEIGHTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence.md"


def test_the_page_holds_the_table_of_the_code():
    text = PAGE.read_text("utf-8")
    inside = text.partition(documentation.BEGIN)[2].partition(documentation.END)[0]
    assert inside.strip() == documentation.table().strip(), (
        "run: python -m classifier.evidence.documentation docs/evidence.md"
    )


def test_the_command_prints_the_table():
    done = subprocess.run(
        [sys.executable, "-m", "classifier.evidence.documentation"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == documentation.table()


def test_a_page_is_renewed_in_place():
    page = f"# Before\n{documentation.BEGIN}\n| old |\n{documentation.END}\n# After\n"
    renewed = documentation.renew(page)
    assert documentation.table() in renewed
    assert "| old |" not in renewed
    assert renewed.startswith("# Before\n")
    assert renewed.endswith("\n# After\n")
    assert documentation.renew(renewed) == renewed


def test_every_kind_is_told_once_and_has_a_module_of_its_own():
    names = [kind.name for kind in (*KINDS, *CONCLUSIONS)]
    assert len(names) == len(set(names))
    for kind in (*KINDS, *CONCLUSIONS):
        assert kind.shows
        assert kind.cannot_show
        assert kind.forger_must
        assert kind.gather.__module__.startswith("classifier.evidence.")


def test_every_weight_belongs_to_a_finding_that_the_code_can_give():
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "classifier" / "evidence").glob("*.py"))
    for name, finding in FINDING_WEIGHTS:
        assert name in {kind.name for kind in (*KINDS, *CONCLUSIONS)}, name
        # Some findings are put together from a stem and an ending.
        parts = [finding] + [finding[: m.start()] for m in re.finditer("-", finding)]
        assert any(f'"{part}' in sources for part in parts), finding

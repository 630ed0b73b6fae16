"""What ``evaluate --html`` writes, in a real browser: the numbers of --json, readable in both themes, on a phone, on paper."""

from __future__ import annotations

import json
import re

import pytest

from classifier.cli.main import main
from classifier.corpus.worlds import worlds

HOSTILE = "<img src=x onerror=window.owned=1> & \"'{{ 7*7 }} \u202eexe\x1b[31m" + "w" * 120
#: The text of each cell of each row of the tables under a label.
_CELLS = """(label => [...document.querySelectorAll(`[aria-label^="${label}"] tbody tr`)]
    .map(row => [...row.cells].map(cell => cell.textContent)))"""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Write so many reports, under names that a stranger may have chosen."""

    def write(number):
        top = tmp_path_factory.mktemp(f"labelled{number}")
        for label in ("genuine", "forged"):
            (top / label).mkdir()
        for case in worlds("page", number):
            place = top / case.generated.label
            (place / f"{HOSTILE} {len(list(place.iterdir()))}.eml").write_bytes(case.generated.raw)
        return top

    return write


@pytest.fixture
def evaluate(tmp_path, capsys, labelled):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[identity]\ndomains = [".test", ".example"]\n[dns]\nenabled = false\n[store]\npath = "{tmp_path}/s"\n'
    )
    config.chmod(0o600)

    def run(number):
        top = labelled(number)
        page = tmp_path / "page.html"
        command = ["--config", str(config), "evaluate", "--html", str(page)]
        command += ["--genuine", str(top / "genuine"), "--forged", str(top / "forged")]
        assert main(command) == 0
        text = capsys.readouterr().out
        assert main([*command, "--json"]) == 0
        return page, json.loads(capsys.readouterr().out), text

    return run


@pytest.mark.parametrize("number", [0, 1, 10, 1_000])
def test_the_page_as_people_see_it(browser, evaluate, number):
    page, told, text = evaluate(number)
    for theme, width in (("light", 1200), ("dark", 1200), ("light", 360), ("dark", 390)):
        browser.show(page, width=width, theme=theme, phone=width < 500)
        assert browser.complaints() == []
        assert browser.asked_for() == [page.as_uri()]
        assert browser.run("document.documentElement.scrollWidth") == width
        assert browser.cut_off() == []
        ratio, where = browser.contrast()
        assert ratio >= 4.5, where
        # A label is never broken within a word.
        assert browser.run(
            """[...document.querySelectorAll('td.d')].every(cell => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                return range.getBoundingClientRect().height < 30;
            })"""
        )
    assert browser.run("window.owned") is None
    assert "\u202e" not in browser.run("document.body.textContent")
    assert browser.pdf().startswith(b"%PDF-")

    rows = browser.run(f"{_CELLS}('Verdicts by label')")
    names = browser.run(
        "[...document.querySelectorAll('[aria-label=\"Verdicts by label\"] th')].map(e => e.textContent)"
    )
    for row in rows:
        verdicts = told[row[0]]["verdicts"]
        assert [int(cell.replace(",", "")) for cell in row[1:]] == [
            verdicts.get(name, 0) for name in names[1:]
        ]
    figures = dict(browser.run(f"{_CELLS}('Figures')"))
    for name, key in (("genuine", "genuine_quarantined"), ("forged", "forged_quarantined")):
        share = told[key]
        shown = figures[f"{name} reports quarantined"]
        assert shown.startswith(f"{share['count']:,} of {share['of']:,} (" if share["of"] else "none")
        assert shown in text
    for words, key in (
        ("area under the ROC curve", "area_under_roc"),
        ("calibration error", "calibration_error"),
    ):
        wanted = "needs both labels" if told[key] is None else f"{told[key]:.4f}"
        assert figures[words].startswith(wanted)
        assert re.search(rf"{words} +{re.escape(figures[words])}", text)
    parts = [
        row
        for kind in dict.fromkeys(p["what"] for p in told["parts"])
        for row in browser.run(f"{_CELLS}('By {kind}')")
    ]
    assert [row[0] for row in parts] == [p["value"] for p in told["parts"]]
    assert len(browser.run(f"{_CELLS}('Mistakes')")) == len(told["worst"])


def test_keyboard_and_outline(browser, evaluate):
    page, _, _ = evaluate(200)
    browser.show(page)
    assert browser.outline_faults() == []

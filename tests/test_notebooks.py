"""The notebooks run from top to bottom, with the plots that they are committed with.

``python -m tests.test_notebooks`` runs them and keeps the outputs.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("from-report-to-verdict", "train-and-explain")


def run(notebook):
    """Run a notebook in its folder; an error in a cell raises."""
    where = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(
        notebook, timeout=200, coalesce_streams=True, record_timing=False, resources=where
    ).execute()


def test_all_are_run():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_is_committed_with_its_outputs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    path = FOLDER / f"{name}.ipynb"
    assert path.stat().st_size < 300_000
    kept = nbformat.read(path, as_version=4)
    cells = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    made = nbformat.read(path, as_version=4)
    run(made)
    nbformat.validate(made)
    # Streams may come in any number of pieces; what is drawn is there in both.
    for before, after in zip(kept.cells, made.cells, strict=True):
        assert before.source == after.source
        assert drawings(before) == drawings(after)


def drawings(cell):
    """Return the kinds of what a cell shows besides text."""
    shown = (output for output in cell.get("outputs", ()) if output.output_type != "stream")
    return [sorted(output.data) for output in shown]


if __name__ == "__main__":
    for file in sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        run(notebook)
        nbformat.write(notebook, file)

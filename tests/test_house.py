"""The shape of the code: imports go one way, the map is true, public names are explained, examples work."""

import ast
import graphlib
import re
import shutil
import subprocess
import sys

import pytest

from tests import house

TOP = house.TOP
GUIDE = (TOP / "CONTRIBUTING.md").read_text("utf-8")
BLOCK = re.compile(r"```python\n# (?P<file>\S+?)(?:, below: (?P<below>[^\n]+))?\n(?P<text>.*?)```", re.DOTALL)


def test_imports_go_one_way():
    assert house.levels(house.parts())[0] == ["entry"]


def test_a_circle_would_be_seen():
    with pytest.raises(graphlib.CycleError):
        house.levels({"parse": {"judge"}, "judge": {"parse"}})
    assert house.imports_of("from classifier import judge\ndef f():\n    import classifier.store.lock") == {
        "judge",
        "store",
    }


@pytest.mark.parametrize(
    ("part", "never"),
    [
        ("parse", {"evidence", "judge", "store", "resolver", "identity", "runtime"}),
        ("evidence", {"store", "resolver", "mailbox", "deliver", "present", "cli", "runtime", "judge"}),
        ("judge", {"store", "resolver", "mailbox", "deliver", "present", "cli", "runtime", "evidence"}),
        ("present", {"store", "resolver", "mailbox", "deliver", "cli", "runtime"}),
        ("store", {"mailbox", "deliver", "present", "cli", "runtime"}),
    ],
)
def test_the_middle_reaches_out_for_nothing(part, never):
    assert not house.reached(house.parts(), part) & never


def test_the_map_is_true():
    assert house.PAGE.read_text("utf-8") == house.picture(), "run: make map"


def described(tree, name):
    """Yield the public names of *tree* without a docstring, and whether their Args and Raises are told."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_"):
                continue
            text = ast.get_docstring(node)
            if not text:
                yield f"{name}.{node.name}: no docstring"
            if isinstance(node, ast.ClassDef):
                yield from described(node, f"{name}.{node.name}")
            elif text and "Args:" in text:
                arguments = node.args
                named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
                told = text.partition("Args:")[2]
                for argument in named:
                    if argument.arg not in {"self", "cls"} and f"{argument.arg}:" not in told:
                        yield f"{name}.{node.name}: {argument.arg} is not told"


def test_public_names_are_explained():
    missing = []
    for file in sorted((TOP / "classifier").rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        name = ".".join(file.relative_to(TOP).with_suffix("").parts)
        if not ast.get_docstring(tree):
            missing.append(f"{name}: no docstring")
        missing += described(tree, name)
    assert not missing


def defined(node):
    """Return the names that one statement of a module defines."""
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return [
        name for name in (getattr(node, "name", None), *(getattr(t, "id", None) for t in targets)) if name
    ]


def test_no_name_is_defined_twice():
    """The first of two constants of one name is read nowhere: once a wait of 10 ms was 5 s by that."""
    for file in sorted([*(TOP / "classifier").rglob("*.py"), *(TOP / "tests").rglob("*.py")]):
        names = [name for node in ast.parse(file.read_text("utf-8")).body for name in defined(node)]
        assert len(names) == len(set(names)), (file, {name for name in names if names.count(name) > 1})


def examples():
    """Return the worked examples of CONTRIBUTING.md: heading and blocks."""
    for section in GUIDE.split("\n## ")[1:]:
        if section.startswith("Example: "):
            yield section.partition("\n")[0], list(BLOCK.finditer(section))


@pytest.mark.parametrize(
    ("heading", "blocks"), list(examples()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_worked_example_works(tmp_path, heading, blocks):
    assert sum(block["text"].count("\n") for block in blocks) < 50
    for folder in ("classifier", "tests", "docs"):
        shutil.copytree(TOP / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    tests = []
    for block in blocks:
        file = tmp_path / block["file"]
        if block["below"] is None:
            assert not file.exists()
            file.write_text(block["text"], "utf-8")
            tests += [str(file)] if block["file"].startswith("tests/") else []
        else:
            lines = file.read_text("utf-8").splitlines(keepends=True)
            at = next(n for n, line in enumerate(lines) if line.startswith(block["below"]))
            file.write_text("".join([*lines[: at + 1], block["text"], *lines[at + 1 :]]), "utf-8")
    renew = [sys.executable, "-m", "classifier.evidence.documentation", "docs/evidence.md"]
    subprocess.run(renew, cwd=tmp_path, check=True, env={"PYTHONPATH": str(tmp_path)})
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            *tests,
            "tests/evidence/test_evidence_docs.py",
            "tests/model/test_features.py::test_every_kind_of_evidence_that_was_learnt_has_its_feature",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    changed = [block["file"] for block in blocks]
    for asked in (["check"], ["format", "--check", "--diff"]):
        lint = subprocess.run(
            [sys.executable, "-m", "ruff", *asked, "--no-cache", *changed],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert lint.returncode == 0, lint.stdout


def test_there_are_two_worked_examples():
    assert [heading for heading, _ in examples()] == ["Example: a report format", "Example: an evidence kind"]

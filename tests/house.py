"""The map of the house: which part of ``classifier`` imports which, read from the code.

``python -m tests.house`` renews ``docs/map.svg``. A part is a package or a
module directly below ``classifier``; each stands above all that it imports.
An arrow that others imply is left out.
"""

from __future__ import annotations

import ast
import graphlib
import html
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "map.svg"
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _EDGE = 190, 52, 24, 44, 16


class _Imports(ast.NodeVisitor):
    """Collects what is imported when the code runs: not what type checkers alone see."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                self.visit(other)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {name.name for name in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == "classifier":
            self.names |= {f"classifier.{name.name}" for name in node.names}
        elif node.module:
            self.names.add(node.module)


def imports_of(source: str) -> set[str]:
    """Return the parts of ``classifier`` that *source* imports."""
    found = _Imports()
    found.visit(ast.parse(source))
    return {name.split(".")[1] for name in found.names if name.startswith("classifier.")}


def parts(top: Path = TOP) -> dict[str, set[str]]:
    """Return what each part imports of the others."""
    found: dict[str, set[str]] = {}
    package = top / "classifier"
    for file in sorted(package.rglob("*.py")):
        part = file.relative_to(package).parts[0].removesuffix(".py")
        if not part.startswith("__"):
            found.setdefault(part, set()).update(imports_of(file.read_text("utf-8")) - {part})
    return found


def levels(found: dict[str, set[str]]) -> list[list[str]]:
    """Return the parts in rows, each above what it imports; the one that imports nothing comes last.

    Raises:
        graphlib.CycleError: two parts import each other.

    """
    height: dict[str, int] = {}
    for part in graphlib.TopologicalSorter(found).static_order():
        height[part] = 1 + max((height[other] for other in found[part]), default=-1)
    return [sorted(p for p in height if height[p] == row) for row in range(max(height.values()), -1, -1)]


def reached(found: dict[str, set[str]], part: str) -> set[str]:
    """Return all that *part* imports, directly or not."""
    return set().union(*({other} | reached(found, other) for other in found[part]))


def arrows(found: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return the imports that no others imply."""
    return [
        (part, other)
        for part, others in sorted(found.items())
        for other in sorted(others)
        if not any(other in reached(found, between) for between in others - {other})
    ]


def purpose(part: str, top: Path = TOP) -> str:
    """Return the first words of a part's own description."""
    place = top / "classifier" / part
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    line = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]
    return line.replace(":class:`~classifier.parse.report.Report`", "Report").replace("``", "").rstrip(".")


def picture(top: Path = TOP) -> str:
    """Draw the map as SVG."""
    found = parts(top)
    rows = levels(found)
    full = max(len(row) for row in rows) * (_WIDTH + _ACROSS) - _ACROSS + 2 * _EDGE
    place: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        start = (full - len(row) * (_WIDTH + _ACROSS) + _ACROSS) / 2
        for index, part in enumerate(row):
            place[part] = (start + index * (_WIDTH + _ACROSS), _EDGE + number * (_HEIGHT + _DOWN))
    tall = 2 * _EDGE + len(rows) * (_HEIGHT + _DOWN) - _DOWN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {tall}" font-family="sans-serif">',
        "<title>What imports what: each part stands above all that it imports</title>",
        f'<rect width="{full}" height="{tall}" fill="white"/>',
    ]
    for part, other in arrows(found):
        (x1, y1), (x2, y2) = place[part], place[other]
        x1, y1, x2 = x1 + _WIDTH / 2, y1 + _HEIGHT, x2 + _WIDTH / 2
        bend = (y2 - y1) / 2
        lines.append(
            f'<path d="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}" '
            'fill="none" stroke="#8a94a6"/>'
        )
    for part, (x, y) in place.items():
        package = (top / "classifier" / part).is_dir()
        lines.append(
            f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
            f'fill="{"#dbe9ff" if package else "#f3f4f6"}" stroke="#4b5563"/>'
        )
        name = f"{part}/" if package else part
        lines.append(
            f'<text x="{x + _WIDTH / 2:g}" y="{y + 17:g}" font-size="13" font-weight="bold" text-anchor="middle">{name}</text>'
        )
        for index, text in enumerate(_wrapped(purpose(part, top))):
            lines.append(
                f'<text x="{x + _WIDTH / 2:g}" y="{y + 32 + 13 * index:g}" font-size="10" text-anchor="middle">{html.escape(text)}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


def _wrapped(text: str, width: int = 31) -> list[str]:
    """Break *text* into at most two lines."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            if len(lines) == 2:
                lines[-1] = lines[-1].rstrip(",:;") + " …"
                break
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


if __name__ == "__main__":
    PAGE.write_text(picture(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(TOP)} is renewed\n")

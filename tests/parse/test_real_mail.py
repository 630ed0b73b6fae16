"""Real mail, where it lies beside the project: nothing raises, and line ends make no difference."""

from __future__ import annotations

from classifier.parse.message import parse
from tests.corpus.test_scene import facts
from tests.support import shared_data


def test_line_ends_make_no_difference():
    place = shared_data()
    seen = 0
    for folder in ("reports", "labelled", "ordinary"):
        for path in sorted((place / folder).rglob("*.eml")):
            raw = path.read_bytes().replace(b"\r\n", b"\n")
            if b"\r" not in raw:
                seen += 1
                assert facts(parse(raw.replace(b"\n", b"\r\n"))) == facts(parse(raw)), path.name
    assert seen > 1_000


def test_every_truncation_of_some_reports():
    for path in sorted((shared_data() / "reports").rglob("*.eml"))[::9]:
        raw = path.read_bytes()
        for end in range(0, min(len(raw), 40_000), 97):
            assert not any("could not be read" in note for note in parse(raw[:end]).notes), (path.name, end)

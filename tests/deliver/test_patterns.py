"""Compiled patterns that a filter keeps for the next one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from classifier.deliver.patterns import PatternCache
from tests.deliver.test_filter import run
from tests.samples import REPORT

PATTERNS = [
    (r"(?P<a>x+)|(y)", re.IGNORECASE, "aXXy"),
    (rb"(?s:\Aa.c)[^\x80-\xff]", 0, b"a\ncd"),
    (r"\b\w{2,4}(?=é)", 0, "abcé"),
    (r"(?i)straße|[à-ü]+", 0, "STRASSE ÀÜ"),
    (r"(a)(?(1)b|c)", re.VERBOSE, "ab"),
]


@pytest.fixture
def compiler():
    plain = re._compiler.compile
    yield re._compiler
    re._compiler.compile = plain


def found(compiler):
    return [
        (
            [m.span() for m in p.finditer(text)],
            p.flags,
            p.groups,
            dict(p.groupindex),
            [m.groupdict() for m in p.finditer(text)],
            p.pattern,
        )
        for pattern, flags, text in PATTERNS
        for p in [compiler.compile(pattern, flags)]
    ]


def test_kept_patterns_find_what_compiled_ones_find(tmp_path, compiler):
    plain = compiler.compile
    wanted = found(compiler)
    path = str(tmp_path / "cache" / "patterns")
    first = PatternCache(path)
    first.install()
    assert found(compiler) == wanted
    first.save()
    compiler.compile = plain
    second = PatternCache(path)
    second.install()
    # What is kept is not compiled again.
    made = []
    second._made = lambda *pattern: made.append(pattern)
    found_again = found(compiler)
    compiler.compile = plain
    assert found_again == wanted
    assert made == []


@pytest.mark.parametrize(
    "fault", ["garbage", "cut off", "writable by others", "a link", "wrong code", "a folder"]
)
def test_a_file_that_cannot_be_believed_is_not(tmp_path, compiler, fault):
    wanted = found(compiler)
    path = tmp_path / "patterns"
    cache = PatternCache(str(path))
    cache.install()
    found(compiler)
    cache.save()
    if fault == "garbage":
        path.write_bytes(b"\xff" * 100)
    elif fault == "cut off":
        path.write_bytes(path.read_bytes()[:-50])
    elif fault == "writable by others":
        path.chmod(0o666)
    elif fault == "a link":
        path.rename(tmp_path / "other")
        path.symlink_to(tmp_path / "other")
    elif fault == "wrong code":
        cache._kept = {
            key: (made[0], b"\xff\xff\xff\xff" * 9, *made[2:]) for key, made in cache._kept.items()
        }
        cache._new = True
        cache.save()
    else:
        path.unlink()
        path.mkdir()
    again = PatternCache(str(path))
    again.install()
    kept, found_again = len(again._kept), found(compiler)
    assert (kept > 0) == (fault == "wrong code")
    assert found_again == wanted


def test_the_filter_keeps_them_for_itself_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BACKSCATTER_CONFIG", raising=False)
    first = run(stdin=REPORT)
    [kept] = (tmp_path / "cache" / "backscatter").glob("patterns.*")
    assert kept.stat().st_mode & 0o077 == 0
    written = kept.stat().st_mtime_ns
    assert run(stdin=REPORT).stdout == first.stdout
    assert kept.stat().st_mtime_ns == written
    kept.write_bytes(b"nonsense")
    assert run(stdin=REPORT).stdout == first.stdout


def test_no_home_no_patterns(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "classifier", "filter"], input=REPORT, capture_output=True, check=True,
        env={"PATH": os.defpath, "HOME": "/nonexistent", "PYTHONPATH": os.getcwd()}, timeout=60,
    )  # fmt: skip
    assert b"X-Backscatter-Verdict" in done.stdout
    assert done.stderr == b""

"""Compiled patterns that a filter keeps for the next one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from classifier.deliver import kept
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
    number, found_again = len(again._kept), found(compiler)
    assert (number > 0) == (fault == "wrong code")
    assert found_again == wanted


@pytest.mark.parametrize("fault", ["writable by others", "of another user", "a link"])
def test_a_folder_that_others_can_put_files_into_is_not_used(tmp_path, fault):
    """A mail that was delivered to this user is a file of this user's, with what its sender wants in it."""
    folder = tmp_path / "cache"
    folder.mkdir()
    path = str(folder / "patterns")
    kept.write(path, {1: 2})
    assert kept.read(path) == {1: 2}
    if fault == "writable by others":
        folder.chmod(0o777)
    elif fault == "of another user":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(folder, 65_534, 65_534)
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to("elsewhere")
    assert kept.read(path) is None
    kept.write(path, {3: 4})
    kept.write(str(folder / "another"), {5: 6})
    assert [each.name for each in folder.iterdir()] == ["patterns"]
    folder.resolve().chmod(0o700)
    if fault != "of another user":
        assert kept.read(str(folder.resolve() / "patterns")) == {1: 2}


def test_a_full_disk_leaves_no_half_file(tmp_path):
    code = (
        "import resource, signal, sys; from classifier.deliver import kept\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "kept.write(sys.argv[1], 'x' * 1000)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "kept" / "x")], check=True, timeout=60)
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_filter_keeps_them_for_itself_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BACKSCATTER_CONFIG", raising=False)
    first = run(stdin=REPORT)
    [file] = (tmp_path / "cache" / "backscatter").glob("patterns.*")
    assert file.stat().st_mode & 0o077 == 0
    written = file.stat().st_mtime_ns
    assert run(stdin=REPORT).stdout == first.stdout
    assert file.stat().st_mtime_ns == written
    file.write_bytes(b"nonsense")
    assert run(stdin=REPORT).stdout == first.stdout


def test_no_home_no_patterns(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "classifier", "filter"], input=REPORT, capture_output=True, check=True,
        env={"PATH": os.defpath, "HOME": str(tmp_path / "absent"), "PYTHONPATH": os.getcwd()}, timeout=60,
    )  # fmt: skip
    assert b"X-Backscatter-Verdict" in done.stdout
    assert done.stderr == b""
    assert not any(tmp_path.iterdir())

"""An archive judged in parts: the same bytes, restarts, other stores, a cluster that loses a worker."""

import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from classifier.archive import judge_archive, planned
from classifier.batch import Judging, judged
from classifier.config import parse_config
from classifier.errors import ConfigurationError, InputError
from classifier.place import Place
from classifier.present.json import as_line, failure, line
from classifier.runtime import StoreUse
from classifier.sources import messages
from tests.dask_cluster import dask_cluster, end_losing_a_worker
from tests.samples import ORDINARY, REPORT
from tests.support import missing

LINE = b"From x@example.com Thu Jan  1 10:00:00 2026\n"
CONFIG = """
[identity]
domains = ["example.org"]
never_send = ["trap@example.org"]
[dns]
enabled = false
"""


def numbered(raw, number):
    return raw.replace(b"r1@mx", b"r%d@mx" % number).replace(b"hello", b"hello %d" % number)


@pytest.fixture
def archive(tmp_path):
    """A Maildir, mboxes and single files, and a configuration."""
    (tmp_path / "config.toml").write_text(f'{CONFIG}[store]\npath = "{tmp_path}/state.sqlite3"\n')
    (tmp_path / "config.toml").chmod(0o600)
    mail = tmp_path / "mail"
    for part in ("cur", "new", "tmp"):
        (mail / "md" / part).mkdir(parents=True)
    for number in range(20):
        (mail / "md" / "cur" / f"{number:03}:2,S").write_bytes(numbered(REPORT, number))
    for box in range(6):
        (mail / f"{box}.mbox").write_bytes(
            b"".join(LINE + numbered(REPORT if n % 2 else ORDINARY, n) + b"\n" for n in range(100))
        )
    (mail / "one.eml").write_bytes(ORDINARY)
    (tmp_path / "list").write_text("mail\nabsent\n")
    return tmp_path


def classify(archive, *arguments, **options):
    command = [sys.executable, "-m", "classifier", "--config", "config.toml", "classify", *arguments]
    return subprocess.run(command, cwd=archive, capture_output=True, timeout=240, check=False, **options)


def joined(folder):
    return b"".join(file.read_bytes() for file in sorted(folder.glob("part-*.jsonl")))


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize(
    "damaged",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[: content.rfind(b"\n", 0, -1) + 1],
        lambda content: b"\xff" * len(content),
        lambda content: b"17\n",
    ],
)
def test_a_part_that_was_cut_off_is_done_again(tmp_path, form, damaged):
    (tmp_path / "a.eml").write_bytes(REPORT)
    place, judging = Place(str(tmp_path / "out")), Judging(None, StoreUse.READ, as_line)
    parts = planned(place, [str(tmp_path / "a.eml"), str(tmp_path / "absent")], form)
    [first] = judge_archive(judging, place, form, parts, jobs=1)
    name = parts[0].name(form)
    whole = place.read(name)
    place.write(name, damaged(whole))
    [again] = judge_archive(judging, place, form, parts, jobs=1)
    assert (again.messages, again.errors, place.read(name)) == (first.messages, first.errors, whole)


def test_what_a_full_disk_did_not_take_does_not_stay_on_it(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        Place(str(tmp_path)).write("part-000000.jsonl", b"x" * 1000)
    assert list(tmp_path.iterdir()) == []


def test_the_parts_are_what_one_run_writes_and_a_second_run_has_nothing_to_do(archive):
    whole = classify(archive, "--json", "--list", "list")
    done = classify(archive, "--list", "list", "--output", "out", "-j", "2")
    assert whole.returncode == done.returncode == 1
    assert joined(archive / "out") == whole.stdout
    told = "backscatter: absent: no such file or folder\nbackscatter: 622 messages in 7 parts in out; 1 could not be judged\n"
    assert done.stderr.decode() == told
    assert {file.stat().st_mode & 0o777 for file in (archive / "out").iterdir()} == {0o600}
    before = {file.name: file.stat().st_mtime_ns for file in (archive / "out").iterdir()}
    (archive / "out" / "part-000003.jsonl").unlink()
    again = classify(archive, "--list", "list", "--output", "out")
    after = {file.name: file.stat().st_mtime_ns for file in (archive / "out").iterdir()}
    assert again.stderr.decode() == told
    assert [name for name in before if before[name] != after[name]] == ["part-000003.jsonl"]
    assert joined(archive / "out") == whole.stdout
    other = classify(archive, "mail", "--output", "out")
    assert (other.returncode, other.stderr) == (
        2,
        b"backscatter: out: holds the results of another run; name an empty folder with --output\n",
    )


def test_parquet_and_urls(archive):
    try:
        from pyarrow import parquet
    except ImportError:
        missing("pyarrow is not installed")
    whole = classify(archive, "--json", f"file://{archive}/mail")
    assert whole.returncode == 0
    local = classify(archive, "--json", str(archive / "mail"))
    assert whole.stdout.replace(b"file://", b"") == local.stdout
    done = classify(
        archive, f"file://{archive}/mail", "--output", f"file://{archive}/out", "--format", "parquet"
    )
    assert done.returncode == 0
    rows = [
        row
        for file in sorted((archive / "out").glob("*.parquet"))
        for row in parquet.read_table(file).to_pylist()
    ]
    assert "".join(f"{row['json']}\n" for row in rows).encode() == whole.stdout
    assert [row["verdict"] for row in rows] == [json.loads(row["json"])["verdict"] for row in rows]


@pytest.mark.parametrize("scheme", ["zip", "tar"])
def test_mail_in_an_archive_file_is_what_it_is_outside(archive, scheme):
    pytest.importorskip("fsspec")
    shutil.make_archive(str(archive / "old"), scheme, archive, "mail")
    local = classify(archive, "--json", "mail")
    url = f"file://{archive}/old.{scheme}"
    whole = classify(archive, "--json", f"{scheme}://mail::{url}")
    one = classify(archive, "--json", f"{scheme}://mail/3.mbox::{url}")
    assert (whole.returncode, whole.stderr) == (one.returncode, one.stderr) == (0, b"")

    within = whole.stdout.replace(f"{scheme}://".encode(), b"").replace(f"::{url}".encode(), b"")
    assert within == local.stdout
    assert [json.loads(row)["source"] for row in one.stdout.splitlines()] == [
        f"{scheme}://mail/3.mbox::{url}#{n}" for n in range(1, 101)
    ]
    done = classify(archive, f"{scheme}://mail::{url}", "--output", "out", "-j", "2")
    assert done.returncode == 0
    assert joined(archive / "out") == whole.stdout


def test_a_store_that_is_no_disk_holds_mail_and_results_and_a_run_goes_on_there(archive):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for box in range(3):
        memory.pipe(f"/in/{box}.mbox", (archive / "mail" / f"{box}.mbox").read_bytes())
    judging = Judging(parse_config(CONFIG), StoreUse.READ, as_line)
    place, paths = Place("memory://out"), ["memory://in", "memory://absent.eml"]
    parts = planned(place, paths, "jsonl")
    started = judge_archive(judging, place, "jsonl", parts, jobs=1)
    with contextlib.closing(started):
        next(started)
    assert [name for name in sorted(place.names()) if name != "plan.json"] == ["part-000000.jsonl"]
    begun = memory.modified("/out/part-000000.jsonl")
    done = list(judge_archive(judging, place, "jsonl", planned(place, paths, "jsonl"), jobs=1))
    assert [(d.messages, len(d.errors)) for d in done] == [(100, 0)] * 3 + [(1, 1)]
    assert memory.modified("/out/part-000000.jsonl") == begun
    whole = judged(parse_config(CONFIG), StoreUse.READ, messages(paths), as_line, jobs=1)
    lines = [found.kept or line(failure(found.source, found.error)) for found in whole]
    assert b"".join(place.read(part.name("jsonl")) for part in parts).decode().splitlines() == lines
    with pytest.raises(ConfigurationError, match="another run"):
        planned(place, paths[:1], "jsonl")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--backend", "dask", "mail"], "--scheduler"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:9", "mail"], "--output"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:9", "--output", "/x", "mail"], "whole paths"),
        (["--output", "out"], "PATHs"),
        (["--output", "out", "-"], "PATHs"),
        (["--list", "empty", "--output", "out"], "name nothing"),
        (["--list", "absent", "--output", "out"], "absent: cannot be read"),
    ],
)
def test_what_cannot_be(archive, arguments, words):
    (archive / "empty").touch()
    done = classify(archive, *arguments)
    assert done.returncode in {1, 2}
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(archive):
    for box in range(6, 30):
        os.link(archive / "mail" / "0.mbox", archive / "mail" / f"{box}.mbox")
    (archive / "list").write_text(f"{archive}/mail\n{archive}/absent\n")
    whole = classify(archive, "--json", "--list", "list")
    with dask_cluster() as cluster:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "classifier", "--config", "config.toml", "classify", "--list", "list"),
                *("--output", f"{archive}/out", "--backend", "dask", "--scheduler", cluster.scheduler_address),
            ],
            cwd=archive, stderr=subprocess.PIPE,
        )  # fmt: skip
        with process:
            errors = end_losing_a_worker(cluster, process, lambda: list(archive.glob("out/part-*")))
    assert errors.splitlines() == [
        f"backscatter: {archive}/absent: no such file or folder",
        f"backscatter: 3,022 messages in 31 parts in {archive}/out; 1 could not be judged",
    ]
    assert process.returncode == 1
    assert joined(archive / "out") == whole.stdout

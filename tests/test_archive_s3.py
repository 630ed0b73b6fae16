"""An archive in a store that speaks S3: pages of names, answers that break off, no access, a cluster."""

import subprocess
import sys

import pytest

from tests.dask_cluster import dask_cluster, end_losing_a_worker
from tests.s3 import BUCKET, S3
from tests.samples import ORDINARY, REPORT
from tests.support import missing

LINE = b"From x@example.com Thu Jan  1 10:00:00 2026\n"
CONFIG = (
    '[identity]\ndomains = ["example.org"]\n[dns]\nenabled = false\n[store]\npath = "none/state.sqlite3"\n'
)
TOP = f"s3://{BUCKET}"


@pytest.fixture
def store(tmp_path):
    for name in ("moto", "s3fs"):
        try:
            __import__(name)
        except ImportError:
            missing(f"{name} is not installed")
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "config.toml").chmod(0o600)
    with S3() as store:
        store.put("")
        yield store


def numbered(number):
    raw = REPORT if number % 2 else ORDINARY
    return raw.replace(b"r1@mx", b"r%d@mx" % number).replace(b"hello", b"hello %d" % number)


def box(first, last):
    return b"".join(LINE + numbered(number) + b"\n" for number in range(first, last))


def command(*arguments):
    return [sys.executable, "-m", "classifier", "--config", "config.toml", "classify", *arguments]


def classify(folder, store, *arguments):
    return subprocess.run(
        command(*arguments), cwd=folder, env=store.environment, capture_output=True, timeout=240, check=False
    )


def fill(folder, store, mail):
    """Put the same mail into a folder and into the store."""
    for name, content in mail.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        store.put(name, content)


def results(store, parts):
    return b"".join(store.get(f"out/part-{number:06}.jsonl") for number in range(parts))


def test_a_folder_there_is_what_it_is_on_a_disk(tmp_path, store):
    names = (
        *("a b.eml", "a#b.eml", "a?b.eml", "a%20b.eml", "[x].eml", "a*b.eml", "ä.eml", ".hidden.eml"),
        *("md/cur/1:2,S", "md/new/2", "md/tmp/3", "md/index", "md/.Sent/cur/4:2,S", "md/.Sent/new/5"),
        *(".hidden/x.eml", "boxes/old.mbox", ".mail/cur/6", ".mail/new/7"),
    )
    mail = {f"in/{n}": box(0, 3) if n.endswith(".mbox") else numbered(i) for i, n in enumerate(names)}
    fill(tmp_path, store, mail)
    store.put("in/")
    store.put("in/made by a console/")
    local = classify(tmp_path, store, "--json", "in")
    there = classify(tmp_path, store, "--json", f"{TOP}/in")
    assert (local.returncode, there.returncode, there.stderr) == (0, 0, b"")
    # A store has no folders to sort: the same messages, by their whole names.
    assert sorted(there.stdout.replace(f"{TOP}/".encode(), b"").splitlines()) == sorted(
        local.stdout.splitlines()
    )
    assert local.stdout.count(b"\n") == len(names) - 4 + 2


def test_two_thousand_objects_come_in_pages(tmp_path, store):
    fill(
        tmp_path,
        store,
        {f"in/{'-' if number < 20 else 'x'}{number:03}.eml": numbered(number) for number in range(60)},
    )
    for number in range(1_940):
        store.put(f"in/.between/{number:04}")
    local = classify(tmp_path, store, "--json", "in")
    done = classify(tmp_path, store, f"{TOP}/in", "--output", f"{TOP}/out", "-j", "2")
    assert (done.returncode, done.stderr.decode()) == (
        0,
        f"backscatter: 60 messages in 1 part in {TOP}/out\n",
    )
    assert any("continuation-token" in request for request in store.asked)
    assert results(store, 1).replace(f"{TOP}/".encode(), b"") == local.stdout
    store.asked.clear()
    again = classify(tmp_path, store, f"{TOP}/in", "--output", f"{TOP}/out")
    assert again.stderr == done.stderr
    assert not [request for request in store.asked if request.startswith("PUT") or "/in/" in request]


def test_answers_that_break_off_are_asked_again_and_cost_one_object_at_most(tmp_path, store):
    fill(tmp_path, store, {"in/a.eml": numbered(1), "in/b.mbox": box(0, 300), "in/c.eml": numbered(3)})
    single, whole = f"/{BUCKET}/in/a.eml", f"/{BUCKET}/in/b.mbox"
    unbroken = classify(tmp_path, store, "--json", f"{TOP}/in")
    assert unbroken.stdout.count(b"\n") == 302
    store.cuts.update({single: 1, whole: 2})
    mended = classify(tmp_path, store, "--json", f"{TOP}/in")
    assert (mended.returncode, mended.stdout, store.broken) == (0, unbroken.stdout, [single, whole, whole])

    store.cuts.update({single: -1, whole: -1})
    done = classify(tmp_path, store, f"{TOP}/in", "--output", f"{TOP}/out", "-j", "2")
    first, second, last = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert first.startswith(f"backscatter: {TOP}/in/a.eml: cannot be read (")
    assert second.startswith(f"backscatter: {TOP}/in/b.mbox: cannot be read (")
    assert last == f"backscatter: 3 messages in 3 parts in {TOP}/out; 2 could not be judged"
    assert results(store, 3).splitlines()[-1] == unbroken.stdout.splitlines()[-1]
    # What was refused is not done: the same command tries it again.
    store.cuts.clear()
    again = classify(tmp_path, store, f"{TOP}/in", "--output", f"{TOP}/out")
    assert (again.returncode, results(store, 3)) == (0, unbroken.stdout)


def test_no_access_is_told_in_one_line(tmp_path, store):
    fill(tmp_path, store, {"in/a.eml": numbered(1)})
    store.deny()
    reading = classify(tmp_path, store, "--json", f"{TOP}/in", "in/a.eml")
    assert (reading.returncode, reading.stderr.count(b"\n"), reading.stdout.count(b"\n")) == (1, 1, 2)
    assert reading.stderr.startswith(f"backscatter: {TOP}/in: cannot be read (The AWS Access Key".encode())
    writing = classify(tmp_path, store, "in", "--output", f"{TOP}/out")
    assert (writing.returncode, writing.stderr.count(b"\n")) == (1, 1)
    assert b"cannot be read (" in writing.stderr


def test_a_cluster_that_loses_a_worker_reads_and_writes_there(tmp_path, store, monkeypatch):
    fill(tmp_path, store, {f"in/{number:02}.mbox": box(number, number + 100) for number in range(20)})
    whole = classify(tmp_path, store, "--json", "in")
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    with dask_cluster() as cluster:
        arguments = ("--output", f"{TOP}/out", "--backend", "dask", "--scheduler", cluster.scheduler_address)
        with subprocess.Popen(
            command(f"{TOP}/in", *arguments), cwd=tmp_path, stderr=subprocess.PIPE
        ) as process:
            errors = end_losing_a_worker(
                cluster, process, lambda: any(r.startswith("PUT") and "part-" in r for r in store.asked)
            )
    assert (process.returncode, errors) == (
        0,
        f"backscatter: 2,000 messages in 20 parts in {TOP}/out\n",
    )
    assert results(store, 20).replace(f"{TOP}/".encode(), b"") == whole.stdout

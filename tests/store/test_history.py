"""The memory of judged reports: written by whatever judges, bounded, private, and told by ``backscatter report``."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from classifier.corpus.files import write_config, write_mbox, write_sent
from classifier.corpus.scene import Scene, careful_domain, mailbox
from classifier.dataclass import replace
from classifier.errors import BackscatterError
from classifier.history import ReportedFailure, _short
from classifier.store import history
from classifier.store.database import SCHEMA, Database
from classifier.store.history import HistoryStore
from tests.floods import entries

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def judged():
    return entries(40)[0]


def test_what_is_written_is_read(tmp_path, judged):
    odd = replace(
        judged[0],
        recipients=(ReportedFailure("a@b.test", "failed", "5.1.1", "no"), ReportedFailure("", "", "", "")),
        reasons=("one", "two"), probability=None, came=None, headers="Received: by mx.remote.test\n",
    )  # fmt: skip
    # Of each operator only the newest header sections are kept.
    others = [replace(entry, headers="") for entry in judged[1:]]
    with Database.open(tmp_path / "s") as database:
        store = HistoryStore(database)
        store.record_all([odd, *others], NOW)
        assert sorted(store.entries(), key=lambda e: int(e.digest)) == [odd, *others]
        # Judged again: the last judgement counts, once.
        store.record_all([replace(odd, verdict="genuine")], NOW)
        found = {e.digest: e for e in store.entries()}
        assert len(found) == 40
        assert found[odd.digest].verdict == "genuine"
        assert list(store.entries(NOW + timedelta(days=1))) == []
    assert (tmp_path / "s").stat().st_mode & 0o077 == 0


def test_it_stays_bounded(tmp_path, judged, monkeypatch):
    monkeypatch.setattr(history, "MAX_ROWS", 10)
    with Database.open(tmp_path / "s") as database:
        store = HistoryStore(database)
        store.record_all(judged, NOW)
        assert [e.digest for e in store.entries()] == [str(n) for n in range(30, 40)]
        store.record_all([], NOW + history.KEEP + timedelta(days=1))
        assert list(store.entries()) == []


def test_texts_are_cut_and_harmless_to_the_file(tmp_path):
    for words in ("x" * 1_000_000, "a\tb\nc\x1e\x85\u2028d", "\ud800 \x00"):
        short = _short(words)
        assert len(short) <= 300
        assert not set("\t\n\x1e\x85\u2028") & set(short)
        short.encode("utf-8")


def test_a_store_from_before_and_one_of_a_newer_version(tmp_path):
    with Database.open(tmp_path / "s") as database:
        database.connection.execute("PRAGMA user_version = 0")
    with Database.open(tmp_path / "s", readonly=True) as database:
        assert list(HistoryStore(database).entries()) == []
    with Database.open(tmp_path / "s") as database:
        HistoryStore(database)
        assert database.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        database.connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    for readonly in (True, False):
        with pytest.raises(BackscatterError, match="newer version"):
            Database.open(tmp_path / "s", readonly=readonly)


def run(folder, *arguments, stdin=b""):
    return subprocess.run(
        [sys.executable, "-m", "classifier", "--config", "config.toml", *map(str, arguments)],
        cwd=folder, input=stdin, capture_output=True, timeout=240, check=False,
    )  # fmt: skip


def test_sweep_and_filter_write_what_report_tells(tmp_path):
    scene = Scene("told", domain=careful_domain("told"))
    found = mailbox(scene, ordinary=3, genuine=8, forged=24)
    for part in ("tmp", "new", "cur"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    for number, message in enumerate(found):
        (tmp_path / "Maildir" / "new" / f"{number}.mail").write_bytes(message.raw)
    write_sent(tmp_path / "sent.mbox", scene.sent)
    write_config(
        tmp_path / "config.toml", scene.domain, maildir=str(tmp_path / "Maildir"), store="state.sqlite3"
    )
    empty = run(tmp_path, "report", "--json", "--html", "empty.html")
    assert (empty.returncode, empty.stderr.count(b"\n")) == (0, 1)
    assert json.loads(empty.stdout)["reports"] == 0
    assert b"<svg" not in (tmp_path / "empty.html").read_bytes()
    assert run(tmp_path, "ledger", "import", "sent.mbox").returncode == 0
    write_mbox(tmp_path / "in.mbox", (m.raw for m in found))
    judged = json.loads(run(tmp_path, "report", "--from", "in.mbox", "--json").stdout)
    run(tmp_path, "sweep", "--dry-run")
    assert json.loads(run(tmp_path, "report", "--json").stdout)["reports"] == 0
    swept = run(tmp_path, "sweep", "--json")
    assert swept.returncode == 0
    summary = json.loads(swept.stdout.splitlines()[-1])["summary"]
    told = json.loads(run(tmp_path, "report", "--json").stdout)
    assert told["reports"] == summary["reports"] == judged["reports"] == 32
    assert told["quarantined"] == summary["quarantined"]
    assert told["verdicts"].get("genuine", 0) == judged["verdicts"].get("genuine", 0) > 0
    assert {u["recipient"] for u in told["undelivered"]} == {u["recipient"] for u in judged["undelivered"]}
    assert any("restore" in d["source"] for d in told["least_certain"])
    # The victims of a forger are kept nowhere.
    with Database.open(tmp_path / "state.sqlite3", readonly=True) as database:
        assert all(not e.recipients for e in HistoryStore(database).entries() if e.verdict == "forged")
    # What the user puts back is told as genuine.
    move = next(d["source"].rpartition(" ")[2] for d in told["least_certain"] if "restore" in d["source"])
    assert run(tmp_path, "restore", move).returncode == 0
    again = json.loads(run(tmp_path, "report", "--json").stdout)
    assert again["decided"]["user"] == 1
    assert again["quarantined"] == told["quarantined"] - 1
    # A filter adds what it judged; one that is known already counts once.
    news = Scene("news", domain=scene.domain)
    for raw in (found[0].raw, news.forged(NOW, news.campaign()).raw):
        assert run(tmp_path, "filter", stdin=raw).returncode == 0
    assert json.loads(run(tmp_path, "report", "--json").stdout)["reports"] == 33
    later = run(tmp_path, "report", "--since", "2030-01-01", "--json")
    assert json.loads(later.stdout)["reports"] == 0


def test_header_sections_are_kept_of_the_newest_alone(tmp_path, judged, monkeypatch):
    monkeypatch.setattr(history, "MAX_SAMPLES", 5)
    rows = [
        replace(judged[n], operator=f"o{n % 4}.test", host="mx", headers=f"Received: {n}") for n in range(40)
    ]
    with Database.open(tmp_path / "s") as database:
        store = HistoryStore(database)
        for row in rows:
            store.record_all([row], NOW)
        kept = [e.headers for e in store.entries() if e.headers]
    assert kept == [f"Received: {n}" for n in range(35, 40)]


def test_a_store_of_an_earlier_version_is_read_and_goes_on(tmp_path, judged):
    with Database.open(tmp_path / "s") as database:
        HistoryStore(database).record_all(judged[:1], NOW)
        database.connection.execute("DROP INDEX history_samples")
        for name in ("host", "address", "headers"):
            database.connection.execute(f"ALTER TABLE history DROP COLUMN {name}")
    with Database.open(tmp_path / "s", readonly=True) as database:
        [entry] = HistoryStore(database).entries()
        assert entry.headers == ""
    with Database.open(tmp_path / "s") as database:
        store = HistoryStore(database)
        store.record_all([replace(judged[1], headers="x")], NOW)
        assert sorted(e.headers for e in store.entries()) == ["", "x"]

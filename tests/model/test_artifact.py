"""A model file is plain data: what does not fit is refused whole, and the default model judges on."""

import dataclasses
import errno
import json
import os

import pytest

from classifier.deliver.kept_model import read_kept
from classifier.errors import InputError, ModelError
from classifier.model import files
from classifier.model.artifact import MAX_BYTES, NO_PROMISE, from_bytes, to_bytes
from classifier.model.features import FEATURES


@pytest.fixture(scope="module")
def model():
    return files.read(files.default_path())


def changed(model, **changes):
    raw = json.loads(to_bytes(model))
    raw.update(changes)
    return json.dumps(raw).encode()


def test_the_default_model_reads_back_byte_for_byte(model):
    with open(files.default_path(), "rb") as file:
        data = file.read()
    assert to_bytes(from_bytes(data, "x")) == data


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"kind": "sklearn"}, "not a model file"),
        ({"format": 2}, "format 2"),
        ({"format": True}, "format"),
        ({"features": ["words"]}, "another list of features"),
        ({"words": [0.0]}, "wrong size"),
        ({"words": ["1"] * 4096}, "not a list of numbers"),
        ({"words": [1e9] * 4096}, "within bounds"),
        ({"scale": -1.0}, "turns verdicts round"),
        ({"scale": "1"}, "not a number"),
        ({"intercept": None}, "not a number"),
        ({"curves": []}, "number of curves"),
        ({"curves": [{}] * len(FEATURES)}, "curves"),
        ({"curves": [{"thresholds": [2, 1], "values": [0, 0, 0], "missing": 0}] * len(FEATURES)}, "order"),
        ({"curves": [{"thresholds": [1], "values": [0], "missing": 0}] * len(FEATURES)}, "wrong size"),
        ({"promise": {"genuine": 1, "highest": [2.0, 1.0]}}, "fewer reports"),
        ({"promise": {"genuine": 9, "highest": [1.0, 2.0]}}, "out of order"),
        ({"promise_configured": None}, "no promise_configured"),
        ({"promise_configured": {"genuine": 1, "highest": [2.0, 1.0]}}, "fewer reports"),
        ({"name": "a\nb"}, "no name"),
    ],
)
def test_what_does_not_fit_is_refused(model, changes, what):
    with pytest.raises(ModelError, match=what) as refused:
        from_bytes(changed(model, **changes), "m.json")
    assert "m.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[" * 100_000, b"\x80\x04pickle", b'{"kind": NaN}', b" " * (MAX_BYTES + 1)],
    ids=range(7),
)
def test_what_is_no_model_is_refused(data):
    with pytest.raises(ModelError):
        from_bytes(data, "m.json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(model, number):
    data = to_bytes(model).replace(b'"intercept": ', b'"intercept": ' + number.encode() + b', "was": ')
    with pytest.raises(ModelError):
        from_bytes(data, "m.json")


def test_a_model_that_is_cut_off_is_refused(model):
    data = to_bytes(model)
    for end in range(0, len(data) - 2, len(data) // 40):
        with pytest.raises(ModelError):
            from_bytes(data[:end], "m.json")


def test_a_refused_model_leaves_the_default_one_in_use(tmp_path, model):
    store = str(tmp_path / "state.sqlite3")
    assert files.in_use(store) == (model, [])
    (tmp_path / files.CURRENT).write_bytes(b"{")
    found, notes = files.in_use(store)
    assert found == model
    assert len(notes) == 1
    assert "model refused" in notes[0]


def test_a_model_is_put_in_place_and_taken_back(tmp_path, model):
    store = str(tmp_path / "sub" / "state.sqlite3")
    with pytest.raises(InputError, match="no model of your own"):
        files.roll_back(store)
    first, second = (dataclasses.replace(model, name=name) for name in ("first", "second"))
    files.put_in_place(first, store)
    assert os.stat(files.beside(store)).st_mode & 0o777 == 0o600
    assert files.in_use(store)[0] == first
    files.put_in_place(second, store)
    assert files.in_use(store)[0] == second
    assert files.roll_back(store) == "first"
    assert files.in_use(store)[0] == first
    assert files.roll_back(store) == "second"


def test_the_first_own_model_gives_way_to_the_default_one(tmp_path, model):
    store = str(tmp_path / "state.sqlite3")
    files.put_in_place(dataclasses.replace(model, name="first"), store)
    assert files.roll_back(store) == model.name
    assert files.roll_back(store) == "first"


@pytest.mark.parametrize("kind", ["pipe", "loop", "folder"])
def test_what_is_no_file_is_refused_at_once_and_told(tmp_path, model, kind):
    own = tmp_path / "model.json"
    {"pipe": lambda: os.mkfifo(own), "loop": lambda: own.symlink_to(own), "folder": own.mkdir}[kind]()
    found, notes = files.in_use(str(tmp_path / "state.sqlite3"))
    assert found == model
    assert len(notes) == 1
    assert "model not read" in notes[0]


def test_what_was_in_use_before_comes_back_and_nothing_older(tmp_path, model):
    store = str(tmp_path / "state.sqlite3")
    first, second, third = (dataclasses.replace(model, name=name) for name in ("first", "second", "third"))
    files.put_in_place(first, store)
    assert files.roll_back(store) == model.name
    files.put_in_place(second, store)
    assert files.roll_back(store) == model.name  # not the first, which was taken back
    assert files.roll_back(store) == "second"
    # A damaged one is not kept in the place of one that can be used.
    files.put_in_place(third, store)
    (tmp_path / "model.json").write_text("{")
    files.put_in_place(first, store)
    assert files.roll_back(store) == "second"


def test_a_roll_back_that_is_cut_off_leaves_a_model_of_the_users_in_place(tmp_path, model, monkeypatch):
    store = str(tmp_path / "state.sqlite3")
    for name in ("first", "second"):
        files.put_in_place(dataclasses.replace(model, name=name), store)
    replace = os.replace

    def cut_off(source, target):
        assert files.in_use(store)[0].name in {"first", "second"}
        replace(source, target)
        raise OSError(errno.EIO, "cut off")

    monkeypatch.setattr(os, "replace", cut_off)
    with pytest.raises(InputError, match="not rolled back: cut off"):
        files.roll_back(store)
    monkeypatch.undo()
    assert files.in_use(store)[0].name == "first"


def test_a_threshold_that_is_kept_is_read_back(tmp_path, model):
    own = dataclasses.replace(
        model, promise=NO_PROMISE, shipped=model.promise, shipped_configured=model.promise_configured
    )
    path = tmp_path / "model.json"
    path.write_bytes(to_bytes(own))
    assert files.read(str(path)) == own
    for _ in range(2):  # read, and as it was kept
        assert dataclasses.replace(read_kept(str(path)), card=own.card) == own
    bad = json.loads(to_bytes(own)) | {"shipped": {"genuine": 1, "highest": [2.0, 1.0]}}
    with pytest.raises(ModelError, match="fewer reports"):
        from_bytes(json.dumps(bad).encode(), "x")


def test_a_full_disk_leaves_the_model_in_use_and_no_part_of_another(tmp_path, model, monkeypatch):
    store = str(tmp_path / "state.sqlite3")
    files.put_in_place(dataclasses.replace(model, name="first"), store)

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device; the model in use stays"):
        files.put_in_place(model, store)
    assert files.in_use(store)[0].name == "first"
    assert os.listdir(tmp_path) == ["model.json"]


def test_a_folder_that_cannot_be_written_leaves_the_model_in_use(tmp_path, model):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="the model in use stays"):
        files.put_in_place(model, str(tmp_path / "file" / "state.sqlite3"))

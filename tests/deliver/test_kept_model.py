"""The model's numbers that a filter keeps for the next one; and a model that is replaced while a program runs."""

from __future__ import annotations

import pytest

from classifier.deliver import kept
from classifier.deliver.kept_model import read_kept
from classifier.errors import ModelError
from classifier.model.files import default_path, read


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "model.json"
    with open(default_path(), "rb") as file:
        path.write_bytes(file.read())
    return path


def numbers(model):
    return {name: value for name, value in vars(model).items() if name != "card"}


def test_kept_numbers_are_those_of_the_file(model, monkeypatch):
    wanted = numbers(read(str(model)))
    assert numbers(read_kept(str(model))) == wanted
    monkeypatch.setattr("classifier.deliver.kept_model.read", None)  # not parsed again
    assert numbers(read_kept(str(model))) == wanted


def test_another_model_is_read_anew_and_a_broken_one_refused(model):
    first = read_kept(str(model))
    text = model.read_text()
    other = model.with_name("other.json")
    other.write_text(text.replace(f'"name": "{first.name}"', '"name": "another"'))
    other.replace(model)
    assert read_kept(str(model)).name == "another"
    model.write_text(text[:1000])
    with pytest.raises(ModelError, match="cut off"):
        read_kept(str(model))


@pytest.mark.parametrize("damage", [(), ((), (), ()), (1, 2, 3, 4, 5, 6, 7, 8), None])
def test_damaged_numbers_are_done_without(model, damage):
    wanted = numbers(read_kept(str(model)))
    [place] = (model.parent / "cache" / "backscatter").iterdir()
    state, known, _ = kept.read(str(place))
    kept.write(str(place), (state, known, damage))
    assert numbers(read_kept(str(model))) == wanted

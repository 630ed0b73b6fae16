"""Our dataclasses, held against the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from classifier.dataclass import dataclass, field, replace


@dataclass(frozen=True)
class Ours:
    a: int
    b: str = "x"
    c: list[int] = field(default_factory=list)
    d: str = field(default="secret", repr=False)


@dataclasses.dataclass(frozen=True)
class Theirs:
    a: int
    b: str = "x"
    c: list[int] = dataclasses.field(default_factory=list)
    d: str = dataclasses.field(default="secret", repr=False)


@dataclass
class Loose:
    a: int = 1
    b: tuple[int, ...] = ()


CALLS = [((1,), {}), ((1, "y"), {"d": "z"}), ((), {"a": 2, "c": [3]}), ((1, 2, 3, 4), {})]
WRONG = [((), {}), ((1,), {"a": 1}), ((1, 2, 3, 4, 5), {}), ((1,), {"e": 1})]


@pytest.mark.parametrize("made_before", [0, 200])
def test_they_are_made_as_the_standard_librarys(made_before):
    """Before and after ``__init__`` is compiled."""
    for _ in range(made_before):
        Ours(1)
    for args, kwargs in CALLS:
        ours, theirs = Ours(*args, **kwargs), Theirs(*args, **kwargs)
        assert vars(ours) == vars(theirs)
        assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
        assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
        assert ours == Ours(*args, **kwargs) != Ours(99)
        assert ours != theirs
    for args, kwargs in WRONG:
        with pytest.raises(TypeError):
            Ours(*args, **kwargs)
    assert Ours(1).c is not Ours(1).c


def test_frozen_ones_stay_as_they_are_and_can_be_keys():
    one = Ours(1, c=())
    with pytest.raises(AttributeError):
        one.a = 2
    with pytest.raises(AttributeError):
        del one.a
    assert {one: 1}[Ours(1, c=())] == 1
    with pytest.raises(TypeError):
        hash(Loose())
    loose = Loose()
    loose.a = 5
    assert loose == Loose(5)


def test_copies():
    one = Ours(1, "y", [2])
    assert replace(one, a=7) == dataclasses.replace(one, a=7) == Ours(7, "y", [2])
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert [f.name for f in dataclasses.fields(Ours)] == ["a", "b", "c", "d"]
    match one:
        case Ours(a, b):
            assert (a, b) == (1, "y")

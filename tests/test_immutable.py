"""`record` and `immutable` are dataclasses as `dataclasses` makes them, but for what it costs to define them."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, dataclass, fields, replace
from dataclasses import field as usual_field

import pytest

from aurora_wire.immutable import field, immutable, record


@immutable
class Fixed:
    name: str
    size: int = 0
    secret: str = field(default="", repr=False)
    note: str = field(default="", compare=False)


@record
class Changing:
    name: str
    sizes: list[int] = field(default_factory=list)


@dataclass(slots=True, unsafe_hash=True)
class Usual:
    name: str
    size: int = 0
    secret: str = usual_field(default="", repr=False)
    note: str = usual_field(default="", compare=False)


def test_what_is_shown_leaves_out_what_a_field_says() -> None:
    shown = repr(Fixed("a", 1, "hidden", "b"))
    assert shown == "Fixed(name='a', size=1, note='b')" == repr(Usual("a", 1, "hidden", "b")).replace("Usual", "Fixed")


@pytest.mark.parametrize("other", [("a", 1, "s", "x"), ("a", 1, "s", "y"), ("a", 2, "s", "x"), ("a", 1, "t", "x")])
def test_they_are_equal_and_hashed_as_usual_ones_are(other: tuple[str, int, str, str]) -> None:
    one, two = Fixed("a", 1, "s", "x"), Fixed(*other)
    same = Usual("a", 1, "s", "x") == Usual(*other)
    assert (one == two) == same == (hash(one) == hash(two)) == (len({one, two}) == 1)
    assert one != Usual("a", 1, "s", "x")


def test_what_changes_has_no_hash_and_is_equal_by_its_fields() -> None:
    one = Changing("a")
    one.sizes.append(1)
    assert one == Changing("a", [1]) != Changing("a")
    with pytest.raises(TypeError):
        hash(one)


def test_the_rest_of_a_dataclass_is_there() -> None:
    one = Fixed("a", 1, "s", "x")
    assert [each.name for each in fields(one)] == ["name", "size", "secret", "note"]
    assert replace(one, size=2) == Fixed("a", 2, "s")
    assert asdict(one)["size"] == 1
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    with pytest.raises(AttributeError):
        one.other = 1  # type: ignore[attr-defined]

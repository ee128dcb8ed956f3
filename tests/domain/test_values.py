"""A value is a frozen dataclass in all that its users see."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from functools import cached_property

import pytest

from unipipe_tui.domain.values import frozen


@frozen
class Dish:
    """What is eaten."""

    name: str
    grams: int = 100
    with_: list[str] = field(default_factory=list)

    @cached_property
    def heavy(self) -> bool:
        """Worked out once."""
        return self.grams > 500


@dataclass(frozen=True)
class StandardDish:
    """The same in the standard way."""

    name: str
    grams: int = 100
    with_: list[str] = field(default_factory=list)


@frozen
class Checked:
    """A value that looks at what it is given."""

    share: float

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        if not 0 <= self.share <= 1:
            raise ValueError(self.share)


@frozen
class Other:
    """Has the same fields as none."""

    name: str


def test_its_fields_are_given_in_order_or_by_name_and_have_defaults() -> None:
    assert Dish("soup").grams == 100
    assert Dish("soup", 300) == Dish(grams=300, name="soup")
    assert Dish("soup").with_ == [] and Dish("soup").with_ is not Dish("soup").with_


@pytest.mark.parametrize("given", [((), {}), ((1, 2, [], 4), {}), (("a",), {"colour": 1}), (("a",), {"name": "b"})])
def test_fields_that_are_missing_or_unknown_are_a_type_error_as_in_the_standard(given: tuple[tuple, dict]) -> None:
    args, named = given
    for kind in (Dish, StandardDish):
        with pytest.raises(TypeError):
            kind(*args, **named)


def test_it_never_changes() -> None:
    dish = Dish("soup")
    for change in (lambda: setattr(dish, "grams", 5), lambda: setattr(dish, "new", 5), lambda: delattr(dish, "grams")):
        with pytest.raises(FrozenInstanceError):
            change()
    assert dish == Dish("soup")


def test_equal_means_the_same_kind_and_the_same_fields_whatever_was_worked_out_meanwhile() -> None:
    worked_out = Dish("roast", 800)
    assert worked_out.heavy
    assert worked_out == Dish("roast", 800) != Dish("roast", 801)
    assert Other("roast") != Dish("roast") and Dish("roast") != StandardDish("roast")
    assert len({Other("a"), Other("a"), Other("b")}) == 2


def test_it_shows_itself_as_the_standard_does() -> None:
    assert "Standard" + repr(Dish("soup", 3)) == repr(StandardDish("soup", 3))


def test_what_the_standard_library_does_with_a_dataclass_works() -> None:
    dish = Dish("soup", 3, ["bread"])
    assert dataclasses.replace(dish, grams=4) == Dish("soup", 4, ["bread"])
    assert dataclasses.asdict(dish) == {"name": "soup", "grams": 3, "with_": ["bread"]}
    assert [one.name for one in dataclasses.fields(Dish)] == ["name", "grams", "with_"]
    assert pickle.loads(pickle.dumps(dish)) == copy.deepcopy(dish) == dish
    match dish:
        case Dish(name, grams):
            assert (name, grams) == ("soup", 3)


def test_a_check_of_its_own_is_run_for_each_object() -> None:
    assert Checked(0.5).share == 0.5
    for _ in range(2):
        with pytest.raises(ValueError, match="2"):
            Checked(2)

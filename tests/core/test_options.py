"""Options: one declaration gives default, check and message."""

from dataclasses import dataclass

import pytest

from arborank.core.estimator import fitted_clone
from arborank.core.options import Options, flag, integer, one_of, option, optional, real


@dataclass(frozen=True)
class Oven(Options):
    trays: int = option(2, integer(1, 4))
    heat: float = option(180.0, real(above=0.0, most=300.0))
    mode: str = option("fan", one_of(("fan", "grill")))
    light: bool = option(True, flag())
    minutes: int | None = option(None, optional(integer(1)))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"trays": 5}, ValueError, "trays must be between 1 and 4, found 5"),
        ({"trays": 1.5}, TypeError, "trays must be an integer, found 1.5"),
        ({"heat": 0}, ValueError, "heat must be above 0, found 0"),
        ({"mode": "steam"}, ValueError, "mode must be one of 'fan', 'grill', found 'steam'"),
        ({"light": 1}, TypeError, "light must be True or False, found 1"),
        ({"minutes": 0}, ValueError, "minutes must be at least 1, found 0"),
    ],
)
def test_the_error_names_the_option(wrong, error, message):
    with pytest.raises(error, match=message):
        Oven(**wrong)


def test_defaults_and_options_of_an_object():
    class Kitchen:
        trays, heat, mode, light = 3, 200.0, "grill", False
        minutes = Oven.minutes

    assert Oven() == Oven(Oven.trays, Oven.heat)
    assert Oven.of(Kitchen()) == Oven(3, 200.0, "grill", False)
    assert Oven.of(Kitchen(), trays=1).trays == 1


def test_a_fitted_clone_leaves_the_other_as_it_is():
    class Model:
        def __init__(self):
            self.kept_, self.changed_ = [], 1

    model = Model()
    other = fitted_clone(model, changed_=2)
    assert (model.changed_, other.changed_) == (1, 2)
    assert other.kept_ is model.kept_

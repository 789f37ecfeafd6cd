import re

import numpy as np
import pytest

from arborank.matching.combine import COMBINATIONS, combination


def formula(name, v, parent, labels):
    """The table of the module, in double precision."""
    v, parent = v.astype(np.float64), parent.astype(np.float64)
    if name == "noop":
        return v
    if name.endswith("sigmoid"):
        log = -np.logaddexp(0, -v)
    else:
        powers = [int(power) for power in re.findall(r"l(\d)", name)]
        log = -(np.maximum(0, 1 - v) ** powers[-1 if labels else 0])
    return log + parent if name.startswith("log-") else np.exp(log) * parent


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("name", COMBINATIONS)
def test_formula(name, labels):
    v = np.concatenate([np.linspace(-60, 60, 4001), [0, 1, -1, 1e-30, -1e8, 1e8]]).astype(np.float32)
    for parent in (1.0, 0.37) if not name.startswith("log-") else (0.0, -3.7):
        parents = np.full(v.size, parent, np.float32)
        got = combination(name, labels=labels)(v, parents)
        # the power of a hinge is rounded to float32 before its exponential, which magnifies that error
        np.testing.assert_allclose(got, formula(name, v, parents, labels), rtol=5e-5, atol=1e-38)


@pytest.mark.parametrize("name", [name for name in COMBINATIONS if name != "noop"])
def test_child_never_beats_parent(name):
    rng = np.random.default_rng(0)
    v = np.concatenate([rng.normal(size=20_000) * 4, 1 - np.geomspace(1e-8, 1, 2000)]).astype(np.float32)
    parents = rng.random(v.size).astype(np.float32) * (-5 if name.startswith("log-") else 1)
    assert (combination(name)(v, parents) <= parents).all()


def test_exponential_is_accurate():
    v = 1 - np.linspace(0, 100, 200_001).astype(np.float32)
    h = np.maximum(np.float32(1) - v, 0)  # exact argument, as the kernel computes it
    exact = np.exp(-h.astype(np.float64))
    got = combination("l1-hinge")(v, np.ones_like(v))
    normal = exact > 1e-37
    assert (np.abs(got - exact)[normal] / exact[normal]).max() < 1.5e-7
    assert np.abs(got - exact).max() < 1.5e-7


def test_log_sigmoid_is_accurate():
    v = np.concatenate([np.linspace(-30, 30, 50_001)]).astype(np.float32)
    exact = -np.logaddexp(0, -v.astype(np.float64))
    got = combination("log-sigmoid")(v, np.zeros_like(v))
    assert (np.abs(got - exact) / np.abs(exact)).max() < 4e-7


@pytest.mark.parametrize("name", ["l5-hinge", "", "NOOP", None, ["noop"]])
def test_unknown_name(name):
    with pytest.raises(ValueError, match="log-l4-hinge"):
        combination(name)

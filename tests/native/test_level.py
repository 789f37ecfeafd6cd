"""Which kernels are imported, on processors of every level."""

import importlib.util
import sys
from types import ModuleType

import pytest

import arborank._native


@pytest.fixture
def choose(monkeypatch, tmp_path):
    """Import the choice as if on a processor of some level, with some kernels built; each kernel knows its level."""
    monkeypatch.delenv("ARBORANK_LEVEL", raising=False)

    def chosen(processor, built):
        cpu = ModuleType("choice.cpu")
        cpu.level = lambda: processor
        monkeypatch.setitem(sys.modules, "choice.cpu", cpu)
        for level in built:
            kernels = ModuleType(f"choice.kernels_{level}")
            kernels.told, kernels._private = level, True
            monkeypatch.setitem(sys.modules, kernels.__name__, kernels)
        spec = importlib.util.spec_from_file_location(
            "choice", arborank._native.__file__, submodule_search_locations=[str(tmp_path)]
        )
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "choice", module)
        spec.loader.exec_module(module)
        assert module.told == module.LEVEL
        assert not hasattr(module, "_private")
        return module.LEVEL

    return chosen


ALL = ("v4", "v3", "v2", "base")


@pytest.mark.parametrize("processor", ALL)
def test_the_best_that_the_processor_runs(choose, processor):
    assert choose(processor, ALL) == processor


def test_the_next_best_where_one_is_not_built(choose):
    assert choose("v4", ("v2", "base")) == "v2"


def test_a_lower_level_can_be_forced(choose, monkeypatch):
    monkeypatch.setenv("ARBORANK_LEVEL", "v2")
    assert choose("v4", ALL) == "v2"


@pytest.mark.parametrize("level", ["v4", "avx", ""])
def test_a_level_that_the_processor_does_not_run(choose, monkeypatch, level):
    monkeypatch.setenv("ARBORANK_LEVEL", level)
    with pytest.raises(ImportError, match=f"ARBORANK_LEVEL is '{level}'; this processor runs v3, v2, base"):
        choose("v3", ALL)


def test_nothing_is_built(choose):
    with pytest.raises(ImportError, match="no compiled kernels for v2, base: reinstall arborank"):
        choose("v2", ("v4", "v3"))

"""Every value that is tried can be trained, and is written as a configuration."""

import json

import pytest

from arborank import HybridRanker, TextRanker, XRLinear
from arborank.tune.setting import Setting, config_of, make_setting
from arborank.tune.space import DEFAULT, make_space

SPACE = make_space(XRLinear().get_params(deep=False), of_texts=True)
NEEDED = {"min_df": {"features": "words"}, "characters": {"features": "words + characters"}}
NEEDED |= {"max_features": NEEDED["min_df"], "character_weight": NEEDED["characters"]}
NEEDED |= {name: {"negatives": "tfn+man"} for name in ("combine", "beam_size")}


@pytest.mark.parametrize(
    ("name", "value"), [(axis.name, value) for axis in SPACE.axes for value in axis.values], ids=str
)
def test_every_value_can_be_trained(data, name, value):
    params = SPACE.complete({**NEEDED.get(name, {}), name: value})
    assert params[name] == value
    setting = make_setting(Setting(None, XRLinear(max_leaf_size=3)), params)
    TextRanker(**vars(setting), n_jobs=1).fit(*data[0])
    config = json.loads(json.dumps(config_of(setting)))
    if name in XRLinear().get_params():
        assert config["model"][name] == value
    elif name == "hybrid":
        assert isinstance(setting.model, HybridRanker)
        assert config == {"model": {"max_leaf_size": 3}, "hybrid": {}}
    elif name == "label_names":
        assert config["ranker"] == {name: value}
    else:
        assert config["features"]["parts"]


def test_defaults_change_nothing():
    setting = make_setting(Setting(None, XRLinear()), SPACE.defaults)
    assert setting.features is None
    assert config_of(setting) == {"model": {}}
    assert set(SPACE.defaults.values()) == {DEFAULT}


def test_starters_are_settings_of_the_space():
    assert len(SPACE.starters) >= 5
    for starter in SPACE.starters:
        assert SPACE.complete(starter).items() >= starter.items()


def test_what_a_ranker_has_anyway_is_no_other_value():
    space = make_space(XRLinear(branching=64).get_params(deep=False), of_texts=False)
    (branching,) = (axis for axis in space.axes if axis.name == "branching")
    assert 64 not in branching.values
    assert "features" not in space.defaults


def test_axes_count_where_they_mean_something():
    one_tree, several = (
        {"n_trees": n, "negatives": "tfn", "max_clusters": 1, "combine": "auto"} for n in (1, 3)
    )
    assert "max_clusters" in make_space(one_tree, of_texts=False).defaults
    assert "max_clusters" not in make_space(several, of_texts=False).defaults
    assert "max_clusters" in make_space(several, of_texts=False).complete({"n_trees": 1})
    assert "combine" in make_space(one_tree | {"negatives": "man"}, of_texts=False).defaults
    assert "combine" not in make_space(one_tree, of_texts=False).defaults
    assert "character_weight" not in SPACE.complete({"features": "words"})
    assert "beam_size" in SPACE.complete({"hybrid": True})
    assert "hybrid" not in make_space(one_tree, of_texts=False, merges=False).defaults

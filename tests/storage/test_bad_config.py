"""Settings in a saved model that are no number, or out of range: told when it is opened, by file and name."""

import json

import numpy as np
import pytest

from arborank import Ensemble, NgramTfidf, TextFeatures, TextRanker, XRLinear, load
from arborank.core.strings import StringTable
from arborank.storage.manifest import checksum

TEXTS = ["red apple", "green apple", "fast car", "old green car"]
LABELS = [["fruit"], ["fruit", "green"], ["vehicle"], ["vehicle", "green"]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    features = TextFeatures(parts=[NgramTfidf(), NgramTfidf(analyzer="char_wb")], weights=[1.0, 0.5])
    ranker = TextRanker(features=features, model=XRLinear(max_leaf_size=2, branching=2)).fit(TEXTS, LABELS)
    directory = tmp_path_factory.mktemp("bad") / "model"
    ranker.save(directory)
    return directory


def edit(directory, change):
    path = directory / "config.json"
    document = json.loads(path.read_text("utf-8"))
    change(document["model"])
    document["checksum"] = checksum(document)
    path.write_text(json.dumps(document), "utf-8")


def settings_of(node, place=()):
    """Yield where every setting of a model is: the parts that lead there, then the keys."""
    for key, value in node["config"].items():
        if isinstance(value, dict):
            yield from ((*place, "config", key, inner) for inner in value)
        else:
            yield (*place, "config", key)
    for name, part in node["parts"].items():
        yield from settings_of(part, (*place, "parts", name))


def set_to(node, place, value):
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value


@pytest.mark.parametrize("value", ["x", -3, [], {"a": 1}, 1e300], ids=str)
def test_every_setting_is_checked_when_a_model_is_opened(saved, value):
    text = (saved / "config.json").read_text("utf-8")
    places, untold = list(settings_of(json.loads(text)["model"])), {}
    assert len(places) > 50
    for place in places:
        edit(saved, lambda node, place=place: set_to(node, place, value))
        try:
            ranker = load(saved)
        except ValueError as error:
            if "config.json" not in str(error) or place[-1] not in str(error):
                untold[place] = str(error)
        else:
            assert ranker.rank("red apple", k=2)[0][0] == "fruit", place
        finally:
            (saved / "config.json").write_text(text, "utf-8")
    assert not untold


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("beam_size", "ten", "beam_size must be an integer, found 'ten'"),
        ("beam_size", 0, "beam_size must be at least 1, found 0"),
        ("Cp", [1.0, "x"], "Cp must be a number, found 'x'"),
        ("combine", "l9-hinge", "combine must be one of .* found 'l9-hinge'"),
        ("beam", 3, "beam"),
    ],
)
def test_wrong_parameter(saved, name, value, message):
    text = (saved / "config.json").read_text("utf-8")
    edit(saved, lambda node: node["parts"]["model"]["config"]["params"].update({name: value}))
    with pytest.raises(ValueError, match=rf"config\.json: model \(XRLinear\): .*{message}"):
        load(saved, verify=False)
    (saved / "config.json").write_text(text, "utf-8")


def test_a_model_that_could_not_be_opened_is_not_saved(tmp_path):
    model = XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])
    model.set_params(beam_size="ten")
    with pytest.raises(TypeError, match="beam_size must be an integer"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("kind", [str, int])
def test_as_many_classes_as_labels(tmp_path, kind):
    model = XRLinear().fit(np.eye(4), [kind(value) for value in (0, 1, 2, 3)])
    model.classes_ = model.classes_[:3]
    model.save(tmp_path)
    with pytest.raises(
        ValueError, match=r"config\.json.*classes has shape \(3,\), but the model has 4 labels"
    ):
        load(tmp_path)


def test_as_many_names_as_labels(tmp_path):
    ranker = TextRanker(features=NgramTfidf()).fit(TEXTS, LABELS)
    ranker.labels_ = StringTable(["fruit", "green"])
    ranker.save(tmp_path)
    with pytest.raises(ValueError, match="labels has 2 names, but the model has 3 labels"):
        load(tmp_path)


def test_counts_without_their_sum(tmp_path):
    XRLinear().fit(np.eye(4), [[0], [1], [2], [3]]).save(tmp_path)
    edit(tmp_path, lambda node: node["parts"]["fitted"]["config"].update(n_instances=None))
    with pytest.raises(ValueError, match="label_counts and n_instances belong together"):
        load(tmp_path)


def test_a_part_of_another_kind(tmp_path):
    XRLinear().fit(np.eye(4), [[0], [1], [2], [3]]).save(tmp_path)
    edit(
        tmp_path,
        lambda node: node["parts"]["fitted"]["parts"].update(
            tree={"kind": "Toy", "config": {}, "arrays": {}, "parts": {}}
        ),
    )
    with pytest.raises(
        ValueError, match=r"config\.json: fitted \(FittedTree, .*tree must be LabelTree, found Toy"
    ):
        load(tmp_path)


@pytest.mark.parametrize("value", ["x", 0, None])
def test_a_number_of_models_that_is_none(tmp_path, value):
    models = [XRLinear().fit(np.eye(4), [[0], [1], [2], [3]])]
    Ensemble.from_fitted(models).save(tmp_path)
    edit(tmp_path, lambda node: node["config"].update(n_models=value))
    with pytest.raises(ValueError, match="n_models must be"):
        load(tmp_path)

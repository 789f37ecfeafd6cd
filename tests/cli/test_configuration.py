"""`arborank train --config`."""

import json

import pytest

import arborank
from arborank.features import PARTS
from arborank.features.part import TfidfPart


def test_options_win_over_the_configuration(run, folder):
    config = {
        "features": {"parts": [{"analyzer": "char_wb", "ngram_range": [2, 3], "min_df": 1}]},
        "model": {"max_leaf_size": 4, "branching": 3, "Cp": 2.0, "max_clusters": 2, "copies": "all"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    run(
        "train",
        "train.jsonl",
        "-m",
        "configured",
        "--config",
        "config.json",
        "--branching",
        "2",
        "--ngrams",
        "3,3",
    )
    ranker = arborank.load(folder / "configured")
    part = ranker.features_.parts_[0]
    assert (part.analyzer, part.ngram_range, part.min_df) == ("char_wb", (3, 3), 1)
    assert (ranker.model_.max_leaf_size, ranker.model_.branching, ranker.model_.Cp) == (4, 2, 2.0)
    assert (ranker.model_.max_clusters, ranker.model_.copies) == (2, "all")
    assert ranker.model_.tree_.overlapping
    assert (ranker.model_.verbose, ranker.model_.n_jobs, ranker.features_.n_jobs) == (0, None, None)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ('{"modle": {}}', "'modle'"),
        ('{"model": {"treshold": 1}}', "'treshold'"),
        ('{"model": {"tree": 1}}', "'tree'"),
        ('{"features": {"parts": [{"ngram": 2}]}}', "parameter of NgramTfidf 'ngram'"),
        ('{"features": {"parts": [{"kind": "PrefixTfidf", "analyzer": "word"}]}}', "PrefixTfidf 'analyzer'"),
        ('{"features": {"parts": [{"kind": "os.system"}]}}', "kind 'os.system'"),
        ('{"features": {"parts": [{"kind": ["NgramTfidf"]}]}}', "known are NgramTfidf, PrefixTfidf"),
        ('{"features": {"parts": 3}}', "'parts'"),
        ('{"model": 3}', "'model'"),
        ('{"ranker": {"label_name": true}}', "ranker parameter 'label_name'"),
        (
            '{"model": {"max_clusters": 2, "copies": "most"}}',
            "copies must be one of 'needed', 'all', 'counted', found 'most'",
        ),
        ('{"model": {"Cp": 1, "eps": 0.1, "Cp": 2}}', "'Cp' is there twice"),
    ],
)
def test_configuration_mistakes_are_named_before_any_work(run, folder, config, named):
    (folder / "wrong.json").write_text(config)
    assert named in run("train", "train.jsonl", "-m", "no", "--config", "wrong.json", code=1).stderr
    assert not (folder / "no").exists()


def test_feature_options_do_not_fit_several_parts(run, folder):
    (folder / "two.json").write_text('{"features": {"parts": [{}, {"analyzer": "char"}]}}')
    result = run("train", "train.jsonl", "-m", "no", "--config", "two.json", "--min-df", "3", code=1)
    assert "2 parts" in result.stderr
    run("train", "train.jsonl", "-m", "two", "--config", "two.json")
    assert len(arborank.load(folder / "two").features_.parts_) == 2


def test_names_of_labels_are_learned_from_as_the_configuration_says(run, folder):
    (folder / "names.json").write_text('{"ranker": {"label_names": true}}')
    run("train", "train.jsonl", "-m", "named", "--config", "names.json")
    assert arborank.load(folder / "named").label_names_ is True
    run("train", "train.jsonl", "-m", "named", "--config", "names.json", "--no-label-names", "--force")
    assert arborank.load(folder / "named").label_names_ is False


@pytest.mark.parametrize("data", [["train.jsonl"], ["train.X.npz", "--labels", "train.Y.npz"]])
def test_a_section_makes_a_hybrid_ranker(run, folder, data):
    (folder / "hybrid.json").write_text(
        json.dumps({"hybrid": {"n_neighbours": 9}, "model": {"beam_size": 7}})
    )
    run("train", *data, "-m", "merged", "--config", "hybrid.json", "--force")
    model = arborank.load(folder / "merged")
    model = getattr(model, "model_", model)
    assert (model.n_neighbours, model.ranker_.beam_size) == (9, 7)
    (folder / "hybrid.json").write_text(json.dumps({"hybrid": {"ranker": None}}))
    told = run("train", *data, "-m", "other", "--config", "hybrid.json", code=1).stderr
    assert "unknown hybrid parameter 'ranker'" in told


def test_parts_of_any_kind(run, folder):
    parts = [{"kind": "PrefixTfidf", "ngram_range": [1, 2], "min_df": 1}, {"kind": "NgramTfidf"}, {}]
    (folder / "kinds.json").write_text(json.dumps({"features": {"parts": parts, "weights": [1, 0.5, 2]}}))
    run("train", "train.jsonl", "-m", "kinds", "--config", "kinds.json")
    features = arborank.load(folder / "kinds").features_
    assert [type(part).__name__ for part in features.parts_] == ["PrefixTfidf", "NgramTfidf", "NgramTfidf"]
    assert features.parts_[0].ngram_range == (1, 2)
    (folder / "one.json").write_text(json.dumps({"features": {"parts": parts[:1]}}))
    run("train", "train.jsonl", "-m", "one", "--config", "one.json", "--min-df", "3")
    assert arborank.load(folder / "one").features_.parts_[0].min_df == 3
    result = run("train", "train.jsonl", "-m", "no", "--config", "one.json", "--analyzer", "word", code=1)
    assert "parameter of PrefixTfidf 'analyzer'" in result.stderr


def test_every_kind_of_part_has_a_name():
    assert {kind.__name__: kind for kind in TfidfPart.__subclasses__()} == PARTS

"""A model of many files is that of one machine, to the byte."""

import json

import numpy as np
import pytest

from arborank import NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.datasets import Layout
from arborank.distributed import LocalExecutor, SerialExecutor, fit
from support.shards import made_up, ranker, state_of, write_shards

pytest.importorskip("pyarrow")


@pytest.mark.parametrize("n_shards", [1, 2, 7])
def test_any_number_of_shards(tmp_path, rows, expected, n_shards):
    kind = "parquet" if n_shards == 2 else "jsonl"
    shards = write_shards(tmp_path / "shards", *rows, n_shards, kind)
    model = fit(
        shards,
        tmp_path / "model",
        work_dir=tmp_path / "work",
        ranker=ranker(),
        executor=SerialExecutor(1),
        memory=1 << 20,
    )
    assert state_of(model) == expected


def test_processes_of_this_machine_and_another_bound_of_memory(tmp_path, rows, expected):
    shards = write_shards(tmp_path / "shards", *rows, 3)
    model = fit(shards, tmp_path / "model", work_dir=tmp_path / "work", ranker=ranker(), workers=2)
    assert state_of(model) == expected


@pytest.mark.parametrize(
    ("features", "settings", "label_names"),
    [
        (None, {}, True),
        (NgramTfidf(max_features=300, max_df=0.2), {"max_leaf_size": 1000}, False),
        (
            TextFeatures(
                parts=[PrefixTfidf(max_features=99), NgramTfidf(ngram_range=(1, 2))], weights=[1, 2]
            ),
            {"Cn": 0.5, "max_leaf_size": 20, "spherical": False, "max_sample": 60, "random_state": 3},
            True,
        ),
    ],
)
def test_other_settings(tmp_path, features, settings, label_names):
    texts, labels = made_up(700, 150, seed=4)
    model = TextRanker(features, XRLinear(**settings), label_names=label_names, n_jobs=1)
    shards = write_shards(tmp_path / "shards", texts, labels, 3)
    options = {
        "work_dir": tmp_path / "work",
        "ranker": model,
        "executor": SerialExecutor(1),
        "memory": 1 << 20,
    }
    found = fit(shards, tmp_path / "model", **options)
    assert state_of(found) == state_of(model.fit(texts, labels))


def test_weights_of_rows(tmp_path):
    texts, labels = made_up(700, 150, seed=4)
    weights = np.random.default_rng(0).integers(1, 5, size=700).astype(float).tolist()
    model = ranker(max_sample=60, max_rows=200, combine="l3-hinge")
    (tmp_path / "shards").mkdir()
    for number, rows in enumerate(np.array_split(np.arange(700), 3)):
        records = [{"text": texts[i], "labels": labels[i], "weight": weights[i]} for i in rows.tolist()]
        path = tmp_path / "shards" / f"part-{number}.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    options = {"work_dir": tmp_path / "work", "executor": SerialExecutor(1), "memory": 1 << 20}
    options["layout"] = Layout(weight_column="weight")
    for names in (False, True):  # documents of labels count 1
        model.set_params(label_names=names)
        found = fit(f"{tmp_path}/shards/*.jsonl", tmp_path / "model", ranker=model, **options)
        assert state_of(found) == state_of(model.fit(texts, labels, sample_weight=weights))
        assert state_of(found) != state_of(model.fit(texts, labels))


def test_texts_with_equal_labels_are_ranked(tmp_path):
    texts, labels = ["red apple", "green pear", "fast car"] * 20, [["fruit"], ["fruit"], ["car"]] * 20
    shards = write_shards(tmp_path / "shards", texts, labels, 2)
    with LocalExecutor(1) as executor:
        found = fit(shards, tmp_path / "model", work_dir=tmp_path / "work", executor=executor)
    assert found.rank("a red pear", k=1)[0][0] == "fruit"

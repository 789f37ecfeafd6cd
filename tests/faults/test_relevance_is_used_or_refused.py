"""Relevance, weights and texts about labels have an effect, wherever they are written, or are refused by name."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from arborank import Autocompleter, Ensemble, NgramTfidf, TextRanker, XRLinear
from arborank.autocomplete import read_log, read_pairs
from arborank.datasets import (
    Layout,
    TextData,
    TextRow,
    iter_jsonl,
    read_jsonl,
    read_parquet,
    read_tabbed,
    write_jsonl,
)
from arborank.metrics import evaluate

TEXTS = ["red fruit", "red car", "old fruit", "old car", "red", "old"]
LABELS = [["apple"], ["racer", "apple"], ["raisin"], ["oldtimer"], ["apple", "racer"], ["raisin", "oldtimer"]]
WEIGHTS = [[1.0], [5.0, 0.25], [1.0], [1.0], [0.1, 3.0], [2.0, 1.0]]
DICTS = [dict(zip(names, values, strict=True)) for names, values in zip(LABELS, WEIGHTS, strict=True)]


def fitted(labels, **options):
    return TextRanker(NgramTfidf(), options.pop("model", None)).fit(TEXTS, labels, **options)


def scores(ranker):
    return ranker.rank_batch(TEXTS, beam_size=4)


def test_relevance_reaches_the_model():
    ranker = fitted(LABELS, relevance=WEIGHTS)
    X, Y = ranker.features_.transform(TEXTS), ranker.encode_labels(LABELS)
    R = ranker.encode_labels(DICTS)
    np.testing.assert_array_equal(R.indices, Y.indices)
    assert R.toarray()[1, ranker.labels_.find("racer")] == 5.0
    model = XRLinear().fit(X, Y, relevance=R)
    np.testing.assert_array_equal(model.predict_topk(X, 4)[1], ranker.predict_topk(TEXTS, 4)[1])
    assert scores(ranker) != scores(fitted(LABELS))


@pytest.mark.parametrize(
    "labels",
    [
        DICTS,
        (row for row in DICTS),
        [dict(reversed(row.items())) for row in DICTS],
        [["apple"], *DICTS[1:]],  # a row without weights counts once
        ["apple", *DICTS[1:]],
        [iter(["apple"]), *DICTS[1:]],
    ],
)
def test_rows_may_map_labels_to_weights(labels):
    assert scores(fitted(labels)) == scores(fitted(LABELS, relevance=WEIGHTS))


def test_equal_weights_are_none():
    assert scores(fitted(LABELS, relevance=[[1] * len(row) for row in LABELS])) == scores(fitted(LABELS))


def test_relevance_comes_in_columns():
    expected = scores(fitted(LABELS, relevance=WEIGHTS))
    forms = [tuple(WEIGHTS), (np.array(row) for row in WEIGHTS)]
    pandas = pytest.importorskip("pandas")
    forms += [pandas.Series(WEIGHTS), pandas.DataFrame({"relevance": WEIGHTS})]
    for form in forms:
        assert scores(fitted(LABELS, relevance=form)) == expected
    single = [row[0] for row in LABELS]
    assert scores(fitted(single, relevance=[2.0] * 6)) == scores(fitted(single, relevance=[[2.0]] * 6))


def test_texts_about_labels_keep_the_relevance():
    texts = {"apple": "sweet fruit", "boat": "old red"}
    ranker = fitted(LABELS, relevance=WEIGHTS, label_texts=texts)
    assert "boat" in ranker.labels_
    assert scores(ranker) != scores(fitted(LABELS, label_texts=texts))


def test_an_ensemble_passes_it_on():
    both = Ensemble([XRLinear(), XRLinear(random_state=1)])
    assert scores(fitted(DICTS, model=both)) != scores(fitted(LABELS, model=both))


@pytest.mark.parametrize(
    ("labels", "relevance", "error", "message"),
    [
        (LABELS, WEIGHTS[:5], ValueError, "relevance has 5 entries but labels has 6"),
        (LABELS, [[1.0]] * 6, ValueError, "relevance of row 1 has 1 numbers, but labels has 2 there"),
        (
            LABELS,
            dict(enumerate(WEIGHTS)),
            TypeError,
            "relevance must be one list of numbers per text, found a dict",
        ),
        (DICTS, WEIGHTS, TypeError, "relevance is given, but labels of row 0 map labels to weights"),
        (
            [["apple", "apple"], *LABELS[1:]],
            [[1, 2], *WEIGHTS[1:]],
            ValueError,
            "labels of row 0 hold a name twice",
        ),
        (
            [{"apple": -1.0}, *LABELS[1:]],
            None,
            ValueError,
            "relevance of row 0 for 'apple' must be at least 0",
        ),
        (
            [{"apple": float("nan")}, *LABELS[1:]],
            None,
            ValueError,
            "relevance of row 0 for 'apple' must be finite",
        ),
        (
            [{"apple": "much"}, *LABELS[1:]],
            None,
            TypeError,
            "relevance of row 0 for 'apple' must be a number",
        ),
        ([{"apple": True}, *LABELS[1:]], None, TypeError, "relevance of row 0 for 'apple' must be a number"),
        ([{"apple": None}, *LABELS[1:]], None, TypeError, "relevance of row 0 for 'apple' must be a number"),
        ([{1: 2.0}, *LABELS[1:]], None, TypeError, "labels of row 0 hold 1; label names are str"),
    ],
)
def test_a_wrong_relevance_is_named(labels, relevance, error, message):
    with pytest.raises(error, match=message):
        fitted(labels, relevance=relevance)


class Plain(BaseEstimator):
    def fit(self, X, Y):
        raise AssertionError("not reached")

    def predict_topk(self, X, k):
        raise AssertionError("not reached")


def test_where_weights_have_no_use_they_are_refused():
    ranker = fitted(LABELS)
    for labels, relevance in ((DICTS, None), (LABELS, WEIGHTS)):
        with pytest.raises(TypeError, match="a relevance of labels is given, but Plain has no use for it"):
            fitted(labels, relevance=relevance, model=Plain())
    for call in (
        lambda: ranker.refresh_labels(["apple"], TEXTS, DICTS),
        lambda: ranker.add_labels(["boat"], TEXTS, [{"boat": 2.0}, *DICTS[1:]]),
    ):
        with pytest.raises(TypeError, match="labels of row 0 map labels to weights, which have no use here"):
            call()
    with pytest.raises(TypeError, match="Y row 0 map labels to weights"):
        XRLinear().fit(np.eye(2), [{0: 0.5}, {1: 0.5}])


def test_weights_are_truth_where_they_are_above_zero():
    ranker = fitted(LABELS)
    truth = ranker.encode_labels([{"apple": 0.5, "racer": 0.0}, *LABELS[1:]])
    ids, _ = ranker.predict_topk(TEXTS, 2)
    plain = ranker.encode_labels(LABELS)
    assert evaluate(truth, ids, ks=(1,)).metrics == evaluate(plain, ids, ks=(1,)).metrics


# ---------------------------------------------------------------- texts about labels


def test_texts_about_what_is_no_label():
    concat = XRLinear(representation="pifa-concat")
    about = {"apple": "a fruit", "aple": "a typing error", "pear": "another"}
    with pytest.raises(
        ValueError, match="label_texts is about 'aple' and 1 more labels, which no text has as a label"
    ):
        fitted(LABELS, label_texts=about, model=concat, learn_label_texts=False)
    assert (
        len(fitted(LABELS, label_texts={"apple": "a fruit"}, model=concat, learn_label_texts=False).labels_)
        == 4
    )
    assert len(fitted(LABELS, label_texts=about).labels_) == 6


# ---------------------------------------------------------------- files


def write(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_what_read_tabbed_gives_fits(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(
        "".join(
            ",".join(f"{name}::{weight}" for name, weight in row.items()) + f"\t{text}\n"
            for text, row in zip(TEXTS, DICTS, strict=True)
        )
    )
    data = read_tabbed(path, Layout(relevance_separator="::"))
    assert (data.labels, data.relevance) == (LABELS, WEIGHTS)
    assert scores(fitted(data.labels, relevance=data.relevance)) == scores(fitted(DICTS))


def test_relevance_in_json_lines(tmp_path):
    data = TextData(TEXTS, LABELS, WEIGHTS)
    write_jsonl(tmp_path / "a.jsonl", data)
    assert read_jsonl(tmp_path / "a.jsonl") == data
    path = write(
        tmp_path / "b.jsonl", *({"text": t, "labels": row} for t, row in zip(TEXTS, DICTS, strict=True))
    )
    assert read_jsonl(path) == data
    path = write(tmp_path / "c.jsonl", {"text": "a", "labels": [7], "gains": [0.5]})
    assert read_jsonl(path, Layout(relevance_column="gains")).relevance == [[0.5]]
    path = write(
        tmp_path / "d.jsonl", {"text": "a", "labels": []}, {"text": "b", "labels": ["x"], "relevance": [2]}
    )
    assert read_jsonl(path).relevance == [[], [2.0]]
    assert read_jsonl(path, Layout(relevance_column=None)).relevance is None


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"labels": ["x"], "relevance": [1, 2]}, r'"relevance" must hold one finite number.*found \[1, 2\]'),
        ({"labels": ["x"], "relevance": ["1"]}, '"relevance" must hold one finite number'),
        ({"labels": ["x"], "relevance": 1}, '"relevance" must hold one finite number'),
        ({"labels": ["x"], "relevance": [-1]}, '"relevance" must hold one finite number'),
        ({"labels": ["x"], "relevance": [float("nan")]}, '"relevance" must hold one finite number'),
        ({"labels": {"x": True}}, '"labels" must hold one finite number'),
        ({"labels": {"x": None}}, '"labels" must hold one finite number'),
        ({"labels": {"": 1.0}}, '"labels" must be a list of non-empty strings'),
        ({"labels": {"x": 1}, "relevance": [1]}, "both give a relevance"),
        (
            {"labels": ["x"], "weights": [1]},
            '"weights" is not read; the relevance of labels stands in "relevance"',
        ),
        ({"labels": ["x"], "label_weights": {"x": 1}}, '"label_weights" is not read'),
        ({"labels": ["x"], "Scores": [1]}, '"Scores" is not read'),
        ({"labels": ["x"], "relevence": [1]}, '"relevence" is not read'),
        ({"labels": ["x"], "counts": [1]}, '"counts" is not read'),
    ],
)
def test_weights_that_json_lines_would_lose(tmp_path, record, message):
    path = write(tmp_path / "a.jsonl", {"text": "good", "labels": []}, {"text": "a", **record})
    with pytest.raises(ValueError, match=rf"a\.jsonl:2: .*{message}"):
        read_jsonl(path)


def test_other_keys_are_passed_over(tmp_path):
    path = write(
        tmp_path / "a.jsonl", {"text": "a", "labels": ["x"], "id": 7, "score": 3, "tags": ["b"], "year": [1]}
    )
    assert list(iter_jsonl(path)) == [TextRow("a", ["x"])]


def test_relevance_of_some_rows_only(tmp_path):
    path = write(tmp_path / "a.jsonl", {"text": "a", "labels": ["x"]}, {"text": "b", "labels": {"x": 2}})
    with pytest.raises(ValueError, match=r"a\.jsonl: 1 of 2 rows have no relevance, but others have one"):
        read_jsonl(path)


def test_relevance_in_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"text": TEXTS, "labels": LABELS, "relevance": WEIGHTS})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_parquet(tmp_path / "a.parquet") == TextData(TEXTS, LABELS, WEIGHTS)
    assert read_parquet(tmp_path / "a.parquet", Layout(relevance_column=None)).relevance is None
    short = pyarrow.table({"text": ["a"], "labels": [["x"]], "relevance": [[1.0, 2.0]]})
    parquet.write_table(short, tmp_path / "b.parquet")
    with pytest.raises(ValueError, match='row 0: "relevance" must hold one finite number'):
        read_parquet(tmp_path / "b.parquet")


def test_counts_that_a_log_would_lose(tmp_path):
    for key in ("count", "counts", "weight", "frequency"):
        row = {"session": "a", "time": 1, "query": "red", key: 7}
        with pytest.raises(ValueError, match=rf'a\.jsonl:1: "{key}" is not read: a line counts once'):
            read_log(write(tmp_path / "a.jsonl", row))
        with pytest.raises(ValueError, match=rf'a\.jsonl:1: "{key}" is not read'):
            read_pairs(write(tmp_path / "a.jsonl", {"previous": [], "query": "red", key: 7}))
    rows = read_log(write(tmp_path / "a.jsonl", {"session": "a", "time": 1, "query": "red", "agent": "x"}))
    assert Autocompleter().fit(rows).complete("r")

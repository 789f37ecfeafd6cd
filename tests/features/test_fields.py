"""Instances of several fields: token lists, texts of their own for each part, and rankers over them."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

import arborank
from arborank import NgramTfidf, TextFeatures, TextRanker
from arborank.features import MultiFieldFeatures
from support.fruit import rows

TEXTS, LABELS = rows(120, 0)
LEMMAS = [[word.removesuffix("ish") for word in text.split()] for text in TEXTS]
BOOKS = [{"lemmas": lemmas, "text": text} for lemmas, text in zip(LEMMAS, TEXTS, strict=True)]


def features(**options):
    lemmas = NgramTfidf(tokens="whitespace", lowercase=False)
    letters = TextFeatures(parts=[NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))])
    return MultiFieldFeatures({"lemmas": lemmas, "text": letters}, **options)


def test_every_part_reads_its_own_field():
    joint = features(norm=None, weights={"text": 0.5}).fit(BOOKS)
    words = NgramTfidf(tokens="whitespace", lowercase=False).fit_transform([" ".join(one) for one in LEMMAS])
    letters = NgramTfidf(analyzer="char_wb", ngram_range=(3, 3)).fit_transform(TEXTS)
    right = sp.hstack([words, letters * np.float32(0.5)])
    assert abs(joint.transform(BOOKS) - right).max() < 1e-6
    assert "lemmas:apple" in joint.get_feature_names_out()
    assert "lemmas:appleish" not in joint.get_feature_names_out()
    lengths = sp.linalg.norm(features().fit_transform(BOOKS), axis=1)
    assert np.allclose(lengths, 1)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_frame_has_a_column_for_every_field(library):
    make = pytest.importorskip(library)
    columns = {"lemmas": LEMMAS, "text": TEXTS, "year": list(range(120))}
    frame = make.table(columns) if library == "pyarrow" else make.DataFrame(columns)
    assert abs(features().fit_transform(frame) - features().fit_transform(BOOKS)).nnz == 0
    ranker = TextRanker(features()).fit(frame, LABELS)
    assert ranker.rank_batch(frame, 2) == ranker.rank_batch(BOOKS, 2)
    with pytest.warns(UserWarning, match="few to calibrate"):
        calibrated = ranker.calibrate(frame, LABELS)
    assert calibrated.calibration_ is not None
    newer = ranker.add_labels(["new"], frame, [["new"], *LABELS[1:]]).partial_fit(frame, LABELS)
    assert "new" in newer.labels_
    without = frame.drop(columns="text") if library == "pandas" else frame.drop("text")
    with pytest.raises(
        TypeError, match="field 'text' of instance 0 must be a str or a list of str, found None"
    ):
        ranker.rank_batch(without)


def test_a_frame_with_two_columns_of_one_name():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="instances has 2 columns called 'text'"):
        features().fit(pandas.DataFrame([["a", "b"]], columns=["text", "text"]))


def test_tokens_are_taken_as_they_are():
    part = NgramTfidf(tokens="whitespace", lowercase=False)
    joint = MultiFieldFeatures({"tokens": part}).fit([{"tokens": ["New York", "C++", "a"]}])
    assert joint.get_feature_names_out().tolist() == ["tokens:C++", "tokens:New_York", "tokens:a"]


def test_a_ranker_over_fields(tmp_path):
    ranker = TextRanker(features()).fit(BOOKS, LABELS)
    right = ranker.rank(BOOKS[0], 2)
    assert {name for name, _ in right} == set(LABELS[0])
    ranker.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model", n_jobs=1)
    assert again.rank_batch(BOOKS[:1], 2) == [right]
    assert [part.n_jobs for part in again.features_.parts_.values()] == [1, 1]
    assert ranker.rank("apple", 1)  # one text for all fields
    named = TextRanker(features(), label_names=True).fit(BOOKS, LABELS)
    assert named.rank({"lemmas": ["apple"], "text": "apple"}, 1)[0][0] == "apple"
    X = ranker.features_.transform(BOOKS)
    assert TextRanker(ranker.features_).fit_matrix(X, LABELS).rank(BOOKS[0], 2) == right


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (5, "instance 1 must map fields to texts, or be a str; found int"),
        ({"text": "a"}, "field 'lemmas' of instance 1 must be a str or a list of str, found None"),
        ({"lemmas": ["a", 5], "text": "a"}, "field 'lemmas' of instance 1 must be a str or a list of str"),
        (
            {"lemmas": ["a"], "text": ["a"]},
            "field 'text' of instance 1 is a list of tokens; its part must be",
        ),
    ],
)
def test_instances_that_do_not_fit(instance, message):
    with pytest.raises(TypeError, match=message):
        features().fit([BOOKS[0], instance])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (MultiFieldFeatures({}), TypeError, "parts must map the names of fields"),
        (MultiFieldFeatures({"a b": NgramTfidf()}), ValueError, "names a field 'a b'"),
        (MultiFieldFeatures({"a": object()}), TypeError, r"parts\['a'\] must be a vectoriser"),
        (features(norm="l3"), ValueError, "norm"),
        (features(weights={"title": 1.0}), ValueError, "weights has 'title', which is no field"),
        (features(weights={"text": 0.0}), ValueError, "weights has 0.0 for 'text'"),
    ],
)
def test_parameters_that_cannot_be(given, error, message):
    with pytest.raises(error, match=message):
        given.fit([{"a": "a", "lemmas": ["a"], "text": "a b c"}])


def test_before_fit():
    with pytest.raises(NotFittedError):
        features().transform(BOOKS)
    with pytest.raises(ValueError, match="texts has 1 entries but labels has 120"):
        TextRanker(features()).fit(BOOKS[:1], LABELS)

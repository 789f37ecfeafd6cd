"""Benchmarks by name, splits that are the same everywhere, and pairs that training tells."""

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.datasets import (
    MatrixData,
    TextData,
    load_benchmark,
    read_lf,
    reciprocal_pairs,
    split,
    write_sparse,
    write_xmc,
)

X = sp.csr_array(np.arange(1, 13, dtype=np.float32).reshape(4, 3))
Y = sp.csr_array(np.array([[1, 0], [0, 1], [1, 1], [1, 0]], np.float32))


@pytest.mark.parametrize(
    ("name", "folder", "files", "constants"),
    [
        ("Eurlex-4K", "Eurlex-4K", ("train.txt", "test.txt"), (0.55, 1.5)),
        ("Eurlex-4K", "Eurlex", ("eurlex_train.txt", "eurlex_test.txt"), None),
        ("AmazonCat-13K", "AmazonCat-13K.bow", ("train.txt.gz", "test.txt.gz"), (0.6, 2.6)),
        ("wiki10-31k", "Wiki10-31K", ("wiki10_train.txt", "wiki10_test.txt"), (0.5, 0.4)),
    ],
)
def test_layouts_of_matrices(tmp_path, name, folder, files, constants):
    place = tmp_path / folder
    place.mkdir()
    for file, n in zip(files, (4, 2), strict=True):
        write_xmc(place / file, X[:n], Y[:n])
    if constants is None:
        with pytest.raises(FileNotFoundError, match="has no folder Eurlex-4K; there are: Eurlex"):
            load_benchmark(name, tmp_path)
        return
    for directory in (tmp_path, place):
        data = load_benchmark(name, directory)
        assert (data.train.X != X).nnz == (data.train.Y != Y).nnz == 0
        assert data.test.Y.shape == (2, 2)
        assert constants == (data.A, data.B)


def test_layouts_with_label_features(tmp_path):
    place = tmp_path / "LF-AmazonTitles-131K"
    place.mkdir()
    for part in ("trn", "tst"):
        write_sparse(place / f"{part}_X_Y.txt", Y)
        write_sparse(place / f"{part}_X_Xf.txt", X)
    data = load_benchmark("LF-AmazonTitles-131K", tmp_path)
    assert (data.A, data.B) == (0.6, 2.6)
    assert (data.test.X != read_lf(place, "test").X).nnz == 0


def test_benchmarks_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no directory"):
        load_benchmark("Eurlex-4K", tmp_path / "missing")
    (tmp_path / "Eurlex-4K").mkdir()
    with pytest.raises(FileNotFoundError, match=r"has neither trn_X_Y\.txt nor.*eurlex_train\.txt"):
        load_benchmark("Eurlex-4K", tmp_path)
    for name in ("", 4):
        with pytest.raises(ValueError, match="name must be that of a data set"):
            load_benchmark(name, tmp_path)


def test_a_split_is_the_same_everywhere():
    data = TextData([str(i) for i in range(20)], [[str(i)] for i in range(20)])
    train, test = split(data, 0.25, random_state=3)
    assert test.texts == ["0", "1", "4", "7", "9"]
    assert sorted([*train.texts, *test.texts], key=int) == data.texts
    assert train.labels == [[text] for text in train.texts]
    assert split(data, 0.25, random_state=3)[1] == test
    assert split(data, 0.25, random_state=4)[1] != test
    matrices = MatrixData(Y, X, filter_pairs=np.array([[0, 1], [3, 0]]))
    first, second = split(matrices, 0.5)
    assert len(first) == len(second) == 2
    assert len(first.filter_pairs) + len(second.filter_pairs) == 2


@pytest.mark.parametrize(
    ("data", "test", "error", "message"),
    [
        (TextData(["a"], [["b"]]), 0.5, ValueError, "each needs one"),
        (TextData(["a", "b"], [["b"], []]), 0.0, ValueError, "test must be"),
        (TextData(["a", "b"], [["b"], []]), 1.0, ValueError, "each needs one"),
        (TextData(["a", "b"], [["b"], []]), "half", TypeError, "test must be"),
        ([["a", "b"]], 0.5, TypeError, "data must be TextData or MatrixData, found list"),
    ],
)
def test_splits_that_cannot_be(data, test, error, message):
    with pytest.raises(error, match=message):
        split(data, test)


def test_pairs_that_training_tells():
    names = ["lamp", "bulb", "desk"]
    train = MatrixData(
        sp.csr_array(np.array([[0, 1, 0], [0, 0, 1]], np.float32)), texts=["lamp", "chair"], label_texts=names
    )
    test = MatrixData(
        sp.csr_array(np.array([[1, 0, 1], [1, 0, 0]], np.float32)), texts=["bulb", "sofa"], label_texts=names
    )
    # the bulb itself, and the lamp, whose label was the bulb
    assert reciprocal_pairs(train, test).tolist() == [[0, 0], [0, 1]]
    with pytest.raises(ValueError, match="test has no texts"):
        reciprocal_pairs(train, MatrixData(test.Y, label_texts=names))
    with pytest.raises(ValueError, match="test has other labels"):
        reciprocal_pairs(train, MatrixData(test.Y, texts=test.texts, label_texts=names[::-1]))

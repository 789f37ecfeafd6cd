"""Every matrix that a user gets is a SciPy array: it can be shown, sliced, split, stacked and changed."""

import copy
import inspect
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

import arborank
from arborank import Autocompleter, LabelTree, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.core.sparse import as_csr
from arborank.datasets import (
    MatrixData,
    read_lf,
    read_npz,
    read_pecos,
    read_sparse,
    read_xmc,
    write_sparse,
    write_xmc,
)
from arborank.features.vocabulary import Vocabulary
from arborank.indexing import pifa, pifa_compact, pifa_with_features, pii
from arborank.matching import combination
from arborank.metrics import judge

TEXTS = ["red fruit", "yellow fruit", "fast car", "old car"]
LABELS = [["apple"], ["banana"], ["racer"], ["oldtimer"]]
X = sp.random_array((6, 5), density=0.5, rng=0, dtype=np.float32).tocsr()
Y = sp.csr_array(np.eye(6, 3, dtype=np.float32))


def npz(folder):
    sp.save_npz(folder / "x.npz", X)
    return [read_npz(folder / "x.npz")]


def xmc(folder):
    write_xmc(folder / "d.txt", X, Y)
    data = read_xmc(folder / "d.txt")
    return [data.X, data.Y]


def sparse(folder):
    write_sparse(folder / "x.txt", X)
    return [read_sparse(folder / "x.txt")]


def lf(folder):
    write_sparse(folder / "trn_X_Xf.txt", X)
    write_sparse(folder / "trn_X_Y.txt", Y)
    data = read_lf(folder)
    return [data.X, data.Y]


def pecos(folder):
    sp.save_npz(folder / "X.trn.npz", X)
    sp.save_npz(folder / "Y.trn.npz", Y)
    data = read_pecos(folder)
    return [data.X, data.Y]


def vectorisers(folder):
    made = [NgramTfidf(), TextFeatures(), PrefixTfidf()]
    return [one.fit_transform(TEXTS) for one in made] + [one.transform(TEXTS[:2]) for one in made]


def label_matrices(folder):
    ranker = TextRanker(NgramTfidf()).fit(TEXTS, LABELS)
    return [ranker.encode_labels(LABELS[:2])]


def trees(folder):
    tree = LabelTree.from_clusters([0, 0, 1])
    return [tree.lift(Y, 1), tree.membership(1), pifa(X, Y), pii(Y), pifa_with_features(X, Y, np.eye(3))]


def answers(folder):
    model = XRLinear().fit(X, Y)
    return [model.decision_function(X), model.predict(X), judge(Y, [[0, 1]] * 6).truth]


@pytest.mark.parametrize(
    "make",
    [npz, xmc, sparse, lf, pecos, vectorisers, label_matrices, trees, answers],
    ids=lambda f: f.__name__,
)
def test_a_matrix_is_a_csr_array(make, tmp_path):
    for matrix in make(tmp_path):
        assert isinstance(matrix, sp.csr_array)
        assert matrix.dtype == np.float32
        matrix.check_format(full_check=True)
        assert str(matrix.shape) in repr(matrix)
        dense = matrix.toarray()
        np.testing.assert_array_equal(matrix[[1, 0]].toarray(), dense[[1, 0]])
        np.testing.assert_array_equal(matrix[:, :2].toarray(), dense[:, :2])
        np.testing.assert_array_equal((matrix @ matrix.T).toarray(), (matrix @ dense.T))
        np.testing.assert_array_equal(sp.vstack([matrix, matrix]).toarray(), np.vstack([dense, dense]))
        first, second = train_test_split(matrix, random_state=0)
        assert first.shape[0] + second.shape[0] == matrix.shape[0]
        matrix.data *= 2  # it is the caller's own
        np.testing.assert_array_equal(matrix.toarray(), 2 * dense)


def test_indices_are_of_one_width_that_scipy_takes(tmp_path):
    (matrix,) = npz(tmp_path)
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32


def test_what_the_readers_give_trains_a_model(tmp_path):
    data = MatrixData(*reversed(xmc(tmp_path)))
    half = MatrixData(data.Y[:3], data.X[:3])
    model = XRLinear().fit(half.X, half.Y)
    assert model.predict_topk(data.X, 1)[0].shape == (6, 1)
    assert "csr" in repr(half).lower() or "Compressed Sparse Row" in repr(half)


def test_a_vectoriser_of_scikit_learn_takes_the_place_of_ours(tmp_path):
    ranker = TextRanker(features=TfidfVectorizer()).fit(TEXTS, LABELS)
    assert [name for name, _ in ranker.rank("yellow fruit", k=1)] == ["banana"]
    assert ranker.add_labels(["boat"], ["old boat car", *TEXTS], [["boat"], *LABELS]).rank("boat", 1)
    ranker.features_.tokenizer = str.split
    with pytest.raises((TypeError, ImportError), match="TfidfVectorizer"):
        ranker.save(tmp_path / "unused")


# ---------------------------------------------------------------- what is no matrix can be read, too


def test_representations_are_for_readers():
    model = XRLinear(max_leaf_size=2).fit(X, Y)
    features = TextFeatures(parts=[NgramTfidf(stop_words=["of"])]).fit(TEXTS)
    part, completer = features.parts_[0], Autocompleter().fit([("a", 1, "red fruit"), ("a", 2, "red car")])
    every = [1, 1, 1]
    pairs = [
        (model.prepare_filter(), "<LabelFilter: 3 of 3 labels>"),
        (model.prepare_filter(candidates=[0, 2], exclude=[2]), "<LabelFilter: 1 of 3 labels>"),
        (model.prepare_filter(exclude=[2], label_weights=every), "<LabelFilter: 2 of 3 labels, weighted>"),
        (model.prepare_filter(label_weights=[1, 0, 0]), "<LabelFilter: 1 of 3 labels, weighted>"),
        (model.tree_, "LabelTree(n_labels=3, level_sizes=(1, 2, 3))"),
        (model.layers_[-1], "LayerWeights(3 children of 2 parents, 5 features, float32)"),
        (model.layers_[-1].native, "<Layer: 3 children of 2 parents>"),
        (model.fitted_.search, "BeamSearch(2 layers above 3 labels)"),
        (part.terms_, "Vocabulary(['car', 'fast', 'fruit', …]) of 6 terms"),
        (
            Vocabulary(np.zeros(0, np.uint8), np.zeros(1, np.int64), part.terms_.slots),
            "Vocabulary([]) of 0 terms",
        ),
        (completer.catalogue_, "Catalogue(['red car', 'red fruit']) of 2 queries"),
        (pifa_compact(X, Y), f"<CompactRows: 3 x 5, {pifa(X, Y).nnz} stored values>"),
        (as_csr(X), f"<Csr: 6 x 5, {X.nnz} stored values>"),
        (combination("log-l3-hinge"), "<Combination: hinge to the power 3, logarithms>"),
    ]
    for thing, shown in pairs:
        assert repr(thing) == shown
    assert repr(part._text_options()).startswith("TextOptions(analyzer='word', tokens='word2'")
    assert "1 stop words" in repr(part._text_options())


def test_no_native_object_shows_its_address():
    natives = [value for value in vars(arborank._native).values() if inspect.isclass(value)]
    assert len(natives) > 5
    for kind in natives:
        assert kind.__repr__ is not object.__repr__, kind


@pytest.mark.parametrize("clone", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_filter_is_not_copied_without_its_model(clone):
    prepared = XRLinear().fit(X, Y).prepare_filter(candidates=[0])
    with pytest.raises(TypeError, match=r"belongs to one model in memory.*prepare_filter"):
        clone(prepared)

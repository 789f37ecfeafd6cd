"""What a fitted model holds is one value, which is shared and never changed."""

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from arborank import XRLinear, load

SMALL_TREE = {"branching": 3, "max_leaf_size": 8}


def test_attributes_show_the_fitted_value(topics):
    X, Y = topics
    model = XRLinear(**SMALL_TREE)
    for name in ("tree_", "layers_", "row_length_", "n_labels_", "label_counts_", "n_instances_"):
        assert not hasattr(model, name)
    fitted = model.fit(X, Y).fitted_
    assert model.tree_ is fitted.tree
    assert model.layers_ == list(fitted.layers)
    assert (model.n_labels_, model.n_instances_) == (60, 300)
    assert model.label_counts_.tolist() == np.bincount(Y.indices, minlength=60).tolist()
    with pytest.raises(FrozenInstanceError):
        fitted.row_length = 2.0


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_makes_its_own_search(topics, how):
    X, Y = topics
    fitted = XRLinear(**SMALL_TREE).fit(X, Y).fitted_
    search = fitted.search
    assert fitted.search is search
    other = how(fitted)
    assert other.search is not search
    row = XRLinear(**SMALL_TREE).fit(X, Y)
    row.fitted_ = other
    assert np.array_equal(row.predict_topk(X)[1], XRLinear(**SMALL_TREE).fit(X, Y).predict_topk(X)[1])


def test_a_fit_that_fails_leaves_the_model_as_it_was(topics):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    fitted = model.fitted_
    with pytest.raises(ValueError, match="relevance"):
        model.fit(X, Y, relevance=Y[:, :-1])
    assert model.fitted_ is fitted
    with pytest.raises(NotFittedError):
        XRLinear().quantize()


def test_rows_are_divided_by_a_length_that_is_given(topics, tmp_path):
    X, Y = topics
    expected = XRLinear(**SMALL_TREE).fit(X, Y).predict_topk(X)
    model = XRLinear(**SMALL_TREE).fit(X * 64, Y, row_length=64)
    assert model.row_length_ == 64
    model.save(tmp_path / "model")
    for found in (model.predict_topk(X * 64), load(tmp_path / "model").predict_topk(X * 64)):
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])
    with pytest.raises(ValueError, match="row_length must be above 0, found 0"):
        XRLinear().fit(X, Y, row_length=0)
    with pytest.raises(TypeError, match="row_length must be a number"):
        XRLinear().fit(X, Y, row_length="1")


def test_an_update_keeps_the_names_of_features(topics):
    X, Y = topics
    frame = pd.DataFrame(X.toarray(), columns=[f"f{i}" for i in range(X.shape[1])])
    model = XRLinear(**SMALL_TREE).fit(frame, Y)
    for other in (model.remove_labels([0]), model.quantize(), model.add_labels(frame, Y[:, :1])):
        assert other.feature_names_in_.tolist() == list(frame.columns)
        with pytest.raises(ValueError, match="feature names"):
            other.predict_topk(frame[frame.columns[::-1]])


def test_layers_of_a_loaded_or_copied_model_share_the_ranks_of_features(topics, tmp_path):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    model.save(tmp_path / "first")
    load(tmp_path / "first").quantize("float16").save(tmp_path / "second")
    loaded = [load(tmp_path / name) for name in ("first", "second")]
    for one in (*loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        first, *others = one.layers_
        assert others
        assert all(np.shares_memory(layer.ranks, first.ranks) for layer in others)

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from arborank.core.sparse import as_csr
from arborank.features import NgramTfidf, TextFeatures
from arborank.linear.pecos import import_xlinear
from arborank.matching import BeamSearch
from arborank.storage import Savable, load, save
from arborank.storage.kinds import KINDS, class_of

PECOS = Path(__file__).parent.parent / "support" / "pecos-model"
TEXTS = ["a red apple", "a green apple", "ein grüner Apfel", "", "apple\npie"]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"Toy"}))
def test_every_kind_can_be_imported_and_saved(kind):
    if kind == "Encoder":
        pytest.importorskip("torch")
    found = class_of(kind)
    assert found.__name__ == kind
    assert issubclass(found, Savable)


def make_words():
    return NgramTfidf(ngram_range=(1, 2), min_df=1)


def make_union():
    return TextFeatures(
        parts=[NgramTfidf(), NgramTfidf(analyzer="char_wb", ngram_range=(2, 3))], weights=[1.0, 0.5]
    )


@pytest.mark.filterwarnings("ignore:.*have no term:UserWarning")
@pytest.mark.parametrize("make", [make_words, make_union])
def test_text_features(tmp_path, make):
    features = make().fit(TEXTS)
    save(features, tmp_path / "f")
    loaded = load(tmp_path / "f")
    before, after = features.transform(TEXTS), loaded.transform(TEXTS)
    np.testing.assert_array_equal(after.toarray(), before.toarray())


def test_search_over_mapped_layers(tmp_path):
    model = import_xlinear(PECOS / "kmeans")
    X = as_csr(sp.load_npz(PECOS / "queries.npz"), "X")
    save(model.tree, tmp_path / "tree")
    tree = load(tmp_path / "tree")
    assert tree == model.tree
    layers = []
    for number, layer in enumerate(model.layers):
        save(layer, tmp_path / str(number))
        layers.append(load(tmp_path / str(number), verify=False))
        assert not layers[-1].arrays["units"].flags.owndata
    results = [
        BeamSearch(t.branches, ls, t.labels, t.n_labels).topk(X, 5)
        for t, ls in ((model.tree, model.layers), (tree, layers))
    ]
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])

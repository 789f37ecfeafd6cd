"""Why a transformer ranks a label where it does: terms, and one entry for the embedding."""

import numpy as np
import pytest

from arborank import NgramTfidf, TextFeatures, XRLinear
from arborank.analysis.explain import explain

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from arborank.transformer import XRTransformer, XTransformer  # noqa: E402

SMALL = {"branching": 4, "max_leaf_size": 4, "n_jobs": 1, "precision": "float32", "epochs": 0.0}


@pytest.mark.parametrize("cls", [XRTransformer, XTransformer])
@pytest.mark.parametrize("rank_on", ["joint", "embeddings"])
def test_it_adds_up_to_the_score(folder, data, cls, rank_on):
    texts, Y, new, _ = data
    ranker = XRLinear(branching=4, max_leaf_size=4, threshold=0.0)
    model = cls(folder, features=NgramTfidf(), rank_on=rank_on, ranker=ranker, **SMALL).fit(texts, Y)
    ids, scores = model.predict_topk(new[:2], 32, beam_size=32)
    words = set(new[0].split())
    for place in (0, 1, 9):
        label = int(ids[0, place])
        (path,) = explain(model, new[0], label, n_features=10_000)
        assert path.score == pytest.approx(float(scores[0, place]), abs=1e-4)
        for step in path.steps:
            named = dict(step.features)
            assert len(named) == len(step.features)
            assert named.keys() <= words | {"embedding"}
            assert "embedding" in named
            assert step.margin == pytest.approx(step.bias + sum(named.values()), abs=1e-4)
            sizes = [abs(value) for value in named.values()]
            assert sizes == sorted(sizes, reverse=True)
            assert rank_on == "joint" or set(named) == {"embedding"}
    if rank_on == "joint":
        assert len(explain(model, new[0], 0, n_features=1)[0].steps[0].features) == 1


def test_own_features_are_numbers(folder, data):
    texts, Y = data[0][:64], data[1][:64]
    vectoriser = TextFeatures()
    X = vectoriser.fit_transform(texts)
    model = XRTransformer(folder, **SMALL).fit(texts, Y, X)
    (path,) = explain(model, texts[0], Y[0][0], X=X[[0]], n_features=500)
    found = {name for step in path.steps for name, _ in step.features}
    assert found - {"embedding"} <= set(np.flatnonzero(np.asarray(X[[0]].todense()).ravel()).tolist())
    assert len(found) > 1
    with pytest.raises(ValueError, match="X was not given, but fit was given one"):
        explain(model, texts[0], 0)


def test_refuses(folder, data):
    model = XRTransformer(folder, features=NgramTfidf(), **SMALL)
    with pytest.raises(ValueError, match="not fitted"):
        explain(model, data[0][0], 0)
    model.fit(data[0][:64], data[1][:64])
    with pytest.raises(TypeError, match="x must be a str, found list"):
        explain(model, [data[0][0]], 0)
    with pytest.raises(ValueError, match="label must be between 0 and 31"):
        explain(model, data[0][0], 32)

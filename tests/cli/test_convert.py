"""`arborank convert`."""

import json
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import arborank


def test_converted_model_gives_the_scores_of_pecos(run, folder):
    fixture = Path(__file__).parent.parent / "support" / "pecos-model"
    run("convert", fixture / "kmeans", "from-pecos")
    lines = run("predict", "from-pecos", fixture / "queries.npz", "-k", "2").stdout.splitlines()
    model = arborank.XRLinear.from_pecos(fixture / "kmeans")
    ids, scores = model.predict_topk(sp.load_npz(fixture / "queries.npz"), 2)
    assert [json.loads(line)["labels"] for line in lines] == ids.tolist()
    np.testing.assert_allclose([json.loads(line)["scores"] for line in lines], scores, rtol=1e-5)
    run("inspect", "from-pecos", "--branches")
    run("convert", fixture / "kmeans", "from-pecos", code=2)


def test_convert_names_what_is_wrong_with_the_folder(run, folder):
    (folder / "not-pecos").mkdir()
    result = run("convert", "not-pecos", "converted", code=1)
    assert "not-pecos" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "converted").exists()

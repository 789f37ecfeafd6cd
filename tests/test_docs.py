"""The examples of the guides run."""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

DOCS = Path(__file__).parents[1] / "docs"


def plain_data():
    """96 instances of 12 labels: a feature for each label and for each group of three."""
    label = np.arange(96) % 12
    X = np.zeros((96, 16), np.float32)
    X[np.arange(96), label // 3] = 1.0
    X[np.arange(96), 4 + label] = 1.0
    return sp.csr_array(X), sp.csr_array(np.eye(12, dtype=np.float32)[label])


@pytest.mark.parametrize("guide", ["custom-stages.md", "disentanglement.md"])
def test_guide(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / guide).read_text(encoding="utf-8")
    X, Y = plain_data()
    names = {"X": X, "Y": Y}
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, guide, "exec"), names)
    ids = names["model"].predict_topk(X, 1)[0]
    assert np.mean(Y.toarray()[np.arange(96), ids[:, 0]]) > 0.9

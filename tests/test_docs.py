"""The examples of the guides run."""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("guide", ["custom-stages.md", "disentanglement.md"])
def test_guide(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / guide).read_text(encoding="utf-8")
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, guide, "exec"), names)
    ids = names["model"].predict_topk(names["X"], 1)[0]
    Y = sp.csr_array(names["Y"]).toarray()
    assert np.mean(Y[np.arange(len(Y)), ids[:, 0]]) > 0.9


def test_the_guide_shows_two_senses(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "disentanglement.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "disentanglement.md", "exec"), names)
    assert names["leaves"].size == 2
    assert len(names["senses"]) == 2
    assert names["picture"].count("together with") == 2

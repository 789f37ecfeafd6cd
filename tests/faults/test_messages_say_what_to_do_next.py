"""An error of the library names what was found and what to do next: near names of a model, the kind of a path."""

import numpy as np
import pytest

import arborank
from arborank import XRLinear


@pytest.fixture
def models(tmp_path):
    model = XRLinear().fit(np.eye(3), [[0], [1], [2]])
    for name in ("small", "large"):
        model.save(tmp_path / name)
    (tmp_path / "smell").mkdir()  # no model
    return tmp_path


def test_a_misspelt_model_is_suggested(models, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*smal; did you mean '.*small'\?$"):
        arborank.load(models / "smal")
    monkeypatch.chdir(models)
    with pytest.raises(FileNotFoundError, match=r"there is no directory smal; did you mean 'small'\?$"):
        arborank.load("smal")
    with pytest.raises(FileNotFoundError, match=r"there is no directory quite-another$"):
        arborank.load("quite-another")
    with pytest.raises(FileNotFoundError, match=r"there is no directory nowhere/small$"):
        arborank.load("nowhere/small")


def test_what_stands_in_the_place_of_a_model(models):
    with pytest.raises(
        FileNotFoundError, match=r"holds no model; there is one in '.*large' and in '.*small'$"
    ):
        arborank.load(models)
    with pytest.raises(FileNotFoundError, match=r"the directory holds no model$"):
        arborank.load(models / "smell")
    (models / "note.txt").write_text("nothing")
    with pytest.raises(FileNotFoundError, match=r"note\.txt is a file; a model is a directory"):
        arborank.load(models / "note.txt")


@pytest.mark.parametrize("path", [5, None, b"small", ["small"], 1.5])
def test_a_path_of_another_kind(path):
    model = XRLinear().fit(np.eye(3), [[0], [1], [2]])
    with pytest.raises(TypeError, match=r"directory must be a path, a str or os.PathLike, found"):
        model.save(path)
    with pytest.raises(TypeError, match=r"directory must be a path, a str or os.PathLike, found"):
        arborank.load(path)

"""Equal models are saved under equal names, and what belongs to a model is saved with it."""

import math

import pytest

from arborank.core.strings import StringTable
from arborank.storage import load, read_metadata, save


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_equal_models_have_equal_files(tmp_path):
    for name in ("one", "two"):
        save(StringTable(["a", "b"]), tmp_path / name)
    save(StringTable(["a", "c"]), tmp_path / "three")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one").keys() != contents(tmp_path / "three").keys()


def test_a_model_in_its_own_place(tmp_path):
    save(StringTable(["a", "b"]), tmp_path)
    before, model = contents(tmp_path), load(tmp_path)
    save(model, tmp_path)
    assert contents(tmp_path) == before
    save(StringTable(["c"]), tmp_path)
    assert list(model) == ["a", "b"]
    assert len(contents(tmp_path)) == len(before)


def test_metadata(tmp_path):
    told = {"language": "fi", "uris": ["http://a", "http://b"], "limit": 0.5, "nested": {"none": None}}
    save(StringTable(["a"]), tmp_path / "one", metadata=told)
    assert read_metadata(tmp_path / "one") == told
    assert list(load(tmp_path / "one")) == ["a"]
    save(StringTable(["b"]), tmp_path / "two", made_from=tmp_path / "one")
    assert read_metadata(tmp_path / "two") == told
    save(StringTable(["b"]), tmp_path / "two", made_from=tmp_path / "one", metadata={})
    assert read_metadata(tmp_path / "two") == {}


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ("fi", TypeError, "metadata must be a mapping, found 'fi'"),
        ({"a": math.nan}, ValueError, r"metadata\['a'\] is nan"),
        ({"a": {1: 2}}, TypeError, r"metadata\['a'\] has the key 1"),
        ({"a": object()}, TypeError, r"metadata\['a'\] is a object"),
    ],
)
def test_metadata_that_cannot_be_saved(tmp_path, metadata, error, message):
    with pytest.raises(error, match=message):
        save(StringTable(["a"]), tmp_path, metadata=metadata)

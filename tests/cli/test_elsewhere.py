"""Models at URLs, wherever commands take a model."""

import hashlib
import json
from pathlib import Path

import pytest

import arborank

URL = "memory://models/fruit"


@pytest.fixture(autouse=True)
def remote(folder, monkeypatch):
    """Put the model of the folder at a URL."""
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("ARBORANK_CACHE", str(folder / "cache"))
    system = fsspec.filesystem("memory")
    system.put(str(folder / "model"), "/models/fruit", recursive=True)
    yield system
    system.rm("/models", recursive=True)


def contents(directory):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(directory).iterdir())}


def test_commands_that_read_a_model(run):
    for arguments in (("rank", "{}", "red fruit", "--json"), ("predict", "{}", "test.jsonl.xz")):
        local, there = (run(*(one.format(place) for one in arguments)).stdout for place in ("model", URL))
        assert local == there
    assert "100.00" in run("evaluate", URL, "train.jsonl", "-k", "1").stdout
    assert json.loads(run("inspect", URL, "--json").stdout)["class"] == "TextRanker"
    assert "rows" in run("compare", "model", URL, "test.jsonl.xz").stdout
    run("explain", URL, "red fruit", "apple")


def test_commands_that_change_a_model_need_a_place_for_the_result(run, folder):
    run("rank", URL, "red fruit")
    (copy,) = (folder / "cache").iterdir()
    before = contents(copy)
    (folder / "gone.txt").write_text("apple\n")
    for command in (("update", URL, "--remove", "gone.txt"), ("calibrate", URL, "train.jsonl")):
        assert "a model at a URL stays as it is" in run(*command, code=2).stderr
        run(*command, "--out", command[0])
    assert "apple" not in arborank.load(folder / "update").labels_
    assert arborank.load(folder / "calibrate").calibration_ is not None
    assert contents(copy) == before
    assert "serve it with --read-only" in run("serve", URL, code=2).stderr


def test_urls_without_a_model(run):
    assert (
        "memory://models/nothing holds no model" in run("rank", "memory://models/nothing", "a", code=2).stderr
    )
    assert "hf://owner/name" in run("rank", "hf://fruit", "a", code=2).stderr
    assert "nothing-like-it" in run("rank", "nothing-like-it://fruit", "a", code=2).stderr

"""`arborank inspect`."""

import json
import os
import shutil
from pathlib import Path

import pytest

import arborank
from arborank.storage import save
from support.fruit import rows


def test_inspect_shows_parameters_tree_and_sizes(run):
    printed = run("inspect", "model").stdout
    for part in ("TextRanker", "NgramTfidf(max_features=300000", "XRLinear()", "8 labels", "weights"):
        assert part in printed
    assert "apple" not in printed
    assert "apple" in run("inspect", "model", "--branches", "--examples", "8").stdout
    assert "XRLinear" in run("inspect", "linear", "--branches").stdout


def test_inspect_shows_the_senses_of_a_label(run):
    printed = run("inspect", "model", "--senses", "apple").stdout
    assert "leaf 0" in printed
    assert "together with:" in printed
    assert "leaf" in run("inspect", "linear", "--senses", "0").stdout
    assert "no label 'nothing'" in run("inspect", "model", "--senses", "nothing", code=2).output
    assert "no label '-1' among 8, such as '0'" in run("inspect", "linear", "--senses", "-1", code=2).output
    assert "--picture draws" in run("inspect", "linear", "--picture", "x.svg", code=2).output


def test_the_senses_of_a_label_as_a_picture(run):
    pytest.importorskip("matplotlib")
    assert "drawn into" in run("inspect", "model", "--senses", "apple", "--picture", "apple.svg").stdout
    assert "<svg" in Path("apple.svg").read_text(encoding="utf-8")


def test_inspect_verifies_every_file(run, folder):
    assert "checksum it was saved with" in run("inspect", "model", "--verify").stdout
    (name,) = (path.name for path in (folder / "model").glob("model-*.safetensors"))
    shutil.copytree(folder / "model", folder / "damaged")
    with (folder / "damaged" / name).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert f"{name} is altered" in run("inspect", "damaged", "--verify", code=1).stderr


def test_a_picture_is_not_drawn_into_the_model(run, folder):
    before = (folder / "model" / "config.json").read_bytes()
    drawn = ["--senses", "apple", "--picture", "model/config.json"]
    assert "lies in the model model" in run("inspect", "model", *drawn, code=2).stderr
    assert (folder / "model" / "config.json").read_bytes() == before


def test_branches_need_a_tree(run, folder):
    save(arborank.NgramTfidf().fit(["red apple", "green apple"]), folder / "features")
    assert "NgramTfidf" in run("inspect", "features").stdout
    found = run("inspect", "features", "--branches", code=2).stderr
    assert "--branches needs a model with a label tree; this is NgramTfidf" in " ".join(found.split())


def test_inspect_writes_the_tree_as_a_page(run):
    assert "wrote tree.html" in run("inspect", "model", "--html", "tree.html").stderr
    page = Path("tree.html").read_text(encoding="utf-8")
    assert "<li>apple</li>" in page
    run("inspect", "linear", "--html", "tree.html")
    assert "<li>0</li>" in Path("tree.html").read_text(encoding="utf-8")


def test_branches_have_words(run, tmp_path):
    texts, labels = rows(200, 0)
    features = arborank.NgramTfidf()
    model = arborank.XRLinear(branching=2, max_leaf_size=2)
    arborank.TextRanker(features, model, label_names=False).fit(texts, labels).save(tmp_path / "deep")
    printed = run("inspect", str(tmp_path / "deep"), "--branches").stdout
    assert "labels; " in printed
    assert "ish" in printed.partition("labels; ")[2]


def test_explain(run):
    text = "a fruit: appleish bananaish w1"
    printed = run("explain", "model", text, "apple").stdout
    assert "'apple' is answered, at place" in printed
    assert "appleish +" in printed
    assert "level 1, node" in printed
    told = json.loads(run("explain", "model", text, "truck", "-k", "1", "--json").stdout)
    assert told["label"] == "truck"
    assert told["ways"][0]["steps"]
    run("explain", "model", text, "apple", "--html", "apple.html")
    assert "appleish" in Path("apple.html").read_text(encoding="utf-8")
    assert "'kiwi'" in run("explain", "model", text, "kiwi", code=1).stderr
    assert "takes feature matrices" in run("explain", "linear", text, "0", code=1).stderr


def test_an_explanation_is_drawn(run):
    pytest.importorskip("matplotlib")
    run("explain", "model", "a fruit: appleish", "apple", "--plot", "apple.svg")
    assert "appleish" in Path("apple.svg").read_text(encoding="utf-8")
    assert "must end in" in run("explain", "model", "a", "apple", "--plot", "apple.gif", code=1).stderr

"""`arborank predict`."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank.cli.files import write_whole
from arborank.datasets import read_jsonl
from support.commands import arborank_process


def test_predictions_are_those_of_the_model(run, folder):
    run("predict", "model", "test.tsv", "-o", "out.jsonl", "-k", "3")
    written = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    expected = arborank.load(folder / "model").rank_batch(read_jsonl(folder / "test.jsonl.xz").texts, 3)
    assert [row["labels"] for row in written] == [[name for name, _ in ranking] for ranking in expected]
    np.testing.assert_allclose(
        [row["scores"] for row in written],
        [[score for _, score in ranking] for ranking in expected],
        rtol=1e-5,
    )


@pytest.mark.parametrize("inputs", ["test.X.npz", "test.svm"])
def test_matrix_predictions_are_ids(run, folder, inputs):
    lines = run("predict", "linear", inputs, "-k", "2").stdout.splitlines()
    ids, _ = arborank.load(folder / "linear").predict_topk(sp.load_npz(folder / "test.X.npz"), 2)
    assert [json.loads(line)["labels"] for line in lines] == ids.tolist()


def test_predict_reads_lines_and_json_from_standard_input(run):
    lines = run(
        "predict", "model", "-", "-k", "1", stdin='a vanish vehicle\n{"text": "a grapeish fruit"}\n'
    ).stdout
    assert [json.loads(line)["labels"] for line in lines.splitlines()] == [["van"], ["grape"]]
    assert (
        "standard input:2"
        in run("predict", "model", "-", stdin='{"text": "one"}\n{"txt": 1}\n', code=1).stderr
    )


def test_predict_wants_the_kind_of_input_that_the_model_takes(run):
    assert "feature matrices" in run("predict", "linear", "test.tsv", code=1).stderr
    assert "ranks texts" in run("predict", "model", "test.X.npz", code=1).stderr
    assert "feature matrices" in run("predict", "linear", "-", stdin="x", code=1).stderr


def test_predictions_do_not_replace_their_input(run, folder):
    before = (folder / "test.tsv").read_bytes()
    for output in ("test.tsv", "./x/../test.tsv", folder / "test.tsv"):
        (folder / "x").mkdir(exist_ok=True)
        assert "is the input" in run("predict", "model", "test.tsv", "-o", output, code=2).stderr
    assert (folder / "test.tsv").read_bytes() == before
    for output in ("model/config.json", "model/new.jsonl", "./model/x/../answers"):
        assert "lies in the model model" in run("predict", "model", "test.tsv", "-o", output, code=2).stderr
    assert "config.json" not in run("inspect", "model", "--verify").stderr
    assert "--output has no name" in run("predict", "model", "test.tsv", "-o", "", code=2).stderr


def test_a_beam_wider_than_any_tree(run):
    lines = [
        run("predict", "model", "test.tsv", "-k", "2", "--beam-size", size).stdout for size in (10**3, 10**20)
    ]
    assert lines[0] == lines[1]


def test_output_appears_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / "out.jsonl"
    target.write_text("old")

    def stopped():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), write_whole(str(target)) as file:
        file.writelines(stopped())
    assert target.read_text() == "old"
    with write_whole(str(target)) as file:
        file.write(b"new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["out.jsonl"]
    with pytest.raises(FileNotFoundError, match="nowhere"), write_whole(str(tmp_path / "nowhere" / "out")):
        pass


def test_a_reader_that_leaves_early_is_no_error(folder):
    process = arborank_process(
        "predict",
        folder / "model",
        "-",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.close()
        process.stdin.write("text\n" * 5000)
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0

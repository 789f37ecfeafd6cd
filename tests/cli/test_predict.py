"""`arborank predict`."""

import json
import os
import subprocess
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import arborank
from arborank.cli.files import write_whole
from arborank.datasets import read_jsonl
from arborank.datasets.lines import open_bytes
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


def test_filters_and_the_least_score(run, folder):
    model = arborank.load(folder / "model")
    every = [json.loads(line) for line in run("predict", "model", "test.tsv", "-k", "5").stdout.splitlines()]
    out, least = every[0]["labels"][0], sorted(every[0]["scores"])[2]
    (folder / "out").write_text(f"{out}\n\n")
    (folder / "in").write_text("\n".join(list(model.labels_)[:5]))
    lines = run("predict", "model", "test.tsv", "--exclude", "out", "--min-score", least).stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    assert all(out not in row["labels"] for row in answers)
    assert min(score for row in answers for score in row["scores"]) >= float(f"{least:.5g}") * 0.999
    assert min(score for row in every for score in row["scores"]) < least
    lines = run(
        "predict", "model", "test.tsv", "--candidates", "in", "--beam-size", "1000"
    ).stdout.splitlines()
    assert {name for line in lines for name in json.loads(line)["labels"]} == set(list(model.labels_)[:5])
    (folder / "ids").write_text("0\n2\n")
    lines = run("predict", "linear", "test.X.npz", "--candidates", "ids", "--beam-size", "1000").stdout
    assert {name for line in lines.splitlines() for name in json.loads(line)["labels"]} == {0, 2}
    (folder / "ids").write_text("no such label")
    assert "no such label" in run("predict", "model", "test.tsv", "--exclude", "ids", code=1).stderr
    assert "is not a label id" in run("predict", "linear", "test.X.npz", "--exclude", "ids", code=1).stderr


def test_texts_beside_their_answers(run, folder):
    texts = read_jsonl(folder / "test.jsonl.xz").texts
    lines = run("predict", "model", "test.jsonl.xz", "--with-text", "-k", "1").stdout.splitlines()
    assert [json.loads(line)["text"] for line in lines] == texts
    run("predict", "model", "test.jsonl.xz", "--with-text", "-k", "1", "-o", "out.csv")
    assert (folder / "out.csv").read_text().splitlines()[0] == "row,text,rank,label,score"
    assert "holds features" in run("predict", "linear", "test.X.npz", "--with-text", code=2).stderr


def test_several_files_are_one_input(run, folder):
    (folder / "parts").mkdir()
    lines = (folder / "test.tsv").read_text().splitlines(keepends=True)
    (folder / "parts" / "a.tsv").write_text("".join(lines[:20]))
    (folder / "parts" / "b.tsv").write_text("".join(lines[20:]))
    whole = run("predict", "model", "test.tsv").stdout
    assert run("predict", "model", "parts").stdout == whole
    assert run("predict", "model", "parts/*.tsv").stdout == whole
    assert "no file is named" in run("predict", "model", "parts/*.csv", code=1).stderr
    assert run("evaluate", "model", "parts").stdout == run("evaluate", "model", "test.tsv").stdout


@pytest.mark.parametrize("name", ["out.jsonl.gz", "out.csv", "out.parquet"])
def test_interrupted_predictions_go_on(run, folder, monkeypatch, name):
    module = import_module("arborank.cli.predict")
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(module, "batch_size", lambda k: 8)
    command = ["predict", "model", "test.tsv", "-o", name, "--work-dir", "kept", "--with-text"]
    asked = []
    real = module._answers

    def stopped(*args):
        asked.append(1)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(module, "_answers", stopped)
    run(*command, code=None)
    assert not (folder / name).exists()
    assert len(asked) == 4
    other = "holds another prediction; what differs: k (8 there, 3 here)"
    assert other in run(*command, "-k", "3", code=1).stderr
    assert "what differs: texts (True there, False here)" in run(*command[:-1], code=1).stderr
    run(*command)
    assert len(asked) == 4 + 4  # of 7 batches 3 were there
    run("predict", "model", "test.tsv", "-o", f"whole-{name}", "--with-text")
    if name.endswith(".parquet"):
        from pyarrow.parquet import read_table

        assert read_table(name).equals(read_table(f"whole-{name}"))
    else:
        with open_bytes(folder / name) as kept, open_bytes(folder / f"whole-{name}") as whole:
            assert kept.read() == whole.read()
    (folder / "test.tsv").write_text("x\ty\n")
    assert "what differs: test.tsv (" in run(*command, code=1).stderr


def test_a_working_directory_needs_files(run):
    for arguments in (("test.tsv", "--work-dir", "kept"), ("-", "-o", "a.jsonl", "--work-dir", "kept")):
        assert "--work-dir goes with a file" in run("predict", "model", *arguments, code=2, stdin="a").stderr
    within = ("-o", "a.jsonl", "--work-dir", "model/kept")
    assert "must be two directories" in run("predict", "model", "test.tsv", *within, code=2).stderr


def test_a_line_that_cannot_be_read_ends_the_command(run, folder):
    (folder / "bad.jsonl").write_text('{"text": "a"}\n{"txt": "b"}\n')
    assert "bad.jsonl:2" in run("predict", "model", "bad.jsonl", "-o", "out.jsonl", code=1).stderr
    assert not list(folder.glob("*out.jsonl"))


def test_scores_have_six_significant_digits(run, folder):
    model, texts = arborank.load(folder / "model"), read_jsonl(folder / "test.jsonl.xz").texts
    lines = run("predict", "model", "test.jsonl.xz", "-k", "10").stdout.splitlines()
    expected = [[float(f"{score:.6g}") for _, score in ranking] for ranking in model.rank_batch(texts, 10)]
    assert [json.loads(line)["scores"] for line in lines] == expected


def test_a_text_of_a_folder_is_called_as_its_file(run, folder):
    for number, name in enumerate(("pears", "apples")):
        (folder / "shelf").mkdir(exist_ok=True)
        (folder / f"shelf/{name}.txt").write_text("red fruit" if number else "green fruit")
        (folder / f"shelf/{name}.key").write_text("apple\n")
    rows = [json.loads(line) for line in run("predict", "model", "shelf", "-k", "1").stdout.splitlines()]
    assert [row["id"] for row in rows] == ["apples", "pears"]
    assert "id" not in json.loads(
        run("predict", "model", "shelf", "-k", "1", "--format", "lines").stdout.splitlines()[0]
    )
    for name in ("pears", "apples"):
        (folder / f"shelf/{name}.key").unlink()
    rows = run("predict", "model", "shelf", "-k", "1", "--format", "documents").stdout.splitlines()
    assert json.loads(rows[1])["id"] == "pears"
    run("predict", "model", "shelf", "-k", "1", "-o", "answers.csv", "--resume", "--format", "documents")
    assert (folder / "answers.csv").read_text().splitlines()[1].startswith("0,apples,1,")


def test_labels_beside_texts_are_not_looked_at(run, folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    texts = ["red fruit", "green fruit"]
    pq.write_table(pa.table({"text": texts, "labels": [None, ["apple", None]]}), folder / "new.parquet")
    lines = [{"text": text, "labels": labels} for text, labels in zip(texts, (None, 7), strict=True)]
    (folder / "new.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    answers = [run("predict", "model", f"new.{kind}").stdout for kind in ("parquet", "jsonl")]
    assert answers[0] == answers[1]
    assert len(answers[0].splitlines()) == 2

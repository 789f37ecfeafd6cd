"""A file holds what its name says, or nothing is written; and that is told before any work is done."""

import csv
import gzip
import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.datasets import TextData, write_jsonl, write_sparse, write_xmc
from support.missing import without

NAMES = ['one, "two"', "tab\tand | bar", "line\nend", "=1+1; plain"]
TEXTS = [f"word{i % 4} thing{i % 3}" for i in range(24)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("answers")
    labels = [[NAMES[i % 4]] for i in range(24)]
    ranker = arborank.TextRanker().fit(TEXTS, labels)
    ranker.save(place / "model")
    ranker.model_.save(place / "linear")
    records = [json.dumps({"text": text, "key": f"k{i}"}) for i, text in enumerate(TEXTS)]
    (place / "new.jsonl").write_text("\n".join(records) + "\n")
    write_jsonl(place / "data.jsonl", TextData(TEXTS, labels))
    write_xmc(place / "new.svm", ranker.features_.transform(TEXTS), ranker.encode_labels(labels))
    return place


@pytest.fixture
def run(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)

    def invoke(*args, code=0):
        result = CliRunner().invoke(main, [str(arg) for arg in args])
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    return invoke


def json_rows(run, *args):
    return [json.loads(line) for line in run("predict", *args).stdout.splitlines()]


def rows_of_table(text, delimiter):
    """Answers of a table, by row."""
    found = {}
    for line in csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter):
        labels, scores = found.setdefault((int(line["row"]), line.get("id")), ([], []))
        if line["rank"]:
            labels.append(line["label"])
            scores.append(float(line["score"]))
            assert int(line["rank"]) == len(labels)
    return found


@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON", "a.jsonl.gz"])
def test_json_lines(run, tmp_path, name):
    expected = json_rows(run, "model", "new.jsonl", "-k", 2)
    run("predict", "model", "new.jsonl", "-k", 2, "-o", tmp_path / name)
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if name.endswith("gz") else content
    assert [json.loads(line) for line in content.splitlines()] == expected


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ",")])
@pytest.mark.parametrize("ids", [(), ("--id-column", "key")])
def test_tables(run, tmp_path, name, delimiter, ids):
    expected = json_rows(run, "model", "new.jsonl", "-k", 3, *ids)
    run("predict", "model", "new.jsonl", "-k", 3, "-o", tmp_path / name, *ids)
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if name.endswith("gz") else content
    found = rows_of_table(content.decode(), delimiter)
    assert list(found) == [(i, row.get("id")) for i, row in enumerate(expected)]
    assert [labels for labels, _ in found.values()] == [row["labels"] for row in expected]
    assert [scores for _, scores in found.values()] == [row["scores"] for row in expected]
    assert {label for row in expected for label in row["labels"]} == set(NAMES)


def test_tables_of_matrices_hold_numbers(run, tmp_path):
    expected = json_rows(run, "linear", "new.svm", "-k", 2)
    run("predict", "linear", "new.svm", "-k", 2, "-o", tmp_path / "a.csv")
    found = rows_of_table((tmp_path / "a.csv").read_text(), ",")
    assert [[int(label) for label in labels] for labels, _ in found.values()] == [
        r["labels"] for r in expected
    ]


def test_a_row_without_answers_is_there(run, tmp_path, monkeypatch):
    nothing = np.full((24, 2), -1), np.full((24, 2), -np.inf, np.float32)
    monkeypatch.setattr(arborank.TextRanker, "predict_topk", lambda *_, **__: nothing)
    run("predict", "model", "new.jsonl", "-k", 2, "-o", tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[:2] == ["row,rank,label,score", "0,,,"]
    assert len(lines) == 25


@pytest.mark.parametrize(("model", "data"), [("model", "new.jsonl"), ("linear", "new.svm")])
def test_parquet(run, tmp_path, model, data):
    pq = pytest.importorskip("pyarrow.parquet")
    ids = ("--id-column", "key") if model == "model" else ()
    expected = json_rows(run, model, data, "-k", 2, *ids)
    run("predict", model, data, "-k", 2, "-o", tmp_path / "a.parquet", *ids)
    found = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["labels"] for row in found] == [row["labels"] for row in expected]
    assert [row.get("id") for row in found] == [row.get("id") for row in expected]
    np.testing.assert_allclose(
        [row["scores"] for row in found], [row["scores"] for row in expected], rtol=1e-6
    )


@pytest.mark.parametrize(
    "name", ["a", "a.txt", "a.gz", "a.json", "a.xlsx", "a.jsonl.bz2", "a.parquet.gz", "a.npz", ".csv"]
)
def test_other_names_are_refused_before_any_work(run, tmp_path, monkeypatch, name):
    monkeypatch.setattr(
        sys.modules["arborank.cli.predict"], "open_ranker", lambda _: pytest.fail("a model was opened")
    )
    found = run("predict", "model", "new.jsonl", "-o", tmp_path / name, code=2)
    assert ".jsonl, .ndjson, .csv, .tsv, .parquet" in " ".join(found.stderr.split())
    assert not list(tmp_path.iterdir())


def test_parquet_without_its_extra_is_told_before_any_work(run, tmp_path, monkeypatch):
    without(monkeypatch, "pyarrow")
    monkeypatch.setattr(
        sys.modules["arborank.cli.predict"], "open_ranker", lambda _: pytest.fail("a model was opened")
    )
    found = run("predict", "model", "new.jsonl", "-o", tmp_path / "a.parquet", code=1)
    assert "writing Parquet needs pyarrow: pip install 'arborank[parquet]'" in found.stderr


def test_a_packed_file_keeps_no_other_name(run, tmp_path):
    run("predict", "model", "new.jsonl", "-o", tmp_path / "a.jsonl.gz")
    packed = (tmp_path / "a.jsonl.gz").read_bytes()
    assert packed[:3] == b"\x1f\x8b\x08"
    assert packed[3] == 0  # no name, such as the one that it had until it was complete
    assert len(gzip.decompress(packed).splitlines()) == 24


def test_pipes_and_devices_take_json_lines(run, tmp_path):
    run("predict", "model", "new.jsonl", "-o", os.devnull)
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    run("predict", "model", "new.jsonl", "-k", 1, "-o", tmp_path / "pipe")
    reader.join(10)
    assert len(read[0].splitlines()) == 24


def test_what_else_is_written_holds_what_its_name_says(run, tmp_path, folder):
    args = ("compress", "model", "-o", tmp_path / "small", "--validation", "data.jsonl")
    found = run(*args, "--table", tmp_path / "trials.parquet", code=2)
    assert "--table" in found.stderr
    assert ".csv" in found.stderr
    found = run("inspect", "linear", "--senses", "0", "--picture", tmp_path / "senses.gif", code=1)
    assert ".svg" in found.stderr
    data = TextData(["a"], [["b"]])
    for name in ("a.parquet", "a.csv", "a.json", "a.svm", "a.jsonl.zip"):
        with pytest.raises(ValueError, match=r"would hold JSON lines .* \.jsonl, \.ndjson was expected"):
            write_jsonl(tmp_path / name, data)
    for name in ("a.npz", "a.jsonl"):
        with pytest.raises(ValueError, match="would hold N D L"):
            write_xmc(tmp_path / name, np.eye(2), np.eye(2))
        with pytest.raises(ValueError, match="would hold N D L"):
            write_sparse(tmp_path / name, np.eye(2))
    assert not [path for path in Path(tmp_path).iterdir() if path.is_file()]

"""An error of the library names what was found and what to do next: near names of a model, the kind of a path."""

import csv
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import arborank
from arborank import Autocompleter, XRLinear
from arborank.autocomplete import read_log, session_pairs
from arborank.cli import main


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


COMMANDS = (
    "rank {} text",
    "complete {} prefix",
    "predict {} -",
    "evaluate {} a.npz",
    "inspect {}",
    "compress {} -o b",
    "update {} --remove a.txt",
    "update-completer {} a.tsv",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_misspelt_model_on_the_command_line(models, monkeypatch, command):
    monkeypatch.chdir(models)
    for name in ("a.npz", "a.txt", "a.tsv"):
        (models / name).touch()
    for name, message in (
        ("smal", "there is no directory smal; did you mean 'small'?"),
        ("other", "there is no directory other"),
        ("a.txt", "a.txt is a file; a model is a directory"),
    ):
        result = CliRunner().invoke(main, command.format(name).split(), terminal_width=200)
        assert result.exit_code == 2
        assert f"Invalid value for 'MODEL': {message}" in " ".join(result.stderr.split())


LOG = [("a", 1.0, "x"), ("a", 2.0, "y"), ("b", 1.0, "x")]


@pytest.mark.parametrize("learn", [session_pairs, Autocompleter().fit])
def test_what_is_no_log(learn, tmp_path):
    for path in ("log.tsv", tmp_path / "log.tsv"):
        with pytest.raises(
            TypeError, match=r"found .*log\.tsv.*; arborank\.autocomplete\.read_log reads a file"
        ):
            learn(path)
    columns = dict(zip(("user", "ts", "q"), zip(*LOG, strict=True), strict=True))
    with pytest.raises(
        TypeError,
        match=re.escape("found a dict; give its rows, such as zip(log['user'], log['ts'], log['q'])"),
    ):
        learn(columns)
    with pytest.raises(TypeError, match="found a dict; give its rows, such as a list of them"):
        learn({"a": [(1, "x")]})
    with pytest.raises(
        ValueError, match=r"row 0 of the log has the time 'ts': .*; if that is a header, leave it out"
    ):
        learn([("user", "ts", "q"), *LOG])
    with pytest.raises(ValueError, match=r"row 1 of the log has the time 'ts': (?!.*header)"):
        learn([LOG[0], ("user", "ts", "q")])


def test_files_that_are_no_log(tmp_path):
    path = tmp_path / "log.tsv"
    rows = "".join(f"{session}\t{time}\t{query}\n" for session, time, query in LOG)
    for head in ("session\ttime\tquery\n", "Session\tTime\tQuery \n", ""):
        path.write_text(head + rows)
        assert [tuple(row)[:3] for row in read_log(path)] == LOG
    path.write_text("user\tts\tq\n" + rows)
    with pytest.raises(
        ValueError,
        match=r"log\.tsv:1: a time must be .* found 'ts'; if that is a header, rem",
    ):
        read_log(path)
    path.write_text(rows.replace("\t", ","))
    with pytest.raises(
        ValueError, match=r":1: session, time and query with tabs between .*; is it a CSV file\\?"
    ):
        read_log(path)
    with path.open(newline="") as file:
        assert session_pairs(csv.reader(file)).queries == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--label-texts about.tsv --no-learn-label-texts",
            "--label-texts has no use: .*; say --learn-label-texts for labels that",
        ),
        ("--ngrams 3,1", "--ngrams must hold 1 <= min <= max"),
        ("--min-df 9", "--min-df 9 keeps terms that are in at least 9 texts"),
        ("--min-df 8", "--min-df 8 and max_df=1.0 leave no term of 8 texts"),
        ("-j 0", "--jobs must be positive, or -1 for every core, found 0"),
    ],
)
def test_errors_name_options(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.tsv").write_text("fruit\tred apple\nvehicle\tfast car\n" * 4)
    (tmp_path / "about.tsv").write_text("fruit\tgrows on trees\n")
    result = CliRunner().invoke(main, ["train", "data.tsv", "-m", "m", *options.split()])
    assert result.exit_code == 1
    assert re.search(f"Error: {message}", " ".join(result.stderr.split())), result.stderr


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series])
def test_texts_in_the_place_of_features(make):
    texts, labels = make(["red apple", "green pear"]), [[0], [1]]
    with pytest.raises(TypeError, match=r"X must be a matrix .* such as 'red apple'; .*arborank.TextRanker"):
        XRLinear().fit(texts, labels)
    with pytest.raises(TypeError, match=r"arborank.TextRanker"):
        XRLinear().fit(np.eye(2), labels).predict_topk(texts)


def test_a_sparse_frame_of_another_fill_value():
    X = pd.DataFrame(np.eye(3) + 1).astype(pd.SparseDtype(float, 1.0))
    with pytest.raises(ValueError, match=r"fill value is not 0; give X.sparse.to_dense\(\)"):
        XRLinear().fit(X, [[0], [1], [2]])
    assert XRLinear().fit(X.sparse.to_dense(), [[0], [1], [2]]).n_labels_ == 3

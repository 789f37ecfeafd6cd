"""Data frames of any library, in and out."""

import numpy as np
import pytest

from arborank import Autocompleter, NgramTfidf, TextRanker, XRLinear
from arborank.autocomplete import read_log, session_pairs
from arborank.datasets import Layout, LayoutError, TextData, ranking_columns, read_frame
from arborank.metrics import evaluate

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")


class Streamed:
    """What has the Arrow interface and nothing else."""

    def __init__(self, columns):
        self.table = pa.table(columns)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


FRAMES = {
    "pandas": pandas.DataFrame,
    "polars": polars.DataFrame,
    "pyarrow": pa.table,
    "stream": Streamed,
    "batches": lambda columns: pa.table(columns).to_reader(),
    "mapping": dict,
}
TEXTS = ["red fruit", "yellow fruit", "fast car", "old car"]
LABELS = [["apple", "fruit"], ["banana"], ["racer"], []]


@pytest.fixture(params=FRAMES)
def frame(request):
    return FRAMES[request.param]


def test_columns_become_texts_and_labels(frame):
    assert read_frame(frame({"text": TEXTS, "labels": LABELS})) == TextData(TEXTS, LABELS)
    cells = {
        "title": TEXTS,
        "tags": [";".join(row) for row in LABELS],
        "n": [1, 2, 3, 4],
        "key": list("abcd"),
    }
    layout = Layout(
        text_column="title", label_column="tags", label_separator=";", weight_column="n", id_column="key"
    )
    data = read_frame(frame(cells), layout)
    assert data == TextData(TEXTS, LABELS, None, list("abcd"), [1.0, 2.0, 3.0, 4.0])
    assert read_frame(frame({"text": TEXTS}), labels_required=False).labels == [[]] * 4
    weighed = read_frame(frame({"text": TEXTS[:1], "labels": LABELS[:1], "relevance": [[2.0, 1.0]]}))
    assert weighed.relevance == [[2.0, 1.0]]


def test_frames_of_texts_and_numbers_go_to_rankers(frame):
    if frame is dict:
        pytest.skip("a mapping is no list")
    ranker = TextRanker(NgramTfidf()).fit(frame({"text": TEXTS}), frame({"labels": LABELS}))
    assert ranker.rank_batch(frame({"text": TEXTS[:1]}), 1)[0][0][0] in LABELS[0]
    assert ranker.predict_topk(frame({"t": TEXTS}), 1)[0].shape == (4, 1)
    assert ranker.score(frame({"t": TEXTS}), frame({"l": LABELS})) > 0.5
    numbers = {"a": [1.0, 0.0, 1.0], "b": [0.0, 1.0, 1.0]}
    model = XRLinear().fit(frame(numbers), frame({"x": [1, 0, 0], "y": [0, 1, 1]}))
    expected = XRLinear().fit(np.column_stack(list(numbers.values())), [[0], [1], [1]])
    assert np.array_equal(
        model.predict_topk(frame(numbers), 2)[1],
        expected.predict_topk(np.column_stack(list(numbers.values())), 2)[1],
    )
    with pytest.raises(TypeError, match="give one of them"):
        ranker.rank_batch(frame({"id": [1], "text": ["a"]}))


def test_frames_go_to_updates_and_metrics(frame):
    if frame is dict:
        pytest.skip("a mapping is no list")

    def column(values):  # new ones, for a stream can be read once
        return frame({"a": values})

    ranker = TextRanker(NgramTfidf()).fit(TEXTS, LABELS)
    added = ranker.add_labels(["new"], column(TEXTS), column([["new"], *LABELS[1:]]))
    assert list(added.remove_labels(column(["new"])).labels_) == list(ranker.labels_)
    ranker.partial_fit(column(TEXTS), column(LABELS))
    assert ranker.encode_labels(column(LABELS)).shape == (4, len(ranker.labels_))

    def numbers():
        return frame({"a": [1.0, 0.0, 1.0], "b": [0.0, 1.0, 1.0]})

    def marks():
        return frame({"x": [1, 0, 0], "y": [0, 1, 1]})

    model = XRLinear().fit(numbers(), marks())
    assert model.add_labels(numbers(), frame({"z": [1, 0, 0]})).n_labels_ == 3
    ids, _ = model.predict_topk(numbers(), 2)
    right = evaluate([[0], [1], [1]], ids, ks=(1,)).metrics
    assert evaluate(marks(), ids, ks=(1,)).metrics == right
    assert evaluate(marks(), frame({"1": ids[:, 0], "2": ids[:, 1]}), ks=(1,)).metrics == right
    with pytest.warns(UserWarning, match="few to calibrate"):
        assert model.calibrate(numbers(), marks()).calibration_ is not None


def test_a_column_that_is_there_twice():
    pandas = pytest.importorskip("pandas")
    twice = pandas.DataFrame(np.eye(2), columns=["a", "a"])
    with pytest.raises(ValueError, match="X has 2 columns called 'a'"):
        XRLinear().fit(twice, [[0], [1]])


def test_a_log_in_a_frame(frame):
    if frame is dict:
        pytest.skip("a mapping is no list")
    log = {"session": [1, 1, 2, 2], "time": [0, 5, 0, 4], "query": ["a b", "b c", "a b", "c d"]}
    rows = list(zip(*log.values(), strict=True))
    assert session_pairs(frame(log)).queries == session_pairs(rows).queries
    users = session_pairs(frame({**log, "user": ["u", "u", "v", "v"]})).users
    assert users == ["u", "u", "v", "v"]
    assert Autocompleter().fit(frame(log)).complete("c", ["a b"], 1)[0][0] == "c d"
    with pytest.raises(TypeError, match="with no column 'query'; session, time, query"):
        Autocompleter().fit(frame({"session": [1], "time": [2]}))


def test_logs_in_files(tmp_path):
    log = {"session": ["a", "a"], "time": [1.0, 5.0], "query": ["red shoes", "nike, red"]}
    table = pa.table(log)
    pa.parquet = pytest.importorskip("pyarrow.parquet")
    pa.parquet.write_table(table, tmp_path / "log.parquet")
    polars.DataFrame(log).write_csv(tmp_path / "log.csv")
    expected = [(*row, None) for row in zip(*log.values(), strict=True)]
    assert list(map(tuple, read_log(tmp_path / "log.csv"))) == expected
    assert list(map(tuple, read_log(tmp_path / "log.parquet"))) == expected
    (tmp_path / "bad.csv").write_text("session,query\na,b\n")
    with pytest.raises(ValueError, match=r"bad.csv:1: a column 'time' was expected, found no such column"):
        read_log(tmp_path / "bad.csv")
    (tmp_path / "short.csv").write_text("session,time,query\na,1\n")
    with pytest.raises(ValueError, match=r"short.csv:2: 3 cells were expected, found 2"):
        read_log(tmp_path / "short.csv")


@pytest.mark.parametrize("library", [pandas.DataFrame, polars.DataFrame, pa.table])
def test_columns_go_out_again(library):
    data = TextData(TEXTS, LABELS, ids=list("abcd"), sample_weight=[1.0, 2.0, 0.0, 1.0])
    layout = Layout(id_column="id", weight_column="weight")
    assert read_frame(library(data.columns()), layout) == data
    found = ranking_columns([[("a", 0.5), ("b", 0.25)], [], [("a", 1.0)]], ids=library({"i": [7, 8, 9]}))
    assert found == {
        "row": [0, 0, 2],
        "id": [7, 7, 9],
        "rank": [1, 2, 1],
        "label": ["a", "b", "a"],
        "score": [0.5, 0.25, 1.0],
    }
    assert len(library(found)) == 3
    with pytest.raises(ValueError, match="ids has 1 entries, but there are 2 rankings"):
        ranking_columns([[], []], ids=[1])


@pytest.mark.parametrize(
    ("made", "layout", "error", "message"),
    [
        (
            lambda: pandas.DataFrame([["a", "b"]], columns=["text", "text"]),
            None,
            LayoutError,
            "text_column is 'text', as 2",
        ),
        (lambda: {"text": ["a"], "labels": [["x"], ["y"]]}, None, ValueError, "'text' has 1, 'labels' has 2"),
        (
            lambda: polars.DataFrame({"text": ["a", None], "labels": [["x"]] * 2}),
            None,
            ValueError,
            "row 1: .* found None",
        ),
        (
            lambda: pandas.DataFrame({"text": ["a", np.nan], "labels": [["x"]] * 2}),
            None,
            ValueError,
            "row 1: .* found None",
        ),
        (
            lambda: pandas.DataFrame({"text": ["a"], "labels": [None]}),
            None,
            ValueError,
            'row 0: "labels" must be a list',
        ),
        (
            lambda: pandas.DataFrame({"text": ["a", 3], "labels": [["x"]] * 2}),
            None,
            ValueError,
            "row 1: .* found 3",
        ),
        (lambda: {"text": ["a"], "labels": [["x", 2.5]]}, None, ValueError, "row 0: .* found .'x', 2.5"),
        (
            lambda: {"title": ["a"], "labels": [["x"]]},
            None,
            LayoutError,
            "no column 'text'; .* say text_column='title'",
        ),
        (lambda: {"text": ["a"], "labels": ["x"]}, None, LayoutError, "say label_separator=''"),
        (
            lambda: {"text": ["a"], "labels": [["x"]], "n": [-1]},
            Layout(weight_column="n"),
            ValueError,
            'row 0: "n": a weight',
        ),
        (lambda: ["a"], None, TypeError, "frame must be a data frame, found a list"),
    ],
)
def test_bad_frames_are_named(made, layout, error, message):
    with pytest.raises(error, match=message):
        read_frame(made(), layout)


def test_without_a_reader_of_arrow(monkeypatch):
    monkeypatch.setattr("arborank.core.arrow._READERS", ("no_such_package",))
    with pytest.raises(ImportError, match="is read by pyarrow or polars; install one"):
        read_frame(Streamed({"text": ["a"], "labels": [["x"]]}))

"""Every line of the page of data: what stands in its tables is typed."""

import gzip
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from arborank import Autocompleter, NgramTfidf, TextRanker, XRLinear
from arborank.autocomplete import read_log
from arborank.cli import main
from arborank.datasets import Layout, StratifiedFolds, ranking_columns, read_frame, read_xmc, write_xmc
from arborank.features import MultiFieldFeatures

PAGE = (Path(__file__).parents[2] / "docs" / "your-data.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\|.*\| `(.*)` \|$", PAGE, flags=re.M)
COMMANDS = [line for line in LINES if line.startswith("arborank ")]
TEXTS = ["a canal in Utrecht", "bread of rye", "old canals", "baking bread"] * 5
SUBJECTS = [["water", "history"], ["food"], ["water"], ["food", "history"]] * 5
URIS = {name: f"http://subjects/{name}" for name in ("water", "history", "food")}


def test_there_are_lines():
    assert len(LINES) > 30
    assert len(COMMANDS) > 12


def test_python_as_the_page_says(tmp_path, monkeypatch):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    log = {"session": [1, 1, 2, 2], "time": [0, 5, 0, 4], "query": ["a b", "b c", "a b", "c d"]}
    polars.DataFrame(log).write_csv("log.csv")
    X, Y = np.eye(3)[[0, 1, 2, 0]], np.eye(3)[[0, 1, 2, 0]]
    write_xmc("train.txt", X, Y)
    features = NgramTfidf()
    tools = (GridSearchCV, VotingClassifier, Autocompleter, TextRanker, XRLinear, StratifiedFolds, Layout)
    more = (NgramTfidf, MultiFieldFeatures, read_frame, read_xmc, read_log, ranking_columns)
    names = {tool.__name__: tool for tool in (*tools, *more)}
    names |= {
        "pandas": pandas,
        "polars": polars,
        "ranker": TextRanker(),
        "texts": TEXTS,
        "labels": SUBJECTS,
        "first_labels": [row[0] for row in SUBJECTS],
        "classes": [row[0] for row in SUBJECTS],
        "counts": list(range(20)),
        "books": pandas.DataFrame({"title": TEXTS, "subjects": SUBJECTS}),
        "shelf": pandas.DataFrame({"title": TEXTS, "subjects": [";".join(row) for row in SUBJECTS]}),
        "titles": pandas.DataFrame({"title": TEXTS, "shelf": [row[0] for row in SUBJECTS]}),
        "polars_frame": polars.DataFrame({"id": range(20), "title": TEXTS}),
        "relation": pa.table({"title": TEXTS, "subjects": SUBJECTS}).to_reader(),
        "other": make_pipeline(TfidfVectorizer(), LogisticRegression()),
        "X": sp.csr_array(X),
        "Y": sp.csr_array(Y),
        "numbers": pandas.DataFrame(X, columns=["a", "b", "c"]),
        "numbers_class": ["x", "y", "z", "x"],
        "features": features,
        "rows": list(zip(*log.values(), strict=True)),
        "log": polars.DataFrame(log),
    }
    for line in LINES:
        if line not in COMMANDS:
            exec(compile(line, "your-data.md", "exec"), names)
    assert names["answers"].columns == ["row", "id", "rank", "label", "score"]
    assert list(names["frame"].columns) == ["text", "labels"]
    assert len(names["answers"]) == 60


def write_files():
    """All files that the commands read, in the working directory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    records = [{"text": text, "labels": row} for text, row in zip(TEXTS, SUBJECTS, strict=True)]
    Path("articles.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    Path("parts").mkdir()
    for part in range(2):
        Path(f"parts/{part}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records[part::2]))
    Path("articles.json.gz").write_bytes(gzip.compress(json.dumps(records).encode()))
    Path("books.csv").write_text(
        "title,subjects\n"
        + "".join(f"{text},{';'.join(row)}\n" for text, row in zip(TEXTS, SUBJECTS, strict=True))
    )
    Path("clicks.csv").write_text(
        "query,product,clicks\n"
        + "".join(f"{text},{row[0]},{n}\n" for n, (text, row) in enumerate(zip(TEXTS, SUBJECTS, strict=True)))
    )
    Path("weighed.tsv").write_text(
        "".join(
            ",".join(f"{name}::{n + 1}" for n, name in enumerate(row)) + f"\t{text}\n"
            for text, row in zip(TEXTS, SUBJECTS, strict=True)
        )
    )
    pq.write_table(pa.table({"title": TEXTS, "subjects": SUBJECTS}), "books.parquet")
    Path("fasttext.txt").write_text(
        "".join(
            " ".join(f"__label__{name}" for name in row) + f" {text}\n"
            for text, row in zip(TEXTS, SUBJECTS, strict=True)
        )
    )
    Path("annif.tsv").write_text(
        "".join(
            f"{text}\t{' '.join(f'<{URIS[name]}>' for name in row)}\n"
            for text, row in zip(TEXTS, SUBJECTS, strict=True)
        )
    )
    Path("corpus").mkdir()
    for number, (text, row) in enumerate(zip(TEXTS, SUBJECTS, strict=True)):
        Path(f"corpus/{number:02}.txt").write_text(text)
        Path(f"corpus/{number:02}.key").write_text("\n".join(row))
    terms = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    Path("vocabulary.ttl").write_text(
        terms
        + "".join(f'<{uri}> skos:prefLabel "{name}"@en, "{name}en"@fi .\n' for name, uri in URIS.items())
    )
    Path("vocabulary.csv").write_text(
        "uri,label_en,label_fi\n" + "".join(f"{uri},{name},{name}en\n" for name, uri in URIS.items())
    )
    Path("new.csv").write_text("id,title\nb1,old bread\nb2,a canal\n")
    Path("never.txt").write_text("history\n")


@pytest.mark.parametrize("line", COMMANDS, ids=lambda line: line[9:50])
def test_a_command_as_the_page_says(tmp_path, monkeypatch, line):
    if "simplemma" in line:
        pytest.importorskip("simplemma")
        pytest.importorskip("stop_words")
    pytest.importorskip("rdflib" if ".ttl" in line else "pyarrow")
    monkeypatch.chdir(tmp_path)
    write_files()
    arguments = shlex.split(line)[1:]
    given = None
    if arguments[0] == "predict":
        TextRanker(NgramTfidf()).fit(TEXTS, SUBJECTS).save("model")
        given = "old bread\n" if "-" in arguments else None
    result = CliRunner().invoke(main, arguments, input=given)
    assert result.exit_code == 0, result.output
    assert Path("model/config.json").exists()
    if "-o" in arguments:
        assert Path(arguments[arguments.index("-o") + 1]).stat().st_size > 10
        assert not list(tmp_path.glob("*.parts"))

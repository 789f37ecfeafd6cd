"""Files of other tools and several files at once: what they hold, and what is said about broken ones."""

import gzip
import json
import re

import pytest

from arborank.datasets import Layout, LayoutError, TextData, read_skos, read_texts, write_jsonl
from arborank.datasets.lines import Stream
from arborank.datasets.places import files_of
from support.missing import without

ROWS = TextData(["red wine", "a tart"], [["drink", "red"], ["food"]])


def zstd():
    return pytest.importorskip("backports.zstd")


def test_fasttext_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("__label__drink __label__red red wine\n a tart __label__food \n__label__x\nno label\n")
    data = read_texts(path)
    assert data.texts == ["red wine", "a tart", "", "no label"]
    assert data.labels == [["drink", "red"], ["food"], ["x"], []]
    assert read_texts(path, labels_required=False) == data


def test_fasttext_is_said_where_another_layout_is_said(tmp_path):
    path = tmp_path / "a.data"
    path.write_text("some words__label__ __label__b\n")
    assert read_texts(path, Layout(format="fasttext")) == TextData(["some words__label__"], [["b"]])
    path.write_text("good __label__a\nbad __label__ here\n")
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}:2: __label__ without a name"):
        read_texts(path, Layout(format="fasttext"))


def test_a_json_list(tmp_path):
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b'[{"title": "red wine", "y": ["a"]}, {"title": "b", "y": [3]}]'))
    layout = Layout(text_column="title", label_column="y")
    assert read_texts(path, layout) == TextData(["red wine", "b"], [["a"], ["3"]])


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ('{"text": "a", "labels": []}', ValueError, "a list of objects in JSON was expected, found dict"),
        (
            '{"text": "a", "labels": []}\n{"text": "b", "labels": []}\n',
            LayoutError,
            "format='jsonl' if lines are",
        ),
        ("[1]", ValueError, "item 0 must be an object, found int"),
        (
            '[{"text": "a", "labels": []}, {"text": 3}]',
            ValueError,
            'item 1: "text" must be a string, found 3',
        ),
        ("[", ValueError, "a list in JSON was expected"),
        ("[" * 100_000, ValueError, "a list in JSON was expected"),
        ("\xff", ValueError, "a list in JSON was expected"),
    ],
)
def test_a_broken_json_list(tmp_path, content, kind, message):
    path = tmp_path / "a.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(kind, match=message) as caught:
        read_texts(path)
    assert str(path) in str(caught.value)


def test_zstandard_comes_back(tmp_path):
    zstd()
    for name in ("a.jsonl.zst", "a.jsonl.gz"):
        write_jsonl(tmp_path / name, ROWS)
        assert read_texts(tmp_path / name) == ROWS


@pytest.mark.parametrize("end", [b"", b"0000"])
def test_damaged_zstandard(tmp_path, end):
    path = tmp_path / "a.jsonl.zst"
    packed = zstd().compress(b'{"text": "a", "labels": []}\n' * 1000)
    path.write_bytes(packed[:-8] + end)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))}: damaged or truncated"):
        read_texts(path)


def test_zstandard_without_its_package(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl.zst").write_bytes(b"")
    without(monkeypatch, "backports")
    with pytest.raises(ImportError, match=r"arborank\[zstd\]"):
        read_texts(tmp_path / "a.jsonl.zst")


def test_the_files_of_a_folder_and_of_a_pattern(tmp_path):
    write_jsonl(tmp_path / "part-2.jsonl", ROWS.take(slice(1, 2)))
    write_jsonl(tmp_path / "part-1.jsonl.gz", ROWS.take(slice(0, 1)))
    (tmp_path / "README").write_text("not data")
    (tmp_path / "_SUCCESS.jsonl").write_text("")
    (tmp_path / "deeper").mkdir()
    assert read_texts(tmp_path) == ROWS
    assert read_texts(tmp_path / "part-*") == ROWS
    write_jsonl(tmp_path / "deeper" / "part-3.jsonl", ROWS)
    assert len(read_texts(f"{tmp_path}/**/*.jsonl")) == 3  # with _SUCCESS.jsonl, which holds none
    with pytest.raises(ValueError, match=r"part-1\.jsonl\.gz:1"):
        read_texts(tmp_path, Layout(label_column="other"))


def test_a_file_whose_name_looks_like_a_pattern(tmp_path):
    write_jsonl(tmp_path / "a[1].jsonl", ROWS)
    assert read_texts(tmp_path / "a[1].jsonl") == ROWS


def test_places_without_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="it is empty"):
        read_texts(tmp_path)
    (tmp_path / "a.xlsx").write_text("")
    with pytest.raises(FileNotFoundError, match=r"no file of texts; it holds 'a\.xlsx'"):
        read_texts(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file is named as the pattern '.*\*\.csv' says"):
        read_texts(tmp_path / "*.csv")
    assert files_of(tmp_path) == [tmp_path / "a.xlsx"]


def test_a_folder_of_documents(tmp_path):
    (tmp_path / "b.txt").write_text("two\nlines")
    (tmp_path / "b.key").write_text("a name, with a comma\n\nother\n")
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "a.tsv").write_text("<http://x/1>\tname\nhttp://x/2\n")
    data = read_texts(tmp_path)
    assert data.texts == ["one", "two\nlines"]
    assert data.labels == [["http://x/1", "http://x/2"], ["a name, with a comma", "other"]]
    assert data.ids == ["a", "b"]
    (tmp_path / "c.txt").write_text("three")
    with pytest.raises(FileNotFoundError, match=r"c\.txt has no labels beside it; c\.tsv or c\.key"):
        read_texts(tmp_path)
    assert read_texts(tmp_path, labels_required=False).labels[2] == []
    (tmp_path / "c.tsv").write_text("\tonly a name\n")
    with pytest.raises(ValueError, match=r"c\.tsv:1: a label was expected"):
        read_texts(tmp_path)


def test_a_folder_of_texts_is_one_text_a_file_or_a_line(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo")
    with pytest.raises(LayoutError, match="format='documents' if each is one text, or format='lines'"):
        read_texts(tmp_path, labels_required=False)
    assert read_texts(tmp_path, Layout(format="documents"), labels_required=False).texts == ["one\ntwo"]
    assert read_texts(tmp_path, Layout(format="lines"), labels_required=False).texts == ["one", "two"]
    with pytest.raises(ValueError, match="which is that of a folder"):
        read_texts(tmp_path / "a.txt", Layout(format="documents"))


def test_a_stream_has_no_folder(tmp_path):
    with (
        (tmp_path / "a").open("wb+") as file,
        pytest.raises(ValueError, match="pipe cannot be read as documents"),
    ):
        read_texts(Stream(file, "pipe"), Layout(format="documents"))


TURTLE = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
<http://x/2> a skos:Concept ; skos:prefLabel "cats"@en, "kissat"@fi ; skos:altLabel "felines"@en-GB, "cats"@en .
<http://x/1> skos:prefLabel "dogs"@en .
<http://x/3> skos:prefLabel "unicorns"@en ; owl:deprecated true .
<http://x/4> skos:prefLabel "nimi"@fi ; skos:altLabel "plain" .
"""


def test_a_vocabulary(tmp_path):
    pytest.importorskip("rdflib")
    path = tmp_path / "v.ttl.gz"
    path.write_bytes(gzip.compress(TURTLE.encode()))
    assert read_skos(path, "en") == {"http://x/1": ["dogs"], "http://x/2": ["cats", "felines"]}
    assert list(read_skos(path)) == ["http://x/1", "http://x/2", "http://x/4"]
    assert read_skos(path)["http://x/4"] == ["nimi", "plain"]
    with pytest.raises(ValueError, match="no concept with a name in 'de'; its languages are en, en-GB, fi"):
        read_skos(path, "de")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.ttl", "<http://x> broken", "cannot be read as turtle"),
        ("v.rdf", "<a>", "cannot be read as xml"),
        ("v.nt", "", "no concept with a name"),
        ("v.jsonld", "{", "cannot be read as json-ld"),
        ("v.csv", "", "unknown extension '.csv'; one of .ttl"),
    ],
)
def test_a_broken_vocabulary(tmp_path, name, content, message):
    pytest.importorskip("rdflib")
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_skos(tmp_path / name)
    assert name in str(caught.value)


def test_a_vocabulary_without_its_package(tmp_path, monkeypatch):
    (tmp_path / "v.ttl").write_text(TURTLE)
    without(monkeypatch, "rdflib")
    with pytest.raises(ImportError, match=r"arborank\[skos\]"):
        read_skos(tmp_path / "v.ttl")


def test_parquet_in_parts(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [{"text": f"t{i}", "labels": ["a"], "n": i} for i in range(2500)]
    pq.write_table(pa.Table.from_pylist(rows[:1500]), tmp_path / "a.parquet")
    pq.write_table(pa.Table.from_pylist(rows[1500:]), tmp_path / "b.parquet")
    assert read_texts(tmp_path).texts == [row["text"] for row in rows]
    rows[1200]["text"] = None
    pq.write_table(pa.Table.from_pylist(rows[:1500]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r'a\.parquet: row 1200: "text" must be a string'):
        read_texts(tmp_path)


def test_a_json_list_is_known_by_its_name_on_the_command_line(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"text": "a", "labels": ["b"]}]))
    assert read_texts(tmp_path / "*.json") == TextData(["a"], [["b"]])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,labels,n\na b,x,3\nc,y,0.5\n"),
        ("a.tsv", "text\tlabels\tn\na b\tx\t3\nc\ty\t0.5\n"),
        ("a.jsonl", '{"text": "a b", "labels": ["x"], "n": 3}\n{"text": "c", "labels": ["y"], "n": "0.5"}\n'),
        ("a.json", '[{"text": "a b", "labels": ["x"], "n": 3}, {"text": "c", "labels": ["y"], "n": 0.5}]'),
    ],
)
def test_weights_of_rows(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    data = read_texts(path, Layout(weight_column="n"))
    assert data == TextData(["a b", "c"], [["x"], ["y"]], sample_weight=[3.0, 0.5])
    assert data.take(slice(1, 2)).sample_weight == [0.5]
    path.write_text(content.replace("0.5", "-1"))
    with pytest.raises(ValueError, match=r"a weight must be a number of at least 0, found '?-1"):
        read_texts(path, Layout(weight_column="n"))
    with pytest.raises(ValueError, match=r"weight_column|\"m\" must be a number|no such key"):
        read_texts(path, Layout(weight_column="m"))


def test_numbers_of_labels_in_strings(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "labels": "x:2;y:1"}\n')
    layout = Layout(label_separator=";", relevance_separator=":")
    assert read_texts(path, layout) == TextData(["a"], [["x", "y"]], [[2.0, 1.0]])
    path.write_text('{"text": "a", "labels": "x:2;y"}\n')
    with pytest.raises(ValueError, match=r"a.jsonl:1: label:number .* found 'y'"):
        read_texts(path, layout)


def test_columns_named_twice(tmp_path):
    (tmp_path / "a.csv").write_text("text,text,labels\na,b,x\n")
    with pytest.raises(LayoutError, match="the text"):
        read_texts(tmp_path / "a.csv")
    with pytest.raises(LayoutError, match="text_column is 'text', as 2 columns are called"):
        read_texts(tmp_path / "a.csv", Layout(text_column="text"))
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = pa.Table.from_arrays(
        [pa.array(["a"]), pa.array(["b"]), pa.array([["x"]])], ["text", "text", "labels"]
    )
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(LayoutError, match="text_column is 'text', as 2 columns are called"):
        read_texts(tmp_path / "a.parquet")

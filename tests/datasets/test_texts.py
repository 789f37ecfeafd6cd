"""Readers of texts: a good file in every form, and every kind of broken file with its place."""

import gzip
import lzma
import re

import pytest

from arborank.datasets import (
    Layout,
    LayoutError,
    TextData,
    TextRow,
    iter_jsonl,
    iter_tabbed,
    read_jsonl,
    read_tabbed,
    read_texts,
    write_jsonl,
)
from support.missing import without

JSONL = '{"text": "wine, red", "labels": ["drink", "rot"]}\n{"id": 7, "text": "", "labels": []}\n'
TABBED = "drink,rot\twine, red\n\tnothing\twith tab\r\n7,é\u2028b\tend"


@pytest.fixture
def write(tmp_path):
    def write(content, name):
        path = tmp_path / name
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes({"gz": gzip.compress, "xz": lzma.compress}.get(name.split(".")[-1], bytes)(content))
        return path

    return write


@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON", "a.jsonl.gz", "a.jsonl.xz"])
def test_json_lines(write, name):
    data = read_texts(write(JSONL, name))
    assert data == TextData(["wine, red", ""], [["drink", "rot"], []])
    assert len(data) == 2


def test_json_lines_options(write):
    path = write('\ufeff{"title": "a", "y": [3, "b"]}\n{"title": "c"}\n', "a.jsonl")
    rows = list(iter_jsonl(path, Layout(text_column="title", label_column="y"), labels_required=False))
    assert rows == [TextRow("a", ["3", "b"]), TextRow("c", [])]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.xz"])
def test_json_lines_come_back(tmp_path, name):
    data = TextData(["a\nb", 'é"\u2028'], [[], ["x,y", "z"]])
    write_jsonl(tmp_path / name, data)
    assert read_texts(tmp_path / name) == data


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "found a blank line"),
        ('{"text": "a"', "a JSON object was expected"),
        ("[1]", "found list"),
        ("null", "found NoneType"),
        ('{"labels": []}', '"text" must be a string, found no such key'),
        ('{"text": 3, "labels": []}', '"text" must be a string, found 3'),
        ('{"text": "a"}', '"labels" must be a list of non-empty strings, found no such key'),
        ('{"text": "a", "labels": "b"}', "found 'b'"),
        ('{"text": "a", "labels": null}', "found None"),
        ('{"text": "a", "labels": [1.5]}', r"found \[1.5\]"),
        ('{"text": "a", "labels": [true]}', r"found \[True\]"),
        ('{"text": "a", "labels": [""]}', r"found \[''\]"),
        ("[" * 100_000, "a JSON object was expected"),
        ('{"text": "a", "labels": ' + "9" * 5000 + "}", "a JSON object was expected"),
    ],
)
def test_broken_json_lines(write, line, message):
    path = write('{"text": "a", "labels": ["b"]}\n' + line + "\n", "broken.jsonl")
    with pytest.raises(ValueError, match=re.escape(str(path)) + ":2: .*" + message):
        read_jsonl(path)


def test_null_labels_are_an_error_even_where_labels_are_optional(write):
    with pytest.raises(ValueError, match=r":1: .*None"):
        read_texts(write('{"text": "a", "labels": null}', "a.jsonl"), labels_required=False)


@pytest.mark.parametrize("name", ["a.txt", "a.tsv.gz", "a.txt.xz"])
def test_tabbed(write, name):
    data = read_texts(write(TABBED, name))
    assert data.texts == ["wine, red", "nothing\twith tab", "end"]
    assert data.labels == [["drink", "rot"], [], ["7", "é\u2028b"]]
    assert data.relevance is None


def test_tabbed_positions(write):
    path = write("id1\ttext one\ta,b\nid2\ttext two\t\n", "a.tsv")
    data = read_tabbed(path, Layout(text_column=2, label_column=3))
    assert data == TextData(["text one", "text two"], [["a", "b"], []])


def test_tabbed_relevance(write):
    path = write("std::a::0.5,b::2\tone\n\ttwo\n", "a.txt")
    data = read_tabbed(path, Layout(relevance_separator="::"))
    assert data.labels == [["std::a", "b"], []]
    assert data.relevance == [[0.5, 2.0], []]
    assert read_tabbed(path).labels[0] == ["std::a::0.5", "b::2"]


def test_tabbed_without_labels(write):
    plain = write("only text\n\n", "a.txt")
    assert list(iter_tabbed(plain, labels_required=False)) == [TextRow("only text", []), TextRow("", [])]
    labelled = write("a\tb\nc,d\te\n", "b.txt")
    assert list(iter_tabbed(labelled, labels_required=False)) == [
        TextRow("b", ["a"]),
        TextRow("e", ["c", "d"]),
    ]
    with pytest.raises(LayoutError, match=r"mixed.txt:2: a line with a tab, where others have none"):
        read_tabbed(write("only text\na\tb\n\n", "mixed.txt"), labels_required=False)


WEIGHED = {"layout": Layout(relevance_separator="::")}


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        ("no tab", {}, "2 tab-separated columns .* found 1 in 'no tab'"),
        ("", {}, "found 1 in ''"),
        ("a\tb", {"layout": Layout(text_column=2, label_column=3)}, "3 tab-separated columns .* found 2"),
        ("a,,b\tx", {}, "an empty label in 'a,,b'"),
        ("a,\tx", {}, "an empty label"),
        ("a\tx", WEIGHED, "label::number with a number >= 0 was expected, found 'a'"),
        ("a::x\tx", WEIGHED, "found 'a::x'"),
        ("a::-1\tx", WEIGHED, "found 'a::-1'"),
        ("a::nan\tx", WEIGHED, "found 'a::nan'"),
        ("a::inf\tx", WEIGHED, "found 'a::inf'"),
        ("::1\tx", WEIGHED, "found '::1'"),
    ],
)
def test_broken_tabbed(write, line, options, message):
    first = "a::1\tb\n" if options is WEIGHED else "a\tb\tc\n" if options else "a\tb\n"
    path = write(first + line + "\n", "broken.txt")
    with pytest.raises(ValueError, match=re.escape(str(path)) + ":2: .*" + message):
        read_tabbed(path, **options)


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt"])
def test_bytes_that_are_not_utf8(write, name):
    good = '{"text": "a", "labels": []}' if name == "a.jsonl" else "a\tb"
    with pytest.raises(ValueError, match=name + ":2: not utf-8"):
        read_texts(write(good.encode() + b"\nx\ty\xff\n", name))


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.txt.xz"])
def test_damaged_archives(write, tmp_path, name):
    path = write(JSONL * 500 if "json" in name else TABBED.replace("end", "") + "\n" * 9, name)
    whole = path.read_bytes()
    for broken in (whole[:-12], b"not packed at all", whole[:20] + bytes([whole[20] ^ 255]) + whole[21:]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=f"{name}: damaged or truncated"):
            read_texts(path, labels_required=False)


def test_unknown_extension(write):
    with pytest.raises(ValueError, match=r"unknown extension '.doc'; one of .jsonl"):
        read_texts(write("a", "a.doc.gz"))


@pytest.mark.parametrize("name", ["no.jsonl", "no.txt", "no.txt.gz", "no.txt.xz"])
def test_missing_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        read_texts(tmp_path / name)


def test_text_data_checks_itself():
    with pytest.raises(ValueError, match="1 texts, but 2 lists"):
        TextData(["a"], [[], []])
    with pytest.raises(ValueError, match="one number for every label"):
        TextData(["a"], [["b"]], [[]])


def test_parquet_names_its_extra(tmp_path, monkeypatch):
    without(monkeypatch, "pyarrow")
    with pytest.raises(ImportError, match=r"arborank\[parquet\]"):
        read_texts(tmp_path / "a.parquet")


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")

    def store(**columns):
        pq.write_table(pa.table(columns), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    assert read_texts(store(text=["a", "b"], labels=[["x"], []], id=[1, 2])) == TextData(
        ["a", "b"], [["x"], []]
    )
    assert read_texts(store(text=["a"], labels=[[3]])).labels == [["3"]]
    assert read_texts(store(text=["a"]), labels_required=False).labels == [[]]
    broken = [
        ({"text": ["a"]}, "no column 'labels'"),
        ({"text": [1], "labels": [["x"]]}, 'row 0: "text" must be a string'),
        ({"text": ["a", None], "labels": [["x"], []]}, 'row 1: "text" must be a string'),
        ({"text": ["a"], "labels": ["x"]}, 'row 0: "labels" must be a list'),
        ({"text": ["a"], "labels": [[""]]}, 'row 0: "labels" must be a list'),
    ]
    for columns, message in broken:
        with pytest.raises(ValueError, match=message):
            read_texts(store(**columns))
    (tmp_path / "a.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"a.parquet: not a Parquet file"):
        read_texts(tmp_path / "a.parquet")

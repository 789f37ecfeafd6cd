"""A file of texts is read as what it is, or refused with its first row as it was understood and what says otherwise."""

import itertools
import json
import re
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.datasets import Layout, LayoutError, TextData, read_csv, read_tabbed, read_texts

KINDS = ["apple", "banana", "cherry", "grape"]
TEXTS = [f"a {KINDS[i % 4]}ish thing number{i % 7} in a shop" for i in range(40)]
LABELS = [[KINDS[i % 4], "fruit"] for i in range(40)]
ROWS = list(zip(TEXTS, LABELS, strict=True))
URI = "http://example.org/"

PECOS = "".join(f"{','.join(labels)}\t{text}\n" for text, labels in ROWS)
SWAPPED = "".join(f"{text}\t{','.join(labels)}\n" for text, labels in ROWS)
WITH_ID = "".join(f"id{i}\t{','.join(labels)}\t{text}\n" for i, (text, labels) in enumerate(ROWS))
ANNIF = "".join(f"{text}\t{' '.join(f'<{URI}{name}>' for name in labels)}\n" for text, labels in ROWS)
CSV = "id,title,subjects\n" + "".join(f'{i},"{t}",{";".join(y)}\n' for i, (t, y) in enumerate(ROWS))


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name, content):
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


@pytest.fixture
def run(write):
    def run(*args, code=0, stdin=None):
        result = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    place = tmp_path_factory.mktemp("layouts") / "model"
    arborank.TextRanker().fit(TEXTS, LABELS).save(place)
    return place


RIGHT = TextData(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("name", "content", "layout"),
    [
        ("a.tsv", PECOS, {}),
        ("a.tsv", "labels\ttext\n" + PECOS, {}),
        ("a.tsv", "Text\tLabels\n" + SWAPPED, {}),
        ("a.tsv", "\ufeff" + PECOS.replace("\n", "\r\n"), {}),
        ("a.txt", SWAPPED, {"text_column": 1, "label_column": 2}),
        ("a.txt", SWAPPED, {"text_column": 1}),
        ("a.tsv", WITH_ID, {"text_column": 3, "label_column": 2}),
        ("a.tsv", WITH_ID, {"text_column": "3", "label_column": "2"}),
        ("a.tsv", "title\tsubjects\n" + SWAPPED, {"text_column": "title", "label_column": "subjects"}),
        ("a.tsv", "kind\tof\n" + PECOS, {"header": True}),
        ("a.tsv", PECOS.replace(",", ";"), {"label_separator": ";"}),
        ("a.tsv", PECOS.replace(",", " || "), {"label_separator": "||"}),
        ("a.tsv", PECOS.replace(",", " "), {"label_separator": " "}),
        ("a.dat", PECOS.replace("\t", "|"), {"format": "tabbed", "delimiter": "|"}),
        ("a.csv", CSV, {"text_column": "title", "label_column": "subjects", "label_separator": ";"}),
        ("a.csv", CSV, {"text_column": 2, "label_column": 3, "label_separator": ";", "header": True}),
        ("a.csv", "labels;text\n" + PECOS.replace("\t", ";"), {"delimiter": ";", "label_separator": ","}),
        ("a.jsonl", "".join(json.dumps({"title": t, "tags": y}) + "\n" for t, y in ROWS),
         {"text_column": "title", "label_column": "tags"}),
        ("a.jsonl", "".join(json.dumps({"text": t, "labels": ";".join(y)}) + "\n" for t, y in ROWS),
         {"label_separator": ";"}),
        ("a.txt", "".join(json.dumps({"text": t, "labels": y}) + "\n" for t, y in ROWS), {"format": "jsonl"}),
    ],
)  # fmt: skip
def test_what_is_read_right(write, name, content, layout):
    assert read_texts(write(name, content), Layout(**layout)) == RIGHT


def test_annif(write, run):
    data = read_texts(write("a.tsv", ANNIF))
    assert data == TextData(TEXTS, [[URI + name for name in row] for row in LABELS])
    assert read_texts(write("bare.tsv", ANNIF.replace("<", "").replace(">", ""))) == data
    csv = "text,subject_uris\n" + ANNIF.replace("\t", ",")
    assert read_texts(write("a.csv", csv)) == data
    run("train", "a.tsv", "-m", "m")
    assert set(arborank.load("m").labels_) == {URI + name for name in [*KINDS, "fruit"]}


@pytest.mark.parametrize(
    ("name", "content", "found", "way"),
    [
        (
            "swapped.tsv",
            SWAPPED,
            f"read as labels [{TEXTS[0]!r}] and text 'apple,fruit'",
            "--text-column 1 --label-column 2",
        ),
        (
            "short.tsv",
            "red apple\tfruit\nold car\tvehicle\n",
            "read as labels ['red apple'] and text 'fruit'",
            "--text-column 1 --label-column 2",
        ),
        (
            "numbers.tsv",
            "a red fruit, sweet\t1,2\nan old car\t3\n",
            "text '1,2'",
            "--text-column 1 --label-column 2",
        ),
        (
            "repeated.tsv",
            "".join(f"w{i} x{i}\tkind{i % 2}, all\n" for i in range(6)),
            "read as labels ['w0 x0']",
            "--text-column 1 --label-column 2",
        ),
        (
            "id.tsv",
            WITH_ID,
            f"columns 1: 'id0', 2: 'apple,fruit', 3: {TEXTS[0]!r}",
            "--text-column 3 --label-column 2",
        ),
        ("header.tsv", "subject\ttitle\n" + PECOS, "a header: 1: 'subject', 2: 'title'", "--header if"),
        (
            "comma.tsv",
            "wine\tred wines\nCookery, French\tsoups\n",
            "whether the cell 'Cookery, French' is one label or several is not clear",
            "--label-separator , if ',' separates them, or --label-separator '' if every cell is one label",
        ),
        (
            "numbered.tsv",
            "".join(f"{i}\ta red fruit of {i}\n" for i in range(7, 30)),
            "column 1 seems to hold ids and no labels: each of 23 rows has another one, such as '7' and '8'",
            "--text-column 2 --label-column 1 if they are labels",
        ),
        (
            "uuids.tsv",
            "".join(f"{uuid.UUID(int=i)}\ta red fruit of {i}\n" for i in range(20)),
            "seems to hold ids and no labels",
            "--text-column 2 --label-column 1 if they are labels",
        ),
        (
            "label.jsonl",
            '{"text": "a", "label": "b"}\n',
            "no such key among ['label', 'text']",
            "--label-column label --label-separator '' if it is one label",
        ),
        ("foreign.tsv", "Sachgruppe\tTitel\n" + PECOS, "1: 'Sachgruppe', 2: 'Titel'", "--no-header"),
        ("semicolon.tsv", PECOS.replace(",", ";"), "'apple;fruit' was read as one", "--label-separator ';'"),
        ("bar.tsv", PECOS.replace(",", "|"), "'apple|fruit' was read as one label", "--label-separator '|'"),
        ("ids.tsv", "1 2\ta red fruit\n3 2\tan old car\n", "'1 2' was read as one", "--label-separator ' '"),
        ("open.tsv", '"Cookery, French\tsoups\n', "a quotation mark without its counterpart", ""),
        ("lists.tsv", "['apple', 'fruit']\ta red fruit\n", "a list in JSON", ""),
        ("csv.tsv", 'fruit\t"a ""red"" fruit"\n', "looks quoted as in a CSV file", "--format csv"),
        ("json.txt", '{"text": "a", "labels": ["b"]}\n', "looks like JSON", "--format jsonl"),
        ("xmc.txt", "2 5 2\n0 1:0.5 2:1\n1 0:1e-3\n", "in the N D L layout: '2 5 2'", "--xmc"),
        ("svm.txt", "0,1 1:0.5 2:1\n", "in the N D L layout", "--xmc"),
        ("unlabelled.txt", " 1:0.5 2:1\n1 1:2\n", "in the N D L layout", "--xmc"),
        ("other.doc", PECOS, "unknown extension '.doc'", "--format jsonl"),
        ("names.csv", CSV, "a header: 1: 'id', 2: 'title', 3: 'subjects'", "--header"),
        ("bare.csv", "a red fruit,apple\n", "1: 'a red fruit', 2: 'apple'", "--text-column 1 --label-column 2"),
        ("semi.csv", "text;labels\na;b\n", "1: 'text;labels'", "--delimiter ';'"),
        ("tab.csv", "text\tlabels\na\tb\n", "one column", "--delimiter tab"),
        (
            "several.csv",
            'text,labels\nsoups,"Cookery, French"\n',
            "whether the cell 'Cookery, French' is one label or several",
            "--label-separator '' if every cell is one label",
        ),
        ("open.csv", 'text,labels\n"a,b\n', "no row of a CSV file", ""),
        ("uneven.csv", "text,labels\na,b\nc\n", "2 columns were expected, found 1", ""),
        ("keys.jsonl", '{"title": "a", "tags": ["b"]}\n', "no such key among", "--text-column title"),
        ("tags.jsonl", '{"text": "a", "tags": ["b"]}\n', "no such key among", "--label-column tags"),
        ("one.jsonl", '{"text": "a", "labels": "b, c"}\n', "found 'b, c'", "--label-separator ''"),
    ],
)  # fmt: skip
def test_what_is_refused(write, run, name, content, found, way):
    error = " ".join(run("train", write(name, content), "-m", "m", code=1).stderr.split())
    assert error.startswith(f"Error: {name}:")
    assert found in error
    assert way in error
    assert "internal" not in error
    assert not Path("m").exists()
    with pytest.raises(ValueError, match=re.escape(found)):
        read_texts(name)


@pytest.mark.parametrize(
    ("layout", "error", "message"),
    [
        ({"text_column": 0}, ValueError, "numbered from 1"),
        ({"text_column": True}, TypeError, "a name or a number"),
        (
            {"text_column": 1, "label_column": "1"},
            ValueError,
            "text_column is 1, which is another column already",
        ),
        ({"format": "xml"}, ValueError, "format must be one of 'jsonl'"),
        ({"delimiter": ""}, ValueError, "delimiter must be"),
        ({"delimiter": '"'}, ValueError, "delimiter must be"),
        ({"label_separator": 3}, TypeError, "label_separator must be a str"),
        ({"header": 1}, TypeError, "header must be"),
    ],
)
def test_impossible_layouts(layout, error, message):
    with pytest.raises(error, match=message):
        Layout(**layout)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"text_column": 4}, "text_column is 4, but there are 3 columns"),
        ({"text_column": "headline", "header": False}, "have numbers and no names"),
        ({"text_column": "headline"}, "text_column is 'headline', but the columns are called 'id0'"),
        ({"text_column": 3}, "which column holds the labels is not clear"),
        ({"label_column": 2}, "which column holds the text is not clear"),
    ],
)
def test_columns_that_are_not_there(write, layout, message):
    with pytest.raises(LayoutError, match=message):
        read_tabbed(write("a.tsv", WITH_ID), Layout(**layout))


@pytest.mark.parametrize(
    "labels",
    [
        [f"item{i}" for i in range(19)],  # few rows
        [f"item{i % 15}" for i in range(30)],  # they come again
        [f"item{i},all" for i in range(30)],  # several in a cell
        ["".join(letters) for letters in itertools.permutations("abcd")],  # words
        ["", *(f"item{i}" for i in range(30))],  # a text without
    ],
)
def test_labels_that_may_be_no_ids(write, labels):
    content = "".join(f"{cell}\ta red fruit like {cell}\n" for cell in labels)
    assert read_tabbed(write("a.tsv", content)).labels == [cell.split(",") if cell else [] for cell in labels]


def test_ids_that_are_labels(write, run, model):
    ids = [f"B00{i}" for i in range(30)]
    write("a.tsv", "".join(f"{one}\tthe thing {one}\n" for one in ids))
    expected = [[one] for one in ids]
    assert read_texts("a.tsv", Layout(label_column=1, text_column=2)).labels == expected
    assert read_texts("a.tsv", unique_labels=True).labels == expected
    assert read_texts("a.tsv", known=ids).labels == expected
    write("b.tsv", "".join(f"{ids[i % 30]}\tbuy the thing {i % 7}\n" for i in range(60)))
    run("train", "b.tsv", "-m", "m", "--label-texts", "a.tsv")
    assert len(run("rank", "m", "thing", "--titles", "a.tsv", "-k", 2).stdout.splitlines()) == 2
    run("evaluate", "m", "a.tsv")


def test_commas_with_space_that_part_labels(write):
    assert read_tabbed(write("a.tsv", "a, b\tx y\n"), Layout(label_separator=",")).labels == [["a", "b"]]
    assert read_tabbed("a.tsv", Layout(label_separator="")).labels == [["a, b"]]
    assert read_texts("a.tsv", labels_required=False).texts == ["x y"]
    weighed = read_tabbed(write("b.tsv", "a::1, b::0.5\tx\n"), Layout(relevance_separator="::"))
    assert weighed == TextData(["x"], [["a", "b"]], [[1.0, 0.5]])


def test_an_id_tells_the_others_apart_and_stays_with_the_text(write, run, model):
    data = read_texts(write("a.tsv", WITH_ID), Layout(id_column=1))
    assert data == TextData(TEXTS, LABELS, None, [f"id{i}" for i in range(40)])
    answers = run("predict", model, "a.tsv", "--id-column", 1).stdout.splitlines()
    assert [json.loads(line)["id"] for line in answers] == data.ids
    assert run("predict", model, "-", "--id-column", 1, stdin=WITH_ID).stdout.splitlines() == answers


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ('"Cookery, French"', ["Cookery, French"]),
        ('"Cookery, French", Wine', ["Cookery, French", "Wine"]),
        ('Wine,"say ""no"", now"', ["Wine", 'say "no", now']),
        ('"Weird Al" Yankovic, 5" nails', ['"Weird Al" Yankovic', '5" nails']),
        ('["a", "b, c"]', ["a", "b, c"]),
        ("<urn:a> <urn:b>", ["urn:a", "urn:b"]),
        ("<b>,<i>", ["<b>", "<i>"]),
        ("1,000 ways,2", ["1", "000 ways", "2"]),
        ("", []),
    ],
)
def test_cells_of_labels(write, cell, names):
    data = read_texts(write("a.tsv", f"{cell}\tsoups and wines of many countries\n"))
    assert data.labels == [names]


def test_csv_cells_are_those_of_a_csv_reader(write):
    content = 'text,labels\n"two\r\nlines, and ""marks""\t",one\n\n"",two\n'
    assert read_csv(write("a.csv", content)) == TextData(
        ['two\nlines, and "marks"\t', ""], [["one"], ["two"]]
    )
    long = "x" * 200_000  # more than the csv module takes by itself
    assert read_texts(write("b.csv", f"text,labels\n{long},a\n")).texts == [long]
    quoted = read_texts(
        write("c.tsv", 'labels\ttext\n"a, b"\t"say\t""no"""\n'), Layout(format="csv", label_separator=",")
    )
    assert quoted == TextData(['say\t"no"'], [["a", "b"]])


def test_texts_may_hold_tabs_where_some_do_not(write):
    data = read_tabbed(write("a.tsv", PECOS + "fruit\tone\ttwo\tthree\n"))
    assert data.texts[-1] == "one\ttwo\tthree"
    with pytest.raises(ValueError, match=r"a.tsv:41: 3 tab-separated columns .* found 4"):
        read_tabbed(write("a.tsv", WITH_ID + "id\tfruit\tone\ttwo\n"), Layout(text_column=1, label_column=2))


@pytest.mark.parametrize("command", ["evaluate", "compress", "update"])
def test_every_command_takes_a_layout(write, run, model, command):
    write("a.csv", CSV)
    layout = ("--text-column", "title", "--label-column", "subjects", "--label-separator", ";")
    args = {
        "evaluate": ("evaluate", model, "a.csv", "--train", "a.csv"),
        "compress": ("compress", model, "-o", "small", "--validation", "a.csv", "--weights", "int8"),
        "update": ("update", model, "--data", "a.csv", "--add", "--missing", "ignore", "-o", "new"),
    }[command]
    assert "--header" in run(*args, code=1).stderr
    run(*args, *layout)


def test_options_without_a_use_are_refused(write, run, model):
    write("a.svm", "2 5 2\n0 1:0.5\n1 0:1\n")
    error = run("train", "a.svm", "-m", "m", "--text-column", "2", code=2).stderr
    assert "--text-column 2 is for files of texts, but a.svm holds features" in error
    assert (
        "--delimiter goes with --rows, --add"
        in run("update", model, "--delimiter", ";", "--remove", "a.svm", code=2).stderr
    )
    assert "--header needs --validation" in run("compress", model, "-o", "s", "--header", code=2).stderr
    assert (
        "--text-column is '2', which is another column already"
        in run("train", "a.svm", "-m", "m", "--text-column", "2", "--label-column", "2", code=2).stderr
    )


FILES = {
    "texts": "an appleish thing\n\na {curly} thing\n{curly} thing\n",
    "json": 'an appleish thing\n{"text": "a grapeish thing", "labels": ["x"]}\n',
    "labels and text": PECOS,
    "text and URIs": ANNIF,
    "foreign labels": "foo\tan appleish thing\n",
    "labels the other way round": SWAPPED,
    "a tab in one text": "an appleish thing\nfoo\ta grapeish thing\n",
    "a tab in all but one": "fruit\tan appleish thing\na grapeish thing\n",
    "matrices": "2 5 2\n0 1:0.5 2:1\n1 0:1e-3\n",
    "a line that begins like JSON": 'an appleish thing\n{"grapeish": 1}\n',
    "a label that begins like JSON": 'apple\tan appleish thing\n{"grape\ta grapeish thing\n',
    "broken JSON": '{"text": "x"\n',
    "other JSON": '{"title": "x"}\n',
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("layout", [(), ("--format", "lines"), ("--text-column", "2"), ("--format", "csv")])
def test_a_file_and_a_pipe_are_read_alike(write, run, model, kind, layout):
    write("a.txt", FILES[kind])
    args = (model, "-k", "2", *layout)
    of_file = CliRunner().invoke(main, ["predict", str(model), "a.txt", "-k", "2", *layout])
    of_pipe = CliRunner().invoke(main, ["predict", str(model), "-", "-k", "2", *layout], input=FILES[kind])
    assert (of_file.exit_code, of_pipe.exit_code) in ((0, 0), (1, 1)), args
    assert of_file.stderr.replace("a.txt", "standard input") == of_pipe.stderr
    assert of_pipe.stdout.startswith(of_file.stdout)  # which answers nothing before all is read
    if of_file.exit_code == 0:
        assert of_file.stdout == of_pipe.stdout
    if layout == ("--format", "lines"):
        expected = arborank.load(model).rank_batch(FILES[kind].split("\n")[:-1], 2)
        labels = [json.loads(line)["labels"] for line in of_file.stdout.splitlines()]
        assert labels == [[name for name, _ in row] for row in expected]


def test_what_stands_before_a_tab_is_not_dropped_unasked(write, run, model):
    error = run("predict", model, write("a.txt", "foo\tan appleish thing\n"), code=1).stderr
    assert "['foo'] was read before the text 'an appleish thing'" in error
    assert "labels of 0 of 1 rows" in error
    assert "--format lines if" in error
    whole = run("predict", model, "a.txt", "--format", "lines", "-k", 1).stdout
    assert whole == run("predict", model, "-", "-k", 1, stdin="foo an appleish thing\n").stdout
    assert run("evaluate", model, "a.txt", code=1).stderr == error


@pytest.mark.parametrize("name", ["a.tsv", "a.jsonl", "a.csv"])
def test_files_without_a_row_or_a_label_are_named(write, run, model, name):
    head = "text,labels\n" if name == "a.csv" else ""
    row = {"a.tsv": "\ta text\n", "a.jsonl": '{"text": "a text", "labels": []}\n', "a.csv": "a text,\n"}[name]
    for content in (head, head + row):
        write(name, content)
        message = f"{name} has no row with a label"
        assert message in run("train", name, "-m", "m", code=1).stderr
        assert message in run("evaluate", model, name, code=1).stderr
        assert len(run("predict", model, name).stdout.splitlines()) == len(content.splitlines()) - bool(head)


def test_a_csv_of_texts_alone(write, run, model):
    write("a.csv", "Text\n" + "".join(f"{text}\n" for text in TEXTS[:3]))
    write("b.csv", "id,text\n" + "".join(f"{i},{text}\n" for i, text in enumerate(TEXTS[:3])))
    answers = run("predict", model, "a.csv", "-k", "1").stdout
    assert len(answers.splitlines()) == 3
    assert answers == run("predict", model, "b.csv", "-k", "1").stdout
    assert len(run("predict", model, "a.csv", "--no-header").stdout.splitlines()) == 4
    write("c.csv", Path("a.csv").read_text().replace("Text", "title"))
    assert answers == run("predict", model, "c.csv", "-k", "1", "--text-column", "title").stdout
    assert "--header" in run("train", "a.csv", "--model", "new", code=1).stderr

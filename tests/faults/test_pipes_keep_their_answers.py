"""Whatever ends a pipe, what was read before it is answered, and the error names the line."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

import arborank
from arborank.autocomplete import Autocompleter
from arborank.cli import main

COMMAND = [sys.executable, "-c", "from arborank.cli import main; main(prog_name='arborank')"]
KINDS = ["apple", "banana", "cherry", "grape"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    place = tmp_path_factory.mktemp("pipes") / "model"
    texts = [f"a {KINDS[i % 4]}ish thing w{i % 7}" for i in range(40)]
    arborank.TextRanker().fit(texts, [[KINDS[i % 4]] for i in range(40)]).save(place)
    return place


def predict(model, stdin, *args, code=0):
    result = CliRunner().invoke(main, ["predict", str(model), "-", "-k", "1", *map(str, args)], input=stdin)
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


def best(stdout):
    return [json.loads(line)["labels"][0] for line in stdout.splitlines()]


GOOD = b"an appleish thing\na grapeish thing\n"
OBJECTS = b'{"text": "an appleish thing"}\n{"text": "a grapeish thing"}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "cut off', 'a JSON object was expected, found \'{"text": "cut off\''),
        (b'{"title": "no text"}', '"text" must be a string, found no such key'),
        (b'{"text": 3}', '"text" must be a string, found 3'),
        (b'{ "text": null}', '"text" must be a string, found None'),
        (b"not \xff text", "not utf-8"),
        (b"foo\ta text", "a line with a tab, where others have none"),
    ],
)
@pytest.mark.parametrize("n_before", [1, 700, 1500])
def test_a_line_that_cannot_be_read(model, line, message, n_before):
    before = OBJECTS if line.startswith(b"{") else GOOD
    found = predict(model, before * n_before + line + b"\n" + GOOD, code=1)
    assert best(found.stdout) == ["apple", "grape"] * n_before
    assert f"standard input:{2 * n_before + 1}: {message}" in " ".join(found.stderr.split())


def test_in_columns_too(model):
    found = predict(model, b"apple\tan appleish thing\n" * 3 + b"no tab\n", code=1)
    assert best(found.stdout) == ["apple"] * 3
    assert "standard input:4: a line with no tab, where others have one" in found.stderr
    found = predict(model, b"apple\tan appleish thing\n" * 1500 + b"a,,b\ttext\n", code=1)
    assert best(found.stdout) == ["apple"] * 1500
    assert "standard input:1501: an empty label in 'a,,b'" in found.stderr


def test_lines_that_begin_with_a_brace(model):
    lines = b'{apple}ish appleish\n{}\n{ \n{"text": "a grapeish thing"}\n{"text": "a grapeish thing", "id": [{}]}\n'
    assert best(predict(model, lines).stdout)[::3] == ["apple", "grape"]
    assert best(predict(model, lines).stdout)[-1] == "grape"
    as_lines = predict(model, b'{"text": "cut off\n{"text": 3}\n', "--format", "lines")
    assert len(as_lines.stdout.splitlines()) == 2
    found = predict(model, b'{"text": "cut off\n', code=1)
    assert "--format lines if every line is a text as it stands" in found.stderr


@pytest.mark.parametrize("command", ["predict", "rank", "complete"])
class TestEveryCommand:
    """`rank`, `complete` and `predict` read the lines of a pipe alike."""

    @pytest.fixture
    def answered(self, model, command, tmp_path):
        place = model
        if command == "complete":
            place = tmp_path / "completer"
            Autocompleter().fit_pairs([()] * 3, ["oslo", "paris", "naples"]).save(place)

        def answered(stdin, *args, code=0):
            args = [command, str(place), *(["-"] if command == "predict" else []), *args]
            result = CliRunner().invoke(main, args, input=stdin)
            assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
            return result.stdout, " ".join(result.stderr.split())

        return answered

    @pytest.mark.parametrize("line", [b'{"text": 3}', b'{"q": 1}', b'{"q":1}', b'{"text": "cut'])
    def test_objects_must_have_a_text(self, answered, line):
        out, err = answered(b'\n{"text": "o"}\n{o\n' + line + b"\nq\n", code=1)
        assert out == answered(b'\n{"text": "o"}\n{o\n')[0]
        assert "standard input:4: " in err
        assert err.endswith("say --format lines if every line is a text as it stands")

    def test_after_a_text_they_may_be_texts(self, answered):
        lines = [b"o", b'{"q": 1}', b'{"text": "cut', b'{"text": 3}']
        out, err = answered(b"\n".join(lines))
        assert (out, err) == answered(b"\n".join(lines), "--format", "lines")
        as_objects = b"".join(json.dumps({"text": line.decode()}).encode() + b"\n" for line in lines)
        assert out == answered(as_objects)[0]
        assert answered(b'o\n{"text": "p"}\n') == answered(b"o\np\n")

    def test_every_line_as_it_stands(self, answered, command):
        out, _ = answered(b'{"text": "o"}\n{"q', "--format", "lines")
        assert out != answered(b'o\n{"q')[0] or command == "predict"
        assert out == answered(b'{"text": "{\\"text\\": \\"o\\"}"}\n{"text": "{\\"q"}\n')[0]


def test_a_file_keeps_them_beside_what_was_there(model, tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    found = predict(model, OBJECTS + b'{"text": 3}\n', "-o", target, code=1)
    assert target.read_text() == "old"
    assert best((tmp_path / "partial-out.jsonl").read_text()) == ["apple", "grape"]
    assert "partial-out.jsonl" in found.stderr
    assert sorted(os.listdir(tmp_path)) == ["out.jsonl", "partial-out.jsonl"]


@pytest.mark.subprocess
def test_ctrl_c(model):
    process = subprocess.Popen(
        [*COMMAND, "predict", model, "-", "-k", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdin.write(GOOD * 600)  # more than are answered at a time
        process.stdin.flush()
        answered = process.stdout.readline()  # the first batch, and the second is being read
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        answered += process.stdout.read()
        err = process.stderr.read()
    assert process.returncode == 130
    assert best(answered.decode()) == ["apple", "grape"] * 600
    assert err.decode().strip().endswith("Interrupted.")

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
    found = predict(model, GOOD * n_before + line + b"\n" + GOOD, code=1)
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


@pytest.mark.parametrize("command", ["rank", "complete"])
def test_of_the_other_commands(model, command, tmp_path):
    place = model
    if command == "complete":
        place = tmp_path / "completer"
        Autocompleter().fit_pairs([()] * 3, ["oslo", "paris", "naples"]).save(place)
    result = CliRunner().invoke(main, [command, str(place)], input=b'o\n{o\n{"text": "p"}\n{"text": 3}\nq\n')
    assert result.exit_code == 1
    assert "standard input:4" in result.stderr
    lines = result.stdout.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == ["o", "{o", "p"]


def test_a_file_keeps_them_beside_what_was_there(model, tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    found = predict(model, GOOD + b'{"text": 3}\n', "-o", target, code=1)
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

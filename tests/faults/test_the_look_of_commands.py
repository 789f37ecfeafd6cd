"""What commands show fits the terminal, says numbers in human units, can be silenced, and is JSON for programs."""

import io
import json
import os
import pty
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.cli.live import Screen
from arborank.cli.ranking import show
from arborank.core import progress
from arborank.core.display import clip, columns, cut, fold, significant

TITLES = {
    "B001": "A crisp red apple of the old kind that grows on the hills beyond the river",
    "B002": "日本語の長い題名が続きます 日本語の長い題名が続きます",
}
COMMANDS = ["train", "predict", "evaluate", "rank", "inspect", "compress", "update", "convert"]
COMMANDS += ["train-completer", "update-completer", "complete", "demo"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("look")
    texts, codes = ["red fruit", "yellow fruit", "fast car"] * 5, ["B001", "B002", "B003"] * 5
    rows = zip(texts, codes, strict=True)
    (place / "data.tsv").write_text("".join(f"{code}\t{text}\n" for text, code in rows))
    (place / "more.tsv").write_text("red fruit\tfast car\nred fruit\tgreen fruit\n")
    (place / "titles.tsv").write_text("".join(f"{code}\t{title}\n" for code, title in TITLES.items()))
    (place / "catalogue.csv").write_text("code;name\n" + "".join(f"{c};{t}\n" for c, t in TITLES.items()))
    arborank.TextRanker(features=arborank.NgramTfidf()).fit(texts, [[code] for code in codes]).save(
        place / "model"
    )
    arborank.Autocompleter().fit_pairs([()] * 15, texts).save(place / "completer")
    return place


@pytest.fixture
def run(place, monkeypatch):
    monkeypatch.chdir(place)

    def invoke(*args, stdin=None, code=0):
        done = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)
        assert done.exit_code == code, done.output
        return done

    return invoke


class Terminal(io.StringIO):
    def isatty(self):
        return True


# ------------------------------------------------------------------ width


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(
    "args", [("rank", "model", "red", "--titles", "titles.tsv"), ("inspect", "model", "--branches")]
)
def test_lines_fit_a_terminal_and_break_between_words(place, monkeypatch, width, args):
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", str(width))
    whole = CliRunner().invoke(main, [*args]).stdout
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal := Terminal())
        with pytest.raises(SystemExit):
            main([*args])
    shown = terminal.getvalue()
    words = {word.rstrip("…") for word in shown.split()} - {""}
    assert max(map(columns, shown.splitlines())) <= max(width, 56)
    assert all(word in whole.split() or word in "".join(TITLES.values()) for word in words)
    assert TITLES["B001"] in whole or args[0] == "inspect"  # a pipe gets all of it, in one line


def test_help_uses_the_terminal(run, monkeypatch):
    widths = {}
    for columns_ in ("60", "100", "300", None):
        if columns_ is None:
            monkeypatch.delenv("COLUMNS")
        else:
            monkeypatch.setenv("COLUMNS", columns_)
        widths[columns_] = max(map(len, run("train", "--help").stdout.splitlines()))
    assert widths["60"] <= 60 < widths["100"] <= 100 < widths["300"] == widths[None] <= 120


def test_folding_cutting_and_clipping():
    assert fold("short", 80) == "short"
    assert fold("  one two three four", 12) == "  one two\n    three\n    four"
    assert fold("unbreakable-and-long-word", 10) == "unbreakable-and-long-word"
    assert fold("a\n\nb", 3) == "a\n\nb"
    assert clip("one two three", 9) == "one two…"
    assert clip("one two three", 8) == "one two…"
    assert clip("onetwothree", 6) == "onetw…"
    assert clip("one", 3) == "one"
    assert cut("日本語", 5) == "日本"
    assert [columns(text) for text in ("ab", "日本", "e\u0301")] == [2, 4, 1]
    for width in range(2, 30):
        assert columns(clip(TITLES["B002"], width)) <= width


# ------------------------------------------------------------------ scores


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1.000"),
        (0.5, "0.500"),
        (-3.25, "-3.250"),
        (1234.5, "1234.500"),
        (0.0999, "0.0999"),
        (-0.004, "-0.00400"),
        (0.00012, "0.000120"),
        (1e-7, "1.00e-07"),
        (0.0, "0.000"),
    ],
)
def test_digits(value, shown):
    assert significant(value) == shown


def test_small_scores_are_told_apart(capsys):
    show([("first", 3e-4), ("second", 2e-5), ("third", 0.0)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0.000300", "2.00e-05", "0.000"]
    assert (
        len({line.index(name) for line, name in zip(lines, ("first", "second", "third"), strict=True)}) == 1
    )
    screen = Screen(lambda prefix, before: ([("query", 3e-4)], 0.0))
    assert "0.000300  query" in screen.lines(40)[2]


# ------------------------------------------------------------------ titles


def test_titles_stand_beside_codes(run):
    shown = run("rank", "model", "red", "--titles", "titles.tsv").stdout
    assert f"B001  {TITLES['B001']}" in shown
    options = ["--text-column", "name", "--label-column", "code", "--delimiter", ";"]
    assert run("rank", "model", "red", "--titles", "catalogue.csv", *options).stdout == shown
    record = json.loads(run("rank", "model", "red", "--titles", "titles.tsv", "--json").stdout)
    assert dict(zip(record["labels"], record["titles"], strict=True)) == {**TITLES, "B003": None}
    assert "go with --titles" in run("rank", "model", "red", "--text-column", "2", code=2).stderr


def test_titles_of_other_labels_are_refused(run, place):
    (place / "others.tsv").write_text("Z1\tsomething\n")
    assert (
        "no title of a label that the model knows"
        in run("rank", "model", "red", "--titles", "others.tsv", code=1).stderr
    )


# ------------------------------------------------------------------ JSON


def test_rank_and_complete_in_json(run):
    found = run("rank", "model", "--json", "-k", "2", stdin='red\n{"text": "fast car"}\n').stdout.splitlines()
    ranker = arborank.load("model")
    for line, text in zip(found, ("red", "fast car"), strict=True):
        record = json.loads(line)
        expected = ranker.rank(text, 2)
        assert record["text"] == text
        assert record["labels"] == [name for name, _ in expected]
        assert record["scores"] == pytest.approx([score for _, score in expected], rel=1e-5)
    record = json.loads(run("complete", "completer", "fa", "-p", "red fruit", "--json").stdout)
    assert record["previous"] == ["red fruit"]
    assert record["completions"] == ["fast car"]
    assert len(record["scores"]) == 1
    lines = run("complete", "completer", "--json", stdin="red fruit\tye\nzzz\n").stdout.splitlines()
    assert [json.loads(line)["completions"] for line in lines] == [["yellow fruit"], []]


def test_inspect_in_json(run):
    facts = json.loads(run("inspect", "model", "--json", "--verify").stdout)
    assert (facts["class"], facts["verified"]) == ("TextRanker", True)
    assert facts["bytes"] == sum(path.stat().st_size for path in Path("model").iterdir())
    (member,) = facts["members"]
    assert member["features"][0]["class"] == "NgramTfidf"
    ranker = arborank.load("model").model_
    assert member["estimator"]["parameters"]["beam_size"] == "auto"
    assert member["chosen"]["beam_size"] == ranker.resolved_.beam_size
    assert (member["n_labels"], member["n_features"]) == (3, ranker.n_features_in_)
    assert [layer["weights"] for layer in member["layers"]] == [layer.nnz for layer in ranker.layers_]
    senses = json.loads(run("inspect", "model", "--senses", "B001", "--json").stdout)
    assert senses["label"] == "B001"
    assert senses["leaves"][0]["together_with"]
    assert json.loads(run("inspect", "completer", "--json").stdout)["class"] == "Autocompleter"
    assert "without --json" in run("inspect", "model", "--branches", "--json", code=2).stderr


# ------------------------------------------------------------------ quiet


def test_quiet_commands_say_nothing(run):
    silent = [
        ("train", "data.tsv", "-m", "made", "--force", "--min-df", "1"),
        ("compress", "model", "-o", "small", "--force", "--weights", "int8"),
        ("train-completer", "data.tsv", "-m", "typed", "--pairs", "--force"),
        ("update-completer", "typed", "more.tsv", "--pairs", "-o", "typed2", "--force"),
    ]
    for args in silent:
        assert run(*args).stderr
        done = run(*args, "--quiet")
        assert done.output == ""
    assert run("evaluate", "model", "data.tsv", "-q").stdout.startswith("15 rows")
    assert run("rank", "model", "red", "-q").stdout == run("rank", "model", "red").stdout
    assert "Error: " in run("rank", "nothing-here", "red", "-q", code=2).stderr  # errors are told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_quiet(run, command):
    assert "-q, --quiet" in run(command, "--help").stdout


# ------------------------------------------------------------------ progress


@pytest.fixture
def hasty(monkeypatch):
    """No delay before what is shown, and a clock of our own."""
    now = [0.0]
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then(hasty, capsys):
    with progress.progress_bar("encoding texts", 100_000, enabled=True, unit="texts") as update:
        for second in range(100):
            hasty[0] = float(second)
            update(second * 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "encoding texts: 30,000/100,000 texts, 30 %, 1,000 texts/s, 70 s left"
    assert len(lines) == 3
    assert not any("\r" in line or "k" in line.split(",")[-1] for line in lines)


@pytest.mark.parametrize("total", [None, 1000])
def test_quick_work_leaves_a_log_alone(hasty, capsys, total):
    with progress.progress_bar("quick", total, enabled=True, unit="texts") as update:
        hasty[0] = 20.0
        update(500)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_in_human_units(monkeypatch):
    parent, child = pty.openpty()
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    monkeypatch.delenv("COLUMNS", raising=False)
    with open(child, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        with progress.progress("encoding", 200_000, unit="texts", done=1) as update:
            update(123_456, "loss 0.5")
            time.sleep(0.6)
            update(150_000, "loss 0.25")
        print("end", file=terminal, flush=True)
        seen = ""
        while "end" not in seen:
            seen += os.read(parent, 1 << 16).decode()
    os.close(parent)
    assert "150,000/200,000 texts" in seen
    assert " texts/s, loss" in seen
    assert "kit" not in seen


def test_silence(capsys):
    with progress.no_progress():
        with progress.progress_bar("hidden", 10, enabled=True) as update:
            assert update is None
        with progress.progress("hidden", 10, unit="steps") as shown:
            shown(5, "")
    with progress.progress_bar("not asked for", 10, enabled=False) as update:
        assert update is None
    assert capsys.readouterr().err == ""

"""What all commands have in common: errors, streams, help."""

import json
import os
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main
from support.commands import COMMAND


def test_errors_are_one_line(run, folder):
    (folder / "bad.jsonl").write_text('{"text": "fine", "labels": []}\n{"text": 3}\n')
    for args in (("train", "bad.jsonl", "-m", "x"), ("evaluate", "model", "bad.jsonl")):
        lines = run(*args, code=1).stderr.splitlines()
        assert len(lines) == 1
        assert "bad.jsonl:2" in lines[0]
    (folder / "empty-model").mkdir()
    assert "empty-model" in run("rank", "empty-model", "x", code=1).stderr
    run("frobnicate", code=2)
    run("predict", "model", "no-such-file", code=2)


def test_debug_shows_the_traceback(folder):
    result = CliRunner().invoke(main, ["--debug", "rank", str(folder), "x"])
    assert isinstance(result.exception, OSError | ValueError)


@pytest.mark.parametrize(
    ("command", "closed", "message"),
    [
        (("rank",), "<&-", "standard input is closed"),
        (("predict", "-"), "<&-", "standard input is closed"),
        (("predict", "-"), ">&-", "standard output is closed"),
    ],
)
def test_closed_streams_are_named(folder, command, closed, message):
    name, *rest = command
    line = [*COMMAND, name, str(folder / "model"), *rest]
    done = subprocess.run(
        f"{shlex.join(line)} {closed}", shell=True, input="x\n", capture_output=True, text=True
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "internal error" not in done.stderr


def test_names_cannot_write_to_the_terminal(tmp_path):
    texts = ["red fruit", "yellow fruit", "fast car"] * 3
    names = [["ap\x1b[31mple"], ["ban\nana"], ["r\u202eacer"]] * 3
    ranker = arborank.TextRanker(features=arborank.NgramTfidf()).fit(texts, names)
    ranker.save(tmp_path / "model")
    model = str(tmp_path / "model")
    runner = CliRunner()
    for arguments in (["rank", model, "fruit"], ["inspect", model, "--branches"]):
        printed = runner.invoke(main, arguments, color=True).output
        assert "ban\\nana" in printed
        assert "ap\\x1b[31mple" in printed
        assert "r\\u202eacer" in printed
        assert "\x1b" not in printed
    echoed = runner.invoke(main, ["rank", model], input="fruit\x1b]0;title\x07\n", color=True).output
    assert echoed.startswith("fruit\\x1b]0;title\\x07\n")
    (tmp_path / "in.jsonl").write_text('{"text": "fruit"}\n')
    line = runner.invoke(main, ["predict", model, str(tmp_path / "in.jsonl")]).stdout
    assert {"ap\x1b[31mple", "ban\nana"} <= set(json.loads(line)["labels"])


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from arborank.cli import main; main(['--help'], standalone_mode=False); "
        "print({'numpy', 'scipy', 'sklearn', 'tqdm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    for command in ("train", "predict", "evaluate", "rank", "inspect", "convert", "demo"):
        assert f"\n  {command} " in done.stdout


def test_version():
    assert CliRunner().invoke(main, ["--version"]).output.strip() == f"arborank {arborank.__version__}"


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (("evalute", "train.jsonl"), "Did you mean 'evaluate'?"),
        (("update-completr",), "'train-completer', 'update-completer'?"),
        (("rank", "model", "x", "--beam-sise", "5"), "Did you mean '--beam-size'?"),
        (("rank", "modle", "x"), "did you mean 'model'?"),
    ],
)
def test_what_was_meant(run, args, meant):
    if len(args) < 3 and version("click").startswith(("8.2", "8.3")):
        pytest.skip("Click compares the names of commands from 8.4 on")
    assert meant in run(*args, code=2).stderr


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("train", "--help"), ("inspect", "model")])
def test_a_reader_that_has_left_is_no_error(folder, args):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*COMMAND, *args], cwd=folder, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_interrupt_outside_of_a_command(monkeypatch):
    def interrupt(*args, **extra):
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "make_context", interrupt)
    done = CliRunner().invoke(main, ["rank", "model"])
    assert done.exit_code == 130
    assert done.stderr.strip() == "Aborted!"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(28, "No space left on device", "model"), "model: No space left on device"),
        (
            ZeroDivisionError("by zero"),
            "internal error: ZeroDivisionError: by zero (arborank --debug ... shows where)",
        ),
    ],
)
def test_errors_of_all_kinds(run, monkeypatch, error, told):
    def load(*given, **more):
        raise error

    monkeypatch.setattr("arborank.storage.load", load)
    assert run("rank", "model", "x", code=1).stderr == f"Error: {told}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell):
    environment = {"_ARBORANK_COMPLETE": f"{shell}_source"}
    done = CliRunner().invoke(main, [], prog_name="arborank", env=environment)
    assert done.exit_code == 0, done.output
    assert f"_ARBORANK_COMPLETE={shell}_complete" in done.stdout
    words = {"COMP_WORDS": "arborank train-", "COMP_CWORD": "train-" if shell == "fish" else "1"}
    answers = CliRunner().invoke(
        main, [], prog_name="arborank", env={"_ARBORANK_COMPLETE": f"{shell}_complete", **words}
    )
    assert "train-completer" in answers.stdout


def test_errors_of_the_library_name_options(run, folder):
    (folder / "about.tsv").write_text("apple\ta fruit\n")
    options = ("--label-texts", "about.tsv", "--no-learn-label-texts")
    told = run("train", "train.jsonl", "-m", "told", *options, code=1).stderr
    assert "Error: --label-texts has no use: representation 'pifa' is made without it" in told
    assert "say --learn-label-texts for labels that are learned from these texts" in told


@pytest.mark.parametrize("text", ["", "std::bad_alloc"])
def test_memory_that_ends_is_told_in_words(run, monkeypatch, text):
    def load(*given, **more):
        raise MemoryError(text)

    monkeypatch.setattr("arborank.storage.load", load)
    assert run("rank", "model", "x", code=1).stderr == "Error: out of memory\n"

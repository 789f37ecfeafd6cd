"""Whatever is shown is safe for a terminal, fits the encoding of the output, and ends without a traceback."""

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.core.display import printable, printable_json, printable_lines

pytestmark = pytest.mark.subprocess
NAMES = ["ap\x1b[31mple\x9b0m", "ban\nana наука", "r\u202eacer\u2028日本"]
OBEYED = "\x1b\x07\x7f\x9b\u2028\u2029\u202a\u202e\u2066\u2069"
RUN = [sys.executable, "-m", "arborank"]
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("streams")
    texts = ["red fruit", "yellow fruit", "fast car"] * 3
    arborank.TextRanker(features=arborank.NgramTfidf()).fit(texts, [[name] for name in NAMES] * 3).save(
        place / "model"
    )
    queries = ["red \x9bapple", "red \u202ecar", "fast car"]
    arborank.Autocompleter().fit_pairs([()] * 9, queries * 3).save(place / "completer")
    (place / "texts.txt").write_text("fruit\n")
    rows = [{"text": text, "labels": [name]} for text, name in zip(texts, NAMES * 3, strict=True)]
    (place / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return place


def run(place, *args, **env):
    return subprocess.run([*RUN, *args], cwd=place, env=os.environ | env, capture_output=True)


@pytest.fixture
def on_terminal(place, monkeypatch):
    """Run a command of this process on a terminal; return all that it shows."""
    monkeypatch.chdir(place)

    def shown(*args):
        parent, child = pty.openpty()
        with open(child, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            patch.setattr(sys, "stderr", terminal)
            with pytest.raises(SystemExit):
                main([str(arg) for arg in args])
            terminal.flush()
            seen = os.read(parent, 1 << 16)
        os.close(parent)
        return seen.decode()

    return shown


SHOWING = [
    ("rank", "model", "fruit"),
    ("inspect", "model", "--branches"),
    ("inspect", "model", "--senses", NAMES[0]),
    ("inspect", "model", "--senses", "no \x9b\u202e"),
    ("predict", "model", "texts.txt"),
    ("complete", "completer", "red"),
    ("inspect", "completer"),
    ("rank", "no\x9bmodel\u202e", "x"),
    ("rank", "model", "--no\x9boption"),
    ("no\u202ecommand",),
]


@pytest.mark.parametrize("args", SHOWING)
def test_a_terminal_is_shown_nothing_that_it_obeys(on_terminal, args):
    seen = on_terminal(*args)
    assert seen
    assert not set(seen) & set(OBEYED)


def test_json_is_exact_on_a_terminal_and_in_a_pipe(place, on_terminal):
    shown = on_terminal("predict", "model", "texts.txt")
    piped = run(place, "predict", "model", "texts.txt").stdout
    assert set(NAMES) == set(json.loads(shown)["labels"])
    assert json.loads(shown) == json.loads(piped)
    assert "\u202e".encode() in piped


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "koi8-r", "utf-8"])
@pytest.mark.parametrize("args", SHOWING[:6])
def test_every_encoding_of_the_output_will_do(place, monkeypatch, encoding, args):
    monkeypatch.chdir(place)
    done = CliRunner(charset=encoding).invoke(main, args)
    assert done.exit_code == 0 or args[-1].startswith("no ")
    shown = done.stdout_bytes.decode(encoding)
    if args[0] == "predict":
        assert set(NAMES) == set(json.loads(shown)["labels"])
    elif encoding in ("ascii", "latin-1", "cp1252") and args[0] == "rank":
        assert "#####" in shown
        assert "\\u043d\\u0430\\u0443\\u043a\\u0430" in shown
    elif args[0] == "rank":
        assert "█" in shown or encoding == "koi8-r"
        assert "наука" in shown
    if args[1:3] == ("model", "--branches"):
        assert ("|- ap" if encoding in ("ascii", "latin-1", "cp1252") else "├─ ap") in shown


def test_the_environment_says_the_encoding(place):
    c_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run(place, "rank", "model", "fruit", **c_locale).returncode == 0
    shown = run(place, "rank", "model", "fruit", PYTHONIOENCODING="ascii").stdout
    assert "####" in shown.decode("ascii")


def test_unpaired_surrogates_of_file_names(place):
    (place / os.fsdecode(b"m\xff")).symlink_to(place / "model")
    done = run(place, "inspect", b"m\xff")
    assert done.returncode == 0
    assert b"m\\udcff: TextRanker" in done.stdout


@FULL
@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("--version",),
        ("rank", "--help"),
        ("rank", "model", "fruit"),
        ("inspect", "model"),
        ("predict", "model", "texts.txt"),
        ("evaluate", "model", "data.jsonl"),
    ],
)
def test_a_full_disk_ends_in_one_line(place, monkeypatch, capsys, args, buffered):
    monkeypatch.chdir(place)
    with open("/dev/full", "wb", buffering=-1 if buffered else 0) as raw, monkeypatch.context() as patch:
        full = io.TextIOWrapper(raw, "utf-8", write_through=not buffered)
        patch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit, match="1"):
            main([*args])
    lines = [
        line for line in capsys.readouterr().err.splitlines() if not line.startswith("label frequencies")
    ]
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert lines[0].endswith("No space left on device")


@FULL
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_interpreter_does_not_report_it_again(place, unbuffered):
    for args in (["--help"], ["rank", "model", "fruit"]):
        with open("/dev/full", "w") as full:
            env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
            done = subprocess.run([*RUN, *args], cwd=place, env=env, stdout=full, stderr=subprocess.PIPE)
        assert done.stderr == b"Error: standard output: No space left on device\n"
        assert done.returncode == 1


@FULL
@pytest.mark.parametrize("name", [None, *sorted(main.commands)])
def test_help_for_a_full_disk_names_the_output(monkeypatch, capsys, name):
    with open("/dev/full", "wb", buffering=0) as raw, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(raw, "utf-8", write_through=True))
        with pytest.raises(SystemExit, match="1"):
            main([*([] if name is None else [name]), "--help"])
    assert capsys.readouterr().err == "Error: standard output: No space left on device\n"


@FULL
def test_what_cannot_be_told_loses_no_model(place):
    with open("/dev/full", "w") as full:
        line = [*RUN, "train", "data.jsonl", "-m", "kept", "--holdout", "0.4", "--min-df", "1"]
        done = subprocess.run(line, cwd=place, stdout=full, stderr=full)
    assert done.returncode == 1
    assert run(place, "inspect", "kept").returncode == 0


def test_a_reader_that_leaves(place):
    for args in (["--help"], ["inspect", "model"]):
        process = subprocess.Popen([*RUN, *args], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        process.wait(60)


def test_a_closed_output_is_named(place):
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m arborank rank model fruit >&-"],
        cwd=place,
        capture_output=True,
    )
    assert done.returncode == 1
    assert done.stderr == b"Error: standard output is closed\n"


def test_python_m_arborank(place):
    assert b"arborank" in run(place, "--version").stdout
    assert b"Usage: python -m arborank [OPTIONS] COMMAND" in run(place, "--help").stdout
    assert run(place, "no-such-command").returncode == 2


SLOW = """
import sys, time
wanted = sys.argv[1]
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            print("importing", flush=True)
            try:
                time.sleep(60)
            except KeyboardInterrupt as error:
                if sys.argv[-1] == "compiled":  # what modules in C make of it
                    raise ImportError("initialization failed") from error
                raise
sys.meta_path.insert(0, Slow())
sys.argv[:2] = ["arborank"]
from arborank.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "text"),
    [("click", "fruit"), ("arborank.cli.rank", "compiled"), ("numpy", "fruit"), ("numpy", "compiled")],
)
def test_an_interrupt_during_imports(place, module, text):
    line = [sys.executable, "-c", SLOW, module, "rank", "model", text]
    with subprocess.Popen(
        line, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "importing\n"
        for _ in range(10):  # Python drops an interrupt that comes during a callback of its own
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=6)
                break
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() in ("Aborted!", "Interrupted.")


@pytest.mark.parametrize("text", ["", "plain", NAMES[0], NAMES[1], NAMES[2], "\ud800 \u2066x\u2069 \x85"])
def test_escapes(text):
    assert not set(printable(text)) & set(OBEYED + "\n\r\t")
    assert not set(printable_lines(text)) & set(OBEYED + "\r\t")
    assert printable_lines(text).count("\n") == text.count("\n")
    assert json.loads(printable_json(json.dumps(text, ensure_ascii=False))) == text

"""The commands around autocompletion: train-completer, complete, demo autocomplete."""

import json
import os
import pty
import re
import select
import subprocess
import sys

import pytest
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.cli.live import Screen, _draw, keys

LOG = [
    (session, time, query)
    for i in range(30)
    for session, topic, query in [(f"a{i}", "camera", "nikon"), (f"b{i}", "shoes", "nike air")]
    for time, query in [(f"2024-01-01 10:00:{i:02}", topic), (f"2024-01-01 10:05:{i:02}", query)]
]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    place = tmp_path_factory.mktemp("complete")
    (place / "log.tsv").write_text("".join("\t".join(row) + "\n" for row in LOG))
    (place / "pairs.jsonl").write_text(
        "".join(json.dumps({"previous": ["x", "camera"], "query": f"q{i % 5}"}) + "\n" for i in range(40))
    )
    result = run("train-completer", place / "log.tsv", "-m", place / "model", "--n-previous", 2)
    assert result.exit_code == 0, result.output
    return place


def run(*args, stdin=None):
    return CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)


def test_one_prefix(folder):
    result = run("complete", folder / "model", "n", "-p", "hats", "-p", "camera", "-k", 1)
    assert result.exit_code == 0
    assert result.stdout.split()[-1] == "nikon"
    assert "nike air" in run("complete", folder / "model", "n", "--previous", "shoes", "-k", 1).stdout


def test_a_history(folder):
    history = folder / "history.json"
    history.write_text('{"size": 9, "entries": [["nail scissors", 5], ["nike air", 9]]}')
    result = run("complete", folder / "model", "n", "-p", "camera", "--history", history)
    ends = ("nike air", "nail scissors", "nikon")
    assert all(line.endswith(end) for line, end in zip(result.stdout.splitlines(), ends, strict=True))
    for broken in ("[]", "no", '{"size": 9, "entries": [5]}'):
        history.write_text(broken)
        result = run("complete", folder / "model", "n", "--history", history)
        assert result.exit_code == 1
        assert f"{history}: " in result.stderr


def test_lines_from_a_pipe(folder):
    result = run("complete", folder / "model", "-k", 1, stdin="camera\tn\n\nzzz\n")
    assert result.exit_code == 0
    answers = [part.splitlines() for part in result.stdout.split("\n\n")]
    assert answers[0][0] == "camera > n"
    assert answers[0][1].endswith("nikon")
    assert answers[2] == ["zzz", "  (no completion)"]
    assert run("complete", folder / "model", stdin="").output == ""


@pytest.mark.filterwarnings("ignore:.*were learned before:UserWarning")
def test_update(folder, tmp_path):
    newer = [
        (f"n{i}", str(time), query) for i in range(9) for time, query in enumerate(["camera", "nikon z"])
    ]
    (tmp_path / "newer.tsv").write_text(
        "".join("\t".join(row) + "\n" for row in [*newer, ("m", "0", "nikon")])
    )
    (tmp_path / "gone").write_text("nike air\n")
    result = run("update-completer", folder / "model", tmp_path / "newer.tsv", "-o", tmp_path / "new")
    assert result.exit_code == 0, result.output
    assert "4 queries before, 5 now" in result.stderr
    assert "nikon z" in run("complete", tmp_path / "new", "n", "-p", "camera").stdout
    assert "nikon z" not in run("complete", folder / "model", "n").stdout
    assert run("update-completer", tmp_path / "new", "--remove", tmp_path / "gone").exit_code == 0
    assert "(no completion)" in run("complete", tmp_path / "new", "nike").stdout
    (tmp_path / "words").write_text("nikon\n")
    result = run(
        "update-completer", tmp_path / "new", tmp_path / "newer.tsv", "--blocklist", tmp_path / "words"
    )
    assert result.exit_code == 0, result.output
    assert "(no completion)" in run("complete", tmp_path / "new", "nik").stdout
    (tmp_path / "pairs.tsv").write_text("camera\tlens\n" * 9 + "shoes\tcamera\n")
    options = ["--pairs", "--refresh", tmp_path / "again"]
    (tmp_path / "again").write_text("camera\n")
    result = run("update-completer", tmp_path / "new", tmp_path / "pairs.tsv", *options)
    assert "no known query besides those to refresh" in result.stderr
    (tmp_path / "pairs.tsv").write_text("camera\tlens\n" * 9 + "lens\tcamera\n" * 9 + "camera\tshoes\n")
    result = run("update-completer", tmp_path / "new", tmp_path / "pairs.tsv", *options)
    assert result.exit_code == 0, result.output
    assert "camera" in run("complete", tmp_path / "new", "", "-p", "lens", "-k", 1).stdout


def test_a_typo(folder):
    assert "(no completion)" in run("complete", folder / "model", "nikno").stdout
    assert "nikon" in run("complete", folder / "model", "nikno", "--tolerant").stdout


def test_matching_and_limits(tmp_path):
    (tmp_path / "counts.tsv").write_text("café noir\t3\nblack coffee\t2\nblack cafés\t1\n")
    options = ["--fold", "accents", "--fold", "hangul", "--infix", "--typos", 2]
    result = run("train-completer", "--counts", tmp_path / "counts.tsv", "-m", tmp_path / "m", *options)
    assert result.exit_code == 0, result.output

    def found(*args):
        result = run("complete", tmp_path / "m", *args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["completions"]

    assert found("cafe") == ["café noir", "black cafés"]
    assert found("cofefe") == []
    assert found("cofefe", "--tolerant") == ["black coffee"]
    (tmp_path / "some").write_text("black cafes\nblack cafés\n")
    assert found("cafe", "--candidates", tmp_path / "some") == ["black cafés"]
    assert found("cafe", "--exclude", tmp_path / "some") == ["café noir"]
    (tmp_path / "weights.tsv").write_text("black cafés\t9\n")
    assert found("cafe", "--weights", tmp_path / "weights.tsv") == ["black cafés", "café noir"]
    said = run("inspect", tmp_path / "m").stdout
    assert "fold=" in said
    assert "infix=True" in said
    assert "typos=2" in said
    (tmp_path / "weights.tsv").write_text("black cafés\t-9\n")
    result = run("complete", tmp_path / "m", "cafe", "--weights", tmp_path / "weights.tsv")
    assert result.exit_code != 0
    assert "weights.tsv:1" in result.output
    for other in (["--pairs"], ["--holdout", 0.1], ["--time-unit", "s"]):
        result = run("train-completer", "--counts", tmp_path / "counts.tsv", "-m", tmp_path / "n", *other)
        assert result.exit_code == 2
        assert "--counts are no log" in result.output


@pytest.mark.filterwarnings("ignore:.*were learned before:UserWarning")
def test_holdout_and_card(folder, tmp_path):
    result = run(
        "train-completer", folder / "log.tsv", "-m", tmp_path / "m", "--holdout", 0.2, "--index", "trie"
    )
    assert result.exit_code == 0, result.output
    assert re.search(r"^Arborank( +\d\.\d{4}){7}$", result.stdout, re.M)
    assert "MRR by characters typed" in (tmp_path / "m" / "README.md").read_text()
    table = re.search(
        r"\| MRR by characters typed .*?<!--", (tmp_path / "m" / "README.md").read_text(), re.S
    )[0]
    for _ in range(2):  # an update keeps it, and says that it is older
        result = run("update-completer", tmp_path / "m", folder / "log.tsv")
        assert result.exit_code == 0, result.output
        card = (tmp_path / "m" / "README.md").read_text()
        (section,) = re.findall(
            r"## Evaluation, before updates\n\nOn 20 % of log.tsv, held out.*?<!--", card, re.S
        )
        assert section.endswith(f"\n\n{table}")
        assert "## Last update\n\n4 queries before, 4 now." in card
    (tmp_path / "m" / "README.md").unlink()
    assert run("update-completer", tmp_path / "m", folder / "log.tsv").exit_code == 0
    assert "## Evaluation, before updates" in (tmp_path / "m" / "README.md").read_text()  # it is data


def test_pairs_blocklist_and_limits(folder, tmp_path):
    (tmp_path / "blocked.txt").write_text("q1\n\nq2\n")
    options = ["--pairs", "--blocklist", tmp_path / "blocked.txt", "--min-count", 8, "--depth", 1]
    result = run("train-completer", folder / "pairs.jsonl", "-m", tmp_path / "m", *options)
    assert result.exit_code == 0, result.output
    completer = arborank.load(tmp_path / "m")
    assert sorted(completer.catalogue_.texts) == ["q0", "q3", "q4"]


def test_threads_are_not_saved(folder, tmp_path):
    assert run("train-completer", folder / "log.tsv", "-m", tmp_path / "m", "-j", 1).exit_code == 0
    completer = arborank.load(tmp_path / "m")
    assert completer.n_jobs is None
    assert completer.rows_.prefix.n_jobs is None
    assert completer.model_.n_jobs is None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["complete", "{}/linear", "x"], "holds a LabelTree"),
        (["train-completer", "{}/broken.tsv", "-m", "{}/new"], "broken.tsv:2: a time must be a number"),
        (["train-completer", "{}/log.tsv", "-m", "{}/model"], "holds a model already"),
        (
            ["train-completer", "{}/log.tsv", "-m", "{}/new", "--holdout", "0.001"],
            "leaves 120 to learn from and 0",
        ),
        (["train-completer", "{}/log.tsv", "-m", "{}/new", "--min-users", "99"], "no query is left"),
        (["update-completer", "{}/linear", "{}/log.tsv", "-o", "{}/new"], "holds a LabelTree"),
        (["update-completer", "{}/model", "{}/broken.tsv", "-o", "{}/new"], "broken.tsv:2: a time must be"),
        (["update-completer", "{}/model", "-o", "{}/new"], "give LOG, --remove or --blocklist"),
        (
            ["update-completer", "{}/model", "-o", "{}/new", "--refresh", "{}/log.tsv"],
            "need LOG, to learn from",
        ),
        (["update-completer", "{}/model", "-o", "{}/new", "--remove", "{}/empty"], "is empty"),
        (["update-completer", "{}/model", "{}/nothing.tsv", "-o", "{}/new"], "nothing.tsv holds no query"),
        (["update-completer", "{}/model", "{}/blank.tsv", "-o", "{}/new"], "blank.tsv holds no query"),
        (["train-completer", "{}/nothing.tsv", "-m", "{}/new"], "nothing.tsv holds no query"),
        (["train-completer", "{}/log.tsv", "-m", "{}/new", "--holdout", "nan"], "'nan' is not a number"),
    ],
)
def test_errors(folder, args, message):
    (folder / "broken.tsv").write_text("a\t1\tx\na\tlater\ty\n")
    (folder / "empty").write_text("\n")
    (folder / "nothing.tsv").write_text("")
    (folder / "blank.tsv").write_text("a\t1\t \x01\n")
    arborank.storage.save(arborank.LabelTree.one_vs_all(2), folder / "linear")
    result = run(*(arg.format(folder) for arg in args))
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["predict", "{0}/model", "{0}/pairs.jsonl"],
        ["predict", "{0}/model", "-"],
        ["evaluate", "{0}/model", "{0}/pairs.jsonl"],
        ["rank", "{0}/model", "camera"],
        ["compress", "{0}/model", "-o", "{0}/small", "--validation", "{0}/pairs.jsonl"],
    ],
)
def test_a_completer_does_not_rank(folder, args):
    result = run(*(arg.format(folder) for arg in args))
    assert result.exit_code == 1
    message = "holds the model Autocompleter, which does not rank labels; see arborank complete"
    assert message in result.stderr
    assert not (folder / "small").exists()


def test_demo(tmp_path):
    result = run("demo", "autocomplete", "--limit", 300, "--dir", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    assert "most frequent" in result.stdout
    assert "libc6" in result.stdout
    assert "libc6" in run("complete", tmp_path / "demo", "libc", "-k", 2).stdout


def answer(prefix, previous):
    names = [name for name in ("nikon", "nike air", "canon") if name.startswith(prefix)]
    return [(name, 0.5) for name in names], 0.0001


def test_screen():
    screen = Screen(answer)
    assert screen.lines(80)[0] == "> "
    for key in "nix":
        assert screen.press(key)
    assert screen.found == []
    screen.press("backspace")
    assert [query for query, _ in screen.found] == ["nikon", "nike air"]
    screen.press("down")
    screen.press("down")
    screen.press("down")
    assert screen.lines(80)[3].startswith("→")
    screen.press("enter")
    assert screen.previous == ("nike air",)
    assert "after: nike air" in screen.lines(80)[1]
    screen.press("c")
    screen.press("tab")
    assert screen.typed == "canon"
    screen.press("clear")
    screen.press("enter")  # nothing was typed
    assert screen.previous == ("nike air",)
    screen.press("unknown")
    assert screen.typed == ""
    assert not screen.press("end")
    assert all(len(line) < 10 for line in screen.lines(10))
    wide = Screen(lambda prefix, previous: ([("東京タワー", 1.0)], 0.0))
    assert wide.lines(16)[2] == "   1.000  東京"


def test_keys():
    sent = [b"a\xc3", b"\xa9", b"\x1b[A", b"\x1b[3~", b"\t\x7f\r", b"\x1b", b""]
    assert list(keys(lambda: sent.pop(0))) == ["a", "é", "up", "tab", "backspace", "enter", "end"]
    sent = [b"\x1b[B\x1b[B\x1bOAn", b"\x1b[200~ni\x1b[201~", b"\x1bx\x1b[1;5C\xff", b"k\x1b", b""]
    expected = ["down", "down", "up", "n", "n", "i", "\ufffd", "k", "end"]
    assert list(keys(lambda: sent.pop(0))) == expected


def test_a_small_terminal(monkeypatch, capsys):
    screen = Screen(lambda prefix, previous: ([(f"q{i}", 0.5) for i in range(50)], 0.0))
    for key in "abcdefghij":
        screen.press(key)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((8, 4)))
    _draw(screen)
    shown = capsys.readouterr().out
    assert shown.count("\n") == 3  # it does not scroll
    assert shown.startswith("\r\x1b[J> fghij\r\n")  # the end of what is typed
    assert shown.endswith("\r\x1b[3A\x1b[7C")
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((1, 1)))
    _draw(screen)
    assert capsys.readouterr().out == "\r\x1b[J>\r\x1b[1C"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_live_on_a_terminal(folder):
    master, slave = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "from arborank.cli import main; main()",
        "complete",
        str(folder / "model"),
    ]
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "COLUMNS": "80"}
    )
    os.close(slave)
    seen = b""

    def wait_for(text):
        nonlocal seen
        while text not in seen:
            assert select.select([master], [], [], 300)[0], seen
            seen += os.read(master, 4096)
        seen = b""

    wait_for(b"Enter sends")
    os.write(master, b"camera\r")
    wait_for(b"after: camera")
    os.write(master, b"nik")
    wait_for(b"nikon")
    os.write(master, b"\x1b")
    assert process.wait(300) == 0
    os.close(master)

import contextlib
import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.cli.files import write_whole
from arborank.cli.scoring import evaluate_model
from arborank.datasets import TextData, read_jsonl, write_jsonl, write_xmc
from arborank.persistence import save

FRUIT = ["apple", "banana", "cherry", "grape"]
CARS = ["racer", "van", "truck", "taxi"]


def rows(n, seed):
    """Texts that name their labels, among words that say nothing."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        kind, noun = (FRUIT, "fruit") if rng.random() < 0.5 else (CARS, "vehicle")
        names = sorted(rng.choice(kind, 2, replace=False).tolist())
        filler = " ".join(f"w{i}" for i in rng.integers(0, 20, 3))
        texts.append(f"a {noun}: {names[0]}ish {names[1]}ish {filler}")
        labels.append(names)
    return TextData(texts, labels)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Train and test texts, the same as matrices, and a model of each."""
    place = tmp_path_factory.mktemp("cli")
    train, test = rows(200, 1), rows(50, 2)
    write_jsonl(place / "train.jsonl", train)
    write_jsonl(place / "test.jsonl.xz", test)
    (place / "test.tsv").write_text(
        "".join(f"{','.join(y)}\t{x}\n" for x, y in zip(test.texts, test.labels, strict=True))
    )
    ranker = arborank.TextRanker().fit(train.texts, train.labels)
    for name, data in (("train", train), ("test", test)):
        X, Y = ranker.features_.transform(data.texts), ranker.encode_labels(data.labels)
        sp.save_npz(place / f"{name}.X.npz", X)
        sp.save_npz(place / f"{name}.Y.npz", sp.csr_array((Y.data, Y.indices, Y.indptr), Y.shape))
        write_xmc(place / f"{name}.svm", X, Y)
        write_xmc(place / f"{name}.txt", X, Y)
    ranker.save(place / "model")
    ranker.model_.save(place / "linear")
    return place


@pytest.fixture
def run(folder, monkeypatch):
    """Run a command in the folder; the second value is the exit code expected."""
    monkeypatch.chdir(folder)

    def invoke(*args, code=0, stdin=None):
        result = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        assert "Traceback" not in result.output
        return result

    return invoke


COMMAND = [sys.executable, "-c", "from arborank.cli import main; main(prog_name='arborank')"]


def arborank_process(*args, **options):
    return subprocess.Popen([*COMMAND, *map(str, args)], text=True, **options)


# ------------------------------------------------------------------ train


def test_train_on_texts_saves_a_model_that_works(run, folder):
    result = run("train", "train.jsonl", "-m", "new/model", "--test", "test.jsonl.xz", "-k", "1,2", "-j", "1")
    report = evaluate_model(arborank.load(folder / "new/model"), read_jsonl(folder / "test.jsonl.xz"), (1, 2))
    assert report.metrics["precision@2"] > 0.9
    assert f"{100 * report.metrics['precision@2']:.2f}" in result.stdout
    assert "head" in result.stdout
    assert "P " in (folder / "new/model/README.md").read_text()


def test_train_refuses_to_overwrite_without_force(run, folder):
    run("train", "train.jsonl", "-m", "again")
    before = (folder / "again/config.json").read_bytes()
    result = run("train", "train.jsonl", "-m", "again", code=2)
    assert "--force" in result.stderr
    assert (folder / "again/config.json").read_bytes() == before
    run("train", "train.jsonl", "-m", "again", "--force", "--threshold", "0.2")
    assert arborank.load(folder / "again").model_.threshold == 0.2


@pytest.mark.parametrize("data", [["train.jsonl"], ["train.X.npz", "--labels", "train.Y.npz"]])
def test_train_in_a_work_dir(run, folder, data):
    place = f"work-{len(data)}"
    result = run("train", *data, "-m", f"{place}/model", "--work-dir", f"{place}/state")
    assert f"{place}/state can be removed" in result.stderr
    assert (folder / place / "state/training.json").exists()
    run("train", *data, "-m", f"{place}/again")
    names = [
        {path.name.split("-")[0] for path in (folder / place / name).iterdir()} for name in ("model", "again")
    ]
    assert names[0] == names[1]
    result = run(
        "train", *data, "-m", f"{place}/other", "--work-dir", f"{place}/state", "--threshold", "0.2", code=1
    )
    assert "threshold is 0.1 there and 0.2 here" in result.stderr
    assert not (folder / place / "other").exists()


@pytest.mark.parametrize(
    ("model", "state"), [("apart", "apart"), ("apart", "apart/state"), ("apart/model", "./x/../apart")]
)
def test_train_needs_two_directories(run, folder, model, state):
    result = run("train", "train.jsonl", "-m", model, "--work-dir", state, code=2)
    assert "two directories, neither in the other" in " ".join(result.stderr.split())
    assert not (folder / "apart").exists()


def test_train_never_touches_a_folder_that_is_no_model(run, folder):
    (folder / "precious").mkdir()
    (folder / "precious/data").write_text("mine")
    run("train", "train.jsonl", "-m", "precious", "--force", code=2)
    assert os.listdir(folder / "precious") == ["data"]


def test_options_win_over_the_configuration(run, folder):
    config = {
        "features": {"parts": [{"analyzer": "char_wb", "ngram_range": [2, 3], "min_df": 1}]},
        "model": {"max_leaf_size": 4, "branching": 3, "Cp": 2.0},
    }
    (folder / "config.json").write_text(json.dumps(config))
    run(
        "train",
        "train.jsonl",
        "-m",
        "configured",
        "--config",
        "config.json",
        "--branching",
        "2",
        "--ngrams",
        "3,3",
    )
    ranker = arborank.load(folder / "configured")
    part = ranker.features_.parts_[0]
    assert (part.analyzer, part.ngram_range, part.min_df) == ("char_wb", (3, 3), 1)
    assert (ranker.model_.max_leaf_size, ranker.model_.branching, ranker.model_.Cp) == (4, 2, 2.0)
    assert (ranker.model_.verbose, ranker.model_.n_jobs, ranker.features_.n_jobs) == (0, None, None)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ('{"modle": {}}', "'modle'"),
        ('{"model": {"treshold": 1}}', "'treshold'"),
        ('{"model": {"tree": 1}}', "'tree'"),
        ('{"features": {"parts": [{"ngram": 2}]}}', "'ngram'"),
        ('{"features": {"parts": 3}}', "'parts'"),
        ('{"model": 3}', "'model'"),
    ],
)
def test_configuration_mistakes_are_named_before_any_work(run, folder, config, named):
    (folder / "wrong.json").write_text(config)
    assert named in run("train", "train.jsonl", "-m", "no", "--config", "wrong.json", code=1).stderr
    assert not (folder / "no").exists()


def test_feature_options_do_not_fit_several_parts(run, folder):
    (folder / "two.json").write_text('{"features": {"parts": [{}, {"analyzer": "char"}]}}')
    result = run("train", "train.jsonl", "-m", "no", "--config", "two.json", "--min-df", "3", code=1)
    assert "2 parts" in result.stderr
    run("train", "train.jsonl", "-m", "two", "--config", "two.json")
    assert len(arborank.load(folder / "two").features_.parts_) == 2


def test_holdout_is_scored_and_not_trained_on(run, folder):
    write_jsonl(
        folder / "unique.jsonl", TextData([f"text{i}" for i in range(20)], [[f"label{i}"] for i in range(20)])
    )
    result = run("train", "unique.jsonl", "-m", "held", "--holdout", "0.25", "--min-df", "1")
    assert "5 rows scored" in result.stdout
    assert len(arborank.load(folder / "held").labels_) == 15
    assert (
        "two ways"
        in run("train", "train.jsonl", "-m", "x", "--holdout", ".1", "--test", "test.tsv", code=2).stderr
    )
    assert "leaves 20 to train" in run("train", "unique.jsonl", "-m", "x", "--holdout", ".001", code=1).stderr


@pytest.mark.parametrize(
    "data", [("train.X.npz", "--labels", "train.Y.npz"), ("train.svm",), ("train.txt", "--xmc")]
)
def test_matrices_train_the_same_model_as_their_texts(run, folder, data):
    run("train", *data, "-m", "matrix", "--force")
    model = arborank.load(folder / "matrix")
    X = sp.load_npz(folder / "test.X.npz")
    expected = arborank.load(folder / "linear").predict_topk(X, 3)
    for found, wanted in zip(model.predict_topk(X, 3), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_matrix_mistakes(run):
    assert "--labels Y.npz" in run("train", "train.X.npz", "-m", "x", code=2).stderr
    assert (
        "hold their labels"
        in run("train", "train.jsonl", "--labels", "train.Y.npz", "-m", "x", code=2).stderr
    )
    mixed = run("train", "train.X.npz", "--labels", "test.Y.npz", "-m", "x", code=1)
    assert "200 rows" in mixed.stderr
    assert "50" in mixed.stderr
    assert "--" in run("train", "train.svm", "-m", "x", "--min-df", "2", code=2).stderr


# ------------------------------------------------------------------ predict, evaluate


def test_predictions_are_those_of_the_model(run, folder):
    run("predict", "model", "test.tsv", "-o", "out.jsonl", "-k", "3")
    written = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    expected = arborank.load(folder / "model").rank_batch(read_jsonl(folder / "test.jsonl.xz").texts, 3)
    assert [row["labels"] for row in written] == [[name for name, _ in ranking] for ranking in expected]
    np.testing.assert_allclose(
        [row["scores"] for row in written],
        [[score for _, score in ranking] for ranking in expected],
        rtol=1e-5,
    )


@pytest.mark.parametrize("inputs", ["test.X.npz", "test.svm"])
def test_matrix_predictions_are_ids(run, folder, inputs):
    lines = run("predict", "linear", inputs, "-k", "2").stdout.splitlines()
    ids, _ = arborank.load(folder / "linear").predict_topk(sp.load_npz(folder / "test.X.npz"), 2)
    assert [json.loads(line)["labels"] for line in lines] == ids.tolist()


def test_predict_reads_lines_and_json_from_standard_input(run):
    lines = run(
        "predict", "model", "-", "-k", "1", stdin='a vanish vehicle\n{"text": "a grapeish fruit"}\n'
    ).stdout
    assert [json.loads(line)["labels"] for line in lines.splitlines()] == [["van"], ["grape"]]
    assert "standard input:2" in run("predict", "model", "-", stdin='one\n{"txt": 1}\n', code=1).stderr


def test_predict_wants_the_kind_of_input_that_the_model_takes(run):
    assert "feature matrices" in run("predict", "linear", "test.tsv", code=1).stderr
    assert "ranks texts" in run("predict", "model", "test.X.npz", code=1).stderr
    assert "feature matrices" in run("predict", "linear", "-", stdin="x", code=1).stderr


def test_evaluate_prints_the_report(run, folder):
    data = read_jsonl(folder / "test.jsonl.xz")
    report = evaluate_model(
        arborank.load(folder / "model"), data, (1, 2), train=read_jsonl(folder / "train.jsonl")
    )
    printed = run("evaluate", "model", "test.jsonl.xz", "-k", "1,2", "--train", "train.jsonl").stdout
    assert printed.strip() == str(report)
    assert "torso" in printed
    as_json = run("evaluate", "model", "test.tsv", "-k", "1,2", "--train", "train.jsonl", "--json").stdout
    assert json.loads(as_json)["metrics"] == pytest.approx(report.metrics)


def test_evaluate_matrices_as_their_texts(run):
    of_texts = run("evaluate", "model", "test.tsv", "--train", "train.jsonl").stdout
    npz = ("test.X.npz", "--labels", "test.Y.npz", "--train", "train.X.npz", "--train-labels", "train.Y.npz")
    assert run("evaluate", "linear", *npz).stdout == of_texts
    assert run("evaluate", "linear", "test.svm", "--train", "train.svm").stdout == of_texts


def test_a_model_knows_the_frequencies_of_its_training(run):
    given = run("evaluate", "model", "test.tsv", "--train", "train.jsonl").stdout
    assert run("evaluate", "model", "test.tsv").stdout == given
    assert run("evaluate", "linear", "test.svm").stdout == given


def test_a_label_that_the_model_does_not_know_counts_as_missed(run, folder):
    write_jsonl(folder / "unknown.jsonl", TextData(["a vanish vehicle"], [["van", "spaceship"]]))
    metrics = json.loads(run("evaluate", "model", "unknown.jsonl", "-k", "1", "--json").stdout)["metrics"]
    assert metrics["precision@1"] == 1.0
    assert metrics["recall@1"] == 0.5


# ------------------------------------------------------------------ rank, inspect, convert, demo


def test_rank_one_text_and_lines_of_standard_input(run):
    assert "taxi" in run("rank", "model", "a taxiish vehicle", "-k", "1").stdout
    printed = run(
        "rank", "model", "-k", "1", stdin="a taxiish vehicle\na cherryish fruit\n"
    ).stdout.splitlines()
    assert printed[0] == "a taxiish vehicle"
    assert printed[1].endswith("taxi")
    assert printed[4].endswith("cherry")
    assert "not texts" in run("rank", "linear", "x", code=1).stderr


def test_rank_converses_with_a_person(folder):
    parent, child = pty.openpty()
    process = arborank_process("rank", folder / "model", "-k", "1", stdin=child, stdout=child, stderr=child)
    os.close(child)
    os.write(parent, b"a grapeish fruit\n\n")
    assert process.wait(60) == 0
    seen = os.read(parent, 10_000).decode()
    os.close(parent)
    assert "8 labels" in seen
    assert "grape\r\n" in seen


def test_inspect_shows_parameters_tree_and_sizes(run):
    printed = run("inspect", "model").stdout
    for part in ("TextRanker", "NgramTfidf(max_features=300000", "XRLinear()", "8 labels", "weights"):
        assert part in printed
    assert "apple" not in printed
    assert "apple" in run("inspect", "model", "--branches", "--examples", "8").stdout
    assert "XRLinear" in run("inspect", "linear", "--branches").stdout


def test_inspect_verifies_every_file(run, folder):
    assert "checksum it was saved with" in run("inspect", "model", "--verify").stdout
    (name,) = (path.name for path in (folder / "model").glob("model-*.safetensors"))
    shutil.copytree(folder / "model", folder / "damaged")
    with (folder / "damaged" / name).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert f"{name} is altered" in run("inspect", "damaged", "--verify", code=1).stderr


def test_converted_model_gives_the_scores_of_pecos(run, folder):
    fixture = Path(__file__).parent / "fixtures" / "pecos-model"
    run("convert", fixture / "kmeans", "from-pecos")
    lines = run("predict", "from-pecos", fixture / "queries.npz", "-k", "2").stdout.splitlines()
    model = arborank.XRLinear.from_pecos(fixture / "kmeans")
    ids, scores = model.predict_topk(sp.load_npz(fixture / "queries.npz"), 2)
    assert [json.loads(line)["labels"] for line in lines] == ids.tolist()
    np.testing.assert_allclose([json.loads(line)["scores"] for line in lines], scores, rtol=1e-5)
    run("inspect", "from-pecos", "--branches")
    run("convert", fixture / "kmeans", "from-pecos", code=2)


def test_convert_names_what_is_wrong_with_the_folder(run, folder):
    (folder / "not-pecos").mkdir(exist_ok=True)
    result = run("convert", "not-pecos", "converted", code=1)
    assert "not-pecos" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "converted").exists()


def test_demo_beats_popularity_and_leaves_a_model(run, folder):
    result = run("demo", "--dir", "demo", "--limit", "1500")
    lines = {line[:24].strip(): line[26:].split() for line in result.stdout.splitlines()}
    assert float(lines["Arborank"][0]) > float(lines["always the most frequent"][0])
    assert "arborank rank demo" in result.stdout
    assert "✓" in result.stdout
    assert "libc6" in dict(arborank.load(folder / "demo").rank("a daemon written in C"))
    assert "--force" in run("demo", "--dir", "demo", code=2).stderr


def test_an_ensemble_is_opened_like_any_model(run, folder):
    X, Y = sp.load_npz(folder / "train.X.npz"), sp.load_npz(folder / "train.Y.npz")
    members = [arborank.XRLinear(), arborank.XRLinear(max_leaf_size=4)]
    save(arborank.Ensemble(members).fit(X, Y), folder / "both")
    report = run("evaluate", "both", "test.svm", "-k", "1,2", "-j", "1", "--json").stdout
    assert json.loads(report)["metrics"]["precision@2"] > 0.9
    assert run("inspect", "both", "--branches").stdout.count("XRLinear(") == 2


# ------------------------------------------------------------------ errors, output, start-up


def test_errors_are_one_line(run, folder):
    (folder / "bad.jsonl").write_text('{"text": "fine", "labels": []}\n{"text": 3}\n')
    for args in (("train", "bad.jsonl", "-m", "x"), ("evaluate", "model", "bad.jsonl")):
        lines = run(*args, code=1).stderr.splitlines()
        assert len(lines) == 1
        assert "bad.jsonl:2" in lines[0]
    (folder / "empty-model").mkdir(exist_ok=True)
    assert "empty-model" in run("rank", "empty-model", "x", code=1).stderr
    run("frobnicate", code=2)
    run("predict", "model", "no-such-file", code=2)


def test_debug_shows_the_traceback(folder):
    result = CliRunner().invoke(main, ["--debug", "rank", str(folder), "x"])
    assert isinstance(result.exception, OSError | ValueError)


def test_memory_that_is_not_there_is_refused(run, monkeypatch):
    monkeypatch.setattr("arborank.memory.available_memory", lambda: 1000)
    assert "max_features" in run("train", "train.jsonl", "-m", "x", code=1).stderr


def test_output_appears_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / "out.jsonl"
    target.write_text("old")

    def stopped():
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), write_whole(str(target)) as file:
        file.writelines(stopped())
    assert target.read_text() == "old"
    with write_whole(str(target)) as file:
        file.write(b"new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["out.jsonl"]
    with pytest.raises(FileNotFoundError, match="nowhere"), write_whole(str(tmp_path / "nowhere" / "out")):
        pass


def test_interrupt_ends_with_130(folder):
    process = arborank_process(
        "rank", folder / "model", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdin.write("a grapeish fruit\n")
    process.stdin.flush()
    assert "grape" in process.stdout.readline()  # it is up, and waits for more
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors


def test_a_reader_that_leaves_early_is_no_error(folder):
    process = arborank_process(
        "predict",
        folder / "model",
        "-",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdout.close()
        process.stdin.write("text\n" * 5000)
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_rank_ends_quietly_when_its_reader_leaves(folder):
    process = arborank_process(
        "rank", folder / "model", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        process.stdin.write("a taxiish vehicle\n" * 100)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("a taxiish vehicle\n" * 10_000)
            process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


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


def test_inspect_shows_the_senses_of_a_label(run):
    printed = run("inspect", "model", "--senses", "apple", "--picture", "apple.svg").stdout
    assert "leaf 0" in printed
    assert "together with:" in printed
    assert Path("apple.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "leaf" in run("inspect", "linear", "--senses", "0").stdout
    assert "no label 'nothing'" in run("inspect", "model", "--senses", "nothing", code=2).output
    assert "and no '-1'" in run("inspect", "linear", "--senses", "-1", code=2).output
    assert "--picture draws" in run("inspect", "linear", "--picture", "x.svg", code=2).output

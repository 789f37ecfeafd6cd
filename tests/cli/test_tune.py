"""`arborank tune`."""

import json
import re

import numpy as np
import pytest

import arborank
from arborank.storage import read_records
from arborank.storage.tensorfile import open_tensors

pytest.importorskip("optuna")

QUICK = ("--max-trials", "5", "-j", "1")


def arrays(model):
    return {
        f"{path.name.split('-')[0]}.{name}": array
        for path in model.glob("*.safetensors")
        for name, array in open_tensors(path).items()
    }


def test_the_configuration_trains_the_same_model(run, folder):
    result = run(
        "tune", "train.jsonl", "-m", "tuned", *QUICK, "--config-out", "best.json", "--table", "trials.csv"
    )
    assert "settings tried in" in result.output
    assert not (folder / "tuned.tuning").exists()
    run("train", "train.jsonl", "-m", "again", "--config", "best.json", "-j", "1")
    tuned, again = arrays(folder / "tuned"), arrays(folder / "again")
    assert tuned.keys() == again.keys()
    assert all(np.array_equal(array, again[name]) for name, array in tuned.items())
    lines = (folder / "trials.csv").read_text().splitlines()
    assert len(lines) == 1 + 5
    assert "ndcg@5" in lines[0]
    (record,) = read_records(folder / "tuned")
    assert record.title == "Tuning"
    assert any("chosen" in name for name in record.tables["setting"])


def test_matrices(run, folder):
    run(
        "tune",
        "train.X.npz",
        "--labels",
        "train.Y.npz",
        "-m",
        "tuned-matrices",
        *QUICK,
        "--metric",
        "precision@1",
    )
    model = arborank.load(folder / "tuned-matrices")
    assert type(model).__name__ in {"XRLinear", "HybridRanker"}
    given = ("--validation", "test.X.npz", "--validation-labels", "test.Y.npz")
    run("tune", "train.X.npz", "--labels", "train.Y.npz", "-m", "tuned-matrices", *QUICK, *given, "--force")


def test_limits(run, folder):
    told = run("tune", "train.jsonl", "-m", "small", *QUICK, "--max-size", "100", code=1).output
    assert "no setting has at most 100 bytes: the nearest has" in told
    assert "say --accept to take it" in told
    assert "the same command goes on from there" in told
    assert not (folder / "small").exists()
    run("tune", "train.jsonl", "-m", "small", *QUICK, "--max-size", "100", "--accept")
    assert (folder / "small" / "config.json").exists()
    assert not (folder / "small.tuning").exists()


def test_a_picture(run, folder):
    pytest.importorskip("matplotlib")
    run("tune", "train.jsonl", "-m", "drawn", *QUICK, "--plot", "frontier.svg", "--work-dir", "trials")
    assert "<svg" in (folder / "frontier.svg").read_text()
    assert (folder / "trials").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--minutes", "0"), "0.0 is not in the range x>0"),
        (("--minutes", "0.00001"), "--minutes 1e-05 is too short for one trial"),
        (("--max-size", "small"), "'small' is not a size such as 50MB"),
        (("--max-query-time", "50"), "'50' is not a time such as 80us"),
        (("--metric", "quality"), "--metric must be one of precision"),
        (("--holdout", "0.7"), "0.7 is not in the range"),
        (("--holdout", "0.1", "--validation", "test.tsv"), "give one"),
        (("--validation-labels", "test.Y.npz"), "--validation-labels goes with"),
        (("--validation", "test.svm"), "must both be texts"),
        (("--table", "trials.txt"), "let its name end so"),
        (("--plot", "nowhere/frontier.svg"), "its directory does not exist"),
        (("--config-out", "train.jsonl"), "is the input"),
        (("--work-dir", "bad/inside"), "must be two directories"),
    ],
)
def test_mistakes(run, folder, options, told):
    result = run("tune", "train.jsonl", "-m", "bad", *options, code=None)
    assert result.exit_code in (1, 2)
    assert told in result.output.replace("\n", " ")
    assert not (folder / "bad").exists()


def test_too_few_rows(run, folder):
    (folder / "few.jsonl").write_text('{"text": "a", "labels": ["b"]}\n' * 8)
    told = run("tune", "few.jsonl", "-m", "few", code=1).output
    assert "--holdout leaves 2 of 8 rows" in told


def test_units(run, folder):
    from arborank.cli.numbers import Duration, Size

    assert [Size().convert(text, None, None) for text in ("50MB", "1.5 kib", "8")] == [50_000_000, 1536, 8]
    times = [Duration().convert(text, None, None) for text in ("80us", "1.5ms", "2 s")]
    assert times == pytest.approx([8e-5, 1.5e-3, 2.0])


def test_an_interrupted_search_goes_on(run, folder, monkeypatch):
    from arborank.cli.trials import Board

    def interrupt(board, study):
        if study.now == (3, 0):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Board, "show", interrupt)
        told = run("tune", "train.jsonl", "-m", "later", *QUICK, code=130).output
    assert "what was tried is in later.tuning; the same command goes on from there" in told
    state = json.loads((folder / "later.tuning" / "training.json").read_text())
    assert len(state["progress"]["trials"]) == 3
    told = run("tune", "train.jsonl", "-m", "later", *QUICK).output
    assert "5 settings tried" in told
    assert re.findall(r"^trial (\d) on 100 %: ndcg@5 ", told, flags=re.M) == ["3", "4"]


def test_the_board_of_a_terminal(folder):
    from arborank.cli.trials import Board
    from arborank.tune.options import TuneOptions
    from arborank.tune.study import Study
    from arborank.tune.trial import Outcome, Trial, Variant

    def outcome(score):
        quality = {"ndcg@5": score, "precision@1": score, "precision@5": score}
        return Outcome(1.0, 1000, [Variant({"beam_size": 5}, quality, 50.0)])

    trials = [Trial(0, {}, {0: outcome(0.5), 1: outcome(0.6)}), Trial(1, {"Cn": 0.3}, {0: outcome(0.9)})]
    study = Study(TuneOptions(), [1 / 3, 1.0], trials=trials, seconds=65.0, now=(1, 1))
    lines = Board("ndcg@5").lines(study)
    assert lines[0].split()[:3] == ["trial", "data", "ndcg@5"]
    assert lines[1].split()[:4] == ["0", "100", "%", "0.6000"]  # on more data
    assert lines[2].split()[:4] == ["1", "33", "%", "0.9000"]
    assert "Cn 0.3, beam_size 5" in lines[2]
    assert lines[-1] == "1:05 of 10:00  trial 1 on 100 % of the data"
    assert len(Board("ndcg@5").lines(study)) == len(lines)  # it stays in its place


def test_a_first_look_at_the_time_is_no_failure(capsys):
    from arborank.cli.trials import Board
    from arborank.tune.options import TuneOptions
    from arborank.tune.study import Study
    from arborank.tune.trial import Trial

    study = Study(TuneOptions(), [1 / 3, 1.0], trials=[Trial(0, {})], latest=(0, 0))
    Board("ndcg@5").show(study)
    study.trials[0].failure = "too large"
    Board("ndcg@5").show(study)
    assert capsys.readouterr().err == "trial 0 failed: too large\n"

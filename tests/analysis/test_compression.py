"""Compression: settings applied, tried and chosen."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner
from sklearn.exceptions import NotFittedError

import arborank
from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.analysis.compression import Setting, Trial, choose, compress, model_bytes, own_setting, sweep
from arborank.cli import main


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n, d, labels = 1200, 300, 60
    Y = sp.random_array((n, labels), density=0.04, rng=rng, dtype=np.float32, format="csr")
    Y.data[:] = 1
    prototypes = sp.random_array((labels, d), density=0.05, rng=rng, dtype=np.float32, format="csr")
    noise = sp.random_array((n, d), density=0.02, rng=rng, dtype=np.float32, format="csr")
    X = sp.csr_array(Y @ prototypes + 0.5 * noise)
    return X, Y


@pytest.fixture(scope="module")
def model(data):
    X, Y = data
    return XRLinear(max_leaf_size=8, branching=4, threshold=0.0).fit(X, Y)


def weights(model):
    return [layer.to_matrix()[0] for layer in model.layers_]


def test_own_setting_changes_nothing(model, data):
    same = compress(model, own_setting(model))
    for ours, theirs in zip(same.predict_topk(data[0], 5), model.predict_topk(data[0], 5), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_compress_prunes_a_copy(model, data):
    before = weights(model)
    small = compress(model, Setting(0.3, 5, "float32", 3))
    assert small.beam_size == 3
    assert own_setting(model).beam_size == 10
    for whole, pruned, old in zip(weights(model), weights(small), before, strict=True):
        assert (whole != old).nnz == 0
        assert abs(pruned).data.min() >= 0.3
        assert np.diff(pruned.indptr).max() <= 5
    assert model_bytes(small) < model_bytes(model)


def test_sweep_measures_what_a_model_gives(model, data):
    X, Y = data
    settings = [Setting(t, None, p, b) for t in (0.0, 0.4) for p in ("float32", "int8") for b in (1, 4)]
    done = []
    trials = sweep(model, X, Y, settings, k=3, fixed_bytes=1000, progress=done.append)
    assert [trial.setting for trial in trials] == settings
    assert done == list(range(1, 9))
    for trial in trials:
        small = compress(model, trial.setting)
        assert trial.n_bytes == model_bytes(small) + 1000
        assert trial.recall == arborank.metrics.recall_at_k(Y, small.predict_topk(X, 3)[0], 3)
        assert trial.microseconds > 0
    assert any(trial.efficient for trial in trials)
    whole, eight = trials[0], trials[2]
    assert eight.n_bytes < whole.n_bytes
    assert trials[4].n_bytes < whole.n_bytes


def trial(n_bytes, recall, microseconds=1.0):
    return Trial(Setting(0.0, None, "float32", 1), n_bytes, recall, microseconds)


def test_choose():
    trials = [trial(100, 0.9), trial(50, 0.8), trial(50, 0.8, 0.5), trial(20, 0.5)]
    assert choose(trials, target_size=60).recall == 0.8
    assert choose(trials, min_recall=0.7) == trials[2]
    assert choose(trials, min_recall=0.6, target_size=200) == trials[0]
    with pytest.raises(ValueError, match="no trial has at most 10 bytes: the smallest has 20"):
        choose(trials, target_size=10)
    with pytest.raises(ValueError, match=r"recall of at least 0\.9500"):
        choose(trials, min_recall=0.95)
    with pytest.raises(ValueError, match="target_size, min_recall or both"):
        choose(trials)
    with pytest.raises(ValueError, match="trials is empty"):
        choose([], min_recall=0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beam_size": 0}, "beam_size must be at least 1"),
        ({"threshold": -0.1}, "threshold must be at least 0"),
        ({"threshold": float("nan")}, "threshold must be finite"),
        ({"max_nonzeros": -1}, "max_nonzeros must be between 0 and"),
        ({"max_nonzeros": 10**30}, "max_nonzeros must be between 0 and 2147483647"),
        ({"precision": "int4"}, "precision must be one of .* found 'int4'"),
    ],
)
def test_settings_are_in_their_ranges(change, message):
    parts = {"threshold": 0.0, "max_nonzeros": None, "precision": "int8", "beam_size": 1}
    with pytest.raises(ValueError, match=message):
        Setting(**(parts | change))


def test_sweep_refuses_data_that_do_not_fit(model, data):
    with pytest.raises(ValueError, match="X has 1200 rows and Y 3"):
        sweep(model, data[0], data[1][:3], [own_setting(model)])

    with pytest.raises(ValueError, match=r"Y has 3 columns, but the model has \d+ labels"):
        sweep(model, data[0], data[1][:, :3], [own_setting(model)])


@pytest.mark.parametrize("other", [TextRanker(), None, 5])
def test_what_is_no_model(other, model, data):
    for call in (
        lambda: compress(other, own_setting(model)),
        lambda: own_setting(other),
        lambda: sweep(other, *data, [own_setting(model)]),
    ):
        with pytest.raises(TypeError, match="model must be an XRLinear, found"):
            call()
    with pytest.raises(NotFittedError):
        compress(XRLinear(), own_setting(model))
    with pytest.raises(TypeError, match="setting must be a Setting, found dict"):
        compress(model, {"beam_size": 5})


# ------------------------------------------------------------------ command line


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    place = tmp_path_factory.mktemp("compress")
    words = [f"word{i}" for i in range(40)]
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(words, 6)) for _ in range(300)]
    labels = [sorted({word.upper() for word in text.split()[:2]}) for text in texts]
    TextRanker(NgramTfidf(), XRLinear(max_leaf_size=4, branching=4)).fit(texts, labels).save(place / "model")
    lines = "".join(f"{','.join(row)}\t{text}\n" for text, row in zip(texts[:80], labels[:80], strict=True))
    (place / "validation.txt").write_text(lines)
    return place


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_command_chooses_and_saves(saved, tmp_path):
    result = run(
        "compress", saved / "model", "-o", tmp_path / "small", "--validation", saved / "validation.txt",
        "--threshold", "0,0.2,0.4", "--beam-size", "3,6", "--max-loss", "0.05",
        "--table", tmp_path / "t.csv", "-k", "2",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "chosen" in result.output
    small, whole = arborank.load(tmp_path / "small"), arborank.load(saved / "model")
    assert model_bytes(small) < model_bytes(whole)
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + 1 + 3 * 2 * 2
    assert "## Compression" in (tmp_path / "small" / "README.md").read_text()
    assert small.rank("word1 word2") != []


def test_command_compresses_a_completer(tmp_path):
    completer = arborank.Autocompleter().fit_pairs([("a b",), ("c d",)] * 4, ["red apple", "fast car"] * 4)
    completer.save(tmp_path / "m")
    assert run("compress", tmp_path / "m", "-o", tmp_path / "s", "--weights", "int8").exit_code == 0
    small = arborank.load(tmp_path / "s")
    assert {layer.precision for layer in small.model_.layers_} == {"int8"}
    assert small.complete("re", ("a b",))[0][0] == "red apple"
    result = run("compress", tmp_path / "m", "-o", tmp_path / "t", "--validation", __file__)
    assert "holds the model Autocompleter, which does not rank labels" in result.output


def test_command_applies_one_setting(saved, tmp_path):
    result = run("compress", saved / "model", "-o", tmp_path / "small", "--weights", "int8", "--beam-size", 4)
    assert result.exit_code == 0, result.output
    small = arborank.load(tmp_path / "small")
    assert own_setting(small.model_) == Setting(0.0, None, "int8", 4)


def test_command_draws(saved, tmp_path):
    pytest.importorskip("matplotlib")
    result = run(
        "compress", saved / "model", "-o", tmp_path / "small", "--validation", saved / "validation.txt",
        "--threshold", "0,0.3", "--target-size", "1GB", "--plot", tmp_path / "p.svg",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "<svg" in (tmp_path / "p.svg").read_text()


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        ("p.svg", "pip install 'arborank[plot]'"),
        ("p.xyz", "it must end in .svg, .png, .pdf"),
        ("missing/p.svg", "its directory does not exist"),
    ],
)
def test_a_plot_that_cannot_be_is_named_before_any_work(saved, tmp_path, monkeypatch, plot, message):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("arborank.analysis.compression.sweep", None)
    result = run(
        "compress", saved / "model", "-o", tmp_path / "small", "--validation", saved / "validation.txt",
        "--plot", tmp_path / plot,
    )  # fmt: skip
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())


def test_the_model_is_saved_before_the_plot(saved, tmp_path, monkeypatch):
    def fail(*given, **more):
        raise OSError("disk full")

    monkeypatch.setattr("arborank.core.figures.check_drawable", lambda path: None)
    monkeypatch.setattr("arborank.core.figures.save_figure", fail)
    result = run(
        "compress", saved / "model", "-o", tmp_path / "small", "--validation", saved / "validation.txt",
        "--threshold", "0.3", "--weights", "int8", "--beam-size", "4", "--target-size", "1GB",
        "--plot", tmp_path / "p.svg",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "disk full" in result.output
    assert arborank.load(tmp_path / "small").rank("word1 word2") != []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to do"),
        (["--threshold", "0.1,0.2"], "--validation DATA chooses one"),
        (["--threshold", "-1"], "-1.0 is not in the range x>=0"),
        (["--threshold", "0.1,nan"], "'nan' is not a number"),
        (["--weights", "int8,int4"], "'int4' is not one of 'float32', 'float16', 'int8'"),
        (["--target-size", "5MB"], "--target-size needs --validation"),
        (["--target-size", "5QB"], "not a size"),
        (["--min-recall", "0.5", "--max-loss", "0.1"], "give one"),
        (["--validation", "VALIDATION", "--target-size", "10"], "no trial has at most 10 bytes"),
    ],
)
def test_command_refuses(saved, tmp_path, options, message):
    options = [saved / "validation.txt" if option == "VALIDATION" else option for option in options]
    result = run("compress", saved / "model", "-o", tmp_path / "small", *options)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "int8", "--labels", "validation.txt"], "--labels needs --validation"),
        (["--weights", "int8", "--xmc"], "--xmc needs --validation"),
        (["--validation", "validation.txt", "--min-recall", "nan"], "'--min-recall': 'nan' is not a number"),
        (["--validation", "validation.txt", "--max-loss", "nan"], "'--max-loss': 'nan' is not a number"),
        (["--validation", "validation.txt", "--table", "no/such/t.csv"], "its directory does not exist"),
        (
            ["--validation", "validation.txt", "--table", "validation.txt"],
            "is the input, which would be replaced",
        ),
        (
            ["--validation", "validation.txt", "--plot", "validation.txt"],
            "is the input, which would be replaced",
        ),
        (["--validation", "validation.txt", "--table", "MODEL/config.json"], "lies in the model"),
        (["--validation", "strange.txt"], "no label of --validation is among the best of MODEL"),
    ],
)
def test_command_refuses_what_it_could_not_use(saved, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "validation.txt").write_text((saved / "validation.txt").read_text())
    (tmp_path / "strange.txt").write_text("KIWI\tword1 word2\n" * 3)
    options = [option.replace("MODEL", str(saved / "model")) for option in options]
    result = run("compress", saved / "model", "-o", "small", *options)
    assert result.exit_code != 0
    assert message in result.output
    assert not (tmp_path / "small").exists()

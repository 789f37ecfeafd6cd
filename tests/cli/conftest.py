"""Data, models and a way to run commands, for the tests of all commands."""

import shutil
from dataclasses import replace

import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank.cli import main
from arborank.datasets import TextData, write_jsonl, write_xmc
from arborank.exploration import EpsilonGreedy, ExploringRanker
from support import fruit


def rows(n, seed):
    return TextData(*fruit.rows(n, seed))


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """Train and test texts, the same as matrices, and a model of each; tests change a copy of their own, `folder`."""
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
def folder(pristine, tmp_path):
    """Return what `pristine` holds, for a single test."""
    return shutil.copytree(pristine, tmp_path / "folder")


@pytest.fixture
def run(folder, monkeypatch):
    """Run a command in the folder; ``code`` is the exit code expected, None for any."""
    monkeypatch.chdir(folder)

    def invoke(*args, code=0, stdin=None):
        result = CliRunner().invoke(main, [str(arg) for arg in args], input=stdin)
        assert code is None or result.exit_code == code, f"{result.output}\n{result.exception!r}"
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def decided(folder):
    """Return what makes lines of decisions of the model in the folder, with rewards but for the last ones."""

    def lines(n, n_waiting=0):
        texts, labels = fruit.rows(n, 3)
        ranker = ExploringRanker(arborank.load(folder / "model"), EpsilonGreedy(epsilon=0.3), seed=1)
        found = []
        for place, (text, truth) in enumerate(zip(texts, labels, strict=True)):
            one = ranker.rank(text, k=2)
            if place < n - n_waiting:
                one = replace(one, rewards=tuple(float(label in truth) for label in one.labels))
            found.append(one.to_line())
        return found

    return lines

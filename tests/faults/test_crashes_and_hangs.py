"""Faults of earlier systems that must not exist here: a crash, a hang or a silent wrong answer becomes an error or the
right result. Cases that live in one stage are tested beside that stage.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

import arborank
from arborank import NgramTfidf, TextFeatures, TextRanker, XRLinear
from arborank.cli import main
from arborank.core.sparse import Csr, as_csr

SMALL_TREE = {"branching": 3, "max_leaf_size": 8}


# ---------------------------------------------------------------- the process died


@pytest.mark.parametrize("rows", [slice(0, 200), slice(0, 0)])
def test_fewer_instances_than_labels_rows(topics, rows):
    X, Y = topics
    with pytest.raises(ValueError, match=r"X has (200|0) rows|X has shape"):
        XRLinear().fit(X[rows], Y)
    with pytest.raises(ValueError, match=r"Y has 200|Y has 0"):
        XRLinear().fit(X, Y[rows])


@pytest.mark.parametrize("column", [-1, 90, 2**31 - 1])
def test_corrupt_indices(topics, column):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    bad = X.copy()
    bad.indices[7] = column
    with pytest.raises(ValueError, match="X is malformed"):
        model.predict_topk(bad)
    with pytest.raises(ValueError, match="X is malformed"):
        XRLinear().fit(bad, Y)
    with pytest.raises(ValueError, match="X is malformed"):
        model.predict_topk(sp.csc_array((bad.data, bad.indices, bad.indptr), shape=bad.shape[::-1]))


@pytest.mark.parametrize("place", [-1, 10**7])
@pytest.mark.parametrize("axis", ["row", "col"])
def test_corrupt_places(topics, place, axis):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    bad = sp.coo_array(X.copy())  # which may share indices with it
    getattr(bad, axis)[7] = place
    with pytest.raises(ValueError, match=r"X is malformed: a (row|column) index is outside"):
        model.predict_topk(bad)
    short = sp.coo_array(X.copy())
    short.data = short.data[:-1]
    with pytest.raises(ValueError, match="X is malformed"):
        model.predict_topk(short)
    blocks = sp.bsr_array(X.copy(), blocksize=(1, 1))
    blocks.indices[7] = place
    with pytest.raises(ValueError, match="X is malformed"):
        model.predict_topk(blocks)


def test_more_answers_than_memory(topics, monkeypatch):
    monkeypatch.setattr("arborank.core.memory.available_memory", lambda: 10**9)
    model = XRLinear(**SMALL_TREE).fit(*topics)
    with pytest.raises(
        MemoryError, match=r"k is 2,147,483,647 for 300 rows, whose ids and scores need 7.73 TB"
    ):
        model.predict_topk(topics[0], 2**31 - 1)


def test_decreasing_indptr(topics):
    X, _ = topics
    indptr = X.indptr.astype(np.int64)
    indptr[3] = indptr[2] - 1
    with pytest.raises(ValueError, match="indptr decreases"):
        Csr(indptr, X.indices, X.data, X.shape[1])


@pytest.mark.parametrize("make", [NgramTfidf, TextFeatures, TextRanker])
def test_empty_corpus(make):
    with pytest.raises(ValueError, match=r"(?i)empty|no label|at least one"):
        make().fit([], []) if make is TextRanker else make().fit([])


def test_empty_batch(topics):
    model = XRLinear(**SMALL_TREE).fit(*topics)
    ids, scores = model.predict_topk(topics[0][:0], k=3)
    assert ids.shape == scores.shape == (0, 3)
    ranker = TextRanker(features=NgramTfidf()).fit(["red apple", "fast car"], ["fruit", "vehicle"])
    assert ranker.rank_batch([]) == []


def test_token_with_newline(tmp_path):
    ranker = TextRanker(features=NgramTfidf(analyzer="char", ngram_range=(1, 3)))
    ranker.fit(["a\nb", "c\td"], ["x", "y"])
    ranker.save(tmp_path / "m")
    assert arborank.load(tmp_path / "m").rank("a\nb") == ranker.rank("a\nb")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.subprocess
def test_prediction_after_fork(topics):
    X, Y = topics
    model = XRLinear(n_jobs=2, **SMALL_TREE).fit(X, Y)
    expected = model.predict_topk(X)[0]
    child = os.fork()
    if child == 0:
        same = np.array_equal(model.predict_topk(X)[0], expected)
        os._exit(0 if same else 1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("prediction hung in the forked child")


@pytest.mark.subprocess
def test_ctrl_c_stops_training_within_a_second():
    program = textwrap.dedent("""
        import sys, time
        import numpy as np, scipy.sparse as sp
        from arborank import XRLinear
        rng = np.random.default_rng(0)
        X = sp.csr_array(rng.random((20000, 300), dtype=np.float32))
        Y = sp.csr_array((np.ones(40000, np.float32), (np.repeat(np.arange(20000), 2), rng.integers(0, 4000, 40000))))
        print("ready", flush=True)
        try:
            XRLinear(eps=1e-9, max_iter=10**6, threshold=0.0).fit(X, Y)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(1.5)
        start = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        assert time.monotonic() - start < 5
        assert child.wait(timeout=10) == 0


# ---------------------------------------------------------------- a pipe or a device in the place of a file

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
ENDINGS = (".jsonl", ".tsv", ".txt", ".csv", ".parquet", ".xmc", ".npz", ".jsonl.gz", ".tsv.xz")


def _pipe(place):
    os.mkfifo(place)
    return place


def _device(place):
    place.symlink_to("/dev/zero")
    return place


def _socket(place):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place.name)  # a longer path than that may have none
    return place


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Command lines of which one file, in their place of ``{}``, is another kind of thing."""
    monkeypatch.chdir(tmp_path)
    TextRanker(features=NgramTfidf()).fit(["red apple", "fast car"], ["fruit", "vehicle"]).save("m")
    Path("data.tsv").write_text("fruit\tred apple\nvehicle\tfast car\n" * 4)
    return {
        "predict m {}": ENDINGS,
        "evaluate m {}": [".tsv"],
        "evaluate m {} --labels {}": [".npz"],
        "train {} -m new": [ending for ending in ENDINGS if ending != ".npz"],
        "train data.tsv -m new --label-texts {}": [".tsv", ".jsonl"],
        "train data.tsv -m new --config {}": [".json"],
        "update m --remove {} -o new": [".txt"],
        "update m --add --data {} -o new": [".tsv"],
        "rank m apple --titles {}": [".tsv"],
        "train-completer {} -m new": [".tsv", ".jsonl"],
        "train-completer data.tsv -m new --blocklist {}": [".txt"],
    }


@needs_pipes
@pytest.mark.parametrize("make", [_pipe, _device, _socket])
def test_nothing_waits_for_what_is_no_file(commands, make, tmp_path):
    for number, (command, endings) in enumerate(commands.items()):
        for ending in endings:
            place = make(tmp_path / f"{number}{ending}")
            args = command.replace("{}", place.name).split()
            with alarm(20):
                result = CliRunner().invoke(main, args)
            assert result.exit_code == 1, f"{args}\n{result.output}"
            wanted = (
                "No such device"
                if make is _socket
                else f"{place.name}.* is a pipe or a device; a regular file"
            )
            assert re.search(wanted, " ".join(result.stderr.split())), f"{args}\n{result.output}"


@contextlib.contextmanager
def alarm(seconds):
    """Fail instead of waiting for ever."""
    old = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


@pytest.mark.subprocess
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    "line",
    [
        "arborank predict m <(printf 'red apple\\n') --format lines",
        "printf 'red apple\\n' | arborank predict m /dev/stdin --format lines",
        "mkfifo p; (printf 'red apple\\n' > p &); sleep 0.2; arborank predict m /dev/stdin --format lines < p",
        "arborank train <(cat data.tsv) --format tabbed -m new --config <(echo '{}')"
        " && arborank predict new <(echo red apple) --format lines",
    ],
)
def test_what_a_shell_has_opened_is_read(commands, line):
    program = f'arborank() {{ {sys.executable} -m arborank "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60)
    assert '"labels": ["fruit"' in done.stdout, done.stderr


# ---------------------------------------------------------------- silently wrong


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_not_finite(topics, value):
    X, Y = topics
    bad = X.toarray().astype(np.float64)
    bad[4, 2] = value
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    for form in (bad, sp.csr_array(bad)):
        with pytest.raises(ValueError, match=r"(?i)nan|inf"):
            XRLinear().fit(form, Y)
        with pytest.raises(ValueError, match=r"(?i)nan|inf"):
            model.predict_topk(form)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one(topics, k):
    model = XRLinear(**SMALL_TREE).fit(*topics)
    with pytest.raises(ValueError, match="k must be between 1"):
        model.predict_topk(topics[0], k)


@pytest.mark.parametrize("call", ["beam", "beamsize", "topk", "post_processor"])
def test_unknown_keywords(topics, call):
    model = XRLinear(**SMALL_TREE).fit(*topics)
    with pytest.raises(TypeError, match=call):
        model.predict_topk(topics[0], **{call: 3})
    with pytest.raises(TypeError, match=call):
        XRLinear(**{call: 3})


def test_wrong_number_of_features(topics):
    model = XRLinear(**SMALL_TREE).fit(*topics)
    with pytest.raises(ValueError, match="X has 89 features, but XRLinear is expecting 90"):
        model.predict_topk(topics[0][:, :-1])


def test_every_instance_without_labels(topics):
    with pytest.raises(ValueError, match="no positive"):
        XRLinear().fit(topics[0], sp.csr_array((300, 5), dtype=np.float32))


@pytest.mark.parametrize("argument", ["candidates", "exclude"])
def test_filters_that_do_not_fit(topics, argument):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    for wrong in ([60], [-1], [[1]] * 3, [1.5], Y[:, :-1], Y[:-1]):
        with pytest.raises((ValueError, TypeError), match=argument):
            model.predict_topk(X, **{argument: wrong})


def test_values_that_are_no_numbers():
    for wrong in (np.array([["a"]]), np.array([[None]]), sp.csr_array(np.array([[1j]]))):
        with pytest.raises((TypeError, ValueError), match="X"):
            as_csr(wrong, "X")
    with pytest.raises(TypeError, match="row 0"):
        XRLinear().fit(np.ones((1, 1)), [["name"]])


def test_duplicates_are_summed_and_order_does_not_matter(topics):
    X, Y = topics
    model = XRLinear(**SMALL_TREE).fit(X, Y)
    rng = np.random.default_rng(1)
    coo = X.tocoo()
    order = rng.permutation(coo.nnz)
    halves = sp.coo_array(
        (np.tile(coo.data[order] / 2, 2), (np.tile(coo.row[order], 2), np.tile(coo.col[order], 2))),
        shape=X.shape,
    )
    assert np.array_equal(model.predict_topk(halves)[0], model.predict_topk(X)[0])


def test_only_unknown_words():
    ranker = TextRanker(features=NgramTfidf()).fit(["red apple", "fast car"], ["fruit", "vehicle"])
    assert len(ranker.rank("zzz qqq", k=5)) == 2
    assert len(ranker.rank("", k=5)) == 2

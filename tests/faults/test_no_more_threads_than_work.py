"""However many threads are asked for, no more are started than there is work or use for, and results are the same."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from click.testing import CliRunner

from arborank import Autocompleter, NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear
from arborank.cli import main
from arborank.core.estimates import estimate_training
from arborank.core.sparse import as_csr, multiply
from arborank.core.threads import n_threads, used_threads
from arborank.indexing import LabelTree, balanced_kmeans, pifa
from arborank.matching import BeamSearch
from arborank.ranking import train_layer

MANY = 2**31 - 1
TEXTS = [f"the {a} {b} of house {a * b}" for a in range(30) for b in range(10)]


def csr_bytes(csr):
    return csr.indptr.tobytes(), csr.indices.tobytes(), csr.data.tobytes()


@pytest.mark.parametrize(
    "features",
    [
        NgramTfidf(),
        PrefixTfidf(),
        TextFeatures(parts=[NgramTfidf(), NgramTfidf(analyzer="char_wb", ngram_range=(3, 3))]),
    ],
    ids=["words", "prefixes", "union"],
)
def test_vectorisers(features):
    texts = TEXTS * 20  # enough for several chunks a thread
    once = features.set_params(n_jobs=1).fit_transform(texts)
    start = time.perf_counter()
    for n_jobs in (3, 40, 2000, MANY):
        features.set_params(n_jobs=n_jobs)
        assert csr_bytes(features.fit_transform(texts)) == csr_bytes(once)
        assert csr_bytes(features.transform(texts)) == csr_bytes(once)
    assert time.perf_counter() - start < 20  # a tenth of a second; 300 texts took 25 with 2,000 threads


def test_few_texts_then_many():
    grown = iter([["red apple"], TEXTS * 30])
    texts = [text for block in grown for text in block]
    assert csr_bytes(NgramTfidf(n_jobs=MANY).fit_transform(texts)) == csr_bytes(
        NgramTfidf(n_jobs=1).fit_transform(texts)
    )
    with pytest.raises(ValueError, match="empty"):
        NgramTfidf(n_jobs=MANY).fit([])


def test_kernels(topics):
    X, Y = (as_csr(matrix) for matrix in topics)
    tree = LabelTree.one_vs_all(Y.shape[1])
    active, positives = as_csr(np.ones((1, X.shape[0]))), as_csr(topics[1].T)

    def layer(threads):
        return train_layer(X, active, positives, tree.branches[0], n_threads=threads)

    trained, vectors = layer(1), pifa(X, Y)
    search = BeamSearch(tree.branches, [trained], tree.labels, tree.n_labels)
    for run in (
        lambda threads: csr_bytes(as_csr(multiply(positives, X, n_threads=threads))),
        lambda threads: csr_bytes(as_csr(pifa(X, Y, n_threads=threads))),
        lambda threads: balanced_kmeans(vectors, max_leaf_size=8, n_threads=threads).labels.tobytes(),
        lambda threads: csr_bytes(as_csr(tree.lift(Y, 1, n_threads=threads))),
        lambda threads: layer(threads).arrays["units"].tobytes(),
        lambda threads: trained.prune(threshold=0.2, n_threads=threads).arrays["units"].tobytes(),
        lambda threads: trained.astype("int8", n_threads=threads).arrays["units"].tobytes(),
        lambda threads: search.topk(X, 5, n_threads=threads)[1].tobytes(),
    ):
        assert run(MANY) == run(1)


@pytest.mark.parametrize("options", [{}, {"max_clusters": 2}])
def test_models(topics, options):
    X, Y = topics
    tree = {"branching": 3, "max_leaf_size": 8}
    scores = [
        XRLinear(n_jobs=jobs, **tree, **options).fit(X, Y).predict_topk(X, 5)[1] for jobs in (1, 20_000, MANY)
    ]
    np.testing.assert_array_equal(scores[1], scores[0])
    np.testing.assert_array_equal(scores[2], scores[0])


def test_rankers_and_completers():
    labels = [[text.split()[1]] for text in TEXTS]
    answers = [TextRanker(n_jobs=jobs).fit(TEXTS, labels).rank("the 7 3 of house", 3) for jobs in (1, MANY)]
    assert answers[0] == answers[1]
    log = [
        (session, time, query)
        for session in range(20)
        for time, query in enumerate(("red apple", "green pear"))
    ]
    found = [Autocompleter(n_jobs=jobs).fit(log).complete("g", "red apple") for jobs in (1, MANY)]
    assert found[0] == found[1]


def test_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"text": text, "labels": [text.split()[1]]} for text in TEXTS]
    Path("train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for args in (
        "train train.jsonl -m model --jobs 20000",
        "evaluate model train.jsonl --jobs 20000",
    ):
        result = CliRunner().invoke(main, args.split())
        assert result.exit_code == 0, result.output


def test_the_number_of_threads_started():
    texts, most = TEXTS * 200, 0
    done = threading.Event()

    def watch():
        nonlocal most
        while not done.is_set():
            most = max(most, len(list(Path("/proc/self/task").iterdir())))
            time.sleep(0.001)

    if not Path("/proc/self/task").exists():
        pytest.skip("no /proc")
    before = len(list(Path("/proc/self/task").iterdir()))
    watcher = threading.Thread(target=watch)
    watcher.start()
    NgramTfidf(n_jobs=500).fit_transform(texts)
    done.set()
    watcher.join()
    assert most - before - 1 <= used_threads(500)


def test_what_is_asked_for_and_used():
    assert used_threads(0) >= 1
    assert used_threads(3) == 3
    assert used_threads(MANY) == used_threads(10**6) >= 16
    assert n_threads(MANY) == used_threads(MANY)


def test_the_memory_estimate_counts_used_threads():
    problem = {"n_instances": 1000, "n_features": 10_000, "nnz": 20_000, "label_counts": np.full(100, 10)}
    assert estimate_training(n_threads=20_000, **problem) == estimate_training(
        n_threads=used_threads(20_000), **problem
    )


def test_sparse_products_of_nothing():
    empty = as_csr(sp.csr_array((0, 5), dtype=np.float32))
    assert multiply(empty, as_csr(np.ones((5, 2))), n_threads=MANY).shape == (0, 2)

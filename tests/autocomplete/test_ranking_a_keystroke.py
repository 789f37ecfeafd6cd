"""The kernels of a keystroke against plain Python: rows of context and prefix, and one ranking of all that counts."""

from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank._native import Frequencies, mix_rows, starting_with
from arborank.core.sparse import Csr, as_csr, to_scipy

N = 12  # labels
BAD_RANGES = ((-1, 1), (1, 0), (0, 2))
ids = st.integers(0, N - 1)
some_contexts = st.lists(
    st.tuples(st.dictionaries(ids, st.integers(1, 5), max_size=8), st.sampled_from([1.0, 0.5, 0.25])),
    max_size=3,
)
some_scores = st.sampled_from([0.0, 0.125, 0.5, 1.0])


def blended(counts, blocked, run, k, found, contexts, often, weight):
    """The formula, label by label."""
    total = max(sum(counts[run[0] : run[1]]), 1)
    after = Counter()
    for context, decay in contexts:
        for label, times in context.items():
            if run[0] <= label < run[1] and label not in blocked:
                after[label] += decay * times
    n = sum(after.values())
    chosen = {**after, **found}
    if len(after) < k and len(chosen) < run[1] - run[0]:
        chosen |= dict.fromkeys(often)
    weight = weight if found else 1.0
    scores = {}
    for label in chosen:
        f, q = counts[label] / total, found.get(label, 0.0)
        scores[label] = (
            (after.get(label, 0.0) + f * (1 + q) / 2) / (n + 1) if n else (1 - weight) * q + weight * f
        )
    best = sorted(scores, key=lambda label: (-scores[label], label))[:k]
    return best, [scores[label] for label in best]


@given(
    counts=st.lists(st.integers(0, 4), min_size=N, max_size=N),
    blocked=st.sets(ids, max_size=3),
    ends=st.tuples(st.integers(0, N), st.integers(0, N)),
    k=st.integers(1, N + 2),
    found=st.dictionaries(ids, some_scores, max_size=5),
    contexts=some_contexts,
)
def test_one_ranking(counts, blocked, ends, k, found, contexts):
    run = min(ends), max(ends)
    inside = range(*run)
    found = {label: score for label, score in found.items() if label in inside and label not in blocked}
    labels = [sorted(context) for context, _ in contexts]
    bounds = np.cumsum([0, *map(len, labels)]).tolist()
    sent = Frequencies(np.array(counts), np.array(sorted(blocked), np.int32))
    often = sent.top(*run, k)
    open_ = [label for label in inside if counts[label] and label not in blocked]
    assert often == sorted(open_, key=lambda label: (-counts[label], label))[:k]
    got, scores = sent.blend(
        *run,
        k,
        np.array([*found, -1]),
        np.array([*found.values(), -np.inf], np.float32),
        np.array([label for part in labels for label in part], np.int32),
        np.array([contexts[i][0][label] for i, part in enumerate(labels) for label in part], np.int64),
        [(low, high, decay) for low, high, (_, decay) in zip(bounds, bounds[1:], contexts, strict=False)],
        often,
        0.25,
    )
    expected, values = blended(counts, blocked, run, k, found, contexts, often, 0.25)
    assert got == expected
    np.testing.assert_allclose(scores, values, rtol=1e-12)


def test_a_ranking_of_labels_that_there_are_not_is_refused():
    sent = Frequencies(np.array([3, 4]), np.array([], np.int32))
    none = np.array([], np.int64), np.array([], np.float32), np.array([], np.int32), np.array([], np.int64)
    for wrong in (
        (0, 3, 1, *none, [], []),
        (1, 0, 1, *none, [], []),
        (0, 2, 1, *none, [], [2]),
        (0, 2, 1, np.array([2]), np.zeros(1, np.float32), *none[2:], [], []),
        (0, 2, 1, *none[:2], np.array([1], np.int32), np.array([1, 1]), [], []),
        *(
            (0, 2, 1, *none[:2], np.array([1], np.int32), np.array([1]), [(*bad, 1.0)], [])
            for bad in BAD_RANGES
        ),
    ):
        with pytest.raises(ValueError, match=r"labels|label .* is outside|as many"):
            sent.blend(*wrong, 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_mixed_rows(seed):
    random = np.random.default_rng(seed)
    rows = sp.random_array((6, 40), density=0.2, rng=random, format="csr", dtype=np.float32)
    tail = sp.random_array((9, 7), density=0.3, rng=random, format="csr", dtype=np.float32)
    lengths = random.integers(0, 4, 9)
    starts = [0, *np.cumsum(lengths).tolist()]
    sources = random.integers(0, 6, starts[-1]).tolist()
    weights = random.random(starts[-1]).tolist()
    arrays = mix_rows(starts, sources, weights, as_csr(rows), as_csr(tail), 0.5)
    mixture = sp.csr_array((weights, sources, starts), shape=(9, 6))
    before = (mixture @ rows).toarray()
    before /= np.maximum(np.linalg.norm(before, axis=1, keepdims=True), 1e-30)
    mixed = Csr(*arrays, 47)
    assert mixed.canonical
    np.testing.assert_allclose(
        to_scipy(mixed).toarray(), np.hstack([before, 0.5 * tail.toarray()]), atol=1e-6
    )


def test_sums_of_zero_are_not_stored():
    rows = as_csr(np.array([[1.0, 2.0], [-1.0, 1.0]]))
    indptr, indices, data = mix_rows([0, 2], [0, 1], [1.0, 1.0], rows, as_csr(np.zeros((1, 3))), 1.0)
    assert (indptr.tolist(), indices.tolist(), data.tolist()) == ([0, 1], [1], [1.0])


@pytest.mark.parametrize(
    ("starts", "sources", "weights", "message"),
    [
        ([0, 1], [2], [1.0], "source 2 is outside"),
        ([0, 1], [-1], [1.0], "source -1 is outside"),
        ([0, 2], [0], [1.0], "do not fit"),
        ([0, 1, 1], [0], [1.0], "do not fit"),
        ([0, 1], [0], [1.0, 2.0], "do not fit"),
        ([], [], [], "do not fit"),
    ],
)
def test_mixtures_that_do_not_fit(starts, sources, weights, message):
    matrix = as_csr(np.eye(2))
    with pytest.raises(ValueError, match=message):
        mix_rows(starts, sources, weights, matrix, as_csr(np.ones((1, 1))), 1.0)


def test_strings_of_a_damaged_table_are_searched_within_its_text():
    text = np.frombuffer(b"abcd", np.uint8)
    for offsets in ([0, 2**62, -(2**62), 4], [0, -5, 3, 2**63 - 1], [9, 9, 9, 9]):
        first, end = starting_with(text, np.array(offsets), b"b", 0, 3)
        assert 0 <= first <= end <= 3
    for low, high in ((-1, 2), (2, 1), (0, 4)):
        with pytest.raises(ValueError, match="low and high"):
            starting_with(text, np.array([0, 1, 2, 4]), b"b", low, high)

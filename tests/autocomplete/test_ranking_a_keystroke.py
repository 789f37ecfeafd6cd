"""The kernels of a keystroke against plain Python: rows of context and prefix, and one ranking of all that counts."""

from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from arborank._native import N_EVIDENCE, Among, ContextWords, Frequencies, mix_rows, starting_with
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
    sent = Frequencies(np.array(counts), np.array(sorted(blocked), np.int32), np.zeros((0, N)))
    often = sent.top(*run, k)
    open_ = [label for label in inside if counts[label] and label not in blocked]
    assert often == sorted(open_, key=lambda label: (-counts[label], label))[:k]
    got, scores = sent.blend(
        run,
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


@pytest.mark.parametrize("n", [3, 5000, 40_000])  # one block, several, blocks of blocks
def test_the_most_frequent_of_a_range(n):
    random = np.random.default_rng(n)
    counts, aged = random.integers(0, 30, n), random.integers(0, 99, (2, n)) / 8
    blocked = np.sort(random.choice(n, n // 20, replace=False)).astype(np.int32)
    sent = Frequencies(counts, blocked, aged)
    for first, end, k in [
        (0, n, 32),
        *((*np.sort(random.integers(0, n + 1, 2)), k) for k in (1, 20, 33, 200)),
    ]:
        for found, of in ((sent.top(first, end, k), counts), (sent.lately(first, end, k), aged[0])):
            ids = np.setdiff1d(np.flatnonzero(of[:end] > 0), blocked)
            ids = ids[ids >= first]
            assert found == ids[np.lexsort((ids, -of[ids]))][:k].tolist()


def test_a_ranking_of_labels_that_there_are_not_is_refused():
    sent = Frequencies(np.array([3, 4]), np.array([], np.int32), np.zeros((0, 2)))
    none = np.array([], np.int64), np.array([], np.float32), np.array([], np.int32), np.array([], np.int64)
    for wrong in (
        ((0, 3), 1, *none, [], []),
        ((1, 0), 1, *none, [], []),
        ((0, 2), 1, *none, [], [2]),
        ((0, 2), 1, np.array([2]), np.zeros(1, np.float32), *none[2:], [], []),
        ((0, 2), 1, *none[:2], np.array([1], np.int32), np.array([1, 1]), [], []),
        *(
            ((0, 2), 1, *none[:2], np.array([1], np.int32), np.array([1]), [(*bad, 1.0)], [])
            for bad in BAD_RANGES
        ),
    ):
        with pytest.raises(ValueError, match=r"labels|label .* is outside|as many"):
            sent.blend(*wrong, 0.5)


some_own = st.dictionaries(
    st.integers(0, N + 2), st.lists(st.floats(0, 3), min_size=8, max_size=8), max_size=4
)


@given(
    counts=st.lists(st.integers(0, 4), min_size=N, max_size=N),
    aged=st.none() | st.lists(st.floats(0, 4), min_size=2 * N, max_size=2 * N),
    blocked=st.sets(ids, max_size=3),
    ends=st.tuples(st.integers(0, N), st.integers(0, N)),
    found=st.dictionaries(ids, some_scores, max_size=5),
    context=st.dictionaries(ids, st.integers(1, 5), max_size=8),
    own=some_own,
    worded=st.booleans(),
    chosen=st.none() | st.sets(ids),
    seed=st.integers(0, 99),
)
def test_evidence_and_its_weights(counts, aged, blocked, ends, found, context, own, worded, chosen, seed):
    first, end = (min(ends), max(ends)) if chosen is None else (0, N)
    inside = list(range(first, end)) if chosen is None else sorted(chosen)
    found = {label: score for label, score in found.items() if label in inside and label not in blocked}
    own = {label: values for label, values in own.items() if label in inside or label >= N}
    ages = np.array([] if aged is None else aged).reshape(-1, N)
    sent = Frequencies(np.array(counts), np.array(sorted(blocked), np.int32), ages)
    frequent = {*sent.top(first, end, 3), *sent.lately(first, end, 3)}
    assert aged is not None or sent.lately(first, end, 3) == []
    total, among = sum(counts[label] for label in inside), None
    also, pool = [label for label in (1, 4) if label in inside], 3
    if chosen is not None:
        also, frequent, pool = [*also, *frequent.intersection(chosen)], set(), 0
        of_ages = [float(age[inside].sum()) for age in ages] or [0.0, 0.0]
        among = Among(np.array(inside, np.int64), float(total), of_ages)
    labels = sorted(context)
    given = (
        (first, end),
        5,
        np.array([*found, -1]),
        np.array([*found.values(), -np.inf], np.float32),
        np.array(labels, np.int32),
        np.array([context[label] for label in labels], np.int64),
        [(0, len(labels), 1.0)],
        also,
        0.25,
        pool,
        list(own),
        np.array(list(own.values())).reshape(-1, 8),
        (2, 5),
        [0.5, 1.0],
        None,
        *2 * (np.array([], np.int32), np.array([], np.float32)),
    )
    random = np.random.default_rng(seed)
    names, followed = (random.integers(0, 3, (n, N)).astype(np.float32) for n in (3, 4))
    row, begun = np.zeros(4), np.zeros(3)
    if worded:  # the last column is behind the words
        row[[0, 2]] = 0.5, 0.25
        begun[[1, 2]] = 1  # whatever they tell
        words = ContextWords(as_csr(names), as_csr(followed))
        values = np.array([0.5, 0.25, 9], np.float32)
        given = (
            *given[:-5],
            words,
            np.array([0, 2, 4], np.int32),
            values,
            np.array([1, 2], np.int32),
            values[:2],
        )
    got, rows, in_context = sent.evidence(*given, among)
    after = {label: times for label, times in context.items() if label in inside and label not in blocked}
    spoken_for = [label for label in inside if (begun @ names)[label] or (row @ followed)[label]]
    candidates = {*after, *found, *also, *frequent, *own, *spoken_for} - blocked
    assert got.tolist() == sorted(candidates)
    assert in_context == bool(after or found or worded)
    n = sum(after.values())
    for label, one in zip(got.tolist(), rows.reshape(-1, N_EVIDENCE), strict=True):
        known = label < N
        share = (counts[label] if known else 0) / max(total, 1)
        q = found.get(label, 0.0)
        alone = 0.75 * q + 0.25 * share if found else share
        score = (after.get(label, 0) + share * (1 + q) / 2) / (n + 1) if n else alone
        expected = [
            np.log(max(score, 1e-12)) if in_context else 0,
            np.log((counts[label] + 0.5 if known else 0.25) / (total + 1)),
            not known,
            *(
                np.log(((age[label] if known else 0) + 0.1) / (age[inside].sum() + 1))
                for age in ages * np.array([[0.5], [1.0]])[: len(ages)]
            ),
            *([] if aged is not None else [0, 0]),
            np.log((after.get(label, 0) + 0.25) / (n + 1)) if n else 0,
            np.log(q + 1e-4) if found else 0,
            q > 0,
            (begun @ names)[label] if known else 0,
            np.log((row @ followed)[label] + 0.03 if known else 0.03) if worded else 0,
            2 <= label < 5,
            *own.get(label, [0] * 8),
        ]
        np.testing.assert_allclose(one, np.array(expected, float), rtol=1e-9, atol=1e-9)
    weights = random.standard_normal((2, N_EVIDENCE))
    best, shares = sent.weighted(*given, weights, among)
    values = rows.reshape(-1, N_EVIDENCE) @ weights[int(in_context)]
    chances = np.exp(values - values.max(initial=-np.inf))
    order = np.argsort(-values, kind="stable")[:5]
    np.testing.assert_allclose(shares, (chances / chances.sum())[order], rtol=1e-9)
    assert len(best) == len(set(best)) == min(5, len(candidates))


def test_evidence_that_does_not_fit_is_refused():
    sent = Frequencies(np.array([3, 4]), np.array([], np.int32), np.zeros((0, 2)))
    none = np.array([], np.int64), np.array([], np.float32), np.array([], np.int32), np.array([], np.int64)
    given = [(0, 2), 1, *none, [], [], 0.5, 2, [], np.zeros((0, 8)), (0, 0)]
    given += [[1.0, 1.0], None, *2 * (np.array([], np.int32), np.array([], np.float32))]
    weights = np.zeros((2, N_EVIDENCE))
    other = ContextWords(as_csr(np.ones((2, 3))), as_csr(np.ones((2, 3))))
    for place, wrong in (
        (0, (0, 3)),
        (7, [2]),
        (9, -1),
        (10, [-1]),
        (10, [0]),
        (11, np.zeros((1, 8))),
        (13, [1.0]),
        (14, other),
    ):
        with pytest.raises(ValueError, match=r"labels|label .* is outside|pool|own_|left"):
            sent.weighted(*given[:place], wrong, *given[place + 1 :], weights)
    with pytest.raises(ValueError, match="lately must have 2 entries"):
        Among(np.array([0]), 1.0, [1.0])
    with pytest.raises(ValueError, match="weights must have 2 rows"):
        sent.weighted(*given, weights[:1])
    for place in (-1, -3):
        longer = [*given]
        longer[place] = np.ones(1, np.float32)
        with pytest.raises(ValueError, match="columns and values are not as many"):
            sent.weighted(*longer, weights)
    with pytest.raises(ValueError, match="names and followed must have"):
        ContextWords(as_csr(np.ones((2, 3))), as_csr(np.ones((2, 2))))
    for shape in ((1, 2), (2, 3)):
        with pytest.raises(ValueError, match="aged must have no row or 2"):
            Frequencies(np.array([3, 4]), np.array([], np.int32), np.zeros(shape))


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

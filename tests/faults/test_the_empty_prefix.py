"""Before anything is typed, completions are what followed the previous query, then what else is likely."""

from collections import Counter, defaultdict

import numpy as np
import pytest

import arborank
from arborank import Autocompleter, XRLinear
from arborank.autocomplete.followers import Followers, count_followers
from arborank.autocomplete.prefixes import sample_prefixes
from arborank.autocomplete.threshold import Threshold
from arborank.core.state import State
from arborank.core.strings import StringTable

N_QUERIES, N_PAIRS = 300, 6000


def queries(completions):
    return [query for query, _ in completions]


@pytest.fixture(scope="module")
def walks():
    """Steps between queries: each leads to some others, which have nothing to do with its words."""
    random = np.random.default_rng(0)
    names = [f"{chr(97 + i % 26)}{chr(97 + i // 26)} {i % 7}" for i in range(N_QUERIES)]
    popular = random.zipf(1.6, N_QUERIES).astype(float)
    leads = [random.choice(N_QUERIES, 12, replace=False) for _ in range(N_QUERIES)]
    pairs = []
    for _ in range(N_PAIRS):
        before = random.choice(N_QUERIES, p=popular / popular.sum())
        weights = 1.0 / np.arange(1, 13)
        pairs.append((names[before], names[random.choice(leads[before], p=weights / weights.sum())]))
    return pairs[: N_PAIRS * 9 // 10], pairs[N_PAIRS * 9 // 10 :]


@pytest.fixture(scope="module", params=["hybrid", "trie", "kmeans"])
def completer(request, walks):
    return Autocompleter(index=request.param, n_jobs=1).fit_pairs(*zip(*walks[0], strict=True))


def hits(answers, wanted):
    return np.mean([query in row for row, query in zip(answers, wanted, strict=True)])


def counted(train, tests, k=10):
    """What followed most often, then what was sent most often."""
    sent = Counter(query for _, query in train)
    after = defaultdict(Counter)
    for before, query in train:
        after[before][query] += 1
    often = [query for query, _ in sent.most_common()]
    rows = []
    for before, _ in tests:
        row = sorted(after[before], key=lambda query: (-after[before][query], -sent[query]))
        rows.append([*row, *(query for query in often if query not in row)][:k])
    return rows


@pytest.mark.parametrize("beam_size", [None, 1, 100])
def test_at_least_as_good_as_counting_at_any_beam(completer, walks, beam_size):
    train, tests = walks
    previous, wanted = zip(*tests, strict=True)
    answers = completer.complete_batch([""] * len(tests), previous, beam_size=beam_size)
    ours, theirs = hits(map(queries, answers), wanted), hits(counted(train, tests), wanted)
    assert theirs > 0.5
    assert ours >= theirs - 0.005
    frequent = hits([queries(completer.complete(""))] * len(tests), wanted)
    assert ours > frequent + 0.2


def test_the_order_is_that_of_the_counts(completer, walks):
    after = Counter(query for before, query in walks[0] if before == walks[0][0][0])
    found = completer.complete("", walks[0][0][0], k=len(after))
    assert set(queries(found)) == set(after)
    assert [after[query] for query in queries(found)] == sorted(after.values(), reverse=True)
    scores = [score for _, score in completer.complete("", walks[0][0][0], k=50)]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] < 1


def test_batch_equals_single_and_survives_saving(completer, walks, tmp_path):
    completer.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    previous = [before for before, _ in walks[1][:40]] + ["unheard", "ab unheard"]
    for prefix in ("", "a", "b"):
        batch = completer.complete_batch([prefix] * len(previous), previous)
        for row, before in zip(batch, previous, strict=True):
            single = completer.complete(prefix, before)
            assert queries(row) == queries(single)
            np.testing.assert_allclose([s for _, s in row], [s for _, s in single], rtol=1e-5)
            assert again.complete(prefix, before) == single


def test_the_model_learns_to_answer_before_anything_is_typed():
    """A context that is new, of words that are known."""
    pairs = [(f"{thing} w{i % 9}", f"{i % 3} for {thing}") for i in range(300) for thing in ("cats", "dogs")]
    completer = Autocompleter(model=XRLinear(threshold=0.0)).fit_pairs(*zip(*pairs, strict=True))
    for thing in ("cats", "dogs"):
        found = queries(completer.complete("", f"{thing} unheard", k=3))
        assert all(query.endswith(f"for {thing}") for query in found)


def test_lengths_of_training_prefixes_begin_at_0():
    labels = np.zeros(10_000, np.int64)
    for law, shares in (
        ("uniform", [1 / 4] * 4),
        ("reciprocal", np.array([1, 1 / 2, 1 / 3, 1 / 4]) * 12 / 25),
    ):
        drawn = sample_prefixes(["abc"], labels, law, 0)
        found = np.bincount([len(prefix) for prefix in drawn], minlength=4) / labels.size
        np.testing.assert_allclose(found, shares, atol=0.02)


def test_older_previous_queries_count_less():
    pairs = [(("a", "b"), "after b"), (("x", "a"), "after a"), (("x", "a"), "after a")] * 3
    completer = Autocompleter(n_previous=2, decay=0.5).fit_pairs(*zip(*pairs, strict=True))
    assert queries(completer.complete("", ["a", "b"]))[0] in ("after b", "after a")
    low = Autocompleter(n_previous=2, decay=0.1).fit_pairs(*zip(*pairs, strict=True))
    assert queries(low.complete("", ["a", "b"])) == ["after b", "after a"]
    assert queries(low.complete("", ["a", "unheard"]))[0] == "after a"


def test_what_is_blocked_or_rare_never_follows():
    log = [(f"s{i}", t, q) for i in range(5) for t, q in enumerate(["camera", "nikon", "nike"])]
    secret = [("x", 0, "my secret"), ("x", 1, "nikon")]
    completer = Autocompleter(min_users=2).fit([*log, *secret])
    assert "my secret" not in completer.followers_
    assert "camera" in completer.followers_
    blocked = Autocompleter().fit(log).block(["nikon"])
    assert "nikon" not in queries(blocked.complete("", "camera", k=50))
    assert "nikon" in blocked.followers_
    updated = blocked.update([])
    assert "nikon" not in updated.followers_
    assert "nike" in queries(updated.complete("", "camera"))
    less = Autocompleter().fit(log).remove(["nikon"])
    assert "nikon" not in less.followers_
    assert "nikon" not in queries(less.complete("", "camera"))


def test_counting_followers():
    contexts = [("a",), ("b", "a"), (), ("c",), ("a",)]
    followers = count_followers(contexts, np.array([2, 0, 1, 1, 2]), None, 3, Threshold())
    assert list(followers.contexts) == ["a", "c"]
    assert (followers.labels.tolist(), followers.times.tolist()) == ([0, 2, 1], [1, 2, 1])
    assert followers.after(("a",), 0.5) == [(0, 2, 1.0)]
    assert followers.after(("c", "b", "a"), 0.5) == [(0, 2, 1.0), (2, 3, 0.25)]
    assert followers.after(("c", "b"), 0.5) == [(2, 3, 1.0)]
    assert followers.after(("b",), 0.5) == []
    few = count_followers(contexts, np.array([2, 0, 1, 1, 2]), list("uuvvu"), 3, Threshold(2, 2))
    assert len(few) == 0
    known = count_followers(
        contexts, np.array([2, 0, 1, 1, 2]), list("uuvvu"), 3, Threshold(2, 2), known={"c"}
    )
    assert list(known.contexts) == ["c"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("indptr", np.array([0, 3], np.int64), "2 bounds"),
        ("indptr", np.array([0, 2, 1, 3], np.int64), "bounds"),
        ("indptr", np.array([0, 4, 3], np.int64), "must ascend"),
        ("indptr", np.array([[0, 2, 3]], np.int64), "indptr must be a vector"),
        ("labels", np.array([0, 2, 3], np.int32), "labels must be from 0 to 2"),
        ("labels", np.array([-1, 2, 1], np.int32), "labels must be from 0 to 2"),
        ("labels", np.array([2, 0, 1], np.int32), "labels must ascend"),
        ("labels", np.array([0, 2, 1], np.int64), "labels must be a vector of int32"),
        ("times", np.array([1, 0, 1], np.int64), "counts above 0"),
        ("times", np.array([1, 2], np.int64), "do not fit"),
        ("times", np.array([1.0, 2.0, 3.0]), "times must be a vector of int64"),
    ],
)
def test_damaged_followers_are_refused(name, value, message):
    followers = Followers(
        StringTable(["a", "c"]),
        np.array([0, 2, 3], np.int64),
        np.array([0, 2, 1], np.int32),
        np.array([1, 2, 1], np.int64),
        3,
    )
    state = followers.to_state()
    assert Followers.from_state(state).after(("a",), 1.0) == [(0, 2, 1.0)]
    with pytest.raises(ValueError, match=message):
        Followers.from_state(State(state.config, {**state.arrays, name: value}, state.parts))
    for n_queries in (-1, 2**31, 2, "3", None, True):
        with pytest.raises(ValueError, match=r"n_queries|labels must be"):
            Followers.from_state(State({"n_queries": n_queries}, state.arrays, state.parts))

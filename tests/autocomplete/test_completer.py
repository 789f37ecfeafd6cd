"""The completer: what it learns, what it guarantees, and what it does with odd input."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

import arborank
from arborank import Autocompleter, NgramTfidf, PrefixTfidf, XRLinear
from arborank.autocomplete.contexts import read_context
from arborank.autocomplete.normal import normalize
from arborank.core.sparse import to_scipy
from support.sessions import sessions

NEXT = {
    "digital camera": ["nikon coolpix", "nikon lens", "canon"],
    "running shoes": ["nike air", "nike running", "adidas"],
    "london": ["new york", "newcastle", "naples"],
}


def log(n=20):
    return sessions(NEXT, n)


@pytest.fixture(scope="module")
def completer():
    return Autocompleter(n_jobs=1).fit(log())


def queries(completions):
    return [query for query, _ in completions]


@pytest.mark.parametrize("index", ["hybrid", "trie", "mustlink", "kmeans"])
@pytest.mark.parametrize("leaf", [2, 100])
def test_the_previous_query_decides(index, leaf):
    model = XRLinear(max_leaf_size=leaf, branching=2, threshold=0.0)
    completer = Autocompleter(index=index, model=model).fit(log())
    for topic, nexts in NEXT.items():
        for prefix in {query[:n] for query in nexts for n in (1, 2, 6)}:
            expected = [query for query in nexts if query.startswith(prefix)]
            found = queries(completer.complete(prefix, previous=topic))
            assert found[: len(expected)] == expected
            assert all(query.startswith(prefix) for query in found)


@pytest.mark.parametrize("representation", ["pifa", "names", "pifa-names"])
@pytest.mark.parametrize("index", ["hybrid", "mustlink", "kmeans"])
def test_what_stands_for_a_query(index, representation):
    model = XRLinear(max_leaf_size=2, branching=2, Cp=10.0, threshold=0.0)
    completer = Autocompleter(index=index, depth=None, representation=representation, model=model).fit(log())
    found = queries(completer.complete("n", "london", k=3))
    assert found[0] == "new york"
    assert set(found) == {"new york", "newcastle", "naples"}


@pytest.mark.parametrize("representation", ["pifa", "names", "pifa-names"])
def test_names_alone_make_the_same_tree_whatever_came_before(representation):
    contexts, texts = ["red", "blue"] * 16, [f"{a}{b}{c}" for a in "abcd" for b in "efgh" for c in "xy"]
    trees = [
        Autocompleter(index="kmeans", representation=representation, model=XRLinear(max_leaf_size=4))
        .fit_pairs(previous, texts)
        .model_.tree_
        for previous in (contexts, sorted(contexts))
    ]
    assert (trees[0] == trees[1]) == (representation == "names")


def test_scores_fall_and_are_from_0_to_1(completer):
    scores = [score for _, score in completer.complete("n", ["london"])]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


def test_k_and_fill_with_the_most_frequent(completer):
    assert len(completer.complete("n", k=2)) == 2
    # a beam of one node misses some; what it misses follows by frequency
    narrow = Autocompleter(index="kmeans", model=XRLinear(max_leaf_size=1, branching=2)).fit(log())
    found = narrow.complete("n", ["london"], beam_size=1)
    assert len(found) == 7
    assert queries(found)[:3] == NEXT["london"]
    left = [query for query in queries(found)[3:] if query.startswith("nik")]
    counts = {query: 20 - 4 * i for nexts in NEXT.values() for i, query in enumerate(nexts)}
    assert left == sorted(left, key=lambda query: (-counts[query], query))
    assert len(left) == 4


def test_what_is_typed_is_normalised(completer):
    assert completer.complete("  NEW\u00a0 Y", ["LONDON"]) == completer.complete("new y", ["london"])
    assert queries(completer.complete("new ")) == ["new york"]


def test_spelling_is_kept():
    completer = Autocompleter().fit_pairs(["a", "a", "b"], ["New York", "New York", "new york"])
    assert queries(completer.complete("new")) == ["New York"]


@pytest.mark.parametrize(
    "prefix", ["zebra", "nikon coolpix and more", "n" * 100_000, "n\ud800", "漢", "n" + "\u0301"]
)
def test_nothing_begins_so(completer, prefix):
    assert completer.complete(prefix, ["london"]) == []
    assert completer.complete_batch([prefix, "nik"], ["london", "london"])[0] == []


@pytest.mark.parametrize("prefix", ["", " ", "\x00\n", " " * 100_000])
def test_an_empty_prefix_asks_for_the_next_query(completer, prefix):
    assert queries(completer.complete(prefix, ["london"], k=3)) == NEXT["london"]


@pytest.mark.parametrize("previous", [(), [], "", None, ["\x00"], ["never seen"], "y" * 100_000])
def test_an_unknown_context_leaves_frequency(completer, previous):
    found = completer.complete("n", previous)
    assert set(queries(found)[:3]) == {"nikon coolpix", "nike air", "new york"}
    assert sum(score for _, score in found) == pytest.approx(1)
    assert completer.complete_batch(["n"], [previous]) == [found]


def test_typos_are_forgiven_only_when_asked(completer):
    for typed in ("nikno", "nikkon", "nixon", "nion"):
        assert completer.complete(typed, ["digital camera"]) == []
        found = queries(completer.complete(typed, ["digital camera"], strict=False))
        assert found[:2] == ["nikon coolpix", "nikon lens"]
    exact_first = queries(completer.complete("nike", ["digital camera"], strict=False))
    assert set(exact_first[:2]) == {"nike air", "nike running"}
    assert set(exact_first[2:]) == {"nikon coolpix", "nikon lens"}
    unknown = completer.complete("nikno", strict=False)
    assert queries(unknown) == ["nikon coolpix", "nikon lens"]
    assert [score for _, score in unknown] == pytest.approx([20 / 36, 16 / 36], rel=0.01)


def test_a_tolerant_answer_backs_off_to_the_longest_known_beginning(completer):
    assert queries(completer.complete("nezzzzz", strict=False)) == ["new york", "newcastle"]
    assert len(completer.complete("q" * 100_000, strict=False, k=3)) == 3


def test_batch_equals_single(completer):
    prefixes = ["n", "ni", "", "zz", "new y", "a"]
    previous = ["london", ["digital camera"], (), "london", ["x", "running shoes"], None]
    expected = [completer.complete(p, q, k=4) for p, q in zip(prefixes, previous, strict=True)]
    got = completer.complete_batch(prefixes, previous, k=4)
    assert [queries(row) for row in got] == [queries(row) for row in expected]
    for row, wanted in zip(got, expected, strict=True):
        np.testing.assert_allclose([s for _, s in row], [s for _, s in wanted], rtol=1e-5)
    assert completer.complete_batch([]) == []
    assert completer.complete_batch(["n"])[0] == completer.complete("n")


def test_several_previous_queries_with_decay():
    events = []
    for i in range(30):
        first, last = (("red", "car"), ("blue", "car"))[i % 2]
        events += [(i, 0, first), (i, 1, last), (i, 2, f"{first} car paint")]
    model = XRLinear(threshold=0.0)
    two = Autocompleter(n_previous=2, decay=0.8, model=model).fit(events)
    assert queries(two.complete("", ["blue", "car"], k=1)) == ["blue car paint"]
    assert queries(two.complete("", ["red", "car"], k=1)) == ["red car paint"]
    contexts = [("red", "car"), ("car", "blue"), ("car",), ("unseen",), ("unseen", "red"), (), ("red", "red")]
    X, known = two.rows_.many(contexts, ["c"] * len(contexts))
    for row, (context, is_known) in enumerate(zip(contexts, known.tolist(), strict=True)):
        single = two.rows_.one(context, "c")
        assert (single is not None) == is_known
        if single is not None:
            expected = to_scipy(X)[[row]].toarray()
            np.testing.assert_allclose(to_scipy(single).toarray(), expected, rtol=1e-6)
    one = Autocompleter(model=model).fit(events)
    assert one.complete("", ["blue", "car"], k=3) == one.complete("", ["red", "car"], k=3)


def test_how_many_previous_queries_count_is_learned(tmp_path):
    random = np.random.default_rng(0)
    events = []
    for i in range(500):  # what is sent last goes back to the first query, and the one between tells nothing
        first, between = int(random.integers(9)), int(random.integers(9))
        sent = (f"city {first}", f"map {between}", f"{'abc'[first % 3]} hotel {first}")
        events += [(i, 1000 * i + 9 * j, query) for j, query in enumerate(sent)]
    completer = Autocompleter(n_jobs=1).fit(events)
    assert completer.rows_.n_previous == 5
    completer.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model").update([("new", 1e6, "city 1"), ("new", 1e6 + 1, "map 3")])
    for one in (completer, again):
        assert queries(one.complete("a", ["city 6", "map 2"], k=1)) == ["a hotel 6"]
    assert Autocompleter(n_previous=2).fit(events).rows_.n_previous == 2
    repeated = [(i, j, f"{'ab'[(i + j) % 2]} {(i + j) % 5}") for i in range(300) for j in range(4)]
    assert Autocompleter(n_jobs=1).fit(repeated).rows_.n_previous == 1  # the last one tells all


@pytest.mark.parametrize(("decay", "n_previous"), [(0.5, 300), (1e-30, 3), (1e-300, 3)])
def test_a_query_of_long_ago_counts_where_no_other_is_known(decay, n_previous):
    completer = Autocompleter(decay=decay, n_previous=n_previous, model=XRLinear(threshold=0.0)).fit(log())
    context = ["london", *["unseen"] * (n_previous - 1)]
    expected = completer.complete("n", "london", k=3)
    for found in (completer.complete("n", context, k=3), completer.complete_batch(["n"], [context], k=3)[0]):
        assert queries(found) == queries(expected)
        np.testing.assert_allclose([s for _, s in found], [s for _, s in expected], rtol=1e-4)


def test_blocked_at_once_and_later(tmp_path):
    completer = Autocompleter(blocklist=["nike"]).fit(log())
    assert not any("nike" in query for query in queries(completer.complete("n", k=50)))
    completer.block(["coolpix", "NEW york"])
    for found in (completer.complete("n", k=50), completer.complete_batch(["n"], k=50)[0]):
        assert queries(found) == ["newcastle", "naples", "nikon lens"] or set(queries(found)) == {
            "nikon lens",
            "newcastle",
            "naples",
        }
    completer.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model").block(["lens"])
    assert set(queries(again.complete("n", k=50))) == {"newcastle", "naples"}
    assert again.complete("nikon") == []


def test_everything_blocked_below_a_prefix(completer):
    blocked = clone(completer).fit(log()).block(["new york", "newcastle"])
    assert blocked.complete("ne") == []


def test_rare_queries_are_never_suggested():
    secret = [*log(), ("x", 0, "my secret"), ("x", 1, "my other secret")]
    completer = Autocompleter(min_users=2).fit(secret)
    assert completer.complete("my") == []
    assert b"secret" not in pickle.dumps(completer)  # nor are its words features
    by_count = Autocompleter(min_count=15).fit_pairs(["a"] * 16, ["often"] * 15 + ["once"])
    assert queries(by_count.complete("")) == ["often"]


def context_words(previous, users=None, after="after", **params):
    completer = Autocompleter(**params).fit_pairs(previous, [after] * len(previous), users=users)
    return set(completer.rows_.previous.get_feature_names_out())


def test_a_word_of_too_few_contexts_is_no_feature():
    previous = ["often"] * 5 + ["secret"]
    assert context_words(previous, min_count=2, prefixes_per_query=5) == {"often"}
    assert context_words(previous, prefixes_per_query=5) == {"often"}
    twice = [("often", "often")] * 5 + [("secret one", "secret two")]  # a single context
    assert context_words(twice, n_previous=2) == {"often"}


def test_a_word_of_too_few_users_is_no_feature():
    previous, users = ["often, secret"] * 5 + ["often"] * 5, ["u"] * 5 + list("uvwxy")
    assert context_words(previous, users, min_users=3) == {"often"}
    assert context_words(previous, users) == {"often", "secret"}
    assert context_words(["secret"] * 3, list("uuu"), min_users=1) == {"secret"}
    own = NgramTfidf(analyzer="char_wb", ngram_range=(1, 9))
    for params in ({"min_users": 3}, {"min_count": 6}):
        grams = context_words(previous, users, previous_features=own, **params)
        assert any("often" in gram for gram in grams)
        assert not any("s" in gram for gram in grams)
    with pytest.raises(ValueError, match="no query is left"):
        context_words(["secret"] * 3, list("uuu"), min_users=2)
    assert context_words(["a secret!", "b", "c"], list("uvw"), min_users=2) == {"nothing"}
    assert context_words(["!!", "?"]) == {"nothing"}


def test_blocked_queries_are_no_features():
    previous = ["secret, plan", "often"] * 5
    assert context_words(previous, blocklist=["Secret"]) == {"often"}
    several = [("often", "secret plan", "new")] * 5
    assert context_words(several, blocklist=["secret"], n_previous=3) == {"often", "new"}


def test_unicode():
    words = ["مكتبة الإسكندرية", "مكتب", "東京", "東京タワー", "e\u0301cole", "éclair", "👩‍🚀 suit"]
    completer = Autocompleter().fit_pairs(["x"] * len(words), words)
    assert set(queries(completer.complete("مكتب"))) == set(words[:2])
    assert set(queries(completer.complete("東"))) == {"東京", "東京タワー"}
    assert set(queries(completer.complete("\u00e9c"))) == set(words[4:6])
    assert queries(completer.complete("👩")) == [words[6]]


def test_a_greek_sigma_is_the_same_at_the_end_of_a_word():
    completer = Autocompleter().fit_pairs(["x"] * 3, ["ΟΔΟΣ", "οδος", "οδοστρωμα"])
    for prefix in ("οδος", "οδοσ", "ΟΔΟΣ"):
        assert len(completer.complete(prefix)) == 2
    assert queries(completer.complete("οδοςτ")) == ["οδοστρωμα"]
    assert queries(completer.complete("", k=1)) == ["ΟΔΟΣ"]


def test_save_and_load(completer, tmp_path):
    completer.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    for prefix in ("", "n", "nik", "zz"):
        for strict in (True, False):
            assert again.complete(prefix, "london", strict=strict) == completer.complete(
                prefix, "london", strict=strict
            )
    assert again.get_params()["n_jobs"] is None  # whoever opens it decides


def test_parameters_are_checked_when_saved(tmp_path):
    completer = Autocompleter().fit(log(1))
    completer.save(tmp_path / "model")
    with pytest.raises(ValueError, match="n_previous must be at least 1, found 0"):
        completer.set_params(n_previous=0).save(tmp_path / "model")
    assert arborank.load(tmp_path / "model").n_previous is None
    state = completer.set_params(n_previous=1).to_state()
    state.config["n_previous"] = "2"
    with pytest.raises(TypeError, match="n_previous must be an integer, found '2'"):
        Autocompleter.from_state(state)


def test_own_features_and_parameters_are_saved(tmp_path):
    completer = Autocompleter(
        previous_features=NgramTfidf(analyzer="char_wb", ngram_range=(2, 3)),
        prefix_features=PrefixTfidf(ngram_range=(1, 2), position_weight=lambda i: 2.0**-i),
        prefix_law="reciprocal",
        prefixes_per_query=2,
        min_count=2,
        n_previous=3,
        session_gap=None,
    ).fit(log())
    completer.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert again.complete("n", ["londen"]) == completer.complete("n", ["londen"])
    assert queries(again.complete("n", ["londen"], k=1)) == ["new york"]
    assert again.get_params()["session_gap"] is None
    assert again.n_previous == 3


def test_one_query_only():
    completer = Autocompleter().fit([("a", 0, "x")])
    assert queries(completer.complete("")) == ["x"]
    assert queries(completer.complete("x", "anything")) == ["x"]


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (
            {"index": "tree"},
            ValueError,
            "index must be one of 'hybrid', 'trie', 'mustlink', 'kmeans', found 'tree'",
        ),
        ({"index": "kmeans", "depth": 2}, ValueError, "depth is 2, but index 'kmeans' has no levels"),
        (
            {"representation": "name"},
            ValueError,
            "representation must be one of .* found 'name'",
        ),
        ({"depth": 0}, ValueError, "depth must be at least 1"),
        ({"prefix_law": "zipf"}, ValueError, "prefix_law must be one of .* found 'zipf'"),
        ({"prefix_weight": 0}, ValueError, "prefix_weight must be above 0"),
        ({"decay": 1.5}, ValueError, "decay must be at most 1, found 1.5"),
        ({"min_count": 0}, ValueError, "min_count must be at least 1"),
        ({"min_users": 1.5}, TypeError, "min_users must be an integer"),
        ({"n_previous": 0}, ValueError, "n_previous must be at least 1"),
        ({"blocklist": "word"}, TypeError, "blocklist must be an iterable of str, found one str"),
        ({"blocklist": ["word", 3]}, TypeError, "blocklist must hold str, found int at position 1"),
        ({"blocklist": 3}, TypeError, "blocklist must be an iterable of str, found int"),
        ({"model": "linear"}, TypeError, "model must be an XRLinear"),
        ({"model": XRLinear(combine="noop")}, ValueError, "combine of model is 'noop'"),
        ({"session_gap": -1}, ValueError, "session_gap must be above 0"),
        ({"session_gap": "day"}, TypeError, "session_gap must be a number"),
        ({"previous_features": 5}, TypeError, "previous_features must be a vectoriser as NgramTfidf"),
        ({"prefix_features": PrefixTfidf}, TypeError, "prefix_features must be a vectoriser as NgramTfidf"),
        ({"random_state": -1}, ValueError, "random_state must be at least 0"),
    ],
)
def test_bad_parameters(params, error, message):
    with pytest.raises(error, match=message):
        Autocompleter(**params).fit(log(1))
    with pytest.raises(error, match=message):
        Autocompleter(**params).fit_pairs(["a"], ["b"])


def test_any_combination_with_scores_from_0_to_1():
    completer = Autocompleter(model=XRLinear(combine="l2-l3-hinge")).fit(log(1))
    assert all(0 <= score <= 1 for _, score in completer.complete("n"))


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((["a"], ["b", "c"]), ValueError, "previous has 1 entries but queries has 2"),
        (("ab", ["b", "c"]), TypeError, "previous must be a sequence with one entry per pair"),
        (
            ([1], ["b"]),
            TypeError,
            r"previous\[0\] must be a str, a sequence of str or a sparse row, found int",
        ),
        ((["a"], [2]), TypeError, "queries must hold str, found int at position 0"),
    ],
)
def test_bad_pairs(args, error, message):
    with pytest.raises(error, match=message):
        Autocompleter().fit_pairs(*args)
    with pytest.raises(ValueError, match="users has 2 entries but queries has 1"):
        Autocompleter().fit_pairs(["a"], ["b"], users=[1, 2])
    for wrong in ("u", 5):
        with pytest.raises(TypeError, match="users must be a sequence with one entry per pair, found"):
            Autocompleter().fit_pairs(["a"], ["b"], users=wrong)


def test_an_iterator_as_blocklist_is_refused():
    with pytest.raises(TypeError, match="blocklist must be a collection of str"):
        Autocompleter(blocklist=iter(["nike"])).fit(log(1))
    assert Autocompleter(blocklist={"nike"}).fit(log(1)).complete("nike") == []


def test_bad_sessions_and_users():
    with pytest.raises(TypeError, match=r"row 1 of the log has the session \[\]; a hashable value"):
        Autocompleter().fit([("a", 0, "x"), ([], 1, "y")])
    with pytest.raises(TypeError, match=r"users\[1\] is \{\}; a hashable value"):
        Autocompleter().fit_pairs(["a", "a"], ["b", "c"], users=["u", {}])


def test_bad_calls(completer):
    for wrong in (5, None):
        with pytest.raises(
            TypeError, match=f"prefixes must hold str, found {type(wrong).__name__} at position 1"
        ):
            completer.complete_batch(["n", wrong])
    with pytest.raises(
        TypeError, match=r"previous\[1\] must be a str, a sequence of str or a sparse row, found int"
    ):
        completer.complete_batch(["n", "n"], ["x", 5])
    with pytest.raises(TypeError, match="phrases must hold str, found int at position 1"):
        completer.block(["word", 3])
    with pytest.raises(TypeError, match="prefix must be a str, found int"):
        completer.complete(3)
    with pytest.raises(TypeError, match="previous must be a str or a sequence of str, found 3"):
        completer.complete("n", [3])
    with pytest.raises(ValueError, match="k must be at least 1"):
        completer.complete("n", k=0)
    with pytest.raises(ValueError, match="beam_size must be at least 1"):
        completer.complete("n", beam_size=0)
    for wrong in ("n", 5):
        with pytest.raises(TypeError, match="prefixes must be an iterable of str, found"):
            completer.complete_batch(wrong)
        with pytest.raises(TypeError, match="previous must be a sequence with one entry per prefix, found"):
            completer.complete_batch(["n"], wrong)
    for wrong in ("no", None, 1):
        with pytest.raises(TypeError, match=f"strict must be True or False, found {wrong!r}"):
            completer.complete("n", strict=wrong)
    with pytest.raises(ValueError, match="previous must have 1 entries"):
        completer.complete_batch(["n"], [])
    for wrong in ("word", 3, None):
        with pytest.raises(
            TypeError, match=r"phrases must be an iterable of str, found (one str|int|NoneType)"
        ):
            completer.block(wrong)


def test_an_enormous_k_or_beam_is_everything(completer):
    everything = queries(completer.complete("n", "london", k=7))
    for size in (2**31, 2**63, 10**30):
        for found in (
            completer.complete("n", "london", k=size, beam_size=size),
            completer.complete_batch(["n"], ["london"], k=size, beam_size=size)[0],
        ):
            assert queries(found) == everything
        assert len(completer.complete("n", k=size)) == 7
        assert len(completer.complete("nikno", "london", k=size, strict=False)) == 2
        assert len(completer.complete("nikno", k=size, strict=False)) == 2


any_text = st.text(st.characters(exclude_categories=()), max_size=12)
near_text = st.text("nikeow cam\x00\u0301\ud800", max_size=12)
KNOWN = Autocompleter(n_jobs=1).fit(log())


@given(
    prefix=any_text | near_text,
    previous=st.lists(any_text | st.sampled_from(list(NEXT)), max_size=3),
    k=st.integers(1, 20),
    strict=st.booleans(),
)
def test_whatever_is_typed(prefix, previous, k, strict):
    found = KNOWN.complete(prefix, previous, k=k, strict=strict)
    assert len(found) == len({query for query, _ in found}) <= k
    assert all(0 <= score <= 1 for _, score in found)
    if strict:
        assert all(normalize(query).startswith(normalize(prefix, prefix=True)) for query, _ in found)
        assert queries(KNOWN.complete_batch([prefix], [previous], k=k)[0]) == queries(found)
    else:
        exact = queries(KNOWN.complete(prefix, previous, k=k))
        assert queries(found)[: len(exact)] == exact


def test_blank_previous_queries_do_not_count(completer):
    assert completer.complete("n", ["london", "", "\x00 "]) == completer.complete("n", "london")
    assert read_context(["a", "", "b", " ", "c"], 2) == ("b", "c")


def test_queries_that_are_excluded():
    completer = Autocompleter(n_jobs=1).fit([("a", i, f"nikon {i % 7}") for i in range(40)])
    every = [query for query, _ in completer.complete("n")]
    exclude = ["NIKON  3", every[0], "unknown"]
    expected = [query for query in every if query not in (every[0], "nikon 3")]
    for k in (1, 3, 10):
        assert [query for query, _ in completer.complete("n", k=k, exclude=exclude)] == expected[:k]
        (batch,) = completer.complete_batch(["n"], k=k, exclude=set(exclude))
        assert [query for query, _ in batch] == expected[:k]
    history = [("nikon lens", 5), ("nikon 3", 6)]
    found = [query for query, _ in completer.complete("n", history=history, exclude=["Nikon Lens"], k=3)]
    assert found[0] == "nikon 3"
    assert "nikon lens" not in found
    near = completer.complete("nikno", exclude=every[:5], strict=False)
    assert {query for query, _ in near} == set(every[5:])
    with pytest.raises(TypeError, match="exclude"):
        completer.complete("n", exclude="nikon")
    with pytest.raises(TypeError, match="exclude"):
        completer.complete("n", exclude=[3])


def test_counts_in_place_of_a_log(tmp_path):
    counts = {"nikon": 5, "Nikon lens": 1, "nikon  lens": 7, "canon": 90, "rare": 1, "never": 0, " ": 4}
    completer = Autocompleter(min_count=2, n_jobs=1).fit_counts(counts)
    assert completer.complete("") == [("canon", 90 / 103), ("nikon lens", 8 / 103), ("nikon", 5 / 103)]
    assert [query for query, _ in completer.complete("ni", ["canon"], history=[("nikon", 3)])] == [
        "nikon",
        "nikon lens",
    ]
    completer.save(tmp_path / "model")
    assert arborank.load(tmp_path / "model").complete("n") == completer.complete("n")
    updated = completer.update_pairs(["canon"], ["nikon"])
    assert updated.catalogue_.counts.tolist() == [90, 6, 8]
    for wrong, error, message in (
        (["nikon"], TypeError, "counts must be a mapping"),
        ({"nikon": 1.5}, TypeError, "counts\\['nikon'\\]"),
        ({"nikon": -1}, ValueError, "counts\\['nikon'\\] must be at least 0"),
        ({3: 1}, TypeError, "counts must hold str, found int"),
        ({"nikon": 1}, ValueError, "no query"),
        ({}, ValueError, "no query"),
    ):
        with pytest.raises(error, match=message):
            Autocompleter(min_count=2).fit_counts(wrong)
    with pytest.raises(ValueError, match="min_users is 2, so users are needed"):
        Autocompleter(min_users=2).fit_counts({"nikon": 1})

"""A completer follows its log: queries come, are learned anew, and go."""

import pickle

import numpy as np
import pytest

import arborank
from arborank import Autocompleter, XRLinear
from support.sessions import sessions

NEXT = {
    "camera": ["nikon coolpix", "nikon lens", "canon"],
    "shoes": ["nike air", "nike running", "adidas"],
    "london": ["new york", "newcastle", "naples"],
}
INDICES = ("hybrid", "trie", "mustlink", "kmeans")


OLD = sessions(NEXT)
NEWER = sessions(
    {"camera": ["nikon zoom", "canon"], "london": ["nottingham"], "shoes": ["nike air"]}, name="n"
)


def queries(completions):
    return [query for query, _ in completions]


def prefixes(texts):
    return sorted({text[:n] for text in texts for n in (0, 1, 2, 3, 6)})


@pytest.fixture(scope="module", params=INDICES)
def index(request):
    return request.param


@pytest.fixture(scope="module", params=[2, 100])
def completer(request, index):
    model = XRLinear(max_leaf_size=request.param, branching=2, threshold=0.0)
    return Autocompleter(index=index, model=model, n_jobs=1).fit(OLD)


def test_new_queries_are_found_among_the_old_ones(completer):
    before = [completer.complete(prefix, topic) for topic in NEXT for prefix in prefixes(NEXT[topic])]
    updated = completer.update(NEWER)
    assert list(updated.catalogue_.keys) == sorted([*completer.catalogue_.keys, "nikon zoom", "nottingham"])
    assert queries(updated.complete("nikon", "camera"))[0] == "nikon zoom"
    assert queries(updated.complete("n", "london"))[:2] == ["nottingham", "new york"]
    assert queries(updated.complete("not")) == ["nottingham"]
    for prefix in ("", "n", "ni", "nikon z", "x"):
        single = updated.complete(prefix, "camera", k=30)
        assert all(query.startswith(prefix) for query, _ in single)
        assert queries(updated.complete_batch([prefix], ["camera"], k=30)[0]) == queries(single)
    assert updated.get_params() == completer.get_params()
    # the old one serves as ever
    assert [completer.complete(prefix, topic) for topic in NEXT for prefix in prefixes(NEXT[topic])] == before
    assert completer.complete("not") == []


def test_old_queries_keep_their_order_and_their_rankers(completer):
    updated = completer.update(NEWER)
    for topic, nexts in NEXT.items():
        if topic == "camera":  # another order there is what the newer log teaches
            continue
        for prefix in prefixes(nexts):
            kept = [
                query
                for query in queries(updated.complete(prefix, topic, k=50))
                if completer.catalogue_.find(query) is not None
            ]
            expected = queries(completer.complete(prefix, topic, k=len(nexts)))
            assert [query for query in kept if query in nexts] == [
                query for query in expected if query in nexts
            ]
    W, bias = (by_query(updated, part) for part in range(2))
    for query, own in by_query(completer, 0).items():
        np.testing.assert_array_equal(W[query], own)
        assert bias[query] == by_query(completer, 1)[query]


def by_query(completer, part):
    W, bias = completer.model_.layers_[-1].to_matrix()
    columns = W.toarray().T if part == 0 else bias
    return {
        completer.catalogue_.keys[i]: columns[slot] for slot, i in enumerate(completer.model_.tree_.labels)
    }


def test_counts_add_up_and_decide_without_a_context(completer):
    updated = completer.update([*sessions({"": ["naples"]}, n=200), ("z", 0, "adidas")])
    assert queries(updated.complete("n", k=1)) == ["naples"]
    counts = updated.catalogue_.counts
    assert counts[updated.catalogue_.find("naples")] == 12 + 200
    assert counts[updated.catalogue_.find("adidas")] == 12 + 1


def test_a_refreshed_query_is_learned_from_the_newer_log_alone(completer):
    moved = sessions({"london": ["nike air"], "shoes": ["nike running"]}, name="n")
    updated = completer.update(moved, refresh=["Nike Air"])
    assert queries(updated.complete("n", "london", k=1)) == ["nike air"]
    assert queries(updated.complete("nike", "shoes", k=1)) == ["nike running"]
    assert queries(completer.complete("nike", "shoes", k=1)) == ["nike air"]


def test_adding_refreshing_and_removing_at_once(completer):
    moved = [*NEWER, *sessions({"london": ["canon"]}, name="m")]
    blocked = clone_of(completer).block(["newcastle"])
    updated = blocked.update(moved, refresh=["canon"])
    assert queries(updated.complete("c", "london", k=1)) == ["canon"]
    assert queries(updated.complete("nikon", "camera", k=1)) == ["nikon zoom"]
    assert updated.complete("newc") == []
    assert updated.catalogue_.blocked.size == 0
    assert b"newcastle" not in bytes(updated.catalogue_.keys.text)


def clone_of(completer):
    return pickle.loads(pickle.dumps(completer))


def test_again_and_again(completer):
    grown = completer
    for number in range(4):
        grown = grown.update(sessions({"camera": [f"nikon mark {number}", "canon"]}, name=str(number)))
    assert {f"nikon mark {number}" for number in range(4)} < set(queries(grown.complete("nikon", "camera")))
    assert queries(grown.complete("adi", "shoes")) == ["adidas"]


def test_removed_queries_are_gone(completer, tmp_path):
    less = completer.remove(["New York", "nikon lens", "new york"])
    assert less.complete("new y") == []
    assert queries(less.complete("nikon", "camera")) == ["nikon coolpix"]
    assert queries(less.complete("n", "london", k=2)) == ["newcastle", "naples"]
    assert queries(less.complete_batch(["n"], ["london"], k=2)[0]) == ["newcastle", "naples"]
    assert less.model_.n_labels_ == len(less.catalogue_) == len(completer.catalogue_) - 2
    less.save(tmp_path / "model")
    for file in (tmp_path / "model").iterdir():
        assert b"new york" not in file.read_bytes()
    assert queries(completer.complete("new y")) == ["new york"]
    with pytest.warns(UserWarning, match="40 of 80 rows were learned before"):  # but for the removed query
        back = less.update(sessions({"london": ["new york"], "camera": ["canon"]}))
    assert queries(back.complete("new", "london", k=1)) == ["new york"]
    assert queries(completer.remove([]).complete("new y")) == ["new york"]


def test_blocking_leaves_the_completer_that_was_updated(completer):
    before = completer.complete("n", "london")
    assert "new york" not in queries(completer.remove([]).block(["new"]).complete("n", "london"))
    assert completer.complete("n", "london") == before


def test_removing_keeps_what_is_blocked(completer):
    blocked = clone_of(completer).block(["naples"])
    less = blocked.remove(["canon", "adidas"])
    assert less.complete("nap") == []
    assert queries(less.complete("nik", "shoes", k=1)) == ["nike air"]


def test_saved_loaded_and_updated(completer, tmp_path):
    completer.update(NEWER).save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    updated = completer.update(NEWER)
    for prefix in ("", "n", "nik", "x"):
        assert again.complete(prefix, "london") == updated.complete(prefix, "london")
    third = again.update(sessions({"shoes": ["nike boots", "adidas"]}, name="3"))
    assert queries(third.complete("nike b", "shoes")) == ["nike boots"]
    third.save(tmp_path / "model")
    assert queries(arborank.load(tmp_path / "model").complete("nike b", "shoes")) == ["nike boots"]


def test_same_for_any_number_of_threads():
    one, two = (Autocompleter(n_jobs=n).fit(OLD).update(NEWER) for n in (1, 2))
    assert one.complete("n", "london") == two.complete("n", "london")


def test_pairs():
    completer = Autocompleter().fit_pairs(["a", "b"] * 9, ["x one", "x two"] * 9)
    updated = completer.update_pairs(["a", "b", "b"] * 9, ["x one", "x three", "x two"] * 9)
    assert set(queries(updated.complete("x", "b", k=2))) == {"x three", "x two"}
    assert updated.catalogue_.counts.tolist() == [18, 9, 18]


# ------------------------------------------------------------------ privacy


def test_rare_new_queries_never_become_labels():
    completer = Autocompleter(min_count=3, min_users=2).fit(OLD)
    secret = [("u", time, query) for time, query in enumerate(["my secret", "camera"] * 5)]
    once = [("v", 0, "another secret"), ("w", 0, "another secret")]
    known = [("x", 0, "camera"), ("x", 1, "canon")]  # by a single user, as often as it may be
    updated = completer.update([*NEWER, *secret, *once, *known])
    assert updated.complete("my") == updated.complete("another") == []
    assert b"secret" not in pickle.dumps(updated)
    assert queries(updated.complete("not")) == ["nottingham"]
    assert updated.catalogue_.counts[updated.catalogue_.find("canon")] == 12 + 16 + 1
    with pytest.raises(ValueError, match="min_users is 2, so users are needed"):
        completer.update_pairs(["a"], ["b"])


def test_thresholds_count_in_the_newer_log_alone():
    completer = Autocompleter(min_count=5).fit([*OLD, *[(f"r{i}", 0, "rare thing") for i in range(4)]])
    four = [(f"s{i}", 0, "rare thing") for i in range(4)]
    assert completer.update([*NEWER, *four]).complete("rare") == []
    assert queries(completer.update([*NEWER, *four, ("s4", 0, "rare thing")]).complete("rare")) == [
        "rare thing"
    ]


@pytest.mark.filterwarnings("ignore:.*were learned before:UserWarning")
def test_what_was_blocked_never_comes_back(tmp_path):
    completer = Autocompleter(blocklist=["nike"]).fit(OLD).block(["Coolpix"])
    completer.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    newer = sessions({"camera": ["coolpix 2", "canon"], "shoes": ["nike boots", "adidas"]})
    updated = again.update(newer).update(newer)
    assert updated.complete("coolpix") == updated.complete("nikon c") == updated.complete("nike") == []
    assert list(updated.catalogue_.phrases) == ["coolpix"]
    assert b"nikon coolpix" not in pickle.dumps(updated)


def test_a_longer_blocklist_holds_from_the_next_update_on():
    completer = Autocompleter().fit(OLD).set_params(blocklist=["nike"])
    updated = completer.update([])
    assert queries(updated.complete("nik")) == ["nikon coolpix", "nikon lens"]
    assert queries(updated.complete("new", "london", k=1)) == ["new york"]


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda c: c.update(OLD, refresh=["unheard"]),
            ValueError,
            "refresh holds 'unheard', which this completer",
        ),
        (
            lambda c: c.update(NEWER, refresh=["naples"]),
            ValueError,
            "refresh holds 'naples', which is not in the log",
        ),
        (
            lambda c: c.update(NEWER, refresh="naples"),
            TypeError,
            "refresh must be an iterable of str, found one str",
        ),
        (
            lambda c: c.update(NEWER, refresh=[3]),
            TypeError,
            "refresh must hold str, found int at position 0",
        ),
        (lambda c: c.update([("a", 0, "quite new")]), ValueError, "the log holds no known query"),
        (lambda c: c.update([("a", 0)]), TypeError, "row 0 of the log is"),
        (lambda c: c.update_pairs(["a"], []), ValueError, "previous has 1 entries but queries has 0"),
        (
            lambda c: c.remove(["naples", "unheard"]),
            ValueError,
            "queries holds 'unheard', which this completer",
        ),
        (lambda c: c.remove("naples"), TypeError, "queries must be an iterable of str, found one str"),
        (lambda c: c.remove([None]), TypeError, "queries must hold str, found NoneType at position 0"),
        (lambda c: c.remove(list(c.catalogue_.keys)), ValueError, "all 12 queries would be removed"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(change, error, message):
    completer = Autocompleter().fit(OLD)
    before = completer.complete("n", "london")
    with pytest.raises(error, match=message):
        change(completer)
    assert completer.complete("n", "london") == before


def test_a_log_without_a_query_changes_nothing():
    completer = Autocompleter().fit(OLD)
    for nothing in ([], [("a", 0, " ")]):
        assert completer.update(nothing).complete("n", "london") == completer.complete("n", "london")


def test_a_stopped_update_leaves_the_completer(monkeypatch):
    completer = Autocompleter().fit(OLD)
    before = completer.complete("n", "london")
    for place in ("learn_labels", "renumber_labels"):
        with monkeypatch.context() as patch:
            patch.setattr(XRLinear, place, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                completer.update(NEWER)
        assert completer.complete("n", "london") == before

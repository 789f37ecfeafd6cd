"""Which queries a prefix is taken to begin: accents, letters and Hangul, against plain Python."""

import pickle
import unicodedata
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import arborank
from arborank import Autocompleter
from arborank.autocomplete import History, read_counts, read_weights
from arborank.autocomplete.catalogue import Catalogue
from arborank.autocomplete.matching import FOLDS, Matching
from arborank.autocomplete.normal import normalize
from arborank.core.state import State
from arborank.core.strings import StringTable

EVERY = Matching(FOLDS)


def begins(prefix, query, fold):
    form = Matching(fold).form
    return form(normalize(query)).startswith(form(normalize(prefix, prefix=True)))


@pytest.mark.parametrize(
    ("prefix", "query", "fold"),
    [
        ("cafe", "café", "accents"),
        ("cafe", "cafe\u0301s", "accents"),
        ("cafè", "Café", "accents"),  # accents that are typed need not be right
        ("lodz", "Łódź", "accents"),
        ("viet", "Việt Nam", "accents"),
        ("αθ", "Ἀθῆναι", "accents"),
        ("еж", "ёжик", "accents"),
        ("שלום", "שָׁלוֹם", "accents"),
        ("احمد", "أَحْمَد", "accents"),
        ("isparta", "Isparta", "letters"),
        ("ist", "İstanbul", "letters"),
        ("ısp", "isparta", "letters"),
        ("strass", "Straße", "letters"),
        ("straß", "STRASSE", "letters"),
        ("fin", "ﬁnder", "letters"),
        ("oeu", "œuvre", "letters"),
        ("abc", "ＡＢＣ", "letters"),
        ("ガソ", "ｶﾞｿﾘﾝ", "letters"),
        ("ㅎ", "한국", "hangul"),
        ("하", "한국", "hangul"),
        ("한ㄱ", "한국", "hangul"),
        ("각", "가구", "hangul"),  # its first keys are those of 각
        ("갑ㅅ", "값", "hangul"),
        ("오", "왜", "hangul"),
    ],
)
def test_what_does_not_count(prefix, query, fold):
    assert begins(prefix, query, (fold,))
    assert begins(prefix, query, FOLDS)
    assert not begins(prefix, query, ()) or prefix == "isparta"


@pytest.mark.parametrize(
    ("prefix", "query"),
    [
        ("か", "が"),
        ("हन", "हिन्दी"),
        ("ท", "อี"),
        ("한", "하루"),
        ("ㅏ", "한"),
        ("ka", "ca"),
        ("cafeé", "café"),
    ],
)
def test_what_does(prefix, query):
    assert not begins(prefix, query, FOLDS)


@given(st.text(st.characters(categories=["L"], max_codepoint=0x24F), max_size=12))
def test_a_form_is_its_own_form(text):
    form = EVERY.form(normalize(text))
    assert EVERY.form(form) == form


@given(st.text(st.sampled_from("aáäåcçøłiıß 한하국ㅎㅏㄱ값"), max_size=8), st.data())
def test_what_is_typed_so_far_begins_what_is_typed(text, data):
    whole = EVERY.form(normalize(text))
    n = data.draw(st.integers(0, len(text)))
    typed = EVERY.form(normalize(text[:n], prefix=True)).rstrip(" ")
    assert whole.startswith(typed)


def folded(text, fold):
    """Forms as the standard library has them, of letters without a stroke."""
    if "letters" in fold:
        text = unicodedata.normalize("NFKC", text).casefold().replace("ı", "i").replace("\u0307", "")
    if "accents" in fold:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        text = text.replace("ı", "i")
    return unicodedata.normalize("NFC", text)


some_texts = st.text(st.sampled_from("aáäcçéeisßıİ Ａﬁ漢"), max_size=5).map(normalize)
some_folds = st.sampled_from([fold for n in range(3) for fold in combinations(("accents", "letters"), n)])


@given(
    keys=st.sets(some_texts.filter(bool), min_size=1, max_size=25),
    more=st.sets(some_texts.filter(bool), min_size=1, max_size=9),
    prefix=some_texts,
    fold=some_folds,
)
def test_a_catalogue_finds_what_plain_python_finds(keys, more, prefix, fold):
    compare = Matching(fold)

    def catalogue_of(keys):
        table = StringTable(compare.sorted(keys))
        return Catalogue(table, table, np.ones(len(keys), np.int64), compare=compare)

    first, other = catalogue_of(keys), catalogue_of(more)
    merged = first.merged(other, ())[0]
    kept = np.arange(len(merged)) % 3 != 1
    for catalogue in (first, merged, merged.selected(kept), Catalogue.from_state(merged.to_state())):
        found = catalogue.keys[slice(*catalogue.matching(compare.form(prefix)))]
        wanted = [key for key in catalogue.keys if folded(key, fold).startswith(folded(prefix, fold))]
        assert found == wanted
        assert [catalogue.find(key) for key in catalogue.keys] == list(range(len(catalogue)))
        assert list(catalogue.forms) == [folded(key, fold) for key in catalogue.keys]
    assert set(merged.keys) == keys | more
    assert (merged.find(prefix) is not None) == (prefix in keys | more)


LOG = [
    (f"{user}", 100 * user + place, query)
    for user in range(30)
    for place, query in enumerate(
        ["kahve", *[["café", "Cafeteria", "kahve İstanbul"], ["한국", "하늘", "Straße"]][user % 2]]
    )
]


def texts(completions):
    return [text for text, _ in completions]


@pytest.fixture(scope="module")
def completer():
    return Autocompleter(fold=FOLDS, n_jobs=1).fit(LOG)


def test_answers_have_the_spelling_of_the_log(completer):
    assert set(texts(completer.complete("CAFE", "kahve"))) == {"café", "Cafeteria"}
    assert texts(completer.complete("kahve ist")) == ["kahve İstanbul"]
    assert texts(completer.complete("strass")) == ["Straße"]
    assert set(texts(completer.complete("ㅎ"))) == {"한국", "하늘"}
    assert texts(completer.complete("한ㄱ")) == ["한국"]
    assert texts(completer.complete("cafétaria", strict=False)) == ["Cafeteria"]
    assert Autocompleter().fit(LOG).complete("cafe", "x") != completer.complete("cafe", "x")


def test_different_spellings_stay_different_queries():
    completer = Autocompleter(fold=["accents"]).fit_counts({"cafe": 1, "café": 3, "cafés": 2})
    assert completer.complete("cafe") == [("café", 0.5), ("cafés", 1 / 3), ("cafe", 1 / 6)]
    assert texts(completer.complete("cafe", exclude=["cafe"])) == ["café", "cafés"]
    assert texts(completer.remove(["café"]).complete("café")) == ["cafés", "cafe"]
    assert texts(completer.complete("cafe", k=1)) == ["café"]


def test_a_history_is_matched_in_the_same_way(completer):
    history = History([("Çafés nearby", 0), ("하나", 5), ("other", 9)])
    assert texts(completer.complete("cafe", history=history))[0] == "Çafés nearby"
    assert texts(completer.complete("ha", history=history)) == []
    assert texts(completer.complete("하ㄴ", history=history))[0] == "하나"
    history.add("Cafés elsewhere", 10)
    assert texts(completer.complete("cafe", history=history))[:2] == ["Cafés elsewhere", "Çafés nearby"]
    history.forget("cafés elsewhere")
    assert texts(completer.complete("cafe", history=history))[0] == "Çafés nearby"
    plain = Autocompleter().fit(LOG)  # the same history with a completer that folds nothing
    assert texts(plain.complete("cafe", history=history)) == ["Cafeteria"]
    assert completer.explain("cafe", history=history)[0].query == "Çafés nearby"


def test_the_latest_of_a_long_history_are_matched(completer):
    history = History([(f"café {i:02}", i) for i in range(60)])
    found = texts(completer.complete("cafe", history=history, k=40))
    assert found[:32] == [f"café {i:02}" for i in range(59, 27, -1)]


@given(queries=st.lists(some_texts.filter(bool), max_size=20), prefix=some_texts, most=st.integers(1, 5))
def test_own_queries_that_match(queries, prefix, most):
    compare = Matching(("accents", "letters"))
    history = History(zip(queries, range(len(queries)), strict=True))
    latest = list(dict.fromkeys(reversed(queries)))
    wanted = [key for key in latest if folded(key, FOLDS[:2]).startswith(folded(prefix, FOLDS[:2]))]
    assert set(history.matching(compare.form(prefix), most, compare)) == set(wanted[:most])


def test_saved_copied_updated_and_in_batches(completer, tmp_path):
    prefixes = ["cafe", "ㅎ", "ist", "kahve i", "", "stras"]
    wanted = [completer.complete(prefix, "kahve") for prefix in prefixes]
    completer.save(tmp_path / "m")
    for same in (arborank.load(tmp_path / "m"), pickle.loads(pickle.dumps(completer))):
        assert [same.complete(prefix, "kahve") for prefix in prefixes] == wanted
    assert "accents" in (tmp_path / "m" / "README.md").read_text()
    for n_jobs in (1, 3):
        other = Autocompleter(fold=reversed_folds(), n_jobs=n_jobs).fit(LOG)
        batch = other.complete_batch(prefixes, ["kahve"] * len(prefixes))
        for found, one in zip(batch, wanted, strict=True):
            assert texts(found) == texts(one)
            np.testing.assert_allclose([s for _, s in found], [s for _, s in one], rtol=1e-6)
    newer = [("z", 9e6 + i, query) for i, query in enumerate(["kahve", "Cafés", "café", "kahve"] * 3)]
    updated = completer.set_params(fold=()).update(newer)
    completer.set_params(fold=FOLDS)
    assert "Cafés" in texts(updated.complete("cafe"))
    assert updated.catalogue_.compare == EVERY


def reversed_folds():
    return list(reversed(FOLDS))


@pytest.mark.parametrize(
    ("fold", "error"),
    [("accents", TypeError), (["accent"], ValueError), (3, TypeError), ({"accents": 1}, TypeError)],
)
def test_a_wrong_fold_is_refused(fold, error):
    with pytest.raises(error, match=r"fold.*'accents'"):
        Autocompleter(fold=fold).fit(LOG)


def test_a_damaged_model_is_refused(completer):
    state = completer.catalogue_.to_state()
    for config in ({"fold": ["nothing"]}, {"fold": 3}):
        with pytest.raises((TypeError, ValueError), match="fold"):
            Catalogue.from_state(State(state.config | config, state.arrays, state.parts))
    short = state.parts | {"forms": StringTable(["a"])}
    with pytest.raises(ValueError, match="forms do not fit"):
        Catalogue.from_state(State(state.config, state.arrays, short))


# ---------------------------------------------------------------- any word

some_phrases = st.lists(st.text(st.sampled_from("abá 漢-"), min_size=1, max_size=8), min_size=1, max_size=20)


def word_begins(text, place):
    """Whether a word, or in Chinese a letter, begins at a place of a text."""
    if place == 0:
        return True
    if not text[place].isalnum():
        return False
    return not text[place - 1].isalnum() or "漢" in text[place - 1 : place + 1]


@given(queries=some_phrases, prefix=st.text(st.sampled_from("abá 漢"), max_size=4))
def test_any_word_may_begin_so(queries, prefix):
    compare = Matching(("accents",), infix=True)
    keys = {key for query in queries if (key := normalize(query))}
    assume(keys)
    table = StringTable(compare.sorted(keys))
    catalogue = Catalogue(table, table, np.ones(len(keys), np.int64), compare=compare)
    prefix = compare.form(normalize(prefix, prefix=True))
    wanted = [
        key
        for key, form in zip(catalogue.keys, catalogue.forms, strict=True)
        if any(word_begins(form, i) and form.startswith(prefix, i) for i in range(len(form)))
    ]
    for same in (
        catalogue,
        pickle.loads(pickle.dumps(catalogue)),
        Catalogue.from_state(catalogue.to_state()),
    ):
        matches = same.matches(prefix)
        ids = list(range(*matches.run)) if matches.ids is None else matches.ids.tolist()
        assert same.keys.take(ids) == wanted
    history = History((query, 1) for query in queries)
    assert set(history.matching(prefix, 99, compare)) == set(wanted)


def of_words(n=400, seed=0, **options):
    """A completer of a log in which every query has three words, and plain counts of the same."""
    random = np.random.default_rng(seed)
    words = ["red", "green", "rose", "garden", "grand", "real", "ring", "gate"]
    rows = []
    for user in range(n):
        query = ""
        for place in range(5):
            a, b, c = (words[i] for i in np.minimum(random.zipf(1.5, 3) - 1, 7))
            query = f"{a} {b} {c}" if random.random() < 0.6 or not query else f"{query.split()[2]} {a} {b}"
            rows.append((f"s{user}", 10_000 * user + place, query, f"u{user % 20}"))
    return Autocompleter(n_jobs=1, **options).fit(rows), rows


@pytest.mark.parametrize("n", [25, 400])  # by the formula, and by learned weights
def test_any_word_in_one_ranking(n):
    completer, rows = of_words(n, infix=True)
    assert (completer.fitted_.blend is not None) == (n == 400)
    queries = {query for *_, query, _ in rows}
    history = [("gate of roses", 5), ("other", 9)]
    for prefix in ("r", "g", "gar", "rose g", "ring", "x", ""):
        wanted = {query for query in queries if f" {query}".find(f" {prefix}") >= 0}
        for given_ in ({}, {"previous": rows[3][2]}, {"history": history}):
            found = texts(completer.complete(prefix, k=1000, **given_))
            assert set(found) <= wanted | {"gate of roses"} | ({"other"} if not prefix else set())
            assert ("gate of roses" in found) == ("history" in given_ and prefix in ("", "r", "g"))
            explained = [one.query for one in completer.explain(prefix, k=5, **given_)]
            assert set(explained) <= wanted | {"gate of roses", "other"}
    prefixes = ["r", "gar", "", "x", "rose g"]
    batch = completer.complete_batch(prefixes, [rows[3][2]] * 5)
    assert batch == [completer.complete(prefix, rows[3][2]) for prefix in prefixes]
    threads = completer.set_params(n_jobs=3).complete_batch(prefixes, [rows[3][2]] * 5)
    assert threads == batch


def test_without_a_context_frequency_decides_whatever_word_it_is():
    counts = {
        "new york hotel": 5,
        "york castle": 4,
        "hotel york": 3,
        "yorkshire": 2,
        "newark": 9,
        "york york": 1,
    }
    completer = Autocompleter(infix=True).fit_counts(counts)
    found = completer.complete("york")
    assert found == [(query, n / 15) for query, n in counts.items() if query != "newark"]
    assert texts(completer.complete("hotel")) == ["new york hotel", "hotel york"]
    assert texts(completer.complete("york h")) == ["new york hotel"]
    assert texts(completer.complete("ork")) == []
    assert texts(completer.complete("casle", strict=False)) == ["york castle"]
    assert texts(completer.complete("york", exclude=["York  castle"], k=2)) == [
        "new york hotel",
        "hotel york",
    ]
    completer.block(["castle"])
    assert texts(completer.complete("york", k=2)) == ["new york hotel", "hotel york"]
    assert texts(completer.remove(["new york hotel"]).complete("york", k=2)) == ["hotel york", "yorkshire"]


def test_an_update_finds_any_word():
    completer, rows = of_words(60, infix=True, fold=["accents"])
    newer = [("z", 9e9 + i, query) for i, query in enumerate(["red rose", "blue Gárten", rows[0][2]] * 3)]
    assert "blue Gárten" in texts(completer.update(newer).complete("gart"))


def test_very_many_matches_are_remembered():
    completer = Autocompleter(infix=True).fit_counts({f"a b{i}": i + 1 for i in range(1500)})
    first = completer.complete("b", k=3)
    assert texts(first) == ["a b1499", "a b1498", "a b1497"]
    assert completer.complete("b", k=3) == first


# ---------------------------------------------------------------- limits of a call


@pytest.mark.parametrize("infix", [False, True])
@pytest.mark.parametrize("n", [25, 400])
def test_candidates_and_weights(n, infix):
    completer, rows = of_words(n, infix=infix)
    previous = rows[7][2]
    whole = dict(completer.complete("g", previous, k=5000))
    some = [query for i, query in enumerate(sorted(whole)) if i % 3 == 0]
    found = texts(completer.complete("g", previous, k=5000, candidates=[*map(str.upper, some), "unknown"]))
    assert set(found) <= set(some)
    assert texts(completer.complete("g", previous, candidates=["x"])) == []
    few = some[:3]
    assert set(texts(completer.complete("g", previous, candidates=few))) == set(few)
    own = [("garden of mine", 3), ("gate of mine", 5)]
    found = texts(completer.complete("g", previous, candidates=[*few, "gate of mine"], history=own))
    assert set(found) == {*few, "gate of mine"}
    last = list(whole)[-1]
    found = completer.complete("g", previous, k=3, weights={last: 1e18, "unknown": 3})
    assert found[0][0] == last
    first = next(iter(whole))
    assert first not in texts(completer.complete("g", previous, weights={first.title(): 0}))
    assert len(completer.complete("g", previous, k=3, weights={first: 0.0})) == 3
    explained = completer.explain("g", previous, k=3, candidates=few, exclude=few[:1])
    assert {one.query for one in explained} == set(few[1:])
    limits = {"candidates": few, "exclude": few[:1], "weights": {few[2]: 1e9}}
    one = completer.complete("g", previous, **limits)
    assert texts(one) == [few[2], few[1]]
    assert completer.complete_batch(["g", "g"], [previous] * 2, **limits) == [one, one]
    prepared = completer.prepare_filter(**limits)
    assert completer.complete("g", previous, query_filter=prepared) == one
    assert completer.complete_batch(["g"], [previous], query_filter=prepared) == [one]
    assert [why.query for why in completer.explain("g", previous, query_filter=prepared)] == texts(one)
    with pytest.raises(ValueError, match="query_filter stands in place of"):
        completer.complete("g", query_filter=prepared, exclude=few)
    with pytest.raises(TypeError, match="query_filter must be what prepare_filter returned, found list"):
        completer.complete("g", query_filter=few)
    other = completer.remove(few[:1])
    with pytest.raises(ValueError, match="query_filter is of other queries"):
        other.complete("g", query_filter=prepared)


def test_candidates_hold_for_typos():
    completer = Autocompleter(typos=2).fit_counts({"digital camera": 5, "digital canvas": 4, "dinner": 9})
    assert texts(completer.complete("digtal cma", strict=False)) == ["digital camera", "digital canvas"]
    assert texts(completer.complete("digtal cma", strict=False, candidates=["digital canvas"])) == [
        "digital canvas"
    ]
    assert texts(completer.complete("digtal cma", strict=False, weights={"digital canvas": 9})) == [
        "digital canvas",
        "digital camera",
    ]
    assert texts(completer.complete("zz", strict=False, candidates=["dinner"])) == ["dinner"]
    completer.set_params(typos=1)
    assert texts(completer.complete("digtal cma", strict=False)) == ["digital camera", "digital canvas"]
    assert texts(completer.complete("digtla c", strict=False, k=1)) != texts(completer.complete("digtla c"))


@pytest.mark.parametrize(
    ("limits", "error", "message"),
    [
        ({"candidates": "abc"}, TypeError, "candidates"),
        ({"candidates": [3]}, TypeError, "candidates"),
        ({"exclude": 3}, TypeError, "exclude"),
        ({"weights": ["a"]}, TypeError, "weights must be a mapping"),
        ({"weights": {"a": "b"}}, TypeError, r"weights\['a'\]"),
        ({"weights": {"a": -1}}, ValueError, r"weights\['a'\]"),
        ({"weights": {3: 1}}, TypeError, "weights"),
    ],
)
def test_wrong_limits_are_refused(completer, limits, error, message):
    for call in (completer.complete, completer.explain):
        with pytest.raises(error, match=message):
            call("a", **limits)
    with pytest.raises(error, match=message):
        completer.complete_batch(["a"], **limits)


@pytest.mark.parametrize(
    ("options", "error"), [({"infix": 1}, TypeError), ({"typos": 0}, ValueError), ({"typos": 3}, ValueError)]
)
def test_wrong_options_are_refused(options, error):
    with pytest.raises(error, match=next(iter(options))):
        Autocompleter(**options).fit(LOG)


def test_damaged_words_are_refused():
    state = Autocompleter(infix=True).fit(LOG).catalogue_.to_state()
    for change in ({"word_labels": np.array([99], np.int32)}, {"word_begins": np.array([0], np.int32)}):
        with pytest.raises(ValueError, match="word_labels"):
            Catalogue.from_state(State(state.config, state.arrays | change, state.parts))
    with pytest.raises(TypeError, match="infix"):
        Catalogue.from_state(State(state.config | {"infix": 3}, state.arrays, state.parts))


# ---------------------------------------------------------------- files of counts and weights


def test_counts_and_weights_from_files(tmp_path):
    path = tmp_path / "counts.tsv"
    path.write_text("query\tcount\nnikon\t3\nwith\ttab\t2\nnikon\t4\n", encoding="utf-8")
    assert read_counts(path) == {"nikon": 7, "with\ttab": 2}
    lines = tmp_path / "weights.jsonl"
    lines.write_text('{"query": "a", "weight": 0.5}\n{"query": "b", "weight": 2}\n')
    assert read_weights(lines) == {"a": 0.5, "b": 2.0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.tsv", "a\t1\nb"),
        ("c.tsv", "a\t1\nb\t-1"),
        ("c.tsv", "a\t1\nb\t1.5"),
        ("c.jsonl", '{"query": "a", "count": 1}\n{"query": 3, "count": 1}'),
        ("c.jsonl", '{"query": "a", "count": 1}\n[]'),
    ],
)
def test_a_wrong_line_of_counts(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=rf"{name}:2: .*count"):
        read_counts(tmp_path / name)


def test_a_weight_given_twice(tmp_path):
    (tmp_path / "w.tsv").write_text("a\t1\na\t2\n")
    with pytest.raises(ValueError, match=r"w\.tsv:2: .*'a' has a weight already"):
        read_weights(tmp_path / "w.tsv")

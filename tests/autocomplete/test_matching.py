"""Which queries a prefix is taken to begin: accents, letters and Hangul, against plain Python."""

import pickle
import unicodedata
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import arborank
from arborank import Autocompleter
from arborank.autocomplete import History
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

"""Stop words are read as texts are; one that no text can hold is refused by name."""

import json

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from arborank import NgramTfidf, TextRanker
from arborank.core.state import State

TEXT = "The cat and THE Été don't sit in New York; Cafe\u0301 a co\u00adop हिन्दी"


def terms(stop_words, **params):
    return set(NgramTfidf(stop_words=stop_words, **params).fit([TEXT]).get_feature_names_out())


@pytest.mark.parametrize(
    ("word", "term", "params"),
    [
        ("The", "the", {}),
        ("CAT", "cat", {}),
        (" cat ", "cat", {}),
        ("cat.", "cat", {}),
        ("e\u0301te\u0301", "été", {}),
        ("CAFÉ", "café", {}),
        ("coop", "coop", {}),
        ("co\u00adop", "coop", {}),
        ("Été", "ete", {"strip_accents": "unicode"}),
        ("café", "cafe", {"strip_accents": "ascii"}),
        ("हिन्दी", "हिन्दी", {}),
        ("don't", "don't", {"tokens": "whitespace"}),
        ("A", "a", {"tokens": "word1"}),
    ],
)
def test_a_stop_word_is_read_as_texts_are(word, term, params):
    assert term in terms(None, **params)
    assert terms([word], **params) == terms(None, **params) - {term}


def test_without_lower_casing_case_matters():
    assert "the" not in terms(["the"], lowercase=False)
    assert "The" in terms(["the"], lowercase=False)


@pytest.mark.parametrize(
    ("words", "params", "message"),
    [
        (["the", "don't"], {}, r"\"don't\" \(read as 'don'\)"),
        (["don't"], {"tokens": "word1"}, r"read as 'don', 't'"),
        (["don’t"], {"tokens": "scikit-learn"}, r"read as 'don'"),
        (["New York"], {}, r"'New York' \(read as 'new', 'york'\)"),
        (["मराठी"], {"tokens": "scikit-learn"}, r"read as 'मर'"),
        (["new york"], {"tokens": "whitespace"}, r"read as 'new', 'york'"),
        ([f"{word}-{word}" for word in ("aa", "bb", "cc", "dd", "ee", "ff", "gg")], {}, r"and 2 more"),
    ],
)
def test_what_is_never_a_word_is_refused_by_name(words, params, message):
    with pytest.raises(ValueError, match=message):
        terms(words, **params)


def test_pieces_that_are_stop_words_too():
    """As in the lists of NLTK, which hold both."""
    assert "don" not in terms(["don't", "don", "t"])
    assert not {"new", "york"} & terms(["new york", "new", "york"])


def test_what_is_never_a_term_anyhow():
    assert terms(["a", "I", "..."]) == terms(None)


@pytest.mark.parametrize("tokens", ["word2", "word1", "whitespace", "scikit-learn"])
@pytest.mark.parametrize("strip_accents", [None, "unicode", "ascii"])
def test_the_english_list_has_none_of_these(tokens, strip_accents):
    found = terms("english", tokens=tokens, strip_accents=strip_accents)
    assert not found & set(ENGLISH_STOP_WORDS)


def test_an_iterator_is_refused():
    """It would be empty when the words are needed again, for texts to come."""
    with pytest.raises(TypeError, match="list of words"):
        terms(word for word in ("cat", "the"))


def test_they_are_saved_as_given():
    features = NgramTfidf(stop_words=["The", "℡", "İ"], tokens="word1").fit([TEXT])
    state = features.to_state()
    assert state.config["stop_words"] == sorted(["The", "℡", "İ"])
    again = NgramTfidf.from_state(State(json.loads(json.dumps(state.config)), state.arrays))
    assert again.analyze(TEXT + " ℡ İ") == features.analyze(TEXT + " ℡ İ")
    assert "the" not in again.analyze(TEXT)


def test_one_text_is_told_what_to_do():
    for texts in (["one text"], ["one text"] * 3):
        with pytest.raises(
            ValueError, match=rf"min_df 4 .* at least 4 texts, but texts has only {len(texts)};"
        ):
            NgramTfidf(min_df=4).fit(texts)
    with pytest.raises(ValueError, match=r"min_df 2 .* texts has only 1; give more texts, or lower it"):
        TextRanker().fit(["one text"], ["label"])
    assert TextRanker(NgramTfidf()).fit(["one text"], ["label"]).rank("text")[0][0] == "label"

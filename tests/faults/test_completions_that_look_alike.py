"""Queries that look the same are one completion, found by any spelling of their prefix, shown as most often sent."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arborank
from arborank import Autocompleter
from arborank.autocomplete.normal import normalize, spelling

ALIKE = [
    ("soft hyphen", "camera", "cam\u00adera"),
    ("byte-order mark", "camera", "\ufeffcamera"),
    ("zero-width space", "camera", "came\u200bra"),
    ("word joiner", "camera", "came\u2060ra"),
    (
        "non-joiner",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645",
    ),
    ("joiner", "\u0d7b", "\u0d7b\u200d"),
    ("direction", "\u05e9\u05dc\u05d5\u05dd", "\u202b\u05e9\u05dc\u05d5\u05dd\u202c"),
    ("left-to-right mark", "camera", "camera\u200e"),
    ("grapheme joiner", "camera", "ca\u034fmera"),
    ("variation selector", "\u2764 love", "\u2764\ufe0f love"),
    ("curly apostrophe", "rock'n roll", "rock\u2019n roll"),
    ("opening quotation mark", "rock'n roll", "rock\u2018n roll"),
    ("accent as apostrophe", "rock'n roll", "rock\u00b4n roll"),
    ("backtick", "rock'n roll", "rock`n roll"),
    ("modifier letter", "m'yata", "m\u02bcyata"),
    ("full-width apostrophe", "rock'n roll", "rock\uff07n roll"),
    ("curly quotes", '"die welt" lesen', "\u201edie welt\u201c lesen"),
    ("dash", "1939-1945", "1939\u20131945"),
    ("hyphen that does not break", "e-mail", "e\u2011mail"),
    ("minus", "-40", "\u221240"),
    ("composed", "caf\u00e9 cr\u00e8me", unicodedata.normalize("NFD", "caf\u00e9 cr\u00e8me")),
    ("Hangul", "\ud55c\uad6d", unicodedata.normalize("NFD", "\ud55c\uad6d")),
    ("order of marks", "a\u0323\u0302", "a\u0302\u0323"),
    ("no-break space", "new york", "new\u00a0york"),
    ("thin spaces", "new york", "new\u2009 \u200byork"),
    ("case", "Camera", "cAMERA"),
]


@pytest.mark.parametrize(("often", "seldom"), [pair[1:] for pair in ALIKE], ids=[name for name, *_ in ALIKE])
@pytest.mark.parametrize("turned", [False, True])
def test_look_alikes_are_one(often, seldom, turned, tmp_path):
    if turned:
        often, seldom = seldom, often
    queries = [often] * 3 + [seldom] * 2 + ["other"]
    completer = Autocompleter().fit_pairs(["before"] * 6, queries)
    completer.save(tmp_path / "model")
    for model in (completer, arborank.load(tmp_path / "model")):
        assert sorted(model.catalogue_.counts.tolist()) == [1, 5]
        for typed in (often, seldom):
            for end in range(1, len(typed) + 1):
                found = model.complete(typed[:end], "before")
                shown = [text for text, _ in found if text != "other"]
                if normalize(often).startswith(normalize(typed[:end], prefix=True)):
                    assert shown == [spelling(often)], ascii(typed[:end])
            assert model.complete_batch([typed], [["before"]])[0][0][0] == spelling(often)
        assert model.catalogue_.find(seldom) is not None
    # as previous queries, and in updates, removals and blocklists
    learned = Autocompleter().fit_pairs([often, often, "x", "x"], ["after", "after", "away", "away"])
    assert learned.complete("a", seldom, k=1)[0][0] == "after"
    assert completer.update_pairs(["x"] * 2, [seldom, "other"]).catalogue_.counts.sum() == 8
    assert len(completer.remove([seldom]).catalogue_) == 1
    blocked = Autocompleter(blocklist=[seldom]).fit_pairs(["before"] * 6, queries)
    assert [text for text, _ in blocked.complete("")] == ["other"]


def test_what_is_shown_has_nothing_hidden_but_what_words_need():
    persian, astronaut, heart = (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f680",
        "\u2764\ufe0f",
    )
    shown = {
        "\ufeffcam\u00adera ": "camera",
        "\u202ecamera\u202c": "camera",
        persian: persian,
        astronaut: astronaut,
        heart: heart,
        "don\u2019t": "don\u2019t",
        "a\x1b[31mb": "a [31mb",
        "new \u00a0 york": "new york",
        "x\ud800": "x\ufffd",
        "\u0600\u0661": "\u0600\u0661",  # a sign that is seen
    }
    for sent, expected in shown.items():
        assert spelling(sent) == expected
        assert [text for text, _ in Autocompleter().fit_pairs([()], [sent]).complete("")] == [expected]


def test_the_most_frequent_spelling_is_counted_as_it_is_shown():
    completer = Autocompleter().fit_pairs(
        [()] * 5, ["Don't", "Don't", "don\u2019t", "don\u2019\u00adt", "\ufeffdon\u2019t"]
    )
    assert completer.complete("") == [("don\u2019t", 1.0)]


def test_different_queries_stay_different():
    different = [
        "\u062f\u0627\u0644",
        "cafe",
        "caf\u00e9",
        "o",
        "\u00f6",
        "its",
        "it's",
        "1939 1945",
        "19391945",
        "e-mail",
        "email",
    ]
    assert len(Autocompleter().fit_pairs([()] * len(different), different).catalogue_) == len(different)


def test_nothing_visible_is_no_query():
    completer = Autocompleter().fit_pairs([()] * 4, ["\u200b", "\u00ad\ufeff", "\u2060 ", "x"])
    assert completer.complete("\u200b") == [("x", 1.0)]


@given(
    st.text(
        alphabet=st.one_of(
            st.characters(),
            st.sampled_from("e\u0301\u00e9'\u2019\u2013-\u200d\u200b\u00ad\u034f \u03a3\u03c2\u0130"),
        )
    )
)
def test_the_form_is_stable(text):
    key = normalize(text)
    assert normalize(key) == key
    assert normalize(spelling(text)) == key
    assert (
        normalize(unicodedata.normalize("NFD", text)) == normalize(unicodedata.normalize("NFC", text)) == key
    )
    assert spelling(spelling(text)) == spelling(text)
    assert normalize(text, prefix=True).rstrip(" ") == key

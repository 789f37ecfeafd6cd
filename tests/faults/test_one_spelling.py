"""What Unicode can write in several ways is one text, and one label name."""

import json
import subprocess
import sys
import time
import unicodedata

import numpy as np
import pytest

from arborank import NgramTfidf, PrefixTfidf, TextFeatures, TextRanker, XRLinear, load
from arborank.analysis.explain import explain

NAMES = ["Äiti", "Ångström", "Việt Nam", "が行", "각", "क़लम", "ñandú", "ベトナム"]
FORMS = ["NFC", "NFD"]


def spelt(form, names=NAMES):
    return [unicodedata.normalize(form, name) for name in names]


def texts_of(form):
    return [f"{name} {name} text" for name in spelt(form)]


FEATURES = {
    "words": NgramTfidf(tokens="word1"),
    "chars": NgramTfidf(analyzer="char", ngram_range=(1, 3)),
    "within words": NgramTfidf(analyzer="char_wb", ngram_range=(2, 3)),
    "prefixes": PrefixTfidf(),
    "union": TextFeatures(parts=[NgramTfidf(tokens="word1"), PrefixTfidf(unit="grapheme")]),
}


@pytest.mark.parametrize("kind", list(FEATURES))
@pytest.mark.parametrize("fitted", FORMS)
def test_rows_of_texts_in_either_form(kind, fitted):
    features = FEATURES[kind].fit(texts_of(fitted))
    rows = [features.transform(texts_of(form)).toarray() for form in FORMS]
    assert rows[0].any(axis=1).all()
    np.testing.assert_array_equal(rows[0], rows[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cooperate", "co\u00adoper\u00adate"),
        ("name", "\ufeffname"),
        ("name", "na\u2060me"),
        ("שלום", "\u200fשלום\u200e"),
        ("葛", "葛\U000e0100"),
        ("ភាសា ខ្មែរ", "ភាសា\u200bខ្មែរ"),
        ("Ωμέγα", "\u2126με\u0301γα"),
        ("ΟΔΟΣ", "ΟΔΟΣ\u00ad"),
        ("Ω\u0323\u0301", "Ω\u0301\u0323"),
    ],
)
def test_texts_that_look_alike_are_alike(one, other):
    for features in (NgramTfidf(tokens="word1"), NgramTfidf(analyzer="char"), PrefixTfidf()):
        assert features.analyze(one) == features.analyze(other)
    as_it_is = NgramTfidf(analyzer="char", normalization=None)
    assert as_it_is.analyze(one) != as_it_is.analyze(other)


def test_lower_casing_is_pythons():
    """The German ß, the Turkish İ, the Greek final sigma, and letters of titles."""
    for text in ("STRASSE Straße ẞ", "İI ıi", "ΣΊΣΥΦΟΣ ΟΔΟΣ.", "ǅ Ǆ", "ＦＵＬＬ", "I\u0307stanbul İstanbul"):
        expected = unicodedata.normalize("NFC", text.lower())
        assert "".join(NgramTfidf(analyzer="char").analyze(text)) == expected


def test_the_option_is_saved():
    texts = ["cafe\u0301", "café"]
    features = NgramTfidf(normalization=None).fit(texts)
    again = NgramTfidf.from_state(features.to_state())
    for one in (features, again):
        assert one.transform(texts).toarray().tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="normalization must be one of 'NFC', None, found 'NFKC'"):
        NgramTfidf(normalization="NFKC").fit(texts)
    with pytest.raises(ValueError, match="normalization must be one of 'NFC', None, found 'nfc'"):
        TextRanker(normalization="nfc").fit(texts, texts)


def ranker(form, **params):
    names = spelt(form)
    model = XRLinear(threshold=0, representation=params.pop("representation", "pifa"))
    about = params.pop("label_texts", None)
    return TextRanker(FEATURES["words"], model, **params).fit(
        texts_of("NFC") * 2, names * 2, label_texts=about
    )


@pytest.mark.parametrize("form", FORMS)
def test_names_are_composed(form):
    found = ranker(form)
    assert sorted(found.labels_) == sorted(spelt("NFC"))
    assert [found.rank(text, k=1)[0][0] for text in texts_of("NFD")] == spelt("NFC")


def test_two_spellings_are_one_label():
    found = TextRanker(FEATURES["words"]).fit(
        texts_of("NFC") * 2,
        [*([a, b] for a, b in zip(spelt("NFC"), spelt("NFD"), strict=True)), *spelt("NFD")],
    )
    assert len(found.labels_) == len(NAMES)
    assert found.model_.label_counts_.tolist() == [2] * len(NAMES)


@pytest.mark.parametrize("asked", FORMS)
def test_whatever_is_asked_by_name(asked):
    found, names, text = ranker("NFD"), spelt(asked), texts_of("NFC")[0]
    first = spelt("NFC")[0]
    assert found.rank(text, candidates=names[:1])[0][0] == first
    assert found.rank(text, candidates=[names[:2]])[0][0] == first
    assert first not in dict(found.rank(text, exclude=names[:1]))
    assert first not in dict(found.rank(text, label_weights={names[0]: 0}))
    assert first not in dict(found.rank(text, label_filter=found.prepare_filter(exclude=names[:1])))
    assert found.encode_labels([[name] for name in names]).nnz == len(names)
    assert found.encode_labels([[name] for name in names], unknown="extend").shape == (8, 8)
    assert explain(found, text, names[0]) is not None
    with pytest.raises(ValueError, match="not a label of this model"):
        found.rank(text, exclude=["A\u0308iti\u0301"])


@pytest.mark.parametrize("asked", FORMS)
def test_the_catalogue_changes_by_name(asked):
    found, names = ranker("NFC"), spelt(asked)
    left = found.remove_labels(names[:2])
    assert sorted(left.labels_) == sorted(spelt("NFC")[2:])
    assert left.remove_labels(names[:2], missing="ignore").labels_ == left.labels_
    back = left.add_labels(names[:1], texts_of(asked), [*names[:1], *[[]], *names[2:]])
    assert back.rank(texts_of("NFC")[0], k=1)[0][0] == spelt("NFC")[0]
    fresh = back.refresh_labels(names[:1], texts_of(asked), [*names[:1], *[[]], *names[2:]])
    assert fresh.labels_ == back.labels_
    for refused in (names[:1], spelt("NFC")[:1]):
        with pytest.raises(ValueError, match="which is a label of this model"):
            back.add_labels(refused, texts_of(asked), names)
    with pytest.raises(ValueError, match="'Äiti' twice"):
        found.remove_labels(["Äiti", "A\u0308iti"])


@pytest.mark.parametrize("asked", FORMS)
def test_texts_about_labels_by_name(asked):
    about = dict(zip(spelt(asked), texts_of("NFC"), strict=True))
    plain, described = ranker("NFC"), ranker("NFC", representation="pifa-concat", label_texts=about)
    expected = ranker(
        "NFC", representation="pifa-concat", label_texts=dict(zip(spelt("NFC"), texts_of("NFC"), strict=True))
    )
    text = texts_of("NFC")[1]
    assert described.rank(text) == expected.rank(text)
    assert plain.labels_ == described.labels_
    new = TextRanker(FEATURES["words"]).fit(texts_of("NFC")[1:] * 2, spelt("NFC")[1:] * 2, label_texts=about)
    assert new.rank(texts_of("NFC")[0], k=1)[0][0] == spelt("NFC")[0]


def test_a_mapping_with_both_spellings_is_refused():
    both = {"Äiti": "one", "A\u0308iti": "two"}
    with pytest.raises(ValueError, match="label_texts holds 'Äiti' in 2 spellings"):
        TextRanker().fit(["one"], ["Äiti"], label_texts=both)
    with pytest.raises(ValueError, match="label_weights holds 'Äiti' in 2 spellings"):
        ranker("NFC").rank("text", label_weights={"Äiti": 1, "A\u0308iti": 2})


def test_names_as_they_are(tmp_path):
    found = ranker("NFD", normalization=None)
    assert sorted(found.labels_) == sorted(spelt("NFD"))
    found.save(tmp_path / "m")
    for one in (found, load(tmp_path / "m")):
        assert one.normalization is None
        with pytest.raises(ValueError, match="not a label of this model"):
            one.rank("text", exclude=["Äiti"])
        assert one.rank("text", exclude=spelt("NFD")[:1])
    two = TextRanker(FEATURES["words"], normalization=None).fit(texts_of("NFC")[:2], ["é", "e\u0301"])
    assert len(two.labels_) == 2


def test_a_saved_ranker_keeps_its_rule(tmp_path):
    ranker("NFD").save(tmp_path / "m")
    found = load(tmp_path / "m")
    assert found.normalization == "NFC"
    assert found.rank(texts_of("NFD")[0], k=1, candidates=spelt("NFD"))[0][0] == spelt("NFC")[0]


def arborank(*arguments, code=0):
    command = [sys.executable, "-c", "from arborank.cli import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.mark.parametrize("form", FORMS)
def test_the_command_line_and_files(tmp_path, form):
    other = "NFD" if form == "NFC" else "NFC"
    rows = zip(texts_of(form) * 2, spelt(form) * 2, strict=True)
    lines = [json.dumps({"text": text, "labels": [name]}, ensure_ascii=False) for text, name in rows]
    (tmp_path / "train.jsonl").write_text("\n".join(lines), encoding="utf-8")
    rows = zip(spelt(other), texts_of(other), strict=True)
    (tmp_path / "test.tsv").write_text("".join(f"{name}\t{text}\n" for name, text in rows), encoding="utf-8")
    model = tmp_path / "model"
    arborank("train", tmp_path / "train.jsonl", "-m", model, "--min-df", 1)
    report = arborank("evaluate", model, tmp_path / "test.tsv", "-k", 1)
    assert "100" in report
    (tmp_path / "gone.txt").write_text(f"{spelt(other)[0]}\n", encoding="utf-8")
    arborank("update", model, "--remove", tmp_path / "gone.txt")
    assert sorted(load(model).labels_) == sorted(spelt("NFC")[1:])
    arborank("update", model, "--data", tmp_path / "test.tsv", "--add")
    assert sorted(load(model).labels_) == sorted(spelt("NFC"))
    arborank("inspect", model, "--senses", spelt("NFD")[1])


def test_ascii_costs_nothing():
    """The one-text path, with and without; a loose bound, for machines with other work."""
    times = []
    text = ["the quick brown fox jumps over the lazy dog"]
    fitted = [NgramTfidf(normalization=form).fit(text) for form in ("NFC", None)]
    for _ in range(20):
        for features in fitted:
            start = time.perf_counter()
            for _ in range(100):
                features._rows(text)
            times.append((time.perf_counter() - start) / 100)
    assert min(times[::2]) < 1.2 * min(times[1::2]) + 1e-6

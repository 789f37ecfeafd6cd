import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.autocomplete import Pairs
from arborank.autocomplete.catalogue import Catalogue
from arborank.autocomplete.gather import gather
from arborank.autocomplete.options import CompleterOptions
from arborank.autocomplete.phrases import holds_phrase, normal_phrases
from arborank.autocomplete.typos import one_edit_ranges
from arborank.core.state import State
from arborank.core.strings import StringTable

short = st.text("abé漢", max_size=5)


def catalogue_of(keys, counts=None):
    keys = sorted(keys)
    table = StringTable(keys)
    return Catalogue(table, table, np.ones(len(keys), np.int64) if counts is None else np.array(counts))


@given(keys=st.sets(short, min_size=1, max_size=30), prefix=short)
def test_matching_is_startswith(keys, prefix):
    catalogue = catalogue_of(keys)
    first, end = catalogue.matching(prefix)
    assert list(range(first, end)) == [i for i, key in enumerate(sorted(keys)) if key.startswith(prefix)]


def one_edit(prefix):
    """All variants of a prefix with one edit behind the first character."""
    letters = "abé漢"
    for i in range(1, len(prefix)):
        yield prefix[:i] + prefix[i + 1 :]
        yield from (prefix[:i] + c + prefix[i + 1 :] for c in letters)
        yield from (prefix[:i] + c + prefix[i:] for c in letters)
        if i + 1 < len(prefix):
            yield prefix[:i] + prefix[i + 1] + prefix[i] + prefix[i + 2 :]


@given(keys=st.sets(short, min_size=1, max_size=30), prefix=st.text("abé漢", min_size=3, max_size=5))
def test_one_edit_ranges_are_all_variants(keys, prefix):
    catalogue = catalogue_of(keys)
    ranges = one_edit_ranges(catalogue, prefix)
    found = [i for first, end in ranges for i in range(first, end)]
    variants = [variant for variant in one_edit(prefix) if variant != prefix]
    assert found == [
        i
        for i, key in enumerate(sorted(keys))
        if not key.startswith(prefix) and any(key.startswith(variant) for variant in variants)
    ]


@pytest.mark.parametrize("prefix", ["", "ab", "a" * 65])
def test_too_short_or_too_long_for_a_typo(prefix):
    assert one_edit_ranges(catalogue_of(["abc", "a" * 70]), prefix) == []


def test_typo_ranges_are_cut_short():
    catalogue = catalogue_of([f"abd{i:05}" for i in range(5000)])
    assert one_edit_ranges(catalogue, "abc") == [(0, 4096)]


def test_frequent():
    counts = np.random.default_rng(0).integers(0, 50, 5000)
    catalogue = catalogue_of([f"{i:05}" for i in range(5000)], counts)
    for first, end, k in [(0, 5000, 10), (0, 5000, 60), (0, 5000, 300), (7, 20, 5), (3, 3, 4)]:
        expected = sorted(range(first, end), key=lambda i: (-counts[i], i))[:k]
        assert catalogue.frequent(first, end, k) == expected


@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=40), data=st.data())
def test_the_most_frequent_are_those_of_a_stable_sort(counts, data):
    ids = range(len(counts))
    blocked = data.draw(st.sets(st.sampled_from(ids)))
    table = StringTable([f"{i:03}" for i in ids])
    catalogue = Catalogue(table, table, np.array(counts), np.array(sorted(blocked), np.int32))
    first = data.draw(st.integers(0, len(counts)))
    end = data.draw(st.integers(first, len(counts)))
    k = data.draw(st.integers(1, 50))
    expected = sorted(set(range(first, end)) - blocked, key=lambda i: (-counts[i], i))[:k]
    assert catalogue.frequent(first, end, k) == expected


def test_the_most_frequent_of_many_are_remembered():
    random = np.random.default_rng(0)
    counts = random.integers(1, 50, 5000)
    catalogue = catalogue_of([f"{i:04}" for i in range(5000)], counts)
    for k in (10, 3, 500, 6000):
        expected = np.argsort(-counts[100:4900], kind="stable")[:k] + 100
        np.testing.assert_array_equal(catalogue.frequent(100, 4900, k), expected)


def test_find():
    catalogue = catalogue_of(["new york", "new york city"])
    assert catalogue.find(" New  York") == 0
    assert catalogue.find("new") is None


def gathered(queries, users=None, **options):
    """Texts with their counts; the rows that are kept, by what came before them; and their labels."""
    pairs = Pairs([(f"{row}",) for row in range(len(queries))], queries, users)
    found = gather(pairs, CompleterOptions(**options), normal_phrases(options.get("blocklist", ())))
    counts = dict(zip(found.catalogue.texts, found.catalogue.counts.tolist(), strict=True))
    return counts, [int(context[0]) for context in found.contexts], found.labels.tolist()


def test_spellings_of_a_query_are_one_and_the_most_frequent_is_shown():
    queries = ["YouTube", "youtube", "YouTube ", "apple", "YouTube"]
    assert gathered(queries) == ({"apple": 1, "YouTube": 4}, [0, 1, 2, 3, 4], [1, 1, 1, 0, 1])


def test_control_characters_are_not_shown():
    assert gathered(["a\x1b[31mb"])[0] == {"a [31mb": 1}


def test_rare_queries_are_left_out():
    queries = ["secret", "shoes", "shoes", "hats", "hats"]
    assert gathered(queries, min_count=2) == ({"hats": 2, "shoes": 2}, [1, 2, 3, 4], [1, 1, 0, 0])
    assert gathered(queries, users=list("abbac"), min_users=2)[0] == {"hats": 2}
    with pytest.raises(ValueError, match="no query is left of 3 different ones: min_count=3"):
        gathered(queries, min_count=3)
    with pytest.raises(ValueError, match="min_users is 2, so users are needed"):
        gathered(queries, min_users=2)


def test_blocked_words():
    queries = ["bad thing", "badminton", "very Bad", "fine"]
    assert set(gathered(queries, blocklist=["BAD"])[0]) == {"badminton", "fine"}


@pytest.mark.parametrize(
    ("key", "phrase", "held"),
    [
        ("secret, word", "secret", True),
        ("(secret)", "secret", True),
        ("top-secret", "secret", True),
        ("secretary, secret", "secret", True),  # the second place counts
        ("secretary", "secret", False),
        ("my_secret", "secret", False),
        ("very bad thing", "bad thing", True),
        ("very bad things", "bad thing", False),
        ("東京タワー", "タワー", True),
        ("東京タワー", "京", True),
        ("nikeの靴", "nike", True),
        ("ซื้อรถยนต์มือสอง", "รถยนต์", True),
        ("ꦧꦱꦗꦮꦭꦤ꧀ꦏꦧꦸꦢꦪꦤ꧀", "ꦗꦮ", True),
        ("ꆈꌠꁱꂷ", "ꌠꁱ", True),
        ("कमी", "कम", False),  # a vowel sign belongs to its word
        ("c++11", "c++", True),
        ("word", "words", False),
    ],
)
def test_where_a_phrase_is_held(key, phrase, held):
    assert holds_phrase(key, ["other", phrase]) == held
    assert catalogue_of([key]).blocking([phrase]).blocked.tolist() == ([0] if held else [])


@pytest.mark.parametrize(
    "blocked",
    [
        np.array([0, 7], np.int32),
        np.array([-1], np.int32),
        np.array([1, 0], np.int32),
        np.array([1, 1], np.int32),
        np.array([0], np.int64),
        np.array([[0]], np.int32),
    ],
)
def test_damaged_blocked_ids_are_refused(blocked):
    state = catalogue_of(["a", "b"]).to_state()
    with pytest.raises(ValueError, match="blocked must"):
        Catalogue.from_state(State(state.config, {**state.arrays, "blocked": blocked}, state.parts))

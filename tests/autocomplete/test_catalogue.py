from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank._native import endings_with, near
from arborank.autocomplete import Pairs
from arborank.autocomplete.catalogue import Catalogue
from arborank.autocomplete.gather import gather
from arborank.autocomplete.options import CompleterOptions
from arborank.autocomplete.phrases import holds_phrase, normal_phrases
from arborank.autocomplete.typos import near_queries
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
def test_near_queries_are_all_variants(keys, prefix):
    catalogue = catalogue_of(keys)
    found = [label for ids in near_queries(catalogue, prefix) for label in ids.tolist()]
    variants = [variant for variant in one_edit(prefix) if variant != prefix]
    assert found == [
        i
        for i, key in enumerate(sorted(keys))
        if not key.startswith(prefix) and any(key.startswith(variant) for variant in variants)
    ]


def distance(typed, key):
    """The least optimal string alignment of what was typed with a beginning of a key, behind the first characters."""
    if not key or typed[0] != key[0]:
        return 99
    a, b = typed[1:], key[1:]
    rows = {(i, j): i + j for i in range(len(a) + 1) for j in range(len(b) + 1) if not i or not j}
    for i, j in product(range(1, len(a) + 1), range(1, len(b) + 1)):
        rows[i, j] = min(rows[i - 1, j] + 1, rows[i, j - 1] + 1, rows[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
        if i > 1 and j > 1 and a[i - 2 : i] == b[j - 2 : j][::-1]:
            rows[i, j] = min(rows[i, j], rows[i - 2, j - 2] + 1)
    return min(rows[len(a), j] for j in range(len(b) + 1))


@given(
    keys=st.sets(st.text("abé漢", max_size=9), min_size=1, max_size=40),
    prefix=st.text("abé漢", min_size=3, max_size=8),
    typos=st.integers(1, 2),
)
def test_up_to_two_typos(keys, prefix, typos):
    found = [ids.tolist() for ids in near_queries(catalogue_of(keys), prefix, typos)]
    most = min(typos, 1 if len(prefix) < 6 else 2)
    groups = [
        [i for i, key in enumerate(sorted(keys)) if distance(prefix, key) == n] for n in range(1, most + 1)
    ]
    assert found == [group for group in groups if group]


@pytest.mark.parametrize("prefix", ["", "ab", "a" * 65])
def test_too_short_or_too_long_for_a_typo(prefix):
    assert not list(near_queries(catalogue_of(["abc", "a" * 70]), prefix, 2))


def test_of_very_many_near_queries_the_most_frequent_are_returned():
    counts = np.random.default_rng(0).integers(1, 9, 5000)
    (ids,) = near_queries(catalogue_of([f"abd{i:05}" for i in range(5000)], counts), "abc")
    assert ids.size == 4096
    left = np.setdiff1d(np.arange(5000), ids)
    assert counts[left].max() <= counts[ids].min()


def test_a_damaged_table_is_searched_all_the_same():
    text = np.frombuffer(b"\x80\xffabab\xc3", np.uint8)
    offsets = np.array([0, 5, 2, 7, 99])
    labels, begins = np.array([7, -1, 2, 0], np.int32), np.array([-3, 0, 99, 1], np.int32)
    for typed in (b"", b"a", b"abcdef", b"\x80\x80\xff"):
        for ends in ((None, None), (labels, begins)):
            assert all(0 <= first < end <= 4 for first, end, _ in near(text, offsets, *ends, typed, 2))
        first, end = endings_with(text, offsets, labels, begins, typed)
        assert 0 <= first <= end <= 4
    with pytest.raises(ValueError, match="as many"):
        endings_with(text, offsets, labels, begins[:1], b"a")
    with pytest.raises(ValueError, match="labels come with begins"):
        near(text, offsets, labels, None, b"a", 2)


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
    found = gather(pairs, CompleterOptions(**options), normal_phrases(options.get("blocklist", ())), 1)
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

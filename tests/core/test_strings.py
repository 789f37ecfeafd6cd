import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arborank.core.state import State
from arborank.core.strings import StringTable
from arborank.storage import load, save

texts = st.lists(
    st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["", "a", "\n", "\0", "é"])
)


@given(texts)
def test_equals_the_list(strings):
    table = StringTable(strings)
    assert len(table) == len(strings)
    assert list(table) == strings
    assert table[1:-1] == strings[1:-1]
    assert table[::-2] == strings[::-2]
    assert [table.find(string) for string in strings] == [strings.index(string) for string in strings]
    assert table.take(range(-len(strings), len(strings))) == strings + strings
    assert list(reversed(table)) == strings[::-1]
    assert table == StringTable.from_state(table.to_state()) == pickle.loads(pickle.dumps(table))
    assert copy.deepcopy(table) == table


@given(texts, st.sampled_from(["", "a", "b"]), st.integers(-4, 4), st.none() | st.integers(-4, 4))
def test_index_and_contains(strings, value, start, stop):
    table = StringTable(strings)
    assert (value in table) == (value in strings)
    assert table.count(value) == strings.count(value)
    arguments = (value, start) if stop is None else (value, start, stop)
    try:
        expected = strings.index(*arguments)
    except ValueError:
        with pytest.raises(ValueError, match="is not"):
            table.index(*arguments)
    else:
        assert table.index(*arguments) == expected


def test_position_types_and_range():
    table = StringTable(iter(["a", "b"]))
    assert table[np.int64(1)] == table[np.uint8(1)] == table[-1] == "b"
    for position in (2, -3, np.int32(7)):
        with pytest.raises(IndexError, match=rf"position {position} is out of range for 2 strings"):
            table[position]
    with pytest.raises(TypeError):
        table["a"]
    assert table.find("c") is None
    assert 5 not in table
    assert table != ["a", "b"]


def test_is_immutable():
    table = StringTable(["a"])
    with pytest.raises(TypeError):
        table[0] = "b"
    with pytest.raises(TypeError):
        hash(table)
    with pytest.raises(ValueError, match="read-only"):
        table.text[0] = 98
    with pytest.raises(ValueError, match="read-only"):
        table.offsets[0] = 1


def test_repr_is_short():
    assert repr(StringTable(["a"])) == "StringTable(['a']) of 1 strings"
    assert repr(StringTable(["a", "b", "c", "d"])) == "StringTable(['a', 'b', 'c', …]) of 4 strings"


@pytest.mark.parametrize(
    ("strings", "error", "message"),
    [
        ("abc", TypeError, "found one str"),
        (b"abc", TypeError, "found one bytes"),
        (["a", 3], TypeError, r"strings\[1\] is 3"),
        (["a", b"b"], TypeError, r"strings\[1\] is b'b'"),
        (["a", "b", "\ud800"], ValueError, r"strings\[2\] cannot be stored as UTF-8"),
    ],
)
def test_wrong_strings(strings, error, message):
    with pytest.raises(error, match=message):
        StringTable(strings)


U8, I64 = np.zeros(3, np.uint8), np.array([0, 3])


@pytest.mark.parametrize(
    ("text", "offsets", "message"),
    [
        (U8.astype(np.int8), I64, "text is int8"),
        (U8[None], I64, "text is uint8 of 2 dimensions"),
        (U8, I64.astype(np.int32), "offsets is int32"),
        (U8, np.empty(0, np.int64), "offsets is int64 of shape"),
        (U8, np.array([0, 2]), "offsets go from 0 to 2, but text has 3 bytes"),
        (U8, np.array([1, 3]), "offsets go from 1 to 3"),
    ],
)
def test_wrong_state(text, offsets, message):
    with pytest.raises(ValueError, match=message):
        StringTable.from_state(State({}, {"text": text, "offsets": offsets}))


@pytest.mark.parametrize("inner", [-5, 99, 2])
def test_damaged_inner_offset_never_reads_outside(inner):
    text = np.frombuffer(b"abcdef", np.uint8)
    table = StringTable.from_state(State({}, {"text": text, "offsets": np.array([0, inner, 1, 6])}))
    assert all(string in "abcdef" for string in table)


def test_damaged_text_is_named():
    text = np.frombuffer(b"ab\xff", np.uint8)
    table = StringTable.from_state(State({}, {"text": text, "offsets": np.array([0, 2, 3])}))
    with pytest.raises(ValueError, match=r"string 1 of a table of 2 is damaged .* arborank inspect --verify"):
        list(table)


def test_maps_a_saved_table(tmp_path):
    save(StringTable(["a", "", "b\nc"]), tmp_path / "t")
    table = load(tmp_path / "t")
    assert not table.text.flags.owndata
    assert list(table) == ["a", "", "b\nc"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.lists(st.text("aé🌳")), st.data())
def test_tables_are_joined_and_thinned(first, second, data):
    joined = StringTable(first).extended(StringTable(second))
    assert list(joined) == first + second
    assert joined == StringTable(first + second)
    kept = data.draw(st.lists(st.booleans(), min_size=len(joined), max_size=len(joined)))
    thin = joined.selected(np.array(kept, bool))
    assert list(thin) == [string for string, keep in zip(first + second, kept, strict=True) if keep]

"""Logs in files, and the pairs that come of them."""

from datetime import UTC, datetime

import pytest

from arborank.autocomplete import Pairs, read_log, read_pairs, session_pairs
from arborank.autocomplete.normal import normalize


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_tab_separated_log(tmp_path):
    rows = read_log(
        write(tmp_path, "log.tsv", "session\ttime\tquery\na\t1.5\tfirst\na\t2024-03-01 12:00:05\tsecond\n")
    )
    second = datetime(2024, 3, 1, 12, 0, 5, tzinfo=UTC)
    assert rows == [("a", 1.5, "first", None), ("a", second, "second", None)]


def test_json_log(tmp_path):
    text = '{"session": 7, "time": 3, "query": "x"}\n{"session": "b", "time": "2024-03-01T00:00Z", "query": ""}\n'
    assert read_log(write(tmp_path, "log.jsonl", text)) == [
        ("7", 3.0, "x", None),
        ("b", datetime(2024, 3, 1, tzinfo=UTC), "", None),
    ]


def test_users(tmp_path):
    expected = [("a", 1.5, "first", "u1"), ("b", 2.0, "second", "2")]
    for name, text in {
        "log.tsv": "session\ttime\tquery\tUser\na\t1.5\tfirst\tu1\nb\t2\tsecond\t2\n",
        "log.jsonl": '{"session": "a", "time": 1.5, "query": "first", "user": "u1"}\n'
        '{"user": 2, "session": "b", "time": 2, "query": "second"}\n',
    }.items():
        rows = read_log(write(tmp_path, name, text))
        assert rows == expected
        assert session_pairs(rows).users == ["u1", "2"]
    mixed = session_pairs([("a", 1, "x", "u"), ("a", 2, "y", "v"), ("b", 3, "z", "u"), ("c", 4, "w", None)])
    assert mixed.previous == [()] * 4  # a session is one user's
    assert mixed.users == ["u", "v", "u", "c"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("log.tsv", "a\t1\tx\na\t2\n", r"log\.tsv:2: session, time and query with tabs .* found 'a\\t2'"),
        ("log.tsv", "a\t1\tx\n\n", r"log\.tsv:2: session, time and query"),
        ("log.tsv", "a\tsoon\tx\n", r"log\.tsv:1: a time must be a number .* found 'soon'"),
        ("log.tsv", "a\tnan\tx\n", r"log\.tsv:1: a time must be a number"),
        ("log.tsv", "\t1\tx\n", r"log\.tsv:1: a session must be a non-empty string"),
        ("log.tsv", b"a\t1\tx\na\t2\t\xff\n", r"log\.tsv:2: not utf-8"),
        ("log.jsonl", '{"session": "a", "time": 1}\n', r"log\.jsonl:1: a query must be a string, found None"),
        ("log.jsonl", '{"session": "a"\n', r"log\.jsonl:1: a JSON object was expected"),
        ("log.tsv", "a\t1\tx\tu\na\t2\ty\n", r"log\.tsv:2: some lines name a user"),
        ("log.tsv", "a\t1\tx\t\n", r"log\.tsv:1: a user must be a non-empty string"),
        ("log.csv", "query,Count\nx,3\n", r'log\.csv:1: "count" is not read: .* --counts, read_counts'),
        (
            "log.csv",
            "session,time,query,counts\na,1,x,3\n",
            r'log\.csv:1: "counts" is not read: a line counts',
        ),
        ("log.jsonl", '{"session": "a", "time": 1, "query": "x", "user": []}\n', r":1: a user must be"),
        ("log.jsonl", "[1]\n", r"log\.jsonl:1: a JSON object was expected"),
        ("log.jsonl", '{"session": true, "time": 1, "query": "x"}\n', r":1: a session must be"),
        ("log.jsonl", '{"session": "a", "time": true, "query": "x"}\n', r":1: a time must be"),
        ("log.jsonl", f'{{"session": "a", "time": 1{"0" * 400}, "query": "x"}}\n', r":1: a time must be"),
    ],
)
def test_broken_log_lines(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        read_log(write(tmp_path, name, text))


def test_pairs(tmp_path):
    assert read_pairs(write(tmp_path, "pairs.tsv", "one\ttwo\tthree\nalone\n")) == Pairs(
        [("one", "two"), ()], ["three", "alone"]
    )
    text = '{"previous": "a", "query": "b", "user": 1}\n{"query": "c", "user": "u"}\n'
    assert read_pairs(write(tmp_path, "pairs.jsonl", text)) == Pairs([("a",), ()], ["b", "c"], ["1", "u"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.tsv", "a\tb\na\t \n", r"p\.tsv:2: the query is empty"),
        ("p.jsonl", '{"previous": [1], "query": "b"}\n', r'p\.jsonl:1: "previous" must be a list of strings'),
        ("p.jsonl", '{"previous": []}\n', r'p\.jsonl:1: "query" must be a string, found None'),
        ("p.jsonl", '{"query": "b", "user": 1}\n{"query": "b"}\n', r'p\.jsonl:2: some lines have a "user"'),
        ("p.jsonl", '{"query": "b"}\n{"query": "b", "user": 1}\n', r'p\.jsonl:2: some lines have a "user"'),
    ],
)
def test_broken_pair_lines(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        read_pairs(write(tmp_path, name, text))


def test_sessions_are_sorted_by_time_and_cut_at_pauses():
    rows = [
        ("a", 30, "third"),
        ("b", 5, "other"),
        ("a", 10, "first"),
        ("a", 20, "second"),
        ("a", 5000, "late"),
    ]
    pairs = session_pairs(rows, n_previous=2)
    assert list(zip(pairs.previous, pairs.queries, pairs.users, strict=True)) == [
        ((), "first", "a"),
        (("first",), "second", "a"),
        (("first", "second"), "third", "a"),
        ((), "late", "a"),
        ((), "other", "b"),
    ]
    assert pairs.times == [10, 20, 30, 5000, 5]
    assert pairs.selected([3, 0]) == Pairs([(), ()], ["late", "first"], ["a", "a"], [5000, 10])
    assert session_pairs(rows, session_gap=None).previous[3] == ("third",)


def test_repeated_and_empty_queries_count_once_and_not_at_all():
    rows = [("a", 1, "Shoes"), ("a", 2, " shoes"), ("a", 3, " \t"), ("a", 4, "hats"), ("a", 5, "shoes")]
    pairs = session_pairs(rows)
    assert pairs.queries == ["Shoes", "hats", "shoes"]
    assert pairs.previous == [(), ("Shoes",), ("hats",)]


def test_dates():
    rows = [("a", datetime(2024, 1, 2), "y"), ("a", datetime(2024, 1, 1, 23, 50), "x")]
    assert session_pairs(rows).previous == [(), ("x",)]


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([("a", 1)], TypeError, r"row 0 of the log is \('a', 1\)"),
        (None, TypeError, "the log must be an iterable of .session, time, query., found None"),
        ("abc", TypeError, "the log must be an iterable"),
        (["abc"], TypeError, "row 0 of the log is 'abc'"),
        ([("a", 1, "x", {})], TypeError, "row 0 of the log has the user {}"),
        ([("a", 1, "x"), ("a", 2, None)], TypeError, "row 1 of the log has the query None"),
        ([("a", "noon", "x")], ValueError, "row 0 of the log has the time 'noon'"),
        ([("a", float("inf"), "x")], ValueError, "row 0 of the log has the time inf"),
        ([("a", float("nan"), "x")], ValueError, "row 0 of the log has the time nan"),
        ([("a", 10**400, "x")], ValueError, "row 0 of the log has the time 1000"),
        ([("a", datetime.min, "x")], ValueError, "row 0 of the log has the time datetime"),
    ],
)
def test_broken_rows(rows, error, message):
    with pytest.raises(error, match=message):
        session_pairs(rows)


def test_bad_session_gap():
    with pytest.raises(ValueError, match="session_gap must be above 0, found 0"):
        session_pairs([], session_gap=0)


@pytest.mark.parametrize(
    ("text", "key", "prefix"),
    [
        ("  New   York ", "new york", "new york "),
        ("Cafe\u0301", "caf\u00e9", "caf\u00e9"),
        ("\u0130x", "i\u0307x", "i\u0307x"),
        ("a\x00b\x07\nc", "a b c", "a b c"),
        ("\u202fa\u3000b", "a b", "a b"),
        (
            "\u0634\u0644\u0648\u0627\u0631",
            "\u0634\u0644\u0648\u0627\u0631",
            "\u0634\u0644\u0648\u0627\u0631",
        ),
        ("\u6771\u4eac ", "\u6771\u4eac", "\u6771\u4eac "),
        ("\ud800x", "\ufffdx", "\ufffdx"),
        ("", "", ""),
        ("\n", "", ""),
    ],
)
def test_normal_form(text, key, prefix):
    assert normalize(text) == key
    assert normalize(text, prefix=True) == prefix
    assert normalize(key) == key

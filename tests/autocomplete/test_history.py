"""What one user sent before: bounded, in order, forgettable."""

import pickle
from datetime import UTC, datetime

import numpy as np
import pytest

from arborank.autocomplete import History

SENT = [("nikon", 0), ("Canon  EOS", 60), ("nikon", 120)]


def test_entries_are_in_the_order_of_their_times():
    history = History([SENT[2], SENT[0], SENT[1]])
    assert list(history) == [("nikon", 0.0), ("Canon EOS", 60.0), ("nikon", 120.0)]
    history.add("lens", 30)  # late
    history.add("\x00 ", 40)  # blank
    history.add("LENS", datetime(1970, 1, 1, 0, 3, tzinfo=UTC))
    assert [query for query, _ in history] == ["nikon", "LENS", "Canon EOS", "nikon", "LENS"]
    assert history.latest == 180


def test_only_the_latest_are_kept():
    many = History(((f"q{i % 7}", i) for i in range(100_000)), size=10)
    one_by_one = History(size=10)
    for i in range(99_000, 100_000):
        one_by_one.add(f"q{i % 7}", i)
    for history in (many, one_by_one):
        assert [time for _, time in history] == list(range(99_990, 100_000))
        assert history.use("q4", 9) == (2, 1, [99_992, 99_999])
        assert "q9" not in history
        assert history.after("q4") == ["q5"]
        assert history.matching("q", 3) == ["q4", "q3", "q2"]
        assert sorted(history.matching("q", 9)) == [f"q{i}" for i in range(7)]


@pytest.mark.parametrize("size", [7, 100])
def test_evidence_of_own_queries(size):
    random = np.random.default_rng(size)
    rows = list(
        zip(random.choice(["a", "ab", "b", "c"], 60).tolist(), np.sort(3e5 * random.random(60)), strict=True)
    )
    history, kept = History(rows, size=size), rows[-size:]
    sent, moment = [query for query, _ in kept], float(rows[-1][1]) + 40_000
    for session in ([], ["b"], ["a", "nothing"], ["ab", "c", "a"]):
        numbers, labels = history.begun("", 9, history, lambda key: ord(key[-1]))
        keys = history.matching("", 9)
        assert keys == sorted(set(sent))
        assert labels == [ord(key[-1]) for key in keys]
        expected = []
        for key in keys:
            at = [place for place, query in enumerate(sent) if query == key]
            times = [kept[place][1] for place in at][-4:]
            away = [(moment - time) % 86_400 for time in times]
            behind = [
                sent[place + 1] for place, query in enumerate(sent[:-1]) if session and query == session[-1]
            ]
            expected.append(
                [
                    1,
                    np.log(len(at)),
                    np.log(len(sent) - at[-1]),
                    np.log1p((moment - times[-1]) / 3600),
                    np.mean([one < 7200 or one > 79_200 for one in away]),
                    np.log1p(behind.count(key)),
                    key in session[:-1],
                    key in session[-1:],
                ]
            )
        np.testing.assert_allclose(history.evidence(numbers, moment, session), expected)
    again = history.begun("a", 9, history, lambda key: 0)[1]
    assert again == [ord(key[-1]) for key in history.matching("a", 9)]
    assert set(history.begun("a", 9, object, lambda key: 0)[1]) == {0}  # of another catalogue


def test_what_was_forgotten_is_nowhere():
    history = History([*SENT, ("secret plan", 200)])
    history.forget(" Secret PLAN")
    history.forget("never sent")
    assert "secret" not in history.to_json()
    assert b"secret" not in pickle.dumps(history)
    assert history.matching("s", 9) == []
    assert list(history) == [("nikon", 0.0), ("Canon EOS", 60.0), ("nikon", 120.0)]
    assert "nikon" not in repr(history)  # which lands in the logs of a service
    history.clear()
    assert list(history) == []


def test_as_json_and_back():
    history = History([*SENT, ("\u6771\u4eac \ud800", 2e9)], size=3)
    for again in (History.from_json(history.to_json()), pickle.loads(pickle.dumps(history))):
        assert list(again) == list(history)
        assert again.size == 3


@pytest.mark.parametrize(
    ("entries", "error", "message"),
    [
        ("nikon", TypeError, "entries must be a History or an iterable of .query, time., found 'nikon'"),
        (5, TypeError, "entries must be a History or an iterable of"),
        ({"nikon": 1}, TypeError, "entries must be a History or an iterable of"),
        (["nikon"], TypeError, r"entries\[0\] is 'nikon'; \(query, time\) was expected"),
        ([("nikon", 1), ("canon", 2, 3)], TypeError, r"entries\[1\] is \('canon', 2, 3\)"),
        ([(b"nikon", 1)], TypeError, r"entries\[0\] is \(b'nikon', 1\)"),
        ([("nikon", "soon")], ValueError, r"entries\[0\]: a time must be a number"),
        ([("nikon", float("nan"))], ValueError, r"entries\[0\]: a time must be a number"),
        ([("nikon", 1), ("nikon", 1e13)], ValueError, r"entries\[1\]: the time .* is too large for seconds"),
    ],
)
def test_bad_entries(entries, error, message):
    with pytest.raises(error, match=message):
        History(entries)


def test_bad_calls():
    with pytest.raises(ValueError, match="size must be at least 1, found 0"):
        History(size=0)
    with pytest.raises(TypeError, match="query must be a str, found 3"):
        History().add(3, 0)
    with pytest.raises(ValueError, match="a time must be a number of seconds"):
        History().add("nikon", "yesterday")
    with pytest.raises(TypeError, match="query must be a str, found 3"):
        History().forget(3)
    for text in ("[]", "{}", '{"size": 1}', "nothing"):
        with pytest.raises(ValueError, match=r"a history is|a history must be JSON.*Expecting"):
            History.from_json(text)

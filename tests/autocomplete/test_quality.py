"""How completions are judged: by hand on a few cases, and on a log of which the answers can be seen."""

import math

import numpy as np
import pytest

from arborank import Autocompleter
from arborank.autocomplete import Pairs, session_pairs
from arborank.autocomplete.quality import Evaluation, evaluate
from arborank.autocomplete.replay import in_order_of_time, latest
from support.sessions import sessions


def evaluation(places, typed, lengths, **changed):
    n = len(typed)
    parts = {"known": np.ones(n, np.bool_), "users": np.arange(n)} | changed
    return Evaluation(
        {name: np.array(one) for name, one in places.items()}, np.array(typed), np.array(lengths), **parts
    )


def test_figures():
    found = evaluation({"a": [1, 0, 2, 4], "b": [1, 1, 1, 0]}, [1, 1, 4, 30], [2, 5, 8, 30])
    assert found.reciprocal_ranks("a").tolist() == [1, 0, 0.5, 0.25]
    assert found.mrr("a") == pytest.approx(1.75 / 4)
    assert found.mrr("a", found.of_length(1)) == 0.5
    assert found.mrr("a", found.of_length(4, and_more=True)) == 0.375
    assert math.isnan(found.mrr("a", found.of_length(2)))
    assert found.success("a", 1) == 0.25
    assert found.success("a", 3) == 0.5
    assert found.saved("a") == pytest.approx((0.5 + 0 + 0.5 + 0) / 4)
    gain, low, high = found.gain("b", "a")
    assert gain == pytest.approx((3 - 1.75) / 4)
    assert low < gain < high


def test_users_are_drawn_whole():
    one = evaluation({"a": [1] * 50 + [0] * 50, "b": [0] * 100}, [1] * 100, [2] * 100)
    two = evaluation(one.places, one.typed, one.lengths, users=np.repeat([0, 1], 50))
    gain, low, high = one.gain("a", "b")
    assert (gain, 0.3 < low < high < 0.7) == (0.5, True)
    assert two.gain("a", "b") == (0.5, 0.0, 1.0)


def test_users_count_alike():
    found = evaluation({"a": [1, 1, 1, 2]}, [1] * 4, [2] * 4, users=np.array([0, 0, 0, 2]))
    assert found.mrr("a") == 3.5 / 4
    assert found.mrr_of_users("a") == (1 + 0.5) / 2


def test_the_latest_part():
    pairs = session_pairs([(f"s{i % 3}", 10 - i, f"q{i}") for i in range(10)])
    learned, held_out = latest(pairs, 0.2)
    assert sorted(held_out.queries) == ["q0", "q1"]
    assert len(learned.queries) == 8
    for share in (0.01, 0.99):
        with pytest.raises(ValueError, match="of 10 queries leaves"):
            latest(pairs, share)


def test_histories_hold_what_came_before():
    learned = Pairs([(), ()], ["a", "b"], ["u", "v"], [1, 2])
    pairs = Pairs([(), (), ()], ["d", "c", "e"], ["u", "u", "w"], [9, 8, 7])
    seen = [
        (pairs.queries[row], [query for query, _ in history])
        for row, history in in_order_of_time(learned, pairs)
    ]
    assert seen == [("e", []), ("c", ["a"]), ("d", ["a", "c"])]


def test_a_log_of_people_who_repeat_themselves():
    rows = [
        (f"{user}{day}", 86_400 * day + i, query, f"u{user}")
        for day in range(10)
        for user in range(30)
        for i, query in enumerate([f"news {user}", f"secret {user}"])
    ]
    learned, held_out = latest(session_pairs(rows), 0.2)
    completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    found = evaluate(completer, learned, held_out)
    assert len(found) == 120
    assert found.known.all()
    assert found.mrr("own history first") > 0.9 > found.mrr("most frequent")
    # pairs without times and users: no history, and no counts that age
    pairs = Pairs(*learned[:2]), Pairs(*held_out[:2])
    assert set(evaluate(completer, *pairs).places) == {"most frequent", "without context", "Arborank"}
    few = evaluate(completer, learned, held_out, n_cases=7)
    assert len(few) == 7


def test_unknown_queries_are_misses():
    learned = session_pairs(sessions({"camera": ["nikon", "canon"]}))
    completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    held_out = Pairs([("camera",)] * 3, ["nikon", "never", ""], ["x", "y", "z"], [1e6, 1e6, 1e6])
    found = evaluate(completer, learned, held_out)
    assert found.known.tolist() == [True, False]
    assert found.places["Arborank"].tolist() == [1, 0]


def test_other_ways_to_complete():
    pairs = session_pairs(sessions({"camera": ["nikon", "canon"], "shoes": ["nike"]}))
    completer = Autocompleter(n_jobs=1).fit_pairs(*pairs[:2], users=pairs.users, times=pairs.times)
    given = []

    def guess(prefix, previous):
        given.append((prefix, list(previous)))
        return [prefix, *sorted(set(pairs.queries))]

    found = evaluate(completer, pairs, pairs, k=1, others={"guess": guess, "nothing": lambda *_: []})
    assert len(given) == len(found)
    assert found.mrr("nothing") == 0
    assert found.mrr("guess") == np.mean(found.typed == found.lengths)
    assert any(previous for _, previous in given)

"""Weights of the evidence: what they learn, and that they never rank worse than counting."""

import pickle

import numpy as np
import pytest

import arborank
from arborank import Autocompleter
from arborank._native import N_EVIDENCE
from arborank.autocomplete import History, session_pairs
from arborank.autocomplete.aged import AgedCounts
from arborank.autocomplete.blend import Blend, Example, learn_blend
from arborank.autocomplete.quality import evaluate
from arborank.autocomplete.replay import latest
from support.querylogs import LOGS, MORNING, querylog


def queries(completions):
    return [query for query, _ in completions]


@pytest.fixture(scope="module")
def habits():
    """A log of people who repeat themselves, and a completer fitted on all but its latest part."""
    learned, held_out = latest(session_pairs(n_previous=8, rows=querylog("habits")), 0.1)
    completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    return completer, learned, held_out


@pytest.mark.parametrize("name", LOGS)
def test_never_below_counting(name):
    """A small form of benchmarks/synthetic_logs.py."""
    learned, held_out = latest(session_pairs(n_previous=8, rows=querylog(name, size=0.3)), 0.2)
    completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    found = evaluate(completer, learned, held_out)
    for way in ("Arborank", "without history", "without context", "without either"):
        for cases in (found.typed > 0, *(found.typed == n for n in range(1, 10))):
            if cases.sum() >= 500 or cases.all():
                gain = found.mrr(way, cases) - found.mrr("most frequent", cases)
                assert gain >= -0.002, (way, cases.sum(), gain)


def test_what_each_kind_of_evidence_earns(habits):
    found = evaluate(*habits)
    assert found.mrr("Arborank") > found.mrr("without history") + 0.02
    assert found.mrr("Arborank") > found.mrr("without context") + 0.02
    assert found.mrr("Arborank") > found.mrr("own history first") + 0.02
    gain, low, _ = found.gain(*found.earned["history"])
    assert gain > low > 0


def test_explanations(habits):
    completer, learned, _ = habits
    history = History(
        [("secret thing", 1e6), *[(query, 2e6 + i) for i, query in enumerate(learned.queries[:3])]]
    )
    for previous in ((), (learned.queries[0],)):
        for kept in (None, history):
            why = completer.explain("", previous, 30, history=kept)
            assert (
                queries(completer.complete("", previous, 20, history=kept)) == [one.query for one in why][:20]
            )
            assert [one.score for one in why] == sorted((one.score for one in why), reverse=True)
            for one in why:
                assert set(one.evidence) == {
                    "formula",
                    "frequency",
                    "lately",
                    "context",
                    "words",
                    "session",
                    "history",
                }
                assert kept is not None or one.evidence["history"] == 0
    (secret,) = completer.explain("sec", history=history)
    assert (secret.query, secret.score) == ("secret thing", 1.0)
    assert completer.explain("nothing begins so") == []
    plain = Autocompleter(n_jobs=1).fit_pairs(["a"] * 5, ["x one", "x one", "x one", "x two", "x two"])
    assert [one.query for one in plain.explain("x")] == ["x one", "x two"]
    first, second = plain.explain("x", history=[("x two", 5)])
    assert first.query == "x two"
    assert first.evidence["history"] > 0 > second.evidence["history"]
    with pytest.raises(ValueError, match="k must be at least 1"):
        plain.explain("x", k=0)


def test_saved_copied_and_repeated(habits, tmp_path):
    completer, learned, _ = habits
    completer.save(tmp_path / "model")
    again = Autocompleter(n_jobs=2).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    history = [(query, i) for i, query in enumerate(learned.queries[:5])]
    for other in (arborank.load(tmp_path / "model"), pickle.loads(pickle.dumps(completer)), again):
        for prefix in ("", "n", "new"):
            for given in (None, history):
                expected = completer.complete(prefix, learned.queries[1], history=given, now=9)
                assert other.complete(prefix, learned.queries[1], history=given, now=9) == expected
    batch = completer.complete_batch(["n", "", "zzz"], [learned.queries[1], None, ()])
    assert batch == [completer.complete("n", learned.queries[1]), completer.complete(""), []]


def test_a_batch_with_histories(habits):
    completer, learned, _ = habits
    history = History([(query, i) for i, query in enumerate(learned.queries[:9])])
    prefixes, previous = ["n", "ne", "", "news", "nwes", "zzz"], [learned.queries[1], *5 * [None]]
    histories = [history, None, list(history), [("news of mine", 3)], history, [("zzz mine", 2)]]
    now = [9, None, "1970-01-02", 20.0, None, 5]
    for strict in (True, False):
        batch = completer.complete_batch(prefixes, previous, histories=histories, now=now, strict=strict)
        assert batch == [
            completer.complete(*one, history=kept, now=time, strict=strict)
            for *one, kept, time in zip(prefixes, previous, 6 * [10], histories, now, strict=True)
        ]
    assert "news of mine" in queries(batch[3])
    assert queries(batch[5])[0] == "zzz mine"


def test_typos_are_ranked_by_all_evidence(habits):
    completer = habits[0]
    exact = completer.complete("new", k=30)
    typo = completer.complete("nwe", k=30, strict=False)
    assert queries(typo)[:1] == queries(exact)[:1]
    assert set(queries(typo)) >= set(queries(exact))
    scores = [score for _, score in typo]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[0] <= 1
    last = queries(exact)[-1]
    assert queries(typo).index(last) > 0
    mine = History([(last, 1e6 + i) for i in range(20)])
    assert queries(completer.complete("nwe", history=mine, now=1e6 + 99, strict=False))[0] == last


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"histories": [None]}, ValueError, "histories must have 2 entries, one per prefix, found 1"),
        ({"histories": 5}, TypeError, "histories must be a sequence with one entry per prefix"),
        ({"histories": [None, [("a", 1), "b"]]}, TypeError, r"histories\[1\]\[1\] is 'b'"),
        ({"now": [1]}, ValueError, "now must have 2 entries, one per prefix, found 1"),
        ({"now": [None, "noon"]}, ValueError, r"now\[1\]: a time must be a number"),
        ({"now": 5}, TypeError, "now must be a sequence with one entry per prefix"),
        ({"strict": 1}, TypeError, "strict"),
    ],
)
def test_bad_batches(habits, arguments, error, message):
    with pytest.raises(error, match=message):
        habits[0].complete_batch(["a", "b"], **arguments)


def test_updates_move_the_weights(habits):
    completer, learned, held_out = habits
    end = max(held_out.times)
    # people who had habits send what nobody sent lately
    rows = [(f"x{i}", end + 60 * i, learned.queries[(37 * i) % 500], f"x{i % 3}") for i in range(300)]
    updated = completer.update(rows)
    before, after = completer.fitted_.blend, updated.fitted_.blend
    assert [lesson.gains[0, :, 0].sum() for lesson in after.lessons] == pytest.approx(
        [lesson.gains[0, :, 0].sum() for lesson in before.lessons]
    )
    assert not np.array_equal(before.lessons[0].fit.weights, after.lessons[0].fit.weights)
    again = completer.update(rows)
    np.testing.assert_array_equal(again.fitted_.blend.weights, after.weights)
    untimed = completer.update_pairs([()] * 2, ["new query", learned.queries[0]])
    assert untimed.fitted_.blend is before


def test_words_of_the_context():
    """What is typed after a title that nobody typed after before: words of the title itself, or of ones like it."""
    random = np.random.default_rng(0)
    nouns = sorted({"".join(random.choice(list("aeinorst"), 6)) for _ in range(300)})
    titles, wanted = [], []
    for _ in range(6000):
        first, second, third = random.choice(nouns, 3)
        titles.append(f"{first} {second} {third}")
        wanted.append(first if random.random() < 0.7 else second)
    n = 5500
    completer = Autocompleter(n_jobs=1).fit_pairs(titles[:n], wanted[:n])
    assert completer.fitted_.blend.uses("words")
    assert completer.fitted_.blend.names_help
    places = [
        queries(completer.complete(one[:1], title)).index(one)
        for title, one in zip(titles[n:], wanted[n:], strict=True)
        if one in queries(completer.complete(one[:1], title))
    ]
    assert len(places) > 0.95 * 500
    assert np.mean(1 / (1 + np.array(places))) > 0.7
    why = completer.explain(wanted[n][:1], titles[n])
    assert max(why, key=lambda one: one.evidence["words"]).query in titles[n].split()
    updated = completer.update_pairs(
        ["brandnew thing"] * 9 + titles[:9], ["brandnew query"] * 9 + wanted[:9]
    ).remove([wanted[0]])
    kept = updated.fitted_.words
    assert len(kept) == len(updated.catalogue_) == len(completer.catalogue_)
    label = updated.catalogue_.find(wanted[1])
    old = completer.fitted_.words.followed.matrix, completer.catalogue_.find(wanted[1])
    new = kept.followed.matrix, label
    assert [matrix.data[matrix.indices == i].sum() for matrix, i in (old, new)] == sorted(
        matrix.data[matrix.indices == i].sum() for matrix, i in (old, new)
    )


def test_what_rises_comes_up_and_what_fell_out_of_use_sinks(habits):
    completer, learned, held_out = habits
    end = max(held_out.times)
    news = [(f"h{i}", end + 100 + i, "news of today") for i in range(40)]
    updated = completer.update([*news, ("h", end + 1, learned.queries[0])])
    place = queries(updated.complete("news", k=50)).index("news of today")
    assert place < 3 + sum(updated.catalogue_.counts > 300)
    aged = updated.catalogue_.aged
    label = updated.catalogue_.find("news of today")
    assert aged.values[0, label] > 0.9 * aged.values[0].max()
    assert aged.at == end + 139


def test_counts_that_age():
    half_lives = np.array([10.0, 100.0])
    older = AgedCounts.of_log(np.array([0, 1, 1]), np.array([0.0, 90.0, 100.0]), 2, half_lives)
    np.testing.assert_allclose(older.values[0], [0.5**10, 0.5 + 1])
    newer = AgedCounts.of_log(np.array([0]), np.array([110.0]), 1, half_lives)
    both = older.merged(newer, np.array([0, 2]), np.array([1]), 3)
    np.testing.assert_allclose(both.values[0], [0.5**11, 1, 0.25 + 0.5])
    assert both.at == 110
    late = both.merged(older, np.array([0, 1, 2]), np.array([0, 2]), 3)  # rows that come late count as old
    np.testing.assert_allclose(late.values[0], [0.5**10, 1, 2 * (0.25 + 0.5)])


def test_evidence_that_tells_nothing_gets_no_weight():
    random = np.random.default_rng(0)
    examples = []
    for _ in range(1000):
        rows = random.standard_normal((6, N_EVIDENCE))
        rows[:, 2] = 0  # all are in the catalogue
        chances = np.exp(2 * rows[:, 1])
        wanted = int(random.choice(6, p=chances / chances.sum()))
        examples.append(Example(rows, wanted, 1, with_history=False, in_context=True))
    weights = learn_blend(examples).of(False, 1)[1]
    assert weights[1] >= 1
    assert np.flatnonzero(weights).tolist() == [1]
    assert not learn_blend(examples).names_help
    few = learn_blend([])
    assert np.flatnonzero(few.of(False, 1)[1]).tolist() == [0]
    assert np.flatnonzero(few.of(True, 1)[1]).tolist() == [0, 11, 13]  # own queries first
    for n in (30, 60):  # enough to tell that the rules do not help
        assert np.flatnonzero(learn_blend(examples[:n]).of(False, 1)[1]).tolist() == [1]


def test_damaged_weights_are_refused():
    state = learn_blend([]).to_state()
    state.arrays["weights"][3] = np.nan
    with pytest.raises(ValueError, match=r"weights must be .* finite"):
        Blend.from_state(state)


# ------------------------------------------------------------------ privacy


def test_a_history_is_its_owners_alone(habits, tmp_path):
    completer, learned, _ = habits
    before = [completer.complete(prefix, learned.queries[1], k=50) for prefix in ("", "m", "my")]
    mine = History([("my secret illness", 10), ("my lawyer", 20)])
    assert set(queries(completer.complete("my", history=mine))) == {"my lawyer", "my secret illness"}
    assert queries(completer.complete("my s", ["my lawyer"], history=mine)) == ["my secret illness"]
    completer.explain("my", history=mine)
    other = History([("nothing of that", 10)])
    for history in (None, other):
        for prefix in ("", "m", "my", "my secret illness"):
            for previous in ((), ("my lawyer",), ("my secret illness",)):
                found = completer.complete(prefix, previous, k=500, history=history, strict=False)
                assert not any("secret" in query or "lawyer" in query for query, _ in found)
    assert [completer.complete(prefix, learned.queries[1], k=50) for prefix in ("", "m", "my")] == before
    assert b"secret illness" not in pickle.dumps(completer)
    completer.save(tmp_path / "model")
    assert not any(b"secret illness" in file.read_bytes() for file in (tmp_path / "model").iterdir())
    mine.forget("my secret illness")
    assert queries(completer.complete("my", history=mine)) == ["my lawyer"]
    mine.clear()
    assert completer.complete("my", history=mine) == []


def test_rare_queries_of_the_log_stay_below_the_floor():
    rows = querylog("habits")
    secret = [(f"s{i}", rows[-1][1] - i, "rare secret", "one user") for i in range(60)]
    completer = Autocompleter(min_users=3, n_jobs=1).fit([*((*row, row[0]) for row in rows), *secret])
    assert completer.complete("rare", history=History([("other", 5)])) == []
    assert b"rare secret" not in pickle.dumps(completer)
    assert queries(completer.complete("rare", history=[("rare secret", 5)])) == ["rare secret"]


def test_blocked_words_do_not_come_back_through_a_history(tmp_path):
    completer = Autocompleter(blocklist=["forbidden"], n_jobs=1).fit(
        [("a", i, f"fine {i}") for i in range(9)]
    )
    history = History([("forbidden fruit", 1), ("fine forbidden", 2), ("fine own", 3), ("fine 3", 4)])
    completer.save(tmp_path / "model")
    for one in (completer, arborank.load(tmp_path / "model")):
        found = queries(one.complete("f", history=history, k=50))
        assert found[:2] == ["fine 3", "fine own"]
        assert not any("forbidden" in query for query in found)
        assert one.complete("forb", history=history) == []
    completer.block(["own", "3"])  # the history has been asked before
    found = queries(completer.complete("f", history=history, k=50))
    assert "fine own" not in found
    assert "fine 3" not in found


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"history": "camera"},
            TypeError,
            "history must be a History or an iterable of .query, time., found 'camera'",
        ),
        ({"history": 5}, TypeError, "history must be a History or an iterable"),
        ({"history": ["camera"]}, TypeError, r"history\[0\] is 'camera'; \(query, time\) was expected"),
        ({"history": [("camera", 1), (None, 2)]}, TypeError, r"history\[1\] is \(None, 2\)"),
        ({"history": [("camera", None)]}, ValueError, r"history\[0\]: a time must be a number"),
        ({"now": "noon"}, ValueError, "now: a time must be a number"),
        ({"now": float("inf")}, ValueError, "now: a time must be a number"),
    ],
)
def test_bad_histories(habits, arguments, error, message):
    with pytest.raises(error, match=message):
        habits[0].complete("n", **arguments)


def test_odd_histories_have_defined_answers(habits):
    completer, learned, _ = habits
    ordered = [(query, 1e6 + i) for i, query in enumerate(learned.queries[:50])]
    expected = completer.complete("n", history=ordered, now=2e6)
    assert completer.complete("n", history=ordered[::-1], now=2e6) == expected
    assert completer.complete("n", history=iter(ordered), now=2e6) == expected
    future = completer.complete("n", history=ordered, now=1e6 + 49)  # what is sent later counts as sent now
    assert completer.complete("n", history=ordered) == future
    assert completer.complete("n", history=ordered, now=-1e6)  # before the log
    assert completer.complete("n", history=[]) == completer.complete("n")
    assert completer.complete("n", history=[("\x00\n", 1)]) == completer.complete("n")
    (found,) = completer.complete("q\x00", history=[("q\x00q\ud800\t1", 1)])
    assert found[0] == "q q\ufffd 1"
    million = [(f"q{i}", float(i)) for i in range(1_000_000)]
    assert {int(query[1:]) >= 999_000 for query in queries(completer.complete("q", history=million))} == {
        True
    }
    assert completer.complete("q1", history=million[:1000], k=2000, strict=False)


def test_time_of_day():
    rows = querylog("morning")
    completer = Autocompleter(n_jobs=1).fit(rows)
    day = 86_400.0 * 1000
    history = [(query, day + 86_400 * i + hour) for i in range(8) for query, hour in MORNING.items()]
    (morning, _), (evening, _) = ((query, hour) for query, hour in MORNING.items())
    for query, other in ((morning, evening), (evening, morning)):
        found = queries(completer.complete("n", history=history, now=day + 86_400 * 8 + MORNING[query]))
        assert found.index(query) < found.index(other)

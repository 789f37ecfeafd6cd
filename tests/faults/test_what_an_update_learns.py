"""An update teaches known queries their new contexts, and no row of a log counts twice, however often it is given."""

import lzma
import random
import warnings
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

import arborank
import support.sessions
from arborank import Autocompleter
from arborank.autocomplete import counted
from arborank.cli import main

START = 1709294405
NEXT = {"camera": ["nikon", "canon"], "shoes": ["nike", "adidas"], "london": ["new york", "naples"]}


sessions = partial(support.sessions.sessions, n=12, name="s", start=START, gap=5000)
OLD = sessions(NEXT)
NEWER = sessions(
    {"london": ["canon"], "camera": ["adidas"], "paris": ["nice", "canon"]}, name="n", start=START + 10**6
)
AGAIN = "were learned before .same session, time and query.; they do not count again"


def first(completer, prefix, previous):
    return completer.complete(prefix, previous, k=1)[0][0]


def same(one, other):
    """Whether two completers have the same counts."""
    assert list(one.catalogue_.keys) == list(other.catalogue_.keys)
    np.testing.assert_array_equal(one.catalogue_.counts, other.catalogue_.counts)
    assert list(one.followers_.contexts) == list(other.followers_.contexts)
    for part in ("indptr", "labels", "times"):
        np.testing.assert_array_equal(getattr(one.followers_, part), getattr(other.followers_, part))


@pytest.fixture(scope="module")
def completer():
    return Autocompleter(n_jobs=1).fit(OLD)


def test_known_queries_follow_new_contexts(completer, tmp_path):
    assert first(completer, "", "london") == "new york"
    updated = completer.update([*NEWER, *sessions({"london": ["canon"]}, name="m", start=START + 2 * 10**6)])
    for prefix in ("", "c", "can"):
        assert first(updated, prefix, "london") == "canon"
        assert first(updated, prefix, "paris") == ("canon" if prefix else "nice")  # a context of a new word
    assert first(updated, "a", "camera") == "adidas"
    assert first(updated, "n", "london") == "new york"
    updated.save(tmp_path / "model")
    again = arborank.load(tmp_path / "model")
    assert again.complete("", "london") == updated.complete("", "london")
    assert first(completer, "", "london") == "new york"  # the old one serves as ever


def test_words_that_are_unknown_are_no_rows_of_another_scale():
    completer = Autocompleter(prefix_weight=0.05, n_jobs=1).fit(OLD)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        updated = completer.update(sessions({"lisbon": ["nike"]}, name="l", start=START + 10**6))
    assert first(updated, "n", "lisbon") == "nike"


def test_counts_are_those_of_a_completer_fitted_on_both(completer):
    same(completer.update(NEWER), Autocompleter(n_jobs=1).fit([*OLD, *NEWER]))


@pytest.mark.parametrize("n_parts", [2, 5])
def test_counts_do_not_depend_on_how_a_log_is_cut(n_parts):
    names = sorted({row[0] for row in [*OLD, *NEWER]})
    parts = [
        [row for row in [*OLD, *NEWER] if names.index(row[0]) % n_parts == part] for part in range(n_parts)
    ]
    completer = Autocompleter(n_jobs=1).fit(parts[0])
    for part in parts[1:]:
        completer = completer.update(part)
    same(completer, Autocompleter(n_jobs=1).fit([*OLD, *NEWER]))


def shuffled(rows):
    return random.Random(0).sample(rows, len(rows))


@pytest.mark.parametrize(
    "again",
    [
        NEWER,
        shuffled(NEWER),
        [*OLD, *NEWER],  # a log that only grows
        NEWER[: len(NEWER) // 2],
        [(session, datetime.fromtimestamp(time, UTC), query.upper()) for session, time, query in NEWER],
        [(session, str(time), f" {query}\u200b") for session, time, query in NEWER],
        [(session, np.datetime64(time, "s"), query) for session, time, query in NEWER],
    ],
    ids=["same", "shuffled", "longer", "part", "dates", "text", "numpy"],
)
def test_a_log_given_again(completer, again, tmp_path):
    updated = completer.update(NEWER)
    updated.save(tmp_path / "model")
    for model in (updated, arborank.load(tmp_path / "model")):
        with pytest.warns(UserWarning, match=f"{len(again)} of {len(again)} rows {AGAIN}"):
            twice = model.update(again)
        same(twice, updated)
        assert twice.complete("n", "paris") == updated.complete("n", "paris")


def test_the_training_log_given_again(completer):
    with pytest.warns(UserWarning, match=f"{len(OLD)} of {len(OLD)} rows {AGAIN}"):
        same(completer.update(OLD), completer)


def test_a_log_that_overlaps(completer):
    with pytest.warns(UserWarning, match=f"{len(OLD)} of {len(OLD) + len(NEWER)} rows {AGAIN}"):
        same(completer.update([*OLD, *NEWER]), completer.update(NEWER))


def test_other_rows_are_not_taken_for_known_ones(completer):
    """Neither those of other sessions, nor later ones of the same, nor other queries at the same time."""
    later = [(session, time + 10, query) for session, time, query in OLD]
    others = [(f"other {session}", time, query) for session, time, query in OLD]
    expected = 2 * completer.catalogue_.counts
    for rows in (later, others):
        np.testing.assert_array_equal(completer.update(rows).catalogue_.counts, expected)
    at_once = [("scamera00", START, "naples"), ("x", START, "camera")]
    assert completer.update(at_once).catalogue_.counts.sum() == completer.catalogue_.counts.sum() + 2


def test_what_was_removed_or_refreshed_is_learned_again(completer):
    less = completer.remove(["new york"])
    with pytest.warns(UserWarning, match=AGAIN):
        same(less.update(OLD), completer)  # nothing followed it, so that nothing is missing
    with pytest.warns(UserWarning, match=AGAIN):
        refreshed = completer.update(OLD, refresh=["canon"])
    same(refreshed, completer)
    assert first(refreshed, "c", "camera") == "canon"


def test_rare_rows_are_not_marked(completer):
    strict = Autocompleter(min_count=3, n_jobs=1).fit([*OLD, ("u", START, "rare"), ("v", START, "rare")])
    more = [*OLD, ("u", START, "rare"), ("v", START, "rare"), ("w", START, "rare")]
    with pytest.warns(UserWarning, match=f"{len(OLD)} of {len(OLD) + 3} rows"):
        updated = strict.update(more)
    assert updated.catalogue_.counts[updated.catalogue_.find("rare")] == 3


def test_pairs_with_times_and_without(completer):
    previous, queries = ["a", "b"] * 9, ["x one", "x two"] * 9
    users, times = list(range(18)), [START + i for i in range(18)]
    known = Autocompleter().fit_pairs(previous, queries, users=users, times=times)
    with pytest.warns(UserWarning, match=f"18 of 18 rows {AGAIN}"):
        same(known.update_pairs(previous, queries, users=users, times=times), known)
    unknown = Autocompleter().fit_pairs(previous, queries)
    with pytest.warns(UserWarning, match="the very same pairs were learned before; they count once more"):
        twice = unknown.update_pairs(previous[::-1], queries[::-1])
    np.testing.assert_array_equal(twice.catalogue_.counts, [18, 18])
    assert unknown.update_pairs(previous[:-1], queries[:-1]).catalogue_.counts.sum() == 35
    assert unknown.update_pairs([], []).catalogue_.counts.sum() == 18
    for wrong, error, message in (
        ({"times": times}, ValueError, "times need users"),
        ({"times": times[:3], "users": users}, ValueError, "times has 3 entries but queries has 18"),
        ({"times": 5, "users": users}, TypeError, "times must be a sequence"),
        ({"times": [*times[:-1], None], "users": users}, ValueError, r"times\[17\]: a time must be a number"),
        (
            {"times": [1e12, *times[1:]], "users": users},
            ValueError,
            r"times\[0\]: the time .* too large for seconds",
        ),
    ):
        for learn in (unknown.update_pairs, Autocompleter().fit_pairs):
            with pytest.raises(error, match=message):
                learn(previous, queries, **wrong)


def test_marks_are_bounded_and_the_latest_are_kept(completer, monkeypatch):
    monkeypatch.setattr(counted, "KEPT", 10)
    marks, times = np.arange(20, dtype=np.uint64), list(range(20, 0, -1))
    kept = counted.remember(np.array([], np.uint64), marks, times)
    assert sorted(kept.tolist()) == list(range(10))
    more = counted.remember(kept, np.array([3, 50, 51], np.uint64), [1.0, 2.0, 3.0])
    assert more.size == 10
    assert more[-3:].tolist() == [3, 50, 51]
    small = Autocompleter(n_jobs=1).fit(OLD)
    assert small.fitted_.counted.size == 10
    with pytest.warns(UserWarning, match="10 of"):
        small.update(OLD)


@pytest.mark.filterwarnings("default:.*were learned before:UserWarning")
def test_on_the_command_line(tmp_path):
    def write(name, rows):
        with (lzma.open if name.endswith("xz") else open)(tmp_path / name, "wt") as file:
            file.writelines(f"{s}\t{t}\t{q}\n" for s, t, q in rows)
        return str(tmp_path / name)

    def run(*args):
        result = CliRunner().invoke(main, list(args))
        assert result.exit_code == 0, result.output
        return result

    model = str(tmp_path / "model")
    run("train-completer", write("log.tsv", OLD), "-m", model)
    run("update-completer", model, write("newer.tsv", NEWER))
    expected = arborank.load(model)
    same(expected, Autocompleter(n_jobs=1).fit([*OLD, *NEWER]))
    result = run("update-completer", model, write("again.tsv.xz", shuffled([*OLD, *NEWER])))
    n = len(OLD) + len(NEWER)
    assert f"{n} of {n} rows were learned before" in result.stderr
    same(arborank.load(model), expected)
    held = str(tmp_path / "held")
    run("train-completer", str(tmp_path / "log.tsv"), "-m", held, "--holdout", "0.3")
    run("update-completer", held, str(tmp_path / "log.tsv"))  # the rows that were held out are new
    assert arborank.load(held).catalogue_.counts.sum() == len(OLD)

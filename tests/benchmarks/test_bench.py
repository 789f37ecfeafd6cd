"""What `make bench` reads of the page of results, and what it calls a slowdown."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    import bench

    yield bench
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def taken(bench, tmp_path, ours, theirs):
    """Measurements of one set: seconds of training by round."""
    found = bench.Measurements(tmp_path)
    for side, rounds in (("arborank", ours), ("libpecos", theirs)):
        for seconds in rounds:
            found.add({"seconds": seconds}, table="train", set="a-set", threads=2, side=side)
    return bench.measured(found, 2)


KEY = ("index + training", 2, "a-set")


def test_the_committed_page_is_read(bench):
    ratios = bench.committed((BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8"))
    assert {figure for figure, _, _ in ratios} == {what for what, *_ in bench.training.SUMMARY}
    assert min(ratios.values()) > 1
    with pytest.raises(ValueError, match="no table between <!-- summary -->"):
        bench.committed("# nothing")


def test_a_ratio_comes_with_the_interval_of_its_rounds(bench, tmp_path):
    now = taken(bench, tmp_path, [1.0, 2.0, 1.5], [9.0, 12.0, 10.0])
    assert now[KEY] == pytest.approx((10 / 1.5, 9 / 2, 12 / 1))


@pytest.mark.parametrize(
    ("before", "said", "named"),
    [(8.0, "", 0), (9.0, "slower?", 0), (11.0, "SLOWER", 1), (5.0, "faster", 0), (None, "not committed", 0)],
)
def test_a_slowdown_is_named_where_the_whole_interval_says_so(bench, tmp_path, before, said, named):
    now = taken(bench, tmp_path, [1.0, 1.2], [8.0, 9.0])  # 7.7, from 6.7 to 9.0
    text, slower = bench.report({} if before is None else {KEY: before}, now)
    assert len(slower) == named
    assert text.splitlines()[-1].endswith(f"| {said} |")
    if named:
        assert slower[0].startswith("index + training on a-set: 11.0× before, 7.7×")

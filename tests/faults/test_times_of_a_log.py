"""Times of a log in another unit than seconds never end every session without a word: they are refused or converted."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from click.testing import CliRunner

from arborank import Autocompleter
from arborank.autocomplete import read_log, session_pairs
from arborank.cli import main

START = 1709294405  # 2024-03-01 12:00:05 UTC
SIZES = {"ms": 10**3, "us": 10**6, "ns": 10**9}
WORDS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


def log(time_of, n=12):
    """Sessions of two queries, twenty seconds apart; ``time_of`` writes a time."""
    return [
        (f"s{i}", time_of(START + 60 * i + wait), query)
        for i in range(n)
        for wait, query in ((0, "digital camera"), (20, "nikon"))
    ]


def n_contexts(rows):
    return sum(bool(before) for before in session_pairs(rows).previous)


@pytest.mark.parametrize("kind", [int, float, str, np.int64, np.float64, Decimal])
@pytest.mark.parametrize("unit", SIZES)
def test_another_unit_is_named(unit, kind):
    rows = log(lambda time: kind(time * SIZES[unit]))
    message = rf"row 0 of the log has the time .* in {WORDS[unit]} it is 2024-03-01 12:00:05 UTC.*time_unit='{unit}'"
    for learn in (session_pairs, Autocompleter().fit):
        with pytest.raises(ValueError, match=message):
            learn(rows)
    with pytest.raises(ValueError, match="row 4 of the log"):  # mixed
        session_pairs([*log(kind)[:4], *rows])
    fitted = Autocompleter().fit(log(kind))
    with pytest.raises(ValueError, match=message):
        fitted.update(rows)


@pytest.mark.parametrize("unit", SIZES)
@pytest.mark.parametrize("name", ["log.tsv", "log.jsonl"])
def test_files_in_another_unit(tmp_path, unit, name):
    def write(place, rows):
        path = tmp_path / place
        if name.endswith("tsv"):
            path.write_text("".join(f"{s}\t{t}\t{q}\n" for s, t, q in rows))
        else:
            keys = ("session", "time", "query")
            path.write_text("".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows))
        return path

    path = write(name, log(lambda time: time * SIZES[unit]))
    expected = session_pairs(log(float))
    with pytest.raises(ValueError, match=rf"{name}:1: the time .* in {WORDS[unit]} it is 2024-03-01"):
        read_log(path)
    rows = read_log(path, time_unit=unit)
    assert rows[1].time == pytest.approx(START + 20)
    assert session_pairs(rows) == expected
    with pytest.raises(ValueError, match=r":1: the time .* is too large for milliseconds since 1970"):
        read_log(write("more-" + name, log(lambda time: time * 10**9)), time_unit="ms")

    def run(*args):
        return CliRunner().invoke(main, [str(arg) for arg in args])

    model = tmp_path / "model"
    refused = run("train-completer", path, "-m", model)
    assert refused.exit_code == 1
    assert f"{name}:1: the time" in refused.stderr
    assert f"--time-unit {unit}" in refused.stderr
    trained = run("train-completer", path, "-m", model, "--time-unit", unit)
    assert trained.exit_code == 0, trained.output
    assert "queries sent: 24" in trained.stderr
    assert run("update-completer", model, path).exit_code == 1
    newer = write("newer-" + name, [(f"n{s}", t, q) for s, t, q in log(lambda time: time * SIZES[unit])])
    updated = run("update-completer", model, newer, "--time-unit", unit)
    assert updated.exit_code == 0, updated.output
    assert run("update-completer", model, path, "--pairs", "--time-unit", unit).exit_code == 2
    assert run("update-completer", model, "--time-unit", unit).exit_code == 2


def test_dates_of_every_kind_are_the_same_moment():
    moment = datetime(2024, 3, 1, 12, 0, 5)
    kinds = [
        START,
        float(START),
        str(START),
        moment,
        moment.replace(tzinfo=UTC),
        moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5, minutes=30))),
        moment.isoformat(),
        "2024-03-01 12:00:05",
        "2024-03-01T12:00:05Z",
        "2024-03-01T17:30:05+05:30",
        " 2024-03-01 12:00:05.000000001\n",
        *(np.datetime64(moment, unit) for unit in ("s", "ms", "us")),
        np.datetime64("2024-03-01T12:00:05.000000000"),
    ]
    for time in kinds:  # two queries that lie 1799 and 1801 seconds later
        rows = [("a", time, "x"), ("a", START + 1799, "y"), ("b", time, "x"), ("b", START + 1801, "y")]
        assert session_pairs(rows).previous == [(), ("x",), (), ()], repr(time)
    days = [
        date(2024, 3, 1),
        np.datetime64("2024-03-01"),
        np.datetime64("2024-03"),
        "2024-03-01",
        "2024-03-01T00",
    ]
    for day in days:
        assert session_pairs([("a", day, "x"), ("a", START - 12 * 3600, "y")]).previous == [(), ("x",)], repr(
            day
        )


def test_dates_of_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(log(int), columns=["session", "time", "query"])
    frame["time"] = pandas.to_datetime(frame["time"], unit="s")
    for rows in (
        frame.itertuples(index=False),
        frame.assign(time=frame["time"].dt.tz_localize("UTC")).itertuples(index=False),
    ):
        assert session_pairs(rows) == session_pairs(log(int))
    with pytest.raises(ValueError, match="row 0 of the log has the time NaT"):
        session_pairs([("a", pandas.NaT, "x")])


@pytest.mark.parametrize(
    "time",
    [
        float("nan"),
        np.nan,
        "nan",
        "-inf",
        Decimal("sNaN"),
        np.datetime64("NaT"),
        np.datetime64("20240-01-01"),
        np.timedelta64(5, "m"),
        timedelta(minutes=5),
        None,
        True,
        np.True_,
        "",
        "01/Mar/2024:12:00:05 +0000",
        b"12",
        [12],
    ],
)
def test_what_is_no_time(time):
    with pytest.raises(
        ValueError, match=r"row 1 of the log has the time .* a time must be a number of seconds"
    ):
        session_pairs([("a", 0, "x"), ("a", time, "y")])


@pytest.mark.parametrize(
    "time", ["0001-01-01", datetime.min, "1601-01-01T00:00Z", np.datetime64("1899-12-30")]
)
def test_dates_that_nobody_set(time):
    with pytest.raises(ValueError, match="is before 1900, as dates that nobody set are"):
        session_pairs([("a", time, "x")])


def test_numbers_of_which_differences_count():
    rows = [("a", -1700000000.5, "x"), ("a", -1699999999, "y"), ("b", 0, "x"), ("b", 30, "y")]
    assert n_contexts(rows) == 2
    assert n_contexts([("a", "-5", "x"), ("a", " 1e3 ", "y")]) == 1
    assert n_contexts([("a", 2**31, "x"), ("a", 99_999_999_999, "y")]) == 0


@pytest.mark.parametrize("time", [-START * 1000, 13_353_767_000_000_000, 10**25, -1e11, 1e300])
def test_numbers_too_large_for_seconds(time):
    with pytest.raises(ValueError, match="too large for seconds since 1970"):
        session_pairs([("a", time, "x")])


def test_milliseconds_since_anything_are_noticed():
    rows = log(lambda time: (time - START) * 1000, n=30)
    with pytest.warns(
        UserWarning, match="30 of 30 pauses between queries of a session are longer than session_gap=1800"
    ):
        assert n_contexts(rows) == 0
    with pytest.warns(UserWarning, match="are the times in seconds"):
        Autocompleter().fit(rows)
    assert n_contexts(log(int, n=30)) == 30  # and no warning


def test_bad_unit(tmp_path):
    (tmp_path / "log.tsv").write_text("a\t1\tx\n")
    for unit in ("min", None, 1000, []):
        with pytest.raises(ValueError, match=r"time_unit is .*; expected one of s, ms, us, ns"):
            read_log(tmp_path / "log.tsv", time_unit=unit)


@pytest.mark.parametrize("given", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_unit_that_no_time_fits(tmp_path, given, unit):
    path = tmp_path / "log.tsv"
    sizes = {"s": 1, **SIZES}
    rows = [*log(lambda time: time * sizes[unit]), ("z", "2024-03-01", "a date")]
    path.write_text("".join(f"{s}\t{t}\t{q}\n" for s, t, q in rows))
    if given == unit:
        assert read_log(path, time_unit=given)[0].time == pytest.approx(START)
    elif sizes[given] < sizes[unit]:
        with pytest.raises(ValueError, match="too large for"):
            read_log(path, time_unit=given)
    else:
        word = {"s": "seconds", **WORDS}[unit]
        message = f"log.tsv: time_unit is '{given}', but the numbers seem to count {word} since 1970, from 2024-03-01"
        with pytest.raises(ValueError, match=message) as caught:
            read_log(path, time_unit=given)
        assert caught.value.argument == "time_unit"
        path.write_text(path.read_text() + "y\t0\tof another clock\n")
        assert len(read_log(path, time_unit=given)) == 26
    if given == "us" and unit == "ms":
        path.write_text("".join(f"{s}\t{t}\t{q}\n" for s, t, q in rows))
        run = CliRunner().invoke(
            main, ["train-completer", str(path), "-m", str(tmp_path / "m"), "--time-unit", "us"]
        )
        assert run.exit_code == 1
        assert "--time-unit is 'us'" in run.stderr
        assert "say --time-unit ms if they do" in run.stderr

"""A log fed to a completer as it happened."""

import numpy as np
import pytest
from click.testing import CliRunner

from arborank import Autocompleter
from arborank.autocomplete import session_pairs
from arborank.autocomplete.replay import Replay, latest, replayed
from arborank.cli import main

HOUR, DAY = 3600.0, 86_400.0


def news():
    """Sessions of a fixed query and what is news that day, in two visits an hour of different users."""
    return [
        (f"s{day}-{hour}-{visit}", DAY * day + HOUR * hour + 60 * visit + second, query)
        for day in range(12)
        for hour in range(0, 24, 3)
        for visit in range(2)
        for second, query in ((0, "weather"), (20, f"news {'abcdefghijkl'[day]} of today"))
    ]


@pytest.fixture(scope="module")
def parts():
    learned, coming = latest(session_pairs(news()), 0.5)
    completer = Autocompleter(n_jobs=1).fit_pairs(*learned[:2], users=learned.users, times=learned.times)
    return completer, learned, coming


def test_updates_find_what_is_new(parts):
    completer = parts[0]
    before = completer.complete("news")
    never, daily, hourly = (replayed(*parts, every).mean() for every in (None, DAY, HOUR))
    refitted = replayed(*parts, DAY, refit=True).mean()
    assert hourly >= 0.98 * refitted
    assert hourly > daily + 0.1
    assert daily >= never
    assert completer.complete("news") == before


def test_only_what_was_known_then_is_used(parts):
    completer, learned, coming = parts
    ranks = replayed(completer, learned, coming, HOUR)
    first = [
        min(row for row, query in enumerate(coming.queries) if query == new) for new in set(coming.queries)
    ]
    unknown = [row for row in first if completer.catalogue_.find(coming.queries[row]) is None]
    assert len(unknown) == 6
    assert ranks[unknown].tolist() == [0] * 6


def test_the_command(tmp_path):
    (tmp_path / "log.tsv").write_text("".join(f"{s}\t{t}\t{q}\n" for s, t, q in news()))
    result = CliRunner().invoke(
        main, ["replay", str(tmp_path / "log.tsv"), "--every", "hour", "--parts", "3", "-j", "1"]
    )
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert all(column in lines[0] for column in ("never", "every hour", "every day"))
    assert lines[1].startswith("1970-01-07")
    (tmp_path / "pairs.tsv").write_text("a\t1\n")
    result = CliRunner().invoke(main, ["replay", str(tmp_path / "pairs.tsv")])
    assert "session, time and query" in result.stderr


def test_a_replay_is_shown():
    pytest.importorskip("matplotlib")
    found = Replay(np.array([0.0, 1.0, 86_400.0]), {"never": np.array([1.0, 0.0, 0.5])}, 2)
    assert [(n, means) for _, n, means in found.spans()] == [(2, {"never": 0.5}), (1, {"never": 0.5})]
    assert "1970-01-01 12:00" in found.to_html()
    assert found.plot().axes[0].get_ylabel() == "mean reciprocal rank"

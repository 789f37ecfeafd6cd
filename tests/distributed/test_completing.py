"""Completers of many shards of a log are those of one machine, to the byte."""

import json
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

from arborank import Autocompleter, load
from arborank.autocomplete import session_pairs
from arborank.cli import main
from arborank.distributed import SerialExecutor, StageError, fit_completer
from support.shards import state_of

pytest.importorskip("pyarrow")


def made_up(n_sessions, seed=0):
    """Sessions of queries of which some follow others; users have several sessions, and two spellings."""
    rng = np.random.default_rng(seed)
    words = ["camera", "nikon", "lens", "shoes", "nike", "tent", "stove", "lamp"]
    rows = []
    for session in range(n_sessions):
        user, time = f"user {session // 2}", 1e9 + 1000.0 * session
        for _ in range(rng.integers(1, 6)):
            query = f"{words[rng.integers(8)]} {words[rng.integers(3)]}"
            query = query.title() if rng.random() < 0.3 else query
            rows.append((f"s{session}", time, query, user))
            time += float(rng.integers(1, 60))
    return rows


def write(folder, rows, n_shards):
    """Write a log to shards by user."""
    folder.mkdir()
    users = list(dict.fromkeys(row[3] for row in rows))
    for number, own in enumerate(np.array_split(np.array(users), n_shards)):
        lines = ["\t".join(map(str, row)) for row in rows if row[3] in set(own.tolist())]
        (folder / f"log-{number}.tsv").write_text("\n".join(lines) + "\n")
    return str(folder / "*.tsv")


@pytest.fixture(scope="module")
def log():
    return made_up(1200)


@pytest.mark.parametrize("n_shards", [1, 4])
def test_a_log_in_shards(tmp_path, log, n_shards):
    completer = Autocompleter(min_count=2, min_users=2, n_jobs=1)
    options = {"work_dir": tmp_path / "work", "completer": completer, "executor": SerialExecutor(1)}
    found = fit_completer(write(tmp_path / "log", log, n_shards), tmp_path / "model", **options)
    assert state_of(found) == state_of(completer.fit(log))


def test_counts_of_a_log_in_shards(tmp_path, log, monkeypatch):
    shards = write(tmp_path / "log", log, 4)
    monkeypatch.setattr("arborank.distributed.completing._QUERIES", 20)  # several ranges
    given = {"executor": SerialExecutor(1), "counts_only": True}
    completer = Autocompleter(min_count=3, n_jobs=1)
    pairs = session_pairs(log)
    wanted = completer.fit_counts(Counter(pairs.queries))
    found = fit_completer(
        shards, tmp_path / "model", work_dir=tmp_path / "work", completer=completer, **given
    )
    assert state_of(found) == state_of(wanted)
    senders = {}
    for query, user in zip(pairs.queries, pairs.users, strict=True):
        senders.setdefault(query.lower(), set()).add(user)
    least = int(np.median([len(own) for own in senders.values()]))
    found = fit_completer(
        shards,
        tmp_path / "few",
        work_dir=tmp_path / "work",
        completer=Autocompleter(min_users=least, n_jobs=1),
        **given,
    )
    assert set(found.catalogue_.keys) == {query for query, own in senders.items() if len(own) >= least}
    few = Autocompleter(min_count=10**6)
    with pytest.raises(ValueError, match="no query is left"):
        fit_completer(shards, tmp_path / "none", work_dir=tmp_path / "work", completer=few, **given)


def test_logs_that_cannot_be_read(tmp_path, log):
    given = {"work_dir": tmp_path / "work", "executor": SerialExecutor(1)}
    shards = write(tmp_path / "log", log, 2)
    bad = tmp_path / "log" / "log-9.tsv"
    bad.write_text("")
    with pytest.raises(StageError, match=r"log-9.tsv holds no row"):
        fit_completer(shards, tmp_path / "model", **given)
    bad.write_text("a\t1\tcamera\tb\na\t2\n")
    with pytest.raises(StageError, match=r"log-9.tsv:2: session, time and query"):
        fit_completer(shards, tmp_path / "model", **given)
    bad.write_text("a\t1\tcamera\tuser 3\n")
    with pytest.raises(StageError, match=r"log-9.tsv has the user or session 'user 3', as .*log-0.tsv has"):
        fit_completer(shards, tmp_path / "model", **given)


def test_on_the_command_line(tmp_path, log):
    shards = write(tmp_path / "log", log, 2)
    train = ["train-completer", "--model", str(tmp_path / "model"), "--shards", shards]

    def run(*args, code=0):
        result = CliRunner().invoke(main, [*train, *map(str, args)])
        assert result.exit_code == code, result.output
        return result.output

    assert "--shards need --work-dir" in run(code=2)
    work = ["--work-dir", tmp_path / "work", "--workers", 1]
    assert "--holdout does not go with --shards" in run(*work, "--holdout", 0.1, code=2)
    assert "different queries" in run(*work, "--min-count", 2, "-j", 1)
    wanted = Autocompleter(min_count=2, n_jobs=1, verbose=1).fit(log)
    assert json.dumps(load(tmp_path / "model").complete("ca")) == json.dumps(wanted.complete("ca"))
    assert "different queries" in run(*work, "--counts-only", "--force")
    assert load(tmp_path / "model").complete("", previous=["camera camera"], k=1)[0][1] is not None

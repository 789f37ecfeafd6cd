"""`arborank learn`: a model learns from a log of decisions, in its place or in another."""

import pytest

from arborank import load
from arborank.exploration import DecisionLog
from arborank.exploration import learn as learned_from
from support import fruit


@pytest.fixture
def log(folder, decided):
    """Write a log of 100 decisions of the model in the folder, of which the last has no reward."""
    lines = decided(100, n_waiting=1)
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


def test_the_model_learns_in_its_place(run, folder, log):
    before = load(folder / "model")
    expected = learned_from(before, DecisionLog.read(folder / "log.jsonl"), step=0.5, half_life=20)
    told = run("learn", "model", "log.jsonl", "--step", "0.5", "--half-life", "20").stderr
    assert "learned from 99 decisions; decisions without a reward yet: 1; saved model" in told
    after = load(folder / "model")
    text = fruit.rows(1, 4)[0][0]
    assert after.rank(text, 3) == expected.rank(text, 3) != before.rank(text, 3)
    assert "Learned from 99 decisions of log.jsonl." in (folder / "model" / "README.md").read_text()


def test_refusals_leave_the_model(run, folder, log):
    before = load(folder / "model").rank("a fruit", 3)
    (folder / "log.jsonl").write_text("\n".join([*log, log[0]]), encoding="utf-8")
    told = run("learn", "model", "log.jsonl", "-o", "new", code=1).stderr
    assert "in the log twice: 1" in told
    assert "--skip-errors" in told
    assert "but a query is a text" in run("learn", "linear", "log.jsonl", "--skip-errors", code=1).stderr
    assert "in the log twice: 1" in run("learn", "model", "log.jsonl", "-o", "new", "--skip-errors").stderr
    (folder / "log.jsonl").write_text(log[-1], encoding="utf-8")
    assert "none of the 1 decisions has a reward" in run("learn", "model", "log.jsonl", code=1).stderr
    assert load(folder / "model").rank("a fruit", 3) == before

"""`arborank whatif`: models judged on a log of decisions."""

import json

import pytest


@pytest.fixture
def log(folder, decided):
    """Write a log of 400 decisions of the model in the folder."""
    lines = decided(400)
    (folder / "log.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return lines


def test_a_table_and_json(run, log):
    told = run("whatif", "log.jsonl", "--model", "model").output
    assert "400 decisions with rewards; 95% intervals" in told
    assert "as logged" in told
    assert "SNIPS" in told
    found = json.loads(run("whatif", "log.jsonl", "--model", "model", "--json", "--clip", "5").output)
    estimates = found["estimates"]["model"]
    assert estimates["IPS"]["low"] < estimates["IPS"]["value"] < estimates["IPS"]["high"]
    assert estimates["IPS"]["value"] > found["logged"]["value"]


def test_lines_that_cannot_be_used(run, folder, log):
    (folder / "log.jsonl").write_text("\n".join([*log, log[0]]), encoding="utf-8")
    told = run("whatif", "log.jsonl", "--model", "model", code=1).stderr
    assert "log.jsonl: decisions that are in the log twice: 1; first line 401" in told
    assert "say --skip-errors to leave out" in told
    skipped = run("whatif", "log.jsonl", "--model", "model", "--skip-errors").output
    assert "decisions that are in the log twice: 1" in skipped


def test_refusals(run, folder, log):
    assert (
        "effective sample size"
        in run("whatif", "log.jsonl", "--model", "model", "--least", "1e6", code=1).stderr
    )
    assert "twice" in run("whatif", "log.jsonl", "--model", "model", "--model", "model", code=2).stderr
    assert "but a query is a text" in run("whatif", "log.jsonl", "--model", "linear", code=1).stderr

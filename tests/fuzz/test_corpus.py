"""What the fuzzer found stays mended, and a few fresh cases find nothing."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import run
import seeds

CORPUS = [json.loads(line) for line in run.CORPUS.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("fuzz") / "seeds"
    return directory, seeds.make(directory)


@pytest.mark.subprocess
def test_found_cases_stay_mended(made):
    assert len(CORPUS) > 10
    cases = [case for case in CORPUS if case["target"] in made[1][case["kind"]]]  # of what is installed
    ways, finds = run.fuzz(cases, made[0])
    assert not finds
    assert sum(ways.values()) == len(cases)


@pytest.mark.subprocess
def test_seeds_are_taken_as_they_are(made):
    directory, names = made
    worker = run.Worker(directory)
    try:
        for kind, targets in names.items():
            for target in targets:
                answer = worker.run({"kind": kind, "target": target, "edits": []})
                if target == "dense.npz":  # which is no sparse matrix
                    assert answer == {"clean": "ValueError"}
                else:
                    assert answer == {"answer": True, **({"refused": 0} if kind == "models" else {})}, target
    finally:
        worker.close()


@pytest.mark.subprocess
def test_fresh_cases(made):
    directory, names = made
    ways, finds = run.fuzz(run.cases(directory, names, 60, seed=1), directory)
    assert not finds
    assert ways["answer"] > 0  # not every mutation is refused: models are used, too
    assert ways["ValueError"] > 0

"""What the fuzzer found stays mended, and a few fresh cases find nothing."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import run
import seeds

CORPUS = [
    json.loads(line) for line in Path(__file__).with_name("corpus.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("fuzz") / "seeds"
    return directory, seeds.make(directory)


@pytest.mark.subprocess
def test_found_cases_stay_mended(made):
    assert len(CORPUS) > 10
    ways, finds = run.fuzz(CORPUS, made[0])
    assert not finds
    assert sum(ways.values()) == len(CORPUS)


@pytest.mark.subprocess
def test_fresh_cases(made):
    directory, names = made
    ways, finds = run.fuzz(run.cases(directory, names, 60, seed=1), directory)
    assert not finds
    assert ways["answer"] > 0  # not every mutation is refused: models are used, too
    assert ways["ValueError"] > 0

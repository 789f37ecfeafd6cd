"""The recipe of the guide on a Spark of this machine. `make test-spark` has an environment; Java must be there."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from arborank.distributed import score_batch
from support.shards import made_up, ranker

pytestmark = pytest.mark.filterwarnings("default")  # those of Spark are no matter here

GUIDE = Path(__file__).parents[2] / "docs" / "distributed.md"


@pytest.fixture(scope="module")
def spark():
    """A session of this machine."""
    if find_spec("pyspark") is None:
        pytest.skip("Spark has an environment of its own: make test-spark")
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    yield session
    session.stop()


def test_map_in_arrow(tmp_path, spark, monkeypatch):
    texts, labels = made_up(600, 150)
    model = ranker(combine="l3-hinge").fit(texts, labels)
    model.save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    frame = spark.createDataFrame(
        [(number, text) for number, text in enumerate(texts)], "id long, text string"
    )
    (code,) = re.findall(r"^(def ranked.*?)```", GUIDE.read_text(), flags=re.DOTALL | re.MULTILINE)
    found = {"frame": frame.repartition(3), "score_batch": score_batch}
    exec(code.replace('"model"', f'"{tmp_path}/model"').replace("k=5", "k=3"), found)
    rows = sorted(found["answers"].collect(), key=lambda row: row["id"])
    assert [row["id"] for row in rows] == list(range(600))
    wanted = model.rank_batch(texts, k=3)
    assert [list(zip(row["labels"], row["scores"], strict=True)) for row in rows] == wanted

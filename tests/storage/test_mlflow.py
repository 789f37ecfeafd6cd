"""Models as those of MLflow."""

import sys
from importlib.util import find_spec

import pytest

from arborank import NgramTfidf, TextRanker, XRLinear
from arborank.storage.mlflow import log_model, save_model
from support.fruit import rows

TEXTS, LABELS = rows(60, 0)

needs_mlflow = pytest.mark.skipif(
    find_spec("mlflow") is None, reason="MLflow is installed by make test-serving"
)
pytestmark = pytest.mark.filterwarnings("default")  # those of MLflow are no matter here


@pytest.fixture(scope="module")
def ranker():
    return TextRanker(NgramTfidf(), label_names=False).fit(TEXTS, LABELS)


@needs_mlflow
def test_a_model_of_mlflow(ranker, tmp_path):
    import mlflow.pyfunc
    import pandas as pd

    save_model(ranker, tmp_path / "model")
    assert not [path for path in (tmp_path / "model").rglob("*") if path.suffix in (".pkl", ".pickle")]
    assert (tmp_path / "model").rglob("config.json")
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    right = ranker.rank_batch(TEXTS[:3], 2)
    found = model.predict(pd.DataFrame({"text": TEXTS[:3]}), params={"k": 2})
    assert found["labels"].tolist() == [[name for name, _ in row] for row in right]
    assert found["scores"].tolist() == [[score for _, score in row] for row in right]
    assert model.metadata.signature.inputs.input_names() == ["text"]
    assert [one.name for one in model.metadata.signature.params] == ["k", "min_score"]
    assert model.predict(pd.DataFrame({"text": ["w1"]}), params={"min_score": 1e9})["labels"].tolist() == [[]]


@needs_mlflow
def test_a_logged_model(ranker, tmp_path, monkeypatch):
    import mlflow
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    with mlflow.start_run():
        info = log_model(ranker, "fruit")
    found = mlflow.pyfunc.load_model(info.model_uri).predict(pd.DataFrame({"text": TEXTS[:1]}))
    assert found["labels"][0][0] == ranker.rank(TEXTS[0], 1)[0][0]


@needs_mlflow
def test_what_ranks_no_texts(tmp_path):
    with pytest.raises(TypeError, match="model must rank texts, as TextRanker does, found XRLinear"):
        save_model(XRLinear(), tmp_path / "model")


def test_without_mlflow(ranker, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.pyfunc", None)
    for action in (lambda: save_model(ranker, tmp_path / "model"), lambda: log_model(ranker, "fruit")):
        with pytest.raises(ImportError, match=r"pip install 'arborank\[mlflow\]'"):
            action()


def test_texts_of_all_kinds(ranker):
    pd = pytest.importorskip("pandas")
    from arborank.storage.mlflow import _Served

    served = _Served(ranker)
    right = served.predict(TEXTS[:2], {"k": 2}).to_dict()
    for given in (
        pd.DataFrame({"text": TEXTS[:2], "id": [1, 2]}),
        pd.DataFrame({"title": TEXTS[:2]}),
        pd.Series(TEXTS[:2]),
    ):
        assert served.predict(given, {"k": 2}).to_dict() == right
    assert served.predict(TEXTS[0]).shape == (1, 2)
    with pytest.raises(ValueError, match=r"columns \['a', 'b'\]; one of the name 'text'"):
        served.predict(pd.DataFrame({"a": TEXTS[:2], "b": [1, 2]}))

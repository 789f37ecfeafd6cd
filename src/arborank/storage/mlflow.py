"""Models of texts as models of MLflow: the flavour ``python_function``, with a signature and without pickle.

MLflow keeps the directory that `arborank.storage.save` writes, and opens it with `_load_pyfunc` of this module.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..core.sequences import column_names
from ..core.state import Savable
from ..core.types import FilePath
from .records import Record
from .store import load, save

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["log_model", "save_model"]

_TEXT, _MIN_SCORE = "text", -1e18  # the column of a table; a score that every label has


class TextModel(Savable, Protocol):
    """What answers to texts, as `TextRanker`."""

    def rank_batch(self, texts: Sequence[str], k: int = 10, **options: Any) -> list[list[tuple[str, float]]]:
        """Return names and scores of the best labels of every text."""


def save_model(
    model: TextModel, path: FilePath, *, records: Sequence[Record] = (), **options: object
) -> None:
    """Save a fitted `TextRanker` as a model of MLflow.

    ``mlflow.pyfunc.load_model(path).predict(texts, params={"k": 5})`` returns a data frame with the columns ``labels``
    and ``scores``, a list of each for every text.

    Parameters
    ----------
    model : TextRanker
        Fitted.
    path : path
        A directory that does not exist yet.
    records : sequence of arborank.storage.Record, default=()
        As for `arborank.storage.save`.
    **options
        Further options of `mlflow.pyfunc.save_model`, such as ``input_example`` and ``metadata``.

    Raises
    ------
    ImportError
        If the extra ``mlflow`` is not installed.
    TypeError
        If the model does not rank texts.
    """
    pyfunc = _pyfunc()
    with tempfile.TemporaryDirectory() as place:
        pyfunc.save_model(str(path), **_described(model, place, records), **options)


def log_model(model: TextModel, name: str, *, records: Sequence[Record] = (), **options: object) -> object:
    """Log a fitted `TextRanker` to the current run of MLflow; parameters and errors are those of `save_model`.

    Parameters
    ----------
    name : str
        Of the model within the run.

    Returns
    -------
    mlflow.models.model.ModelInfo
    """
    pyfunc = _pyfunc()
    with tempfile.TemporaryDirectory() as place:
        return pyfunc.log_model(name=name, **_described(model, place, records), **options)


def _described(model: TextModel, place: str, records: Sequence[Record]) -> dict[str, Any]:
    """Save a model, and return how MLflow opens and asks it."""
    if not hasattr(model, "rank_batch"):
        raise TypeError(f"model must rank texts, as TextRanker does, found {type(model).__name__}")
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array

    from .. import __version__

    directory = Path(place) / "model"
    save(model, directory, records=records)
    answer = [ColSpec(Array(DataType.string), "labels"), ColSpec(Array(DataType.double), "scores")]
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, _TEXT)]),
        outputs=Schema(answer),
        params=ParamSchema(
            [ParamSpec("k", DataType.long, 10), ParamSpec("min_score", DataType.double, _MIN_SCORE)]
        ),
    )
    return {
        "loader_module": __name__,
        "data_path": str(directory),
        "signature": signature,
        "pip_requirements": [f"arborank=={__version__}", "pandas"],
    }


class _Served:
    """What MLflow asks."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> "pd.DataFrame":
        """Return labels and scores of texts, which stand in a column ``text``, the only column, or a list."""
        import pandas as pd

        found = self.model.rank_batch(_texts(model_input), **(params or {}))
        labels = [[name for name, _ in row] for row in found]
        return pd.DataFrame({"labels": labels, "scores": [[score for _, score in row] for row in found]})


def _texts(given: Any) -> Iterable[str]:
    names = column_names(given)
    if names is None:
        return [given] if isinstance(given, str) else given
    if _TEXT not in names and len(names) > 1:
        raise ValueError(f"the table has columns {names}; one of the name {_TEXT!r} was expected")
    column: Iterable[str] = given[_TEXT if _TEXT in names else names[0]].tolist()
    return column


def _load_pyfunc(path: str) -> _Served:
    """Open a model, as MLflow asks every loader module to."""
    return _Served(load(path))


def _pyfunc() -> Any:
    try:
        import mlflow.pyfunc
    except ImportError:
        raise ImportError("models of MLflow need it: pip install 'arborank[mlflow]'") from None
    return mlflow.pyfunc

"""Saved models as the commands use them: one that reads texts, one that reads matrices, and completers beside them."""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from ..autocomplete import Autocompleter
    from ..datasets import MatrixData, TextData
    from .matrix_model import MatrixModel
    from .text_model import TextModel

__all__ = [
    "Data",
    "Ranker",
    "as_ranker",
    "check_calibrated",
    "open_completer",
    "open_model",
    "open_ranker",
    "open_text_model",
]

Data: TypeAlias = Union["TextData", "MatrixData"]
Ranker: TypeAlias = Union["TextModel", "MatrixModel"]
"""What commands take: they ask both in the same words."""


def open_model(directory: str, jobs: int | None = None, *, verify: bool = False) -> Any:
    """Open a saved model of any kind; with ``verify`` every byte of it is compared with its checksum.

    ``jobs`` are its threads, by default every core.
    """
    from ..storage import load

    return load(directory, verify=verify, n_jobs=jobs)


def open_ranker(directory: str, jobs: int | None = None) -> Ranker:
    """Open a saved model that ranks labels; see `open_model`."""
    return as_ranker(open_model(directory, jobs), directory)


def as_ranker(model: Any, directory: str) -> Ranker:
    """Return an open model as one that ranks labels; ``ValueError`` if it is something else."""
    from .matrix_model import MatrixModel
    from .text_model import TextModel

    match type(model).__name__:
        case "TextRanker":
            return TextModel(model)
        case "XRLinear" | "Ensemble" | "HybridRanker":
            return MatrixModel(model)
        case kind:
            hint = "; see arborank complete" if kind == "Autocompleter" else ""
            raise ValueError(f"{directory} holds the model {kind}, which does not rank labels{hint}")


def check_calibrated(ranker: Ranker, directory: str, asked: str | None = None) -> None:
    """Raise unless a model has probabilities, which ``asked`` needs."""
    if ranker.estimator.calibration_ is None:
        lacks = (
            f"{asked} needs probabilities, but {directory} has none"
            if asked
            else f"{directory} has no probabilities"
        )
        raise ValueError(
            f"{lacks}: give labelled rows that it was not trained on to `arborank calibrate {directory} "
            "DATA`, or train with --calibrate"
        )


def open_text_model(directory: str) -> "TextModel":
    """Open a saved model that ranks the labels of texts; see `open_ranker`."""
    from .text_model import TextModel

    ranker = open_ranker(directory)
    if not isinstance(ranker, TextModel):
        raise ValueError(f"{directory} takes feature matrices, not texts; see arborank predict")
    return ranker


def open_completer(directory: str, jobs: int | None = None) -> "Autocompleter":
    """Open a saved completer; ``ValueError`` if the model is something else."""
    model = open_model(directory, jobs)
    kind = type(model).__name__
    if kind != "Autocompleter":
        raise ValueError(f"{directory} holds a {kind}; arborank train-completer makes what completes")
    completer: Autocompleter = model
    return completer

"""Predictions for data with labels, and what they are worth."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .files import is_text_model

if TYPE_CHECKING:
    from ..datasets import MatrixData, TextData
    from ..metrics import Report

__all__ = [
    "LEAST_ROWS",
    "batch_size",
    "batches",
    "check_kind",
    "evaluate_model",
    "n_answers",
    "predict_all",
]

LEAST_ROWS = (
    3  # of training data, for frequencies of labels to mean something: see `arborank.metrics.propensities`
)
_BATCH = 8192
_ANSWERS = 1 << 23  # ids and scores of a batch: 96 MiB


def check_kind(model: Any, is_text: bool, path: str) -> None:
    """Refuse texts for a model of matrices, and matrices for a model of texts."""
    if is_text_model(model) and not is_text:
        raise ValueError(f"{path} holds a matrix, but the model ranks texts")
    if is_text and not is_text_model(model):
        raise ValueError(f"{path} holds texts, but the model takes feature matrices (.npz or N D L files)")


def n_answers(model: Any, k: int, beam_size: int | None) -> int:
    """Return ``k``, or how many labels the model can return if these are fewer."""
    trained = getattr(model, "model_", model)
    most = [k, getattr(trained, "n_labels_", k)]
    if is_text_model(model):
        most.append(len(model.labels_))
    if beam_size is None:
        most.append(getattr(trained, "n_reachable_", k))
    return min(most)


def batch_size(k: int) -> int:
    """Return how many rows are ranked at a time, so that ``k`` answers to each take little memory."""
    return max(1, min(_BATCH, _ANSWERS // k))


def batches(inputs: Any, title: str, size: int) -> Iterator[Any]:
    """Cut texts or a matrix into batches of so many rows, under a progress bar."""
    from ..core.progress import progress

    total = inputs.shape[0] if hasattr(inputs, "shape") else len(inputs)
    with progress(title, total, unit="rows") as update:
        for start in range(0, total, size):
            yield inputs[start : start + size]
            update(min(start + size, total), "")


def predict_all(model: Any, inputs: Any, k: int, beam_size: int | None) -> Any:
    """Return the label ids of the best k labels of every row; fewer columns, padded, where no row has so many."""
    import numpy as np

    options = {} if beam_size is None else {"beam_size": beam_size}
    most = n_answers(model, k, beam_size)
    found = [
        model.predict_topk(batch, most, **options)[0]
        for batch in batches(inputs, "predicting", batch_size(most))
    ]
    ids = np.concatenate(found) if found else np.empty((0, most), np.int64)
    return ids if most == k else np.pad(ids, ((0, 0), (0, 1)), constant_values=-1)


def evaluate_model(
    model: Any,
    data: "TextData | MatrixData",
    ks: tuple[int, ...],
    beam_size: int | None = None,
    train: "TextData | MatrixData | None" = None,
) -> "Report":
    """Score a model; ``train`` gives label frequencies instead of those that the model knows."""
    from ..metrics import evaluate

    ids = predict_all(model, _inputs(data), max(ks), beam_size)
    truth = _truth(model, data)
    frequencies = _frequencies(model, train, truth.shape[1])
    return evaluate(truth, ids, ks, **frequencies)


def _inputs(data: "TextData | MatrixData") -> Any:
    return data.X if hasattr(data, "X") else data.texts


def _truth(model: Any, data: "TextData | MatrixData") -> Any:
    """Return the true labels; names that the model does not know get columns of their own."""
    if hasattr(data, "Y"):
        n_labels = getattr(model, "n_labels_", data.Y.shape[1])  # a model may leave it open
        if data.Y.shape[1] != n_labels:
            raise ValueError(f"the data have {data.Y.shape[1]} labels, but the model has {n_labels}")
        return data.Y
    return model.encode_labels(data.labels, unknown="extend")


def _frequencies(model: Any, train: "TextData | MatrixData | None", n_labels: int) -> dict[str, Any]:
    """Training instances of every label, as `arborank.metrics.evaluate` takes them; nothing if not known."""
    import numpy as np

    trained = getattr(model, "model_", model)
    if train is not None:
        known = train.Y if hasattr(train, "Y") else model.encode_labels(train.labels, unknown="ignore")
        counts, n_train = np.bincount(known.indices, minlength=known.shape[1]), known.shape[0]
    elif hasattr(trained, "label_counts_"):
        counts, n_train = trained.label_counts_, trained.n_instances_
    else:
        return {}
    if n_train < LEAST_ROWS:
        return {}
    padded = np.zeros(n_labels, np.int64)
    padded[: len(counts)] = counts
    return {"train_counts": padded, "n_train": n_train}
